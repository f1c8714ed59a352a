"""Lesson 10, finding the rate: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

from functools import cache

import numpy as np
import pytest

from lrlesson.controllers import Armijo, Polyak
from lrlesson.data import breast_cancer, digits
from lrlesson.losses import LogisticRegression
from lrlesson.network import MLP, net_a
from lrlesson.optimizers import SGD, Adam
from lrlesson.training import descend, range_test, sweep, train


def ends(rule, rates, seeds, epochs=5):
    """Training losses of NET-A on the digits (rates, seeds); infinite where a run diverged."""
    run = sweep(net_a(), digits(), rule, rates, epochs, seed=seeds)
    return run.per_rate(np.where(run.diverged, np.inf, run.train_loss[:, -1]))


def test_V6_V7_rates_are_spaced_by_a_factor(seeds):
    """NET-A, 3 epochs, 0.001 to 10, each seed: of seven even rates six break, of seven equal
    factors the first five train; the mean of the best falls by a tenth in a second round."""
    coarse = np.geomspace(0.001, 10, 7)
    assert np.isinf(ends(SGD(), np.linspace(0.001, 10, 7), seeds, 3)[1:]).all()
    log = ends(SGD(), coarse, seeds, 3)
    assert np.isfinite(log[:5]).all()
    assert (log[:5].argmin(axis=0) == 4).all()
    fine = ends(SGD(), np.geomspace(coarse[3], coarse[5], 9)[1:-1], seeds, 3)
    assert fine.mean(axis=1).min() < 0.9 * log.mean(axis=1).min()


@cache
def picked(name, rule, seeds):
    """Four rules for reading a range test: their rates, and losses after 5 epochs (rules, seeds),
    infinite where a training diverged or ended above its first loss."""
    problems = {"digits": (net_a(), digits()), "cancer": (MLP((30, 16, 2)), breast_cancer())}
    test = range_test(*problems[name], rule, seed=list(seeds))
    steepest = test.lr[np.nanargmin(np.gradient(test.smoothed, axis=1), axis=1)]
    rates = np.array([test.at_minimum, test.suggest(3), test.suggest(10), steepest])
    run = train(*problems[name], rule, rates.ravel(), 5, seed=[*seeds] * 4, evaluate_every=1000)
    start, end = run.train_loss[:, [0, -1]].T
    return rates, np.where(run.diverged | (end > start), np.inf, end).reshape(4, -1)


@pytest.mark.parametrize("rule", [SGD(), Adam()], ids=["SGD", "Adam"])
@pytest.mark.parametrize("name", ["digits", "cancer"])
def test_V48_a_tenth_of_the_minimum_is_safe_and_the_minimum_is_not(name, rule, seeds):
    """Each of ten seeds: at a tenth the loss ends below 0.2. By SGD at the minimum at least two of
    ten fail. On seeds 0 to 9 the steepest point is at times the first rate of the test."""
    _, loss = picked(name, rule, seeds)
    assert (loss[2] < 0.2).all()
    assert picked(name, rule, range(10))[0][3].min() == 1e-4
    if rule == SGD():
        assert np.isinf(loss[0]).sum() >= 0.2 * loss.shape[1]


def test_V48_C19_a_third_of_the_minimum_suits_sgd_and_not_adam(seeds):
    """NET-A. SGD, each seed: below half the loss of the tenth, below 0.1, and below a fifth of the
    loss at 0.01. Adam: the median is more than 5 times that of the tenth."""
    sgd, adam = (picked("digits", rule, seeds)[1] for rule in (SGD(), Adam()))
    assert (sgd[1] < 0.5 * sgd[2]).all()
    assert (sgd[1] < 0.1).all()
    assert (sgd[1] < ends(SGD(), [0.01], seeds)[0] / 5).all()
    assert np.median(adam[1]) > 5 * np.median(adam[2])


def test_V49_C34_forty_steps_of_a_line_search_beat_four_hundred_at_one_over_the_curvature(seeds):
    """Logistic regression, breast cancer, each of ten random starts: less than half the gap."""
    data = breast_cancer()
    loss = LogisticRegression(data.x_train, data.y_train)
    starts = np.array([np.random.default_rng(seed).standard_normal(30) for seed in seeds])
    safe = descend(loss, starts, SGD(), 1 / loss.curvature(np.zeros(30)), 400)
    search = descend(loss, starts, SGD(), Armijo(), 40)
    gaps = (run.losses[:, -1] - loss.min_value for run in (search, safe))
    assert np.less(next(gaps), 0.5 * next(gaps)).all()


def test_V49_from_zero_the_limit_grows_and_polyak_has_to_know_the_lowest_loss(seeds):
    """The rates of the search exceed 20/λmax; Polyak's step arrives if it knows the lowest loss. If
    it is told 0, its last 100 losses lie 0.05 above that on average and 0.001 at best, also from a
    start that differs by a hair, each seed: one loss alone may be lower."""
    data = breast_cancer()
    loss = LogisticRegression(data.x_train, data.y_train)
    start = np.zeros(30)
    limits = 2 / loss.curvature([start, loss.minimum])
    np.testing.assert_allclose(limits, [0.60, 14.6], rtol=0.01)
    assert descend(loss, start, SGD(), Armijo(), 40).rates.max() > 10 * limits[0]
    knows = descend(loss, start, SGD(), Polyak(loss.min_value), 400)
    assert knows.losses[0, -1] - loss.min_value < 1e-6
    for seed in seeds:
        near = 1e-12 * np.random.default_rng(seed).standard_normal(30)
        told = descend(loss, near, SGD(), Polyak(0), 400).losses[0, -100:] - loss.min_value
        assert told.mean() > 0.05
        assert told.min() > 0.001


def test_V49_a_search_on_batches_trains_a_network_that_can_fit_its_images(seeds):
    """NET-A, 5 epochs, c = ½, each seed: a training loss below 0.05, and no rate was chosen."""
    run = train(net_a(), digits(), SGD(), Armijo(c=0.5), 5, seed=seeds, evaluate_every=210)
    assert (run.train_loss[:, -1] < 0.05).all()
