"""What stands behind the schedules and the optimizers, and what no lesson asks you to read.

Four things: how bad input is refused, how a class body of fields becomes an immutable object,
the algebra of schedules (`>>`, `*`, `take`, `repeat`), and how both show themselves.
"""

import functools
import html
import itertools
import math
import numbers
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, MISSING, dataclass, fields
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

# --- Refusing bad input -----------------------------------------------------------------------


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
    shown = _number(value) if _is_number(value) else " ".join(repr(value).split())
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


# --- Immutable objects whose class body is a list of fields -----------------------------------


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
                shown.append(f"{f.name}={_shown(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """A field's value in a repr: numbers short, everything else as itself."""
    plain = isinstance(value, str | bool | Frozen) or value is None
    return repr(value) if plain else _number(value)


def _number(value: Any) -> str:
    """A number as a person writes it: 80 and not 80.0, all digits that tell it from others."""
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return str(value)
    if not _is_number(value):
        array = np.asarray(value)
        if array.size <= 4:
            return "[" + ", ".join(_number(v) for v in array.tolist()) + "]"
        return f"[{_number(array[0].item())}, …, {_number(array[-1].item())}]"
    value = float(value)
    whole = abs(value) < 1e6 and value == int(value)
    return str(int(value)) if whole else repr(value)


# --- What shows itself as a formula -----------------------------------------------------------


class Shown(Frozen):
    """What a notebook shows as the formula of its docstring, with its own numbers in.

    The formula stands between the first two $ of the docstring, in LaTeX or in plain signs, with a
    semicolon between its lines. A later line `option  $new$ for $old$` says what an option changes
    in it, in the order of the lines; `option=value` holds for one value only.
    """

    def _equation(self) -> str:
        """The whole formula in LaTeX, with the numbers of this object."""
        raise NotImplementedError

    def _picture(self) -> str:
        """What stands beside the formula, in HTML."""
        return ""

    def _filled(self, formula: str, **variables: str) -> str:
        """A formula with this object's numbers in place of its fields' symbols."""
        symbols = {_SYMBOLS.get(name, name): getattr(self, name) for name in self._kinds}
        symbols |= variables
        # One pass over all symbols: a number once put in is never read as a symbol again.
        pattern = "|".join(
            rf"(?<![A-Za-z\\]){re.escape(s)}(?![A-Za-z_])"
            if s[0] != "\\"
            else re.escape(s) + r"(?![A-Za-z_])"
            for s in sorted(symbols, key=len, reverse=True)
        )
        return re.sub(
            pattern,
            lambda m: v if isinstance(v := symbols[m.group()], str) else _latex_number(v),
            formula,
        )

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self._equation()}$"

    def _repr_html_(self) -> str:
        return (
            '<div class="lrlesson-formula" '
            'style="display:flex;flex-wrap:wrap;align-items:center;gap:1.5em">'
            f"<div>{html.escape(self._repr_latex_(), quote=False)}"
            f"<div><code>{html.escape(repr(self), quote=False)}</code></div></div>"
            f"{self._picture()}</div>"
        )


def written_formula(kind: type, rule: Any = None) -> str:
    """The formula in the docstring of a class, in LaTeX, or "" where there is none.

    rule: an object of it, whose options are then applied. A class with an `eta`, `update` or `step`
    of its own does not inherit the formula of another.
    """
    for owner in kind.__mro__:
        doc = " ".join((owner.__doc__ or "").split())
        if found := re.search(r"\$(.+?)\$", doc):
            return tex(_with_options(found[1], owner, rule))
        if {"eta", "update", "step"} & vars(owner).keys():
            break
    return ""


def options(kind: type) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """What the docstring says that options change: the option, its value, pairs of new and old."""
    for option, value, changes in re.findall(
        r"(?m)^ *(\w+)(?:=(\S+))?  +(\$.+)$", kind.__doc__ or ""
    ):
        yield option, value, re.findall(r"\$([^$]+)\$ for \$([^$]+)\$", changes)


def _with_options(formula: str, owner: type, rule: Any) -> str:
    """The formula after what the docstring says of the options that are set."""
    for option, wanted, changes in options(owner):
        value = getattr(rule, option, None)
        if repr(value) == wanted or (value and not wanted):
            for new, old in changes:
                place = rf"(?<!\w){re.escape(old)}(?!\w)"
                formula = re.sub(place, new.replace("\\", r"\\"), formula)
    return formula


