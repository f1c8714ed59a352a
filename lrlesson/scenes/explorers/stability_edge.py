"""One step per eigen-direction, and which of them decides."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Bars, Label, Path
from lrlesson.scenes.controls import Slider
from lrlesson.scenes.explorers._parts import hatched, note, ticks, titled, x_name
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.training import History, descend

_EIGEN = np.array([0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0])
_LIMIT = 2 / _EIGEN.max()
_EDGE_RATES = _LIMIT * 10 ** (np.arange(-60, 11) / 40)
_EDGE_STEPS = 60
_FRAME = 1.55  # of the factors, up and down
_LOSSES = (1e-6, 100.0)


def stability_edge() -> Scene:
    """One bar 1 − ηλ for each eigenvalue: the factor by which one step multiplies it.

    Between −1 and 1 a direction shrinks, the slower the nearer it is to either. Where the rate
    grows, the steep directions pass through 0 and fall out below −1; at 2/λ_max the steepest does.
    """
    run = _edge_run()
    assert run.weights is not None
    factor = run.weights[:, 1] / run.weights[:, 0]  # of the library's own first step
    each = 0.5 * _EIGEN * run.weights**2
    size = np.abs(factor)
    slowest, tallest = size.argmax(axis=1), size.max(axis=1)
    out, tie = tallest > 1 + 1e-9, np.isclose(tallest, 1)
    word = np.where(tie, "never settles", np.where(out, "diverges", "converges"))
    tone = np.where(tie, "warn", np.where(out, "bad", "good"))
    which = np.where(slowest == _EIGEN.size - 1, "steepest", "flattest")
    grows = (size > 1 + 1e-9).sum(axis=1)
    rate, place = ("rate",), np.arange(_EIGEN.size)
    shown = np.maximum(factor, -_FRAME - 0.1)
    steps = np.arange(_EDGE_STEPS + 1)
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="stability edge",
        alt="Bars of 1 − ηλ for eight eigenvalues, and the loss along each of them.",
        controls=[
            Slider("rate", "learning rate", _EDGE_RATES, 0, marks={_LIMIT: "2/λ_max"}),
        ],
        actors=[
            Bars("factors", "factors", place, np.where(size > 1 + 1e-9, np.nan, shown), by=rate,
                 width=0.66),
            Bars("too large", "factors", place, np.where(size > 1 + 1e-9, shown, np.nan), by=rate,
                 width=0.66, color="broken"),
            *(actor for k, eigen in enumerate(_EIGEN) for actor in (
                Path(f"loss {k}", "loss", steps, each[:, :, k], by=rate, width=1.4, exits=False,
                     color=np.where(size[:, k] > 1 + 1e-9, "broken", "ghost"), color_by=rate),
                Label(f"name {k}", "loss", f"loss {k}", f"λ = {eigen:g}", size=12, bold=False,
                      color=np.where(size[:, k] > 1 + 1e-9, "broken", "muted"), color_by=rate,
                      dx=6),
            )),
            Path("loss", "loss", steps, run.losses, by=rate, width=2.8, casing=2.5),
            Label("total", "loss", "loss", "total", size=13, dx=6),
        ],
        say=[
            Say("the {which} direction, λ = {eigen}, decides: each step multiplies it by "
                "{factor}. After " + str(_EDGE_STEPS) + " steps the loss is {loss}, and {n} of 8 "
                "directions grow.", rate,
                {"factor": factor[np.arange(slowest.size), slowest], "which": which,
                 "eigen": [f"{eigen:g}" for eigen in _EIGEN[slowest]], "loss": run.losses[:, -1],
                 "n": grows.astype(str)}, word, tone),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _edge_run() -> History:
    start = np.full(_EIGEN.size, 1.0)
    return descend(Quadratic(_EIGEN), start, SGD(), Constant(_EDGE_RATES), _EDGE_STEPS)


_WIDE: dict[str, Box] = {"factors": (44, 30, 380, 330), "loss": (504, 30, 226, 330)}
_NARROW: dict[str, Box] = {"factors": (44, 30, 350, 290), "loss": (48, 410, 270, 250)}


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 404) if wide else (400, 710)), _WIDE if wide else _NARROW)
        ax = axes["factors"]
        ax.set_xlim(-0.6, _EIGEN.size - 0.4)
        ax.set_ylim(-_FRAME, _FRAME)
        for low, high in ((-_FRAME, -1), (1, _FRAME)):
            hatched(ax, [-0.6, 7.6, 7.6, -0.6], [low, low, high, high])
            edge = low if low == 1 else high
            ax.axhline(edge, color=light("ink"), lw=1.4, ls=(0, (7, 4)))
        ax.axhline(0, color=light("ink"), lw=1)
        note(ax, "beyond −1 it grows", (0.02, 0.1), color=light("broken"))
        ticks(ax.xaxis, range(_EIGEN.size), [f"{e:g}" for e in _EIGEN])
        ticks(ax.yaxis, [-1, -0.5, 0, 0.5, 1])
        titled(ax, "What one step makes of each direction", "1 − ηλ" if wide else "", left=44)
        x_name(ax, "curvature λ of the direction")
        ax = axes["loss"]
        ax.set_xlim(0, _EDGE_STEPS)
        ax.set_yscale("log")
        ax.set_ylim(*_LOSSES)
        powers = np.arange(-6, 3, 2)
        ticks(ax.yaxis, 10.0**powers, [f"$10^{{{power}}}$" for power in powers])
        ticks(ax.xaxis, [0, 20, 40, 60])
        titled(ax, "The loss along each", left=44)
        x_name(ax, "step")
        return Stage.of(fig)
