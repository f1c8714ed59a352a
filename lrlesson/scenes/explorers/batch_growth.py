"""Dividing the rate, or growing the batch."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson import schedules as sch
from lrlesson.data import diabetes
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.losses import LeastSquares
from lrlesson.network import linear
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Label, Marker, Path, Text
from lrlesson.scenes.controls import Choice, Slider, Steps, number
from lrlesson.scenes.explorers._parts import ticks, titled
from lrlesson.scenes.say import Each, Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import train

_GROWTH = np.array([2.0, 4.0, 8.0])
_EPOCHS, _PHASE = 12, 4
_RATE, _BATCH = 0.01, 2
_FRAME = (0.0012, 0.0125)  # of the losses, from epoch 1 on


def batch_growth() -> Scene:
    """Decay the rate, or grow the batch by as much: linear regression on diabetes.

    12 epochs from rate 0.01 and batch 2; twice, after 4 and 8 epochs, the rate is divided, or the
    batch multiplied, by the same factor. Means of 10 seeds, full training loss above its minimum.
    Along epochs both plans are alike; along updates the larger batch is done sooner.
    """
    epochs = np.arange(_EPOCHS + 1)
    excess, updates = _growth()  # (factor, which, epochs + 1), (factor, which, epochs + 1)
    # One scale serves both: an epoch of batch 2 is as long along updates as along epochs.
    x = np.stack([np.broadcast_to(epochs, updates.shape), updates / updates[0, 0, 1]])
    by, here = ("axis", "factor"), ("axis", "factor", "epoch")
    ratio = excess[:, 1] / excess[:, 0]
    first = number(excess[0, 0, 0], 2)
    said = [
        [
            f"after epoch {e}, {number(excess[f, 0, e])} above the minimum with a smaller rate "
            f"and {number(excess[f, 1, e])} with a larger batch; a ratio of {ratio[f, e]:.2f}."
            for e in epochs
        ]
        for f in range(_GROWTH.size)
    ]
    for line in said:
        line[0] = (
            f"two plans start alike, {first} above the minimum. Later one divides the rate, the "
            "other multiplies the batch. Which ends lower, and which is done sooner?"
        )
    cost = [
        f"Updates in {_EPOCHS} epochs: {u[0, -1]:.0f} with the smaller rate, {u[1, -1]:.0f} with "
        "the larger batch."
        for u in updates
    ]
    actors: list[Actor] = []
    for k, (name, color) in enumerate([("rate divided", "ink"), ("batch multiplied", "pick")]):
        own = np.where(epochs >= _PHASE, 1.0, 1.0 if k == 0 else np.nan)  # the start is drawn once
        apart = epochs > _PHASE
        label = np.where(apart, name, np.where(epochs > 0, ["both plans", ""][k], ""))
        now = np.where(apart, excess[:, k], np.nan if k else excess[:, k])
        actors += [
            Path(name, "loss", x[:, :, k], own * np.stack([excess[:, k]] * 2), by=by, upto="epoch",
                 color=color, width=2.6, casing=2.5, exits=False),
            Marker(f"{name} now", "loss", x[:, :, k], np.stack([now] * 2), by=here,
                   color=color, size=11),
            Label(f"name of {name}", "loss", name, label, text_by=("epoch",), color=color,
                  dx=10, dy=(0, 12)[k]),
        ]  # fmt: skip
        actors += _plan(k, name, color, x[:, :, k])
    for k, e in enumerate(range(0, _EPOCHS + 1, _PHASE)):
        at = [str(e), f"{updates[0, 0, e]:.0f}"]
        actors.append(Text(f"tick {k}", "loss", float(e), _FRAME[0], at, text_by=("axis",), dy=17,
                           anchor="middle", size=12, color="muted"))  # fmt: skip
    actors += [
        Text("axis name", "loss", float(_EPOCHS), _FRAME[0], ["epochs", "updates"],
             text_by=("axis",), dx=28, dy=17, size=12.5, color="muted"),
        Text("first fall", "loss", 1.2, _FRAME[1], f"from {first}, far above", dy=14,
             color="muted"),
    ]  # fmt: skip
    same = np.abs(np.log(ratio)) < 0.15
    word = np.where(same, "alike", "apart").astype(object)
    tone = np.where(same, "good", "warn").astype(object)
    word[:, 0] = "watch"
    tone[:, 0] = "plain"
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="batch growth",
        alt="Rate and batch of two plans, and the loss above its minimum with each of them.",
        controls=[
            Slider("factor", "factor, twice", _GROWTH, 1, [f"{g:g}×" for g in _GROWTH]),
            Steps("epoch", "epoch", epochs, 0, [str(e) for e in epochs],
                  pace=np.where(epochs[:-1] < 4, 400, 600)),
            Choice("axis", "along", ["epochs", "updates"], glide=300),
        ],
        actors=actors,
        say=[
            Say("{text}", ("factor", "epoch"), {"text": said}, word, tone),
            Say("{cost}{ask}", ("factor", "epoch"),
                {"cost": [["", *[c] * _EPOCHS] for c in cost],
                 "ask": Each("epoch", ["Linear regression on diabetes, means of 10 seeds.",
                                       *[""] * _EPOCHS])}),
        ],
    )  # fmt: skip


def _plan(k: int, name: str, color: str, x: np.ndarray) -> list[Actor]:
    """One plan's rate and batch: stairs (axes, factors, points), and at each stair the factor."""
    by = ("axis", "factor")
    at = x[..., [0, _PHASE, _PHASE, 2 * _PHASE, 2 * _PHASE, -1]]
    steps = _GROWTH[:, None] ** np.array([0, 0, 1, 1, 2, 2])
    still = np.ones_like(steps)
    rate = _RATE / (steps if k == 0 else still)
    batch = _BATCH * (still if k == 0 else steps)
    actors: list[Actor] = []
    for on, y, moves in (("rate", rate, k == 0), ("batch", batch, k == 1)):
        both = np.stack([y] * 2)
        shown = [f"{v:.2g}" if on == "rate" else f"{v:g}" for v in y[:, -1]]
        actors += [
            Path(f"{on}, {name}", on, at, both, by=by, color=color, width=2.4, casing=2,
                 exits=False),
            Label(f"{on} of {name}", on, f"{on}, {name}", shown, text_by=("factor",), size=13,
                  color=color, dx=10),
        ]  # fmt: skip
        if not moves:
            continue
        sign = "÷×"[k]
        place: dict[str, Any] = {"anchor": ("start", "end")[k], "dx": (6, -6)[k]}
        each = [f"{sign} {g:g}" for g in _GROWTH]
        twice = [f"{one} twice" if k else one for one in each]  # along updates they stand close
        for j in (1, 2):
            top = both[..., 2 * j] if k else np.full(both.shape[:2], 0.018)
            words = [each, twice if j == 1 else [one * (1 - k) for one in each]]
            actors.append(
                Text(f"{on} stair {j}", on, at[..., 2 * j], top, words, by=by, size=13, bold=True,
                     color=color, **place)
            )  # fmt: skip
    return actors


