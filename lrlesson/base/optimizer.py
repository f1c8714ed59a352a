"""What every update rule has: a state, one step, and weight decay; and a rule around a rule."""

import math
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from lrlesson.base.fields import RATE, Nonnegative, floats, is_number, refusal
from lrlesson.base.notation import fill, in_lines, latex_number
from lrlesson.base.shown import Shown, small_curve, with_decay, written_formula


class State:
    """What an optimizer remembers between two updates.

    t is the number of the update being made (0 for the first), and between updates that of the
    next one; lr is η of the last update; gain is what the rule multiplied it by. Further
    attributes are the rule's own buffers, each shaped like the weights.
    """

    def __init__(self, rule: "Optimizer", w: np.ndarray, **buffers: Any) -> None:
        self.rule = rule
        self.t = 0
        self.lr: Any = None
        self.gain: Any = 1.0
        self.used = np.zeros(w.shape, dtype=bool)
        vars(self).update(buffers)

    @property
    def rate(self) -> np.ndarray:
        """η·gain: the effective learning rate of each single weight in the last update.

        Shaped like the weights. NaN for a weight whose gradient has so far been exactly zero:
        it has not been used, and the quotient would only show the rule's ε.
        """
        lr = np.nan if self.lr is None else self.lr
        return np.where(self.used, lr * self.gain, np.nan)

    def __repr__(self) -> str:
        buffers = [k for k in vars(self) if k not in ("rule", "t", "lr", "gain", "used")]
        remembered = ", ".join(buffers) or "nothing"
        return f"State(of {self.rule!r}, t={self.t}, lr={self.lr!r}, remembers {remembered})"


