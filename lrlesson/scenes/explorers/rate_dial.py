"""Explorers on a bowl, where the rate obeys exact laws."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from lrlesson.drawing.stage import Stage, figure
from lrlesson.drawing.theme import LEVELS, light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Marker, Path, VLine
from lrlesson.scenes.controls import Slider, Steps, number
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.training import History, descend

_BELOW, _ABOVE, _PER_DECADE = 85, 15, 50  # positions of the rate below and above 2/λmax
_LONGEST = 2000  # steps after which a rate counts as never arriving
_LOWER = 1000  # "arrived" means a loss this many times lower

Pair = tuple[float, float]


def rate_dial(curvatures: Pair = (1.0, 20.0), start: Pair = (-4.0, 2.0), steps: int = 100) -> Scene:
    """Turn the rate of gradient descent on a two-dimensional bowl, and see what becomes of it.

    curvatures: of the bowl along w1 and w2. start: the first point. steps: how many are shown.
    The rates are 101, geometric, from 2 % to 200 % of 2/λmax; the position of 2/λmax is exact.
    """
    curvatures, start = _pair(curvatures), _pair(start)
    rates, run, arrive = _sweep(curvatures, start, steps)
    assert run.weights is not None
    wide, narrow = (_stage(curvatures, start, steps, columns) for columns in (2, 1))
    w1, w2 = run.weights[..., 0], run.weights[..., 1]
    threshold = float(rates[_BELOW])
    share = [f"{100 * rate / threshold:.0f} % of 2/λ_max" for rate in rates]
    share[_BELOW] = "exactly 2/λ_max"
    texts = [number(rate) for rate in rates]
    named = [f"{text}, {part}" for text, part in zip(texts, share, strict=True)]
    badges, tones, verdicts = _verdicts(wide, run, arrive, named)
    here = ("rate", "step")
    return Scene(
        wide,
        narrow=narrow,
        name="rate dial",
        alt=(
            f"Gradient descent on a bowl with curvatures {curvatures[0]:g} and {curvatures[1]:g}: "
            "the path on the loss surface, where a stronger blue is a lower loss, the loss at each "
            "step, and the steps needed at every rate."
        ),
        controls=[
            Slider("rate", "learning rate", rates, 49, texts, marks={threshold: "2/λ_max"}),
            Steps("step", "step", np.arange(steps + 1), -1, [str(t) for t in range(steps + 1)]),
        ],
        actors=[
            Path("path", "surface", w1, w2, by=("rate",), upto="step", dots=True, width=1.3,
                 color="vermilion"),
            Marker("point", "surface", w1, w2, by=here, shape="ring", size=10, color="vermilion"),
            Path("whole curve", "loss", np.arange(steps + 1), run.losses, by=("rate",), width=1.4,
                 color="vermilion", alpha=0.4, exits=False),
            Path("curve", "loss", np.arange(steps + 1), run.losses, by=("rate",), upto="step",
                 width=2.2, color="vermilion"),
            Marker("loss now", "loss", np.broadcast_to(np.arange(steps + 1.0), run.losses.shape),
                   run.losses, by=here, shape="ring", size=10, color="vermilion"),
            VLine("rate now", "needed", rates, by=("rate",), color="vermilion", width=1.2),
            Marker("needed now", "needed", rates, arrive, by=("rate",), size=11,
                   color="vermilion"),
        ],
        say=[
            Say("rate {verdict}", ("rate",), {"verdict": verdicts}, badges, tones),
            Say(f"Step {{step}} of {steps}: loss {{loss}}.", here, {"loss": run.losses}),
        ],
    )  # fmt: skip


def _pair(values: Pair) -> Pair:
    first, second = (float(value) for value in values)
    return first, second


@lru_cache(maxsize=8)
def _sweep(curvatures: Pair, start: Pair, steps: int) -> tuple[np.ndarray, History, np.ndarray]:
    """The rates, the runs that are shown, and the steps that each rate needs (NaN: never)."""
    bowl = Quadratic(curvatures)
    threshold = 2 / bowl.curvature(start)
    rates = threshold * 10 ** (np.arange(-_BELOW, _ABOVE + 1) / _PER_DECADE)
    run = descend(bowl, start, SGD(), Constant(rates), steps)
    long = descend(bowl, start, SGD(), Constant(rates), _LONGEST, keep_weights=False)
    return rates, run, long.steps_to(long.losses[0, 0] / _LOWER)


def _verdicts(
    stage: Stage, run: History, arrive: np.ndarray, texts: list[str]
) -> tuple[list[str], list[str], list[str]]:
    """A word, a tone and a sentence for each rate, from the numbers of its run."""
    assert run.weights is not None
    u, v = stage.fractions("surface", run.weights[..., 0], run.weights[..., 1])
    outside = (np.abs(u - 0.5) > 0.5) | (np.abs(v - 0.5) > 0.5)
    factors = run.weights[:, 1] / run.weights[:, 0]  # of each direction, in one step
    steps, first, last = run.updates, run.losses[:, 0], run.losses[:, -1]
    badges, tones, verdicts = [], [], []
    for k, text in enumerate(texts):
        stiff = int(np.argmin(factors[k]))
        crosses = factors[k, stiff] < 0
        if np.isclose(factors[k, stiff], -1):
            badge, tone = "never settles", "warn"
            width = number(abs(run.weights[k, 0, stiff]), 2)
            verdict = f"w_{stiff + 1} jumps between −{width} and {width} for ever"
        elif np.isnan(arrive[k]) and factors[k, stiff] < -1:
            badge, tone = "diverges", "bad"
            verdict = (
                f"each step multiplies w_{stiff + 1} by {number(factors[k, stiff])}; "
                + (f"the path leaves the frame at step {outside[k].argmax()}, and "
                   if outside[k].any() else "")
                + f"after {steps} steps the loss is {number(last[k], 2)}"
            )  # fmt: skip
        elif not arrive[k] <= steps:
            badge, tone = "slow", "slow"
            verdict = (
                f"after {steps} steps the loss is only {number(first[k] / last[k], 2)} times "
                f"lower; {_LOWER} times lower takes "
                + (f"{arrive[k]:.0f} steps" if arrive[k] > 0 else f"more than {_LONGEST} steps")
            )
        else:
            badge, tone = ("oscillates", "wave") if crosses else ("converges", "good")
            verdict = f"overshoots in w_{stiff + 1} and still converges" if crosses else (
                "straight down, no overshoot")  # fmt: skip
            verdict += f"; loss {_LOWER} times lower after {arrive[k]:.0f} steps"
            if arrive[k] == np.nanmin(arrive):
                verdict += ", the fastest here"
        badges.append(badge)
        tones.append(tone)
        verdicts.append(f"{text}: {verdict}.")
    return badges, tones, verdicts


@lru_cache(maxsize=8)
def _stage(curvatures: Pair, start: Pair, steps: int, columns: int) -> Stage:
    with style():
        if columns == 2:
            fig, axes = figure(
                760, 400, mosaic=[["surface", "loss"], ["surface", "needed"]],
                width_ratios=[1.12, 1],
            )  # fmt: skip
        else:
            fig, axes = figure(
                420, 860, mosaic=[["surface"], ["loss"], ["needed"]], height_ratios=[1.5, 1, 1]
            )
        _loss(axes["loss"], curvatures, start, steps)
        _needed(axes["needed"], *_sweep(curvatures, start, steps))
        _surface(axes["surface"], curvatures, start)
        return Stage.of(fig)


def _surface(ax: Axes, curvatures: Pair, start: Pair) -> None:
    """Contours, with the same scale along both axes, so that each step is seen to leave its
    contour at a right angle."""
    bowl = Quadratic(curvatures)
    ax.set_title("path on the loss (stronger blue: lower)")
    ax.set_xlabel(f"$w_1$ (curvature {curvatures[0]:g})")
    ax.set_ylabel(f"$w_2$ (curvature {curvatures[1]:g})")
    x0, x1 = sorted((1.18 * start[0], -0.3 * start[0]))
    side = max(x1 - x0, 2.8 * abs(start[1]))
    ax.set_box_aspect(1)
    ax.set_xlim((x0 + x1 - side) / 2, (x0 + x1 + side) / 2)
    ax.set_ylim(-side / 2, side / 2)
    x, y = np.meshgrid(np.linspace(*ax.get_xlim(), 121), np.linspace(*ax.get_ylim(), 121))
    values = bowl(np.stack([x, y], axis=-1))
    levels = float(bowl(start)) * 2.0 ** np.arange(-6, 2)
    fills = [light(name) for name in reversed(LEVELS)]
    ax.contourf(x, y, values, [0, *levels[:-1]], colors=fills[:-1])
    ax.set_facecolor(fills[-1])
    ax.contour(x, y, values, levels, colors=[light("contour")], linewidths=0.7)
    ax.plot(0, 0, "+", color=light("ink"), ms=9, mew=1.4)
    ax.plot(*start, "o", color=light("ink"), ms=5)
    ax.annotate(
        "start", start, xytext=(0, 9), textcoords="offset points", ha="center", size=10.5,
    )  # fmt: skip
    ax.grid(False)


def _loss(ax: Axes, curvatures: Pair, start: Pair, steps: int) -> None:
    first = float(Quadratic(curvatures)(start))
    ax.set_yscale("log")
    ax.set_xlim(0, steps)
    ax.set_ylim(10 ** np.floor(np.log10(first) - 9.0), 10 ** np.ceil(np.log10(first) + 4.5))
    ax.yaxis.set_major_locator(FixedLocator(list(1000.0 ** np.arange(-9, 10))))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.axhline(first / _LOWER, color=light("muted"), lw=1, ls=(0, (4, 3)))
    ax.annotate(
        f"{_LOWER} times lower", (0.012 * steps, first / _LOWER), xytext=(0, -4),
        textcoords="offset points", va="top", size=10, color=light("muted"),
    )  # fmt: skip
    ax.set_title("loss at each step")
    ax.set_xlabel("step")
    ax.set_ylabel("loss")


def _needed(ax: Axes, rates: np.ndarray, run: History, arrive: np.ndarray) -> None:
    threshold, top = rates[_BELOW], 2 * np.nanmax(arrive)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(rates[0], rates[-1])
    ax.set_ylim(np.nanmin(arrive) / 2, top)
    ax.axvspan(threshold, rates[-1], color=light("shade"), lw=0)
    ax.plot(rates, arrive, color=light("blue"), lw=2)
    ax.axvline(threshold, color=light("ink"), lw=1.2, ls=(0, (5, 3)))
    ax.annotate(
        r"$2/\lambda_\mathrm{max}$", (threshold, 1), xycoords=("data", "axes fraction"),
        xytext=(0, 6), textcoords="offset points", ha="center", size=11,
    )  # fmt: skip
    ax.annotate(
        "never", (np.sqrt(threshold * rates[-1]), np.sqrt(top * np.nanmin(arrive) / 2)),
        ha="center", va="center", size=10.5, color=light("muted"),
    )  # fmt: skip
    for axis, subs in ((ax.xaxis, (1, 2, 5)), (ax.yaxis, (1, 3))):
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
    ax.set_title(f"steps to a loss {_LOWER} times lower")
    ax.set_xlabel("learning rate")
    ax.set_ylabel("steps")
