"""Step decay, and the factor per step of an exponential decay."""

import numpy as np

from lrlesson.feedback.exercises.exercise import (
    Case,
    Exercise,
    Property,
    Wrong,
    calling,
    plain_number,
    same_answers,
)

rate = calling("step_decay")


def _asked_twice(step_decay):
    return np.array([plain_number(step_decay(10, 0.1, 0.5, 10)) for _ in range(2)])


def _out_of_order(step_decay):
    return np.array([plain_number(step_decay(t, 0.1, 0.5, 10)) for t in (10, 20, 10)])[::2]


def _steps_afterwards(step_decay):
    t = np.array([0, 10, 25])
    step_decay(t, 0.1, 0.5, 10)
    return t


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
                "asked-twice",
                "Asked twice for the same step, the answer is the same.",
                [Case("step_decay(10, 0.1, 0.5, 10), asked twice", _asked_twice)],
                holds=same_answers,
            ),
            Property(
                "asked-out-of-order",
                "A step has the same rate, whatever was asked for in between.",
                [Case("step_decay at t = 10, before and after one at t = 20", _out_of_order)],
                holds=same_answers,
            ),
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
                "no-floor",
                "It goes on like that for ever: nothing holds the rate up.",
                [rate(95, 0.1, 0.1, 10), rate(305, 1.0, 0.5, 10)],
            ),
            Property(
                "array-of-steps",
                "An array of steps gives an array of rates.",
                [rate(np.array([0, 10]), 1.0, 0.5, 10), rate(np.arange(30), 1.0, 0.5, 10)],
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
                "decays-the-decayed-rate",
                "Your answer for t = 10 depends on what was asked before it: you remember a rate, "
                "or a step. Compute the rate from t alone and remember nothing.",
                """\
seen = {}

def step_decay(t, lr0, drop, every):
    last, rate = seen.get((lr0, drop, every), (0, lr0))
    drops = int(t) // every
    if drops > last:
        last, rate = drops, rate * drop
    seen[lr0, drop, every] = last, rate
    return rate
""",
                told_by="asked-out-of-order",
            ),
            Wrong(
                "expects-the-last-rate",
                "This is a function for Keras' scheduler, which hands it the last rate to change. "
                "Here lr0 is always the first rate: say how often it has dropped by now.",
                """\
def step_decay(t, lr0, drop, every):
    t = np.asarray(t)
    return np.where((t % every == 0) & (t > 0), lr0 * drop, lr0)
""",
                right_in="Keras",
            ),
            Wrong(
                "expects-the-last-rate",
                "This is a function for Keras' scheduler, which hands it the last rate to change, "
                "and it changes it at t = 0 as well. Here lr0 is always the first rate: say how "
                "often it has dropped by now.",
                """\
def step_decay(t, lr0, drop, every):
    return np.where(np.asarray(t) % every == 0, lr0 * drop, lr0)
""",
                right_in="Keras",
            ),
            Wrong(
                "expects-the-last-rate",
                "You multiply the rate you are given by `drop`, once, at every step. Here lr0 is "
                "always the first rate: say how often it has dropped by now.",
                "def step_decay(t, lr0, drop, every):\n"
                "    return lr0 * drop + 0.0 * np.asarray(t)\n",
            ),
            Wrong(
                "holds-the-rate-up",
                "Your rate stops falling: there is a smallest rate, or a largest number of drops, "
                "that nobody asked for.",
                """\
def step_decay(t, lr0, drop, every):
    return np.maximum(lr0 * drop ** (np.asarray(t) // every), 1e-6)
""",
                told_by="no-floor",
            ),
            Wrong(
                "remainder-for-quotient",
                "`%` gives what is left of the interval; how many intervals are over is `//`.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (np.asarray(t) % every)
""",
            ),
            Wrong(
                "another-schedule",
                "Your rate is divided by 1 + drop·t: that is inverse-time decay, another schedule.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 / (1 + drop * np.asarray(t))
""",
            ),
            Wrong(
                "another-schedule",
                "Your rate is divided by 1 + drop·⌊t/every⌋: that is inverse-time decay in stairs. "
                "Here every drop multiplies.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 / (1 + drop * (np.asarray(t) // every))
""",
            ),
            Wrong(
                "another-schedule",
                "Your rate falls as exp(−drop·t): that is exponential decay, another schedule.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * np.exp(-drop * np.asarray(t))
""",
            ),
            Wrong(
                "another-schedule",
                "Your rate falls as exp(−drop·⌊t/every⌋). The stairs are right; `drop` is the "
                "factor itself.",
                """\
def step_decay(t, lr0, drop, every):
    return lr0 * np.exp(-drop * (np.asarray(t) // every))
""",
            ),
            Wrong(
                "drops-one-step-early",
                "You drop one step early: t = 9 is still the tenth update at the old rate. "
                "(Recipes with 1 + epoch count from 1; here t counts from 0.)",
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
]
