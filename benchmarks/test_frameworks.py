"""One schedule object drives PyTorch, Keras and optax. Each test runs where its library is.

make -C benchmarks test
"""

import os

import numpy as np
import pytest

from lrlesson.optimizers import SGD
from lrlesson.schedules import OneCycle, ScheduledDrop, Triangular, Warmup, WarmupCosine

os.environ.setdefault("KERAS_BACKEND", "jax")

STEPS = 60
SCHEDULES = [
    WarmupCosine(0.1, 10, 50, 0.01),
    OneCycle(0.1, 50),
    Warmup(0.1, 5) >> ScheduledDrop(0.1, 0.5, [10, 20]) * Triangular(0.5, 1, 7),
]
each = pytest.mark.parametrize("eta", SCHEDULES, ids=repr)


def ours(eta):
    """Gradient descent on w²/2 with our own rule, from w = 1."""
    rule, w = SGD(), np.array([1.0])
    state, path = rule.init(w), []
    for t in range(STEPS):
        w = rule.step(w, w, state, eta(t))
        path.append(w[0])
    return path


@each
def test_torch_lambda_lr(eta):
    """Rate by rate, weight by weight, and across a stop."""
    torch = pytest.importorskip("torch")

    def start():
        w = torch.ones(1, dtype=torch.float64, requires_grad=True)
        opt = torch.optim.SGD([w], lr=1.0)  # LambdaLR multiplies: 1 × η(t)
        return w, opt, torch.optim.lr_scheduler.LambdaLR(opt, eta)

    def go(w, opt, scheduler, steps):
        rates, path = [], []
        for _ in range(steps):
            rates.append(scheduler.get_last_lr()[0])
            opt.zero_grad()
            (0.5 * w**2).sum().backward()
            opt.step()
            scheduler.step()
            path.append(w.item())
        return rates, path

    w, opt, scheduler = start()
    rates, path = go(w, opt, scheduler, STEPS)
    assert rates == eta.values(STEPS).tolist()
    np.testing.assert_allclose(path, ours(eta), rtol=1e-13)

    # Stopped after 23 updates and taken up again from what torch saves.
    w, opt, scheduler = start()
    go(w, opt, scheduler, 23)
    saved = w.detach().clone(), opt.state_dict(), scheduler.state_dict()
    w, opt, scheduler = start()
    with torch.no_grad():
        w.copy_(saved[0])
    opt.load_state_dict(saved[1])
    scheduler.load_state_dict(saved[2])
    rest, _ = go(w, opt, scheduler, STEPS - 23)
    assert rest == eta.values(STEPS)[23:].tolist()


@each
def test_keras_learning_rate_scheduler(eta):
    """Keras asks once per epoch."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(), "mse")
    x = np.linspace(-1, 1, 8)[:, None]
    history = model.fit(
        x, x, epochs=STEPS, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(eta)]
    )
    np.testing.assert_allclose(history.history["learning_rate"], eta.values(STEPS), rtol=1e-6)


@each
def test_optax(eta):
    """A schedule is what optax means by one."""
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    rule = optax.sgd(eta)
    w, path = jax.numpy.ones(1), []
    state = rule.init(w)
    for _ in range(STEPS):
        updates, state = rule.update(w, state)
        w = optax.apply_updates(w, updates)
        path.append(float(w[0]))
    np.testing.assert_allclose(path, ours(eta), rtol=1e-5)  # JAX computes in float32


@each
def test_optax_compiled(eta):
    """Under jit the update number has no value yet: hand over the curve instead of the formula."""
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    rates = jax.numpy.asarray(eta.values(STEPS))
    rule = optax.sgd(lambda count: rates[count])

    @jax.jit
    def update(w, state):
        updates, state = rule.update(w, state)
        return optax.apply_updates(w, updates), state

    w, path = jax.numpy.ones(1), []
    state = rule.init(w)
    for _ in range(STEPS):
        w, state = update(w, state)
        path.append(float(w[0]))
    np.testing.assert_allclose(path, ours(eta), rtol=1e-5)
