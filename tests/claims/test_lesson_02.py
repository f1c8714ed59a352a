"""Lesson 02, too low, too high, just right: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np
import pytest

from lrlesson.data import diabetes, digits
from lrlesson.losses import LeastSquares, Quadratic
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.training import descend, sweep, train
from lrlesson.wrappers import Stored


def test_V1_one_update_multiplies_the_distance_by_one_minus_eta_lambda():
    """Exact, 200 updates at fractions of the threshold 2/λ just around it."""
    fraction = np.array([0.999, 1.0, 1.001, 1.1])
    history = descend(Quadratic(4.0), [1.0], SGD(), fraction * 2 / 4, 200)
    np.testing.assert_allclose(np.abs(history.final[:, 0]), [0.670, 1, 1.491, 6.9e15], rtol=0.01)
    law = (1 - 2 * fraction) ** 200
    np.testing.assert_allclose(history.final[:, 0], law, rtol=1e-9)


def test_V2_too_low_and_too_high_are_mirror_images():
    """Exact: fractions f and 1 − f of the threshold need the same number of updates."""
    fraction = np.array([0.005, 0.05, 0.25, 0.5, 0.75, 0.95, 0.995])
    history = descend(Quadratic(4.0), [1.0], SGD(), fraction * 2 / 4, 700)
    near = history.steps_to(0.5 * 4 * 1e-3**2)
    assert near.tolist() == [688, 66, 10, 1, 10, 66, 688]


def test_V3_the_steepest_direction_sets_the_limit_the_flattest_the_time():
    """Exact on a bowl of curvatures 1 and 20, from (1, 1) to a loss of 10⁻⁶."""
    fraction = np.array([0.05, 0.25, 0.5, 0.9, 0.952, 0.99, 0.999, 1.001])
    history = descend(Quadratic([1, 20]), [1.0, 1.0], SGD(), fraction * 2 / 20, 4100)
    steps = history.steps_to(1e-6)
    assert steps[:-1].tolist() == [1309, 260, 128, 70, 81, 399, 4026]
    assert np.isnan(steps[-1])
    assert history.diverged.tolist() == [False] * 7 + [True]


def test_V4_C1_the_threshold_is_real_on_diabetes(seeds):
    """On each of 10 random starts 0.99 × 2/λ_max converges and 1.01 × 2/λ_max explodes."""
    data = diabetes()
    loss = LeastSquares(data.x_train, data.y_train)
    limit = 2 / loss.curvature(loss.minimum)
    starts = [np.random.default_rng(seed).standard_normal(10) for seed in seeds]
    below, above = (
        descend(loss, starts, SGD(), k * limit, 2500, keep_weights=False) for k in (0.99, 1.01)
    )
    assert (below.losses[:, -1] < loss.min_value * 1.001).all()
    assert not below.diverged.any()
    assert above.diverged.all()


def test_V5_C2_far_below_the_threshold_only_rate_times_steps_counts(seeds):
    """NET-A on 500 digits, all at once: the same η × steps gives the same loss within 1 %."""
    data = digits().first(500)
    ends = [
        train(net_a(), data, SGD(), lr, steps, None, seeds, evaluate_every=steps).train_loss[:, -1]
        for lr, steps in ((0.025, 400), (0.1, 100))
    ]
    np.testing.assert_allclose(ends[0], ends[1], rtol=0.01)
    assert (ends[0] < 0.25).all()  # and they have learnt something


def test_V6_C3_loss_against_rate_is_a_U_with_a_cliff(seeds):
    """NET-A, 10 epochs: every decade from 0.001 to 1 is more than 3 times better, 1.78 and 2.15
    explode."""
    history = sweep(net_a(), digits(), SGD(), [1e-3, 0.01, 0.1, 1, 1.78, 2.15], 10, seed=seeds)
    loss = history.per_rate(history.train_loss[:, -1])
    assert (loss[:3] > 3 * loss[1:4]).all()
    assert history.per_rate(history.diverged).all(axis=1).tolist() == [False] * 4 + [True] * 2
    assert not history.per_rate(history.diverged)[:4].any()


def test_V7_C4_a_timid_rate_is_expensive(seeds):
    """NET-A, 3 epochs: the median of the loss at 0.1 over that at 1.0 is more than 3, and 1.0 is
    better on each seed; 0.5 beats 0.01 by more than 15 times on each. Of 100 seeds the smallest
    ratios were 2.5 and 25, the medians 7.9 and 34."""
    history = sweep(net_a(), digits(), SGD(), [0.01, 0.1, 0.5, 1.0], 3, seed=seeds)
    tiny, timid, good, bold = history.per_rate(history.train_loss[:, -1])
    assert np.median(timid / bold) > 3
    assert (timid > bold).all()
    assert (tiny > 15 * good).all()


def test_V8_too_high_has_several_faces(seeds):
    """Pixels/16, 10 epochs: rate 10 ends finite and useless (a mean above 1.2, each above 0.4;
    0.85 to 2.6 on 60 seeds), 8 of 10 without a divergence; 100 diverges on at least 7 of 10."""
    history = sweep(net_a(), digits(scale="pixels/16"), SGD(), [10, 100], 10, seed=seeds)
    useless = history.per_rate(history.train_loss[:, -1])[0]
    tame = ~history.per_rate(history.diverged)[0]
    assert tame.mean() >= 0.8
    assert (useless[tame] > 0.4).all()
    assert useless[tame].mean() > 1.2
    assert history.per_rate(history.diverged)[1].mean() >= 0.7


def test_data_scale_moves_the_best_rate(seeds):
    """Unit inputs like a rate near 1, raw 0 … 16 pixels one at least 5 times smaller; inputs
    twice as large make the limit of a linear model exactly a quarter."""
    data = diabetes()
    limits = []
    for factor in (1, 2):
        bowl = LeastSquares(factor * data.x_train, data.y_train)
        limits.append(2 / bowl.curvature(bowl.minimum))
    assert limits[1] == pytest.approx(limits[0] / 4)
    rates = np.geomspace(0.03, 3, 9)
    best = []
    for scale in (1.0, "pixels"):
        history = sweep(net_a(), digits(scale=scale), SGD(), rates, 5, seed=seeds[:5])
        loss = history.per_rate(np.where(history.diverged, np.inf, history.train_loss[:, -1]))
        best.append(rates[np.median(loss, axis=1).argmin()])
    assert best[0] == pytest.approx(0.95, rel=0.8)
    assert best[0] / best[1] > 5


def test_V9_C33_a_rising_loss_does_not_mean_that_the_rate_is_too_high(seeds):
    """Rate 0.5, epochs 3 to 5: 20 to 50 % of updates raise the training loss of good runs."""
    history = train(net_a(), digits(), SGD(), 0.5, 5, seed=seeds, evaluate_every=1)
    rises = np.diff(history.train_loss[:, 2 * history.per_epoch :]) > 0
    share = rises.mean(axis=1)
    assert ((share > 0.2) & (share < 0.5)).all()
    assert (history.test_accuracy[:, -1] > 0.94).all()


def test_N12_in_few_bits_a_rate_has_a_lower_limit_too(seeds):
    """ROBUST, each seed: NET-A, SGD, 10 epochs: with weights in bfloat16 the loss falls less than
    0.45 of the way at 0.001, and ends less than 1.2 times as high at 0.1; with weights that are
    rounded by chance it falls as far within 5 %."""
    first, last = {}, {}
    for how in (None, "bfloat16", "stochastic"):
        rule = Stored(SGD(), how) if how else SGD()
        run = sweep(net_a(), digits(), rule, [0.001, 0.1], 10, seed=seeds)
        first[how], last[how] = (run.per_rate(run.train_loss[:, k]) for k in (0, -1))
    fall = {how: first[how] - last[how] for how in first}
    assert (fall["bfloat16"][0] < 0.45 * fall[None][0]).all()
    assert (last["bfloat16"][1] < 1.2 * last[None][1]).all()
    np.testing.assert_allclose(fall["stochastic"], fall[None], rtol=0.05)
