"""Five optimizers, each at a rate of its own."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lrlesson.data import digits
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import OPTIMIZERS, light, style
from lrlesson.network import net_a
from lrlesson.optimizers import SGD, AdaGrad, Adam, RMSprop
from lrlesson.scenes.actors import Actor, Handle, Label, Marker, Path
from lrlesson.scenes.controls import Button, Control, Slider, number
from lrlesson.scenes.explorers._parts import hatched, ticks, titled, x_name
from lrlesson.scenes.say import Least, Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import sweep

_RACERS: dict[str, Any] = {
    "SGD": SGD(), "momentum": SGD(momentum=0.9), "AdaGrad": AdaGrad(), "RMSprop": RMSprop(),
    "Adam": Adam(),
}  # fmt: skip
_RATES = 10 ** (np.arange(-6, 2) / 2)  # 0.001 … 3.16
_ALIKE = 2  # position of the rate that all have at the start, 0.01
_EPOCHS, _SMOOTH = 2, 10
_SEEDS = range(4)  # the first one races, the others choose
_LOSS = (0.03, 4.0)  # frame of the losses while training
_ENDS = (0.0105, 26.0)  # frame of the losses at the end, and in it the strip of what broke
_STRIP = (8.0, 26.0)


def optimizer_race() -> Scene:
    """Five rules on the digits, each at a rate of its own; one button tunes them all fairly.

    Every rule was tried at the same eight rates, so the budget of tuning is equal. The valleys are
    those of three seeds, which choose the best rates; the race is run on a fourth. Drag a dot
    along its valley to give that rule another rate.
    """
    losses, ends, tried = _raced()  # (rules, rates, updates), (rules, rates) twice
    best = np.nanargmin(tried, axis=1)
    names, shown = list(_RACERS), [f"{rate:.2g}" for rate in _RATES]
    t = np.arange(losses.shape[-1])
    spots = _spots(tried)
    sliders: list[Control] = []
    actors: list[Actor] = []
    for k, name in enumerate(names):
        one, color = name.lower(), OPTIMIZERS[name]
        final = np.where(np.isnan(ends[k]), np.nan, losses[k, :, -1])
        told = np.where(np.isnan(final), f"{name} broke",
                        [f"{name} ↑ {v:.0f}" if v > _LOSS[1] else name for v in final])  # fmt: skip
        sliders.append(Slider(one, f"rate of {name}", _RATES, _ALIKE, shown, folded=True))
        actors += [
            Path(name, "loss", t[2:], losses[k, :, 2:], by=(one,), color=color, width=2.6,
                 casing=2.5),
            Marker(f"{name} end", "loss", float(t[-1]),
                   np.clip(np.nan_to_num(final, nan=_LOSS[1]), *_LOSS), by=(one,), color=color,
                   size=9),
            Label(f"{name} label", "loss", f"{name} end", told, text_by=(one,), color=color, dx=9),
        ]  # fmt: skip
    for k, name in enumerate(names):
        one = name.lower()
        actors.append(Handle(f"rate of {name}", "ends", one, spots[k], by=(one,),
                             color=OPTIMIZERS[name], size=16))  # fmt: skip
    tuned = {name.lower(): int(best[k]) for k, name in enumerate(names)}
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="optimizer race",
        alt="Training loss of five optimizers, and the loss at the end of each at eight rates.",
        controls=[
            Button("alike", f"all to {_RATES[_ALIKE]:g}", [0],
                   sets={0: dict.fromkeys(tuned, _ALIKE)}),
            Button("tune", "each to its best", [0], sets={0: tuned}),
            *sliders,
        ],
        actors=actors,
        say=[_verdict(ends, best, shown)],
    )  # fmt: skip


def _verdict(ends: np.ndarray, best: np.ndarray, shown: list[str]) -> Say:
    """Who ends lowest and who highest; and where all stand alike or at their best, how fair."""
    names = list(_RACERS)
    by = tuple(name.lower() for name in names)
    found = ", ".join(
        f"{name} {shown[b]}" + " (edge)" * (b in (0, _RATES.size - 1))
        for name, b in zip(names, best, strict=True)
    )
    word = np.empty((_RATES.size,) * len(names), dtype=object)
    more = np.empty(word.shape, dtype=object)
    for at in product(range(_RATES.size), repeat=len(names)):
        fit = sum(a == b for a, b in zip(at, best, strict=True))
        alike = len(set(at)) == 1
        word[at] = f"{fit} of {len(names)} at their best"
        more[at] = " " * fit  # one text for each word: one table of numbers serves both
        if fit == len(names):
            word[at] = "each at its best"
            more[at] = f" The same {_RATES.size} rates were tried for each, on other seeds."
        elif alike:
            word[at] = f"all at {shown[at[0]]}"
            more[at] = f" Each alone does best at: {found}."
    low, high = [], []
    for name, row in zip(names, ends, strict=True):
        rated = zip(shown, row, strict=True)
        low.append((name.lower(), row,
                    [f"{name} ends lowest, {number(v, 2)} at {r}" for r, v in rated]))  # fmt: skip
        rated = zip(shown, row, strict=True)
        high.append((name.lower(), np.where(np.isnan(row), -np.inf, -row), [
            f"{name} breaks at {r}." if np.isnan(v) else f"{name} highest, {number(v, 2)} at {r}."
            for r, v in rated]))  # fmt: skip
    return Say("{low}; {high}{more}", by, {"low": Least(low), "high": Least(high), "more": more},
               word, "plain")  # fmt: skip


def _spots(ends: np.ndarray) -> np.ndarray:
    """Where the dots stand at each rate: at the loss, or in the strip, each rule in its row."""
    rows = np.geomspace(*_STRIP, len(ends) + 2)[1:-1]
    return np.where(np.isnan(ends), rows[:, None], ends)


@lru_cache(maxsize=1)
def _raced() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the race: smoothed batch losses (rules, rates, updates), and training losses at the end
    (rules, rates); of the seeds that choose: the mean of those at the end. NaN where one broke."""
    curves, ends, tried = [], [], []
    window = np.ones(_SMOOTH) / _SMOOTH
    for rule in _RACERS.values():
        run = sweep(net_a(), digits(), rule, _RATES, _EPOCHS, 32, _SEEDS)
        assert run.train_loss is not None
        last = run.per_rate(np.where(run.diverged, np.nan, run.train_loss[:, -1]))
        tried.append(last[:, 1:].mean(axis=1))
        ends.append(np.where(np.isnan(tried[-1]), np.nan, last[:, 0]))
        smooth = [np.convolve(np.pad(loss, (_SMOOTH - 1, 0), mode="edge"), window, "valid")
                  for loss in run.per_rate(run.losses)[:, 0].astype(float)]  # fmt: skip
        curves.append(np.where(np.isfinite(smooth), smooth, np.nan))
    return np.stack(curves), np.stack(ends), np.stack(tried)


