"""One schedule object drives PyTorch, Keras and optax. Each test runs where its library is.

make -C benchmarks test
"""

import json
import os
import re
from pathlib import Path

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


# ---- the code that lesson 10 gives away ---------------------------------------------------------

LESSON = Path(__file__).parents[1] / "notebooks" / "11_comparing_fairly.ipynb"


def pasted() -> dict[str, str]:
    """The blocks of code in the prose of lesson 10, by the library that each imports first."""
    cells = json.loads(LESSON.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    blocks = re.findall(r"^```python\n(.*?)^```", prose, re.MULTILINE | re.DOTALL)
    return {block.split()[1]: block for block in blocks}


def test_the_lesson_has_code_for_three_frameworks():
    """One block each, in this order."""
    assert list(pasted()) == ["torch", "keras", "jax"]


def test_the_code_for_torch_trains_at_our_rates():
    """The rate of every update, as the optimizer has it."""
    torch = pytest.importorskip("torch")
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    rates: list[float] = []
    hook = register_optimizer_step_pre_hook(
        lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"])
    )
    torch.manual_seed(0)
    try:
        exec(pasted()["torch"], given := {})
    finally:
        hook.remove()
    assert rates == given["eta"].values(100).tolist()
    np.testing.assert_allclose(given["model"].weight.tolist(), [[1, -2, 3]], atol=0.05)


def test_the_code_for_keras_trains_at_our_rates(monkeypatch):
    """The rate of every update, as the compiled update has it."""
    keras = pytest.importorskip("keras")
    jax = pytest.importorskip("jax")
    rates: list[float] = []
    update = keras.optimizers.SGD.update_step

    def noted(self, gradient, variable, learning_rate):
        jax.debug.callback(lambda rate: rates.append(float(rate)), learning_rate, ordered=True)
        return update(self, gradient, variable, learning_rate)

    monkeypatch.setattr(keras.optimizers.SGD, "update_step", noted)
    keras.utils.set_random_seed(0)
    exec(pasted()["keras"], given := {})
    jax.effects_barrier()
    expected = given["eta"].values(100)
    np.testing.assert_allclose(rates, np.repeat(expected, 2), rtol=1e-6, atol=1e-12)  # w and bias
    np.testing.assert_allclose(given["model"].get_weights()[0], [[1], [-2], [3]], atol=0.05)

    rates = given["Rates"](expected.tolist())
    again = given["Rates"].from_config(rates.get_config())  # as a saved model would
    assert float(again(19)) == float(rates(19)) == pytest.approx(0.1)


def test_the_code_for_optax_trains_at_our_rates():
    """The weights after its updates, which are repeated in NumPy."""
    pytest.importorskip("optax")
    exec(pasted()["jax"], given := {})
    x, y = (np.asarray(given[name], dtype=float) for name in "xy")
    w = np.zeros(3)
    for t in range(100):
        batch = np.arange(32 * t, 32 * t + 32) % 640
        error = x[batch] @ w - y[batch]
        w -= given["eta"](t) * 2 * error @ x[batch] / 32
    np.testing.assert_allclose(given["w"], w, rtol=1e-3)
    np.testing.assert_allclose(w, [1, -2, 3], atol=0.05)


@each
def test_under_jit_optax_cannot_ask_the_object_itself(eta):
    """So the lesson looks the rate up in the list of all rates."""
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    rule, w = optax.sgd(eta), jax.numpy.ones(1)
    with pytest.raises(Exception, match=r"traced|concrete") as refused:
        jax.jit(rule.update)(w, rule.init(w))
    assert "Tracer" in type(refused.value).__name__ + str(refused.value)


# ---- the code that lesson 12 gives away ---------------------------------------------------------

DESK = LESSON.with_name("12_at_your_desk.ipynb")


def desk_blocks() -> list[str]:
    """The blocks of code in the prose of lesson 12, in order."""
    cells = json.loads(DESK.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.findall(r"^```python\n(.*?)^```", prose, re.MULTILINE | re.DOTALL)


def test_the_range_test_of_a_torch_step_puts_everything_back():
    """Weights and optimizer are those of a start with the same seed."""
    torch = pytest.importorskip("torch")
    exec(desk_blocks()[0], given := {})
    test = given["test"]
    assert test.updates < 100
    assert 0.005 < test.suggest()[0] < 0.5
    torch.manual_seed(0)
    torch.randn(640, 3)  # the block's data come first
    assert torch.equal(given["model"].weight, torch.nn.Linear(3, 1).weight)
    assert not given["optimizer"].state_dict()["state"]  # no momentum yet, as before


def test_the_resumed_run_follows_the_new_plan(tmp_path, monkeypatch):
    """And torch.load takes the checkpoint as it is."""
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    exec(desk_blocks()[1], given := {})
    wanted = given["eta"].values(251)[200:]
    np.testing.assert_allclose([weight for weight, _ in given["rates"]], wanted, atol=1e-12)
    np.testing.assert_allclose([bias for _, bias in given["rates"]], wanted / 10, atol=1e-12)


@pytest.fixture
def seen():
    """The rate of every update that any optimizer of PyTorch makes while a test runs."""
    pytest.importorskip("torch")
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    rates: list[float] = []
    hook = register_optimizer_step_pre_hook(
        lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"])
    )
    yield rates
    hook.remove()


@pytest.mark.parametrize(("library", "block"), [("lightning", 2), ("transformers", 3)])
def test_a_trainer_trains_at_our_rates(library, block, seen, tmp_path, monkeypatch):
    """The whole block: Lightning's Trainer, and that of transformers."""
    pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    exec(desk_blocks()[block], given := {})
    assert seen == given["eta"].values(100).tolist()
    np.testing.assert_allclose(given["model"].layer.weight.tolist(), [[1, -2, 3]], atol=0.05)


@each
def test_the_code_of_a_schedule_drives_lightning(eta, seen):
    """As Lightning's Trainer calls it."""
    lightning = pytest.importorskip("lightning")
    torch = pytest.importorskip("torch")
    exec(eta.code("lightning"), given := {})

    def training_step(self, batch, number):
        return self.layer(batch[0]).square().mean()

    made = {"training_step": training_step, "configure_optimizers": given["configure_optimizers"]}
    model = type("Line", (lightning.LightningModule,), made)()
    model.layer = torch.nn.Linear(3, 1)
    batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(64, 3)), 8)
    told = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    lightning.Trainer(max_steps=50, **told).fit(model, batches)
    np.testing.assert_allclose(seen, eta.values(50), rtol=1e-9, atol=1e-12)


