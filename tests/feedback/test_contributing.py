"""The exercise that CONTRIBUTING.md shows works as it stands on the page."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from lrlesson.feedback import check
from lrlesson.feedback import exercises as exercises_module
from lrlesson.feedback.check import checking
from lrlesson.grading import release

PAGE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILE, CELLS = re.findall(
    r"```python\n(.*?)```", PAGE.partition("### Add an exercise")[2], re.DOTALL
)


@pytest.fixture
def exercise(monkeypatch):
    namespace: dict = {}
    exec(compile(FILE, "inverse_time.py", "exec"), namespace)
    (exercise,) = namespace["EXERCISES"]
    known = {**exercises_module.all_exercises(), exercise.id: exercise}
    monkeypatch.setattr(checking, "all_exercises", lambda: known)
    return exercise


def test_the_reference_is_right_and_the_bank_is_wrong_by_name(exercise):
    result = check("inverse-time", *exercise.build(exercise.reference))
    assert result.status == "correct"
    for wrong in exercise.bank:
        result = check("inverse-time", *exercise.build(wrong.code))
        assert (result.status, result.misconception) == ("wrong", wrong.misconception)


def test_its_cells_are_released(exercise, tmp_path):
    notebook = nbformat.v4.new_notebook()
    for part in CELLS.split("# %% ")[1:]:
        head, source = part.split("\n", 1)
        id, metadata = head.split(" ", 1)
        cell = nbformat.v4.new_code_cell(source.rstrip(), id=id, metadata=json.loads(metadata))
        notebook.cells.append(cell)
    (tmp_path / "solutions").mkdir()
    nbformat.write(notebook, tmp_path / "solutions" / exercise.notebook)
    (made,) = release(tmp_path / "solutions", tmp_path / "exercises")
    text = made.read_text(encoding="utf-8")
    assert "raise NotImplementedError" in text
    assert "default_rng" not in text
    (answer,) = [c for c in nbformat.read(made, 4).cells if c.id == "inverse-time-answer"]
    namespace: dict = {}
    exec(answer.source, namespace)
    assert check("inverse-time", namespace["inverse_time"]).status == "not attempted"
