"""One step per eigen-direction, and which of them decides."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Bars, Path
from lrlesson.scenes.controls import Slider
from lrlesson.scenes.explorers._parts import log_ticks, named, panels
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.training import descend

_EIGEN = np.array([0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0])
_LIMIT = 2 / _EIGEN.max()
_EDGE_RATES = _LIMIT * 10 ** (np.arange(-60, 11) / 40)
_EDGE_STEPS = 60


def stability_edge() -> Scene:
    """One bar |1 − ηλ| for each eigenvalue: the factor by which one step multiplies it.

    Below 1 a direction shrinks, and the tallest bar decides; at 2/λ_max it is the steepest.
    """
    run = _edge_run()
    assert run.weights is not None
    factor = np.abs(run.weights[:, 1] / run.weights[:, 0])  # of the library's own first step
    slowest = factor.argmax(axis=1)
    tallest = factor.max(axis=1)
    out, tie = tallest > 1 + 1e-9, np.isclose(tallest, 1)
    steep = slowest == _EIGEN.size - 1
    word = np.where(tie, "never settles", np.where(out, "diverges", "converges"))
    tone = np.where(tie, "warn", np.where(out, "bad", "good"))
    rate = ("rate",)
    wall = np.where(factor > 1 + 1e-9, factor, np.nan)
    which = np.where(steep, "the steepest", "the flattest")
    return Scene(
        _stability_stage(2),
        narrow=_stability_stage(1),
        name="stability edge",
        alt="Bars of |1 − ηλ| for eight eigenvalues, and the loss of the whole bowl.",
        controls=[
            Slider("rate", "learning rate", _EDGE_RATES, 50, marks={_LIMIT: "2/λ_max"}),
        ],
        actors=[
            Bars("factors", "factors", np.arange(_EIGEN.size), np.minimum(factor, 2.2), by=rate,
                 width=0.66),
            Bars("too large", "factors", np.arange(_EIGEN.size), np.minimum(wall, 2.2), by=rate,
                 width=0.66, color="vermilion"),
            Path("loss", "loss", np.arange(_EDGE_STEPS + 1), run.losses, by=rate, width=2.2,
                 color="vermilion"),
        ],
        say=[
            Say("at rate {rate} the tallest bar is {tall}, of {which} direction, λ = {eigen}; "
                "after " + str(_EDGE_STEPS) + " steps the loss is {loss}.", rate,
                {"tall": tallest, "which": which, "eigen": _EIGEN[slowest],
                 "loss": run.losses[:, -1]}, word, tone),
            Say("{n} of 8 directions grow.", rate,
                {"n": (factor > 1 + 1e-9).sum(axis=1).astype(str)}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _edge_run() -> Any:
    start = np.full(_EIGEN.size, 1.0)
    return descend(Quadratic(_EIGEN), start, SGD(), Constant(_EDGE_RATES), _EDGE_STEPS)


@lru_cache(maxsize=2)
def _stability_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["factors", "loss"], columns, height=350)
        ax = axes["factors"]
        ax.set_xlim(-0.6, _EIGEN.size - 0.4)
        ax.set_ylim(0, 2.2)
        ax.set_xticks(range(_EIGEN.size), [f"{e:g}" for e in _EIGEN])
        ax.grid(False, axis="x")
        ax.axhline(1, color=light("ink"), lw=1.4, ls=(0, (5, 3)))
        ax.text(-0.5, 1.04, "above 1: grows", size=10, va="bottom")
        named(ax, "|1 − ηλ| of each direction", "eigenvalue λ", "")
        ax = axes["loss"]
        ax.set_xlim(0, _EDGE_STEPS)
        ax.set_yscale("log")
        ax.set_ylim(1e-6, 1e6)
        log_ticks(ax.yaxis)
        named(ax, "loss of the whole bowl", "step", "loss")
        return Stage.of(fig)
