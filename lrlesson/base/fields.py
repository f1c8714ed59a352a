"""How bad input is refused, and how a class body of fields becomes an immutable object."""

import itertools
import math
import numbers
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from inspect import get_annotations
from types import UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
)

import numpy as np


class Rule(NamedTuple):
    """What a number must satisfy, and how an error says it."""

    text: str
    holds: Callable[[Any], Any]
    integer: bool = False
    finite: bool = True


ANY = Rule("a finite number", lambda x: x == x)
RATE = Rule("a learning rate: a finite number, at least 0", lambda x: x >= 0)
NONNEGATIVE = Rule("a finite number, at least 0", lambda x: x >= 0)
POSITIVE = Rule("a finite number greater than 0", lambda x: x > 0)
UPDATES = Rule("a number of updates greater than 0", lambda x: x > 0)
UPDATES_OR_ZERO = Rule("a number of updates, at least 0", lambda x: x >= 0)
FACTOR = Rule("a factor greater than 0 and at most 1", lambda x: (x > 0) & (x <= 1))
UP_TO = Rule("a number greater than 0, or inf for no limit", lambda x: x > 0, finite=False)
FRACTION = Rule("a number from 0 up to, but not including, 1", lambda x: (x >= 0) & (x < 1))
AT_LEAST_ONE = Rule("a factor of at least 1", lambda x: x >= 1)
COUNT = Rule("a whole number, at least 0", lambda x: x >= 0, integer=True)
POSITIVE_COUNT = Rule("a whole number, at least 1", lambda x: x >= 1, integer=True)
# The same rules as annotations, so that a field says what it is.
Real = Annotated[float, ANY]
Rate = Annotated[float, RATE]
Nonnegative = Annotated[float, NONNEGATIVE]
Positive = Annotated[float, POSITIVE]
Updates = Annotated[float, UPDATES]
UpdatesOrZero = Annotated[float, UPDATES_OR_ZERO]
Factor = Annotated[float, FACTOR]
UpTo = Annotated[float, UP_TO]
Fraction = Annotated[float, FRACTION]
Stretch = Annotated[float, AT_LEAST_ONE]
Growth = Annotated[float, POSITIVE]
Count = Annotated[int, COUNT]
PositiveCount = Annotated[int, POSITIVE_COUNT]
AscendingUpdates = tuple[float, ...]


def refusal(owner: str, argument: str, value: Any, expected: str) -> str:
    """The one form that every error about an argument has."""
    shown = number_text(value) if is_number(value) else " ".join(repr(value).split())
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return f"{owner}: {argument} = {shown}, expected {expected}"


def checked(owner: str, argument: str, value: Any, rule: Rule, runs: bool = True) -> Any:
    """`value` as a float (an int where the rule says whole), or as a read-only 1-D float array.

    `runs` says whether one value per run, a 1-D array, is allowed. Raises TypeError where the
    value is no number, ValueError where it is one but breaks the rule.
    """
    plural = runs and not isinstance(value, numbers.Real | str | bytes) and value is not None
    expected = rule.text + (", or a 1-D array of them, one per run" if plural else "")
    problem = refusal(owner, argument, value, expected)
    if isinstance(value, (bool, np.bool_, str, bytes)) or value is None:
        raise TypeError(problem)
    if isinstance(value, numbers.Real):
        if (rule.finite and not math.isfinite(value)) or not rule.holds(value):
            raise ValueError(problem)
        if not rule.integer:
            return float(value)
        if float(value) != int(float(value)):
            raise ValueError(problem)
        return int(float(value))
    try:
        array = np.array(value)
    except ValueError:  # rows of different lengths
        raise TypeError(problem) from None
    if array.dtype.kind not in "iuf":
        raise TypeError(problem)
    array = array.astype(float)
    if array.ndim == 0:
        return checked(owner, argument, array.item(), rule, runs)
    if not runs or array.ndim != 1 or array.size == 0:
        raise ValueError(problem)
    if (rule.finite and not np.isfinite(array).all()) or not np.all(rule.holds(array)):
        raise ValueError(problem)
    array.flags.writeable = False
    return array


def checked_bool(owner: str, argument: str, value: Any) -> bool:
    """`value`, which must be True or False: nothing else is taken for one of them."""
    if not isinstance(value, bool):
        raise TypeError(refusal(owner, argument, value, "True or False"))
    return value


