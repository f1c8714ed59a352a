"""A warmup that joins a cosine."""

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, calling, varied

rate = calling("warmup_cosine")


def _steps_afterwards(warmup_cosine):
    t = np.array([0, 5, 40])
    warmup_cosine(t, 0.1, 4, 20)
    return t


REFERENCE = """\
def warmup_cosine(t, lr0, warmup, T, lr_end=0):
    t = np.asarray(t)
    ramp = lr0 * (t + 1) / max(warmup, 1)
    done = np.clip((t - warmup) / (T - warmup), 0, 1)
    glide = lr_end + (lr0 - lr_end) * (1 + np.cos(np.pi * done)) / 2
    return np.where(t < warmup, ramp, glide)
"""
DONE = "np.clip((t - warmup) / (T - warmup), 0, 1)"
GLIDE = "lr_end + (lr0 - lr_end) * (1 + np.cos(np.pi * done)) / 2"

EXERCISES = [
    Exercise(
        id="warmup-cosine",
        points=6,
        notebook="07_exercise_warmup.ipynb",
        signature="warmup_cosine(t, lr0, warmup, T, lr_end=0)",
        reference=REFERENCE,
        properties=[
            Property(
                "first-update",
                "The first update already uses a share of lr0, one of `warmup` equal ones.",
                [rate(0, 0.1, 4, 20), rate(0, 1.0, 1, 10)],
            ),
            Property(
                "ramp",
                "In the warmup the rate grows by the same amount at every update.",
                [rate(1, 0.1, 4, 20), rate(2, 0.1, 4, 20)],
            ),
            Property(
                "end-of-the-ramp",
                "The last update of the warmup, t = warmup − 1, uses lr0.",
                [rate(3, 0.1, 4, 20), rate(3, 0.1, 4, 20, 0.02)],
            ),
            Property(
                "joint",
                "The decay begins at t = warmup, with lr0: no jump, and nothing above it.",
                [rate(4, 0.1, 4, 20), rate(5, 0.1, 4, 20)],
            ),
            Property(
                "decay",
                "The decay is half a cosine over the T − warmup updates after the warmup.",
                [rate(12, 0.1, 4, 20), rate(8, 0.1, 4, 20), rate(17, 0.1, 4, 20)],
            ),
            Property(
                "end",
                "At t = T the rate is lr_end.",
                [rate(20, 0.1, 4, 20), rate(20, 0.1, 4, 20, 0.02), rate(19, 0.1, 4, 20, 0.02)],
            ),
            Property(
                "final-rate",
                "With lr_end the decay runs from lr0 to lr_end, in the same shape.",
                [rate(12, 0.1, 4, 20, 0.02), rate(18, 0.1, 4, 20, 0.02)],
            ),
            Property(
                "after-the-end",
                "After T the rate stays where it is.",
                [rate(21, 0.1, 4, 20), rate(30, 0.1, 4, 20, 0.02)],
            ),
            Property(
                "no-warmup",
                "With warmup = 0 the decay begins at once.",
                [rate(0, 0.1, 0, 20), rate(5, 0.1, 0, 20)],
            ),
            Property(
                "array-of-steps",
                "An array of steps gives an array of rates.",
                [rate(np.array([0, 5, 40]), 0.1, 4, 20), rate(np.arange(30), 1.0, 5, 22, 0.1)],
            ),
            Property(
                "callers-array",
                "The caller's array of steps is as it was before.",
                [Case("t = [0, 5, 40], looked at after the call", _steps_afterwards)],
            ),
        ],
        bank=[
            Wrong(
                "first-step-wasted",
                "This is the ramp of Hugging Face's transformers: its first rate is zero, so one "
                "update is wasted. Here the ramp has its first share at t = 0 already.",
                varied(REFERENCE, ("(t + 1)", "t")),
                right_in="transformers",
            ),
            Wrong(
                "ramp-never-arrives",
                "Your ramp has warmup + 1 shares, so that its last update stays below lr0.",
                varied(REFERENCE, ("max(warmup, 1)", "(warmup + 1)")),
                right_in="nanoGPT",
            ),
            Wrong(
                "first-step-wasted",
                "Your ramp begins at zero and arrives at lr0 in warmup − 1 steps. At t = 0 it has "
                "its first share already, one of warmup.",
                varied(REFERENCE, ("(t + 1) / max(warmup, 1)", "t / max(warmup - 1, 1)")),
            ),
            Wrong(
                "ramp-starts-at-the-end-rate",
                "Your ramp begins at lr_end. It has equal shares of lr0; lr_end belongs to the "
                "decay.",
                varied(
                    REFERENCE,
                    (
                        "lr0 * (t + 1) / max(warmup, 1)",
                        "lr_end + (lr0 - lr_end) * (t + 1) / max(warmup, 1)",
                    ),
                ),
            ),
            Wrong(
                "end-is-a-factor",
                "You take lr_end for a share of lr0. It is a rate itself.",
                varied(
                    REFERENCE,
                    (GLIDE, "lr0 * (lr_end + (1 - lr_end) * (1 + np.cos(np.pi * done)) / 2)"),
                ),
                right_in="schedules whose end is given as a share",
            ),
            Wrong(
                "zero-after-the-end",
                "After T your rate is zero. It should stay where it has arrived, at lr_end.",
                varied(
                    REFERENCE,
                    (
                        "np.where(t < warmup, ramp, glide)",
                        "np.where(t < warmup, ramp, np.where(t > T, 0, glide))",
                    ),
                ),
            ),
            Wrong(
                "ends-one-step-early",
                "Your decay arrives at T − 1. Its end is at t = T.",
                varied(REFERENCE, (DONE, "np.clip((t - warmup) / (T - 1 - warmup), 0, 1)")),
            ),
            Wrong(
                "clock-counts-from-one",
                "The clock of your cosine runs one update ahead: at t = warmup it stands at 0.",
                varied(REFERENCE, (DONE, "np.clip((t + 1 - warmup) / (T - warmup), 0, 1)")),
            ),
            Wrong(
                "starts-again-after-the-end",
                "After T your decay begins again: that is a warm restart. Here the rate stays.",
                varied(
                    REFERENCE, (DONE, "np.maximum(t - warmup, 0) % (T - warmup) / (T - warmup)")
                ),
            ),
            Wrong(
                "cosine-from-the-start",
                "Your cosine's clock starts at t = 0, so at the joint the rate jumps down. It "
                "starts where the warmup ends.",
                varied(REFERENCE, (DONE, "np.clip(t / T, 0, 1)")),
            ),
            Wrong(
                "no-warmup-crashes",
                "With warmup = 0 you divide by it. There is no ramp then, so nothing should be "
                "computed from it.",
                varied(REFERENCE, ("lr0 * (t + 1) / max(warmup, 1)", "lr0 / warmup * (t + 1)")),
            ),
            Wrong(
                "ramp-times-cosine",
                "You multiply a ramp and a cosine over the whole run, so the peak stays below lr0. "
                "One follows the other.",
                varied(
                    REFERENCE,
                    (DONE, "np.clip(t / T, 0, 1)"),
                    (
                        "np.where(t < warmup, ramp, glide)",
                        "glide * np.minimum((t + 1) / max(warmup, 1), 1)",
                    ),
                ),
            ),
            Wrong(
                "climbs-after-the-end",
                "After T your cosine climbs again. Stop its clock at T.",
                varied(REFERENCE, (DONE, "(t - warmup) / (T - warmup)")),
            ),
            Wrong(
                "line-for-cosine",
                "Your decay is a straight line. The cosine is flat at both of its ends.",
                varied(REFERENCE, ("(1 + np.cos(np.pi * done)) / 2", "(1 - done)")),
            ),
            Wrong(
                "quarter-cosine",
                "You use a quarter of a cosine, from its top to its middle. Half of one, from top "
                "to bottom, is flat at both ends.",
                varied(
                    REFERENCE,
                    ("(1 + np.cos(np.pi * done)) / 2", "np.cos(np.pi / 2 * done)"),
                ),
            ),
            Wrong(
                "whole-cosine",
                "You use a whole cosine, which is back at lr0 in the end.",
                varied(REFERENCE, ("np.pi * done", "2 * np.pi * done")),
            ),
            Wrong(
                "end-added-on-top",
                "You add lr_end to a curve that already starts at lr0, so it starts too high.",
                varied(REFERENCE, ("(lr0 - lr_end)", "lr0")),
            ),
            Wrong(
                "end-as-a-floor",
                "You cut the curve off at lr_end. It should glide there, in the same shape.",
                varied(
                    REFERENCE,
                    (GLIDE, "np.maximum(lr0 * (1 + np.cos(np.pi * done)) / 2, lr_end)"),
                ),
            ),
            Wrong(
                "end-ignored",
                "Your decay ends at zero, whatever lr_end is.",
                varied(REFERENCE, ("lr_end + (lr0 - lr_end)", "lr0")),
            ),
            Wrong(
                "decay-is-too-long",
                "Your decay takes T updates after the warmup. T counts from t = 0, so T − warmup "
                "are left.",
                varied(REFERENCE, ("/ (T - warmup)", "/ T")),
            ),
            Wrong(
                "ramp-one-step-long",
                "Your ramp takes one update too many and goes beyond lr0: t = warmup belongs to "
                "the decay.",
                varied(REFERENCE, ("t < warmup", "t <= warmup")),
            ),
            Wrong(
                "warmup-left-out",
                "There is no ramp in your schedule: the first rate is already lr0.",
                varied(REFERENCE, ("np.where(t < warmup, ramp, glide)", "glide + 0 * ramp")),
            ),
            Wrong(
                "takes-one-step-only",
                "Your function works for one step. `if` cannot decide for a whole array: "
                "`np.where` can.",
                varied(
                    REFERENCE,
                    ("np.where(t < warmup, ramp, glide)", "ramp if t < warmup else glide"),
                ),
            ),
            Wrong(
                "changes-the-callers-array",
                "Your function wrote into the caller's array of steps; make a new one.",
                varied(REFERENCE, ("t = np.asarray(t)", "t = np.asarray(t)\n    t[t > T] = T")),
                told_by="callers-array",
            ),
        ],
        hints=[
            (
                "Write the two parts as if each were alone: the ramp up to lr0, and the cosine "
                "from lr0 down. Then choose between them by t < warmup."
            ),
            (
                "The cosine needs a clock that is 0 at t = warmup and 1 at t = T, and stands still "
                "after that."
            ),
            (
                "With `done` on that clock, (1 + cos(π · done))/2 falls from 1 to 0. "
                "`np.clip` stops a clock, `np.where` chooses, and `max(warmup, 1)` avoids a "
                "division by zero."
            ),
        ],
    )
]
