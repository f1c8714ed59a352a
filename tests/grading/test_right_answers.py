"""Law: an answer that is right in its notebook, run from top to bottom, gets its marks.

Each entry is a notebook as it comes in, made from the released exercise, with what its row says.
"""

import json
import re
from pathlib import Path

import pytest

from lrlesson.grading import grade

pytestmark = pytest.mark.usefixtures("bubblewrap")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {
    "gradient-descent": "01_exercise_what_the_rate_is.ipynb",
    "critical-lr": "02_exercise_too_low_too_high.ipynb",
    "lr-for-floor": "03_exercise_noise.ipynb",
    "step-decay": "04_exercise_decay.ipynb",
    "rmsprop": "08_exercise_per_weight_rates.ipynb",
    "range-test": "10_exercise_finding_the_rate.ipynb",
}
STEP = "def step_decay(t, lr0, drop, every):\n    return lr0 * drop ** (np.asarray(t) // every)\n"
PLAIN = STEP.replace("np.asarray(t)", "t")
FLOOR = STEP.replace("np.asarray(t) // every", "np.floor(np.asarray(t) / every)")
DESCENT = """\
def gradient_descent(grad, w0, lr, steps):
    points = [np.array(w0, dtype=float)]
    for _ in range(steps):
        points.append(points[-1] - lr * np.asarray(grad(points[-1])))
    return np.stack(points)
"""
CRITICAL = "def critical_lr(H):\n    return {} / np.linalg.eigvalsh(np.atleast_2d(H)).max()\n"
BISECTION = """\
def lr_for_floor(target, lam, sigma):
    low, high = 0.0, 2 / lam
    for _ in range(200):
        middle = (low + high) / 2
        if floor_of(middle, lam, sigma) < target:
            low = middle
        else:
            high = middle
    return low
"""
ADAGRAD = """\
class AdaGrad:
    def __init__(self, lr, eps):
        self.lr, self.eps, self.sum = lr, eps, 0.0

    def gather(self, g):
        self.sum = self.sum + g**2

    def step(self, w, g):
        self.gather(g)
        return w - self.lr * g / (np.sqrt(self.sum) + self.eps)
"""
RMSPROP = """\
class RMSprop(AdaGrad):
    def __init__(self, lr, rho, eps):
        super().__init__(lr, eps)
        self.rho = rho

    def gather(self, g):
        self.sum = self.rho * self.sum + (1 - self.rho) * g**2
"""


def read(exercise):
    return json.loads((ROOT / "exercises" / NOTEBOOKS[exercise]).read_text(encoding="utf-8"))


def find(notebook, cell_id):
    for cell in notebook["cells"]:
        if cell_id in (cell["id"], cell["metadata"].get("lrlesson", {}).get("id")):
            return cell
    raise KeyError(cell_id)


def code(source):
    return {"cell_type": "code", "id": "", "metadata": {}, "outputs": [], "source": source}


def answer(exercise, source, edit=None):
    notebook = read(exercise)
    find(notebook, f"{exercise}.answer")["source"] = source
    if edit:
        edit(notebook)
    return notebook


def put(where, *sources, after=False):
    """Cells of the learner's own, before or after one of ours."""

    def edit(notebook):
        at = notebook["cells"].index(find(notebook, where)) + after
        notebook["cells"][at:at] = [code(source) for source in sources]

    return edit


def write(where, source):
    return lambda notebook: find(notebook, where).update(source=source)


def split(where, *sources, keep=True):
    """The cell split in two or more, with or without our metadata on the later ones."""

    def edit(notebook):
        cell = find(notebook, where)
        at = notebook["cells"].index(cell)
        cells = [
            {**cell, "id": f"part{i}", "source": source}
            if keep or not i
            else {**code(source), "id": f"part{i}"}
            for i, source in enumerate(sources)
        ]
        notebook["cells"][at : at + 1] = cells

    return edit


def strip(ids=False, texts=()):
    def edit(notebook):
        for number, cell in enumerate(notebook["cells"]):
            cell["metadata"] = {}
            if ids:
                cell["id"] = f"x{number}"

    return edit


def colab(notebook):
    """Ids and metadata rewritten, ours kept beside, sources as lists."""
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"]["id"] = cell["id"] = f"kq{number}Zz"
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
    notebook["metadata"]["colab"] = {"provenance": []}


def heavy(notebook):
    image = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 25_000_000}}
    find(notebook, "step-decay.answer")["outputs"] = [image]


def several(*edits):
    def edit(notebook):
        for one in edits:
            one(notebook)

    return edit


