"""The rate that every single weight really has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import style
from lrlesson.optimizers import AdaGrad, Adam, RMSprop
from lrlesson.scenes.actors import Bars, Dots, HLine, Marker, Path, VLine
from lrlesson.scenes.controls import Choice, Slider, Steps, Switch
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels, texts
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene

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
