"""Loss surfaces whose every secret is known: value, slope, curvature, and the lowest point.

Near a minimum almost every smooth loss looks like a bowl, ½·λ·w², and there the learning rate obeys
exact laws: one update multiplies the distance by (1 − ηλ), so the largest rate that does not
diverge is 2/λ. In many dimensions λ is the largest eigenvalue of the Hessian, the `curvature`.

A point w has shape (..., dim): one point, or one per run. A loss is a function of it:

    loss = Quadratic([1, 20])
    loss([1.0, 1.0])            # the value, shape (...)
    loss.gradient([1.0, 1.0])   # the slope, shape (..., dim)
    loss.curvature([1.0, 1.0])  # 20.0, so rates above 2/20 diverge
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lrlesson.base.fields import (
    ANY,
    NONNEGATIVE,
    POSITIVE,
    POSITIVE_COUNT,
    checked,
    floats,
    refusal,
)

Rng = np.random.Generator | Sequence[np.random.Generator] | None


class Loss:
    """A loss surface. A subclass defines value, slope, hessian, dim and minimum."""

    dim: int
    minimum: np.ndarray

    def value(self, w: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def slope(self, w: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def hessian(self, w: Any) -> np.ndarray:
        """The matrix of second derivatives, shape (..., dim, dim)."""
        raise NotImplementedError

    def __call__(self, w: Any) -> Any:
        """The loss at w (..., dim): a float for one point, else shape (...)."""
        values = self.value(self.point(w))
        return values if np.ndim(values) else float(values)

    def gradient(self, w: Any, rng: Rng = None) -> np.ndarray:
        """The gradient at w, shape (..., dim). Noise only where the loss has it and rng is given:
        one Generator gives all runs the same noise, a list of them gives each run its own."""
        return self.slope(self.point(w))

    def curvature(self, w: Any) -> Any:
        """The largest eigenvalue of the Hessian at w, shape (...); NaN where that is not finite."""
        hessian = self.hessian(w)
        finite = np.isfinite(hessian).all(axis=(-1, -2))
        largest = np.linalg.eigvalsh(np.where(finite[..., None, None], hessian, 0.0))[..., -1]
        largest = np.where(finite, largest, np.nan)
        return largest if largest.ndim else float(largest)

    @property
    def min_value(self) -> float:
        """The loss at the minimum."""
        return float(self(self.minimum))

    @property
    def zero_value(self) -> float:
        """The loss of the zero model, w = 0: the yardstick for divergence."""
        return float(self(np.zeros(self.dim)))

    def point(self, w: Any, argument: str = "w") -> np.ndarray:
        """w as a float array; TypeError unless it holds real numbers, ValueError unless there are
        dim of them on its last axis."""
        name = type(self).__name__
        w = floats(name, argument, w)
        if w.ndim == 0 or w.shape[-1] != self.dim:
            raise ValueError(
                f"{name}: {argument} has shape {w.shape}, expected {self.dim} number"
                f"{'s' * (self.dim != 1)} on its last axis"
            )
        return w


def draw(rng: Any, sample: Callable[[np.random.Generator], np.ndarray]) -> np.ndarray:
    """One sample for all runs from one Generator, or one per run from a list of Generators."""
    if isinstance(rng, np.random.Generator):
        return sample(rng)
    return np.stack([sample(one) for one in rng])


class Quadratic(Loss):
    r"""A bowl, $\tfrac12 \sum_i \lambda_i u_i^2$, with u = w − minimum along the bowl's own axes.

    curvatures: λ, a number or one per dimension, each > 0. rotation: the angle in radians by
    which the bowl is turned in the plane of the first two axes. minimum: a point, 0 by default.
    """

    def __init__(self, curvatures: Any, rotation: float = 0.0, minimum: Any = None) -> None:
        self.curvatures = _numbers(self, "curvatures", curvatures, POSITIVE)
        self.dim = self.curvatures.size
        self.rotation = checked(type(self).__name__, "rotation", rotation, ANY, runs=False)
        if self.rotation and self.dim < 2:
            raise ValueError(
                refusal(type(self).__name__, "rotation", rotation, "0 for one dimension")
            )
        minimum = np.zeros(self.dim) if minimum is None else minimum
        self.minimum = self.point(_numbers(self, "minimum", minimum, ANY), "minimum")

    @classmethod
    def conditioned(cls, condition: float, dim: int = 2, rotation: float = 0.0) -> "Quadratic":
        """A bowl with curvatures 1 … condition, each the same multiple of the one before."""
        checked(cls.__name__, "dim", dim, POSITIVE_COUNT, runs=False)
        condition = checked(cls.__name__, "condition", condition, POSITIVE, runs=False)
        return cls(np.geomspace(1.0, condition, dim), rotation)

    def value(self, w: np.ndarray) -> np.ndarray:
        u = self._turned(w - self.minimum, -self.rotation)
        return 0.5 * (self.curvatures * u * u).sum(axis=-1)

    def slope(self, w: np.ndarray) -> np.ndarray:
        u = self._turned(w - self.minimum, -self.rotation)
        return self._turned(self.curvatures * u, self.rotation)

    def hessian(self, w: Any) -> np.ndarray:
        axes = self._turned(np.eye(self.dim), self.rotation)
        matrix = axes.T @ np.diag(self.curvatures) @ axes
        return np.broadcast_to(matrix, (*self.point(w).shape, self.dim)).copy()

    def _turned(self, u: np.ndarray, angle: float) -> np.ndarray:
        """u with its first two coordinates turned by angle."""
        if not angle:
            return u
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = u[..., 0], u[..., 1]
        turned = u.copy()
        turned[..., 0] = cos * x - sin * y
        turned[..., 1] = sin * x + cos * y
        return turned

    def __repr__(self) -> str:
        turned = f", rotation={self.rotation:.4g}" if self.rotation else ""
        return f"{type(self).__name__}({_short(self.curvatures)}{turned})"


class NoisyBowl(Quadratic):
    r"""A bowl whose gradient is noisy: $\lambda_i w_i + \sigma_i \xi$, with ξ drawn from N(0, 1).

    It stands for minibatch training near a minimum. With a constant rate the weights never come
    to rest; the loss settles at `floor(lr)`. curvatures: λ. noise: σ, a number or one per
    dimension, each ≥ 0. The value and the Hessian are those of the bowl without noise.
    """

    def __init__(self, curvatures: Any = 1.0, noise: Any = 1.0) -> None:
        super().__init__(curvatures)
        noise = _numbers(self, "noise", noise, NONNEGATIVE)
        if noise.size not in (1, self.dim):
            raise ValueError(refusal("NoisyBowl", "noise", noise, f"1 or {self.dim} numbers"))
        self.noise = np.broadcast_to(noise, (self.dim,))

    def gradient(self, w: Any, rng: Rng = None) -> np.ndarray:
        slope = super().gradient(w)
        if rng is None:
            return slope
        return slope + self.noise * draw(rng, lambda one: one.standard_normal(self.dim))

    def floor(self, lr: Any) -> Any:
        r"""The loss at which a constant rate settles, $\sum \eta\sigma_i^2 / 2(2 - \eta\lambda_i)$.

        lr: a number, or an array; the answer has its shape. Infinite from 2/λ on.
        """
        rate = np.atleast_1d(checked("NoisyBowl.floor", "lr", lr, NONNEGATIVE))[:, None]
        room = np.where(rate * self.curvatures < 2, 2 - rate * self.curvatures, np.nan)
        floor = (rate * self.noise**2 / (2 * room)).sum(axis=-1)
        floor = np.where(np.isnan(floor), np.inf, floor)
        return floor if np.ndim(lr) else float(floor[0])

    def expected(self, w0: Any, rates: Any) -> np.ndarray:
        r"""The expected loss before each update and after the last, with no sampling at all.

        It follows from $E[w^2] \leftarrow (1 - \eta\lambda)^2 E[w^2] + \eta^2\sigma^2$. w0: the
        start, shape (dim,). rates: one per update, (..., T). The answer: (..., T + 1).
        """
        rates = floats("NoisyBowl.expected", "rates", rates)
        square = np.broadcast_to(self.point(w0) ** 2, (*rates.shape[:-1], self.dim))
        losses = [0.5 * (self.curvatures * square).sum(axis=-1)]
        with np.errstate(over="ignore", invalid="ignore"):
            for t in range(rates.shape[-1]):
                rate = rates[..., t, None]
                square = (1 - rate * self.curvatures) ** 2 * square + (rate * self.noise) ** 2
                losses.append(0.5 * (self.curvatures * square).sum(axis=-1))
        return np.stack(losses, axis=-1)

    @property
    def zero_value(self) -> float:
        """A run that starts at the minimum must not be called diverged for its noise floor: the
        yardstick is the floor at 95 % of the largest stable rate."""
        return float(self.floor(1.9 / self.curvatures.max()))


def noisy_quadratic_model(dim: int = 100) -> NoisyBowl:
    """NQM-100: bowls of curvature 1, 1/2, …, 1/dim with gradient variance 0.01·λ; start at ones.

    After Zhang et al. 2019: where curvature is large the noise is large too, as in real nets.
    """
    checked("noisy_quadratic_model", "dim", dim, POSITIVE_COUNT, runs=False)
    curvatures = 1 / np.arange(1, dim + 1)
    return NoisyBowl(curvatures, 0.1 * np.sqrt(curvatures))


class LeastSquares(Loss):
    r"""Linear regression on data: $\tfrac{1}{2n} \sum_k (w \cdot x_k - y_k)^2$.

    x: the examples in columns, shape (dim, n). y: the targets, shape (n,). batch: how many
    examples, drawn with replacement, a noisy gradient is taken from; None for all of them. The
    loss is always that of all examples.
    """

    def __init__(self, x: Any, y: Any, batch: int | None = None) -> None:
        self.x, self.y = floats("LeastSquares", "x", x), floats("LeastSquares", "y", y)
        if self.x.ndim != 2 or self.y.shape != self.x.shape[1:] or not self.y.size:
            raise ValueError(
                f"LeastSquares: x has shape {self.x.shape} and y {self.y.shape}, "
                "expected (features, examples) and (examples,)"
            )
        if not (np.isfinite(self.x).all() and np.isfinite(self.y).all()):
            raise ValueError("LeastSquares: x or y holds a number that is not finite")
        if batch is not None:
            batch = checked("LeastSquares", "batch", batch, POSITIVE_COUNT, runs=False)
        self.batch = batch
        self.dim = self.x.shape[0]
        self.minimum = np.linalg.lstsq(self.x.T, self.y, rcond=None)[0]

    def value(self, w: np.ndarray) -> np.ndarray:
        error = _dot(w, self.x) - self.y
        return 0.5 * (error * error).mean(axis=-1)

    def slope(self, w: np.ndarray) -> np.ndarray:
        return _dot(_dot(w, self.x) - self.y, self.x.T) / self.y.size

    def gradient(self, w: Any, rng: Rng = None) -> np.ndarray:
        if rng is None or self.batch is None:
            return super().gradient(w)
        chosen = draw(rng, lambda one: one.integers(self.y.size, size=self.batch))
        x = self.x.T[chosen].swapaxes(-1, -2)
        error = _dot(self.point(w), x) - self.y[chosen]
        return _dot(error, x.swapaxes(-1, -2)) / self.batch

    def hessian(self, w: Any) -> np.ndarray:
        matrix = self.x @ self.x.T / self.y.size
        return np.broadcast_to(matrix, (*self.point(w).shape, self.dim)).copy()

    def __repr__(self) -> str:
        batch = "" if self.batch is None else f", batch={self.batch}"
        return f"LeastSquares({self.dim} weights, {self.y.size} examples{batch})"


class LogisticRegression(Loss):
    r"""Two classes and a line between them: $\tfrac1n \sum_k \log(1 + e^{-s_k (w \cdot x_k)})
    + \tfrac12 \, l_2 \, w \cdot w$, where s is +1 in class 1 and −1 in class 0.

    Its curvature is largest at w = 0 and falls towards the minimum, so the largest stable rate
    grows on the way. x: the examples in columns, shape (dim, n). y: 0 or 1 for each, shape (n,).
    l2 > 0: the penalty, without which classes that a line can part have no minimum.
    """

    def __init__(self, x: Any, y: Any, l2: float = 1e-3) -> None:
        self.x, y = floats("LogisticRegression", "x", x), np.asarray(y)
        if self.x.ndim != 2 or y.shape != self.x.shape[1:] or not y.size:
            raise ValueError(
                f"LogisticRegression: x has shape {self.x.shape} and y {y.shape}, "
                "expected (features, examples) and (examples,)"
            )
        if not np.isfinite(self.x).all():
            raise ValueError("LogisticRegression: x holds a number that is not finite")
        if not np.isin(y, (0, 1)).all():
            raise ValueError(refusal("LogisticRegression", "y", y, "0 or 1 for each example"))
        self.sign = np.where(y == 1, 1.0, -1.0)
        self.l2 = checked("LogisticRegression", "l2", l2, POSITIVE, runs=False)
        self.dim = self.x.shape[0]
        self.minimum = self._lowest()

    def value(self, w: np.ndarray) -> np.ndarray:
        losses = np.logaddexp(0, -self.sign * _dot(w, self.x))
        return losses.mean(axis=-1) + 0.5 * self.l2 * (w * w).sum(axis=-1)

    def slope(self, w: np.ndarray) -> np.ndarray:
        pull = self.sign * self._wrong(w)
        return self.l2 * w - _dot(pull, self.x.T) / self.sign.size

    def hessian(self, w: Any) -> np.ndarray:
        wrong = self._wrong(self.point(w))
        weighted = self.x * (wrong * (1 - wrong))[..., None, :]
        return weighted @ self.x.T / self.sign.size + self.l2 * np.eye(self.dim)

    def _wrong(self, w: np.ndarray) -> np.ndarray:
        """The probability that the model gives to the wrong class of each example, (..., n)."""
        return 0.5 * (1 - np.tanh(0.5 * self.sign * _dot(w, self.x)))

    def _lowest(self) -> np.ndarray:
        """The minimum, by Newton's method; a step that does not lower the loss is halved."""
        w = np.zeros(self.dim)
        for _ in range(100):
            step = np.linalg.solve(self.hessian(w), self.slope(w))
            while self.value(w - step) > self.value(w):
                step = step / 2
            w = w - step
            if np.abs(step).max() <= 1e-13 * np.abs(w).max():
                break
        return w

    def __repr__(self) -> str:
        return (
            f"LogisticRegression({self.dim} weights, {self.sign.size} examples, l2={self.l2:.4g})"
        )


