"""Law: solutions are the one source; exercises come from them, leak nothing, test themselves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lrlesson.feedback.exercises import all_exercises
from lrlesson.grading import release
from lrlesson.grading.cells import BEGIN, END, lesson, read_exercises, read_sources, solution_lines

ROOT = Path(__file__).parents[2]
SOLUTIONS, EXERCISES = ROOT / "solutions", ROOT / "exercises"
NAMES = sorted(path.name for path in SOLUTIONS.glob("*.ipynb"))


def sources(path):
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


def nbval(option, *paths, progress):
    """Plain nbval, with no option of ours, as anyone would run it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", option, "-q", "--color=no", *map(str, paths)],
        cwd=ROOT,
        env=environment | {"LRLESSON_PROGRESS": str(progress)},
        capture_output=True,
        text=True,
    )


def test_there_are_solutions():
    assert NAMES == ["01_what_the_rate_is.ipynb", "04_decay.ipynb"]


def test_the_exercises_are_what_the_solutions_make(tmp_path):
    made = release(SOLUTIONS, tmp_path / "exercises")
    assert [path.name for path in made] == sorted(p.name for p in EXERCISES.glob("*.ipynb"))
    for path in made:
        assert path.read_bytes() == (EXERCISES / path.name).read_bytes(), (
            f"{path.name} is not current: run `lrlesson release`"
        )


def test_no_solution_line_occurs_in_any_exercise():
    lines = set(solution_lines(read_sources(SOLUTIONS).values()))
    assert len(lines) >= 6
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
        known = all_exercises()[name]
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


def test_the_stored_solutions_pass_plain_nbval(tmp_path):
    ran = nbval("--nbval", "solutions", progress=tmp_path / "progress.json")
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert "passed" in ran.stdout


RIGHT = {
    "step-decay.answer": (
        "def step_decay(t, lr0, drop, every):\n"
        "    return lr0 * drop ** np.floor(np.asarray(t) / every)"
    ),
    "gradient-descent.answer": (
        "def gradient_descent(grad, w0, lr, steps):\n"
        "    points = [np.array(w0, dtype=float)]\n"
        "    for _ in range(steps):\n"
        "        points.append(points[-1] - lr * grad(points[-1]))\n"
        "    return np.array(points)"
    ),
}
WRONG = {
    "step-decay.answer": RIGHT["step-decay.answer"].replace("asarray(t)", "asarray(t + 1)"),
    "gradient-descent.answer": RIGHT["gradient-descent.answer"].replace("- lr", "+ lr"),
}


@pytest.mark.parametrize("answers", ["right", "wrong", "unfilled"])
def test_filled_in_copies_pass_nbval_only_if_they_are_right(answers, tmp_path):
    folder = tmp_path / "course" / "exercises"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "course.toml", folder.parent)
    for name in NAMES:
        notebook = nbformat.read(EXERCISES / name, as_version=4)
        for cell in notebook.cells:
            if lesson(cell).get("role") == "answer" and answers != "unfilled":
                cell.source = {"right": RIGHT, "wrong": WRONG}[answers][lesson(cell)["id"]]
        nbformat.write(notebook, folder / name)
    ran = nbval("--nbval-lax", *folder.iterdir(), progress=tmp_path / "progress.json")
    if answers == "right":
        assert ran.returncode == 0, ran.stdout[-2000:]
    else:
        assert ran.returncode == 1, ran.stdout[-2000:]
        state = {"wrong": "wrong", "unfilled": "not attempted"}[answers]
        assert ran.stdout.count(f"is {state}.") == len(NAMES)
        assert ran.stdout.count("FAILED") == len(NAMES), "in each, only the last cell fails"
