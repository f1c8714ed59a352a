"""Finds the known mistake that an answer behaves like.

A diagnosis explains the first property that fails, and the very case that is shown for it, or it is
not given. Where several mistakes are in an answer, the first is named; the next one is when that is
mended.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations, islice

import numpy as np

from lrlesson.feedback.check.running import CaseOutcome, Runner, alike
from lrlesson.feedback.exercises.exercise import Exercise, Property, Varied, Wrong, varied

Rows = list[list[CaseOutcome]]  # of the cases of every property
MOST = 250  # sets of mistakes that are tried together, which takes a tenth of a second
_known: dict[tuple[str, str], Rows] = {}


@dataclass(frozen=True)
class Diagnosis:
    """A named mistake: its slug, what to tell, where it is the convention, the case that shows it.

    `first_of_two`: there is another known mistake in the answer.
    """

    misconception: str
    message: str
    case: int
    right_in: str = ""
    first_of_two: bool = False


def behaviour(exercise: Exercise, code: str) -> Rows:
    """What a solution that the course knows does in every case of every property.

    Worked out once per kernel; the rows are the properties.
    """
    key = exercise.id, code
    if key not in _known:
        with Runner(exercise.build(code), 60.0) as run:
            _known[key] = [[run(case) for case in p.cases] for p in exercise.properties]
    return _known[key]


def holds(exercise: Exercise, property: Property, came: CaseOutcome, wanted: CaseOutcome) -> bool:
    """Whether one case of a property came out as it should: type and shape first, then values."""
    if came.kind != "value" or came.array is None or wanted.array is None:
        return False
    if wanted.type == "array" and came.type != "array":
        return False
    if property.holds is None:
        return alike(came, wanted, exercise.rtol, exercise.atol)
    return came.array.shape == wanted.array.shape and property.holds(came.array, wanted.array)


def diagnose(exercise: Exercise, came: Rows) -> Diagnosis | None:
    """The known mistake behind the first property that fails, or None.

    In this order: a wrong solution with the same values everywhere; another type; a property that
    gives the mistake away by failing; another shape, or no number; the wrong solution that the
    answer follows in most of the cases where that one is wrong, contradicts in none, and that
    accounts for most of what is wrong; several wrong solutions at once.
    """
    right = behaviour(exercise, exercise.reference)
    faults = [
        [i for i in range(len(p.cases)) if not holds(exercise, p, a[i], b[i])]
        for p, a, b in zip(exercise.properties, came, right, strict=True)
    ]
    first = next(n for n, failing in enumerate(faults) if failing)
    search = _Search(exercise, came, right, first, faults[first])
    return (
        search.the_same()
        or search.of_form(TYPES)
        or search.told()
        or search.of_form(NUMBERS)
        or search.most_alike()
        or search.several_at_once()
    )


@dataclass
class _Search:
    """One answer, and the first property that it fails, in the cases `failing`."""

    exercise: Exercise
    came: Rows
    right: Rows
    first: int
    failing: list[int]

    def same(self, a: CaseOutcome, b: CaseOutcome) -> bool:
        return alike(a, b, self.exercise.rtol, self.exercise.atol)

    def known(self) -> Iterator[tuple[Wrong, Rows]]:
        """The wrong solutions that are recognised by their values."""
        for wrong in self.exercise.bank:
            if wrong.told_by is None:
                yield wrong, behaviour(self.exercise, wrong.code)

    def the_same(self) -> Diagnosis | None:
        for wrong, theirs in self.known():
            pairs = zip(_flat(self.came), _flat(theirs), strict=True)
            if all(self.same(a, b) for a, b in pairs):
                return self.named(wrong, theirs)
        return None

    def of_form(self, forms: "Forms") -> Diagnosis | None:
        """The name of what is wrong before any value is compared."""
        case = self.failing[0]
        came, wanted = self.came[self.first][case], self.right[self.first][case]
        for slug, message, is_so in forms:
            if is_so(came, wanted):
                return Diagnosis(slug, message, case)
        return None

    def told(self) -> Diagnosis | None:
        property = self.exercise.properties[self.first]
        row = [self.came[self.first][i] for i in self.failing]
        for wrong in self.exercise.bank:
            if wrong.told_by == property.name and all(map(_is_number, row)):
                return Diagnosis(wrong.misconception, wrong.message, self.failing[0])
        return None

    def most_alike(self) -> Diagnosis | None:
        came, right = _flat(self.came), _flat(self.right)
        if 2 * sum(outcome.kind == "value" for outcome in came) < len(came):
            return None
        faults = sum(not self.same(a, r) for a, r in zip(came, right, strict=True))
        best, found = 0, None
        for wrong, theirs in self.known():
            if not self.explains(theirs):
                continue
            pairs = [
                (a, b)
                for a, b, r in zip(came, _flat(theirs), right, strict=True)
                if not self.same(b, r)
            ]
            agreeing = sum(self.same(a, b) for a, b in pairs)
            contradicted = any(not self.same(a, b) and a.kind == "value" for a, b in pairs)
            enough = 2 * agreeing >= max(len(pairs), faults)
            if enough and not contradicted and agreeing > best:
                best, found = agreeing, self.named(wrong, theirs)
        return found

    def several_at_once(self) -> Diagnosis | None:
        """Two or three changes of one reference; the one that fails first is told first."""
        changed = [(wrong, rows) for wrong, rows in self.known() if isinstance(wrong.code, Varied)]
        lead = {id(wrong) for wrong, rows in changed if self.explains(rows)}
        sets = chain(combinations(changed, 2), combinations(changed, 3) if lead else [])
        likely = (group for group in sets if not lead or any(id(w) in lead for w, _ in group))
        for together in islice(likely, MOST):
            if self.follows([c for w, _ in together for c in getattr(w.code, "changes", ())]):
                told, rows = min(together, key=lambda item: self.fails_at(item[1]))
                shown = self.named(told, rows).case
                return Diagnosis(told.misconception, told.message, shown, told.right_in, True)
        return None

    def follows(self, changes: list[tuple[str, str]]) -> bool:
        """Whether the answer does what the reference does with these changes, as far as it runs."""
        try:
            code = varied(self.exercise.reference, *changes)
            answers = self.exercise.build(code)
        except (ValueError, SyntaxError):  # they change one place, or start from other code
            return False
        case = self.exercise.properties[self.first].cases[self.failing[0]]
        with Runner(answers, 1.0) as run:  # one case, before all of them
            if not self.same(run(case), self.came[self.first][self.failing[0]]):
                return False
        pairs = list(zip(_flat(self.came), _flat(behaviour(self.exercise, code)), strict=True))
        values = [(a, b) for a, b in pairs if a.kind == "value"]
        return 2 * len(values) >= len(pairs) and all(self.same(a, b) for a, b in values)

    def fails_at(self, theirs: Rows) -> int:
        """The number of the first property that a known solution fails."""
        parts = zip(self.exercise.properties, theirs, self.right, strict=True)
        for n, (property, a, b) in enumerate(parts):
            pairs = zip(a, b, strict=True)
            if not all(holds(self.exercise, property, x, y) for x, y in pairs):
                return n
        return len(theirs)

    def explains(self, theirs: Rows) -> bool:
        """Whether a wrong solution does the same in every case of the first property that fails."""
        pairs = zip(self.came[self.first], theirs[self.first], strict=True)
        return all(self.same(a, b) for a, b in pairs)

    def named(self, wrong: Wrong, theirs: Rows) -> Diagnosis:
        """The diagnosis, with the failing case in which the fewest other mistakes do the same."""

        def rivals(case: int) -> int:
            mine = self.came[self.first][case]
            return sum(
                other.misconception != wrong.misconception
                and self.same(mine, rows[self.first][case])
                for other, rows in self.known()
            )

        case = min(self.failing, key=rivals)
        return Diagnosis(wrong.misconception, wrong.message, case, wrong.right_in)


def _flat(rows: Rows) -> list[CaseOutcome]:
    return [outcome for row in rows for outcome in row]


def _another_type(word: str) -> Callable[[CaseOutcome, CaseOutcome], bool]:
    return lambda came, wanted: came.type == word and wanted.type != word


def _is_whole(came: CaseOutcome, wanted: CaseOutcome) -> bool:
    if not came.whole or wanted.array is None or came.array is None:
        return False
    cut = came.array.shape == wanted.array.shape and not np.array_equal(came.array, wanted.array)
    return cut and not np.array_equal(wanted.array, np.round(wanted.array))


def _is_of_another_shape(came: CaseOutcome, wanted: CaseOutcome) -> bool:
    if came.kind == "unfit":
        return came.type in ("array", "number")
    if came.array is None or wanted.array is None:
        return False
    return came.array.ndim != wanted.array.ndim  # how long a path is may be another mistake


def _is_no_number(came: CaseOutcome, wanted: CaseOutcome) -> bool:
    if came.array is None or wanted.array is None:
        return False
    return bool(np.isfinite(wanted.array).all() and np.isnan(came.array).any())


def _is_number(came: CaseOutcome) -> bool:
    return came.array is not None and not np.isnan(came.array).any()


# What is looked at before any value is compared: slug, message, is it so?
Forms = list[tuple[str, str, Callable[[CaseOutcome, CaseOutcome], bool]]]
TYPES: Forms = [
    (
        "no-return",
        "Your function returns None: the last line of it needs `return`.",
        lambda came, _wanted: came.kind == "none",
    ),
    (
        "returns-a-tuple",
        (
            "You return several things at once, as a tuple. Return only what is asked for; what "
            "has to be remembered stays in the object."
        ),
        _another_type("tuple"),
    ),
    (
        "returns-a-matrix",
        (
            "You return an `np.matrix`. It keeps two dimensions whatever is done to it, and its "
            "`*` is another one; use `np.array`."
        ),
        _another_type("matrix"),
    ),
    (
        "returns-a-list",
        (
            "You return a list. What comes after computes with it, and lists cannot be multiplied: "
            "`np.array(...)` makes an array of it."
        ),
        _another_type("list"),
    ),
    (
        "whole-numbers",
        "You return whole numbers, so everything behind the decimal point is cut off.",
        _is_whole,
    ),
]
NUMBERS: Forms = [
    (
        "another-shape",
        "The shape is another one than asked for; look at `np.shape` of what you return.",
        _is_of_another_shape,
    ),
    (
        "not-a-number",
        "There is a nan in what you return: zero divided by zero, or a root of something negative.",
        _is_no_number,
    ),
]
