"""What matplotlib draws once, as sanitised SVG that follows the page: stages and pictures."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrlesson.drawing.lettering import quantity
from lrlesson.drawing.svg import ID, export
from lrlesson.drawing.theme import PICTURE_SHEET, style

Box = tuple[float, float, float, float]


def figure(width: float, height: float, **mosaic: Any) -> tuple[Figure, dict[str, Axes]]:
    """A figure of width × height points and its labelled axes; call it inside `style()`.

    The keywords are those of matplotlib's `subplot_mosaic`. The figure is not registered with
    pyplot, so nothing has to be closed.
    """
    fig = Figure(figsize=(width / 72, height / 72), layout="constrained")
    return fig, fig.subplot_mosaic(**mosaic)


def placed(width: float, height: float, boxes: Mapping[str, Box]) -> tuple[Figure, dict[str, Axes]]:
    """A figure of width × height units with axes exactly where `boxes` puts them; call it inside
    `style()`. boxes: (left, top, width, height) by label, in units, y downwards; later ones lie on
    top. One unit is one pixel of a page that is wide enough.
    """
    fig = Figure(figsize=(width / 72, height / 72))
    return fig, {
        label: fig.add_axes(
            (x / width, 1 - (y + h) / height, w / width, h / height), label=label, zorder=k
        )
        for k, (label, (x, y, w, h)) in enumerate(boxes.items())
    }


@dataclass(frozen=True, eq=False)
class Stage:
    """A drawn figure: its SVG, its size in points, and where each of its axes lies.

    `boxes[label]` is (left, top, width, height) in SVG units, y downwards.
    """

    figure: Figure
    svg: str
    size: tuple[float, float]
    boxes: dict[str, Box]

    @classmethod
    def of(cls, fig: Figure) -> Stage:
        """Freeze the layout of a matplotlib figure and export it."""
        with style():
            fig.set_dpi(72)
            fig.draw_without_rendering()
            fig.set_layout_engine("none")  # before the boxes are read: they must not move again
            width, height = fig.get_size_inches() * 72
            boxes = {}
            for k, ax in enumerate(fig.axes):
                ax.apply_aspect()
                x0, y0, w, h = ax.bbox.bounds
                label = str(ax.get_label())
                label = f"axes{k}" if not label or label.startswith("_") else label
                boxes[label] = (float(x0), float(height - y0 - h), float(w), float(h))
            return cls(fig, export(fig), (float(width), float(height)), boxes)

    def axes(self, label: str) -> Axes:
        """The matplotlib axes of that label."""
        return self.figure.axes[list(self.boxes).index(label)]

    def fractions(self, label: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Data coordinates as fractions of the axes' box, x rightwards and y downwards.

        Any scale that acts on x and y separately works, as matplotlib's own transform is used.
        Values that are not finite stay so.
        """
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        ax = self.axes(label)
        x0, y0, w, h = ax.bbox.bounds
        points = np.column_stack([x.ravel(), y.ravel()])
        with np.errstate(all="ignore"):
            at = (ax.transData.transform(points) - (x0, y0)) / (w, h)
        return at[:, 0].reshape(x.shape), 1 - at[:, 1].reshape(x.shape)

    def scales(self) -> dict[str, tuple[object, ...]]:
        """Scale and limits of each axes: what `fractions` depend on."""
        return {
            label: (ax.get_xscale(), ax.get_yscale(), *map(float, ax.get_xlim() + ax.get_ylim()))
            for label, ax in zip(self.boxes, self.figure.axes, strict=True)
        }

    @property
    def digest(self) -> str:
        """Hash of the drawing."""
        return hashlib.sha256(self.svg.encode()).hexdigest()[:16]


class Picture(Figure):
    """A figure that shows itself in the colours of the page, and says in words what it shows.

    Where a page drops drawings (an untrusted notebook), the same picture in light colours stands.
    """

    def in_words(self) -> str:
        """The text alternative: what the title says, what is drawn against what, and each line by
        its label."""
        parts = []
        for ax in self.axes:
            drawn = "; ".join(ax.get_legend_handles_labels()[1])
            said = [ax.get_title("left") or ax.get_title()]
            said += [
                f"{quantity(ax.yaxis)} against {quantity(ax.xaxis)}" + f": {drawn}" * bool(drawn)
            ]
            parts.append(". ".join(filter(None, said)))
        return ". ".join(parts)

    def _repr_html_(self) -> str:
        flat = io.BytesIO()
        self.savefig(flat, format="png", dpi=110)
        source = base64.b64encode(flat.getvalue()).decode()
        dpi, words = self.dpi, escape(self.in_words())
        width = 72 * self.get_size_inches()[0]
        self.set_dpi(72)
        with style():
            svg = export(self)
        self.set_dpi(dpi)
        svg = svg.replace(ID, f"{ID}{hashlib.sha256(svg.encode()).hexdigest()[:8]}-")
        svg = svg.replace("<svg ", f'<svg role="img" aria-label="{words}" ', 1)
        return (
            f'<div class="lrlesson-picture"><style>{PICTURE_SHEET}</style>{svg}'
            f'<img width="{width:.0f}" alt="{words}" src="data:image/png;base64,{source}"></div>'
        )
