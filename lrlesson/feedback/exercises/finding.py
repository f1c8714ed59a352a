"""The range test and a rate read off it: two answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, calling, varied

suggest = calling("suggest_lr")


@dataclass
class Bowl:
    """½λ|w|², as (loss, gradient); `label` says so."""

    curvature: float

    @property
    def label(self) -> str:
        return f"loss_grad(w) = ({self.curvature / 2:g}·w·w, {self.curvature:g}·w)"

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        return float(self.curvature / 2 * w @ w), self.curvature * w


@dataclass
class Script:
    """Gives these losses one after another, and a gradient of zero."""

    losses: list[float]
    asked: int = field(default=0)

    @property
    def label(self) -> str:
        return f"a loss_grad that gives the losses {', '.join(f'{x:g}' for x in self.losses)}"

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        loss = self.losses[min(self.asked, len(self.losses) - 1)]
        self.asked += 1
        return loss, np.zeros_like(w)


def test_of(make: Callable[[], Any], lo: float, hi: float, n: int, what: str) -> Case:
    """A range test from w0 = [1, 2], and the rates or the losses of it."""
    which = ("rates", "losses").index(what)

    def run(lr_range_test: Any, _suggest_lr: Any) -> np.ndarray:
        found = lr_range_test(make(), np.array([1.0, 2.0]), lo, hi, n)
        return np.array(found[which], dtype=float)

    start = f"lr_range_test(loss_grad, np.array([1.0, 2.0]), {lo}, {hi}, {n})"
    return Case(f"{start} with {make().label}: the {what}", run)


def _start_afterwards(lr_range_test: Any, _suggest_lr: Any) -> np.ndarray:
    w0 = np.array([1.0, 2.0])
    lr_range_test(Bowl(1.0), w0, 0.01, 0.1, 3)
    return w0


def suggestion(lrs: np.ndarray, losses: np.ndarray) -> Case:
    """The rate read off a range test."""
    case = suggest(lrs, losses)
    return Case(case.text, lambda _lr_range_test, suggest_lr: case.run(suggest_lr))


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
                [Case("w0 = [1, 2], looked at after the test", _start_afterwards)],
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
            Wrong(
                "steepest-point",
                "You take the rate where the loss falls fastest. Here it is a tenth of the rate at "
                "the lowest point.",
                varied(REFERENCE, (PICK, "lrs[np.argmin(np.diff(smoothed))]")),
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
