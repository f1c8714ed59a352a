r"""Learning rates that follow a schedule: η(t), one formula each.

η(t) is the rate used by update number t, and the first update is t = 0. Every duration is counted
in updates; `updates(epochs, examples, batch)` converts. A schedule keeps no memory: asking for
η(3) twice, or out of order, or for the whole curve at once, changes nothing.

    eta = Warmup(0.1, 20) >> Cosine(0.1, 80)     # 20 updates of warmup, then 80 of cosine
    eta(0)                                       # the first rate, a float
    eta.values(100)                              # the whole curve, shape (100,)

A field may hold a 1-D array with one value per run: the curve then has shape (runs, 100).
In the formulas, η₀ is the field `lr0` (or `lr`), η_end is `lr_end`, and W counts warmup updates.
Every class raises TypeError or ValueError for a field that its formula cannot use.
"""

import math
from typing import Any, Literal

import numpy as np

from lrlesson.base.fields import (
    FRACTION,
    NONNEGATIVE,
    POSITIVE_COUNT,
    AscendingUpdates,
    Factor,
    Fraction,
    Growth,
    Nonnegative,
    Positive,
    Rate,
    Stretch,
    Updates,
    UpdatesOrZero,
    checked,
    checked_bool,
    refusal,
)
from lrlesson.base.schedule import Schedule, round_of

# --- Fixed -------------------------------------------------------------------------------------


class Constant(Schedule):
    r"""$\eta_0$

    The same rate at every update. T: a length in updates, where one is needed, as in
    `Constant(0.1, 50) >> Linear(0.1, 0, 50)`.
    """

    lr: Rate
    T: Updates | None = None

    @property
    def length(self) -> Any:
        return self.T

    def eta(self, t: Any) -> Any:
        return self.lr


# --- Dropped in stairs -------------------------------------------------------------------------


class StepDecay(Schedule):
    r"""$\eta_0 \cdot d^{\lfloor t/k \rfloor}$

    Every k = `every` updates the rate is multiplied by d = `drop`. That is the share that is KEPT:
    drop=0.1 keeps a tenth, drop=0.9 nine tenths. Elsewhere: StepLR (PyTorch), exponential decay
    with staircase=True (Keras, optax). Szegedy et al. 2015 take 4 % off every 8 epochs.
    """

    lr0: Rate
    drop: Factor
    every: Updates

    def eta(self, t: Any) -> Any:
        return self.lr0 * self.drop ** np.floor(t / self.every)


class ScheduledDrop(Schedule):
    r"""$\eta_0 \cdot d^{\,\#\{k\, :\, k \le t\}}, \quad k \in M$

    The rate is multiplied by d = `drop` at each update listed in M = `at`, which already uses the
    new value. Elsewhere: MultiStepLR (PyTorch), piecewise constant (Keras, optax; Keras keeps the
    old value at the boundary itself). He et al. 2016 keep a tenth twice.
    """

    lr0: Rate
    drop: Factor
    at: AscendingUpdates

    def eta(self, t: Any) -> Any:
        passed = np.searchsorted(self.at, t, side="right")
        return self.lr0 * self.drop ** passed.astype(float)


# --- Decayed smoothly --------------------------------------------------------------------------


class ExponentialDecay(Schedule):
    r"""$\eta_0 \cdot \gamma^{t/k}$

    A factor gamma for every k = `every` updates: the smooth curve through the stairs of
    StepDecay. With k updates in an epoch, gamma is the factor per epoch.
    """

    lr0: Rate
    gamma: Factor
    every: Updates = 1.0

    def eta(self, t: Any) -> Any:
        return self.lr0 * self.gamma ** (t / self.every)


