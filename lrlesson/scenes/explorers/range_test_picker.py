"""Picking a rate from a range test."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Dots, Handle, HLine, Label, Marker, Text, VLine
from lrlesson.scenes.controls import Slider, number
from lrlesson.scenes.explorers._parts import hatched, texts, ticks, titled, x_name
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import RangeTest, range_test, sweep

_SEEDS, _PICK_EPOCHS = 12, 2
_PICKS = 10 ** (np.arange(-10, 6) / 6)  # 0.0215 … 6.81, with 0.1 and 1
_GUESSING = np.log(10)  # the loss of a net that takes all digits for equally likely
_TEST = (0.5, 5.0)  # frame of the smoothed loss
_ENDS = (0.015, 500.0)  # frame of the losses at the end, and in it the strip of what broke
_STRIP = (120.0, 500.0)
_ROLES = {"bad": "broken", "good": "good", "slow": "low"}


def range_test_picker() -> Scene:
    """Pick a rate from a range test, and see twelve trainings at it.

    NET-A on the digits; the test raises the rate from 0.0001 to 10 in 100 updates. Each outcome
    is the training loss after 2 epochs from another start, the lowest first.
    """
    test, ends = _picks()
    ends = np.sort(ends, axis=1)  # NaN, where one broke, comes last
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
    useless = (ends > _GUESSING).any(axis=1)
    wrong, close = (failures > 0) | useless, middle < 2 * middle[best]
    word = np.where(wrong, "too high", np.where(close, "good", "safe, slow"))
    tone = np.where(wrong, "bad", np.where(close, "good", "slow"))
    pick = ("pick",)
    seeds = np.arange(_SEEDS)
    strip = float(np.sqrt(np.prod(_STRIP)))
    fate = np.array([_ROLES[t] for t in tone], dtype=object)
    on_curve = np.interp(np.log(_PICKS), np.log(test.lr), _held(test))
    count = [f"{m} ✕" if m else "" for m in failures]
    shown = [f"{p:.3g}" for p in _PICKS]
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="range test",
        alt="The loss during a range test, and the outcomes of 12 trainings at the rate picked.",
        controls=[Slider("pick", "picked rate", _PICKS, 0, shown)],
        actors=[
            VLine("pick", "test", _PICKS, by=pick, color="pick", width=1, dash=(2, 4)),
            Handle("grip", "test", "pick", on_curve, by=pick, color="pick"),
            Label("name of pick", "test", "grip", shown, text_by=pick, color="pick", anchor="end",
                  dx=-13, dy=8),
            Marker("edge", "ends", _SEEDS - 0.3, middle, by=pick, size=0.01),
            HLine("middle", "ends", middle, by=pick, width=1.4),
            Dots("outcomes", "ends", seeds, ends, by=pick, size=12, rim=1.5, color=fate,
                 color_by=pick),
            Dots("broken", "ends", seeds, np.where(good, np.nan, strip), by=pick, size=12, rim=1.5,
                 color="broken"),
            Text("failures", "ends", _SEEDS - 0.3, strip, count, text_by=pick, dx=8, color="broken",
                 bold=True),
            Marker("guess", "ends", _SEEDS - 0.3, _GUESSING, size=0.01),
            Label("guessing", "ends", "guess", f"guess {_GUESSING:.1f}", size=13, dx=8,
                  bold=False),
            Label("median", "ends", "edge", "median", note=texts(middle, 2), note_by=pick, size=13,
                  dx=8),
        ],
        say=[
            Say("at {pick}, {place} the rate of the smallest loss, {outcome}", pick,
                {"place": place, "outcome": outcome}, word, tone),
        ],
    )  # fmt: skip


def _held(test: RangeTest) -> np.ndarray:
    """The smoothed loss, and from where the test has ended on its last value."""
    smooth = test.smoothed[0]
    last = int(np.flatnonzero(np.isfinite(smooth))[-1])
    return np.where(np.arange(smooth.size) > last, smooth[last], smooth)


@lru_cache(maxsize=1)
def _picks() -> tuple[RangeTest, np.ndarray]:
    """The range test, and losses after 2 epochs (picks, seeds), NaN where a run broke."""
    net, data = net_a(), digits()
    test = range_test(net, data, SGD())
    run = sweep(net, data, SGD(), _PICKS, _PICK_EPOCHS, 32, list(range(_SEEDS)))
    assert run.train_loss is not None
    ends = np.where(run.diverged, np.nan, run.train_loss[:, -1])
    return test, run.per_rate(ends)


_WIDE: dict[str, Box] = {"test": (44, 34, 440, 338), "ends": (548, 34, 172, 338)}
_NARROW: dict[str, Box] = {"test": (44, 34, 350, 290), "ends": (44, 420, 262, 250)}


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    test, _ = _picks()
    lr, smooth, low = test.lr, test.smoothed[0], float(test.at_minimum[0])
    held = np.isfinite(smooth)
    with style():
        fig, axes = placed(*((806, 410) if wide else (400, 706)), _WIDE if wide else _NARROW)
        ax = axes["test"]
        ax.set_xscale("log")
        ax.set_xlim(1e-4, 12)
        ax.set_yscale("log")
        ax.set_ylim(*_TEST)
        end = float(lr[held][-1])
        hatched(ax, [end, 12, 12, end], np.repeat(_TEST, 2))
        ax.plot(lr[held], smooth[held], color=light("ink"), lw=2.6)
        slope = np.gradient(smooth[held], np.log(lr[held]))
        steep = int(np.argmin(np.where((lr[held] > 1e-3) & (lr[held] < low), slope, 0)))
        flat = int(np.searchsorted(lr, 1e-3))
        tenth = float(np.interp(np.log(low / 10), np.log(lr[held]), smooth[held]))
        for words, x, y, at, ha, role in (
            ("nothing yet", lr[flat], smooth[flat], (0, 18), "center", "low"),
            ("falls fastest", lr[steep], smooth[steep], (-12, -8), "right", "good"),
            ("minimum", low, smooth[held].min(), (0, -27), "center", "ink"),
            ("÷ 10", low / 10, tenth, (10, 12), "left", "ink"),
        ):
            if role == "ink":
                ax.plot(x, y, "o", ms=9, mfc=light("paper"), mec=light("ink"), mew=2)
            ax.annotate(words, (x, y), xytext=at, textcoords="offset points", ha=ha, va="center",
                        size=13, weight="bold", color=light(role), gid="halo")  # fmt: skip
        ax.annotate("it breaks", (np.sqrt(12 * end), _TEST[1]), xytext=(0, -16), ha="center",
                    va="center", textcoords="offset points", size=13, weight="bold", gid="halo",
                    color=light("broken"))  # fmt: skip
        ticks(ax.xaxis, [0.0001, 0.001, 0.01, 0.1, 1, 10])
        ticks(ax.yaxis, [0.5, 1, 2, 5])
        titled(ax, "The range test", "smoothed loss; drag the dot along the curve" if wide
               else "smoothed loss; drag the dot", left=44, up=14)  # fmt: skip
        x_name(ax, "learning rate, rising")
        ax = axes["ends"]
        ax.set_xlim(-0.7, _SEEDS - 0.3)
        ax.set_yscale("log")
        ax.set_ylim(*_ENDS)
        x0, x1 = ax.get_xlim()
        hatched(ax, [x0, x1, x1, x0], np.repeat(_STRIP, 2))
        ax.annotate("broke", (x0, np.sqrt(np.prod(_STRIP))), xytext=(8, 0), va="center", size=13,
                    textcoords="offset points", weight="bold", gid="halo",
                    color=light("broken"))  # fmt: skip
        ax.plot([x0, x1], [_GUESSING] * 2, color=light("ink"), lw=1.4, ls=(0, (7, 4)))
        ticks(ax.xaxis, [0, _SEEDS - 1], ["best", "worst"])
        ticks(ax.yaxis, [0.03, 0.1, 0.3, 1, 3, 10, 30])
        titled(ax, f"{_SEEDS} trainings at it", f"loss after {_PICK_EPOCHS} epochs", left=44, up=14)
        x_name(ax, "start, by its loss")
        return Stage.of(fig)
