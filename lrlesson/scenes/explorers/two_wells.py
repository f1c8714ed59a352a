"""Whether a large rate leaves a narrow well."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.losses import TwoWells
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Dots, Label, Marker, Path, Text, Trail
from lrlesson.scenes.controls import Choice, Slider, Steps, Switch
from lrlesson.scenes.explorers._parts import hatched, note, texts, ticks, titled, x_name
from lrlesson.scenes.say import Each, Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant, PolynomialDecay, Triangular
from lrlesson.training import descend

_CASES = [(0.5, 1.5), (1.5, 0.8)]
_PEAKS = [0.3, 0.8, 1.5, 4.0]  # times the threshold of the narrow well
_PLANS = ["constant", "triangle", "large, then decay"]
_LONG, _EVERY, _RUNS, _DRAWN, _NOISE = 600, 5, 40, 12, 0.1
_RIM = -1.0  # past it a run has left the narrow well
_SLOW = 20  # of the positions that are shown, the first ones pass slowly


def two_wells() -> Scene:
    """Does a large rate leave a well? 40 runs start in the narrow one; count those that leave.

    A minimum of curvature c holds no run at a rate above 2/c, the threshold. Swap the depths, and
    the narrow well is the good one. Twelve of the runs are drawn.
    """
    w, loss, rates = _wells()
    t = np.arange(0, _LONG + 1, _EVERY)
    by, here = ("swap", "plan", "peak"), ("swap", "plan", "peak", "step")
    out = w > _RIM
    gone, mean = out.mean(axis=-1), loss.mean(axis=-1)  # (case, plan, peak, t)
    kept = mean[:, :1, :1, :1]  # what the narrow well is worth
    better = mean[..., -1] < kept[..., 0] - 0.05
    left = gone >= 0.5
    told = np.where(better, "escapes, better off", "escapes, worse off")[..., None]
    word = np.where(left, told, "stays").astype(object)
    tone = np.where(left, np.where(better, "good", "bad")[..., None], "slow").astype(object)
    word[..., 0] = "watch"
    tone[..., 0] = "plain"
    count = np.round(gone * _RUNS).astype(int).astype(str).astype(object)
    shown, height = w[..., :_DRAWN], loss[..., :_DRAWN]
    leaving = out[..., :_DRAWN].copy()
    leaving[..., 1:-1, :] |= leaving[..., 2:, :]  # so that none is lost while it crosses the rim
    fate = np.where(left[..., -1], np.where(better, "good", "broken"), "low").astype(object)
    outside: dict[str, Any] = {"color": fate, "color_by": by}
    wells = [TwoWells(*depths) for depths in _CASES]
    grid = np.linspace(-4, 4, 161)
    curves = np.stack([well(grid[:, None]) for well in wells])
    limit = np.array([well.threshold for well in wells])  # (case, well)
    bottoms = np.array([well(well.wells[:, None]) for well in wells])
    every = np.linspace(0, _LONG - 1, 121).astype(int)
    share = rates / limit[:, 0, None, None, None]
    now = np.minimum(t, _LONG - 1)
    along = np.broadcast_to(t.astype(float), gone.shape)
    ask = f"{_RUNS} runs start in the narrow well. How many will be out of it after {_LONG} updates"
    hide = [""] * (t.size - 1)
    names = [
        Text(f"{name} well", "curve", float(wells[0].wells[k]), bottoms[:, k],
             [f"{name}, holds\nbelow {v:.2f}" for v in limit[:, k]], by=("swap",), anchor="middle",
             dy=24)
        for k, name in enumerate(("narrow", "wide"))
    ]  # fmt: skip
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="two wells",
        alt="Runs on a curve with a narrow and a wide well, and how many have left the narrow one.",
        controls=[
            Switch("swap", "the narrow well is the good one"),
            Choice("plan", "rate", _PLANS),
            Slider("peak", "largest rate", _PEAKS, 3, [f"{peak:g} × 2/c" for peak in _PEAKS]),
            Steps("step", "update", t, 0, [str(k) for k in t],
                  pace=np.where(np.arange(t.size - 1) < _SLOW, 150, 45)),
        ],
        actors=[
            Path("floor", "curve", grid, curves, by=("swap",), exits=False),
            *names,
            Trail("trails", "curve", shown, height, by=here, color="muted", width=1.2, last=5),
            Dots("inside", "curve", shown, np.where(leaving, np.nan, height), by=here, color="low",
                 size=11, rim=1.2),
            Dots("outside", "curve", shown, np.where(leaving, height, np.nan), by=here, size=11,
                 rim=1.2, **outside),
            Path("rate", "rate", every, share[..., every], by=by, width=2.6, casing=2,
                 color="pick"),
            Marker("rate now", "rate", along, share[..., now], by=here, size=10, color="pick"),
            Path("escaped", "escaped", t.astype(float), 100 * gone, by=by, upto="step", width=2.6,
                 **outside),
            Label("how many", "escaped", "escaped", np.where(t > 0, count + f" of {_RUNS}", ""),
                  text_by=here, **outside),
        ],
        say=[
            Say("{ask}{n}{a}{b}{mean}{c}{kept}{end}", here,
                {"n": np.where(t > 0, count, ""), "mean": np.where(t > 0, texts(mean, 2), ""),
                 "kept": np.where(t > 0, texts(kept + 0 * mean, 2), ""),
                 "ask": Each("step", [ask, *hide]),
                 "a": Each("step", ["", *[f" of {_RUNS} runs are out of the narrow well after "
                                          f"{k} updates" for k in t[1:]]]),
                 "b": Each("step", ["", *["; the mean loss is "] * (t.size - 1)]),
                 "c": Each("step", ["", *[", and in the narrow well "] * (t.size - 1)]),
                 "end": Each("step", ["?", *["."] * (t.size - 1)])}, word, tone),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _wells() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions and losses (cases, plans, peaks, shown, runs), rates (cases, plans, peaks, t)."""
    seeds = list(range(_RUNS)) * (len(_PLANS) * len(_PEAKS))
    t = np.arange(_LONG)
    every, where, values = [], [], []
    for depths in _CASES:
        well = TwoWells(*depths, noise=_NOISE)
        plans = []
        for peak in np.array(_PEAKS) * well.threshold[0]:
            low = 0.3 * min(peak, well.threshold[0])
            plans.append([Constant(peak), Triangular(low, peak, _LONG / 12),
                          PolynomialDecay(peak, _LONG)])  # fmt: skip
        curves = np.array([[plan(t) for plan in row] for row in plans]).swapaxes(0, 1)
        flat = np.repeat(curves.reshape(-1, _LONG), _RUNS, axis=0)

        def rate(k: int, flat: np.ndarray = flat) -> np.ndarray:
            return flat[:, k]

        run = descend(well, [well.wells[0]], SGD(), rate, _LONG, seeds)
        assert run.weights is not None
        shape = (len(_PLANS), len(_PEAKS), _RUNS, -1)
        shown = run.weights[:, ::_EVERY, 0].reshape(shape).swapaxes(-1, -2)
        every.append(curves)
        where.append(shown)
        values.append(well(shown[..., None]))
    return np.stack(where), np.stack(values), np.stack(every)


