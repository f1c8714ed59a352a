"""Static figures: a loss against time or rate, a schedule, a path, the rates of weights.

Each draws on `ax`, or on a new figure. Colours are the theme's, and a line style goes with each. A
run that diverged is marked, never left out.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lrlesson.base.fields import POSITIVE_COUNT, checked, refusal
from lrlesson.base.schedule import Schedule
from lrlesson.diagnosis import diagnose
from lrlesson.drawing.theme import PALETTE
from lrlesson.losses import Loss
from lrlesson.training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = [PALETTE[role][0] for role in ("low", "broken", "good", "pick", "high", "ghost", "ink")]
STYLES: list[Any] = ["-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (3, 1)), (0, (1, 1))]


def loss_curves(
    history: History,
    labels: Sequence[str] | None = None,
    *,
    show: str = "losses",
    against: str = "updates",
    ax: "Axes | None" = None,
) -> None:
    """One curve per run, on a logarithmic scale.

    show: "losses" of every update, or what `train` measured on whole data sets: "train_loss",
    "val_loss", "test_loss". against: "updates" or "epochs". A curve that leaves the finite
    numbers, or a hundred times the first loss for good, ends in a cross.
    """
    values = getattr(history, show, None) if show.endswith(("losses", "_loss")) else None
    if not isinstance(values, np.ndarray):
        raise ValueError(refusal("loss_curves", "show", show, "a loss that this history has"))
    per = 1
    if against == "epochs":
        per = history.per_epoch or 0
    if against not in ("updates", "epochs") or not per:
        raise ValueError(
            refusal("loss_curves", "against", against, "'updates', or 'epochs' for nets")
        )
    names = [f"run {r}" for r in range(history.runs)] if labels is None else list(labels)
    if len(names) != history.runs:
        raise ValueError(refusal("loss_curves", "labels", labels, f"{history.runs} of them"))

    t = np.arange(values.shape[1]) if show == "losses" else history.evaluated
    assert t is not None
    ceiling = 100 * np.nanmax(values[:, 0])
    ax = _axes(ax)
    for r, name in enumerate(names):
        good = np.isfinite(values[r]) & (values[r] <= ceiling)
        end = values.shape[1] if good.all() or not history.diverged[r] else int(good.argmin())
        colour, style = COLOURS[r % len(COLOURS)], STYLES[r % len(STYLES)]
        gone = end < values.shape[1]
        name = f"{name} (diverges)" if gone else name
        ax.plot(t[:end] / per, values[r, :end], color=colour, linestyle=style, label=name)
        if gone:
            ax.plot(t[end - 1] / per, values[r, end - 1], "x", color=colour, ms=9, mew=2.5)
    ax.set_yscale("log")
    ax.set_xlabel(f"{against[:-1]}")
    ax.set_ylabel(_SHOWN.get(show, show))
    if history.runs > 1 or labels is not None:
        ax.legend(frameon=False)


def reading(history: History, run: int = 0, *, ax: "Axes | None" = None) -> None:
    """One run's losses, with what `diagnose` found: its places shaded, and named above them.

    history: of `train`, `read_log(path)` or `History.of(losses, rates)`. The legend, and with it
    the text alternative, says for each finding from which update to which.
    """
    found = diagnose(history, run)
    losses = history.losses[run]
    at = history.at[run] if hasattr(history, "at") else np.arange(len(losses))
    there = np.isfinite(losses)
    ax = _axes(ax)
    ax.plot(at[there], losses[there], color=COLOURS[0], lw=1, label="loss")
    if there.any() and losses[there].min() > 0:
        ax.set_yscale("log")
    least = 0.004 * float(np.ptp(at[there])) if there.any() else 0.0  # or a spike is not seen
    for k, sign in enumerate(found.signs):
        colour = COLOURS[1 + k % (len(COLOURS) - 1)]
        where = "; ".join(
            f"{a:,.0f}" if a == b else f"{a:,.0f} to {b:,.0f}" for a, b in sign.places
        )
        label = f"{sign.kind}, update {where}" if where else sign.kind
        if not sign.places:
            ax.plot([], [], " ", label=label)
        for n, (a, b) in enumerate(sign.places):
            shown = label if n == 0 else "_"
            ax.axvspan(a - least, b + least, color=colour, alpha=0.18, lw=0, label=shown)
        if sign.places:
            middle, top = sum(sign.places[0]) / 2, 0.98 - 0.07 * k
            place: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "va": "top"}
            side = "left" if middle < np.mean(at[there]) else "right"
            ax.text(middle, top, f" {sign.kind} ", color=colour, ha=side, weight="bold", **place)
    ax.set_xlabel("update")
    ax.set_ylabel("loss")
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.15), fontsize="small")


_SHOWN = {
    "losses": "loss",
    "train_loss": "training loss",
    "val_loss": "validation loss",
    "test_loss": "test loss",
}


def rate_curves(schedules: Mapping[str, Any], updates: int, *, ax: "Axes | None" = None) -> None:
    """The rate of each update, one curve per schedule, named at the end of its line.

    schedules: each by its name; a Schedule, or any function t → rate. updates: how many are shown.
    The text alternative gives first, largest and last rates. Raises ValueError for no schedule, no
    updates, or a rate that is no finite number.
    """
    updates = checked("rate_curves", "updates", updates, POSITIVE_COUNT, runs=False)
    if not schedules:
        raise ValueError(refusal("rate_curves", "schedules", schedules, "at least one"))
    drawn = {
        name: np.array([float(eta(t)) for t in range(updates)]) for name, eta in schedules.items()
    }
    for name, rates in drawn.items():
        if not np.isfinite(rates).all():
            t = int(np.isfinite(rates).argmin())
            argument = f"schedules[{name!r}]({t})"
            raise ValueError(refusal("rate_curves", argument, rates[t], "a finite rate"))
    _rates(list(drawn), list(drawn.values()), ax)


def schedules(
    schedules: Sequence[Schedule],
    names: Sequence[str] | None = None,
    updates: int | None = None,
    *,
    ax: "Axes | None" = None,
) -> None:
    """Schedules against each other, each named at the end of its line.

    names: one for each, by default as they are written. updates: how many are shown, by default
    as many as the longest needs. The text alternative gives first, largest and last rates. Raises
    TypeError or ValueError for what is no Schedule of a single run, or names that do not fit.
    """
    drawn = list(schedules) if isinstance(schedules, (list, tuple)) else []
    if not drawn or not all(isinstance(one, Schedule) and one.runs is None for one in drawn):
        expected = "a list of at least one Schedule, each of a single run"
        raise TypeError(refusal("schedules", "schedules", schedules, expected))
    given = list(names) if isinstance(names, (list, tuple)) else []
    said = [repr(one) for one in drawn] if names is None else given
    if len(said) != len(drawn) or not all(isinstance(name, str) for name in said):
        raise ValueError(refusal("schedules", "names", names, f"{len(drawn)} texts"))
    longest = max(one._span() for one in drawn) if updates is None else updates
    n = int(checked("schedules", "updates", longest, POSITIVE_COUNT, runs=False))
    _rates(said, [one.values(n) for one in drawn], ax)


def _rates(names: Sequence[str], rates: Sequence[np.ndarray], ax: "Axes | None") -> None:
    """Rates (updates,) against the update, each named at the end of its line."""
    ax = _axes(ax)
    last = len(rates[0]) - 1
    top = 1.05 * max(float(rate.max()) for rate in rates) or 1.0
    below = -np.inf
    for k in sorted(range(len(rates)), key=lambda k: float(rates[k][-1])):
        rate, colour, style = rates[k], COLOURS[k % len(COLOURS)], STYLES[k % len(STYLES)]
        words = f"{names[k]} from {rate[0]:.3g} to {rate[-1]:.3g}, largest {rate.max():.3g}"
        ax.plot(range(last + 1), rate, color=colour, linestyle=style, label=words)
        below = max(float(rate[-1]) / top, below + 0.06)  # names that would meet stand apart
        place: dict[str, Any] = {"xytext": (5, below)}
        place["textcoords"] = ("offset points", "axes fraction")
        ax.annotate(names[k], (last, rate[-1]), color=colour, va="center", **place)
    ax.set_ylim(0, top)
    ax.set_xlim(0, max(last, 1))
    ax.set_xlabel("update t")
    ax.set_ylabel("learning rate η")


def u_curve(
    lr: Any,
    loss: Any,
    diverged: Any,
    *,
    ylabel: str = "training loss at the end",
    ax: "Axes | None" = None,
) -> None:
    """The final loss against the learning rate, both logarithmic: the U, or the U with a cliff.

    lr: (rates,). loss, diverged: (rates,) or (rates, seeds). The line is the median of the runs
    that did not diverge, the band reaches from the best to the worst of them; crosses along the
    upper edge mark rates at which runs diverged, and how many of how many.
    """
    lr, loss = np.asarray(lr, dtype=float), np.asarray(loss, dtype=float)
    failed = np.asarray(diverged, dtype=bool)
    if loss.shape != failed.shape or loss.ndim not in (1, 2) or loss.shape[:1] != lr.shape:
        raise ValueError(
            f"u_curve: lr has shape {lr.shape}, loss {loss.shape} and diverged {failed.shape}, "
            "expected (rates,), and twice (rates,) or (rates, seeds)"
        )
    loss, failed = loss.reshape(lr.size, -1), failed.reshape(lr.size, -1)
    kept = np.ma.masked_array(loss, failed | ~np.isfinite(loss))
    middle = np.ma.median(kept, axis=1).filled(np.nan)
    low, high = kept.min(axis=1).filled(np.nan), kept.max(axis=1).filled(np.nan)

    ax = _axes(ax)
    seeds = loss.shape[1]
    label = "loss" if seeds == 1 else f"median of the runs that train, of {seeds}"
    ax.plot(lr, middle, "o-", color=COLOURS[0], ms=4, label=label)
    if seeds > 1:
        ax.fill_between(lr, low, high, color=COLOURS[0], alpha=0.2, lw=0, label="best to worst")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(lr.min() / 1.3, lr.max() * 1.3)
    ax.margins(y=0.12)  # room for the crosses
    count = failed.sum(axis=1)
    crossed = "diverged" if seeds == 1 else f"how many of {seeds} diverged"
    if count.any():
        some = count > 0
        edge = ax.get_xaxis_transform()  # x in data, y from 0 (bottom) to 1 (top)
        marks: dict[str, Any] = {
            "color": COLOURS[1],
            "mew": 2,
            "ms": 7,
            "clip_on": False,
            "transform": edge,
        }
        ax.plot(lr[some], np.full(some.sum(), 0.94), "x", **marks, label=crossed)
        first = some.argmax()
        ax.axvline(lr[first], color=COLOURS[1], lw=1, ls=":")
        for rate, n in zip(lr[some], count[some], strict=True):
            if seeds > 1:
                place: dict[str, Any] = {"ha": "center", "va": "bottom", "transform": edge}
                ax.text(rate, 0.965, f"{n}", color=COLOURS[1], **place)
    ax.set_xlabel("learning rate η")
    ax.set_ylabel(ylabel)
    ax.legend(frameon=False, loc="lower left")


def contour(
    loss: Loss,
    paths: Any = None,
    labels: Sequence[str] | None = None,
    *,
    view: tuple[float, float, float, float] | None = None,
    lines: int = 18,
    ax: "Axes | None" = None,
) -> None:
    """Lines of equal loss in two dimensions, and the paths of runs upon them.

    From one line to the next the loss rises by the same amount, so lines lie close together where
    it is steep; a stronger blue is a lower loss, as in every picture of this course. lines: how
    many, up to the highest loss in view; more show more of a flat valley.
    paths: (steps + 1, 2) or (runs, steps + 1, 2), such as history.weights; circles are starts and
    the star is the minimum. view: (left, right, bottom, top), by default around the starts and
    the minimum. A path that leaves the view is cut there.
    """
    if loss.dim != 2:
        raise ValueError(refusal("contour", "loss", loss, "a loss of 2 dimensions"))
    paths = np.empty((0, 1, 2)) if paths is None else np.asarray(paths, dtype=float)
    paths = paths[None] if paths.ndim == 2 else paths
    if paths.ndim != 3 or paths.shape[2] != 2:
        raise ValueError(f"contour: paths has shape {paths.shape}, expected (runs, steps + 1, 2)")
    names = [None] * len(paths) if labels is None else list(labels)
    if len(names) != len(paths):
        raise ValueError(refusal("contour", "labels", labels, f"{len(paths)} of them"))

    from lrlesson.drawing.theme import LEVELS, light

    bands = LEVELS[5::-1]  # not so dark that a path is hard to see
    lines = checked("contour", "lines", lines, POSITIVE_COUNT, runs=False)

    left, right, bottom, top = _view(loss, paths) if view is None else view
    x, y = np.meshgrid(np.linspace(left, right, 120), np.linspace(bottom, top, 120))
    height = loss(np.stack([x, y], axis=-1)) - loss.min_value
    levels = np.linspace(0, height.max(), int(lines) + 1)
    filled = np.linspace(0, height.max(), len(bands) + 1)
    ax = _axes(ax)
    ax.grid(visible=False)
    ax.contourf(x, y, height, filled, colors=[light(name) for name in bands])
    ax.contour(x, y, height, levels[1:], colors=light("contour"), linewidths=0.7)
    for r, (path, name) in enumerate(zip(paths, names, strict=True)):
        path = path[np.isfinite(path).all(axis=1)]
        colour, style = COLOURS[r % len(COLOURS)], STYLES[r % len(STYLES)]
        with np.errstate(all="ignore"):  # far outside the view lies 10³⁰⁰
            far = 20 * max(right - left, top - bottom)
            path = np.clip(path, -far, far)
        ax.plot(*path.T, color=colour, linestyle=style, marker=".", ms=4, lw=1.4, label=name)
        ax.plot(*path[0], "o", color=colour, ms=8, mfc="white", mew=2)
    ax.plot(*loss.minimum, "*", color=COLOURS[6], ms=12)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.set_xlabel("weight w₁")
    ax.set_ylabel("weight w₂")
    ax.set_title("stronger blue: lower loss", loc="left", size="medium")
    if labels is not None:
        ax.legend(frameon=True, framealpha=0.9)


def weight_rates(seen: Any, rate: Any, lr: float, *, xlabel: str, ax: "Axes | None" = None) -> None:
    """The effective rate of every weight against how much it has seen, both logarithmic.

    seen, rate: (weights,), such as how often a word occurred, and state.rate. A dashed line marks
    lr, the base rate. Weights that were not used yet, whose rate is NaN, are counted in the legend.
    """
    seen, rate = np.asarray(seen, dtype=float), np.asarray(rate, dtype=float)
    if seen.shape != rate.shape or seen.ndim != 1:
        raise ValueError(
            f"weight_rates: seen has shape {seen.shape} and rate {rate.shape}, "
            "expected (weights,) twice"
        )
    ax = _axes(ax)
    used = np.isfinite(rate)
    label = "a weight" if used.all() else f"a weight ({(~used).sum()} not yet used)"
    ax.plot(seen[used], rate[used], "o", color=COLOURS[0], ms=4, alpha=0.4, label=label)
    ax.axhline(lr, color=COLOURS[6], lw=1.4, ls="--", label=f"base rate η = {lr:g}")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(xlabel)
    ax.set_ylabel("effective rate")
    ax.legend(frameon=False)


def _view(loss: Loss, paths: np.ndarray) -> tuple[float, float, float, float]:
    """A square around the minimum that holds every start, with a margin."""
    starts = paths[:, 0] if len(paths) else loss.minimum + np.ones((1, 2))
    reach = 1.25 * max(float(np.abs(starts - loss.minimum).max()), 1e-6)
    x, y = loss.minimum
    return x - reach, x + reach, y - reach, y + reach


def _axes(ax: "Axes | None") -> "Axes":
    """`ax` or that of a new figure, with a light grid and no box."""
    if ax is None:
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        from lrlesson.drawing.stage import Picture
        from lrlesson.drawing.theme import style

        with style():
            drawn: dict[str, Any] = {"FigureClass": Picture, "facecolor": "white"}
            ax = plt.subplots(figsize=(6.4, 4), layout="constrained", **drawn)[1]
            interactive = plt.isinteractive()  # a notebook turns it on with the first figure of all
        mpl.interactive(interactive)  # … which leaving the style has just undone
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=PALETTE["grid"][0], lw=0.8)
    ax.set_axisbelow(True)
    return ax
