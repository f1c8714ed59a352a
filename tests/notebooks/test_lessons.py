"""Every lesson runs from top to bottom, in silence, and is stored as learners should find it."""

import ast
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = {"cell": 60, "lesson": 180}

lessons = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)


def run_as_a_test(lesson: Path, **environment: str) -> subprocess.CompletedProcess:
    """nbval over a notebook: each cell is a test, which fails on an error and on any stderr."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval-lax", "-p", "silent", "-q"),
            *("-p", "no:cacheprovider", f"--nbval-cell-timeout={SECONDS['cell']}", lesson.name),
        ],
        cwd=lesson.parent,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)} | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS["lesson"],
    )


def test_there_are_lessons():
    assert {lesson.stem for lesson in LESSONS} >= {"00_start_here", "02_too_low_too_high"}


@lessons
def test_it_runs_without_error_or_warning(lesson, course):
    done = run_as_a_test(course / "notebooks" / lesson.name)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@lessons
def test_it_says_the_same_twice(lesson, course, tmp_path):
    def said(name: str) -> list[str]:
        file = tmp_path / name
        done = run_as_a_test(course / "notebooks" / lesson.name, SAID=str(file))
        assert done.returncode == 0, done.stdout + done.stderr
        return file.read_text().splitlines()

    with ThreadPoolExecutor() as side_by_side:
        first, second = side_by_side.map(said, ("first", "second"))
    assert len(first) > 2
    assert first == second


def test_a_careless_cell_would_be_noticed(tmp_path):
    cells = [
        "1 + 1",
        "1 / 0",
        "import warnings; warnings.warn('careless')",
        "import sys; sys.stderr.write('careless')",
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, tmp_path / "careless.ipynb")
    done = run_as_a_test(tmp_path / "careless.ipynb")
    assert done.returncode == 1
    assert "3 failed, 1 passed" in done.stdout


@lessons
def test_it_is_stored_without_results(lesson):
    notebook = nbformat.read(lesson, as_version=nbformat.NO_CONVERT)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert "widgets" not in notebook.metadata


@lessons
def test_its_file_is_the_canonical_one(lesson):
    """Opening and saving changes nothing, so a difference in git is one in content."""
    notebook = nbformat.read(lesson, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    assert lesson.read_text(encoding="utf-8") == nbformat.writes(notebook).rstrip("\n") + "\n"


@lessons
def test_it_is_not_too_long(lesson):
    """The short cells that only hold the claims of the cell above are not counted."""
    cells = nbformat.read(lesson, as_version=4).cells
    assert sum(not cell.id.endswith("-held") for cell in cells) <= 30


@lessons
def test_what_holds_a_claim_stands_apart_from_the_experiment(lesson):
    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "code":
            asserts = sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source)))
            assert bool(asserts) == cell.id.endswith("-held"), cell.id
