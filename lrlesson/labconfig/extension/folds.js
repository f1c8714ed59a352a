// A lesson folds what follows a prediction (a collapsed heading, as the notebook format has it).
// JupyterLab opens a fold by → and by its triangle; here it opens as well when the prediction is
// recorded, and when somebody who runs cell after cell comes to what is inside.

const RUNS = /^notebook:run-cell(-and-select-next|-and-insert-below)?$/;

const open = (cell) => {
  if (cell?.headingCollapsed) cell.headingCollapsed = false;
};

// Open what hides a cell: the folds above it, until it is seen.
function uncover(cells, index) {
  for (let i = index - 1, rank = 7; i >= 0; i--) {
    const level = cells[i].headingInfo?.level ?? -1;
    if (level < 1 || level >= rank) continue;
    rank = level;
    open(cells[i]);
  }
}

function activate(app) {
  app.commands.commandExecuted.connect((_, { id }) => {
    const notebook = app.shell.currentWidget?.content;
    if (!RUNS.test(id) || !notebook?.activeCell) return;
    if (notebook.activeCell.isHidden) {
      uncover(notebook.widgets, notebook.activeCellIndex);
      notebook.scrollToItem(notebook.activeCellIndex);
    } else if (id === 'notebook:run-cell') {
      open(notebook.activeCell);
    }
  });

  document.addEventListener('lrlesson-recorded', ({ target }) => {
    for (const panel of app.shell.widgets('main')) {
      const cells = panel.content?.widgets ?? [];
      const index = cells.findIndex((cell) => cell.node.contains(target));
      if (index < 0) continue;
      const forms = [...cells[index].node.querySelectorAll('.lrlesson-form')];
      if (forms.every((form) => form.dataset.recorded)) open(cells[index + 1]);
    }
  });
}

export default { id: 'lrlesson:folds', autoStart: true, activate };
