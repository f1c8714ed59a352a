// Python takes its time to start. What is run meanwhile waits for it (JupyterLab would forget it), and
// the page says so; it also says how a cell is ended that the stop button, which does nothing, is not.

const CELLS = '@jupyterlab/cells';
const SMALL = 600; // pixels: on a narrower page the list of files would cover the text

const status = document.createElement('div');
status.setAttribute('role', 'status');
status.className = 'lrlesson-lite';
const look = document.createElement('style');
look.textContent = `.lrlesson-lite:not(:empty) {
  position: fixed; z-index: 100; inset: auto 1rem 2.2rem auto; max-width: min(26rem, 100% - 2rem);
  box-sizing: border-box; padding: 0.6rem 0.9rem; border-radius: 8px;
  font: 14px/20px var(--jp-ui-font-family);
  color: var(--jp-ui-inverse-font-color1); background: var(--jp-inverse-layout-color1);
}`;

const size = () => JSON.parse(document.getElementById('jupyter-config-data').textContent).pythonSize;

// The starts of Python that are under way; each is heard of until it has ended.
const starts = new Set();
export function announce(start) {
  starts.add(start);
  status.textContent = `Python is starting, about half a minute, ${size()}, once. ` +
    'You can read meanwhile; a cell that you run waits for it.';
  const end = () => {
    starts.delete(start);
    if (!starts.size) status.textContent = '';
  };
  start.then(end, end);
}

const NO_STOP = 'The stop button does nothing here. Kernel > Restart Kernel ends the cell; ' +
  'run the cells above it again then.';

async function activate(app) {
  document.head.append(look);
  document.body.append(status);
  const [cells] = Object.values(python.scope[CELLS]);
  const { CodeCell } = (await cells.get())();
  const { execute } = CodeCell;
  CodeCell.execute = async (cell, context, ...rest) => {
    if (!context.session?.kernel && cell.model.sharedModel.getSource().trim()) {
      cell.model.executionState = 'running';
      await context.ready;
      if (cell.isDisposed) return undefined;
    }
    return execute(cell, context, ...rest);
  };
  app.commands.commandExecuted.connect((_, { id }) => {
    if (id !== 'notebook:interrupt-kernel' && id !== 'kernelmenu:interrupt') return;
    status.textContent = NO_STOP;
    setTimeout(() => { if (status.textContent === NO_STOP) status.textContent = ''; }, 15_000);
  });
  if (innerWidth >= SMALL) return;
  // JupyterLab opens the list of files more than once while it starts: it stays closed until a touch.
  const close = () => app.shell.leftCollapsed || app.shell.collapseLeft();
  app.restored.then(close); // which waits for this function
  app.shell.layoutModified.connect(close);
  const touched = () => app.shell.layoutModified.disconnect(close);
  for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, touched, true);
}

export const python = { id: 'lrlesson-lite:python', autoStart: true, activate, scope: {} };