S = "step-decay"
# name: (exercise, answer, edit of the notebook, what the row says of it: "" for nothing)
RIGHT = {
    # names of ours in the answer
    "row": ("gradient-descent", "def row(w, lr):\n    return w\n" + DESCENT, None, ""),
    "path": ("gradient-descent", "def path(*a):\n    return 1\n" + DESCENT, None, ""),
    "factor": ("critical-lr", "factor = 2\n" + CRITICAL.format("factor"), None, ""),
    "size": ("critical-lr", "size = hessian = 2\n" + CRITICAL.format("size"), None, ""),
    "problem": (S, "problem = seed = rng = every = 7\n" + STEP, None, ""),
    "walk": ("rmsprop", None, None, ""),
    # names of Python's and of NumPy
    "math as np": (S, "import math as np\n" + PLAIN, None, ""),
    "print": (S, "print = row = str = len = range = list = exec = 3\n" + STEP, None, ""),
    "star": (S, "from math import *\n" + STEP, None, ""),
    "no np": (S, PLAIN + "np = None\n", None, ""),
    "shell": (S, "get_ipython = compile = type = dict = 0\n" + STEP, None, ""),
    # what stands elsewhere in the notebook
    "import in ours": (
        S,
        STEP.replace("np.asarray(t) // every", "np.vectorize(math.floor)(np.asarray(t) / every)"),
        write("04_decay.imports", "import numpy as np\nimport math\n"),
        "needed: cell 2 (math)",
    ),
    "import beside feedback": (
        S,
        STEP.replace("np.asarray(t)", "m.asarray(t)"),
        write("feedback", "from lrlesson.feedback import check, summary\nimport numpy as m"),
        "needed: cell 3 (m)",
    ),
    "helper": (
        S,
        STEP.replace("np.asarray(t) // every", "drops(t, every)"),
        put("step-decay.answer", "def drops(t, every):\n    return np.asarray(t) // every"),
        "needed: cell 7 (drops)",
    ),
    "chain of helpers": (
        S,
        STEP.replace("np.asarray(t) // every", "drops(t, every)"),
        put(
            "step-decay.answer",
            "import numpy as n",
            "1 / 0",
            "drops = lambda t, e: arr(t) // e",
            "arr = n.asarray",
        ),
        "needed: cell 7 (n), cell 9 (drops), cell 10 (arr)",
    ),
    "helper below": (
        S,
        STEP.replace("np.asarray(t) // every", "drops(t, every)"),
        put("step-decay.answer", "def drops(t, e): return np.asarray(t) // e", after=True),
        "needed: cell 8 (drops)",
    ),
    "helper after a slow one": (
        S,
        STEP.replace("np.asarray(t) // every", "drops(t, every)"),
        put(
            "step-decay.answer",
            "import time\ntime.sleep(60)",
            "def drops(t, e):\n    return np.asarray(t) // e\ntime.sleep(60)",
        ),
        "needed: cell 7 (time), cell 8 (drops, time)",
    ),
    "star elsewhere": (
        S,
        STEP.replace("np.asarray", "asarray"),
        put("step-decay.answer", "from numpy import *"),
        "needed: cell 7",
    ),
    "worked example": ("lr-for-floor", BISECTION, None, "needed: cell 5 (floor_of)"),
    "other answer": (
        "rmsprop",
        RMSPROP,
        write("adagrad.answer", ADAGRAD),
        "needed: cell 8 (AdaGrad)",
    ),
    "method put on": (
        "rmsprop",
        ADAGRAD.replace("AdaGrad", "RMSprop").replace("lr, eps)", "lr, rho, eps)")
        + "\n    def gather(self, g): pass\n",
        put(
            "rmsprop.answer",
            "def init(self, lr, rho, eps):\n"
            "    self.lr, self.rho, self.eps, self.sum = lr, rho, eps, 0.0",
            "def gather(self, g):\n    self.sum = self.rho * self.sum + (1 - self.rho) * g**2",
            "RMSprop.gather = gather\nRMSprop.__init__ = init",
            after=True,
        ),
        "needed: cell",
    ),
    # an answer in parts, or elsewhere
    "split": (S, "", split("step-decay.answer", "import math", STEP), ""),
    "split in three": (
        S,
        "",
        split(
            "step-decay.answer",
            "n = np",
            "asarray = n.asarray",
            STEP.replace("np.asarray", "asarray"),
        ),
        "",
    ),
    "split, metadata on one": (
        S,
        "",
        split("step-decay.answer", "import numpy as m", STEP.replace("np.", "m."), keep=False),
        "found: step_decay in cell 8, by name",
    ),
    "split by function": ("range-test", "", None, ""),
    "written below the stub": (
        S,
        None,
        put("step-decay.answer", STEP, after=True),
        "found: step_decay in cell 8, by name",
    ),
    "written into the check": (
        S,
        None,
        write("step-decay.check", STEP + 'check("step-decay", step_decay)'),
        "found: step_decay in cell 8, by name",
    ),
    "first try kept": (
        S,
        "",
        split("step-decay.answer", PLAIN.replace("//", "/"), STEP),
        "duplicate: ",
    ),
    # the shell
    "pip": (S, "!pip install -q numpy\n%pip install numpy\n" + STEP, None, ""),
    "ls": (S, "files = !ls\n!ls /\n%conda list\n" + STEP, None, ""),
    "magics": (
        S,
        "%load_ext nb_black\n%matplotlib widget\n%tensorflow_version 2\n" + STEP,
        None,
        "",
    ),
    "time": (S, "%%time\n" + STEP, None, ""),
    "bash above": (
        S,
        STEP.replace("np.", "m."),
        put("step-decay.answer", "%%bash\npip install numpy", "!ls\nimport numpy as m"),
        "needed: cell 8 (m)",
    ),
    # metadata and ids
    "no metadata": (S, STEP, strip(), "found: step-decay.answer by its cell id"),
    "nothing left": (S, STEP, strip(ids=True), "found: step_decay in cell 7, by name"),
    "nothing left, with a helper": (
        S,
        STEP.replace("np.asarray", "asarray"),
        several(strip(ids=True), lambda n: n["cells"].insert(6, code("asarray = np.asarray"))),
        "needed: cell 7 (asarray)",
    ),
    "colab": (S, STEP, colab, ""),
    "stripped by colab": (S, STEP, several(strip(), colab), "found: step_decay in cell 7, by name"),
    # output
    "flood": (S, STEP + "for i in range(5000):\n    print('step', i, '*' * 60)\n", None, ""),
    "flood in the function": (
        S,
        STEP.replace("    return", "    for i in range(3000): print(i, '*' * 60)\n    return"),
        None,
        "",
    ),
    "figures": (
        S,
        STEP + "import matplotlib.pyplot as plt\n%matplotlib inline\n"
        "for i in range(3):\n    plt.imshow(np.random.rand(300, 300)); plt.show()\n",
        None,
        "",
    ),
    "a large value": (S, STEP + "'x' * 3_000_000", None, ""),
    "21 MB": (S, STEP, heavy, ""),
    "asks": (S, STEP, put("step-decay.check", 'hint("step-decay")', 'check("step-decay", 1)'), ""),
    "asks in the answer": (
        S,
        "from lrlesson.feedback import check\n" + STEP + 'check("step-decay", step_decay)',
        None,
        "library: ",
    ),
}
WALK = "def walk(*a):\n    return 0\n" + ADAGRAD.replace("AdaGrad", "RMSprop").replace(
    "lr, eps)", "lr, rho, eps)"
).replace(
    "self.lr, self.eps, self.sum = lr, eps", "self.lr, self.rho, self.eps, self.sum = lr, rho, eps"
).replace("self.sum + g**2", "self.rho * self.sum + (1 - self.rho) * g**2")
RIGHT["walk"] = ("rmsprop", WALK, None, "")


