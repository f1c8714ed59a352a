"""The rate that every single weight really has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.optimizers import AdaGrad, Adam, RMSprop
from lrlesson.scenes.actors import Actor, Band, Label, Marker, Path, Text
from lrlesson.scenes.controls import Choice, Slider, Steps, Switch
from lrlesson.scenes.explorers._parts import texts, ticks, titled
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene

_RULES: dict[str, Any] = {
    "AdaGrad": lambda corrected: AdaGrad(),
    "RMSprop": lambda corrected: RMSprop(),
    "Adam": lambda corrected: Adam(bias_correction=corrected),
}
_ETAS = 10 ** (np.arange(-12, -3) / 4)  # 0.001 … 0.1
_USUAL = {"AdaGrad": 4, "RMSprop": 4, "Adam": 0}  # positions: 0.01, 0.01, 0.001
_STEPS = 200
_VISITS = np.arange(9, _STEPS, 20)  # steps at which the rare weight has a gradient
_WEIGHTS = [
    ("steady, large", "gradient 10"), ("steady, medium", "gradient 1"),
    ("steady, small", "gradient 0.1"), ("random sign", "gradient ±1"), ("rare", "1 in 20 steps"),
]  # fmt: skip
_SHAPES = {"AdaGrad": "dot", "RMSprop": "ring", "Adam": "square"}
_LONG = 2.0  # in units of η: what is drawn of the length of a step


def effective_rates(rule: str = "Adam") -> Scene:
    """The learning rate that each single weight really has, under three rules.

    Five weights with gradients of different kinds. Each rule starts at the rate that PyTorch gives
    it. Scrub the steps, turn η, and switch Adam's bias correction off; the other rules stay as
    small marks. rule: the one that is shown first.
    """
    if rule not in _RULES:
        raise ValueError(f"effective_rates: rule = {rule!r}, expected one of {', '.join(_RULES)}")
    rates, lengths, gradients = _effective()
    gain = rates[:, :, 0] / _ETAS[0]  # (rules, off and on, steps, weights), the same for every η
    t = np.arange(1, _STEPS + 1)
    by, here = ("rule", "corrected"), ("rule", "corrected", "step")
    actors: list[Actor] = []
    felt = 0.4 * np.sign(gradients) * np.sqrt(np.abs(gradients) / 10)
    look: dict[str, Any] = {"text_by": here, "size": 14, "bold": True}
    for k in range(5):
        role = np.select([gain[..., k] < 0.95, gain[..., k] > 1.05], ["low", "high"], "ink")
        paint: dict[str, Any] = {"color": role.astype(object), "color_by": here}
        stem = np.stack([np.ones(gain.shape[:3]), gain[..., k]], axis=-1)
        stem[np.isnan(gain[..., k])] = np.nan
        shown = np.where(np.isfinite(gain[..., k]), "×" + texts(gain[..., k], 2), "")
        bottom = np.full(_STEPS, k + 0.32)
        top = bottom - 0.62 * np.minimum(lengths[..., k], _LONG) / _LONG
        actors += [
            Band(f"felt {k}", "felt", t, np.full(_STEPS, k + 0.0), k - felt[:, k], color="ghost",
                 alpha=0.8, upto="step"),
            Path(f"line {k}", "felt", t, np.full(_STEPS, k + 0.0), upto="step", width=1.2,
                 color="ghost"),
            Marker(f"felt now {k}", "felt", t.astype(float), k - felt[:, k], by=("step",), size=8),
            *(
                Marker(f"{name} {k}", "gain", gain[r, 1, :, k], k + 0.27, by=("step",), size=8,
                       shape=_SHAPES[name], color="ghost")
                for r, name in enumerate(_RULES)
            ),
            Path(f"stem {k}", "gain", stem, [float(k)] * 2, by=here, width=2.6, exits=False,
                 **paint),
            Marker(f"rate {k}", "gain", gain[..., k], np.full(gain.shape[:3], float(k)), by=here,
                   size=14, **paint),
            Text(f"times {k}", "gain", gain[..., k], k - 0.28, shown, by=here, anchor="middle",
                 **look, **paint),
            Band(f"moved {k}", "moves", t, bottom, top, by=by, color="ghost", alpha=0.35,
                 upto="step"),
            Path(f"length {k}", "moves", t, top, by=by, upto="step", width=1.6),
        ]  # fmt: skip
    waiting = np.where(np.isnan(gain[..., 4]), "not yet used", "")
    actors += [
        Text("base", "gain", 1.0, 4.5, [f"η = {eta:.2g}" for eta in _ETAS], text_by=("rate",),
             anchor="middle", dy=14, size=12, bold=True),
        Text("waiting", "gain", 1.6, 4.0, waiting, text_by=here, color="muted"),
        *(
            Label(f"name of {name}", "gain", f"{name} 4", name, size=12, bold=False, color="muted",
                  dx=8)
            for name in _RULES
        ),
    ]  # fmt: skip
    rare = np.where(np.isfinite(gain[..., 4]), texts(gain[..., 4]) + " η", "none, not yet used")
    remark = np.full(gain.shape[:3], "", dtype=object)
    remark[2, 0] = texts(lengths[2, 0, :, 1] / lengths[2, 1, :, 1], 4)
    remark[2, 0] = [f", {x} × as long as with bias correction" for x in remark[2, 0]]
    spread = np.log10(np.nanmax(gain, axis=-1) / np.nanmin(gain, axis=-1))
    names = list(_RULES)
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="effective rates",
        alt="What five weights feel, the rate that each of them really has, and how far it moves.",
        controls=[
            Choice("rule", "rule", names, names.index(rule),
                   sets={k: {"rate": _USUAL[name]} for k, name in enumerate(names)}),
            Slider("rate", "learning rate η", _ETAS, _USUAL[rule]),
            Switch("corrected", "bias correction", at=1,
                   when={"rule": [names.index("Adam")]}),
            Steps("step", "step", t, 0, [str(k) for k in t], rate=25),
        ],
        actors=actors,
        say=[
            Say("the weight with gradient 10 has the rate {big} η, that with 0.1 has {small} "
                "η, the rare one {rare}; the medium one moves {steady} η per step{remark}.", here,
                {"big": gain[..., 0], "small": gain[..., 2], "rare": rare,
                 "steady": texts(lengths[..., 1], 4), "remark": remark},
                np.where(spread > 0.05, "a rate for each", "all alike"), "plain"),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _effective() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effective rates (rules, correction off and on, etas, steps, weights), and |step|/η, which
    is the same for all etas, (rules, off and on, steps, weights); gradients (steps, weights)."""
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
    return rates, lengths, gradients


