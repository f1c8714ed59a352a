"""Whether a large rate leaves a narrow well."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lrlesson.drawing.stage import Stage, figure
from lrlesson.drawing.theme import light, style
from lrlesson.losses import TwoWells
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Dots, Marker, Path, VLine
from lrlesson.scenes.controls import Choice, Slider, Steps, Switch
from lrlesson.scenes.explorers._parts import named, panels
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant, PolynomialDecay, Triangular
from lrlesson.training import descend

_CASES = [(0.5, 1.5), (1.5, 0.8)]
_PEAKS = [0.3, 0.8, 1.5, 4.0]  # times the threshold of the narrow well
_PLANS = ["constant", "triangle", "large, then decay"]
_LONG, _SHOWN, _RUNS, _NOISE = 600, 15, 40, 0.1


def two_wells() -> Scene:
    """Does a large rate leave a well? 40 runs start in the narrow one; count those that leave.

    A minimum of curvature c holds no run at a rate above 2/c, the threshold. Swap the depths, and
    the narrow well is the good one.
    """
    w, loss, rates = _wells()
    t = np.arange(0, _LONG + 1, _SHOWN)
    by, here = ("swap", "plan", "peak"), ("swap", "plan", "peak", "step")
    gone = (w > -1).mean(axis=-1)  # (case, plan, peak, t): past the rim of the narrow well
    final = loss[..., -1, :].mean(axis=-1)
    kept = loss[:, :1, :1, 0, :].mean(axis=-1)  # what the narrow well is worth
    better = final < kept - 0.05
    word = np.where(gone[..., -1] < 0.5, "stays", np.where(better, "escapes, better off",
                                                       "escapes, worse off"))  # fmt: skip
    tone = np.where(gone[..., -1] < 0.5, "slow", np.where(better, "good", "bad"))
    t_axis = np.broadcast_to(t.astype(float), gone.shape)
    count = np.round(gone * _RUNS).astype(int)
    wells = [TwoWells(*depths) for depths in _CASES]
    grid = np.linspace(-4, 4, 161)
    curves = np.stack([well(grid[:, None]) for well in wells])
    limit = np.array([well.threshold[0] for well in wells])
    peak_texts = [f"{peak:g} × threshold" for peak in _PEAKS]
    every = np.linspace(0, _LONG - 1, 121).astype(int)
    return Scene(
        _wells_stage(2),
        narrow=_wells_stage(1),
        name="two wells",
        alt="Runs on a curve with a narrow and a wide well, and how many have left the narrow one.",
        controls=[
            Switch("swap", "the narrow well is the good one"),
            Choice("plan", "rate", _PLANS),
            Slider("peak", "largest rate", _PEAKS, 3, peak_texts),
            Steps("step", "update", t, -1, [str(k) for k in t], rate=10),
        ],
        actors=[
            Path("floor", "curve", grid, curves, by=("swap",), color="ink"),
            Dots("runs", "curve", w, loss, by=here, color="vermilion", size=9, alpha=0.65),
            Path("escaped", "escaped", t.astype(float), 100 * gone, by=by, upto="step",
                 color="vermilion", width=2.2),
            Marker("now", "escaped", t_axis, 100 * gone, by=here, shape="ring",
                   color="vermilion"),
            Path("rate", "rate", every, rates[..., every] / limit[:, None, None, None], by=by,
                 width=2),
            VLine("rate now", "rate", t.astype(float), by=("step",), color="vermilion"),
        ],
        say=[
            Say(f"{{n}} of {_RUNS} runs have left the narrow well after {_LONG} updates of "
                "{plan}, {peak}; the mean loss is {final}, and in the narrow well it is {kept}.",
                by, {"n": np.array(count[..., -1].astype(str), dtype=object), "final": final,
                     "kept": np.broadcast_to(kept, final.shape)}, word, tone),
            Say(f"Update {{step}}: {{n}} of {_RUNS} outside.", here,
                {"n": np.array(count.astype(str), dtype=object)}),
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
        shown = run.weights[:, ::_SHOWN, 0].reshape(shape).swapaxes(-1, -2)
        every.append(curves)
        where.append(shown)
        values.append(well(shown[..., None]))
    return np.stack(where), np.stack(values), np.stack(every)


@lru_cache(maxsize=2)
def _wells_stage(columns: int) -> Stage:
    with style():
        if columns == 2:
            mosaic = [["curve", "rate"], ["curve", "escaped"]]
            fig, axes = figure(760, 380, mosaic=mosaic, width_ratios=[1.25, 1])
        else:
            fig, axes = panels(["curve", "rate", "escaped"], 1)
        ax = axes["curve"]
        ax.set_xlim(-4, 4)
        ax.set_ylim(-1.7, 0.5)
        named(ax, f"{_RUNS} runs on the loss", "w", "loss")
        ax = axes["rate"]
        ax.set_xlim(0, _LONG)
        ax.set_ylim(0, 4.4)
        ax.axhline(1, color=light("ink"), lw=1.2, ls=(0, (5, 3)))
        named(ax, "rate / threshold 2/c of the narrow well", "update", "")
        ax = axes["escaped"]
        ax.set_xlim(0, _LONG)
        ax.set_ylim(-4, 104)
        named(ax, "% outside the narrow well", "update", "")
        return Stage.of(fig)
