// A puzzle: the lines left, and the program so far. Every action is a button, so keys suffice.
// The kernel sends `puzzle` (key, ask, head, lines), `order` (numbers from 1, as checked last) and
// `reply` (HTML that Python has escaped); the form sends the order that is to be checked.

const make = (tag, parts = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), parts);
  node.append(...children);
  return node;
};

function render({ model, el }) {
  const { key, ask, head, lines } = model.get("puzzle");
  const root = make("div", { className: "lrlesson-form lrlesson-parsons" });
  const wake = waking(root, model, () => key, ({ reply: html }) => { reply.innerHTML = html; });
  let order = [...(wake.draft().order ?? model.get("order"))];

  const left = make("div", { className: "lrlesson-lines" });
  const program = make("ol", { className: "lrlesson-program" });
  const said = make("div", { className: "lrlesson-said" });
  const reply = make("div", { className: "lrlesson-reply", tabIndex: -1 });
  for (const live of [said, reply]) live.setAttribute("aria-live", "polite");
  const check = button("Check the order", "", "lrlesson-check", () => wake.send({ order }));

  function group(label, ...children) {
    const node = make("div", {}, make("div", { className: "lrlesson-title", textContent: label }), ...children);
    node.setAttribute("role", "group");
    node.setAttribute("aria-label", label);
    return node;
  }

  function button(text, label, className, onclick) {
    const node = make("button", { type: "button", textContent: text, className, onclick });
    if (label) node.setAttribute("aria-label", label);
    return node;
  }

  // Draw all again, then put the focus on the button that `focus` finds.
  function draw(focus, message = "") {
    left.replaceChildren(
      ...lines.flatMap((text, i) =>
        order.includes(i + 1)
          ? []
          : [button(text, `Use: ${text.trim()}`, "lrlesson-line", () => {
              order.push(i + 1);
              const next = lines.findIndex((_, k) => k > i && !order.includes(k + 1));
              draw(() => left.children[next < 0 ? 0 : [...left.children].findIndex((b) => b.dataset.line == next)] ?? check,
                `Line ${order.length}: ${text.trim()}`);
            })]));
    [...left.children].forEach((b, k) => {
      b.dataset.line = lines.map((_, i) => i).filter((i) => !order.includes(i + 1))[k];
    });
    program.replaceChildren(
      ...order.map((number, place) => {
        const text = lines[number - 1];
        const name = text.trim();
        const move = (to, sign, word) => {
          const node = button(sign, `Move ${word}: ${name}`, "lrlesson-move", () => {
            order.splice(place, 1);
            order.splice(to, 0, number);
            draw(() => program.children[to].querySelector(`[data-word=${word}]:not(:disabled)`)
              ?? program.children[to].querySelector("button:not(:disabled)"),
              `${name} is now line ${to + 1} of ${order.length}`);
          });
          node.dataset.word = word;
          node.disabled = to < 0 || to >= order.length;
          return node;
        };
        const back = button("✕", `Take out: ${name}`, "lrlesson-move", () => {
          order.splice(place, 1);
          draw(() => program.children[Math.min(place, order.length - 1)]?.querySelector("button:not(:disabled)")
            ?? left.children[0], `Taken out: ${name}`);
        });
        return make("li", {},
          make("code", { textContent: text }),
          make("span", {}, move(place - 1, "↑", "up"), move(place + 1, "↓", "down"), back));
      }));
    said.textContent = message;
    if (message) wake.choose({ order });
    if (focus) focus()?.focus();
  }

  const answered = () => {
    reply.innerHTML = model.get("reply");
  };
  model.on("change:reply", answered);
  root.append(
    make("div", { className: "lrlesson-ask", textContent: ask }),
    group("Lines to choose from", left),
    group("Your program", make("code", { textContent: head }), program),
    make("div", { className: "lrlesson-buttons" }, check),
    said, reply, wake.node);
  el.append(root);
  draw();
  answered();
  const unshare = shareKeys(root);
  return () => {
    unshare();
    wake.stop();
  };
}

export default { render };
