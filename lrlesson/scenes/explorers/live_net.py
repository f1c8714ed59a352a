"""Six guesses at a good rate for a real net."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Label, Marker, Path, Sprites, Text, VLine
from lrlesson.scenes.controls import Button, Slider, number
from lrlesson.scenes.explorers._parts import hatched, pictures, texts, ticks, titled, x_name
from lrlesson.scenes.say import Keep, Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import History, sweep

_GUESSES, _EPOCHS = 6, 3
_CURVE = 10 ** (np.arange(-24, 9) / 8)  # 0.001 … 10, with 0.01, 0.1 and 1
_ENDS = (0.009, 12.0)  # frame of the losses at the end, and in it the strip of what broke
_STRIP = (4.0, 12.0)
_SHOWN = 12  # digits


def live_net() -> Scene:
    """Six guesses at a good rate. Each trains NET-A on the digits for 3 epochs and leaves a dot;
    after the sixth the whole curve is shown, and a seventh press starts again.

    Below: what the net of the last guess reads in twelve new digits, from hard to easy ones.
    """
    run = _u_run()
    ends = np.array([_end(run, k) for k in range(_CURVE.size)])
    batch, best = run.losses.astype(float), int(np.nanargmin(ends))
    broke, presses = np.isnan(ends), np.arange(_GUESSES + 1)
    held = int(np.argmax(broke))  # rates below this position hold
    whole = np.append(ends[:held], _STRIP[0])
    became = np.where(broke, "breaks: the loss is not a number", "ends at the loss " + texts(ends))
    of_best = np.where(broke, "", ", " + texts(ends / ends[best]) + " times the lowest")
    now = [f"rate {number(rate)} {end}" for rate, end in zip(_CURVE, became, strict=True)]
    said = np.empty((presses.size, ends.size), dtype=object)
    said[0] = "choose a rate, then train the net at it."
    said[1:] = [f"{one}." for one in now]
    said[-1] = [f"{one}{than}." for one, than in zip(now, of_best, strict=True)]
    close = ends < 2 * ends[best]
    left = [f"Guesses until the whole curve is shown: {n}." for n in presses[::-1]]
    left[0] = "NET-A on 1347 digits, batches of 32, always from the same start."
    lowest = f"lowest at rate {number(_CURVE[best])}, loss {number(ends[best])}"
    left[-1] = f"The whole curve is {lowest}. Train once more to start again."
    by, rate = ("train", "rate"), ("rate",)
    guess: dict[str, Any] = {"by": rate, "kept": "each", "color": "pick", "size": 12}
    t = np.arange(batch.shape[1])
    names = [f"{r:.2g} broke" if b else f"{r:.2g}" for r, b in zip(_CURVE, broke, strict=True)]
    images, right, read = _read()
    lost: dict[str, Any] = {"by": rate, "exits": True}
    look: dict[str, Any] = {"text_by": rate, "size": 13, "dx": 9}
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="live net",
        alt="Training loss after three epochs against the learning rate, one dot for each guess.",
        controls=[
            Slider("rate", "learning rate", _CURVE, 8, [f"{r:.3g}" for r in _CURVE]),
            Button("train", f"Train {_EPOCHS} epochs", presses, glide=1500),
        ],
        keep=Keep("train"),
        actors=[
            VLine("rate now", "ends", _CURVE, by=rate, color="pick", width=1, dash=(2, 4)),
            Path("whole curve", "ends", _CURVE[: held + 1], whole, upto="train",
                 passed=np.where(presses < _GUESSES, 0, held + 1), width=2.4, casing=2.5,
                 exits=False),
            Label("name of curve", "ends", "whole curve",
                  np.where(presses < _GUESSES, "", "every rate"), text_by=("train",), size=13,
                  anchor="end", dx=-12, dy=14),
            Marker("guess", "ends", _CURVE, ends, **guess),
            Marker("broke", "ends", np.where(broke, _CURVE, np.nan), np.sqrt(np.prod(_STRIP)),
                   shape="cross", **guess),
            Path("earlier", "run", t, batch, kept="earlier", color="ghost", width=1.3, **lost),
            Label("name of earlier", "run", "earlier", names, kept="earlier", color="muted",
                  bold=False, **look),
            Path("training", "run", t, batch, kept="last", color="pick", width=2, casing=2, **lost),
            Label("name of last", "run", "training", names, kept="last", color="pick", **look),
            Text("wait", "read", 0, 22, ["? train a net to see", *[""] * _GUESSES],
                 text_by=("train",), color="muted"),
            Sprites("reads", "read", images, 18 + 70.0 * np.arange(_SHOWN), 20, read, by=rate,
                    right=right, kept="last", color="pick"),
        ],
        say=[
            Say("{text}", by, {"text": said},
                np.broadcast_to([f"guess {max(1, k)} of {_GUESSES}" for k in presses],
                                said.T.shape).T,
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


@lru_cache(maxsize=1)
def _read() -> tuple[np.ndarray, str, list[str]]:
    """Test digits from those that hardly a net reads to those that most do: their pixels (digits,
    8, 8) in 0 … 16, what they are, and what the net of each rate reads."""
    data, net, run = digits(), net_a(), _u_run()
    with np.errstate(all="ignore"):
        z = net.outputs(run.final, np.ascontiguousarray(data.x_test, net.dtype))
        read = np.where(np.isfinite(z).all(axis=-2), z.argmax(axis=-2), -1)  # (rates, digits)
    y: Any = data.y_test
    nets = (read == y).sum(axis=0)
    chosen = np.array([np.abs(nets - n).argmin() for n in np.linspace(1, 0.8 * nets.max(), _SHOWN)])
    said = ["".join("–" if d < 0 else str(d) for d in row) for row in read[:, chosen]]
    return pictures(chosen), "".join(str(c) for c in y[chosen]), said


_WIDE: dict[str, Box] = {
    "ends": (44, 30, 410, 266), "run": (522, 30, 196, 266), "read": (0, 364, 806, 56),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "ends": (44, 30, 350, 250), "run": (44, 360, 260, 160), "read": (0, 606, 400, 56),
}  # fmt: skip


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 420) if wide else (400, 662)), _WIDE if wide else _NARROW)
        ax = axes["ends"]
        ax.set_xscale("log")
        ax.set_xlim(8e-4, 13)
        ax.set_yscale("log")
        ax.set_ylim(*_ENDS)
        x0, x1 = ax.get_xlim()
        hatched(ax, [x0, x1, x1, x0], np.repeat(_STRIP, 2))
        ax.annotate("broke", (x0, np.sqrt(np.prod(_STRIP))), xytext=(8, 0), va="center", size=13,
                    textcoords="offset points", weight="bold", gid="halo",
                    color=light("broken"))  # fmt: skip
        ticks(ax.xaxis, [0.001, 0.01, 0.1, 1, 10])
        ticks(ax.yaxis, [0.01, 0.03, 0.1, 0.3, 1, 3])
        titled(ax, f"The loss after {_EPOCHS} epochs", "on all training digits", left=44)
        x_name(ax, "learning rate")
        ax = axes["run"]
        ax.set_xlim(0, 42 * _EPOCHS)
        ax.set_yscale("log")
        ax.set_ylim(0.002, 12)
        ticks(ax.xaxis, [0, 40, 80, 120])
        ticks(ax.yaxis, [0.01, 0.1, 1, 10])
        titled(ax, "While it trained", "batch loss, named by rate" if wide else "batch loss",
               left=44)  # fmt: skip
        x_name(ax, "update", beside=True)
        ax = axes["read"]
        ax.set_xlim(0, 806)
        ax.set_ylim(56, 0)
        ax.axis("off")
        titled(ax, f"What the last net reads in {_SHOWN} new digits, from hard to easy"
               if wide else "What the last net reads", up=6)  # fmt: skip
        return Stage.of(fig)
