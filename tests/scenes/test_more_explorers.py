"""Sixteen explorers: their arrays are the library's numbers, and their sentences say them."""

import json
import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from lrlesson.base.notation import plain
from lrlesson.data import diabetes, digits
from lrlesson.losses import LeastSquares, NoisyBowl, Quadratic, TwoWells
from lrlesson.network import linear, net_a, net_b, net_c
from lrlesson.optimizers import SGD, Adam
from lrlesson.scenes import Scene, explorers, number
from lrlesson.schedules import (
    WSD,
    Constant,
    Cosine,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PolynomialDecay,
    ScheduledDrop,
    StepDecay,
    Triangular,
    Warmup,
    WarmupCosine,
)
from lrlesson.sharpness import sharpness
from lrlesson.training import descend, range_test, sweep, train

NAMES = [name for name in explorers.__all__ if name not in ("race", "rate_dial")]


@cache
def made(name: str) -> Scene:
    return getattr(explorers, name)()


def row(scene: Scene, actor: str, key: str = "y") -> np.ndarray:
    spec = next(spec for spec in scene.spec["actors"] if spec["name"] == actor)
    return scene.row(spec[key])


def near(scene: Scene, actor: str, on: str, x: object, y: object, rtol: float = 1e-5) -> None:
    """The actor's row stands where matplotlib puts the points x, y of these axes."""
    u, v = scene._stage.fractions(on, np.asarray(x, float), np.asarray(y, float))
    for key, want in (("x", u), ("y", v)):
        got = row(scene, actor, key)
        want = np.broadcast_to(np.atleast_1d(want), got.shape)
        kept = np.isfinite(want) & (np.abs(want - 0.5) < 199)
        np.testing.assert_allclose(got[kept], want[kept], rtol=rtol, atol=1e-5)
        assert np.isnan(got[~kept]).all()


LONG = ("batch_growth", "edge_of_stability", "optimizer_race", "range_test_picker", "warmup_map")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in NAMES]
)
def test_it_fits_and_is_the_same_each_time(name: str):
    scene = made(name)
    assert scene.payload < 1_000_000
    assert scene.payload == len(json.dumps(scene.spec, ensure_ascii=False).encode()) + len(
        scene.data
    )
    assert len(scene.spec["stages"]) == 2
    again = getattr(explorers, name)()
    assert repr(again) == repr(scene)
    assert again._stage is scene._stage
    assert again.data == scene.data
    assert all(control["label"] for control in scene.spec["controls"])
    assert scene.spec["alt"].endswith(".")
    for sentence in scene.sentences:
        assert not re.search(r"\bnan\b|\binf\b|(?<!\^)\{|None|array", sentence)


@pytest.mark.parametrize(("w", "rate"), [(0, 0), (14, 20), (16, 45), (8, 30)])
def test_one_step(w: int, rate: int):
    scene = made("one_step")
    scene.w, scene.rate = w, rate
    start, eta = scene.value("w"), scene.value("rate")
    run = descend(Quadratic([2.0]), [start], SGD(), eta, 20)
    path = run.weights[0, :, 0]
    near(scene, "path", "ahead", np.arange(21), path)
    near(scene, "next", "curve", path[1], run.losses[0, 1])
    slope = number(2 * start)
    slope = f"({slope})" if start < 0 else slope
    assert f"{number(start)} − {number(eta)} × {slope} = {number(path[1])}." in scene.verdict
    assert f"{number(abs(path[1] - start))} long" in scene.sentences[1]
    factor = 1 - 2 * eta
    if start:
        word = "slow" if factor > 0.9 else "converges" if factor > 0 else "diverges"
        assert scene.verdict.startswith(word)
    else:
        assert scene.verdict.startswith("at rest")
    assert ("lies outside the frame" in scene.verdict) == (abs(path[1]) > 5)
    scene.step = 3  # the button has made three steps
    assert f"= {number(path[4])}." in scene.verdict
    near(scene, "ball", "curve", path[3], run.losses[0, 3])
    scene.step = 0
    assert not any(control["ask"] for control in scene.spec["controls"])


def test_one_step_tells_its_limits_only_if_asked():
    assert made("one_step").spec["controls"][1]["marks"] == []
    told = explorers.one_step(marks=True).spec["controls"][1]
    assert [mark["label"] for mark in told["marks"]] == ["1/λ", "2/λ"]
    for mark, rate in zip(told["marks"], ("0.500", "1.00"), strict=True):
        assert told["text"][round(mark["at"] * (told["n"] - 1))] == rate


