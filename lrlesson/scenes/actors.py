"""The actors of a scene: what moves, as arrays with one leading axis per control.

Each actor knows how to pack its arrays for the browser and how matplotlib draws the same frame
(for the picture in the output); `scene.js` holds the browser's half under the same names.
Positions travel as fractions of the axes' box, x rightwards and y downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.markers import MarkerStyle
from matplotlib.transforms import Affine2D

from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import css_color, light
from lrlesson.scenes.controls import Control

_FAR = 200.0  # box widths from the frame; browsers draw no line to numbers much larger
_APART = 5.0  # points between the dots of a path

Spec = dict[str, Any]
Row = Callable[[Spec], Any]


class Pack:
    """Collects the float32 arrays of a scene and writes down where each one lies."""

    def __init__(self, scene: str, stage: Stage, controls: Sequence[Control]) -> None:
        self.scene, self.stage, self.controls = scene, stage, list(controls)
        self.names = [control.name for control in controls]
        self._chunks: list[bytes] = []
        self._known: dict[bytes, int] = {}
        self.length = 0  # in numbers of four bytes

    @property
    def data(self) -> bytes:
        """All arrays, one after the other."""
        return b"".join(self._chunks)

    def control(self, actor: str, name: str) -> int:
        """Index of a control, or an error that names the actor."""
        if name not in self.names:
            raise ValueError(
                f"{self.scene}: actor '{actor}': unknown control '{name}', "
                f"expected one of {', '.join(self.names) or 'none'}"
            )
        return self.names.index(name)

    def by(self, actor: str, names: Sequence[str], shape: Sequence[int], what: str) -> list[int]:
        """The controls that leading axes of this shape belong to: all of `names`, or none."""
        indices = [self.control(actor, name) for name in names]
        if tuple(shape) == ():
            return []
        if tuple(shape) != tuple(self.controls[k].n for k in indices):
            expected = ", ".join(f"{name} ({self.controls[k].n})" for name, k in zip(
                names, indices, strict=True)) or "none"  # fmt: skip
            raise ValueError(
                f"{self.scene}: actor '{actor}': leading axes {tuple(shape)} of {what} "
                f"do not match its controls: {expected}"
            )
        return indices

    def ref(self, by: list[int], values: np.ndarray, n: int = 1) -> Spec:
        """Store an array once, however many actors use it; its row has n numbers."""
        chunk = np.ascontiguousarray(values, np.float32).tobytes()
        if chunk not in self._known:
            self._known[chunk] = self.length
            self._chunks.append(chunk)
            self.length += len(chunk) // 4
        return {"o": self._known[chunk], "n": n, "by": by}

    def strings(self, actor: str, names: Sequence[str], values: Any, what: str) -> Spec:
        """A table of strings, one per position of the controls named."""
        table = np.asarray(values, dtype=object)
        by = self.by(actor, names, table.shape, what)
        return {"strings": [str(value) for value in table.ravel()], "by": by}

    def fractions(self, on: str, axis: str, values: np.ndarray) -> np.ndarray:
        """Data coordinates along one axis as fractions of the box of the axes `on`."""
        ax = self.stage.axes(on)
        if axis == "x":
            return self.stage.fractions(on, values, np.array(ax.get_ylim()[0]))[0]
        return self.stage.fractions(on, np.array(ax.get_xlim()[0]), values)[1]


@dataclass(frozen=True, eq=False)
class Actor:
    """Something that moves.

    name: named in error messages, and in the page as `data-actor`.
    on: label of the axes that it lives in.
    by: names of the controls that its leading axes belong to, in that order. An array without
        leading axes is the same at every position.
    kept: instead of the current frame, "each" frame that the scene has kept, or the "last".
    """

    kind: ClassVar[str] = ""
    name: str
    on: str
    by: tuple[str, ...] = field(default=(), kw_only=True)
    color: str = field(default="blue", kw_only=True)
    kept: str = field(default="", kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the arrays; raises ValueError, naming the actor, where they do not fit."""
        if self.on not in pack.stage.boxes:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': unknown axes '{self.on}', "
                f"expected one of {', '.join(pack.stage.boxes)}"
            )
        spec = {"kind": self.kind, "name": self.name, "ax": list(pack.stage.boxes).index(self.on)}
        if self.kept not in ("", "each", "last"):
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': kept = '{self.kept}', expected each or last"
            )
        return spec | {"color": css_color(self.color), "kept": self.kept}

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """Draw one frame with matplotlib; the artists, to be removed afterwards."""
        raise NotImplementedError

    def _scalar(self, pack: Pack, axis: str, values: Any) -> Spec:
        array = np.asarray(values, float)
        by = pack.by(self.name, self.by, array.shape, axis)
        return pack.ref(by, _near(pack.fractions(self.on, axis, array)))

    def _rows(self, pack: Pack, parts: dict[str, tuple[str, Any]]) -> Spec:
        """Pack arrays of shape (*controls, n) or (n,), each along one axis; all of the same n."""
        arrays = {key: np.asarray(values, float) for key, (_, values) in parts.items()}
        if len({array.shape[-1:] for array in arrays.values()}) > 1 or () in {
            array.shape for array in arrays.values()
        }:
            shapes = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': shapes {shapes}, "
                "expected the same number of points"
            )
        spec = {}
        for key, array in arrays.items():
            by = pack.by(self.name, self.by, array.shape[:-1], key)
            near = _near(pack.fractions(self.on, parts[key][0], array))
            spec[key] = pack.ref(by, near, array.shape[-1])
        return spec


