"""Lesson 08, AdaGrad and RMSprop: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

from dataclasses import replace

import numpy as np

from lrlesson.data import descr, digits, wine_raw, zipf
from lrlesson.losses import NoisyBowl, Quadratic
from lrlesson.matrices import Muon, orthogonalised
from lrlesson.network import MLP, linear
from lrlesson.optimizers import SGD, AdaGrad, Adam, RMSprop
from lrlesson.schedules import Linear
from lrlesson.training import descend, sweep, train


def lowest(history):
    """The final training loss at the best rate, runs that diverged aside."""
    return np.where(history.diverged, np.inf, history.train_loss[:, -1]).min()


def test_V40_C32_per_weight_rates_replace_the_scaling_of_features(seeds):
    """Raw wine, three quarters of it, chosen by seed: SGD at the best of 15 rates has more than 100
    times the loss of AdaGrad, and of SGD on standardised features, on each of two seeds."""
    rates, model = np.geomspace(1e-6, 10, 15), MLP((13, 3), dtype=np.float64)
    start = np.zeros(model.P)
    for seed in seeds[:2]:
        raw, scaled = wine_raw().hold_out(0.25, seed), wine_raw(True).hold_out(0.25, seed)
        plain, adagrad, standard = (
            lowest(sweep(model, data, rule, rates, 500, None, w0=start))
            for data, rule in [(raw, SGD()), (raw, AdaGrad()), (scaled, SGD())]
        )
        assert plain > 100 * adagrad
        assert plain > 100 * standard


def test_the_size_of_the_gradients_cancels_and_a_late_weight_comes_fresh():
    """AdaGrad by hand, as the lesson's table has it."""
    rule, w = AdaGrad(), np.zeros(3)
    state = rule.init(w)
    for gradient in [[3, 0.03, 0], [4, 0.04, 0], [0, 0, 3]]:
        w = rule.step(w, gradient, state, 0.1)
    np.testing.assert_allclose(w, [-0.18, -0.18, -0.1])
    np.testing.assert_allclose(state.rate, [0.02, 2, 0.1 / 3])


def test_V39_rare_words_keep_a_large_rate(seeds):
    """DESCR, every scrap once, in the order of each seed: a word that occurs once has more than
    five times the effective rate of the most frequent word; 40 to 70 % of the words occur once."""
    text, rule = descr(), AdaGrad()
    model = MLP((len(text.x_train), 6), bias=False)
    targets, often = text.targets(), text.x_train.sum(axis=1)
    assert 0.4 < (often == 1).mean() < 0.7
    for seed in seeds:
        w = np.zeros(model.P)
        state = rule.init(w)
        for k in np.random.default_rng(seed).permutation(text.n):
            _, gradient = model.gradient(w, text.x_train[:, [k]], targets[:, [k]])
            w = rule.step(w, gradient, state, 0.2)
        rate = np.median(state.rate.reshape(6, -1), axis=0)
        assert rate[often == 1].min() > 5 * rate[often.argmax()]


def test_V39_C14_sparse_features_want_a_rate_of_their_own(seeds):
    """ZIPF, one pass, means of three data sets: SGD has more than 1.5 times, RMSprop more than 2
    times the test loss of AdaGrad, and both have more on each."""
    model, rates = linear(300), [0.03, 0.056, 0.1, 0.56, 1.0]
    start, loss = np.zeros(model.P), {}
    for rule, some in [
        (SGD(), rates[:3]),
        (RMSprop(), [0.01, 0.018, 0.03]),
        (AdaGrad(), rates[2:]),
    ]:
        runs = [sweep(model, zipf(seed=s), rule, some, 1, 1, s, w0=start) for s in seeds[:3]]
        ends = np.array([np.where(r.diverged, np.inf, r.test_loss[:, -1]) for r in runs])
        loss[type(rule)] = ends[:, ends.mean(axis=0).argmin()]
    for rule, times in ((SGD, 1.5), (RMSprop, 2)):
        assert loss[rule].mean() > times * loss[AdaGrad].mean()
        assert (loss[rule] > loss[AdaGrad]).all()


