"""The controls of a scene: each is a list of positions with a text for every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(x: float, digits: int = 3) -> str:
    """A number for the eye: `digits` significant digits, 1.2×10⁻⁷ outside 0.001 … 99999."""
    x = float(x)
    if np.isnan(x):
        return "not a number"
    if np.isinf(x):
        return "infinite" if x > 0 else "minus infinite"
    if x == 0:
        return "0"
    mantissa, exponent = f"{abs(x):.{digits - 1}e}".split("e")
    sign = "−" if x < 0 else ""
    if not -4 < int(exponent) < 5:
        return f"{sign}{mantissa}×10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    decimals = max(0, digits - 1 - int(exponent))
    return f"{sign}{abs(x):.{decimals}f}"


@dataclass(frozen=True)
class Control:
    """One leading axis of the scene's arrays.

    name: the trait of the scene that holds the position, 0-based.
    label: what the page shows.
    values: the value at each position.
    at: the position at the start (negative counts from the end).
    texts: what is shown and read out at each position; the formatted values by default.
    folded: shown only while it has the focus of the keyboard, where a handle serves the pointer.
    ask: a change asks Python for a new sweep (`answer` of the scene). A page without Python does
        not have the control, unless it is the one whose answers travel with it (`travels`).
    sets: for some positions, where a hand that chooses them moves other controls to, by name.
    when: the positions of another control, by name, at which this one is shown; always by default.
    """

    kind: ClassVar[str] = ""
    name: str
    label: str
    values: Sequence[Any] | np.ndarray
    at: int = 0
    texts: Sequence[str] | None = None
    ask: bool = field(default=False, kw_only=True)
    travels: bool = field(default=False, kw_only=True)
    sets: Mapping[int, Mapping[str, int]] = field(default_factory=dict, kw_only=True)
    when: Mapping[str, Sequence[int]] = field(default_factory=dict, kw_only=True)
    folded: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        n = len(self.values)
        if n < 1:
            raise ValueError(f"control '{self.name}': values is empty, expected at least one")
        if not -n <= self.at < n:
            raise ValueError(f"control '{self.name}': at = {self.at}, expected 0 … {n - 1}")
        if self.texts is not None and len(self.texts) != n:
            raise ValueError(
                f"control '{self.name}': {len(self.texts)} texts, expected {n}, one per value"
            )
        object.__setattr__(self, "at", self.at % n)

    @property
    def n(self) -> int:
        """Number of positions."""
        return len(self.values)

    @property
    def shown(self) -> list[str]:
        """The text of each position."""
        if self.texts is not None:
            return [str(text) for text in self.texts]
        return [v if isinstance(v, str) else number(v) for v in self.values]

    def spec(self) -> dict[str, Any]:
        """What the browser needs."""
        return {
            "kind": self.kind,
            "name": self.name,
            "label": self.label,
            "n": self.n,
            "text": self.shown,
            "ask": self.ask,
            "travels": self.travels,
            "folded": self.folded,
        }


@dataclass(frozen=True)
class Slider(Control):
    """A slider over any values; geometric values make it a log slider.

    marks: label by value; each is drawn under the slider, between positions where it falls so.
    """

    kind: ClassVar[str] = "slider"
    marks: Mapping[float, str] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """What the browser needs; marks as fractions of the slider's length."""
        marks = []
        values = np.asarray(self.values, float)
        geometric = np.all(values > 0) and self.n > 2 and np.ptp(np.diff(np.log(values))) < 1e-6
        for value, label in self.marks.items():
            low, high = float(values.min()), float(values.max())
            if not low <= value <= high:
                raise ValueError(
                    f"control '{self.name}': mark at {value}, expected {low:g} … {high:g}"
                )
            scale = np.log if geometric else np.asarray
            position = np.interp(scale(value), scale(values), np.arange(self.n))
            marks.append({"at": float(position) / max(1, self.n - 1), "label": label})
        return super().spec() | {"marks": marks}


@dataclass(frozen=True)
class Steps(Control):
    """A scrubber over steps 0 … n − 1 with a play button, at 0 when the scene opens.

    rate: positions per second. pace: instead, the milliseconds from each position to the next,
    n − 1 of them: what decides may pass slowly. While it plays, actors glide between two positions;
    numbers change at the step.
    """

    kind: ClassVar[str] = "steps"
    rate: float = 20.0
    pace: Sequence[float] | np.ndarray = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.pace) not in (0, self.n - 1):
            raise ValueError(
                f"control '{self.name}': pace has {len(self.pace)} times, expected {self.n - 1}"
            )
        if not self.rate > 0 or not all(time > 0 for time in self.pace):
            raise ValueError(f"control '{self.name}': rate and pace must be above 0")

    def spec(self) -> dict[str, Any]:
        """What the browser needs."""
        return super().spec() | {"rate": self.rate, "pace": [float(time) for time in self.pace]}


@dataclass(frozen=True)
class Choice(Control):
    """One of up to five named options, as segments in one row.

    icons: a small curve for each option instead, (points, 2) in fractions of its frame, y upwards;
    then up to ten. glide: milliseconds in which the actors move to another position.
    """

    kind: ClassVar[str] = "choice"
    icons: Sequence[Any] = field(default=(), kw_only=True)
    glide: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.icons and len(self.icons) != self.n:
            raise ValueError(
                f"control '{self.name}': {len(self.icons)} icons, expected {self.n}, one per value"
            )

    def spec(self) -> dict[str, Any]:
        """What the browser needs."""
        icons = [np.round(np.asarray(icon, float), 3).tolist() for icon in self.icons]
        return super().spec() | {"icons": icons, "glide": self.glide}


@dataclass(frozen=True)
class Answers(Choice):
    """A choice that counts, as push buttons: an arrow key would answer by merely passing.

    The first position is that none is chosen, and has no button. glide: milliseconds in which the
    actors move from there to the answer.
    """

    kind: ClassVar[str] = "answers"


@dataclass(frozen=True)
class Switch(Control):
    """Off (position 0) or on (position 1)."""

    kind: ClassVar[str] = "switch"
    values: Sequence[Any] | np.ndarray = (False, True)
    texts: Sequence[str] | None = ("off", "on")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n != 2:
            raise ValueError(f"control '{self.name}': {self.n} values, expected 2")


@dataclass(frozen=True)
class Button(Control):
    """A push button: each press moves to the next position, and from the last to `then`.

    With one value and `sets`, it sets other controls, and looks pressed while they stand so.
    glide: milliseconds in which the actors move to the next position.
    """

    kind: ClassVar[str] = "button"
    values: Sequence[Any] | np.ndarray = range(100)
    then: int = field(default=0, kw_only=True)
    glide: float = field(default=0.0, kw_only=True)

    def spec(self) -> dict[str, Any]:
        """What the browser needs."""
        return super().spec() | {"then": self.then, "glide": self.glide}