def _in_axes(ax: Axes) -> Any:
    return Affine2D().scale(1, -1).translate(0, 1) + ax.transAxes


@dataclass(frozen=True, eq=False)
class Path(Actor):
    """A line through points, x and y of shape (*controls, points) or (points,).

    upto: name of a control; point k is drawn from its position k on.
    dots: mark the points, as many as stay apart.

    Where it first leaves its axes an arrow says so; where a value is not finite, the line has a
    gap and a cross stands at the last point before it.
    """

    kind: ClassVar[str] = "path"
    x: Any
    y: Any
    upto: str | None = field(default=None, kw_only=True)
    dots: bool = field(default=False, kw_only=True)
    width: float = field(default=1.8, kw_only=True)
    dash: tuple[float, ...] = field(default=(), kw_only=True)
    alpha: float = field(default=1.0, kw_only=True)
    exits: bool = field(default=True, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the line, its dots, its exit and its gap."""
        spec = super().spec(pack)
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
        if self.upto is not None:
            k = pack.control(self.name, self.upto)
            if pack.controls[k].n != n:
                raise ValueError(
                    f"{pack.scene}: actor '{self.name}': {n} points, expected one per position "
                    f"of '{self.upto}' ({pack.controls[k].n})"
                )
            spec["upto"] = k
        u, v = pack.fractions(self.on, "x", x), pack.fractions(self.on, "y", y)
        spec |= {"x": pack.ref(by_x, _near(u), n), "y": pack.ref(by_y, _near(v), n)}
        spec |= {"width": self.width, "dash": list(self.dash), "alpha": self.alpha}
        finite = np.isfinite(x) & np.isfinite(y)
        u, v = (np.broadcast_to(w, finite.shape).reshape(-1, n) for w in (u, v))
        finite = finite.reshape(-1, n)
        if not finite.all() and len(gaps := _gaps(u, v, finite)):
            spec["gap"] = [pack.ref(by, column) for column in gaps]
        if self.exits and np.isfinite((leaves := _exits(u, v, finite))[0]).any():
            spec["exit"] = [pack.ref(by, column) for column in leaves]
        if self.dots:
            table = _apart(u, v, pack.stage.boxes[self.on][2:])
            spec["dots"] = pack.ref(by, table, table.shape[1]) | {"size": self.width + 3.4}
        return spec

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same line, dots, arrow and cross by matplotlib."""
        m = at[spec["upto"]] + 1 if "upto" in spec else spec["x"]["n"]
        x, y = row(spec["x"])[:m], row(spec["y"])[:m]
        look: dict[str, Any] = {"color": light(self.color)}
        to: dict[str, Any] = {"transform": _in_axes(ax), "zorder": 5}
        dash: dict[str, Any] = {"linestyle": (0, self.dash)} if self.dash else {}
        line = ax.plot(x, y, lw=self.width, alpha=self.alpha, **dash, **to, **look)
        if "dots" in spec:
            table = row(spec["dots"])
            shown = table[np.isfinite(table)].astype(int)
            shown = shown[shown < m]
            line += ax.plot(x[shown], y[shown], "o", ms=spec["dots"]["size"], mew=0, **to, **look)
        for key in ("exit", "gap"):
            if key in spec:
                px, py, angle, since = (float(row(ref)[0]) for ref in spec[key])
                if since < m:
                    line += _symbol(ax, px, py, "arrow" if key == "exit" else "cross", 9, angle,
                                    light(self.color))  # fmt: skip
        return line


def _near(w: np.ndarray) -> np.ndarray:
    """Fractions with far-away points left out: they are off the page, and said by the exit."""
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(w - 0.5) < _FAR, w, np.nan)


