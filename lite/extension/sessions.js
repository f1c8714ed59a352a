// A kernel for every notebook. JupyterLab loads this file as it is: nothing builds it. JupyterLite
// tells notebooks apart by their file's name without its folder, so that an exercise would be given
// the session of the lesson that is called the same, and would never get a kernel.

{
  const file = new URL('python.js', document.currentScript.src);
  let shared = {}; // the page's modules, by name and version

  const get = async () => {
    const { announce, python } = await import(file);
    python.scope = shared;
    const activate = ({ serviceManager: { sessions } }) => {
      const { startNew } = sessions;
      sessions.startNew = function (options, ...rest) {
        const session = startNew.call(this, { ...options, name: options.path }, ...rest);
        announce(session.then(({ kernel }) => new Promise((done) => {
          kernel.info.then(done, done);
          kernel.disposed.connect(done);
        })));
        return session;
      };
    };
    const one = { id: 'lrlesson-lite:sessions', autoStart: true, activate };
    return () => ({ __esModule: true, default: [one, python] });
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['lrlesson-lite'] = { init: (scope) => { shared = scope; }, get };
}
