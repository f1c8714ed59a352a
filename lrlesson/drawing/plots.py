"""The plot that every figure begins with: its size, quiet axes, room for names beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lrlesson.drawing.theme import PALETTE, light

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lrlesson.drawing.lettering import Lettering

COLOURS = [PALETTE[role][0] for role in ("low", "high", "pick", "ink", "good", "muted")]
BROKEN = PALETTE["broken"][0]
WIDTH, HEIGHT, TALLEST = 806, 380, 560  # units, which are pixels
FRAME = 112  # units of the height that are above and below the plot


def room(ax: "Axes | None", rows: int = 0) -> int:
    """How many lines of names fit beside a plot: `ax`, or the highest that we make."""
    from lrlesson.drawing.lettering import LINE

    high = TALLEST - FRAME - LINE * rows
    if ax is not None:
        high = ax.bbox.height * 72 / ax.figure.dpi
    return int(high / LINE) + 1


def lines_of(names: Sequence[str]) -> int:
    """How many lines these names take."""
    from lrlesson.drawing.lettering import folded

    return sum(folded(name).count("\n") + 1 for name in names)


def plot(
    owner: str,
    ax: "Axes | None",
    *,
    labels: Sequence[str] = (),
    rows: int = 0,
    height: float = HEIGHT,
) -> "tuple[Axes, Lettering]":
    """`ax` or that of a new figure, quiet, and what writes beside it.

    labels: the names that shall stand beside the plot; rows: lines above it. Raises ValueError
    where the names do not fit.
    """
    from lrlesson.drawing.lettering import LINE, Lettering

    lines, most = lines_of(labels), room(ax, rows)
    if lines > most:
        expected = f"at most {most} lines of names, as many as fit beside the plot"
        raise ValueError(f"{owner}: {len(labels)} names take {lines} lines, expected {expected}")
    if ax is None:
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        from lrlesson.drawing.stage import Picture
        from lrlesson.drawing.theme import style

        height = max(height, FRAME + LINE * (lines - 1)) + LINE * rows
        with style():
            drawn: dict[str, Any] = {"FigureClass": Picture, "facecolor": "white"}
            size = (WIDTH / 72, height / 72)
            ax = plt.subplots(figsize=size, layout="constrained", **drawn)[1]
            interactive = plt.isinteractive()  # a notebook turns it on with the first figure of all
        mpl.interactive(interactive)  # … which leaving the style has just undone
    else:
        figure = ax.figure.canvas.figure
        if figure.get_layout_engine() is None and ax.get_subplotspec() is not None:
            figure.set_layout_engine("constrained")  # or names would stand on other plots
    muted = light("muted")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(muted)
    ax.grid(visible=False, axis="x")
    ax.grid(visible=True, axis="y", color=light("grid"), lw=1)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=12, labelcolor=muted, color=muted, labelfontfamily="DejaVu Sans")
    ax.tick_params(axis="y", length=0, pad=7)
    mine = [artist for artist in ax.get_children() if isinstance(artist, Lettering)]
    return ax, mine[0] if mine else Lettering(ax)


def finish(ax: "Axes") -> None:
    """Numbers of one format on both axes, and lines that end at the edge of the plot."""
    from lrlesson.drawing.lettering import numbered

    numbered(ax.xaxis, whole=ax.get_xlabel().startswith(("update", "epoch")))
    numbered(ax.yaxis)


def leaves(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a path ends, in a view from 0 to 1, and if outside of it, the way by which it left."""
    inside = np.asarray(((path >= 0) & (path <= 1)).all(axis=1))
    if inside[-1] or not inside.any():
        return np.clip(path[-1], 0, 1), np.zeros(2)
    k = int(np.flatnonzero(inside)[-1])
    way = path[k + 1] - path[k]
    rim = np.where(way > 0, 1.0, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(way == 0, np.inf, (rim - path[k]) / way)
    return path[k] + min(shares.min(), 1.0) * way, way
