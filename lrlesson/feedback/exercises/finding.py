"""The range test and a rate read off it: two answers."""

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, varied
from lrlesson.feedback.exercises.trials import (
    Bowl,
    Script,
    start_afterwards,
    suggestion,
    test_of,
)

REFERENCE = """\
def lr_range_test(loss_grad, w0, lo, hi, n):
    w, lrs, losses = np.array(w0, dtype=float), [], []
    for lr in lo * (hi / lo) ** (np.arange(n) / (n - 1)):
        loss, grad = loss_grad(w)
        if not np.isfinite(loss) or loss > 4 * min(losses, default=np.inf):
            break
        lrs.append(lr)
        losses.append(loss)
        w = w - lr * grad
    return np.array(lrs), np.array(losses)


def suggest_lr(lrs, losses):
    mean, smoothed = 0.0, []
    for k, loss in enumerate(losses):
        mean = 0.9 * mean + 0.1 * loss
        smoothed.append(mean / (1 - 0.9 ** (k + 1)))
    return lrs[np.argmin(smoothed)] / 10
"""
RATES = "lo * (hi / lo) ** (np.arange(n) / (n - 1))"
STOP = "not np.isfinite(loss) or loss > 4 * min(losses, default=np.inf)"
RECORD = "lrs.append(lr)\n        losses.append(loss)\n"
PICK = "lrs[np.argmin(smoothed)] / 10"

GRID = np.array([0.001, 0.01, 0.1, 1.0])
# A valley with one lucky batch far to its left: smoothing looks past it.
FINE = np.round(np.geomspace(1e-3, 10.0, 41), 5)
VALLEY = np.round(2.0 + np.abs(np.arange(41) - 28) / 10, 3)
# Losses that start high and jump about: how the mean begins decides.
EARLY = np.round(2.0 + np.abs(np.arange(41) - 5) / 40 + 0.4 * (np.arange(41) % 4 == 0), 3)
LUCKY = np.where(np.arange(41) == 8, 1.5, VALLEY)