def with_decay(formula: str, decay: str, decoupled: bool) -> str:
    """A rule's formula in LaTeX with weight decay, of the weights themselves or in the gradient."""
    if decoupled:
        shrunk = rf"w \leftarrow (1 - \eta \cdot {decay}) \cdot w"
        return formula.replace(r"w \leftarrow w", shrunk)
    return rf"g \leftarrow g + {decay} \cdot w; " + formula


def in_lines(formula: str) -> str:
    """A formula in LaTeX, one line below the other, with the arrows below each other."""
    lines = [re.sub(r" (\\leftarrow|=) ", r" &\1 ", x, count=1) for x in formula.split("; ")]
    return r"\begin{aligned} " + r" \\[4pt] ".join(lines) + r" \end{aligned}"


_TEX = {
    "η": r"\eta", "β": r"\beta", "ρ": r"\rho", "ε": r"\epsilon", "μ": r"\mu", "ψ": r"\psi",
    "Δ": r"\Delta", "Σ": r"\textstyle\sum", "←": r"\leftarrow", "−": "-", "·": r" \cdot ",
    "≤": r"\le", "max(": r"\max(", "sign(": r"\operatorname{sign}(",
    " if ": r" \text{ if } ", ", else ": r" \text{, else } ",
}  # fmt: skip


def tex(formula: str) -> str:
    """A formula written in plain signs, such as 1/(√v̂ + ε), in LaTeX; LaTeX stays as it is."""
    if "\\" in formula:
        return formula
    formula = unicodedata.normalize("NFD", formula)  # ḡ as two characters, as m̂ always is
    formula = re.sub(r"(\w)\u0302", r"\\hat{\1}", formula)
    formula = re.sub(r"(\w)\u0304", r"\\bar{\1}", formula)
    formula = re.sub(r"√\(([^()]+)\)|√(\\hat\{\w\}|\w)", r"\\sqrt{\1\2}", formula)
    root = r"\\sqrt\{(?:[^{}]|\{\w\})*\}"
    over = rf"({root}|\w+)/(?:\(([^()]+)\)|({root}))"
    formula = re.sub(over, r"\\dfrac{\1}{\2\3}", formula)
    formula = re.sub("[ᵗ⁺¹²]+", lambda m: f"^{{{unicodedata.normalize('NFKC', m[0])}}}", formula)
    formula = re.sub("[₁₂]", lambda m: f"_{unicodedata.normalize('NFKC', m[0])}", formula)
    formula = re.sub(r"_([A-Za-z]{2,})", r"_{\1}", formula)
    for sign, command in _TEX.items():
        formula = formula.replace(sign, command)
    return formula


_SYMBOLS = {
    "lr": r"\eta_0",
    "lr0": r"\eta_0",
    "lr_end": r"\eta_{end}",
    "max_lr": r"\eta_{max}",
    "base_lr": r"\eta_{min}",
    "gamma": r"\gamma",
    "drop": "d",
    "every": "k",
    "step_size": "s",
    "power": "p",
    "start": "a",
    "end": "b",
    "T0": "T_0",
    "mult": "m",
    "scale": "c",
    "d_model": "D",
    "warmup": "W",
    "stable": "S",
    "at": "M",
    "pct_start": "r",
    "div_factor": "f",
    "final_div_factor": "g",
    "decay": "D",
    "momentum": r"\beta",
    "beta": r"\beta",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "dampening": "d",
    "rho": r"\rho",
    "eps": r"\epsilon",
    "momentum_decay": r"\psi",
}


def _latex_number(value: Any) -> str:
    """A number in LaTeX: 1e-05 becomes 10^{-5}, an array of several runs is braced."""
    text = re.sub(
        r"(-?[\d.]+)e([+-]\d+)", lambda m: rf"{m[1]}\cdot 10^{{{int(m[2])}}}", _number(value)
    )
    text = re.sub(r"(?<![\d.])1\\cdot ", "", text)
    if text.startswith("["):
        return r"\{" + text[1:-1].replace("…", r"\ldots") + r"\}"
    return "{" + text + "}"


_PIECE = 8192  # times at once: 64 kB

