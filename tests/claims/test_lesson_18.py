"""Lesson 18, the edge of stability: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np

from lrlesson.data import diabetes, digits
from lrlesson.losses import LeastSquares
from lrlesson.network import linear, net_a, net_c
from lrlesson.optimizers import SGD
from lrlesson.sharpness import hessian_times, sharpness
from lrlesson.training import train


def test_V4_repeated_application_of_the_hessian_gives_the_limit_of_the_diabetes_data():
    """50 rounds from a random vector: the largest curvature within 0.1 %."""
    data, model = diabetes(), linear(10, dtype=np.float64)
    v = np.random.default_rng(0).standard_normal(model.P)
    for _ in range(50):
        v = hessian_times(model, np.zeros(model.P), data, v)
        growth = np.linalg.norm(v)
        v = v / growth
    known = LeastSquares(data.x_train, data.y_train).curvature(np.zeros(10))
    np.testing.assert_allclose(growth, known, rtol=1e-3)
    np.testing.assert_allclose(2 / growth, 0.497, rtol=1e-3)


def test_V53_C22_full_batch_training_comes_to_the_edge_and_stays_there(seeds):
    """NET-C at 0.3, each of five seeds: sharpness within 8 % of 2/η after 600 and 1000 updates;
    from 500 on the loss rises in 2 to 55 % of the updates and falls below 0.7 of what it was."""
    data, eta = digits().first(200), 0.3
    setting = net_c(), data, SGD(), eta, 1000, None, seeds[:5]
    run = train(*setting, evaluate_every=200, keep_weights=True)
    assert not run.diverged.any()
    sharp = sharpness(net_c(), run.weights[:, [3, 5]].reshape(-1, net_c().P), data, tolerance=0.02)
    assert (abs(sharp * eta / 2 - 1) < 0.08).all()
    rises = (np.diff(run.losses[:, 500:]) > 0).mean(axis=1)
    assert ((rises > 0.02) & (rises < 0.55)).all()
    assert 0.1 < rises.mean() < 0.5
    early, late = run.losses[:, 450:550].mean(axis=1), run.losses[:, -100:].mean(axis=1)
    assert (late < 0.7 * early).all()


def test_V53_a_small_rate_does_not_arrive_in_that_time(seeds):
    """The invitation to modify: at 0.1 the sharpness is below 0.7 of 2/η after 1000 updates, and no
    update raises the loss; three seeds."""
    data, eta = digits().first(200), 0.1
    run = train(net_c(), data, SGD(), eta, 1000, None, seeds[:3], evaluate_every=1000)
    assert (sharpness(net_c(), run.final, data, tolerance=0.02) < 0.7 * 2 / eta).all()
    assert (np.diff(run.losses[:, 10:]) < 0).all()


def catapult(multiple, seeds, n=512):
    """Losses (401, runs), and the last curvature as a share of the first."""
    u, v = np.stack([np.random.default_rng(s).standard_normal((2, n)) for s in seeds], axis=1)
    start = (u * u + v * v).sum(axis=1) / n
    losses = []
    with np.errstate(all="ignore"):
        for _ in range(401):
            f = (u * v).sum(axis=1) / np.sqrt(n)
            losses.append(f * f / 2)
            step = (multiple / start * f / np.sqrt(n))[:, None]
            u, v = u - step * v, v - step * u
        return np.array(losses), (u * u + v * v).sum(axis=1) / n / start


def test_V54_C23_catapult_between_2_and_4(seeds):
    """Two linear layers, twice as many runs as seeds: smooth at 1.5/λ₀; at 2.5 and 3/λ₀ at least 9
    of 10 arrive, after a rise of more than 10-fold in the median, at less than 0.6 and 0.2 of the
    curvature; none at 4.2/λ₀."""
    many = [2 * seed + k for seed in seeds for k in (0, 1)]
    losses, _ = catapult(1.5, many)
    assert (losses[-1] < 1e-6).all()
    assert (losses.max(axis=0) == losses[0]).all()
    for multiple, share in [(2.5, 0.6), (3.0, 0.2)]:
        losses, flatter = catapult(multiple, many)
        assert (losses[-1] < 1e-6).mean() >= 0.9
        assert np.median(losses.max(axis=0) / losses[0]) > 10
        assert np.median(flatter) < share
    assert not (catapult(4.2, many)[0][-1] < 1e-6).any()


def test_the_two_lines_of_the_catapult_are_exact():
    """f ← f (1 − ηλ + η² f²/n) and λ ← λ + (η f²/n)(ηλ − 4), from 100 random places."""
    n, eta = 8, 0.3
    u, v = np.random.default_rng(0).standard_normal((2, 100, n))
    f, lam = (u * v).sum(axis=1) / np.sqrt(n), (u * u + v * v).sum(axis=1) / n
    step = (eta * f / np.sqrt(n))[:, None]
    u, v = u - step * v, v - step * u
    expected = f * (1 - eta * lam + eta**2 * f**2 / n)
    np.testing.assert_allclose((u * v).sum(axis=1) / np.sqrt(n), expected)
    expected = lam + eta * f**2 / n * (eta * lam - 4)
    np.testing.assert_allclose((u * u + v * v).sum(axis=1) / n, expected)


def test_one_function_has_two_sharpnesses(seeds):
    """NET-A and its twin, first layer × 10, second ÷ 10, five seeds: equal outputs, and more than
    10 times the sharpness in the median."""
    network, data = net_a(dtype=np.float64), digits().first(200)
    run = train(network, digits(), SGD(), 0.5, 5, seed=seeds[:5], evaluate_every=210)
    twins = run.final.copy()
    (weights_1, bias_1), (weights_2, _) = network.layers(twins)
    weights_1 *= 10
    bias_1 *= 10
    weights_2 /= 10
    x = digits().x_test
    np.testing.assert_allclose(network.outputs(twins, x), network.outputs(run.final, x), atol=1e-9)
    before, after = (sharpness(network, w, data, tolerance=0.02) for w in (run.final, twins))
    assert np.median(after / before) > 10
    assert (after > before).all()


def test_at_equal_training_loss_two_rates_cannot_be_told_apart(seeds):
    """NET-A on 300 digits, stopped at a training loss of 0.02: the mean accuracies at 0.05 and at
    0.4 differ by less than 1.5 points, five seeds."""
    means = []
    for lr, epochs in [(0.05, 120), (0.4, 20)]:
        run = train(net_a(), digits().first(300), SGD(), lr, epochs, seed=seeds[:5])
        reached = run.train_loss <= 0.02
        assert reached.any(axis=1).all()
        means.append(run.test_accuracy[range(len(reached)), reached.argmax(axis=1)].mean())
    assert abs(means[1] - means[0]) < 0.015


def test_N11_the_swing_across_a_valley_flattens_it():
    """EXACT: ½(xy − 1)² at η: one step changes x² − y² by the factor 1 − η²(xy − 1)², and a start
    beside a minimum too sharp for the rate ends at one that is not."""
    x, y, lr = 2.8, 1 / 2.8 * 1.05, 0.3
    assert x**2 + y**2 > 2 / lr
    for _ in range(3000):
        e = x * y - 1
        before = x**2 - y**2
        x, y = x - lr * e * y, y - lr * e * x
        np.testing.assert_allclose(x**2 - y**2, before * (1 - lr**2 * e**2), rtol=1e-9)
    assert abs(x * y - 1) < 1e-6
    assert x**2 + y**2 < 2 / lr