def solution_of(exercise):
    notebook = json.loads((ROOT / "solutions" / NOTEBOOKS[exercise]).read_text(encoding="utf-8"))
    lines = "".join(find(notebook, f"{exercise}.answer")["source"]).splitlines()
    return "\n".join(line for line in lines if "### " not in line)


def range_test_in_two(notebook):
    first, second = solution_of("range-test").split("def suggest_lr")
    split("range-test.answer", first, "def suggest_lr" + second)(notebook)


RIGHT["split by function"] = ("range-test", "", range_test_in_two, "")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("right")
    for learner, (exercise, source, edit, _) in RIGHT.items():
        if source is None:
            source = find(read(exercise), f"{exercise}.answer")["source"]
        notebook = answer(exercise, source, edit)
        place = folder / "in" / learner / NOTEBOOKS[exercise]
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(notebook), encoding="utf-8")
    summary = grade(folder / "in", folder / "out", ROOT / "solutions")
    return {(row.learner, row.exercise): row for row in summary.rows}


@pytest.mark.parametrize("learner", RIGHT)
def test_a_right_answer_gets_its_marks(learner, rows):
    exercise, _, _, said = RIGHT[learner]
    row = rows[learner, exercise]
    assert (row.points, row.status) == (row.max_points, "graded"), (row.reason, row.anomalies)
    kept = [a for a in row.anomalies if not re.match("foreign|unusual", a)]
    if said:
        assert any(a.startswith(said) for a in kept), row.anomalies
    else:
        assert kept == []
