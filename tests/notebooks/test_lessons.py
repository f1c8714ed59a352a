"""Every lesson runs from top to bottom, in silence, and is stored as learners should find it."""

import ast
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lrlesson.feedback.questions.bank import all_questions
from lrlesson.feedback.widgets.forms import Question

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


@pytest.fixture(scope="module")
def heard(pytestconfig) -> Path:
    """Where runs leave what the cells said, one folder for each state of the library."""
    files = sorted((ROOT / "lrlesson").rglob("*.py")) + LESSONS
    state = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    return Path(pytestconfig.cache.mkdir(f"said-{state}"))


def listen(lesson: Path, course: Path, file: Path) -> list[str]:
    """Run a lesson and keep in `file` what its cells say."""
    file.unlink(missing_ok=True)
    done = run_as_a_test(course / "notebooks" / lesson.name, SAID=str(file))
    if done.returncode:
        file.unlink(missing_ok=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return file.read_text(encoding="utf-8").splitlines()


@lessons
def test_it_runs_without_error_or_warning(lesson, course, heard):
    assert len(listen(lesson, course, heard / lesson.stem)) > 2


@pytest.mark.slow
@lessons
def test_it_says_the_same_twice(lesson, course, heard, tmp_path):
    """The fast lane has run it once, if this is the state that it ran."""
    if not (heard / lesson.stem).exists():
        listen(lesson, course, heard / lesson.stem)
    first = (heard / lesson.stem).read_text(encoding="utf-8").splitlines()
    assert first == listen(lesson, course, tmp_path / "again")


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
    """Headings that only fold, and cells that only hold the claims of another, do not count."""
    cells = nbformat.read(lesson, as_version=4).cells
    assert (
        sum(
            not (cell.id == "where" or cell.id.endswith("-held") or is_folded(cell))
            for cell in cells
        )
        <= 33
    )


@lessons
def test_what_holds_a_claim_stands_apart_from_the_experiment(lesson):
    """It is hidden below one line that says what it holds."""
    before = None
    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "code":
            asserts = sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source)))
            assert bool(asserts) == cell.id.endswith("-held"), cell.id
        if cell.id.endswith("-held"):
            assert cell.metadata.jupyter.source_hidden, cell.id
            assert cell.id == f"{before.id}-held"
            assert before.source.splitlines()[-1].startswith("# held by the cell below: "), cell.id
        before = cell


FOLDED = "jp-MarkdownHeadingCollapsed"
MARK = "*Folded until you have predicted.*"


def is_folded(cell: nbformat.NotebookNode) -> bool:
    return cell.metadata.get(FOLDED, False)


def level(cell: nbformat.NotebookNode) -> int:
    """Of a cell's highest heading, which is where JupyterLab folds; 9 without one."""
    if cell.cell_type != "markdown":
        return 9
    return min((len(found) for found in re.findall(r"(?m)^(#+) ", cell.source)), default=9)


def visible(cells: list) -> list:
    """What one sees while every fold is closed, in the places that fold."""
    seen, folded = [], 9
    for cell in cells:
        if level(cell) > folded:
            continue
        folded = level(cell) if is_folded(cell) else 9
        seen.append(cell)
    return seen


def asked(cell: nbformat.NotebookNode) -> list[Question]:
    """The predictions for which a cell asks."""
    ids = re.findall(r'predict\("(\d\d-q\d+)"', cell.source) if cell.cell_type == "code" else []
    return [all_questions()[one] for one in ids]


def words(text: str) -> set[str]:
    """The numbers of a text, and its words of more than three letters."""
    text = re.sub(r"Part \d|\(\d+ minutes\)", "", text)
    found = re.findall(r"\w+(?:[./]\w+)*", text.lower())
    return {word for word in found if len(word) > 3 or any(map(str.isdigit, word))}


def telling(question: Question) -> set[str]:
    """The words and numbers of the right answer that are not in the question."""
    return words(question.option(question.right).text) - words(question.ask)


@lessons
def test_what_follows_a_prediction_is_folded(lesson):
    """Only headings can be seen below an open prediction, and none of them says the answer."""
    cells = nbformat.read(lesson, as_version=4).cells
    ask = [place for place, cell in enumerate(cells) if asked(cell)]
    for place in ask:
        heading, mark = cells[place + 1].source.split("\n\n")
        assert is_folded(cells[place + 1])
        assert heading.startswith("### Run it: ")
        assert mark == MARK
    if ask:
        seen = [cell for cell in visible(cells) if cells.index(cell) > ask[0]]
        headings = [cell.source.partition("\n\n")[0] for cell in seen]
        for cell, heading in zip(seen, headings, strict=True):
            assert is_folded(cell), cell.id
            assert cell.source in (heading, f"{heading}\n\n{MARK}"), cell.id
        questions = [one for place in ask for one in asked(cells[place])]
        known = set().union(*(words(one.ask) for one in questions))
        for question in questions:
            for heading in headings:
                assert not words(heading) & telling(question) - known, (question.id, heading)
    for place in ask:
        for question in asked(cells[place]):
            assert not words(cells[place + 1].source.removesuffix(MARK)) & telling(question), (
                question.id
            )


def test_a_fold_ends_at_the_next_heading_of_its_rank():
    def cell(text: str, **metadata: bool) -> nbformat.NotebookNode:
        return nbformat.v4.new_markdown_cell(text, metadata=metadata)

    shut = {FOLDED: True}
    cells = [cell("## A", **shut), cell("a"), cell("### B", **shut), cell("## C"), cell("c")]
    assert [one.source for one in visible(cells)] == ["## A", "## C", "c"]
