"""Every schedule is a pure function of the update number, and the algebra keeps it one."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lrlesson import schedules
from lrlesson.base.schedule import Product, Repeat, Scaled, Schedule, Take, Then
from lrlesson.schedules import (
    WSD,
    Constant,
    Cosine,
    CosineRestarts,
    ExponentialDecay,
    ExpRange,
    Geometric,
    InverseSqrt,
    InverseTimeDecay,
    Linear,
    Noam,
    OneCycle,
    PolynomialDecay,
    ScheduledDrop,
    StepDecay,
    Triangular,
    Triangular2,
    Warmup,
    WarmupCosine,
)

settings.register_profile("lrlesson", max_examples=40, deadline=None)
settings.load_profile("lrlesson")

NAMES = {
    k: v for k, v in vars(schedules).items() if isinstance(v, type) and issubclass(v, Schedule)
}

rates = st.floats(1e-6, 10.0)
lengths = st.floats(1.0, 2000.0)
whole = st.integers(1, 500)
factors = st.floats(0.05, 1.0)
times = st.integers(0, 5000)


def ordered(draw):
    return sorted([draw(rates), draw(rates)])


@st.composite
def triangles(draw, cls=Triangular, **more):
    base, top = ordered(draw)
    return cls(base, top, draw(lengths), **{k: draw(v) for k, v in more.items()})


@st.composite
def one_cycles(draw):
    T = draw(st.floats(20, 2000))
    pct = draw(st.floats(0.1, 0.49))
    div, final = draw(st.floats(1, 50)), draw(st.floats(1, 1e4))
    return OneCycle(draw(rates), T, pct, div, final, three_phase=draw(st.booleans()))


@st.composite
def warm_cosines(draw):
    W = draw(st.one_of(st.just(0), lengths))
    return WarmupCosine(draw(rates), W, W + draw(lengths), draw(rates))


milestones = st.lists(whole, min_size=1, max_size=4, unique=True).map(sorted)

ONE_OF_EACH = {
    "Constant": st.builds(Constant, rates, st.one_of(st.none(), lengths)),
    "StepDecay": st.builds(StepDecay, rates, factors, lengths),
    "ScheduledDrop": st.builds(ScheduledDrop, rates, factors, milestones),
    "ExponentialDecay": st.builds(ExponentialDecay, rates, factors, lengths),
    "PolynomialDecay": st.builds(PolynomialDecay, rates, lengths, st.floats(0.2, 5), rates),
    "InverseTimeDecay": st.builds(InverseTimeDecay, rates, st.floats(0, 10)),
    "Warmup": st.builds(Warmup, rates, st.one_of(st.just(0), lengths)),
    "Linear": st.builds(Linear, rates, rates, lengths),
    "Geometric": st.builds(Geometric, rates, rates, lengths),
    "InverseSqrt": st.builds(InverseSqrt, rates, lengths),
    "Noam": st.builds(Noam, st.floats(1, 4096), lengths, st.floats(0.1, 5)),
    "Cosine": st.builds(Cosine, rates, lengths, rates),
    "CosineRestarts": st.builds(CosineRestarts, rates, lengths, st.floats(1, 3), rates),
    "Triangular": triangles(),
    "Triangular2": triangles(Triangular2),
    "ExpRange": triangles(ExpRange, gamma=factors),
    "WarmupCosine": warm_cosines(),
    "WSD": st.builds(WSD, rates, st.one_of(st.just(0), lengths), lengths, lengths, rates),
    "OneCycle": one_cycles(),
}
simple = st.one_of(*ONE_OF_EACH.values())
ending = st.one_of(
    st.builds(Constant, rates, lengths),
    st.builds(Warmup, rates, lengths),
    *(ONE_OF_EACH[k] for k in ("PolynomialDecay", "Linear", "Geometric", "Cosine")),
    *(ONE_OF_EACH[k] for k in ("WarmupCosine", "WSD", "OneCycle")),
)


@st.composite
def composed(draw):
    """Up to three operations of the algebra on top of plain schedules."""
    result = draw(simple)
    for operation in draw(st.lists(st.sampled_from(["then", "scale", "product", "take", "repeat"]),
                                   min_size=1, max_size=3)):  # fmt: skip
        if operation == "scale":
            result = result * draw(rates)
        elif operation == "product":
            result = result * draw(simple)
        elif operation == "take" or result.length is None or result.length == 0:
            result = result.take(draw(lengths))
        elif operation == "then":
            result = result >> draw(simple)
        else:
            result = result.repeat(draw(st.floats(1, 2)))
    return result


any_schedule = st.one_of(simple, composed())


def test_the_list_is_complete():
    """A schedule added to the module without a strategy here would go untested."""
    assert set(NAMES) - {"Schedule"} == set(ONE_OF_EACH)


# --- Values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "t", "rate"),
    [
        (Constant(0.3), 1000, 0.3),
        (StepDecay(0.8, 0.5, 10), 9, 0.8),
        (StepDecay(0.8, 0.5, 10), 10, 0.4),
        (StepDecay(0.8, 0.5, 10), 35, 0.1),
        (ScheduledDrop(1.0, 0.1, [30, 60]), 29, 1.0),
        (ScheduledDrop(1.0, 0.1, [30, 60]), 30, 0.1),
        (ScheduledDrop(1.0, 0.1, [30, 60]), 60, 0.01),
        (ExponentialDecay(1.0, 0.5), 3, 0.125),
        (ExponentialDecay(1.0, 0.25, every=2), 3, 0.125),
        (PolynomialDecay(1.0, 10), 4, 0.6),
        (PolynomialDecay(1.0, 10, power=2), 5, 0.25),
        (PolynomialDecay(1.0, 10, power=2, lr_end=0.2), 5, 0.4),
        (PolynomialDecay(1.0, 10, lr_end=0.2), 99, 0.2),
        (InverseTimeDecay(1.0, 0.5), 2, 0.5),
        (Warmup(0.1, 4), 0, 0.025),
        (Warmup(0.1, 4), 3, 0.1),
        (Warmup(0.1, 4), 100, 0.1),
        (Warmup(0.1, 0), 0, 0.1),
        (Linear(1.0, 3.0, 4), 1, 1.5),
        (Linear(1.0, 3.0, 4), 9, 3.0),
        (Geometric(1e-4, 1.0, 4), 2, 1e-2),
        (InverseSqrt(0.2, 100), 49, 0.1),
        (InverseSqrt(0.2, 100), 99, 0.2),
        (InverseSqrt(0.2, 100), 399, 0.1),
        (Noam(64, 100), 99, 1 / 80),
        (Noam(64, 100, scale=2), 399, 2 / 8 / 20),
        (Cosine(1.0, 4), 1, 0.5 * (1 + np.sqrt(0.5))),
        (Cosine(1.0, 4, 0.2), 2, 0.6),
        (Cosine(1.0, 4, 0.2), 8, 0.2),
        (Cosine(0.0, 4, 1.0), 2, 0.5),
        (CosineRestarts(1.0, 10), 5, 0.5),
        (CosineRestarts(1.0, 10), 10, 1.0),
        (CosineRestarts(1.0, 10, mult=2), 20, 0.5),
        (CosineRestarts(1.0, 10, mult=2), 30, 1.0),
        (CosineRestarts(1.0, 10, mult=2), 50, 0.5),
        (Triangular(0.1, 0.5, 8), 2, 0.2),
        (Triangular(0.1, 0.5, 8), 8, 0.5),
        (Triangular(0.1, 0.5, 8), 14, 0.2),
        (Triangular2(0.1, 0.5, 8), 8 + 16, 0.3),
        (Triangular2(0.1, 0.5, 8), 8 + 32, 0.2),
        (ExpRange(0.1, 0.5, 8, 0.9), 8, 0.1 + 0.4 * 0.9**8),
        (WarmupCosine(0.1, 5, 25), 4, 0.1),
        (WarmupCosine(0.1, 5, 25), 0, 0.02),
        (WarmupCosine(0.1, 5, 25, 0.02), 15, 0.06),
        (WarmupCosine(0.1, 5, 25, 0.02), 99, 0.02),
        (WSD(0.1, 5, 10, 10), 0, 0.02),
        (WSD(0.1, 5, 10, 10), 14, 0.1),
        (WSD(0.1, 5, 10, 10), 20, 0.05),
        (WSD(0.1, 5, 10, 10), 99, 0.0),
        (OneCycle(1.0, 20, 0.25), 0, 0.04),
        (OneCycle(1.0, 20, 0.25), 4, 1.0),
        (OneCycle(1.0, 20, 0.25), 2, 0.52),
        (OneCycle(1.0, 20, 0.25), 11.5, 0.500002),
        (OneCycle(1.0, 20, 0.25), 19, 4e-6),
        (OneCycle(1.0, 20, 0.25), 99, 4e-6),
        (OneCycle(1.0, 20, 0.25, three_phase=True), 8, 0.04),
        (OneCycle(1.0, 20, 0.25, three_phase=True), 6, 0.52),
        (OneCycle(1.0, 20, 0.25, three_phase=True), 13.5, 0.020002),
        (OneCycle(1.0, 20, 0.25, three_phase=True), 19, 4e-6),
    ],
    ids=str,
)
def test_values_computed_by_hand(schedule, t, rate):
    assert schedule(t) == pytest.approx(rate, rel=1e-14, abs=1e-17)


@given(rates, lengths, rates)
def test_starts_at_the_first_rate_and_ends_at_the_last(lr0, T, lr_end):
    for schedule in (
        PolynomialDecay(lr0, T, 2, lr_end),
        Cosine(lr0, T, lr_end),
        Linear(lr0, lr_end, T),
        Geometric(lr0, lr_end, T),
        WarmupCosine(lr0, 0, T, lr_end),
        WSD(lr0, 0, 5, T, lr_end),
    ):
        digits = {"rel": 1e-12, "abs": 1e-14 * max(lr0, lr_end)}
        assert schedule(0) == pytest.approx(lr0, **digits)
        for end in (schedule.length, 3 * schedule.length):
            assert schedule(end) == pytest.approx(lr_end, **digits)


@given(rates, whole)
def test_a_ramp_wastes_no_update_and_ends_at_its_rate(lr0, W):
    eta = Warmup(lr0, W)
    assert eta(0) == lr0 * (1 / W) > 0
    assert eta(W - 1) == eta(W) == eta(W + 1000) == lr0
    for warm in (WarmupCosine(lr0, W, W + 100), WSD(lr0, W, 50, 50)):
        assert warm(0) == pytest.approx(lr0 / W)
        assert warm(W - 1) == pytest.approx(lr0)
        assert warm(W) == pytest.approx(lr0)


@given(one_cycles())
def test_one_cycle_turns_where_pytorch_does(eta):
    p, last, start = eta.pct_start * eta.T - 1, eta.T - 1, eta.max_lr / eta.div_factor
    assert eta(0) == pytest.approx(start)
    assert eta(p) == pytest.approx(eta.max_lr)
    assert eta(last) == eta(eta.T) == pytest.approx(start / eta.final_div_factor)
    if eta.three_phase:
        assert eta(2 * p) == pytest.approx(start)


JUMPS = {"StepDecay", "ScheduledDrop", "CosineRestarts"}


@given(st.one_of(*(ONE_OF_EACH[k] for k in sorted(set(ONE_OF_EACH) - JUMPS))))
def test_continuous_where_the_schedule_is(eta):
    """Along a line of real t, no step is larger than a slope of the finest feature allows."""
    assume(getattr(eta, "power", 1) >= 0.5)
    assume(not isinstance(eta, ExpRange) or eta.gamma > 0.5)
    end = 2 * eta._span()
    grids = [eta(np.linspace(0, end, n)) for n in (8001, 512_001)]
    coarse, fine = (np.abs(np.diff(curve)).max() for curve in grids)
    # A jump stays as large on the finer grid; a slope gives 1/64 of it, a root at an edge 1/8.
    assert fine <= 0.25 * coarse + 1e-12 * grids[0].max()


@pytest.mark.parametrize("power", [1, 0.5, 2])
def test_polynomial_stays_at_its_end(power):
    assert PolynomialDecay(0.1, 50, power, 0.01)([50, 51, 10_000]).tolist() == [0.01] * 3


@given(triangles(), times)
def test_triangular_has_period_two_step_sizes(eta, t):
    eta = Triangular(eta.base_lr, eta.max_lr, round(eta.step_size))
    s = eta.step_size
    assert eta(t + 2 * s) == pytest.approx(eta(t), rel=1e-9)
    assert eta(s) == pytest.approx(eta.max_lr)
    assert eta(2 * s) == eta(0) == eta.base_lr
    assert eta.base_lr <= eta(t) <= eta.max_lr * (1 + 1e-15)


@given(triangles(), st.integers(0, 6))
def test_triangular2_halves_each_cycle(eta, n):
    base, top, s = eta.base_lr, eta.max_lr, round(eta.step_size)
    height = Triangular2(base, top, s)((2 * n + 1) * s) - base
    assert height == pytest.approx((top - base) / 2**n, abs=1e-12)


@given(ONE_OF_EACH["CosineRestarts"], st.integers(1, 6))
def test_each_restart_begins_at_the_full_rate_and_is_mult_times_longer(eta, n):
    eta = CosineRestarts(eta.lr0, round(eta.T0), round(eta.mult), eta.lr_end)
    starts = np.cumsum([0] + [eta.T0 * eta.mult**k for k in range(n)])
    assert eta(starts) == pytest.approx(eta.lr0, rel=1e-9)
    for a, b in pairwise(starts):
        assert eta(0.5 * (a + b)) == pytest.approx(0.5 * (eta.lr0 + eta.lr_end), rel=1e-9)
        assert eta(a + (b - a) * 0.999999) == pytest.approx(eta.lr_end, rel=1e-3, abs=1e-9)


@given(any_schedule, times)
def test_a_rate_is_finite_and_never_negative(eta, t):
    assert 0 <= eta(t) < np.inf


def test_a_long_run_raises_no_warning():
    """Warnings are errors here: an intermediate overflow would fail."""
    t = np.array([0.0, 1e3, 1e6, 1e9])
    for eta in (
        StepDecay(0.1, 0.5, 1),
        ExponentialDecay(0.1, 0.5),
        Triangular2(0.1, 1, 1),
        ExpRange(0.1, 1, 1, 0.5),
        CosineRestarts(0.1, 1),
        CosineRestarts(0.1, 1, 3),
        CosineRestarts(0.1, 1, np.array([1.0, 2.0])),
        Cosine(0.1, 1).repeat(),
        Cosine(0.1, 1).repeat(1.5),
        Noam(512, 1),
    ):
        assert np.isfinite(eta(t)).all()


# --- A pure function --------------------------------------------------------------------------


@given(any_schedule, st.permutations(list(range(0, 400, 13))))
def test_the_order_of_calls_does_not_matter(eta, order):
    curve = eta.values(400)
    assert [eta(t) for t in order] == curve[order].tolist()
    assert eta(order[0]) == eta(order[0]) == curve[order[0]]


@given(any_schedule, st.lists(times, min_size=1, max_size=20))
def test_an_array_gives_what_each_number_gives_bit_for_bit(eta, t):
    together = eta(np.array(t))
    assert together.shape == (len(t),)
    assert together.dtype == np.float64
    assert together.tolist() == [eta(one) for one in t]
    assert eta(np.array([t, t])).tolist() == [together.tolist()] * 2


@given(any_schedule, times)
def test_one_time_gives_a_plain_float(eta, t):
    for one in (t, float(t), np.int64(t), np.float32(t), np.array(t)):
        assert type(eta(one)) is float
        assert eta(one) == eta(t)


def runs_of(eta, n, draw):
    """n schedules of one class that differ in every number, and the one that holds them all."""
    others = [eta] + [draw(ONE_OF_EACH[type(eta).__name__]) for _ in range(n - 1)]
    fields = {}
    for name in eta._kinds:
        values = [getattr(one, name) for one in others]
        plural = isinstance(values[0], float) and None not in values
        fields[name] = values if plural else values[0]
    singles = [{k: v[i] if isinstance(v, list) else v for k, v in fields.items()} for i in range(n)]
    try:
        return type(eta)(**fields), [type(eta)(**one) for one in singles]
    except ValueError:  # OneCycle: the bounds of three phases depend on each other
        return None


@given(st.data(), simple, st.integers(1, 4), st.lists(times, min_size=1, max_size=9))
def test_fields_of_several_runs_equal_each_single_run_bit_for_bit(data, eta, n, t):
    both = runs_of(eta, n, data.draw)
    assume(both is not None)
    many, singles = both
    t = np.array(t)
    if many.runs is None:
        return
    assert many.runs == n
    assert many(t).shape == (n, t.size)
    assert many(t).tolist() == [one(t).tolist() for one in singles]
    assert many(int(t[0])).tolist() == [one(int(t[0])) for one in singles]
    assert many(t.reshape(1, -1)).shape == (n, 1, t.size)
    if many.length is not None:
        assert np.broadcast_to(many.length, n).tolist() == [one.length for one in singles]


@pytest.mark.parametrize(
    "one",
    [
        ScheduledDrop(1.0, 0.05, [1, 2]),
        StepDecay(1.0, 0.05, 1),
        PolynomialDecay(1.0, 20, power=2),
        PolynomialDecay(1.0, 20, power=0.5),
        Noam(907.43, 900),
    ],
    ids=repr,
)
def test_a_power_is_rounded_the_same_for_a_number_a_curve_and_several_runs(one):
    """NumPy squares where an exponent is one number, and computes powers of arrays otherwise."""
    fields = {name: getattr(one, name) for name in one._kinds}
    fields = {k: [v, v, v] if isinstance(v, float) else v for k, v in fields.items()}
    many, curve = type(one)(**fields), one.values(20).tolist()
    assert [one(t) for t in range(20)] == curve
    assert many.values(20).tolist() == [curve] * 3
    assert [many(t).tolist() for t in range(20)] == [[rate] * 3 for rate in curve]


@given(st.data(), st.lists(times, min_size=1, max_size=9), rates)
def test_compositions_of_several_runs_equal_each_single_run_bit_for_bit(data, t, k):
    both = runs_of(Cosine(0.1, 30), 3, data.draw)
    many, singles = both
    tail = Triangular(0.1, 0.3, 7)

    def build(s, factor):
        return [
            Warmup(0.1, 5) >> s >> tail,
            s * factor,
            s * tail,
            s.take(11.5) >> s,
            s.repeat(1.5),
            (s >> s * 0.5).repeat(),
            s.repeat().take(40) >> tail,
        ]

    factors = np.array([k, 2 * k, 3 * k])
    alone = [build(s, f) for s, f in zip(singles, factors, strict=True)]
    for eta, *ones in zip(build(many, factors), *alone, strict=True):
        assert eta.runs == 3
        assert eta(np.array(t)).tolist() == [one(np.array(t)).tolist() for one in ones]


def test_fields_of_different_numbers_of_runs_are_refused():
    with pytest.raises(ValueError, match=r"Cosine: fields of \[2, 3\] runs"):
        Cosine([0.1, 0.2], [10, 20, 30])
    with pytest.raises(ValueError, match=r"runs do not fit"):
        Constant([0.1, 0.2], 5) >> Constant([0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match=r"runs do not fit"):
        Constant([0.1, 0.2]) * np.array([1.0, 2, 3])


def test_an_empty_time_gives_an_empty_curve():
    assert Cosine(0.1, 10)([]).shape == (0,)
    assert Cosine([0.1, 0.2], 10)([]).shape == (2, 0)
    assert Cosine(0.1, 10).values(0).shape == (0,)


def test_values_are_the_rates_of_the_first_updates():
    eta = Cosine(0.1, 10)
    assert eta.values(7).tolist() == [eta(t) for t in range(7)]
    assert Cosine([0.1, 0.2], 10).values(7).shape == (2, 7)
    with pytest.raises(ValueError, match=r"T = 2.5, expected a whole number"):
        eta.values(2.5)


# --- The algebra ------------------------------------------------------------------------------


@given(ending, simple, times)
def test_then_is_a_for_its_length_and_b_from_its_own_zero(a, b, t):
    both = a >> b
    assert both(t) == (a(t) if t < a.length else b(t - a.length))
    assert both(a.length) == b(0)
    assert both.length == (None if b.length is None else a.length + b.length)


@given(ending, ending, simple, times)
def test_then_is_associative(a, b, c, t):
    left, right = (a >> b) >> c, a >> (b >> c)
    joint = a.length + b.length
    assume(abs(t - joint) > 1e-6)  # a length that is not whole may round either way at the seam
    assert left(t) == pytest.approx(right(t), rel=1e-6, abs=1e-9)


@given(simple, simple, rates, times)
def test_multiplying(a, b, k, t):
    assert (a * k)(t) == (k * a)(t) == k * a(t)
    assert (a * b)(t) == a(t) * b(t) == (b * a)(t)
    assert (a * np.float64(k))(t) == (np.float64(k) * a)(t) == k * a(t)
    assert (a * k).length == a.length
    ends = [s.length for s in (a, b) if s.length is not None]
    assert (a * b).length == min(ends, default=None)


def test_an_array_of_factors_makes_runs_from_either_side():
    for eta in (Cosine(1, 10) * np.array([0.1, 0.2]), np.array([0.1, 0.2]) * Cosine(1, 10)):
        assert isinstance(eta, Schedule)
        assert eta(0).tolist() == [0.1, 0.2]


@given(simple, lengths, times)
def test_take_ends_a_schedule_and_stays_flat(a, n, t):
    assert a.take(n)(t) == a(min(t, n))
    assert a.take(n).length == n


@given(ending, st.integers(0, 20), st.floats(0, 0.99))
def test_repeat_begins_again(a, n, share):
    t = (n + share) * a.length
    inside = t - n * a.length
    assume(1e-6 < inside < a.length - 1e-6)
    span = np.abs(a(np.clip([inside - 1e-6, inside + 1e-6], 0, None)) - a(inside)).max()
    assert a.repeat()(t) == pytest.approx(a(inside), rel=1e-6, abs=span + 1e-9)
    assert a.repeat().length is None


@given(st.integers(1, 60), st.integers(1, 4), st.integers(0, 800))
def test_repeat_stretches_each_round(T, m, t):
    a = Linear(0, 1, T)
    start, length = 0, T
    while t >= start + length:
        start, length = start + length, length * m
    assert a.repeat(m)(t) == pytest.approx((t - start) / length, abs=1e-12)


@given(rates, whole, whole, rates, st.lists(times, min_size=1, max_size=30))
def test_a_named_schedule_equals_its_composition_bit_for_bit(lr0, W, T, lr_end, t):
    same(WarmupCosine(lr0, W, W + T, lr_end), Warmup(lr0, W) >> Cosine(lr0, T, lr_end), t)
    same(WarmupCosine(lr0, 0, T, lr_end), Cosine(lr0, T, lr_end), t)
    same(
        WSD(lr0, W, 2 * W, T, lr_end),
        Warmup(lr0, W) >> Constant(lr0, 2 * W) >> Linear(lr0, lr_end, T),
        t,
    )
    same(CosineRestarts(lr0, T, 1, lr_end), Cosine(lr0, T, lr_end).repeat(), t)
    same(CosineRestarts(lr0, T, 2, lr_end), Cosine(lr0, T, lr_end).repeat(2), t)
    same(Geometric(lr0, lr0, T), Constant(lr0), t)


def same(named, composition, t):
    assert named(np.array(t)).tolist() == composition(np.array(t)).tolist()
    assert named.length == composition.length or named.length is None or composition.length is None


@given(rates, st.floats(0, 99), st.floats(0, 99), lengths, rates, st.floats(0, 500))
def test_a_named_schedule_equals_its_composition_for_lengths_that_are_not_whole(
    lr0, W, S, T, lr_end, t
):
    t = [t, W, max(W - 0.5, 0), max(W - 1, 0), W + S, W + T]
    close(WarmupCosine(lr0, W, W + T, lr_end), Warmup(lr0, W) >> Cosine(lr0, T, lr_end), t)
    stable = Warmup(lr0, W) >> Constant(lr0, S) if S else Warmup(lr0, W)
    close(WSD(lr0, W, S, T, lr_end), stable >> Linear(lr0, lr_end, T), t)


@given(rates, rates, whole, st.lists(times, min_size=1, max_size=30))
def test_close_relatives(a, b, n, t):
    low, high = sorted([a, b])
    up_and_down = Linear(low, high, n) >> Linear(high, low, n)
    close(Triangular(low, high, n), up_and_down.repeat(), t)
    close(Noam(64, n, 2.0), InverseSqrt(2 / 8 / np.sqrt(n), n), t)
    close(PolynomialDecay(a, n, 1, b), Linear(a, b, n), t)
    close(ExponentialDecay(a, 0.9, n), Geometric(a, a * 0.9, n).take(1e9), [min(x, n) for x in t])
    close(StepDecay(1, 0.5, n), ScheduledDrop(1, 0.5, [n, 2 * n, 3 * n]), [x % (4 * n) for x in t])
    close(ExpRange(low, high, n, 1.0), Triangular(low, high, n), t)


def close(named, composition, t):
    np.testing.assert_allclose(named(t), composition(t), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("schedule", "length"),
    [
        (Constant(0.1), None),
        (Constant(0.1, 5), 5),
        (StepDecay(0.1, 0.5, 10), None),
        (Warmup(0.1, 5), 5),
        (Linear(0.1, 0, 5), 5),
        (Geometric(0.1, 1, 5), 5),
        (Cosine(0.1, 5), 5),
        (PolynomialDecay(0.1, 5), 5),
        (CosineRestarts(0.1, 5), None),
        (Triangular(0.1, 1, 5), None),
        (WarmupCosine(0.1, 5, 20), 20),
        (WSD(0.1, 5, 10, 20), 35),
        (OneCycle(0.1, 50), 50),
        (Warmup(0.1, 5) >> Constant(0.1), None),
        (Warmup(0.1, 5) >> Cosine(0.1, 5.5), 10.5),
        (Constant(0.1) * Cosine(1, 7), 7),
    ],
    ids=str,
)
def test_length(schedule, length):
    assert schedule.length == length


def test_what_has_no_length_cannot_be_followed_or_repeated():
    with pytest.raises(ValueError, match=r"a = StepDecay\(.*\) has no length.*a\.take\(100\)"):
        StepDecay(0.1, 0.5, 10) >> Constant(0.1)
    with pytest.raises(ValueError, match=r"StepDecay\(.*\) has no length"):
        StepDecay(0.1, 0.5, 10).repeat()
    with pytest.raises(ValueError, match=r"length"):
        Warmup(0.1, 0).repeat()
    with pytest.raises(TypeError):
        Constant(0.1, 5) >> 0.1


# --- Bad input --------------------------------------------------------------------------------

nan, inf = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-0.1), "Constant: lr = -0.1, expected a learning rate: a finite number"),
        (lambda: Constant(nan), "Constant: lr = nan"),
        (lambda: Constant(inf), "Constant: lr = inf"),
        (lambda: Constant(0.1, 0), "Constant: T = 0, expected a number of updates greater than 0"),
        (lambda: Cosine(0.1, 0), "Cosine: T = 0, expected a number of updates greater than 0"),
        (lambda: Cosine(0.1, -5), "Cosine: T = -5"),
        (lambda: Cosine(0.1, 5, -1), "Cosine: lr_end = -1"),
        (lambda: StepDecay(0.1, 0, 5), "StepDecay: drop = 0, expected a factor greater than 0"),
        (lambda: StepDecay(0.1, 2, 5), "StepDecay: drop = 2"),
        (lambda: StepDecay(0.1, 0.5, 0), "StepDecay: every = 0"),
        (lambda: ScheduledDrop(1, 0.1, []), "ScheduledDrop: at = [], expected one or more"),
        (lambda: ScheduledDrop(1, 0.1, [5, 5]), "ScheduledDrop: at = [5, 5]"),
        (lambda: ScheduledDrop(1, 0.1, [9, 5]), "ScheduledDrop: at = [9, 5]"),
        (lambda: ScheduledDrop(1, 0.1, [-1, 5]), "ScheduledDrop: at = [-1, 5]"),
        (lambda: ScheduledDrop(1, 0.1, 5), "ScheduledDrop: at = 5"),
        (lambda: ExponentialDecay(1, 1.1), "ExponentialDecay: gamma = 1.1"),
        (lambda: PolynomialDecay(1, 10, 0), "PolynomialDecay: power = 0"),
        (lambda: InverseTimeDecay(1, -1), "InverseTimeDecay: k = -1"),
        (lambda: Warmup(1, -1), "Warmup: W = -1, expected a number of updates, at least 0"),
        (lambda: Geometric(0, 1, 5), "Geometric: start = 0, expected a finite number greater"),
        (lambda: InverseSqrt(1, 0), "InverseSqrt: W = 0"),
        (lambda: Noam(0, 5), "Noam: d_model = 0"),
        (lambda: CosineRestarts(1, 5, 0.5), "CosineRestarts: mult = 0.5, expected a factor of at"),
        (lambda: Triangular(1, 0.5, 5), "Triangular: base_lr = 1, expected at most max_lr = 0.5"),
        (lambda: ExpRange(0.1, 0.5, 5, 0), "ExpRange: gamma = 0"),
        (lambda: WarmupCosine(1, 9, 9), "WarmupCosine: W = 9, expected fewer updates than T = 9"),
        (lambda: WSD(1, 9, 9, 0), "WSD: decay = 0"),
        (lambda: OneCycle(1, 6), "OneCycle: T = 6, expected at least 2 / pct_start = 6.66"),
        (lambda: OneCycle(1, 100, 1), "OneCycle: pct_start = 1, expected a number from 0 up to"),
        (lambda: OneCycle(1, 20, 0.55, three_phase=True), "OneCycle: pct_start = 0.55, expected"),
        (lambda: Constant(0.1) * -1, "Scaled: factor = -1"),
        (lambda: Constant(0.1).take(0), "Take: n = 0"),
        (lambda: Cosine(0.1, 9).repeat(0.5), "Repeat: mult = 0.5"),
        (lambda: Constant(0.1)(-1), "Constant: t = -1, expected update numbers: finite and at"),
        (lambda: Constant(0.1)(nan), "Constant: t = nan"),
        (lambda: Constant(0.1)([0, inf]), "Constant: t = [0, inf]"),
        (lambda: Cosine([0.1, -1], 9), "Cosine: lr0 = [0.1, -1], expected a learning rate"),
        (lambda: Cosine([[0.1]], 9), "Cosine: lr0 = [[0.1]]"),
        (lambda: Cosine([], 9), "Cosine: lr0 = []"),
        (lambda: schedules.updates(-1, 100, 10), "updates: epochs = -1"),
        (lambda: schedules.updates(1, 100, 101), "updates: batch = 101, expected at most"),
        (lambda: schedules.updates(1, 100, 2.5), "updates: batch = 2.5, expected a whole number"),
        (lambda: schedules.epochs(-1, 100, 10), "epochs: updates = -1"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant("fast"), "Constant: lr = 'fast', expected a learning rate"),
        (lambda: Constant(None), "Constant: lr = None"),
        (lambda: Constant(True), "Constant: lr = True"),
        (lambda: OneCycle(1, 99, three_phase=1), "OneCycle: three_phase = 1, expected True or"),
        (lambda: Constant(["a"]), "Constant: lr = ['a']"),
        (lambda: Constant([True]), "Constant: lr = [True]"),
        (lambda: Constant(1j), "Constant: lr = 1j"),
        (lambda: Cosine(0.1, None), "Cosine: T = None"),
        (lambda: Constant(0.1)("now"), "Constant: t = 'now'"),
        (lambda: Constant(0.1)(None), "Constant: t = None"),
        (lambda: Constant(0.1)(True), "Constant: t = True"),
        (lambda: Constant(0.1) * "fast", "Scaled: factor = 'fast'"),
        (lambda: schedules.updates(1, 100, None), "updates: batch = None"),
    ],
)
def test_a_wrong_type_is_refused_by_name(make, message):
    with pytest.raises(TypeError, match="^" + re.escape(message)):
        make()


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(ValueError, match=r"Constant: lr = \[.{70,80}\.\.\., expected") as caught:
        Constant([-1.0] * 1000)
    assert len(str(caught.value)) < 250


# --- Objects ----------------------------------------------------------------------------------


@given(any_schedule)
def test_a_schedule_cannot_be_changed(eta):
    for name in eta._kinds:
        with pytest.raises(AttributeError):
            setattr(eta, name, 1)
        with pytest.raises(AttributeError):
            delattr(eta, name)


def test_an_array_field_is_a_copy_and_read_only():
    mine = np.array([0.1, 0.2])
    eta = Constant(mine)
    mine[0] = 99
    assert eta(0).tolist() == [0.1, 0.2]
    with pytest.raises(ValueError, match="read-only"):
        eta.lr[0] = 99
    curve = eta(np.arange(3))
    curve[:] = 0  # a curve is the caller's own
    assert eta(0).tolist() == [0.1, 0.2]


@given(any_schedule)
def test_repr_evaluates_to_an_equal_schedule_of_equal_hash(eta):
    twin = eval(repr(eta), dict(NAMES))
    assert twin == eta
    assert hash(twin) == hash(eta)
    assert repr(twin) == repr(eta)
    assert twin.values(50).tolist() == eta.values(50).tolist()


def test_equality_means_the_same_class_and_the_same_numbers():
    assert Cosine(0.1, 80) == Cosine(0.1, 80.0) == Cosine(lr0=0.1, T=80, lr_end=0)
    assert Cosine(0.1, 80) != Cosine(0.1, 81)
    assert Cosine(0.1, 80) != Linear(0.1, 0, 80)
    assert Cosine([0.1, 0.2], 80) == Cosine((0.1, 0.2), 80)
    assert Cosine([0.1, 0.2], 80) != Cosine([0.1, 0.3], 80)
    assert Cosine([0.1, 0.1], 80) != Cosine(0.1, 80)
    assert Cosine(0.1, 80) != "Cosine(lr0=0.1, T=80)"
    assert len({Cosine(0.1, 80), Cosine(0.1, 80), Cosine([0.1, 0.2], 80)}) == 2
    assert hash(Constant([0.0])) == hash(Constant([-0.0]))  # equal, so of equal hash


def test_repr_is_short_and_reads_like_what_was_typed():
    assert repr(Cosine(0.1, 80)) == "Cosine(lr0=0.1, T=80)"
    assert repr(Warmup(0.1, 20) >> Cosine(0.1, 80)) == (
        "Warmup(lr0=0.1, W=20) >> Cosine(lr0=0.1, T=80)"
    )
    assert repr(Cosine([0.1, 0.2], 80)) == "Cosine(lr0=[0.1, 0.2], T=80)"
    assert repr(Constant(np.arange(1, 10))) == "Constant(lr=[1, …, 9])"
    a, b, c = Constant(1, 1), Constant(2, 2), Constant(3, 3)
    assert repr(a >> (b >> c)) == f"{a} >> ({b} >> {c})"
    assert repr((a >> b) * 2) == f"({a} >> {b}) * 2"
    assert repr(a >> b * 2) == f"{a} >> {b} * 2"
    assert repr(a * (b * c)) == f"{a} * ({b} * {c})"
    assert repr((a * 2).take(5)) == f"({a} * 2).take(5)"
    assert repr((a >> b).repeat(2)) == f"({a} >> {b}).repeat(mult=2)"
    assert repr(a.repeat().take(3.5)) == f"{a}.repeat().take(3.5)"


def test_fields_can_be_given_by_name_and_unknown_ones_are_errors():
    with pytest.raises(TypeError, match="unexpected keyword"):
        Cosine(0.1, 80, warmup=5)
    with pytest.raises(TypeError, match="missing"):
        Cosine(0.1)


# --- What a notebook shows --------------------------------------------------------------------


def numbers_in(latex):
    """The numbers of a formula, 10^{-5} and 2\\cdot 10^{-5} read as such."""
    latex = re.sub(r"\\frac12|\\tfrac12", "", latex)
    found = set()
    for mantissa, power in re.findall(r"\{?(-?\d[\d.]*(?=\\cdot 10\^))?(?:\\cdot )?10\^\{(-?\d+)\}",
                                      latex):  # fmt: skip
        found.add(float(f"{mantissa or 1}e{power}"))
    found |= {float(x) for x in re.findall(r"(?<![\w^.])\d+\.?\d*", latex)}
    return found


EXAMPLES = [
    Constant(0.25),
    StepDecay(0.75, 0.125, 33),
    ScheduledDrop(0.75, 0.125, [31, 67]),
    ExponentialDecay(0.75, 0.875, 33),
    PolynomialDecay(0.75, 33, 3, 0.0625),
    InverseTimeDecay(0.75, 0.125),
    Warmup(0.75, 33),
    Linear(0.75, 0.125, 33),
    Geometric(0.75, 0.125, 33),
    InverseSqrt(0.75, 33),
    Noam(77, 33, 5),
    Cosine(0.75, 33, 0.125),
    CosineRestarts(0.75, 33, 3, 0.125),
    Triangular(0.125, 0.75, 33),
    Triangular2(0.125, 0.75, 33),
    ExpRange(0.125, 0.75, 33, 0.875),
    WarmupCosine(0.75, 33, 77, 0.125),
    WSD(0.75, 33, 44, 55, 0.125),
    OneCycle(0.75, 77, 0.375, 11, 13),
]


@pytest.mark.parametrize("eta", EXAMPLES, ids=lambda eta: type(eta).__name__)
def test_the_formula_holds_the_schedules_own_numbers_and_no_symbol_is_left(eta):
    latex = eta._repr_latex_()
    assert latex.startswith("$") and latex.endswith("$")  # noqa: PT018
    fields = [getattr(eta, name) for name in eta._kinds]
    mine = {
        x for v in fields if not isinstance(v, bool | str | None) for x in np.atleast_1d(v).tolist()
    }
    assert mine <= numbers_in(latex), latex
    words = r"\\(begin|end)\{cases\}|\\text\{until\}|\\[A-Za-z]+"
    rest = re.sub(words, " ", latex.replace(r"\eta(t)", ""))
    assert set(re.findall(r"[A-Za-z]+(?:_[A-Za-z0-9]+)?", rest)) <= {"t", "n", "t_n", "T_n", "k"}


@given(any_schedule)
def test_the_formula_has_balanced_brackets(eta):
    latex = eta._repr_latex_()
    for a, b in ("{}", "()"):
        assert latex.count(a) == latex.count(b)
    assert latex.count(r"\left(") == latex.count(r"\right)")
    assert latex.count(r"\begin{cases}") == latex.count(r"\end{cases}")
    assert "NaN" not in latex
    assert "nan" not in latex


def test_the_formula_of_a_composition_puts_in_its_own_time():
    latex = (Warmup(0.1, 20) >> Cosine(0.3, 80))._repr_latex_()
    assert r"\min((t - {20}), {80})" in latex  # the cosine counts from its own 0
    assert r"& t < {20}" in latex
    assert r"& t \ge {20}" in latex
    assert r"\min(t, {7})" in ExponentialDecay(0.1, 0.5).take(7)._repr_latex_()
    assert r"(t \bmod {80})" in Cosine(0.1, 80).repeat()._repr_latex_()
    assert r"\tau" in Cosine(0.1, 80).repeat(2)._repr_latex_()
    assert r"{2} \cdot \left(" in (Cosine(0.1, 80) * 2)._repr_latex_()
    inner = (Constant(0.5, 3) >> Warmup(0.1, 20) >> Cosine(0.3, 80))._repr_latex_()
    assert r"(t - {23})" in inner


def test_every_place_of_t_is_substituted():
    """A part that still says t where it should say t − 20 would be the formula of another curve."""
    for eta in EXAMPLES:
        inner = eta._latex("(t - {20})").replace("(t - {20})", "")
        inner = re.sub(r"\\[A-Za-z]+|t_n|t_\{n\+1\}", " ", inner)
        assert not re.search(r"(?<![A-Za-z])t(?![A-Za-z])", inner), eta


def test_small_numbers_are_written_as_powers_of_ten():
    assert "10^{-5}" in Constant(1e-5)._repr_latex_()
    assert r"2.5\cdot 10^{-7}" in Constant(2.5e-7)._repr_latex_()
    assert r"\{0.1, 0.2\}" in Constant([0.1, 0.2])._repr_latex_()


@given(any_schedule)
def test_html_has_the_formula_the_call_and_a_labelled_curve(eta):
    shown = eta._repr_html_()
    assert re.search(r'<svg role="img" aria-label="[^"]*learning rate[^"]*"', shown)
    points = re.findall(r'points="([^"]+)"', shown)
    assert points
    for x, y in (p.split(",") for line in points for p in line.split()):
        assert 0 <= float(x) <= 260
        assert 0 <= float(y) <= 90
    import xml.etree.ElementTree as ET

    ET.fromstring(shown)  # every tag closed, every < and & of the formula escaped


def test_the_curve_of_several_runs_has_several_lines():
    assert Cosine([0.1, 0.2, 0.3], 50)._repr_html_().count("<polyline") == 3


# --- Epochs and updates -----------------------------------------------------------------------


@given(st.integers(0, 100), st.integers(1, 10_000), st.integers(1, 500), st.booleans())
def test_epochs_and_updates_are_inverse(n, examples, batch, drop_last):
    assume(batch <= examples or not drop_last)
    steps = schedules.updates(n, examples, batch, drop_last)
    assert steps == int(steps)
    assert schedules.epochs(steps, examples, batch, drop_last) == pytest.approx(n)
    in_one = examples // batch if drop_last else -(-examples // batch)
    assert steps == n * in_one


# --- A schedule of one's own ------------------------------------------------------------------


class Sawtooth(Schedule):
    r"""$\eta_0 \cdot (1 - t/T \bmod 1)$

    Falls to 0 in T updates and jumps back.
    """

    lr0: schedules.Rate
    T: schedules.Updates

    def eta(self, t):
        return self.lr0 * (1 - t / self.T % 1)


def test_a_schedule_takes_fields_and_a_formula_and_nothing_else():
    eta = Sawtooth(0.5, 10)
    assert eta(5) == 0.25
    assert Sawtooth([0.5, 1.0], 10)([0, 5]).tolist() == [[0.5, 0.25], [1.0, 0.5]]
    assert repr(Warmup(0.1, 5) >> eta) == "Warmup(lr0=0.1, W=5) >> Sawtooth(lr0=0.5, T=10)"
    assert "{0.5}" in eta._repr_latex_()
    assert "<svg" in eta._repr_html_()
    with pytest.raises(ValueError, match="Sawtooth: T = 0"):
        Sawtooth(0.5, 0)


def test_a_schedule_without_a_formula_says_so():
    class Empty(Schedule):
        lr0: schedules.Rate

    with pytest.raises(TypeError, match="Empty has no formula"):
        Empty(0.1)(0)


def test_the_classes_of_the_algebra_are_schedules_too():
    for kind in (Then, Scaled, Product, Take, Repeat):
        assert issubclass(kind, Schedule)
