"""Lesson 16, without a plan: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np

from lrlesson.data import diabetes
from lrlesson.distance import DoWG, Prodigy
from lrlesson.losses import LeastSquares
from lrlesson.network import linear
from lrlesson.optimizers import SGD, Adam, ScheduleFree
from lrlesson.schedules import Cosine, Linear
from lrlesson.training import descend, train


def test_N7_schedule_free_is_near_a_planned_cosine_whenever_it_is_stopped(seeds):
    """SET, means: diabetes, single examples: one schedule-free run at 0.045 has less than 1.5 times
    the loss of a cosine planned for 5, 10 and 20 epochs; a cosine planned for 20 and stopped at 10
    has more than 4 times that of the free one."""
    data, model = diabetes(), linear(10)
    lowest = LeastSquares(data.x_train, data.y_train).min_value

    def above(rule, plan, epochs):
        run = train(model, data, rule, plan, epochs, 1, seeds, w0=np.zeros(model.P))
        return (run.train_loss - lowest).mean(axis=0)

    free = above(ScheduleFree(SGD()), 0.045, 20)
    for epochs, lr in ((5, 0.032), (10, 0.045), (20, 0.045)):
        assert free[epochs] < 1.5 * above(SGD(), Cosine(lr, 442 * epochs), epochs)[-1]
    assert above(SGD(), Cosine(0.045, 442 * 20), 20)[10] > 4 * free[10]


def left(rule, k, lr, seeds):
    """The share of the gap that is left after 1000 updates with a line to 0, answers times k."""
    data = diabetes()
    loss = LeastSquares(data.x_train, k * data.y_train, batch=32)
    rates = np.repeat(np.atleast_1d(lr), len(seeds))
    every = [*seeds] * np.size(lr)
    run = descend(loss, np.zeros(10), rule, Linear(1, 0, 1000) * rates, 1000, every)
    gap = (run.losses[:, -1] - loss.min_value) / (loss.zero_value - loss.min_value)
    return np.where(run.diverged, np.inf, gap).reshape(np.size(lr), -1)


def test_N8_the_rate_of_sgd_has_no_unit_of_the_answers_and_that_of_adam_has(seeds):
    """EXACT on a grid of half decades: answers times 1000 leave SGD's best rate, and multiply
    Adam's by 1000. Prodigy, untuned, leaves less than 2 % at either, on each seed; DoWG 3 %."""
    rates = np.geomspace(1e-3, 1e3, 13)
    best = {
        (name, k): rates[left(rule, k, rates, seeds).mean(axis=1).argmin()]
        for name, rule in (("sgd", SGD()), ("adam", Adam()))
        for k in (1, 1000)
    }
    assert best["sgd", 1] == best["sgd", 1000]
    np.testing.assert_allclose(best["adam", 1000], 1000 * best["adam", 1])
    for k in (1, 1000):
        assert (left(Prodigy(), k, 1.0, seeds) < 0.02).all()
        assert (left(DoWG(), k, 1.0, seeds) < 0.03).all()
