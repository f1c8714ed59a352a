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
from lrlesson.scenes.actors import Actor, Dots, Handle, Label, Marker, Path, Spread, Text, Trail
from lrlesson.scenes.controls import Button, Slider, number
from lrlesson.scenes.explorers._parts import texts, ticks, titled, x_name
from lrlesson.scenes.say import Each, Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.training import descend

_STARTS = np.arange(-4, 4.1, 0.5)
_RATES = 10 ** (np.arange(-40, 6) / 20)  # 0.01 … 1.78; 0.1 and 1 are among them
_RATES[34] = 0.5  # and not 0.501
_AHEAD, _PRESSES = 20, 6  # steps that are drawn ahead, and positions of the button
_LOW = -1.3  # where the step is drawn, below the curve


def one_step(marks: bool = False) -> Scene:
    """One step of w ← w − η · slope on L = w²: drag w, turn the rate, read the numbers, step on.

    The slope is 2w and the curvature λ is 2. marks: show 1/λ, where one step arrives, and 2/λ,
    above which none does, below the rate's slider; without them they are there to be found.
    """
    limits = {0.5: "1/λ", 1.0: "2/λ"} if checked_bool("one_step", "marks", marks) else {}
    path, losses, slopes = _paths()
    start, here = ("w", "rate"), ("w", "rate", "step")
    now, after = path[..., :_PRESSES], path[..., 1 : _PRESSES + 1]
    loss, then = losses[..., :_PRESSES], losses[..., 1 : _PRESSES + 1]
    rates = np.broadcast_to(_RATES[:, None], now.shape)
    each = texts(now), texts(slopes), texts(after)
    signed = np.where(slopes < 0, "(" + each[1] + ")", each[1])
    factor = 1 - 2 * _RATES
    word = np.select(
        [factor > 0.9, factor > 1e-9, factor > -1 + 1e-9, factor > -1 - 1e-9],
        ["slow", "converges", "overshoots", "never settles"], "diverges",
    )  # fmt: skip
    tones = {"slow": "slow", "converges": "good", "overshoots": "wave", "never settles": "warn",
             "at rest": "plain"}  # fmt: skip
    word = np.where(_STARTS[:, None] == 0, "at rest", word)
    tone = np.vectorize(lambda one: tones.get(one, "bad"))(word)
    both: dict[str, Any] = {"scale_by": here, "center_by": here}
    side = np.array([-1.2, 1.2])
    moved = "η × slope = " + texts(rates * slopes)
    outside = np.where(np.abs(after) > 5, " The next w lies outside the frame.", "")
    actors: list[Actor] = [
        Dots("later", "curve", path[..., 2:12], losses[..., 2:12], by=start, color="ghost", size=8,
             rim=1.5),
        Trail("earlier", "curve", now[..., None], loss[..., None], by=here, width=2.2,
              color="pick"),
        Path("tangent", "curve", Spread(side, center=now, center_by=here),
             Spread(side, slopes, loss, **both), casing=2, exits=False),
        Text("slope", "curve", np.clip(now - 1.5 * np.sign(now), -4, 4),
             np.clip(loss + 1.2, 2.7, 14.5), "slope " + each[1], by=here, anchor="middle",
             bold=True),
        *(Path(name, "curve", Spread([0.0, 0.0], center=w, center_by=here),
               Spread([0.0, 1.0], high - _LOW, _LOW, scale_by=here), color="pick", dash=(2, 4),
               width=1.4, exits=False)
          for name, w, high in (("down", now, loss), ("fall", after, then))),
        Path("step", "curve", Spread([0.0, 1.0], after - now, now, **both),
             Spread([0.0, 0.0], center=_LOW), color="pick", width=5),
        Text("length", "curve", np.clip((now + after) / 2, -3.2, 3.2),
             np.full(now.shape, -2.7), moved, by=here, anchor="middle", bold=True, color="pick"),
        Marker("next", "curve", after, then, by=here, shape="ring", size=13, color="pick"),
        Marker("ball", "curve", now, loss, by=here, size=15, color="pick"),
        Handle("grip", "curve", "w", ("w", _STARTS**2), color="pick"),
        Path("path", "ahead", np.arange(_AHEAD + 1), path, by=start, color="pick", dots=True),
        Label("factor", "ahead", "path", [f"× {number(one, 2)} a step" for one in factor],
              text_by=("rate",), color="pick", size=13, dx=10),
    ]  # fmt: skip
    return Scene(
        _step_stage(2),
        [
            Slider("w", "w", _STARTS, 14, [number(w) for w in _STARTS]),
            Slider("rate", "learning rate η", _RATES, 20, marks=limits),
            Button("step", "step", np.arange(_PRESSES), 0, glide=250),
        ],
        actors,
        [
            Say("w − η · slope = {w_now} − {rate} × {slope} = {w_next}.{outside}", here,
                {"w_now": each[0], "slope": signed, "w_next": each[2], "outside": outside},
                np.broadcast_to(word[..., None], now.shape),
                np.broadcast_to(tone[..., None], now.shape)),
            Say("This step is {long} long, η times the slope; the next one is {part} times that.",
                here, {"long": texts(np.abs(now - after)),
                       "part": Each("rate", [number(abs(one), 2) for one in factor])}),
        ],
        narrow=_step_stage(1),
        name="one step",
        alt="The curve L = w², its tangent at w, one step of gradient descent, and the next ones.",
    )  # fmt: skip


@lru_cache(maxsize=1)
def _paths() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """w and its loss at each step (starts, rates, steps + 1), and the slopes of the first ones."""
    bowl = Quadratic([2.0])
    each: Any = _RATES  # one per run
    runs = [descend(bowl, [w], SGD(), Constant(each), _AHEAD) for w in _STARTS]
    path = np.stack([run.weights[..., 0] for run in runs if run.weights is not None])
    losses = np.stack([run.losses for run in runs])
    return path, losses, bowl.gradient(path[..., :_PRESSES, None])[..., 0]


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
