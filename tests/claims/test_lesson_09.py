"""Lesson 09, Adam: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from lrlesson.data import breast_cancer, digits
from lrlesson.losses import LeastSquares, NoisyBowl, Quadratic
from lrlesson.network import MLP, net_a, net_b
from lrlesson.optimizers import SGD, AdaGrad, Adam, AdamW, RMSprop
from lrlesson.training import descend, sweep


def steps(rule, gradients, lr=1.0, start=0.0):
    """How far each update moves one weight, in units of the rate of that update."""
    w, moved = np.array([start]), []
    state = rule.init(w)
    for g, eta in np.broadcast(gradients, lr):
        before, w = w, rule.step(w, [g], state, eta)
        moved.append((before - w).item() / eta)
    return np.array(moved)


@pytest.mark.parametrize(("lr", "beta"), [(0.05, 0.5), (0.01, 0.9)])
def test_V13_momentum_acts_as_a_larger_rate_for_the_steps_and_for_the_floor(lr, beta, seeds):
    """400 noisy bowls, each of five seeds: the floor of η/(1 − β) = 0.1 within 10 %."""
    rule = SGD(momentum=beta)
    assert np.isclose(lr * steps(rule, np.ones(300))[-1], 0.1)
    run = descend(NoisyBowl(np.ones(400)), np.zeros((5, 400)), rule, lr, 1000, seeds[:5])
    np.testing.assert_allclose(run.losses[:, 300:].mean(axis=1) / 400, NoisyBowl().floor(0.1), 0.1)


def test_V13_the_fastest_pair_acts_as_more_than_twice_the_limit_of_plain_descent():
    """Curvatures 1 and 20, from (−4, 2) to a loss 1000 times lower, best of 40 rates for each of
    ten β: η/(1 − β) is above 0.2, where 2/λ_max is 0.1, and β = 0 takes more than twice as long."""
    rates, betas = np.geomspace(0.001, 0.2, 40), [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    best = []
    for beta in betas:
        run = descend(Quadratic([1, 20]), [-4.0, 2.0], SGD(beta), rates, 500)
        needed = run.steps_to(run.losses[0, 0] / 1000)
        best.append((np.nanmin(needed), rates[np.nanargmin(needed)] / (1 - beta)))
    fewest, rate = min(best)
    assert rate > 0.2
    assert best[0][0] > 2 * fewest


@pytest.mark.parametrize("beta", [0.5, 0.9])
def test_V13_the_stability_limit_with_momentum(beta):
    """2(1 + β)/λ: at 0.99 of it a bowl of curvature 4 converges, at 1.01 it diverges."""
    limit = 2 * (1 + beta) / 4
    run = descend(Quadratic(4.0), [1.0], SGD(momentum=beta), np.array([0.99, 1.01]) * limit, 2000)
    assert run.losses[0, -1] < 1e-6 * run.losses[0, 0]
    assert run.diverged.tolist() == [False, True]


def test_V44_C18_adam_by_hand_and_without_bias_correction_too_fast():
    """Exact: 1 and 0.266 for the gradients 2 and −1; without correction 3.162 first, at most 6.569
    in update 12, 3.24 in update 100, 1.26 in update 1000; with β₂ = β₁ 0.316 first."""
    np.testing.assert_allclose(steps(Adam(), [2, -1]), [1, 0.266], atol=5e-4)
    np.testing.assert_allclose([steps(Adam(), [g])[0] for g in (0.001, 50)], 1, rtol=1e-4)
    without = steps(Adam(bias_correction=False), np.ones(1000))
    np.testing.assert_allclose(without[[0, 11, 99, 999]], [3.162, 6.569, 3.241, 1.258], rtol=1e-3)
    assert without.argmax() == 11
    short = steps(Adam(beta2=0.9, bias_correction=False), np.ones(1))
    np.testing.assert_allclose(short, 0.316, rtol=1e-2)


class Louder(MLP):
    """The same network, its loss 100 times as large."""

    def gradient(self, w, x, targets):
        loss, gradient = super().gradient(w, x, targets)
        return 100 * loss, 100 * gradient


TASKS = {
    "digits": (net_a(), digits()),
    "loss × 100": (Louder(net_a().sizes), digits()),
    "inputs × 10": (net_a(), digits(scale=10)),
    "inputs / 10": (net_a(), digits(scale=0.1)),
    "squared error": (net_b(), digits()),
    "breast cancer": (MLP((30, 32, 2)), breast_cancer()),
}


def test_V42_C16_the_good_rate_of_adam_is_portable(seeds):
    """Six problems, 3 epochs, mean of three seeds, 13 rates: SGD's best rates span more than a
    factor of 100, Adam's at most 10. With a loss 100 times as large Adam's final losses up to the
    rate 0.01 stay within 5 %, and SGD diverges at the rate that was its best."""
    rates, ends = np.geomspace(1e-4, 100, 13), {}
    for rule in (SGD(), Adam()):
        for name, task in TASKS.items():
            run = sweep(*task, rule, rates, 3, seed=seeds[:3])
            loss = np.where(run.diverged, np.inf, run.train_loss[:, -1])
            ends[type(rule), name] = run.per_rate(loss).mean(axis=1)
    best = {
        rule: np.log10([rates[ends[rule, name].argmin()] for name in TASKS]) for rule in (SGD, Adam)
    }
    assert np.ptp(best[SGD]) > 2.1
    assert np.ptp(best[Adam]) < 1.1
    plain, louder = ends[Adam, "digits"], ends[Adam, "loss × 100"]
    np.testing.assert_allclose(louder[rates < 0.02], plain[rates < 0.02], rtol=0.05)
    assert np.isinf(ends[SGD, "loss × 100"][ends[SGD, "digits"].argmin()])


def test_V43_the_window_of_adam_is_not_wider(seeds):
    """NET-A, 3 epochs, mean accuracy of three seeds: within one point of the best from a rate to
    less than ten times that rate, for SGD and for Adam."""
    rates = 10 ** np.arange(-3, 0.6, 0.125)
    for rule in (SGD(), Adam()):
        run = sweep(net_a(), digits(), rule, rates, 3, seed=seeds[:3])
        accuracy = np.where(run.diverged, 0, run.test_accuracy[:, -1])
        mean = run.per_rate(accuracy).mean(axis=1)
        good = rates[mean > mean.max() - 0.01]
        assert good.max() / good.min() < 10


def test_optimizers_compared_at_one_rate_can_be_made_to_say_anything(seeds):
    """NET-A, 2 epochs, each of three seeds: at the rate 0.01 RMSprop ends lowest and SGD highest,
    at 1 SGD lowest, while momentum, RMSprop and Adam diverge; each at the best of eight rates, the
    means are within a factor of four."""
    rates, rules = 10 ** (np.arange(-6, 2) / 2), [SGD(), SGD(0.9), AdaGrad(), RMSprop(), Adam()]
    ends = []
    for rule in rules:
        run = sweep(net_a(), digits(), rule, rates, 2, seed=seeds[:3])
        ends.append(run.per_rate(np.where(run.diverged, np.inf, run.train_loss[:, -1])))
    ends = np.array(ends)  # (rules, rates, seeds)
    assert (ends[:, 2].argmin(axis=0) == 3).all()
    assert (ends[:, 2].argmax(axis=0) == 0).all()
    assert (ends[:, 6].argmin(axis=0) == 0).all()
    assert np.isinf(ends[[1, 3, 4], 6]).all()
    best = ends.mean(axis=2).min(axis=1)
    assert best.max() < 4 * best.min()


def test_V46_C30_l2_under_adam_is_not_weight_decay(seeds):
    """Three weights with noise 0.1, 1, 10 for gradients, 2000 updates, λ = 0.1, mean of 20 runs,
    each of three seeds: with L2 below 0.1 and above 3, with AdamW all between 0.4 and 0.95."""
    for seed in seeds[:3]:
        ends = []
        for rule in (Adam(weight_decay=0.1), AdamW(weight_decay=0.1)):
            w, rng = np.full((20, 3), 5.0), np.random.default_rng(seed)
            state = rule.init(w)
            for _ in range(2000):
                gradient = np.array([0.1, 1, 10]) * rng.standard_normal(w.shape)
                w = rule.step(w, gradient, state, 0.01)
            ends.append(w.mean(axis=0))
        coupled, decoupled = ends
        assert coupled[0] < 0.1
        assert coupled[2] > 3
        assert ((decoupled > 0.4) & (decoupled < 0.95)).all()


@pytest.mark.parametrize("C", [2.5, 4, 10, 20])
def test_V45_C17_the_counterexample_needs_a_tiny_beta2(C):
    """Exact, 2000 updates: Adam at +1, the worst point, AMSGrad and Adam as usual at −1."""
    tiny, ends = 1 / (1 + C**2), []
    for rule in (Adam(0.0, tiny), Adam(0.0, tiny, amsgrad=True), Adam()):
        w = np.zeros(1)
        state = rule.init(w)
        for t in range(2000):
            gradient = [C if t % 3 == 0 else -1]
            w = np.clip(rule.step(w, gradient, state, 0.5 / np.sqrt(t + 1)), -1, 1)
        ends.append(w.item())
    np.testing.assert_allclose(ends, [1, -1, -1], atol=0.02)


def test_V47_the_same_fit_and_another_answer(seeds):
    """After Wilson et al.: 60 examples, about 60 % of one class, each of two seeds: all rules fit
    nine in ten; on new ones SGD is right, and the others say the majority's answer, to as many."""
    rates = np.geomspace(0.001, 1, 7)
    for seed in seeds[:2]:
        rng = np.random.default_rng(seed)
        answers = np.where(rng.random(120) < 0.6, 1, -1)
        majority = np.sign(answers[:60].sum())
        if majority == 0:
            continue
        x = np.zeros((603, 120))
        x[0], x[1:3] = answers, 1
        for k, answer in enumerate(answers):
            x[3 + 5 * k : 3 + 5 * k + (1 if answer > 0 else 5), k] = 1
        loss = LeastSquares(x[:, :60], answers[:60])
        for rule in (SGD(), SGD(momentum=0.9), AdaGrad(), RMSprop(), Adam()):
            run = descend(loss, np.zeros(603), rule, rates, 300, keep_weights=False)
            w = run.final[np.where(run.diverged, np.inf, run.losses[:, -1]).argmin()]
            said = np.sign(w @ x)
            assert (said[:60] == answers[:60]).mean() > 0.9
            right = answers[60:] if isinstance(rule, SGD) else np.full(60, majority)
            assert (said[60:] == right).mean() > 0.9


