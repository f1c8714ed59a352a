"""Explorers that train a real network: guesses, the range test, warmup, the edge of stability."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import light, style
from lrlesson.network import net_a, net_b, net_c
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Dots, Handle, HLine, Marker, Path, Text, VLine
from lrlesson.scenes.controls import Button, Slider, Steps, Switch, number
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels, texts
from lrlesson.scenes.scene import Keep, Say, Scene
from lrlesson.schedules import Constant, Warmup
from lrlesson.sharpness import sharpness
from lrlesson.training import History, RangeTest, range_test, sweep, train

# ---- the live net ------------------------------------------------------------------------------

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


# ---- the range test ----------------------------------------------------------------------------

_SEEDS, _PICK_EPOCHS, _BROKE = 12, 2, 60.0
_PICKS = 10 ** (np.arange(-10, 6) / 6)  # 0.0215 … 6.81, with 0.1 and 1


def range_test_picker() -> Scene:
    """Pick a rate from a range test, and see twelve trainings at it.

    NET-A on the digits; the test raises the rate from 0.0001 to 10 in 100 updates. Each outcome
    is the training loss after 2 epochs from another start.
    """
    test, ends = _picks()
    smooth = test.smoothed[0]
    low = float(test.at_minimum[0])
    good = np.isfinite(ends)
    failures = (~good).sum(axis=1)
    middle = np.array([np.median(row[ok]) if ok.any() else np.nan
                       for row, ok in zip(ends, good, strict=True)])  # fmt: skip
    best = int(np.nanargmin(np.where(failures == 0, middle, np.nan)))
    ratio = _PICKS / low
    place = [
        f"{number(1 / r, 2)} times below" if r < 1 else f"{number(r, 2)} times above" for r in ratio
    ]
    outcome = [
        f"{m} of {_SEEDS} trainings break" + (f"; the others end near {number(v)}." if v == v
                                              else ".") if m else
        f"all {_SEEDS} trainings hold, and end near {number(v)}."
        for m, v in zip(failures, middle, strict=True)
    ]  # fmt: skip
    useless = (ends > np.log(10)).any(axis=1)  # worse than guessing every digit alike
    wrong, close = (failures > 0) | useless, middle < 2 * middle[best]
    word = np.where(wrong, "too high", np.where(close, "good", "safe, slow"))
    tone = np.where(wrong, "bad", np.where(close, "good", "slow"))
    pick = ("pick",)
    seeds = np.arange(_SEEDS)
    top = np.where(good, np.nan, _BROKE * 1.7)
    marks = {low: "minimum", low / 10: "÷ 10"}
    return Scene(
        _picker_stage(2),
        narrow=_picker_stage(1),
        name="range test",
        alt="The loss during a range test, and the outcomes of 12 trainings at the rate picked.",
        controls=[Slider("pick", "picked rate", _PICKS, 4, marks=marks)],
        actors=[
            Path("test", "test", test.lr, smooth, width=2.2, exits=False),
            Marker("minimum", "test", low, float(np.nanmin(smooth)), shape="ring", color="ink"),
            VLine("pick", "test", _PICKS, by=pick, color="vermilion", width=1.8),
            Handle("grip", "test", "pick", 12.0, color="vermilion"),
            Dots("outcomes", "ends", seeds, ends, by=pick, size=10),
            Dots("broken", "ends", seeds, top, by=pick, size=10, color="vermilion"),
            HLine("middle", "ends", middle, by=pick, dash=(5, 3)),
        ],
        say=[
            Say("at {pick}, {place} the rate of the smallest loss, {outcome}", pick,
                {"place": place, "outcome": outcome}, word, tone),
            Say(f"The smoothed loss is lowest at rate {number(low)}. The best pick without a "
                f"failure here is {number(_PICKS[best])}."),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _picks() -> tuple[RangeTest, np.ndarray]:
    """The range test, and losses after 2 epochs (picks, seeds), NaN where a run broke."""
    net, data = net_a(), digits()
    test = range_test(net, data, SGD())
    run = sweep(net, data, SGD(), _PICKS, _PICK_EPOCHS, 32, list(range(_SEEDS)))
    assert run.train_loss is not None
    ends = np.where(run.diverged, np.nan, run.train_loss[:, -1])
    return test, run.per_rate(ends)


@lru_cache(maxsize=2)
def _picker_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["test", "ends"], columns, height=350, ratios=(1.25, 1))
        ax = axes["test"]
        ax.set_xscale("log")
        ax.set_xlim(1e-4, 12)
        log_ticks(ax.xaxis)
        named(ax, "range test (drag the pick)", "learning rate, rising", "smoothed loss")
        ax = axes["ends"]
        ax.set_xlim(-0.7, _SEEDS - 0.3)
        ax.set_xticks(range(0, _SEEDS, 2), [str(k + 1) for k in range(0, _SEEDS, 2)])
        ax.axhspan(_BROKE, 3 * _BROKE, color=light("shade"), lw=0)
        named(ax, f"{_SEEDS} trainings at that rate", "start", "loss after 2 epochs")
        note(ax, "broke", (0.98, 0.99), ha="right")
        for label, top in (("test", _TOP), ("ends", 3 * _BROKE)):
            axes[label].set_yscale("log")
            axes[label].set_ylim(0.03, top)
            log_ticks(axes[label].yaxis)
        return Stage.of(fig)


# ---- warmup × peak -----------------------------------------------------------------------------

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


# ---- the edge of stability ---------------------------------------------------------------------

_ETAS = np.array([0.1, 0.2, 0.3, 0.4])
_FULL = 4000
_MEASURED = np.array([0, 50, 100, 150, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 2000, 2500,
                      3000, 3500, 4000])  # fmt: skip
_EVERY = 7  # updates between two losses shown; odd, since at the edge the loss jumps back and forth


def edge_of_stability() -> Scene:
    """Full-batch training sharpens the net until its curvature is 2/η, and then lives there.

    NET-C on 200 digits. Sharpness is the largest Hessian eigenvalue, measured 18 times in 4000
    updates. A rate of 0.1 would need more to arrive.
    """
    losses, sharp = _edge()  # (rates, updates), (rates, measured)
    t, every = _MEASURED, np.arange(0, _FULL, _EVERY)
    limit = 2 / _ETAS
    share = sharp / limit[:, None]
    here = ("rate", "update")
    above: np.ndarray = share >= 0.97
    crossed: Any = above.any(axis=1)
    since = np.where(crossed, t[above.argmax(axis=1)], -1)
    reached = above & (t >= since[:, None]) & crossed[:, None]
    reached = np.logical_or.accumulate(reached, axis=1)
    rises = [100 * float((np.diff(run) > 0).mean()) for run in losses]
    word = np.where(reached, "at the edge", "sharpening")
    far = [
        f"The sharpness first reaches 2/η near update {s}; {r:.0f} % of all updates raise the loss."
        if ok else f"In these {_FULL} updates the sharpness stays below 2/η; {r:.0f} % of the "
        "updates raise the loss."
        for s, ok, r in zip(since, crossed, rises, strict=True)
    ]  # fmt: skip
    end = losses[:, np.minimum(t, _FULL - 1)]
    rate = ("rate",)
    return Scene(
        _edge_stage(2),
        narrow=_edge_stage(1),
        name="edge of stability",
        alt="Sharpness against update with the line 2/η, and the loss.",
        controls=[
            Slider("rate", "learning rate", _ETAS, 2, [f"{eta:g}" for eta in _ETAS]),
            Steps("update", "update", t, -1, [str(k) for k in t], rate=8),
        ],
        actors=[
            Path("sharpness", "sharpness", t, sharp, by=rate, upto="update", dots=True,
                 color="vermilion"),
            HLine("limit", "sharpness", limit, by=rate, color="ink", dash=(6, 4), width=1.8),
            Text("limit name", "sharpness", 0.8 * _FULL, limit, "2/η", by=rate, dy=-12, bold=True,
                 text_by=(), color="ink"),
            Marker("now", "sharpness", np.broadcast_to(t.astype(float), sharp.shape), sharp,
                   by=here, shape="ring", color="vermilion", size=11),
            Path("loss", "loss", every, losses[:, every], by=rate, width=1.4),
            VLine("loss now", "loss", t.astype(float), by=("update",), color="vermilion"),
        ],
        say=[
            Say("at update {update} the sharpness is {sharp}, {share} % of 2/η = {limit}; the "
                "loss is {loss}.", here,
                {"sharp": sharp, "share": np.round(100 * share).astype(int).astype(str),
                 "limit": np.broadcast_to(limit[:, None], sharp.shape), "loss": end},
                word, np.where(reached, "warn", "slow")),
            Say("{text}", rate, {"text": far}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _edge() -> tuple[np.ndarray, np.ndarray]:
    """Losses (rates, updates), sharpness (rates, measured)."""
    net, data = net_c(), digits().first(200)
    each: Any = _ETAS
    run = train(net, data, SGD(), Constant(each), _FULL, None, evaluate_every=50,
                keep_weights=True)  # fmt: skip
    assert run.weights is not None
    some = run.weights[:, _MEASURED // 50]
    measured: Any = [sharpness(net, path, data, tolerance=0.02) for path in some]
    return run.losses.astype(float), np.array(measured)


@lru_cache(maxsize=2)
def _edge_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["sharpness", "loss"], columns, height=350)
        ax = axes["sharpness"]
        ax.set_xlim(-20, _FULL + 30)
        ax.set_ylim(0, 22)
        named(ax, "sharpness", "update", "largest curvature")
        ax = axes["loss"]
        ax.set_xlim(-20, _FULL + 30)
        ax.set_yscale("log")
        ax.set_ylim(5e-4, 1)
        log_ticks(ax.yaxis, 1, 3)
        named(ax, "training loss", "update", "loss")
        return Stage.of(fig)
