"""What the explorers' stages and sentences have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from lrlesson.drawing.stage import figure
from lrlesson.drawing.theme import light
from lrlesson.scenes.controls import number


def panels(
    labels: Sequence[str], columns: int, *, height: float = 350, ratios: Sequence[float] = ()
) -> tuple[Figure, dict[str, Axes]]:
    """Axes side by side (columns = 2), or one below the other for narrow pages (1)."""
    if columns == 2:
        wide: dict[str, Any] = {"width_ratios": ratios} if ratios else {}
        return figure(760, height, mosaic=[list(labels)], **wide)
    return figure(420, 310 * len(labels), mosaic=[[label] for label in labels])


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


def note(ax: Axes, text: str, at: tuple[float, float], **more: Any) -> None:
    """A quiet remark, placed in fractions of the axes."""
    look: dict[str, Any] = {"size": 10, "color": light("muted"), "ha": "left", "va": "top"}
    ax.text(*at, text, transform=ax.transAxes, **(look | more))


def texts(values: Any, digits: int = 3) -> np.ndarray:
    """Each number written for the eye, in an array of strings of the same shape."""
    array = np.asarray(values, float)
    shown = [number(value, digits) for value in array.ravel()]
    return np.array(shown, dtype=object).reshape(array.shape)
