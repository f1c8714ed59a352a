"""The losses that a range test is tried on, and the cases made of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Unfit, calling

suggest = calling("suggest_lr")


@dataclass
class Bowl:
    """½λ|w|², as (loss, gradient); `label` says so."""

    curvature: float

    @property
    def label(self) -> str:
        return f"loss_grad(w) = ({self.curvature / 2:g}·w·w, {self.curvature:g}·w)"

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        return float(self.curvature / 2 * w @ w), self.curvature * w


@dataclass
class Script:
    """Gives these losses one after another, and a gradient of zero."""

    losses: list[float]
    asked: int = field(default=0)

    @property
    def label(self) -> str:
        return f"a loss_grad that gives the losses {', '.join(f'{x:g}' for x in self.losses)}"

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        loss = self.losses[min(self.asked, len(self.losses) - 1)]
        self.asked += 1
        return loss, np.zeros_like(w)


def test_of(make: Callable[[], Any], lo: float, hi: float, n: int, what: str) -> Case:
    """A range test from w0 = [1, 2], and the rates or the losses of it."""
    which = ("rates", "losses").index(what)

    def run(lr_range_test: Any, _suggest_lr: Any) -> np.ndarray:
        found = lr_range_test(make(), np.array([1.0, 2.0]), lo, hi, n)
        if not isinstance(found, (tuple, list, np.ndarray)) or len(found) != 2:
            raise Unfit(found)
        return found[which]

    start = f"lr_range_test(loss_grad, np.array([1.0, 2.0]), {lo}, {hi}, {n})"
    return Case(f"{start} with {make().label}: the {what}", run)


def start_afterwards(lr_range_test: Any, _suggest_lr: Any) -> np.ndarray:
    """The start that was handed to a range test, looked at when it is over."""
    w0 = np.array([1.0, 2.0])
    lr_range_test(Bowl(1.0), w0, 0.01, 0.1, 3)
    return w0


def suggestion(lrs: np.ndarray, losses: np.ndarray) -> Case:
    """The rate read off a range test."""
    case = suggest(lrs, losses)
    return Case(case.text, lambda _lr_range_test, suggest_lr: case.run(suggest_lr))
