"""X9, AdaGrad: a rate for every weight."""

from lrlesson.feedback.exercises.exercise import Exercise, Property, Wrong, varied
from lrlesson.feedback.exercises.walking import bad_manners, each_weight, manners, walking

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
ADA_FIRST, ADA_ANYWHERE, ADA_AFTER = manners("AdaGrad", "0.1, 1e-8")

EXERCISES = [
    Exercise(
        id="adagrad",
        points=7,
        notebook="08_exercise_per_weight_rates.ipynb",
        signature="AdaGrad(lr, eps)",
        reference=ADAGRAD,
        properties=[
            ADA_FIRST,
            Property(
                "first-step",
                "The first step moves every weight by lr against its gradient, however large that "
                "is.",
                [ada([[2.0]]), ada([[50.0, -0.5]])],
            ),
            ADA_ANYWHERE,
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
            each_weight("AdaGrad", "0.1, 1e-8"),
            Property(
                "zero-gradient",
                "A weight whose gradient is zero stays where it is.",
                [ada([[0.0]]), ada([[0.0, 1.0], [2.0, 0.0]])],
            ),
            Property(
                "tiny-gradient",
                "A gradient of 0.00001 moves the weight by nearly lr as well: ε is smaller still.",
                [ada([[1e-5]]), ada([[1e-7]])],
            ),
            Property(
                "eps",
                "ε is added to the root.",
                [ada_eps([[1.0]]), ada_eps([[3.0], [4.0]])],
            ),
            *ADA_AFTER,
        ],
        bank=[
            Wrong(
                "eps-inside-the-root",
                "ε under the root is the formula of Keras and of some textbooks. There it is as "
                "large as a gradient of 0.0001 and slows small gradients down; here it is added to "
                "the root.",
                varied(ADAGRAD, (ROOT, "np.sqrt(self.total + self.eps)")),
                right_in="Keras",
            ),
            Wrong(
                "starts-at-a-tenth",
                "Keras' formula: the sum of squares begins at 0.1, so that the first steps are not "
                "so long. Here it begins at 0.",
                varied(ADAGRAD, ("self.total = 0.0", "self.total = 0.1")),
                right_in="Keras",
            ),
            Wrong(
                "starts-at-a-tenth",
                "Keras' formula, with 0.1 in the sum at the start and ε under the root. Here the "
                "sum begins at 0, and ε is added to the root.",
                varied(
                    ADAGRAD,
                    ("self.total = 0.0", "self.total = 0.1"),
                    (ROOT, "np.sqrt(self.total + self.eps)"),
                ),
                right_in="Keras",
            ),
            Wrong(
                "eps-outside-the-fraction",
                "Your ε is added to the quotient: a bracket is missing around the root plus ε.",
                varied(
                    ADAGRAD,
                    (f"g / {ROOT}", "(g / np.sqrt(self.total) + self.eps)"),
                ),
            ),
            Wrong(
                "eps-outside-the-fraction",
                "Your ε stands outside of the fraction: a bracket is missing around the root plus "
                "ε.",
                varied(ADAGRAD, (f"g / {ROOT}", "g / np.sqrt(self.total) + self.eps")),
            ),
            Wrong(
                "forgets-what-adagrad-keeps",
                "Your sum fades: this is RMSprop. AdaGrad adds up all squares and forgets none.",
                varied(ADAGRAD, (SUM, "self.total = 0.9 * self.total + 0.1 * g**2")),
            ),
            Wrong(
                "multiplies-by-the-root",
                "You multiply by the root. A weight with large gradients needs a small rate: "
                "divide.",
                varied(ADAGRAD, (f"g / {ROOT}", f"g * {ROOT}")),
            ),
            Wrong(
                "no-rule-yet",
                "This is plain gradient descent: the memory is not used in the step.",
                varied(ADAGRAD, (f" / {ROOT}", "")),
            ),
            Wrong(
                "rate-falls-with-the-count",
                "You divide the rate by the root of the number of steps as well. AdaGrad's sum "
                "does that already.",
                varied(
                    ADAGRAD,
                    ("self.total = 0.0", "self.total, self.k = 0.0, 0"),
                    (SUM, f"{SUM}\n        self.k += 1"),
                    (ROOT, f"{ROOT} / np.sqrt(self.k)"),
                ),
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
]
