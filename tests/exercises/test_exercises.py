"""Law: solutions are the one source; exercises come from them, leak nothing, test themselves."""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lrlesson.data import digits
from lrlesson.feedback.check.capstone_tracks import CHALLENGES
from lrlesson.feedback.check.checking import find
from lrlesson.feedback.exercises import all_exercises
from lrlesson.grading import release
from lrlesson.grading.authoring.source_notebooks import (
    BEGIN,
    END,
    lesson,
    read_exercises,
    read_sources,
    solution_lines,
)
from lrlesson.grading.marking import score
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.training import train

ROOT = Path(__file__).parents[2]
SOLUTIONS, EXERCISES = ROOT / "solutions", ROOT / "exercises"
NAMES = sorted(path.name for path in SOLUTIONS.glob("*.ipynb"))


def sources(path):
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


def nbval(option, *paths, progress):
    """Plain nbval, with no option of ours, as anyone would run it."""
    # In CI pytest's last lines would repeat the whole of each error.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "CI"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", option, "-q", "--color=no", *map(str, paths)],
        cwd=ROOT,
        env=environment | {"LRLESSON_PROGRESS": str(progress)},
        capture_output=True,
        text=True,
    )


def test_the_readme_leads_to_every_exercise_and_each_is_known():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\(exercises/(.*?)\)", readme) == NAMES
    graded = {e.id for e in all_exercises().values() if e.points} | {*CHALLENGES, "lab-note"}
    assert set(read_exercises(read_sources(SOLUTIONS))) == graded


def test_the_exercises_are_what_the_solutions_make(tmp_path):
    made = release(SOLUTIONS, tmp_path / "exercises")
    assert [path.name for path in made] == sorted(p.name for p in EXERCISES.glob("*.ipynb"))
    for path in made:
        assert path.read_bytes() == (EXERCISES / path.name).read_bytes(), (
            f"{path.name} is not current: run `lrlesson release`"
        )


def test_no_solution_line_occurs_in_any_exercise():
    lines = set(solution_lines(read_sources(SOLUTIONS).values()))
    assert len(lines) >= 50
    for path in EXERCISES.glob("*.ipynb"):
        text = sources(path)
        assert [line for line in lines if line in text] == []
        assert BEGIN not in text
        assert END not in text


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_holds_no_hidden_cell_no_output_and_no_points(name):
    text = (EXERCISES / name).read_text(encoding="utf-8")
    assert '"hidden"' not in text
    assert '"points"' not in text
    for cell in json.loads(text)["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_the_ids_and_points_are_those_of_the_checks():
    exercises = read_exercises(read_sources(SOLUTIONS))
    for name, exercise in exercises.items():
        if exercise.by_hand:
            continue
        known = find(name)
        assert (exercise.points, exercise.notebook) == (known.points, known.notebook)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_reads_as_an_exercise(name):
    """The task, a worked sibling above, the stub, the check right below, the file to hand in."""
    cells = nbformat.read(EXERCISES / name, as_version=4).cells
    assert name in cells[0].source, "the notebook says which file to hand in"
    answers = [i for i, cell in enumerate(cells) if lesson(cell).get("role") == "answer"]
    assert answers
    for i in answers:
        assert "raise NotImplementedError" in cells[i].source
        assert '"""' in cells[i].source
        assert lesson(cells[i + 1])["role"] == "check"
        exercise = lesson(cells[i])["exercise"]
        assert cells[i + 1].source.startswith(f'check("{exercise}", ')
        assert cells[i - 1].cell_type == "markdown"
        assert "$$" in cells[i - 1].source
        assert any(cell.id.startswith("worked") for cell in cells[:i])
    assert cells[-1].source.startswith("summary(")
    assert all(cell.id.replace("-", "").isalpha() for cell in cells), "ids that a person can read"


@pytest.mark.slow
def test_the_stored_solutions_pass_plain_nbval(tmp_path):
    ran = nbval("--nbval", "solutions", progress=tmp_path / "progress.json")
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert "passed" in ran.stdout


RIGHT = tomllib.loads((ROOT / "tests/feedback/right.toml").read_text(encoding="utf-8"))
BANK = [(e, wrong) for e in all_exercises().values() if e.points for wrong in e.bank]


def filled(kind, exercise):
    """An answer to put into an exercise: another right one than the reference, or a wrong one."""
    if exercise in CHALLENGES:
        name = exercise.removeprefix("capstone-") + "_strategy"
        return CHALLENGES[exercise].reference if kind == "right" else f"{name} = 1"
    if kind == "right":
        return next(iter(RIGHT[exercise].values()))
    return next(w.code for w in all_exercises()[exercise].bank if w.told_by is None)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["right", "wrong", "unfilled"])
