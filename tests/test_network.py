"""The network: its gradient, its views, its start, and one run as good as many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrlesson.network import MLP, cross_entropy, linear, net_a, net_b, net_c, squared_error

NETS = [
    MLP((4, 3), dtype=np.float64),
    MLP((4, 5, 3), dtype=np.float64),
    MLP((4, 5, 6, 3), activation="tanh", loss="mse", dtype=np.float64),
    MLP((4, 5, 3), bias=False, dtype=np.float64),
    linear(4, dtype=np.float64),
]
each = pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.sizes} {net.loss}")


def problem(net, n=7, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((net.sizes[0], n)).astype(net.dtype)
    classes = rng.integers(net.sizes[-1], size=n)
    targets = np.eye(net.sizes[-1])[classes].T if net.sizes[-1] > 1 else rng.random((1, n))
    return x, targets.astype(net.dtype)


@each
def test_gradient_is_the_derivative_of_the_value(net):
    x, targets = problem(net)
    w = net.init(1) + 0.1  # biases away from 0
    loss, gradient = net.gradient(w, x, targets)
    assert loss == net.value(w, x, targets)
    steps = 1e-6 * np.eye(net.P)
    slope = [(net.value(w + h, x, targets) - net.value(w - h, x, targets)) / 2e-6 for h in steps]
    np.testing.assert_allclose(gradient, slope, atol=1e-8)


def test_losses_are_their_formulas():
    z, targets = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[1.0, 1.0], [0.0, 0.0]])
    right = [np.exp(1) / (np.exp(1) + np.exp(0.5)), np.exp(-2) / (np.exp(-2) + np.exp(3))]
    assert cross_entropy(z, targets)[0] == pytest.approx(-np.log(right).mean())
    assert squared_error(z, targets)[0] == pytest.approx(0.5 * (0.25 + 9 + 9) / 2)


def test_cross_entropy_of_huge_outputs_does_not_overflow():
    z = np.array([[1e4, -1e4], [-1e4, 1e4]])
    loss, slope = cross_entropy(z, np.array([[1.0, 1.0], [0.0, 0.0]]))
    assert loss == pytest.approx(1e4)
    assert np.isfinite(slope).all()


def test_layers_are_views_with_the_runs_first():
    net = net_a()
    w = np.zeros((3, net.P), np.float32)
    shapes = [(weight.shape, bias.shape) for weight, bias in net.layers(w)]
    assert shapes == [((3, 32, 64), (3, 32, 1)), ((3, 10, 32), (3, 10, 1))]
    for view in (view for layer in net.layers(w) for view in layer):
        assert np.shares_memory(view, w)
        view += 1
    assert (w == 1).all()  # every parameter belongs to one view


@settings(max_examples=25, deadline=None)
@given(
    runs=st.integers(2, 9),
    n=st.integers(1, 70),
    shared=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    loss=st.sampled_from(["cross-entropy", "mse"]),
    activation=st.sampled_from(["relu", "tanh"]),
)
def test_a_batch_of_runs_equals_the_runs_one_by_one_bit_for_bit(
    runs, n, shared, dtype, loss, activation
):
    net = MLP((64, 32, 10), activation, loss, dtype=dtype)
    w = np.stack([net.init(seed) for seed in range(runs)])
    inputs = [problem(net, n, 0 if shared else seed) for seed in range(runs)]
    x, targets = inputs[0] if shared else map(np.stack, zip(*inputs, strict=True))
    losses, gradients = net.gradient(w, x, targets)
    for r in range(runs):
        own_x, own_targets = inputs[r]
        # once as one run of a batch of one, once without a runs axis
        for one in (np.s_[r : r + 1], r):
            loss_alone, gradient_alone = net.gradient(w[one], own_x, own_targets)
            assert np.array_equal(losses[r], np.squeeze(loss_alone))
            assert np.array_equal(gradients[r], np.squeeze(gradient_alone))


def test_a_run_of_nans_does_not_touch_its_neighbours():
    net = net_a()
    x, targets = problem(net, 32)
    w = np.stack([net.init(seed) for seed in range(3)])
    healthy = net.gradient(w, x, targets)[1]
    w[1] = np.nan
    sick = net.gradient(w, x, targets)[1]
    assert np.isnan(sick[1]).any()
    assert np.array_equal(sick[[0, 2]], healthy[[0, 2]])


def test_start_has_the_variances_it_names():
    weights = [weight for weight, _ in net_a(dtype=np.float64).layers(net_a().init(0))]
    assert weights[0].std() == pytest.approx(np.sqrt(2 / 64), rel=0.05)
    assert weights[1].std() == pytest.approx(np.sqrt(1 / 32), rel=0.1)
    assert net_c().layers(net_c().init(0))[1][0].std() == pytest.approx(0.7 / 32**0.5, rel=0.05)
    double = net_b(init_scale=2.0).init(0)
    np.testing.assert_array_equal(double, 2 * net_b().init(0))
    assert (net_a().layers(net_a().init(0))[0][1] == 0).all()


def test_both_precisions_start_from_the_same_numbers():
    single, double = net_a().init(5), net_a(dtype=np.float64).init(5)
    assert single.dtype == np.float32
    assert np.array_equal(single, double.astype(np.float32))


def test_sizes_count_the_parameters():
    assert net_a().P == 64 * 32 + 32 + 32 * 10 + 10
    assert linear(10, bias=False).P == 10
    assert linear(13, 3).loss == "cross-entropy"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP((64,)), r"MLP: sizes = \(64,\), expected at least inputs and outputs"),
        (lambda: MLP((64, 0, 10)), "MLP: sizes = .*0.*, expected a whole number, at least 1"),
        (lambda: MLP((64, 2.5, 10)), "MLP: sizes = .*2.5"),
        (lambda: net_a(activation="gelu"), "MLP: activation = 'gelu', expected 'relu' or 'tanh'"),
        (lambda: net_a(loss="hinge"), "MLP: loss = 'hinge', expected 'cross-entropy' or 'mse'"),
        (lambda: net_a(init_scale=0), "MLP: init_scale = 0"),
        (lambda: net_a(dtype=np.int32), "MLP: dtype = .*int32.*, expected np.float32 or np.f"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()
