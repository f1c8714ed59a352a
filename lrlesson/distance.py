"""Rules that estimate their own rate from how far they have come. They are run at lr = 1.

A learning rate has a unit: for SGD that of weight²/loss, for Adam that of a weight. The only
length that a run knows is its distance from the start; these rules take it for the unit. A
schedule still multiplies what they find, and mostly should: no rate to tune is not no schedule.
"""

from typing import Any, ClassVar

import numpy as np

from lrlesson.base.fields import Fraction, Positive
from lrlesson.base.optimizer import Optimizer


class FromStart(Optimizer):
    """A rule that remembers where it began: before each update, state.away is w₀ − w."""

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        self._refuse_shape(w)
        return {"start": w.copy(), "away": np.zeros_like(w)}

    def move(self, w: np.ndarray, gradient: np.ndarray, lr: Any, state: Any) -> np.ndarray:
        state.away = state.start - w
        return super().move(w, gradient, lr, state)


class DoG(FromStart):
    """$r ← max(r, ‖w − w_0‖); s ← s + ‖g‖²; w ← w − η·r/√s·g$

    Distance over gradients: r is the largest distance from w_0 = the start, and at least r0; s is
    the sum of all squared gradient lengths, one for each run. gain = r/√s, `state.d` is r, shape
    (runs, 1). weighted counts each gradient by r², so that the early ones, taken close to the
    start, weigh little. Ivgi et al. 2023; weighted: Khaled et al. 2023.

    weighted  $s + r²·‖g‖²$ for $s + ‖g‖²$, $r²/√s$ for $r/√s$
    """

    r0: Positive = 1e-4
    weighted: bool = False
    decayed_at: ClassVar[str] = r"\eta \cdot \text{gain}"

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        one = np.ones((*w.shape[:-1], 1))
        return super().buffers(w) | {"d": self.r0 * one, "s": 0 * one}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        # remember
        state.d = np.maximum(state.d, _length(state.away))
        weight = state.d if self.weighted else 1.0
        state.s = state.s + (weight * _length(gradient)) ** 2
        # scale; s is 0 only while every gradient was
        gain = weight * state.d / np.sqrt(np.where(state.s > 0, state.s, 1))
        return gradient, gain.astype(gradient.dtype)

    def decay_rate(self, state: Any) -> Any:
        return state.lr * state.gain


class DoWG(DoG):
    """$r ← max(r, ‖w − w_0‖); s ← s + r²·‖g‖²; w ← w − η·r²/√s·g$

    DoG whose sum of gradients is weighted by the distance from w_0 = the start. Khaled et al. 2023.
    """

    weighted: bool = True


class Prodigy(FromStart):
    """$c = √(1 − β₂ᵗ⁺¹)/(1 − β₁ᵗ⁺¹); h = η·d·c; b = √(β₂); a ← b·a + d/d_0·h·Σ(g·(w_0 − w));
    s ← b·s + d/d_0·h·g; m ← β₁·m + (1 − β₁)·d·g; v ← β₂·v + (1 − β₂)·d²·g²;
    w ← w − h·1/(√v + d·ε)·m; d ← max(d, a/Σ|s|)$

    Adam at the rate d, an estimate of the distance to the solution: a lower bound of it that uses
    the gradients' slope towards w_0 = the start. d begins at d0, far too small, and never falls;
    `state.d` (runs, 1) is worth a plot. bias_correction=False leaves c out, as the authors' code
    does unless asked. Mishchenko & Defazio 2024.

    bias_correction=False  $c = 1$ for $c = √(1 − β₂ᵗ⁺¹)/(1 − β₁ᵗ⁺¹)$
    """

    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: Positive = 1e-8
    d0: Positive = 1e-6
    bias_correction: bool = True
    decayed_at: ClassVar[str] = "h"

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        one = np.ones((*w.shape[:-1], 1))
        zeros = {name: np.zeros_like(w) for name in ("m", "v", "s")}
        return super().buffers(w) | zeros | {"d": self.d0 * one, "a": 0 * one, "h": 0 * one}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        n, kept = state.t + 1, self.beta2**0.5
        correction = (1 - self.beta2**n) ** 0.5 / (1 - self.beta1**n)
        d = state.d
        h = state.h = state.lr * d * (correction if self.bias_correction else 1.0)
        small = d.astype(gradient.dtype)
        # remember
        towards = (gradient * state.away).sum(axis=-1, keepdims=True, dtype=float)
        state.a = kept * state.a + d / self.d0 * h * towards
        state.s = kept * state.s + (d / self.d0 * h).astype(gradient.dtype) * gradient
        state.m = self.beta1 * state.m + (1 - self.beta1) * small * gradient
        state.v = self.beta2 * state.v + (1 - self.beta2) * (small * gradient) ** 2
        # estimate; before any gradient the sum is 0
        size = np.abs(state.s).sum(axis=-1, keepdims=True, dtype=float)
        state.d = np.maximum(d, state.a / np.where(size > 0, size, np.inf))
        # scale
        gain = small * small / (np.sqrt(state.v) + small * self.eps)
        gain = gain * (correction if self.bias_correction else 1.0)
        return state.m / small, gain.astype(gradient.dtype)

    def decay_rate(self, state: Any) -> Any:
        return state.h.astype(state.m.dtype)


def _length(v: np.ndarray) -> np.ndarray:
    """The length of each run's row, in float64, shape (runs, 1)."""
    return np.linalg.norm(v.astype(float), axis=-1, keepdims=True)
