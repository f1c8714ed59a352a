"""A range test for a step of one's own: the rates, the end, and what is put back."""

import numpy as np
import pytest

from lrlesson import SGD, digits, net_a, range_test, range_test_step
from lrlesson.history import RangeTest
from lrlesson.training import _batches


class Bowl:
    """Gradient descent on Σ hᵢwᵢ²/2 with momentum, as somebody else's loop keeps it."""

    def __init__(self, curvatures=(1.0, 20.0), momentum=0.0):
        self.h, self.momentum = np.array(curvatures), momentum
        self.w, self.v = np.ones(len(self.h)), np.zeros(len(self.h))
        self.asked = []

    def step(self, lr):
        self.asked.append(lr)
        loss = 0.5 * np.sum(self.h * self.w**2)
        self.v *= self.momentum  # in place: what save() hands out has to be copied
        self.v += self.h * self.w
        self.w -= lr * self.v
        return loss

    def save(self):
        return {"w": self.w, "v": self.v}

    def load(self, state):
        self.w[:], self.v[:] = state["w"], state["v"]


def run(bowl, step=None, **options):
    return range_test_step(step or bowl.step, save=bowl.save, load=bowl.load, **options)


def test_the_rate_grows_by_one_factor_until_the_loss_breaks_out_and_all_is_put_back():
    bowl = Bowl(momentum=0.5)
    test = run(bowl, lo=1e-3, hi=100, updates=51)
    assert isinstance(test, RangeTest)
    np.testing.assert_allclose(test.lr, np.geomspace(1e-3, 100, 51)[: test.updates])
    assert test.updates < 51
    assert np.isnan(test.smoothed[0, -1])
    assert np.isfinite(test.smoothed[0, :-1]).all()
    assert all(type(lr) is float for lr in bowl.asked)
    np.testing.assert_array_equal(bowl.w, 1)
    np.testing.assert_array_equal(bowl.v, 0)
    assert 0.002 < test.suggest() < 0.1  # 2/λ is 0.1
    calm = run(bowl, lo=1e-5, hi=1e-4, updates=20)
    assert calm.updates == 20
    assert np.isfinite(calm.smoothed).all()


def test_it_agrees_with_the_range_test_of_our_networks():
    data, network, rule = digits(), net_a(), SGD()
    ours = range_test(network, data, rule, 1e-3, 10, 60, seed=3)
    init, order = np.random.default_rng(3).spawn(2)
    now = {"w": network.init(init)}
    batches = iter(
        np.concatenate([_batches(data.n, 32, order) for _ in range(2)])  # as `train` draws them
    )

    def step(lr):
        chosen = next(batches)
        x, y = data.x_train[:, chosen], data.targets()[:, chosen]
        loss, gradient = network.gradient(now["w"], x.astype(network.dtype), y)
        now["w"] = now["w"] - np.float32(lr) * gradient
        return loss

    test = range_test_step(step, 1e-3, 10, 60, save=now.copy, load=now.update)
    np.testing.assert_allclose(test.losses[0], ours.losses[0, : test.updates], rtol=2e-3)
    assert test.suggest() == pytest.approx(ours.suggest(), rel=1e-6)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_step_that_raises_in_the_middle_leaves_everything_as_it_was(error):
    bowl = Bowl()

    def step(lr):
        loss = bowl.step(lr)
        if lr > 1e-2:
            raise error("the data ran out")
        return loss

    with pytest.raises(error, match="the data ran out"):
        run(bowl, step)
    assert len(bowl.asked) > 10
    np.testing.assert_array_equal(bowl.w, 1)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, r"step\(lr\) = None, expected the loss, as one number: return it"),
        ("0.3", r"step\(lr\) = 'str', expected the loss, as one number"),
        (True, "'bool'"),
        (np.ones(3), "'ndarray'"),
        ((0.3, 0.9), "'tuple'"),
        ({"loss": 0.3}, "'dict'"),
        (1j, "'complex'"),
    ],
)
def test_what_is_no_loss_is_refused_and_everything_put_back(returned, message):
    bowl = Bowl()

    def step(lr):
        bowl.step(lr)
        return returned

    with pytest.raises(TypeError, match=message):
        run(bowl, step)
    np.testing.assert_array_equal(bowl.w, 1)


@pytest.mark.parametrize("loss", [np.float32(0.5), np.array([0.5]), np.array(0.5), 1])
def test_any_single_number_is_a_loss(loss):
    assert run(Bowl(), lambda lr: loss, updates=5).losses.tolist() == [
        [float(np.ravel(loss)[0])] * 5
    ]


def test_a_loss_may_be_negative():
    bowl = Bowl()
    test = run(bowl, lambda lr: bowl.step(lr) - 100, lo=1e-3, hi=10, updates=60)
    assert 20 < test.updates < 60


def test_a_start_that_is_broken_already_is_said():
    with pytest.raises(ValueError, match=r"step\(1e-06\) = nan, expected a finite loss"):
        run(Bowl(), lambda lr: np.nan)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lo": 0}, ValueError, "lo = 0"),
        ({"lo": 1, "hi": 1}, ValueError, "hi = 1, expected more than lo = 1"),
        ({"updates": 0}, ValueError, "updates = 0"),
        ({"save": {}}, TypeError, "save = {}, expected a function"),
    ],
)
def test_bad_input_is_refused_by_name(options, error, message):
    bowl = Bowl()
    with pytest.raises(error, match=message):
        range_test_step(bowl.step, **{"save": bowl.save, "load": bowl.load} | options)
    assert not bowl.asked
