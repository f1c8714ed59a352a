"""check: is the answer right, and if not, what is wrong with it?"""

import hashlib
import types
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lrlesson.feedback.check.capstone_check import judge
from lrlesson.feedback.check.capstone_tracks import CHALLENGES, Challenge
from lrlesson.feedback.check.diagnosis import Rows, behaviour, diagnose, holds
from lrlesson.feedback.check.early import foreseen, session
from lrlesson.feedback.check.result import Failure, Result
from lrlesson.feedback.check.running import CaseOutcome, Runner, is_stub
from lrlesson.feedback.exercises import all_exercises
from lrlesson.feedback.exercises.exercise import Exercise
from lrlesson.feedback.record import changing, now, unknown

checked: dict[str, Result] = {}  # the last check of each exercise in this kernel
answered: dict[str, str] = {}  # and which answer that was


def find(id: str) -> Exercise | Challenge:
    """The exercise of that id; ValueError with the nearest one and the list where there is none."""
    exercises: dict[str, Exercise | Challenge] = {**all_exercises(), **CHALLENGES}
    if isinstance(id, str) and id in exercises:
        return exercises[id]
    own = f"One of your own would be found in checks/{id}.py beside the notebook."
    raise ValueError(f"{unknown('exercise', id, exercises)} {own}")


def check(id: str, *answers: object) -> Result:
    """Check an answer: not attempted, wrong (and what fails) or correct.

    Parameters
    ----------
    id : the exercise, for instance "step-decay"
    answers : what you wrote; one function or class, for a few exercises two

    Returns a Result that shows itself, with `.status`, `.failed` and `.misconception`. Whatever the
    answer does (raise, hang, print, change its arguments) is survived; no right answer is shown.
    Raises ValueError for an unknown id and TypeError for a wrong number of answers.
    """
    exercise = find(id)
    if len(answers) != len(exercise.names):
        usage = f'check("{id}", {", ".join(exercise.names)})'
        raise TypeError(f"{len(answers)} answers to {id}, expected {len(exercise.names)}: {usage}")
    if isinstance(exercise, Challenge):
        result = judge(exercise, answers)
    else:
        result = _judge(exercise, answers)
    if result.status == "correct":
        result = replace(result, early=foreseen(exercise, session(exercise.notebook)))
    checked[id], answered[id] = result, _digest(answers)
    _record_check(result, answered[id])
    return result


def before_handing_in(exercise: Exercise | Challenge) -> str:
    """Why a right answer would lose marks as it is now, "" where nothing is known."""
    here = session(exercise.notebook)
    there = here.namespace if here else {}
    if all(name in there for name in exercise.names):
        current = _digest(tuple(there[name] for name in exercise.names))
        if current != answered.get(exercise.id, current):
            return "It has changed since it was checked; check it again."
    return " ".join(foreseen(exercise, here))


def _judge(exercise: Exercise, answers: tuple[Any, ...]) -> Result:
    count = len(exercise.properties)
    if any(is_stub(answer) for answer in answers):
        return Result(exercise.id, "not attempted", properties=count)
    for name, answer in zip(exercise.names, answers, strict=True):
        if not callable(answer):
            first = exercise.properties[0]
            came = f"is of type {type(answer).__name__}; a function or class is expected"
            failure = Failure(first.name, first.law, name, came)
            return Result(exercise.id, "wrong", [failure], properties=count)

    outcomes, printed = _tried(exercise, answers)
    if outcomes[0][0].kind == "hung":  # perhaps it was slow for once: a cold disk, a first compile
        outcomes, printed = _tried(exercise, answers)
    if outcomes[0][0].kind == "stub":
        return Result(exercise.id, "not attempted", properties=count)
    if outcomes[-1][-1].kind == "hung":  # the hang is what matters, and it is the last that ran
        property, row = exercise.properties[len(outcomes) - 1], outcomes[-1]
        index = next(i for i, outcome in enumerate(row) if outcome.kind == "hung")
        shown = property.cases[index].text, row[index].shown
        failure = Failure(property.name, property.law, *shown)
        return Result(exercise.id, "wrong", [failure], properties=count, printed=printed)
    failures = _failures(exercise, outcomes)
    if not failures:
        return Result(exercise.id, "correct", properties=count)
    found = diagnose(exercise, outcomes)
    if found is None:
        return Result(exercise.id, "wrong", failures, None, "", count, printed)
    failures = _failures(exercise, outcomes, found.case)
    named = found.misconception, found.message
    second = found.right_in, found.first_of_two
    return Result(exercise.id, "wrong", failures, *named, count, printed, *second)


