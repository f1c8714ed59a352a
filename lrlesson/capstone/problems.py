"""What a strategy is given: a problem that counts the gradients that it hands out."""

from math import isfinite, nan
from typing import Any

import numpy as np

from lrlesson.base.fields import refusal
from lrlesson.capstone.tasks import Instance


class BudgetSpent(Exception):
    """Raised by a problem that is asked for more gradients than its budget holds."""


class _Problem:
    """One run: an instance of a task, and how much of the budget is left."""

    def __init__(self, instance: Instance) -> None:
        self._instance, self.budget, self._spent = instance, instance.task.budget, 0

    @property
    def left(self) -> int:
        """How much of the budget is left."""
        return self.budget - self._spent

    def _pay(self) -> None:
        if self._spent >= self.budget:
            raise BudgetSpent(f"the budget of {self.budget} is spent")
        self._spent += 1


class SGDProblem(_Problem):
    """Track "sgd": the weights stay inside; a strategy chooses rates and sees losses."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance)
        self._w = instance.start

    def step(self, lr: float) -> float:
        """Make one SGD update with the rate lr; return the batch loss before it. Costs 1."""
        rate = a_rate(lr)
        self._pay()
        with np.errstate(all="ignore"):
            loss, gradient = self._instance.gradient(self._w)
            self._w = self._w - np.float32(rate) * gradient
        return finite(loss)

    def reset(self) -> None:
        """Go back to the initial weights. Costs nothing; what was spent stays spent."""
        self._w = self._instance.start

    def val_loss(self) -> float:
        """The loss of the present weights on the validation examples. Costs 1."""
        self._pay()
        with np.errstate(all="ignore"):
            return float(self._instance.loss(self._w, "val"))

    def _end(self, _answer: object = None) -> np.ndarray:
        return self._w


class OpenProblem(_Problem):
    """Track "open": a strategy is given gradients, and returns the weights that it ends with."""

    def init(self) -> np.ndarray:
        """The initial weights, shape (P,), float32."""
        return self._instance.start.copy()

    def grad(self, w: Any) -> tuple[float, np.ndarray]:
        """Loss and gradient at w, shape (P,), of the next batch. Costs 1."""
        at = self._point("grad", w)
        self._pay()
        with np.errstate(all="ignore"):
            loss, gradient = self._instance.gradient(at)
        return finite(loss), gradient

    def val_loss(self, w: Any) -> float:
        """The loss at w on the validation examples. Costs nothing."""
        with np.errstate(all="ignore"):
            return float(self._instance.loss(self._point("val_loss", w), "val"))

    def _end(self, answer: object) -> np.ndarray:
        return self._point("strategy's answer", answer)

    def _point(self, method: str, w: Any) -> np.ndarray:
        return a_point(method, w, self._instance.start.size)


def a_rate(lr: Any) -> float:
    """A rate as float; TypeError or ValueError where it is none."""
    if isinstance(lr, (bool, str, bytes)):
        raise TypeError(refusal("step", "lr", lr, "a number"))
    try:
        rate = float(lr)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(refusal("step", "lr", lr, "a number")) from None
    if not isfinite(rate) or rate < 0:
        raise ValueError(refusal("step", "lr", lr, "a finite number from 0"))
    return rate


def a_point(method: str, w: Any, size: int) -> np.ndarray:
    """Weights as a float32 array (size,); TypeError or ValueError where they are none."""
    try:
        with np.errstate(all="ignore"):
            at = np.asarray(w, dtype=np.float32)
    except (TypeError, ValueError):
        at = np.empty(0, dtype=np.float32)
    if at.shape != (size,):
        given = type(w).__name__ if not isinstance(w, np.ndarray) else f"shape {w.shape}"
        raise ValueError(f"{method}: w is {given}, expected an array of shape ({size},)")
    return at


def finite(loss: float) -> float:
    """A loss, nan for any that is not a finite number."""
    return loss if isfinite(loss) else nan


PROBLEMS: dict[str, type[SGDProblem] | type[OpenProblem]] = {"sgd": SGDProblem, "open": OpenProblem}