def test_one_step_by_hand():
    scene = made("one_step")
    scene.w, scene.rate = 14, 20
    assert "3.00 − 0.100 × 6.00 = 2.40." in scene.verdict


@pytest.mark.parametrize("rate", [0, 9, 16])
@pytest.mark.parametrize("batch", [0, 3, 6])
def test_noise_and_batch(rate: int, batch: int):
    scene = made("noise_and_batch")
    scene.rate, scene.batch, scene.update = rate, batch, 0
    eta, size = scene.value("rate"), int(scene.value("batch"))
    bowl = NoisyBowl([1, 1], 1 / np.sqrt(size))
    assert np.isclose(bowl.floor(eta), eta / (2 - eta) / size)
    assert f"theory says {number(bowl.floor(eta))}." in scene.verdict
    assert scene.verdict.startswith("watch: 40 runs start")
    _, v = scene._stage.fractions("loss", np.array(0.0), np.array(bowl.floor(eta)))
    np.testing.assert_allclose(row(scene, "floor"), v, rtol=1e-5)
    scene.update = 60
    settled = (1 - eta) ** 60 < 0.01
    told = float(re.search(r"is now ([\d.]+);", scene.verdict)[1])
    assert scene.verdict.startswith("rattles") or not settled
    if settled:  # 40 runs: their mean is near the exact floor
        assert 0.5 < told / bowl.floor(eta) < 1.7
    expected = bowl.expected([2, 2], np.full(3, eta))
    _, v = scene._stage.fractions("loss", np.zeros(4), expected)
    np.testing.assert_allclose(row(scene, "mean loss")[:4], v, atol=0.08)
    # The same cloud as one descent at that batch size.
    noisy = NoisyBowl(np.ones(80), np.full(80, 1 / np.sqrt(size)))
    w = descend(noisy, np.full(80, 2.0), SGD(), eta, 60).weights[0, -1].reshape(40, 2)
    assert told == float(number(0.5 * (w**2).sum(axis=1).mean(), 2))
    u, v = scene._stage.fractions("cloud", w[1:, 0], w[1:, 1])
    np.testing.assert_allclose(row(scene, "cloud runs", "x"), u, atol=2e-4)
    np.testing.assert_allclose(row(scene, "cloud runs", "y"), v, atol=2e-4)


@pytest.mark.parametrize("drop", [0, 50, 99, 100])
def test_drop_time(drop: int):
    scene = made("drop_time")
    scene.drop = drop
    at = int(scene.value("drop"))
    eta = ScheduledDrop(0.5, 0.1, (at,)) if drop < 100 else Constant(0.5)
    losses = NoisyBowl([1, 0.01], [1, 0]).expected([1, 10], eta.values(1000))
    near(scene, "loss", "loss", np.arange(0, 1001, 5), losses[::5])
    near(scene, "end here", "each", at, losses[-1])
    near(scene, "soon here", "each", at, losses[min(1000, at + 30)])
    assert f"ends at {number(losses[-1])}" in scene.verdict
    assert scene.verdict.split(":")[0] == {0: "too early", 50: "well timed", 99: "late",
                                           100: "never"}.get(drop)  # fmt: skip


def test_drop_times_are_those_of_lesson_05():
    """Thirty updates later .313 .085 .023 .019, in the end .130 .043 .0148 .0130."""
    scene = made("drop_time")
    for drop, soon, end in ((5, 0.313, 0.130), (20, 0.085, 0.043), (50, 0.023, 0.0148),
                            (80, 0.019, 0.0130)):  # fmt: skip
        scene.drop = drop
        found = re.search(r"to ([\d.]+) within 30 updates, and it ends at ([\d.]+)", scene.verdict)
        np.testing.assert_allclose([float(found[1]), float(found[2])], [soon, end], rtol=0.06)