# --- Schedules ---------------------------------------------------------------------------------


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
            elif _is_number(value) or isinstance(value, np.ndarray):
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
        formula = written_formula(type(self)) or rf"\mathrm{{{type(self).__name__}}}(t)"
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
        top = float(rates.max()) or 1.0
        x = 4 + t / max(t[-1], 1) * (width - 8)
        lines = []
        for rate in rates:
            y = height - 18 - rate / top * (height - 36)
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
            lines.append(
                f'<polyline points="{points}" fill="none" stroke="#0072b2" stroke-width="1.8"/>'
            )
        label = f"learning rate over the first {span:,} updates, largest {top:.3g}"
        return (
            f'<svg role="img" aria-label="{label}" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" style="font:11px sans-serif">{"".join(lines)}'
            f'<line x1="4" x2="{width - 4}" y1="{height - 17}" y2="{height - 17}" '
            'stroke="currentColor" stroke-opacity=".4"/>'
            f'<text x="4" y="12" fill="currentColor">η ≤ {top:.3g}</text>'
            f'<text x="{width - 4}" y="{height - 4}" text-anchor="end" fill="currentColor">'
            f"update {int(t[-1]):,}</text></svg>"
        )


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
        joint = _latex_number(self.first.length)
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
        return f"{_inside(self.schedule, Then)} * {_number(self.factor)}"

    def _latex(self, t: str = "t") -> str:
        return rf"{_latex_number(self.factor)} \cdot \left( {self.schedule._latex(t)} \right)"


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
        return f"{_inside(self.schedule, Then, Product, Scaled)}.take({_number(self.n)})"

    def _latex(self, t: str = "t") -> str:
        return self.schedule._latex(rf"\min({t}, {_latex_number(self.n)})")


class Repeat(Schedule):
    """A schedule again and again; round k takes mult^k times as long as round 0."""

    schedule: Schedule
    mult: Stretch = 1.0

    def eta(self, t: Any) -> Any:
        n, start = round_of(t, self.schedule.length, self.mult)
        return self.schedule.eta((t - start) / self.mult**n)

    def __repr__(self) -> str:
        stretch = "" if np.all(self.mult == 1) else f"mult={_number(self.mult)}"
        return f"{_inside(self.schedule, Then, Product, Scaled)}.repeat({stretch})"

    def _latex(self, t: str = "t") -> str:
        length = _latex_number(self.schedule.length)
        if np.all(self.mult == 1):
            return self.schedule._latex(rf"({t} \bmod {length})")
        formula = self.schedule._latex(r"{\tau}")
        rounds = (
            rf"\tau = \frac{{{t} - t_n}}{{m^n}},\ t_n = {length}\frac{{m^n - 1}}{{m - 1}} \le {t}"
        )
        return rf"{formula}, \quad {rounds} < t_{{n+1}},\ m = {_latex_number(self.mult)}"


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


# --- Optimizers --------------------------------------------------------------------------------


class State:
    """What an optimizer remembers between two updates.

    t is the number of the update being made (0 for the first), and between updates that of the
    next one; lr is η of the last update; gain is what the rule multiplied it by. Further
    attributes are the rule's own buffers, each shaped like the weights.
    """

    def __init__(self, rule: "Optimizer", w: np.ndarray, **buffers: Any) -> None:
        self.rule = rule
        self.t = 0
        self.lr: Any = None
        self.gain: Any = 1.0
        self.used = np.zeros(w.shape, dtype=bool)
        vars(self).update(buffers)

    @property
    def rate(self) -> np.ndarray:
        """η·gain: the effective learning rate of each single weight in the last update.

        Shaped like the weights. NaN for a weight whose gradient has so far been exactly zero:
        it has not been used, and the quotient would only show the rule's ε.
        """
        lr = np.nan if self.lr is None else self.lr
        return np.where(self.used, lr * self.gain, np.nan)

    def __repr__(self) -> str:
        buffers = [k for k in vars(self) if k not in ("rule", "t", "lr", "gain", "used")]
        remembered = ", ".join(buffers) or "nothing"
        return f"State(of {self.rule!r}, t={self.t}, lr={self.lr!r}, remembers {remembered})"


