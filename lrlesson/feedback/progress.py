"""summary, progress and where_am_i: where the learner stands."""

import contextlib
import json
import sys
from dataclasses import dataclass
from typing import Any

from lrlesson.feedback.check.capstone_tracks import CHALLENGES, Challenge
from lrlesson.feedback.check.cards import (
    Card,
    Link,
    Paragraph,
    ShownAsCard,
    plain_text,
    treated,
)
from lrlesson.feedback.check.checking import before_handing_in, checked, find
from lrlesson.feedback.check.helping import different_attempts
from lrlesson.feedback.exercises import all_exercises
from lrlesson.feedback.exercises.exercise import Exercise
from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.questions.bank import of_lessons, of_test
from lrlesson.feedback.questions.retesting import FORMS
from lrlesson.feedback.record import load, progress_path, unknown
from lrlesson.feedback.widgets.puzzles import PUZZLES


class Incomplete(Exception):
    """Raised by `summary` while something is missing or wrong; one line in a notebook."""

    def _render_traceback_(self) -> list[str]:
        return [f"Incomplete: {self}"]


@dataclass(frozen=True, repr=False)
class Table(ShownAsCard):
    """A table that shows itself."""

    shown: Card

    def card(self) -> Card:
        return self.shown


def summary(*ids: str) -> Table:
    """The state of this notebook's exercises, as checked in this kernel: its last cell.

    Parameters
    ----------
    ids : the exercises of the notebook. Without them: all exercises of the notebooks to which the
        exercises checked so far belong.

    Names the file to hand in. While an exercise is missing or wrong, shows the table and raises
    Incomplete, so that a run of the notebook as a test fails. Raises ValueError for an unknown id.
    """
    exercises = [find(id) for id in ids] or _neighbours()
    if not exercises:
        raise Incomplete("nothing has been checked in this notebook; run its cells from the top.")
    record = load()["exercises"]
    rows = [("exercise", "state", "points", "note")]
    missing = []
    for exercise in exercises:
        result = checked.get(exercise.id)
        state = result.status if result else "not checked"
        note = before_handing_in(exercise) if state == "correct" else ""
        if note:
            state = "right, but see the note"
        if result and (believed := _belief(exercise, result.misconception)):
            note = f"the belief: {believed}"
        elif result and result.failures:
            note = result.failures[0].law
        if "solution" in record.get(exercise.id, {}):
            note = f"{note}; solution seen" if note else "solution seen"
        earned = getattr(result, "earned", exercise.points if state == "correct" else 0)
        points = f"{earned:g} of {exercise.points}"
        rows.append((exercise.id, state, points, note))
        if state != "correct":
            missing.append(f"{exercise.id} is {state}")
    files = " and ".join(sorted({exercise.notebook for exercise in exercises}))
    if not missing:
        body = [f"Save this notebook and hand in {files}."]
        return Table(Card("good", "Complete", body, rows))
    body = [f"When all are correct, save this notebook and hand in {files}."]
    _display(Table(Card("bad", "Incomplete", body, rows)))
    raise Incomplete(f"{', '.join(missing)}.")


def _belief(exercise: Exercise | Challenge, slug: str | None) -> str:
    """A mistake in a sentence: the course's, or that of an instructor's own exercise."""
    if slug in MISCONCEPTIONS:
        return MISCONCEPTIONS[slug].belief
    bank = getattr(exercise, "bank", ())
    return next((wrong.belief for wrong in bank if wrong.misconception == slug), "")


def _neighbours() -> list:
    notebooks = {find(id).notebook for id in checked}
    return [exercise for exercise in all_exercises().values() if exercise.notebook in notebooks]


