"""A schedule's numbers, dragged, and the loss under it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson import schedules as sch
from lrlesson.base.notation import plain
from lrlesson.base.schedule import Schedule
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import style
from lrlesson.losses import NoisyBowl
from lrlesson.scenes.actors import Actor, Band, Handle, Label, Marker, Path
from lrlesson.scenes.controls import Choice, Control, Slider, number
from lrlesson.scenes.explorers._parts import ticks, titled, x_name
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene

_UPDATES = 200
_HEIGHTS = np.unique([float(f"{10 ** (k / 30):.2g}") for k in range(-51, 1)])  # 0.02 … 1
_FACTORS = np.round(np.arange(0.05, 1.001, 0.05), 2)
_FLOORS = np.round(np.arange(0.0, 1.001, 0.05), 2)
_LENGTHS = np.arange(5, 201, 5)
_POWERS = np.array([0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8])
_WARMUPS = np.array([3, *range(5, 101, 5)])
_HOLDS = np.arange(0, 151, 5)


@dataclass(frozen=True)
class _Numbers:
    """The numbers that the composer's sliders stand at."""

    rate: float
    factor: float
    floor: float
    length: int
    power: float
    warmup: int
    hold: int

    @property
    def end(self) -> float:
        """The floor as a rate."""
        return round(self.rate * self.floor, 6)


@dataclass(frozen=True)
class _Family:
    """One family: the schedule that the numbers make, what they mean in it, and where their
    points stand: (which are dragged, x, y), as `Handle` takes them."""

    make: Callable[[_Numbers], Schedule]
    numbers: dict[str, str]
    points: Callable[[_Numbers], list[tuple[str, Any, Any]]]
    length: int = 50  # at the start, so that the whole of it is seen


_START = {"rate": "the first rate"}
_TO_FLOOR = {"length": "updates to the floor", "floor": "the last rate, as a share of the first"}
_DOWN = {"length": "updates down to the floor", "floor": "the last rate, as a share of the peak"}


def _at_rate(x: Any) -> tuple[str, Any, Any]:
    return "rate", x, "rate"


def _at_floor(n: _Numbers, before: int = 0) -> tuple[str, Any, Any]:
    return "length, floor", ("length", before + _LENGTHS), ("floor", n.rate * _FLOORS)


def _at_factor(n: _Numbers) -> tuple[str, Any, Any]:
    return "length, factor", "length", ("factor", n.rate * _FACTORS)


_FAMILIES: dict[str, _Family] = {
    "constant": _Family(
        lambda n: sch.Constant(n.rate), {"rate": "the same at every update"},
        lambda n: [_at_rate(0.0)]),
    "step": _Family(
        lambda n: sch.StepDecay(n.rate, n.factor, n.length),
        _START | {"length": "updates between two drops", "factor": "what each drop keeps"},
        lambda n: [_at_rate(0.0), _at_factor(n)]),
    "exponential": _Family(
        lambda n: sch.ExponentialDecay(n.rate, n.factor, n.length),
        _START | {"length": "updates", "factor": "what so many updates leave of the rate"},
        lambda n: [_at_rate(0.0), _at_factor(n)]),
    "inverse time": _Family(
        lambda n: sch.InverseTimeDecay(n.rate, float(f"{1 / n.length:.3g}")),
        _START | {"length": "updates until the rate is a half"},
        lambda n: [_at_rate(0.0), ("length", "length", n.rate / 2)]),
    "polynomial": _Family(
        lambda n: sch.PolynomialDecay(n.rate, n.length, n.power, n.end),
        _START | _TO_FLOOR | {"power": "how it bends, 1 is a straight line"},
        lambda n: [_at_rate(0.0), _at_floor(n), (
            "power", n.length / 2, ("power", n.end + (n.rate - n.end) * 0.5**_POWERS))],
        200),
    "cosine": _Family(
        lambda n: sch.Cosine(n.rate, n.length, n.end),
        _START | _TO_FLOOR, lambda n: [_at_rate(0.0), _at_floor(n)], 200),
    "warmup + cosine": _Family(
        lambda n: sch.WarmupCosine(n.rate, n.warmup, n.warmup + n.length, n.end),
        {"rate": "the highest rate", "warmup": "updates up"} | _DOWN,
        lambda n: [_at_rate(("warmup", _WARMUPS - 1.0)), _at_floor(n, n.warmup)],
        180),
    "trapezoid": _Family(
        lambda n: sch.WSD(n.rate, n.warmup, n.hold, n.length, n.end),
        {"rate": "the highest rate", "warmup": "updates up", "hold": "updates at the peak"} | _DOWN,
        lambda n: [_at_rate(("warmup", _WARMUPS - 1.0)),
                   ("hold", ("hold", n.warmup + _HOLDS), n.rate),
                   _at_floor(n, n.warmup + n.hold)]),
    "triangle": _Family(
        lambda n: sch.Triangular(n.end, n.rate, n.length),
        {"rate": "the highest rate", "length": "updates up, and as many down",
         "floor": "the lowest rate, as a share of the highest"},
        lambda n: [("rate, length", "length", "rate"),
                   ("floor", 0.0, ("floor", n.rate * _FLOORS))]),
    "one cycle": _Family(
        lambda n: sch.OneCycle(n.rate, n.warmup + n.length, n.warmup / (n.warmup + n.length),
                               round(1 / n.factor, 4)),
        {"rate": "the highest rate", "factor": "where it starts, as a share of the peak",
         "warmup": "updates up", "length": "updates down"},
        lambda n: [_at_rate(("warmup", _WARMUPS - 1.0)),
                   ("factor", 0.0, ("factor", n.rate * _FACTORS)),
                   ("length", ("length", n.warmup + _LENGTHS - 1.0), 0.0)], 180),
}  # fmt: skip


