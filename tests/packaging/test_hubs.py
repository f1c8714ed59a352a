"""What hubs make of the course: nbgitpuller brings changes, and a student's work stays."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import rig

EXERCISE, LESSON = Path("exercises/04_exercise_decay.ipynb"), Path("notebooks/04_decay.ipynb")
MINE = "def step_decay(t, lr0, drop, every):\n    return lr0 * drop ** (t // every)"

pytestmark = pytest.mark.slow


def cell(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    return next(one for one in notebook.cells if one.id == name)


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The course in a git repository, from which a hub's link pulls."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # nobody's settings of git
    folder = rig.copy_course(tmp_path / "teacher")
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    who = ["-c", "user.name=teacher", "-c", "user.email=teacher@example.org"]
    subprocess.run(["git", "-C", folder, "add", "-A"], check=True)
    subprocess.run(["git", "-C", folder, *who, "commit", "-q", "-m", "Course"], check=True)


def pull(teacher: Path, student: Path) -> None:
    command = [sys.executable, "-m", "nbgitpuller.pull", teacher.as_uri(), "main", student]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("elsewhere", [True, False], ids=["another-cell", "the-same-cell"])
def test_a_pull_keeps_what_a_student_wrote(teacher: Path, tmp_path: Path, elsewhere: bool):
    """Whatever the teacher changed meanwhile, which arrives where the student wrote nothing."""
    student = tmp_path / "student"
    pull(teacher, student)

    solved = nbformat.read(student / EXERCISE, as_version=4)
    answer = cell(solved, "step-decay-answer")
    answer.source, answer.execution_count = MINE, 3
    cell(solved, "step-decay-check").outputs = [
        nbformat.v4.new_output("stream", text="Correct: step-decay\n")
    ]
    nbformat.write(solved, student / EXERCISE)
    progress = student / ".lrlesson" / "progress.json"
    progress.parent.mkdir()
    progress.write_text("{}")
    (student / LESSON).unlink()

    changed = nbformat.read(teacher / EXERCISE, as_version=4)
    word = "Changed by the teacher."
    if elsewhere:
        changed.cells[0].source += f"\n\n{word}"
    else:
        cell(changed, "step-decay-answer").source += f"\n    # {word}"
    nbformat.write(changed, teacher / EXERCISE)
    (teacher / "notebooks" / "99_new.ipynb").write_bytes((teacher / LESSON).read_bytes())
    commit(teacher)
    pull(teacher, student)

    kept = nbformat.read(student / EXERCISE, as_version=4)
    nbformat.validate(kept)
    assert cell(kept, "step-decay-answer").source == MINE
    assert "Correct" in cell(kept, "step-decay-check").outputs[0].text
    assert (word in kept.cells[0].source) == elsewhere
    assert progress.read_text() == "{}"
    assert (student / "notebooks" / "99_new.ipynb").is_file()
    assert (student / LESSON).read_bytes() == (teacher / LESSON).read_bytes()
