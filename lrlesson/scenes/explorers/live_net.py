"""Six guesses at a good rate for a real net."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import style
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Marker, Path, VLine
from lrlesson.scenes.controls import Button, Slider, number
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels, texts
from lrlesson.scenes.say import Keep, Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import History, sweep

_GUESSES, _EPOCHS = 6, 3
_CURVE = 10 ** (np.arange(-24, 9) / 8)  # 0.001 … 10, with 0.01, 0.1 and 1
_TOP = 30.0


def live_net() -> Scene:
    """Six guesses at a good rate. Each trains NET-A on the digits for 3 epochs and leaves a dot;
    after the sixth the whole curve is shown, and a seventh press starts again."""
    run = _u_run()
    ends = np.array([_end(run, k) for k in range(_CURVE.size)])
    batch, best = run.losses.astype(float), int(np.nanargmin(ends))
    broke, presses = np.isnan(ends), np.arange(_GUESSES + 1)
    whole = np.full((presses.size, ends.size), np.nan)
    whole[-1] = np.where(ends < _TOP, ends, np.nan)
    became = np.where(broke, "breaks: the loss is not a number", "ends at the loss " + texts(ends))
    of_best = np.where(broke, "", ", " + texts(ends / ends[best]) + " times the lowest")
    now = [f"rate {number(rate)} {end}" for rate, end in zip(_CURVE, became, strict=True)]
    said = np.empty(whole.shape, dtype=object)
    said[0] = "choose a rate, then train the net at it."
    said[1:] = [f"{one}." for one in now]
    said[-1] = [f"{one}{than}." for one, than in zip(now, of_best, strict=True)]
    close = ends < 2 * ends[best]
    left = [f"Guesses until the whole curve is shown: {n}." for n in presses[::-1]]
    left[0] = "NET-A on 1347 digits, batches of 32, always from the same start."
    lowest = f"lowest at rate {number(_CURVE[best])}, loss {number(ends[best])}"
    left[-1] = f"The whole curve is {lowest}. Train once more to start again."
    by, rate = ("train", "rate"), ("rate",)
    guess: dict[str, Any] = {"by": rate, "kept": "each", "color": "vermilion", "size": 11}
    return Scene(
        _live_stage(2),
        narrow=_live_stage(1),
        name="live net",
        alt="Training loss after three epochs against the learning rate, one dot for each guess.",
        controls=[
            Slider("rate", "learning rate", _CURVE, 8),
            Button("train", f"Train {_EPOCHS} epochs", presses),
        ],
        keep=Keep("train"),
        actors=[
            VLine("rate now", "ends", _CURVE, by=rate, color="muted", dash=(5, 3)),
            Path("whole curve", "ends", _CURVE, whole, by=("train",), width=2.2, exits=False),
            Marker("guess", "ends", _CURVE, ends, **guess),
            Marker("broke", "ends", np.where(broke, _CURVE, np.nan), 0.8 * _TOP, shape="cross",
                   **guess),
            Path("training", "run", np.arange(batch.shape[1]), batch, by=rate, kept="last",
                 color="vermilion", width=1.3),
        ],
        say=[
            Say("{text}", by, {"text": said},
                np.broadcast_to([f"guess {max(1, k)} of {_GUESSES}" for k in presses],
                                whole.T.shape).T,
                np.where(presses[:, None] == 0, "plain",
                         np.where(broke, "bad", np.where(close, "good", "slow"))), kept=True),
            Say("{text}", ("train",), {"text": left}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _u_run() -> History:
    return sweep(net_a(), digits(), SGD(), _CURVE, _EPOCHS, 32)


def _end(run: History, k: int) -> float:
    """The training loss at the end of run k; NaN where it diverged."""
    assert run.train_loss is not None
    return float(run.train_loss[k, -1]) if not run.diverged[k] else float("nan")


@lru_cache(maxsize=2)
def _live_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["ends", "run"], columns, height=350)
        ax = axes["ends"]
        ax.set_xscale("log")
        ax.set_xlim(8e-4, 13)
        log_ticks(ax.xaxis)
        named(ax, f"training loss after {_EPOCHS} epochs", "learning rate", "loss")
        note(ax, "×: broke", (0.03, 0.97))
        axes["run"].set_xlim(0, 42 * _EPOCHS)
        named(axes["run"], "the last guess while it trained", "update", "batch loss")
        for ax in axes.values():
            ax.set_yscale("log")
            ax.set_ylim(0.005, _TOP)
            log_ticks(ax.yaxis)
        return Stage.of(fig)
