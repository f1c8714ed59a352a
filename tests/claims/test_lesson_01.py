"""Lesson 01, what the learning rate is: what it says, on seeds 0 to 9.

Its laws are arithmetic; the claims of README.md begin with lesson 02.
"""

import numpy as np

from lrlesson.data import diabetes, digits
from lrlesson.losses import LeastSquares, Quadratic
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.training import descend


def test_one_update_by_hand():
    """w − η·2w: from 3 with the rate 0.1 to 2.4."""
    assert descend(Quadratic(2.0), [3.0], SGD(), 0.1, 1).final[0, 0] == 3 - 0.1 * 6


def test_the_step_is_the_rate_times_the_slope_and_shrinks_by_itself(seeds):
    """Exact, from ten random starts: each step is η·‖gradient‖, and shorter than the one before."""
    bowl = Quadratic([1, 8])
    starts = [np.random.default_rng(seed).standard_normal(2) for seed in seeds]
    path = descend(bowl, starts, SGD(), 0.1, 12).weights
    length = np.linalg.norm(np.diff(path, axis=1), axis=-1)
    slope = np.linalg.norm(bowl.gradient(path[:, :-1]), axis=-1)
    np.testing.assert_allclose(length, 0.1 * slope)
    assert (np.diff(length, axis=1) < 0).all()


def test_a_loss_100_times_larger_needs_a_hundredth_of_the_rate(seeds):
    """The same path on diabetes to rounding; at the old rate each of ten starts diverges."""
    data = diabetes()
    loss = LeastSquares(data.x_train, data.y_train)
    hundredfold = LeastSquares(10 * data.x_train, 10 * data.y_train)
    starts = [np.random.default_rng(seed).standard_normal(10) for seed in seeds]
    one = descend(loss, starts, SGD(), 0.2, 100)
    same = descend(hundredfold, starts, SGD(), 0.002, 100)
    np.testing.assert_allclose(same.weights, one.weights, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(same.losses, 100 * one.losses, rtol=1e-9)
    assert descend(hundredfold, starts, SGD(), 0.2, 100).diverged.all()


def test_a_gradient_of_a_sample_is_right_on_average_only(seeds):
    """Batches of 16 at zero: each typically off by 50 to 70 %, the mean of 2000 by less than 5."""
    data = diabetes()
    loss = LeastSquares(data.x_train, data.y_train, batch=16)
    w = np.zeros(10)
    exact = loss.gradient(w)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        guesses = np.array([loss.gradient(w, rng) for _ in range(2000)])
        off = np.linalg.norm(guesses - exact, axis=1) / np.linalg.norm(exact)
        assert 0.5 < np.median(off) < 0.7
        assert np.linalg.norm(guesses.mean(axis=0) - exact) < 0.05 * np.linalg.norm(exact)


def test_six_lines_of_sgd_read_digits(seeds):
    """126 updates of 32 images at the rate 0.5: above 92 % on new images."""
    network, data = net_a(), digits()
    x, y = data.x_train, data.targets()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        w = network.init(rng)
        for _ in range(126):
            batch = rng.integers(data.n, size=32)
            _, gradient = network.gradient(w, x[:, batch], y[:, batch])
            w = w - 0.5 * gradient
        assert network.score(w, data.x_test, data.targets("test"))[1] > 0.92
