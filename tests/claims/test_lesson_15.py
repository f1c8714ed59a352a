"""Lesson 15, starting from a trained network: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np

from lrlesson.data import digits
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.schedules import Linear
from lrlesson.training import accuracy, train
from lrlesson.wrappers import LayerRates


def kept(net, trained, seeds, lr, old_layer=1.0):
    """Accuracy on digits 0 to 7 when forty images of 8 and 9 have taught 80 % of those."""
    data = digits()
    rule = LayerRates(SGD(), net, (old_layer, 1))
    look = {"w0": trained, "keep_weights": True, "evaluate_every": 2}
    run = train(net, data.only([8, 9], 40), rule, lr, 60, 10, seeds, **look)
    there = accuracy(net, run.weights, data.only([8, 9])) >= 0.8
    first = np.where(there.any(axis=1), there.argmax(axis=1), -1)  # never: the end of the run
    return accuracy(net, run.weights[range(len(first)), first], data.only(range(8)))


def test_N5_a_small_rate_forgets_as_much_for_the_same_learnt_and_freezing_forgets_more(seeds):
    """SET, means: rates 0.01 and 0.03 keep the same share of the old digits within 0.06, 0.3 keeps
    at least 0.04 less, and so does 0.03 with a frozen old layer by 0.01; each seed: 1.0 keeps less
    than 0.6."""
    net, old = net_a(), digits().only(range(8))
    T = 15 * (old.n // 32)
    trained = train(net, old, SGD(), Linear(0.5, 0, T), 15, seed=seeds, evaluate_every=T).final
    slow, middle, fast, thrown = (kept(net, trained, seeds, lr) for lr in (0.01, 0.03, 0.3, 1.0))
    frozen = kept(net, trained, seeds, 0.03, old_layer=0)
    assert abs(slow.mean() - middle.mean()) < 0.06
    assert fast.mean() < middle.mean() - 0.04
    assert frozen.mean() < middle.mean() - 0.01
    assert (thrown < 0.6).all()


def test_N6_a_decayed_rate_has_to_rise_again_for_new_data(seeds):
    """ROBUST, each seed: NET-A on digits 0 to 4 with a line to 0, then 3 epochs of all ten: to keep
    0.005 has more than 5 times the loss of a new line from 0.5; SET: new weights have more."""
    net, data = net_a(), digits()
    old = data.only(range(5))
    T = 15 * (old.n // 32)
    first = train(net, old, SGD(), Linear(0.5, 0, T), 15, seed=seeds).final
    keep, rise = (
        train(net, data, SGD(), plan, 3, seed=seeds, w0=first).train_loss[:, -1]
        for plan in (0.005, Linear(0.5, 0, 126))
    )
    scratch = train(net, data, SGD(), Linear(0.5, 0, 126), 3, seed=seeds).train_loss[:, -1]
    assert (keep > 5 * rise).all()
    assert rise.mean() < scratch.mean()


def test_N6_without_old_data_a_high_rate_forgets_and_with_them_it_does_not(seeds):
    """SET, means: digits 5 to 9 after 0 to 4, 10 epochs from 0.5: less than half of the old are
    still known; with a quarter of the old images beside them more than 85 %."""
    net, data = net_a(), digits()
    old, new = data.only(range(5)), data.only(range(5, 10))
    first = train(net, old, SGD(), Linear(0.5, 0, 15 * (old.n // 32)), 15, seed=seeds).final
    both = new.joined(data.only(range(5), old.n // 4))
    known = []
    for part in (new, both):
        plan = Linear(0.5, 0, 10 * (part.n // 32))
        run = train(net, part, SGD(), plan, 10, seed=seeds, w0=first)
        known.append(accuracy(net, run.final, old).mean())
    assert known[0] < 0.5
    assert known[1] > 0.85
