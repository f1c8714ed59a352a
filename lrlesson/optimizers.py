"""Update rules: how a gradient becomes a change of the weights.

Every rule here is one sentence,

    w ← w − η · gain · drive,

where η is the learning rate of this update (from a schedule), the drive says which way to go, and
the gain says how fast each single weight goes on this gradient. `update` returns (drive, gain).
For plain gradient descent they are (gradient, 1); what AdaGrad, RMSprop and Adam add is a gain of
their own for every weight. After each update `state.rate` holds η·gain, the learning rate that
each weight really had.

A docstring begins with the rule written out, for one weight w with gradient g. Its last lines say
what an option writes there for what. A notebook shows a rule so, with the rule's own numbers.

In each rule: remember (update the buffers), normalise (undo the bias of their start), scale (the
gain); the last step is the same for all and stands in `Optimizer.move`. state.t is 0 in the
first update. A rule is immutable, and its conventions are PyTorch's unless an option says
otherwise. Every class raises TypeError or ValueError for a field out of range.
"""

from dataclasses import KW_ONLY
from typing import Any, Literal

import numpy as np

from lrlesson.base.fields import Fraction, Nonnegative, Positive, refusal
from lrlesson.base.optimizer import Optimizer, Wrapper

# --- One rate for all weights ------------------------------------------------------------------


class SGD(Optimizer):
    """$w ← w − η·g$

    drive = gradient, or a sum of past gradients that fades by `momentum` per update; gain = 1.
    With β = `momentum` a steady gradient moves the weights as a rate η/(1 − β) would. Polyak 1964;
    nesterov looks one step ahead (Nesterov 1983, in the form of Sutskever et al. 2013).
    d = `dampening` scales each new gradient by 1 − d, but not the first one. rate_inside keeps
    η in the sum, as Keras does: after a cut of the rate, the old steps go on at their old rate.

    momentum     $v ← β·v + g; w ← w − η·v$ for $w ← w − η·g$
    nesterov     $η·(g + β·v)$ for $η·v$
    dampening    $c = 1 if t = 0, else 1 − d; v ← β·v + c·g$ for $v ← β·v + g$
    rate_inside  $η·g$ for $g$, $(η·g + β·v)$ for $η·(η·g + β·v)$, $w − v$ for $w − η·v$
    """

    momentum: Fraction = 0.0
    nesterov: bool = False
    dampening: Fraction = 0.0
    rate_inside: bool = False

    def limits(self) -> Any:
        yield self.momentum > 0 or not self.nesterov, "nesterov", "False without momentum"
        yield not (self.nesterov and self.dampening), "dampening", "0 with nesterov=True"

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        return {"velocity": np.zeros_like(w)} if self.momentum else {}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        if not self.momentum:
            return gradient, 1.0
        # remember
        new = gradient if state.t == 0 else (1 - self.dampening) * gradient
        if self.rate_inside:
            self._refuse_rate_zero(state.lr)
            new = state.lr * new
        state.velocity = self.momentum * state.velocity + new
        drive = new + self.momentum * state.velocity if self.nesterov else state.velocity
        return (drive / state.lr if self.rate_inside else drive), 1.0

    def _refuse_rate_zero(self, lr: Any) -> None:
        if np.any(np.equal(lr, 0)):
            expected = "a rate above 0 where rate_inside=True: drive = velocity/η"
            raise ValueError(refusal("SGD", "lr", lr, expected))


class Lion(Optimizer):
    """$s = sign(β₁·m + (1 − β₁)·g); m ← β₂·m + (1 − β₂)·g; w ← w − η·s$

    drive = the sign of a fading mean of gradients; gain = 1: every weight moves by exactly η.
    Chen et al. 2023.
    """

    beta1: Fraction = 0.9
    beta2: Fraction = 0.99

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        return {"m": np.zeros_like(w)}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        drive = np.sign(self.beta1 * state.m + (1 - self.beta1) * gradient)
        state.m = self.beta2 * state.m + (1 - self.beta2) * gradient
        return drive, 1.0


# --- A rate for every weight -------------------------------------------------------------------


