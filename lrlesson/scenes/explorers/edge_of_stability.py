"""Full-batch training at the edge of stability."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.network import net_c
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Band, Label, Marker, Path, Text, VLine
from lrlesson.scenes.controls import Choice, Steps, number
from lrlesson.scenes.explorers._parts import Witness, hatched, note, texts, ticks, titled, x_name
from lrlesson.scenes.say import Keep, Say
from lrlesson.scenes.scene import Scene
from lrlesson.sharpness import hessian_times
from lrlesson.training import train

_ETAS = np.array([0.1, 0.2, 0.3, 0.4])
_FULL = 4000
_MEASURED = np.r_[np.arange(0, 1000, 10), np.arange(1000, _FULL + 1, 50)]
_VECTORS = 5  # of a Krylov space around the last eigenvector; agrees with `sharpness` to 0.5 %
_TOP = 1.3
_EVENT = "Past it the loss jumps, and each\njump throws the sharpness back."


def edge_of_stability() -> Scene:
    """Full-batch training sharpens the net until its curvature is 2/η, and then lives there.

    NET-C on 200 digits, 4000 updates at four rates. Sharpness is the largest Hessian eigenvalue,
    measured every 10 updates up to 1000 and every 50 from there on. A rate of 0.1 would need more
    updates to arrive.
    """
    losses, sharp = _edge()  # (rates, updates), (rates, measured)
    t, limit = _MEASURED, 2 / _ETAS
    share = sharp / limit[:, None]
    over = share >= 1
    crossed: Any = over.any(axis=1)
    since = np.where(crossed, t[over.argmax(axis=1)], _FULL + 1)
    rate, here = ("rate",), ("rate", "update")
    end = losses[:, np.minimum(t, _FULL - 1)]
    rising = np.diff(losses, axis=1, append=np.nan) > 0
    raised = np.stack([rising[:, :k].sum(axis=1) for k in t], axis=1)
    spans = np.diff(raised, axis=1, append=raised[:, -1:]) > 0
    reached = t >= since[:, None]
    word = np.where(reached, "at the edge", "sharpening").astype(object)
    word[:, 0] = "watch"
    tone = np.where(reached, "warn", "slow").astype(object)
    tone[:, 0] = "plain"
    noted = np.where(crossed & (since < 1000), since, np.nan)
    event = np.array([[f"Update {s}: the edge.\n{_EVENT}"] for s in since], dtype=object)
    words = np.where(reached, event, "")
    now: dict[str, Any] = {"by": here, "color": "pick"}
    many = np.broadcast_to(t.astype(float), sharp.shape)
    names = [f"η = {eta:g}" for eta in _ETAS]
    at = [2300, 2300, 60, 118]  # where the name of a ghost stands, and how far below its line
    ghost_y = [np.interp(x, t, line) for x, line in zip(at, share, strict=True)]
    ghost_y[3] = 1.3  # beside the peak of its line
    shade: dict[str, Any] = {"color": "broken-tint", "alpha": 1, "upto": "update", "by": rate}
    hatch = np.where(spans, 1.0, np.nan)
    said = _sentences(share, limit, since, raised, end)
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="edge of stability",
        alt="Sharpness as a share of 2/η against update, and the training loss.",
        controls=[
            Choice("rate", "learning rate η", _ETAS, 2, [f"{eta:g}" for eta in _ETAS]),
            Steps("update", "update", t, 0, [number_of(k) for k in t], rate=20),
        ],
        keep=Keep(("rate",)),
        actors=[
            Band("raised", "sharpness", t, np.full(t.size, 0.15), hatch, **shade),
            Band("raised loss", "loss", t, np.full(t.size, 6e-4), hatch, **shade),
            Path("others", "sharpness", t, share, by=rate, kept="others", color="ghost", width=1.5,
                 exits=False),
            Text("name of others", "sharpness", at, ghost_y, names, by=rate, kept="others",
                 color="muted", dy=16),
            VLine("together", "sharpness", t.astype(float), by=("update",), color="pick", width=1,
                  dash=(2, 3)),
            VLine("together below", "loss", t.astype(float), by=("update",), color="pick", width=1,
                  dash=(2, 3)),
            Path("share", "sharpness", t, share, by=rate, upto="update", color="pick", width=2.8,
                 casing=2.5, exits=False),
            Marker("crossing", "sharpness", np.where(reached, since[:, None], np.nan), 1.0, by=here,
                   shape="ring", size=9, color="pick"),
            Text("event", "sharpness", noted, np.where(np.isfinite(noted), 1.0, np.nan), words,
                 by=rate, text_by=here, dx=20, dy=92, leader=True),
            Marker("now", "sharpness", many, share, size=13, **now),
            Label("name", "sharpness", "share", names, text_by=rate, color="pick", size=15, dx=-9,
                  dy=-16, anchor="end"),
            Path("loss", "loss", np.arange(_FULL), losses, by=rate, upto="update",
                 passed=np.minimum(t + 1, _FULL), color="pick", width=2, exits=False),
            Marker("loss now", "loss", many, end, size=10, **now),
            Label("loss name", "loss", "loss", texts(end, 2), text_by=here, color="pick",
                  dy=-9),
        ],
        say=[Say("{text}", here, {"text": said}, word, tone)],
    )  # fmt: skip


def number_of(count: int) -> str:
    """A count, with a thin space from 10 000 on."""
    return f"{count:,}".replace(",", "\u2009" if count >= 10_000 else "")


def _sentences(
    share: np.ndarray, limit: np.ndarray, since: np.ndarray, raised: np.ndarray, loss: np.ndarray
) -> np.ndarray:
    said = np.empty(share.shape, dtype=object)
    for r, (s, edge) in enumerate(zip(since, limit, strict=True)):
        said[r, 0] = (
            f"the sharpness starts at {100 * share[r, 0]:.0f} % of 2/η = {number(edge)}. At more "
            "than 100 % no step along the steepest direction comes nearer. Where will it go?"
        )
        for k in range(1, _MEASURED.size):
            now, t = f"{100 * share[r, k]:.0f} %", _MEASURED[k]
            if t < s:
                said[r, k] = (
                    f"the sharpness is at {now} of 2/η = {number(edge)}; {raised[r, k]} of {t} "
                    f"updates raised the loss, which is {number(loss[r, k], 2)}."
                )
            else:
                said[r, k] = (
                    f"for {t - s} updates the sharpness has hung at 2/η = {number(edge)}, now "
                    f"{now} of it. {raised[r, k]} updates raised the loss, and it still fell from "
                    f"{number(loss[r, 0], 2)} to {number(loss[r, k], 2)}."
                )
    return said


@lru_cache(maxsize=1)
def _edge() -> tuple[np.ndarray, np.ndarray]:
    """Losses (rates, updates), sharpness (rates, measured)."""
    net, data, witness = net_c(), digits().first(200), Witness(_ETAS, _MEASURED)
    run = train(net, data, SGD(), witness, _FULL, None, evaluate_every=_FULL)
    path = [*witness.seen, run.final]
    v = np.random.default_rng(0).standard_normal((_ETAS.size, net.P))
    sharp = np.empty((_ETAS.size, _MEASURED.size))
    for r in range(_ETAS.size):
        vector, count = v[r], 24  # the first time nothing is known of the eigenvector
        for k, w in enumerate(path):
            sharp[r, k], vector = _steepest(net, w[r].astype(float), data, vector, count)
            count = _VECTORS
    return run.losses.astype(float), sharp


def _steepest(
    net: Any, w: np.ndarray, data: Any, v: np.ndarray, count: int
) -> tuple[float, np.ndarray]:
    """The largest eigenvalue and its vector, from `count` vectors v, Hv, H²v … made orthogonal."""
    basis, images = np.zeros((count, w.size)), np.zeros((count, w.size))
    for k in range(count):
        for _ in (0, 1):  # twice: once leaves rounding errors
            v = v - (basis[:k] @ v) @ basis[:k]
        basis[k] = v / np.linalg.norm(v)
        images[k] = v = hessian_times(net, w, data, basis[k])
    values, vectors = np.linalg.eigh(basis @ images.T)
    return float(values[-1]), vectors[:, -1] @ basis


_WIDE: dict[str, Box] = {"sharpness": (46, 30, 660, 212), "loss": (46, 290, 660, 106)}
_NARROW: dict[str, Box] = {"sharpness": (46, 30, 284, 230), "loss": (46, 310, 284, 120)}


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 436) if wide else (400, 480)), _WIDE if wide else _NARROW)
        at = [0, 100, 500, 1000, 2000, 3000, 4000] if wide else [0, 500, 2000, 4000]
        for ax in axes.values():
            ax.set_xscale("function", functions=(np.sqrt, np.square))
            ax.set_xlim(0, _FULL)
        ax = axes["sharpness"]
        ax.set_ylim(0.15, _TOP)
        ticks(ax.xaxis, at, [""] * len(at))
        ticks(ax.yaxis, [0.25, 0.5, 0.75, 1])
        hatched(ax, [0, _FULL, _FULL, 0], [1, 1, _TOP, _TOP], alpha=0.2)
        ax.axhline(1, color=light("ink"), lw=1.6, ls=(0, (7, 4)), zorder=2)
        beyond = "beyond the edge"
        if wide:
            beyond += ", each step along the steepest direction lands further out"
        note(ax, beyond, (0.25 if wide else 0.4, 0.955), color=light("broken"), weight="bold")
        ax.annotate("the edge,\n2 ⁄ η", (1, 1), xycoords=("axes fraction", "data"),
                    xytext=(8, 0), textcoords="offset points", va="center", size=13,
                    weight="bold")  # fmt: skip
        about = (
            f"sharpness × η ⁄ 2, measured {_MEASURED.size} times" if wide else "sharpness × η ⁄ 2"
        )
        titled(ax, "How close to the edge", about, left=46, up=14)
        ax = axes["loss"]
        ax.set_yscale("log")
        ax.set_ylim(6e-4, 1)
        ticks(ax.yaxis, [0.001, 0.01, 0.1, 1])
        ticks(ax.xaxis, at)
        x_name(ax, "update, on a square-root scale")
        about = "training loss; shaded where updates raised it" if wide else "training loss"
        titled(ax, "What it costs", about, left=46)
        return Stage.of(fig)
