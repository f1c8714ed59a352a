// Bring back the scenes of a saved notebook whatever comes first. JupyterLab loads this file as it
// is: nothing builds it. Where the kernel is slow to start or the connection breaks,
// jupyterlab_widgets says "model not found" of scenes that the file holds, and stays with it.

const MANAGER = '@jupyter-widgets/jupyterlab-manager';

// No widgets, once the kernel is done with the question which ones it has and has not answered it.
const unanswered = (kernel) =>
  new Promise((resolve) => {
    const listen = (_, { msg }) => {
      const { msg_type } = msg.header;
      const done = msg_type === 'status' && msg.content.execution_state === 'idle';
      if (msg_type === 'comm_info_reply') {
        kernel.anyMessage.disconnect(listen);
      } else if (done && msg.parent_header.msg_type === 'comm_info_request') {
        setTimeout(() => kernel.anyMessage.disconnect(listen) && resolve({}), 1000);
      }
    };
    kernel.anyMessage.connect(listen);
  });

// What is mended below is private, so only versions that were looked at are touched.
const KNOWN = /^5\.0\.(9|1[0-6])$/; // those of jupyterlab_widgets 3.0.10 to 3.0.17
const PRIVATE = ['get_model', 'restoreWidgets', '_handleKernelConnectionStatusChange',
  '_get_comm_info', '_loadFromKernel', '_saveState'];
const STATE = 'application/vnd.jupyter.widget-state+json';
let shared = {}; // the page's modules, by name and version

// The state of this course's widgets that a notebook holds, by id. No other notebook is mended.
function ours(notebook) {
  const saved = notebook?.sharedModel?.getMetadata('widgets')?.[STATE]?.state ?? {};
  const named = ([, { state }]) => state?._anywidget_id?.startsWith('lrlesson.');
  return Object.fromEntries(Object.entries(saved).filter(named));
}
const mended = (manager) => Object.keys(ours(manager._context?.model)).length > 0;
const held = new WeakMap(); // by manager: whether the notebook held some when it was opened

async function activate() {
  const container = window._JUPYTERLAB[MANAGER];
  if (!container) return; // not installed, which `lrlesson doctor` reports
  const { WidgetManager, WidgetRenderer } = (await container.get('./index'))();
  const manager = WidgetManager.prototype;
  const versions = Object.keys(shared[MANAGER] ?? {});
  if (!versions.every((one) => KNOWN.test(one)) || !versions.length ||
      PRIVATE.some((name) => typeof manager[name] !== 'function')) {
    console.warn(`lrlesson: jupyterlab-manager ${versions} is unknown here, so a saved scene that ` +
      'JupyterLab does not find is not brought back; run its cell.');
    return;
  }
  const {
    get_model,
    restoreWidgets,
    _handleKernelConnectionStatusChange: connectionChanged,
    _get_comm_info,
    _loadFromKernel,
    _saveState,
  } = manager;

  // Upstream looks for a scene again and again for two seconds, but not at their end: one that came
  // since the last look, and would not be announced again, was lost.
  manager.get_model = function (id) {
    return get_model.call(this, id).catch((error) => {
      if (id in ours(this._context?.model) && this.has_model(id)) return get_model.call(this, id);
      throw error;
    });
  };

  // Each new connection to the kernel looks into the notebook too. Upstream it does not, and when it
  // overtakes the first, which does, what the notebook holds is declared missing.
  manager.restoreWidgets = async function (notebook, options) {
    await this._context?.ready; // before, nobody knows what the notebook holds
    if (!held.has(this)) held.set(this, mended(this));
    return restoreWidgets.call(this, notebook, mended(this) ? undefined : options);
  };
  manager._handleKernelConnectionStatusChange = function (status) {
    // A lost connection answers no more, so the next one need not wait for it.
    if (status !== 'connected' && mended(this)) this._kernelRestoreInProgress = false;
    connectionChanged.call(this, status);
  };

  // A kernel that fails to answer does not keep the notebook from being read.
  manager._loadFromKernel = function () {
    return _loadFromKernel.call(this).catch((error) => {
      if (!mended(this)) throw error;
      console.warn(error);
    });
  };

  // Nor does one that never answers this question, as JupyterLite's.
  manager._get_comm_info = function () {
    const answer = _get_comm_info.call(this);
    if (!this.kernel) return answer;
    const none = unanswered(this.kernel).then((nothing) => (mended(this) ? nothing : answer));
    return Promise.race([answer, none]);
  };

  // A notebook saved before its scenes are back keeps those that it was opened with.
  manager._saveState = function () {
    if (this.restoredStatus || !(held.get(this) ?? mended(this))) _saveState.call(this);
  };

  // A progress bar ends as a closed widget, which neither kernel nor file knows: it leaves no trace.
  const { renderModel } = WidgetRenderer.prototype;
  WidgetRenderer.prototype.renderModel = async function (model) {
    await renderModel.call(this, model);
    const missing = this.node.textContent.endsWith('model not found');
    if (!missing || model.data['text/plain'] !== 'Output()') return;
    if (mended(await this._manager.promise)) this.hide();
  };
}

const restore = { id: 'lrlesson:restore', autoStart: true, activate };
const more = ['folds.js', 'asleep.js'].map((name) => new URL(name, document.currentScript.src));

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB.lrlesson = {
  init: (scope) => { shared = scope; },
  get: async () => {
    const others = await Promise.all(more.map((file) => import(file)));
    const plugins = [restore, ...others.map((file) => file.default)];
    return () => ({ __esModule: true, default: plugins });
  },
};
