"""One step of gradient descent, with its numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.base.fields import checked_bool
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Dots, Handle, Label, Marker, Path, Text
from lrlesson.scenes.controls import Slider, number
from lrlesson.scenes.explorers._parts import ticks, titled, x_name
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.training import descend

_STARTS = np.round(np.linspace(-4, 4, 161), 3)
_RATES = 10 ** (np.arange(-40, 6) / 20)  # 0.01 … 1.78; 0.1 and 1 are among them
_EVERY_RATE: Any = _RATES  # one per run
_AHEAD = 20
_LOW = -1.3  # where the step is drawn, below the curve


def one_step(marks: bool = False) -> Scene:
    """One step of w ← w − η · slope on L = w²: drag w, turn the rate, read the numbers.

    The slope is 2w and the curvature λ is 2. marks: show 1/λ, where one step arrives, and 2/λ,
    above which none does, below the rate's slider; without them they are there to be found.
    """
    shown = [number(w) for w in _STARTS]
    limits = {0.5: "1/λ", 1.0: "2/λ"} if checked_bool("one_step", "marks", marks) else {}
    return Scene(
        _step_stage(2),
        [
            Slider("w", "w", _STARTS, 140, shown, ask=True),
            Slider("rate", "learning rate η", _RATES, 20, marks=limits),
        ],
        *_one_step(w=3.0),
        narrow=_step_stage(1),
        name="one step",
        alt="The curve L = w², its tangent at w, one step of gradient descent, and the next ones.",
        answer=_one_step,
    )


def _one_step(w: float, **_: Any) -> tuple[list[Actor], list[Say]]:
    bowl = Quadratic([2.0])
    run = descend(bowl, [w], SGD(), Constant(_EVERY_RATE), _AHEAD)
    assert run.weights is not None
    path = run.weights[..., 0]
    slope, now, after, loss = float(bowl.gradient([w])[0]), path[:, 0], path[:, 1], run.losses
    rate = ("rate",)
    sign = f"({number(slope)})" if slope < 0 else number(slope)
    rule = [f"{number(w)} − {number(r)} × {sign} = {number(n)}"
            for r, n in zip(_RATES, after, strict=True)]  # fmt: skip
    factor = 1 - _RATES * bowl.curvatures[0]
    word = np.select(
        [factor > 0.9, factor > 1e-9, factor > -1 + 1e-9, factor > -1 - 1e-9],
        ["slow", "converges", "overshoots", "never settles"], "diverges",
    )  # fmt: skip
    tones = {"slow": "slow", "converges": "good", "overshoots": "wave", "never settles": "warn"}
    tone = np.array([tones.get(one, "bad") for one in word])
    if w == 0:
        word, tone = np.full(_RATES.size, "at rest"), np.full(_RATES.size, "plain")
    sides = np.sign(w)
    tangent = w + np.array([-1.2, 1.2])
    ends = np.stack([now, after], axis=1)
    moved = [f"η × slope = {number(r * slope)}" for r in _RATES]
    actors = [
        Dots("later", "curve", path[:, 2:], run.losses[:, 2:], by=rate, color="ghost", size=8,
             rim=1.5),
        Path("tangent", "curve", tangent, w * w + slope * (tangent - w), casing=2, exits=False),
        Text("slope", "curve", w - 1.5 * sides, float(np.clip(w * w + 1.2, 2.7, 14.5)),
             f"slope {number(slope)}", anchor="middle", bold=True),
        Path("down", "curve", [w, w], [w * w, _LOW], color="pick", dash=(2, 4), width=1.4),
        Path("fall", "curve", np.stack([after, after], axis=1),
             np.stack([np.full(_RATES.size, _LOW), loss[:, 1]], axis=1), by=rate,
             color="pick", dash=(2, 4), width=1.4, exits=False),
        Path("step", "curve", ends, np.full((_RATES.size, 2), _LOW), by=rate, color="pick",
             width=5),
        Text("length", "curve", np.clip(ends.mean(axis=1), -3.2, 3.2), np.full(_RATES.size, -2.7),
             moved, by=rate, anchor="middle", bold=True, color="pick"),
        Marker("next", "curve", after, loss[:, 1], by=rate, shape="ring", size=13, color="pick"),
        Handle("grip", "curve", "w", w * w, color="pick"),
        Path("path", "ahead", np.arange(_AHEAD + 1), path, by=rate, color="pick", dots=True),
        Label("factor", "ahead", "path", [f"× {number(one, 2)} a step" for one in factor],
              text_by=rate, color="pick", size=13, dx=10),
    ]  # fmt: skip
    step = np.abs(now - after)
    then = np.abs(path[:, 1] - path[:, 2])
    left = np.abs(after) > 5
    tail = np.where(left, " The next w lies outside the frame.", "")
    say = [
        Say("w − η · slope = {rule}.{tail}", rate, {"rule": rule, "tail": tail}, word, tone),
        Say("This step is {step} long, η times the slope; the next one is {then} long.", rate,
            {"step": step, "then": then}),
    ]  # fmt: skip
    return list(actors), say


_WIDE: dict[str, Box] = {"curve": (30, 30, 420, 330), "ahead": (508, 30, 166, 330)}
_NARROW: dict[str, Box] = {"curve": (30, 30, 360, 320), "ahead": (30, 440, 230, 180)}


@lru_cache(maxsize=2)
def _step_stage(columns: int) -> Stage:
    wide = columns == 2
    with style():
        fig, axes = placed(*((806, 404) if wide else (400, 670)), _WIDE if wide else _NARROW)
        ax = axes["curve"]
        ax.set_xlim(-5, 5)
        ax.set_ylim(-3.6, 16.5)
        w = np.linspace(-5, 5, 121)
        ax.plot(w, Quadratic([2.0])(w[:, None]), color=light("ink"), lw=2.4)
        ticks(ax.xaxis, np.arange(-4, 5, 2))
        ticks(ax.yaxis, [0, 5, 10, 15])
        titled(ax, "The loss, L = w²", "drag the ball", left=30)
        x_name(ax, "w")
        ax = axes["ahead"]
        ax.set_xlim(0, _AHEAD)
        ax.set_ylim(-5, 5)
        ax.axhline(0, color=light("ink"), lw=1.4, ls=(0, (7, 4)))
        ticks(ax.xaxis, np.arange(0, _AHEAD + 1, 5))
        ticks(ax.yaxis, np.arange(-4, 5, 2))
        titled(ax, f"The next {_AHEAD} steps", "w after each", left=30)
        x_name(ax, "step")
        return Stage.of(fig)
