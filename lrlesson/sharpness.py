"""Sharpness: how curved the loss of a network is where it stands.

It is λ_max, the largest eigenvalue of the Hessian, so 2/sharpness is the rate above which gradient
descent cannot stay. The Hessian of P parameters has P² entries and is never written down: all that
is needed is what it does to a vector, and that is how the gradient changes along it.
"""

from typing import Any

import numpy as np

from lrlesson.base.fields import checked_bool, refusal
from lrlesson.data import Data
from lrlesson.network import MLP

STEP = 1e-5  # length of the two steps, in weights, between which the gradient is compared


def sharpness(
    network: MLP,
    w: Any,
    data: Data,
    tolerance: float = 1e-4,
    *,
    gain: Any = None,
    direction: bool = False,
) -> Any:
    """The largest Hessian eigenvalue of the loss on all training examples of data.

    w: the parameters of one run (P,), or of several (runs, P). A float, or shape (runs,); NaN for
    a run whose weights are not finite. tolerance: the relative error at which to be content.

    gain: an optimizer's `state.gain`, shaped like w. The curvature is then that of √G·H·√G, as a
    rule with this gain sees it (Cohen et al. 2022). direction=True returns (sharpness, direction):
    the eigenvector too, shaped like w, of length 1, with its largest entry positive.
    """
    w = np.asarray(w, dtype=float)
    if w.ndim not in (1, 2) or w.shape[-1] != network.P:
        expected = f"({network.P},) or (runs, {network.P})"
        raise ValueError(f"sharpness: w has shape {w.shape}, expected {expected}")
    if data.features != network.sizes[0] or (data.classes or 1) != network.sizes[-1]:
        raise ValueError(refusal("sharpness", "data", data, f"data for sizes {network.sizes}"))
    checked_bool("sharpness", "direction", direction)
    gains = np.asarray(1.0 if gain is None else gain, dtype=float)
    if np.broadcast(gains, w).shape != w.shape or not (gains >= 0).all():
        raise ValueError(refusal("sharpness", "gain", gain, "numbers of at least 0, shaped like w"))
    roots = np.broadcast_to(np.sqrt(gains), w.shape)
    each = [
        _largest_eigenvalue(
            lambda v, one=one, root=root: root * hessian_times(network, one, data, root * v),
            network.P,
            tolerance,
        )
        if np.isfinite(one).all()
        else (np.nan, np.full(network.P, np.nan))
        for one, root in zip(np.atleast_2d(w), np.atleast_2d(roots), strict=True)
    ]
    values, vectors = np.array([v for v, _ in each]), np.array([v for _, v in each])
    found: tuple[Any, Any] = (values, vectors) if w.ndim > 1 else (float(values[0]), vectors[0])
    return found if direction else found[0]


def hessian_times(network: MLP, w: np.ndarray, data: Data, v: np.ndarray) -> np.ndarray:
    """The Hessian at w (P,) times v (P,): the gradient a little ahead minus a little behind."""
    length = np.linalg.norm(v)
    if length == 0:
        return np.zeros_like(v)
    step = STEP / length
    targets = data.targets()
    # In float64, whatever the network trains in: the two gradients are nearly equal.
    ahead, behind = (
        network.gradient(w + sign * step * v, data.x_train, targets)[1] for sign in (1, -1)
    )
    return (ahead - behind) / (2 * step)


def _largest_eigenvalue(times: Any, size: int, tolerance: float) -> tuple[float, np.ndarray]:
    from scipy.sparse.linalg import LinearOperator, eigsh

    if size == 1:
        return float(times(np.ones(1))[0]), np.ones(1)
    start = np.random.default_rng(0).standard_normal(size)  # the same answer every time
    hessian = LinearOperator((size, size), matvec=lambda v: times(np.ravel(v)), dtype=float)
    (largest,), vectors = eigsh(hessian, k=1, which="LA", v0=start, tol=tolerance)
    vector = vectors[:, 0]
    return float(largest), vector * np.sign(vector[np.abs(vector).argmax()])
