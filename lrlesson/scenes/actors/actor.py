"""What every actor has: a name, axes, controls, and a colour."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.markers import MarkerStyle
from matplotlib.transforms import Affine2D

from lrlesson.drawing.theme import css_color
from lrlesson.scenes.actors.pack import Pack, Spec, Spread, near

Row = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Actor:
    """Something that moves.

    name: named in error messages, and in the page as `data-actor`.
    on: label of the axes that it lives in.
    by: names of the controls that its leading axes belong to, in that order. An array without
        leading axes is the same at every position.
    color: a role of the theme, or an array of roles with one axis per control in `color_by`.
    kept: instead of the current frame, "each" frame that the scene has kept, or the "last", or
        those "earlier" than it, or the "others", which differ from the current one in `by`.
    """

    kind: ClassVar[str] = ""
    name: str
    on: str
    by: tuple[str, ...] = field(default=(), kw_only=True)
    color: Any = field(default="ink", kw_only=True)
    color_by: tuple[str, ...] = field(default=(), kw_only=True)
    kept: str = field(default="", kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the arrays; raises ValueError, naming the actor, where they do not fit."""
        if self.on not in pack.stage.boxes:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': unknown axes '{self.on}', "
                f"expected one of {', '.join(pack.stage.boxes)}"
            )
        spec = {"kind": self.kind, "name": self.name, "ax": list(pack.stage.boxes).index(self.on)}
        pack.actors[self.name] = self.on
        if self.kept not in ("", "each", "last", "earlier", "others"):
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': kept = '{self.kept}', expected each, last, "
                "earlier or others"
            )
        if self.kept == "others":
            spec["by"] = [pack.control(self.name, name) for name in self.by]
        return spec | {"color": self._paint(pack), "kept": self.kept}

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """Draw one frame with matplotlib; the artists, to be removed afterwards."""
        raise NotImplementedError

    def _paint(self, pack: Pack) -> Any:
        if isinstance(self.color, str):
            return css_color(self.color)
        roles = np.asarray(self.color, dtype=object)
        paint = np.array([css_color(role) for role in roles.ravel()], object).reshape(roles.shape)
        return pack.strings(self.name, self.color_by, paint, "color")

    def _upto(self, pack: Pack, upto: str | None, passed: Any, n: int) -> Spec:
        """Which control draws n points bit by bit: one at each position, or up to `passed`."""
        if upto is None:
            return {}
        k = pack.control(self.name, upto)
        count = pack.controls[k].n
        if passed is not None:
            reach = np.asarray(passed, float)
            if reach.shape != (count,) or not ((reach >= 0) & (reach <= n)).all():
                raise ValueError(
                    f"{pack.scene}: actor '{self.name}': passed of shape {reach.shape}, expected "
                    f"({count},) numbers 0 … {n}"
                )
            return {"upto": k, "passed": pack.ref([k], reach)}
        if count != n:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': {n} points, expected one per position "
                f"of '{upto}' ({count})"
            )
        return {"upto": k}

    def _scalar(self, pack: Pack, axis: str, values: Any) -> Spec:
        array = np.asarray(values, float)
        by = pack.by(self.name, self.by, array.shape, axis)
        return pack.ref(by, near(pack.fractions(self.on, axis, array)))

    def _rows(self, pack: Pack, parts: dict[str, tuple[str, Any]]) -> Spec:
        """Pack arrays of shape (*controls, n) or (n,), each along one axis; all of the same n."""
        arrays = {
            key: np.asarray(v.offset if isinstance(v, Spread) else v, float)
            for key, (_, v) in parts.items()
        }
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
            axis, values = parts[key]
            if isinstance(values, Spread):
                spec[key] = pack.scaled(self.name, self.on, axis, values)
                continue
            by = pack.by(self.name, self.by, array.shape[:-1], key)
            spec[key] = pack.ref(by, near(pack.fractions(self.on, axis, array)), array.shape[-1])
        return spec


def hue(spec: Spec, row: Row) -> str:
    """The colour of a frame for matplotlib: the light theme's."""
    paint = spec["color"] if isinstance(spec["color"], str) else row(spec["color"])
    found = re.search("#[0-9a-f]{6}", paint)
    assert found is not None
    return found[0]


def reached(spec: Spec, row: Row, at: Sequence[int]) -> int | None:
    """How many points are drawn so far; None for all."""
    if "passed" in spec:
        return int(row(spec["passed"])[0])
    return at[spec["upto"]] + 1 if "upto" in spec else None


def in_axes(ax: Axes) -> Any:
    """From fractions of the axes' box, y downwards, to the drawing."""
    return Affine2D().scale(1, -1).translate(0, 1) + ax.transAxes


MARKERS = {"dot": "o", "ring": "o", "cross": "x", "square": "s", "diamond": "D"}


def symbol(ax: Axes, x: float, y: float, shape: str, size: float, angle: float, color: str) -> Any:
    """One symbol at a place in fractions of the box."""
    marker: Any = MARKERS.get(shape)
    if shape == "arrow":
        marker = MarkerStyle(">", transform=Affine2D().rotate_deg(-angle))
    open_ = shape in ("ring", "cross")
    return ax.plot(
        [x], [y], marker=marker, ms=size, mfc="white" if shape == "ring" else color,
        mec=color if open_ else "white", mew=2 if open_ else 1.5, ls="", transform=in_axes(ax),
        clip_on=False, zorder=6,
    )  # fmt: skip
