"""Lesson 07, warmup and decay: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np
import pytest

from lrlesson.data import diabetes, digits
from lrlesson.losses import LeastSquares, noisy_quadratic_model
from lrlesson.network import linear, net_a, net_b
from lrlesson.optimizers import SGD
from lrlesson.schedules import WSD, Constant, Cosine, Linear, PolynomialDecay, Warmup
from lrlesson.sharpness import sharpness
from lrlesson.training import sweep, train


def trained(net, eta, epochs, seeds):
    return train(net, digits(), SGD(), eta, epochs, seed=seeds, evaluate_every=42 * epochs)


@pytest.mark.parametrize("rate", [0.3, 0.5])
def test_V34_C26_squared_error_breaks_at_the_start(rate, seeds):
    """NET-B: the batch loss passes 10 times its first value at update 4 or before, in the median;
    at rate 0.3 on at least 8 seeds of 10, at 0.5 on all."""
    share = relative(trained(net_b(), rate, 1, seeds))
    gone = ~(share <= 10)
    assert gone.any(axis=1).mean() >= {0.3: 0.8, 0.5: 1.0}[rate]
    assert np.median(gone[gone.any(axis=1)].argmax(axis=1)) <= 4


def test_V34_C26_cross_entropy_breaks_later_after_its_loss_had_fallen(seeds):
    """NET-A at 1.5: at least 8 of 10 break, in the median not before update 15, and there the
    lowest batch loss until then is below 60 % of the first."""
    share = relative(trained(net_a(), 1.5, 10, seeds))
    gone = ~(share <= 10)
    broken = gone.any(axis=1)
    assert broken.mean() >= 0.8
    first = gone.argmax(axis=1)
    assert np.median(first[broken]) >= 15
    assert np.median([share[r, : first[r]].min() for r in np.flatnonzero(broken)]) < 0.6


def relative(history):
    with np.errstate(all="ignore"):
        return history.losses / history.losses[:, :1]


def test_V31_V32_V34_each_cure_cures_its_own_case(seeds):
    """Ten epochs: a warmup saves NET-B at 0.5 on 8 seeds of 10 at least and NET-A at 1.5 on at most
    4; a line to 0 saves NET-A on 8 at least and NET-B on at most 3."""
    line = PolynomialDecay(1.0, T=420)
    assert trained(net_b(), Warmup(0.5, 50), 10, seeds).diverged.mean() <= 0.2
    assert trained(net_b(), line * 0.5, 10, seeds).diverged.mean() >= 0.7
    assert trained(net_a(), Warmup(1.5, 50), 10, seeds).diverged.mean() >= 0.6
    assert trained(net_a(), line * 1.5, 10, seeds).diverged.mean() <= 0.2


def test_V32_the_start_of_the_squared_error_network_is_its_sharp_place(seeds):
    """2/λ_max on 200 digits, medians: below 0.15 at the start, and after 50 updates of warmup
    to 0.5 more than 2 times as much and above 0.3. Yet 0.15 breaks at most 2 runs of 10."""
    setting = net_b(), digits(), SGD(), Warmup(0.5, 50), 2
    run = train(*setting, seed=seeds, evaluate_every=50, stop_after=50, keep_weights=True)
    data = digits().first(200)
    limits = [2 / sharpness(net_b(), path, data, tolerance=0.02) for path in run.weights]
    start, after = np.nanmedian(limits, axis=0)
    assert start < 0.15
    assert after > max(2 * start, 0.3)
    run = trained(net_b(), 0.15, 10, seeds)
    assert (run.diverged | run.spiked).mean() <= 0.2


def test_V32_C24_warmup_opens_higher_rates_that_end_lower(seeds):
    """NET-B, ten epochs, the best safe rate of one grid for each side, three seeds: less than 0.75
    times the loss."""
    rates, best = np.array([0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0]), []
    for W in (0, 50):
        shape = Warmup(1.0, W)
        run = sweep(net_b(), digits(), SGD(), rates, 10, seed=seeds[:3], schedule=shape)
        unsafe = run.per_rate(run.diverged | run.spiked).any(axis=1)
        loss = run.per_rate(run.train_loss[:, -1]).mean(axis=1)
        best.append(np.where(unsafe, np.inf, loss).min())
    assert best[1] < 0.75 * best[0]


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_V33_C25_on_an_easy_start_warmup_costs_travel(rate, seeds):
    """NET-A, five epochs, each seed: one of them as warmup ends higher; on average by over 5 %."""
    cold = trained(net_a(), Constant(rate), 5, seeds).train_loss[:, -1]
    warm = trained(net_a(), Warmup(rate, 42), 5, seeds).train_loss[:, -1]
    assert (warm > cold).all()
    assert (warm / cold).mean() > 1.05


def test_an_unfinished_cosine_is_left_at_half_its_floor(seeds):
    """Diabetes, peak 0.02, stopped after 10 epochs, means of ten seeds: more than three times the
    loss of a trapezoid that comes down in the last two; a cosine of the right length is best."""
    data, model, epoch = diabetes(), linear(10), 442
    schedules = [Cosine(0.02, 20 * epoch), WSD(0.02, 0, 8 * epoch, 2 * epoch)]
    curves = [eta.values(10 * epoch) for eta in [*schedules, Cosine(0.02, 10 * epoch)]]
    rates = np.repeat(curves, len(seeds), axis=0)
    setting = model, data, SGD(), lambda t: rates[:, t], 10, 1, [*seeds] * 3
    run = train(*setting, w0=np.zeros(model.P), evaluate_every=10 * epoch)
    lowest = LeastSquares(data.x_train, data.y_train).min_value
    unfinished, late, planned = (run.train_loss[:, -1] - lowest).reshape(3, -1).mean(axis=1)
    assert unfinished > 3 * late
    assert planned < late


def test_a_trapezoid_of_another_length_is_the_same_run_until_it_comes_down():
    """Exact: equal until the shorter one begins to fall; a cosine of its length is lower then."""
    short, long = WSD(0.02, 10, 90, 50), WSD(0.02, 10, 400, 50)
    np.testing.assert_array_equal(short.values(101), long.values(101))
    assert Cosine(0.02, 150)(50) < Cosine(0.02, 460)(50)


def test_N16_how_long_the_last_decay_must_be_depends_on_the_flattest_direction():
    """EXACT, noisy quadratic, 3000 updates, each at its best rate: a cooldown of a tenth brings
    more than half of what a line over all brings; 1 − √x brings more than a line as long."""
    model, rates, T = noisy_quadratic_model(), np.geomspace(0.02, 0.6, 40), 3000

    def lowest(plan):
        curves = rates[:, None] * plan.values(T)
        return np.nanmin(model.expected(np.ones(100), curves)[:, -1])

    none, line = lowest(Warmup(1.0, 0)), lowest(Linear(1, 0, T))
    tenth, root = (lowest(WSD(1.0, 0, 0.9 * T, 0.1 * T, shape=s)) for s in ("line", "sqrt"))
    assert none - tenth > 0.5 * (none - line)
    assert root < tenth
