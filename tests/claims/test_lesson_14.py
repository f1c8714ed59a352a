"""Lesson 14, rate and weight decay: what it says, on seeds 0 to 9.

Each test names the claims that it holds up (README.md says which), and its margin.
"""

import numpy as np

from lrlesson.optimizers import SGD, AdamW


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
