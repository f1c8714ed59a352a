"""Rates that listen: to the loss, to the gradient, or to how training has gone so far.

A schedule knows one thing, the number t of the update. A controller is asked by the training loop
before each update, and is told how it went:

    rate(t, loss, grad, w, evaluate)   the rate of update t, one number per run
    observe(metric)                    after each epoch in `train`, each update in `descend`

What a controller has seen is not contained in t, so two of the three have a memory. It stands in
`state`, apart from the settings, which never change. `train` and `descend` work with a `fresh()`
copy, so that a controller gives the same run each time it is used.

loss: of each run, shape (runs,). grad, w: gradients and weights (runs, P). evaluate(w): the loss
of each run at other weights, on the same batch. A single run may leave the runs axis out. Every
class raises TypeError or ValueError for a field out of range.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from lrlesson.base.fields import (
    Count,
    Factor,
    Fraction,
    Frozen,
    Positive,
    Rate,
    Real,
    Stretch,
    UpTo,
    refusal,
)
from lrlesson.base.shown import symbols_of


class Controller(Frozen):
    """Settings that never change, and a state that does. A setting may be an array (runs,)."""

    _one_per_run = True
    state: ClassVar[Any] = None  # each object gets its own, as it does runs
    runs: ClassVar[int | None] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        symbols_of(cls)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "state", SimpleNamespace(**self.memory()))
        sizes = {np.size(v) for v in self._settings().values() if np.ndim(v)}
        if len(sizes) > 1:
            name = type(self).__name__
            raise ValueError(f"{name}: fields of {sorted(sizes)} runs do not fit together")
        object.__setattr__(self, "runs", sizes.pop() if sizes else None)

    def memory(self) -> dict[str, Any]:
        """What is remembered, as it is before the first update; nothing by default."""
        return {}

    def rate(self, t: int, loss: Any, grad: Any, w: Any, evaluate: Callable) -> Any:
        """The rate of update t: as many numbers as there are losses."""
        name = type(self).__name__
        raise TypeError(f"{name} has no rate: a Controller must define rate(self, t, …)")

    def observe(self, metric: Any) -> None:
        """Take note of how training goes; by default nothing is noted."""

    def fresh(self) -> "Controller":
        """The same settings with nothing remembered."""
        return type(self)(**self._settings())

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._kinds}


class ReduceOnPlateau(Controller):
    r"""$\eta \leftarrow \max(f \cdot \eta,\ \eta_{min})$

    The rate times f = `factor` when the metric has stopped falling; never below η_min = `min_lr`.
    The metric counts as better when it is below (1 − threshold) times the best one so far. After
    more than `patience` observations in a row that are not better, the rate is cut; then
    `cooldown` observations pass uncounted. A metric of NaN is not better. As ReduceLROnPlateau in
    PyTorch (mode="min", eps=0); Keras and optax count the cut itself into the patience, so that
    their patience is one larger. Krizhevsky et al. 2012 did it by hand.
    """

    lr0: Rate
    factor: Factor = 0.1
    patience: Count = 10
    threshold: Fraction = 1e-4
    cooldown: Count = 0
    min_lr: Rate = 0.0

    def limits(self) -> Any:
        yield self.min_lr <= self.lr0, "min_lr", f"at most lr0 = {self.lr0}"

    def memory(self) -> dict[str, Any]:
        return {"lr": self.lr0, "best": np.inf, "bad": 0, "resting": 0}

    def rate(self, t: int, loss: Any, grad: Any, w: Any, evaluate: Callable) -> Any:
        return self.state.lr + np.zeros(np.shape(loss))

    def observe(self, metric: Any) -> None:
        """metric: the number to be lowered, one per run, such as the validation loss."""
        s, metric = self.state, _numbers(type(self).__name__, "metric", metric)
        better = metric < s.best * (1 - self.threshold)
        s.best = np.where(better, metric, s.best)
        s.bad = np.where(better | (s.resting > 0), 0, s.bad + 1)
        s.resting = np.maximum(s.resting - 1, 0)
        cut = s.bad > self.patience
        s.lr = np.where(cut, np.maximum(s.lr * self.factor, self.min_lr), s.lr)
        s.bad = np.where(cut, 0, s.bad)
        s.resting = np.where(cut, self.cooldown, s.resting)


class Armijo(Controller):
    r"""$\eta = \eta_1 \cdot s^k \text{ with the first } k = 0, 1, 2 \dots
    \text{ where } L(w - \eta g) \le L(w) - c \cdot \eta \, \|g\|^2$

    The first rate that lowers the loss L enough. It tries η₁ = `lr0`, and at later updates `grow`
    times the rate used last, and multiplies by s = `shrink` until the loss is low enough. Each try
    costs one evaluation of the loss. The search is along the gradient, so it belongs with SGD().
    The rate is 0 where the gradient is 0, where loss or gradient is no longer finite, and where no
    rate lowers the loss. Armijo 1966; for batches Vaswani et al. 2019.
    """

    lr0: Positive = 1.0
    c: Fraction = 1e-4
    shrink: Fraction = 0.5
    grow: Stretch = 2.0

    def limits(self) -> Any:
        yield np.greater(self.shrink, 0), "shrink", "a factor between 0 and 1"

    def memory(self) -> dict[str, Any]:
        return {"lr": None}

    def rate(self, t: int, loss: Any, grad: Any, w: Any, evaluate: Callable) -> Any:
        loss, grad, w = np.asarray(loss), np.asarray(grad), np.asarray(w)
        slope = (grad.astype(float) ** 2).sum(axis=-1)
        able = np.isfinite(loss) & np.isfinite(slope) & (slope > 0)
        first = self.lr0 if self.state.lr is None else self.state.lr * self.grow
        lr = np.minimum(first, 1e300) + np.zeros(loss.shape)  # halves of inf would be inf for ever
        smallest, done = 1e-30 * lr, ~able
        while not done.all():
            tried = w - lr[..., None].astype(w.dtype) * grad
            enough = loss - (self.c * lr * slope).astype(loss.dtype)
            done = done | (evaluate(tried) <= enough) | (lr < smallest)
            lr = np.where(done, lr, lr * self.shrink)
        found = able & (lr >= smallest)
        self.state.lr = np.where(found, lr, first / self.grow)  # nothing found, nothing learnt
        return np.where(found, lr, 0.0)


class Polyak(Controller):
    r"""$\eta = \min\left(\dfrac{L(w) - L^\ast}{c \cdot \|g\|^2},\ \eta_{max}\right)$

    The step that would reach the lowest loss L* = `f_star` at once if the slope stayed, and at
    most η_max = `max_lr`. One must know f_star; where it is set too low the steps are too long and
    training stalls. No memory: the rate is 0 at or below f_star, where the gradient is 0, and where
    loss or gradient is no longer finite. Polyak 1969; Loizou et al. 2021.
    """

    f_star: Real = 0.0
    max_lr: UpTo = np.inf
    c: Positive = 1.0

    def rate(self, t: int, loss: Any, grad: Any, w: Any, evaluate: Callable) -> Any:
        gap = np.maximum(np.asarray(loss, dtype=float) - self.f_star, 0)
        slope = self.c * (np.asarray(grad, dtype=float) ** 2).sum(axis=-1)
        moves = np.isfinite(gap) & np.isfinite(slope) & (slope > 0)
        return np.where(moves, np.minimum(gap / np.where(moves, slope, 1), self.max_lr), 0.0)


def _numbers(owner: str, argument: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.ndim > 1:
        raise TypeError(refusal(owner, argument, value, "a number, or one per run"))
    return array.astype(float)