EXERCISES = [
    Exercise(
        id="range-test",
        points=8,
        notebook="10_exercise_finding_the_rate.ipynb",
        signature="lr_range_test(loss_grad, w0, lo, hi, n) and suggest_lr(lrs, losses)",
        reference=REFERENCE,
        properties=[
            Property(
                "rates",
                "The rates run from lo to hi, and each is the same multiple of the one before.",
                [
                    test_of(lambda: Bowl(0.01), 0.1, 1.0, 2, "rates"),
                    test_of(lambda: Bowl(0.01), 0.01, 1.0, 3, "rates"),
                    test_of(lambda: Bowl(0.01), 1e-4, 10.0, 6, "rates"),
                ],
            ),
            Property(
                "first-loss",
                "The first loss is that of w0, before any step.",
                [test_of(lambda: Bowl(2.0), 0.1, 0.2, 2, "losses")],
            ),
            Property(
                "one-run",
                "It is one run: each step goes on from where the last one ended.",
                [
                    test_of(lambda: Bowl(1.0), 0.1, 0.4, 3, "losses"),
                    test_of(lambda: Bowl(1.0), 0.01, 1.5, 9, "losses"),
                ],
            ),
            Property(
                "ends-when-it-breaks",
                "The test ends before a loss of more than 4 times the best one so far.",
                [
                    test_of(lambda: Script([1.0, 1.0, 5.0, 0.1]), 0.1, 0.8, 4, "losses"),
                    test_of(lambda: Script([8.0, 2.0, 7.0, 1.0, 5.0]), 0.1, 1.6, 5, "losses"),
                    test_of(lambda: Script([1.0, 0.5, 2.1, 0.1]), 0.1, 0.8, 4, "losses"),
                    test_of(lambda: Script([1.0, 3.0, 9.0, 1.0]), 0.1, 0.8, 4, "losses"),
                    test_of(lambda: Script([1.0, 9.0, 0.1]), 0.1, 0.4, 3, "losses"),
                    test_of(lambda: Script([1.0, 90.0, 0.1]), 0.1, 0.4, 3, "losses"),
                    test_of(lambda: Script([1.0, 1e7, 0.1]), 0.1, 0.4, 3, "losses"),
                    test_of(lambda: Bowl(3.3), 0.1, 10.0, 5, "losses"),
                    test_of(lambda: Bowl(3.3), 0.1, 10.0, 5, "rates"),
                ],
            ),
            Property(
                "goes-on-while-it-lasts",
                "A loss that rises, but not beyond 4 times the best, ends nothing.",
                [
                    test_of(lambda: Script([1.0, 2.0, 4.0]), 0.1, 0.4, 3, "losses"),
                    test_of(lambda: Script([4.0, 1.0, 3.9, 0.5, 1.9]), 0.1, 1.6, 5, "losses"),
                    test_of(lambda: Script([1.0, 1.0, 1.0, 1.0, 1.0]), 0.1, 1.6, 5, "losses"),
                    test_of(lambda: Script([1e6, 3e6, 2e6]), 0.1, 0.4, 3, "losses"),
                ],
            ),
            Property(
                "numbers-only",
                "A loss that is no finite number ends the test and is not kept.",
                [
                    test_of(lambda: Script([1.0, np.nan, 0.5]), 0.1, 0.4, 3, "losses"),
                    test_of(lambda: Script([1.0, np.inf, 0.5]), 0.1, 0.4, 3, "losses"),
                ],
            ),
            Property(
                "callers-array",
                "The caller's w0 is as it was before.",
                [Case("w0 = [1, 2], looked at after the test", start_afterwards)],
            ),
            Property(
                "suggestion",
                "The suggestion is a tenth of the rate at the lowest smoothed loss.",
                [
                    suggestion(GRID, np.array([4.0, 3.0, 2.0, 1.0])),
                    suggestion(GRID, np.array([4.0, 3.0, 0.5, 40.0])),
                    suggestion(FINE, VALLEY),
                ],
            ),
            Property(
                "smoothed",
                "One lucky batch does not decide.",
                [
                    suggestion(FINE, LUCKY),
                    suggestion(GRID, np.array([1.0, 1.1, 1.05, 1.06])),
                    suggestion(FINE, EARLY),
                ],
            ),
        ],
        bank=[
            Wrong(
                "linear-sweep",
                "Your rates are spaced evenly, so nearly all of them are large. On a scale of "
                "ratios each is the same multiple of the one before.",
                varied(REFERENCE, (RATES, "np.linspace(lo, hi, n)")),
            ),
            Wrong(
                "restarts-every-time",
                "You start again from w0 at every rate. It is one run, so the losses show a "
                "training.",
                varied(REFERENCE, ("w = w - lr", "w = w0 - lr")),
            ),
            Wrong(
                "never-stops",
                "You go on after the loss has blown up. From there on it says nothing.",
                varied(REFERENCE, (f"        if {STOP}:\n            break\n", "")),
            ),
            *(
                Wrong(
                    "another-multiple",
                    f"You end at more than {factor:g} times the best loss. Here it is 4 times.",
                    varied(REFERENCE, ("loss > 4 *", f"loss > {factor:g} *")),
                )
                for factor in (2, 3, 5, 10, 100)
            ),
            Wrong(
                "ends-at-a-fixed-loss",
                "You end only at a loss that is huge in itself. What is huge depends on the task: "
                "compare with the best loss so far.",
                varied(REFERENCE, ("loss > 4 * min(losses, default=np.inf)", "loss > 1e6")),
            ),
            Wrong(
                "ends-at-a-fixed-loss",
                "You end only at a loss that is no finite number. The run is broken long before: "
                "compare with the best loss so far.",
                varied(REFERENCE, (" or loss > 4 * min(losses, default=np.inf)", "")),
            ),
            Wrong(
                "compared-with-the-last",
                "You compare with the loss before. A run may break in several small rises: compare "
                "with the best so far.",
                varied(REFERENCE, ("min(losses, default=np.inf)", "(losses or [np.inf])[-1]")),
            ),
            Wrong(
                "pads-what-is-missing",
                "Your arrays are n long, also where the test ended before: what was not tried is "
                "filled up. Return what was kept.",
                varied(
                    REFERENCE,
                    (
                        "    return np.array(lrs), np.array(losses)\n",
                        (
                            "    rest = [0.0] * (n - len(lrs))\n"
                            "    return np.array(lrs + rest), np.array(losses + rest)\n"
                        ),
                    ),
                ),
            ),
            Wrong(
                "pads-what-is-missing",
                "Your arrays are n long, also where the test ended before, with nan for what was "
                "not tried. Return what was kept.",
                varied(
                    REFERENCE,
                    (
                        "    return np.array(lrs), np.array(losses)\n",
                        (
                            "    rest = [np.nan] * (n - len(lrs))\n"
                            "    return np.array(lrs + rest), np.array(losses + rest)\n"
                        ),
                    ),
                ),
            ),
            Wrong(
                "pads-what-is-missing",
                "You return all n rates, also those that were not tried: both arrays end where the "
                "test does.",
                varied(
                    REFERENCE,
                    (
                        "    return np.array(lrs), np.array(losses)\n",
                        f"    return {RATES}, np.array(losses)\n",
                    ),
                ),
            ),
            Wrong(
                "pads-what-is-missing",
                "Your arrays are made n long beforehand, and where the test ends before, zeros are "
                "left in the losses. Return what was kept.",
                varied(
                    REFERENCE,
                    (
                        "    return np.array(lrs), np.array(losses)\n",
                        (
                            "    rest = [0.0] * (n - len(lrs))\n"
                            f"    return {RATES}, np.array(losses + rest)\n"
                        ),
                    ),
                ),
            ),
            Wrong(
                "smooths-what-it-keeps",
                "You keep the smoothed losses, as fastai's finder does. Here the losses are kept "
                "as "
                "they come, and smoothed when the rate is read off.",
                varied(
                    REFERENCE,
                    ("    w, lrs, losses =", "    mean = 0.0\n    w, lrs, losses ="),
                    (
                        "loss, grad = loss_grad(w)\n",
                        (
                            "loss, grad = loss_grad(w)\n"
                            "        mean = 0.98 * mean + 0.02 * loss\n"
                            "        loss = mean / (1 - 0.98 ** (len(lrs) + 1))\n"
                        ),
                    ),
                ),
                right_in="fastai",
            ),
            Wrong(
                "smooths-what-it-keeps",
                "You keep the smoothed losses. Here the losses are kept as they come, and smoothed "
                "when the rate is read off.",
                varied(
                    REFERENCE,
                    ("    w, lrs, losses =", "    mean = 0.0\n    w, lrs, losses ="),
                    (
                        "loss, grad = loss_grad(w)\n",
                        (
                            "loss, grad = loss_grad(w)\n"
                            "        mean = 0.9 * mean + 0.1 * loss\n"
                            "        loss = mean / (1 - 0.9 ** (len(lrs) + 1))\n"
                        ),
                    ),
                ),
            ),
            Wrong(
                "keeps-the-logarithm",
                "You keep the logarithms of the rates. They are for the axis of a plot; return the "
                "rates.",
                varied(REFERENCE, ("lrs.append(lr)", "lrs.append(np.log10(lr))")),
            ),
            Wrong(
                "losses-before-rates",
                "You return the losses first. It is the rates, then the losses.",
                varied(
                    REFERENCE,
                    ("np.array(lrs), np.array(losses)", "np.array(losses), np.array(lrs)"),
                ),
            ),
            Wrong(
                "smooths-what-it-compares",
                "You look at a smoothed loss to end the test, so it ends late. Compare this loss "
                "with the smallest that was kept.",
                varied(
                    REFERENCE,
                    ("    w, lrs, losses =", "    mean, best = 0.0, np.inf\n    w, lrs, losses ="),
                    (
                        f"if {STOP}",
                        (
                            "mean = 0.9 * mean + 0.1 * loss\n"
                            "        smooth = mean / (1 - 0.9 ** (len(lrs) + 1))\n"
                            "        best = min(best, smooth)\n"
                            "        if not np.isfinite(loss) or smooth > 4 * best"
                        ),
                    ),
                ),
            ),
            Wrong(
                "changes-the-callers-array",
                "Your test changed the caller's w0; start from a float copy.",
                varied(
                    REFERENCE,
                    ("np.array(w0, dtype=float)", "w0"),
                    ("w = w - lr * grad", "w -= lr * grad"),
                ),
                told_by="callers-array",
            ),
            Wrong(
                "first-rate-skipped",
                "Your sweep begins one step after lo.",
                varied(REFERENCE, ("np.arange(n) / (n - 1)", "(np.arange(n) + 1) / n")),
            ),
            Wrong(
                "last-rate-missing",
                "Your sweep ends one step before hi: n rates have n − 1 gaps between them.",
                varied(REFERENCE, ("/ (n - 1)", "/ n")),
            ),
            Wrong(
                "compared-with-the-first",
                "You compare with the first loss. A run that has come far down may break long "
                "before it is back there: compare with the best so far.",
                varied(REFERENCE, ("min(losses, default=np.inf)", "(losses or [np.inf])[0]")),
            ),
            Wrong(
                "stops-at-a-rise",
                "You stop at the first rise. A training loss rises now and then; only 4 times the "
                "best ends the test.",
                varied(REFERENCE, ("loss > 4 * min", "loss > min")),
            ),
            Wrong(
                "keeps-the-broken-loss",
                "You keep the loss that ended the test. Look first, then record.",
                varied(
                    REFERENCE,
                    (f"if {STOP}", f"broken = {STOP}\n        {RECORD}        if broken"),
                    (f"            break\n        {RECORD}", "            break\n"),
                ),
            ),
            Wrong(
                "lets-nan-pass",
                "A loss of nan is not larger than anything, so your comparison lets it pass. Ask "
                "whether it is finite.",
                varied(REFERENCE, ("not np.isfinite(loss) or ", "")),
            ),
            Wrong(
                "loss-after-the-step",
                "Your losses are those after the step, so that of w0 is missing.",
                varied(
                    REFERENCE,
                    (
                        "loss, grad = loss_grad(w)\n",
                        "w = w - lr * loss_grad(w)[1]\n        loss, grad = loss_grad(w)\n",
                    ),
                    ("        w = w - lr * grad\n", ""),
                ),
            ),
            Wrong(
                "climbs",
                "Your run climbs: the step goes against the gradient.",
                varied(REFERENCE, ("w - lr", "w + lr")),
            ),
            Wrong(
                "range-test-minimum",
                "You suggest the rate at the minimum itself. There the run is about to break: "
                "take a tenth of it.",
                varied(REFERENCE, (PICK, "lrs[np.argmin(smoothed)]")),
            ),
            Wrong(
                "lowest-single-loss",
                "You take the lowest single loss. One lucky batch then decides: smooth first.",
                varied(REFERENCE, ("np.argmin(smoothed)", "np.argmin(losses)")),
            ),
            Wrong(
                "average-starts-at-zero",
                "Your fading mean begins at zero and is not corrected, so the first rates seem to "
                "be the best.",
                varied(REFERENCE, ("mean / (1 - 0.9 ** (k + 1))", "mean")),
            ),
            Wrong(
                "tenth-of-the-way",
                "You divide the place in the list by ten, not the rate.",
                varied(REFERENCE, (PICK, "lrs[np.argmin(smoothed) // 10]")),
            ),
            *(
                Wrong(
                    "steepest-point",
                    "You take the rate where the loss falls fastest, as fastai and Lightning do. "
                    "Here it is a tenth of the rate at the lowest point of the smoothed losses.",
                    varied(REFERENCE, (PICK, pick)),
                    right_in="fastai and Lightning",
                )
                for pick in (
                    "lrs[np.argmin(np.diff(smoothed))]",
                    "lrs[np.argmin(np.gradient(smoothed))]",
                    "lrs[np.argmin(np.gradient(losses))]",
                    "lrs[np.argmin(np.diff(losses))]",
                    "lrs[np.argmin(np.gradient(smoothed))] / 10",
                    "lrs[np.argmin(np.gradient(losses, np.log(lrs)))]",
                )
            ),
            Wrong(
                "range-test-minimum",
                "You suggest the rate at the lowest single loss. There the run is about to break, "
                "and one lucky batch decides: smooth, and take a tenth.",
                varied(REFERENCE, (PICK, "lrs[np.argmin(losses)]")),
            ),
            *(
                Wrong(
                    "another-share",
                    f"You take the rate at the lowest point divided by {share}. Here it is a tenth "
                    "of it.",
                    varied(REFERENCE, (PICK, f"lrs[np.argmin(smoothed)] / {share}")),
                )
                for share in (2, 3, 4, 5, 100)
            ),
            Wrong(
                "suggests-a-loss",
                "You return a loss. The rate at that place is asked for.",
                varied(REFERENCE, (PICK, "min(smoothed) / 10")),
            ),
            Wrong(
                "suggests-a-place",
                "You return the place in the list. The rate at that place is asked for.",
                varied(REFERENCE, (PICK, "np.argmin(smoothed)")),
            ),
            Wrong(
                "average-starts-at-the-first",
                "Your fading mean begins at the first loss. Here it begins at 0 and is corrected.",
                varied(
                    REFERENCE,
                    ("mean, smoothed = 0.0, []", "mean, smoothed = losses[0], []"),
                    ("mean / (1 - 0.9 ** (k + 1))", "mean"),
                ),
            ),
            Wrong(
                "old-and-new-swapped",
                "You keep 0.1 of the old mean and take 0.9 of the new loss, which hardly smooths.",
                varied(
                    REFERENCE,
                    ("0.9 * mean + 0.1 * loss", "0.1 * mean + 0.9 * loss"),
                    ("0.9 ** (k + 1)", "0.1 ** (k + 1)"),
                ),
            ),
            Wrong(
                "smooths-with-a-window",
                "You average over a window. Here it is a fading mean, 0.9 of the old and 0.1 of "
                "the "
                "new.",
                varied(
                    REFERENCE,
                    (PICK, "lrs[np.argmin(np.convolve(losses, np.ones(5) / 5, 'same'))] / 10"),
                ),
            ),
            Wrong(
                "rate-at-the-end",
                "You take a tenth of the last rate of the test. It is the lowest point of the loss "
                "that counts.",
                varied(REFERENCE, (PICK, "lrs[-1] / 10")),
            ),
        ],
        hints=[
            (
                "First the rates: n of them from lo to hi, on a scale of ratios. "
                "`np.geomspace` knows how. Then one loop over them."
            ),
            (
                "In the loop: ask for loss and gradient at w; leave the loop if the loss is not "
                "finite or more than 4 times the smallest one kept; keep rate and loss; step."
            ),
            (
                "For the suggestion keep a fading mean, 0.9 of the old and 0.1 of the new, divided "
                "by 1 − 0.9 to the power of how many there were. `np.argmin` finds its lowest "
                "place; take the rate there, divided by 10."
            ),
        ],
    )
]
