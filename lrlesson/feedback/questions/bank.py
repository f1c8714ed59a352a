"""The questions of the folder `questions`."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.widgets.forms import Option, Question


@cache
def all_questions() -> dict[str, Question]:
    """Every question by its id, lesson by lesson, and then those of the tests.

    Raises ValueError with the id of a question that is not as questions/README.md says.
    """
    found: dict[str, Question] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".toml"):
            continue
        for entry in tomllib.loads(file.read_text(encoding="utf-8"))["question"]:
            options = tuple(Option(**option) for option in entry.pop("options"))
            one = Question(**{"source": "", **entry}, options=options)
            _validate(one, found)
            if not one.id.startswith(file.name.removesuffix(".toml") + "-"):
                raise ValueError(f"question {one.id!r} is in {file.name}, expected its own file")
            found[one.id] = one
    return found


def _validate(one: Question, others: dict[str, Question]) -> None:
    if not re.fullmatch(r"\d\d-[qr]\d+|(pre|post|later)-\d\d", one.id) or one.id in others:
        raise ValueError(f"question {one.id!r}: the id is malformed or taken")
    mistakes = [option.mistake for option in one.options if option.mistake is not None]
    if not 3 <= len(one.options) <= 4 or len(mistakes) != len(one.options) - 1:
        raise ValueError(f"question {one.id}: expected 3 or 4 options, one of them right")
    if unknown := set(mistakes) - set(MISCONCEPTIONS):
        raise ValueError(f"question {one.id}: {unknown} is not in misconceptions.py")


def of_lessons() -> dict[str, Question]:
    """The questions that lessons ask, by their ids: predictions and questions from memory."""
    return {id: one for id, one in all_questions().items() if id[0].isdigit()}


def of_test(name: str) -> list[Question]:
    """The questions of a test: "pre", "post" or "later"."""
    return [one for id, one in all_questions().items() if id.startswith(f"{name}-")]
