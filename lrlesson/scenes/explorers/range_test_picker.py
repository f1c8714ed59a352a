"""Picking a rate from a range test."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import light, style
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Dots, Handle, HLine, Marker, Path, VLine
from lrlesson.scenes.controls import Slider, number
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import RangeTest, range_test, sweep

_SEEDS, _PICK_EPOCHS, _BROKE = 12, 2, 60.0
_PICKS = 10 ** (np.arange(-10, 6) / 6)  # 0.0215 … 6.81, with 0.1 and 1


def range_test_picker() -> Scene:
    """Pick a rate from a range test, and see twelve trainings at it.

    NET-A on the digits; the test raises the rate from 0.0001 to 10 in 100 updates. Each outcome
    is the training loss after 2 epochs from another start.
    """
    test, ends = _picks()
    smooth = test.smoothed[0]
    low = float(test.at_minimum[0])
    good = np.isfinite(ends)
    failures = (~good).sum(axis=1)
    middle = np.array([np.median(row[ok]) if ok.any() else np.nan
                       for row, ok in zip(ends, good, strict=True)])  # fmt: skip
    best = int(np.nanargmin(np.where(failures == 0, middle, np.nan)))
    ratio = _PICKS / low
    place = [
        f"{number(1 / r, 2)} times below" if r < 1 else f"{number(r, 2)} times above" for r in ratio
    ]
    outcome = [
        f"{m} of {_SEEDS} trainings break" + (f"; the others end near {number(v)}." if v == v
                                              else ".") if m else
        f"all {_SEEDS} trainings hold, and end near {number(v)}."
        for m, v in zip(failures, middle, strict=True)
    ]  # fmt: skip
    useless = (ends > np.log(10)).any(axis=1)  # worse than guessing every digit alike
    wrong, close = (failures > 0) | useless, middle < 2 * middle[best]
    word = np.where(wrong, "too high", np.where(close, "good", "safe, slow"))
    tone = np.where(wrong, "bad", np.where(close, "good", "slow"))
    pick = ("pick",)
    seeds = np.arange(_SEEDS)
    top = np.where(good, np.nan, _BROKE * 1.7)
    marks = {low: "minimum", low / 10: "÷ 10"}
    return Scene(
        _picker_stage(2),
        narrow=_picker_stage(1),
        name="range test",
        alt="The loss during a range test, and the outcomes of 12 trainings at the rate picked.",
        controls=[Slider("pick", "picked rate", _PICKS, 4, marks=marks)],
        actors=[
            Path("test", "test", test.lr, smooth, width=2.2, exits=False),
            Marker("minimum", "test", low, float(np.nanmin(smooth)), shape="ring", color="ink"),
            VLine("pick", "test", _PICKS, by=pick, color="vermilion", width=1.8),
            Handle("grip", "test", "pick", 12.0, color="vermilion"),
            Dots("outcomes", "ends", seeds, ends, by=pick, size=10),
            Dots("broken", "ends", seeds, top, by=pick, size=10, color="vermilion"),
            HLine("middle", "ends", middle, by=pick, dash=(5, 3)),
        ],
        say=[
            Say("at {pick}, {place} the rate of the smallest loss, {outcome}", pick,
                {"place": place, "outcome": outcome}, word, tone),
            Say(f"The smoothed loss is lowest at rate {number(low)}. The best pick without a "
                f"failure here is {number(_PICKS[best])}."),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _picks() -> tuple[RangeTest, np.ndarray]:
    """The range test, and losses after 2 epochs (picks, seeds), NaN where a run broke."""
    net, data = net_a(), digits()
    test = range_test(net, data, SGD())
    run = sweep(net, data, SGD(), _PICKS, _PICK_EPOCHS, 32, list(range(_SEEDS)))
    assert run.train_loss is not None
    ends = np.where(run.diverged, np.nan, run.train_loss[:, -1])
    return test, run.per_rate(ends)


@lru_cache(maxsize=2)
def _picker_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["test", "ends"], columns, height=350, ratios=(1.25, 1))
        ax = axes["test"]
        ax.set_xscale("log")
        ax.set_xlim(1e-4, 12)
        log_ticks(ax.xaxis)
        named(ax, "range test (drag the pick)", "learning rate, rising", "smoothed loss")
        ax = axes["ends"]
        ax.set_xlim(-0.7, _SEEDS - 0.3)
        ax.set_xticks(range(0, _SEEDS, 2), [str(k + 1) for k in range(0, _SEEDS, 2)])
        ax.axhspan(_BROKE, 3 * _BROKE, color=light("shade"), lw=0)
        named(ax, f"{_SEEDS} trainings at that rate", "start", "loss after 2 epochs")
        note(ax, "broke", (0.98, 0.99), ha="right")
        for label, top in (("test", 30.0), ("ends", 3 * _BROKE)):
            axes[label].set_yscale("log")
            axes[label].set_ylim(0.03, top)
            log_ticks(axes[label].yaxis)
        return Stage.of(fig)