def _checked_field(owner: str, argument: str, value: Any, annotation: Any, runs: bool) -> Any:
    """One field against its annotation: Annotated[…, Rule], `… | None`, bool, or Literal."""
    kind = get_origin(annotation)
    if kind in (Union, UnionType):
        if value is None:
            return None
        annotation = next(a for a in get_args(annotation) if a is not type(None))
        kind = get_origin(annotation)
    if kind is Annotated:
        rule = annotation.__metadata__[0]
        return checked(owner, argument, value, rule, runs=runs and not rule.integer)
    if kind is Literal:
        choices = get_args(annotation)
        if not any(value is c or (isinstance(c, str) and value == c) for c in choices):
            raise ValueError(
                refusal(owner, argument, value, "one of " + ", ".join(map(repr, choices)))
            )
    elif annotation == AscendingUpdates:
        return _ascending(owner, argument, value)
    elif kind is tuple:
        return _several(owner, argument, value, get_args(annotation)[0].__metadata__[0])
    elif annotation is bool:
        return checked_bool(owner, argument, value)
    elif isinstance(annotation, type) and not isinstance(value, annotation):
        raise TypeError(refusal(owner, argument, value, f"a {annotation.__name__}"))
    return value


def _ascending(owner: str, argument: str, value: Any) -> tuple[float, ...]:
    """Update numbers in ascending order, as a tuple: an array would mean one value per run."""
    problem = refusal(owner, argument, value, "one or more update numbers in ascending order")
    try:
        times = tuple(checked(owner, argument, v, UPDATES_OR_ZERO, runs=False) for v in value)
    except (TypeError, ValueError):
        raise ValueError(problem) from None
    if not times or any(b <= a for a, b in itertools.pairwise(times)):
        raise ValueError(problem)
    return times


def _several(owner: str, argument: str, value: Any, rule: Rule) -> tuple[float, ...]:
    """Numbers that each satisfy the rule, as a tuple."""
    if isinstance(value, str | bytes | dict) or not np.iterable(value):
        raise TypeError(refusal(owner, argument, value, f"a tuple; each entry {rule.text}"))
    return tuple(checked(owner, argument, entry, rule, runs=False) for entry in value)


@dataclass_transform(frozen_default=True, eq_default=False)
class Frozen:
    """A subclass is a frozen dataclass; its fields are checked against their annotations."""

    _kinds: ClassVar[dict[str, Any]] = {}  # the annotation of every field, inherited ones included
    _one_per_run: ClassVar[bool] = False  # may a number be a 1-D array with one value per run?

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclass(frozen=True, eq=False, repr=False)(cls)
        written = {k: v for c in reversed(cls.__mro__) for k, v in get_annotations(c).items()}
        cls._kinds = {f.name: written[f.name] for f in fields(cls)}  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        name = type(self).__name__
        for argument, annotation in self._kinds.items():
            value = getattr(self, argument)
            value = _checked_field(name, argument, value, annotation, self._one_per_run)
            object.__setattr__(self, argument, value)
        for holds, argument, expected in self.limits():
            if not np.all(holds):
                raise ValueError(refusal(name, argument, getattr(self, argument), expected))

    def limits(self) -> Any:
        """Rules between fields, each as (holds, argument, what is expected)."""
        return ()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(np.array_equal(getattr(self, n), getattr(other, n)) for n in self._kinds)

    def __hash__(self) -> int:
        values = (getattr(self, name) for name in self._kinds)
        # + 0.0 makes 0.0 of −0.0: the two are equal, so their hashes must be
        plain = ((v + 0.0).tobytes() if isinstance(v, np.ndarray) else v for v in values)
        return hash((type(self), *plain))

    def __repr__(self) -> str:
        shown = []
        for f in sorted(fields(self), key=lambda f: f.kw_only is True):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if f.default is MISSING or not np.array_equal(value, f.default):
                shown.append(f"{f.name}={written(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def is_number(value: Any) -> bool:
    """Whether a value is a real number; True and False are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def written(value: Any) -> str:
    """A field's value in a repr: numbers short, everything else as itself."""
    if isinstance(value, tuple):
        return "(" + ", ".join(map(number_text, value)) + "," * (len(value) == 1) + ")"
    number = is_number(value) or isinstance(value, np.ndarray)
    return number_text(value) if number else repr(value)


def number_text(value: Any) -> str:
    """A number as a person writes it: 80 and not 80.0, all digits that tell it from others."""
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return str(value)
    if not is_number(value):
        array = np.asarray(value)
        if array.size <= 4:
            return "[" + ", ".join(number_text(v) for v in array.tolist()) + "]"
        return f"[{number_text(array[0].item())}, …, {number_text(array[-1].item())}]"
    value = float(value)
    whole = abs(value) < 1e6 and value == int(value)
    return str(int(value)) if whole else repr(value)


def floats(owner: str, argument: str, value: Any) -> np.ndarray:
    """An array of floats: whole numbers would be truncated at every update. TypeError where the
    value is no array of real numbers."""
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "iuf":
        raise TypeError(refusal(owner, argument, value, "an array of real numbers"))
    return array if array.dtype.kind == "f" else array.astype(float)
