"""Five optimizers, each at a rate of its own."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.data import digits
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import light, style
from lrlesson.network import net_a
from lrlesson.optimizers import SGD, AdaGrad, Adam, RMSprop
from lrlesson.scenes.actors import Actor, Bars, Path
from lrlesson.scenes.controls import Button, Control, Slider, number
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels
from lrlesson.scenes.say import Each, Least, Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import sweep

_RACERS: dict[str, tuple[Any, str, tuple[float, ...]]] = {
    "SGD": (SGD(), "blue", ()),
    "momentum": (SGD(momentum=0.9), "vermilion", (8, 3)),
    "AdaGrad": (AdaGrad(), "green", (2, 3)),
    "RMSprop": (RMSprop(), "purple", (8, 3, 2, 3)),
    "Adam": (Adam(), "orange", (5, 2)),
}
_RACE_RATES = 10 ** (np.arange(-6, 2) / 2)  # 0.001 … 3.16
_RACE_EPOCHS, _SMOOTH = 2, 10


def optimizer_race() -> Scene:
    """Five rules on the digits, each at a rate of its own; the button tunes them all fairly.

    Every rule was trained at the same eight rates, so the budget of tuning is equal.
    """
    losses, ends = _raced()  # (rules, rates, updates), (rules, rates)
    best = np.nanargmin(ends, axis=1)
    t = np.arange(losses.shape[-1])
    names, last = list(_RACERS), _RACE_RATES.size - 1
    controls: list[Control] = []
    actors: list[Actor] = []
    leads = []
    for k, (name, (_, color, dash)) in enumerate(_RACERS.items()):
        one = name.lower()
        height = np.log10(np.clip(ends[k], 1e-2, 10)) + 2  # decades above 0.01
        controls.append(Slider(one, f"rate of {name}", _RACE_RATES, 2))
        actors += [
            Path(name, "loss", t[2:], losses[k, :, 2:], by=(one,), color=color, dash=dash,
                 width=2.2, exits=False),
            Bars(f"{name} end", "ends", [k], height[:, None], by=(one,), color=color, width=0.66),
        ]  # fmt: skip
        leads.append((one, ends[k], [f"{name} leads with {number(end, 2)}" for end in ends[k]]))
    found = ", ".join(f"{name} {number(_RACE_RATES[best[k]], 2)}" for k, name in enumerate(names))
    edge = [name for k, name in enumerate(names) if best[k] in (0, last)]
    found += f" (at the edge of the rates tried: {', '.join(edge)})" if edge else ""
    tuned = {name.lower(): int(best[k]) for k, name in enumerate(names)}
    told = {name.lower(): [number(end, 2) if end == end else "broke" for end in ends[k]]
            for k, name in enumerate(names)}  # fmt: skip
    return Scene(
        _race_stage(2),
        narrow=_race_stage(1),
        name="optimizer race",
        alt="Training loss of five optimizers, and the loss at the end of each.",
        controls=[
            *controls,
            Button("tune", "tune all fairly", range(2), then=1, sets={1: tuned}),
        ],
        actors=actors,
        say=[
            Say("{lead}. Losses at the end: "
                + ", ".join(f"{name} {{{name.lower()}_end}}" for name in names) + ".", (),
                {"lead": Least(leads)}
                | {f"{one}_end": Each(one, texts_) for one, texts_ in told.items()}),
            Say("{text}", ("tune",), {"text": [
                f"Give each rule its own rate. The button takes the best of {last + 1} for each.",
                f"The best of the same {last + 1} rates for each rule: {found}."]}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _raced() -> tuple[np.ndarray, np.ndarray]:
    """Smoothed batch losses (rules, rates, updates), and training losses at the end."""
    curves, ends = [], []
    window = np.ones(_SMOOTH) / _SMOOTH
    for rule, _, _ in _RACERS.values():
        run = sweep(net_a(), digits(), rule, _RACE_RATES, _RACE_EPOCHS, 32)
        assert run.train_loss is not None
        ends.append(np.where(run.diverged, np.nan, run.train_loss[:, -1]))
        smooth = [np.convolve(np.pad(loss, (_SMOOTH - 1, 0), mode="edge"), window, "valid")
                  for loss in run.losses.astype(float)]  # fmt: skip
        curves.append(np.where(np.isfinite(smooth), smooth, np.nan))
    return np.stack(curves), np.stack(ends)


@lru_cache(maxsize=2)
def _race_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["loss", "ends"], columns, height=360, ratios=(1.3, 1))
        ax = axes["loss"]
        ax.set_xlim(0, 42 * _RACE_EPOCHS)
        ax.set_yscale("log")
        ax.set_ylim(0.01, 10)
        log_ticks(ax.yaxis, 1, 3)
        named(ax, f"batch loss, mean of {_SMOOTH}", "update", "loss")
        for name, (_, color, dash) in _RACERS.items():
            ax.plot([], [], color=light(color), ls=(0, dash) if dash else "-", lw=2.2, label=name)
        ax.legend(loc="lower left", frameon=False, fontsize=9.5, handlelength=3)
        ax = axes["ends"]
        ax.set_xlim(-0.6, len(_RACERS) - 0.4)
        ax.set_ylim(0, 3)
        ax.set_yticks([0, 1, 2, 3], ["0.01", "0.1", "1", "10"])
        ax.set_xticks(range(len(_RACERS)), list(_RACERS), size=9)
        ax.grid(False, axis="x")
        named(ax, f"training loss after {_RACE_EPOCHS} epochs", "", "loss")
        note(ax, "no bar: broke", (0.98, 0.99), ha="right")
        return Stage.of(fig)