class PolynomialDecay(Schedule):
    r"""$\eta_{end} + (\eta_0 - \eta_{end})\,(1 - \min(t, T)/T)^{p}$

    From lr0 down to lr_end in T updates, then flat. p = `power`: 1 is a straight line. Known as
    "poly" in image segmentation, with p = 0.9 (Chen et al. 2018).
    """

    lr0: Rate
    T: Updates
    power: Positive = 1.0
    lr_end: Rate = 0.0

    @property
    def length(self) -> Any:
        return self.T

    def eta(self, t: Any) -> Any:
        left = 1 - np.minimum(t, self.T) / self.T
        return self.lr_end + (self.lr0 - self.lr_end) * left**self.power


class InverseTimeDecay(Schedule):
    r"""$\dfrac{\eta_0}{1 + k \cdot t}$

    Σ η grows without bound and Σ η² does not, as Robbins & Monro (1951) ask. k is per update.
    """

    lr0: Rate
    k: Nonnegative

    def eta(self, t: Any) -> Any:
        return self.lr0 / (1 + self.k * t)


# --- Ramps -------------------------------------------------------------------------------------


class Warmup(Schedule):
    r"""$\eta_0 \cdot \min(1, (t+1)/W)$

    A straight ramp that reaches lr0 with its last update, W − 1. The first rate is lr0/W and not
    0, so no update is wasted; W = 0 is no warmup. Goyal et al. 2017.
    """

    lr0: Rate
    W: UpdatesOrZero

    @property
    def length(self) -> Any:
        return self.W

    def eta(self, t: Any) -> Any:
        return self.lr0 * np.minimum(1, (t + 1) / np.maximum(self.W, 1))


class Linear(Schedule):
    r"""$a + (b - a)\,\min(t, T)/T$

    A straight line from a = `start` to b = `end` in T updates, then flat. Down to 0 it is what
    Bergsma et al. 2025 recommend for language models.
    """

    start: Rate
    end: Rate
    T: Updates

    @property
    def length(self) -> Any:
        return self.T

    def eta(self, t: Any) -> Any:
        return self.start + (self.end - self.start) * (np.minimum(t, self.T) / self.T)


class Geometric(Schedule):
    r"""$a \cdot (b/a)^{\min(t, T)/T}$

    From a = `start` to b = `end` in T updates by equal factors, then flat: a straight line on a
    logarithmic axis, and the sweep of a range test, also called learning rate finder (Smith 2017,
    who swept along a straight line).
    """

    start: Positive
    end: Positive
    T: Updates

    @property
    def length(self) -> Any:
        return self.T

    def eta(self, t: Any) -> Any:
        return self.start * (self.end / self.start) ** (np.minimum(t, self.T) / self.T)


class InverseSqrt(Schedule):
    r"""$\eta_0 \cdot \min\left(\dfrac{t+1}{W}, \sqrt{\dfrac{W}{t+1}}\right)$

    A ramp to lr0 in W updates, then decay with the square root of time: the curve of
    Vaswani et al. 2017, with its peak set by hand.
    """

    lr0: Rate
    W: Updates

    def eta(self, t: Any) -> Any:
        return self.lr0 * np.minimum((t + 1) / self.W, np.sqrt(self.W / (t + 1)))


class Noam(Schedule):
    r"""$\dfrac{c}{\sqrt{D}} \cdot \min\left(\dfrac{1}{\sqrt{t+1}}, \dfrac{t+1}{W^{3/2}}\right)$

    InverseSqrt with its peak tied to the width D = `d_model` of a transformer; c = `scale`.
    Vaswani et al. 2017.
    """

    d_model: Positive
    W: Updates
    scale: Nonnegative = 1.0

    def eta(self, t: Any) -> Any:
        n = t + 1
        return self.scale / np.sqrt(self.d_model) * np.minimum(1 / np.sqrt(n), n / self.W**1.5)


# --- Cosines -----------------------------------------------------------------------------------


