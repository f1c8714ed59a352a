"""Explorers on a bowl, where the rate obeys exact laws."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes

from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import LEVELS, light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Label, Marker, Path, Text, Trail
from lrlesson.scenes.controls import Slider, Steps, number
from lrlesson.scenes.explorers._parts import hatched, ticks, titled, x_name
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.training import History, descend

_BELOW, _ABOVE, _PER_DECADE = 85, 15, 50  # positions of the rate below and above 2/λmax
_LONGEST = 2000  # steps after which a rate counts as never arriving
_LOWER = 1000  # "arrived" means a loss this many times lower
_NUMBERED = 5  # first steps that carry their number
_RATIO = 1.2  # of the surface, width to height

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
            Slider("rate", "learning rate", rates, 35, texts, marks={threshold: "2/λ_max"}),
            Steps("step", "step", np.arange(steps + 1), 0, [str(t) for t in range(steps + 1)],
                  pace=np.where(np.arange(steps) < 10, 250, 50)),
        ],
        actors=[
            Path("path", "surface", w1, w2, by=("rate",), upto="step", dots=True, width=1.6,
                 casing=2.5, color="pick", alpha=0.45),
            Trail("last steps", "surface", w1[..., None], w2[..., None], by=here, width=2.2,
                  alpha=1.0, color="pick"),
            *_numbers(wide, w1, w2, start),
            Marker("point", "surface", w1, w2, by=here, size=15, color="pick"),
            Path("whole curve", "loss", np.arange(steps + 1), run.losses, by=("rate",), width=1.4,
                 color="ghost", exits=False),
            Marker("lower", "loss", float(steps), float(run.losses[0, 0]) / _LOWER, size=1),
            Label("lower name", "loss", "lower", f"÷ {_LOWER}", size=13, dx=8),
            Path("curve", "loss", np.arange(steps + 1), run.losses, by=("rate",), upto="step",
                 width=2.6, casing=2.5, color="pick", exits=False),
            Label("curve name", "loss", "curve", [f"rate {text}" for text in texts],
                  text_by=("rate",), size=13, color="pick", dx=10),
            Marker("loss now", "loss", np.broadcast_to(np.arange(steps + 1.0), run.losses.shape),
                   run.losses, by=here, size=12, color="pick"),
            Marker("needed now", "needed", rates, arrive, by=("rate",), size=14, color="pick"),
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


def _numbers(stage: Stage, w1: np.ndarray, w2: np.ndarray, start: Pair) -> list[Actor]:
    """The numbers of the first steps, where they stand clear of each other and of the start."""
    ax = stage.axes("surface")
    scale = stage.boxes["surface"][2] / np.ptp(ax.get_xlim())  # units of the page per unit of w
    steps, n = w1.shape[1] - 1, min(_NUMBERED, w1.shape[1] - 1)
    x = w1[:, : n + 1]
    y = w2[:, : n + 1] + np.where(w2[:, : n + 1] < 0, -15, 15) / scale
    clear = np.zeros(x.shape, bool)
    clear[:, 0] = True  # the word "start"
    top = ax.get_ylim()[1] - 8 / scale
    sides = np.array(ax.get_xlim()) + np.array([8, -8]) / scale
    for k in range(1, n + 1):
        wide, high = (np.abs(v[:, k, None] - v[:, :k]) * scale for v in (x, y))
        apart = (wide > np.where(np.arange(k) == 0, 26, 12)) | (high > 18)
        inside = (np.abs(y[:, k]) < top) & (sides[0] < x[:, k]) & (x[:, k] < sides[1])
        clear[:, k] = inside & (apart | ~clear[:, :k]).all(axis=1)
    return [
        Text(f"number {k}", "surface", np.where(clear[:, k], x[:, k], np.nan),
             np.where(clear[:, k], y[:, k], np.nan), [str(k) * (t >= k) for t in range(steps + 1)],
             by=("rate",), text_by=("step",), anchor="middle", bold=True, color="pick")
        for k in range(1, n + 1)
    ]  # fmt: skip


_WIDE: dict[str, Box] = {
    "surface": (0, 30, 444, 370), "loss": (520, 30, 196, 128), "needed": (520, 236, 196, 128),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "surface": (0, 30, 396, 330), "loss": (48, 410, 260, 120), "needed": (48, 610, 260, 130),
}  # fmt: skip


@lru_cache(maxsize=8)
def _stage(curvatures: Pair, start: Pair, steps: int, columns: int) -> Stage:
    wide = columns == 2
    with style():
        fig, axes = placed(*((806, 404) if wide else (400, 780)), _WIDE if wide else _NARROW)
        _surface(axes["surface"], curvatures, start)
        _loss(axes["loss"], curvatures, start, steps)
        _needed(axes["needed"], steps, *_sweep(curvatures, start, steps))
        return Stage.of(fig)


def _surface(ax: Axes, curvatures: Pair, start: Pair) -> None:
    """Contours, with the same scale along both axes, so that each step is seen to leave its
    contour at a right angle."""
    bowl = Quadratic(curvatures)
    titled(ax, "The path down the bowl", "stronger blue: lower loss")
    x0, x1 = sorted((1.25 * start[0], -0.8 * start[0]))
    side = max(x1 - x0, 3.5 * abs(start[1]) * _RATIO)
    ax.set_xlim((x0 + x1 - side) / 2, (x0 + x1 + side) / 2)
    ax.set_ylim(-side / _RATIO / 2, side / _RATIO / 2)
    x, y = np.meshgrid(np.linspace(*ax.get_xlim(), 121), np.linspace(*ax.get_ylim(), 121))
    values = bowl(np.stack([x, y], axis=-1))
    levels = float(bowl(start)) * 4.0 ** np.arange(-3, 2)
    fills = [light(name) for name in LEVELS[4::-1]]
    ax.contourf(x, y, values, [0, *levels], colors=fills)
    ax.set_facecolor(light(LEVELS[0]))
    ax.contour(x, y, values, levels, colors=[light("paper")], linewidths=1)
    ax.plot(0, 0, "+", color=light("ink"), ms=9, mew=1.4)
    ax.plot(*start, "o", color=light("ink"), ms=6)
    ax.annotate(
        "start", start, xytext=(0, 9 if start[1] >= 0 else -22), textcoords="offset points",
        ha="center", size=13, gid="halo",
    )  # fmt: skip
    ax.axis("off")


def _loss(ax: Axes, curvatures: Pair, start: Pair, steps: int) -> None:
    first = float(Quadratic(curvatures)(start))
    ax.set_yscale("log")
    ax.set_xlim(0, steps)
    ax.set_ylim(first * 10**-8.5, first * 10)
    powers = 2 * np.arange(np.ceil(np.log10(first) / 2 - 4.25), np.log10(first) / 2 + 0.5)
    ticks(ax.yaxis, 10**powers, [f"$10^{{{power:.0f}}}$" for power in powers])
    ticks(ax.xaxis, np.array([0, 0.5, 1]) * steps)
    ax.axhline(first / _LOWER, color=light("ink"), lw=1.4, ls=(0, (7, 4)))
    titled(ax, "Its loss", left=44)
    x_name(ax, "step", beside=True)


def _needed(ax: Axes, steps: int, rates: np.ndarray, run: History, arrive: np.ndarray) -> None:
    """The steps that each rate needs, in the colour and with the name of what it does."""
    threshold, top = rates[_BELOW], 2 * np.nanmax(arrive)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(rates[0], rates[-1])
    ax.set_ylim(np.nanmin(arrive) / 3, top)
    hatched(ax, [threshold, rates[-1], rates[-1], threshold], np.repeat(ax.get_ylim(), 2))
    assert run.weights is not None
    crosses = (run.weights[:, 1] / run.weights[:, 0]).min(axis=1) < 0
    slow = np.isfinite(arrive) & ~(arrive <= steps)
    does = [("crawls", "low", slow), ("converges", "good", (arrive <= steps) & ~crosses),
            ("oscillates", "high", (arrive <= steps) & crosses)]  # fmt: skip
    for name, role, where in does:
        at = np.flatnonzero(where)
        if not at.size:
            continue
        ax.plot(rates[at[0] : at[-1] + 2], arrive[at[0] : at[-1] + 2], color=light(role), lw=2.6)
        middle = at[at.size // 2]
        ax.annotate(
            name, (rates[middle], arrive[middle]), xytext=(-6, -3), textcoords="offset points",
            ha="right", va="top", size=13, weight="bold", color=light(role), gid="halo",
        )  # fmt: skip
    ax.axvline(threshold, color=light("ink"), lw=1.4, ls=(0, (7, 4)))
    ax.annotate(
        "flies\naway", (1, 0.5), xycoords="axes fraction", xytext=(8, 0), va="center", size=13,
        textcoords="offset points", weight="bold", color=light("broken"), annotation_clip=False,
    )  # fmt: skip
    low, high = np.ceil(np.log10(rates[0])), np.log10(threshold) - 0.2
    ticks(ax.xaxis, [*10 ** np.arange(low, high), threshold],
          [*(f"{v:g}" for v in 10 ** np.arange(low, high)), "2/λ"])  # fmt: skip
    low, high = np.ceil(np.log10(ax.get_ylim()))
    ticks(ax.yaxis, 10 ** np.arange(low, high))
    titled(ax, f"Steps to a loss {_LOWER} times lower", left=44)
    x_name(ax, "learning rate")
