"""Every misconception that the course knows by name: the one place where the names are.

`MISCONCEPTIONS[slug]` has `.number` (among the mistaken ideas about rates, or None for a slip of
programming), `.belief` (one sentence, as someone who holds it would say it, or what the
code does) and `.lesson` (where it is treated, two digits).
"""

from typing import NamedTuple


class Misconception(NamedTuple):
    """A wrong idea: its number or None for a slip, one sentence, the lesson about it."""

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
        30, "17", "The rate may grow with the batch size without limit."
    ),
    "one-rule-for-adam-and-sgd": _entry(
        31, "17", "Adam and SGD follow the same rule when the batch grows."
    ),
    "flat-means-generalises": _entry(32, "18", "A flat minimum is one that generalises."),
    # More wrong ideas, met in the questions.
    "limit-runs-away": _entry(None, "02", "At the limit itself the path already runs away."),
    "flattest-limits": _entry(None, "02", "The flattest direction sets the stability limit."),
    "limit-is-one-over-curvature": _entry(None, "02", "The stability limit is 1/λ."),
    "larger-inputs-larger-rate": _entry(None, "02", "Larger inputs call for a larger rate."),
    "input-scale-counts-once": _entry(
        None, "02", "Doubling the inputs halves the good rate, in every model."
    ),
    "rounding-averages-out": _entry(None, "02", "Rounding errors average out over many steps."),
    "loses-last-digits-only": _entry(None, "02", "Few bits cost a step its last digits only."),
    "rounding-works-against": _entry(None, "02", "Rounding errors push a run uphill."),
    "floor-from-rate-alone": _entry(None, "03", "The noise floor depends on the rate alone."),
    "floor-from-batch-alone": _entry(None, "03", "The noise floor depends on the batch alone."),
    "factor-is-divided": _entry(
        None, "04", "The factor per step is the factor per epoch divided by the steps."
    ),
    "only-cycles-escape": _entry(
        None, "06", "Only a rate that cycles leaves a minimum; a large one that decays does not."
    ),
    "only-decay-is-stable": _entry(None, "06", "A rate that rises again breaks the training."),
    "cannot-leave-a-minimum": _entry(
        None, "06", "Gradient descent goes downhill, so it cannot leave a minimum."
    ),
    "limit-breaks-at-once": _entry(
        None, "06", "A rate above the limit breaks the training, however short its stay."
    ),
    "one-rate-suits-all": _entry(None, "08", "A rate that is chosen well suits all weights."),
    "frequent-learns-fastest": _entry(
        None, "08", "The weight that is used most has the largest rate."
    ),
    "steps-shrink-under-every-rule": _entry(
        None, "08", "Near a minimum the steps shrink by themselves, under every rule."
    ),
    "other-numbers-other-run": _entry(
        None, "08", "Inputs in other coordinates make another run, under every rule."
    ),
    "same-information-same-run": _entry(
        None, "08", "The same information makes the same run, under every rule."
    ),
    "matrix-feels-the-turn": _entry(
        None, "08", "A rotation of the inputs disturbs rules for matrices most."
    ),
    "warmup-only-prevents": _entry(
        None, "07", "A warmup prevents an explosion and changes nothing else."
    ),
    "training-flattens": _entry(None, "18", "Training leads to flatter and flatter places."),
    "edge-is-luck": _entry(
        None, "18", "At the edge of stability a slightly larger swing would have been the end."
    ),
    "adam-has-no-edge": _entry(None, "18", "Adam adapts, so it has no stability limit."),
    "edge-of-plain-descent": _entry(
        None, "18", "Every rule has the stability limit of plain gradient descent."
    ),
    "sharpness-of-the-function": _entry(
        None, "18", "Sharpness belongs to the function that a network computes."
    ),
    "sum-without-root": _entry(None, "08", "AdaGrad divides by the sum of squares, not its root."),
    "step-follows-gradient": _entry(None, "09", "Adam's step is in proportion to the gradient."),
    "momentum-averages-noise": _entry(None, "09", "Momentum averages the noise away."),
    "corrections-cancel": _entry(
        None, "09", "Both averages of Adam start too small by the same share, which cancels."
    ),
    "one-name-one-formula": _entry(None, "09", "An optimizer is the same in every framework."),
    "eps-does-not-matter": _entry(None, "09", "ε is too small to make a difference."),
    "edge-is-an-optimum": _entry(
        None, "10", "The best rate of a grid is the best rate, also at the grid's edge."
    ),
    "one-curvature-for-all": _entry(
        None, "10", "The curvature at the start holds all the way to the minimum."
    ),
    "clipping-makes-safe": _entry(None, "13", "Clipping makes any rate safe."),
    "clipping-only-removes-noise": _entry(None, "13", "Clipping only removes noise."),
    "clipping-cannot-bias": _entry(
        None, "13", "Clipping shortens steps and does not change where a run comes to rest."
    ),
    "clipping-normalises": _entry(None, "13", "Clipping gives every gradient the same length."),
    "loss-is-gradient-length": _entry(None, "13", "A lower loss has longer gradients."),
    "adam-cannot-be-thrown": _entry(
        None, "13", "Adam cannot be thrown off: each of its steps is about η."
    ),
    "spike-ends-with-the-loss": _entry(None, "13", "A spike is over when the loss is back."),
    "decay-acts-at-once": _entry(None, "14", "Weight decay acts at once, whatever the rate."),
    "rate-for-decay": _entry(
        None, "14", "Twice the rate and half the weight decay are the same thing."
    ),
    "decay-empties": _entry(None, "14", "A weight decay without fast learning empties a network."),
    "decay-means-simple": _entry(
        None, "14", "Behind a normalisation layer weight decay keeps the model simple."
    ),
    "first-step-for-ever": _entry(
        None, "14", "Normalised weights grow by the length of the first step for ever."
    ),
    "direction-has-no-speed": _entry(None, "14", "A direction has no speed."),
    "small-rate-forgets-less": _entry(
        None, "15", "A small rate forgets less for the same amount learnt."
    ),
    "fewer-updates-less-harm": _entry(None, "15", "Fewer updates do less harm to what was known."),
    "forgetting-is-all-or-nothing": _entry(
        None, "15", "What a network knew before is kept as a whole or lost as a whole."
    ),
    "freezing-protects": _entry(None, "15", "Frozen layers protect what a network knows."),
    "freezing-never-enough": _entry(None, "15", "The last layer alone cannot learn a new task."),
    "pretraining-is-nothing": _entry(None, "15", "Trained weights are no better than new ones."),
    "high-rate-forgets": _entry(None, "15", "The high rate is what makes a network forget."),
    "schedule-free-is-rate-free": _entry(None, "16", "Schedule-free means rate-free."),
    "rate-free-is-schedule-free": _entry(
        None, "16", "Where there is no rate to tune there is nothing to tune."
    ),
    "adam-rate-for-everything": _entry(None, "16", "Adam's rate 0.001 is right for any problem."),
    "unit-of-the-loss": _entry(
        None, "16", "Answers in other units change the loss and nothing else."
    ),
    "rate-ignores-batch": _entry(
        None, "17", "A good rate belongs to the network and not to the batch size."
    ),
    "resumed-run-follows-the-script": _entry(
        None, "12", "A resumed run uses the plan that the script names."
    ),
    "wider-wants-larger": _entry(None, "17", "A wider network stands a larger rate."),
    # Slips that any exercise may meet.
    "no-return": _entry(None, "01", "The function computes, and then returns nothing."),
    "returns-a-tuple": _entry(None, "01", "Several things are returned where one is asked for."),
    "returns-a-list": _entry(None, "01", "A list is as good as an array."),
    "returns-a-matrix": _entry(None, "01", "`np.matrix` is as good as an array."),
    "whole-numbers": _entry(None, "01", "What is behind the decimal point is cut off."),
    "another-shape": _entry(None, "01", "The numbers come in another shape than asked for."),
    "not-a-number": _entry(None, "01", "Zero is divided by zero, or a root taken of less."),
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
    "stops-when-steps-are-short": _entry(
        None, "01", "A descent is over when its steps become short."
    ),
    "holds-the-run-back": _entry(None, "02", "A run that goes far away has to be held back."),
    "clips-the-gradient": _entry(None, "01", "A gradient is clipped before it is used."),
    "start-not-stored": _entry(None, "01", "The row of the start is left empty."),
    "rows-left-empty": _entry(None, "01", "The last row of the path is left empty."),
    "adds-momentum": _entry(None, "09", "Every step keeps a share of the one before it."),
    "path-of-the-gradients": _entry(None, "01", "The path is made of the gradients."),
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
    "expects-the-last-rate": _entry(
        None, "04", "A schedule is handed the last rate, and changes it."
    ),
    "holds-the-rate-up": _entry(None, "04", "A rate should not fall below some smallest one."),
    "remainder-for-quotient": _entry(None, "04", "`%` counts the intervals that are over."),
    "another-schedule": _entry(None, "04", "The formula of another schedule is used."),
    "held-in-a-range": _entry(None, "04", "A factor or a rate belongs into a usual range."),
    "logarithm-not-undone": _entry(None, "04", "The logarithm of the factor is the factor."),
    # Slips with any formula or class.
    "whole-quotient": _entry(None, "04", "`//` is used where the quotient has a fraction."),
    "upside-down": _entry(None, "02", "Numerator and denominator are exchanged."),
    "one-state-for-all": _entry(
        None, "08", "The memory belongs to the class, so two optimizers share it."
    ),
    "one-number-for-all-weights": _entry(
        None, "08", "All weights share one memory, so they share one rate."
    ),
    "eps-inside-the-root": _entry(None, "08", "ε stands under the root and not beside it."),
    "no-eps": _entry(None, "08", "Nothing keeps the division from being by zero."),
    "no-root": _entry(None, "08", "The division is by the squares and not by their root."),
    "changes-the-weights-in-place": _entry(None, "01", "The step writes into the caller's w."),
    "changes-the-gradient-in-place": _entry(None, "01", "The step writes into the caller's g."),
    "used-before-updated": _entry(
        None, "08", "This gradient enters the memory only after it has been used."
    ),
    # The critical rate.
    "trace-limits": _entry(None, "02", "The sum of the curvatures sets the stability limit."),
    "diagonal-is-curvature": _entry(
        None, "02", "The curvatures stand on the diagonal of H, whatever stands beside it."
    ),
    "best-rate-is-limit": _entry(None, "02", "The rate that is fastest is the largest stable one."),
    "first-direction-only": _entry(None, "02", "Only the first direction is looked at."),
    "norm-is-curvature": _entry(None, "02", "The size of all entries of H is its curvature."),
    "row-sum-is-curvature": _entry(None, "02", "The largest row sum of H is its curvature."),
    "matrix-only": _entry(None, "02", "A curvature that is a plain number is not handled."),
    "condition-is-curvature": _entry(None, "02", "The ratio of the curvatures sets the limit."),
    "determinant-is-curvature": _entry(None, "02", "The product of the curvatures sets the limit."),
    "takes-any-eigenvalue": _entry(None, "02", "Eigenvalues come in order."),
    "limit-per-direction": _entry(None, "02", "There is a rate for every direction."),
    "stays-below-the-limit": _entry(None, "02", "The limit is a rate that is safe."),
    # The rate for a floor.
    "small-rate-formula": _entry(None, "03", "The floor is ησ²/4 for every rate, also large ones."),
    "sigma-not-squared": _entry(None, "03", "The floor grows with σ and not with σ²."),
    "floor-of-a-rate": _entry(None, "03", "The formula for the floor is not solved for the rate."),
    "limit-for-floor": _entry(None, "03", "Any stable rate reaches the floor, so take the limit."),
    "curvature-left-out": _entry(None, "03", "The floor does not depend on the curvature."),
    "sign-in-the-sum": _entry(None, "03", "A term changed sides and kept its sign."),
    "factor-of-two": _entry(None, "03", "A factor of two was lost on the way."),
    "noise-raises-the-rate": _entry(None, "03", "More noise calls for a larger rate."),
    "root-of-the-target": _entry(None, "03", "The floor grows with the square of the rate."),
    "cut-off-at-the-limit": _entry(None, "03", "An approximation is exact if it is cut off."),
    "curvature-squared": _entry(None, "03", "The curvature enters the floor as a square."),
    # The factor per step.
    "linear-share": _entry(None, "04", "A factor takes away the same amount at every step."),
    "counts-the-gaps": _entry(None, "04", "T updates multiply by the factor T − 1 times."),
    "counts-one-too-many": _entry(None, "04", "T updates multiply by the factor T + 1 times."),
    "final-is-divided": _entry(None, "04", "The share that is left is divided by the steps."),
    "exponent-upside-down": _entry(None, "04", "The share is taken to a power and not a root."),
    "epochs-left-out": _entry(None, "04", "The number of epochs is not used."),
    "final-is-what-is-lost": _entry(None, "04", "`final` is read as the share that is lost."),
    "one-over-e": _entry(None, "04", "Every decay ends at 1/e of its start."),
    "straight-near-one": _entry(None, "04", "Near 1 a power may be replaced by a line."),
    "rounded-off": _entry(None, "04", "A factor near 1 may be rounded to two places."),
    "clock-counts-epochs": _entry(None, "04", "The schedule is asked with the epoch."),
    "clock-runs-ahead": _entry(None, "04", "The schedule's clock is moved on twice."),
    # Polynomial decay.
    "climbs-after-the-end": _entry(None, "04", "The formula holds after its end as well."),
    "end-as-a-floor": _entry(None, "04", "`lr_end` cuts the curve off from below."),
    "end-added-on-top": _entry(
        None, "04", "`lr_end` is added to a curve that already starts at lr0."
    ),
    "ends-one-step-early": _entry(None, "04", "The last value comes at T − 1."),
    "ends-one-step-late": _entry(None, "04", "The last value comes at T + 1."),
    "power-of-the-time-gone": _entry(
        None, "04", "The power belongs to the time that is over, not to the time that is left."
    ),
    "multiplies-by-the-power": _entry(None, "04", "`power` is a factor and not an exponent."),
    "power-ignored": _entry(None, "04", "`power` is not used."),
    "end-ignored": _entry(None, "04", "`lr_end` is not used."),
    "zero-after-the-end": _entry(None, "04", "After T the rate is zero, whatever lr_end is."),
    "rate-climbs": _entry(None, "04", "The rate follows the time that is over, so it grows."),
    "cosine-for-a-power": _entry(None, "04", "A decay is half a cosine."),
    "end-is-a-factor": _entry(None, "04", "`lr_end` is a share of lr0."),
    "starts-again-after-the-end": _entry(None, "04", "After its end a decay begins again."),
    "clock-counts-from-one": _entry(None, "04", "The first update is t = 1."),
    "last-rate-kept": _entry(None, "04", "After T the rate before the end is kept."),
    # The triangular policy.
    "step-size-is-a-cycle": _entry(None, "06", "`step_size` is a whole cycle, up and down."),
    "peak-one-late": _entry(None, "06", "The peak comes one update late."),
    "peak-one-early": _entry(None, "06", "The peak comes one update early."),
    "starts-at-the-peak": _entry(None, "06", "The cycle begins at its highest rate."),
    "sawtooth": _entry(None, "06", "The rate climbs and falls back at once."),
    "slow-sawtooth": _entry(
        None, "06", "The rate climbs for a whole cycle and falls back at once."
    ),
    "amplitude-is-the-maximum": _entry(
        None, "06", "The triangle of height max_lr stands on base_lr."
    ),
    "sine-for-a-line": _entry(None, "06", "The flanks of a triangle are rounded."),
    "one-cycle-only": _entry(None, "06", "After one cycle the rate stays at its base."),
    "peaks-halve": _entry(None, "06", "Every cycle is half as high as the one before."),
    "base-ignored": _entry(None, "06", "The rate comes down to zero and not to base_lr."),
    "stays-at-the-peak": _entry(None, "06", "The rate climbs and does not come down."),
    "peaks-fade": _entry(None, "06", "Every peak is a little lower than the one before."),
    "cosine-for-a-line": _entry(None, "06", "A cycle is a cosine that starts again at its top."),
    "step-size-is-two-cycles": _entry(None, "06", "`step_size` is a quarter of a cycle."),
    "not-cut-off-below": _entry(None, "06", "One triangle goes on below its base."),
    # Warmup and cosine.
    "ramp-never-arrives": _entry(None, "07", "The ramp has one share more than it has updates."),
    "ramp-starts-at-the-end-rate": _entry(None, "07", "The ramp starts at the final rate."),
    "first-step-wasted": _entry(None, "07", "The ramp begins at zero, so one update does nothing."),
    "cosine-from-the-start": _entry(None, "07", "The cosine's clock starts at t = 0, in the ramp."),
    "no-warmup-crashes": _entry(None, "07", "There is always a warmup to divide by."),
    "ramp-times-cosine": _entry(None, "07", "Ramp and cosine are multiplied over the whole run."),
    "line-for-cosine": _entry(None, "07", "The decay is a straight line."),
    "quarter-cosine": _entry(None, "07", "A quarter of a cosine is used, which falls at its end."),
    "whole-cosine": _entry(None, "07", "A whole cosine is used, which comes back up."),
    "decay-is-too-long": _entry(None, "07", "The decay takes T updates after the warmup."),
    "ramp-one-step-long": _entry(None, "07", "The ramp takes one step too many, beyond lr0."),
    "warmup-left-out": _entry(None, "07", "The decay starts at once, at its full rate."),
    # AdaGrad.
    "sums-absolute-values": _entry(None, "08", "AdaGrad sums the sizes of the gradients."),
    "divides-twice": _entry(None, "08", "The rate that was divided is kept and divided again."),
    "mean-for-sum": _entry(None, "08", "AdaGrad divides by the mean of the squares."),
    "no-memory": _entry(None, "08", "Only the last gradient counts."),
    "starts-at-one": _entry(None, "08", "The sum of squares begins at 1 and not at 0."),
    "keeps-the-largest": _entry(None, "08", "The largest gradient counts and not their sum."),
    "squares-the-sum": _entry(None, "08", "The gradients are added first and squared then."),
    "nothing-moves": _entry(None, "08", "The weights are returned as they came."),
    "only-the-change": _entry(None, "08", "The step is returned and not the weights after it."),
    "weights-enter-the-step": _entry(None, "08", "The size of a weight is part of its step."),
    "starts-at-a-tenth": _entry(None, "08", "The sum of squares begins at 0.1."),
    "starts-at-eps": _entry(None, "08", "The sum of squares begins at ε."),
    "eps-outside-the-fraction": _entry(None, "08", "ε is added to the step and not to the root."),
    "forgets-what-adagrad-keeps": _entry(None, "08", "AdaGrad's sum of squares fades."),
    "multiplies-by-the-root": _entry(None, "08", "Large gradients call for a large rate."),
    "no-rule-yet": _entry(None, "08", "What is remembered is not used in the step."),
    "rate-falls-with-the-count": _entry(None, "08", "The rate falls with the number of steps."),
    # RMSprop.
    "old-average-counts-twice": _entry(None, "08", "The old average is added to itself."),
    "centered": _entry(None, "08", "The spread of the gradients is what is divided by."),
    "rho-swapped": _entry(None, "08", "ρ and 1 − ρ have changed places."),
    "share-missing": _entry(None, "08", "The new square enters the average with the weight 1."),
    "averages-the-gradient": _entry(None, "08", "The gradient is averaged and not its square."),
    "still-adagrad": _entry(None, "08", "The squares are added up and never forgotten."),
    "corrects-what-stays": _entry(
        None, "08", "RMSprop corrects its average for its start at zero."
    ),
    "starts-at-the-first-square": _entry(None, "08", "The average begins at the first square."),
    # Adam.
    "no-correction": _entry(None, "09", "The averages are used as they are, near zero at first."),
    "only-m-corrected": _entry(None, "09", "Only the average of the gradients is corrected."),
    "only-v-corrected": _entry(None, "09", "Only the average of the squares is corrected."),
    "betas-swapped": _entry(None, "09", "β₁ and β₂ have changed places."),
    "counts-from-zero": _entry(None, "09", "The first step has the number 0 in the correction."),
    "counts-from-two": _entry(None, "09", "The first step has the number 2 in the correction."),
    "always-the-first-step": _entry(None, "09", "Every step has the number 1 in the correction."),
    "no-first-average": _entry(None, "09", "The gradient itself is used, not its average."),
    "corrected-is-kept": _entry(
        None, "09", "The corrected average is what the next step averages."
    ),
    "eps-on-the-raw-root": _entry(None, "09", "ε is added to the root that is not yet corrected."),
    "beta-times-t": _entry(None, "09", "The correction is 1 − βt and not 1 − βᵗ."),
    "one-beta-for-both": _entry(None, "09", "One β serves both averages."),
    # The range test.
    "linear-sweep": _entry(None, "10", "Rates are spaced evenly, so nearly all are large."),
    "restarts-every-time": _entry(None, "10", "Every rate is tried from the start again."),
    "never-stops": _entry(None, "10", "The test goes on after the loss has blown up."),
    "first-rate-skipped": _entry(None, "10", "The sweep begins after its first rate."),
    "last-rate-missing": _entry(None, "10", "n rates have n equal gaps between them."),
    "compared-with-the-first": _entry(
        None, "10", "The loss is compared with the first, not the best."
    ),
    "keeps-the-broken-loss": _entry(None, "10", "The loss that ended the test is part of it."),
    "lets-nan-pass": _entry(None, "10", "A comparison notices a loss that is no number."),
    "loss-after-the-step": _entry(None, "10", "The loss after the step is put beside the rate."),
    "lowest-single-loss": _entry(None, "10", "The lowest single loss shows the rate."),
    "average-starts-at-zero": _entry(
        None, "10", "A fading mean that starts at 0 needs no correction."
    ),
    "tenth-of-the-way": _entry(
        None, "10", "A tenth of the place in the list is a tenth of the rate."
    ),
    "steepest-point": _entry(None, "10", "The rate at the steepest fall is taken."),
    "another-multiple": _entry(None, "10", "The test ends at another multiple of the best loss."),
    "ends-at-a-fixed-loss": _entry(None, "10", "A loss that is too large is too large anywhere."),
    "compared-with-the-last": _entry(None, "10", "The loss is compared with the one before."),
    "pads-what-is-missing": _entry(None, "10", "What was not tried is filled up."),
    "smooths-what-it-keeps": _entry(None, "10", "The smoothed losses are kept."),
    "smooths-what-it-compares": _entry(None, "10", "A smoothed loss shows in time that it breaks."),
    "keeps-the-logarithm": _entry(None, "10", "The logarithms of the rates are kept."),
    "losses-before-rates": _entry(None, "10", "The losses come before the rates."),
    "another-share": _entry(None, "10", "Another share than a tenth of the lowest point is taken."),
    "suggests-a-loss": _entry(None, "10", "The lowest loss is the suggestion."),
    "suggests-a-place": _entry(None, "10", "The place of the lowest loss is the suggestion."),
    "average-starts-at-the-first": _entry(None, "10", "A fading mean starts at the first loss."),
    "old-and-new-swapped": _entry(None, "10", "The new loss has the weight of the old mean."),
    "smooths-with-a-window": _entry(None, "10", "A window smooths as well as a fading mean."),
    "rate-at-the-end": _entry(None, "10", "The last rate before the end, divided, is taken."),
    # Clipping by the norm.
    "cuts-each-entry": _entry(None, "13", "Clipping cuts each entry of a gradient by itself."),
    "lengthens-the-short": _entry(None, "13", "Short gradients grow and long ones stay."),
    "shortens-the-short": _entry(None, "13", "Clipping shortens every gradient a little."),
    "clips-to-one": _entry(None, "13", "A clipped gradient has the length 1."),
    "scales-by-the-limit": _entry(None, "13", "A long gradient is multiplied by the limit."),
    "drops-the-long": _entry(None, "13", "A gradient that is too long is thrown away."),
    "limit-for-gradient": _entry(None, "13", "The limit takes the place of every entry."),
    "keeps-the-signs-only": _entry(None, "13", "Only the signs of a long gradient are kept."),
    "loses-the-sign": _entry(None, "13", "The sizes of the entries are returned, without signs."),
    "factor-alone": _entry(None, "13", "The factor is returned and not the gradient."),
    "length-without-root": _entry(None, "13", "The length is the sum of squares, without a root."),
    "length-by-sizes": _entry(None, "13", "The length is the sum of the sizes."),
    "length-by-the-largest": _entry(None, "13", "The length is the largest entry."),
    "length-by-the-mean": _entry(None, "13", "The length is the root of the mean of squares."),
    "length-by-the-steepest": _entry(
        None, "13", "The length of a matrix is its largest singular value."
    ),
    "each-row-by-itself": _entry(None, "13", "Every row of a matrix has a length of its own."),
    "constant-beside-the-length": _entry(
        None, "13", "A small number beside the length makes no difference."
    ),
    "half-way-to-the-limit": _entry(None, "13", "A clipped gradient may be longer than the limit."),
}
