"""Explorers of the rule itself: one step, the rate's regimes, and the rates of single weights."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.base.fields import checked_bool
from lrlesson.drawing.stage import Stage, figure
from lrlesson.drawing.theme import light, style
from lrlesson.losses import Quadratic, TwoWells
from lrlesson.optimizers import SGD, AdaGrad, Adam, RMSprop
from lrlesson.scenes.actors import Actor, Bars, Dots, Handle, HLine, Marker, Path, VLine
from lrlesson.scenes.controls import Choice, Slider, Steps, Switch, number
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels, texts
from lrlesson.scenes.scene import Say, Scene
from lrlesson.schedules import Constant, PolynomialDecay, Triangular
from lrlesson.training import descend

# ---- one step ----------------------------------------------------------------------------------

_STARTS = np.round(np.linspace(-4, 4, 161), 3)
_RATES = 10 ** (np.arange(-40, 6) / 20)  # 0.01 … 1.78; 0.1 and 1 are among them
_EVERY_RATE: Any = _RATES  # one per run
_AHEAD = 20


def one_step(marks: bool = False) -> Scene:
    """One step of w ← w − η · slope on L = w²: drag w, turn the rate, read the numbers.

    The slope is 2w and the curvature λ is 2. marks: show 1/λ, where one step arrives, and 2/λ,
    above which none does, below the rate's slider; without them they are there to be found.
    """
    shown = [number(w) for w in _STARTS]
    limits = {0.5: "1/λ", 1.0: "2/λ"} if checked_bool("one_step", "marks", marks) else {}
    return Scene(
        _step_stage(2),
        [
            Slider("w", "w", _STARTS, 140, shown, ask=True),
            Slider("rate", "learning rate η", _RATES, 20, marks=limits),
        ],
        *_one_step(w=3.0),
        narrow=_step_stage(1),
        name="one step",
        alt="The curve L = w², its tangent at w, one step of gradient descent, and the next ones.",
        answer=_one_step,
    )


def _one_step(w: float, **_: Any) -> tuple[list[Actor], list[Say]]:
    bowl = Quadratic([2.0])
    run = descend(bowl, [w], SGD(), Constant(_EVERY_RATE), _AHEAD)
    assert run.weights is not None
    path = run.weights[..., 0]
    slope, now, after, loss = float(bowl.gradient([w])[0]), path[:, 0], path[:, 1], run.losses
    rate = ("rate",)
    sign = f"({number(slope)})" if slope < 0 else number(slope)
    rule = [f"{number(w)} − {number(r)} × {sign} = {number(n)}"
            for r, n in zip(_RATES, after, strict=True)]  # fmt: skip
    factor = 1 - _RATES * bowl.curvatures[0]
    word = np.select(
        [factor > 0.9, factor > 1e-9, factor > -1 + 1e-9, factor > -1 - 1e-9],
        ["slow", "converges", "overshoots", "never settles"], "diverges",
    )  # fmt: skip
    tones = {"slow": "slow", "converges": "good", "overshoots": "wave", "never settles": "warn"}
    tone = np.array([tones.get(one, "bad") for one in word])
    if w == 0:
        word, tone = np.full(_RATES.size, "at rest"), np.full(_RATES.size, "plain")
    tangent = w + np.array([-2.0, 2.0])
    actors = [
        Path("tangent", "curve", tangent, w * w + slope * (tangent - w), color="muted",
             dash=(5, 3), exits=False),
        Path("step", "curve", np.stack([now, after], axis=1), np.full((_RATES.size, 2), w * w),
             by=rate, color="vermilion", width=2.4),
        Path("fall", "curve", np.stack([after, after], axis=1),
             np.stack([np.full(_RATES.size, w * w), loss[:, 1]], axis=1), by=rate,
             color="vermilion", dash=(2, 3), exits=False),
        Marker("next", "curve", after, loss[:, 1], by=rate, shape="ring", size=11,
               color="vermilion"),
        Handle("grip", "curve", "w", w * w, color="blue"),
        Path("path", "ahead", np.arange(_AHEAD + 1), path, by=rate, color="vermilion", dots=True),
    ]  # fmt: skip
    step = np.abs(now - after)
    then = np.abs(path[:, 1] - path[:, 2])
    left = np.abs(after) > 5
    tail = np.where(left, " The next w lies outside the frame.", "")
    say = [
        Say("w − η · slope = {rule}.{tail}", rate, {"rule": rule, "tail": tail}, word, tone),
        Say("This step is {step} long, η times the slope; the next one is {then} long.", rate,
            {"step": step, "then": then}),
    ]  # fmt: skip
    return list(actors), say


@lru_cache(maxsize=2)
def _step_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["curve", "ahead"], columns, height=370, ratios=(1.25, 1))
        ax = axes["curve"]
        ax.set_xlim(-5, 5)
        ax.set_ylim(-2, 20)
        w = np.linspace(-5, 5, 121)
        ax.plot(w, Quadratic([2.0])(w[:, None]), color=light("ink"), lw=1.8)
        named(ax, "$L = w^2$ (drag the point)", "w", "loss")
        ax = axes["ahead"]
        ax.set_xlim(0, _AHEAD)
        ax.set_ylim(-5, 5)
        ax.axhline(0, color=light("muted"), lw=1, ls=(0, (4, 3)))
        ax.set_xticks(np.arange(0, _AHEAD + 1, 5))
        named(ax, f"w in the next {_AHEAD} steps", "step", "w")
        return Stage.of(fig)


# ---- two wells ---------------------------------------------------------------------------------

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


# ---- effective rates ---------------------------------------------------------------------------

_RULES: dict[str, Any] = {
    "AdaGrad": lambda corrected: AdaGrad(),
    "RMSprop": lambda corrected: RMSprop(),
    "Adam": lambda corrected: Adam(bias_correction=corrected),
}
_ETAS = 10 ** (np.arange(-12, -3) / 4)  # 0.001 … 0.1
_USUAL = {"AdaGrad": 4, "RMSprop": 4, "Adam": 0}  # positions: 0.01, 0.01, 0.001
_STEPS, _FLOOR = 200, 1e-6
_VISITS = np.arange(9, _STEPS, 20)  # steps at which the rare weight has a gradient
_WEIGHTS = ["steady\n10", "steady\n1", "steady\n0.1", "random\n±1", "one step\nin 20"]


def effective_rates(rule: str = "Adam") -> Scene:
    """The learning rate that each single weight really has, under three rules.

    Five weights with gradients of different kinds. Each rule starts at the rate that PyTorch gives
    it. Scrub the steps, turn η, and switch Adam's bias correction off. rule: the one that is
    shown first.
    """
    if rule not in _RULES:
        raise ValueError(f"effective_rates: rule = {rule!r}, expected one of {', '.join(_RULES)}")
    rates, lengths = _effective()
    gain = rates[:, :, 0] / _ETAS[0]
    t = np.arange(1, _STEPS + 1)
    by, here = ("rule", "corrected"), ("rule", "corrected", "step")
    steady = lengths[..., 1]  # |step| / η of the weight with steady gradient 1
    rare = np.where(np.isfinite(gain[..., 4]), texts(gain[..., 4]) + " η", "not yet used")
    ratio = np.log10(np.nanmax(gain, axis=-1) / np.nanmin(gain, axis=-1))
    plain = np.array([[["the correction plays no part in this rule"]]], dtype=object)
    adam = np.array([
        np.broadcast_to("with the correction every steady weight moves by η", _STEPS),
        ["without it the step is " + text + " × as long as with it"
         for text in texts(steady[2, 0] / steady[2, 1], 4)],
    ], dtype=object)[::-1]  # fmt: skip
    remark = np.broadcast_to(plain, (3, 2, _STEPS)).copy()
    remark[2] = adam
    return Scene(
        _rates_stage(2),
        narrow=_rates_stage(1),
        name="effective rates",
        alt="Bars of the effective learning rate of five weights, and the length of their steps.",
        controls=[
            Choice("rule", "rule", list(_RULES), list(_RULES).index(rule),
                   sets={k: {"rate": _USUAL[rule]} for k, rule in enumerate(_RULES)}),
            Slider("rate", "its learning rate η", _ETAS, _USUAL[rule]),
            Switch("corrected", "bias correction (Adam)", at=1,
                   when={"rule": [list(_RULES).index("Adam")]}),
            Steps("step", "step", t, 0, [str(k) for k in t], rate=15),
        ],
        actors=[
            Bars("rates", "rates", np.arange(5), rates, by=("rule", "corrected", "rate", "step"),
                 base=_FLOOR, width=0.62),
            HLine("base", "rates", _ETAS, by=("rate",), color="ink", dash=(5, 3)),
            *(
                Path(f"length {k}", "length", t, lengths[..., k], by=by, color=color, dash=dash,
                     exits=False, width=2)
                for k, color, dash in ((1, "blue", ()), (4, "vermilion", (6, 3)))
            ),
            Dots("visits", "length", _VISITS + 1.0, lengths[..., _VISITS, 4], by=by,
                 color="vermilion", size=7),
            VLine("now", "length", t.astype(float), by=("step",), color="muted"),
            Marker("length now", "length", np.broadcast_to(t.astype(float), steady.shape), steady,
                   by=here, shape="ring"),
        ],
        say=[
            Say("{rule} at η = {rate}, step {step}: the weight with steady gradient 10 has the "
                "rate {big} η, that with 0.1 has {small} η, the rare one {rare}.", here,
                {"big": gain[..., 0], "small": gain[..., 2], "rare": rare},
                np.where(ratio > 0.05, "a rate for each", "all alike"), "plain"),
            Say("The weight with steady gradient 1 moves by {steady} η; {remark}.", here,
                {"steady": texts(steady, 4), "remark": remark}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _effective() -> tuple[np.ndarray, np.ndarray]:
    """Effective rates (rules, correction off and on, etas, steps, weights), and |step|/η, which
    is the same for all etas, (rules, off and on, steps, weights)."""
    rng = np.random.default_rng(0)
    gradients = np.tile([10.0, 1.0, 0.1, 0.0, 0.0], (_STEPS, 1))
    gradients[:, 3] = rng.choice([-1.0, 1.0], _STEPS)
    gradients[_VISITS, 4] = 1.0
    rates = np.full((len(_RULES), 2, _ETAS.size, _STEPS, 5), np.nan)
    lengths = np.zeros((len(_RULES), 2, _STEPS, 5))
    eta = _ETAS[:, None]
    for r, make in enumerate(_RULES.values()):
        for c in (0, 1):
            kind = make(bool(c))
            w = np.zeros((_ETAS.size, 5))
            state = kind.init(w)
            for t, gradient in enumerate(gradients):
                moved = kind.step(w, np.broadcast_to(gradient, w.shape), state, eta)
                rates[r, c, :, t] = state.rate
                lengths[r, c, t] = np.abs(moved - w)[0] / _ETAS[0]
                w = moved
    return rates, lengths


@lru_cache(maxsize=2)
def _rates_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["rates", "length"], columns, height=360, ratios=(1.2, 1))
        ax = axes["rates"]
        ax.set_xlim(-0.5, 4.5)
        ax.set_xticks(range(5), _WEIGHTS)
        ax.set_yscale("log")
        ax.set_ylim(_FLOOR, 50)
        log_ticks(ax.yaxis)
        ax.grid(False, axis="x")
        named(ax, "effective rate of each weight", "gradient", "effective rate")
        note(ax, "dashed: η", (0.02, 0.98))
        ax = axes["length"]
        ax.set_xlim(0, _STEPS)
        ax.set_yscale("log")
        ax.set_ylim(0.02, 15)
        log_ticks(ax.yaxis, 1, 3)
        named(ax, "length of the step / η", "step", "")
        note(ax, "solid: steady 1\ndashed, dots: one step in 20", (0.97, 0.98), ha="right")
        return Stage.of(fig)
