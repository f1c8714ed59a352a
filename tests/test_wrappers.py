"""Rules around rules, rules for matrices, and rules that find their own rate."""

import copy
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import lrlesson
from lrlesson import (
    MLP,
    SGD,
    Adam,
    AdamW,
    Averaged,
    BadBatch,
    Clipped,
    DoG,
    DoWG,
    LayerRates,
    LeastSquares,
    Linear,
    Lion,
    Muon,
    Prodigy,
    Quadratic,
    ScheduleFree,
    Stored,
    bfloat16,
    descend,
    diabetes,
    digits,
    net_a,
    orthogonalised,
    train,
)

NET = MLP((2, 3, 1), dtype=np.float64)  # 13 weights
AROUND = [
    Clipped(SGD(momentum=0.9), 0.5),
    Clipped(Adam(weight_decay=0.1), 0.5, "value"),
    Clipped(ScheduleFree(SGD())),
    LayerRates(AdamW(), NET, (0.1, 2)),
    LayerRates(SGD(momentum=0.5, rate_inside=True), NET, (1, 0.5)),
    Averaged(SGD(), 0.9),
    Averaged(Adam(), None, since=2),
    Averaged(Clipped(Lion(), 2.0)),
    Stored(SGD(momentum=0.9)),
    Stored(Adam(), "float16"),
    Stored(AdamW(), "stochastic", seed=3),
    BadBatch(Adam(), at=2),
    ScheduleFree(Clipped(SGD())),
]
ALONE = [
    Muon(NET),
    Muon(NET, 0.5, 1.0, weight_decay=0.1, decoupled=True),
    DoG(),
    DoG(0.01, weighted=True, weight_decay=0.1),
    DoWG(),
    Prodigy(),
    Prodigy(0.5, 0.9, d0=1e-3, bias_correction=False, weight_decay=0.1, decoupled=True),
]
every_rule = pytest.mark.parametrize("rule", [*AROUND, *ALONE], ids=repr)


def walk(rule, w, grads, lrs):
    """The weights after every update, those to evaluate, and the last state."""
    state, path, shown = rule.init(w), [w], []
    for gradient, lr in zip(grads, lrs, strict=True):
        path.append(rule.step(path[-1], gradient, state, lr))
        shown.append(rule.weights(path[-1], state))
    return path, shown, state


def problem(dtype=float, runs=3, steps=7):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(runs, NET.P)).astype(dtype)
    grads = rng.normal(size=(steps, runs, NET.P)).astype(dtype)
    return w, grads, rng.uniform(0.01, 0.5, (steps, runs, 1))


# --- What holds for all of them ---------------------------------------------------------------


@every_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_runs_together_equal_each_run_alone_bit_for_bit(rule, dtype):
    w, grads, lrs = problem(dtype)
    together, shown, state = walk(rule, w, grads, lrs)
    assert {a.dtype for a in [*together, *shown]} == {np.dtype(dtype)}
    for r in range(len(w)):
        alone, its, one = walk(rule, w[[r]], grads[:, [r]], lrs[:, [r]])
        np.testing.assert_array_equal([p[[r]] for p in together], alone)
        np.testing.assert_array_equal([p[[r]] for p in shown], its)
        np.testing.assert_array_equal(state.rate[[r]], one.rate)


@every_rule
def test_the_callers_arrays_are_left_alone_and_the_state_keeps_none_of_them(rule):
    w, grads, lrs = problem()
    clean, _, _ = walk(rule, w, grads, lrs)
    state, mine = rule.init(w), w.copy()
    for gradient, lr, wanted in zip(grads.copy(), lrs, clean[1:], strict=True):
        given = mine.copy(), gradient.copy()
        new = rule.step(mine, gradient, state, lr)
        np.testing.assert_array_equal(new, wanted)
        assert np.array_equal(mine, given[0])
        assert np.array_equal(gradient, given[1])
        mine[:], gradient[:] = np.nan, np.nan
        mine = new.copy()
        new[:] = np.nan


@every_rule
def test_a_rule_is_immutable_shows_itself_and_can_be_written_again(rule):
    names = {name: getattr(lrlesson, name) for name in lrlesson.__all__ if name != "self_test"}
    twin = eval(repr(rule), names | {"np": np})
    assert twin == rule
    assert hash(twin) == hash(rule)
    for name in rule._kinds:
        with pytest.raises(AttributeError):
            setattr(rule, name, 0.5)
    page = ET.fromstring(rule._repr_html_())
    assert page.find(".//code").text == repr(rule)
    assert rule._repr_latex_() in "".join(page.itertext())


