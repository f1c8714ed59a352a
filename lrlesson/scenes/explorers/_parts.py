"""What the explorers' stages and sentences have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from lrlesson.data import digits
from lrlesson.drawing import stage
from lrlesson.drawing.svg import SUBTITLE
from lrlesson.drawing.theme import light
from lrlesson.scenes.controls import number


class Witness:
    """A plan of rates, one per run, for `train`; it keeps the weights before chosen updates, all by
    default, without the evaluations that `keep_weights` goes with."""

    def __init__(self, rates: Sequence[float] | np.ndarray, at: np.ndarray | None = None) -> None:
        self.rates, self.runs = np.asarray(rates, float), len(rates)
        self.at = None if at is None else set(at.tolist())
        self.seen: list[np.ndarray] = []

    def rate(self, t: int, loss: Any, gradient: Any, w: Any, evaluate: Any) -> np.ndarray:
        """The rate of update t, shape (runs,)."""
        if self.at is None or t in self.at:
            self.seen.append(w.copy())
        return self.rates

    def observe(self, metric: Any) -> None:
        """A plan does not listen."""


def pictures(chosen: np.ndarray) -> np.ndarray:
    """The pixels of these test digits, (pictures, 8, 8) in 0 … 16."""
    data = digits(scale="pixels")
    assert data.x_test is not None
    darkest = np.minimum(data.x_train.min(axis=1), data.x_test.min(axis=1))  # each pixel's white
    return (data.x_test[:, chosen].T - darkest).round().reshape(-1, 8, 8).clip(0, 16)


def panels(
    labels: Sequence[str], columns: int, *, height: float = 350, ratios: Sequence[float] = ()
) -> tuple[Figure, dict[str, Axes]]:
    """Axes side by side (columns = 2), or one below the other for narrow pages (1)."""
    if columns == 2:
        wide: dict[str, Any] = {"width_ratios": ratios} if ratios else {}
        return stage.figure(760, height, mosaic=[list(labels)], **wide)
    return stage.figure(420, 310 * len(labels), mosaic=[[label] for label in labels])


def titled(ax: Axes, title: str, about: str = "", *, left: float = 0, up: float = 11) -> None:
    """What the panel says, and after it, muted, the quantity and its unit; `left` units to the
    left of the axes and `up` above them."""
    ax.annotate(
        title + SUBTITLE * bool(about) + about, (0, 1), xycoords="axes fraction",
        xytext=(-left, up), textcoords="offset points", size=13.5, weight="bold",
        annotation_clip=False,
    )  # fmt: skip


def x_name(ax: Axes, name: str, *, beside: bool = False) -> None:
    """The name of the x-axis: below its last number, or beside the numbers."""
    ax.annotate(
        name, (1, 0), xycoords="axes fraction", textcoords="offset points", size=12.5,
        xytext=(14, -18) if beside else (0, -34), ha="left" if beside else "right",
        color=light("muted"), annotation_clip=False,
    )  # fmt: skip


def ticks(axis: Axis, at: Sequence[float] | np.ndarray, shown: Sequence[str] | None = None) -> None:
    """Ticks at these places, written as plain numbers unless `shown` says otherwise."""
    names = [f"{v:g}".replace("-", "−") for v in at] if shown is None else shown
    axis.set_ticks(list(at), list(names))
    axis.set_minor_locator(NullLocator())


def hatched(ax: Axes, x: Any, y: Any, *, tint: str = "broken-tint", alpha: float = 0.3) -> None:
    """Tint an area and hatch it: where a run breaks. x, y: its corners; set the limits before."""
    figure = ax.get_figure()
    assert figure is not None
    inches = figure.dpi_scale_trans
    corners = ax.transData.transform(np.column_stack([np.ravel(x), np.ravel(y)])) / 72
    outline = Polygon(corners, transform=inches)
    ax.add_patch(Polygon(corners, transform=inches, fc=light(tint), lw=0, zorder=0.4))
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    points, codes = [], []
    for start in np.arange(x0 - (y1 - y0), x1, 10 / 72):
        points += [(start, y0), (start + y1 - y0, y1)]
        codes += [Outline.MOVETO, Outline.LINETO]
    lines = PathPatch(
        Outline(points, codes), transform=inches, fill=False, ec=light("broken"), lw=1.1,
        alpha=alpha, zorder=0.5,
    )  # fmt: skip
    ax.add_patch(lines)
    lines.set_clip_path(outline)


def named(ax: Axes, title: str, x: str, y: str) -> None:
    """Title and labels."""
    ax.set_title(title)
    ax.set_xlabel(x)
    ax.set_ylabel(y)


def log_ticks(axis: Axis, *subs: float) -> None:
    """Plain numbers on a logarithmic axis, at these multiples of the powers of ten."""
    axis.set_major_locator(LogLocator(subs=subs or (1,)))
    axis.set_major_formatter(FuncFormatter(_tick))
    axis.set_minor_locator(NullLocator())


def _tick(value: float, _: int) -> str:
    return f"{value:g}" if 1e-4 < value < 1e5 else f"$10^{{{np.log10(value):.0f}}}$"


def note(ax: Axes, text: str, at: tuple[float, float], **more: Any) -> Any:
    """A remark in the drawing, placed in fractions of the axes, readable on any colour."""
    look: dict[str, Any] = {"size": 13, "color": light("muted"), "ha": "left", "va": "top"}
    return ax.text(*at, text, transform=ax.transAxes, gid="halo", **(look | more))


def texts(values: Any, digits: int = 3) -> np.ndarray:
    """Each number written for the eye, in an array of strings of the same shape."""
    array = np.asarray(values, float)
    shown = [number(value, digits) for value in array.ravel()]
    return np.array(shown, dtype=object).reshape(array.shape)
