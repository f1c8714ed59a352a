// What JupyterLab knows about a form's kernel, for lrlesson/feedback/widgets/waking.js: whether there
// is one, whether it knows the form, and, if it does not, a way to ask it all the same.

const HEARD = (text) =>
  '__import__("sys").modules["lrlesson"] and ' +
  `__import__("lrlesson.feedback.questions.waking", fromlist=["heard"]).heard(${text})`;

// An expression beside an empty cell: nothing shows, nothing is counted. Null until lrlesson is there.
async function hear(kernel, message) {
  const heard = HEARD(JSON.stringify(JSON.stringify(message)));
  const asked = { code: '', silent: true, store_history: false, user_expressions: { heard } };
  try {
    const { content } = await kernel.requestExecute(asked).done;
    const found = content.user_expressions?.heard;
    return found?.status === 'ok' ? JSON.parse(found.data['text/plain']) : null;
  } catch {
    return null; // the kernel ended meanwhile, or there is nothing to say
  }
}

// Let the forms look again when a kernel comes or goes, and when a cell has run in it.
function watch(context) {
  const look = () => setTimeout(() => document.dispatchEvent(new CustomEvent('lrlesson-kernel')));
  let ran = false;
  context.kernelChanged.connect(look);
  context.connectionStatusChanged.connect(look);
  context.iopubMessage.connect((_, { header, content }) => {
    if (header.msg_type === 'execute_input') ran = true;
    if (header.msg_type !== 'status' || content.execution_state !== 'idle' || !ran) return;
    ran = false;
    look();
  });
}

function activate(app) {
  const watched = new WeakSet();
  document.addEventListener('lrlesson-asleep', ({ target, detail }) => {
    for (const panel of app.shell.widgets('main')) {
      const context = panel.sessionContext;
      if (!context || !panel.node.contains(target)) continue;
      if (!watched.has(context)) watch(context);
      watched.add(context);
      const kernel = context.session?.kernel;
      const there = kernel?.connectionStatus === 'connected';
      detail.asleep = !there || !kernel.hasComm(detail.me);
      if (there) detail.hear = (message) => hear(kernel, message);
    }
  });
}

export default { id: 'lrlesson:asleep', autoStart: true, activate };
