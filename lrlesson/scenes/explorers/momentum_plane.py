"""Rate and momentum together."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import LEVELS, light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import HLine, Label, Marker, Path
from lrlesson.scenes.controls import Button, Slider, number
from lrlesson.scenes.explorers._parts import hatched, note, ticks, titled, x_name
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.training import descend

_BETAS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98])
_RATES = 0.1 * 10 ** (np.arange(-24, 5) / 12)  # 2/λ = 0.1 among them
_LONGEST, _DRAWN, _LOWER = 400, 60, 1000
_ISOLINES = [10, 25, 40, 70, 120, 250, _LONGEST]
_START = (-4.0, 2.0)


def _memory(beta: Any) -> Any:
    """The scale of the map: log of 1/(1 − β), so that 0.9 and 0.98 have room."""
    return -np.log10(1 - np.asarray(beta, float))


def momentum_plane() -> Scene:
    """Rate × momentum on a bowl of condition 20: how many steps each pair needs, and its path."""
    needed, paths = _plane()
    bowl, here = Quadratic([1, 20]), ("beta", "rate")
    rates = np.broadcast_to(_RATES, needed.shape)
    rows = np.broadcast_to(_memory(_BETAS)[:, None], needed.shape)
    limit = 2 * (1 + _BETAS) / 20
    stable = limit[:, None] * (1 - 1e-9) > _RATES
    word = np.where(~stable, "diverges", np.where(np.isnan(needed), "slow", "converges"))
    word = np.where(np.isclose(_RATES, limit[:, None]), "never settles", word)
    tones = {"diverges": "bad", "slow": "slow", "converges": "good", "never settles": "warn"}
    tone = np.vectorize(tones.get)(word)
    steps = np.where(np.isnan(needed), f"more than {_LONGEST}",
                     np.nan_to_num(needed).astype(int).astype(str))  # fmt: skip
    steps = np.where(stable, steps + np.array(" steps", dtype=object), "never gets there;")
    steps = np.where(stable, "takes " + steps + f" to a loss {_LOWER} times lower;", steps)
    b, r = np.unravel_index(np.nanargmin(needed), needed.shape)
    plain = int(np.nanargmin(needed[0]))
    losses = bowl(paths)
    names = [f"β = {beta:g}" for beta in _BETAS]
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="momentum plane",
        alt="Steps needed for each pair of rate and momentum, and the path of the pair chosen.",
        controls=[
            Slider("rate", "learning rate", _RATES, 20, marks={0.1: "2/λ_max"}),
            Slider("beta", "momentum β", _BETAS, 0, [f"{beta:g}" for beta in _BETAS]),
            Button("fastest", "to the fastest", [0],
                   sets={0: {"rate": int(r), "beta": int(b)}}),
        ],
        actors=[
            Marker("pair", "plane", rates, rows, by=here, size=15, color="pick"),
            Label("your pair", "plane", "pair", "your pair", color="pick", dx=-12, anchor="end",
                  dy=-14),
            Path("path", "bowl", paths[..., 0], paths[..., 1], by=here, dots=True, width=1.8,
                 casing=2, color="pick"),
            HLine("lower", "loss", float(bowl(_START)) / _LOWER, dash=(7, 4)),
            Path("loss", "loss", np.arange(_DRAWN + 1), losses, by=here, width=2.4, casing=2,
                 color="pick", exits=False),
            Label("memory", "loss", "loss", names, text_by=("beta",), size=13, color="pick", dx=8),
        ],
        say=[
            Say("rate {rate} with momentum {beta} {steps} stable below {limit}. The fastest "
                f"without momentum takes {needed[0, plain]:.0f}, with it {needed[b, r]:.0f}.", here,
                {"steps": steps, "limit": np.broadcast_to(limit[:, None], needed.shape)}, word,
                tone),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _plane() -> tuple[np.ndarray, np.ndarray]:
    """Steps needed (betas, rates), paths (betas, rates, shown, 2)."""
    bowl = Quadratic([1, 20])
    needed, paths = [], []
    rates: Any = _RATES
    for beta in _BETAS.tolist():
        rule = SGD(momentum=beta)
        long = descend(bowl, [-4, 2], rule, Constant(rates), _LONGEST)
        assert long.weights is not None
        with np.errstate(invalid="ignore"):
            inside = long.losses <= long.losses[0, 0] / _LOWER
        stays = np.logical_and.accumulate(inside[:, ::-1], axis=1)[:, ::-1]  # from here on
        needed.append(np.where(stays.any(axis=1), stays.argmax(axis=1), np.nan))
        paths.append(long.weights[:, : _DRAWN + 1])
    return np.stack(needed), np.stack(paths)


@lru_cache(maxsize=1)
def _map() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For the isolines: rates, scale of the momenta, and steps needed (momenta, rates)."""
    bowl, rates = Quadratic([1, 20]), 10 ** np.linspace(-3, np.log10(0.25), 73)
    memory = np.linspace(0, _memory(0.98), 41)
    each: Any = rates
    needed = []
    for beta in (1 - 10**-memory).tolist():
        run = descend(bowl, _START, SGD(momentum=beta), Constant(each), _LONGEST,
                      keep_weights=False)  # fmt: skip
        with np.errstate(invalid="ignore"):
            inside = run.losses <= run.losses[:, :1] / _LOWER
        stays = np.logical_and.accumulate(inside[:, ::-1], axis=1)[:, ::-1]
        needed.append(np.where(stays.any(axis=1), stays.argmax(axis=1), 2.0 * _LONGEST))
    return rates, memory, np.stack(needed)


