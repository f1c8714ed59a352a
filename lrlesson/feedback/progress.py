"""summary and progress: where the learner stands."""

import sys
from dataclasses import dataclass

from lrlesson.feedback.check.capstone_tracks import CHALLENGES, Challenge
from lrlesson.feedback.check.cards import Card, ShownAsCard
from lrlesson.feedback.check.checking import checked, find
from lrlesson.feedback.check.helping import different_attempts
from lrlesson.feedback.exercises import all_exercises
from lrlesson.feedback.exercises.exercise import Exercise
from lrlesson.feedback.questions.bank import all_questions
from lrlesson.feedback.questions.retesting import DELAYED
from lrlesson.feedback.record import load, progress_path
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
        note = (result.misconception or ", ".join(result.failed)) if result else ""
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


def progress() -> Table:
    """What was done so far, on this machine: exercises, predictions and the tests."""
    data = load()
    rows = [("what", "state", "attempts", "hints", "note")]
    exercises: list[Exercise | Challenge] = [*all_exercises().values(), *CHALLENGES.values()]
    for exercise in exercises:
        entry = data["exercises"].get(exercise.id, {})
        attempts = entry.get("attempts", [])
        met = [a.get("misconception") for a in attempts if a.get("misconception")]
        notes = [f"last mistake: {met[-1]}"] if met and entry.get("status") != "correct" else []
        if seen := entry.get("solution"):
            after = f"after {seen.get('attempts', 0)} different attempts"
            notes.append(f"solution seen {after}")
        rows.append(
            (
                exercise.id,
                entry.get("status", "not attempted"),
                str(different_attempts(entry)),
                f"{entry.get('hints', 0)} of {len(exercise.hints)}",
                "; ".join(notes),
            )
        )
    for id in PUZZLES:
        entry = data["exercises"].get(id, {})
        state, tries = entry.get("status", "not attempted"), different_attempts(entry)
        rows.append((f"puzzle {id}", state, str(tries), "", ""))
    lessons = sorted({q.id[:2] for q in all_questions().values() if not q.id.startswith("pre-")})
    for lesson in lessons:
        asked = [q for q in all_questions().values() if q.id.startswith(f"{lesson}-")]
        made = [(q, data["predictions"].get(q.id, {}).get("first")) for q in asked]
        right = sum(q.right == first.get("choice") for q, first in made if first)
        answered = sum(first is not None for _, first in made)
        note = f"{right} of {answered} right at first" if answered else ""
        state = f"{answered} of {len(asked)} answered"
        rows.append((f"predictions of lesson {lesson}", state, "", "", note))
    items = [id for id in all_questions() if id.startswith("pre-")]
    for name, section, count in [
        ("pre-test", "pretest", len(items)),
        ("post-test", "posttest", len(items)),
        ("delayed test", "delayed", DELAYED),
    ]:
        done = sum(id in data[section] for id in items)
        rows.append((name, f"{done} of {count} answered", "", "", ""))
    solved = [e for e in exercises if data["exercises"].get(e.id, {}).get("status") == "correct"]
    got, all_points = (sum(e.points for e in some) for some in (solved, exercises))
    path = progress_path()
    body = [
        f"The answers that are correct are worth {got} of {all_points} points.",
        f"Kept on this machine only, in {path.parent.name}/{path.name}.",
    ]
    return Table(Card("quiet", "Your progress", body, rows))