def _gaps(u: np.ndarray, v: np.ndarray, finite: np.ndarray) -> list[np.ndarray]:
    """(x, y, angle, since) of the cross at the last finite point before each row's first gap."""
    rows = np.arange(len(finite))
    after = np.argmax(~finite & (np.maximum.accumulate(finite, axis=1)), axis=1)
    has = after > 0
    if not has.any():
        return []
    x, y = u[rows, after - 1], v[rows, after - 1]
    blank = np.where(has, 0.0, np.nan)
    return [np.clip(x, 0, 1) + blank, np.clip(y, 0, 1) + blank, blank, after + blank]


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


_MARKERS = {"dot": "o", "ring": "o", "cross": "x", "square": "s", "diamond": "D"}


def _symbol(ax: Axes, x: float, y: float, shape: str, size: float, angle: float, color: str) -> Any:
    if shape == "arrow":
        marker: Any = MarkerStyle(">", transform=Affine2D().rotate_deg(-angle))
    else:
        marker = _MARKERS[shape]
    face = {"ring": "white"}.get(shape, color)
    edge = color if shape in ("ring", "cross") else "white"
    return ax.plot(
        [x], [y], marker=marker, ms=size, mfc=face, mec=edge, mew=2 if edge == color else 1,
        ls="", transform=_in_axes(ax), clip_on=False, zorder=6,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Marker(Actor):
    """One symbol at x, y of shape (*controls,) or a number. Outside the axes, or where not
    finite, it is not drawn; shape: dot, ring, cross, square, diamond."""

    kind: ClassVar[str] = "marker"
    x: Any
    y: Any
    shape: str = field(default="dot", kw_only=True)
    size: float = field(default=9.0, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the position."""
        spec = super().spec(pack) | {"shape": self.shape, "size": self.size}
        if self.shape not in _MARKERS:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': shape = '{self.shape}', "
                f"expected one of {', '.join(_MARKERS)}"
            )
        x, y = self._scalar(pack, "x", self.x), self._scalar(pack, "y", self.y)
        return spec | {"x": x, "y": y}

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same symbol by matplotlib."""
        x, y = float(row(spec["x"])[0]), float(row(spec["y"])[0])
        if not (-1e-4 <= x <= 1.0001 and -1e-4 <= y <= 1.0001):
            return []
        return _symbol(ax, x, y, self.shape, self.size, 0, light(self.color))


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
        return ax.plot(x, y, lw=self.width, color=light(self.color), transform=_in_axes(ax), **dash)


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
class Text(Actor):
    """A label at x, y of shape (*controls,); its strings may depend on other controls.

    text: one string, or an array of strings with one axis per control in `text_by` (`by`).
    anchor: start, middle or end; dx, dy: offset in points, dy downwards.
    """

    kind: ClassVar[str] = "text"
    x: Any
    y: Any
    text: Any
    text_by: tuple[str, ...] | None = field(default=None, kw_only=True)
    anchor: str = field(default="start", kw_only=True)
    dx: float = field(default=0.0, kw_only=True)
    dy: float = field(default=0.0, kw_only=True)
    size: float = field(default=11.0, kw_only=True)
    bold: bool = field(default=False, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the position and the strings."""
        x, y = self._scalar(pack, "x", self.x), self._scalar(pack, "y", self.y)
        by = self.by if self.text_by is None else self.text_by
        text = pack.strings(self.name, by, self.text, "text")
        look = {"anchor": self.anchor, "dx": self.dx, "dy": self.dy, "bold": self.bold}
        return super().spec(pack) | {"x": x, "y": y, "text": text, "size": self.size} | look

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same label by matplotlib."""
        ha = {"start": "left", "middle": "center", "end": "right"}[self.anchor]
        return [
            ax.annotate(
                row(spec["text"]), (float(row(spec["x"])[0]), float(row(spec["y"])[0])),
                xycoords=_in_axes(ax), xytext=(self.dx, -self.dy), textcoords="offset points",
                ha=ha, va="center", color=light(self.color), size=self.size,
                weight="bold" if self.bold else "normal", annotation_clip=False,
            )
        ]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Dots(Actor):
    """Points x, y of shape (*controls, points) or (points,), each a round dot; NaN is left out."""

    kind: ClassVar[str] = "dots"
    x: Any
    y: Any
    size: float = field(default=4.0, kw_only=True)
    alpha: float = field(default=1.0, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the points."""
        spec = super().spec(pack) | {"size": self.size, "alpha": self.alpha}
        return spec | self._rows(pack, {"x": ("x", self.x), "y": ("y", self.y)})

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same dots by matplotlib."""
        look: dict[str, Any] = {"color": light(self.color), "alpha": self.alpha, "mew": 0}
        return ax.plot(
            row(spec["x"]), row(spec["y"]), "o", ms=self.size, transform=_in_axes(ax), **look
        )


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
            color=light(self.color), alpha=self.alpha, transform=_in_axes(ax), lw=0,
        )  # fmt: skip
        return list(bars)


@dataclass(frozen=True, eq=False)
class Band(Actor):
    """A shaded area between low and high over x, each of shape (*controls, points) or (points,)."""

    kind: ClassVar[str] = "band"
    x: Any
    low: Any
    high: Any
    alpha: float = field(default=0.2, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack both edges."""
        edges = {"x": ("x", self.x), "low": ("y", self.low), "high": ("y", self.high)}
        return super().spec(pack) | {"alpha": self.alpha} | self._rows(pack, edges)

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same area by matplotlib."""
        x, low, high = (row(spec[key]) for key in ("x", "low", "high"))
        look: dict[str, Any] = {"color": light(self.color), "alpha": self.alpha, "lw": 0}
        return [ax.fill_between(x, low, high, transform=_in_axes(ax), **look)]


@dataclass(frozen=True, eq=False)
class Handle(Actor):
    """A point to drag: it stands at the values of the sliders that it moves.

    x, y: the name of a slider, which dragging then moves; or a pair of such a name and the place
    of the point at each of its values; or a number, or an array over `by`.
    The keyboard moves the sliders themselves.
    """

    kind: ClassVar[str] = "handle"
    x: Any
    y: Any
    size: float = field(default=15.0, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the positions, and which control is moved along which axis."""
        spec: Spec = super().spec(pack) | {"size": self.size, "pulls": []}
        for axis, where in (("x", self.x), ("y", self.y)):
            if isinstance(where, str | tuple):
                name = where if isinstance(where, str) else where[0]
                k = pack.control(self.name, name)
                values = np.asarray(
                    pack.controls[k].values if isinstance(where, str) else where[1], float
                )
                if values.shape != (pack.controls[k].n,):
                    raise ValueError(
                        f"{pack.scene}: actor '{self.name}': {axis} has places of shape "
                        f"{values.shape}, expected one per position of '{name}' "
                        f"({pack.controls[k].n})"
                    )
                spec[axis] = pack.ref([k], _near(pack.fractions(self.on, axis, values)))
                spec["pulls"].append([k, axis])
            else:
                spec[axis] = self._scalar(pack, axis, where)
        if not spec["pulls"]:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': neither x nor y names a control to move"
            )
        return spec

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same point by matplotlib."""
        x, y = (float(np.clip(row(spec[axis])[0], 0, 1)) for axis in "xy")
        return _symbol(ax, x, y, "dot", self.size, 0, light(self.color))
