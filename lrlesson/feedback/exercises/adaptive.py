"""AdaGrad and RMSprop: a rate for every weight. Also the cases that Adam shares."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, varied

Row = list[float]


def walking(name: str, settings: str) -> Callable[..., Case]:
    """A maker of cases for a class with `step(w, g)`: `walking("Adam", "0.1, 0.9, 0.999, 1e-8")`.

    Its case is the points that a new optimizer visits from w = 0, one row for each gradient; with
    `last`, the last point only; with `times`, the gradients in turn so many times.
    """
    numbers = [float(number) for number in settings.split(",")]

    def case(gradients: Sequence[Row], times: int = 1, last: bool = False) -> Case:
        def run(cls: Any) -> np.ndarray:
            optimizer, w = cls(*numbers), np.zeros(len(gradients[0]))
            points = []
            for _ in range(times):
                for gradient in gradients:
                    w = optimizer.step(w, np.array(gradient))
                    points.append(w)
            return np.array(points[-1] if last else points)

        said = ", ".join(map(str, gradients)) + (f", {times} times" if times > 1 else "")
        what = "the last w" if last else "w after each step" if len(gradients) > 1 else "w"
        text = f"{name}({settings}).step from w = {[0.0] * len(gradients[0])}, g = {said}: {what}"
        return Case(text, run)

    return case


def manners(name: str, settings: str) -> list[Property]:
    """What any optimizer class owes to its caller, and to another of its kind."""
    numbers = [float(number) for number in settings.split(",")]

    def weights(cls: Any) -> np.ndarray:
        w = np.array([1.0, -2.0])
        cls(*numbers).step(w, np.array([3.0, 0.5]))
        return w

    def gradient(cls: Any) -> np.ndarray:
        g = np.array([3.0, 0.5])
        cls(*numbers).step(np.array([1.0, -2.0]), g)
        return g

    def two(cls: Any) -> np.ndarray:
        w, g = np.zeros(2), np.array([3.0, 0.5])
        first = cls(*numbers).step(w.copy(), g.copy())
        return np.asarray(cls(*numbers).step(w.copy(), g.copy())) / first

    made = f"{name}({settings})"
    return [
        Property(
            "callers-weights",
            "The caller's w is as it was before.",
            [Case(f"w = [1, -2], looked at after {made}.step(w, g)", weights)],
        ),
        Property(
            "callers-gradient",
            "The caller's g is as it was before.",
            [Case(f"g = [3, 0.5], looked at after {made}.step(w, g)", gradient)],
        ),
        Property(
            "two-optimizers",
            "A new optimizer knows nothing of the one before it.",
            [Case(f"the first step of a second {made} / that of the first", two)],
        ),
    ]


def bad_manners(reference: str, start: str, update: str, scribbled: tuple[str, str]) -> list[Wrong]:
    """The mistakes that `manners` finds.

    `start` and `update` are lines of the reference, where it makes and changes its memory;
    `scribbled` is a change of it that writes into g.
    """
    final = reference.splitlines()[-1].strip()
    return [
        Wrong(
            "changes-the-weights-in-place",
            "Your step changed the caller's w: `w -= …` writes into the array, `w - …` makes a new "
            "one.",
            varied(reference, (final, final.replace("return w -", "w -=") + "\n        return w")),
            told_by="callers-weights",
        ),
        Wrong(
            "changes-the-gradient-in-place",
            "Your step changed the caller's g: `g *= …` writes into the array.",
            varied(reference, scribbled),
            told_by="callers-gradient",
        ),
        Wrong(
            "one-state-for-all",
            "Your second optimizer goes on where the first one stopped: the memory must be made in "
            "`__init__`, with `self.`",
            varied(
                reference,
                (start, "pass"),
                ("def __init__", f"{start.replace('self.', '')}\n\n    def __init__"),
                (update, update.replace("self.", "type(self).", 1)),
            ),
            told_by="two-optimizers",
        ),
    ]


def _each(cls: str, settings: str) -> Property:
    walk = walking(cls, settings)
    return Property(
        "each-weight",
        "Every weight has a rate of its own: what one gradient was is nothing to the others.",
        [walk([[1.0, 0.1]]), walk([[1.0, 0.1], [0.0, 0.1]])],
    )


ADAGRAD = """\
class AdaGrad:
    def __init__(self, lr, eps):
        self.lr, self.eps = lr, eps
        self.total = 0.0

    def step(self, w, g):
        self.total = self.total + g**2
        return w - self.lr * g / (np.sqrt(self.total) + self.eps)