class Rosenbrock(Loss):
    r"""A curved valley, $(a - x)^2 + b\,(y - x^2)^2$: easy to enter, slow to follow.

    Its minimum is (a, a²), with loss 0; its curvature changes from place to place.
    """

    dim = 2

    def __init__(self, a: float = 1.0, b: float = 100.0) -> None:
        self.a = checked("Rosenbrock", "a", a, ANY, runs=False)
        self.b = checked("Rosenbrock", "b", b, POSITIVE, runs=False)
        self.minimum = np.array([self.a, self.a**2])

    def value(self, w: np.ndarray) -> np.ndarray:
        x, y = w[..., 0], w[..., 1]
        off = y - x * x
        return (self.a - x) ** 2 + self.b * off * off

    def slope(self, w: np.ndarray) -> np.ndarray:
        x, y = w[..., 0], w[..., 1]
        off = y - x * x
        return np.stack([-2 * (self.a - x) - 4 * self.b * x * off, 2 * self.b * off], axis=-1)

    def hessian(self, w: Any) -> np.ndarray:
        w = self.point(w)
        x, y = w[..., 0], w[..., 1]
        xx = 2 - 4 * self.b * (y - 3 * x * x)
        xy = -4 * self.b * x
        yy = np.full_like(x, 2 * self.b)
        return np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-1)

    def __repr__(self) -> str:
        return f"Rosenbrock(a={self.a:g}, b={self.b:g})"


