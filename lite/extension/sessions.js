// A kernel for every notebook. JupyterLab loads this file as it is: nothing builds it. JupyterLite
// tells notebooks apart by their file's name without its folder, so that an exercise would be given
// the session of the lesson that is called the same, and would never get a kernel.

{
  const activate = ({ serviceManager: { sessions } }) => {
    const { startNew } = sessions;
    sessions.startNew = function (options, ...rest) {
      return startNew.call(this, { ...options, name: options.path }, ...rest);
    };
  };

  const plugin = { id: 'lrlesson-lite:sessions', autoStart: true, activate };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['lrlesson-lite'] = {
    init: () => {},
    get: async () => () => ({ __esModule: true, default: plugin }),
  };
}