"""
SUM = "self.total = self.total + g**2"
ROOT = "(np.sqrt(self.total) + self.eps)"
ada = walking("AdaGrad", "0.1, 1e-8")
ada_eps = walking("AdaGrad", "0.1, 1.0")

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


def _last_step(cls: Any) -> np.ndarray:
    optimizer, w = cls(0.1, 0.9, 1e-8), np.zeros(1)
    for _ in range(200):
        before, w = w, optimizer.step(w, np.array([5.0]))
    return w - before


def _after_a_shock(cls: Any) -> np.ndarray:
    optimizer, w = cls(0.1, 0.9, 1e-8), np.zeros(1)
    w = optimizer.step(w, np.array([1000.0]))
    for _ in range(300):
        before, w = w, optimizer.step(w, np.array([1.0]))
    return w - before


EXERCISES = [
    Exercise(
        id="adagrad",
        points=7,
        notebook="08_exercise_per_weight_rates.ipynb",
        signature="AdaGrad(lr, eps)",
        reference=ADAGRAD,
        properties=[
            Property(
                "first-step",
                "The first step moves every weight by lr against its gradient, however large that "
                "is.",
                [ada([[2.0]]), ada([[50.0, -0.5]])],
            ),
            Property(
                "equal-gradients",
                "With equal gradients the k-th step is lr/√k.",
                [ada([[1.0]], times=2), ada([[-3.0]], times=6)],
            ),
            Property(
                "other-gradients",
                "The step divides by the root of the sum of all squares so far, this one included.",
                [ada([[3.0], [4.0]]), ada([[1.0, -2.0], [-0.5, 2.0], [0.25, 8.0]])],
            ),
            _each("AdaGrad", "0.1, 1e-8"),
            Property(
                "zero-gradient",
                "A weight whose gradient is zero stays where it is.",
                [ada([[0.0]]), ada([[0.0, 1.0], [2.0, 0.0]])],
            ),
            Property(
                "tiny-gradient",
                "A gradient of 0.00001 moves the weight by nearly lr as well: ε is smaller still.",
                [ada([[1e-5]])],
            ),
            Property(
                "eps",
                "ε is added to the root.",
                [ada_eps([[1.0]]), ada_eps([[3.0], [4.0]])],
            ),
            Property(
                "scale",
                "A loss that is 100 times as large changes nothing.",
                [ada([[100.0, -200.0], [-50.0, 200.0]])],
            ),
            *manners("AdaGrad", "0.1, 1e-8"),
        ],
        bank=[
            Wrong(
                "eps-inside-the-root",
                "Your ε stands under the root: there it is as large as a gradient of 0.0001 and "
                "slows small gradients down. It is added to the root.",
                varied(ADAGRAD, (ROOT, "np.sqrt(self.total + self.eps)")),
            ),
            Wrong(
                "used-before-updated",
                "You use the sum before this gradient's square is in it, so the first step divides "
                "by ε alone.",
                varied(
                    ADAGRAD,
                    (f"{SUM}\n        return w -", "w = w -"),
                    (ROOT, f"{ROOT}\n        {SUM}\n        return w"),
                ),
            ),
            Wrong(
                "sums-absolute-values",
                "You sum the sizes of the gradients. It is their squares that are summed, and the "
                "root is taken of that.",
                varied(ADAGRAD, ("g**2", "np.abs(g)"), (ROOT, "(self.total + self.eps)")),
            ),
            Wrong(
                "sums-absolute-values",
                "You sum the sizes of the gradients and take the root of that. It is their squares "
                "that are summed.",
                varied(ADAGRAD, ("g**2", "np.abs(g)")),
            ),
            Wrong(
                "no-root",
                "You divide by the sum of squares and not by its root, so a large gradient makes "
                "a short step.",
                varied(ADAGRAD, (ROOT, "(self.total + self.eps)")),
            ),
            Wrong(
                "one-number-for-all-weights",
                "You keep one sum for all weights, so a weight with small gradients pays for the "
                "others.",
                varied(ADAGRAD, ("g**2", "np.sum(g**2)")),
            ),
            Wrong(
                "no-eps",
                "A gradient of zero makes zero divided by zero: ε is there to prevent that.",
                varied(ADAGRAD, (ROOT, "np.sqrt(self.total)")),
            ),
            Wrong(
                "divides-twice",
                "You store the divided rate in self.lr and divide it again at the next step. lr "
                "stays; only the sum changes.",
                varied(
                    ADAGRAD,
                    (
                        f"return w - self.lr * g / {ROOT}",
                        f"self.lr = self.lr / {ROOT}\n        return w - self.lr * g",
                    ),
                ),
            ),
            Wrong(
                "mean-for-sum",
                "You divide by the root of the mean square: with equal gradients your steps stay "
                "equal. AdaGrad's become shorter.",
                varied(
                    ADAGRAD,
                    ("self.total = 0.0", "self.total, self.k = 0.0, 0"),
                    (SUM, f"{SUM}\n        self.k += 1"),
                    (ROOT, "(np.sqrt(self.total / self.k) + self.eps)"),
                ),
            ),
            Wrong(
                "no-memory",
                "Your step knows this gradient only, so it is always lr long: add the square to "
                "those before.",
                varied(ADAGRAD, ("self.total + g**2", "g**2")),
            ),
            Wrong(
                "starts-at-one",
                "Your sum begins at 1, so the first step is shorter than lr and depends on the "
                "scale of the loss.",
                varied(ADAGRAD, ("self.total = 0.0", "self.total = 1.0")),
            ),
            Wrong(
                "keeps-the-largest",
                "You keep the largest square. AdaGrad adds them all up.",
                varied(ADAGRAD, ("self.total + g**2", "np.maximum(self.total, g**2)")),
            ),
            Wrong(
                "squares-the-sum",
                "You add the gradients first and square then: opposite ones cancel. Square each "
                "one, then add.",
                varied(ADAGRAD, ("g**2", "g"), ("np.sqrt(self.total)", "np.abs(self.total)")),
            ),
            Wrong(
                "climbs",
                "Your step climbs: it goes along the gradient.",
                varied(ADAGRAD, ("w - self", "w + self")),
            ),
            *bad_manners(
                ADAGRAD,
                "self.total = 0.0",
                SUM,
                (
                    f"return w - self.lr * g / {ROOT}",
                    f"g *= self.lr / {ROOT}\n        return w - g",
                ),
            ),
        ],
        hints=[
            (
                "Between two steps the optimizer remembers one number for each weight. Which? "
                "Make it in `__init__`; a plain 0.0 becomes an array at the first step."
            ),
            (
                "In `step`, first add the square of the gradient to the memory. Then take the root "
                "of the memory: that is what lr · g is divided by."
            ),
            "ε is added to the root, not under it. Return a new array: `w - …`, not `w -= …`.",
        ],
    ),
    Exercise(
        id="rmsprop",
        points=6,
        notebook="08_exercise_per_weight_rates.ipynb",
        signature="RMSprop(lr, rho, eps)",
        reference=RMSPROP,
        properties=[
            Property(
                "first-step",
                "The first step is lr/√(1 − ρ), however large the gradient is.",
                [rms([[2.0]]), rms([[50.0, -0.5]]), rms_fast([[2.0]])],
            ),
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
            _each("RMSprop", "0.1, 0.9, 1e-8"),
            Property(
                "zero-gradient",
                "A weight whose gradient is zero stays where it is.",
                [rms([[0.0]]), rms([[0.0, 1.0], [2.0, 0.0]])],
            ),
            Property(
                "tiny-gradient",
                "A gradient of 0.00001 moves the weight nearly as far as a large one.",
                [rms([[1e-5]])],
            ),
            Property(
                "eps",
                "ε is added to the root.",
                [rms_eps([[1.0]]), rms_eps([[3.0], [4.0]])],
            ),
            *manners("RMSprop", "0.1, 0.9, 1e-8"),
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
                "Your ε stands under the root: there it is as large as a gradient of 0.0001 and "
                "slows small gradients down. It is added to the root.",
                varied(RMSPROP, (V_ROOT, "np.sqrt(self.v + self.eps)")),
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
            Wrong(
                "climbs",
                "Your step climbs: it goes along the gradient.",
                varied(RMSPROP, ("w - self", "w + self")),
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
