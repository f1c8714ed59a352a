"""Full-batch training at the edge of stability."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import style
from lrlesson.network import net_c
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import HLine, Marker, Path, Text, VLine
from lrlesson.scenes.controls import Slider, Steps
from lrlesson.scenes.explorers._parts import log_ticks, named, panels
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.sharpness import sharpness
from lrlesson.training import train

_ETAS = np.array([0.1, 0.2, 0.3, 0.4])
_FULL = 4000
_MEASURED = np.array([0, 50, 100, 150, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 2000, 2500,
                      3000, 3500, 4000])  # fmt: skip
_EVERY = 7  # updates between two losses shown; odd, since at the edge the loss jumps back and forth


def edge_of_stability() -> Scene:
    """Full-batch training sharpens the net until its curvature is 2/η, and then lives there.

    NET-C on 200 digits. Sharpness is the largest Hessian eigenvalue, measured 18 times in 4000
    updates. A rate of 0.1 would need more to arrive.
    """
    losses, sharp = _edge()  # (rates, updates), (rates, measured)
    t, every = _MEASURED, np.arange(0, _FULL, _EVERY)
    limit = 2 / _ETAS
    share = sharp / limit[:, None]
    here = ("rate", "update")
    above: np.ndarray = share >= 0.97
    crossed: Any = above.any(axis=1)
    since = np.where(crossed, t[above.argmax(axis=1)], -1)
    reached = above & (t >= since[:, None]) & crossed[:, None]
    reached = np.logical_or.accumulate(reached, axis=1)
    rises = [100 * float((np.diff(run) > 0).mean()) for run in losses]
    word = np.where(reached, "at the edge", "sharpening")
    far = [
        f"The sharpness first reaches 2/η near update {s}; {r:.0f} % of all updates raise the loss."
        if ok else f"In these {_FULL} updates the sharpness stays below 2/η; {r:.0f} % of the "
        "updates raise the loss."
        for s, ok, r in zip(since, crossed, rises, strict=True)
    ]  # fmt: skip
    end = losses[:, np.minimum(t, _FULL - 1)]
    rate = ("rate",)
    return Scene(
        _edge_stage(2),
        narrow=_edge_stage(1),
        name="edge of stability",
        alt="Sharpness against update with the line 2/η, and the loss.",
        controls=[
            Slider("rate", "learning rate", _ETAS, 2, [f"{eta:g}" for eta in _ETAS]),
            Steps("update", "update", t, -1, [str(k) for k in t], rate=8),
        ],
        actors=[
            Path("sharpness", "sharpness", t, sharp, by=rate, upto="update", dots=True,
                 color="vermilion"),
            HLine("limit", "sharpness", limit, by=rate, color="ink", dash=(6, 4), width=1.8),
            Text("limit name", "sharpness", 0.8 * _FULL, limit, "2/η", by=rate, dy=-12, bold=True,
                 text_by=(), color="ink"),
            Marker("now", "sharpness", np.broadcast_to(t.astype(float), sharp.shape), sharp,
                   by=here, shape="ring", color="vermilion", size=11),
            Path("loss", "loss", every, losses[:, every], by=rate, width=1.4),
            VLine("loss now", "loss", t.astype(float), by=("update",), color="vermilion"),
        ],
        say=[
            Say("at update {update} the sharpness is {sharp}, {share} % of 2/η = {limit}; the "
                "loss is {loss}.", here,
                {"sharp": sharp, "share": np.round(100 * share).astype(int).astype(str),
                 "limit": np.broadcast_to(limit[:, None], sharp.shape), "loss": end},
                word, np.where(reached, "warn", "slow")),
            Say("{text}", rate, {"text": far}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _edge() -> tuple[np.ndarray, np.ndarray]:
    """Losses (rates, updates), sharpness (rates, measured)."""
    net, data = net_c(), digits().first(200)
    each: Any = _ETAS
    run = train(net, data, SGD(), Constant(each), _FULL, None, evaluate_every=50,
                keep_weights=True)  # fmt: skip
    assert run.weights is not None
    some = run.weights[:, _MEASURED // 50]
    measured: Any = [sharpness(net, path, data, tolerance=0.02) for path in some]
    return run.losses.astype(float), np.array(measured)


@lru_cache(maxsize=2)
def _edge_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["sharpness", "loss"], columns, height=350)
        ax = axes["sharpness"]
        ax.set_xlim(-20, _FULL + 30)
        ax.set_ylim(0, 22)
        named(ax, "sharpness", "update", "largest curvature")
        ax = axes["loss"]
        ax.set_xlim(-20, _FULL + 30)
        ax.set_yscale("log")
        ax.set_ylim(5e-4, 1)
        log_ticks(ax.yaxis, 1, 3)
        named(ax, "training loss", "update", "loss")
        return Stage.of(fig)
