"""What a learner does who clones nothing: install the wheel, start, read, upgrade. Needs a network.

Everything here runs in an environment that holds the wheel and what the wheel asks for, and nothing
of this clone.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
import rig
import uv

from lrlesson.grading.sandbox import bubblewrap as sandbox

ROOT = Path(__file__).parents[2]
BIN = "Scripts" if os.name == "nt" else "bin"
LESSON = "notebooks/00_start_here.ipynb"
EXERCISE = "exercises/04_exercise_decay.ipynb"

pytestmark = pytest.mark.slow


def build(source: Path, to: Path) -> Path:
    """The wheel of a clone."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", to, source]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = to.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A clone of what is committed."""
    folder = tmp_path_factory.mktemp("clone") / "lrlesson"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def python(clone, tmp_path_factory) -> Path:
    """The Python of a new environment, with the wheel in it."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([uv.find_uv_bin(), "venv", "--quiet", folder / "venv"], check=True)
    install(folder / "venv" / BIN / "python", build(clone, folder / "dist"))
    return folder / "venv" / BIN / "python"


def install(python: Path, wheel: Path) -> None:
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", python]
    course = f"{wheel}[course,grading]"
    subprocess.run([*command, "-c", ROOT / "requirements.lock", course], check=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def lrlesson(python, folder, environment):
    """Call `lrlesson` in a folder that is no clone; what it prints."""
    private = folder / "jupyter"
    for name in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{name}_DIR"] = str(private / name.lower())
    environment["PATH"] = f"{python.parent}{os.pathsep}{environment['PATH']}"  # as if activated

    def run(*words: object, cwd: Path = folder) -> str:
        done = subprocess.run(
            [python.with_name("lrlesson"), *map(str, words)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def course(lrlesson, folder) -> Path:
    if not (folder / "my-course").exists():
        assert "Open it: lrlesson lab my-course" in lrlesson("start", "my-course")
    return folder / "my-course"


def test_the_environment_holds_nothing_of_this_clone(python, folder):
    code = "import lrlesson, sys; print(lrlesson.__file__); print(*sys.path)"
    told = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, cwd=folder)
    assert str(python.parents[1]) in told.stdout.splitlines()[0]
    assert str(ROOT) not in told.stdout
    assert sysconfig.get_path("purelib") not in told.stdout


def test_the_doctor_finds_nothing_missing(lrlesson, course):
    verdict, *lines = lrlesson("doctor", cwd=course).splitlines()
    assert verdict == "Everything works."
    optional = "submissions can be graded in a sandbox"
    assert not [line for line in lines if "  note " in line and optional not in line]


def test_progress_begins_with_nothing(lrlesson, course):
    assert "Your progress: 0 of" in lrlesson("progress", cwd=course)


@pytest.mark.browser
def test_the_lab_opens_and_the_first_lesson_runs(chromium, python, course, tmp_path):
    """With its scene alive; PICTURES=folder keeps what was seen."""
    with rig.lab_server(course, tmp_path / "private", python=python) as server:
        lab = rig.Lab(chromium, server)
        try:
            lab.open(LESSON)
            lab.run_all(300)
            lab.cell("self-test-run")
            assert "Everything works." in lab.page.locator(".jp-NotebookPanel").inner_text()
            picture = lab.page.screenshot()
            lab.cell("race-run").locator(".jp-OutputArea svg").first.wait_for()
            assert not lab.complaints
        finally:
            lab.close()
    if place := os.environ.get("PICTURES"):
        Path(place, "fresh-lab.png").write_bytes(picture)


@pytest.mark.skipif(bool(sandbox.problem()), reason="the grader's sandbox is missing")
def test_an_instructor_grades_with_the_installed_course(lrlesson, folder):
    lrlesson("start", "class", "--instructor")
    (folder / "submissions" / "ada").mkdir(parents=True)
    answered = folder / "class" / "solutions" / "04_exercise_decay.ipynb"
    shutil.copy(answered, folder / "submissions" / "ada")
    lrlesson("grade", folder / "submissions", "--out", "results", cwd=folder / "class")
    lines = (folder / "class" / "results" / "results.jsonl").read_text().splitlines()
    (row,) = [row for row in map(json.loads, lines) if row["exercise"] == "step-decay"]
    assert (row["points"], row["status"]) == (6, "graded")
    assert "index.html" in lrlesson("report", "results", cwd=folder / "class")


def test_upgrading_keeps_the_work(lrlesson, course, clone, python, tmp_path):
    """The next version is a wheel of a changed clone; the learner ran one file, changed another."""
    for name in (LESSON, EXERCISE, "notebooks/03_noise.ipynb"):
        notebook = nbformat.read(clone / name, 4)
        notebook.cells[0].source += " (a better sentence)"
        nbformat.write(notebook, clone / name)
    new_lesson = clone / "notebooks" / "99_new.ipynb"
    shutil.copy(clone / LESSON, new_lesson)
    for name in ("pyproject.toml", "lrlesson/__init__.py"):
        text = (clone / name).read_text(encoding="utf-8")
        (clone / name).write_text(text.replace('"0.1.0"', '"0.1.1"'), encoding="utf-8")

    mine = nbformat.read(course / EXERCISE, 4)
    mine.cells[-1].source = "# my answer"
    nbformat.write(mine, course / EXERCISE)
    work = (course / EXERCISE).read_bytes()

    install(python, build(clone, tmp_path / "dist"))
    said = lrlesson("doctor", cwd=course)
    assert "note the course here is that of lrlesson 0.1.1, which is installed" in said
    assert "-> run `lrlesson start .`, which keeps your work" in said
    lines = lrlesson("start", "my-course").splitlines()
    assert f"updated {LESSON}" in "\n".join(lines)
    assert "updated notebooks/03_noise.ipynb" in lines
    assert "added notebooks/99_new.ipynb" in lines
    assert (
        f"kept your {EXERCISE}; the new version of it is beside it, "
        "as 04_exercise_decay.new.ipynb" in lines
    )
    assert lines[-1].startswith("my-course holds the course of lrlesson 0.1.1.")
    assert len(lines) == 5
    assert (course / EXERCISE).read_bytes() == work
    assert (course / "exercises" / "04_exercise_decay.new.ipynb").read_bytes() == (
        clone / EXERCISE
    ).read_bytes()
    assert (course / LESSON).read_bytes() == (clone / LESSON).read_bytes()
