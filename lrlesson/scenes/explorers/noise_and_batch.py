"""Where noise keeps the weights, and how rate and batch size set it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson import schedules as sch
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import LEVELS, light, style
from lrlesson.losses import NoisyBowl
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import (
    Actor,
    Band,
    Dots,
    HLine,
    Label,
    Marker,
    Path,
    Spread,
    Text,
    Trail,
)
from lrlesson.scenes.controls import Slider, Steps, number
from lrlesson.scenes.explorers._parts import note, texts, ticks, titled, x_name
from lrlesson.scenes.say import Each, Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import descend

_BATCHES = np.array([1, 2, 4, 8, 16, 32, 64])
_RATES = 10 ** (np.arange(-32, 6, 2) / 20)  # 0.025 … 1.58, with 0.1 and 1 among them
_RUNS, _UPDATES, _START = 40, 60, 2.0
_VIEW, _LENS, _SMALL = 2.35, 0.22, 0.15  # half widths of the frame and the lens; radius for it


def noise_and_batch() -> Scene:
    """Where training ends up when the gradient is noisy: a cloud whose size the rate sets.

    40 runs on a round bowl of curvature 1, gradient noise 1/√batch, with the ring and the floor
    that theory gives. The noise of a batch is that of batch 1 over √batch, the same in each draw.
    """
    center, offset, floor = _cloud()
    scale = 1 / np.sqrt(_BATCHES)
    w = center[:, None, :, None, None] + scale[None, :, None, None, None] * offset[:, None]
    losses = 0.5 * (w**2).sum(axis=-1)  # (rates, batches, updates + 1, runs)
    mean, (low, high) = losses.mean(axis=-1), np.quantile(losses, (0.1, 0.9), axis=-1)
    t, both = np.arange(_UPDATES + 1), ("rate", "batch")
    every = (*both, "update")
    radius = np.sqrt(2 * floor)  # loss = |w|²/2
    turn = np.linspace(0, 2 * np.pi, 41)
    tiny = radius < _SMALL
    parts: dict[str, Any] = {"offset_by": ("rate", "update"), "center_by": ("rate", "update")}
    drawn = offset.astype(np.float16)  # to a twentieth of a pixel: it makes a page much lighter

    def places(runs: slice, lens: bool) -> tuple[Spread, Spread]:
        shown: dict[str, Any] = {"scale": scale, "scale_by": ("batch",)}
        if lens:
            shown = {"scale": np.where(tiny, scale, np.nan), "scale_by": both}
        x, y = (Spread(drawn[..., runs, k], center=center, **shown, **parts) for k in (0, 1))
        return x, y

    crowd, one = slice(1, None), slice(0, 1)
    square = np.array([-1.0, 1, 1, -1, -1]), np.array([-1.0, -1, 1, 1, -1])
    show = np.where(tiny, 1.0, np.nan)[..., None]
    side = np.broadcast_to(np.array([-_LENS, _LENS]), (*tiny.shape, 2))
    actors: list[Actor] = []
    for on, lens in (("cloud", False), ("lens", True)):
        ring = [np.where(tiny | (not lens), radius, np.nan)[..., None] * f(turn)
                for f in (np.cos, np.sin)]  # fmt: skip
        if lens:
            actors += [
                Path("framed", "cloud", *(_LENS * show * s for s in square), by=both, width=1.2,
                     exits=False),
                Band("glass", "lens", side, -_LENS * show + 0 * side, _LENS * show + 0 * side,
                     by=both, color="level2", alpha=1),
            ]  # fmt: skip
        actors += [
            Trail(f"{on} trails", on, *places(crowd, lens), upto="update", color="muted", width=1,
                  last=8),
            Dots(f"{on} runs", on, *places(crowd, lens), size=6.5, rim=0.7),
            Path(f"{on} ring", on, *ring, by=both, width=2, dash=(7, 4), casing=2, exits=False),
            Trail(f"{on} trail", on, *places(one, lens), upto="update", color="pick", width=2.2,
                  last=10, alpha=1.0, casing=2),
            Marker(f"{on} one", on, *places(one, lens), size=13, color="pick"),
        ]  # fmt: skip
    actors += [
        Path("rim", "lens", *(_LENS * show * s for s in square), by=both, width=2, exits=False),
        Text("magnified", "lens", _LENS, -_LENS, np.where(tiny, "magnified 4 times", ""), by=(),
             text_by=both, dx=8, dy=-10, bold=True),
        Band("most", "loss", t, low, high, by=both, color="ghost", alpha=0.3, upto="update"),
        Path("loss of one", "loss", t, losses[..., 0], by=both, upto="update", color="pick",
             width=1.4, exits=False),
        Path("mean loss", "loss", t, mean, by=both, upto="update", width=2.6, exits=False),
        HLine("floor", "loss", floor, by=both, dash=(7, 4)),
        Marker("mean now", "loss", np.broadcast_to(t.astype(float), mean.shape), mean, by=every,
               size=9),
        Marker("floor end", "loss", float(_UPDATES), floor, by=both, size=0.01),
        Label("floor name", "loss", "floor end", "the floor", note=texts(floor), note_by=both,
              size=13, dx=8),
        Label("mean name", "loss", "mean loss", ["", *[f"mean of {_RUNS}"] * _UPDATES],
              text_by=("update",), size=13),
        Label("name of one", "loss", "loss of one", ["", *["one run"] * _UPDATES],
              text_by=("update",), size=13, color="pick"),
        Marker("pair", "floors", _RATES[:, None] / _BATCHES, floor, by=both, size=14,
               color="pick"),
        Label("pair name", "floors", "pair", "here", color="pick", dy=14),
    ]  # fmt: skip
    arrived = mean < 2 * floor[..., None]
    word = np.where(arrived, "rattles", "flies in").astype(object)
    word[..., 0] = "watch"
    tone = np.where(arrived, "warn", "slow").astype(object)
    tone[..., 0] = "plain"
    now = texts(mean, 2)
    now[..., 0] = ""
    ask = f"{_RUNS} runs start from one point with noisy gradients. Where will they stay? "
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="noise and batch size",
        alt=f"{_RUNS} runs of noisy descent on a round bowl, their mean loss, and the floor "
        "of every pair of rate and batch size.",
        controls=[
            Slider("rate", "learning rate η", _RATES, 11, [number(r, 2) for r in _RATES]),
            Slider("batch", "batch size B", _BATCHES, 0, [str(b) for b in _BATCHES]),
            Steps("update", "update", t, 0, [str(k) for k in t], rate=9),
        ],
        actors=actors,
        say=[
            Say("{ask}{a}{now}{b}theory says {floor}. Halve the rate or double the batch, and the "
                "ring shrinks alike.", every,
                {"ask": Each("update", [ask, *[""] * _UPDATES]),
                 "a": Each("update", ["", *["the mean loss is now "] * _UPDATES]), "now": now,
                 "b": Each("update", ["For the floor ", *["; for its floor "] * _UPDATES]),
                 "floor": np.broadcast_to(texts(floor)[..., None], mean.shape)}, word, tone),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _cloud() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the runs are on average (rates, updates + 1), how far batch 1 puts each of them from
    there (rates, updates + 1, runs, 2), and the floors (rates, batches)."""
    each: Any = _RATES
    n = 2 * _RUNS
    noisy = descend(NoisyBowl(np.ones(n), np.ones(n)), np.full(n, _START), SGD(),
                    sch.Constant(each), _UPDATES)  # fmt: skip
    calm = descend(NoisyBowl([1], [0]), [_START], SGD(), sch.Constant(each), _UPDATES)
    assert noisy.weights is not None
    assert calm.weights is not None
    center = calm.weights[..., 0]
    offset = (noisy.weights - center[..., None]).reshape(*center.shape, _RUNS, 2)
    floors = [NoisyBowl([1, 1], 1 / np.sqrt(batch)).floor(_RATES) for batch in _BATCHES]
    return center, offset, np.stack(floors, axis=1)