class Cosine(Schedule):
    r"""$\eta_{end} + \tfrac12 (\eta_0 - \eta_{end})\,(1 + \cos(\pi \min(t, T)/T))$

    Half a cosine from lr0 to lr_end in T updates, then flat (PyTorch's CosineAnnealingLR climbs
    again). lr_end may be the larger one. Loshchilov & Hutter 2017.
    """

    lr0: Rate
    T: Updates
    lr_end: Rate = 0.0

    @property
    def length(self) -> Any:
        return self.T

    def eta(self, t: Any) -> Any:
        swing = 1 + np.cos(np.pi * (np.minimum(t, self.T) / self.T))
        return self.lr_end + 0.5 * (self.lr0 - self.lr_end) * swing


class CosineRestarts(Schedule):
    r"""$\eta_{end} + \tfrac12 (\eta_0 - \eta_{end})\,(1 + \cos(\pi (t - t_n)/T_n)) \, s^n,
    \quad T_n = T_0 \cdot m^n$

    Round n = 0, 1, 2, … starts at update t_n = T_0 + … + T_{n−1} with the full rate lr0 and lasts
    T_n updates, m = `mult` times as long as the round before. Each peak is s = `shrink` times the
    last, above lr_end. Loshchilov & Hutter 2017 (SGDR), whose peaks stay; shrink is Keras' m_mul.

    shrink=1.0  $,$ for $ \, s^n,$
    """

    lr0: Rate
    T0: Updates
    mult: Stretch = 1.0
    lr_end: Rate = 0.0
    shrink: Factor = 1.0

    def eta(self, t: Any) -> Any:
        n, start = round_of(t, self.T0, self.mult)
        swing = 1 + np.cos(np.pi * ((t - start) / self.mult**n / self.T0))
        return self.lr_end + 0.5 * (self.lr0 - self.lr_end) * swing * self.shrink**n


# --- Cycles ------------------------------------------------------------------------------------


class Triangular(Schedule):
    r"""$\eta_{min} + (\eta_{max} - \eta_{min})\left(1 - \left|1 - (t/s \bmod 2)\right|\right)$

    Up from η_min = `base_lr` to η_max = `max_lr` in s = `step_size` updates and down again in as
    many, for ever: the peaks are at t = s, 3s, 5s… step_size is HALF a cycle. Smith 2017.
    """

    base_lr: Rate
    max_lr: Rate
    step_size: Updates

    def limits(self) -> Any:
        yield self.base_lr <= self.max_lr, "base_lr", f"at most max_lr = {self.max_lr}"

    def height(self, t: Any) -> Any:
        """How far up the triangle is at update t, from 0 to 1."""
        return 1 - np.abs(1 - t / self.step_size % 2)

    def eta(self, t: Any) -> Any:
        return self.base_lr + (self.max_lr - self.base_lr) * self.height(t)


class Triangular2(Triangular):
    r"""$\eta_{min} + (\eta_{max} - \eta_{min})
    \left(1 - \left|1 - (t/s \bmod 2)\right|\right) 2^{-\lfloor t/(2 \cdot s) \rfloor}$

    Triangular, and each cycle is half as high as the one before. Smith 2017.
    """

    def eta(self, t: Any) -> Any:
        cycle = np.floor(t / (2 * self.step_size))
        return self.base_lr + (self.max_lr - self.base_lr) * self.height(t) * 0.5**cycle


class ExpRange(Triangular):
    r"""$\eta_{min} + (\eta_{max} - \eta_{min})
    \left(1 - \left|1 - (t/s \bmod 2)\right|\right) \gamma^t$

    Triangular, and its height shrinks by gamma at every update. Smith 2017.
    """

    gamma: Factor

    def eta(self, t: Any) -> Any:
        return self.base_lr + (self.max_lr - self.base_lr) * self.height(t) * self.gamma**t


# --- Whole training runs -----------------------------------------------------------------------