@every_rule
def test_the_state_counts_updates_knows_the_rate_and_which_weights_were_used(rule):
    w = np.ones((1, NET.P))
    state, gradient = rule.init(w), np.zeros((1, NET.P))
    gradient[0, 0] = 1.0
    assert np.isnan(state.rate).all()
    for t, lr in enumerate([0.1, 0.2, 0.3]):
        assert state.t == t
        w = rule.step(w, gradient, state, lr)
        assert state.lr == lr
    assert state.t == 3
    assert state.rate.shape == w.shape
    assert state.rate[0, 0] > 0
    if "weight_decay" not in repr(rule) or rule.decoupled:
        assert np.isnan(state.rate[0, 1:]).all()


@pytest.mark.parametrize("rule", [r for r in [*AROUND, *ALONE] if "rate_inside" not in repr(r)])
def test_a_rate_of_zero_moves_nothing(rule):
    w, grads, lrs = problem()
    w = np.round(4 * w) / 4  # exact in few bits
    path, _, _ = walk(rule, w, grads, 0 * lrs)
    np.testing.assert_array_equal(path[-1], w)


@pytest.mark.parametrize("rule", ALONE, ids=repr)
def test_an_update_is_gain_times_drive(rule):
    w, grads, _ = problem()
    state, lr = rule.init(w), 0.3
    for gradient in grads:
        before = copy.deepcopy(state)
        after = rule.step(w, gradient, state, lr)
        decay = rule.weight_decay
        if hasattr(before, "away"):
            before.away = before.start - w
        before.lr = lr
        coupled = decay and not rule.decoupled
        drive, gain = rule.update(gradient + decay * w if coupled else gradient, before)
        kept = 1 - rule.decay_rate(state) * decay if decay and rule.decoupled else 1.0
        np.testing.assert_array_equal(after, kept * w - lr * gain * drive)
        np.testing.assert_array_equal(state.rate, lr * (gain + np.zeros_like(w)))
        w = after


def test_a_rule_for_a_run_refuses_weights_of_another_shape():
    for rule in [Clipped(SGD()), DoG(), Prodigy(), Muon(NET), LayerRates(SGD(), NET, (1, 1))]:
        for shape in [(), (2, 3, NET.P)]:
            with pytest.raises(ValueError, match=rf"{type(rule).__name__}: w has shape"):
                rule.init(np.ones(shape))
    for rule in [Muon(NET), LayerRates(SGD(), NET, (1, 1))]:
        with pytest.raises(ValueError, match=r"w has shape \(2, 12\), expected \(13,\) or \(runs"):
            rule.init(np.ones((2, 12)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Clipped(SGD(), 0), "Clipped: limit = 0, expected a finite number greater than 0"),
        (lambda: Clipped(SGD(), by="length"), "Clipped: by = 'length', expected one of 'norm', 'v"),
        (lambda: Clipped(SGD(), weight_decay=1), "Clipped: weight_decay = 1, expected 0 here: set"),
        (lambda: Clipped(SGD(), decoupled=True), "Clipped: decoupled = True, expected False here"),
        (lambda: LayerRates(SGD(), NET, (1,)), "LayerRates: factors = (1.0,), expected 2 numbers"),
        (lambda: LayerRates(SGD(), NET, (1, -1)), "LayerRates: factors = -1, expected a finite"),
        (lambda: Averaged(SGD(), 1), "Averaged: beta = 1, expected a number from 0"),
        (lambda: Averaged(Averaged(SGD())), "Averaged: base = Averaged"),
        (lambda: Averaged(SGD(), since=-1), "Averaged: since = -1, expected a whole number"),
        (lambda: Stored(SGD(), "int8"), "Stored: how = 'int8', expected one of 'bfloat16', 'floa"),
        (lambda: BadBatch(SGD(), 1.5), "BadBatch: at = 1.5, expected a whole number"),
        (lambda: Muon(NET, 1), "Muon: momentum = 1, expected a number from 0"),
        (lambda: Muon(NET, share=0), "Muon: share = 0, expected a finite number greater than 0"),
        (lambda: DoG(0), "DoG: r0 = 0, expected a finite number greater than 0"),
        (lambda: Prodigy(d0=0), "Prodigy: d0 = 0, expected a finite number greater than 0"),
        (lambda: orthogonalised(np.ones(3)), "orthogonalised: matrix = array([1., 1., 1.]), expe"),
        (lambda: orthogonalised(np.eye(2), -1), "orthogonalised: steps = -1, expected a whole nu"),
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        make()


# --- Clipping ---------------------------------------------------------------------------------


def test_clipping_by_norm_keeps_the_direction_and_by_value_turns_it():
    w, g = np.zeros((2, 2)), np.array([[1.0, 20.0], [0.3, 0.4]])
    rule = Clipped(SGD(), 1.0)
    state = rule.init(w)
    after = -rule.step(w, g, state, 1.0)
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), [1, 0.5])
    np.testing.assert_allclose(after[0] / after[0, 0], [1, 20])
    assert state.clipped.tolist() == [[True], [False]]
    rule = Clipped(SGD(), 1.0, "value")
    state = rule.init(w)
    assert (-rule.step(w, g, state, 1.0)).tolist() == [[1, 1], [0.3, 0.4]]
    assert state.clipped.tolist() == [[True], [False]]


