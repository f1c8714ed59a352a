"""Losses: gradients and Hessians against finite differences, minima, noise, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrlesson.data import breast_cancer, diabetes
from lrlesson.losses import (
    LeastSquares,
    LogisticRegression,
    NoisyBowl,
    Quadratic,
    Rosenbrock,
    TwoWells,
    noisy_quadratic_model,
)

X = np.random.default_rng(0).standard_normal((3, 20))
LOSSES = [
    Quadratic(4.0),
    Quadratic([1, 20], rotation=0.6, minimum=[1.0, -2.0]),
    Quadratic.conditioned(1000, dim=5, rotation=1.0),
    NoisyBowl([1, 0.1], noise=[1.0, 0.5]),
    noisy_quadratic_model(7),
    LeastSquares(X, X[0] - 2 * X[1] + 0.1),
    LeastSquares(X, X[0] - 2 * X[1] + 0.1, batch=4),
    LogisticRegression(X, X[0] - X[1] > 0.1),
    Rosenbrock(),
    Rosenbrock(a=-2, b=3),
    TwoWells(),
    TwoWells(1.5, 0.8, noise=0.5),
]
each = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def difference(function, w, step=1e-5):
    """Central differences of a function of w, along a new last axis."""
    steps = step * np.eye(w.size)
    return np.stack([(function(w + h) - function(w - h)) / (2 * step) for h in steps], axis=-1)


@each
def test_gradient_and_hessian_are_the_derivatives(loss):
    for w in np.random.default_rng(1).uniform(-3, 3, (5, loss.dim)):
        np.testing.assert_allclose(loss.gradient(w), difference(loss, w), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(
            loss.hessian(w), difference(loss.gradient, w), rtol=1e-6, atol=1e-6
        )


@each
def test_the_minimum_is_flat_and_nowhere_is_lower(loss):
    np.testing.assert_allclose(loss.gradient(loss.minimum), 0, atol=1e-10)
    anywhere = np.random.default_rng(2).uniform(-4, 4, (500, loss.dim))
    assert (loss(anywhere) >= loss.min_value).all()


@each
def test_curvature_is_the_largest_eigenvalue(loss):
    w = np.random.default_rng(3).uniform(-2, 2, (4, loss.dim))
    largest = np.linalg.eigvalsh(loss.hessian(w)).max(axis=-1)
    np.testing.assert_allclose(loss.curvature(w), largest, rtol=1e-12)
    assert isinstance(loss.curvature(w[0]), float)
    assert isinstance(loss(w[0]), float)


@each
@settings(max_examples=15)
@given(runs=st.integers(1, 9), noisy=st.booleans())
def test_a_batch_of_points_equals_the_points_one_by_one_bit_for_bit(loss, runs, noisy):
    w = np.random.default_rng(4).uniform(-3, 3, (runs, loss.dim))
    seeds = range(runs) if noisy else None
    generators = None if seeds is None else [np.random.default_rng(s) for s in seeds]
    together = loss.gradient(w, generators)
    for r in range(runs):
        alone = loss.gradient(w[r], None if seeds is None else np.random.default_rng(seeds[r]))
        assert np.array_equal(together[r], alone)
        assert loss(w)[r] == loss(w[r])


def test_one_generator_gives_every_run_the_same_noise():
    w = np.zeros((3, 2))
    noise = NoisyBowl([1, 2]).gradient(w, np.random.default_rng(0))
    assert (noise == noise[0]).all()
    assert (noise != 0).all()


def test_rotation_keeps_the_curvatures_and_is_in_radians():
    turned = Quadratic([1, 20], rotation=np.pi / 2)
    assert turned([1.0, 0.0]) == pytest.approx(10)  # the steep axis now lies along the first
    np.testing.assert_allclose(np.linalg.eigvalsh(turned.hessian([0, 0])), [1, 20])


def test_conditioned_spans_one_to_the_condition():
    np.testing.assert_allclose(Quadratic.conditioned(100, dim=3).curvatures, [1, 10, 100])


def test_floor_of_the_noisy_bowl_is_its_formula():
    floor = NoisyBowl().floor([0.01, 0.1, 0.5, 1.0, 1.9])
    np.testing.assert_allclose(floor, [0.00251, 0.02632, 0.16667, 0.5, 9.5], atol=5e-6)
    assert NoisyBowl().floor(2.0) == np.inf
    assert NoisyBowl(2.0, noise=3.0).floor(0.5) == pytest.approx(0.5 * 9 / (2 * (2 - 1)))


def test_expected_loss_is_the_mean_of_many_sampled_ones():
    bowl, rates = NoisyBowl([1.0, 0.2], noise=[0.5, 0.1]), np.full(30, 0.4)
    w = np.ones((4000, 2))
    rng = np.random.default_rng(0)
    for rate in rates:
        w = w - rate * (bowl.gradient(w) + bowl.noise * rng.standard_normal(w.shape))
    assert bowl.expected(np.ones(2), rates)[-1] == pytest.approx(bowl(w).mean(), rel=0.05)


def test_expected_loss_reaches_the_floor_and_takes_many_rates():
    losses = NoisyBowl().expected([3.0], np.array([[0.1], [1.0], [2.5]]) * np.ones(2000))
    assert losses.shape == (3, 2001)
    np.testing.assert_allclose(losses[:2, -1], NoisyBowl().floor([0.1, 1.0]), rtol=1e-12)
    assert losses[2, -1] == np.inf


def test_noisy_quadratic_model_is_that_of_the_table():
    model = noisy_quadratic_model()
    assert model.dim == 100
    np.testing.assert_allclose(model.curvatures, 1 / np.arange(1, 101))
    np.testing.assert_allclose(model.noise**2, 0.01 * model.curvatures)


def test_least_squares_on_diabetes_has_the_numbers_of_the_table():
    data = diabetes()
    loss = LeastSquares(data.x_train, data.y_train)
    curvatures = np.linalg.eigvalsh(loss.hessian(loss.minimum))
    assert loss.curvature(loss.minimum) == pytest.approx(4.024, abs=5e-4)
    assert curvatures[0] == pytest.approx(0.00856, abs=5e-6)
    assert curvatures[-1] / curvatures[0] == pytest.approx(470, abs=0.5)
    assert 2 / curvatures[-1] == pytest.approx(0.49699, abs=5e-6)
    assert loss.min_value == pytest.approx(0.24113, abs=5e-6)
    assert loss.zero_value == pytest.approx(0.5)


def test_minibatch_noise_is_unbiased_and_falls_as_one_over_the_batch():
    data = diabetes()
    w = np.ones(10)
    exact = LeastSquares(data.x_train, data.y_train).gradient(w)
    spread = []
    for batch in (1, 16):
        loss = LeastSquares(data.x_train, data.y_train, batch=batch)
        rng = np.random.default_rng(0)
        gradients = np.array([loss.gradient(w, rng) for _ in range(4000)])
        error = gradients.std(axis=0) / np.sqrt(4000)
        assert (abs(gradients.mean(axis=0) - exact) < 5 * error).all()
        spread.append(gradients.var(axis=0).sum())
    assert spread[0] / spread[1] == pytest.approx(16, rel=0.1)


def test_logistic_regression_on_breast_cancer_is_that_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression as Peer

    data = breast_cancer()
    loss = LogisticRegression(data.x_train, data.y_train, l2=0.01)
    peer = Peer(C=1 / (0.01 * data.n), fit_intercept=False, tol=1e-10, max_iter=1000)
    peer.fit(data.x_train.T, data.y_train)
    np.testing.assert_allclose(loss.minimum, peer.coef_[0], atol=1e-6)
    assert loss.zero_value == pytest.approx(np.log(2))


def test_the_curvature_of_logistic_regression_falls_on_the_way_down_as_in_V49():
    data = breast_cancer()
    loss = LogisticRegression(data.x_train, data.y_train)
    top = np.linalg.eigvalsh(data.x_train @ data.x_train.T / data.n).max()
    assert loss.curvature(np.zeros(30)) == pytest.approx(top / 4 + 1e-3)
    assert loss.curvature(np.zeros(30)) == pytest.approx(3.337, abs=5e-4)
    assert loss.curvature(loss.minimum) == pytest.approx(0.137, abs=5e-4)


def test_logistic_regression_is_finite_far_out():
    loss = LogisticRegression(X, X[0] > 0)
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(loss(1e5 * X[:, 0]))
        assert np.isfinite(loss.gradient(1e5 * X[:, 0])).all()


def test_two_wells_have_the_depths_and_thresholds_of_V28():
    poor, good = TwoWells(0.5, 1.5), TwoWells(1.5, 0.8)
    np.testing.assert_allclose(poor(poor.wells[:, None]), [-0.47, -1.46], atol=0.005)
    np.testing.assert_allclose(good(good.wells[:, None]), [-1.46, -0.76], atol=0.005)
    assert poor.minimum == poor.wells[1]
    assert good.minimum == good.wells[0]
    narrow, wide = poor.threshold
    assert narrow == pytest.approx(0.494, abs=0.001)
    assert narrow < wide


def test_curvature_where_a_run_has_left_the_numbers_is_nan():
    assert np.isnan(Rosenbrock().curvature([[np.inf, 0.0], [1.0, 1.0]])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Quadratic(0), "Quadratic: curvatures = .*0.*, expected a finite number greater"),
        (lambda: Quadratic([1, -2]), "curvatures = .*-2"),
        (lambda: Quadratic([]), "curvatures = .*a list with one per dimension"),
        (lambda: Quadratic([[1, 2]]), "curvatures = .*a list with one per dimension"),
        (lambda: Quadratic(1, rotation=1), "rotation = 1, expected 0"),
        (lambda: Quadratic([1, 2], rotation=np.nan), "rotation = nan"),
        (lambda: Quadratic([1, 2], minimum=[1]), "minimum has shape .* expected 2 numbers"),
        (lambda: Quadratic.conditioned(-5), "condition = -5"),
        (lambda: NoisyBowl(1, noise=-1), "NoisyBowl: noise = -1"),
        (lambda: NoisyBowl([1, 2], noise=[1, 2, 3]), "expected 1 or 2 numbers"),
        (lambda: NoisyBowl().floor(-1), "lr = -1"),
        (lambda: LeastSquares(X, X[0, :5]), r"x has shape \(3, 20\) and y \(5,\)"),
        (lambda: LeastSquares(X, np.full(20, np.nan)), "not finite"),
        (lambda: LeastSquares(X, X[0], batch=0), "batch = 0"),
        (lambda: LogisticRegression(X, [0, 1]), r"LogisticRegression: x has shape \(3, 20\) and y"),
        (lambda: LogisticRegression(X * np.inf, np.ones(20)), "not finite"),
        (lambda: LogisticRegression(X, np.arange(20)), "y = .*expected 0 or 1 for each example"),
        (lambda: LogisticRegression(X, np.ones(20), l2=0), "l2 = 0, expected"),
        (lambda: Rosenbrock(b=0), "b = 0"),
        (lambda: TwoWells(-1), "narrow_depth = -1"),
        (lambda: Quadratic([1, 2])(3.0), r"w has shape \(\), expected 2 numbers"),
        (lambda: Rosenbrock().gradient([1, 2, 3]), r"w has shape \(3,\), expected 2 numbers"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_what_is_no_number_is_refused():
    for make in (lambda: Quadratic("steep"), lambda: Quadratic(None), lambda: TwoWells(True)):
        with pytest.raises(TypeError, match="expected"):
            make()
