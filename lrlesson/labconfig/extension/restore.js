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

async function activate() {
  const container = window._JUPYTERLAB[MANAGER];
  if (!container) return; // not installed, which `lrlesson doctor` reports
  const { WidgetManager, WidgetRenderer } = (await container.get('./index'))();
  const manager = WidgetManager.prototype;
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
      if (this.has_model(id)) return get_model.call(this, id);
      throw error;
    });
  };

  // Each new connection to the kernel looks into the notebook too. Upstream it does not, and when it
  // overtakes the first, which does, what the notebook holds is declared missing.
  manager.restoreWidgets = function (notebook) {
    return restoreWidgets.call(this, notebook);
  };
  manager._handleKernelConnectionStatusChange = function (status) {
    // A lost connection answers no more, so the next one need not wait for it.
    if (status !== 'connected') this._kernelRestoreInProgress = false;
    connectionChanged.call(this, status);
  };

  // A kernel that fails to answer does not keep the notebook from being read.
  manager._loadFromKernel = function () {
    return _loadFromKernel.call(this).catch(console.warn);
  };

  // Nor does one that never answers this question, as JupyterLite's.
  manager._get_comm_info = function () {
    const answer = _get_comm_info.call(this);
    return this.kernel ? Promise.race([answer, unanswered(this.kernel)]) : answer;
  };

  // A notebook saved before its scenes are back keeps those that it was opened with.
  manager._saveState = function () {
    if (this.restoredStatus) _saveState.call(this);
  };

  // A progress bar ends as a closed widget, which neither kernel nor file knows: it leaves no trace.
  const { renderModel } = WidgetRenderer.prototype;
  WidgetRenderer.prototype.renderModel = async function (model) {
    await renderModel.call(this, model);
    const missing = this.node.textContent.endsWith('model not found');
    if (missing && model.data['text/plain'] === 'Output()') this.hide();
  };
}

const restore = { id: 'lrlesson:restore', autoStart: true, activate };
const folds = new URL('folds.js', document.currentScript.src);

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB.lrlesson = {
  init: () => {},
  get: async () => {
    const plugins = [restore, (await import(folds)).default];
    return () => ({ __esModule: true, default: plugins });
  },
};