class Optimizer(Shown):
    """One update is w ← (1 − ηλ)·w − η·gain·drive, with λ = 0 unless weight decay is decoupled.

    A rule says in `update(gradient, state)` which way to go (drive) and how fast each single
    weight goes (gain). The rule itself is immutable: all that changes is in the state.

        state = opt.init(w)
        w = opt.step(w, gradient, state, lr)

    λ = `weight_decay`. Coupled, λ·w is added to the gradient (L2 regularisation); with
    decoupled=True the weights themselves shrink instead (Loshchilov & Hutter 2019).
    """

    _: KW_ONLY
    weight_decay: Nonnegative = 0.0
    decoupled: bool = False

    decayed_at: ClassVar[str] = r"\eta"  # decay_rate in the formula

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        """What the rule remembers, as it is before the first update; nothing by default."""
        return {}

    def update(self, gradient: np.ndarray, state: Any) -> tuple[Any, Any]:
        """(drive, gain) for this gradient; replaces the buffers in state."""
        name = type(self).__name__
        raise TypeError(
            f"{name} has no rule: an Optimizer must define update(self, gradient, state)"
        )

    def init(self, w: Any) -> State:
        """The state before the first update of weights w, an array of any shape."""
        w = floats(type(self).__name__, "w", w)
        return State(self, w, **self.buffers(w))

    def step(self, w: Any, gradient: Any, state: State, lr: Any) -> np.ndarray:
        """The weights after one update, a new array; w and gradient are left as they are.

        w, gradient: arrays of one shape, usually (runs, P). lr: a number, or a column (runs, 1)
        with one rate per run. state: from init, updated. Raises ValueError where shapes do not
        fit or lr is negative or not finite.
        """
        return self.move(*self._checked_step(w, gradient, state, lr), state)

    def move(self, w: np.ndarray, gradient: np.ndarray, lr: Any, state: State) -> np.ndarray:
        """`step` once its arguments are known to fit; lr may be an array like w by now."""
        if self.weight_decay and not self.decoupled:
            gradient = gradient + self.weight_decay * w
        state.lr = lr
        state.used |= gradient != 0
        drive, state.gain = self.update(gradient, state)
        state.t += 1
        if self.weight_decay and self.decoupled:
            w = (1 - self.decay_rate(state) * self.weight_decay) * w
        return w - lr * state.gain * drive

    def decay_rate(self, state: State) -> Any:
        """What decoupled decay is multiplied by: η, except for rules that find their own rate."""
        return state.lr

    def weights(self, w: np.ndarray, state: State) -> np.ndarray:
        """The weights to evaluate: w itself, except for rules that average as they go."""
        return w

    # The display

    def _latex(self, w: str = "w") -> str:
        """The lines of the formula, in the order in which they happen; w: what is moved."""
        lines = self._filled(
            written_formula(type(self), self)
            or r"w \leftarrow w - \eta \cdot \text{gain} \cdot \text{drive}"
        )
        if self.weight_decay:
            decay = latex_number(self.weight_decay)
            lines = with_decay(lines, decay, self.decoupled, self.decayed_at)
        return fill(lines, {"w": w})

    def _equation(self) -> str:
        return in_lines(self._latex())

    def _picture(self) -> str:
        """How far one weight goes in each of 40 updates, while its gradient is 1 and then 0."""
        w = np.zeros((1, 1))
        try:
            state, gone = self.init(w), np.empty((1, 40))
        except ValueError:  # a rule for the layers of one network
            return ""
        for t in range(40):
            moved = self.move(w, np.full((1, 1), float(t < 20)), 1.0, state)
            gone[0, t], w = abs(moved - w).item(), moved
        label = f"distance of each of 40 updates at the rate 1, from {gone[0, 0]:.3g} to "
        label += f"{gone[0, 19]:.3g} while the gradient is 1, then to {gone[0, -1]:.3g}"
        high = f"moves by ≤ {gone.max():.3g} per update"
        return small_curve(np.arange(40), gone, label, high, "gradient 1, from update 20 on 0")

    def _refuse_shape(self, w: np.ndarray, size: int | None = None) -> None:
        """ValueError unless the last axis of w holds the weights of one run: `size` of them."""
        if w.ndim not in (1, 2) or (size is not None and w.shape[-1] != size):
            end = "P" if size is None else size
            name = type(self).__name__
            raise ValueError(f"{name}: w has shape {w.shape}, expected ({end},) or (runs, {end})")

    def _checked_step(self, w: Any, gradient: Any, state: State, lr: Any) -> tuple[Any, Any, Any]:
        name = type(self).__name__
        w, gradient = floats(name, "w", w), floats(name, "gradient", gradient)
        if gradient.shape != w.shape:
            raise ValueError(
                f"{name}: gradient has shape {gradient.shape}, expected that of w, {w.shape}"
            )
        if not isinstance(state, State) or (state.rule is not self and state.rule != self):
            raise ValueError(refusal(name, "state", state, f"one that {self!r}.init(w) made"))
        if state.used.shape != w.shape:
            raise ValueError(
                f"{name}: state was made for weights of shape {state.used.shape}, w has {w.shape}"
            )
        if not isinstance(lr, np.ndarray):
            if not (is_number(lr) and 0 <= lr < math.inf):
                raise ValueError(refusal(name, "lr", lr, RATE.text))
            lr = float(lr)  # a NumPy scalar would turn float32 weights to float64
            return w, gradient.astype(w.dtype, copy=False), lr
        if w.ndim != 2 or lr.shape != (w.shape[0], 1):
            raise ValueError(
                f"{name}: lr has shape {lr.shape}, expected a number, or a column (runs, 1) "
                f"beside weights (runs, P); w has shape {w.shape}"
            )
        if lr.dtype.kind not in "iuf" or not ((lr >= 0) & (lr < math.inf)).all():
            raise ValueError(refusal(name, "lr", lr, RATE.text))
        return w, gradient.astype(w.dtype, copy=False), lr.astype(w.dtype, copy=False)


class Wrapper(Optimizer):
    """A rule around another: it changes what the base rule is given, or what it returns.

    Weight decay is set on the base rule, which acts as it does alone: on the gradient that it is
    given, at the rate that it is given. state.base is its state.
    """

    base: Optimizer

    def limits(self) -> Any:
        yield self.weight_decay == 0, "weight_decay", "0 here: set it on the base rule"
        yield not self.decoupled, "decoupled", "False here: set it on the base rule"

    def buffers(self, w: np.ndarray) -> dict[str, Any]:
        return {"base": self.base.init(w)}

    def move(self, w: np.ndarray, gradient: np.ndarray, lr: Any, state: Any) -> np.ndarray:
        w = self.base.move(w, gradient, lr, state.base)
        state.t, state.used = state.base.t, state.base.used
        state.lr, state.gain = lr, state.base.gain
        return w

    def weights(self, w: np.ndarray, state: Any) -> np.ndarray:
        return self.base.weights(w, state.base)

    before: ClassVar[bool] = True  # are its lines in the formula those before the base rule's?

    def _latex(self, w: str = "w") -> str:
        lines = super()._latex(w), self.base._latex(w)
        return "; ".join(lines if self.before else reversed(lines))
