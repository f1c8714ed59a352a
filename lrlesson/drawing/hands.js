// What every widget of the course owes the hands of its readers: keys, and word when Python sleeps.

// JupyterLab takes the keys of an element without this attribute. A control needs its own (arrows,
// space, letters that would otherwise delete cells); what runs a cell or leaves it is the notebook's.
const SUPPRESS = "data-lm-suppress-shortcuts";

function shareKeys(root) {
  const listener = (event) => {
    if (!root.contains(event.target) || !event.target.setAttribute) return;
    const runs = event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.altKey);
    const notebooks = runs || event.key === "Escape" || event.ctrlKey || event.metaKey;
    if (notebooks) event.target.removeAttribute(SUPPRESS);
    else event.target.setAttribute(SUPPRESS, "true");
    if (notebooks) setTimeout(() => event.target.setAttribute(SUPPRESS, "true"));
  };
  window.addEventListener("keydown", listener, true); // before the page's own, whichever its phase
  return () => window.removeEventListener("keydown", listener, true);
}

// A live region that says so when a question to Python stays unanswered. Append `node`; call asked()
// with each question and answered() with each reply.
function sleeper(words = "Asleep: run this cell.") {
  const node = document.createElement("p");
  node.setAttribute("role", "status");
  node.className = "lr-asleep";
  let waiting = 0;
  return {
    node,
    asked(patience = 4000, said = words) {
      waiting ||= setTimeout(() => { node.textContent = said; }, patience);
    },
    answered() {
      clearTimeout(waiting);
      waiting = 0;
      node.textContent = "";
    },
  };
}
