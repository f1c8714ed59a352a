"""Every misconception that the course knows by name: the one place where the names are.

`MISCONCEPTIONS[slug]` has `.number` (of the catalogue in the course's plan, M1 to M32, or None for
a slip of programming), `.belief` (one sentence, as someone who holds it would say it, or what the
code does) and `.lesson` (where it is treated, two digits).
"""

from typing import NamedTuple


class Misconception(NamedTuple):
    """A wrong idea: its number in the catalogue or None, one sentence, the lesson about it."""

    number: int | None
    belief: str
    lesson: str


def _entry(number: int | None, lesson: str, belief: str) -> Misconception:
    return Misconception(number, belief, lesson)


MISCONCEPTIONS = {
    # The catalogue.
    "rate-is-step-length": _entry(1, "01", "The learning rate is the length of the step."),
    "smaller-is-safer": _entry(2, "02", "A smaller rate is always safer, so it is better."),
    "rate-must-shrink": _entry(3, "01", "The rate has to shrink for the steps to shrink."),
    "universal-rate": _entry(4, "01", "There is a good rate for everything, about 0.01."),
    "too-high-is-only-noisy": _entry(5, "02", "Too high a rate only makes the loss a bit noisy."),
    "faster-near-threshold": _entry(6, "02", "The nearer to the stability limit, the faster."),
    "average-curvature-limits": _entry(7, "02", "The average curvature sets the stability limit."),
    "rise-means-too-high": _entry(8, "02", "Any rise of the loss means that the rate is too high."),
    "constant-rate-settles": _entry(9, "03", "SGD with a constant rate converges if you wait."),
    "one-run-is-a-fact": _entry(10, "03", "The final loss of one run is a fact about the method."),
    "early-ranking-is-final": _entry(11, "03", "Who leads early leads at the end."),
    "decays-the-decayed-rate": _entry(
        12, "04", "Step decay multiplies the current rate each time it is asked."
    ),
    "epoch-factor-per-step": _entry(
        13, "04", "A factor meant for a longer interval may be applied at every step."
    ),
    "decay-never-hurts": _entry(14, "05", "Decaying the rate can never hurt."),
    "drop-shows-bad-minimum": _entry(
        15, "05", "The loss falls at a drop because we had been stuck in a bad minimum."
    ),
    "earlier-drop-is-better": _entry(16, "05", "The earlier the rate drops, the better."),
    "cycling-always-escapes": _entry(17, "06", "Cycling always escapes to a better minimum."),
    "cycling-fast-by-peak": _entry(18, "06", "Cycling is fast because its peak rate is high."),
    "warmup-always-needed": _entry(19, "07", "Warmup is always needed."),
    "unstable-at-start-or-never": _entry(20, "07", "Training is unstable at its start or never."),
    "adaptive-needs-no-rate": _entry(21, "08", "With an adaptive method there is no rate to pick."),
    "adagrad-always-stalls": _entry(22, "08", "AdaGrad always stalls; RMSprop is always better."),
    "adaptive-fixes-conditioning": _entry(
        23, "08", "Adaptive methods cure bad conditioning of every kind."
    ),
    "correction-against-slow-start": _entry(
        24, "09", "Adam's bias correction prevents a start that is too slow."
    ),
    "adam-wider-window": _entry(25, "09", "The window of good rates is wider for Adam."),
    "adam-always-or-never": _entry(
        26, "09", "Adam always converges on convex problems, or never does."
    ),
    "l2-is-weight-decay": _entry(27, "09", "An L2 penalty and weight decay are the same thing."),
    "range-test-minimum": _entry(28, "10", "Take the rate at the minimum of the range test."),
    "compared-at-same-rate": _entry(29, "10", "Optimizers are compared fairly at the same rate."),
    "batch-scaling-unlimited": _entry(
        30, "11", "The rate may grow with the batch size without limit."
    ),
    "one-rule-for-adam-and-sgd": _entry(
        31, "11", "Adam and SGD follow the same rule when the batch grows."
    ),
    "flat-means-generalises": _entry(32, "12", "A flat minimum is one that generalises."),
    # More wrong ideas, met in the questions.
    "limit-runs-away": _entry(None, "02", "At the limit itself the path already runs away."),
    "flattest-limits": _entry(None, "02", "The flattest direction sets the stability limit."),
    "limit-is-one-over-curvature": _entry(None, "02", "The stability limit is 1/λ."),
    "larger-inputs-larger-rate": _entry(None, "02", "Larger inputs call for a larger rate."),
    "input-scale-counts-once": _entry(
        None, "02", "Doubling the inputs halves the good rate, in every model."
    ),
    "floor-from-rate-alone": _entry(None, "03", "The noise floor depends on the rate alone."),
    "floor-from-batch-alone": _entry(None, "03", "The noise floor depends on the batch alone."),
    "factor-is-divided": _entry(
        None, "04", "The factor per step is the factor per epoch divided by the steps."
    ),
    "sum-without-root": _entry(None, "08", "AdaGrad divides by the sum of squares, not its root."),
    "step-follows-gradient": _entry(None, "09", "Adam's step is in proportion to the gradient."),
    # Slips that any exercise may meet.
    "no-return": _entry(None, "01", "The function computes, and then returns nothing."),
    "changes-the-callers-array": _entry(None, "01", "The function writes into its argument."),
    # Gradient descent.
    "stores-the-same-array": _entry(None, "01", "Every row of the path is one and the same array."),
    "start-missing": _entry(None, "01", "The path begins after the first update."),
    "one-step-short": _entry(None, "01", "The path ends one update too early."),
    "one-step-too-many": _entry(None, "01", "The path goes on for one update too many."),
    "climbs": _entry(None, "01", "The step goes along the gradient: uphill."),
    "integers-stay-integers": _entry(None, "01", "An integer start makes an integer path."),
    "gradient-at-start-only": _entry(None, "01", "Every step uses the gradient at the start."),
    "only-the-last-point": _entry(None, "01", "Only the last point is returned, not the path."),
    "path-transposed": _entry(None, "01", "The path has one column, not one row, per step."),
    "rate-ignored": _entry(None, "01", "The step is the gradient itself; the rate is not used."),
    "stops-at-a-rise": _entry(None, "02", "The descent ends when it seems to go wrong."),
    "one-weight-at-a-time": _entry(
        None, "01", "Each weight moves before the slope for the next one is asked for."
    ),
    "shrinks-the-weights": _entry(None, "01", "The weights shrink by η, whatever the slope."),
    # Step decay.
    "drops-one-step-early": _entry(None, "04", "The rate drops one step before the interval ends."),
    "drops-one-step-late": _entry(None, "04", "The rate drops one step after the interval ends."),
    "decays-continuously": _entry(None, "04", "The rate falls a little at every step: no stairs."),
    "subtracts-the-drop": _entry(None, "04", "Each drop takes away an amount, not a share."),
    "drops-only-once": _entry(None, "04", "The rate drops the first time and never again."),
    "drop-is-removed-share": _entry(None, "04", "`drop` is read as the share that is taken away."),
    "rounds-the-interval": _entry(None, "04", "The number of drops is rounded to the nearest."),
    "takes-one-step-only": _entry(None, "04", "The function works for one t, not for an array."),
    "recovers-after-the-drop": _entry(None, "04", "The rate drops for one step and comes back."),
    "multiplies-by-the-count": _entry(None, "04", "`drop` is multiplied by the number of drops."),
    "never-decays": _entry(None, "04", "The rate is the same at every step."),
    "rate-grows": _entry(None, "04", "Each drop divides by `drop`, so the rate grows."),
    "interval-hard-coded": _entry(None, "04", "The interval is typed in; `every` is not used."),
    "rates-stay-integers": _entry(None, "04", "Integer steps make integer rates: all zero."),
    "drops-at-the-start": _entry(None, "04", "The first drop comes at t = 0 or right after it."),
}


def explain(slug: str) -> str:
    """The sentence about a misconception and where the course treats it."""
    _, belief, lesson = MISCONCEPTIONS[slug]
    return f"{belief} (Lesson {lesson} treats it.)"
