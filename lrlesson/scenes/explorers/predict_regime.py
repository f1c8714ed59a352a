"""Slow, converging, oscillating or diverging: predict, then look."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Stage, figure
from lrlesson.drawing.theme import light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Marker, Path, VLine
from lrlesson.scenes.controls import Answers, Slider, number
from lrlesson.scenes.explorers._parts import named
from lrlesson.scenes.say import Keep, Say, Total
from lrlesson.scenes.scene import Scene
from lrlesson.training import descend

_OUTCOMES = ["slow", "converges", "oscillates", "diverges"]
_ROUNDS = [(4.0, 0.02), (1.0, 0.8), (10.0, 0.18), (2.0, 1.1), (20.0, 0.002), (0.5, 3.2),
           (8.0, 0.26), (5.0, 0.15)]  # fmt: skip
_SEEN = 30
_TONE = {"slow": "slow", "converges": "good", "oscillates": "wave", "diverges": "bad"}


def predict_regime() -> Scene:
    """Curvature λ and rate η are given: slow, converges, oscillates or diverges? Eight rounds.

    A choice shows the run at once; the first answer of each round counts towards the score.
    """
    path, outcome = _regimes()
    n, shape = len(_ROUNDS), (len(_ROUNDS), len(_GUESSES))
    by = ("round", "guess")
    hidden = np.full(path.shape, np.nan)
    shown = np.stack([hidden] + [path] * len(_OUTCOMES), axis=1)
    right = np.equal.outer(outcome, np.arange(len(_GUESSES)) - 1)
    asked = np.arange(len(_GUESSES)) == 0
    said = np.empty(shape, dtype=object)
    for k, (curvature, rate) in enumerate(_ROUNDS):
        word, product = _OUTCOMES[outcome[k]], number(rate * curvature)
        does = "is slow" if word == "slow" else word
        said[k, 0] = f"curvature λ = {curvature:g} and rate η = {rate:g}; what will it do?"
        said[k, 1:] = (f"it {does}: ηλ = {product}, so each step multiplies w by "
                       f"{number(1 - rate * curvature)}.")  # fmt: skip
    place = np.broadcast_to(np.arange(1.0, n + 1)[:, None], shape)
    look: dict[str, Any] = {"by": by, "kept": "each", "size": 13}
    return Scene(
        _regime_stage(2),
        narrow=_regime_stage(1),
        name="predict the regime",
        alt="The weight against the step in one round, shown once a prediction is made.",
        controls=[
            Slider("round", "round", np.arange(n), 0, [f"{k + 1} of {n}" for k in range(n)]),
            Answers("guess", "it will be", _GUESSES),
        ],
        keep=Keep("guess", once="round"),
        actors=[
            Path("w", "w", np.arange(_SEEN + 1), shown, by=by, dots=True, color="vermilion"),
            VLine("round now", "answers", np.arange(1.0, n + 1), by=("round",), color="muted",
                  dash=(4, 3)),
            Marker("right", "answers", np.where(right, place, np.nan), 0.5, color="green", **look),
            Marker("wrong", "answers", np.where(right, np.nan, place), 0.5, color="vermilion",
                   shape="cross", **look),
        ],
        say=[
            Say("{text}", by, {"text": said},
                np.where(asked, "predict", np.where(right, "right", "not so")),
                np.where(asked, "plain", np.where(right, "good", "bad"))),
            Say("Score: {score} of {answered} rounds answered; first answers count. Move to "
                "another round, and choose again.", by,
                {"score": Total(right), "answered": Total(np.ones(shape))}),
        ],
    )  # fmt: skip


_GUESSES = ["not yet chosen", *_OUTCOMES]


@lru_cache(maxsize=1)
def _regimes() -> tuple[np.ndarray, list[int]]:
    """w at each step (rounds, steps + 1), and which outcome each round has."""
    paths, outcomes = [], []
    for curvature, rate in _ROUNDS:
        run = descend(Quadratic([curvature]), [1.0], SGD(), rate, _SEEN)
        assert run.weights is not None
        w = run.weights[0, :, 0]
        arrived = abs(w[-1]) < 0.1
        if abs(w[-1]) > 1:
            name = "diverges"
        elif not arrived:
            name = "slow"
        else:
            name = "oscillates" if w[1] < 0 else "converges"
        paths.append(w)
        outcomes.append(_OUTCOMES.index(name))
    return np.stack(paths), outcomes


@lru_cache(maxsize=2)
def _regime_stage(columns: int) -> Stage:
    with style():
        width = 760 if columns == 2 else 420
        mosaic = [["w"], ["answers"]]
        fig, axes = figure(width, 370, mosaic=mosaic, height_ratios=[1, 0.16])
        ax = axes["w"]
        ax.set_xlim(0, _SEEN)
        ax.set_ylim(-1.6, 1.6)
        ax.axhline(0, color=light("muted"), lw=1, ls=(0, (4, 3)))
        named(ax, "the weight, from 1 towards the minimum at 0", "step", "w")
        ax = axes["answers"]
        ax.set_xlim(0.5, len(_ROUNDS) + 0.5)
        ax.set_ylim(0, 1)
        ax.set_xticks(range(1, len(_ROUNDS) + 1))
        ax.set_yticks([])
        ax.grid(False)
        named(ax, "your first answers (dot: right, cross: not so)", "round", "")
        return Stage.of(fig)