def schedule_composer(family: str = "exponential") -> Scene:
    """Drag the numbers of a schedule: its curve, its formula, Ση and Ση², and a loss under it.

    family: the one that is shown first. The loss is the exact expected one of a bowl with a steep
    noisy and a flat direction. Python answers every change; a page without it has each family at
    its first numbers. Only OneCycle's last division, by 10000, has no place in the picture; it
    stands in the formula.
    """
    names = list(_FAMILIES)
    if family not in names:
        raise ValueError(
            f"schedule_composer: family = {family!r}, expected one of {', '.join(names)}"
        )
    updates = {name: [str(n) for n in values] for name, values in
               (("length", _LENGTHS), ("warmup", _WARMUPS), ("hold", _HOLDS))}  # fmt: skip
    share = {name: [f"{x:.2f}" for x in values] for name, values in
             (("factor", _FACTORS), ("floor", _FLOORS))}  # fmt: skip
    users = {name: {"family": [k for k, f in enumerate(_FAMILIES.values()) if name in f.numbers]}
             for name in _Numbers.__dataclass_fields__}  # fmt: skip
    ask: dict[str, Any] = {"ask": True}
    sets = {k: {"length": int(np.searchsorted(_LENGTHS, f.length))}
            for k, f in enumerate(_FAMILIES.values())}  # fmt: skip
    first = sets[names.index(family)]["length"]
    controls: list[Control] = [
        Choice("family", "family", names, names.index(family),
               [_SHORT.get(name, name) for name in names], sets=sets,
               icons=[_icon(f) for f in _FAMILIES.values()], travels=True, **ask),
        Slider("rate", "rate", _HEIGHTS, int(np.searchsorted(_HEIGHTS, 0.5)),
               [f"{rate:g}" for rate in _HEIGHTS], **ask),
        Slider("warmup", "warmup", _WARMUPS, 4, updates["warmup"], when=users["warmup"], **ask),
        Slider("hold", "hold", _HOLDS, 26, updates["hold"], when=users["hold"], **ask),
        Slider("length", "length", _LENGTHS, first, updates["length"], when=users["length"], **ask),
        Slider("factor", "factor", _FACTORS, 9, share["factor"], when=users["factor"], **ask),
        Slider("floor", "floor", _FLOORS, 0, share["floor"], when=users["floor"], **ask),
        Slider("power", "power", _POWERS, 2, [f"{p:g}" for p in _POWERS], when=users["power"],
               **ask),
    ]  # fmt: skip
    return Scene(
        _composer_stage(2),
        controls,
        *_compose(**{control.name: control.values[control.at] for control in controls}),
        narrow=_composer_stage(1),
        name="schedule composer",
        alt="A schedule's learning rate at each update, and the loss of a noisy bowl under it.",
        answer=_compose,
    )


