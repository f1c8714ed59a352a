"""For teachers, folded at the end of a lesson's page: what it claims, and which ideas it meets.

The claims are the tests of tests/claims, in the words of their docstrings, which name the seeds and
the margin; the ideas are those for which the options of the lesson's questions stand.
"""

import re
from collections.abc import Iterable
from html import escape

import catalogue

from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.questions.bank import of_lessons

CLAIMS = catalogue.of_tests("claims", "listing").listing()
NAMES = {kind.__name__.lower(): kind.__name__ for kind in catalogue.RULES}


def note(lesson: str) -> str:
    """The folded part for the lesson of this number, two digits, as HTML; empty without content."""
    parts = []
    if claims := [claim for claim in CLAIMS if claim["lesson"] == int(lesson)]:
        parts.append(
            "<p>Each claim is a test; here are its words, with the margin. Claims about runs with "
            "chance in them hold on the seeds 0 to 9, and every week on ten that nobody has seen "
            f"(<code>tests/claims/test_lesson_{lesson}.py</code>, <code>make test-claims</code>). "
            "ROBUST says: on each seed; SET: for means or medians; EXACT: by a law."
            "</p>" + listed(f"<b>{title(claim)}</b> {escape(claim['says'])}" for claim in claims)
        )
    if asked := met(lesson):
        parts.append(
            "<p>Mistaken ideas that its questions meet, each by an option of its own:</p>"
            + listed(
                f"“{escape(MISCONCEPTIONS[slug].belief)}” ({', '.join(ids)})".replace("`", "")
                for slug, ids in asked.items()
            )
        )
    if not parts:
        return ""
    return (
        '<details class="for-teachers"><summary>For teachers: what this lesson claims, and which '
        f"ideas it meets</summary>{''.join(parts)}</details>"
    )


def title(claim: dict) -> str:
    """The sentence in a test's name, and the ids that tests/claims/README.md lists."""
    words = re.sub(r"(^|_)([CMNV]\d+_)+", "", claim["test"].removeprefix("test")).strip("_")
    said = " ".join(NAMES.get(word, word) for word in words.split("_"))
    ids = [one for one in claim["claims"] if one[0] in "CN"]
    return said[0].upper() + said[1:] + (f" ({', '.join(ids)})." if ids else ".")


def met(lesson: str) -> dict[str, list[str]]:
    """The mistaken ideas of a lesson's questions, each with the questions that have it."""
    found: dict[str, list[str]] = {}
    for question in of_lessons().values():
        if question.id.startswith(f"{lesson}-"):
            for option in question.options:
                if option.mistake:
                    found.setdefault(option.mistake, []).append(question.id)
    return found


def listed(items: Iterable[str]) -> str:
    """An HTML list."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
