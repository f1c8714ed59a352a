"""What practice does with the rate today: clipping, memory, decay, fine-tuning, averages, units.

Each test names the effect that it holds up (N; README.md says which), and its docstring the claim,
the seeds and the margin. ROBUST ones hold on each seed, SET ones for means or medians of the set.
"""

import numpy as np

from lrlesson.data import diabetes, digits
from lrlesson.distance import DoWG, Prodigy
from lrlesson.losses import LeastSquares, Quadratic, noisy_quadratic_model
from lrlesson.matrices import Muon, orthogonalised
from lrlesson.network import MLP, linear, net_a, net_b
from lrlesson.optimizers import SGD, Adam, AdamW, ScheduleFree
from lrlesson.schedules import WSD, Cosine, Linear, Warmup
from lrlesson.training import accuracy, descend, sweep, train
from lrlesson.wrappers import BadBatch, Clipped, Stored


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


def test_N3_decay_and_noise_balance_at_the_root_of_half_eta_over_lambda(seeds):
    """EXACT within 12 %: AdamW on pure noise of sizes 0.01 and 100, three pairs (η, λ), after
    5/(ηλ) updates: the rms weight is √(η/2λ), from 0 and from 3, whatever the size."""
    rng = np.random.default_rng(seeds[0])
    for lr, decay in ((0.01, 0.1), (0.01, 0.4), (0.04, 0.1)):
        for size, begin in ((0.01, 0.0), (100.0, 3.0)):
            rule, w = AdamW(weight_decay=decay), np.full(1000, begin)
            state = rule.init(w)
            for _ in range(int(5 / (lr * decay))):
                w = rule.step(w, size * rng.standard_normal(1000), state, lr)
            ratio = np.sqrt(np.mean(w**2)) / np.sqrt(lr / (2 * decay))
            assert 0.88 < ratio < 1.12


def test_N4_weights_of_which_only_the_direction_counts_grow_as_pythagoras_says(seeds):
    """EXACT to 10⁻¹², each seed: the gradient stands at right angles to w, so that the squares of
    length and step add up, at the rates 0.1 and 10."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        a, w = rng.standard_normal((2, 20))
        for lr in (0.1, 10.0):
            u = w / np.linalg.norm(w)
            x = rng.standard_normal((32, 20))
            slope = ((x @ u - x @ a)[:, None] * x).mean(axis=0)
            g = (slope - u * (u @ slope)) / np.linalg.norm(w)
            new = SGD().step(w, g, SGD().init(w), lr)
            np.testing.assert_allclose(new @ new, w @ w + lr**2 * g @ g, rtol=1e-12)
            w = new


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


def test_N9_muon_treats_turned_inputs_as_unturned_ones_and_adam_does_not(seeds):
    """EXACT for SGD and Muon (10⁻⁶), each of three seeds; Adam's loss after 42 updates changes by
    more than 10⁻³ where inputs and first weights are turned by a random rotation."""
    net, data = MLP((64, 64, 10), dtype=np.float64), digits()
    for seed in seeds[:3]:
        rng = np.random.default_rng(seed)
        turn, start = np.linalg.qr(rng.standard_normal((64, 64)))[0], net.init(seed)
        batches, targets = rng.integers(data.n, size=(42, 32)), data.targets()
        changed = {}
        for name, rule, lr in (
            ("sgd", SGD(), 0.5),
            ("muon", Muon(net), 0.05),
            ("adam", Adam(), 0.01),
        ):
            ends = []
            for matrix in (np.eye(64), turn):
                w = start.copy()
                net.layers(w)[0][0][...] = net.layers(start)[0][0] @ matrix.T
                x, state = matrix @ data.x_train, rule.init(w)
                for batch in batches:
                    _, g = net.gradient(w, x[:, batch], targets[:, batch])
                    if (
                        name == "muon"
                    ):  # its biases and head go by Adam, which the turn leaves alone
                        assert g.shape == w.shape
                    w = rule.step(w, g, state, lr)
                ends.append(net.value(w, x, targets))
            changed[name] = abs(ends[1] / ends[0] - 1)
        assert max(changed["sgd"], changed["muon"]) < 1e-6
        assert changed["adam"] > 1e-3


def test_N9_five_steps_make_singular_values_alike_and_not_equal():
    """EXACT: singular values from 0.01 to 1 of a 32 × 32 matrix end between 0.6 and 1.25."""
    made = orthogonalised(np.diag(np.geomspace(0.01, 1, 32)))
    values = np.linalg.svd(made, compute_uv=False)
    assert 0.6 < values.min() < 0.9
    assert 1 < values.max() < 1.25


def test_N11_the_swing_across_a_valley_flattens_it():
    """EXACT: ½(xy − 1)² at η: one step changes x² − y² by the factor 1 − η²(xy − 1)², and a start
    beside a minimum too sharp for the rate ends at one that is not."""
    x, y, lr = 2.8, 1 / 2.8 * 1.05, 0.3
    assert x**2 + y**2 > 2 / lr
    for _ in range(3000):
        e = x * y - 1
        before = x**2 - y**2
        x, y = x - lr * e * y, y - lr * e * x
        np.testing.assert_allclose(x**2 - y**2, before * (1 - lr**2 * e**2), rtol=1e-9)
    assert abs(x * y - 1) < 1e-6
    assert x**2 + y**2 < 2 / lr


def test_N12_in_few_bits_a_rate_has_a_lower_limit_too(seeds):
    """ROBUST, each seed: NET-A, Adam at 10⁻⁴, 10 epochs: weights in bfloat16 leave more than 1.3
    times the loss of float32, weights that are rounded by chance within 10 % of it."""
    plain, few, chance = (
        train(net_a(), digits(), rule, 1e-4, 10, seed=seeds).train_loss[:, -1]
        for rule in (Adam(), Stored(Adam()), Stored(Adam(), "stochastic"))
    )
    assert (few > 1.3 * plain).all()
    np.testing.assert_allclose(chance, plain, rtol=0.1)


def test_N13_the_mean_of_four_gradients_is_the_gradient_of_four_times_the_batch(seeds):
    """EXACT to 10⁻¹², each seed: accumulation saves memory and nothing else."""
    net, data = net_a(dtype=np.float64), digits()
    targets = data.targets()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        w, batch = net.init(rng), rng.permutation(data.n)[:128].reshape(4, 32)
        parts = [net.gradient(w, data.x_train[:, b], targets[:, b])[1] for b in batch]
        whole = net.gradient(w, data.x_train[:, batch.ravel()], targets[:, batch.ravel()])[1]
        np.testing.assert_allclose(np.mean(parts, axis=0), whole, rtol=1e-9, atol=1e-14)


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
