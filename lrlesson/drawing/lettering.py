"""What is written around a plot: titles, numbers of one format, names at the ends of lines."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import Formatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox, IdentityTransform, Transform

from lrlesson.drawing.theme import light

LINE = 16.0  # units from one line of names to the next
LONGEST = 24  # characters of a name in one line
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def short(x: float, digits: int = 3) -> str:
    """A number for a sentence: 0.25, 1.2×10⁻⁷."""
    mantissa, _, exponent = f"{x:.{digits}g}".replace("-", "−").partition("e")
    raised = str(int(exponent.replace("−", "-") or 0)).translate(_RAISED)
    return f"{mantissa}×10{raised}" if exponent else mantissa


def count(n: int) -> str:
    """A number of things, with a thin space from 10 000 on."""
    return f"{n:,}".replace(",", "\u2009" if n >= 10_000 else "")


def folded(name: str) -> str:
    """A name in lines of at most `LONGEST` characters, where its words allow it."""
    return textwrap.fill(name, LONGEST, break_long_words=False) or " "


def quantity(axis: Axis) -> str:
    """What an axis shows, and whether its scale is logarithmic."""
    about = axis.get_label_text()
    return f"{about} (logarithmic)" if about and axis.get_scale() == "log" else about


class Numbers(Formatter):
    """All numbers of an axis plain, or all as powers of ten: never 10⁻⁴ beside 0.001."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return short(x)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The texts of these ticks, which are all that the axis shows."""
        assert isinstance(self.axis, Axis)
        log = self.axis.get_scale() == "log"
        sizes = np.abs([v for v in values if v])
        if sizes.size and (sizes.min() < 1e-4 * (1 - 1e-9) or sizes.max() > (1e4 if log else 1e6)):
            same = None if log else int(np.floor(np.log10(sizes.max()) + 1e-9))
            return [_power(v, same) for v in values]
        apart = "\u2009" if sizes.size and sizes.max() >= 1e4 else ""
        return [f"{v:,.10g}".replace(",", apart).replace("-", "−") for v in values]


def _power(value: float, same: int | None) -> str:
    """A number times a power of ten: its own, or the same for all."""
    if not value:
        return "0"
    exponent = int(np.floor(np.log10(abs(value)) + 1e-9)) if same is None else same
    factor = f"{value / 10**exponent:.4g}"
    return f"$10^{{{exponent}}}$" if factor == "1" else rf"${factor}\cdot 10^{{{exponent}}}$"


