"""Lesson 19, the capstone: what it says, on the first seeds of 0 to 9.

A seed is twelve trainings; one claim about r takes two of them.
"""

import csv
from importlib.resources import files

import numpy as np
import pytest

from lrlesson import capstone
from lrlesson.capstone import TASKS, problem, score
from lrlesson.capstone.scoring import ratio
from lrlesson.optimizers import Adam


def one_rate(problem, budget):
    for _ in range(budget):
        problem.step(0.1)


def test_first(problem, budget):
    """As in the lesson: a range test, a third of its minimum, a line to zero."""
    lrs, losses, smooth, mean = np.geomspace(1e-5, 100, 100), [], [], 0.0
    for k, lr in enumerate(lrs):
        losses.append(problem.step(lr))
        if not losses[-1] <= 4 * min(losses):
            break
        mean = 0.9 * mean + 0.1 * losses[-1]
        smooth.append(mean / (1 - 0.9 ** (k + 1)))
    lr = lrs[np.argmin(smooth)] / 3
    problem.reset()
    left = problem.left
    for t in range(left):
        problem.step(lr * (1 - t / left))


test_first.__test__ = False


def adam_to_zero(lr):
    def strategy(problem, budget):
        w, rule = problem.init(), Adam()
        state = rule.init(w)
        for t in range(budget):
            w = rule.step(w, problem.grad(w)[1], state, lr * (1 - t / budget))
        return w

    return strategy


def test_one_rate_is_decent_at_scale_1_and_far_off_at_a_tenth_of_it(seeds):
    """Every seed: below 2 times the best at scale 1, above 3 at scale 0.1."""
    for name, low, high in [("digits × 1", 0, 2), ("digits × 0.1", 3, np.inf)]:
        for seed in seeds:
            one = problem("sgd", name, seed)
            one_rate(one, 600)
            assert low < ratio("sgd", one, None) < high, (name, seed)


@pytest.fixture(scope="module")
def two(seeds):
    return seeds[:2]


def test_a_range_test_is_worth_its_price_and_one_number_is_not_enough(two):
    """Each seed: over the digits at three scales the mean ratio falls from above 2 to below 1.7; of
    all runs at least 3 are lost even so, and it does not win on every task."""
    for seed in two:
        blind, tested = score(one_rate, "sgd", [seed]), score(test_first, "sgd", [seed])
        before, after = (np.exp(np.log(one.ratios[:3]).mean()) for one in (blind, tested))
        assert before > 2
        assert after < 1.7
        assert blind.r > 1.7
        assert tested.lost >= 3
        assert (tested.per_task > blind.per_task).any()


def mean_ratio_at_scales(strategy, seed):
    """The geometric mean over the digits × 0.1, 1 and 10."""
    found = []
    for task in TASKS[:3]:
        one = problem("open", task, seed)
        found.append(ratio("open", one, strategy(one, one.budget)))
    return np.exp(np.log(found).mean())


def test_V42_one_rate_of_adam_serves_all_scales_and_not_any_rate_does(two):
    """Digits at three scales: within 1.4 of the best at 0.01 on each seed; above 5 at 0.0003."""
    for seed in two:
        assert mean_ratio_at_scales(adam_to_zero(0.01), seed) < 1.4
    assert mean_ratio_at_scales(adam_to_zero(0.0003), two[0]) > 5


def test_the_best_rates_of_sgd_lie_a_factor_of_a_hundred_apart():
    """In the oracle's table, on the digits at three scales: from 0.03 to 3."""
    text = files(capstone).joinpath("oracle.csv").read_text(encoding="utf-8").splitlines()
    rows = [row for row in csv.DictReader(text) if row["track"] == "sgd"][:3]
    rates = [float(row["rate"]) for row in rows]
    assert max(rates) / min(rates) == pytest.approx(100, rel=0.01)
