"""Rate and momentum together."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap

from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import LEVELS, light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Marker, Path
from lrlesson.scenes.controls import Slider, number
from lrlesson.scenes.explorers._parts import log_ticks, named, panels
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.schedules import Constant
from lrlesson.training import descend

_BETAS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98])
_PLANE_RATES = 0.1 * 10 ** (np.arange(-24, 5) / 12)  # 2/λ = 0.1 among them
_LONGEST, _DRAWN, _LOWER = 400, 60, 1000


def momentum_plane() -> Scene:
    """Rate × momentum on a bowl of condition 20: how many steps each pair needs, and its path."""
    needed, paths = _plane()
    here = ("beta", "rate")
    rates = np.broadcast_to(_PLANE_RATES, needed.shape)
    rows = np.broadcast_to(np.arange(_BETAS.size, dtype=float)[:, None], needed.shape)
    limit = 2 * (1 + _BETAS) / 20
    stable = limit[:, None] * (1 - 1e-9) > _PLANE_RATES
    word = np.where(~stable, "diverges", np.where(np.isnan(needed), "slow", "converges"))
    word = np.where(np.isclose(_PLANE_RATES, limit[:, None]), "never settles", word)
    tones = {"diverges": "bad", "slow": "slow", "converges": "good", "never settles": "warn"}
    tone = np.vectorize(tones.get)(word)
    steps = np.where(np.isnan(needed), f"more than {_LONGEST}",
                     np.nan_to_num(needed).astype(int).astype(str))  # fmt: skip
    steps = np.where(stable, steps + np.array(" steps", dtype=object), "never gets there;")
    steps = np.where(stable, "takes " + steps + " to a loss 1000 times lower;", steps)
    b, r = np.unravel_index(np.nanargmin(needed), needed.shape)
    plain = int(np.nanargmin(needed[0]))
    return Scene(
        _plane_stage(2),
        narrow=_plane_stage(1),
        name="momentum plane",
        alt="Steps needed for each pair of rate and momentum, and the path of the pair chosen.",
        controls=[
            Slider("rate", "learning rate", _PLANE_RATES, 20, marks={0.1: "2/λ_max"}),
            Slider("beta", "momentum β", _BETAS, 0, [f"{beta:g}" for beta in _BETAS]),
        ],
        actors=[
            Marker("pair", "plane", rates, rows, by=here, shape="ring", size=13,
                   color="vermilion"),
            Path("path", "bowl", paths[..., 0], paths[..., 1], by=here, dots=True, width=1.2,
                 color="vermilion"),
        ],
        say=[
            Say("rate {rate} with momentum {beta} {steps} stable below {limit}.", here,
                {"steps": steps, "limit": np.broadcast_to(limit[:, None], needed.shape)}, word,
                tone),
            Say(f"The fastest pair here: rate {number(_PLANE_RATES[r])} with momentum "
                f"{_BETAS[b]:g}, {needed[b, r]:.0f} steps; without momentum "
                f"{needed[0, plain]:.0f}."),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _plane() -> tuple[np.ndarray, np.ndarray]:
    """Steps needed (betas, rates), paths (betas, rates, shown, 2)."""
    bowl = Quadratic([1, 20])
    needed, paths = [], []
    rates: Any = _PLANE_RATES
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


@lru_cache(maxsize=2)
def _plane_stage(columns: int) -> Stage:
    needed = _plane()[0]
    with style():
        fig, axes = panels(["plane", "bowl"], columns, height=380, ratios=(1.15, 1))
        ax = axes["plane"]
        ax.set_xscale("log")
        step = np.sqrt(_PLANE_RATES[1] / _PLANE_RATES[0])
        ax.set_xlim(_PLANE_RATES[0] / step, _PLANE_RATES[-1] * step)
        ax.set_ylim(-0.5, _BETAS.size - 0.5)
        ax.set_yticks(range(_BETAS.size), [f"{beta:g}" for beta in _BETAS])
        log_ticks(ax.xaxis, 1, 3)
        edges = np.append(_PLANE_RATES / step, _PLANE_RATES[-1] * step)
        levels = [0, 20, 30, 45, 70, 110, 170, 260, 401]
        colors = ListedColormap([light(name) for name in reversed(LEVELS)])
        ax.set_facecolor(light("shade"))  # where the steps are not enough, or never
        ax.pcolormesh(edges, np.arange(_BETAS.size + 1) - 0.5, np.ma.masked_invalid(needed),
                      cmap=colors, norm=BoundaryNorm(levels, len(LEVELS)))  # fmt: skip
        limit = 2 * (1 + _BETAS) / 20
        ax.plot(limit, np.arange(_BETAS.size), color=light("ink"), lw=1.4, ls=(0, (5, 3)))
        ax.grid(False)
        named(ax, "steps needed (stronger blue: fewer)", "learning rate", "momentum β")
        ax = axes["bowl"]
        bowl = Quadratic([1, 20])
        ax.set_box_aspect(1)
        ax.set_xlim(-5, 5)
        ax.set_ylim(-5, 5)
        x, y = np.meshgrid(np.linspace(-5, 5, 101), np.linspace(-5, 5, 101))
        ax.contour(x, y, bowl(np.stack([x, y], axis=-1)), 2.0 ** np.arange(-2, 9),
                   colors=[light("contour")], linewidths=0.7)  # fmt: skip
        ax.plot(-4, 2, "o", color=light("ink"), ms=5)
        ax.plot(0, 0, "+", color=light("ink"), ms=9, mew=1.4)
        ax.grid(False)
        named(ax, f"its first {_DRAWN} steps", "$w_1$", "$w_2$")
        return Stage.of(fig)
