"""Actors that are lines and areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes

from lrlesson.scenes.actors.actor import Actor, Row, hue, in_axes, reached, symbol
from lrlesson.scenes.actors.pack import Pack, Spec, Spread, near

_APART = 5.0  # points between the dots of a path
_LONGEST_NAME = 24  # characters of a label


@dataclass(frozen=True, eq=False)
class Path(Actor):
    """A line through points, x and y of shape (*controls, points) or (points,), or `Spread`.

    upto: name of a control; point k is drawn from its position k on. passed: instead, at each of
        its positions the number of points that are drawn.
    dots: mark the points, as many as stay apart.
    casing: units of paper on both sides together, so that it stays readable over a colour.
    fill: closed, and filled with the colour, in an outline of paper.

    Where it first leaves its axes an arrow says so; where a value is not finite, the line has a
    gap, and a cross stands at the last point before it if that is still within the axes.
    """

    kind: ClassVar[str] = "path"
    x: Any
    y: Any
    upto: str | None = field(default=None, kw_only=True)
    passed: Any = field(default=None, kw_only=True)
    dots: bool = field(default=False, kw_only=True)
    width: float = field(default=2.4, kw_only=True)
    dash: tuple[float, ...] = field(default=(), kw_only=True)
    alpha: float = field(default=1.0, kw_only=True)
    casing: float = field(default=0.0, kw_only=True)
    exits: bool = field(default=True, kw_only=True)
    fill: bool = field(default=False, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the line, its dots, its exit and its gap."""
        look = {"width": self.width, "dash": list(self.dash), "alpha": self.alpha}
        look |= {"casing": self.casing, "fill": self.fill}
        spec = super().spec(pack) | look
        if isinstance(self.x, Spread) or isinstance(self.y, Spread):
            if self.dots:
                raise ValueError(
                    f"{pack.scene}: actor '{self.name}': dots = True, expected False with Spread"
                )
            rows = self._rows(pack, {"x": ("x", self.x), "y": ("y", self.y)})
            upto = self._upto(pack, self.upto, self.passed, rows["x"]["n"])
            return spec | rows | upto | {"leaves": self.exits}
        x, y = np.asarray(self.x, float), np.asarray(self.y, float)
        if x.ndim == 0 or y.ndim == 0 or x.shape[-1] != y.shape[-1]:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': x has shape {x.shape} and y {y.shape}, "
                "expected the same number of points"
            )
        n = x.shape[-1]
        by_x = pack.by(self.name, self.by, x.shape[:-1], "x")
        by_y = pack.by(self.name, self.by, y.shape[:-1], "y")
        by = by_x or by_y
        spec |= self._upto(pack, self.upto, self.passed, n)
        u, v = pack.fractions(self.on, "x", x), pack.fractions(self.on, "y", y)
        spec |= {"x": pack.ref(by_x, near(u), n), "y": pack.ref(by_y, near(v), n)}
        finite = np.isfinite(x) & np.isfinite(y)
        u, v = (np.broadcast_to(w, finite.shape).reshape(-1, n) for w in (u, v))
        finite = finite.reshape(-1, n)
        leaves, gaps = _exits(u, v, finite), _gaps(u, v, finite)
        with np.errstate(invalid="ignore"):
            gaps[:, gaps[3] > leaves[3]] = np.nan  # it has left before: the arrow says enough
        for key, marks in (("gap", gaps), ("exit", leaves)):
            if np.isfinite(marks[0]).any() and (key == "gap" or self.exits):
                spec[key] = [pack.ref(by, column) for column in marks]
        if self.dots:
            table = _apart(u, v, pack.stage.boxes[self.on][2:])
            spec["dots"] = pack.ref(by, table, table.shape[1]) | {"size": self.width + 3}
        return spec

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same line, dots, arrow and cross by matplotlib."""
        m = spec["x"]["n"] if (passed := reached(spec, row, at)) is None else passed
        x, y = row(spec["x"])[:m], row(spec["y"])[:m]
        look: dict[str, Any] = {"color": hue(spec, row)}
        to: dict[str, Any] = {"transform": in_axes(ax), "zorder": 5}
        dash: dict[str, Any] = {"linestyle": (0, self.dash)} if self.dash else {}
        line: list[Any] = []
        if self.fill:
            return ax.fill(x, y, ec="white", lw=self.width, **to | {"zorder": 1}, **look)
        if spec.get("leaves"):  # for good: what is drawn ends there
            inside = np.flatnonzero((np.abs(x - 0.5) <= 0.5001) & (np.abs(y - 0.5) <= 0.5001))
            if inside.size:
                x, y = x[: inside[-1] + 2], y[: inside[-1] + 2]
                ends = np.stack([x, y])[:, None, -2:]
                px, py, angle, _ = _exits(ends[0], ends[1], np.isfinite(ends).all(axis=0))[:, 0]
                if np.isfinite(px):
                    line += symbol(ax, px, py, "arrow", 9, angle, hue(spec, row))
        if self.casing:
            line += ax.plot(x, y, lw=self.width + self.casing, color="white", **to)
        line += ax.plot(x, y, lw=self.width, alpha=self.alpha, **dash, **to, **look)
        if "dots" in spec:
            table = row(spec["dots"])
            shown = table[np.isfinite(table)].astype(int)
            shown = shown[shown < m]
            line += ax.plot(x[shown], y[shown], "o", ms=spec["dots"]["size"], mew=0, **to, **look)
        for key in ("exit", "gap"):
            if key in spec:
                px, py, angle, since = (float(row(ref)[0]) for ref in spec[key])
                if since < m:
                    line += symbol(ax, px, py, "arrow" if key == "exit" else "cross", 9, angle,
                                    hue(spec, row))  # fmt: skip
        return line


def _gaps(u: np.ndarray, v: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """(x, y, angle, since) of the cross at the last finite point before each row's first gap."""
    rows = np.arange(len(finite))
    after = np.argmax(~finite & (np.maximum.accumulate(finite, axis=1)), axis=1)
    x, y = (np.clip(w[rows, after - 1], 0, 1) for w in (u, v))
    return np.where(after > 0, [x, y, 0.0 * after, after], np.nan)


