// One question: radio buttons, a confidence, buttons, and a place for the reply.
// The kernel sends `question` (key, title, ask, options, confidences, buttons), `marked` (what was
// recorded before), `reply` (HTML that Python has escaped) and `later` (the text of one more button
// below the reply, or nothing); the form sends what was pressed.

const make = (tag, parts = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), parts);
  node.append(...children);
  return node;
};

function radios(legend, labels, name, className) {
  const inputs = labels.map((_, i) => make("input", { type: "radio", name, value: i }));
  const rows = labels.map((text, i) => make("label", {}, inputs[i], make("span", { textContent: text })));
  const node = make("fieldset", { className }, make("legend", {}, ...legend), ...rows);
  return { node, inputs, chosen: () => inputs.findIndex((input) => input.checked) };
}

function render({ model, el }) {
  // Unique on the page: every form loads this file anew, and equal names would join their buttons.
  const name = `lrlesson-${Math.random().toString(36).slice(2)}`;
  const asked = make("div");
  const reply = make("div", { className: "lrlesson-reply" });
  reply.setAttribute("aria-live", "polite");
  reply.tabIndex = -1;
  const later = make("button", { type: "button", className: "lrlesson-later" });
  const root = make("div", { className: "lrlesson-form" }, asked, reply, later);
  el.append(root);
  let form = null; // the two groups of radio buttons
  const key = () => model.get("question").key;
  const wake = waking(root, model, key, ({ reply: html, later: text }) => tell(html, text));
  root.append(wake.node);
  later.onclick = () => wake.send({ button: -1 });
  root.onchange = () => wake.choose({ chosen: form.answer.chosen(), confidence: form.sure.chosen() });

  const say = (text) => reply.replaceChildren(make("p", { textContent: text }));

  const ask = () => {
    const question = model.get("question");
    const hadFocus = root.contains(document.activeElement);
    asked.replaceChildren();
    if (!question.ask) return;
    const legend = [
      make("span", { className: "lrlesson-title", textContent: question.title }),
      make("span", { className: "lrlesson-ask", textContent: question.ask }),
    ];
    const answer = radios(legend, question.options, `${name}-answer`, "lrlesson-options");
    const sure = radios(
      [question.how_sure], question.confidences, `${name}-sure`, "lrlesson-confidence");
    sure.node.hidden = !question.confidences.length;
    const press = (index) => {
      const chosen = answer.chosen();
      if (index === 0 && chosen < 0) {
        say(question.choose_first);
        answer.inputs[0].focus();
        return;
      }
      wake.send({ button: index, chosen, confidence: sure.chosen() });
    };
    const buttons = question.buttons.map((text, i) =>
      make("button", { type: "button", textContent: text, onclick: () => press(i) }));
    asked.append(answer.node, sure.node, make("div", { className: "lrlesson-buttons" }, ...buttons));
    form = { answer, sure };
    const marked = { ...model.get("marked"), ...wake.draft() };
    if (marked.chosen >= 0) answer.inputs[marked.chosen].checked = true;
    if (sure.inputs[marked.confidence]) sure.inputs[marked.confidence].checked = true;
    if (hadFocus) answer.inputs[0].focus();
  };

  const tell = (html, text) => {
    reply.innerHTML = html;
    const hadFocus = document.activeElement === later;
    later.textContent = text;
    later.hidden = !later.textContent;
    if (later.hidden && hadFocus) reply.focus(); // where the button was
    if (!reply.innerHTML) return;
    root.dataset.recorded = "true"; // what JupyterLab folds below may open (labconfig/extension)
    const told = new CustomEvent("lrlesson-recorded", { bubbles: true });
    requestAnimationFrame(() => root.dispatchEvent(told)); // it stands on the page by then
  };

  const answered = () => tell(model.get("reply"), model.get("later"));
  model.on("change:question", ask);
  model.on("change:reply change:later", answered);
  ask();
  answered();
  const unshare = shareKeys(root);
  return () => {
    unshare();
    wake.stop();
  };
}

export default { render };