_WIDE: dict[str, Box] = {
    "felt": (124, 46, 190, 310), "gain": (360, 46, 270, 310), "moves": (672, 46, 118, 310),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "felt": (124, 46, 264, 250), "gain": (20, 356, 360, 310), "moves": (124, 740, 264, 250),
}  # fmt: skip


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 400) if wide else (400, 1030)), _WIDE if wide else _NARROW)
        for label, ax in axes.items():
            ax.set_ylim(4.5, -0.5)
            ax.grid(False)
            ticks(ax.yaxis, [])
            for edge in np.arange(0.5, 4):
                ax.axhline(edge, color=light("grid"), lw=1)
            if label == "gain":
                continue
            ax.set_xlim(1, _STEPS)
            ticks(ax.xaxis, [1, 100, 200])
            for k, (name, about) in enumerate(_WEIGHTS):
                if label == "felt" or not wide:
                    at: dict[str, Any] = {"xycoords": ("axes fraction", "data"),
                                          "textcoords": "offset points"}  # fmt: skip
                    ax.annotate(name, (0, k), xytext=(-124, 3), size=13, weight="bold", **at)
                    ax.annotate(about, (0, k), xytext=(-124, -13), size=12, color=light("muted"),
                                **at)  # fmt: skip
        titled(axes["felt"], "What the weight feels", left=124, up=28)
        _below(axes["felt"], "its gradient, on a square-root scale", 124)
        ax = axes["moves"]
        for k in range(5):
            y = k + 0.32 - 0.62 / _LONG
            ax.plot([1, _STEPS], [y, y], color=light("ink"), lw=1, ls=(0, (2, 3)))
        titled(ax, "How far it moves", left=0 if wide else 124, up=28)
        _below(ax, "|step|, dotted: η", 0 if wide else 124)
        ax = axes["gain"]
        ax.set_xscale("log")
        ax.set_xlim(5e-3, 200)
        ax.axvspan(5e-3, 1, color=light("low-tint"), lw=0, zorder=0.3)
        ax.axvspan(1, 200, color=light("high-tint"), lw=0, zorder=0.3)
        ax.axvline(1, color=light("ink"), lw=1.4)
        ticks(ax.xaxis, [0.01, 0.1, 1, 10, 100], ["0.01 η", "0.1 η", "", "10 η", "100 η"])
        for words, x, role in (("← brakes", 0.1, "low"), ("pushes →", 10, "high")):
            ax.annotate(words, (x, 0), xycoords=("data", "axes fraction"), xytext=(0, -34),
                        textcoords="offset points", ha="center", weight="bold", size=12.5,
                        color=light(role))  # fmt: skip
        titled(ax, "The rate it really has", up=28)
        _below(ax, "small: the other rules", 0)
        return Stage.of(fig)


def _below(ax: Any, words: str, left: float) -> None:
    ax.annotate(words, (0, 1), xycoords="axes fraction", xytext=(-left, 11), size=12.5,
                textcoords="offset points", color=light("muted"))  # fmt: skip
