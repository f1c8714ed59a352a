"""Explorers of noise: the floor, the drop, the schedule, and the batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from lrlesson import schedules as sch
from lrlesson.base.schedule import Schedule
from lrlesson.data import diabetes
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import light, style
from lrlesson.losses import LeastSquares, NoisyBowl
from lrlesson.network import linear
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Actor, Dots, Handle, HLine, Marker, Path, VLine
from lrlesson.scenes.controls import Choice, Control, Slider, Steps, number
from lrlesson.scenes.explorers._parts import log_ticks, named, note, panels, texts
from lrlesson.scenes.formula import formula
from lrlesson.scenes.scene import Say, Scene
from lrlesson.training import descend, train

# ---- noise and batch size ----------------------------------------------------------------------

_BATCHES = np.array([1, 2, 4, 8, 16, 32, 64])
_RATES = 10 ** (np.arange(-40, 6) / 20)  # 0.01 … 1.78, with 0.1 and 1 among them
_POINTS, _SETTLE = 80, 120


def noise_and_batch() -> Scene:
    """Where training ends up when the gradient is noisy: a cloud whose size the rate sets.

    80 runs on a round bowl of curvature 1, gradient noise 1/√batch. Shown after 120 updates, with
    the ring and the floor that theory gives.
    """
    cloud, losses, floor = _clouds()
    rate, batch = _RATES[:, None], np.broadcast_to(_BATCHES, floor.shape)
    radius = np.sqrt(2 * floor)  # loss = |w|²/2
    turn = np.linspace(0, 2 * np.pi, 61)
    ring = radius[..., None] * np.cos(turn), radius[..., None] * np.sin(turn)
    both, t = ("rate", "batch"), np.arange(_SETTLE + 1)
    measured = losses[..., -40:].mean(axis=-1)
    arrived = losses[..., 80] < 2 * floor
    word = np.where(arrived, "rattles", "still on its way")
    return Scene(
        _noise_stage(2),
        narrow=_noise_stage(1),
        name="noise and batch size",
        alt=f"{_POINTS} runs of noisy descent on a made-up round bowl, and their mean loss.",
        controls=[
            Slider("rate", "learning rate", _RATES, 20),
            Slider("batch", "batch size", _BATCHES, 0, [str(b) for b in _BATCHES]),
        ],
        actors=[
            Dots("cloud", "cloud", cloud[..., 0], cloud[..., 1], by=both, alpha=0.75),
            Path("ring", "cloud", *ring, by=both, color="vermilion", dash=(6, 3), exits=False),
            Path("loss", "loss", t, losses, by=both, width=1.6),
            HLine("floor", "loss", floor, by=both, color="vermilion", dash=(6, 3), width=1.8),
        ],
        say=[
            Say("at rate {rate} and batch {batch} {verdict}", both, {"verdict": np.where(
                    arrived, "the loss stays near " + texts(measured) + " and does not fall "
                    "further; theory: " + texts(floor) + ".",
                    f"{_SETTLE} updates are too few to reach the floor " + texts(floor)
                    + "; the loss is " + texts(losses[..., -1]) + ".")},
                word, np.where(arrived, "warn", "slow")),
            Say("A made-up bowl whose noise is known: its floor is η/B · 1/(2 − η), and rate over "
                "batch is {ratio}. Twice the rate or half the batch doubles it, while η is small.",
                both, {"ratio": rate / batch}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _clouds() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Last points (rates, batches, points, 2), mean losses (rates, batches, t), floors.

    Every point and batch size is a pair of dimensions of one bowl, so one descent runs all."""
    n = 2 * _POINTS
    noise, each = np.repeat(1 / np.sqrt(_BATCHES), n), cast(Any, _RATES)
    bowl = NoisyBowl(np.ones(noise.size), noise)
    run = descend(bowl, np.full(noise.size, 2.0), SGD(), sch.Constant(each), _SETTLE)
    assert run.weights is not None
    w = run.weights.reshape(_RATES.size, _SETTLE + 1, _BATCHES.size, _POINTS, 2)
    losses = 0.5 * (w**2).sum(axis=-1).mean(axis=-1)
    floors = [NoisyBowl([1, 1], 1 / np.sqrt(batch)).floor(_RATES) for batch in _BATCHES]
    return w[:, -1].copy(), losses.swapaxes(1, 2), np.stack(floors, axis=1)


