"""Lesson 05, drop or glide: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np

from lrlesson.controllers import ReduceOnPlateau
from lrlesson.data import diabetes, digits
from lrlesson.losses import LeastSquares, NoisyBowl
from lrlesson.network import linear, net_a
from lrlesson.optimizers import SGD
from lrlesson.schedules import Constant, ExponentialDecay, PolynomialDecay, ScheduledDrop, StepDecay
from lrlesson.training import train


def regression(schedule, epochs, seeds):
    """Losses above the minimum after each epoch: diabetes, one example at a time."""
    data, model = diabetes(), linear(10)
    start = np.zeros(model.P)
    run = train(model, data, SGD(), schedule, epochs, 1, seeds, w0=start)
    return run.train_loss - LeastSquares(data.x_train, data.y_train).min_value


def test_V21_C9_stairs_and_slope_of_the_same_envelope_end_alike(seeds):
    """Means of ten seeds within 25 %; a constant 0.01 ends more than 4 times as high."""
    T = 10 * 442
    schedules = [
        ExponentialDecay(0.05, 0.01, every=T),
        StepDecay(0.05 * 0.01**0.05, 0.01**0.1, T / 10),
        Constant(0.01),
    ]
    curves = np.repeat([s.values(T) for s in schedules], len(seeds), axis=0)
    ends = regression(lambda t: curves[:, t], 10, [*seeds] * 3)[:, -1]
    glide, stairs, constant = ends.reshape(3, -1).mean(axis=1)
    assert abs(stairs / glide - 1) < 0.25
    assert constant > 4 * max(glide, stairs)


def test_V22_an_early_drop_looks_good_at_once_and_costs_later():
    """Exact, two-direction noisy bowl, drop at 50, 200, 500, 800, 950 of 1000."""
    drops = [50, 200, 500, 800, 950]
    rates = np.array([ScheduledDrop(0.5, 0.1, [at]).values(1000) for at in drops])
    loss = NoisyBowl([1, 0.01], [1, 0]).expected([1.0, 10.0], rates)
    soon = [curve[at + 30] for at, curve in zip(drops, loss, strict=True)]
    assert loss[0, 80] < 0.9 * loss[4, 80]  # ahead of those that have not dropped
    np.testing.assert_allclose(soon, [0.313, 0.085, 0.023, 0.0194, 0.0194], rtol=0.05)
    np.testing.assert_allclose(loss[:, -1], [0.130, 0.043, 0.0148, 0.0130, 0.0138], rtol=0.01)


def test_V23_C12_on_a_net_the_late_drop_wins_the_training_loss_and_not_the_test_loss(seeds):
    """NET-A, 20 % random labels, ten seeds: the drop after 18 of 20 epochs has less than 0.7 times
    the training loss of that after 3 (at most 0.64 on 60 seeds); the means: less than none; the
    mean test loss prefers the early to both."""
    epoch = np.repeat([3, 18, 20], len(seeds))
    run = train(
        *(net_a(), digits(labels_noise=0.2), SGD()),
        lambda t: np.where(t < 42 * epoch, 0.4, 0.04),
        epochs=20,
        seed=[*seeds] * 3,
    )
    training, test = run.train_loss.reshape(3, -1, 21), run.test_loss.reshape(3, -1, 21)
    assert (training[0, :, 4] < training[0, :, 3]).all()
    assert (training[1, :, 19] < training[1, :, 18]).all()
    early, late, never = training[:, :, -1]
    assert (late < 0.7 * early).all()
    assert late.mean() < never.mean()
    early, late, never = test[:, :, -1]
    assert early.mean() < late.mean()
    assert early.mean() < never.mean()


def test_V25_the_conditions_of_robbins_and_monro_and_what_they_do_not_promise():
    """Exact, from w = 10, after 10,000 updates."""
    t = np.arange(10_000)
    rates = [1 / (1 + t), np.full(t.size, 0.1), 0.1 / (1 + t), 0.5 * (1 + t) ** -1.5]
    loss = NoisyBowl().expected([10.0], np.array(rates))[:, -1]
    np.testing.assert_allclose(loss, [5e-5, 0.0263, 6.94, 2.44], rtol=0.01)


def test_V20_C8_where_every_image_can_be_fitted_decay_loses(seeds):
    """NET-A, 10 epochs from rate 1.0, each seed: a line to 0 has more than twice the loss."""
    constant, line = (
        train(net_a(), digits(), SGD(), s, 10, seed=seeds, evaluate_every=420).train_loss[:, -1]
        for s in (Constant(1.0), PolynomialDecay(1.0, 420))
    )
    assert (line > 2 * constant).all()


def test_reduce_on_plateau_beats_a_constant_rate_in_a_long_run(seeds):
    """Diabetes, 30 epochs, means of ten seeds and of the last five epochs: less than 0.7 times the
    loss of the best of three constant rates (0.41 to 0.56 on eight sets of five)."""
    plateau = regression(ReduceOnPlateau(0.01, 0.3, patience=3), 30, seeds)
    rates = np.repeat([0.001, 0.003, 0.01], len(seeds))
    constant = regression(Constant(rates), 30, [*seeds] * 3)
    best = constant[:, -5:].mean(axis=1).reshape(3, -1).mean(axis=1).min()
    assert plateau[:, -5:].mean() < 0.7 * best
