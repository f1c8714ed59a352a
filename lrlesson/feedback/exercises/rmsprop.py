"""X10, RMSprop: a rate for every weight that forgets."""

from typing import Any

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, fitting, varied
from lrlesson.feedback.exercises.walking import bad_manners, each_weight, manners, walking

RMSPROP = """\
class RMSprop:
    def __init__(self, lr, rho, eps):
        self.lr, self.rho, self.eps = lr, rho, eps
        self.v = 0.0

    def step(self, w, g):
        self.v = self.rho * self.v + (1 - self.rho) * g**2
        return w - self.lr * g / (np.sqrt(self.v) + self.eps)
"""
MEAN = "self.v = self.rho * self.v + (1 - self.rho) * g**2"
V_ROOT = "(np.sqrt(self.v) + self.eps)"
rms = walking("RMSprop", "0.1, 0.9, 1e-8")
rms_fast = walking("RMSprop", "0.1, 0.5, 1e-8")
rms_eps = walking("RMSprop", "0.1, 0.75, 1.0")
RMS_FIRST, RMS_ANYWHERE, RMS_AFTER = manners("RMSprop", "0.1, 0.9, 1e-8")


def _last_step(cls: Any) -> np.ndarray:
    optimizer, w = cls(0.1, 0.9, 1e-8), np.zeros(1)
    for _ in range(200):
        before, w = w, fitting(optimizer.step(w.copy(), np.array([5.0])), w)
    return w - before


def _after_a_shock(cls: Any) -> np.ndarray:
    optimizer, w = cls(0.1, 0.9, 1e-8), np.zeros(1)
    w = fitting(optimizer.step(w.copy(), np.array([1000.0])), w)
    for _ in range(300):
        before, w = w, fitting(optimizer.step(w.copy(), np.array([1.0])), w)
    return w - before