_WIDE: dict[str, Box] = {
    "plane": (44, 30, 390, 372), "bowl": (500, 30, 306, 176), "loss": (548, 266, 170, 116),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "plane": (44, 30, 350, 340), "bowl": (0, 450, 400, 230), "loss": (48, 740, 270, 120),
}  # fmt: skip


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    rates, memory, needed = _map()
    with style():
        fig, axes = placed(*((806, 440) if wide else (400, 910)), _WIDE if wide else _NARROW)
        ax = axes["plane"]
        ax.set_xscale("log")
        ax.set_xlim(1e-3, 0.25)
        ax.set_ylim(-0.06, _memory(0.98))
        ax.grid(False)
        fills = [light(name) for name in LEVELS[:0:-1]]
        ax.set_facecolor(light(LEVELS[0]))
        ax.contourf(rates, memory, needed, [0, *_ISOLINES], colors=fills)
        ax.contour(rates, memory, needed, _ISOLINES, colors=[light("paper")],
                           linewidths=1)  # fmt: skip
        edge = 2 * (2 - 10**-memory) / 20
        hatched(ax, [*edge, 0.25, 0.25], [*memory, memory[-1], 0], alpha=0.25)
        ax.plot(edge, memory, color=light("ink"), lw=1.6, ls=(0, (7, 4)))
        low = int(np.searchsorted(memory, 0.1))
        for level in _ISOLINES[1:]:
            at = np.interp(-level, -needed[low, :60], np.log10(rates[:60]))
            last = level == _LONGEST
            unit = " steps" if last else ""
            ax.text(10**at, memory[low], f"{level}{unit}", size=12.5, weight="bold",
                    ha="right" if last else "center", va="center", gid="halo")  # fmt: skip
        b, r = np.unravel_index(np.nanargmin(_plane()[0]), _plane()[0].shape)
        ax.plot(_RATES[r], _memory(_BETAS[b]), "o", ms=9, mfc="none", mew=2, color=light("ink"))
        note(ax, "coasts past the minimum", (0.1, 0.97), color=light("ink"))
        ax.text(1, 0.62, "flies away", transform=ax.transAxes, color=light("broken"), ha="right",
                weight="bold", size=13, gid="halo")  # fmt: skip
        ticks(ax.xaxis, [0.001, 0.01, 0.1])
        shown = [0, 0.5, 0.8, 0.9, 0.95, 0.98]
        ticks(ax.yaxis, _memory(shown), [f"{beta:g}" for beta in shown])
        x_name(ax, "learning rate")
        about = "by rate and momentum β" if wide else ""
        titled(ax, f"Steps to a loss {_LOWER} times lower", about, left=44)
        bowl = Quadratic([1, 20])
        ax = axes["bowl"]
        ax.set_xlim(-5, 2)
        ax.set_ylim(-3.2, 3.2)
        x, y = np.meshgrid(np.linspace(-5, 2, 101), np.linspace(-3.2, 3.2, 101))
        levels = float(bowl(_START)) * 4.0 ** np.arange(-3, 2)
        ax.contourf(x, y, bowl(np.stack([x, y], axis=-1)), [0, *levels],
                    colors=[light(name) for name in LEVELS[4::-1]])  # fmt: skip
        ax.set_facecolor(light(LEVELS[0]))
        first = int(np.nanargmin(_plane()[0][0]))
        ghost = _plane()[1][0, first]
        ax.plot(*ghost.T, color=light("ghost"), lw=1.4)
        ax.plot(*_START, "o", color=light("ink"), ms=6)
        ax.annotate("start", _START, xytext=(0, 9), textcoords="offset points", ha="center",
                    size=13)  # fmt: skip
        ax.plot(0, 0, "+", color=light("ink"), ms=9, mew=1.4)
        ax.axis("off")
        titled(ax, "Its path", f"grey: no momentum, rate {number(_RATES[first], 2)}")
        ax = axes["loss"]
        ax.set_xlim(0, _DRAWN)
        ax.set_yscale("log")
        ax.set_ylim(1e-4, 300)
        ax.plot(np.arange(_DRAWN + 1), bowl(ghost), color=light("ghost"), lw=1.4)
        ticks(ax.yaxis, [0.001, 0.1, 10])
        ticks(ax.xaxis, [0, 20, 40, 60])
        x_name(ax, "step", beside=True)
        titled(ax, "Its loss", f"dashed: {_LOWER} times lower", left=48)
        return Stage.of(fig)