def test_a_filled_in_copy_passes_nbval_only_if_it_is_right(kind, tmp_path):
    folder = tmp_path / "course" / "exercises"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "course.toml", folder.parent)
    exercises = 0
    for name in NAMES:
        notebook = nbformat.read(EXERCISES / name, as_version=4)
        for cell in notebook.cells:
            if lesson(cell).get("role") == "answer":
                exercises += 1
                if kind != "unfilled":
                    cell.source = filled(kind, lesson(cell)["exercise"])
        nbformat.write(notebook, folder / name)
    ran = nbval("--nbval-lax", *folder.iterdir(), progress=tmp_path / "progress.json")
    if kind == "right":
        assert ran.returncode == 0, ran.stdout[-2000:]
        return
    assert ran.returncode == 1, ran.stdout[-2000:]
    state = {"wrong": "wrong", "unfilled": "not attempted"}[kind]
    said = " ".join(ran.stdout.split())
    assert said.count(f" is {state}") == exercises
    assert said.count("FAILED") == len(NAMES), "in each, only the last cell fails"


def printed(exercise, answer, seed):
    """What the hidden cells with points print in one namespace, by id; "" where one raises."""
    namespace, said = {}, {}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for cell in exercise.cells:
            source = answer if lesson(cell)["role"] == "answer" else cell.source
            out = io.StringIO()
            try:
                with contextlib.redirect_stdout(out):
                    exec(source, namespace)
                    namespace["seed"] = seed
            except Exception:
                out = io.StringIO()
            if "points" in lesson(cell):
                said[lesson(cell)["id"]] = out.getvalue()
    return said


def marks(exercise, answer, seed):
    """The points that an answer gets, as the grader would compare its rows."""
    (reference,) = exercise.role("answer")
    wanted, came = (printed(exercise, code, seed) for code in (reference.source, answer))
    points = 0
    for cell in exercise.role("hidden"):
        if "points" in lesson(cell):
            name = lesson(cell)["id"]
            pair = [score.rows(text) for text in (wanted[name], came[name])]
            if not score.difference(*pair, **score.settings(lesson(cell))):
                points += lesson(cell)["points"]
    return points


EXERCISE = read_exercises(read_sources(SOLUTIONS))


@pytest.mark.parametrize(
    ("known", "wrong"), BANK, ids=lambda x: getattr(x, "id", None) or x.misconception
)
def test_the_hidden_checks_catch_every_known_mistake(known, wrong):
    exercise = EXERCISE[known.id]
    assert marks(exercise, "import numpy as np\n" + wrong.code, seed=3) < exercise.points


@pytest.mark.parametrize(("id", "style"), [(id, s) for id, codes in RIGHT.items() for s in codes])
def test_the_hidden_checks_accept_every_right_answer(id, style):
    for seed in (3, 4):
        answer = "import numpy as np\n" + RIGHT[id][style]
        assert marks(EXERCISE[id], answer, seed) == EXERCISE[id].points


def test_a_rate_from_the_range_test_trains_the_digits_network():
    """On five seeds, five epochs at the suggested rate end below 0.2."""
    namespace = {}
    (cell,) = EXERCISE["range-test"].role("answer")
    exec("import numpy as np\n" + cell.source, namespace)
    data, network = digits(), net_a()
    targets = data.targets()
    for seed in range(5):
        rng = np.random.default_rng(seed)

        def loss_grad(w, rng=rng):
            chosen = rng.choice(data.n, size=32, replace=False)
            return network.gradient(w, data.x_train[:, chosen], targets[:, chosen])

        lrs, losses = namespace["lr_range_test"](loss_grad, network.init(rng), 1e-4, 10, 100)
        rate = namespace["suggest_lr"](lrs, losses)
        assert rate < lrs[np.argmin(losses)]
        assert 0.05 < rate < 0.5
        history = train(network, data, SGD(), rate, 5, seed=seed)
        assert history.train_loss[:, -1] < 0.2
