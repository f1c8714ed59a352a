"""Training loops: one run as good as many, honest verdicts, clear refusals."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrlesson.controllers import Armijo, Polyak, ReduceOnPlateau
from lrlesson.data import diabetes, digits
from lrlesson.losses import NoisyBowl, Quadratic, Rosenbrock, TwoWells
from lrlesson.network import linear, net_a
from lrlesson.optimizers import SGD, Adam
from lrlesson.schedules import Constant, Cosine, Linear
from lrlesson.training import _progress, descend, range_test, sweep, train

RULES = [SGD(), SGD(momentum=0.9), Adam()]
rules = pytest.mark.parametrize("rule", RULES, ids=repr)
FIELDS = ["losses", "rates", "final", "weights", "diverged", "spiked"]
SCORES = ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]


def assert_run(batch, r, alone, fields):
    """Run r of a batch is the run alone, bit for bit (a NaN equals a NaN)."""
    for field in fields:
        many, one = getattr(batch, field)[r], getattr(alone, field)[0]
        assert np.array_equal(many, one, equal_nan=many.dtype.kind == "f"), field


# --- The law: a batch of runs is the runs one by one ------------------------------------------


@rules
@settings(max_examples=15, deadline=None)
@given(
    rates=st.lists(st.floats(1e-4, 3), min_size=1, max_size=7),
    loss=st.sampled_from(
        [Quadratic([1, 20], rotation=0.5), NoisyBowl([1, 3.0]), Rosenbrock(), TwoWells(noise=0.3)]
    ),
    own_seeds=st.booleans(),
)
def test_descend_in_a_batch_equals_one_by_one(rule, rates, loss, own_seeds):
    start = np.full(loss.dim, 0.7)
    seeds = list(range(3, 3 + len(rates))) if own_seeds else 3
    batch = descend(loss, start, rule, Constant(rates), 12, seed=seeds)
    for r, rate in enumerate(rates):
        alone = descend(loss, start, rule, rate, 12, seed=seeds[r] if own_seeds else 3)
        assert_run(batch, r, alone, FIELDS)


@rules
@pytest.mark.parametrize("seeds", [0, [0, 1, 2, 5]], ids=["one seed", "a seed per run"])
@pytest.mark.parametrize("size", [32, 7, 1, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_train_in_a_batch_equals_one_by_one(rule, seeds, size, dtype):
    net, data = net_a(dtype=dtype), digits().first(100)
    rates = [1e-3, 0.05, 0.6, 1e6]  # the last one explodes
    batch = train(net, data, rule, rates, 2, size, seeds, keep_weights=True)
    for r, rate in enumerate(rates):
        seed = seeds if isinstance(seeds, int) else seeds[r]
        alone = train(net, data, rule, rate, 2, size, seed, keep_weights=True)
        assert_run(batch, r, alone, FIELDS + SCORES)


def test_one_seed_is_a_paired_comparison_and_several_are_not():
    data = digits().first(200)
    same = train(net_a(), data, SGD(), [0.1, 0.1], 1, seed=4)
    assert np.array_equal(same.losses[0], same.losses[1])
    other = train(net_a(), data, SGD(), 0.1, 1, seed=[4, 5])
    assert np.array_equal(other.losses[0], same.losses[0])
    assert (other.losses[1] != other.losses[0]).all()


def test_order_of_batches_does_not_depend_on_the_network():
    data = digits().first(64)
    start = np.zeros(linear(64, 10).P)
    small = train(linear(64, 10), data, SGD(), 0.0, 1, seed=1, w0=start)
    assert np.ptp(small.losses) < 1e-6  # the zero model has one loss on every batch
    seen = train(linear(64, 10), data, SGD(), 0.1, 3, seed=1, w0=start)
    again = train(linear(64, 10), data, SGD(), 0.1, 3, seed=1, w0=[start, start])
    assert np.array_equal(seen.losses[0], again.losses[1])


# --- What the loops compute -------------------------------------------------------------------


def test_descend_follows_the_closed_form():
    history = descend(Quadratic([2, 8]), [1.0, 1.0], SGD(), 0.1, 5)
    t = np.arange(6)[:, None]
    np.testing.assert_allclose(history.weights[0], np.array([0.8, 0.2]) ** t, rtol=1e-14)
    assert history.losses.shape == (1, 6)
    assert history.rates.shape == (1, 5)
    np.testing.assert_allclose(history.losses[0, -1], Quadratic([2, 8])(history.final[0]))


def test_descend_of_no_steps_is_the_start():
    history = descend(Quadratic([2, 8]), [1.0, 1.0], SGD(), 0.1, 0)
    assert history.losses.tolist() == [[5.0]]
    assert history.rates.shape == (1, 0)
    assert history.weights.tolist() == [[[1.0, 1.0]]]


@pytest.mark.parametrize("schedule", [Linear(0.1, 0, 8), lambda t: 0.1 * (1 - t / 8)])
def test_update_number_zero_uses_the_first_rate(schedule):
    history = descend(Quadratic(1.0), [1.0], SGD(), schedule, 8)
    np.testing.assert_allclose(history.rates[0], 0.1 * (1 - np.arange(8) / 8))
    np.testing.assert_allclose(history.weights[0, 1], 0.9)
    data = digits().first(64)
    trained = train(linear(64, 10), data, SGD(), schedule, 4)
    np.testing.assert_allclose(trained.rates[0], 0.1 * (1 - np.arange(8) / 8))


def test_a_function_may_give_one_rate_per_run():
    history = descend(Quadratic(1.0), [1.0], SGD(), lambda t: np.array([0.1, 0.2]) / (1 + t), 3)
    np.testing.assert_allclose(history.rates, [[0.1, 0.05, 0.1 / 3], [0.2, 0.1, 0.2 / 3]])


class HalfOnRise:
    """A rate that listens: halved whenever what it observes has risen."""

    def __init__(self):
        self.lr, self.seen = 0.4, []

    def rate(self, t, loss, gradient, w, evaluate):
        assert np.allclose(evaluate(w), loss)
        assert gradient.shape == w.shape
        return np.full(w.shape[0], self.lr)

    def observe(self, metric):
        if self.seen and metric[0] > self.seen[-1]:
            self.lr /= 2
        self.seen.append(metric[0])


def test_a_controller_is_asked_and_told():
    controller = HalfOnRise()
    history = descend(Quadratic(6.0), [1.0], SGD(), controller, 6)
    assert history.rates[0].tolist() == [0.4, 0.4, 0.2, 0.2, 0.2, 0.2]
    assert controller.seen == history.losses[0, 1:].tolist()
    controller = HalfOnRise()
    data = digits().first(200).hold_out(0.2)
    history = train(net_a(), data, SGD(), controller, 3)
    assert controller.seen == history.val_loss[0, 1:].tolist()  # once per epoch


CONTROLLERS = [ReduceOnPlateau(0.4, patience=1), Armijo(), Polyak(max_lr=1.0)]


@pytest.mark.parametrize("controller", CONTROLLERS, ids=repr)
def test_controllers_work_where_schedules_do_and_hold_the_runs_apart(controller):
    loss, starts = Quadratic([1.0, 4.0]), np.array([[1.0, 1.0], [-3.0, 0.5], [1e3, 1e-3]])
    batch = descend(loss, starts, SGD(), controller, 30)
    for r, start in enumerate(starts):
        assert_run(batch, r, descend(loss, start, SGD(), controller, 30), FIELDS)
    assert (batch.losses[:, -1] < 0.05 * batch.losses[:, 0]).all()

    data = digits().first(200).hold_out(0.2)
    batch = train(net_a(), data, SGD(), controller, 4, seed=[0, 1, 2])
    for r in range(3):
        assert_run(batch, r, train(net_a(), data, SGD(), controller, 4, seed=r), FIELDS[:3])
    assert (batch.train_loss[:, -1] < 0.7 * batch.train_loss[:, 0]).all()


def test_a_controller_may_have_settings_of_its_own_for_every_run():
    history = descend(Quadratic(1.0), [1.0], SGD(), Polyak(max_lr=[0.1, 0.2]), 5)
    assert history.rates[:, 0].tolist() == [0.1, 0.2]


def test_train_shuffles_and_leaves_out_the_rest_of_an_epoch():
    data = digits()
    history = train(net_a(), data, SGD(), 0.1, 2, 32)
    assert history.per_epoch == 42
    assert history.updates == 84
    assert history.evaluated.tolist() == [0, 42, 84]
    assert history.train_loss.shape == (1, 3)
    assert train(net_a(), data, SGD(), 0.1, 3, None).updates == 3
    for stop, updates in ((50, 50), (500, 84)):
        assert train(net_a(), data, SGD(), 0.1, 2, stop_after=stop).updates == updates


def test_full_batch_training_is_gradient_descent():
    data = diabetes()
    net = linear(10, bias=False, dtype=np.float64)
    history = train(net, data, SGD(), 0.4, 50, None, w0=np.zeros(10))
    w = np.zeros(10)
    for _ in range(50):
        w = w - 0.4 * data.x_train @ (w @ data.x_train - data.y_train) / 442
    np.testing.assert_allclose(history.final[0], w, rtol=1e-10)


def test_sweep_trains_every_rate_with_every_seed():
    data = digits().first(200)
    rates, seeds = [0.01, 0.3, 1e6], [7, 8]
    history = sweep(net_a(), data, SGD(), rates, 2, seed=seeds)
    assert history.runs == 6
    assert history.per_rate(history.train_loss).shape == (3, 2, 2)
    alone = sweep(net_a(), data, SGD(), 0.3, 2, seed=8)
    assert history.per_rate(history.train_loss)[1, 1].tolist() == alone.train_loss[0].tolist()
    assert history.per_rate(history.diverged).tolist() == [[False] * 2, [False] * 2, [True] * 2]


def test_sweep_multiplies_a_shape():
    history = sweep(net_a(), digits().first(64), SGD(), [0.1, 0.2], 2, schedule=Cosine(1, 4))
    np.testing.assert_allclose(history.rates[1], 2 * history.rates[0])
    np.testing.assert_allclose(history.rates[0], Cosine(0.1, 4).values(4))


def test_training_does_not_write_to_the_callers_start():
    start = np.ones(2)
    descend(Quadratic([1, 2]), start, SGD(), 0.1, 3)
    w0 = np.zeros(net_a().P, np.float32)
    train(net_a(), digits().first(64), SGD(), 0.1, 1, w0=w0)
    assert (start == 1).all()
    assert (w0 == 0).all()


# --- The range test ---------------------------------------------------------------------------


def test_range_test_raises_the_rate_by_one_factor_in_one_continuing_run():
    data = digits()
    test = range_test(net_a(), data, SGD(), 1e-3, 10, 60, seed=1)
    np.testing.assert_allclose(test.lr, np.geomspace(1e-3, 10, 60))
    run = train(net_a(), data, SGD(), lambda t: 1e-3 * 10 ** (4 * t / 59), 2, seed=1)
    np.testing.assert_allclose(test.losses[0, :40], run.losses[0, :40], rtol=1e-4)


def test_range_test_ends_at_four_times_its_best_and_stays_ended():
    test = range_test(net_a(), digits(), SGD(), seed=range(4))
    for smoothed in test.smoothed:
        end = np.isnan(smoothed).argmax()
        assert 50 < end < 100
        assert np.isnan(smoothed[end:]).all()
        assert (smoothed[:end] <= 4 * np.minimum.accumulate(smoothed[:end])).all()
    assert "the loss was lowest at the rate 1.2 to 2.2>" in repr(test)
    calm = range_test(net_a(), digits(), SGD(), 1e-4, 1e-2)
    assert np.isfinite(calm.smoothed).all()


def test_smoothing_is_a_weighted_mean_that_favours_the_latest():
    test = range_test(net_a(), digits(), SGD(), 1e-4, 1e-2, 20)
    weights = 0.9 ** np.arange(20)[::-1]
    assert test.smoothed[0, -1] == pytest.approx(np.average(test.losses[0], weights=weights))


@pytest.mark.parametrize(("rule", "worst"), [(SGD(), 0.15), (Adam(), 0.1)], ids=repr)
def test_V48_C19_a_tenth_of_the_rate_at_the_minimum_trains_on_every_seed(rule, worst):
    seeds = range(10)
    picked = range_test(net_a(), digits(), rule, 1e-4, 10, seed=seeds).suggest()
    history = train(net_a(), digits(), rule, picked, 5, seed=seeds)
    assert (history.train_loss[:, -1] < worst).all()


# --- Verdicts ---------------------------------------------------------------------------------


def test_divergence_is_flagged_and_never_clipped_and_nobody_is_warned():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = descend(Quadratic(4.0), [1.0], SGD(), [0.1, 0.5, 0.51, 2.0], 3000)
        repr(history)
    assert history.diverged.tolist() == [False, False, True, True]
    assert history.losses[2, 100] == pytest.approx(2 * 1.04**200)
    assert np.isnan(history.final[3]).all() or np.isinf(history.final[3]).all()
    assert "2 diverged" in repr(history)


def test_diverged_looks_at_the_last_tenth_and_spiked_at_any_loss():
    def rates(t):  # one large step up, then back down
        return 5.0 if t == 0 else 0.5

    history = descend(Quadratic(1.0), [1.0], SGD(), rates, 40)
    assert history.losses[0, 1] == pytest.approx(8.0)  # 16 times the first
    assert history.spiked.tolist() == [True]
    assert history.diverged.tolist() == [False]


def test_a_run_that_starts_at_the_minimum_is_not_called_diverged_for_its_noise():
    history = descend(NoisyBowl(), [0.0], SGD(), [0.1, 1.0, 1.9, 2.5], 400)
    assert history.diverged.tolist() == [False, False, False, True]


def test_losses_below_zero_are_measured_from_their_minimum():
    well = TwoWells(0.5, 1.5)
    history = descend(well, well.wells[:, None], SGD(), 0.1, 30)
    assert (history.losses < 0).all()
    assert not history.diverged.any()
    assert not history.spiked.any()


def test_a_good_start_is_not_called_diverged_for_becoming_a_zero_model():
    data = digits().first(320)
    good = train(net_a(), data, SGD(), 0.5, 30).final[0]
    shrink = SGD(weight_decay=1.0, decoupled=True)
    history = train(net_a(), data, shrink, 0.9, 2, w0=good)
    assert 10 * history.losses[0, 0] < history.losses[0, -1] < 10 * np.log(10)
    assert history.spiked.tolist() == [True]
    assert history.diverged.tolist() == [False]


def test_steps_to_counts_updates():
    history = descend(Quadratic(1.0), [1.0], SGD(), [0.5, 1e-6], 20)
    steps = history.steps_to(0.5 * 0.25**3)
    assert steps[0] == 3
    assert np.isnan(steps[1])
    assert history.steps_to(0.5)[0] == 0


def test_repr_says_what_happened():
    history = descend(Quadratic(1.0), [1.0], SGD(), [0.5, 3.0], 20)
    assert repr(history) == "<History: 2 runs of 20 updates; loss at the end 4.5e-13, 1 diverged>"
    assert "all diverged" in repr(descend(Quadratic(1.0), [1.0], SGD(), 3.0, 20))


def test_progress_bar_counts_right_and_shows_only_where_someone_looks(monkeypatch, capsys):
    monkeypatch.setattr("lrlesson.training.PATIENCE", 0.0)
    assert list(_progress(5)) == [0, 1, 2, 3, 4]
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the output for a terminal
    monkeypatch.setenv("TERM", "xterm")
    assert list(_progress(5)) == [0, 1, 2, 3, 4]
    assert "training" in capsys.readouterr().err


def test_patience_can_be_asked_for():
    code = "from lrlesson import training; print(training.PATIENCE)"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"LRLESSON_PATIENCE": "inf"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "inf\n"


# --- Refusals ---------------------------------------------------------------------------------


BOWL = Quadratic([1, 2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: descend(BOWL, [1, 1], SGD, 0.1, 5), r"optimizer = .*expected an Optimizer, such"),
        (lambda: descend(BOWL, [1, 1], SGD(), "fast", 5), "schedule = 'fast'"),
        (lambda: descend(lambda w: w @ w, [1, 1], SGD(), 0.1, 5), "descend: loss = "),
        (lambda: train(net_a, digits(), SGD(), 0.1, 1), r"network = .* an MLP, such as net_a\(\)"),
        (lambda: train(net_a(), digits, SGD(), 0.1, 1), r"data = .* a Data, such as digits\(\)"),
        (lambda: sweep(net_a(), digits(), SGD(), 0.1, "1"), "sweep: epochs = '1'"),
        (lambda: sweep(net_a(), digits(), SGD(), 0.1, 1, schedule=0.1), "sweep: schedule = 0.1"),
        (lambda: train(net_a(), digits(), SGD(), 0.1, 1, seed="lucky"), "seed = 'lucky'"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused_in_one_sentence(call, message):
    with pytest.raises(TypeError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: descend(BOWL, [1, np.nan], SGD(), 0.1, 5), "w0 = .*nan.* expected finite"),
        (lambda: descend(BOWL, np.ones((1, 1, 2)), SGD(), 0.1, 5), "w0 = .*expected finite"),
        (lambda: descend(BOWL, [1, 1], SGD(), -0.1, 5), "schedule = -0.1"),
        (lambda: descend(BOWL, [1, 1], SGD(), np.nan, 5), "schedule = nan"),
        (lambda: descend(BOWL, [1, 1], SGD(), lambda t: 1 - t, 5), r"descend: schedule\(2\) = -1"),
        (lambda: descend(BOWL, [1, 1], SGD(), 0.1, -5), "descend: steps = -5"),
        (lambda: descend(BOWL, [1, 1, 1], SGD(), 0.1, 5), r"w0 has shape \(3,\)"),
        (lambda: descend(BOWL, [1, 1], SGD(), 0.1, 5, seed=-1), "seed = -1"),
        (lambda: descend(BOWL, [1, 1], SGD(), 0.1, 5, seed=[]), r"seed = \[\]"),
        (
            lambda: descend(BOWL, np.ones((3, 2)), SGD(), [0.1, 0.2], 5),
            "descend: the numbers of runs differ: w0 has 3, schedule has 2",
        ),
        (lambda: train(net_a(), digits(), SGD(), 0.1, 0), "train: epochs = 0"),
        (lambda: train(net_a(), digits(), SGD(), 0.1, 1, 0), "train: batch = 0"),
        (lambda: train(net_a(), digits(), SGD(), 0.1, 1, 5000), "batch = 5000, expected at most"),
        (lambda: train(net_a(), digits(), SGD(), 0.1, 1, evaluate_every=0), "evaluate_every = 0"),
        (lambda: train(net_a(), digits(), SGD(), 0.1, 1, w0=[1, 2]), r"w0 has shape \(2,\)"),
        (lambda: train(net_a(), diabetes(), SGD(), 0.1, 1), "10 inputs and 1 outputs"),
        (
            lambda: train(linear(10, loss="cross-entropy"), diabetes(), SGD(), 0.1, 1),
            "diabetes is a regression",
        ),
        (lambda: sweep(net_a(), digits(), SGD(), [0.1, -1], 1), "sweep: lr = "),
        (lambda: train(net_a(), digits(), SGD(), 0.1, 1, stop_after=0), "stop_after = 0"),
        (lambda: range_test(net_a(), digits(), SGD(), 1, 0.1), "hi = 0.1, expected more than lo"),
        (lambda: range_test(net_a(), digits(), SGD(), 0), "range_test: lo = 0"),
        (lambda: range_test(net_a(), digits(), SGD(), updates=0), "range_test: updates = 0"),
        (
            lambda: descend(BOWL, [1, 1], SGD(), 0.1, 5).per_rate(np.ones(1)),
            "this history is not from a sweep",
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