def _tried(exercise: Exercise, answers: tuple[Any, ...]) -> tuple[Rows, bool]:
    """What the answers do in every case, up to a stub or a hang, and whether they printed."""
    outcomes: Rows = []
    with Runner(answers, exercise.seconds) as run:
        for property in exercise.properties:
            outcomes.append([run(case) for case in property.cases])
            if run.hung or outcomes[0][0].kind == "stub":
                break
    return outcomes, run.printed


def _failures(exercise: Exercise, outcomes: Rows, shown: int | None = None) -> list[Failure]:
    """The properties that do not hold, each with its smallest failing case; of the first "
    "`shown`."""
    expected = behaviour(exercise, exercise.reference)
    found: list[Failure] = []
    for property, came, wanted in zip(exercise.properties, outcomes, expected, strict=True):
        pairs = enumerate(zip(came, wanted, strict=True))
        failing = [i for i, (a, b) in pairs if not holds(exercise, property, a, b)]
        if failing:
            i = failing[0] if found or shown is None else shown
            said = _came(exercise, came[i], wanted[i])
            found.append(Failure(property.name, property.law, property.cases[i].text, said))
    return found


def _came(exercise: Exercise, came: CaseOutcome, wanted: CaseOutcome) -> str:
    """What came back; where only the type is wrong, that; of a long array also the first fault."""
    if came.array is None or wanted.array is None:
        return came.shown
    if wanted.type == "array" and came.type != "array":
        return f"{came.shown}, which is not a NumPy array"
    if came.array.shape != wanted.array.shape and "shape" not in came.shown:
        return f"{came.shown}, of shape {came.array.shape}"
    if came.array.shape == wanted.array.shape and "shape" in came.shown:
        a, b = came.array, wanted.array
        wrong = ~np.isclose(a, b, rtol=exercise.rtol, atol=exercise.atol, equal_nan=True)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            where = ", ".join(map(str, place))
            return f"{came.shown}; the first that is wrong is [{where}], {a[place]:.6g}"
    return came.shown


def _digest(answers: Sequence[object]) -> str:
    """A short name for what was written; the same code again has the same name."""
    return hashlib.sha256(repr([_essence(a) for a in answers]).encode()).hexdigest()[:12]


def _essence(thing: object) -> object:
    """What matters of a piece of code: its instructions and constants, not where it stands."""
    if isinstance(thing, types.CodeType):
        return thing.co_code, [_essence(c) for c in thing.co_consts], thing.co_names
    if isinstance(thing, type):
        return sorted((k, _essence(v)) for k, v in vars(thing).items() if callable(v))
    if hasattr(thing, "__wrapped__"):
        return _essence(thing.__wrapped__)
    if hasattr(thing, "__code__"):
        return _essence(thing.__code__)
    if isinstance(thing, (int, float, str, bytes, type(None))):
        return thing
    return type(thing).__name__


def _record_check(result: Result, digest: str) -> None:
    with changing() as data:
        entry = data["exercises"].setdefault(result.id, {})
        entry["status"] = result.status
        if hasattr(result, "earned"):
            entry["earned"] = result.earned
        if result.status == "not attempted":
            return
        attempts = entry.setdefault("attempts", [])
        if attempts and attempts[-1].get("answer") == digest:
            return
        attempts.append(
            {
                "when": now(),
                "answer": digest,
                "status": result.status,
                "failed": result.failed,
                "misconception": result.misconception,
            }
        )