@lru_cache(maxsize=2)
def _noise_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["cloud", "loss"], columns, height=380, ratios=(1, 1.15))
        ax = axes["cloud"]
        ax.set_box_aspect(1)
        ax.set_xlim(-4, 4)
        ax.set_ylim(-4, 4)
        named(ax, f"{_POINTS} runs after {_SETTLE} updates", "$w_1$", "$w_2$")
        ax.plot(0, 0, "+", color=light("ink"), ms=9, mew=1.4)
        note(ax, "dashed: where theory expects them", (0.03, 0.98))
        ax = axes["loss"]
        ax.set_xlim(0, _SETTLE)
        ax.set_yscale("log")
        ax.set_ylim(5e-5, 30)
        log_ticks(ax.yaxis)
        named(ax, "mean loss (dashed: the floor)", "update", "loss")
        return Stage.of(fig)


# ---- when to drop ------------------------------------------------------------------------------

_T, _EVERY, _SOON = 1000, 5, 30
_DROPS = np.arange(0, _T + 1, 10)
_ETA = 0.5


def drop_time() -> Scene:
    """Drop the rate to a tenth, sooner or later: the loss soon after, and at the end.

    Exact expected loss on a bowl with one steep, noisy direction and one flat one, 1000 updates.
    The last position never drops.
    """
    losses, soon, end = _drops()
    t = np.arange(0, _T + 1, _EVERY)
    before = losses[np.arange(_DROPS.size), _DROPS]
    best, never = int(end.argmin()), float(end[-1])
    said = [
        f"dropping at update {at} takes the loss from {number(b)} to {number(s)} within {_SOON} "
        f"updates, and it ends at {number(e)}; never dropping ends at {number(never)}."
        for at, b, s, e in zip(_DROPS, before, soon, end, strict=True)
    ]
    said[-1] = f"the rate never drops, and the loss ends at {number(never)}, the noise floor."
    late = _DROPS[best] + 40 < _DROPS
    early = end > 1.3 * end.min()
    badge = np.where(late, "late", np.where(early, "too early", "well timed"))
    badge[-1] = "never"
    tone = np.where(badge == "well timed", "good", np.where(badge == "too early", "bad", "warn"))
    drop = ("drop",)
    texts_ = [str(at) for at in _DROPS[:-1]] + ["never"]
    return Scene(
        _drop_stage(2),
        narrow=_drop_stage(1),
        name="drop time",
        alt="Loss against update for one drop of the rate, and what each drop time gives.",
        controls=[Slider("drop", "drop at update", _DROPS, 20, texts_)],
        actors=[
            VLine("when", "loss", _DROPS.astype(float), by=drop, color="vermilion", dash=(5, 3)),
            Path("loss", "loss", t, losses[:, ::_EVERY], by=drop, width=2.2),
            Marker("end", "loss", float(_T), end, by=drop, color="green", shape="square", size=10),
            Handle("grip", "loss", "drop", 2.0, color="vermilion"),
            Marker("soon here", "each", _DROPS.astype(float), soon, by=drop, shape="ring",
                   color="orange", size=11),
            Marker("end here", "each", _DROPS.astype(float), end, by=drop, shape="square",
                   color="green", size=10),
        ],
        say=[
            Say("{text}", drop, {"text": said}, badge, tone),
            Say(f"Best at the end: a drop at update {_DROPS[best]}, {number(end[best])}. Early "
                "drops look good at once: the noise goes, and so does the speed."),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _drops() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected losses (drops, T + 1), those 30 updates after the drop, and those at the end."""
    bowl = NoisyBowl([1, 0.01], [1, 0])
    rates = [sch.ScheduledDrop(_ETA, 0.1, (at,)).values(_T) for at in _DROPS[:-1]]
    losses = bowl.expected([1, 10], np.stack([*rates, np.full(_T, _ETA)]))
    after = np.minimum(_DROPS + _SOON, _T)
    return losses, losses[np.arange(_DROPS.size), after], losses[:, -1]


@lru_cache(maxsize=2)
def _drop_stage(columns: int) -> Stage:
    _, soon, end = _drops()
    with style():
        fig, axes = panels(["loss", "each"], columns, height=350)
        for ax in axes.values():
            ax.set_xlim(-20, 1030)
            ax.set_yscale("log")
            ax.set_ylim(0.008, 3)
            log_ticks(ax.yaxis, 1, 3)
        named(axes["loss"], "expected loss (drag the drop)", "update", "loss")
        ax = axes["each"]
        named(ax, "what each drop time gives", "drop at update", "loss")
        ax.plot(_DROPS[:-1], soon[:-1], color=light("orange"), lw=2, ls=(0, (5, 2)))
        ax.plot(_DROPS[:-1], end[:-1], color=light("green"), lw=2)
        ax.axhline(end[-1], color=light("muted"), lw=1, ls=(0, (2, 2)))
        ax.text(1020, end[-1] * 1.08, "never dropping", size=10, color=light("muted"), ha="right")
        ax.annotate(f"{_SOON} updates later", (_DROPS[25], soon[25]), xytext=(7, 4), size=10,
                    textcoords="offset points")  # fmt: skip
        ax.annotate("at the end", (_DROPS[34], end[34]), xytext=(-8, -3), size=10, ha="right",
                    va="top", textcoords="offset points")  # fmt: skip
        return Stage.of(fig)


# ---- the schedule composer ---------------------------------------------------------------------

_UPDATES = 200
_HEIGHTS = np.unique([float(f"{10 ** (k / 30):.2g}") for k in range(-51, 9)])  # 0.02 … 1.8
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
    noisy and a flat direction. Python answers every change. Only OneCycle's last division, by
    10000, has no place in the picture; it stands in the formula.
    """
    names = list(_FAMILIES)
    if family not in names:
        raise ValueError(
            f"schedule_composer: family = {family!r}, expected one of {', '.join(names)}"
        )
    updates = {name: [f"{n} updates" for n in values] for name, values in
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
        Choice("family", "family", names, names.index(family), sets=sets, **ask),
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


def _compose(family: str, **values: Any) -> tuple[list[Actor], list[Say]]:
    n = _Numbers(*(values[name].item() for name in _Numbers.__dataclass_fields__))
    kind = _FAMILIES[family]
    schedule = kind.make(n)
    bowl = NoisyBowl([1, 0.02], [1, 0])
    eta = schedule.values(_UPDATES)
    losses, constant = bowl.expected([3, 6], np.stack([eta, np.full(_UPDATES, n.rate)]))
    t = np.arange(_UPDATES)
    ends = f"the loss ends at {number(losses[-1])}"
    if family == "constant":
        badge, tone = "constant", "plain"
    else:
        better = losses[-1] < constant[-1]
        badge, tone = ("beats constant", "good") if better else ("behind constant", "warn")
        ends += f"; a constant rate of {n.rate:g} ends at {number(constant[-1])}"
    actors: list[Actor] = [
        Path("eta", "eta", t, eta, width=2.2),
        Path("constant loss", "loss", np.arange(_UPDATES + 1), constant, color="muted",
             dash=(5, 3), exits=False),
        Path("loss", "loss", np.arange(_UPDATES + 1), losses, width=2.2),
        Marker("end", "loss", float(_UPDATES), losses[-1], color="blue"),
        *(Handle(name, "eta", x, y, color="vermilion") for name, x, y in kind.points(n)),
    ]  # fmt: skip
    sums = f"Ση = {number(eta.sum())} and Ση² = {number((eta**2).sum())}"
    say = [
        Say(f"{sums} over {_UPDATES} updates; {ends}.", (), {}, badge, tone),
        Say("{formula}.", (), {"formula": formula(schedule)}, room=_LONGEST_FORMULA, large=True),
        Say(_meaning(kind), room=_LONGEST_MEANING),
    ]
    return actors, say


def _meaning(kind: _Family) -> str:
    return "; ".join(f"{name}: {what}" for name, what in kind.numbers.items()) + "."


_LONGEST_FORMULA = formula(sch.WarmupCosine(0.35, 45, 175, 0.1225))
_LONGEST_MEANING = max(map(_meaning, _FAMILIES.values()), key=len)


@lru_cache(maxsize=2)
def _composer_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["eta", "loss"], columns, height=340)
        for ax in axes.values():
            ax.set_xlim(0, _UPDATES + 3)
        ax = axes["eta"]
        ax.set_ylim(0, 2)
        named(ax, "learning rate (drag the points)", "update", "learning rate")
        ax = axes["loss"]
        ax.set_yscale("log")
        ax.set_ylim(0.02, 8)
        log_ticks(ax.yaxis, 1, 3)
        named(ax, "expected loss on a noisy bowl", "update", "loss")
        note(ax, "dashed: constant at the peak rate", (0.97, 0.97), ha="right")
        return Stage.of(fig)


# ---- growing the batch -------------------------------------------------------------------------

_GROWTH = np.array([2.0, 4.0, 8.0])
_EPOCHS = 12


def batch_growth() -> Scene:
    """Decay the rate, or grow the batch by as much: linear regression on diabetes.

    12 epochs from rate 0.01 and batch 2; twice, after 4 and 8 epochs, the rate is divided, or the
    batch multiplied, by the same factor. Means of 10 seeds, full training loss above its minimum.
    """
    epochs = np.arange(_EPOCHS + 1)
    excess, updates = _growth()  # (factor, which, epochs + 1), (factor, which, epochs + 1)
    x = np.stack([np.broadcast_to(epochs, updates.shape).astype(float), updates])
    y = np.stack([excess, excess])
    by = ("axis", "factor")
    here = ("axis", "factor", "epoch")
    ratio = excess[:, 1] / excess[:, 0]
    said = [
        [
            f"after epoch {e}, {number(excess[f, 0, e])} above the minimum with a smaller rate "
            f"and {number(excess[f, 1, e])} with a larger batch; a ratio of {ratio[f, e]:.2f}."
            for e in epochs
        ]
        for f in range(_GROWTH.size)
    ]
    cost = [
        f"Updates in {_EPOCHS} epochs: {100 * u[0, -1]:.0f} with the smaller rate, "
        f"{100 * u[1, -1]:.0f} with the larger batch."
        for u in updates
    ]
    looks: list[tuple[str, str, tuple[float, ...]]] = [
        ("rate divided", "blue", ()), ("batch multiplied", "vermilion", (7, 4))]  # fmt: skip
    actors: list[Actor] = []
    for k, (name, color, dash) in enumerate(looks):
        actors += [
            Path(name, "loss", x[:, :, k], y[:, :, k], by=by, color=color, dash=dash, width=2.2,
                 exits=False),
            Marker(f"{name} now", "loss", x[:, :, k], y[:, :, k], by=here, color=color,
                   shape=("dot", "square")[k], size=10),
        ]  # fmt: skip
    same = np.abs(np.log(ratio)) < 0.15
    return Scene(
        _growth_stage(2),
        narrow=_growth_stage(1),
        name="batch growth",
        alt="Loss above its minimum, with the rate divided and with the batch multiplied.",
        controls=[
            Slider("factor", "factor, twice", _GROWTH, 1, [f"{g:g}×" for g in _GROWTH]),
            Steps("epoch", "epoch", epochs, -1, [str(e) for e in epochs], rate=4),
            Choice("axis", "along", ["epochs", "hundreds of updates"]),
        ],
        actors=actors,
        say=[
            Say("{text}", ("factor", "epoch"), {"text": said},
                np.where(same, "alike", "apart"), np.where(same, "good", "warn")),
            Say("{cost}", ("factor",), {"cost": cost}),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _growth() -> tuple[np.ndarray, np.ndarray]:
    """Loss above the minimum (factors, 2, epochs + 1), and hundreds of updates so far."""
    data, seeds = diabetes(), list(range(10))
    net = linear(10, bias=False, dtype=np.float64)
    lowest = LeastSquares(data.x_train, data.y_train).min_value
    third, runs = _EPOCHS // 3, len(seeds)

    def phases(rates: Any, batches: list[int], repeats: int) -> tuple[np.ndarray, np.ndarray]:
        w0, losses, count = np.zeros(net.P), [], [0.0]
        for phase, (rate, batch) in enumerate(zip(rates, batches, strict=True)):
            each = [100 * phase + s for s in seeds] * repeats
            run = train(net, data, SGD(), rate, third, batch, each, w0=w0)
            w0 = run.final
            assert run.train_loss is not None
            assert run.per_epoch is not None
            losses.append(run.train_loss[:, (phase > 0) :])
            count += [count[-1] + run.per_epoch * (e + 1) for e in range(third)]
        mean = np.concatenate(losses, axis=1).reshape(repeats, runs, -1).mean(axis=1) - lowest
        return mean, np.array(count) / 100

    excess = np.empty((_GROWTH.size, 2, _EPOCHS + 1))
    updates = np.empty_like(excess)
    growth: Any = np.repeat(_GROWTH, runs)
    divided = [sch.Constant(0.01 / growth**phase) for phase in range(3)]
    excess[:, 0], updates[:, 0] = phases(divided, [2, 2, 2], _GROWTH.size)
    for k, factor in enumerate(_GROWTH.tolist()):
        grown = [round(2 * factor**phase) for phase in range(3)]
        excess[k, 1:], updates[k, 1] = phases([0.01] * 3, grown, 1)
    return excess, updates


@lru_cache(maxsize=2)
def _growth_stage(columns: int) -> Stage:
    with style():
        fig, axes = panels(["loss"], columns, height=340)
        ax = axes["loss"]
        ax.set_xlim(0, 28)
        ax.set_yscale("log")
        ax.set_ylim(5e-4, 0.3)
        log_ticks(ax.yaxis, 1, 3)
        named(ax, "training loss above its minimum", "epochs, or hundreds of updates", "loss")
        note(ax, "solid, dot: rate divided\ndashed, square: batch multiplied", (0.97, 0.95),
             ha="right")  # fmt: skip
        return Stage.of(fig)
