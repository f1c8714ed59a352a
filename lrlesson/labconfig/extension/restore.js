// Bring back the scenes of a saved notebook whatever comes first. JupyterLab loads this file as it
// is: nothing builds it. Where the machine or the connection is slow, jupyterlab_widgets says "model
// not found" of scenes that the file holds, and stays with it; the four rules below prevent that.

const MANAGER = '@jupyter-widgets/jupyterlab-manager';

async function activate() {
  const container = window._JUPYTERLAB[MANAGER];
  if (!container) return; // not installed, which `lrlesson doctor` reports
  const rules = (await container.get('./index'))().WidgetManager.prototype;
  const {
    restoreWidgets,
    _loadFromKernel,
    _handleKernelConnectionStatusChange: connectionChanged,
    _saveState,
    get_model,
  } = rules;

  // Each time the kernel is connected, look into the notebook too. Otherwise the second time may
  // overtake the first, which reads the notebook, and declare what that has not found yet missing.
  rules.restoreWidgets = function (notebook) {
    return restoreWidgets.call(this, notebook);
  };
  rules._handleKernelConnectionStatusChange = function (status) {
    // A lost connection answers no more, so the next one need not wait for it.
    if (status !== 'connected') this._kernelRestoreInProgress = false;
    connectionChanged.call(this, status);
  };

  // A kernel that fails to answer does not keep the notebook from being read.
  rules._loadFromKernel = function () {
    return _loadFromKernel.call(this).catch(console.warn);
  };

  // A notebook saved before its scenes are back keeps those that it was opened with.
  rules._saveState = function () {
    if (this.restoredStatus) _saveState.call(this);
  };

  // Upstream waits two seconds, and does not look again when a busy page lets them pass unused.
  rules.get_model = function (id) {
    return get_model.call(this, id).catch((error) => {
      if (this.has_model(id)) return get_model.call(this, id);
      throw error;
    });
  };
}

const plugin = { id: 'lrlesson:restore', autoStart: true, activate };

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB.lrlesson = {
  init: () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
