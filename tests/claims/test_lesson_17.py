"""Lesson 17, scaling up: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np
import pytest

from lrlesson.data import diabetes, digits
from lrlesson.losses import LeastSquares
from lrlesson.network import MLP, linear, net_a
from lrlesson.optimizers import SGD, Adam
from lrlesson.training import sweep, train
from lrlesson.wrappers import LayerRates


def ends(rule, rates, batch, seeds, epochs=5):
    """Training losses of NET-A on 1280 digits (rates, seeds); infinite where a run diverged."""
    run = sweep(net_a(), digits().first(1280), rule, rates, epochs, batch, seeds)
    return run.per_rate(np.where(run.diverged, np.inf, run.train_loss[:, -1]))


def test_V50_C20_the_linear_rule_holds_until_the_whole_set_is_one_batch(seeds):
    """NET-A, 10 epochs from rate 0.02 at batch 8, each seed: within 3 % up to 256, within 10 % at
    640, diverged at 1280. At 256 the root has more than 3 times, no rule 10 times the loss."""
    base = ends(SGD(), [0.02], 8, seeds, 10)[0]
    for batch, tolerance in [(32, 0.03), (256, 0.03), (640, 0.1)]:
        scaled = ends(SGD(), [0.02 * batch / 8], batch, seeds, 10)[0]
        assert (abs(scaled / base - 1) < tolerance).all()
    assert np.isinf(ends(SGD(), [3.2], 1280, seeds, 10)).all()
    root, unchanged = ends(SGD(), [0.02 * 32**0.5, 0.02], 256, seeds, 10)
    assert (root > 3 * base).all()
    assert (unchanged > 10 * base).all()


def phases(rates, batches, seeds):
    """Diabetes, 4 epochs of each: the mean loss above the minimum, and how many updates."""
    data, model = diabetes(), linear(10)
    lowest = LeastSquares(data.x_train, data.y_train).min_value
    w, updates = np.zeros(model.P), 0
    for phase, (lr, batch) in enumerate(zip(rates, batches, strict=True)):
        order = [100 * phase + seed for seed in seeds]
        run = train(model, data, SGD(), lr, 4, batch, order, w0=w)
        w, updates = run.final, updates + run.updates
    return (run.train_loss[:, -1] - lowest).mean(), updates


def test_V52_C21_to_grow_the_batch_is_to_decay_the_rate(seeds):
    """Diabetes, 12 epochs, rate / 4 or batch × 4 twice: means of ten seeds within 5 %, in 2652 and
    1156 updates; neither ends more than 1.5 times as high."""
    decay, many = phases([0.01, 0.0025, 0.000625], [2, 2, 2], seeds)
    growth, few = phases([0.01] * 3, [2, 8, 32], seeds)
    neither, _ = phases([0.01] * 3, [2, 2, 2], seeds)
    assert 0.95 < growth / decay < 1.05
    assert neither > 1.5 * decay
    assert (many, few) == (2652, 1156)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [2, 8])
def test_V52_the_two_end_together_at_other_factors(factor, seeds):
    """As above, within 5 %; at 8 in less than half of the updates, too."""
    decay, many = phases([0.01 / factor**k for k in range(3)], [2, 2, 2], seeds)
    growth, few = phases([0.01] * 3, [2 * factor**k for k in range(3)], seeds)
    assert 0.95 < growth / decay < 1.05
    assert few < 0.5 * many or factor == 2


def test_V51_the_linear_rule_suits_sgd_and_the_square_root_adam(seeds):
    """NET-A, 5 epochs, from each optimizer's best rate at batch 4, chosen on three seeds, means of
    five others: to batch 16 by SGD the root has more than twice the loss of the linear rule; to
    64 by Adam the linear rule has more than four times that of the root."""
    found = {}
    for rule, low, k in [(SGD(), 0.02, 4), (Adam(), 0.0005, 16)]:
        grid = np.geomspace(low, 100 * low, 9)
        best = ends(rule, grid, 4, seeds[:3]).mean(axis=1).argmin()
        assert 0 < best < 8
        rates = grid[best] * np.array([k, k**0.5])
        found[type(rule)] = ends(rule, rates, 4 * k, seeds[-5:]).mean(axis=1)
    assert found[SGD][1] > 2 * found[SGD][0]
    assert found[Adam][0] > 4 * found[Adam][1]


def best_rate(width, by_layer, seeds):
    """The geometric mean of each seed's best rate of Adam for 64-h-h-10 after 4 epochs: one rate
    for all layers, or shares of 16/h for all but the first."""
    rates, net = 10.0 ** np.arange(-3.5, -1, 0.25), MLP((64, width, width, 10))
    rule = LayerRates(Adam(), net, (1, 16 / width, 16 / width)) if by_layer else Adam()
    run = sweep(net, digits(), rule, rates, 4, seed=seeds)
    loss = run.per_rate(np.where(run.diverged, np.inf, run.train_loss[:, -1]))
    return np.exp(np.log(rates[loss.argmin(axis=0)]).mean())


@pytest.mark.slow
def test_V55_N15_a_rate_by_layer_keeps_its_place_when_the_network_widens(seeds):
    """SET, geometric means of ten seeds' best rates, a grid of quarter decades, width 16 to 128:
    one rate for all layers falls to less than 0.6 times; where each layer's rate shrinks with its
    inputs the best one stays within a factor of 2."""
    narrow = best_rate(16, False, seeds)
    assert best_rate(128, False, seeds) < 0.6 * narrow
    assert 0.5 < best_rate(128, True, seeds) / narrow < 2


@pytest.mark.slow
def test_N13_beyond_a_knee_a_larger_batch_saves_no_updates(seeds):
    """SET, medians at the best of six rates, updates of NET-A to a training loss of 0.1: batch 4
    needs more than 3 times as many as 16, and 1280 more than 0.7 times as many as 256."""
    rates, updates = [0.1, 0.2, 0.4, 0.8, 1.2, 1.6], {}
    for batch, epochs, look in [(4, 2, 40), (16, 2, 10), (256, 5, 1), (1280, 25, 1)]:
        few = digits().first(1280)
        run = sweep(net_a(), few, SGD(), rates, epochs, batch, seeds, evaluate_every=look)
        there = run.train_loss <= 0.1
        first = np.where(there.any(axis=1), run.evaluated[there.argmax(axis=1)], np.inf)
        updates[batch] = np.median(run.per_rate(first), axis=1).min()
    assert updates[4] > 3 * updates[16]
    assert updates[1280] > 0.7 * updates[256]


def test_N13_the_mean_of_four_gradients_is_the_gradient_of_four_times_the_batch(seeds):
    """EXACT to 10⁻¹², each seed: accumulation saves memory and nothing else."""
    net, data = net_a(dtype=np.float64), digits()
    targets = data.targets()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        w, batch = net.init(rng), rng.permutation(data.n)[:128].reshape(4, 32)
        parts = [net.gradient(w, data.x_train[:, b], targets[:, b])[1] for b in batch]
        whole = net.gradient(w, data.x_train[:, batch.ravel()], targets[:, batch.ravel()])[1]
        np.testing.assert_allclose(np.mean(parts, axis=0), whole, rtol=1e-9, atol=1e-14)