NUMBERS = ["rate", "warmup", "hold", "length", "factor", "floor", "power"]
COMPOSED: dict[str, Any] = {  # the schedule that the numbers make, and where its points stand
    "constant": (lambda n: Constant(n["rate"]), lambda n: {(0, n["rate"])}),
    "step": (
        lambda n: StepDecay(n["rate"], n["factor"], n["length"]),
        lambda n: {(0, n["rate"]), (n["length"], n["rate"] * n["factor"])},
    ),
    "exponential": (
        lambda n: ExponentialDecay(n["rate"], n["factor"], n["length"]),
        lambda n: {(0, n["rate"]), (n["length"], n["rate"] * n["factor"])},
    ),
    "inverse time": (
        lambda n: InverseTimeDecay(n["rate"], float(f"{1 / n['length']:.3g}")),
        lambda n: {(0, n["rate"]), (n["length"], n["rate"] / 2)},
    ),
    "polynomial": (
        lambda n: PolynomialDecay(n["rate"], n["length"], n["power"], n["end"]),
        lambda n: {(0, n["rate"]), (n["length"], n["end"]),
                   (n["length"] / 2, n["end"] + (n["rate"] - n["end"]) / 2 ** n["power"])},
    ),
    "cosine": (
        lambda n: Cosine(n["rate"], n["length"], n["end"]),
        lambda n: {(0, n["rate"]), (n["length"], n["end"])},
    ),
    "warmup + cosine": (
        lambda n: WarmupCosine(n["rate"], n["warmup"], n["warmup"] + n["length"], n["end"]),
        lambda n: {(n["warmup"] - 1, n["rate"]), (n["warmup"] + n["length"], n["end"])},
    ),
    "trapezoid": (
        lambda n: WSD(n["rate"], n["warmup"], n["hold"], n["length"], n["end"]),
        lambda n: {(n["warmup"] - 1, n["rate"]), (n["warmup"] + n["hold"], n["rate"]),
                   (n["warmup"] + n["hold"] + n["length"], n["end"])},
    ),
    "triangle": (
        lambda n: Triangular(n["end"], n["rate"], n["length"]),
        lambda n: {(n["length"], n["rate"]), (0, n["end"])},
    ),
    "one cycle": (
        lambda n: OneCycle(n["rate"], n["warmup"] + n["length"],
                           n["warmup"] / (n["warmup"] + n["length"]), round(1 / n["factor"], 4)),
        lambda n: {(n["warmup"] - 1, n["rate"]), (0, n["rate"] * n["factor"]),
                   (n["warmup"] + n["length"] - 1, 0)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", COMPOSED)
def test_schedule_composer(family: str):
    """Each family at its own start, and at the ends of every number that it has."""
    scene = explorers.schedule_composer(family)
    schedule, points = COMPOSED[family]
    sliders = {c.name: c for c in scene._controls}
    mine = [name for name in NUMBERS
            if scene._controls[0].values.index(family) in
            sliders[name].when.get("family", range(99))]  # fmt: skip
    for places in (scene.position[1:], *(
            [[0, c.n // 2, c.n - 1][(k + j) % 3] for j, c in enumerate(scene._controls[1:])]
            for k in range(3))):  # fmt: skip
        with scene.hold_trait_notifications():  # one question for all of them
            for control, place in zip(scene._controls[1:], places, strict=True):
                setattr(scene, control.name, place)
        n = {name: float(scene.value(name)) for name in NUMBERS}
        n["end"] = n["rate"] * n["floor"]
        eta = schedule(n).values(200)
        losses = NoisyBowl([1, 0.02], [1, 0]).expected([3, 6], eta)
        near(scene, "eta", "eta", np.arange(200), eta)
        near(scene, "loss", "loss", np.arange(201), losses)
        sums = next(spec for spec in scene.spec["actors"] if spec["name"] == "sums")
        assert scene.row(sums["text"]) == f"Ση = {number(eta.sum())}"
        assert scene.row(sums["note"]) == f"Ση² = {number((eta**2).sum())}"
        assert f"ends at {number(losses[-1])}" in scene.verdict
        assert scene.sentences[1] == f"{plain(schedule(n)._repr_latex_())}."
        handles = [spec for spec in scene.spec["actors"] if spec["kind"] == "handle"]
        at = np.sort([[scene.row(h[axis])[0] for axis in "xy"] for h in handles], axis=0)
        want = np.array(list(points(n)), float)
        want = np.sort(np.column_stack(scene._stage.fractions("eta", *want.T)), axis=0)
        np.testing.assert_allclose(at, want, atol=1e-4)
        pulled = {scene._controls[k].name for h in handles for k, _ in h["pulls"]}
        dragged = set(mine) - ({"floor"} if family == "one cycle" else set())
        assert pulled == dragged  # every number of the family has its point


def test_the_composer_opens_with_what_lesson_04_introduces():
    scene = made("schedule_composer")
    assert scene.value("family") == "exponential"
    assert scene.sentences[1] == "η(t) = 0.5 · 0.5^{t/50}."
    scene.family, scene.length = 1, 5
    assert scene.sentences[1] == "η(t) = 0.5 · 0.5^{⌊t/30⌋}."
    with pytest.raises(ValueError, match=r"family = 'sine', expected one of constant, step, exp"):
        explorers.schedule_composer("sine")


@pytest.mark.parametrize(("swap", "plan", "peak"), [(0, 0, 0), (0, 1, 3), (1, 2, 2), (1, 0, 3)])
def test_two_wells(swap: int, plan: int, peak: int):
    scene = made("two_wells")
    scene.swap, scene.plan, scene.peak, scene.step = swap, plan, peak, 0
    assert scene.verdict.startswith("watch: 40 runs start in the narrow well. How many")
    well = TwoWells(*((0.5, 1.5), (1.5, 0.8))[swap], noise=0.1)
    if plan == 0:
        rate = [0.3, 0.8, 1.5, 4.0][peak] * well.threshold[0]
        run = descend(well, [well.wells[0]], SGD(), Constant(rate), 600, list(range(40)))
        for step in (1, 120):
            scene.step, t = step, 5 * step
            w, loss = run.weights[:, t, 0], run.losses[:, t]
            gone = w > -1
            u, v = scene._stage.fractions("curve", w[:12], loss[:12])
            np.testing.assert_allclose(row(scene, "inside", "x"), u, atol=1e-5)
            inside, outside = row(scene, "inside"), row(scene, "outside")
            np.testing.assert_allclose(np.where(np.isnan(inside), outside, inside), v, atol=1e-5)
            assert np.isnan(inside[gone[:12]]).all()  # in another colour, once past the rim
            said = f"{gone.sum()} of 40 runs are out of the narrow well after {t} updates"
            assert said in scene.verdict
            assert f"mean loss is {number(loss.mean(), 2)}," in scene.verdict
    _, v = scene._stage.fractions("curve", np.array(0.0), well(np.linspace(-4, 4, 161)[:, None]))
    np.testing.assert_allclose(row(scene, "floor"), v, rtol=1e-5)
    assert scene.row(scene.spec["actors"][1]["text"]).endswith(f"{well.threshold[0]:.2f}")


def test_large_rates_leave_the_narrow_well_good_or_bad():
    """In both cases, and small rates do not."""
    scene = made("two_wells")
    scene.step = 120
    for swap in (0, 1):
        for plan in (0, 1, 2):
            for peak, word in ((0, "stays"), (1, "stays"), (3, "escapes")):
                scene.swap, scene.plan, scene.peak = swap, plan, peak
                assert scene.verdict.startswith(word), scene.verdict
        assert ("better off" in scene.verdict) == (swap == 0)


@pytest.mark.slow
@pytest.mark.parametrize(("warmup", "peak"), [(0, 0), (3, 4), (5, 7), (0, 7)])
def test_warmup_map(warmup: int, peak: int):
    scene = made("warmup_map")
    scene.warmup, scene.peak = warmup, peak
    ramp, top = int(scene.value("warmup")), float(scene.value("peak"))
    run = train(net_b(), digits(), SGD(), Warmup(top, ramp), 10, 32, list(range(5)))
    failures = int((run.spiked | run.diverged).sum())
    if failures:
        assert scene.verdict.startswith("breaks")
        assert f"{failures} of 5 starts break" in scene.verdict
    else:
        assert scene.verdict.startswith("trains")
        assert f"loss of {number(np.median(run.train_loss[:, -1]))}." in scene.verdict
    shown = np.arange(0, 121, 2)
    for k in range(5):
        losses = run.losses[k, shown].astype(float)
        fits = losses < 60
        _, v = scene._stage.fractions("loss", shown[fits], losses[fits])
        np.testing.assert_allclose(row(scene, f"loss {k}")[fits], v, rtol=1e-4, atol=1e-5)
    near(scene, "rate", "rate", shown, Warmup(top, ramp).values(420)[shown])
    cells = next(spec for spec in scene.spec["actors"] if spec["name"] == "cells")
    at = cells["text"][warmup * 8 + peak]
    assert at == (f"{failures} ✕" if failures else number(np.median(run.train_loss[:, -1]), 2))


@pytest.mark.slow
def test_warmup_lets_the_peak_rise():
    """More with 50 updates of warmup than without."""
    scene = made("warmup_map")
    scene.all = 1
    bare, twenty, fifty = (
        float(re.search(rf"{with_} ([\d.]+)", scene.verdict)[1])
        for with_ in ("Without warmup", "20 updates it is", "50 it is")
    )
    assert bare < twenty <= fifty


@pytest.mark.parametrize("step", [0, 11, 199])
def test_effective_rates(step: int):
    scene = made("effective_rates")
    scene.rule, scene.step, scene.rate = 2, step, 4 + step % 4
    eta = scene.value("rate")
    lengths = {}
    for corrected in (0, 1):
        scene.corrected = corrected
        rule = Adam(bias_correction=bool(corrected))
        w = np.zeros(3)
        state = rule.init(w)
        for _ in range(step + 1):
            moved, w_old = rule.step(w, np.array([10.0, 1.0, 0.1]), state, eta), w
            w = moved
        lengths[corrected] = (abs(w - w_old) / eta)[1]
        for k in range(3):
            near(scene, f"rate {k}", "gain", state.rate[k] / eta, float(k), rtol=1e-4)
        assert f"10 has the rate {number(state.rate[0] / eta)} η" in scene.verdict
        assert f"moves {number(lengths[corrected], 4)} η" in scene.verdict
    scene.corrected = 0
    assert f"{number(lengths[0] / lengths[1], 4)} × as long" in scene.verdict
    assert ("not yet used" in scene.verdict) == (step < 9)
    visits = np.arange(10, 201, 20)
    rule = Adam(bias_correction=False)
    w, state, rare = np.zeros(1), rule.init(np.zeros(1)), []
    for t in range(1, 201):
        moved = rule.step(w, np.array([float(t in visits)]), state, eta)
        rare.append(abs(moved - w)[0] / eta)
        w = moved
    drawn = row(scene, "length 4")[visits - 1]
    height = 4.32 - 0.62 * np.minimum(rare, 2)[visits - 1] / 2
    _, v = scene._stage.fractions("moves", visits.astype(float), height)
    np.testing.assert_allclose(drawn, v, rtol=1e-4)
    if step in (0, 11):
        np.testing.assert_allclose(lengths[0], {0: 3.162, 11: 6.569}[step], rtol=1e-3)


def test_effective_rates_open_with_the_rule_that_is_asked_for():
    scene = explorers.effective_rates("AdaGrad")
    assert scene.value("rule") == "AdaGrad"
    assert scene.value("rate") == 0.01
    assert made("effective_rates").value("rule") == "Adam"
    with pytest.raises(ValueError, match="rule = 'SGD', expected one of AdaGrad, RMSprop, Adam"):
        explorers.effective_rates("SGD")


@pytest.mark.slow
def test_range_test_picker():
    scene = made("range_test_picker")
    test = range_test(net_a(), digits(), SGD())
    low = test.at_minimum[0]
    ok = np.isfinite(test.smoothed[0])
    at = np.interp(np.log(0.1), np.log(test.lr[ok]), test.smoothed[0, ok])
    scene.pick = 4
    near(scene, "grip", "test", 0.1, at, rtol=1e-4)  # on the curve
    scene.pick = 0
    assert scene.pick == 0
    assert f"{number(low / 0.0215443469, 2)} times below the rate of the smallest" in scene.verdict
    last = scene._controls[0].n - 1
    for pick in (0, last // 2, last):
        scene.pick = pick
        run = sweep(net_a(), digits(), SGD(), scene.value("pick"), 2, 32, list(range(12)))
        ends = np.sort(np.where(run.diverged, np.nan, run.train_loss[:, -1]))
        fine = np.isfinite(ends)
        _, v = scene._stage.fractions("ends", np.arange(12), np.where(fine, ends, 1))
        np.testing.assert_allclose(row(scene, "outcomes")[fine], v[fine], rtol=1e-4, atol=1e-5)
        broke = int((~fine).sum())
        assert (f"{broke} of 12 trainings break" if broke else "all 12 trainings hold") in (
            scene.verdict
        )
        useless = bool((ends[fine] > np.log(10)).any())
        assert scene.verdict.startswith("too high") == (bool(broke) or useless)
    assert scene.verdict.startswith("too high")


@pytest.mark.parametrize("position", [0, 16, 24, 32])
def test_live_net_trained_at_every_rate(position: int):
    scene = made("live_net")
    scene.rate, scene.train, scene.kept = position, 3, [[8, 1], [9, 2], [position, 3]]
    run = sweep(net_a(), digits(), SGD(), scene.value("rate"), 3, 32)
    assert scene.verdict.startswith(f"guess 3 of 6: rate {number(scene.value('rate'))} ")
    assert row(scene, "whole curve", "passed") == 0
    said = scene.row(
        next(spec for spec in scene.spec["actors"] if spec["kind"] == "sprites")["said"]
    )
    assert said.count("–") in ((0, 12) if run.diverged[0] else (0,))
    if run.diverged[0]:
        assert "breaks: the loss is not a number" in scene.verdict
        assert np.isnan(row(scene, "guess")[0])
        assert np.isfinite(row(scene, "broke", "x")[0])
    else:
        assert f"ends at the loss {number(run.train_loss[0, -1])}." in scene.verdict
        near(scene, "training", "run", np.arange(126), run.losses[0].astype(float))
        near(scene, "guess", "ends", scene.value("rate"), run.train_loss[0, -1])
    scene.train, scene.kept = 6, [[0, k] for k in range(1, 6)] + [[position, 6]]
    curve = row(scene, "whole curve")
    assert row(scene, "whole curve", "passed") == curve.size == 27  # the last one is broken
    if not run.diverged[0]:
        _, v = scene._stage.fractions("ends", np.ones(1), run.train_loss[:1, -1])
        np.testing.assert_allclose(curve[position], v[0], rtol=1e-5)
    lowest = scene.spec["controls"][0]["text"][int(np.nanargmax(curve))]  # y runs downwards
    assert f"The whole curve is lowest at rate {lowest}" in scene.sentences[1]


@pytest.mark.slow
def test_batch_growth():
    scene = made("batch_growth")
    scene.factor, scene.epoch, scene.axis = 1, 12, 0
    data = diabetes()
    net = linear(10, bias=False, dtype=np.float64)
    lowest = LeastSquares(data.x_train, data.y_train).min_value
    w = np.zeros(net.P)
    for phase, batch in enumerate((2, 8, 32)):
        seeds = [100 * phase + s for s in range(10)]
        run = train(net, data, SGD(), 0.01, 4, batch, seeds, w0=w)
        w = run.final
    end = run.train_loss[:, -1].mean() - lowest
    assert f"and {number(end)} with a larger batch" in scene.verdict
    near(scene, "batch multiplied now", "loss", 12, end)
    assert "2652 with the smaller rate, 1156 with" in scene.sentences[1]
    assert abs(float(re.search(r"ratio of (\d\.\d+)", scene.verdict)[1]) - 1) < 0.1
    scene.axis = 1  # an epoch of batch 2 is as long as before; the larger batch needs 1156 of 2652
    near(scene, "batch multiplied now", "loss", 12 * 1156 / 2652, end)
    scene.epoch = 4
    assert "ratio of 1.00" in scene.verdict
    scene.epoch = 0
    assert scene.verdict.startswith("watch: two plans start alike")


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0, 3])
def test_edge_of_stability(rate: int):
    scene = made("edge_of_stability")
    scene.rate = rate
    net, data = net_c(), digits().first(200)
    eta = float(scene.value("rate"))
    run = train(net, data, SGD(), eta, 401, None, evaluate_every=400, keep_weights=True)
    measured = row(scene, "share")
    for k, update in ((0, 0), (40, 1)):  # 40: after 400 updates
        sharp = sharpness(net, run.weights[0, update], data)
        _, v = scene._stage.fractions("sharpness", np.array(0), np.array(sharp * eta / 2))
        assert abs(measured[k] - v) < 0.01
        scene.update = k
        (told,) = re.findall(r"(\d+) % of (?:it|2/η)", scene.verdict)
        assert abs(int(told) - 100 * sharp * eta / 2) < 1  # 0.5 for rounding, the rest as above
        assert f"2/η = {number(2 / eta)}" in scene.verdict
    _, v = scene._stage.fractions("loss", np.arange(400), run.losses[0, :400])
    np.testing.assert_allclose(row(scene, "loss")[:400], v, rtol=1e-4, atol=1e-5)
    raised = int((np.diff(run.losses[0]) > 0).sum())
    assert f" {raised} of 400 updates raised" in scene.verdict or f" {raised} updates raised" in (
        scene.verdict
    )


@pytest.mark.slow
def test_the_edge_is_at_2_over_the_rate():
    """At η = 0.3 the sharpness reaches 6.67 and stays."""
    scene = made("edge_of_stability")
    scene.rate = 2
    for update in (80, 105, 120, 160):  # after 800, 1250, 2000 and 4000 updates
        scene.update = update
        share = float(re.search(r"2/η = 6.67, now (\d+) % of it", scene.verdict)[1])
        assert 95 < share < 106
        assert scene.verdict.startswith("at the edge")
    scene.update = 5
    assert scene.verdict.startswith("sharpening")


@pytest.mark.parametrize(
    ("share", "place"),
    [(3, (4, 0, 10, 120)), (9, (0, 18, 80, 0)), (13, (2, 7, 0, 160)), (16, (6, 9, 0, 160))],
)
def test_conditioning(share: int, place: tuple):
    scene = made("conditioning")
    scene.share = share
    scene.condition, scene.angle, scene.x, scene.y = place
    condition, angle, x, y = (float(scene.value(n)) for n in ("condition", "angle", "x", "y"))
    bowl = Quadratic.conditioned(condition, rotation=np.deg2rad(angle))
    rate = scene.value("share") * 2 / condition
    run = descend(bowl, [x, y], SGD(), rate, 60)
    inside = np.abs(run.weights[0]).max(axis=1) < 10
    for axis, values in zip("xy", run.weights[0].T, strict=True):
        want = scene._stage.fractions("bowl", values, values)[axis == "y"]
        np.testing.assert_allclose(row(scene, "path", axis)[inside], want[inside], atol=1e-4)
        np.testing.assert_array_equal(row(scene, "steps", axis), row(scene, "path", axis))
    along = np.deg2rad(angle) + np.array([0, np.pi / 2])
    for name, turn in zip(("flat", "steep"), along, strict=True):
        left = run.weights[0] @ [np.cos(turn), np.sin(turn)]
        if abs(left[0]) > 0.1:
            _, v = scene._stage.fractions(name, np.zeros(61), left / left[0])
            seen = np.abs(v) < 100
            np.testing.assert_allclose(row(scene, f"{name} left")[seen], v[seen], atol=1e-3)
    assert f"rate {number(rate)} each step takes the flat direction" in scene.verdict
    told = float(re.search(r"flat direction ([\d.]+) %", scene.verdict)[1])
    assert abs(told - 100 * rate) < 0.6
    word = "diverges" if share > 13 else "never settles" if share == 13 else "slow|converges"
    assert re.match(word, scene.verdict)
    assert not any(control["ask"] for control in scene.spec["controls"])


@pytest.mark.parametrize(("beta", "rate"), [(0, 0), (5, 20), (12, 28), (10, 24)])
def test_momentum_plane(beta: int, rate: int):
    scene = made("momentum_plane")
    scene.beta, scene.rate = beta, rate
    momentum, eta = float(scene.value("beta")), scene.value("rate")
    run = descend(Quadratic([1, 20]), [-4, 2], SGD(momentum=momentum), eta, 400)
    near(scene, "path", "bowl", *run.weights[0, :61].T)
    assert f"stable below {number(2 * (1 + momentum) / 20)}" in scene.verdict
    assert scene.verdict.startswith("diverges") == bool(eta > 2 * (1 + momentum) / 20)
    arrived = np.flatnonzero(~(run.losses[0] <= run.losses[0, 0] / 1000))[-1] + 1
    told = f"takes {arrived} steps" if arrived <= 400 else "more than 400|never gets"
    assert re.search(told, scene.verdict)


@pytest.mark.parametrize("rate", [0, 60, 61, 70])
def test_stability_edge(rate: int):
    scene = made("stability_edge")
    scene.rate = rate
    eta = scene.value("rate")
    eigen = np.array([0.1, 0.25, 0.5, 1, 2, 4, 8, 10])
    factor = 1 - eta * eigen
    _, v = scene._stage.fractions("factors", np.zeros(8), np.maximum(factor, -1.65))
    holds = np.abs(factor) <= 1 + 1e-9
    for name, mine in (("factors", holds), ("too large", ~holds)):
        np.testing.assert_allclose(row(scene, name), np.where(mine, v, np.nan), rtol=1e-5,
                                   atol=1e-6)  # fmt: skip
    decides = int(np.abs(factor).argmax())
    assert f"λ = {eigen[decides]:g}, decides" in scene.verdict
    assert f"multiplies it by {number(factor[decides])}. " in scene.verdict
    assert f"{(~holds).sum()} of 8" in scene.verdict
    run = descend(Quadratic(eigen), np.ones(8), SGD(), eta, 60)
    near(scene, "loss", "loss", np.arange(61), run.losses[0])
    alone = Quadratic([8.0])(run.weights[0, :, 6:7])
    near(scene, "loss 6", "loss", np.arange(61), alone)
    word = {60: "never settles", 0: "converges"}.get(rate, "diverges")
    assert scene.verdict.startswith(word)


@pytest.mark.slow
def test_optimizer_race():
    scene = made("optimizer_race")
    rates = 10 ** (np.arange(-6, 2) / 2)
    run = sweep(net_a(), digits(), SGD(), rates, 2, 32, range(4))
    ends, *others = run.per_rate(np.where(run.diverged, np.nan, run.train_loss[:, -1])).T
    tried = np.mean(others, axis=0)  # by the seeds that choose
    for rate in (0, 4, 7):
        scene.sgd = rate
        u, v = (float(row(scene, "rate of SGD", key)[0]) for key in "xy")
        if np.isfinite(tried[rate]):
            want = scene._stage.fractions("ends", np.array(rates[rate]), np.array(tried[rate]))
            np.testing.assert_allclose((u, v), want, rtol=1e-4)
        else:
            assert 0 < v < 0.16  # in the strip of what broke
            assert "SGD breaks at 3.2." in scene.verdict
    scene.sgd = 2
    assert scene.verdict.startswith("all at 0.01: RMSprop ends lowest")
    assert f"SGD highest, {number(ends[2], 2)} at 0.01." in scene.verdict
    assert f"SGD {rates[np.nanargmin(tried)]:g}, momentum 0.1, AdaGrad 0.1," in scene.verdict
    for control, position in scene.spec["controls"][1]["sets"][0]:
        setattr(scene, scene._controls[control].name, position)
    assert scene.sgd == np.nanargmin(tried)
    assert scene.verdict.startswith("each at its best: RMSprop ends lowest, 0.028 at 0.01; Adam ")
    assert scene.verdict.endswith("for each, on other seeds.")
    scene.adam = 0
    assert scene.verdict.startswith("4 of 5 at their best: ")


def test_predict_regime():
    scene = made("predict_regime")
    words = [None, "slow", "converges", "oscillates", "diverges"]
    scene.kept, right = [], 0
    for k in range(8):
        scene.guess = 0
        scene.round = k
        assert scene.verdict.startswith("predict")
        path = next(spec for spec in scene.spec["actors"] if spec["name"] == "w")
        assert scene.row(path["passed"])[0] == 3
        curvature, rate = map(float, re.findall(r"[λη] = ([\d.]+)", scene.verdict))
        run = descend(Quadratic([curvature]), [1.0], SGD(), rate, 30)
        scene.guess = 1 + k % 4
        assert scene.row(path["passed"])[0] == 31
        w = run.weights[0, :, 0]
        beyond = np.cumsum(np.abs(w) > 1.6) > (np.abs(w) > 1.6)  # after the first point outside
        drawn, want = row(scene, "w"), scene._stage.fractions("w", np.arange(31), w)[1]
        np.testing.assert_allclose(drawn[~beyond], want[~beyond], rtol=1e-5, atol=1e-6)
        assert np.isnan(drawn[beyond]).all()
        truth = re.search("slow|converges|oscillates|diverges", scene.verdict)[0]
        last = abs(run.weights[0, -1, 0])
        assert (truth == "diverges") == (last > 1)
        assert (truth == "slow") == (0.1 <= last <= 1)
        correct = words[1 + k % 4] == truth
        assert scene.verdict.startswith("right" if correct else "not so")
        assert np.isfinite(row(scene, "right", "x")[0]) == correct
        assert np.isfinite(row(scene, "wrong", "x")[0]) != correct
        right += correct
        scene.kept = [*scene.kept, list(scene.position)]
        assert f"Score: {right} of {k + 1} rounds" in scene.sentences[1]
