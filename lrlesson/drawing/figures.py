"""Static figures: a loss against time or rate, a schedule, a path, the rates of weights.

Each draws on `ax`, or on a new figure of 806 units. A line is named at its end, the title says what
is seen, and a run that diverged is marked, never left out.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lrlesson.base.fields import POSITIVE_COUNT, checked, refusal
from lrlesson.base.schedule import Schedule
from lrlesson.base.shown import Formulas, Shown
from lrlesson.diagnosis import diagnose
from lrlesson.drawing.plots import (
    BROKEN,
    COLOURS,
    FRAME,
    HEIGHT,
    WIDTH,
    finish,
    leaves,
    lines_of,
    plot,
    room,
)
from lrlesson.drawing.theme import light
from lrlesson.losses import Loss
from lrlesson.training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_curves(
    history: History,
    labels: Sequence[str] | None = None,
    *,
    show: str = "losses",
    against: str = "updates",
    ax: "Axes | None" = None,
) -> None:
    """One curve per run, on a logarithmic scale, named at its end.

    show: "losses" of every update, or what `train` measured on whole data sets: "train_loss",
    "val_loss", "test_loss". against: "updates" or "epochs". A curve that leaves the finite
    numbers, or a hundred times the first loss for good, ends in a cross. More runs than names fit
    beside them are drawn without names where none are given. Raises ValueError for a loss or labels
    that do not fit, and where no run has a finite loss.
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
    finite = np.isfinite(values)
    if not finite.any():
        expected = "at least one finite loss; every run is NaN or infinite from its start"
        raise ValueError(refusal("loss_curves", "history", history, expected))

    t = np.arange(values.shape[1]) if show == "losses" else history.evaluated
    assert t is not None
    t = t / per
    ceiling = 100 * values[:, 0][finite[:, 0]].max(initial=0) or np.inf
    good = finite & (values <= ceiling)
    ends = np.where(good.all(axis=1) | ~history.diverged, values.shape[1], good.argmin(axis=1))
    gone = ends < values.shape[1]

    shown = [f"{name}, diverges" if lost else name for name, lost in zip(names, gone, strict=True)]
    every = labels is not None or lines_of(shown) <= room(ax)
    ax, lettering = plot("loss_curves", ax, labels=shown if every else ())
    time = against[:-1]
    colours = iter(COLOURS * history.runs)
    for r, name in enumerate(names):
        there = np.flatnonzero(finite[r, : ends[r]])
        colour = BROKEN if gone[r] else next(colours) if every else light("ghost")
        words = f"{name} without a finite loss" if every else "_"
        if len(there) and every:
            a, b = values[r, there[[0, -1]]]
            words = f"{name} from {a:.3g} to {b:.3g}"
            words += f" at {time} {t[ends[r] - 1]:.4g}, then it diverges" * bool(gone[r])
        look: dict[str, Any] = {"color": colour, "lw": 2.4 if every else 0.8, "label": words}
        ax.plot(t[: ends[r]], values[r, : ends[r]], **look)
        x, y = (t[there[-1]], values[r, there[-1]]) if len(there) else (t[0], 1)
        end: dict[str, Any] = {} if len(there) else {"at": ax.get_xaxis_transform()}
        if gone[r]:
            rim: dict[str, Any] = {"transform": end["at"], "clip_on": False} if end else {}
            ax.plot(x, y, "x", color=colour, ms=9, mew=2.5, **rim)
        if every and (history.runs > 1 or labels is not None):
            lettering.name(shown[r], x, y, colour, high=bool(gone[r]), **end)
    if not every:
        a, b = np.nanquantile(np.where(good[:, -1], values[:, -1], np.nan), [0, 1])
        ax.plot([], [], label=f"{history.runs} runs that end between {a:.3g} and {b:.3g}")
    if (values[good] > 0).any():
        ax.set_yscale("log")
    if every and gone.any():  # their names stand above the other lines
        low, high = ax.get_yaxis().get_transform().transform(ax.get_ylim())
        high += (high - low) * min(0.5, 20 * lines_of(np.array(shown)[gone]) / HEIGHT)
        ax.set_ylim(*ax.get_yaxis().get_transform().inverted().transform([low, high]))
    if t[-1] > t[0]:
        ax.set_xlim(t[0], t[-1])
    ax.set_xlabel(time)
    ax.set_ylabel(_SHOWN.get(show, show))
    last = values[:, -max(1, values.shape[1] // 10) :] if show == "losses" else values[:, -1:]
    ax.set_title(_ended(names, values[:, 0], np.where(gone, np.nan, last.mean(axis=1))))
    finish(ax)


def _ended(names: Sequence[str], first: np.ndarray, last: np.ndarray) -> str:
    """What became of runs, in a title: which loss is lowest in the end, and how many diverge."""
    from lrlesson.drawing.lettering import short

    runs, lost = len(names), int(np.isnan(last).sum())
    if lost == runs:
        return "The run diverges" if runs == 1 else f"All {runs} runs diverge"
    low, high = np.nanmin(last), np.nanmax(last)
    best = names[int(np.nanargmin(last))]
    if runs == 1:
        way = "falls" if low < first[0] else "rises" if low > first[0] else "stays,"
        said = f"The loss {way} from {short(first[0])} to {short(low)}"
    elif runs - lost > 1 and high <= 1.05 * low:
        said = f"All end at about {short(low, 2)}" if not lost else f"The rest end at {short(low)}"
    else:
        whose = best if len(best) <= 24 else "the best run"
        said = f"{whose[:1].upper()}{whose[1:]} ends lowest, at {short(low, 2)}"
    return said + (f"; {lost} of {runs} diverge{'s' * (lost == 1)}" if lost else "")


def reading(history: History, run: int = 0, *, ax: "Axes | None" = None) -> None:
    """One run's losses, with what `diagnose` found: its places shaded, and named above them.

    history: of `train`, `read_log(path)` or `History.of(losses, rates)`. The names, and with them
    the text alternative, say for each finding from which update to which.
    """
    found = diagnose(history, run)
    losses = history.losses[run]
    at = history.at[run] if hasattr(history, "at") else np.arange(len(losses))
    there = np.isfinite(losses)
    ax, lettering = plot("reading", ax, rows=sum(bool(sign.places) for sign in found.signs))
    words = "loss"
    if there.any():
        words += " from {:.3g} to {:.3g}".format(*losses[there][[0, -1]])
    ax.plot(at[there], losses[there], color=COLOURS[0], lw=1.4, label=words)
    if there.any() and losses[there].min() > 0:
        ax.set_yscale("log")
    least = 0.004 * float(np.ptp(at[there])) if there.any() else 0.0  # or a spike is not seen
    for k, sign in enumerate(found.signs):
        colour = COLOURS[1 + k % (len(COLOURS) - 1)]
        where = "; ".join(
            f"{a:,.0f}" if a == b else f"{a:,.0f} to {b:,.0f}" for a, b in sign.places
        )
        if not sign.places:
            ax.plot([], [], " ", label=sign.kind)
            continue
        label = f"{sign.kind}, update {where}"
        for n, (a, b) in enumerate(sign.places):
            shown = label if n == 0 else "_"
            alpha = 0.18 if b - a < 0.9 * np.ptp(at) else 0.05
            ax.axvspan(a - least, b + least, color=colour, alpha=alpha, lw=0, label=shown)
        lettering.row(label if len(sign.places) < 4 else sign.kind, sign.places[0][0], colour)
    ax.set_xlabel("update")
    ax.set_ylabel("loss")
    ax.set_title("Seen: " + ", ".join(sign.kind for sign in found.signs))
    finish(ax)


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
    _rates("rate_curves", list(drawn), list(drawn.values()), ax)


def formulas(shown: Mapping[str, Shown]) -> Formulas:
    """A table of schedules or optimizers: name, formula with its numbers, small picture.

    shown: each by its name. Raises TypeError for what has no formula, ValueError for none at all.
    """
    return Formulas(shown)


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
    _rates("schedules", said, [one.values(n) for one in drawn], ax)


def _rates(
    owner: str, names: Sequence[str], rates: Sequence[np.ndarray], ax: "Axes | None"
) -> None:
    """Rates (updates,) against the update, each named at the end of its line."""
    from lrlesson.drawing.lettering import count, short

    ax, lettering = plot(owner, ax, labels=names)
    last = len(rates[0]) - 1
    for k, (name, rate) in enumerate(zip(names, rates, strict=True)):
        colour = COLOURS[k % len(COLOURS)]
        words = f"{name} from {rate[0]:.3g} to {rate[-1]:.3g}, largest {rate.max():.3g}"
        ax.plot(range(last + 1), rate, color=colour, lw=2.4, label=words)
        lettering.name(name, last, rate[-1], colour)
    ends = [float(rate[-1]) for rate in rates]
    low, high = (min(ends), max(ends))
    if len(rates) == 1:
        said = f"From {short(rates[0][0])} to {short(low)} in {count(last + 1)} updates"
    elif low == high:
        said = f"After {count(last + 1)} updates all are at {short(low)}"
    else:
        said = (
            f"After {count(last + 1)} updates the rates lie between {short(low)} and {short(high)}"
        )
    ax.set_ylim(0, 1.05 * max(float(rate.max()) for rate in rates) or 1.0)
    ax.set_xlim(0, max(last, 1))
    ax.set_xlabel("update t")
    ax.set_ylabel("learning rate η")
    ax.set_title(said)
    finish(ax)


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
    from lrlesson.drawing.lettering import short

    loss, failed = loss.reshape(lr.size, -1), failed.reshape(lr.size, -1)
    kept = np.ma.masked_array(loss, failed | ~np.isfinite(loss))
    middle = np.ma.median(kept, axis=1).filled(np.nan)
    low, high = kept.min(axis=1).filled(np.nan), kept.max(axis=1).filled(np.nan)
    trained, count, seeds = np.isfinite(middle), failed.sum(axis=1), loss.shape[1]

    ax, lettering = plot("u_curve", ax)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(lr.min() / 1.3, lr.max() * 1.3)
    ax.margins(y=0.14)  # room for the crosses
    said = f"Every run diverges, at each of the {lr.size} rates"
    if trained.any():
        label = "loss" if seeds == 1 else f"median of the runs that train, of {seeds}"
        safe = np.where(count == 0, middle, np.nan)
        best = int(np.nanargmin(middle if np.isnan(safe).all() else safe))
        said = f"The lowest loss, {short(middle[best], 2)}, at the rate {short(lr[best], 2)}"
        words = f"{label}, lowest {middle[best]:.3g} at {lr[best]:.3g}"
        ax.plot(lr, middle, "o-", color=COLOURS[0], ms=4, lw=2.4, label=words)
        ax.plot(lr[best], middle[best], "o", color=COLOURS[0], ms=11, mec="white", mew=2)
        end = np.flatnonzero(trained)[-1]
        lettering.name("loss" if seeds == 1 else "median", lr[end], middle[end], COLOURS[0])
        if seeds > 1:
            band: dict[str, Any] = {
                "color": COLOURS[0],
                "alpha": 0.2,
                "lw": 0,
                "label": "best to worst",
            }
            ax.fill_between(lr, low, high, **band)
    if count.any():
        some = count > 0
        first = lr[some].min()
        if trained.any():
            said += f"; the first run diverges at {short(first, 2)}"
        edge = ax.get_xaxis_transform()  # x in data, y from 0 (bottom) to 1 (top)
        crosses: dict[str, Any] = {
            "color": BROKEN,
            "mew": 2,
            "ms": 7,
            "clip_on": False,
            "transform": edge,
        }
        crossed = "diverged" if seeds == 1 else f"how many of {seeds} diverged"
        pairs = zip(lr[some], count[some], strict=True)
        words = ", ".join(f"{n} at {rate:.3g}" for rate, n in pairs)
        ax.plot(lr[some], np.full(some.sum(), 0.92), "x", label=f"{crossed}: {words}", **crosses)
        ax.axvline(first, color=BROKEN, lw=1, ls=(0, (7, 4)))
        named = crossed if seeds == 1 else f"of {seeds} diverged"
        lettering.name(named, lr.max() * 1.3, 0.94, BROKEN, at=edge)
        for rate, n in zip(lr[some], count[some], strict=True):
            if seeds > 1:
                place: dict[str, Any] = {"ha": "center", "va": "bottom", "transform": edge}
                ax.text(rate, 0.945, f"{n}", color=BROKEN, size=12, **place)
    ax.set_xlabel("learning rate η")
    ax.set_ylabel(ylabel)
    ax.set_title(said)
    lettering.tag()
    finish(ax)
    if not trained.any():
        ax.set_yticks([])


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
    the minimum, with equal scales. A path that ends outside has an arrow where it leaves. Paths
    are named where they begin, or where they end if that keeps the names further apart.
    """
    if loss.dim != 2:
        raise ValueError(refusal("contour", "loss", loss, "a loss of 2 dimensions"))
    paths = np.empty((0, 1, 2)) if paths is None else np.asarray(paths, dtype=float)
    paths = paths[None] if paths.ndim == 2 else paths
    if paths.ndim != 3 or paths.shape[2] != 2:
        raise ValueError(f"contour: paths has shape {paths.shape}, expected (runs, steps + 1, 2)")
    names = [f"run {r}" for r in range(len(paths))] if labels is None else list(labels)
    if len(names) != len(paths):
        raise ValueError(refusal("contour", "labels", labels, f"{len(paths)} of them"))
    kept = [path[np.isfinite(path).all(axis=1)] for path in paths]
    if not all(map(len, kept)):
        expected = "paths that start at finite weights"
        raise ValueError(refusal("contour", "paths", paths, expected))
    lines = checked("contour", "lines", lines, POSITIVE_COUNT, runs=False)

    from matplotlib.patheffects import withStroke

    from lrlesson.drawing.theme import LEVELS

    bands = LEVELS[5::-1]  # not so dark that a path is hard to see
    own = ax is None
    ax, lettering = plot("contour", ax, labels=[] if labels is None else names, height=430)
    size = np.array([ax.bbox.width / ax.bbox.height, 1.0])
    if own:
        size[0] = (WIDTH - 60) / (430 - FRAME)  # what the layout will make of it
    starts = np.array([path[0] for path in kept]).reshape(-1, 2)
    left, right, bottom, top = _view(loss, starts, size) if view is None else view
    corner, reach = np.array([left, bottom]), np.array([right - left, top - bottom])
    x, y = np.meshgrid(np.linspace(left, right, 160), np.linspace(bottom, top, 120))
    height = loss(np.stack([x, y], axis=-1)) - loss.min_value
    levels = np.linspace(0, height.max(), int(lines) + 1)
    filled = np.linspace(0, height.max(), len(bands) + 1)
    ax.grid(visible=False)
    ax.contourf(x, y, height, filled, colors=[light(name) for name in bands])
    ax.contour(x, y, height, levels[1:], colors=light("contour"), linewidths=0.7)
    ends = np.empty_like(starts)
    casing: dict[str, Any] = {"path_effects": [withStroke(linewidth=4.5, foreground="white")]}
    for r, (path, name) in enumerate(zip(kept, names, strict=True)):
        colour = COLOURS[r % len(COLOURS)]
        with np.errstate(all="ignore"):  # far outside the view lies 10³⁰⁰
            path = np.clip(path, -20 * reach.max(), 20 * reach.max())
        begin, end = loss(path[[0, -1]])
        words = f"{name} from the loss {begin:.3g} to {end:.3g}"
        ax.plot(*path.T, color=colour, lw=2, label=words, **casing)
        ax.plot(*path.T, ".", color=colour, ms=6)
        ax.plot(*path[0], "o", color=colour, ms=8, mfc="white", mew=2)
        ends[r], way = leaves((path - corner) / reach)
        ends[r] = corner + reach * ends[r]
        if way.any():
            turn = float(np.degrees(np.arctan2(*(way * size[::-1])[::-1]))) - 90
            look: dict[str, Any] = {"marker": (3, 0, turn), "ms": 11, "clip_on": False}
            ax.plot(*ends[r], color=colour, mec="white", mew=1, **look)
    if labels is not None:
        best = max((starts, ends), key=lambda places: _closest(places / reach))
        for r, (name, (at, up)) in enumerate(zip(names, best, strict=True)):
            lettering.name(name, at, up, COLOURS[r % len(COLOURS)])
        lettering.tag()
    ax.plot(*loss.minimum, "*", color=light("ink"), ms=12, mec="white", mew=1)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.set_xlabel("weight w₁")
    ax.set_ylabel("weight w₂ (stronger blue: lower loss)")
    ax.set_title(_arrived(names, loss, kept))
    finish(ax)
    if view is None:
        ax.set_aspect("equal", anchor="W")


def _view(loss: Loss, starts: np.ndarray, size: np.ndarray) -> tuple[float, float, float, float]:
    """Around the minimum, as wide and high as the axes, holding every start with a margin."""
    starts = starts if len(starts) else loss.minimum + np.ones((1, 2))
    reach = 1.25 * max(float(np.abs((starts - loss.minimum) / size).max()), 1e-6) * size
    (left, bottom), (right, top) = loss.minimum - reach, loss.minimum + reach
    return left, right, bottom, top


def _closest(places: np.ndarray) -> float:
    """The smallest distance between two of them."""
    apart = np.linalg.norm(places[:, None] - places, axis=-1)
    return float(apart[~np.eye(len(places), dtype=bool)].min(initial=np.inf))


def _arrived(names: Sequence[str], loss: Loss, paths: Sequence[np.ndarray]) -> str:
    """Which path ends lowest, in a title."""
    if not paths:
        return "The loss over two weights"
    with np.errstate(all="ignore"):
        first, last = loss(np.array([[path[0], path[-1]] for path in paths])).T - loss.min_value
    return _ended(names, first, np.where(last < 1e3 * first.max(), last, np.nan))


def weight_rates(seen: Any, rate: Any, lr: float, *, xlabel: str, ax: "Axes | None" = None) -> None:
    """The effective rate of every weight against how much it has seen, both logarithmic.

    seen, rate: (weights,), such as how often a word occurred, and state.rate. A dashed line marks
    lr, the base rate. Weights that were not used yet, whose rate is NaN, are counted in words.
    Raises ValueError where the shapes do not fit.
    """
    seen, rate = np.asarray(seen, dtype=float), np.asarray(rate, dtype=float)
    if seen.shape != rate.shape or seen.ndim != 1:
        raise ValueError(
            f"weight_rates: seen has shape {seen.shape} and rate {rate.shape}, "
            "expected (weights,) twice"
        )
    from lrlesson.drawing.lettering import short

    base = f"base rate η = {lr:g}"
    ax, lettering = plot("weight_rates", ax, labels=[base])
    used = np.isfinite(rate)
    label = "a weight" if used.all() else f"a weight, {(~used).sum()} not yet used"
    said = "No weight has been used yet"
    if used.any():
        low, high = rate[used].min(), rate[used].max()
        said = f"Effective rates from {short(low, 2)} to {short(high, 2)}"
    dots: dict[str, Any] = {"color": COLOURS[0], "ms": 5, "mew": 0, "alpha": 0.5, "label": label}
    ax.plot(seen[used], rate[used], "o", **dots)
    ax.axhline(lr, color=light("ink"), lw=1.4, ls=(0, (7, 4)), label=base)
    lettering.name(base, 1, lr, light("ink"), at=ax.get_yaxis_transform())
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(xlabel)
    ax.set_ylabel("effective rate of " + label)
    ax.set_title(said)
    finish(ax)
