"""Sharpness: the largest Hessian eigenvalue, against Hessians known exactly or written out."""

import numpy as np
import pytest

from lrlesson.data import diabetes, digits
from lrlesson.network import MLP, linear, net_a, net_c
from lrlesson.optimizers import SGD
from lrlesson.sharpness import hessian_times, sharpness
from lrlesson.training import train


def test_sharpness_of_linear_regression_is_that_of_the_table():
    net = linear(10, bias=False)
    assert sharpness(net, np.ones(10), diabetes()) == pytest.approx(4.024, abs=5e-4)


@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_sharpness_is_the_largest_eigenvalue_of_the_whole_hessian(loss, activation):
    data = digits().first(30)
    net = MLP((64, 3, 10), activation, loss, init_scale=2.0)
    w = net.init(0).astype(float)
    hessian = np.array([hessian_times(net, w, data, v) for v in np.eye(net.P)])
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-6)
    assert sharpness(net, w, data) == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-3)


def test_every_run_has_its_own_and_lost_runs_have_none():
    data = digits().first(50)
    w = np.stack([net_a().init(seed) for seed in range(3)])
    w[1, 5] = np.inf
    found = sharpness(net_a(), w, data)
    assert np.isnan(found).tolist() == [False, True, False]
    assert found[2] == sharpness(net_a(), w[2], data)


def test_a_single_weight_has_a_curvature_too():
    data = diabetes()
    one = linear(1, bias=False)
    from dataclasses import replace

    narrow = replace(data, x_train=data.x_train[:1])
    assert sharpness(one, [0.3], narrow) == pytest.approx(1.0, rel=1e-6)  # standardised


def test_V53_C22_full_batch_training_ends_at_the_edge_of_stability():
    """NET-C at η = 0.3: sharpness grows to 2/η, then stays within 3 % of it while loss falls."""
    data = digits().first(200)
    run = {"evaluate_every": 500, "keep_weights": True}
    history = train(net_c(), data, SGD(), 0.3, 2000, None, [0, 1], **run)
    relative = [sharpness(net_c(), history.weights[:, k], data) * 0.3 / 2 for k in (0, 3, 4)]
    assert (relative[0] < 0.95).all()
    np.testing.assert_allclose(relative[1:], 1, atol=0.03)
    assert (history.train_loss[:, 4] < 0.8 * history.train_loss[:, 2]).all()


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"sharpness: w has shape \(3,\)"):
        sharpness(net_a(), [1, 2, 3], digits())
    with pytest.raises(ValueError, match="data for sizes"):
        sharpness(net_a(), net_a().init(0), diabetes())
