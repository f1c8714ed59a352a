// What a form owes a learner while Python sleeps (no kernel, a new one, a busy one): it says so in
// its place, keeps what was chosen in the browser, and has it recorded on waking.

// `key()` names what is asked, and `take` shows an answer. Our extension of JupyterLab knows whether
// the kernel knows this widget, and may ask one that does not (labconfig/extension/asleep.js);
// elsewhere, an answer that does not come says as much.
function waking(root, model, key, take) {
  const sleep = sleeper("Asleep: run the import cell at the top, or this cell. What you choose here is kept.");
  const LATE = "No answer from Python yet. What you chose is kept; if nothing runs, run this cell.";
  const place = () => `lrlesson:${key()}`;
  const draft = () => {
    try {
      return JSON.parse(localStorage.getItem(place())) ?? {};
    } catch {
      return {}; // a browser that keeps nothing
    }
  };
  const keep = (what) => {
    try {
      localStorage.setItem(place(), JSON.stringify(what));
    } catch {
      // likewise
    }
  };
  let sent = null; // where what was sent is kept: a test goes on to its next question
  const forget = () => {
    if (sent) localStorage.removeItem(sent);
    sent = null;
  };
  const page = () => {
    const detail = { me: model.get("me") };
    root.dispatchEvent(new CustomEvent("lrlesson-asleep", { bubbles: true, detail }));
    return detail; // with `asleep`, and perhaps `hear`, where the extension is
  };
  const heard = (what) => {
    sleep.answered();
    if (what) take(what);
  };

  async function send(message) {
    keep({ ...message, wanted: true });
    sent = place();
    const { asleep, hear } = page();
    if (!asleep) {
      sleep.asked(4000, LATE);
      model.send(message);
      return;
    }
    const answer = hear && await hear({ ...message, key: key() });
    if (!answer) return sleep.asked(0);
    forget();
    heard(answer);
  }

  async function look() {
    if (!root.isConnected || !key()) return;
    const { asleep, hear } = page();
    const wanted = draft();
    if (wanted.wanted) return send(wanted);
    if (asleep === undefined) return;
    const answer = asleep && hear && await hear({ key: key() });
    if (asleep && !answer) sleep.asked(0);
    else heard(answer);
  }

  const done = () => {
    forget();
    heard();
  };
  model.on("msg:custom", done);
  document.addEventListener("lrlesson-kernel", look);
  requestAnimationFrame(look); // the form stands on the page by then
  return {
    node: sleep.node,
    draft,
    send,
    choose: keep,
    stop() {
      sleep.answered();
      model.off("msg:custom", done);
      document.removeEventListener("lrlesson-kernel", look);
    },
  };
}
