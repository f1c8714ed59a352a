"""The triangular policy."""

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, calling, varied

rate = calling("triangular")


def _steps_afterwards(triangular):
    t = np.array([0, 5, 23])
    triangular(t, 0.1, 0.5, 4)
    return t


REFERENCE = """\
def triangular(t, base_lr, max_lr, step_size):
    place = np.asarray(t) % (2 * step_size)
    height = 1 - np.abs(place / step_size - 1)
    return base_lr + (max_lr - base_lr) * height
"""
HEIGHT = "1 - np.abs(place / step_size - 1)"

EXERCISES = [
    Exercise(
        id="triangular",
        points=6,
        notebook="06_exercise_cycles.ipynb",
        signature="triangular(t, base_lr, max_lr, step_size)",
        reference=REFERENCE,
        properties=[
            Property(
                "start",
                "The first update, t = 0, uses base_lr.",
                [rate(0, 0.1, 0.5, 4), rate(0, 0.0, 1.0, 7)],
            ),
            Property(
                "peak",
                "At t = step_size the rate is at its peak, max_lr.",
                [rate(4, 0.1, 0.5, 4), rate(1, 0.1, 0.5, 1)],
            ),
            Property(
                "way-up",
                "On the way up the rate grows by the same amount at every update.",
                [rate(1, 0.1, 0.5, 4), rate(2, 0.1, 0.5, 4), rate(3, 0.1, 0.5, 4)],
            ),
            Property(
                "way-down",
                "On the way down it falls by the same amount at every update.",
                [rate(5, 0.1, 0.5, 4), rate(6, 0.1, 0.5, 4), rate(7, 0.1, 0.5, 4)],
            ),
            Property(
                "back-at-the-base",
                "After two step_sizes the rate is back at base_lr.",
                [rate(8, 0.1, 0.5, 4), rate(14, 0.0, 1.0, 7)],
            ),
            Property(
                "second-cycle",
                "The second cycle is like the first, and so is every later one.",
                [
                    rate(9, 0.1, 0.5, 4),
                    rate(12, 0.1, 0.5, 4),
                    rate(101, 0.1, 0.5, 4),
                    rate(1003, 0.1, 0.5, 4),
                ],
            ),
            Property(
                "array-of-steps",
                "An array of steps gives an array of rates.",
                [rate(np.array([0, 5, 23]), 0.1, 0.5, 4), rate(np.arange(30), 0.0, 1.0, 7)],
            ),
            Property(
                "callers-array",
                "The caller's array of steps is as it was before.",
                [Case("t = [0, 5, 23], looked at after the call", _steps_afterwards)],
            ),
        ],
        bank=[
            Wrong(
                "step-size-is-a-cycle",
                "Your peak is at step_size/2: you read step_size as a whole cycle. It is half of "
                "one, from the base to the peak.",
                """\
def triangular(t, base_lr, max_lr, step_size):
    place = np.asarray(t) % step_size
    height = 1 - np.abs(2 * place / step_size - 1)
    return base_lr + (max_lr - base_lr) * height
""",
            ),
            Wrong(
                "peak-one-late",
                "Your peak comes one update late: t = 0 is the first update, at the base.",
                varied(REFERENCE, ("np.asarray(t) %", "(np.asarray(t) - 1) %")),
            ),
            Wrong(
                "peak-one-early",
                "Your peak comes one update early: t = 0 has not yet climbed.",
                varied(REFERENCE, ("np.asarray(t) %", "(np.asarray(t) + 1) %")),
            ),
            Wrong(
                "starts-at-the-peak",
                "Your cycle begins at its peak. It begins at base_lr and climbs.",
                varied(REFERENCE, (HEIGHT, "np.abs(place / step_size - 1)")),
            ),
            Wrong(
                "sawtooth",
                "Your rate climbs for step_size updates and falls back at once. A triangle comes "
                "down as slowly as it went up.",
                varied(REFERENCE, (HEIGHT, "place % step_size / step_size")),
            ),
            Wrong(
                "slow-sawtooth",
                "Your rate climbs through the whole cycle and falls back at once. The peak is in "
                "the middle.",
                varied(REFERENCE, (HEIGHT, "place / (2 * step_size)")),
            ),
            Wrong(
                "amplitude-is-the-maximum",
                "Your peak is base_lr + max_lr: the height of the triangle is only what is between "
                "the two.",
                varied(REFERENCE, ("(max_lr - base_lr)", "max_lr")),
            ),
            Wrong(
                "whole-quotient",
                "`//` drops the fraction, so the flanks become stairs. Use `/`.",
                varied(REFERENCE, ("place / step_size", "place // step_size")),
            ),
            Wrong(
                "sine-for-a-line",
                "Your flanks are rounded, like a sine. A triangle climbs by the same amount at "
                "every update.",
                varied(REFERENCE, (HEIGHT, "np.sin(np.pi / 2 * place / step_size) ** 2")),
            ),
            Wrong(
                "one-cycle-only",
                "After the first cycle your rate stays at the base. The cycles go on.",
                varied(
                    REFERENCE,
                    ("np.asarray(t) % (2 * step_size)", "np.minimum(t, 2 * step_size)"),
                ),
            ),
            Wrong(
                "peaks-halve",
                "Your second peak is half as high. That is another policy (triangular2); here all "
                "peaks are at max_lr.",
                varied(
                    REFERENCE,
                    ("* height", "* height / 2.0 ** (np.asarray(t) // (2 * step_size))"),
                ),
            ),
            Wrong(
                "base-ignored",
                "Your rate goes down to zero: base_lr is not used.",
                varied(REFERENCE, ("base_lr + (max_lr - base_lr)", "max_lr")),
            ),
            Wrong(
                "stays-at-the-peak",
                "Your rate climbs to the peak and stays there.",
                varied(REFERENCE, (HEIGHT, "np.minimum(np.asarray(t) / step_size, 1)")),
            ),
            Wrong(
                "peaks-fade",
                "Your peaks fade a little with every update. That is another policy (exp_range); "
                "here all peaks are at max_lr.",
                varied(REFERENCE, ("* height", "* height * 0.99 ** np.asarray(t)")),
                right_in="the policy exp_range",
            ),
            Wrong(
                "cosine-for-a-line",
                "Your rate is half a cosine that comes down and begins again at the top: that is a "
                "warm restart. A triangle climbs from its base, in a straight line.",
                varied(
                    REFERENCE,
                    (
                        f"height = {HEIGHT}",
                        "height = (1 + np.cos(np.pi * (place % step_size) / step_size)) / 2",
                    ),
                ),
            ),
            Wrong(
                "starts-at-the-peak",
                "Your rate begins at its peak, comes down in a straight line and jumps up again. "
                "It begins at base_lr and climbs.",
                varied(REFERENCE, (HEIGHT, "1 - place % step_size / step_size")),
            ),
            Wrong(
                "step-size-is-two-cycles",
                "Your cycle is four step_sizes long. step_size is half of one, from the base to "
                "the "
                "peak.",
                varied(
                    REFERENCE,
                    ("2 * step_size)", "4 * step_size)"),
                    (HEIGHT, "1 - np.abs(place / step_size / 2 - 1)"),
                ),
            ),
            Wrong(
                "not-cut-off-below",
                "Between the cycles your rate goes below base_lr: the place in the cycle has to be "
                "found anew in every cycle.",
                varied(REFERENCE, ("np.asarray(t) % (2 * step_size)", "np.asarray(t)")),
            ),
            Wrong(
                "takes-one-step-only",
                "Your function works for one step. `if` cannot decide for a whole array: `np.abs`, "
                "`np.minimum` and `np.where` can.",
                varied(
                    REFERENCE,
                    (
                        f"height = {HEIGHT}",
                        "up = place / step_size\n    height = up if up < 1 else 2 - up",
                    ),
                ),
            ),
            Wrong(
                "changes-the-callers-array",
                "Your function wrote into the caller's array of steps; `t %= …` does that, "
                "`t % …` makes a new one.",
                varied(
                    REFERENCE,
                    (
                        "place = np.asarray(t) % (2 * step_size)",
                        "t %= 2 * step_size\n    place = t",
                    ),
                ),
                told_by="callers-array",
            ),
        ],
        hints=[
            (
                "A cycle is 2 · step_size updates long, and then everything repeats. Which "
                "operator of Python tells you where in its cycle t stands?"
            ),
            (
                "Measure the place in units of step_size: it runs from 0 to 2, and the peak is "
                "at 1. How far from the peak is it, whichever side it is on?"
            ),
            (
                "The height is 1 minus the distance from the peak; `np.abs` gives a distance, for "
                "numbers and arrays. Stretch it to lie between base_lr and max_lr."
            ),
        ],
    )
]
