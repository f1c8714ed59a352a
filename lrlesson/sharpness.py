"""Sharpness: how curved the loss of a network is where it stands.

It is λ_max, the largest eigenvalue of the Hessian, so 2/sharpness is the rate above which gradient
descent cannot stay. The Hessian of P parameters has P² entries and is never written down: all that
is needed is what it does to a vector, and that is how the gradient changes along it.
"""

from typing import Any

import numpy as np

from lrlesson.base.fields import refusal
from lrlesson.data import Data
from lrlesson.network import MLP

STEP = 1e-5  # length of the two steps, in weights, between which the gradient is compared


def sharpness(network: MLP, w: Any, data: Data, tolerance: float = 1e-4) -> Any:
    """The largest Hessian eigenvalue of the loss on all training examples of data.

    w: the parameters of one run (P,), or of several (runs, P). A float, or shape (runs,); NaN for
    a run whose weights are not finite. tolerance: the relative error at which to be content.
    """
    w = np.asarray(w, dtype=float)
    if w.ndim not in (1, 2) or w.shape[-1] != network.P:
        expected = f"({network.P},) or (runs, {network.P})"
        raise ValueError(f"sharpness: w has shape {w.shape}, expected {expected}")
    if data.features != network.sizes[0] or (data.classes or 1) != network.sizes[-1]:
        raise ValueError(refusal("sharpness", "data", data, f"data for sizes {network.sizes}"))
    if w.ndim == 2:
        return np.array([sharpness(network, one, data, tolerance) for one in w])
    if not np.isfinite(w).all():
        return float("nan")
    return _largest_eigenvalue(lambda v: hessian_times(network, w, data, v), w.size, tolerance)


def hessian_times(network: MLP, w: np.ndarray, data: Data, v: np.ndarray) -> np.ndarray:
    """The Hessian at w (P,) times v (P,): the gradient a little ahead minus a little behind."""
    step = STEP / np.linalg.norm(v)
    targets = data.targets()
    # In float64, whatever the network trains in: the two gradients are nearly equal.
    ahead, behind = (
        network.gradient(w + sign * step * v, data.x_train, targets)[1] for sign in (1, -1)
    )
    return (ahead - behind) / (2 * step)


def _largest_eigenvalue(times: Any, size: int, tolerance: float) -> float:
    from scipy.sparse.linalg import LinearOperator, eigsh

    if size == 1:
        return float(times(np.ones(1))[0])
    start = np.random.default_rng(0).standard_normal(size)  # the same answer every time
    hessian = LinearOperator((size, size), matvec=lambda v: times(np.ravel(v)), dtype=float)
    (largest,) = eigsh(hessian, k=1, which="LA", v0=start, tol=tolerance, return_eigenvectors=False)
    return float(largest)