_WIDE: dict[str, Box] = {"loss": (44, 34, 256, 362), "ends": (476, 34, 330, 346)}
_NARROW: dict[str, Box] = {"loss": (44, 34, 240, 250), "ends": (44, 370, 350, 300)}


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    losses, _, tried = _raced()
    with style():
        fig, axes = placed(*((806, 432) if wide else (400, 720)), _WIDE if wide else _NARROW)
        ax = axes["loss"]
        ax.set_xlim(0, losses.shape[-1] - 1)
        ax.set_yscale("log")
        ax.set_ylim(*_LOSS)
        ticks(ax.xaxis, [0, 20, 40, 60, 80])
        ticks(ax.yaxis, [0.03, 0.1, 0.3, 1, 3])
        titled(ax, "Two epochs on the digits", f"batch loss, mean of {_SMOOTH}", left=44, up=14)
        x_name(ax, "update", beside=True)
        _valleys(axes["ends"], tried)
        return Stage.of(fig)


def _valleys(ax: Axes, ends: np.ndarray) -> None:
    """The loss at the end against the rate, for every rule; dashed to where it broke."""
    ax.set_xscale("log")
    ax.set_xlim(8e-4, 4.4)
    ax.set_yscale("log")
    ax.set_ylim(*_ENDS)
    ticks(ax.xaxis, [0.001, 0.01, 0.1, 1])
    ticks(ax.yaxis, [0.03, 0.1, 0.3, 1, 3])
    x0, x1 = ax.get_xlim()
    hatched(ax, [x0, x1, x1, x0], np.repeat(_STRIP, 2))
    ax.annotate("broke", (x0, np.sqrt(np.prod(_STRIP))), xytext=(8, 0), va="center", size=13,
                textcoords="offset points", weight="bold", gid="halo",
                color=light("broken"))  # fmt: skip
    spots = _spots(ends)
    for k, name in enumerate(_RACERS):
        color, held = light(OPTIMIZERS[name]), np.isfinite(ends[k])
        last = np.flatnonzero(held)[-1]
        ax.plot(_RATES[held], ends[k][held], color=light("paper"), lw=3.8)
        ax.plot(_RATES[held], ends[k][held], color=color, lw=1.8)
        if last + 1 < _RATES.size:
            ax.plot(_RATES[last : last + 2], spots[k, last : last + 2], color=color, lw=1.2,
                    ls=(0, (2, 4)))  # fmt: skip
            ax.plot(_RATES[last + 1], spots[k, last + 1], "x", color=color, ms=7, mew=2)
        b = int(np.nanargmin(ends[k]))
        ax.plot(_RATES[b], ends[k, b], "o", ms=11, mfc=light("paper"), mec=color, mew=2)
        # side by side, as their valleys are
        aside = {"RMSprop": (-34, -20), "AdaGrad": (22, -20), "momentum": (45, -4),
                 "SGD": (20, -20)}  # fmt: skip
        ax.annotate(name, (_RATES[b], ends[k, b]), xytext=aside.get(name, (0, -20)), ha="center",
                    textcoords="offset points", va="center", size=13.5, weight="bold",
                    gid="halo", color=color)  # fmt: skip
    titled(ax, "Every rate tried", "loss of three other seeds; drag a dot", left=44, up=14)
    x_name(ax, "learning rate")
