"""Adam."""

from lrlesson.feedback.exercises.exercise import Exercise, Property, Wrong, varied
from lrlesson.feedback.exercises.walking import MIXED, bad_manners, manners, walking

SETTINGS = "0.1, 0.9, 0.999, 1e-8"
adam = walking("Adam", SETTINGS)
quick = walking("Adam", "0.1, 0.5, 0.75, 1e-8")
forgetful = walking("Adam", "0.1, 0.75, 0.4, 1e-8")
with_eps = walking("Adam", "0.1, 0.5, 0.75, 1.0")
FIRST, ANYWHERE, AFTER = manners("Adam", SETTINGS)

REFERENCE = """\
class Adam:
    def __init__(self, lr, beta1, beta2, eps):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m, self.v, self.t = 0.0, 0.0, 0

    def step(self, w, g):
        self.t = self.t + 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m_hat = self.m / (1 - self.beta1**self.t)
        v_hat = self.v / (1 - self.beta2**self.t)
        return w - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
"""
COUNT = "self.t = self.t + 1"
MEAN = "self.m = self.beta1 * self.m + (1 - self.beta1) * g\n"
SQUARES = "self.v = self.beta2 * self.v + (1 - self.beta2) * g**2"
M_HAT = "m_hat = self.m / (1 - self.beta1**self.t)"
V_HAT = "v_hat = self.v / (1 - self.beta2**self.t)"
ROOT = "(np.sqrt(v_hat) + self.eps)"

