"""Slow, converging, oscillating or diverging: predict, then look."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Label, Marker, Path, Text
from lrlesson.scenes.controls import Answers, Slider, number
from lrlesson.scenes.explorers._parts import ticks, titled, x_name
from lrlesson.scenes.say import Keep, Say, Total
from lrlesson.scenes.scene import Scene
from lrlesson.training import descend

_OUTCOMES = ["slow", "converges", "oscillates", "diverges"]
_ROLES = ["low", "good", "high", "broken"]
_ROUNDS = [(4.0, 0.02), (1.0, 0.8), (10.0, 0.18), (2.0, 1.1), (20.0, 0.002), (0.5, 3.2),
           (8.0, 0.26), (5.0, 0.15)]  # fmt: skip
_SEEN, _BEFORE = 30, 3  # steps that are shown, and points of them before the answer
_GUESSES = ["not yet chosen", *_OUTCOMES]
_TILES = 0.72, 0.28  # heights of the tiles, in turn: two products may be close


def predict_regime() -> Scene:
    """Curvature λ and rate η are given: slow, converges, oscillates or diverges? Eight rounds.

    The first three points are there; a choice shows the run. The first answer of each round counts
    towards the score, and its tile stands where the round's ηλ is.
    """
    path, outcome = _regimes()
    n, shape = len(_ROUNDS), (len(_ROUNDS), len(_GUESSES))
    by = ("round", "guess")
    right = np.equal.outer(outcome, np.arange(len(_GUESSES)) - 1)
    asked = np.arange(len(_GUESSES)) == 0
    said = np.empty(shape, dtype=object)
    product = np.array([rate * curvature for curvature, rate in _ROUNDS])
    for k, (curvature, rate) in enumerate(_ROUNDS):
        word = _OUTCOMES[outcome[k]]
        does = "is slow" if word == "slow" else word
        said[k, 0] = f"curvature λ = {curvature:g} and rate η = {rate:g}; what will it do?"
        said[k, 1:] = (f"it {does}: ηλ = {number(product[k])}, so each step multiplies w by "
                       f"{number(1 - product[k])}.")  # fmt: skip
    roles = [_ROLES[k] for k in outcome]
    place = np.broadcast_to(product[:, None], shape)
    height = np.empty(n)
    height[np.argsort(product)] = np.resize(_TILES, n)
    level = np.broadcast_to(height[:, None], shape)
    look: dict[str, Any] = {"by": by, "kept": "each", "color": roles, "color_by": ("round",)}
    words = np.stack([np.full(n, "?")] + [np.array(_OUTCOMES)[outcome]] * len(_OUTCOMES), axis=1)
    paint = np.stack([np.full(n, "ink")] + [np.array(roles)] * len(_OUTCOMES), axis=1)
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="predict the regime",
        alt="The weight against the step in one round, three points of it until a prediction is "
        "made; and the rounds answered so far by their ηλ.",
        controls=[
            Slider("round", "round", np.arange(n), 0, [f"{k + 1} of {n}" for k in range(n)]),
            Answers("guess", "it will be", _GUESSES, glide=1000),
        ],
        keep=Keep("guess", once="round"),
        actors=[
            Path("w", "w", np.arange(_SEEN + 1), path, by=("round",), upto="guess",
                 passed=[_BEFORE] + [_SEEN + 1] * len(_OUTCOMES), dots=True, color=paint,
                 color_by=by),
            Label("outcome", "w", "w", words, text_by=by, color=paint, color_by=by),
            Marker("right", "answers", np.where(right, place, np.nan), level, shape="dot", size=18,
                   **look),
            Marker("wrong", "answers", np.where(right, np.nan, place), level, shape="cross",
                   size=13, **look),
            Text("product", "answers", place, level, [number(p, 2) for p in product],
                 text_by=("round",), dx=14, **look),
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
        beyond = np.flatnonzero(np.abs(w) > 1.6)
        if beyond.size:
            w = np.where(np.arange(w.size) > beyond[0], np.nan, w)  # it has left: one arrow
        paths.append(w)
        outcomes.append(_OUTCOMES.index(name))
    return np.stack(paths), outcomes


_WIDE: dict[str, Box] = {"w": (44, 30, 650, 246), "answers": (44, 330, 650, 56)}
_NARROW: dict[str, Box] = {"w": (44, 30, 262, 260), "answers": (44, 350, 300, 56)}


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 420) if wide else (400, 440)), _WIDE if wide else _NARROW)
        ax = axes["w"]
        ax.set_xlim(0, _SEEN)
        ax.set_ylim(-1.6, 1.6)
        ax.axhline(0, color=light("ink"), lw=1.4, ls=(0, (7, 4)))
        ticks(ax.xaxis, [0, 10, 20, 30])
        ticks(ax.yaxis, [-1, 0, 1])
        titled(ax, "The weight", "from 1 towards the minimum at 0" if wide else "", left=44)
        x_name(ax, "step", beside=True)
        ax = axes["answers"]
        ax.set_xlim(0, 2.4)
        ax.set_ylim(0, 1)
        ax.grid(False)
        ticks(ax.xaxis, [0, 1, 2])
        ticks(ax.yaxis, [])
        about = "each where its ηλ is; ✕ not so" if wide else ""
        titled(ax, "Your first answers", about, left=44)
        x_name(ax, "ηλ", beside=True)
        return Stage.of(fig)
