"""Where noise keeps the weights, and how rate and batch size set it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import numpy as np

from lrlesson import schedules as sch
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import light, style
from lrlesson.losses import NoisyBowl
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Dots, HLine, Path
from lrlesson.scenes.controls import Slider
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels, texts
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import descend

_BATCHES = np.array([1, 2, 4, 8, 16, 32, 64])
_RATES = 10 ** (np.arange(-40, 6) / 20)  # 0.01 … 1.78, with 0.1 and 1 among them
_POINTS, _SETTLE = 80, 120


def noise_and_batch() -> Scene:
    """Where training ends up when the gradient is noisy: a cloud whose size the rate sets.

    80 runs on a round bowl of curvature 1, gradient noise 1/√batch. Shown after 120 updates, with
    the ring and the floor that theory gives.
    """
    cloud, losses, floor = _clouds()
    rate, batch = _RATES[:, None], np.broadcast_to(_BATCHES, floor.shape)
    radius = np.sqrt(2 * floor)  # loss = |w|²/2
    turn = np.linspace(0, 2 * np.pi, 61)
    ring = radius[..., None] * np.cos(turn), radius[..., None] * np.sin(turn)
    both, t = ("rate", "batch"), np.arange(_SETTLE + 1)
    measured = losses[..., -40:].mean(axis=-1)
    arrived = losses[..., 80] < 2 * floor
    word = np.where(arrived, "rattles", "still on its way")
    return Scene(
        _noise_stage(2),
        narrow=_noise_stage(1),
        name="noise and batch size",
        alt=f"{_POINTS} runs of noisy descent on a made-up round bowl, and their mean loss.",
        controls=[
            Slider("rate", "learning rate", _RATES, 20),
            Slider("batch", "batch size", _BATCHES, 0, [str(b) for b in _BATCHES]),
        ],
        actors=[
            Dots("cloud", "cloud", cloud[..., 0], cloud[..., 1], by=both, alpha=0.75),
            Path("ring", "cloud", *ring, by=both, color="vermilion", dash=(6, 3), exits=False),
            Path("loss", "loss", t, losses, by=both, width=1.6),
            HLine("floor", "loss", floor, by=both, color="vermilion", dash=(6, 3), width=1.8),
        ],
        say=[
            Say("at rate {rate} and batch {batch} {verdict}", both, {"verdict": np.where(
                    arrived, "the loss stays near " + texts(measured) + " and does not fall "
                    "further; theory: " + texts(floor) + ".",
                    f"{_SETTLE} updates are too few to reach the floor " + texts(floor)
                    + "; the loss is " + texts(losses[..., -1]) + ".")},
                word, np.where(arrived, "warn", "slow")),
            Say("A made-up bowl whose noise is known: its floor is η/B · 1/(2 − η), and rate over "
                "batch is {ratio}. Twice the rate or half the batch doubles it, while η is small.",
                both, {"ratio": rate / batch}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _clouds() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Last points (rates, batches, points, 2), mean losses (rates, batches, t), floors.

    Every point and batch size is a pair of dimensions of one bowl, so one descent runs all."""
    n = 2 * _POINTS
    noise, each = np.repeat(1 / np.sqrt(_BATCHES), n), cast(Any, _RATES)
    bowl = NoisyBowl(np.ones(noise.size), noise)
    run = descend(bowl, np.full(noise.size, 2.0), SGD(), sch.Constant(each), _SETTLE)
    assert run.weights is not None
    w = run.weights.reshape(_RATES.size, _SETTLE + 1, _BATCHES.size, _POINTS, 2)
    losses = 0.5 * (w**2).sum(axis=-1).mean(axis=-1)
    floors = [NoisyBowl([1, 1], 1 / np.sqrt(batch)).floor(_RATES) for batch in _BATCHES]
    return w[:, -1].copy(), losses.swapaxes(1, 2), np.stack(floors, axis=1)


@lru_cache(maxsize=2)
def _noise_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["cloud", "loss"], columns, height=380, ratios=(1, 1.15))
        ax = axes["cloud"]
        ax.set_box_aspect(1)
        ax.set_xlim(-4, 4)
        ax.set_ylim(-4, 4)
        named(ax, f"{_POINTS} runs after {_SETTLE} updates", "$w_1$", "$w_2$")
        ax.plot(0, 0, "+", color=light("ink"), ms=9, mew=1.4)
        note(ax, "dashed: where theory expects them", (0.03, 0.98))
        ax = axes["loss"]
        ax.set_xlim(0, _SETTLE)
        ax.set_yscale("log")
        ax.set_ylim(5e-5, 30)
        log_ticks(ax.yaxis)
        named(ax, "mean loss (dashed: the floor)", "update", "loss")
        return Stage.of(fig)