def test_a_limit_that_is_never_reached_changes_nothing():
    """Also for Adam, whose bias correction has to count inside a wrapper, and inside two."""
    w, grads, lrs = problem()
    for base in (SGD(momentum=0.9, rate_inside=True), Adam(), AdamW(), Lion()):
        wanted = walk(base, w, grads, lrs)[0]
        for rule in (Clipped(base, 1e9), BadBatch(Clipped(base, 1e9), at=99), Averaged(base)):
            np.testing.assert_array_equal(walk(rule, w, grads, lrs)[0], wanted)


def test_weight_decay_of_the_base_comes_after_clipping():
    w, g = np.full((1, 1), 2.0), np.full((1, 1), 100.0)
    rule = Clipped(SGD(weight_decay=0.1), 1.0)
    assert rule.step(w, g, rule.init(w), 0.5).item() == 2 - 0.5 * (1 + 0.1 * 2)


# --- Layers -----------------------------------------------------------------------------------


def test_each_layer_moves_at_its_own_rate_and_0_freezes():
    w, grads, lrs = problem()
    base = Adam(weight_decay=0.1, decoupled=True)
    alone = {f: walk(base, w, grads, f * lrs)[0][-1] for f in (0, 0.5)}
    both = walk(LayerRates(base, NET, (0, 0.5)), w, grads, lrs)[0][-1]
    (first, bias), (last, _) = NET.layers(both)
    assert np.array_equal(first, NET.layers(w)[0][0])
    assert np.array_equal(bias, NET.layers(w)[0][1])
    np.testing.assert_array_equal(last, NET.layers(alone[0.5])[1][0])


def test_the_rate_of_a_weight_contains_the_factor_of_its_layer():
    rule, w = LayerRates(SGD(), NET, (0.1, 2)), np.ones(NET.P)
    state = rule.init(w)
    rule.step(w, w, state, 0.5)
    (first, _), (last, _) = NET.layers(state.rate)
    assert set(first.ravel()) == {0.05}
    assert set(last.ravel()) == {1.0}


# --- Averages ---------------------------------------------------------------------------------


def test_an_average_of_all_weights_and_one_that_fades():
    w, grads, lrs = problem()
    path = np.array(walk(SGD(), w, grads, lrs)[0])
    shown = walk(Averaged(SGD(), None), w, grads, lrs)[1]
    np.testing.assert_allclose(shown[-1], path[1:].mean(axis=0), rtol=1e-12)
    shown = walk(Averaged(SGD(), None, since=4), w, grads, lrs)[1]
    np.testing.assert_array_equal(shown[3], path[4])
    np.testing.assert_allclose(shown[-1], path[5:].mean(axis=0), rtol=1e-12)
    shown = walk(Averaged(SGD(), 0.9), w, grads, lrs)[1]
    np.testing.assert_array_equal(shown[0], path[1])
    np.testing.assert_allclose(shown[1], 0.9 * path[1] + 0.1 * path[2], rtol=1e-12)


def test_training_evaluates_the_average():
    bowl = Quadratic([1.0, 1.0])
    run = descend(bowl, [1.0, 1.0], Averaged(SGD(), None), 0.1, 50)
    plain = descend(bowl, [1.0, 1.0], SGD(), 0.1, 50)
    np.testing.assert_allclose(run.final[0], plain.weights[0, 1:].mean(axis=0), rtol=1e-12)
    assert run.losses[0, -1] == bowl(run.final[0])


# --- Few bits ---------------------------------------------------------------------------------


def test_bfloat16_keeps_eight_significant_bits_and_ties_go_to_even():
    assert bfloat16(np.array([1 + 2**-8, 1 + 3 * 2**-8, 0.0, -1.5])).tolist() == [
        1,
        1 + 2**-6,
        0,
        -1.5,
    ]
    for bad in (None, "a", [None, 2], 1j):
        with pytest.raises(TypeError, match="bfloat16: w = "):
            bfloat16(bad)
    assert not np.isfinite(bfloat16(np.array([np.inf, np.nan, -np.inf]))).any()


def test_rounding_by_chance_is_right_on_average():
    w = np.full(100_000, 1 + 0.3 * 2**-7, np.float32)
    rounded = bfloat16(w, np.random.default_rng(0))
    assert set(rounded.tolist()) == {1.0, 1 + 2**-7}
    assert rounded.mean(dtype=float) == pytest.approx(1 + 0.3 * 2**-7, abs=0.02 * 2**-7)


