"""A multilayer perceptron, and its gradient by the chain rule.

All parameters of a run are one row of numbers, so an optimizer sees a single array of shape
(runs, P); `layers` shows them as weight matrices and biases, without copying. Examples are
columns: inputs x have shape (features, n), or (runs, features, n) where each run has its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from lrlesson.base.fields import POSITIVE, POSITIVE_COUNT, checked, checked_bool, refusal

# An activation, which writes over z, and its slope in terms of its own output.
ACTIVATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu": (lambda z: np.maximum(z, 0, out=z), lambda a: a > 0),
    "tanh": (lambda z: np.tanh(z, out=z), lambda a: 1 - a * a),
}


def cross_entropy(z: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """−log of the softmax probability of the right class: (mean loss, its slope ∂loss/∂z)."""
    z = z - largest_output(z)
    p = np.exp(z)
    total = over_outputs(p)
    losses = np.log(total) - over_outputs(z * targets)
    p /= total[..., None, :]
    p -= targets
    p /= z.shape[-1]
    return losses.mean(axis=-1), p


def largest_output(z: np.ndarray) -> np.ndarray:
    """The maximum over axis −2, row by row: along so short an axis NumPy itself is slow."""
    largest = z[..., :1, :].copy()
    for k in range(1, z.shape[-2]):
        np.maximum(largest, z[..., k : k + 1, :], out=largest)
    return largest


def over_outputs(a: np.ndarray) -> np.ndarray:
    """The sum over axis −2, as a product with ones: so short an axis NumPy itself sums slowly."""
    return np.ones(a.shape[-2], a.dtype) @ a


def squared_error(z: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """½·(squared distance from the target), summed over outputs: (mean loss, ∂loss/∂z)."""
    error = z - targets
    losses = 0.5 * over_outputs(error * error)
    return losses.mean(axis=-1), error / z.shape[-1]


LOSSES = {"cross-entropy": cross_entropy, "mse": squared_error}


@dataclass(frozen=True, repr=False)
class MLP:
    """A network of fully connected layers; with only two sizes it is a linear model.

    sizes: (inputs, hidden, …, outputs). activation: "relu" or "tanh", on every layer but the
    last. loss: "cross-entropy" or "mse". init_scale: a factor on the initial weights, which have
    variance 2/inputs in a layer that relu follows (He et al. 2015), and 1/inputs in any other.
    dtype: float32 for speed, float64 where digits are compared.
    """

    sizes: tuple[int, ...]
    activation: str = "relu"
    loss: str = "cross-entropy"
    init_scale: float = 1.0
    bias: bool = True
    dtype: Any = np.float32

    def __post_init__(self) -> None:
        given = self.sizes if isinstance(self.sizes, tuple | list) else (self.sizes,)
        sizes = tuple(checked("MLP", "sizes", n, POSITIVE_COUNT, runs=False) for n in given)
        if len(sizes) < 2:
            raise ValueError(refusal("MLP", "sizes", self.sizes, "at least inputs and outputs"))
        object.__setattr__(self, "sizes", sizes)
        for argument, choices in (("activation", ACTIVATIONS), ("loss", LOSSES)):
            value = getattr(self, argument)
            if not isinstance(value, str) or value not in choices:
                expected = " or ".join(map(repr, choices))
                raise ValueError(refusal("MLP", argument, value, expected))
        checked("MLP", "init_scale", self.init_scale, POSITIVE, runs=False)
        checked_bool("MLP", "bias", self.bias)
        if not any(self.dtype is t for t in (np.float32, np.float64)):
            raise ValueError(refusal("MLP", "dtype", self.dtype, "np.float32 or np.float64"))

    def __repr__(self) -> str:
        shown = [f"sizes={self.sizes}"]
        for f in fields(self)[1:]:
            value = getattr(self, f.name)
            if value != f.default:
                shown.append(
                    f"{f.name}={f'np.{value.__name__}' if f.name == 'dtype' else repr(value)}"
                )
        return f"MLP({', '.join(shown)})"

    @cached_property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape of each layer's weights, and of its biases if it has them."""
        shapes = []
        for inputs, outputs in zip(self.sizes, self.sizes[1:], strict=False):
            shapes += [(outputs, inputs)] + [(outputs, 1)] * self.bias
        return shapes

    @property
    def P(self) -> int:
        """The number of parameters."""
        return sum(prod(shape) for shape in self.shapes)

    def layers(self, w: np.ndarray) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """(weights (…, out, in), biases (…, out, 1)) of each layer: views of w (…, P)."""
        views, start = [], 0
        for shape in self.shapes:
            part = w[..., start : start + prod(shape)]
            views.append(part.reshape(*w.shape[:-1], *shape))
            start += prod(shape)
        if not self.bias:
            return [(weight, None) for weight in views]
        return list(zip(views[::2], views[1::2], strict=True))

    def init(self, rng: np.random.Generator | int) -> np.ndarray:
        """Random initial parameters of one run, shape (P,); biases are 0."""
        rng = np.random.default_rng(rng)
        w = np.zeros(self.P)
        layers = self.layers(w)
        for i, (weight, _) in enumerate(layers):
            rectified = self.activation == "relu" and i < len(layers) - 1
            spread = self.init_scale * np.sqrt((2 if rectified else 1) / weight.shape[1])
            weight += spread * rng.standard_normal(weight.shape)
        return w.astype(self.dtype)

    def outputs(self, w: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The last layer's outputs, before any softmax: (…, outputs, n)."""
        return self._forward(self.layers(w), x)[-1]

    def value(self, w: np.ndarray, x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The mean loss on examples x whose outputs should be targets (outputs, n): shape (…)."""
        return LOSSES[self.loss](self.outputs(w, x), targets)[0]

    def score(self, w: np.ndarray, x: np.ndarray, targets: np.ndarray) -> tuple[Any, Any]:
        """(mean loss, share of examples whose largest output is the right one); NaN accuracy for
        a single output."""
        z = self.outputs(w, x)
        right = z.argmax(axis=-2) == targets.argmax(axis=-2)
        accuracy = right.mean(axis=-1) if self.sizes[-1] > 1 else np.nan
        return LOSSES[self.loss](z, targets)[0], accuracy

    def gradient(
        self, w: np.ndarray, x: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(mean loss (…), its gradient (…, P)), by going back through the layers."""
        layers = self.layers(w)
        *given, z = self._forward(layers, x)
        losses, slope = LOSSES[self.loss](z, targets)  # slope: ∂loss/∂z of the layer in turn
        gradient = np.empty_like(w)
        parts = self.layers(gradient)
        ones = np.ones(x.shape[-1], w.dtype)
        for i in reversed(range(len(layers))):
            weight_part, bias_part = parts[i]
            np.matmul(slope, given[i].swapaxes(-1, -2), out=weight_part)
            if bias_part is not None:
                bias_part[..., 0] = slope @ ones
            if i > 0:
                slope = layers[i][0].swapaxes(-1, -2) @ slope
                slope *= ACTIVATIONS[self.activation][1](given[i])
        return losses, gradient

    def _forward(self, layers: list[Any], x: np.ndarray) -> list[np.ndarray]:
        """What each layer is given, and the outputs of the last."""
        activate = ACTIVATIONS[self.activation][0]
        *hidden, last = layers
        given = [x]
        for weight, bias in hidden:
            given.append(activate(_affine(weight, given[-1], bias)))
        return [*given, _affine(last[0], given[-1], last[1])]


def _affine(weight: np.ndarray, x: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    z = weight @ x
    if bias is not None:
        z += bias
    return z


def net_a(**options: Any) -> MLP:
    """NET-A: 64–32–10, ReLU, cross-entropy, for digits in batches of 32."""
    return MLP((64, 32, 10), **options)


def net_b(**options: Any) -> MLP:
    """NET-B: NET-A with squared error on one-hot targets. Its start is its most fragile moment."""
    return MLP((64, 32, 10), **{"loss": "mse", **options})


def net_c(**options: Any) -> MLP:
    """NET-C: 64–32–32–10, tanh, squared error, initial weights × 0.7, for 200 digits at once."""
    return MLP(
        (64, 32, 32, 10), **{"activation": "tanh", "loss": "mse", "init_scale": 0.7, **options}
    )


def linear(inputs: int, outputs: int = 1, **options: Any) -> MLP:
    """A linear model: linear regression with one output, softmax regression with several."""
    inputs = checked("linear", "inputs", inputs, POSITIVE_COUNT, runs=False)
    outputs = checked("linear", "outputs", outputs, POSITIVE_COUNT, runs=False)
    return MLP((inputs, outputs), **{"loss": "mse" if outputs == 1 else "cross-entropy", **options})
