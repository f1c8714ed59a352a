"""Dividing the rate, or growing the batch."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson import schedules as sch
from lrlesson.data import diabetes
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import style
from lrlesson.losses import LeastSquares
from lrlesson.network import linear
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Marker, Path
from lrlesson.scenes.controls import Choice, Slider, Steps, number
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import train

_GROWTH = np.array([2.0, 4.0, 8.0])
_EPOCHS = 12


def batch_growth() -> Scene:
    """Decay the rate, or grow the batch by as much: linear regression on diabetes.

    12 epochs from rate 0.01 and batch 2; twice, after 4 and 8 epochs, the rate is divided, or the
    batch multiplied, by the same factor. Means of 10 seeds, full training loss above its minimum.
    """
    epochs = np.arange(_EPOCHS + 1)
    excess, updates = _growth()  # (factor, which, epochs + 1), (factor, which, epochs + 1)
    x = np.stack([np.broadcast_to(epochs, updates.shape).astype(float), updates])
    y = np.stack([excess, excess])
    by = ("axis", "factor")
    here = ("axis", "factor", "epoch")
    ratio = excess[:, 1] / excess[:, 0]
    said = [
        [
            f"after epoch {e}, {number(excess[f, 0, e])} above the minimum with a smaller rate "
            f"and {number(excess[f, 1, e])} with a larger batch; a ratio of {ratio[f, e]:.2f}."
            for e in epochs
        ]
        for f in range(_GROWTH.size)
    ]
    cost = [
        f"Updates in {_EPOCHS} epochs: {100 * u[0, -1]:.0f} with the smaller rate, "
        f"{100 * u[1, -1]:.0f} with the larger batch."
        for u in updates
    ]
    looks: list[tuple[str, str, tuple[float, ...]]] = [
        ("rate divided", "blue", ()), ("batch multiplied", "vermilion", (7, 4))]  # fmt: skip
    actors: list[Actor] = []
    for k, (name, color, dash) in enumerate(looks):
        actors += [
            Path(name, "loss", x[:, :, k], y[:, :, k], by=by, color=color, dash=dash, width=2.2,
                 exits=False),
            Marker(f"{name} now", "loss", x[:, :, k], y[:, :, k], by=here, color=color,
                   shape=("dot", "square")[k], size=10),
        ]  # fmt: skip
    same = np.abs(np.log(ratio)) < 0.15
    return Scene(
        _growth_stage(2),
        narrow=_growth_stage(1),
        name="batch growth",
        alt="Loss above its minimum, with the rate divided and with the batch multiplied.",
        controls=[
            Slider("factor", "factor, twice", _GROWTH, 1, [f"{g:g}×" for g in _GROWTH]),
            Steps("epoch", "epoch", epochs, -1, [str(e) for e in epochs], rate=4),
            Choice("axis", "along", ["epochs", "hundreds of updates"]),
        ],
        actors=actors,
        say=[
            Say("{text}", ("factor", "epoch"), {"text": said},
                np.where(same, "alike", "apart"), np.where(same, "good", "warn")),
            Say("{cost}", ("factor",), {"cost": cost}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _growth() -> tuple[np.ndarray, np.ndarray]:
    """Loss above the minimum (factors, 2, epochs + 1), and hundreds of updates so far."""
    data, seeds = diabetes(), list(range(10))
    net = linear(10, bias=False, dtype=np.float64)
    lowest = LeastSquares(data.x_train, data.y_train).min_value
    third, runs = _EPOCHS // 3, len(seeds)

    def phases(rates: Any, batches: list[int], repeats: int) -> tuple[np.ndarray, np.ndarray]:
        w0, losses, count = np.zeros(net.P), [], [0.0]
        for phase, (rate, batch) in enumerate(zip(rates, batches, strict=True)):
            each = [100 * phase + s for s in seeds] * repeats
            run = train(net, data, SGD(), rate, third, batch, each, w0=w0)
            w0 = run.final
            assert run.train_loss is not None
            assert run.per_epoch is not None
            losses.append(run.train_loss[:, (phase > 0) :])
            count += [count[-1] + run.per_epoch * (e + 1) for e in range(third)]
        mean = np.concatenate(losses, axis=1).reshape(repeats, runs, -1).mean(axis=1) - lowest
        return mean, np.array(count) / 100

    excess = np.empty((_GROWTH.size, 2, _EPOCHS + 1))
    updates = np.empty_like(excess)
    growth: Any = np.repeat(_GROWTH, runs)
    divided = [sch.Constant(0.01 / growth**phase) for phase in range(3)]
    excess[:, 0], updates[:, 0] = phases(divided, [2, 2, 2], _GROWTH.size)
    for k, factor in enumerate(_GROWTH.tolist()):
        grown = [round(2 * factor**phase) for phase in range(3)]
        excess[k, 1:], updates[k, 1] = phases([0.01] * 3, grown, 1)
    return excess, updates


@lru_cache(maxsize=2)
def _growth_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["loss"], columns, height=340)
        ax = axes["loss"]
        ax.set_xlim(0, 28)
        ax.set_yscale("log")
        ax.set_ylim(5e-4, 0.3)
        log_ticks(ax.yaxis, 1, 3)
        named(ax, "training loss above its minimum", "epochs, or hundreds of updates", "loss")
        note(ax, "solid, dot: rate divided\ndashed, square: batch multiplied", (0.97, 0.95),
             ha="right")  # fmt: skip
        return Stage.of(fig)
