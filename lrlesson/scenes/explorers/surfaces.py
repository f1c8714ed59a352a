"""Explorers on surfaces: regimes, eigenvalues, conditioning, momentum, and a race of rules."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap

from lrlesson.data import digits
from lrlesson.drawing.stage import Stage, figure
from lrlesson.drawing.theme import LEVELS, light, style
from lrlesson.losses import Quadratic
from lrlesson.network import net_a
from lrlesson.optimizers import SGD, AdaGrad, Adam, RMSprop
from lrlesson.scenes.actors import Actor, Bars, Handle, Marker, Path, VLine
from lrlesson.scenes.controls import Answers, Button, Control, Slider, number
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels
from lrlesson.scenes.scene import Each, Keep, Least, Say, Scene, Total
from lrlesson.schedules import Constant
from lrlesson.training import descend, sweep

# ---- predict, then reveal ----------------------------------------------------------------------

_OUTCOMES = ["slow", "converges", "oscillates", "diverges"]
_ROUNDS = [(4.0, 0.02), (1.0, 0.8), (10.0, 0.18), (2.0, 1.1), (20.0, 0.002), (0.5, 3.2),
           (8.0, 0.26), (5.0, 0.15)]  # fmt: skip
_SEEN = 30
_TONE = {"slow": "slow", "converges": "good", "oscillates": "wave", "diverges": "bad"}


def predict_regime() -> Scene:
    """Curvature λ and rate η are given: slow, converges, oscillates or diverges? Eight rounds.

    A choice shows the run at once; the first answer of each round counts towards the score.
    """
    path, outcome = _regimes()
    n, shape = len(_ROUNDS), (len(_ROUNDS), len(_GUESSES))
    by = ("round", "guess")
    hidden = np.full(path.shape, np.nan)
    shown = np.stack([hidden] + [path] * len(_OUTCOMES), axis=1)
    right = np.equal.outer(outcome, np.arange(len(_GUESSES)) - 1)
    asked = np.arange(len(_GUESSES)) == 0
    said = np.empty(shape, dtype=object)
    for k, (curvature, rate) in enumerate(_ROUNDS):
        word, product = _OUTCOMES[outcome[k]], number(rate * curvature)
        does = "is slow" if word == "slow" else word
        said[k, 0] = f"curvature λ = {curvature:g} and rate η = {rate:g}; what will it do?"
        said[k, 1:] = (f"it {does}: ηλ = {product}, so each step multiplies w by "
                       f"{number(1 - rate * curvature)}.")  # fmt: skip
    place = np.broadcast_to(np.arange(1.0, n + 1)[:, None], shape)
    look: dict[str, Any] = {"by": by, "kept": "each", "size": 13}
    return Scene(
        _regime_stage(2),
        narrow=_regime_stage(1),
        name="predict the regime",
        alt="The weight against the step in one round, shown once a prediction is made.",
        controls=[
            Slider("round", "round", np.arange(n), 0, [f"{k + 1} of {n}" for k in range(n)]),
            Answers("guess", "it will be", _GUESSES),
        ],
        keep=Keep("guess", once="round"),
        actors=[
            Path("w", "w", np.arange(_SEEN + 1), shown, by=by, dots=True, color="vermilion"),
            VLine("round now", "answers", np.arange(1.0, n + 1), by=("round",), color="muted",
                  dash=(4, 3)),
            Marker("right", "answers", np.where(right, place, np.nan), 0.5, color="green", **look),
            Marker("wrong", "answers", np.where(right, np.nan, place), 0.5, color="vermilion",
                   shape="cross", **look),
        ],
        say=[
            Say("{text}", by, {"text": said},
                np.where(asked, "predict", np.where(right, "right", "not so")),
                np.where(asked, "plain", np.where(right, "good", "bad"))),
            Say("Score: {score} of {answered} rounds answered; first answers count. Move to "
                "another round, and choose again.", by,
                {"score": Total(right), "answered": Total(np.ones(shape))}),
        ],
    )  # fmt: skip


_GUESSES = ["not yet chosen", *_OUTCOMES]


@lru_cache(maxsize=1)
def _regimes() -> tuple[np.ndarray, list[int]]:
    """w at each step (rounds, steps + 1), and which outcome each round has."""
    paths, outcomes = [], []
    for curvature, rate in _ROUNDS:
        run = descend(Quadratic([curvature]), [1.0], SGD(), rate, _SEEN)
        assert run.weights is not None
        w = run.weights[0, :, 0]
        arrived = abs(w[-1]) < 0.1
        if abs(w[-1]) > 1:
            name = "diverges"
        elif not arrived:
            name = "slow"
        else:
            name = "oscillates" if w[1] < 0 else "converges"
        paths.append(w)
        outcomes.append(_OUTCOMES.index(name))
    return np.stack(paths), outcomes


@lru_cache(maxsize=2)
def _regime_stage(columns: int) -> Stage:
    with style():
        width = 760 if columns == 2 else 420
        mosaic = [["w"], ["answers"]]
        fig, axes = figure(width, 370, mosaic=mosaic, height_ratios=[1, 0.16])
        ax = axes["w"]
        ax.set_xlim(0, _SEEN)
        ax.set_ylim(-1.6, 1.6)
        ax.axhline(0, color=light("muted"), lw=1, ls=(0, (4, 3)))
        named(ax, "the weight, from 1 towards the minimum at 0", "step", "w")
        ax = axes["answers"]
        ax.set_xlim(0.5, len(_ROUNDS) + 0.5)
        ax.set_ylim(0, 1)
        ax.set_xticks(range(1, len(_ROUNDS) + 1))
        ax.set_yticks([])
        ax.grid(False)
        named(ax, "your first answers (dot: right, cross: not so)", "round", "")
        return Stage.of(fig)


# ---- the edge of stability of a bowl -----------------------------------------------------------

_EIGEN = np.array([0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0])
_LIMIT = 2 / _EIGEN.max()
_EDGE_RATES = _LIMIT * 10 ** (np.arange(-60, 11) / 40)
_EDGE_STEPS = 60


def stability_edge() -> Scene:
    """One bar |1 − ηλ| for each eigenvalue: the factor by which one step multiplies it.

    Below 1 a direction shrinks, and the tallest bar decides; at 2/λ_max it is the steepest.
    """
    run = _edge_run()
    assert run.weights is not None
    factor = np.abs(run.weights[:, 1] / run.weights[:, 0])  # of the library's own first step
    slowest = factor.argmax(axis=1)
    tallest = factor.max(axis=1)
    out, tie = tallest > 1 + 1e-9, np.isclose(tallest, 1)
    steep = slowest == _EIGEN.size - 1
    word = np.where(tie, "never settles", np.where(out, "diverges", "converges"))
    tone = np.where(tie, "warn", np.where(out, "bad", "good"))
    rate = ("rate",)
    wall = np.where(factor > 1 + 1e-9, factor, np.nan)
    which = np.where(steep, "the steepest", "the flattest")
    return Scene(
        _stability_stage(2),
        narrow=_stability_stage(1),
        name="stability edge",
        alt="Bars of |1 − ηλ| for eight eigenvalues, and the loss of the whole bowl.",
        controls=[
            Slider("rate", "learning rate", _EDGE_RATES, 50, marks={_LIMIT: "2/λ_max"}),
        ],
        actors=[
            Bars("factors", "factors", np.arange(_EIGEN.size), np.minimum(factor, 2.2), by=rate,
                 width=0.66),
            Bars("too large", "factors", np.arange(_EIGEN.size), np.minimum(wall, 2.2), by=rate,
                 width=0.66, color="vermilion"),
            Path("loss", "loss", np.arange(_EDGE_STEPS + 1), run.losses, by=rate, width=2.2,
                 color="vermilion"),
        ],
        say=[
            Say("at rate {rate} the tallest bar is {tall}, of {which} direction, λ = {eigen}; "
                "after " + str(_EDGE_STEPS) + " steps the loss is {loss}.", rate,
                {"tall": tallest, "which": which, "eigen": _EIGEN[slowest],
                 "loss": run.losses[:, -1]}, word, tone),
            Say("{n} of 8 directions grow.", rate,
                {"n": (factor > 1 + 1e-9).sum(axis=1).astype(str)}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _edge_run() -> Any:
    start = np.full(_EIGEN.size, 1.0)
    return descend(Quadratic(_EIGEN), start, SGD(), Constant(_EDGE_RATES), _EDGE_STEPS)


@lru_cache(maxsize=2)
def _stability_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["factors", "loss"], columns, height=350)
        ax = axes["factors"]
        ax.set_xlim(-0.6, _EIGEN.size - 0.4)
        ax.set_ylim(0, 2.2)
        ax.set_xticks(range(_EIGEN.size), [f"{e:g}" for e in _EIGEN])
        ax.grid(False, axis="x")
        ax.axhline(1, color=light("ink"), lw=1.4, ls=(0, (5, 3)))
        ax.text(-0.5, 1.04, "above 1: grows", size=10, va="bottom")
        named(ax, "|1 − ηλ| of each direction", "eigenvalue λ", "")
        ax = axes["loss"]
        ax.set_xlim(0, _EDGE_STEPS)
        ax.set_yscale("log")
        ax.set_ylim(1e-6, 1e6)
        log_ticks(ax.yaxis)
        named(ax, "loss of the whole bowl", "step", "loss")
        return Stage.of(fig)


# ---- conditioning ------------------------------------------------------------------------------

_KAPPA = np.array([1, 2, 5, 10, 20, 50, 100])
_ANGLES = np.arange(0, 91, 5)
_SPOT = np.round(np.linspace(-4, 4, 161), 3)
_SHARES = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.02, 1.1])
_WALK = 60


def conditioning() -> Scene:
    """Stretch and turn the bowl, and drag the start: what one rate for all directions can do."""
    spot = [number(w) for w in _SPOT]
    shares = [f"{100 * share:.0f} % of 2/λ_max" for share in _SHARES]
    return Scene(
        _condition_stage(2),
        [
            Slider("share", "learning rate", _SHARES, 9, shares),
            Slider("condition", "condition number", _KAPPA, 4, [str(k) for k in _KAPPA], ask=True),
            Slider("angle", "rotation", _ANGLES, 0, [f"{a}°" for a in _ANGLES], ask=True),
            Slider("x", "start w_1", _SPOT, 10, spot, ask=True),
            Slider("y", "start w_2", _SPOT, 120, spot, ask=True),
        ],
        *_condition(condition=20, angle=0, x=-3.5, y=2.0),
        narrow=_condition_stage(1),
        name="conditioning",
        alt="Gradient descent on a bowl whose shape and start can be changed, and its loss.",
        answer=_condition,
    )


def _condition(
    condition: int, angle: int, x: float, y: float, **_: Any
) -> tuple[list[Actor], list[Say]]:
    bowl = Quadratic.conditioned(float(condition), rotation=np.deg2rad(float(angle)))
    limit = 2 / bowl.curvature([x, y])
    run = descend(bowl, [x, y], SGD(), Constant(_SHARES * limit), _WALK)
    assert run.weights is not None
    w, losses = run.weights, run.losses
    share, turn = ("share",), np.linspace(0, 2 * np.pi, 81)
    contours = []
    for k in range(9):
        along = 12.0 * 0.62**k * np.stack([np.cos(turn), np.sin(turn) / np.sqrt(condition)])
        c, s = np.cos(bowl.rotation), np.sin(bowl.rotation)
        contours.append(
            Path(f"contour {k}", "bowl", c * along[0] - s * along[1], s * along[0] + c * along[1],
                 color="contour", width=1, exits=False)
        )  # fmt: skip
    lower = np.where(losses[:, -1] > 0, losses[:, 0] / np.maximum(losses[:, -1], 1e-300), np.inf)
    word = np.where(losses[:, -1] >= 0.999 * losses[:, 0], "does not settle",
                    np.where(lower < 1000, "slow", "converges"))  # fmt: skip
    word = np.where(losses[:, -1] > 2 * losses[:, 0], "diverges", word)
    tones = {"does not settle": "warn", "slow": "slow", "converges": "good", "diverges": "bad"}
    if x == y == 0:
        word, lower = np.full(_SHARES.size, "at rest"), np.ones(_SHARES.size)
    actors = [
        *contours,
        Path("path", "bowl", w[..., 0], w[..., 1], by=share, dots=True, width=1.3,
             color="vermilion"),
        Handle("start", "bowl", "x", "y", color="blue"),
        Path("loss", "loss", np.arange(_WALK + 1), losses, by=share, width=2.2,
             color="vermilion"),
    ]  # fmt: skip
    say = [
        Say("condition number {k}, rate {rate}: after " + str(_WALK) + " steps the loss is {end}, "
            "{start} at the start.", share,
            {"k": str(condition), "rate": _SHARES * limit, "end": losses[:, -1],
             "start": number(losses[0, 0])}, word, [tones.get(one, "plain") for one in word]),
        Say("Each step takes the flat direction only {flat} of the way.", share,
            {"flat": [f"{min(100 * s * limit, 999):.0f} %" for s in _SHARES]}),
    ]  # fmt: skip
    return list(actors), say


@lru_cache(maxsize=2)
def _condition_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["bowl", "loss"], columns, height=400, ratios=(1.15, 1))
        ax = axes["bowl"]
        ax.set_box_aspect(1)
        ax.set_xlim(-4.3, 4.3)
        ax.set_ylim(-4.3, 4.3)
        ax.plot(0, 0, "+", color=light("ink"), ms=9, mew=1.4)
        named(ax, "the bowl (drag the start)", "$w_1$", "$w_2$")
        ax = axes["loss"]
        ax.set_xlim(0, _WALK)
        ax.set_yscale("log")
        ax.set_ylim(1e-8, 1e6)
        log_ticks(ax.yaxis)
        named(ax, "loss at each step", "step", "loss")
        return Stage.of(fig)


# ---- rate × momentum ---------------------------------------------------------------------------

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


# ---- a race of rules ---------------------------------------------------------------------------

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
