"""Rules around a rule: they change what it is given, the rate it acts at, or what it returns.

    Clipped(Adam(), limit=1.0)          # shortens gradients that are too long
    LayerRates(SGD(), net, (0.1, 1))    # a rate for each layer
    Averaged(SGD(), beta=0.99)          # evaluates an average of the weights
    Stored(Adam(), "bfloat16")          # keeps the weights in few bits
    BadBatch(Adam(), at=210)            # one gradient that is far too large, for an experiment

A wrapper is an optimizer like any other, and its base may be a wrapper, too. It has no weight
decay of its own: set it on the base rule. Every class raises TypeError or ValueError for a field
out of range. In a formula, the lines of the base rule stand where they happen.
"""

from typing import Any, ClassVar, Literal

import numpy as np

from lrlesson.base.fields import Count, Fraction, Nonnegative, Positive, Real, floats, refusal
from lrlesson.base.optimizer import Wrapper
from lrlesson.network import MLP


class Clipped(Wrapper):
    """$k = min(1, c/‖g‖); g ← k·g$

    A gradient longer than c = `limit` is shortened to that length, one for each run, and keeps its
    direction: the rate falls while the gradient is long. by="value" limits every entry by itself
    and turns the gradient. Weight decay of the base comes after clipping, as in PyTorch. After an
    update `state.clipped` says which runs were clipped, shape (runs, 1). Pascanu, Mikolov,
    Bengio 2013.

    by='value'  $g ← min(c, max(−c, g))$ for $k = min(1, c/‖g‖); g ← k·g$
    """

    limit: Positive = 1.0
    by: Literal["norm", "value"] = "norm"

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        self._refuse_shape(w)
        return super().buffers(w) | {"clipped": np.zeros((*w.shape[:-1], 1), dtype=bool)}

    def move(self, w: np.ndarray, gradient: np.ndarray, lr: Any, state: Any) -> np.ndarray:
        if self.by == "value":
            state.clipped = (np.abs(gradient) > self.limit).any(axis=-1, keepdims=True)
            gradient = np.clip(gradient, -self.limit, self.limit)
        else:
            length = np.linalg.norm(gradient, axis=-1, keepdims=True)
            state.clipped = length > self.limit
            gradient = gradient * (self.limit / np.maximum(length, self.limit))
        return super().move(w, gradient, lr, state)


class LayerRates(Wrapper):
    """$η ← f·η$

    The rate of each layer, weights and biases, times f = its own one of `factors`, which follow the
    layers of `network` from the inputs to the outputs. 0 freezes a layer. Weight decay of the base
    acts at the layer's rate, as in PyTorch's parameter groups. Rates that fall towards the input:
    Howard & Ruder 2018.
    """

    network: MLP
    factors: tuple[Nonnegative, ...]

    def limits(self) -> Any:
        yield from super().limits()
        layers = len(self.network.sizes) - 1
        yield len(self.factors) == layers, "factors", f"{layers} numbers, one for each layer"

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        self._refuse_shape(w, self.network.P)
        each = np.empty(self.network.P, w.dtype)
        for factor, (weights, biases) in zip(self.factors, self.network.layers(each), strict=True):
            weights[...] = factor
            if biases is not None:
                biases[...] = factor
        return super().buffers(w) | {"factor": each}

    def move(self, w: np.ndarray, gradient: np.ndarray, lr: Any, state: Any) -> np.ndarray:
        w = super().move(w, gradient, lr * state.factor, state)
        state.lr, state.gain = lr, state.factor * state.gain
        return w


class Averaged(Wrapper):
    """$b = 0 if t ≤ t_0, else β; a ← b·a + (1 − b)·w$

    Trains as the base rule does and evaluates an average a of its weights: `weights(w, state)`. It
    fades by β = `beta` per update (exponential moving average, EMA); beta=None weighs all weights
    alike, from update t_0 = `since` on (stochastic weight averaging: Izmailov et al. 2018). The
    average begins with the weights after that update and not with 0, so nothing has to be
    corrected. Polyak & Juditsky 1992.

    beta=None  $1 − 1/(t + 1 − t_0)$ for $β$
    """

    beta: Fraction | None = 0.99
    since: Count = 0
    before: ClassVar[bool] = False

    def limits(self) -> Any:
        yield from super().limits()
        yield not isinstance(self.base, Averaged), "base", "a rule that does not average"

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        return super().buffers(w) | {"average": w.copy()}

    def move(self, w: np.ndarray, gradient: np.ndarray, lr: Any, state: Any) -> np.ndarray:
        w = super().move(w, gradient, lr, state)
        n = max(1, state.t - self.since)  # weights in the average, these included
        kept = 0.0 if n == 1 else 1 - 1 / n if self.beta is None else self.beta
        now = self.base.weights(w, state.base)
        state.average = kept * state.average + (1 - kept) * now
        return w

    def weights(self, w: np.ndarray, state: Any) -> np.ndarray:
        return state.average


class Stored(Wrapper):
    r"""$w \leftarrow \operatorname{round}(w)$

    Keeps the weights in few bits: after each update they are rounded to numbers that exist in
    "bfloat16" (8 significant bits) or "float16" (11), and an update below half a unit in the last
    place does not happen. "stochastic" rounds to bfloat16 up or down by chance, so that it is
    right on average (Gupta et al. 2015). The array keeps its own type. seed: for "stochastic",
    the same chances for each run. Micikevicius et al. 2018 keep a copy in float32 instead.
    """

    how: Literal["bfloat16", "float16", "stochastic"] = "bfloat16"
    seed: Count = 0
    before: ClassVar[bool] = False

    def move(self, w: np.ndarray, gradient: np.ndarray, lr: Any, state: Any) -> np.ndarray:
        t = state.t
        w = super().move(w, gradient, lr, state)
        if self.how == "float16":
            return w.astype(np.float16).astype(w.dtype)
        chance = np.random.default_rng((self.seed, t)) if self.how == "stochastic" else None
        return bfloat16(w, chance)


class BadBatch(Wrapper):
    """$g ← f·g if t = M, else g$

    The gradient of update M = `at` comes f = `factor` times too large, as from a batch with one
    broken example: what the rule makes of it is what one wants to see.
    """

    at: Count
    factor: Real = 1000.0

    def move(self, w: np.ndarray, gradient: np.ndarray, lr: Any, state: Any) -> np.ndarray:
        return super().move(
            w, gradient * self.factor if state.t == self.at else gradient, lr, state
        )


def bfloat16(w: Any, rng: np.random.Generator | None = None) -> np.ndarray:
    """w rounded to 8 significant bits, as bfloat16 keeps them, in an array of its own type.

    To the nearest, a tie to the even one; with rng up or down by chance, so that the mean is w. The
    runs of w (runs, P) share their chances. TypeError where w holds no real numbers.
    """
    w = floats("bfloat16", "w", w)
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(refusal("bfloat16", "rng", rng, "a NumPy Generator, or None"))
    digits, exponent = np.frexp(w)  # w = digits·2^exponent, and ½ ≤ |digits| < 1
    if rng is None:
        return np.ldexp(np.round(digits * 2**8) / 2**8, exponent).astype(w.dtype)
    chance = rng.random(w.shape[-1:], np.float32).astype(w.dtype)
    return np.ldexp(np.floor(digits * 2**8 + chance) / 2**8, exponent).astype(w.dtype)
