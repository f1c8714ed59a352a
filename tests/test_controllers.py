"""Controllers: rates that listen. Agreement with the frameworks stands in tests/reference."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lrlesson import controllers
from lrlesson.controllers import Armijo, Controller, Polyak, ReduceOnPlateau

settings.register_profile("lrlesson", max_examples=40, deadline=None)
settings.load_profile("lrlesson")

nan, inf = float("nan"), float("inf")
EACH = [ReduceOnPlateau(0.1, patience=1), Armijo(), Polyak()]
each = pytest.mark.parametrize("controller", EACH, ids=repr)
CURVATURES = np.array([1.0, 20.0])


def bowl(w):
    return 0.5 * (CURVATURES * w**2).sum(axis=-1)


def slope(w):
    return CURVATURES * w


def watch(controller, metrics):
    """The rate after each observation."""
    found = []
    for metric in metrics:
        controller.observe(metric)
        found.append(controller.rate(0, metric, None, None, None))
    return np.array(found)


def descend(controller, w, steps):
    """The rates of plain gradient descent in the bowl, and the weights at the end."""
    rates = []
    for t in range(steps):
        rate = controller.rate(t, bowl(w), slope(w), w, bowl)
        rates.append(rate)
        w = w - np.asarray(rate)[..., None] * slope(w)
        controller.observe(bowl(w))
    return np.array(rates), w


# --- What all have in common ------------------------------------------------------------------


@each
def test_settings_never_change_and_a_fresh_copy_remembers_nothing(controller):
    mine = controller.fresh()
    start = np.array([1.0, -1.0])
    first, _ = descend(mine, start, 20)
    assert mine == controller
    assert hash(mine) == hash(controller)
    assert repr(mine) == repr(controller) == repr(eval(repr(controller), vars(controllers)))
    again, _ = descend(mine.fresh(), start, 20)
    np.testing.assert_array_equal(first, again)
    for name in controller._kinds:
        with pytest.raises(AttributeError):
            setattr(mine, name, 0.5)
    assert vars(controller.state) == vars(controller.fresh().state)  # the original was not used


@each
@given(arrays(float, (4, 2), elements=st.floats(-3, 3)))
def test_runs_together_equal_each_run_alone_bit_for_bit(controller, w):
    rates, ends = descend(controller.fresh(), w, 15)
    assert rates.shape == (15, 4)
    for r in range(4):
        alone, end = descend(controller.fresh(), w[[r]], 15)
        np.testing.assert_array_equal(rates[:, [r]], alone)
        np.testing.assert_array_equal(ends[[r]], end)
        single, end = descend(controller.fresh(), w[r], 15)  # without a runs axis
        np.testing.assert_array_equal(rates[:, r], single)


def test_settings_may_differ_from_run_to_run():
    w = np.array([[1.0, -1.0], [1.0, -1.0]])
    for many, ones in (
        (ReduceOnPlateau([0.1, 0.04], [0.5, 0.1], 1), [ReduceOnPlateau(0.1, 0.5, 1),
                                                       ReduceOnPlateau(0.04, 0.1, 1)]),
        (Armijo([1.0, 0.3], c=[0.1, 0.4]), [Armijo(1.0, c=0.1), Armijo(0.3, c=0.4)]),
        (Polyak(max_lr=[inf, 0.01]), [Polyak(), Polyak(max_lr=0.01)]),
    ):  # fmt: skip
        assert many.runs == 2
        rates, _ = descend(many.fresh(), w, 12)
        for r, one in enumerate(ones):
            np.testing.assert_array_equal(rates[:, [r]], descend(one.fresh(), w[[r]], 12)[0])
    with pytest.raises(ValueError, match=r"Armijo: fields of \[2, 3\] runs do not fit"):
        Armijo([1.0, 0.3], c=[0.1, 0.2, 0.3])
    assert Armijo().runs is None


def test_a_controller_without_a_rate_says_so():
    class Empty(Controller):
        pass

    with pytest.raises(TypeError, match="Empty has no rate"):
        Empty().rate(0, 1.0, None, None, None)
    assert Empty().observe(1.0) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReduceOnPlateau(-1), "ReduceOnPlateau: lr0 = -1, expected a learning rate"),
        (lambda: ReduceOnPlateau(1, factor=2), "ReduceOnPlateau: factor = 2, expected a factor"),
        (lambda: ReduceOnPlateau(1, patience=1.5), "ReduceOnPlateau: patience = 1.5, expected a"),
        (lambda: ReduceOnPlateau(1, threshold=1), "ReduceOnPlateau: threshold = 1"),
        (lambda: ReduceOnPlateau(1, cooldown=-1), "ReduceOnPlateau: cooldown = -1"),
        (lambda: ReduceOnPlateau(0.1, min_lr=0.2), "ReduceOnPlateau: min_lr = 0.2, expected at"),
        (lambda: Armijo(0), "Armijo: lr0 = 0"),
        (lambda: Armijo(inf), "Armijo: lr0 = inf"),
        (lambda: Armijo(c=1), "Armijo: c = 1"),
        (lambda: Armijo(shrink=1), "Armijo: shrink = 1"),
        (lambda: Armijo(shrink=0), "Armijo: shrink = 0, expected a factor between 0 and 1"),
        (lambda: Armijo(grow=0.5), "Armijo: grow = 0.5, expected a factor of at least 1"),
        (lambda: Polyak(nan), "Polyak: f_star = nan"),
        (lambda: Polyak(max_lr=0), "Polyak: max_lr = 0, expected a number greater than 0, or inf"),
        (lambda: Polyak(max_lr=nan), "Polyak: max_lr = nan"),
        (lambda: Polyak(c=0), "Polyak: c = 0"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        make()


@pytest.mark.parametrize("metric", ["low", None, True, [[1.0]], 1j])
def test_a_metric_that_is_no_number_is_refused(metric):
    with pytest.raises(TypeError, match=r"ReduceOnPlateau: metric = "):
        ReduceOnPlateau(1).observe(metric)


# --- ReduceOnPlateau --------------------------------------------------------------------------


def test_the_rate_is_cut_after_more_than_patience_bad_observations():
    rates = watch(ReduceOnPlateau(1.0, 0.5, patience=2), [3, 2, 2, 2, 2, 2, 2, 2])
    assert rates.tolist() == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]
    assert watch(ReduceOnPlateau(1.0, 0.5, patience=0), [1, 1, 1]).tolist() == [1, 0.5, 0.25]


def test_what_is_better_by_less_than_the_threshold_is_not_better():
    assert watch(ReduceOnPlateau(1.0, 0.5, 0, threshold=0.1), [1, 0.95, 0.89]).tolist() == (
        [1, 0.5, 0.5]
    )


def test_after_a_cut_some_observations_rest():
    rates = watch(ReduceOnPlateau(1.0, 0.5, patience=0, cooldown=2), [1] * 8)
    assert rates.tolist() == [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_the_rate_stops_at_min_lr():
    rates = watch(ReduceOnPlateau(1.0, 0.1, patience=0, min_lr=0.05), [1, 1, 1, 1])
    assert rates.tolist() == [1, 0.1, 0.05, 0.05]
    assert watch(ReduceOnPlateau(0.1, patience=0, min_lr=0.1), [1, 1, 1]).tolist() == [0.1] * 3


def test_a_broken_loss_is_not_better_and_a_recovery_is():
    rates = watch(ReduceOnPlateau(1.0, 0.5, patience=1), [1, nan, nan, 0.5, inf, 0.4])
    assert rates.tolist() == [1, 1, 0.5, 0.5, 0.5, 0.5]


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60), st.integers(0, 5), st.integers(0, 5))
def test_the_rate_never_rises(metrics, patience, cooldown):
    rates = watch(ReduceOnPlateau(1.0, 0.5, patience, cooldown=cooldown), metrics)
    assert (np.diff(rates) <= 0).all()
    cuts = np.flatnonzero(np.diff(rates))
    assert (np.diff(cuts) > patience).all()
    assert (np.diff(cuts) > cooldown).all()


# --- Armijo -----------------------------------------------------------------------------------


entries = st.one_of(st.just(0.0), st.floats(0.01, 5), st.floats(-5, -0.01))


@given(arrays(float, (3, 2), elements=entries), st.floats(1e-6, 100), st.floats(0.01, 0.9))
def test_every_rate_lowers_the_loss_enough_and_the_one_before_did_not(w, lr0, c):
    controller = Armijo(lr0, c=c)
    for t in range(10):
        g, before = slope(w), controller.state.lr
        rate = controller.rate(t, bowl(w), g, w, bowl)
        needed = bowl(w) - c * rate * (g**2).sum(axis=-1)
        new = w - rate[:, None] * g
        assert (bowl(new) <= needed).all()
        first = lr0 if t == 0 else before * 2
        larger = np.where(rate < first, rate * 2, np.nan)  # NaN: the first try was good
        tried = w - larger[:, None] * g
        enough = bowl(w) - c * larger * (g**2).sum(axis=-1)
        moved = (g != 0).any(axis=-1)
        assert not (bowl(tried) <= enough)[moved].any()
        w = new


def test_it_costs_one_evaluation_per_try():
    calls = []

    def counted(w):
        calls.append(1)
        return bowl(w)

    w = np.array([[0.0, 1.0]])  # curvature 20, and c = 0.5 asks for a rate of at most 1/20
    rate = Armijo(1.0, c=0.5).rate(0, bowl(w), slope(w), w, counted)
    assert rate.tolist() == [2**-5]
    assert len(calls) == 6


def test_it_learns_nothing_from_a_run_that_cannot_move():
    controller = Armijo(1.0)
    w = np.array([[0.0, 0.0], [1.0, 1.0], [nan, 1.0], [1e200, 0.0]])
    with np.errstate(all="ignore"):
        rate = controller.rate(0, bowl(w), slope(w), w, bowl)
    assert rate[[0, 2, 3]].tolist() == [0, 0, 0]
    assert controller.state.lr[[0, 2, 3]].tolist() == [0.5] * 3  # so that lr0 is tried next
    assert rate[1] > 0


def test_where_no_rate_lowers_the_loss_it_ends_and_stays():
    w = np.array([[1.0]])
    uphill = Armijo().rate(0, w[:, 0] ** 2, -2 * w, w, lambda w: w[:, 0] ** 2)
    assert (w + uphill * 2 * w).tolist() == w.tolist()
    nowhere = Armijo().rate(0, w[:, 0] ** 2, 2 * w, w, lambda w: np.full(1, np.nan))
    assert nowhere.tolist() == [0.0]


def test_it_ends_when_a_flat_loss_lets_the_rate_grow_for_ever():
    controller, w = Armijo(1.0, c=0.0), np.array([[1.0]])
    with np.errstate(all="ignore"):
        for t in range(1200):
            rate = controller.rate(
                t, np.zeros(1), np.full((1, 1), 1e-150), w, lambda w: 0 * w[:, 0]
            )
    assert np.isfinite(rate).all()
    assert (rate > 1e200).all()  # a loss that is no higher is low enough where c = 0


def test_float32_weights_are_tried_in_float32():
    w = np.ones((2, 2), np.float32)

    def seen(w):
        assert w.dtype == np.float32
        return bowl(w).astype(np.float32)

    controller = Armijo()
    for t in range(60):  # to the last digit, where the loss stands still
        g = slope(w).astype(np.float32)
        rate = controller.rate(t, seen(w), g, w, seen)
        w = w - rate[:, None].astype(np.float32) * g
    assert bowl(w).max() < 1e-6


# --- Polyak -----------------------------------------------------------------------------------


def test_polyak_reaches_the_minimum_of_a_parabola_in_steps_that_halve_the_distance():
    w = np.array([[8.0]])
    rate = Polyak().rate(0, 0.5 * w[:, 0] ** 2, w, w, None)
    assert rate.tolist() == [0.5]
    assert Polyak(c=2).rate(0, 0.5 * w[:, 0] ** 2, w, w, None).tolist() == [0.25]
    assert Polyak(max_lr=0.1).rate(0, 0.5 * w[:, 0] ** 2, w, w, None).tolist() == [0.1]
    assert Polyak(f_star=16).rate(0, 0.5 * w[:, 0] ** 2, w, w, None).tolist() == [0.25]


def test_polyak_is_0_where_there_is_nothing_to_gain():
    loss = np.array([1.0, 0.0, -1.0, nan, 1.0, 1.0])
    grad = np.array([[0.0], [1.0], [1.0], [1.0], [inf], [nan]])
    assert Polyak().rate(0, loss, grad, grad, None).tolist() == [0] * 6


def test_polyak_with_the_right_f_star_converges_and_with_a_wrong_one_stalls():
    """On a bowl whose lowest loss is 1."""

    def raised(w):
        return 1 + bowl(w)

    gaps = {}
    for f_star in (1.0, 0.0):
        w = np.array([[1.0, 1.0]])
        for t in range(300):
            rate = Polyak(f_star).rate(t, raised(w), slope(w), w, None)
            w = w - rate[:, None] * slope(w)
        gaps[f_star] = bowl(w)[0]
    assert gaps[1.0] < 1e-12
    assert gaps[0.0] > 1e-3
