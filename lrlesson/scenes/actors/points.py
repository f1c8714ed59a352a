"""Actors that are points and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes

from lrlesson.scenes.actors.actor import MARKERS, Actor, Row, hue, in_axes, symbol
from lrlesson.scenes.actors.pack import Pack, Spec, Spread, near


@dataclass(frozen=True, eq=False)
class Marker(Actor):
    """One symbol at x, y of shape (*controls,) or a number, or `Spread` of one point. Outside the
    axes, or where not finite, it is not drawn; shape: dot, ring, cross, square, diamond."""

    kind: ClassVar[str] = "marker"
    x: Any
    y: Any
    shape: str = field(default="dot", kw_only=True)
    size: float = field(default=12.0, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the position."""
        spec = super().spec(pack) | {"shape": self.shape, "size": self.size}
        if self.shape not in MARKERS:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': shape = '{self.shape}', "
                f"expected one of {', '.join(MARKERS)}"
            )
        for axis, place in (("x", self.x), ("y", self.y)):
            scaled = isinstance(place, Spread)
            spec[axis] = (
                pack.scaled(self.name, self.on, axis, place) if scaled
                else self._scalar(pack, axis, place)
            )  # fmt: skip
        return spec

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same symbol by matplotlib."""
        x, y = float(row(spec["x"])[0]), float(row(spec["y"])[0])
        if not (-1e-4 <= x <= 1.0001 and -1e-4 <= y <= 1.0001):
            return []
        return symbol(ax, x, y, self.shape, self.size, 0, hue(spec, row))


@dataclass(frozen=True, eq=False)
class Text(Actor):
    """A label at x, y of shape (*controls,); its strings may depend on other controls.

    text: one string, or an array of strings with one axis per control in `text_by` (`by`).
    anchor: start, middle or end; dx, dy: offset in units, dy downwards. A line break starts a
    new line. leader: a thin line joins the words to their point.
    """

    kind: ClassVar[str] = "text"
    x: Any
    y: Any
    text: Any
    text_by: tuple[str, ...] | None = field(default=None, kw_only=True)
    anchor: str = field(default="start", kw_only=True)
    dx: float = field(default=0.0, kw_only=True)
    dy: float = field(default=0.0, kw_only=True)
    size: float = field(default=13.0, kw_only=True)
    bold: bool = field(default=False, kw_only=True)
    leader: bool = field(default=False, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the position and the strings."""
        x, y = self._scalar(pack, "x", self.x), self._scalar(pack, "y", self.y)
        by = self.by if self.text_by is None else self.text_by
        text = pack.strings(self.name, by, self.text, "text")
        look = {"anchor": self.anchor, "dx": self.dx, "dy": self.dy, "bold": self.bold}
        look["leader"] = self.leader
        return super().spec(pack) | {"x": x, "y": y, "text": text, "size": self.size} | look

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same label by matplotlib."""
        ha = {"start": "left", "middle": "center", "end": "right"}[self.anchor]
        return [
            ax.annotate(
                row(spec["text"]), (float(row(spec["x"])[0]), float(row(spec["y"])[0])),
                xycoords=in_axes(ax), xytext=(self.dx, -self.dy), textcoords="offset points",
                ha=ha, va="center", color=hue(spec, row), size=self.size,
                weight="bold" if self.bold else "normal", annotation_clip=False,
            )
        ]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Dots(Actor):
    """Points x, y of shape (*controls, points) or (points,), or `Spread`, each a round dot; NaN is
    left out. rim: units of paper around each."""

    kind: ClassVar[str] = "dots"
    x: Any
    y: Any
    size: float = field(default=5.0, kw_only=True)
    alpha: float = field(default=1.0, kw_only=True)
    rim: float = field(default=0.0, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the points."""
        spec = super().spec(pack) | {"size": self.size, "alpha": self.alpha, "rim": self.rim}
        return spec | self._rows(pack, {"x": ("x", self.x), "y": ("y", self.y)})

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same dots by matplotlib."""
        look: dict[str, Any] = {"color": hue(spec, row), "alpha": self.alpha, "mew": 0}
        return ax.plot(
            row(spec["x"]), row(spec["y"]), "o", ms=self.size, transform=in_axes(ax), **look
        )


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
    size: float = field(default=17.0, kw_only=True)

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
                spec[axis] = pack.ref([k], near(pack.fractions(self.on, axis, values)))
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
        return symbol(ax, x, y, "dot", self.size, 0, hue(spec, row))