def test_one_name_three_formulas():
    """The lesson's table of last steps, in units of η: PyTorch, Keras, optax."""
    keras, optax = {"eps": 1e-7, "eps_on": "raw"}, {"start": 0.1, "eps": 1e-7, "eps_inside": True}
    adagrad = [AdaGrad(), AdaGrad(**optax), AdaGrad(**optax)]
    rmsprop = [RMSprop(), *(RMSprop(0.9, eps, eps_inside=True) for eps in [1e-7, 1e-8])]
    adam = [Adam(), Adam(**keras), Adam()]
    amsgrad = [Adam(amsgrad="before"), Adam(amsgrad="before", **keras), Adam(amsgrad="after")]
    momentum = [SGD(0.9), SGD(0.9, rate_inside=True), SGD(0.9)]
    decay = [Adam(weight_decay=0.1), AdamW(weight_decay=0.1, **keras), AdamW(weight_decay=0.1)]
    cut = [0.1, 0.1, 0.1, 0.01]
    for rules, how, expected in [
        # What torch 2.13.0, Keras 3.15.1 and optax 0.2.8 said, run side by side.
        (adagrad, [[0.01]], [1, 0.03161, 0.03161]),
        (rmsprop, [[0.01]], [10, 3.147, 3.161]),
        (rmsprop, [[1e-6]], [9.091, 0.003162, 0.01]),
        (adam, [[0.01]], [1, 0.9997, 1]),
        (adam, [[1e-6]], [0.9901, 0.2403, 0.9901]),
        (amsgrad, [[10] + 99 * [1], 0.1], [0.7176, 0.7176, 0.1]),
        (momentum, [np.ones(4), cut], [3.439, 25.39, 3.439]),
        (decay, [[10], 0.1, 5.0], [1, 1.5, 1.5]),
    ]:
        np.testing.assert_allclose([steps(rule, *how)[-1] for rule in rules], expected, rtol=1e-3)


