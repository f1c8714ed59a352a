"""Finds the known mistake that an answer behaves like."""

from collections.abc import Collection

from lrlesson.feedback.check.running import CaseOutcome, Runner, alike
from lrlesson.feedback.exercises.exercise import Exercise, Wrong

_known: dict[tuple[str, str], list[list[CaseOutcome]]] = {}


def behaviour(exercise: Exercise, code: str) -> list[list[CaseOutcome]]:
    """What a solution that the course knows does in every case of every property.

    Worked out once per kernel; the rows are the properties.
    """
    key = exercise.id, code
    if key not in _known:
        with Runner(exercise.build(code), 60.0) as run:
            _known[key] = [[run(case) for case in p.cases] for p in exercise.properties]
    return _known[key]


def diagnose(
    exercise: Exercise, outcomes: list[list[CaseOutcome]], failed: Collection[str]
) -> tuple[str | None, str]:
    """The known mistake that the answer behaves like: its slug and message, or (None, "").

    In this order: a wrong solution with the same values everywhere; a property that gives the
    mistake away by failing; the wrong solution that the answer follows in most of the cases where
    that one is wrong, contradicts in none, and that accounts for most of what is wrong with the
    answer (which may have two faults).
    """
    came = [outcome for row in outcomes for outcome in row]
    if came[0].kind == "none" and 2 * sum(outcome.kind == "none" for outcome in came) >= len(came):
        return "no-return", "Your function returns None: the last line of it needs `return`."
    right = [outcome for row in behaviour(exercise, exercise.reference) for outcome in row]

    def same(a: CaseOutcome, b: CaseOutcome) -> bool:
        return alike(a, b, exercise.rtol, exercise.atol)

    faults = sum(not same(a, r) for a, r in zip(came, right, strict=True))
    partial: tuple[int, Wrong | None] = (0, None)
    told: Wrong | None = None
    by_value = {
        property.name
        for property, row in zip(exercise.properties, outcomes, strict=True)
        if all(outcome.kind == "value" for outcome in row)
    }
    failed_by_value = by_value.intersection(failed)
    for wrong in exercise.bank:
        if wrong.told_by is not None:
            if told is None and wrong.told_by in failed_by_value:
                told = wrong
            continue
        theirs = [outcome for row in behaviour(exercise, wrong.code) for outcome in row]
        if all(same(a, b) for a, b in zip(came, theirs, strict=True)):
            return wrong.misconception, wrong.message
        pairs = [(a, b) for a, b, r in zip(came, theirs, right, strict=True) if not same(b, r)]
        agreeing = sum(same(a, b) for a, b in pairs)
        contradicted = any(not same(a, b) and a.kind == "value" for a, b in pairs)
        enough = 2 * agreeing >= max(len(pairs), faults)
        if enough and not contradicted and agreeing > partial[0]:
            partial = agreeing, wrong
    if told is not None:
        return told.misconception, told.message
    mostly_values = 2 * sum(outcome.kind == "value" for outcome in came) >= len(came)
    if partial[1] is not None and mostly_values:
        return partial[1].misconception, partial[1].message
    return None, ""
