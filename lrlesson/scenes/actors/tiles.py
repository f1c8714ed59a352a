"""Actors made of many small pictures: sprites with what is read in them, and a map of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes

from lrlesson.drawing.theme import css_color, light
from lrlesson.scenes.actors.actor import Actor, Row, hue, in_axes
from lrlesson.scenes.actors.pack import Pack, Spec

_SHADES = "0123456789abcdefg"  # how dark a cell of a sprite is, 0 … 16


@dataclass(frozen=True, eq=False)
class Sprites(Actor):
    """Small grey pictures in a row, and below each a character: what was read in it.

    images: (pictures, 8, 8) of whole numbers 0 … 16. x: (pictures,), y: a number, their middles.
    said: strings of one character per picture, with one axis per control in `by`; "–" is nothing.
    right: the string that is right throughout. What is right stands on a tint, bold; what is wrong
    is crossed out and faint. size: of a picture, in units.
    """

    kind: ClassVar[str] = "sprites"
    images: Any
    x: Any
    y: float
    said: Any
    right: str = field(default="", kw_only=True)
    size: float = field(default=31.0, kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the pictures, one character per cell, and what is read."""
        spec = super().spec(pack)
        images = np.asarray(self.images)
        count = len(images)
        if images.shape[1:] != (8, 8) or images.min() < 0 or images.max() > 16:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': images of shape {images.shape}, expected "
                "(pictures, 8, 8) of numbers 0 … 16"
            )
        said = pack.strings(self.name, self.by, self.said, "said")
        lengths = {len(text) for text in [*said["strings"], self.right]}
        if lengths != {count}:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': texts of {sorted(lengths)} characters, "
                f"expected {count}, one for each picture"
            )
        x = pack.fractions(self.on, "x", np.asarray(self.x, float))
        return spec | {
            "images": ["".join(_SHADES[int(v)] for v in image.ravel()) for image in images],
            "x": [round(float(v), 5) for v in x],
            "y": float(pack.fractions(self.on, "y", np.array(float(self.y)))),
            "said": said,
            "right": self.right,
            "size": self.size,
        }

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The same row by matplotlib."""
        drawn: list[Any] = []
        said, half = row(spec["said"]), self.size / 2
        w, h = ax.bbox.width * 72 / ax.figure.dpi, ax.bbox.height * 72 / ax.figure.dpi
        for k, image in enumerate(np.asarray(self.images)):
            u, v, ok = spec["x"][k], spec["y"], said[k] == self.right[k]
            extent = (u - half / w, u + half / w, 1 - v - half / h, 1 - v + half / h)
            drawn.append(ax.imshow(
                image, cmap="Greys", vmin=0, vmax=16, extent=extent, transform=ax.transAxes,
                alpha=1 if ok else 0.42, aspect="auto", zorder=5,
            ))  # fmt: skip
            drawn.append(ax.text(
                u, v + (half + 9) / h, said[k], transform=in_axes(ax), ha="center", va="center",
                color=hue(spec, row) if ok else light("muted"), weight="bold" if ok else "normal",
            ))  # fmt: skip
        return drawn


@dataclass(frozen=True, eq=False)
class Cells(Actor):
    """A map of small pictures that are uncovered as the reader visits them.

    x, y: (cells, 2), the sides of each cell in data coordinates. role: what became of it, one of
    the theme's outcomes for each; broken cells are hatched. text: its number or word. curves:
    (cells, lines, points), heights 0 … 1 within the cell, NaN where a line has ended; drawn from
    its left to its right side. visits: the controls whose positions, in this order, choose the
    cell; what the scene has `kept` of them stays uncovered. shown: a switch that uncovers all.
    """

    kind: ClassVar[str] = "cells"
    x: Any
    y: Any
    role: Any
    text: Any
    curves: Any
    visits: tuple[str, ...] = field(default=(), kw_only=True)
    shown: str = field(default="", kw_only=True)

    def spec(self, pack: Pack) -> Spec:
        """Pack the cells."""
        spec = super().spec(pack)
        x, y = (np.asarray(v, float) for v in (self.x, self.y))
        visits = [pack.control(self.name, name) for name in self.visits]
        count = int(np.prod([pack.controls[k].n for k in visits]))
        curves = np.asarray(self.curves, float)
        sizes = {len(x), len(y), len(self.role), len(self.text), len(curves)}
        if sizes != {count}:
            raise ValueError(
                f"{pack.scene}: actor '{self.name}': {sorted(sizes)} cells, expected {count}, one "
                f"per position of {' and '.join(self.visits)}"
            )
        boxes = np.column_stack([pack.fractions(self.on, "x", x), pack.fractions(self.on, "y", y)])
        return spec | {
            "boxes": pack.ref([], boxes.ravel(), 4),
            "role": [css_color(role) for role in self.role],
            "tint": [css_color(f"{role}-tint") for role in self.role],
            "hatch": [role == "broken" for role in self.role],
            "text": [str(text) for text in self.text],
            "curves": pack.ref([], np.round(curves, 3).ravel(), curves.shape[-1]),
            "lines": curves.shape[1],
            "visits": visits,
            "sizes": [pack.controls[k].n for k in visits],
            "all": pack.control(self.name, self.shown) if self.shown else -1,
        }

    def draw(self, ax: Axes, spec: Spec, row: Row, at: Sequence[int]) -> list[Any]:
        """The cells that are uncovered, by matplotlib."""
        drawn: list[Any] = []
        every = spec["all"] >= 0 and at[spec["all"]] > 0
        places = [[entry[k] for k in spec["visits"]] for entry in [*spec.get("past", ()), at]]
        seen = {int(np.ravel_multi_index(place, spec["sizes"])) for place in places}
        for k, (role, text) in enumerate(zip(self.role, self.text, strict=True)):
            (x0, x1), (y0, y1) = np.asarray(self.x)[k], np.asarray(self.y)[k]
            open_ = every or k in seen
            tint = f"{role}-tint" if open_ else "wash"
            drawn.append(ax.axvspan(x0, x1, color=light(tint), lw=0))
            drawn[-1].set_bounds(x0, y0, x1 - x0, y1 - y0)
            drawn[-1].set_transform(ax.transData)
            drawn.append(
                ax.text(
                    (x0 + x1) / 2,
                    y1 - 0.15 * (y1 - y0),
                    text if open_ else "?",
                    ha="center",
                    va="top",
                    color=light(role if open_ else "muted"),
                )
            )
            if open_:
                curves = np.asarray(self.curves)[k]
                along = np.linspace(x0, x1, curves.shape[-1])
                drawn += ax.plot(along, y0 + (y1 - y0) * curves.T, lw=0.8, color=light(role))
        return drawn