class AdaGrad(Optimizer):
    """$s ← s + g²; w ← w − η·1/(√s + ε)·g$

    gain = 1/(√s + ε), where s is the sum of all squared gradients of the weight so far. It can
    only fall: after k equal gradients it has fallen as 1/√k. start is the first s, and eps_inside
    puts ε under the root; Keras and optax do, with start=0.1. Duchi, Hazan, Singer 2011.

    eps_inside  $1/√(s + ε)$ for $1/(√s + ε)$
    """

    eps: Positive = 1e-10
    start: Nonnegative = 0.0
    eps_inside: bool = False

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        return {"s": np.full_like(w, self.start)}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        # remember
        state.s = state.s + gradient**2
        # scale
        return gradient, _inverse_root(state.s, self.eps, self.eps_inside)


class RMSprop(Optimizer):
    """$v ← ρ·v + (1 − ρ)·g²; w ← w − η·1/(√v + ε)·g$

    gain = 1/(√v + ε), where v is a fading mean of the squared gradients and rho is what is kept of
    it per update. centered takes the variance: v minus the square of the mean gradient.
    β = `momentum` sums the scaled steps. eps_inside puts ε under the root, as Keras and optax do.
    rho is 0.99 here and in PyTorch; Hinton's slides, Keras, optax and lesson 08 have 0.9. v starts
    at 0 and is not corrected, so the first step is η/√(1 − rho). Tieleman & Hinton 2012.

    momentum    $u ← β·u + 1/(√v + ε)·g; w ← w − η·u$ for $w ← w − η·1/(√v + ε)·g$
    eps_inside  $1/√(v + ε)$ for $1/(√v + ε)$
    centered    $g²; ḡ ← ρ·ḡ + (1 − ρ)·g$ for $g²$, $√(v − ḡ²)$ for $√v$
    centered    $√(v − ḡ² + ε)$ for $√(v + ε)$
    """

    rho: Fraction = 0.99
    eps: Positive = 1e-8
    momentum: Fraction = 0.0
    centered: bool = False
    eps_inside: bool = False

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        names = ["v"] + ["mean"] * self.centered + ["velocity"] * bool(self.momentum)
        return {name: np.zeros_like(w) for name in names}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        # remember
        state.v = self.rho * state.v + (1 - self.rho) * gradient**2
        spread = state.v
        if self.centered:
            state.mean = self.rho * state.mean + (1 - self.rho) * gradient
            spread = np.maximum(state.v - state.mean**2, 0)  # rounding may leave it below 0
        # scale
        gain = _inverse_root(spread, self.eps, self.eps_inside)
        if not self.momentum:
            return gradient, gain
        state.velocity = self.momentum * state.velocity + gain * gradient
        return state.velocity / gain, gain


class AdaDelta(Optimizer):
    """$v ← ρ·v + (1 − ρ)·g²; Δ = √(u + ε)/√(v + ε)·g; u ← ρ·u + (1 − ρ)·Δ²; w ← w − η·Δ$

    gain = √(u + ε)/√(v + ε): v a fading mean of squared gradients, u one of squared steps. The
    step has the unit of a weight, so η = 1 is the usual rate. Zeiler 2012.
    """

    rho: Fraction = 0.9
    eps: Positive = 1e-6

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        return {"v": np.zeros_like(w), "u": np.zeros_like(w)}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        # remember
        state.v = self.rho * state.v + (1 - self.rho) * gradient**2
        # scale
        gain = np.sqrt(state.u + self.eps) / np.sqrt(state.v + self.eps)
        state.u = self.rho * state.u + (1 - self.rho) * (gain * gradient) ** 2
        return gradient, gain


# --- Adam and its relatives --------------------------------------------------------------------