EXERCISES = [
    Exercise(
        id="adam",
        points=9,
        notebook="09_exercise_adam.ipynb",
        signature="Adam(lr, beta1, beta2, eps)",
        reference=REFERENCE,
        properties=[
            FIRST,
            Property(
                "first-step",
                "The first step moves every weight by lr against its gradient, large or small.",
                [adam([[0.001]]), adam([[50.0, -0.001]]), quick([[2.0]])],
            ),
            ANYWHERE,
            Property(
                "equal-gradients",
                "With equal gradients every step is lr.",
                [adam([[3.0]], times=2), adam([[3.0, -0.2]], times=6)],
            ),
            Property(
                "mixed-gradients",
                "Both averages fade, each by its own β, and both are corrected for their start.",
                [
                    quick([[3.0], [4.0]]),
                    adam([[1.0], [-1.0]]),
                    adam(MIXED),
                    quick(MIXED),
                    forgetful(MIXED),
                ],
            ),
            Property(
                "one-gradient-alone",
                "What one weight's gradient was is nothing to the others.",
                [adam([[1.0, 0.1], [0.0, 0.1]])],
            ),
            Property(
                "tiny-gradient",
                "A gradient of 0.00001 moves the weight by nearly lr as well: ε is smaller still.",
                [adam([[1e-5]]), adam([[1e-7]])],
            ),
            Property(
                "eps",
                "ε is added to the corrected root.",
                [with_eps([[1.0]]), with_eps([[3.0], [4.0]])],
            ),
            Property(
                "zero-gradient",
                "A weight whose gradient is zero stays where it is.",
                [adam([[0.0]]), adam([[0.0, 1.0]])],
            ),
            *AFTER,
        ],
        bank=[
            Wrong(
                "no-correction",
                "Your first step is 3.16 times too long: the averages begin at zero, that of the "
                "squares recovers more slowly, and nothing corrects for it.",
                varied(REFERENCE, (M_HAT, "m_hat = self.m"), (V_HAT, "v_hat = self.v")),
            ),
            Wrong(
                "only-m-corrected",
                "You correct the average of the gradients only. That of the squares begins at zero "
                "as well, so you divide by too little.",
                varied(REFERENCE, (V_HAT, "v_hat = self.v")),
            ),
            Wrong(
                "only-v-corrected",
                "You correct the average of the squares only. That of the gradients begins at zero "
                "as well, so your first steps are too short.",
                varied(REFERENCE, (M_HAT, "m_hat = self.m")),
            ),
            Wrong(
                "eps-inside-the-root",
                "Your ε stands under the root: there it is as large as a gradient of 0.0001 and "
                "slows small gradients down. It is added to the root.",
                varied(REFERENCE, (ROOT, "np.sqrt(v_hat + self.eps)")),
            ),
            Wrong(
                "betas-swapped",
                "β₁ and β₂ have changed places. Equal gradients cannot reveal it, only mixed ones: "
                "β₁ belongs to the gradients, β₂ to their squares.",
                varied(
                    REFERENCE,
                    (
                        "self.lr, self.beta1, self.beta2, self.eps",
                        "self.lr, self.beta2, self.beta1, self.eps",
                    ),
                ),
            ),
            Wrong(
                "counts-from-zero",
                "Your first step has t = 0, so the correction divides by 1 − β⁰ = 0. Count first, "
                "then use t.",
                varied(
                    REFERENCE,
                    (f"{COUNT}\n        ", ""),
                    (
                        f"return w - self.lr * m_hat / {ROOT}",
                        f"w = w - self.lr * m_hat / {ROOT}\n        {COUNT}\n        return w",
                    ),
                ),
            ),
            Wrong(
                "counts-from-two",
                "Your first step has t = 2: either start at 0 and count, or start at 1.",
                varied(REFERENCE, ("0.0, 0.0, 0\n", "0.0, 0.0, 1\n")),
            ),
            Wrong(
                "always-the-first-step",
                "Every step of yours has t = 1: keep the count in `self` and do not begin anew in "
                "`step`.",
                varied(REFERENCE, (COUNT, "self.t = 1")),
            ),
            Wrong(
                "averages-the-gradient",
                "Your second average is of the gradient, not of its square: with gradients of "
                "changing sign you divide by nearly nothing.",
                varied(REFERENCE, ("g**2", "g"), ("np.sqrt(v_hat)", "np.abs(v_hat)")),
            ),
            Wrong(
                "no-first-average",
                "You step along this gradient, not along the average: the momentum is missing.",
                varied(REFERENCE, (M_HAT, "m_hat = g")),
            ),
            Wrong(
                "corrected-is-kept",
                "You store the corrected average, and the next step averages it again. The "
                "correction is for this step only.",
                varied(
                    REFERENCE,
                    (M_HAT, f"self.{M_HAT.replace('m_hat', 'm')}\n        m_hat = self.m"),
                ),
            ),
            Wrong(
                "eps-on-the-raw-root",
                "Keras' formula, and that of the paper's faster form: ε is added to the root "
                "before "
                "it is corrected, so that it counts for more in the first steps. Here it stands "
                "beside the corrected root.",
                varied(
                    REFERENCE,
                    (f"{V_HAT}\n", "scale = np.sqrt(1 - self.beta2**self.t)\n"),
                    (f"m_hat / {ROOT}", "m_hat * scale / (np.sqrt(self.v) + self.eps)"),
                ),
                right_in="Keras and TensorFlow",
            ),
            Wrong(
                "eps-on-the-raw-root",
                "You correct the rate, as Keras does, and put ε under the root of the uncorrected "
                "average. Here it stands beside the corrected root.",
                varied(
                    REFERENCE,
                    (f"{V_HAT}\n", "scale = np.sqrt(1 - self.beta2**self.t)\n"),
                    (f"m_hat / {ROOT}", "m_hat * scale / np.sqrt(self.v + self.eps)"),
                ),
            ),
            Wrong(
                "corrected-is-kept",
                "You store both corrected averages, and the next step averages them again. The "
                "correction is for this step only.",
                varied(
                    REFERENCE,
                    (M_HAT, "m_hat = self.m = self.m / (1 - self.beta1**self.t)"),
                    (V_HAT, "v_hat = self.v = self.v / (1 - self.beta2**self.t)"),
                ),
            ),
            Wrong(
                "corrected-is-kept",
                "You store the corrected average of the squares, and the next step averages it "
                "again. The correction is for this step only.",
                varied(REFERENCE, (V_HAT, "v_hat = self.v = self.v / (1 - self.beta2**self.t)")),
            ),
            Wrong(
                "share-missing",
                "The new gradient enters its average with the weight 1. Its weight is 1 − β₁.",
                varied(REFERENCE, ("(1 - self.beta1) * g\n", "g\n")),
            ),
            Wrong(
                "share-missing",
                "The new square enters its average with the weight 1. Its weight is 1 − β₂.",
                varied(REFERENCE, ("(1 - self.beta2) * g**2", "g**2")),
            ),
            Wrong(
                "old-average-counts-twice",
                "With `+=` the old averages are in the sums twice: `=` is enough, since the new "
                "line holds β of them already.",
                varied(
                    REFERENCE,
                    ("self.m = self.beta1 * self.m", "self.m = self.m + self.beta1 * self.m"),
                    ("self.v = self.beta2 * self.v", "self.v = self.v + self.beta2 * self.v"),
                ),
            ),
            Wrong(
                "one-beta-for-both",
                "Both of your averages fade with β₁. The squares have a share of their own, β₂.",
                varied(
                    REFERENCE,
                    (SQUARES, SQUARES.replace("beta2", "beta1")),
                    (V_HAT, V_HAT.replace("beta2", "beta1")),
                ),
            ),
            Wrong(
                "one-beta-for-both",
                "Both of your corrections use β₁. The average of the squares fades with β₂.",
                varied(REFERENCE, (V_HAT, V_HAT.replace("beta2", "beta1"))),
            ),
            Wrong(
                "eps-outside-the-fraction",
                "Your ε stands outside of the fraction: a bracket is missing around the root plus "
                "ε.",
                varied(REFERENCE, (f"m_hat / {ROOT}", "m_hat / np.sqrt(v_hat) + self.eps")),
            ),
            Wrong(
                "keeps-the-largest",
                "You divide by the largest average that there was. That is AMSGrad; Adam uses the "
                "average of now.",
                varied(
                    REFERENCE,
                    ("0.0, 0.0, 0\n", "0.0, 0.0, 0\n        self.top = 0.0\n"),
                    (V_HAT, f"{V_HAT}\n        v_hat = self.top = np.maximum(self.top, v_hat)"),
                ),
                right_in="AMSGrad",
            ),
            Wrong(
                "rate-falls-with-the-count",
                "You divide the rate by √t. The proof in Adam's paper does; the rule does not.",
                varied(REFERENCE, ("self.lr * m_hat", "self.lr / np.sqrt(self.t) * m_hat")),
            ),
            Wrong(
                "no-rule-yet",
                "This is momentum alone: nothing divides by the root of the squares.",
                varied(REFERENCE, (f" / {ROOT}", "")),
            ),
            Wrong(
                "beta-times-t",
                "Your correction has β times t. After t steps the start still has the weight β "
                "to the power t.",
                varied(
                    REFERENCE,
                    ("self.beta1**self.t", "self.beta1 * self.t"),
                    ("self.beta2**self.t", "self.beta2 * self.t"),
                ),
            ),
            Wrong(
                "no-root",
                "You divide by the average square and not by its root.",
                varied(REFERENCE, (ROOT, "(v_hat + self.eps)")),
            ),
            Wrong(
                "one-number-for-all-weights",
                "You keep one average of squares for all weights: each has its own.",
                varied(REFERENCE, ("g**2", "np.mean(g**2)")),
            ),
            Wrong(
                "no-eps",
                "A gradient of zero makes zero divided by zero: ε is there to prevent that.",
                varied(REFERENCE, (ROOT, "np.sqrt(v_hat)")),
            ),
            *bad_manners(
                REFERENCE,
                "self.m, self.v, self.t = 0.0, 0.0, 0",
                MEAN,
                (SQUARES, f"g **= 2\n        {SQUARES.replace('g**2', 'g')}"),
            ),
        ],
        hints=[
            (
                "Three things are remembered between steps: the average of the gradients, the "
                "average of their squares, and how many steps there were. All begin at zero."
            ),
            (
                "In `step`: count, update both averages, correct both, then move. The correction "
                "divides by 1 − β to the power t, and its result is not stored."
            ),
            (
                "With m_hat and v_hat corrected, the step is lr · m_hat divided by (the root of "
                "v_hat, plus ε). For t = 1 that is lr times the sign of g: check it by hand."
            ),
        ],
    )
]