def _icon(family: _Family) -> np.ndarray:
    """The family's curve at its first numbers."""
    start = _Numbers(1.0, 0.5, 0.0, family.length if family.length < 100 else 150, 1.0, 30, 80)
    eta = family.make(start).values(_UPDATES)[::4]
    return np.column_stack([np.linspace(0, 1, eta.size), 0.9 * eta / eta.max()])


def _compose(family: str, **values: Any) -> tuple[list[Actor], list[Say]]:
    n = _Numbers(*(values[name].item() for name in _Numbers.__dataclass_fields__))
    kind = _FAMILIES[family]
    schedule = kind.make(n)
    bowl = NoisyBowl([1, 0.02], [1, 0])
    eta = schedule.values(_UPDATES)
    losses, constant = bowl.expected([3, 6], np.stack([eta, np.full(_UPDATES, n.rate)]))
    t = np.arange(_UPDATES)
    name, last = f"constant {n.rate:g}", number(constant[-1])
    said = f"the loss ends at {number(losses[-1])}"
    plain_run = family == "constant"
    if plain_run:
        badge, tone = "constant", "plain"
    else:
        better = losses[-1] < constant[-1]
        badge, tone = ("beats constant", "good") if better else ("behind constant", "warn")
        said += f"; a constant rate of {n.rate:g} ends at {last}"
    every, after = t.astype(float), np.arange(_UPDATES + 1)
    actors: list[Actor] = [
        Band("area", "eta", every, np.zeros(_UPDATES), eta, color="pick", alpha=0.12),
        Path("constant", "eta", [0, _UPDATES], [n.rate, n.rate], color="ghost", width=1.4),
        Label("constant name", "eta", "constant", "" if plain_run else name, color="muted",
              size=13, bold=False),
        Path("eta", "eta", t, eta, width=3, casing=2.5, color="pick"),
        Label("sums", "eta", "eta", f"Ση = {number(eta.sum())}",
              note=f"Ση² = {number((eta**2).sum())}", color="pick", size=13),
        Path("constant loss", "loss", after, constant, color="ghost", width=1.8, exits=False),
        Label("constant end", "loss", "constant loss", "" if plain_run else f"constant {last}",
              color="muted", size=13, bold=False),
        Path("loss", "loss", after, losses, width=3, casing=2.5, color="pick"),
        Marker("end", "loss", float(_UPDATES), losses[-1], color="pick"),
        Label("loss end", "loss", "loss", number(losses[-1]), color="pick"),
        *(Handle(name, "eta", x, y, color="pick") for name, x, y in kind.points(n)),
    ]  # fmt: skip
    say = [
        Say(f"{said}. The area under the rate, Ση, is how far it can go; Ση² is how much noise "
            "comes in.", (), {}, badge, tone),
        Say("{formula}.", (), {"formula": plain(schedule._repr_latex_())}, room=_LONGEST_FORMULA,
            large=True),
    ]  # fmt: skip
    return actors, say


# Ten names in one row, below their curves.
_SHORT = {"exponential": "exponent.", "inverse time": "1 ⁄ time", "warmup + cosine": "warm + cos"}
_LONGEST_FORMULA = plain(sch.WarmupCosine(0.35, 45, 175, 0.1225)._repr_latex_())
_WIDE: dict[str, Box] = {"eta": (44, 28, 620, 122), "loss": (44, 196, 620, 96)}
_NARROW: dict[str, Box] = {"eta": (44, 28, 226, 150), "loss": (44, 232, 226, 130)}


@lru_cache(maxsize=2)
def _composer_stage(columns: int) -> Stage:
    wide = columns == 2
    with style():
        fig, axes = placed(*((806, 326) if wide else (400, 396)), _WIDE if wide else _NARROW)
        for ax in axes.values():
            ax.set_xlim(0, _UPDATES + 3)
            ticks(ax.xaxis, [0, 100, 200] if not wide else [0, 50, 100, 150, 200])
        ax = axes["eta"]
        ax.set_ylim(0, 1.05)
        ax.tick_params(labelbottom=False)
        ticks(ax.yaxis, [0, 0.5, 1])
        titled(ax, "The rate", "at each update", left=44)
        ax = axes["loss"]
        ax.set_yscale("log")
        ax.set_ylim(0.02, 8)
        ticks(ax.yaxis, [0.1, 1])
        titled(ax, "The loss under it", "expected, on a noisy bowl", left=44)
        x_name(ax, "update", beside=True)
        return Stage.of(fig)
