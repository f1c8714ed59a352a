"""Three copies of one net, trained at three rates while you wait, and what each of them reads."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Label, Marker, Path, Sprites, Text
from lrlesson.scenes.controls import Steps, Switch, number
from lrlesson.scenes.explorers._parts import Witness, pictures, ticks, titled, x_name
from lrlesson.scenes.say import Each, Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import History, train

_MEAN = 20  # updates that the thick curve averages
_LIMITS = (4e-3, 1e3)
_FIRST = 10  # updates that pass slowly, in a panel of their own
_SLOW, _FAST = 300.0, 12.0  # milliseconds for each of the first updates, and of the others
_SHOWN = 16  # digits
_ROWS, _ROW = 806.0, 58.0  # width of the rows of digits, and the height of one
_ROLES = {"crawls": "low", "learns": "good", "breaks": "broken"}
_WORDS = {"crawls": "too low", "learns": "right", "breaks": "too high"}


def race(
    rates: tuple[float, float, float] = (0.01, 0.5, 3.0), epochs: int = 10, seed: int = 0
) -> Scene:
    """The same net on the digits at three rates, unnamed until the reader asks.

    NET-A, batches of 32; start and batches are the same in every run. The run that breaks is
    shown as far as it goes. Below the losses: what each net reads in sixteen digits that it was
    not trained on, before each of its updates.
    """
    history, read = _train(tuple(float(rate) for rate in rates), epochs, seed)
    order = [1, 2, 0]  # the letters must not follow the rates
    losses = history.losses[order].astype(float)
    t = np.arange(history.updates)
    smooth = np.stack([_trailing_mean(run) for run in losses])
    share = 100 * (read == digits().y_test).mean(axis=-1)  # (runs, updates)
    manner = [_manner(history, run) for run in range(3)]
    chosen, images, right = _sixteen()
    early = t <= _FIRST
    actors: list[Actor] = []
    for k, run in enumerate(order):
        letter, rate = "ABC"[k], f"{history.rates[run, 0]:g}"
        good = np.isfinite(losses[k])
        look: dict[str, Any] = {
            "color": ["ink", _ROLES[manner[run]]], "color_by": ("reveal",), "upto": "update",
        }  # fmt: skip
        paint: dict[str, Any] = {name: look[name] for name in ("color", "color_by")}
        wide = 3.0 if manner[run] == "learns" else 2.4
        slow = np.minimum(t, _FIRST)
        gone = f"broke: not a number since {good.argmin()}"
        held = np.array([f"loss {number(v, 2)}, {manner[run]}" for v in smooth[k]], dtype=object)
        note = np.where(good, held, gone)
        named = np.where(early, "", np.array([[letter], [f"rate {rate}"]], dtype=object))
        about = np.where(early, "", np.stack([np.full(t.size, "", dtype=object), note]))
        actors += [
            Path(f"{letter} raw", "race", t, _kept(losses[k]), width=0.8, alpha=0.35,
                 exits=False, **look),
            Path(letter, "race", t, smooth[k], width=wide, casing=2.5, **look),
            Path(f"{letter} first", "first", slow, _kept(losses[k])[slow], width=wide, casing=2.5,
                 dots=True, **look),
            Marker(f"{letter} now", "race", np.where(good & ~early, t, np.nan), smooth[k],
                   by=("update",), **paint),
            Label(f"{letter} label", "race", letter, named, text_by=("reveal", "update"),
                  note=about, note_by=("reveal", "update"), **paint),
            Label(f"{letter} early", "first", f"{letter} first",
                  np.where(early, np.array([[letter], [rate]], dtype=object), ""),
                  text_by=("reveal", "update"), **paint),
        ]  # fmt: skip
        top = k * (_ROW + 6.0) + 20
        said = ["".join("–" if d < 0 else str(d) for d in row) for row in read[run][:, chosen]]
        count = [f"{sum(a == b for a, b in zip(text, right, strict=True))}/{_SHOWN}"
                 for text in said]  # fmt: skip
        word: dict[str, Any] = {"text_by": ("reveal",), "size": 12.5}
        actors += [
            Sprites(f"{letter} reads", "read", images, 104 + 40.6 * np.arange(_SHOWN), top, said,
                    by=("update",), right=right, **paint),
            Text(f"{letter} row", "read", 0, top - 3, [letter, rate], text_by=("reveal",),
                 size=17, bold=True, **paint),
            Text(f"{letter} word", "read", 0, top + 16, ["", _WORDS[manner[run]]], **word),
            Text(f"{letter} count", "read", _ROWS, top, count, text_by=("update",), anchor="end",
                 size=17, bold=True, **paint),
        ]  # fmt: skip
    faster = f"runs on from here,\n{_SLOW / _FAST:.0f} times faster"
    actors += [
        Text("wait", "race", t[-1] / 2, 2.0, np.where(early, faster, ""), text_by=("update",),
             anchor="middle", color="muted"),
        Text("when", "read", _ROWS, -16, [f"after update {k}" for k in t], text_by=("update",),
             anchor="end", size=12.5, color="muted"),
    ]  # fmt: skip
    pace = np.where(t[:-1] < _FIRST, _SLOW, _FAST)
    return Scene(
        _stage(history.updates, True),
        narrow=_stage(history.updates, False),
        name="race",
        alt="Training loss against update for three runs of the same net, A, B and C, and what "
        "each reads in the same sixteen digits.",
        controls=[
            Steps("update", "update", t, 0, [str(k) for k in t], pace=pace),
            Switch("reveal", "show the rates"),
        ],
        actors=actors,
        say=[_verdict(history, order, manner, share)],
    )


def _verdict(history: History, order: list[int], manner: list[str], share: np.ndarray) -> Say:
    """The question, and once the rates are shown what each net reads by now."""
    rates = [f"{rate:g}" for rate in history.rates[:, 0]]
    listed = f"{rates[0]}, {rates[1]} or {rates[2]}"
    question = (
        "One net, started three times alike on the same batches. Only the learning rate differs: "
        f"{listed}. Which row is which?"
    )
    hidden = np.full(history.updates, "", dtype=object)
    fields: dict[str, Any] = {"before": Each("reveal", [question, "after "])}
    text = "{before}{at}"
    fields["at"] = np.stack([hidden, np.arange(history.updates).astype(str).astype(object)])
    ranked = sorted(order, key=lambda run: ["learns", "crawls", "breaks"].index(manner[run]))
    for place, run in enumerate(ranked):
        good = np.isfinite(history.losses[run])
        percent = [f"{v:.0f} %" if ok else "none: it broke" for v, ok in
                   zip(share[run], good, strict=True)]  # fmt: skip
        lead = [" updates rate ", ", rate ", ", and rate "][place]
        new = [" of 450 new digits", "", "."][place]
        text += f"{{lead{place}}}{{share{place}}}{{new{place}}}"
        fields[f"lead{place}"] = Each("reveal", ["", f"{lead}{rates[run]} reads "])
        fields[f"share{place}"] = np.stack([hidden, np.array(percent, dtype=object)])
        fields[f"new{place}"] = Each("reveal", ["", new])
    best = next((rates[k] for k in order if manner[k] == "learns"), "")
    word = [["Which is which?"] * history.updates, [f"{best} learns"] * history.updates]
    tone = [["plain"] * history.updates, ["good"] * history.updates]
    return Say(text, ("reveal", "update"), fields, word, tone)


@lru_cache(maxsize=8)
def _train(rates: tuple[float, ...], epochs: int, seed: int) -> tuple[History, np.ndarray]:
    """The runs, and the class that each net reads in each test digit before each update, −1 where
    its outputs are not finite: (runs, updates, digits)."""
    net, data, witness = net_a(), digits(), Witness(rates)
    history = train(net, data, SGD(), witness, epochs, 32, seed)
    x = np.ascontiguousarray(data.x_test, net.dtype)
    read = np.empty((len(rates), history.updates, x.shape[1]), np.int8)
    with np.errstate(all="ignore"):
        for t, w in enumerate(witness.seen):
            z = net.outputs(w, x)
            read[:, t] = np.where(np.isfinite(z).all(axis=-2), z.argmax(axis=-2), -1)
    return history, read


@lru_cache(maxsize=1)
def _sixteen() -> tuple[np.ndarray, np.ndarray, str]:
    """Which test digits are shown, their pixels (16, 8, 8) in 0 … 16, and what they are: the first
    of each class and the second of six, in the order of the data."""
    y = digits().y_test
    assert y is not None
    places = [np.flatnonzero(y == c) for c in range(10)]
    chosen = np.sort([p[0] for p in places] + [p[1] for p in places[: _SHOWN - 10]])
    return chosen, pictures(chosen), "".join(str(c) for c in y[chosen])


def _manner(history: History, run: int) -> str:
    """What becomes of a run: it breaks, learns or crawls."""
    if not np.isfinite(history.losses[run]).all():
        return "breaks"
    assert history.train_loss is not None
    ends = history.train_loss[:, -1]
    return "learns" if ends[run] < 3 * np.nanmin(ends) else "crawls"


def _trailing_mean(losses: np.ndarray) -> np.ndarray:
    """At each update the mean of the last `_MEAN` losses, of those there are; NaN from the first
    loss that is not finite."""
    with np.errstate(all="ignore"):
        mean = [losses[max(0, t + 1 - _MEAN) : t + 1].mean() for t in range(len(losses))]
    return _kept(np.array(mean))


def _kept(losses: np.ndarray) -> np.ndarray:
    """The losses up to the first that is not finite, then NaN."""
    return np.where(np.logical_and.accumulate(np.isfinite(losses)), losses, np.nan)


_WIDE: dict[str, Box] = {
    "first": (44, 26, 196, 168), "race": (290, 26, 396, 168), "read": (0, 250, _ROWS, 190),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "first": (44, 26, 330, 130), "race": (44, 216, 230, 150), "read": (0, 440, 400, 200),
}  # fmt: skip


@lru_cache(maxsize=8)
def _stage(updates: int, wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 440) if wide else (400, 650)), _WIDE if wide else _NARROW)
        for label, last in (("first", _FIRST), ("race", updates)):
            ax = axes[label]
            ax.set_xlim(0, last)
            ax.set_yscale("log")
            ax.set_ylim(*_LIMITS)
            names = not wide or label == "first"
            shown = [0.01, 0.1, 1, 10, 100, 1000]
            ticks(ax.yaxis, shown, None if names else [""] * 6)
            step = 2 if label == "first" else 100 if wide else 200
            ticks(ax.xaxis, np.arange(0, last + 1, step))
            ax.axvspan(0, _FIRST, color=light("wash"), lw=0, zorder=0.2)
        titled(axes["first"], "The first ten updates", f"slowed {_SLOW / _FAST:.0f} times",
               left=44)  # fmt: skip
        about = f"batch loss, and its mean of {_MEAN}" if wide else ""
        titled(axes["race"], "The whole race", about, left=0 if wide else 44)
        x_name(axes["race"], "update", beside=True)
        ax = axes["read"]
        ax.set_xlim(0, _ROWS)
        ax.set_ylim(190, 0)
        ax.axis("off")
        reads = "What each net reads in the same sixteen new digits"
        titled(ax, reads if wide else "Read in new digits", up=13)
        ax.plot([0, _ROWS], [-8, -8], color=light("grid"), lw=1, clip_on=False)
        return Stage.of(fig)
