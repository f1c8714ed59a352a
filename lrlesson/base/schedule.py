"""The algebra of schedules: `>>`, `*`, `take`, `repeat`, and the display of a curve."""

import functools
import math
from typing import Any, ClassVar

import numpy as np

from lrlesson.base.code import Code, code
from lrlesson.base.difference import Difference
from lrlesson.base.fields import (
    COUNT,
    Nonnegative,
    Stretch,
    Updates,
    UpdatesOrZero,
    checked,
    is_number,
    number_text,
    refusal,
)
from lrlesson.base.notation import latex_number
from lrlesson.base.shown import Shown, small_curve, written_formula

_PIECE = 8192  # times at once: 64 kB


class Schedule(Shown):
    """A learning rate η(t), a pure function of the update number t; the first update is t = 0.

    A subclass gives its fields and one method, `eta(t)`. A field is a number, or a 1-D array with
    one value per run. `schedule(3)` is a float, `schedule(np.arange(100))` the curve of shape
    (100,), and with array fields the shape is (runs, 100). Durations are counted in updates.

    `length` is the natural length in updates, or None for a schedule without an end.
    """

    _one_per_run = True
    __array_ufunc__ = None  # so that array * schedule is a schedule of several runs, not an array

    _runs: ClassVar[int | None] = None  # each object gets its own, see __post_init__

    @property
    def length(self) -> Any:
        """The natural length in updates; None for a schedule without an end."""
        return None

    def eta(self, t: Any) -> Any:
        """The formula. t is an array, and every number among the fields is one of t's shape."""
        raise TypeError(
            f"{type(self).__name__} has no formula: a Schedule must define eta(self, t)"
        )

    def __call__(self, t: Any) -> Any:
        """The rate of update t: a float for one t, an array for an array; a runs axis leads.

        Raises TypeError or ValueError where t is not a number, or below 0, or not finite.
        """
        times, runs = self._times(t), self.runs or 1
        rates = np.empty((runs, *times.shape))
        # Piece by piece, so that what the formula computes on the way stays in the cache.
        size = max(1, _PIECE // runs)
        shape: tuple[int, ...] = ()
        for k in range(0, times.shape[-1], size):
            piece = rates[..., k : k + size]
            piece[...] = times[..., k : k + size]
            if piece.shape != shape:  # only the first piece and the last
                shape = piece.shape
                spread = self._spread(shape)
            piece[...] = spread.eta(piece)
        if self.runs is None:
            rates = rates[0]
        if np.ndim(t) > 0:
            return rates
        return float(rates[0]) if self.runs is None else rates[:, 0]

    def _times(self, t: Any) -> np.ndarray:
        """t as an array of at least one axis, so that one t takes the same route as many."""
        times = np.asarray(t)
        expected = "update numbers: finite and at least 0 (the first update is t = 0)"
        if times.dtype.kind not in "iuf":
            raise TypeError(refusal(type(self).__name__, "t", t, expected))
        times = np.atleast_1d(times)
        if times.size and not (times.min() >= 0 and times.max() < np.inf):
            raise ValueError(refusal(type(self).__name__, "t", t, expected))
        return times

    @property
    def runs(self) -> int | None:
        """How many runs the array fields hold; None where every field is a single number."""
        return self._runs

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = set()
        for name in self._kinds:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                sizes.add(value.size)
            elif isinstance(value, Schedule) and value.runs is not None:
                sizes.add(value.runs)
        if len(sizes) > 1:
            raise ValueError(
                f"{type(self).__name__}: fields of {sorted(sizes)} runs do not fit together"
            )
        object.__setattr__(self, "_runs", sizes.pop() if sizes else None)

    def _spread(self, shape: tuple[int, ...]) -> "Schedule":
        """The same schedule with every number as an array of shape (runs, …), as t has it.

        NumPy rounds a power of a number otherwise than one of an array, and on some processors
        otherwise again where an axis is stretched. So nothing is left to stretch.
        """
        twin = object.__new__(type(self))
        for name in self._kinds:
            value = getattr(self, name)
            if isinstance(value, Schedule):
                value = value._spread(shape)
            elif is_number(value) or isinstance(value, np.ndarray):
                array = np.empty(shape)
                array.T[...] = value  # one number, or one for each run
                value = array
            object.__setattr__(twin, name, value)
        return twin

    # The algebra

    def values(self, T: int) -> np.ndarray:
        """The rates of the updates 0 … T−1, shape (T,) or (runs, T)."""
        return self(np.arange(checked(type(self).__name__, "T", T, COUNT, runs=False)))

    def __rshift__(self, other: "Schedule") -> "Schedule":
        """`a >> b`: a for its natural length, then b from its own 0."""
        if not isinstance(other, Schedule):
            return NotImplemented
        if self.length is None:
            raise ValueError(
                f"a >> b: a = {self!r} has no length, so b would never start; "
                "end it first, for example with a.take(100)"
            )
        return Then(self, other)

    def __mul__(self, other: Any) -> "Schedule":
        """`a * k` scales every rate by k; `a * b` multiplies two schedules update by update."""
        if isinstance(other, Schedule):
            return Product(self, other)
        return Scaled(self, other)

    __rmul__ = __mul__

    def __sub__(self, other: "Schedule") -> Difference:
        """`a - b`: at which updates two schedules differ, over the longer of what both show.

        Raises ValueError where a field holds several runs.
        """
        if not isinstance(other, Schedule):
            return NotImplemented
        for name, one in (("a", self), ("b", other)):
            if one.runs is not None:
                raise ValueError(refusal("a - b", name, one, "a schedule of a single run"))
        n = max(self._span(), other._span())
        return Difference(repr(self), repr(other), self.values(n) - other.values(n))

    def code(self, framework: str, updates: int | None = None) -> Code:
        """This schedule as code for a framework; `print` it, or let a cell show it.

        framework: "pytorch", "lightning", "transformers", "timm", "keras" or "optax". The code is
        the framework's own expression where one gives the same rates over this schedule's length,
        and else asks this object. updates: how many rates a list of all of them holds, which
        Keras and optax then need; by default the length. Raises ValueError for another framework,
        and where a field holds several runs.
        """
        return code(self, framework, updates)

    def take(self, n: float) -> "Schedule":
        """The same schedule, ended at n: its length is n updates, and it stays flat after them."""
        return Take(self, n)

    def repeat(self, mult: float = 1.0) -> "Schedule":
        """This schedule again and again without end, each round mult times as long as the last."""
        if self.length is None or not np.all(self.length):
            raise ValueError(f"repeat: {self!r} has no length, so it has no second round")
        return Repeat(self, mult)

    # The display

    def _latex(self, t: str = "t") -> str:
        formula = written_formula(type(self), self) or rf"\mathrm{{{type(self).__name__}}}(t)"
        return self._filled(formula, t=t)

    def _equation(self) -> str:
        return rf"\eta(t) = {self._latex()}"

    def _picture(self) -> str:
        return self._svg()

    def _span(self) -> int:
        """How many updates a picture shows: the length, or enough to see what the rate does."""
        if self.length is not None:
            return max(2, math.ceil(np.max(self.length)) + 1)
        durations = [
            np.max(getattr(self, name))
            for name, kind in self._kinds.items()
            if kind in (Updates, UpdatesOrZero) and getattr(self, name) is not None
        ]
        if durations and max(durations) > 1:
            return math.ceil(5 * max(durations)) + 1
        inner = [v._span() for v in vars(self).values() if isinstance(v, Schedule)]
        if inner:
            return 3 * max(inner)
        n, start = 16, np.max(self(0))
        while n < 2**20 and 0 < 0.05 * start < np.max(self(n)) < start:
            n *= 2
        return n

    def _svg(self, width: int = 260, height: int = 90) -> str:
        """A small curve of the rate: no axes, two labels, in the colour of the text."""
        span = self._span()
        t = np.unique(np.linspace(0, span - 1, min(span, 400)).round())
        rates = np.atleast_2d(self(t))[:6]
        top = float(rates.max())
        label = f"learning rate over the first {span:,} updates, largest {top:.3g}"
        said = f"η ≤ {top:.3g}", f"update {int(t[-1]):,}"
        return small_curve(t, rates, label, *said, (width, height))


class Then(Schedule):
    """One schedule for its natural length, then another from its own 0."""

    first: Schedule
    second: Schedule

    @property
    def length(self) -> Any:
        return None if self.second.length is None else self.first.length + self.second.length

    def eta(self, t: Any) -> Any:
        joint = self.first.length
        after = self.second.eta(np.maximum(t - joint, 0.0))
        return np.where(t < joint, self.first.eta(t), after)

    def __repr__(self) -> str:
        return f"{self.first!r} >> {_inside(self.second, Then)}"

    def _latex(self, t: str = "t") -> str:
        joint = latex_number(self.first.length)
        later = f"({t} - {joint})"
        return (
            rf"\begin{{cases}} {self.first._latex(t)} & {t} < {joint} \\ "
            rf"{self.second._latex(later)} & {t} \ge {joint} \end{{cases}}"
        )


class Scaled(Schedule):
    """Every rate of a schedule times one factor."""

    schedule: Schedule
    factor: Nonnegative

    @property
    def length(self) -> Any:
        return self.schedule.length

    def eta(self, t: Any) -> Any:
        return self.factor * self.schedule.eta(t)

    def __repr__(self) -> str:
        return f"{_inside(self.schedule, Then)} * {number_text(self.factor)}"

    def _latex(self, t: str = "t") -> str:
        return rf"{latex_number(self.factor)} \cdot \left( {self.schedule._latex(t)} \right)"


class Product(Schedule):
    """Two schedules multiplied update by update; as long as the shorter one that has an end."""

    first: Schedule
    second: Schedule

    @property
    def length(self) -> Any:
        lengths = [s.length for s in (self.first, self.second) if s.length is not None]
        return functools.reduce(np.minimum, lengths) if lengths else None

    def eta(self, t: Any) -> Any:
        return self.first.eta(t) * self.second.eta(t)

    def __repr__(self) -> str:
        return f"{_inside(self.first, Then)} * {_inside(self.second, Then, Product, Scaled)}"

    def _latex(self, t: str = "t") -> str:
        return (
            rf"\left( {self.first._latex(t)} \right) \cdot \left( {self.second._latex(t)} \right)"
        )


class Take(Schedule):
    """A schedule ended at n updates: flat from there on."""

    schedule: Schedule
    n: Updates

    @property
    def length(self) -> Any:
        return self.n

    def eta(self, t: Any) -> Any:
        return self.schedule.eta(np.minimum(t, self.n))

    def __repr__(self) -> str:
        return f"{_inside(self.schedule, Then, Product, Scaled)}.take({number_text(self.n)})"

    def _latex(self, t: str = "t") -> str:
        return self.schedule._latex(rf"\min({t}, {latex_number(self.n)})")


class Repeat(Schedule):
    """A schedule again and again; round k takes mult^k times as long as round 0."""

    schedule: Schedule
    mult: Stretch = 1.0

    def eta(self, t: Any) -> Any:
        n, start = round_of(t, self.schedule.length, self.mult)
        return self.schedule.eta((t - start) / self.mult**n)

    def __repr__(self) -> str:
        stretch = "" if np.all(self.mult == 1) else f"mult={number_text(self.mult)}"
        return f"{_inside(self.schedule, Then, Product, Scaled)}.repeat({stretch})"

    def _latex(self, t: str = "t") -> str:
        length = latex_number(self.schedule.length)
        if np.all(self.mult == 1):
            return self.schedule._latex(rf"({t} \bmod {length})")
        formula = self.schedule._latex(r"{\tau}")
        rounds = (
            rf"\tau = \frac{{{t} - t_n}}{{m^n}},\ t_n = {length}\frac{{m^n - 1}}{{m - 1}} \le {t}"
        )
        return rf"{formula}, \quad {rounds} < t_{{n+1}},\ m = {latex_number(self.mult)}"


def round_of(t: Any, length: Any, mult: Any) -> tuple[Any, Any]:
    """The number n of the round that holds update t, and the update at which that round starts.

    Round n lasts length·mult^n updates, so it starts at length·(mult^n − 1)/(mult − 1).
    """
    growth = np.asarray(mult, dtype=float)
    same = growth == 1
    ratio = np.where(same, 2.0, growth)  # any value but 1: the branch is not used where same

    def start(n: Any) -> Any:
        return length * np.where(same, n, (ratio ** np.where(same, 0, n) - 1) / (ratio - 1))

    n = np.floor(np.where(same, t / length, np.log1p(t * (ratio - 1) / length) / np.log(ratio)))
    # The logarithm may land just beside a whole number: the boundary itself decides.
    n = np.where(start(n + 1) <= t, n + 1, n)
    n = np.where(start(n) > t, n - 1, n)
    return n, start(n)


def _inside(schedule: Schedule, *kinds: type) -> str:
    """The text of a part, in brackets where it would otherwise be read wrongly."""
    return f"({schedule!r})" if isinstance(schedule, kinds) else repr(schedule)
