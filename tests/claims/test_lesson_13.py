"""Lesson 13, when a step is too large once: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np

from lrlesson.data import digits
from lrlesson.losses import Quadratic
from lrlesson.network import net_a, net_b
from lrlesson.optimizers import SGD, Adam
from lrlesson.training import descend, sweep, train
from lrlesson.wrappers import BadBatch, Clipped


def broken(run):
    return run.diverged | run.spiked


def test_N1_clipping_saves_a_fragile_start(seeds):
    """ROBUST, each seed: NET-B, 10 epochs, breaks at 0.5 and 0.7 without clipping and never with a
    limit of 1; there it ends below 0.9 times the loss at 0.15 without."""
    rates = [0.5, 0.7]
    plain, clipped = (
        sweep(net_b(), digits(), rule, rates, 10, seed=seeds) for rule in (SGD(), Clipped(SGD()))
    )
    assert broken(plain).all()
    assert not broken(clipped).any()
    safe = train(net_b(), digits(), SGD(), 0.15, 10, seed=seeds).train_loss[:, -1]
    assert (clipped.per_rate(clipped.train_loss[:, -1])[1] < 0.9 * safe).all()


def test_N1_only_the_long_gradients_of_the_start_are_clipped(seeds):
    """ROBUST, each seed: NET-B at 0.5, limit 1: at least 18 of the first 20 updates are clipped,
    and fewer than 5 % of those from update 60 on."""
    network, data = net_b(), digits()
    targets = data.targets()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        w, rule, clipped = network.init(rng), Clipped(SGD()), []
        state = rule.init(w)
        for _ in range(210):
            batch = rng.integers(data.n, size=32)
            _, gradient = network.gradient(w, data.x_train[:, batch], targets[:, batch])
            w = rule.step(w, gradient, state, 0.5)
            clipped.append(state.clipped.item())
        assert np.sum(clipped[:20]) >= 18
        assert np.mean(clipped[60:]) < 0.05


def test_N1_a_limit_below_the_usual_length_is_a_lower_rate(seeds):
    """ROBUST, each seed: NET-B at 0.15: a limit of 0.1 has more than twice the loss of none."""
    low, none = (
        train(net_b(), digits(), rule, 0.15, 10, seed=seeds).train_loss[:, -1]
        for rule in (Clipped(SGD(), 0.1), SGD())
    )
    assert (low > 2 * none).all()


def test_N1_a_rate_beyond_the_limit_bounces_for_ever(seeds):
    """EXACT, from ten starts: bowl of curvature 1 at 2.5, limit 1: never above 2.5 from the minimum
    once there, and still moving by more than 1 after 500 updates."""
    starts = [np.random.default_rng(seed).normal(0, 3, 1) for seed in seeds]
    path = descend(Quadratic(1.0), starts, Clipped(SGD()), 2.5, 500).weights[:, :, 0]
    assert (np.abs(path[:, 100:]) <= 2.5).all()
    assert (np.abs(np.diff(path[:, -50:])).max(axis=1) > 1).all()


def test_N1_clipping_moves_the_resting_place_towards_the_median():
    """EXACT: one example in ten pulls to 10, nine to 0; limit 1: rest at 1/9, and without at 1."""
    pulls, rest = np.array([10.0] + [0.0] * 9), {}
    for limit in (100.0, 1.0):
        w, rule = np.zeros(1), Clipped(SGD(), limit)
        for t in range(20_000):
            w = rule.step(w, w - pulls[t % 10], rule.init(w), 0.002)
        rest[limit] = w.item()
    np.testing.assert_allclose([rest[100.0], rest[1.0]], [1, 1 / 9], rtol=0.03)


def test_N2_adam_steps_too_far_into_a_sudden_gradient():
    """EXACT: after 5000 gradients of 0.001 one of 1 that stays: longest step 6.55, 2.13 and 1.10 η
    at β₂ = 0.999, 0.99 and 0.95."""
    for beta2, longest in ((0.999, 6.55), (0.99, 2.13), (0.95, 1.10)):
        rule, w, steps = Adam(beta2=beta2), np.zeros(1), []
        state = rule.init(w)
        for t in range(5400):
            new = rule.step(w, np.array([0.001 if t < 5000 else 1.0]), state, 1.0)
            steps.append((w - new).item())
            w = new
        np.testing.assert_allclose(max(steps[5000:]), longest, rtol=0.01)


def test_N2_one_bad_batch_and_the_cure_is_clipping(seeds):
    """ROBUST, each seed: NET-A, a gradient 1000 times too large at update 210: the training loss
    rises more than 4 times by Adam at 0.01 and more than 20 times by SGD at 0.5, and less than 6
    times where gradients are clipped at 1. Medians: Adam more than 4 times its clipped self."""
    worst = {}
    for name, rule, lr in [
        ("adam", BadBatch(Adam(), 210), 0.01),
        ("adam clipped", BadBatch(Clipped(Adam()), 210), 0.01),
        ("sgd", BadBatch(SGD(), 210), 0.5),
        ("sgd clipped", BadBatch(Clipped(SGD()), 210), 0.5),
    ]:
        run = train(net_a(), digits(), rule, lr, 6, seed=seeds, evaluate_every=6)
        before, after = run.train_loss[:, 35], np.nan_to_num(run.train_loss[:, 36:43], nan=np.inf)
        worst[name] = after.max(axis=1) / before
    assert (worst["adam"] > 4).all()
    assert (worst["sgd"] > 20).all()
    assert (worst["adam clipped"] < 6).all()
    assert (worst["sgd clipped"] < 6).all()
    assert np.median(worst["adam"]) > 4 * np.median(worst["adam clipped"])
