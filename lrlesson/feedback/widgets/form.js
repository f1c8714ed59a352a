// One question: radio buttons, a confidence, buttons, and a place for the reply.
// The kernel sends `question` (title, ask, options, confidences, buttons), `marked` (what was
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
  let waiting = null;

  const send = (message) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => say(model.get("question").no_answer), 4000);
    try {
      model.send(message);
    } catch {
      say(model.get("question").no_answer); // there is no kernel
    }
  };
  later.onclick = () => send({ button: -1 });

  const say = (text) => reply.replaceChildren(make("p", { textContent: text }));

  const ask = () => {
    const question = model.get("question");
    const hadFocus = root.contains(document.activeElement);
    clearTimeout(waiting);
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
      send({ button: index, chosen, confidence: sure.chosen() });
    };
    const buttons = question.buttons.map((text, i) =>
      make("button", { type: "button", textContent: text, onclick: () => press(i) }));
    asked.append(answer.node, sure.node, make("div", { className: "lrlesson-buttons" }, ...buttons));
    const marked = model.get("marked");
    if (marked.chosen >= 0) answer.inputs[marked.chosen].checked = true;
    if (sure.inputs[marked.confidence]) sure.inputs[marked.confidence].checked = true;
    if (hadFocus) answer.inputs[0].focus();
  };

  const answered = () => {
    clearTimeout(waiting);
    reply.innerHTML = model.get("reply");
    const hadFocus = document.activeElement === later;
    later.textContent = model.get("later");
    later.hidden = !later.textContent;
    if (later.hidden && hadFocus) reply.focus(); // where the button was
    if (!reply.innerHTML) return;
    root.dataset.recorded = "true"; // what JupyterLab folds below may open (labconfig/extension)
    const told = new CustomEvent("lrlesson-recorded", { bubbles: true });
    requestAnimationFrame(() => root.dispatchEvent(told)); // it stands on the page by then
  };

  model.on("change:question", ask);
  model.on("change:reply change:later", answered);
  model.on("msg:custom", () => clearTimeout(waiting));
  ask();
  answered();
  return shareKeys(root);
}

export default { render };