_WIDE: dict[str, Box] = {
    "curve": (0, 30, 430, 344), "rate": (500, 30, 236, 134), "escaped": (500, 232, 236, 122),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "curve": (0, 30, 360, 310), "rate": (40, 396, 280, 120), "escaped": (40, 580, 280, 110),
}  # fmt: skip


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 400) if wide else (400, 740)), _WIDE if wide else _NARROW)
        ax = axes["curve"]
        ax.set_xlim(-3.7, 3.7)
        ax.set_ylim(-1.85, 0.25)
        ax.grid(False)
        ticks(ax.xaxis, [-2, 0, 2])
        ticks(ax.yaxis, [])
        ax.plot([_RIM, _RIM], [-0.75, 0.14], color=light("ink"), lw=1.2, ls=(0, (2, 4)))
        ax.annotate("the rim", (_RIM, 0.16), ha="center", va="bottom", size=13)
        titled(ax, f"{_DRAWN} of {_RUNS} runs", "loss against w")
        x_name(ax, "w", beside=True)
        ax = axes["rate"]
        ax.set_xlim(0, _LONG)
        ax.set_ylim(0, 4.4)
        hatched(ax, [0, _LONG, _LONG, 0], [1, 1, 4.4, 4.4], alpha=0.2)
        ax.axhline(1, color=light("ink"), lw=1.4, ls=(0, (7, 4)))
        note(ax, "too high here", (0.97, 0.82), color=light("broken"), ha="right",
             weight="bold")  # fmt: skip
        ax.annotate("2/c", (1, 1), xycoords=("axes fraction", "data"), xytext=(10, 0), size=13,
                    textcoords="offset points", va="center", weight="bold")  # fmt: skip
        ticks(ax.xaxis, [0, 200, 400, 600], [""] * 4)
        ticks(ax.yaxis, [0, 1, 2, 3, 4])
        titled(ax, "The rate", "in thresholds 2/c", left=40)
        ax = axes["escaped"]
        ax.set_xlim(0, _LONG)
        ax.set_ylim(-4, 104)
        ticks(ax.xaxis, [0, 200, 400, 600])
        ticks(ax.yaxis, [0, 50, 100])
        titled(ax, "Out of the narrow well", "% of runs", left=40)
        x_name(ax, "update", beside=True)
        return Stage.of(fig)