def test_V35_the_rate_of_adagrad_falls_as_one_over_root_k_and_that_of_rmsprop_stays():
    """Exact, on gradients of 1, up to 1000 of them."""
    k = np.arange(1, 1001)
    for rule, law in [(AdaGrad(), k**-0.5), (RMSprop(0.9), (1 - 0.9**k) ** -0.5)]:
        w, rate = np.zeros(1), []
        state = rule.init(w)
        for _ in k:
            w = rule.step(w, np.ones(1), state, 1.0)
            rate.append(state.rate.item())
        np.testing.assert_allclose(rate, law, rtol=1e-6)


def test_a_rare_weight_keeps_a_large_rate_under_rmsprop():
    """A gradient of 1 in one update of 20, to update 200: more than four times η at every visit,
    while AdaGrad's falls as one over the root of the visits."""
    for rule in (RMSprop(), AdaGrad()):
        w, rate = np.zeros(1), []
        state = rule.init(w)
        for t in range(200):
            w = rule.step(w, np.array([float(t % 20 == 9)]), state, 1.0)
            rate.append(state.rate.item())
        visits = np.array(rate[9::20])
        if isinstance(rule, RMSprop):
            assert visits.min() > 4
        else:
            np.testing.assert_allclose(visits, np.arange(1, 11) ** -0.5)


def recovery(rule, rates, seed):
    """Updates to within ½ of each of eight targets, 3 and −3 in turn: (rates, targets)."""
    rng, needed = np.random.default_rng(seed), []
    lr, w = np.array(rates)[:, None], np.zeros((len(rates), 4))
    state = rule.init(w)
    for target in [3, -3] * 4:
        far = []
        for _ in range(1000):
            far.append(np.abs(w - target).mean(axis=1) > 0.5)
            w = rule.step(w, w - target + 0.3 * rng.standard_normal(4), state, lr)
        needed.append(np.argmin(far, axis=0))
    return np.transpose(needed)


def test_V36_C13_adagrad_recovers_ever_more_slowly_and_rmsprop_does_not(seeds):
    """Each of three seeds: AdaGrad's times more than double from the second target to the eighth,
    at the rates 1 and 3, and at 1 rise each time; RMSprop's, at 0.03 and 0.1, stay within 20 %."""
    for seed in seeds[:3]:
        adagrad, rmsprop = recovery(AdaGrad(), [1, 3], seed), recovery(RMSprop(), [0.03, 0.1], seed)
        assert (adagrad[:, 7] > 2 * adagrad[:, 1]).all()
        assert (np.diff(adagrad[0]) > 0).all()
        assert (np.ptp(rmsprop[:, 1:], axis=1) < 0.2 * rmsprop[:, 1]).all()
        assert (adagrad[1] < rmsprop[1]).sum() >= 5  # a larger rate hides it for a while


def test_V37_where_the_target_rests_the_dying_rate_is_a_virtue(seeds):
    """Noisy bowl of 5 directions, 1000 updates, each at the best of nine rates, each seed: the mean
    loss of RMSprop is more than 1.2 times, that of SGD more than 1.6 times that of AdaGrad."""
    rates, n, score = np.geomspace(0.03, 3, 9), len(seeds), {}
    for rule in (SGD(), RMSprop(), AdaGrad()):
        lr, each = np.repeat(rates, n), [*seeds] * 9
        run = descend(
            NoisyBowl(np.ones(5)), np.full(5, 3.0), rule, lr, 1000, each, keep_weights=False
        )
        mean = np.where(run.diverged, np.inf, run.losses.mean(axis=1)).reshape(9, n)
        best = mean.mean(axis=1).argmin()
        assert 0 < best < 8
        score[type(rule)] = mean[best]
    assert (score[RMSprop] > 1.2 * score[AdaGrad]).all()
    assert (score[SGD] > 1.6 * score[AdaGrad]).all()


def test_V38_C15_rmsprop_with_a_constant_rate_ends_in_a_two_cycle(seeds):
    """No noise, ten starts: |w| = η/2 within 0.1 %, on both sides in turn, and SGD at 0."""
    rates = np.array([0.001, 0.01, 0.1])
    starts = np.repeat([np.random.default_rng(s).uniform(0.2, 1, 1) for s in seeds], 3, axis=0)
    lr = np.tile(rates, len(seeds))
    run = descend(Quadratic(1.0), starts, RMSprop(0.9), lr, 3000)
    last, before = run.weights[:, -1, 0], run.weights[:, -2, 0]
    np.testing.assert_allclose(np.abs(last), lr / 2, rtol=1e-3)
    assert (last * before < 0).all()
    assert np.abs(descend(Quadratic(1.0), starts, SGD(), 0.1, 3000).final).max() < 1e-100