def _exits(u: np.ndarray, v: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """(x, y, angle, since) of the point where each row first leaves the unit square."""
    out = np.full((4, len(u)), np.nan)
    tol = 1e-9
    inside = finite & (np.abs(u - 0.5) <= 0.5 + tol) & (np.abs(v - 0.5) <= 0.5 + tol)
    leaves = inside[:, :-1] & ~inside[:, 1:] & finite[:, 1:]
    for k in np.flatnonzero(leaves.any(axis=1)):
        since = int(np.argmax(leaves[k])) + 1
        p = np.array([u[k, since - 1], v[k, since - 1]])
        step = np.array([u[k, since], v[k, since]]) - p
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(step > 0, (1 - p) / step, np.where(step < 0, -p / step, np.inf))
        side = int(np.argmin(reach))
        angle = (0 if step[0] > 0 else 180) if side == 0 else (90 if step[1] > 0 else 270)
        out[:, k] = [*np.clip(p + reach[side] * step, 0, 1), angle, since]
    return out


def _apart(u: np.ndarray, v: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """Per row, the indices of points at least `_APART` points away from all chosen before it."""
    with np.errstate(invalid="ignore"):
        x, y = u * size[0], v * size[1]
        shown = (np.abs(u - 0.5) <= 0.51) & (np.abs(v - 0.5) <= 0.51)
    chosen = np.full((3, *u.shape), np.nan)  # x, y, index
    count = np.zeros(len(u), int)
    for k in range(u.shape[1]):
        near = np.hypot(chosen[0] - x[:, k, None], chosen[1] - y[:, k, None]) < _APART
        rows = np.flatnonzero(shown[:, k] & ~near.any(axis=1))
        chosen[:, rows, count[rows]] = x[rows, k], y[rows, k], np.full(len(rows), k)
        count[rows] += 1
    return chosen[2, :, : max(1, count.max())]


@dataclass(frozen=True, eq=False)
class Label(Actor):
    """The name of a line: it rides at the last shown point of a `Path`, or at a `Marker`, and
    names of the same axes push each other apart.

    at: name of that path or marker; it must come before its label.
    text, note: one string, or an array with one axis per control in `text_by`; the note is a
        second, quieter line.
    dx, dy: offset in units, rightwards and downwards. anchor: start, middle or end.
    """

    kind: ClassVar[str] = "label"
    at: str
    text: Any
    text_by: tuple[str, ...] = field(default=(), kw_only=True)
    note: Any = field(default="", kw_only=True)
    note_by: tuple[str, ...] = field(default=(), kw_only=True)
    size: float = field(default=14.0, kw_only=True)
    bold: bool = field(default=True, kw_only=True)
    dx: float = field(default=11.0, kw_only=True)
    dy: float = field(default=0.0, kw_only=True)
    anchor: str = field(default="start", kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the words; raises ValueError where nothing on these axes has the name `at`."""
        known = [name for name, on in pack.actors.items() if on == self.on]
        spec = super().spec(pack)
        if self.at not in known:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': at = '{self.at}', expected the name of a "
                f"path or marker before it: {', '.join(known) or 'none'}"
            )
        words = {
            "text": pack.strings(self.name, self.text_by, self.text, "text"),
            "note": pack.strings(self.name, self.note_by, self.note, "note"),
        }
        if len(worst := max(words["text"]["strings"], key=len)) > _LONGEST_NAME:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': text '{worst}' has {len(worst)} characters, "
                f"expected at most {_LONGEST_NAME}"
            )
        look = {"size": self.size, "bold": self.bold, "dx": self.dx, "dy": self.dy}
        return spec | words | look | {"at": self.at, "anchor": self.anchor}

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same words by matplotlib; `Scene.png` puts them where the line has just ended."""
        end = spec.get("end")
        text, note = row(spec["text"]), row(spec["note"])
        if end is None or not text:
            return []
        return [
            ax.annotate(
                f"{text}\n{note}" if note else text, end, xycoords=in_axes(ax),
                xytext=(self.dx, -self.dy), textcoords="offset points", va="center",
                ha={"start": "left", "middle": "center", "end": "right"}[self.anchor],
                color=hue(spec, row), size=self.size - 2, annotation_clip=False, zorder=7,
            )
        ]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trail(Actor):
    """Where points were in the last few steps, fading with age: x, y of shape (*controls, points)
    or `Spread`. upto: the control of steps, one of those they depend on; last: how many."""

    kind: ClassVar[str] = "trail"
    x: Any
    y: Any
    upto: str = field(default="step", kw_only=True)
    last: int = field(default=10, kw_only=True)
    width: float = field(default=1.4, kw_only=True)
    alpha: float = field(default=0.35, kw_only=True)
    casing: float = field(default=0.0, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the points of every step."""
        spec = super().spec(pack) | {"upto": pack.control(self.name, self.upto)}
        look = {"last": self.last, "width": self.width, "alpha": self.alpha, "casing": self.casing}
        return spec | look | self._rows(pack, {"x": ("x", self.x), "y": ("y", self.y)})

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same trail by matplotlib."""
        lines: list[Any] = []
        to: dict[str, Any] = {"transform": in_axes(ax), "color": hue(spec, row)}
        k, now = spec["upto"], list(at)
        for age in range(min(self.last, at[k])):
            ends = []
            for step in (at[k] - age - 1, at[k] - age):
                now[k] = step
                ends.append([row(spec[axis], position=tuple(now)) for axis in "xy"])
            x, y = (np.stack([ends[0][j], ends[1][j]]) for j in (0, 1))
            lines += ax.plot(x, y, lw=self.width, alpha=self.alpha * (1 - age / self.last), **to)
        return lines


@dataclass(frozen=True, eq=False)
class _Line(Actor):
    value: Any
    width: float = field(default=1.4, kw_only=True)
    dash: tuple[float, ...] = field(default=(), kw_only=True)
    axis: ClassVar[str] = ""

    def spec(self, pack: Pack) -> Spec:
        """Pack the position."""
        look = {"width": self.width, "dash": list(self.dash)}
        return super().spec(pack) | look | {self.axis: self._scalar(pack, self.axis, self.value)}

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same line by matplotlib."""
        w = float(row(spec[self.axis])[0])
        x, y = ([w, w], [0, 1]) if self.axis == "x" else ([0, 1], [w, w])
        dash: dict[str, Any] = {"linestyle": (0, self.dash)} if self.dash else {}
        return ax.plot(x, y, lw=self.width, color=hue(spec, row), transform=in_axes(ax), **dash)


@dataclass(frozen=True, eq=False)
class VLine(_Line):
    """A vertical line through the axes at x = value, of shape (*controls,) or a number."""

    kind: ClassVar[str] = "vline"
    axis: ClassVar[str] = "x"


@dataclass(frozen=True, eq=False)
class HLine(_Line):
    """A horizontal line through the axes at y = value, of shape (*controls,) or a number."""

    kind: ClassVar[str] = "hline"
    axis: ClassVar[str] = "y"


@dataclass(frozen=True, eq=False)
class Bars(Actor):
    """Bars at x, shape (bars,), up to y, shape (*controls, bars), from base; `width` in units of x
    (on a linear axis). NaN is no bar."""

    kind: ClassVar[str] = "bars"
    x: Any
    y: Any
    base: float = field(default=0.0, kw_only=True)
    width: float = field(default=0.7, kw_only=True)
    alpha: float = field(default=1.0, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the edges and tops."""
        x = np.asarray(self.x, float)
        spec = super().spec(pack) | {"alpha": self.alpha}
        rows = self._rows(pack, {
            "left": ("x", x - self.width / 2), "right": ("x", x + self.width / 2),
            "y": ("y", self.y),
        })  # fmt: skip
        return spec | rows | {"base": self._scalar(pack, "y", self.base)}

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same bars by matplotlib."""
        left, right, top = (row(spec[key]) for key in ("left", "right", "y"))
        base, whole = float(row(spec["base"])[0]), np.isfinite(top)
        bars = ax.bar(
            left[whole], top[whole] - base, (right - left)[whole], base, align="edge",
            color=hue(spec, row), alpha=self.alpha, transform=in_axes(ax), lw=0,
        )  # fmt: skip
        return list(bars)


@dataclass(frozen=True, eq=False)
class Band(Actor):
    """A shaded area between low and high over x, each of shape (*controls, points) or (points,).

    hatch: hatched as well, as areas are where runs break. upto: as of a `Path`.
    """

    kind: ClassVar[str] = "band"
    x: Any
    low: Any
    high: Any
    alpha: float = field(default=0.2, kw_only=True)
    hatch: bool = field(default=False, kw_only=True)
    upto: str | None = field(default=None, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack both edges."""
        edges = {"x": ("x", self.x), "low": ("y", self.low), "high": ("y", self.high)}
        spec = super().spec(pack) | {"alpha": self.alpha, "hatch": self.hatch}
        spec |= self._rows(pack, edges)
        return spec | self._upto(pack, self.upto, None, spec["x"]["n"])

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same area by matplotlib."""
        x, low, high = (row(spec[key])[: reached(spec, row, at)] for key in ("x", "low", "high"))
        look: dict[str, Any] = {"color": hue(spec, row), "alpha": self.alpha, "lw": 0}
        if self.hatch:
            look |= {"hatch": "//"}
        return [ax.fill_between(x, low, high, transform=in_axes(ax), **look)]
