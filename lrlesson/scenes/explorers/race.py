"""Explorers on a real network, trained while you wait."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Stage, figure
from lrlesson.drawing.theme import style
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Marker, Path, Text
from lrlesson.scenes.controls import Steps, Switch, number
from lrlesson.scenes.scene import Say, Scene
from lrlesson.schedules import Constant
from lrlesson.training import History, train

_MEAN = 20  # updates that the thick curve averages
_LIMITS = (1e-3, 1e3)
_LOOKS = [("blue", ()), ("vermilion", (7, 3)), ("green", (2, 3))]


def race(
    rates: tuple[float, float, float] = (0.01, 0.5, 3.0), epochs: int = 10, seed: int = 0
) -> Scene:
    """The same net on the digits at three rates, unnamed until the reader asks.

    NET-A, batches of 32; start and batches are the same in every run. The run that breaks is
    shown as far as it goes.
    """
    history = _train(tuple(float(rate) for rate in rates), epochs, seed)
    order = [1, 2, 0]  # the letters must not follow the rates
    losses = history.losses[order].astype(float)
    updates = history.updates
    smooth = np.stack([_trailing_mean(run) for run in losses])
    shown_at, label_x, label_y = _labels(smooth, updates)
    actors: list[Path | Marker | Text] = []
    letters = "ABC"
    t = np.arange(updates)
    for k, (color, dash) in enumerate(_LOOKS):
        look: dict[str, Any] = {"color": color, "upto": "update"}
        actors.append(
            Path(f"{letters[k]} raw", "loss", t, _kept(losses[k]), width=0.8, alpha=0.3,
                 exits=False, **look)
        )  # fmt: skip
        actors.append(Path(letters[k], "loss", t, smooth[k], width=2.4, dash=dash, **look))
    for k, (color, _) in enumerate(_LOOKS):
        actors.append(
            Marker(f"{letters[k]} now", "loss", np.where(np.isfinite(smooth[k]), t, np.nan),
                   smooth[k], by=("update",), color=color)
        )  # fmt: skip
        actors.append(
            Text(f"{letters[k]} label", "loss", label_x[k], label_y[k],
                 _names(letters[k], float(rates[order[k]]), smooth[k]),
                 by=("update",), text_by=("update", "reveal"), dx=9, size=12.5, bold=True,
                 color=color)
        )  # fmt: skip
    listed = ", ".join(f"{rate:g}" for rate in sorted(rates)[:-1]) + f" and {max(rates):g}"
    question = (
        "one net, trained three times from the same start on the same batches. Only the learning "
        f"rate differs: {listed}. Which curve is which?"
    )
    answer = " ".join(
        _outcome(history, k, letter) for letter, k in zip(letters, order, strict=True)
    )
    return Scene(
        _stage(updates, "wide"),
        narrow=_stage(updates, "narrow"),
        name="race",
        alt="Training loss against update for three runs of the same net, A, B and C.",
        controls=[
            Steps("update", "update", t, -1, [str(k) for k in t], rate=60),
            Switch("reveal", "show the rates"),
        ],
        actors=actors,
        say=[
            Say("{text}", ("reveal",), {"text": [question, answer]},
                ["Which is which?", "The rates"], ["plain", "plain"]),
            Say("Loss at update {update}: A {a}, B {b}, C {c}.", ("update",),
                {letter.lower(): shown_at[k] for k, letter in enumerate(letters)}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=8)
def _train(rates: tuple[float, ...], epochs: int, seed: int) -> History:
    each: Any = np.array(rates)
    return train(net_a(), digits(), SGD(), Constant(each), epochs, 32, seed)


def _trailing_mean(losses: np.ndarray) -> np.ndarray:
    """At each update the mean of the last `_MEAN` losses, of those there are; NaN from the first
    loss that is not finite."""
    with np.errstate(all="ignore"):
        mean = [losses[max(0, t + 1 - _MEAN) : t + 1].mean() for t in range(len(losses))]
    return _kept(np.array(mean))


def _kept(losses: np.ndarray) -> np.ndarray:
    """The losses up to the first that is not finite, then NaN."""
    return np.where(np.logical_and.accumulate(np.isfinite(losses)), losses, np.nan)


def _labels(smooth: np.ndarray, updates: int) -> tuple[list[list[str]], np.ndarray, np.ndarray]:
    """For each run and update what is said of its loss, and where its label stands: at the end of
    its curve, moved up or down where two would overlap."""
    low, high = np.log10(_LIMITS)
    finite = np.isfinite(smooth)
    last = np.where(finite, np.arange(updates), 0)
    last = np.maximum.accumulate(last, axis=1)
    y = np.log10(np.take_along_axis(smooth, last, axis=1))
    room = 0.065 * (high - low)
    y = np.clip(y, low + room / 2, high - room / 2)
    for column, x in zip(y.T, last.T, strict=True):
        for _ in range(4):  # push overlapping neighbours apart
            order = np.argsort(column, kind="stable")
            for lower, upper in pairwise(order):
                overlap = room - (column[upper] - column[lower])
                if overlap > 0 and abs(x[upper] - x[lower]) < 0.25 * updates:
                    column[lower] -= overlap / 2
                    column[upper] += overlap / 2
        column += max(0, low + room / 2 - column.min()) - max(0, column.max() - high + room / 2)
    said = []
    for run, good in zip(smooth, finite, strict=True):
        stop = f"not a number since update {good.argmin()} (×)"
        said.append([number(v, 2) if ok else stop for v, ok in zip(run, good, strict=True)])
    return said, last.astype(float), 10**y


def _names(letter: str, rate: float, smooth: np.ndarray) -> list[list[str]]:
    """The label of a run at each update, hidden and revealed."""
    ends = ["" if ok else ", not a number" for ok in np.isfinite(smooth)]
    return [[letter + end, f"{letter}: {rate:g}{end}"] for end in ends]


def _outcome(history: History, run: int, letter: str) -> str:
    """What became of a run, in a sentence."""
    rate = f"{letter} is {history.rates[run, 0]:g}"
    losses = history.losses[run]
    if not np.isfinite(losses).all():
        return f"{rate} and breaks: not a number from update {np.isfinite(losses).argmin()} on."
    assert history.train_loss is not None
    assert history.test_accuracy is not None
    end, right = history.train_loss[run, -1], history.test_accuracy[run, -1]
    best = np.nanmin(history.train_loss[:, -1])
    manner = "learns" if end < 3 * best else "crawls"
    return f"{rate} and {manner}: loss {number(end, 2)}, {100 * right:.0f} % of new digits right."


@lru_cache(maxsize=8)
def _stage(updates: int, shape: str) -> Stage:
    with style():
        size = (760, 330) if shape == "wide" else (420, 330)
        fig, axes = figure(*size, mosaic=[["loss"]])
        ax = axes["loss"]
        ax.set_yscale("log")
        ax.set_ylim(*_LIMITS)
        ax.set_xlim(0, 1.19 * updates)  # room for the names
        ax.set_xticks(np.arange(0, updates + 1, 100 if shape == "wide" else 200))
        ax.set_title(f"training loss on digits (thick: mean of {_MEAN} batches)")
        ax.set_xlabel("update")
        ax.set_ylabel("loss")
        return Stage.of(fig)
