"""Step decay, and the factor per step of an exponential decay."""

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, calling, varied

rate = calling("step_decay")
factor = calling("gamma_for")


def _asked_twice(step_decay):
    first, second = (step_decay(10, 0.1, 0.5, 10) for _ in range(2))
    return second / first


def _out_of_order(step_decay):
    late, early = (step_decay(t, 0.1, 0.5, 10) for t in (20, 10))
    return early / late


def _steps_afterwards(step_decay):
    t = np.array([0, 10, 25])
    step_decay(t, 0.1, 0.5, 10)
    return t


GAMMA = """\
def gamma_for(final, epochs, steps_per_epoch):
    return final ** (1 / (epochs * steps_per_epoch))
"""


def _gamma(expression: str) -> str:
    return varied(GAMMA, ("final ** (1 / (epochs * steps_per_epoch))", expression))


def after(updates: int, final: float, epochs: int, steps: int) -> Case:
    """What so many updates at the factor leave of the rate."""
    case = factor(final, epochs, steps)
    return Case(f"{case.text} ** {updates}", lambda gamma_for: case.run(gamma_for) ** updates)


EXERCISES = [
    Exercise(
        id="step-decay",
        points=6,
        notebook="04_exercise_decay.ipynb",
        signature="step_decay(t, lr0, drop, every)",
        reference="""\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (np.asarray(t) // every)
""",
        properties=[
            Property(
                "start",
                "The first update, t = 0, uses lr0.",
                [rate(0, 0.1, 0.5, 10), rate(0, 2.0, 0.1, 3)],
            ),
            Property(
                "flat-before-the-drop",
                "Before the first drop the rate does not change.",
                [rate(1, 0.1, 0.5, 10), rate(4, 0.1, 0.5, 10), rate(9, 0.1, 0.5, 10)],
            ),
            Property(
                "first-drop",
                "At t = every the rate has dropped, once.",
                [rate(10, 0.1, 0.5, 10), rate(3, 0.1, 0.5, 3)],
            ),
            Property(
                "flat-between-drops",
                "Between two drops the rate does not change.",
                [rate(11, 0.1, 0.5, 10), rate(17, 0.1, 0.5, 10), rate(19, 0.1, 0.5, 10)],
            ),
            Property(
                "later-drops",
                "Every drop multiplies the rate that was there before it.",
                [rate(20, 0.1, 0.5, 10), rate(25, 0.1, 0.5, 10), rate(70, 0.1, 0.5, 10)],
            ),
            Property(
                "drop-is-kept-share",
                "`drop` is the share that is kept: drop = 0.1 leaves 10 %, drop = 1 leaves all.",
                [rate(10, 1.0, 0.1, 10), rate(20, 1.0, 0.1, 10), rate(10, 1.0, 1.0, 10)],
            ),
            Property(
                "every-step",
                "With every = 1 the rate drops at every step.",
                [rate(1, 1.0, 0.5, 1), rate(3, 1.0, 0.5, 1)],
            ),
            Property(
                "array-of-steps",
                "An array of steps gives an array of rates.",
                [rate(np.array([0, 10]), 1.0, 0.5, 10), rate(np.arange(30), 1.0, 0.5, 10)],
            ),
            Property(
                "asked-twice",
                "Asked twice for the same step, the answer is the same.",
                [Case("step_decay(10, 0.1, 0.5, 10), second answer / first answer", _asked_twice)],
            ),
            Property(
                "asked-out-of-order",
                "An earlier step may be asked for after a later one.",
                [
                    Case(
                        "step_decay at t = 20, then at t = 10, second answer / first answer",
                        _out_of_order,
                    )
                ],
            ),
            Property(
                "callers-array",
                "The caller's array of steps is as it was before.",
                [Case("t = [0, 10, 25], looked at after the call", _steps_afterwards)],
            ),
        ],
        bank=[
            Wrong(
                "decays-the-decayed-rate",
                "Asking for t = 10 twice gave two answers: you decayed the decayed rate. Compute "
                "the rate from t alone and remember nothing.",
                """\
current = {}

def step_decay(t, lr0, drop, every):
    t = int(t)
    rate = current.get((lr0, drop, every), lr0)
    if t > 0 and t % every == 0:
        rate = rate * drop
    current[lr0, drop, every] = rate
    return rate
""",
                told_by="asked-twice",
            ),
            Wrong(
                "drops-one-step-early",
                "You drop one step early: t = 9 is still the tenth update at the old rate.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** ((np.asarray(t) + 1) // every)
""",
            ),
            Wrong(
                "drops-one-step-late",
                "You drop one step late, and t = 0 counts as a whole interval below zero.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** ((np.asarray(t) - 1.0) // every)
""",
            ),
            Wrong(
                "drops-one-step-late",
                "You drop one step late: at t = every the new rate is used already.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** np.maximum((np.asarray(t) - 1) // every, 0)
""",
            ),
            Wrong(
                "decays-continuously",
                "Your rate falls a little at every step: this is exponential decay. Count whole "
                "intervals only.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (np.asarray(t) / every)
""",
            ),
            Wrong(
                "subtracts-the-drop",
                "You take away a share of lr0 at each drop. A drop multiplies the rate that is "
                "there, so it never goes below zero.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 - lr0 * (1 - drop) * (np.asarray(t) // every)
""",
            ),
            Wrong(
                "subtracts-the-drop",
                "You subtract `drop` itself. It is a factor, not an amount.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 - drop * (np.asarray(t) // every)
""",
            ),
            Wrong(
                "drops-only-once",
                "Your rate drops the first time and never again: look at t = 2·every.",
                """\
def step_decay(t, lr0, drop, every):
    return np.where(np.asarray(t) >= every, lr0 * drop, lr0)
""",
            ),
            Wrong(
                "drop-is-removed-share",
                "You read `drop` as the share that is taken away. It is the share that is kept: "
                "drop = 0.1 leaves 10 %.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * (1 - drop) ** (np.asarray(t) // every)
""",
            ),
            Wrong(
                "rounds-the-interval",
                "You round t/every to the nearest whole number, so the drop comes in the middle "
                "of the interval.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** np.round(np.asarray(t) / every)
""",
            ),
            Wrong(
                "drops-at-the-start",
                "You round t/every up, so the first drop comes right after t = 0.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** np.ceil(np.asarray(t) / every)
""",
            ),
            Wrong(
                "drops-at-the-start",
                "Your rate is dropped at t = 0 already: the first interval uses lr0.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (np.asarray(t) // every + 1)
""",
            ),
            Wrong(
                "takes-one-step-only",
                "Your function works for one step and not for an array of them. NumPy's `//` and "
                "`**` take both; `int`, `math.floor`, `range` and `while` do not.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** int(t / every)
""",
            ),
            Wrong(
                "recovers-after-the-drop",
                "Your rate drops for one single step and is lr0 again at the next.",
                """\
def step_decay(t, lr0, drop, every):
    t = np.asarray(t)
    return np.where((t % every == 0) & (t > 0), lr0 * drop ** (t // every), lr0)
""",
            ),
            Wrong(
                "epoch-factor-per-step",
                "You apply the factor at every step; it is meant once per `every` steps.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (1.0 * np.asarray(t))
""",
            ),
            Wrong(
                "multiplies-by-the-count",
                "You multiply by the number of drops. Each drop multiplies once more, so the "
                "number of drops is an exponent.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop * (np.asarray(t) // every)
""",
            ),
            Wrong(
                "never-decays",
                "Your rate is lr0 at every step: t has to decide how often it has dropped.",
                """\
def step_decay(t, lr0, drop, every):
    return np.full(np.shape(t), float(lr0))
""",
            ),
            Wrong(
                "never-decays",
                "Your rate is lr0 whatever t is: t has to decide how often it has dropped.",
                "def step_decay(t, lr0, drop, every):\n    return lr0\n",
            ),
            Wrong(
                "rate-grows",
                "Your rate grows: you divide by `drop` where it multiplies.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 / drop ** (np.asarray(t) // every)
""",
            ),
            Wrong(
                "interval-hard-coded",
                "Your interval is 10 whatever `every` says.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (np.asarray(t) // 10)
""",
            ),
            Wrong(
                "rates-stay-integers",
                "Your array of rates holds integers, since it was made like the array of steps; "
                "every rate below 1 became 0.",
                """\
def step_decay(t, lr0, drop, every):
    if np.ndim(t) == 0:
        return lr0 * drop ** (t // every)
    rates = np.zeros_like(t)
    for i, k in enumerate(t):
        rates[i] = lr0 * drop ** (k // every)
    return rates
""",
            ),
            Wrong(
                "changes-the-callers-array",
                "Your function wrote into the caller's array of steps; `t //= every` does that, "
                "`t // every` makes a new one.",
                """\
def step_decay(t, lr0, drop, every):
    t //= every
    return lr0 * drop**t
""",
                told_by="callers-array",
            ),
        ],
        hints=[
            (
                "How many drops have happened before update t? At t = 9 none, at t = 10 one, at "
                "t = 25 two. Find that number first."
            ),
            (
                "The number of drops is a whole number, and it is the exponent of `drop`. Which "
                "operator of Python gives whole quotients?"
            ),
            (
                "`t // every` counts the drops, for one step and for an array of them. What is "
                "left is a product of lr0 and a power."
            ),
        ],
    ),
    Exercise(
        id="gamma-for",
        points=3,
        notebook="04_exercise_decay.ipynb",
        signature="gamma_for(final, epochs, steps_per_epoch)",
        reference=GAMMA,
        properties=[
            Property(
                "one-update",
                "One epoch of one update: the factor is the share that is left.",
                [factor(0.5, 1, 1)],
            ),
            Property(
                "one-epoch",
                "In one epoch all its updates together leave `final` of the rate.",
                [factor(0.25, 1, 2), after(10, 0.5, 1, 10)],
            ),
            Property(
                "all-updates",
                "All updates of all epochs together leave `final` of the rate.",
                [factor(0.25, 2, 1), factor(0.0625, 2, 2), after(420, 0.01, 10, 42)],
            ),
            Property(
                "half-way",
                "Half of the updates leave the root of `final`.",
                [after(210, 0.01, 10, 42)],
            ),
            Property(
                "nothing-to-decay",
                "With final = 1 the rate stays as it is.",
                [factor(1.0, 3, 5)],
            ),
        ],
        bank=[
            Wrong(
                "epoch-factor-per-step",
                "After one epoch you are already where the whole run should end: this is the "
                "factor per epoch, and it acts at every update.",
                _gamma("final ** (1 / epochs)"),
            ),
            Wrong(
                "linear-share",
                "You take away the same amount at every update. Factors multiply: T of them leave "
                "γᵀ.",
                _gamma("1 - (1 - final) / (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "counts-the-gaps",
                "You count one update too few: each of the T updates multiplies once, so the whole "
                "run leaves γᵀ.",
                _gamma("final ** (1 / (epochs * steps_per_epoch - 1))"),
            ),
            Wrong(
                "counts-one-too-many",
                "You count one update too many: the whole run leaves γᵀ.",
                _gamma("final ** (1 / (epochs * steps_per_epoch + 1))"),
            ),
            Wrong(
                "factor-is-divided",
                "You divide the factor per epoch by the steps. Factors multiply, so it takes a "
                "root.",
                _gamma("final ** (1 / epochs) / steps_per_epoch"),
            ),
            Wrong(
                "final-is-divided",
                "You divide the share by the number of updates. It takes a root: γᵀ is the share.",
                _gamma("final / (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "exponent-upside-down",
                "You take the share to the power T. The factor to the power T is the share.",
                _gamma("final ** (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "epochs-left-out",
                "Your factor reaches the share after one epoch: epochs is not used.",
                _gamma("final ** (1 / steps_per_epoch)"),
            ),
            Wrong(
                "final-is-what-is-lost",
                "`final` is the share that is left, not the share that is lost.",
                _gamma("(1 - final) ** (1 / (epochs * steps_per_epoch))"),
            ),
            Wrong(
                "one-over-e",
                "Your factor leaves 1/e in the end, whatever `final` is.",
                _gamma("np.exp(-1 / (epochs * steps_per_epoch))"),
            ),
            Wrong(
                "straight-near-one",
                "1 + log(final)/T is near the factor while T is large. The exact one is as short.",
                _gamma("1 + np.log(final) / (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "rounded-off",
                "You round the factor. It is near 1 and multiplies hundreds of times, so its third "
                "and fourth places matter.",
                _gamma("round(final ** (1 / (epochs * steps_per_epoch)), 2)"),
            ),
        ],
        hints=[
            "How many updates are there in the whole run? Call that number T.",
            (
                "The rate is multiplied by the factor at each of them, so in the end the factor "
                "has been multiplied with itself T times, and that should be `final`."
            ),
            "γᵀ = final, so γ is the T-th root of it, which is a power with the exponent 1/T.",
        ],
        rtol=1e-4,
    ),
]