def test_a_step_below_half_a_unit_does_not_happen():
    """float16 from 1.5, where half a unit in the last place is 0.000488."""
    w = np.array([1.5])
    for size, moved in ((0.00048, 0.0), (0.0005, 2**-10)):
        rule = Stored(SGD(), "float16")
        assert 1.5 - rule.step(w, np.array([size]), rule.init(w), 1.0).item() == moved


# --- Matrices ---------------------------------------------------------------------------------


def test_singular_values_become_alike_and_the_directions_stay():
    rng = np.random.default_rng(0)
    u, v = np.linalg.qr(rng.normal(size=(32, 32)))[0], np.linalg.qr(rng.normal(size=(32, 32)))[0]
    matrix = u @ np.diag(np.geomspace(0.01, 1, 32)) @ v.T
    made = orthogonalised(matrix)
    inside = u.T @ made @ v
    assert np.abs(inside - np.diag(np.diag(inside))).max() < 1e-12
    assert 0.6 < np.diag(inside).min() < np.diag(inside).max() < 1.25
    tall = rng.normal(size=(2, 7, 3))
    np.testing.assert_allclose(
        orthogonalised(tall), orthogonalised(tall.swapaxes(1, 2)).swapaxes(1, 2)
    )
    assert not orthogonalised(np.zeros((3, 4))).any()


def test_muon_moves_hidden_matrices_by_their_directions_and_the_rest_by_adam():
    rng = np.random.default_rng(1)
    w, g = rng.normal(size=(2, 1, NET.P))
    rule = Muon(NET, momentum=0.0, share=0.5)
    state = rule.init(w)
    moved = w - rule.step(w, g, state, 1.0)
    (hidden, bias), (last, _) = NET.layers(moved)
    wanted = orthogonalised(NET.layers(g)[0][0]) * (3 / 2) ** 0.5
    np.testing.assert_allclose(hidden, wanted)
    np.testing.assert_allclose(np.abs(bias), 0.5, rtol=1e-5)
    np.testing.assert_allclose(np.abs(last), 0.5, rtol=1e-5)
    assert set(NET.layers(state.rate)[0][0].ravel()) == {(3 / 2) ** 0.5}


# --- The unit of a rate -----------------------------------------------------------------------


@pytest.mark.parametrize("rule", [DoG(1e-6), DoWG(1e-6), Prodigy()], ids=repr)
def test_the_estimate_takes_the_unit_of_the_answers(rule):
    """Answers a thousand times larger, weights a thousand times farther: d follows, untuned."""
    data, share, d = diabetes(), [], []
    for k in (1, 1000):
        loss = LeastSquares(data.x_train, k * data.y_train, batch=32)
        w = np.zeros((1, 10))
        state, rng = rule.init(w), np.random.default_rng(0)
        for t in range(1000):
            last = state.copy() if hasattr(state, "copy") else state.d
            w = rule.step(w, loss.gradient(w, rng), state, 1 - t / 1000)
            assert (state.d >= last).all()
        share.append(((loss(w) - loss.min_value) / (loss.zero_value - loss.min_value)).item())
        d.append(state.d.item())
    assert max(share) < 0.05
    assert d[1] == pytest.approx(1000 * d[0], rel=0.5)


def test_rules_without_a_rate_train_a_network():
    for rule in (Prodigy(), DoWG(1e-3), Muon(net_a())):
        lr = 0.05 if isinstance(rule, Muon) else 1.0
        run = train(net_a(), digits(), rule, Linear(lr, 0, 210), 5, 32, [0, 1])
        assert (run.train_loss[:, -1] < 0.15).all(), rule


def test_what_prodigy_shows_is_what_it_does():
    rule = Prodigy(0.8, 0.9, d0=0.01)
    rng = np.random.default_rng(0)
    w, grads = rng.normal(size=4), rng.normal(size=(30, 4))
    path, _, _ = walk(rule, w, grads, [0.7] * 30)
    d, a, s, m, v, w0 = 0.01, 0.0, 0.0, 0.0, 0.0, w
    for t, g in enumerate(grads):
        c, b = np.sqrt(1 - 0.9 ** (t + 1)) / (1 - 0.8 ** (t + 1)), np.sqrt(0.9)
        h = 0.7 * d * c
        a, s = b * a + d / 0.01 * h * (g * (w0 - w)).sum(), b * s + d / 0.01 * h * g
        m, v = 0.8 * m + 0.2 * d * g, 0.9 * v + 0.1 * d**2 * g**2
        w = w - h / (np.sqrt(v) + d * 1e-8) * m
        d = max(d, a / np.abs(s).sum())
        np.testing.assert_allclose(path[t + 1], w, rtol=1e-9)
