"""Law: a text has a row that says it waits for a mark, and the mark set by hand fills it."""

import json

import nbformat
import pytest

from lrlesson.grading import apply_overrides, grade, release
from lrlesson.grading.marks.export import export
from lrlesson.grading.marks.report import write

pytestmark = pytest.mark.usefixtures("bubblewrap")

TOML = """\
[[exercise]]
id = "double"
notebook = "one.ipynb"
points = 2
[[exercise]]
id = "why"
notebook = "one.ipynb"
points = 5
"""
TEXT = "Why does it double?\n### BEGIN SOLUTION\nBecause of the two.\n### END SOLUTION"


@pytest.fixture
def folder(source, tmp_path):
    """An instructor's folder with a text exercise, and a text beside the code of another."""

    def edit(notebook):
        for exercise in ("double", "why"):
            cell = nbformat.v4.new_markdown_cell(TEXT, id=f"{exercise}-text")
            data = {"id": f"{exercise}.text", "exercise": exercise, "role": "text"}
            cell.metadata["lrlesson"] = data
            notebook.cells.append(cell)

    folder = source(edit)
    (folder / "course.toml").write_text(TOML, encoding="utf-8")
    release(folder, tmp_path / "out")
    return folder


def rows(folder, tmp_path, **texts):
    """The rows of one learner who wrote those texts, by exercise."""
    notebook = json.loads((tmp_path / "out" / "one.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("lrlesson", {}).get("id", "").removesuffix(".text")
        cell["source"] = texts.get(name, cell["source"])
    (tmp_path / "in" / "ada").mkdir(parents=True)
    (tmp_path / "in" / "ada" / "one.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return {r.exercise: r for r in grade(tmp_path / "in", tmp_path / "graded", folder, 1).rows}


def test_a_text_waits_for_a_mark_and_the_override_file_gives_it(folder, tmp_path):
    found = rows(folder, tmp_path, why="Since 2 is two.")
    waits = found["why"]
    assert (waits.status, waits.points, waits.max_points) == ("by hand", 0, 5)
    assert waits.reason == "to be marked by hand: why.text"
    index, page = write(list(found.values()), tmp_path / "report")
    assert "still to be marked by hand: 1" in index.read_text(encoding="utf-8")
    assert "there is no mark yet" in page.read_text(encoding="utf-8")
    assert export(list(found.values()), "moodle", tmp_path).waiting == ["ada"]
    marks = tmp_path / "overrides.csv"
    marks.write_text("learner,exercise,points,note\nada,why,4,clear\n", encoding="utf-8")
    done = apply_overrides(list(found.values()), marks)
    (given,) = (row for row in done if row.exercise == "why")
    assert (given.status, given.points) == ("graded", 4)
    assert given.anomalies == ["set by hand: 4, was no mark; clear"]
    assert export(done, "moodle", tmp_path).waiting == []
    index, page = write(done, tmp_path / "report")
    assert "still to be marked" not in index.read_text(encoding="utf-8")
    assert "read and marked by hand" in page.read_text(encoding="utf-8")


def test_a_text_that_nobody_wrote_does_not_wait(folder, tmp_path):
    found = rows(folder, tmp_path)
    assert [row.status for row in found.values()] == ["not attempted"] * 2
    assert found["double"].anomalies == []


def test_a_text_beside_code_is_named_to_be_read(folder, tmp_path):
    found = rows(folder, tmp_path, double="I thought of two.")
    assert found["double"].anomalies == ["text: double.text, to be read by hand"]