_WIDE: dict[str, Box] = {
    "cloud": (0, 30, 402, 402), "loss": (468, 30, 236, 156), "floors": (468, 252, 236, 138),
    "lens": (12, 270, 150, 150),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "cloud": (0, 30, 400, 400), "loss": (50, 476, 250, 120), "floors": (50, 670, 250, 110),
    "lens": (12, 268, 150, 150),
}  # fmt: skip


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    floor = _cloud()[2]
    with style():
        fig, axes = placed(*((806, 438) if wide else (400, 826)), _WIDE if wide else _NARROW)
        ax = axes["cloud"]
        ax.set_xlim(-_VIEW, _VIEW)
        ax.set_ylim(-_VIEW, _VIEW)
        grid = np.linspace(-_VIEW, _VIEW, 61)
        x, y = np.meshgrid(grid, grid)
        fills = [light(name) for name in LEVELS[4::-1]]
        ax.contourf(x, y, np.hypot(x, y), [0, 0.65, 1.2, 1.75, 2.3, 4], colors=fills)
        ax.plot([_START, 0], [_START, 0], color=light("ink"), lw=1, ls=(0, (2, 4)))
        ax.plot(_START, _START, "o", color=light("ink"), ms=6)
        ax.annotate("start", (_START, _START), xytext=(-9, 0), textcoords="offset points",
                    ha="right", va="center", size=13)  # fmt: skip
        ax.axis("off")
        titled(ax, f"{_RUNS} runs on one bowl", "each with the updates before")
        axes["lens"].set_xlim(-_LENS, _LENS)
        axes["lens"].set_ylim(-_LENS, _LENS)
        axes["lens"].axis("off")
        ax = axes["loss"]
        ax.set_xlim(0, _UPDATES)
        ax.set_yscale("log")
        ax.set_ylim(3e-4, 8)
        ticks(ax.yaxis, [0.001, 0.01, 0.1, 1])
        ticks(ax.xaxis, [0, 20, 40, 60])
        x_name(ax, "update", beside=True)
        titled(ax, "The loss falls, then rattles", left=44)
        ax = axes["floors"]
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlim(1e-4, 3)
        ax.set_ylim(5e-5, 5)
        ratio = _RATES[:, None] / _BATCHES
        ax.plot(ratio.ravel(), floor.ravel(), "o", ms=3.5, mew=0, color=light("ghost"))
        ax.plot([1e-4, 3], [5e-5, 1.5], color=light("ink"), lw=1.4, ls=(0, (7, 4)))
        ticks(ax.xaxis, [0.001, 0.01, 0.1, 1])
        ticks(ax.yaxis, [0.001, 0.01, 0.1, 1])
        x_name(ax, "η ⁄ B", beside=True)
        note(ax, "½ η ⁄ B", (0.74, 0.24), color=light("ink"))
        note(ax, "dots: every pair", (0.04, 0.96))
        titled(ax, "One number sets the floor", "rate ÷ batch", left=44)
        return Stage.of(fig)