class WarmupCosine(Schedule):
    r"""$\begin{cases} \eta_0 \min(1, (t+1)/W) & t < W \\
    \eta_{end} + \tfrac12 (\eta_0 - \eta_{end})(1 + \cos \pi \frac{\min(t, T)-W}{T-W})
    & t \ge W \end{cases}$

    `Warmup(lr0, W) >> Cosine(lr0, T - W, lr_end)`, flat after T. T counts the warmup too, as in
    optax; Keras counts it on top. He et al. 2019.
    """

    lr0: Rate
    W: UpdatesOrZero
    T: Updates
    lr_end: Rate = 0.0

    def limits(self) -> Any:
        yield self.W < self.T, "W", f"fewer updates than T = {self.T}"

    @property
    def length(self) -> Any:
        return self.T

    def eta(self, t: Any) -> Any:
        ramp = self.lr0 * np.minimum(1, (t + 1) / np.maximum(self.W, 1))
        rest = self.T - self.W
        swing = 1 + np.cos(np.pi * (np.minimum(t - self.W, rest) / rest))
        return np.where(t < self.W, ramp, self.lr_end + 0.5 * (self.lr0 - self.lr_end) * swing)


class WSD(Schedule):
    r"""$\begin{cases} \eta_0 \min(1, (t+1)/W) & t < W \\
    \eta_0 + (\eta_{end} - \eta_0) \min(1, \max(0, t-W-S)/D) & t \ge W \end{cases}$

    W = `warmup` updates up, S = `stable` updates at lr0, D = `decay` updates down (cooldown):
    `Warmup(lr0, W) >> Constant(lr0, S) >> Linear(lr0, lr_end, D)`. The end can be decided late.
    shape="sqrt" falls as 1 − √x with the share x of the decay, fast at first (Hägele et al. 2024,
    who found it better than a line); shape="exponential" by equal factors, as Geometric does, and
    needs an lr_end above 0 (Hu et al. 2024, who gave WSD its name).

    shape='sqrt'         $\sqrt{\min(1, \max(0, t-W-S)/D)}$ for $\min(1, \max(0, t-W-S)/D)$
    shape='exponential'  $(\eta_{end}/\eta_0)^{\min(1, \max(0, t-W-S)/D)}$ for $+ (\eta_{end} - \eta_0) \min(1, \max(0, t-W-S)/D)$
    """  # noqa: E501

    lr0: Rate
    warmup: UpdatesOrZero
    stable: UpdatesOrZero
    decay: Updates
    lr_end: Rate = 0.0
    shape: Literal["line", "sqrt", "exponential"] = "line"

    def limits(self) -> Any:
        if self.shape == "exponential":
            yield np.greater(self.lr0, 0), "lr0", "a rate above 0 where shape='exponential'"
            yield np.greater(self.lr_end, 0), "lr_end", "a rate above 0 where shape='exponential'"

    @property
    def length(self) -> Any:
        return self.warmup + self.stable + self.decay

    def eta(self, t: Any) -> Any:
        ramp = self.lr0 * np.minimum(1, (t + 1) / np.maximum(self.warmup, 1))
        x = np.clip(t - self.warmup - self.stable, 0, self.decay) / self.decay
        if self.shape == "exponential":
            fall = self.lr0 * (self.lr_end / self.lr0) ** x
        else:
            fall = self.lr0 + (self.lr_end - self.lr0) * (np.sqrt(x) if self.shape == "sqrt" else x)
        return np.where(t < self.warmup, ramp, fall)


