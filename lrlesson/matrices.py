"""An update for a whole matrix of weights, and not for each weight by itself.

Adam's rates belong to single weights: they see the axes and nothing between them. Muon looks at
the matrix and makes all of its directions equally fast.
"""

from typing import Any

import numpy as np

from lrlesson.base.fields import COUNT, Fraction, Positive, checked, floats, refusal
from lrlesson.base.optimizer import Optimizer
from lrlesson.network import MLP
from lrlesson.optimizers import Adam

HEAD = Adam(0.9, 0.95)  # the rule of what is no hidden matrix


class Muon(Optimizer):
    r"""$v \leftarrow \beta \cdot v + g; O \leftarrow \text{orthogonalised}(g + \beta \cdot v);
    w \leftarrow w - \eta \cdot \sqrt{\max(1, \text{rows}/\text{columns})} \cdot O$

    Each hidden weight matrix of `network` moves by its summed gradient with all singular values
    made alike, about 1: directions that Adam could not tell apart, because they lie across the
    axes, get one speed. Nesterov's β = `momentum`; gain = √max(1, rows/columns). The weights of the
    last layer, and all biases, follow Adam(0.9, 0.95) at `share` of the rate. Weights must be those
    of the network, (P,) or (runs, P). Jordan et al. 2024.
    """

    network: MLP
    momentum: Fraction = 0.95
    share: Positive = 0.3

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        self._refuse_shape(w, self.network.P)
        return {"velocity": np.zeros_like(w), "head": HEAD.init(w)}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        # the head and the biases; of the hidden matrices this is overwritten below
        drive, gain = HEAD.update(gradient, state.head)
        state.head.t += 1
        gain = self.share * gain
        # remember
        state.velocity = self.momentum * state.velocity + gradient
        ahead = gradient + self.momentum * state.velocity
        # scale
        hidden = (self.network.layers(array)[:-1] for array in (ahead, drive, gain))
        for (matrix, _), (its_drive, _), (its_gain, _) in zip(*hidden, strict=True):
            rows, columns = matrix.shape[-2:]
            its_drive[...] = orthogonalised(matrix)
            its_gain[...] = max(1, rows / columns) ** 0.5
        return drive, gain


def orthogonalised(matrix: Any, steps: int = 5) -> np.ndarray:
    """The matrix (…, rows, columns) with its singular values brought near 1, its directions kept.

    Each step applies a polynomial to all singular values at once, by products of matrices
    (Newton–Schulz; coefficients of Jordan et al. 2024). After five they lie between about 0.7 and
    1.2 where they were above a hundredth of the norm: alike, not equal. 0 stays 0. Raises TypeError
    or ValueError where matrix is none, or steps is no whole number of at least 0.
    """
    x = floats("orthogonalised", "matrix", matrix)
    if x.ndim < 2:
        raise ValueError(refusal("orthogonalised", "matrix", matrix, "at least two axes"))
    steps = checked("orthogonalised", "steps", steps, COUNT, runs=False)
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.swapaxes(-1, -2)
    x = x / (np.linalg.norm(x, axis=(-2, -1), keepdims=True) + 1e-7)
    for _ in range(steps):
        squared = x @ x.swapaxes(-1, -2)
        x = 3.4445 * x + (-4.7750 * squared + 2.0315 * (squared @ squared)) @ x
    return x.swapaxes(-1, -2) if tall else x