@lru_cache(maxsize=1)
def _growth() -> tuple[np.ndarray, np.ndarray]:
    """Loss above the minimum (factors, 2, epochs + 1), and updates so far."""
    data, seeds = diabetes(), list(range(10))
    net = linear(10, bias=False, dtype=np.float64)
    lowest = LeastSquares(data.x_train, data.y_train).min_value
    runs = len(seeds)

    def phases(rates: Any, batches: list[int], repeats: int) -> tuple[np.ndarray, np.ndarray]:
        w0, losses, count = np.zeros(net.P), [], [0.0]
        for phase, (rate, batch) in enumerate(zip(rates, batches, strict=True)):
            each = [100 * phase + s for s in seeds] * repeats
            run = train(net, data, SGD(), rate, _PHASE, batch, each, w0=w0)
            w0 = run.final
            assert run.train_loss is not None
            assert run.per_epoch is not None
            losses.append(run.train_loss[:, (phase > 0) :])
            count += [count[-1] + run.per_epoch * (e + 1) for e in range(_PHASE)]
        mean = np.concatenate(losses, axis=1).reshape(repeats, runs, -1).mean(axis=1) - lowest
        return mean, np.array(count)

    excess = np.empty((_GROWTH.size, 2, _EPOCHS + 1))
    updates = np.empty_like(excess)
    growth: Any = np.repeat(_GROWTH, runs)
    divided = [sch.Constant(_RATE / growth**phase) for phase in range(3)]
    excess[:, 0], updates[:, 0] = phases(divided, [_BATCH] * 3, _GROWTH.size)
    for k, factor in enumerate(_GROWTH.tolist()):
        grown = [round(_BATCH * factor**phase) for phase in range(3)]
        excess[k, 1:], updates[k, 1] = phases([_RATE] * 3, grown, 1)
    return excess, updates


_WIDE: dict[str, Box] = {
    "rate": (56, 30, 580, 56), "batch": (56, 124, 580, 56), "loss": (56, 218, 580, 156),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "rate": (56, 30, 210, 60), "batch": (56, 130, 210, 60), "loss": (56, 230, 210, 190),
}  # fmt: skip


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 404) if wide else (400, 450)), _WIDE if wide else _NARROW)
        for ax in axes.values():
            ax.set_xlim(0, _EPOCHS)
            ax.set_yscale("log")
            ticks(ax.xaxis, np.arange(0, _EPOCHS + 1, _PHASE), [""] * 4)
            for at in (_PHASE, 2 * _PHASE):
                ax.axvline(at, color=light("grid"), lw=1)
        ax = axes["rate"]
        ax.set_ylim(1.1e-4, 0.018)
        ticks(ax.yaxis, [0.001, 0.01])
        titled(ax, "The learning rate", left=56)
        ax = axes["batch"]
        ax.set_ylim(1.3, 190)
        ticks(ax.yaxis, [10, 100])
        titled(ax, "The batch size", left=56)
        ax = axes["loss"]
        ax.set_ylim(*_FRAME)
        ticks(ax.yaxis, [0.002, 0.005, 0.01])
        titled(ax, "The training loss", "above its minimum", left=56)
        return Stage.of(fig)