class Optimizer(Shown):
    """One update is w ← (1 − ηλ)·w − η·gain·drive, with λ = 0 unless weight decay is decoupled.

    A rule says in `update(gradient, state)` which way to go (drive) and how fast each single
    weight goes (gain). The rule itself is immutable: all that changes is in the state.

        state = opt.init(w)
        w = opt.step(w, gradient, state, lr)

    weight_decay is λ. Coupled, λ·w is added to the gradient (L2 regularisation); with
    decoupled=True the weights themselves shrink instead (Loshchilov & Hutter 2019).
    """

    _: KW_ONLY
    weight_decay: Nonnegative = 0.0
    decoupled: bool = False

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        """What the rule remembers, as it is before the first update; nothing by default."""
        return {}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        """(drive, gain) for this gradient; replaces the buffers in state."""
        name = type(self).__name__
        raise TypeError(
            f"{name} has no rule: an Optimizer must define update(self, gradient, state)"
        )

    def init(self, w: Any) -> State:
        """The state before the first update of weights w, an array of any shape."""
        w = floats(type(self).__name__, "w", w)
        return State(self, w, **self.buffers(w))

    def step(self, w: Any, gradient: Any, state: State, lr: Any) -> np.ndarray:
        """The weights after one update, a new array; w and gradient are left as they are.

        w, gradient: arrays of one shape, usually (runs, P). lr: a number, or a column (runs, 1)
        with one rate per run. state: from init, updated. Raises ValueError where shapes do not
        fit or lr is negative or not finite.
        """
        w, gradient, lr = self._checked_step(w, gradient, state, lr)
        if self.weight_decay and not self.decoupled:
            gradient = gradient + self.weight_decay * w
        state.lr = lr
        state.used |= gradient != 0
        drive, state.gain = self.update(gradient, state)
        state.t += 1
        if self.weight_decay and self.decoupled:
            w = (1 - lr * self.weight_decay) * w
        return w - lr * state.gain * drive

    def weights(self, w: np.ndarray, state: State) -> np.ndarray:
        """The weights to evaluate: w itself, except for rules that average as they go."""
        return w

    # The display

    def _latex(self, w: str = "w") -> str:
        """The lines of the formula, in the order in which they happen; w: what is moved."""
        lines = self._filled(
            written_formula(type(self), self)
            or r"w \leftarrow w - \eta \cdot \text{gain} \cdot \text{drive}"
        )
        if self.weight_decay:
            lines = with_decay(lines, _latex_number(self.weight_decay), self.decoupled)
        inner = [v._latex("z") for v in vars(self).values() if isinstance(v, Optimizer)]
        return "; ".join([*inner, re.sub(r"(?<![A-Za-z\\])w(?![A-Za-z_])", w, lines)])

    def _equation(self) -> str:
        return in_lines(self._latex())

    def _checked_step(self, w: Any, gradient: Any, state: State, lr: Any) -> tuple[Any, Any, Any]:
        name = type(self).__name__
        w, gradient = floats(name, "w", w), floats(name, "gradient", gradient)
        if gradient.shape != w.shape:
            raise ValueError(
                f"{name}: gradient has shape {gradient.shape}, expected that of w, {w.shape}"
            )
        if not isinstance(state, State) or (state.rule is not self and state.rule != self):
            raise ValueError(refusal(name, "state", state, f"one that {self!r}.init(w) made"))
        if state.used.shape != w.shape:
            raise ValueError(
                f"{name}: state was made for weights of shape {state.used.shape}, w has {w.shape}"
            )
        if not isinstance(lr, np.ndarray):
            if not (_is_number(lr) and 0 <= lr < math.inf):
                raise ValueError(refusal(name, "lr", lr, RATE.text))
            lr = float(lr)  # a NumPy scalar would turn float32 weights to float64
            return w, gradient.astype(w.dtype, copy=False), lr
        if w.ndim != 2 or lr.shape != (w.shape[0], 1):
            raise ValueError(
                f"{name}: lr has shape {lr.shape}, expected a number, or a column (runs, 1) "
                f"beside weights (runs, P); w has shape {w.shape}"
            )
        if lr.dtype.kind not in "iuf" or not ((lr >= 0) & (lr < math.inf)).all():
            raise ValueError(refusal(name, "lr", lr, RATE.text))
        return w, gradient.astype(w.dtype, copy=False), lr.astype(w.dtype, copy=False)


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