EXERCISES = [
    Exercise(
        id="rmsprop",
        points=6,
        notebook="08_exercise_per_weight_rates.ipynb",
        signature="RMSprop(lr, rho, eps)",
        reference=RMSPROP,
        properties=[
            RMS_FIRST,
            Property(
                "first-step",
                "The first step is lr/√(1 − ρ), however large the gradient is.",
                [rms([[2.0]]), rms([[50.0, -0.5]]), rms_fast([[2.0]])],
            ),
            RMS_ANYWHERE,
            Property(
                "second-step",
                "Each step keeps the share ρ of the average and adds 1 − ρ of the new square.",
                [rms([[3.0], [4.0]]), rms_fast([[3.0], [4.0], [1.0]])],
            ),
            Property(
                "settles",
                "With equal gradients the steps settle at lr.",
                [Case("RMSprop(0.1, 0.9, 1e-8), g = [5.0], 200 times: the last step", _last_step)],
            ),
            Property(
                "forgets",
                "A gradient of 1000 is forgotten after some hundred steps.",
                [
                    Case(
                        "RMSprop(0.1, 0.9, 1e-8), g = [1000.0], then [1.0] 300 times: the last "
                        "step",
                        _after_a_shock,
                    )
                ],
            ),
            Property(
                "changing-sign",
                "Gradients of changing sign make steps of changing sign, as long as the others.",
                [rms([[1.0], [-1.0]]), rms([[1.0, -2.0], [-0.5, 2.0], [0.25, 8.0]])],
            ),
            each_weight("RMSprop", "0.1, 0.9, 1e-8"),
            Property(
                "zero-gradient",
                "A weight whose gradient is zero stays where it is.",
                [rms([[0.0]]), rms([[0.0, 1.0], [2.0, 0.0]])],
            ),
            Property(
                "tiny-gradient",
                "A gradient of 0.00001 moves the weight nearly as far as a large one.",
                [rms([[1e-5]]), rms([[1e-7]])],
            ),
            Property(
                "eps",
                "ε is added to the root.",
                [rms_eps([[1.0]]), rms_eps([[3.0], [4.0]])],
            ),
            *RMS_AFTER,
        ],
        bank=[
            Wrong(
                "rho-swapped",
                "You keep the share 1 − ρ and add ρ of the new square: with ρ = 0.9 that forgets "
                "almost at once.",
                varied(RMSPROP, (MEAN, "self.v = (1 - self.rho) * self.v + self.rho * g**2")),
            ),
            Wrong(
                "share-missing",
                "The new square enters with the weight 1, so your average grows to ten times the "
                "square. Its weight is 1 − ρ.",
                varied(RMSPROP, ("(1 - self.rho) * g**2", "g**2")),
            ),
            Wrong(
                "eps-inside-the-root",
                "ε under the root is the formula of Keras and of some textbooks. There it is as "
                "large as a gradient of 0.0001 and slows small gradients down; here it is added to "
                "the root.",
                varied(RMSPROP, (V_ROOT, "np.sqrt(self.v + self.eps)")),
                right_in="Keras",
            ),
            Wrong(
                "starts-at-one",
                "Your average begins at 1, as in TensorFlow 1, so the first steps depend on the "
                "scale of the loss. Here it begins at 0.",
                varied(RMSPROP, ("self.v = 0.0", "self.v = 1.0")),
                right_in="TensorFlow 1",
            ),
            Wrong(
                "starts-at-one",
                "TensorFlow 1's formula: the average begins at 1, and ε stands under the root. "
                "Here it begins at 0, and ε is added to the root.",
                varied(
                    RMSPROP,
                    ("self.v = 0.0", "self.v = 1.0"),
                    (V_ROOT, "np.sqrt(self.v + self.eps)"),
                ),
                right_in="TensorFlow 1",
            ),
            Wrong(
                "eps-outside-the-fraction",
                "Your ε is added to the quotient: a bracket is missing around the root plus ε.",
                varied(RMSPROP, (f"g / {V_ROOT}", "(g / np.sqrt(self.v) + self.eps)")),
            ),
            Wrong(
                "eps-outside-the-fraction",
                "Your ε stands outside of the fraction: a bracket is missing around the root plus "
                "ε.",
                varied(RMSPROP, (f"g / {V_ROOT}", "g / np.sqrt(self.v) + self.eps")),
            ),
            Wrong(
                "old-average-counts-twice",
                "With `+=` the old average is in the sum twice: `=` is enough, since the new line "
                "holds ρ of it already.",
                varied(RMSPROP, (MEAN, MEAN.replace(" = ", " = self.v + "))),
            ),
            Wrong(
                "centered",
                "You take the square of the mean gradient away. That is the centered form of "
                "RMSprop, an option in PyTorch; here the average square alone is used.",
                varied(
                    RMSPROP,
                    ("self.v = 0.0", "self.v, self.m = 0.0, 0.0"),
                    (MEAN, f"{MEAN}\n        self.m = self.rho * self.m + (1 - self.rho) * g"),
                    (V_ROOT, "(np.sqrt(self.v - self.m**2) + self.eps)"),
                ),
                right_in="PyTorch's centered=True",
            ),
            Wrong(
                "averages-the-gradient",
                "You step along the average of the gradients, as Adam does. RMSprop steps along "
                "this gradient.",
                varied(
                    RMSPROP,
                    ("self.v = 0.0", "self.v, self.m = 0.0, 0.0"),
                    (MEAN, f"{MEAN}\n        self.m = self.rho * self.m + (1 - self.rho) * g"),
                    (f"g / {V_ROOT}", f"self.m / {V_ROOT}"),
                ),
            ),
            Wrong(
                "multiplies-by-the-root",
                "You multiply by the root. A weight with large gradients needs a small rate: "
                "divide.",
                varied(RMSPROP, (f"g / {V_ROOT}", f"g * {V_ROOT}")),
            ),
            Wrong(
                "no-rule-yet",
                "This is plain gradient descent: the memory is not used in the step.",
                varied(RMSPROP, (f" / {V_ROOT}", "")),
            ),
            Wrong(
                "averages-the-gradient",
                "You average the gradient and not its square: gradients of changing sign cancel, "
                "and the division is by nearly nothing.",
                varied(RMSPROP, ("g**2", "g"), ("np.sqrt(self.v)", "np.abs(self.v)")),
            ),
            Wrong(
                "still-adagrad",
                "You add up the squares and forget nothing: this is still AdaGrad.",
                varied(RMSPROP, (MEAN, "self.v = self.v + g**2")),
            ),
            Wrong(
                "corrects-what-stays",
                "You correct the average for its start at zero, so your first step is lr. That is "
                "Adam's idea; RMSprop leaves it, and its first step is lr/√(1 − ρ).",
                varied(
                    RMSPROP,
                    ("self.v = 0.0", "self.v, self.k = 0.0, 0"),
                    (MEAN, f"{MEAN}\n        self.k += 1"),
                    (V_ROOT, "(np.sqrt(self.v / (1 - self.rho**self.k)) + self.eps)"),
                ),
            ),
            Wrong(
                "starts-at-the-first-square",
                "Your average begins at the first square. Here it begins at 0.",
                varied(
                    RMSPROP,
                    ("self.v = 0.0", "self.v = None"),
                    (MEAN, f"self.v = g**2 if self.v is None else {MEAN.partition(' = ')[2]}"),
                ),
            ),
            Wrong(
                "used-before-updated",
                "You use the average before this gradient's square is in it, so the first step "
                "divides by ε alone.",
                varied(
                    RMSPROP,
                    (f"{MEAN}\n        return w -", "w = w -"),
                    (V_ROOT, f"{V_ROOT}\n        {MEAN}\n        return w"),
                ),
            ),
            Wrong(
                "no-root",
                "You divide by the average square and not by its root, so a large gradient makes "
                "a short step.",
                varied(RMSPROP, (V_ROOT, "(self.v + self.eps)")),
            ),
            Wrong(
                "one-number-for-all-weights",
                "You keep one average for all weights, so a weight with small gradients pays for "
                "the others.",
                varied(RMSPROP, ("g**2", "np.mean(g**2)")),
            ),
            Wrong(
                "no-eps",
                "A gradient of zero makes zero divided by zero: ε is there to prevent that.",
                varied(RMSPROP, (V_ROOT, "np.sqrt(self.v)")),
            ),
            Wrong(
                "no-memory",
                "Your step knows this gradient only. Keep the average in `self`.",
                varied(RMSPROP, ("self.rho * self.v + ", "")),
            ),
            *bad_manners(
                RMSPROP,
                "self.v = 0.0",
                MEAN,
                (
                    f"return w - self.lr * g / {V_ROOT}",
                    f"g *= self.lr / {V_ROOT}\n        return w - g",
                ),
            ),
        ],
        hints=[
            (
                "Only one line differs from AdaGrad: the memory is no longer a sum but an average "
                "that fades."
            ),
            (
                "A fading average keeps the share ρ of what it was and takes the share 1 − ρ of "
                "what is new. New is the square of this gradient."
            ),
            (
                "First update the average, then divide lr · g by its root plus ε. No correction "
                "for the start at 0: the first step is meant to be long."
            ),
        ],
    ),
]
