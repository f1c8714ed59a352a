"""What happened in training: losses, rates and weights of each run, and what is read off them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from lrlesson.base.fields import POSITIVE, checked, floats, refusal


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """What happened in each run. Every array leads with the runs axis.

    losses: before each update (runs, updates): of the whole loss in `descend`, which adds the
    loss after the last update, and of the batch in `train`. rates: η of each update.
    final: the weights at the end (runs, P). weights: the path (runs, kept, P) where asked for.

    From `train`, measured on whole data sets after `evaluated` updates: train_loss,
    train_accuracy, and the same for val and test where the data have them, each
    (runs, len(evaluated)). per_epoch: updates in an epoch.
    """

    losses: np.ndarray
    rates: np.ndarray
    final: np.ndarray
    zero_loss: float
    lowest: float = 0.0
    weights: np.ndarray | None = None
    per_epoch: int | None = None
    evaluated: np.ndarray | None = None
    train_loss: np.ndarray | None = None
    train_accuracy: np.ndarray | None = None
    val_loss: np.ndarray | None = None
    val_accuracy: np.ndarray | None = None
    test_loss: np.ndarray | None = None
    test_accuracy: np.ndarray | None = None
    grid: tuple[int, int] | None = None

    @classmethod
    def of(cls, losses: Any, rates: Any = None, **fields: Any) -> Self:
        """A history of what any training loop has kept in lists.

        losses: the loss of each update, (updates,), or (runs, updates) of several runs. rates: the
        rate of each, one number for all, or None where it is not known. fields: any others.
        """
        losses = np.atleast_2d(floats("History.of", "losses", losses))
        if losses.ndim > 2 or not losses.size:
            expected = "one loss per update, (updates,) or (runs, updates)"
            raise ValueError(refusal("History.of", "losses", losses, expected))
        rates = np.nan if rates is None else floats("History.of", "rates", rates)
        try:
            rates = np.broadcast_to(rates, losses.shape)
        except ValueError:
            expected = f"one number, or one per loss, {losses.shape}"
            raise ValueError(refusal("History.of", "rates", rates, expected)) from None
        known: dict[str, Any] = {"final": np.empty((len(losses), 0)), "zero_loss": -np.inf}
        return cls(losses=losses, rates=rates, **known | fields)

    @property
    def runs(self) -> int:
        return self.losses.shape[0]

    @property
    def updates(self) -> int:
        return self.rates.shape[1]

    @cached_property
    def diverged(self) -> np.ndarray:
        """Which runs diverged (runs,): a loss or weight became non-finite, or the mean of the last
        tenth of the losses exceeds 10 × the first loss and 10 × the loss of the zero model.

        Losses that can be negative are measured from their lowest value.
        """
        finite = np.isfinite(self.losses).all(axis=1) & np.isfinite(self.final).all(axis=1)
        tail = self.losses[:, -max(1, self.losses.shape[1] // 10) :]
        start = np.maximum(self.losses[:, 0], self.zero_loss)
        with np.errstate(all="ignore"):
            low = tail.mean(axis=1) - self.lowest <= 10 * (start - self.lowest)
        return np.logical_not(finite & low)

    @cached_property
    def spiked(self) -> np.ndarray:
        """Which runs had any loss above 10 × their first one (runs,), or one that is not finite."""
        with np.errstate(all="ignore"):
            calm = self.losses - self.lowest <= 10 * (self.losses[:, :1] - self.lowest)
        return np.logical_not(calm.all(axis=1))

    def steps_to(self, target: float) -> np.ndarray:
        """How many updates each run needed for a loss of at most target: (runs,), NaN if never."""
        reached = self.losses <= target
        return np.where(reached.any(axis=1), reached.argmax(axis=1), np.nan)

    def per_rate(self, values: np.ndarray) -> np.ndarray:
        """Values (runs, …) of a `sweep` over several seeds, as (rates, seeds, …)."""
        if self.grid is None:
            raise ValueError("per_rate: this history is not from a sweep")
        return values.reshape(*self.grid, *values.shape[1:])

    def __repr__(self) -> str:
        runs = f"{self.runs} run" + "s" * (self.runs != 1)
        last = self.losses[:, -1] if self.train_loss is None else self.train_loss[:, -1]
        well = last[~self.diverged]
        if not well.size:
            ended = "all diverged"
        else:
            low, high = f"{well.min():.2g}", f"{well.max():.2g}"
            ended = f"loss at the end {low}" + (f" to {high}" if high != low else "")
            if self.diverged.any():
                ended += f", {self.diverged.sum()} diverged"
        return f"<History: {runs} of {self.updates} updates; {ended}>"


class RangeTest(History):
    """A range test: one run (or several) whose rate has grown from one update to the next.

    The losses are batch losses, so they are smoothed before anything is read off them.
    """

    SMOOTHING = 0.9  # the share of the past that each update keeps
    ENOUGH = 4.0  # the test ends where the smoothed loss exceeds its best so far this many times

    @classmethod
    def calm(cls, smoothed: Any, best: Any) -> Any:
        """Whether a smoothed loss is still near the best one, which may be negative."""
        return smoothed <= best + (cls.ENOUGH - 1) * np.abs(best)

    @property
    def lr(self) -> np.ndarray:
        """The rate of each update, shape (updates,)."""
        return self.rates[0]

    @cached_property
    def smoothed(self) -> np.ndarray:
        """A fading mean of the losses, (runs, updates); NaN after the test has ended."""
        smoothed = np.full(self.losses.shape, np.nan)
        mean, best = np.zeros(self.runs), np.full(self.runs, np.inf)
        with np.errstate(all="ignore"):
            for t in range(self.updates):
                mean = self.SMOOTHING * mean + (1 - self.SMOOTHING) * self.losses[:, t]
                now = mean / (1 - self.SMOOTHING ** (t + 1))  # mean has started from 0
                best = np.minimum(best, now)
                smoothed[:, t] = np.where(self.calm(now, best), now, np.nan)
        ended = np.logical_or.accumulate(np.isnan(smoothed), axis=1)
        return np.where(ended, np.nan, smoothed)

    @property
    def at_minimum(self) -> np.ndarray:
        """The rate at the smallest smoothed loss (runs,). Training at it fails often."""
        return self.lr[np.nanargmin(self.smoothed, axis=1)]

    def suggest(self, divide_by: float = 10.0) -> np.ndarray:
        """A usable rate for each run (runs,): that at the minimum, divided. 10 is safe; for SGD
        without momentum, not for Adam, 3 is nearer to the best (8 settings on 12 seeds, lesson 10).
        """
        return self.at_minimum / checked("suggest", "divide_by", divide_by, POSITIVE, runs=False)

    def __repr__(self) -> str:
        low, high = (f"{rate:.2g}" for rate in (self.at_minimum.min(), self.at_minimum.max()))
        lowest = low if low == high else f"{low} to {high}"
        return f"<RangeTest: {self.updates} updates; the loss was lowest at the rate {lowest}>"