class Decades(LogLocator):
    """Three to six places on a logarithmic axis: 1, 2, 5 or 1, 3 in each decade, or whole ones."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """The places from vmin to vmax."""
        low, high = sorted((float(vmin), float(vmax)))
        if not 0 < low < high < np.inf:
            return np.array([])
        if high < 10 * low:
            found = np.asarray(MaxNLocator(5).tick_values(low, high))
            return found[(low <= found) & (found <= high)]
        a, b = np.floor(np.log10(low)), np.ceil(np.log10(high))
        for subs, step in [((1, 2, 5), 1), ((1, 3), 1), *(((1,), k) for k in range(1, 400))]:
            decades = np.arange(step * np.floor(a / step), b + 1, step)
            found = np.outer(10.0**decades, subs).ravel()
            found = found[(low * (1 - 1e-9) <= found) & (found <= high * (1 + 1e-9))]
            if len(found) <= 6:
                break
        return found


def numbered(axis: Axis, *, whole: bool = False) -> None:
    """Three to six numbers of one format on an axis; call it when its scale is set."""
    log = axis.get_scale() == "log"
    axis.set_major_locator(
        Decades() if log else MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=3)
    )
    axis.set_major_formatter(Numbers())
    axis.set_minor_locator(NullLocator())


def spread(wanted: np.ndarray, heights: np.ndarray, low: float, high: float) -> np.ndarray:
    """Middles as near to the wanted ones as can be (least squares) for boxes of these heights that
    neither overlap nor leave low … high, as long as they fit there."""
    order = np.argsort(wanted, kind="stable")
    tall = heights[order]
    offset = np.cumsum(tall) - tall / 2
    blocks: list[list[float]] = []  # sum and number of what is pushed together
    for value in wanted[order] - offset:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    fitted = np.concatenate([np.full(int(n), total / n) for total, n in blocks])
    middles = np.empty_like(wanted)
    middles[order] = np.clip(fitted, low, max(low, high - tall.sum())) + offset
    return middles


class Lettering(Artist):
    """The texts of one plot. They find their places whenever it is drawn, so that limits, scales
    and labels may still change: `ax.set_title`, `ax.set_ylabel` and `ax.set_xlabel` say what stands
    above and below, and the names ride at the ends of their lines.
    """

    def __init__(self, ax: Axes) -> None:
        super().__init__()
        ax.add_artist(self)
        self.set_clip_on(False)
        self.set_zorder(6)
        self.title, self.about = self._text(13.5, "ink", "bold"), self._text(12.5, "muted")
        self.beside = self._text(12.5, "muted")
        self.names: list[Text] = []
        self.ends: list[tuple[float, float, Transform]] = []
        self.high: list[bool] = []
        self.leaders: list[Line2D] = []
        self.rows: list[tuple[Text, float]] = []
        for quiet in (ax.title, ax.xaxis.label, ax.yaxis.label):
            quiet.set_visible(False)

    def name(
        self, text: str, x: float, y: float, colour: str, *, at: Any = None, high: bool = False
    ) -> None:
        """Write the name of a line beside its end (x, y), in data or in the coordinates `at`; high:
        along the upper edge, above what other lines do there.
        """
        assert self.axes is not None
        self.names.append(self._text(13, colour, "bold", folded(text)))
        self.names[-1].set_verticalalignment("center")
        self.ends.append((x, y, at or self.axes.transData))
        self.high.append(high)
        leader = Line2D([], [], color=light(colour), lw=1, transform=IdentityTransform())
        self._adopt(leader)
        self.leaders.append(leader)

    def row(self, text: str, x: float, colour: str) -> None:
        """Write a text in a line of its own between the title and the plot, from x on."""
        self.rows.append((self._text(13, colour, "bold", text), x))

    def tag(self) -> None:
        """Put the names on paper: below them is a coloured field."""
        for name in self.names:
            name.set_bbox({"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8})

    def _text(self, size: float, colour: str, weight: str = "normal", text: str = "") -> Text:
        made = Text(
            0, 0, text, color=light(colour), size=size, weight=weight, family="DejaVu Sans",
            transform=IdentityTransform(), va="baseline", linespacing=1.05,
        )  # fmt: skip
        self._adopt(made)
        return made

    def _adopt(self, part: Artist) -> None:
        assert self.axes is not None
        figure = self.axes.get_figure()
        assert figure is not None
        part.set_figure(figure)
        part.axes = self.axes

    def get_children(self) -> list[Artist]:
        """All texts, and the lines from ends to the names that had to make way."""
        above = [text for text, _ in self.rows]
        return [*self.leaders, self.title, self.about, self.beside, *above, *self.names]

    def draw(self, renderer: Any) -> None:
        """Place everything, and draw it."""
        if self.get_visible():
            self._place(renderer)
            for part in self.get_children():
                part.draw(renderer)

    def get_window_extent(self, renderer: Any = None) -> Bbox:
        """What the layout has to leave room for; a title may be as wide as the whole figure."""
        self._place(renderer)
        assert self.axes is not None
        box = self.axes.bbox
        boxes = [text.get_window_extent(renderer) for text in self.names]
        for text in (self.title, self.about, self.beside, *(text for text, _ in self.rows)):
            if text.get_text():
                high = text.get_window_extent(renderer)
                boxes.append(Bbox([[box.x0, high.y0], [box.x0 + 1, high.y1]]))
        return Bbox.union([box, *boxes])

    def _place(self, renderer: Any) -> None:
        ax = self.axes
        assert isinstance(ax, Axes)
        unit, box = ax.figure.dpi / 72, ax.bbox
        left = min(box.x0, *(one.x0 for one in (ax.yaxis.get_tightbbox(renderer),) if one), box.x1)
        up = 10.0
        for text, x in self.rows:
            wide = text.get_window_extent(renderer).width
            start = float(ax.transData.transform((x, 1))[0])
            text.set_position((min(start, box.x1 - wide), box.y1 + up * unit))
            up += LINE
        up += 6 * bool(self.rows)
        for text, said, high, wide in (
            (self.about, quantity(ax.yaxis), 20, 6.6),
            (self.title, ax.get_title(), 18, 8.0),
        ):
            room = max(30, int((ax.figure.bbox.x1 - left) / unit / wide))
            text.set_text(textwrap.fill(said, room))
            text.set_position((left, box.y1 + (up + 2) * unit))
            up += high * (text.get_text().count("\n") + 1) * bool(said)
        self.beside.set_text(quantity(ax.xaxis))
        self.beside.set_horizontalalignment("right")
        self.beside.set_position((box.x1, box.y0 - 36 * unit))
        self._place_names(renderer, unit)

    def _place_names(self, renderer: Any, unit: float) -> None:
        if not self.names:
            return
        assert self.axes is not None
        box = self.axes.bbox
        with np.errstate(all="ignore"):
            ends = np.array([at.transform((x, y)) for x, y, at in self.ends])
        ends = np.clip(ends, (box.x0, box.y0), (box.x1, box.y1))
        wide = np.array([name.get_window_extent(renderer).width for name in self.names])
        tall = np.array([LINE * (name.get_text().count("\n") + 1) for name in self.names]) * unit
        turned = (ends[:, 0] < box.x1 - 2 * unit) & (ends[:, 0] + 8 * unit + wide > box.x1)
        away = np.where(turned, -8 * unit - wide, 8 * unit)
        left = ends[:, 0] + away
        for group in _columns(left, left + wide):
            reach = LINE / 2 * unit
            wanted = np.where(np.array(self.high)[group], box.y1, ends[group, 1])
            y = spread(wanted, tall[group], box.y0 - reach, box.y1 + 2 * unit)
            pushed = np.abs(y - ends[group, 1]).max() > 5 * unit
            for k, middle in zip(group, y, strict=True):
                side = -1 if turned[k] else 1
                start = left[k] + 14 * unit * side * pushed
                self.names[k].set_position((start, middle))
                near = start + (wide[k] if turned[k] else 0) - 3 * unit * side
                path = [(ends[k, 0] + 4 * unit * side, ends[k, 1]), (near, middle)] * bool(pushed)
                self.leaders[k].set_data([x for x, _ in path], [y for _, y in path])


def _columns(left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
    """Which texts stand above each other: groups, from left to right, that do not meet."""
    groups: list[list[int]] = []
    edge = -np.inf
    for k in np.argsort(left):
        if left[k] > edge:
            groups.append([])
        groups[-1].append(k)
        edge = max(edge, right[k])
    return [np.array(group) for group in groups]
