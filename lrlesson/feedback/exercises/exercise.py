"""What an exercise is made of. A file in `feedback/exercises/` writes one, or a few, as data.

    rate = calling("step_decay")                      # rate(9, 0.1, 0.5, 10) is a Case
    Exercise(
        id="step-decay", points=6, notebook="04_exercise_decay.ipynb",
        signature="step_decay(t, lr0, drop, every)",
        reference="def step_decay(t, lr0, drop, every): ...",
        properties=[Property("start", "At t = 0 the rate is lr0.", [rate(0, 0.1, 0.5, 10)])],
        bank=[Wrong("drops-one-step-early", "You drop one step early.", "def step_decay(...")],
        hints=["...", "...", "..."],
    )

A property holds where the answer gives what the reference gives on each of its cases. A wrong
solution of the bank is recognised by giving the same wrong values as the learner's answer.
"""

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS


@dataclass(frozen=True)
class Case:
    """One experiment with the answer: `text` as the learner reads it, `run(*answers)` its value.

    `run` makes its own arguments, so that an answer that writes into them spoils nothing. The value
    need not be what the answer returned: "w0 afterwards" is a value too.
    """

    text: str
    run: Callable[..., Any]


def calling(name: str) -> Callable[..., Case]:
    """A maker of cases: `calling("f")(1, 2)` is the case `f(1, 2)`, its arguments fresh each time.

    An argument with a `label` attribute is shown by it (a function, say).
    """

    def case(*arguments: object) -> Case:
        shown = ", ".join(getattr(a, "label", None) or literal(a) for a in arguments)
        return Case(f"{name}({shown})", lambda answer: answer(*copy.deepcopy(arguments)))

    return case


class Unfit(Exception):
    """Raised by a case where an answer returned what no further step can use; `value` is that."""

    def __init__(self, value: object) -> None:
        super().__init__("an answer returned something else than it was asked for")
        self.value = value


def fitting(value: Any, like: np.ndarray) -> np.ndarray:
    """`value`, if it is an array of numbers of the shape of `like`; raises Unfit where it is not.

    What a case computes from several answers asks this of each, so that a missing `return`, a tuple
    or another shape is told as what it is.
    """
    if type(value) is np.ndarray and value.dtype.kind in "fiu" and value.shape == like.shape:
        return value
    raise Unfit(value)


def plain_number(value: Any) -> float:
    """`value`, if it is a finite number; raises Unfit where it is not. An array of none counts."""
    if isinstance(value, (int, float, np.number, np.ndarray)) and np.shape(value) == ():
        number = float(value)
        if np.isfinite(number):
            return number
    raise Unfit(value)


def same_answers(came: np.ndarray, _expected: np.ndarray) -> bool:
    """For `Property.holds`: the rows of `came` are several answers that should be one and the "
    "same."""
    return bool(np.allclose(came, came[:1], rtol=1e-6, atol=0, equal_nan=True))


def literal(value: object) -> str:
    """A value as one would type it: arrays as lists inside np.array."""
    if isinstance(value, np.ndarray):
        if value.size > 3 and np.array_equal(value, np.arange(value.size)):
            return f"np.arange({value.size})"
        return f"np.array({value.tolist()})"
    return repr(value)


class Varied(str):
    """Source made from other source by `changes`, which it keeps: two can be put into one."""

    changes: tuple[tuple[str, str], ...]


def varied(code: str, *changes: tuple[str, str]) -> Varied:
    """The code with each (old, new) put in: how a wrong solution is made from the reference.

    Raises ValueError where `old` does not occur exactly once.
    """
    for old, new in changes:
        if code.count(old) != 1:
            raise ValueError(f"{old!r} occurs {code.count(old)} times, expected once, in:\n{code}")
        code = code.replace(old, new)
    made = Varied(code)
    made.changes = changes
    return made


@dataclass(frozen=True)
class Property:
    """A law that a right answer obeys: a name, a sentence that gives no answer away, and cases.

    The cases stand with the smallest first, since the first that fails is what the learner sees.
    `holds(value, expected)` replaces the comparison with the reference; both are float arrays.
    """

    name: str
    law: str
    cases: Sequence[Case]
    holds: Callable[[np.ndarray, np.ndarray], bool] | None = None


@dataclass(frozen=True)
class Wrong:
    """A known wrong solution: the misconception behind it, what to tell the learner, the code.

    An answer is recognised by giving the same values in every case. `told_by` names a property
    instead: whoever obeys all before it and fails it, with numbers, made this mistake, whatever the
    values (which depend on what was asked before, where an answer keeps state, or on a tolerance
    that somebody chose). `right_in` says where the formula is the convention: it is wrong here and
    right there. `belief` is the mistake in a sentence, where the course's list does not have it.
    """

    misconception: str
    message: str
    code: str
    told_by: str | None = None
    right_in: str = ""
    belief: str = ""


@dataclass(frozen=True)
class Exercise:
    """An exercise: what is asked, what is right, what goes wrong, and three hints.

    Attributes
    ----------
    id : kebab-case name, unique in the course
    points : marks that the grader gives
    notebook : file in `exercises/` that holds it; its first two digits are the lesson
    signature : what the learner writes, one `name(arguments)` per answer, joined by " and "
    reference : source of a right solution; may use `np`
    properties : in the order in which a learner should meet them
    bank : known wrong solutions
    hints : three, from a nudge to nearly the line
    seconds : an answer that needs longer for everything together is stopped
    rtol, atol : how far a value may be from the reference's (rtol admits float32)
    """

    id: str
    points: int
    notebook: str
    signature: str
    reference: str
    properties: Sequence[Property]
    bank: Sequence[Wrong]
    hints: Sequence[str]
    seconds: float = 0.7
    rtol: float = 1e-5
    atol: float = 1e-9
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(part.partition("(")[0].strip() for part in self.signature.split(" and "))
        object.__setattr__(self, "names", names)
        for name in names:
            if not name.isidentifier():
                raise ValueError(f"{self.id}: signature = {self.signature!r}, expected name(...)")
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.id):
            raise ValueError(f"id = {self.id!r}, expected words in lower case joined by -")
        if not re.fullmatch(r"\d\d_\w+\.ipynb", self.notebook):
            raise ValueError(f"{self.id}: notebook = {self.notebook!r}, expected NN_name.ipynb")
        if len(self.hints) != 3:
            raise ValueError(f"{self.id}: {len(self.hints)} hints, expected 3")
        laws = [p.name for p in self.properties]
        if len(set(laws)) < len(laws) or not laws:
            raise ValueError(f"{self.id}: properties = {laws}, expected at least one, none twice")
        for wrong in self.bank:
            if wrong.misconception not in MISCONCEPTIONS and not wrong.belief:
                raise ValueError(
                    f"{self.id}: misconception {wrong.misconception!r} is not in misconceptions.py"
                    " and has no belief"
                )
            if wrong.told_by is not None and wrong.told_by not in laws:
                raise ValueError(f"{self.id}: told_by = {wrong.told_by!r}, expected a property")

    @property
    def lesson(self) -> str:
        """Two digits of the lesson that it belongs to."""
        return self.notebook[:2]

    def build(self, code: str) -> tuple[Any, ...]:
        """The answers that a piece of source defines, freshly executed."""
        namespace: dict[str, Any] = {"np": np}
        exec(compile(code, f"<{self.id}>", "exec"), namespace)
        return tuple(namespace[name] for name in self.names)