def _display(table: Table) -> None:
    """Show it in the middle of a cell; as text where there is no notebook."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from IPython.display import display

        display(table)
    else:
        print(table)


STATES = {"correct": "✓", "not attempted": "○"}  # any other state: ✗
LEGEND = "✓ correct   ✗ not yet   ○ not attempted"


@dataclass(frozen=True, repr=False)
class Progress(ShownAsCard):
    """Where the learner stands: a table of the lessons, what was begun, what to read again."""

    table: Card
    begun: Card
    again: Card

    def card(self) -> Card:
        return self.table

    def cards(self) -> list[Card]:
        """What there is to show: the table always, a list only with something in it."""
        return [self.table, *(card for card in (self.begun, self.again) if card.body)]

    def _repr_html_(self) -> str:
        return "".join(card.html() for card in self.cards())

    def __repr__(self) -> str:
        return "\n\n".join(card.text() for card in self.cards())

    def __rich__(self) -> Any:
        """The same for a terminal, as wide as that is."""
        from rich import box
        from rich.console import Group
        from rich.table import Table as Grid

        head, *rows = [[plain_text(cell) for cell in row] for row in self.table.table]
        grid = Grid(*head, box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
        for row in rows:
            grid.add_row(*row)
        title, *rest = self.table.text().splitlines()
        said = [line for line in rest if line.strip() in self.table.body]
        lists = [f"\n{card.text()}" for card in self.cards()[1:]]
        return Group(title, grid, *said, *lists)


def progress() -> Progress:
    """What was done so far, on this machine: lesson by lesson, and the tests.

    Every lesson with its predictions, exercises and points; what was begun, with tries and hints;
    and the mistakes that were made last, with where to read again.
    """
    data = load()
    exercises: list[Exercise | Challenge] = [*all_exercises().values(), *CHALLENGES.values()]
    questions = of_lessons().values()
    lessons = sorted({e.notebook[:2] for e in exercises} | {q.id[:2] for q in questions})
    rows: list[tuple[str | Link, ...]] = [("lesson", "predicted", "exercises", "points")]
    for lesson in lessons:
        here = [e for e in exercises if e.notebook.startswith(lesson)]
        asked = [q for q in questions if q.id.startswith(f"{lesson}-")]
        made = sum("first" in data["predictions"].get(q.id, {}) for q in asked)
        got = sum(_earned(data, e) for e in here)
        rows.append(
            (
                _lesson(lesson),
                f"{made} of {len(asked)}" if asked else "",
                ", ".join(f"{_sign(_state(data, e.id))} {_words(e.id)}" for e in here),
                f"{got:g} of {of}" if (of := sum(e.points for e in here)) else "",
            )
        )
    got, of = sum(_earned(data, e) for e in exercises), sum(e.points for e in exercises)
    path = progress_path()
    body = [
        LEGEND,
        *_tests(data),
        f"Kept on this machine only, in {path.parent.name}/{path.name}.",
    ]
    begun: list[Paragraph] = [*map(_entry, _begun(data, exercises))]
    return Progress(
        Card("quiet", f"Your progress: {got:g} of {of} points", body, rows),
        Card("quiet", "What you have begun", begun),
        Card("quiet", "To read again", _again(data, exercises)),
    )


def where_am_i(lesson: str | None = None) -> Table:
    """What is done and what is open in one lesson, with links to its exercise and to the next.

    lesson: its number, for instance "05"; without it, the first lesson in which something is open.
    Raises ValueError where there is no such lesson.
    """
    data = load()
    asked: dict[str, list[str]] = {}
    for id in of_lessons():
        if "-q" in id:
            asked.setdefault(id[:2], []).append(id)
    exercises: dict[str, list[Exercise | Challenge]] = {number: [] for number in asked}
    every: list[Exercise | Challenge] = [*all_exercises().values(), *CHALLENGES.values()]
    for one in every:
        exercises.setdefault(one.notebook[:2], []).append(one)
    lessons = sorted(exercises)
    if lesson is not None and lesson not in exercises:
        raise unknown("lesson", lesson, lessons)

    def open_in(number: str) -> list[str]:
        predictions = [id for id in asked.get(number, []) if id not in data["predictions"]]
        undone = [e.id for e in exercises[number] if _state(data, e.id) != "correct"]
        return [*predictions, *map(_words, undone)]

    here = lesson or next(filter(open_in, lessons), lessons[-1])
    made = sum(id in data["predictions"] for id in asked.get(here, []))
    body: list[Paragraph] = [f"{made} of {len(asked.get(here, []))} predictions made."]
    left = open_in(here)
    body.append(f"Still open: {', '.join(left)}." if left else "Nothing is left open.")
    for name in sorted({e.notebook for e in exercises[here]}):
        signs = (f"{_sign(_state(data, e.id))} {_words(e.id)}" for e in exercises[here])
        body.append(Link(f"Its exercise: {', '.join(signs)}", f"../exercises/{name}"))
    following = [number for number in lessons if number > here]
    if following and isinstance(then := _lesson(following[0]), Link):
        body.append(Link(f"Next: {then.text}", then.to))
    title = _lesson(here)
    name = title.text if isinstance(title, Link) else f"Lesson {title}"
    return Table(Card("quiet" if left else "good", name, body))


def _state(data: dict[str, Any], id: str) -> str:
    state: str = data["exercises"].get(id, {}).get("status", "not attempted")
    return state


def _earned(data: dict[str, Any], exercise: "Exercise | Challenge") -> float:
    """Points so far: all of them for a right answer, what was measured for a strategy."""
    if _state(data, exercise.id) != "correct":
        return 0
    earned: float = data["exercises"][exercise.id].get("earned", exercise.points)
    return earned


def _sign(state: str) -> str:
    return STATES.get(state, "✗")


def _words(id: str) -> str:
    return id.replace("-", " ")


def _lesson(lesson: str) -> str | Link:
    """The lesson's title, which opens it where the course's notebooks are at hand."""
    folder = progress_path().parent.parent / "notebooks"
    for path in sorted(folder.glob(f"{lesson}_*.ipynb")):
        with contextlib.suppress(OSError, ValueError, LookupError):
            first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
            title = first.partition("\n")[0].lstrip("# ").strip()
            return Link(f"{lesson} {title}", f"../notebooks/{path.name}")
    return f"{lesson}"


def _tests(data: dict[str, Any]) -> list[str]:
    names = {"pretest": "pre-test", "posttest": "post-test", "delayed": "delayed test"}
    counted = []
    for section, form in FORMS.items():
        asked = of_test(form)
        done = sum(question.id in data[section] for question in asked)
        counted.append(f"{names[section]}: {done} of {len(asked)} answered")
    return counted


def _begun(
    data: dict[str, Any], exercises: list[Exercise | Challenge]
) -> list[tuple[str, dict[str, Any], int]]:
    """Name, record and number of hints of all that was tried or helped with."""
    named = [(_words(e.id), e.id, len(e.hints)) for e in exercises]
    named += [(f"puzzle {_words(id)}", id, 0) for id in PUZZLES]
    found = [(name, data["exercises"].get(id, {}), hints) for name, id, hints in named]
    return [item for item in found if item[1]]


def _entry(item: tuple[str, dict[str, Any], int]) -> str:
    name, entry, hints = item
    state = entry.get("status", "not attempted")
    tries = different_attempts(entry)
    said = [state, f"{tries} different attempt{'' if tries == 1 else 's'}"]
    if entry.get("hints"):
        said.append(f"{entry['hints']} of {hints} hints")
    if seen := entry.get("solution"):
        said.append(f"solution seen after {seen.get('attempts', 0)} different attempts")
    return f"{_sign(state)} {name}: {', '.join(said)}"


def _again(data: dict[str, Any], exercises: list[Exercise | Challenge]) -> list[Paragraph]:
    """The last mistake of each exercise that is not solved, in words, and where to read."""
    found: list[Paragraph] = []
    for exercise in exercises:
        entry = data["exercises"].get(exercise.id, {})
        met = [a["misconception"] for a in entry.get("attempts", []) if a.get("misconception")]
        believed = _belief(exercise, met[-1]) if met else ""
        if believed and entry.get("status") != "correct":
            found.append(f"{_words(exercise.id)}: {believed}")
            found += treated(met[-1])
    return found
