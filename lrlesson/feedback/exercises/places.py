"""Where the lessons treat a mistake, so that a learner is sent to a page that has a word on it.

A test looks for `words` in that part of that lesson. A mistake that no lesson treats is not here.
"""

from typing import NamedTuple


class Place(NamedTuple):
    """A lesson by its file's name, the number of its part, and words that stand there."""

    lesson: str
    part: int
    words: str


PLACES: dict[str, Place] = {
    "rate-is-step-length": Place(
        "01_what_the_rate_is", 1, "the rate is *not* the length of the step"
    ),
    "rate-must-shrink": Place("01_what_the_rate_is", 1, "### Steps shrink by themselves"),
    "limit-is-one-over-curvature": Place("02_too_low_too_high", 1, "this largest stable one"),
    "flattest-limits": Place("02_too_low_too_high", 2, "The steepest direction sets the limit"),
    "diagonal-is-curvature": Place(
        "02_too_low_too_high", 2, "The diagonal shows them only if all else is 0"
    ),
    "condition-is-curvature": Place("02_too_low_too_high", 2, "condition number"),
    "small-rate-formula": Place("03_noise", 1, "for small rates"),
    "floor-of-a-rate": Place("03_noise", 1, "### How high is the floor?"),
    "limit-for-floor": Place("03_noise", 1, "Near the limit"),
    "decays-the-decayed-rate": Place("04_decay", 1, "### A schedule remembers nothing"),
    "expects-the-last-rate": Place("04_decay", 1, "### A schedule remembers nothing"),
    "drops-one-step-early": Place("04_decay", 1, "already uses the new rate"),
    "drops-one-step-late": Place("04_decay", 1, "already uses the new rate"),
    "drop-is-removed-share": Place("04_decay", 1, "the share that is *kept*"),
    "epoch-factor-per-step": Place(
        "04_decay", 2, "### The factor per epoch that was used per step"
    ),
    "step-size-is-a-cycle": Place("06_cycles", 1, "is **half** a cycle"),
    "first-step-wasted": Place("07_warmup", 3, "no update wasted"),
    "cosine-from-the-start": Place("07_warmup", 3, "### No jump"),
    "one-number-for-all-weights": Place("08_per_weight_rates", 1, "a rate that every weight earns"),
    "still-adagrad": Place("08_per_weight_rates", 2, "### RMSprop: forget"),
    "forgets-what-adagrad-keeps": Place("08_per_weight_rates", 2, "### RMSprop: forget"),
    "adds-momentum": Place("09_adam", 1, "### The first part: momentum"),
    "no-correction": Place("09_adam", 1, "### Without the correction Adam starts too fast"),
    "keeps-the-largest": Place("09_adam", 2, "which AMSGrad mends"),
    "weights-enter-the-step": Place("09_adam", 2, "### L2 is not weight decay"),
    "eps-on-the-raw-root": Place("09_adam", 3, "Keras' first step is less than a quarter"),
    "eps-inside-the-root": Place("09_adam", 3, "*under* the root"),
    "starts-at-a-tenth": Place("09_adam", 3, "from 0.1"),
    "linear-sweep": Place("10_finding_the_rate", 1, "space the rates by a constant factor"),
    "range-test-minimum": Place("10_finding_the_rate", 2, "### At the minimum it is too late"),
    "another-share": Place("10_finding_the_rate", 2, "### A tenth is safe"),
    "steepest-point": Place("10_finding_the_rate", 2, "Where the curve falls most steeply"),
    "cuts-each-entry": Place("13_clipping", 2, "It turns the gradient from 87° to 45°"),
    "clipping-normalises": Place("13_clipping", 1, "longer than a limit $c$ to that length"),
}