class OneCycle(Schedule):
    r"""$\eta_{max}/f \;\nearrow\; \eta_{max} \;\searrow\; \eta_{max}/(f \cdot g), \quad
    \nearrow\ \text{until}\ t = r \cdot T - 1, \quad \searrow\ \text{until}\ t = T - 1$

    Up to η_max = `max_lr` along half a cosine, and down along another, in T updates; flat after.
    r = `pct_start` is the share of the way up, f = `div_factor`, g = `final_div_factor`.
    three_phase comes down as it went up, and then falls to the end. The turning points are
    PyTorch's, at p = rT − 1 (and 2p), which must be at least 1. anneal="linear" draws straight
    lines: with three_phase that is the policy of Smith & Topin 2018, while two phases of half
    cosines, the default, are fastai's and PyTorch's variant. `momentum()` is what runs the other
    way.
    """

    max_lr: Rate
    T: Updates
    pct_start: Fraction = 0.3
    div_factor: Growth = 25.0
    final_div_factor: Growth = 1e4
    three_phase: bool = False
    anneal: Literal["cosine", "linear"] = "cosine"

    def limits(self) -> Any:
        p = self.pct_start * self.T - 1
        yield p >= 1, "T", f"at least 2 / pct_start = {2 / np.maximum(self.pct_start, 1e-300)}"
        if self.three_phase:
            yield 2 * p < self.T - 1, "pct_start", "at most 0.5 where three_phase=True"

    @property
    def length(self) -> Any:
        return self.T

    def eta(self, t: Any) -> Any:
        start = self.max_lr / self.div_factor
        end = start / self.final_div_factor
        p, last = self.pct_start * self.T - 1, self.T - 1
        between = _half_cosine if self.anneal == "cosine" else _line
        up = between(start, self.max_lr, t / p)
        if not self.three_phase:
            return np.where(t <= p, up, between(self.max_lr, end, (t - p) / (last - p)))
        down = between(self.max_lr, start, (t - p) / p)
        out = between(start, end, (t - 2 * p) / (last - 2 * p))
        return np.where(t <= p, up, np.where(t <= 2 * p, down, out))

    def momentum(self, high: float = 0.95, low: float = 0.85) -> Schedule:
        """The momentum β(t) that goes down while the rate goes up, and up again with its fall.

        From high to low and back, and then high while a third phase lasts; a Schedule like any
        other, whose values are momenta. Smith & Topin 2018. Raises TypeError or ValueError where
        high or low is not from 0 up to, but not including, 1.
        """
        high = checked("OneCycle.momentum", "high", high, FRACTION, runs=False)
        low = checked("OneCycle.momentum", "low", low, FRACTION, runs=False)
        p = self.pct_start * self.T - 1
        back = p if self.three_phase else self.T - 1 - p
        if self.anneal == "linear":
            return Linear(high, low, p) >> Linear(low, high, back)
        return Cosine(high, p, low) >> Cosine(low, back, high)


def _line(a: Any, b: Any, share: Any) -> Any:
    """From a to b along a straight line, as `share` goes from 0 to 1."""
    return a + (b - a) * np.clip(share, 0, 1)


def _half_cosine(a: Any, b: Any, share: Any) -> Any:
    """From a to b along half a cosine, as `share` goes from 0 to 1."""
    return b + 0.5 * (a - b) * (1 + np.cos(np.pi * np.clip(share, 0, 1)))


# --- Epochs and updates ------------------------------------------------------------------------


def updates(epochs: float, examples: int, batch: int, drop_last: bool = True) -> float:
    """How many updates `epochs` passes over `examples` training examples make.

    drop_last: a last batch that is not full makes no update, as in `train`. Whole epochs give a
    whole number, so the result can be a duration of any schedule. Raises ValueError or TypeError
    where a number is negative, not finite, or batch is larger than examples while drop_last.
    """
    epochs = checked("updates", "epochs", epochs, NONNEGATIVE, runs=False)
    return epochs * _per_epoch("updates", examples, batch, drop_last)


def epochs(updates: float, examples: int, batch: int, drop_last: bool = True) -> float:
    """How many passes over the data `updates` updates are: the inverse of `updates`."""
    updates = checked("epochs", "updates", updates, NONNEGATIVE, runs=False)
    return updates / _per_epoch("epochs", examples, batch, drop_last)


def _per_epoch(owner: str, examples: int, batch: int, drop_last: bool) -> int:
    examples = checked(owner, "examples", examples, POSITIVE_COUNT, runs=False)
    batch = checked(owner, "batch", batch, POSITIVE_COUNT, runs=False)
    checked_bool(owner, "drop_last", drop_last)
    if drop_last and batch > examples:
        raise ValueError(refusal(owner, "batch", batch, f"at most examples = {examples}"))
    return examples // batch if drop_last else math.ceil(examples / batch)