def test_an_object_in_lambda_lr_carries_its_plan_into_the_resumed_run(tmp_path):
    """What the lesson warns of: without the lambda the old plan goes on, if it loads at all."""
    torch = pytest.importorskip("torch")
    old = Warmup(0.1, 20) >> ScheduledDrop(0.1, 0.5, [100])
    new = Warmup(0.01, 20) >> ScheduledDrop(0.01, 0.5, [100])

    def start(eta):
        opt = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)
        return torch.optim.lr_scheduler.LambdaLR(opt, eta)

    torch.save(start(old).state_dict(), tmp_path / "object.pt")
    with pytest.raises(Exception, match="Unsupported global"):
        torch.load(tmp_path / "object.pt")
    resumed = start(new)
    resumed.load_state_dict(torch.load(tmp_path / "object.pt", weights_only=False))
    assert [new(t) for t in range(50)] == [old(t) for t in range(50)]  # overwritten in place


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_loss_on_a_device_is_a_number_or_refused_in_a_sentence(device):
    """The meta device stands for one whose value cannot be had."""
    torch = pytest.importorskip("torch")
    from lrlesson import range_test_step

    loss = torch.ones((), device=device, requires_grad=True) * 2

    def run():
        return range_test_step(lambda lr: loss, updates=3, save=dict, load=lambda state: None)

    if device == "cpu":
        assert run().losses.tolist() == [[2, 2, 2]]
    else:  # a tensor without a value
        with pytest.raises(TypeError, match="expected the loss, as one number"):
            run()
