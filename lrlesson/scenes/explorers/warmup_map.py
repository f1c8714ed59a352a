"""How high the rate may go, with how long a warmup."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import style
from lrlesson.network import net_b
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Dots, Marker, Path, Text
from lrlesson.scenes.controls import Slider, Switch
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels, texts
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Warmup
from lrlesson.training import train

_WARMUPS = np.array([0, 5, 10, 20, 50, 100])
_PEAKS = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0])
_MAP_EPOCHS, _MAP_SEEDS, _MAP_EVERY = 10, 5, 3


def warmup_map() -> Scene:
    """How high may the rate go, with how long a warmup? NET-B on the digits, 48 times 5 trainings.

    Squared error makes the start of NET-B its most fragile moment. Predict a cell, then look; the
    switch shows the whole map. A cell fails where any of its five starts does.
    """
    runs, losses = _map()  # (warmups, peaks, seeds), (warmups, peaks, seeds, updates)
    failures = np.isnan(runs).sum(axis=-1)
    broke, ends = failures > 0, np.median(runs, axis=-1)  # NaN where a start fails
    best = np.nanmin(ends)
    both, n = ("warmup", "peak"), losses.shape[-1]
    grid_x, grid_y = np.meshgrid(np.arange(_PEAKS.size), np.arange(_WARMUPS.size))
    classes = {"good": ends < 1.3 * best, "fair": (ends >= 1.3 * best) & ~broke, "fails": broke}
    colors = {"good": "green", "fair": "sky", "fails": "orange"}
    actors: list[Actor] = [
        Marker("cell", "map", *(np.broadcast_to(v, ends.shape).astype(float)
                                for v in (grid_x, grid_y)), by=both, shape="ring", size=23,
               color="vermilion"),
    ]  # fmt: skip
    for name, inside in classes.items():
        x = np.where(inside, grid_x, np.nan).ravel()
        hidden = np.full(x.size, np.nan)
        actors.append(
            Dots(name, "map", np.stack([hidden, x]), grid_y.ravel().astype(float), by=("all",),
                 color=colors[name], size=15, alpha=0.85)
        )  # fmt: skip
    count = failures.astype(str).astype(object)
    cell = np.where(broke, count + " fail", texts(ends, 2))
    for w in range(_WARMUPS.size):
        actors += [
            Text(f"cell {w} {p}", "map", float(p), w + 0.37, ["", cell[w, p]],
                 text_by=("all",), anchor="middle", size=9.5, color="ink")
            for p in range(_PEAKS.size)
        ]  # fmt: skip
    t = np.arange(0, n, _MAP_EVERY)
    shown = np.where(losses < 200, losses, np.nan)[..., t]  # the last ends in a cross, in view
    rates = np.stack([[Warmup(p, int(w)).values(n)[t] for p in _PEAKS] for w in _WARMUPS])
    said = np.where(
        broke,
        count + f" of {_MAP_SEEDS} starts fail: the loss passes ten times its start.",
        f"all {_MAP_SEEDS} starts hold, and the median training loss is " + texts(ends) + ".",
    )
    top = [f"{peak:g}" for peak in (_PEAKS[~row].max() for row in broke)]
    highest = (
        f"The highest peak that holds, of those up to {_PEAKS[-1]:g}: {top[0]} without warmup, "
        f"{top[3]} with 20 updates, {top[4]} with 50, {top[5]} with 100."
    )
    actors += [
        *(
            Path(f"loss {k}", "loss", t, shown[..., k, :], by=both, color="vermilion", width=0.9,
                 alpha=0.6)
            for k in range(_MAP_SEEDS)
        ),
        Path("rate", "loss", t, rates, by=both, dash=(6, 3), exits=False),
    ]  # fmt: skip
    return Scene(
        _map_stage(2),
        narrow=_map_stage(1),
        name="warmup map",
        alt="A map of the training loss over peak rate and warmup, and the training of one cell.",
        controls=[
            Slider("peak", "peak rate", _PEAKS, 4, [f"{p:g}" for p in _PEAKS]),
            Slider("warmup", "warmup", _WARMUPS, 0, [f"{w} updates" for w in _WARMUPS]),
            Switch("all", "show the whole map"),
        ],
        actors=actors,
        say=[
            Say("peak rate {peak} after a warmup of {warmup}: {text}", both, {"text": said},
                np.where(broke, "fails", "trains"), np.where(broke, "bad", "good")),
            Say("{text}", ("all",), {"text": [
                f"Each cell is {_MAP_SEEDS} trainings; which hold?", highest]}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _map() -> tuple[np.ndarray, np.ndarray]:
    """Losses at the end (warmups, peaks, seeds), NaN where it broke, and at each update."""
    shape = (_WARMUPS.size, _PEAKS.size, _MAP_SEEDS)
    ramp, peak, seed = (
        v.ravel() for v in np.meshgrid(_WARMUPS, _PEAKS, np.arange(_MAP_SEEDS), indexing="ij")
    )
    run = train(net_b(), digits(), SGD(), Warmup(peak, ramp), _MAP_EPOCHS, 32, seed.tolist(),
                evaluate_every=42 * _MAP_EPOCHS)  # fmt: skip
    assert run.train_loss is not None
    with np.errstate(invalid="ignore"):
        broke = run.diverged | run.spiked
    ends = np.where(broke, np.nan, run.train_loss[:, -1])
    return ends.reshape(shape), run.losses.reshape(*shape, -1).astype(float)


@lru_cache(maxsize=2)
def _map_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["map", "loss"], columns, height=380, ratios=(1.25, 1))
        ax = axes["map"]
        ax.set_xlim(-0.5, _PEAKS.size - 0.5)
        ax.set_ylim(-0.5, _WARMUPS.size - 0.4)
        ax.set_xticks(range(_PEAKS.size), [f"{p:g}" for p in _PEAKS])
        ax.set_yticks(range(_WARMUPS.size), [str(w) for w in _WARMUPS])
        named(ax, f"median loss after {_MAP_EPOCHS} epochs", "peak rate", "warmup, updates")
        ax = axes["loss"]
        ax.set_xlim(0, 42 * _MAP_EPOCHS)
        ax.set_yscale("log")
        ax.set_ylim(0.005, 300)
        log_ticks(ax.yaxis)
        named(ax, f"batch loss of the {_MAP_SEEDS} starts", "update", "loss")
        note(ax, "dashed: its rate", (0.97, 0.98), ha="right")
        return Stage.of(fig)
