"""What the shape of a bowl does to one rate for all directions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Handle, Path
from lrlesson.scenes.controls import Slider, number
from lrlesson.scenes.explorers._parts import log_ticks, named, panels
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.training import descend

_KAPPA = np.array([1, 2, 5, 10, 20, 50, 100])
_ANGLES = np.arange(0, 91, 5)
_SPOT = np.round(np.linspace(-4, 4, 161), 3)
_SHARES = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.02, 1.1])
_WALK = 60


def conditioning() -> Scene:
    """Stretch and turn the bowl, and drag the start: what one rate for all directions can do."""
    spot = [number(w) for w in _SPOT]
    shares = [f"{100 * share:.0f} % of 2/λ_max" for share in _SHARES]
    return Scene(
        _condition_stage(2),
        [
            Slider("share", "learning rate", _SHARES, 9, shares),
            Slider("condition", "condition number", _KAPPA, 4, [str(k) for k in _KAPPA], ask=True),
            Slider("angle", "rotation", _ANGLES, 0, [f"{a}°" for a in _ANGLES], ask=True),
            Slider("x", "start w_1", _SPOT, 10, spot, ask=True),
            Slider("y", "start w_2", _SPOT, 120, spot, ask=True),
        ],
        *_condition(condition=20, angle=0, x=-3.5, y=2.0),
        narrow=_condition_stage(1),
        name="conditioning",
        alt="Gradient descent on a bowl whose shape and start can be changed, and its loss.",
        answer=_condition,
    )


def _condition(
    condition: int, angle: int, x: float, y: float, **_: Any
) -> tuple[list[Actor], list[Say]]:
    bowl = Quadratic.conditioned(float(condition), rotation=np.deg2rad(float(angle)))
    limit = 2 / bowl.curvature([x, y])
    run = descend(bowl, [x, y], SGD(), Constant(_SHARES * limit), _WALK)
    assert run.weights is not None
    w, losses = run.weights, run.losses
    share, turn = ("share",), np.linspace(0, 2 * np.pi, 81)
    contours = []
    for k in range(9):
        along = 12.0 * 0.62**k * np.stack([np.cos(turn), np.sin(turn) / np.sqrt(condition)])
        c, s = np.cos(bowl.rotation), np.sin(bowl.rotation)
        contours.append(
            Path(f"contour {k}", "bowl", c * along[0] - s * along[1], s * along[0] + c * along[1],
                 color="contour", width=1, exits=False)
        )  # fmt: skip
    lower = np.where(losses[:, -1] > 0, losses[:, 0] / np.maximum(losses[:, -1], 1e-300), np.inf)
    word = np.where(losses[:, -1] >= 0.999 * losses[:, 0], "does not settle",
                    np.where(lower < 1000, "slow", "converges"))  # fmt: skip
    word = np.where(losses[:, -1] > 2 * losses[:, 0], "diverges", word)
    tones = {"does not settle": "warn", "slow": "slow", "converges": "good", "diverges": "bad"}
    if x == y == 0:
        word, lower = np.full(_SHARES.size, "at rest"), np.ones(_SHARES.size)
    actors = [
        *contours,
        Path("path", "bowl", w[..., 0], w[..., 1], by=share, dots=True, width=1.3,
             color="vermilion"),
        Handle("start", "bowl", "x", "y", color="blue"),
        Path("loss", "loss", np.arange(_WALK + 1), losses, by=share, width=2.2,
             color="vermilion"),
    ]  # fmt: skip
    say = [
        Say("condition number {k}, rate {rate}: after " + str(_WALK) + " steps the loss is {end}, "
            "{start} at the start.", share,
            {"k": str(condition), "rate": _SHARES * limit, "end": losses[:, -1],
             "start": number(losses[0, 0])}, word, [tones.get(one, "plain") for one in word]),
        Say("Each step takes the flat direction only {flat} of the way.", share,
            {"flat": [f"{min(100 * s * limit, 999):.0f} %" for s in _SHARES]}),
    ]  # fmt: skip
    return list(actors), say


@lru_cache(maxsize=2)
def _condition_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["bowl", "loss"], columns, height=400, ratios=(1.15, 1))
        ax = axes["bowl"]
        ax.set_box_aspect(1)
        ax.set_xlim(-4.3, 4.3)
        ax.set_ylim(-4.3, 4.3)
        ax.plot(0, 0, "+", color=light("ink"), ms=9, mew=1.4)
        named(ax, "the bowl (drag the start)", "$w_1$", "$w_2$")
        ax = axes["loss"]
        ax.set_xlim(0, _WALK)
        ax.set_yscale("log")
        ax.set_ylim(1e-8, 1e6)
        log_ticks(ax.yaxis)
        named(ax, "loss at each step", "step", "loss")
        return Stage.of(fig)