def test_the_variants_are_those_that_are_compared_with_the_frameworks(monkeypatch):
    """Each default in the lesson's table is a row of tests/reference/rosetta.py."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "reference")
    monkeypatch.delitem(sys.modules, "rosetta", raising=False)
    from rosetta import OPTIMIZERS

    keras = {"eps": 1e-7, "eps_on": "raw"}
    adagrad = AdaGrad(1e-7, 0.1, eps_inside=True)
    for library, name, rule in [
        ("torch", "Adagrad([w], lr=lr)", AdaGrad()),
        ("torch", "RMSprop([w], lr=lr)", RMSprop()),
        ("torch", "Adam([w], lr=lr)", Adam()),
        ("torch", "SGD([w], lr=lr, momentum=0.9)", SGD(0.9)),
        ("torch", "Adam([w], lr=lr, weight_decay=0.1)", Adam(weight_decay=0.1)),
        ("keras", "Adagrad(lr)", adagrad),
        ("keras", "RMSprop(lr)", RMSprop(0.9, 1e-7, eps_inside=True)),
        ("keras", "Adam(lr)", Adam(**keras)),
        ("keras", "SGD(lr, momentum=0.9)", SGD(0.9, rate_inside=True)),
        ("keras", "Adam(lr, weight_decay=0.1)", AdamW(weight_decay=0.1, **keras)),
        ("optax", "adagrad(lr)", adagrad),
        ("optax", "rmsprop(lr)", RMSprop(0.9, 1e-8, eps_inside=True)),
        ("optax", "adam(lr)", Adam()),
        ("optax", "sgd(lr, momentum=0.9)", SGD(0.9)),
    ]:
        assert OPTIMIZERS[library][name] == rule
