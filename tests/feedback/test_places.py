"""Whoever is sent to a lesson finds a word there on the mistake that was made."""

import re
from pathlib import Path

import nbformat
import pytest

from lrlesson.feedback import check
from lrlesson.feedback.exercises import all_exercises
from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.exercises.places import PLACES

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"


def parts(lesson):
    """The prose of each part of a lesson, by its number."""
    cells = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    pieces = re.split(r"^## Part (\d)", text, flags=re.MULTILINE)
    prose = (" ".join(piece.split()) for piece in pieces[2::2])
    return dict(zip(map(int, pieces[1::2]), prose, strict=True))


@pytest.mark.parametrize("slug", PLACES)
def test_the_part_of_the_lesson_has_these_words(slug):
    assert slug in MISCONCEPTIONS
    lesson, part, words = PLACES[slug]
    assert words in parts(lesson)[part]


def test_the_link_of_a_card_opens_the_lesson():
    exercise = all_exercises()["step-decay"]
    (wrong, *_) = [w for w in exercise.bank if w.misconception == "drops-one-step-early"]
    result = check("step-decay", *exercise.build(wrong.code))
    (link,) = re.findall(r'<a href="(.+?)">(.+?)</a>', result._repr_html_())
    assert link[1] == "Lesson 04, part 1, treats this."
    assert (ROOT / "exercises" / link[0]).resolve() == NOTEBOOKS / "04_decay.ipynb"
    assert "Lesson 04, part 1, treats this. (notebooks/04_decay.ipynb)" in repr(result)


def test_a_mistake_that_no_lesson_treats_has_no_pointer():
    result = check("step-decay", lambda t, lr0, drop, every: None)
    assert "Lesson" not in repr(result)
    assert "<a " not in result._repr_html_()