class Adam(Optimizer):
    """$m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; m̂ = m/(1 − β₁ᵗ⁺¹); v̂ = v/(1 − β₂ᵗ⁺¹);
    w ← w − η·1/(√v̂ + ε)·m̂$

    drive = m̂, the mean gradient; gain = 1/(√v̂ + ε), with v̂ the mean squared gradient. m and v
    are fading means that start at 0; dividing by 1 − βᵗ⁺¹ undoes that, and bias_correction=False
    leaves it out, to see what it is for. eps_on="raw" adds ε to the uncorrected √v, as Keras and
    scikit-learn do. amsgrad keeps the largest v so far, taken "before" the correction (PyTorch,
    Keras; True means this) or "after" it (optax). Kingma & Ba 2015; AMSGrad: Reddi, Kale,
    Kumar 2018.

    amsgrad='after'        $v̂ ← max(v̂, v/(1 − β₂ᵗ⁺¹))$ for $v̂ = v/(1 − β₂ᵗ⁺¹)$
    amsgrad                $v_max ← max(v_max, v); v̂ = v_max/(1 − β₂ᵗ⁺¹)$ for $v̂ = v/(1 − β₂ᵗ⁺¹)$
    eps_on='raw'           $ε/√(1 − β₂ᵗ⁺¹)$ for $ε$
    bias_correction=False  $1$ for $(1 − β₁ᵗ⁺¹)$, $1$ for $(1 − β₂ᵗ⁺¹)$
    """

    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: Positive = 1e-8
    amsgrad: Literal[False, True, "before", "after"] = False
    eps_on: Literal["corrected", "raw"] = "corrected"
    bias_correction: bool = True

    def limits(self) -> Any:
        yield (
            self.amsgrad != "after" or self.eps_on == "corrected",
            "eps_on",
            "'corrected' where amsgrad='after': the largest v is then a corrected one",
        )

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        names = ["m", "v"] + ["v_max"] * bool(self.amsgrad)
        return {name: np.zeros_like(w) for name in names}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        # remember
        state.m = self.beta1 * state.m + (1 - self.beta1) * gradient
        state.v = self.beta2 * state.v + (1 - self.beta2) * gradient**2
        # normalise
        correction1, correction2 = self.corrections(state.t)
        m_hat = state.m / correction1
        v_hat = self.largest(state, correction2) / correction2
        # scale
        eps = self.eps / correction2**0.5 if self.eps_on == "raw" else self.eps
        return m_hat, 1 / (np.sqrt(v_hat) + eps)

    def corrections(self, t: int) -> tuple[float, float]:
        """How much of a full mean m and v are after t + 1 gradients: 1 − β₁ᵗ⁺¹ and 1 − β₂ᵗ⁺¹."""
        if not self.bias_correction:
            return 1.0, 1.0
        return 1 - self.beta1 ** (t + 1), 1 - self.beta2 ** (t + 1)

    def largest(self, state: Any, correction2: float) -> np.ndarray:
        """v itself, or with amsgrad the largest v so far, uncorrected in either case."""
        if not self.amsgrad:
            return state.v
        if self.amsgrad == "after":
            state.v_max = np.maximum(state.v_max, state.v / correction2)
            return state.v_max * correction2
        state.v_max = np.maximum(state.v_max, state.v)
        return state.v_max


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights themselves, by ηλ per update.

    Its other options are Adam's. Loshchilov & Hutter 2019.
    """

    _: KW_ONLY
    weight_decay: Nonnegative = 0.01
    decoupled: bool = True


class AdaMax(Optimizer):
    """$m ← β₁·m + (1 − β₁)·g; u ← max(β₂·u, |g| + ε); m̂ = m/(1 − β₁ᵗ⁺¹); w ← w − η·1/u·m̂$

    drive = m̂; gain = 1/u, where u is the largest recent |gradient|, fading by beta2.
    Kingma & Ba 2015, section 7.1.
    """

    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: Positive = 1e-8

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        return {"m": np.zeros_like(w), "u": np.zeros_like(w)}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        # remember
        state.m = self.beta1 * state.m + (1 - self.beta1) * gradient
        state.u = np.maximum(self.beta2 * state.u, np.abs(gradient) + self.eps)
        # normalise, scale
        return state.m / (1 - self.beta1 ** (state.t + 1)), 1 / state.u


class NAdam(Optimizer):
    """$m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; v̂ = v/(1 − β₂ᵗ⁺¹);
    μ(t) = β₁·(1 − 0.5·0.96^{(t + 1)·ψ}); p ← p·μ(t);
    w ← w − η·1/(√v̂ + ε)·((1 − μ(t))/(1 − p)·g + μ(t + 1)/(1 − p·μ(t + 1))·m)$

    Adam that looks one step ahead: drive mixes m with the gradient; gain = 1/(√v̂ + ε). The share
    μ of m grows towards beta1 over time, the faster the larger ψ = `momentum_decay` is (0.004 in
    Dozat's note and in PyTorch, 1 in Keras); p starts at 1. Dozat 2016.
    """

    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: Positive = 1e-8
    momentum_decay: Nonnegative = 0.004

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        return {"m": np.zeros_like(w), "v": np.zeros_like(w), "product": 1.0}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        # remember
        state.m = self.beta1 * state.m + (1 - self.beta1) * gradient
        state.v = self.beta2 * state.v + (1 - self.beta2) * gradient**2
        mu, mu_next = self.share(state.t), self.share(state.t + 1)
        state.product = state.product * mu
        # normalise
        from_gradient = (1 - mu) / (1 - state.product) * gradient
        from_m = mu_next / (1 - state.product * mu_next) * state.m
        v_hat = state.v / (1 - self.beta2 ** (state.t + 1))
        # scale
        return from_gradient + from_m, 1 / (np.sqrt(v_hat) + self.eps)

    def share(self, t: int) -> float:
        """μ of update t."""
        return self.beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * self.momentum_decay))


class RAdam(Optimizer):
    """$m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; m̂ = m/(1 − β₁ᵗ⁺¹);
    c = 1 − β₂ᵗ⁺¹; ρ_max = 2/(1 − β₂) − 1; ρ = ρ_max − 2·(t + 1)·(1 − c)/c;
    r = (ρ − 4)·(ρ − 2)·ρ_max/((ρ_max − 4)·(ρ_max − 2)·ρ);
    w ← w − η·m̂ if ρ ≤ 5, else w − η·√(r·c)/(√v + ε)·m̂$

    Adam that waits: gain = 1 until v has seen enough gradients, then √(r·c)/(√v + ε), where c
    undoes the start of v at 0. r grows to 1 as the variance of the gain settles, a warmup that the
    rule computes for itself. As in PyTorch, ε is added to the uncorrected root. Liu et al. 2020.
    """

    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    eps: Positive = 1e-8

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        return {"m": np.zeros_like(w), "v": np.zeros_like(w)}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        n = state.t + 1
        # remember
        state.m = self.beta1 * state.m + (1 - self.beta1) * gradient
        state.v = self.beta2 * state.v + (1 - self.beta2) * gradient**2
        # normalise
        m_hat = state.m / (1 - self.beta1**n)
        correction2 = 1 - self.beta2**n
        # scale: rho is the length of the average in v, in gradients
        rho_max = 2 / (1 - self.beta2) - 1
        rho = rho_max - 2 * n * self.beta2**n / correction2
        if rho <= 5:
            return m_hat, 1.0
        r = (rho - 4) * (rho - 2) * rho_max / ((rho_max - 4) * (rho_max - 2) * rho)
        return m_hat, (r * correction2) ** 0.5 / (np.sqrt(state.v) + self.eps)


# --- No schedule -------------------------------------------------------------------------------


class ScheduleFree(Wrapper):
    """$h ← max(h, η); S ← S + h²; x ← x + h²/S·(z − x); w ← (1 − β)·z + β·x$

    Any rule, on a sequence z = its own weights, with gradients taken at y = (1 − β)·z + β·x, which
    is the w that `step` takes and returns. x is the average of z, weighted by the square of the
    largest rate h so far, and is what to evaluate: `weights(w, state)`. Weight decay is set on the
    base rule and acts on z. Defazio et al. 2024.
    """

    beta: Fraction = 0.9

    def limits(self) -> Any:
        yield from super().limits()
        yield not isinstance(self.base, ScheduleFree), "base", "a rule that does not average"

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        z, x = w.copy(), w.copy()
        return super().buffers(w) | {"z": z, "x": x, "lr_max": 0.0, "total": 0.0}

    def move(self, w: np.ndarray, gradient: np.ndarray, lr: Any, state: Any) -> np.ndarray:
        """The next y, from the gradient at y = w."""
        state.z = super().move(state.z, gradient, lr, state)
        state.lr_max = np.maximum(state.lr_max, lr)
        state.total = state.total + state.lr_max**2
        share = state.lr_max**2 / np.where(state.total > 0, state.total, 1.0)
        state.x = state.x + share.astype(w.dtype) * (state.z - state.x)
        return (1 - self.beta) * state.z + self.beta * state.x

    def weights(self, w: np.ndarray, state: Any) -> np.ndarray:
        return state.x

    def _latex(self, w: str = "w") -> str:
        return f"{self.base._latex('z')}; {Optimizer._latex(self, w)}"


def _inverse_root(squares: np.ndarray, eps: float, inside: bool) -> np.ndarray:
    """1/(√squares + ε), or with ε inside, 1/√(squares + ε)."""
    return 1 / np.sqrt(squares + eps) if inside else 1 / (np.sqrt(squares) + eps)
