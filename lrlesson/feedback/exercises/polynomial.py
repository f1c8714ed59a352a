"""Polynomial decay: a schedule that has an end."""

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, calling, varied

rate = calling("polynomial_decay")


def _steps_afterwards(polynomial_decay):
    t = np.array([0, 5, 20])
    polynomial_decay(t, 0.1, 10)
    return t


REFERENCE = """\
def polynomial_decay(t, lr0, T, power=1, lr_end=0):
    gone = np.minimum(t, T) / T
    return lr_end + (lr0 - lr_end) * (1 - gone) ** power
"""
CURVE = "lr_end + (lr0 - lr_end) * (1 - gone) ** power"

EXERCISES = [
    Exercise(
        id="polynomial-decay",
        points=6,
        notebook="04_exercise_decay.ipynb",
        signature="polynomial_decay(t, lr0, T, power=1, lr_end=0)",
        reference=REFERENCE,
        properties=[
            Property(
                "start",
                "The first update, t = 0, uses lr0.",
                [rate(0, 0.1, 100), rate(0, 0.1, 100, 2, 0.02)],
            ),
            Property(
                "straight",
                "With power = 1 the rate falls on a straight line.",
                [rate(1, 0.1, 100), rate(50, 0.1, 100), rate(75, 0.1, 100)],
            ),
            Property(
                "end",
                "At t = T the rate has just arrived at lr_end.",
                [rate(100, 0.1, 100), rate(100, 0.1, 100, 1, 0.02)],
            ),
            Property(
                "last-update",
                "At t = T − 1 it has not yet arrived.",
                [rate(99, 0.1, 100), rate(3, 1.0, 4, 1, 0.2)],
            ),
            Property(
                "power",
                "The share of the way that is left is taken to the power.",
                [rate(50, 0.1, 100, 2), rate(75, 0.1, 100, 0.5), rate(1, 1.0, 4, 3)],
            ),
            Property(
                "final-rate",
                "With lr_end the curve runs from lr0 to lr_end, in the same shape.",
                [rate(50, 0.1, 100, 1, 0.02), rate(95, 0.1, 100, 2, 0.02)],
            ),
            Property(
                "after-the-end",
                "After T the rate stays at lr_end.",
                [
                    rate(101, 0.1, 100),
                    rate(150, 0.1, 100, 2, 0.02),
                    rate(150, 0.1, 100, 0.5, 0.02),
                ],
            ),
            Property(
                "array-of-steps",
                "An array of steps gives an array of rates.",
                [rate(np.array([0, 5, 20]), 1.0, 10), rate(np.arange(30), 1.0, 20, 2, 0.1)],
            ),
            Property(
                "callers-array",
                "The caller's array of steps is as it was before.",
                [Case("t = [0, 5, 20], looked at after the call", _steps_afterwards)],
            ),
        ],
        bank=[
            Wrong(
                "climbs-after-the-end",
                "You go on with the formula after T: an even power climbs again, a root gives nan. "
                "Stop the clock at T.",
                varied(REFERENCE, ("np.minimum(t, T) / T", "np.asarray(t) / T")),
            ),
            Wrong(
                "end-as-a-floor",
                "You cut the curve off at lr_end. It should glide there: the whole way from lr0 "
                "to lr_end, in the same shape.",
                varied(REFERENCE, (CURVE, "np.maximum(lr0 * (1 - gone) ** power, lr_end)")),
            ),
            Wrong(
                "end-added-on-top",
                "You add lr_end to a curve that already starts at lr0, so the first rate is too "
                "large. The way down is lr0 − lr_end long.",
                varied(REFERENCE, ("(lr0 - lr_end)", "lr0")),
            ),
            Wrong(
                "whole-quotient",
                "`//` drops the fraction: t // T is 0 until the end. Use `/`.",
                varied(REFERENCE, (" / T", " // T")),
            ),
            Wrong(
                "ends-one-step-early",
                "You arrive at T − 1. The last update of the way is T − 1, and the end is at T.",
                varied(REFERENCE, ("np.minimum(t, T) / T", "np.minimum(t, T - 1) / (T - 1)")),
            ),
            Wrong(
                "ends-one-step-late",
                "You arrive at T + 1: at t = T there should be nothing left of the way.",
                varied(REFERENCE, ("np.minimum(t, T) / T", "np.minimum(t, T + 1) / (T + 1)")),
            ),
            Wrong(
                "power-of-the-time-gone",
                "You take the time that is over to the power. It is the share that is left, "
                "1 − t/T, that has the power.",
                varied(REFERENCE, ("(1 - gone) ** power", "(1 - gone**power)")),
            ),
            Wrong(
                "multiplies-by-the-power",
                "You multiply by `power`. It is an exponent.",
                varied(REFERENCE, (" ** power", " * power")),
            ),
            Wrong(
                "power-ignored",
                "Your curve is a straight line for every power.",
                varied(REFERENCE, (" ** power", "")),
            ),
            Wrong(
                "end-ignored",
                "Your curve ends at zero, whatever lr_end is.",
                varied(REFERENCE, ("lr_end + (lr0 - lr_end)", "lr0")),
            ),
            Wrong(
                "zero-after-the-end",
                "After T your rate is zero. It should stay where it has arrived, at lr_end.",
                varied(REFERENCE, (CURVE, f"np.where(np.asarray(t) > T, 0, {CURVE})")),
            ),
            Wrong(
                "rate-climbs",
                "Your rate follows the time that is over, so it climbs from lr_end to lr0.",
                varied(REFERENCE, ("(1 - gone)", "gone")),
            ),
            Wrong(
                "cosine-for-a-power",
                "Your curve is half a cosine. Here it is the share that is left, to the power.",
                varied(REFERENCE, ("(1 - gone) ** power", "(1 + np.cos(np.pi * gone)) / 2")),
            ),
            Wrong(
                "holds-the-rate-up",
                "Your rate does not come down to lr_end: there is a smallest rate that nobody "
                "asked for.",
                varied(REFERENCE, (CURVE, f"np.maximum({CURVE}, 1e-3)")),
            ),
            Wrong(
                "end-is-a-factor",
                "You take lr_end for a share of lr0. It is a rate itself.",
                varied(REFERENCE, (CURVE, "lr0 * (lr_end + (1 - lr_end) * (1 - gone) ** power)")),
                right_in="schedules whose end is given as a share",
            ),
            Wrong(
                "starts-again-after-the-end",
                "After T your curve begins again. It should stay at lr_end.",
                varied(REFERENCE, ("np.minimum(t, T) / T", "np.asarray(t) % T / T")),
            ),
            Wrong(
                "starts-again-after-the-end",
                "After T you stretch the decay (TensorFlow's cycle=True). It should stay at "
                "lr_end.",
                varied(
                    REFERENCE,
                    (
                        "np.minimum(t, T) / T",
                        "np.asarray(t) / (T * np.maximum(np.ceil(np.asarray(t) / T), 1))",
                    ),
                ),
                right_in="TensorFlow with cycle=True",
            ),
            Wrong(
                "clock-counts-from-one",
                "Your clock runs one update ahead, as if the first one were t = 1.",
                varied(REFERENCE, ("np.minimum(t, T) / T", "np.minimum(np.asarray(t) + 1, T) / T")),
            ),
            Wrong(
                "last-rate-kept",
                "After T your rate stays at the one before the end: stop the clock at T, where "
                "lr_end is reached.",
                varied(REFERENCE, ("np.minimum(t, T) / T", "np.minimum(t, T - 1) / T")),
            ),
            Wrong(
                "takes-one-step-only",
                "Your function works for one step. `if` cannot decide for a whole array: "
                "`np.minimum` can.",
                varied(REFERENCE, ("gone = np.minimum(t, T) / T", "gone = t / T if t < T else 1")),
            ),
            Wrong(
                "changes-the-callers-array",
                "Your function wrote into the caller's array of steps; make a new one.",
                varied(
                    REFERENCE,
                    (
                        "gone = np.minimum(t, T) / T",
                        "t = np.asarray(t)\n    t[t > T] = T\n    gone = t / T",
                    ),
                ),
                told_by="callers-array",
            ),
        ],
        hints=[
            (
                "Which share of the way is over at update t, and which is left? At t = 0 all of "
                "it is left, at t = T nothing."
            ),
            (
                "The rate is lr_end plus a part of the height lr0 − lr_end. That part is the share "
                "that is left, to the power."
            ),
            (
                "After T the clock must stand still: `np.minimum(t, T)` does that for a number and "
                "for an array. Divide by T, take it from 1, and you have what is left."
            ),
        ],
    )
]
