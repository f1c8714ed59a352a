"""A range test for a training step of any framework: PyTorch, Keras, JAX, or plain NumPy."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from lrlesson.base.fields import POSITIVE, POSITIVE_COUNT, checked, refusal
from lrlesson.history import RangeTest
from lrlesson.schedules import Geometric


def range_test_step(
    step: Callable[[float], Any],
    lo: float = 1e-6,
    hi: float = 10.0,
    updates: int = 100,
    *,
    save: Callable[[], Any],
    load: Callable[[Any], Any],
) -> RangeTest:
    """Raise the rate from lo to hi, each time by the same factor, until the loss breaks out.

    step(lr): makes one update of your own at this rate and returns the loss before it, as a number
    or as a tensor of one element, on any device. save(): returns the state of everything that the
    step changes, weights and optimizer above all; it is copied. load(state): puts it back, which
    happens in any case, also where the step raises an exception.

    The result is that of `range_test`: `suggest()` gives a rate to train with. It ends early, with
    fewer than `updates`, where the loss is no longer finite or four times its best. Smith 2017.
    """
    owner = "range_test_step"
    lo = checked(owner, "lo", lo, POSITIVE, runs=False)
    hi = checked(owner, "hi", hi, POSITIVE, runs=False)
    updates = checked(owner, "updates", updates, POSITIVE_COUNT, runs=False)
    if not lo < hi:
        raise ValueError(refusal(owner, "hi", hi, f"more than lo = {lo:g}"))
    for name, function in (("step", step), ("save", save), ("load", load)):
        if not callable(function):
            raise TypeError(refusal(owner, name, function, "a function"))

    rates = Geometric(lo, hi, max(updates - 1, 1))
    losses: list[float] = []
    before = copy.deepcopy(save())  # torch's state_dict() holds the weights themselves
    try:
        mean, best = 0.0, np.inf
        for t in range(updates):
            loss = _number(step(float(rates(t))))
            if t == 0 and not np.isfinite(loss):
                expected = "a finite loss at the lowest rate"
                raise ValueError(refusal(owner, f"step({lo:g})", loss, expected))
            losses.append(loss)
            mean = RangeTest.SMOOTHING * mean + (1 - RangeTest.SMOOTHING) * loss
            smoothed = mean / (1 - RangeTest.SMOOTHING ** (t + 1))
            best = min(best, smoothed)
            if not RangeTest.calm(smoothed, best):
                break
    finally:
        load(before)
    return RangeTest.of(losses, rates(np.arange(len(losses))))


def _number(loss: Any) -> float:
    """The loss as a float, wherever it is; a TypeError where it is none."""
    expected = "the loss, as one number"
    if loss is None:
        raise TypeError(refusal("range_test_step", "step(lr)", loss, f"{expected}: return it"))
    if hasattr(loss, "detach"):
        loss = loss.detach()
    try:
        found = loss.item() if hasattr(loss, "item") else loss
        if isinstance(found, bool | str | bytes | complex):
            raise TypeError
        return float(found)
    except (TypeError, ValueError, RuntimeError):
        kind = f"{type(loss).__name__}"
        raise TypeError(refusal("range_test_step", "step(lr)", kind, expected)) from None