def test_V41_C31_only_scaling_along_the_axes_is_mended(seeds):
    """Condition 1000, starts in ten directions, each at the best of 21 rates: turned by 45° AdaGrad
    needs more than 100 times as many updates, over 1000; momentum and SGD need as many as before,
    momentum fewer than 200."""
    rates, n, needed = np.geomspace(0.001, 100, 21), len(seeds), {}
    starts = np.array([np.random.default_rng(s).uniform(0.5, 2, 2) for s in seeds])
    for name, rule in [("AdaGrad", AdaGrad()), ("momentum", SGD(momentum=0.9)), ("SGD", SGD())]:
        for angle in [0, 45]:
            a = np.radians(angle)
            turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
            bowl, lr = Quadratic.conditioned(1000, rotation=a), np.tile(rates, n)
            w0 = np.repeat(starts @ turn.T, 21, axis=0)
            run = descend(bowl, w0, rule, lr, 4000, keep_weights=False)
            needed[name, angle] = np.nanmin(run.steps_to(1e-4).reshape(n, 21), axis=1)
    assert (needed["AdaGrad", 0] < 20).all()
    assert (needed["AdaGrad", 45] > 1000).all()
    assert (needed["AdaGrad", 45] > 100 * needed["AdaGrad", 0]).all()
    for name in ("momentum", "SGD"):
        assert (needed[name, 0] == needed[name, 45]).all()
    assert (needed["momentum", 0] < 200).all()
    assert (needed["SGD", 0] > 1000).all()


def three_epochs(seeds):
    """Losses of 64–64–10 after three epochs with a line to 0, each rule at its best rate (found on
    seeds 20 to 22), and how far each changes where inputs and first weights are turned."""
    net, data, plan = MLP((64, 64, 10), dtype=np.float64), digits(), Linear(1, 0, 3 * 42)
    turn = np.linalg.qr(np.random.default_rng(seeds[0]).standard_normal((64, 64)))[0]
    mixed = replace(data, x_train=turn @ data.x_train, x_test=None, y_test=None)
    start = np.array([net.init(seed) for seed in seeds])
    first = net.layers(turned := start.copy())[0][0]
    first[...] = first @ turn.T
    ends, change = {}, {}
    for name, rule, lr in [
        ("SGD", SGD(), 1.1),
        ("momentum", SGD(momentum=0.9), 0.15),
        ("Adam", Adam(), 0.05),
        ("Muon", Muon(net), 0.07),
    ]:
        ends[name], other = (
            train(net, pixels, rule, plan * lr, 3, seed=seeds, w0=w).train_loss[:, -1]
            for pixels, w in [(data, start), (mixed, turned)]
        )
        change[name] = abs(other / ends[name] - 1)
    return ends, change


def test_N9_muon_is_blind_to_a_rotation_and_needs_fewer_updates(seeds):
    """EXACT (10⁻⁹, each seed): a rotation of inputs and first weights changes no loss of SGD,
    momentum and Muon; SET: Adam's by more than 5 % on average. After three epochs Muon has less
    than half the loss of SGD and less than that of momentum (each seed), and less than three
    quarters of Adam's (means)."""
    ends, change = three_epochs(seeds)
    assert max(change[name].max() for name in ("SGD", "momentum", "Muon")) < 1e-9
    assert change["Adam"].mean() > 0.05
    assert (ends["Muon"] < 0.5 * ends["SGD"]).all()
    assert (ends["Muon"] < ends["momentum"]).all()
    assert ends["Muon"].mean() < 0.75 * ends["Adam"].mean()


def test_N9_five_steps_make_singular_values_alike_and_not_equal():
    """EXACT: singular values from 0.01 to 1 of a 32 × 32 matrix end between 0.6 and 1.25."""
    made = orthogonalised(np.diag(np.geomspace(0.01, 1, 32)))
    values = np.linalg.svd(made, compute_uv=False)
    assert 0.6 < values.min() < 0.9
    assert 1 < values.max() < 1.25
