"""Lesson 04, decay by formula: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np

from lrlesson.data import diabetes, digits
from lrlesson.losses import LeastSquares, Quadratic, noisy_quadratic_model
from lrlesson.network import linear, net_a
from lrlesson.optimizers import SGD
from lrlesson.schedules import (
    Constant,
    Cosine,
    ExponentialDecay,
    InverseTimeDecay,
    PolynomialDecay,
    StepDecay,
)
from lrlesson.training import descend, sweep, train


def test_V24_C10_the_travel_is_the_sum_of_the_rates():
    """Exact, no noise: 36 % is left for ever where the rates add up to 1, 3.5·10⁻⁵ for 10."""
    for gamma, total, left in [(0.9, 1, 0.358), (0.97, 10 / 3, 0.0326), (0.99, 10, 3.5e-5)]:
        history = descend(Quadratic(1.0), [1.0], SGD(), ExponentialDecay(0.1, gamma), 3000)
        np.testing.assert_allclose(history.rates.sum(), total)
        np.testing.assert_allclose(history.final[0, 0], left, rtol=0.01)


def test_V26_C11_a_factor_per_epoch_used_per_step_stops_the_training(seeds):
    """NET-A, 20 epochs, each seed: more than 10 times the loss, and below 90 % accuracy."""
    every = np.repeat([42, 1], len(seeds))
    eta = ExponentialDecay(0.3, 0.9, every=every)
    history = train(net_a(), digits(), SGD(), eta, 20, seed=[*seeds, *seeds], evaluate_every=840)
    right, wrong = np.split(history.train_loss[:, -1], 2)
    assert (wrong > 10 * right).all()
    right, wrong = np.split(history.test_accuracy[:, -1], 2)
    assert wrong.max() < 0.9 < right.min()


def noisy_quadratic(shape, starts, T=300):
    """The smallest expected loss after T updates over the starting rates. No sampling."""
    rates = starts[:, None] * shape.values(T)
    return np.nanmin(noisy_quadratic_model().expected(np.ones(100), rates)[:, -1])


def test_V17_V18_sensible_decays_beat_the_best_constant_rate_and_are_close_together():
    """Exact: less than half of the constant's loss, and within 40 % of one another."""
    starts, T = np.geomspace(0.1, 1.9, 30), 300
    constant = noisy_quadratic(Constant(1.0), starts)
    np.testing.assert_allclose(constant, 0.0117, rtol=0.01)
    assert constant > 1.5 * noisy_quadratic(InverseTimeDecay(1.0, 0.01), starts)
    shapes = [
        StepDecay(1.0, 0.2, T / 3),
        ExponentialDecay(1.0, 0.1, every=T),
        PolynomialDecay(1.0, T),
        Cosine(1.0, T),
    ]
    losses = [noisy_quadratic(shape, starts) for shape in shapes]
    assert constant > 2 * max(losses)
    assert max(losses) < 1.4 * min(losses)


def test_V19_a_hasty_decay_is_worse_than_none_unless_it_may_start_above_the_limit():
    """Exact: more than 3 times the constant's loss from below the limit, 2; half of it from 10."""
    hasty = ExponentialDecay(1.0, 0.001, every=300)
    below, beyond = np.geomspace(0.1, 1.9, 30), np.geomspace(0.1, 10, 40)
    constant = noisy_quadratic(Constant(1.0), below)
    assert noisy_quadratic(hasty, below) > 3 * constant
    assert noisy_quadratic(hasty, beyond) < constant / 2


def test_V17_C7_with_real_noise_decay_beats_the_tuned_constant_rate(seeds):
    """Diabetes, 3 epochs of single examples, each shape tuned on three seeds and scored on ten
    others, three runs each: by more than 1.1 times on average, and on more than half of the runs.
    No decay starts from a smaller rate, and none from the end of the grid."""
    data, model = diabetes(), linear(10)
    lowest, T = LeastSquares(data.x_train, data.y_train).min_value, 3 * 442

    def ends(shape, rates, seeds):
        run = sweep(model, data, SGD(), rates, 3, 1, seeds, schedule=shape, w0=np.zeros(model.P))
        return run.per_rate(run.train_loss[:, -1]) - lowest

    starts, chosen, scores = np.geomspace(0.001, 0.128, 8), [], []
    others = [seed + 1000 * k for k in (1, 2, 3) for seed in seeds]
    for shape in (Constant(1.0), ExponentialDecay(1, 0.1, every=T), PolynomialDecay(1.0, T)):
        chosen.append(starts[ends(shape, starts, seeds[:3]).mean(axis=1).argmin()])
        scores.append(ends(shape, chosen[-1:], others)[0])
    assert chosen[0] <= min(chosen[1:])
    assert max(chosen) < starts[-1]
    constant, *decays = scores
    for decay in decays:
        assert constant.mean() > 1.1 * decay.mean()
        assert (decay < constant).mean() > 0.5
