"""How high the rate may go, with how long a warmup."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.network import net_b
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Cells, Label, Marker, Path, Text, VLine
from lrlesson.scenes.controls import Slider, Switch
from lrlesson.scenes.explorers._parts import texts, ticks, titled, x_name
from lrlesson.scenes.say import Each, Keep, Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Warmup
from lrlesson.training import train

_WARMUPS = np.array([0, 5, 10, 20, 50, 100])
_PEAKS = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0])
_EPOCHS, _SEEDS = 10, 5
_SHOWN, _EVERY = 120, 2  # updates that are drawn, and how many lie between two of their points
_LIMITS = (0.03, 60.0)
_CLASSES = {
    "low": "all five hold, slowly", "good": "all five hold and learn",
    "broken": "✕ how many of five break",
}  # fmt: skip


def warmup_map() -> Scene:
    """How high may the rate go, with how long a warmup? NET-B on the digits, 48 times 5 trainings.

    Squared error makes the start of NET-B its most fragile moment. Predict a cell, then look: each
    that was chosen stays open, and the switch shows the whole map. A cell fails where any of its
    five starts does. Cells and curves show 120 updates, numbers the loss after 420.
    """
    runs, losses = _map()  # (warmups, peaks, seeds), (warmups, peaks, seeds, updates)
    failures = np.isnan(runs).sum(axis=-1)
    broke, ends = failures > 0, np.median(runs, axis=-1)  # NaN where a start fails
    learns = ends < 1.3 * np.nanmin(ends)
    role = np.where(broke, "broken", np.where(learns, "good", "low"))
    both = ("warmup", "peak")
    t = np.arange(0, _SHOWN + 1, _EVERY)
    shown = losses[..., t]
    over = np.maximum.accumulate(~(shown <= _LIMITS[1]), axis=-1)
    low, high = np.log10(_LIMITS)
    height = (np.log10(np.clip(np.nan_to_num(shown, nan=1e9), *_LIMITS)) - low) / (high - low)
    first = over & ~np.roll(over, 1, axis=-1)
    height = np.where(over & ~first, np.nan, height)[..., ::2]
    words = np.where(broke, failures.astype(str).astype(object) + " ✕", texts(ends, 2))
    column, line = np.meshgrid(np.arange(_PEAKS.size), np.arange(_WARMUPS.size))
    inner = np.array([-0.47, 0.47])
    holds = (~broke).sum(axis=1)
    stair_x = np.repeat(holds, 2) - 0.5
    stair_y = np.repeat(np.arange(_WARMUPS.size + 1), 2)[1:-1] - 0.5
    stairs = np.stack([np.full(stair_x.size, np.nan), stair_x.astype(float)])
    actors: list[Actor] = [
        Cells("cells", "map", column.ravel()[:, None] + inner, line.ravel()[:, None] + inner,
              role.ravel(), words.ravel(), height.reshape(-1, _SEEDS, height.shape[-1]),
              visits=both, shown="all", color="pick"),
        Path("border", "map", stairs, stair_y, by=("all",), width=2.8, casing=3, exits=False),
        Path("chosen", "map", column[..., None] + 0.49 * np.array([-1, 1, 1, -1, -1]),
             line[..., None] + 0.49 * np.array([-1, -1, 1, 1, -1]), by=both, color="pick", width=3,
             casing=2, exits=False),
    ]  # fmt: skip
    fell = np.isnan(runs)
    for k in range(_SEEDS):
        paint = np.where(fell[..., k], "broken", np.where(broke, "low", role))
        actors.append(
            Path(f"loss {k}", "loss", t, shown[..., k, :], by=both, color=paint, color_by=both,
                 width=1.4)
        )  # fmt: skip
    rates = np.stack([[Warmup(p, int(w)).values(_SHOWN + 1)[t] for p in _PEAKS] for w in _WARMUPS])
    peak = np.broadcast_to(_PEAKS, broke.shape)
    ramp = np.where(_WARMUPS > 0, _WARMUPS, np.nan)[:, None] + 0 * peak
    gone = ~(losses[..., : _SHOWN + 1] <= _LIMITS[1])
    when = np.where(gone.any(axis=-1), gone.argmax(axis=-1), _SHOWN + 1).min(axis=-1)
    early = np.where(when < _WARMUPS[:, None], "while the rate\nstill climbs", "")
    count = failures.astype(str).astype(object)
    event = np.where(broke & (when <= _SHOWN), np.where(failures == 1, "1 start breaks",
                                                       count + " starts break"), "")  # fmt: skip
    actors += [
        VLine("ramp end", "rate", ramp, by=both, color="muted", width=1, dash=(2, 3)),
        VLine("ramp end too", "loss", ramp, by=both, color="muted", width=1, dash=(2, 3)),
        Path("rate", "rate", t, rates, by=both, color="pick", width=2.6, casing=2, exits=False),
        Marker("rate end", "rate", float(_SHOWN), rates[..., -1], by=both, size=0.01),
        Label("peak", "rate", "rate end", [f"peak {p:g}" for p in _PEAKS], text_by=("peak",),
              size=13, color="pick", anchor="end", dx=0, dy=-11),
        Text("event", "loss", 0.36 * _SHOWN, 34.0, event, text_by=both, color="broken", bold=True),
        Text("cause", "loss", 0.36 * _SHOWN, 17.0, np.where(event == "", "", early), text_by=both,
             size=12.5, color="muted"),
    ]  # fmt: skip
    said = np.where(
        broke,
        count + f" of {_SEEDS} starts " + np.where(failures == 1, "breaks.", "break."),
        f"all {_SEEDS} starts hold, and end near a loss of " + texts(ends) + ".",
    )
    top = [f"{peak:g}" for peak in (_PEAKS[~row].max() for row in broke)]
    highest = (
        f"Without warmup {top[0]} is the highest peak that holds; with {_WARMUPS[3]} updates it is "
        f"{top[3]}, with {_WARMUPS[4]} it is {top[4]}."
    )
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="warmup map",
        alt="A map of 48 pairs of peak rate and warmup, and the rate and losses of one of them.",
        controls=[
            Slider("peak", "peak rate", _PEAKS, 4, [f"{p:g}" for p in _PEAKS]),
            Slider("warmup", "warmup", _WARMUPS, 0, [f"{w} updates" for w in _WARMUPS]),
            Switch("all", "show all 48"),
        ],
        keep=Keep(both),
        actors=actors,
        say=[
            Say("peak rate {peak} after {warmup} of warmup: {text} {more}", both,
                {"text": said, "more": Each("all", [
                    "How long a warmup saves all five? Predict, then look.", highest])},
                np.where(broke, "breaks", "trains"), np.where(broke, "bad", "good")),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _map() -> tuple[np.ndarray, np.ndarray]:
    """Losses at the end (warmups, peaks, seeds), NaN where it broke, and at each update."""
    shape = (_WARMUPS.size, _PEAKS.size, _SEEDS)
    ramp, peak, seed = (
        v.ravel() for v in np.meshgrid(_WARMUPS, _PEAKS, np.arange(_SEEDS), indexing="ij")
    )
    run = train(net_b(), digits(), SGD(), Warmup(peak, ramp), _EPOCHS, 32, seed.tolist(),
                evaluate_every=42 * _EPOCHS)  # fmt: skip
    assert run.train_loss is not None
    with np.errstate(invalid="ignore"):
        broke = run.diverged | run.spiked
    ends = np.where(broke, np.nan, run.train_loss[:, -1])
    return ends.reshape(shape), run.losses.reshape(*shape, -1).astype(float)


_WIDE: dict[str, Box] = {
    "map": (48, 36, 484, 312), "rate": (604, 36, 190, 76), "loss": (604, 156, 190, 192),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "map": (44, 36, 352, 288), "rate": (44, 456, 340, 80), "loss": (44, 580, 340, 170),
}  # fmt: skip


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 424) if wide else (400, 790)), _WIDE if wide else _NARROW)
        ax = axes["map"]
        ax.set_xlim(-0.5, _PEAKS.size - 0.5)
        ax.set_ylim(-0.5, _WARMUPS.size - 0.5)
        ticks(ax.xaxis, range(_PEAKS.size), [f"{p:g}" for p in _PEAKS])
        ticks(ax.yaxis, range(_WARMUPS.size), [str(w) for w in _WARMUPS])
        ax.tick_params(axis="x", length=0)
        ax.grid(False)
        ax.spines["bottom"].set_visible(False)
        ax.annotate("warmup", (0, 1), xycoords="axes fraction", xytext=(-44, 4), size=12.5,
                    textcoords="offset points", color=light("muted"))  # fmt: skip
        x_name(ax, "peak rate")
        about = f"losses in {_SHOWN} updates; numbers: after {42 * _EPOCHS}" if wide else ""
        titled(ax, "48 settings, five trainings each", about, left=48 if wide else 44, up=22)
        for k, (role, words) in enumerate(_CLASSES.items()):
            x, y = (170 * k, -64) if wide else (0, -56 - 20 * k)
            at: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
            ax.annotate("■ ", (0, 0), xytext=(x, y), size=15, color=light(role), **at)
            ax.annotate(words, (0, 0), xytext=(x + 18, y + 1), size=12.5, color=light(role), **at)
        for label in ("rate", "loss"):
            axes[label].set_xlim(0, _SHOWN)
        ax = axes["rate"]
        ax.set_ylim(0, 1.3)
        ticks(ax.yaxis, [0, 0.5, 1])
        ticks(ax.xaxis, [0, 40, 80, 120], [""] * 4)
        titled(ax, "Its rate", left=32, up=18 if wide else 11)
        ax = axes["loss"]
        ax.set_yscale("log")
        ax.set_ylim(*_LIMITS)
        ticks(ax.yaxis, [0.1, 1, 10])
        ticks(ax.xaxis, [0, 40, 80, 120])
        x_name(ax, "update")
        titled(ax, "Its five losses", left=32)
        return Stage.of(fig)