class TwoWells(Loss):
    r"""A narrow and a wide well on a flat floor, in one dimension.

    $0.01 w^2 - d_n e^{-(w+2)^2 / 2 s_n^2} - d_w e^{-(w-2)^2 / 2 s_w^2}$, widths 0.35 and 1.2.
    A rate above `threshold` cannot stay in a well, and the narrow well's is the lower one.
    narrow_depth, wide_depth: d > 0. (0.5, 1.5) makes the wide well the better one, (1.5, 0.8)
    the narrow one. noise: the standard deviation σ of the gradient, where an rng is given.
    """

    dim = 1
    centres = np.array([-2.0, 2.0])
    widths = np.array([0.35, 1.2])

    def __init__(
        self, narrow_depth: float = 0.5, wide_depth: float = 1.5, noise: float = 0.0
    ) -> None:
        depths = {"narrow_depth": narrow_depth, "wide_depth": wide_depth}
        for argument, depth in depths.items():
            checked("TwoWells", argument, depth, POSITIVE, runs=False)
        self.depths = np.array([narrow_depth, wide_depth], dtype=float)
        self.noise = checked("TwoWells", "noise", noise, NONNEGATIVE, runs=False)
        self.wells = self._bottoms()
        self.minimum = self.wells[[np.argmin(self.value(self.wells[:, None]))]]

    @property
    def threshold(self) -> np.ndarray:
        """The largest stable rate at the bottom of the narrow and of the wide well, 2/curvature."""
        return 2 / self.curvature(self.wells[:, None])

    def value(self, w: np.ndarray) -> np.ndarray:
        return 0.01 * w[..., 0] ** 2 - self._wells(w)[1].sum(axis=-1)

    def slope(self, w: np.ndarray) -> np.ndarray:
        z, well = self._wells(w)
        return 0.02 * w + (well * z / self.widths).sum(axis=-1, keepdims=True)

    def gradient(self, w: Any, rng: Rng = None) -> np.ndarray:
        slope = super().gradient(w)
        if rng is None or not self.noise:
            return slope
        return slope + self.noise * draw(rng, lambda one: one.standard_normal(1))

    def hessian(self, w: Any) -> np.ndarray:
        z, well = self._wells(self.point(w))
        return (0.02 + (well * (1 - z * z) / self.widths**2).sum(axis=-1))[..., None, None]

    def _wells(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance from each well's centre in widths, and that well's depth there."""
        z = (w - self.centres) / self.widths
        return z, self.depths * np.exp(-0.5 * z * z)

    def _bottoms(self) -> np.ndarray:
        """The lowest point near each centre, by Newton's method."""
        w = self.centres[:, None]
        for _ in range(20):
            w = w - self.slope(w) / self.hessian(w)[..., 0]
        return w[:, 0]

    def __repr__(self) -> str:
        noise = f", noise={self.noise:g}" if self.noise else ""
        return f"TwoWells({self.depths[0]:g}, {self.depths[1]:g}{noise})"


def _dot(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """w (..., d) times x (d, n) or (..., d, n): (..., n), run by run, so that a run's result does
    not depend on how many others there are."""
    return (w[..., None, :] @ x)[..., 0, :]


def _numbers(owner: Loss, argument: str, value: Any, rule: Any) -> np.ndarray:
    """A number or several as a 1-D array, each checked against the rule."""
    name = type(owner).__name__
    if np.ndim(value) > 1 or np.size(value) == 0:
        raise ValueError(
            refusal(name, argument, value, "a number, or a list with one per dimension")
        )
    return np.array([checked(name, argument, v, rule, runs=False) for v in np.atleast_1d(value)])


def _short(values: np.ndarray) -> str:
    shown = [f"{v:.4g}" for v in values]
    return "[" + ", ".join(shown if len(shown) <= 4 else [*shown[:2], "…", shown[-1]]) + "]"
