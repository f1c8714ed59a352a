"""Gradient descent: the first algorithm of the course, as a path."""

from dataclasses import dataclass

import numpy as np

from lrlesson.feedback.exercises.exercise import (
    Case,
    Exercise,
    Property,
    Wrong,
    calling,
)

descent = calling("gradient_descent")


@dataclass(frozen=True)
class Gradient:
    """The gradient of ½wᵀHw; `formula` says so in numbers."""

    hessian: np.ndarray
    formula: str
    label: str = "grad"

    def __call__(self, w: np.ndarray) -> np.ndarray:
        return self.hessian @ w


LINE = Gradient(np.diag([2.0]), "grad(w) = [2w₁]")
BOWL = Gradient(np.diag([2.0, 8.0]), "grad(w) = [2w₁, 8w₂]")
# Its axes are not the weights' own, so each slope needs both weights.
TILTED = Gradient(np.array([[2.0, 1.0], [1.0, 2.0]]), "grad(w) = [2w₁ + w₂, w₁ + 2w₂]")


def path(grad: Gradient, w0: np.ndarray, lr: float, steps: int) -> Case:
    """The whole path, with the gradient's formula in the text."""
    case = descent(grad, w0, lr, steps)
    return Case(f"{case.text} with {grad.formula}", case.run)


def _start_afterwards(gradient_descent):
    w0 = np.array([1.0, 1.0])
    gradient_descent(BOWL, w0, 0.1, 3)
    return w0


def _runs_away(came: np.ndarray, expected: np.ndarray) -> bool:
    """The same rows; single precision may end where its numbers do, and double where its own do."""
    beyond = ~(np.abs(expected) < 3e38)
    return bool((np.isclose(came, expected, rtol=1e-4) | (beyond & ~np.isfinite(came))).all())


EXERCISES = [
    Exercise(
        id="gradient-descent",
        points=4,
        notebook="01_exercise_what_the_rate_is.ipynb",
        signature="gradient_descent(grad, w0, lr, steps)",
        reference="""\
def gradient_descent(grad, w0, lr, steps):
    path = np.empty((steps + 1, len(w0)))
    path[0] = w0
    for t in range(steps):
        path[t + 1] = path[t] - lr * grad(path[t])
    return path
""",
        properties=[
            Property(
                "no-steps",
                "With steps = 0 the path is the start alone, one row.",
                [path(BOWL, np.array([1.0, 1.0]), 0.1, 0)],
            ),
            Property(
                "one-step",
                "One step subtracts the rate times the gradient.",
                [
                    path(LINE, np.array([1.0]), 0.1, 1),
                    path(BOWL, np.array([1.0, 1.0]), 0.1, 1),
                    path(TILTED, np.array([1.0, -3.0]), 0.25, 1),
                ],
            ),
            Property(
                "closed-form",
                "On a bowl of curvature λ every step multiplies the weight by 1 − lr·λ.",
                [
                    path(BOWL, np.array([1.0, 1.0]), 0.1, 2),
                    path(BOWL, np.array([1.0, 2.0]), 0.1, 1),
                    path(TILTED, np.array([1.0, -3.0]), 0.25, 3),
                    path(BOWL, np.array([1.0, 1.0]), 0.1, 5),
                ],
            ),
            Property(
                "every-step",
                "Every one of the steps is made and kept, however short it is.",
                [
                    path(BOWL, np.array([0.0, 0.0]), 0.1, 3),
                    path(BOWL, np.array([1e-6, -2e-6]), 0.1, 3),
                    path(TILTED, np.array([1.0, -3.0]), 1e-9, 3),
                    path(BOWL, np.array([1.0, 1.0]), 0.1, 120),
                ],
            ),
            Property(
                "callers-array",
                "The caller's w0 is as it was before.",
                [Case("w0 = [1, 1], looked at after the call", _start_afterwards)],
            ),
            Property(
                "integer-start",
                "A start of integers gives the same path as a start of floats.",
                [path(BOWL, np.array([1, 1]), 0.1, 1)],
            ),
            Property(
                "divergence",
                "Above 2/λ the path runs away, and is returned as it is.",
                [path(BOWL, np.array([1.0, 1.0]), 0.3, 6)],
            ),
            Property(
                "far-away",
                "However far the path runs, every step is made and kept.",
                [
                    path(LINE, np.array([1.0]), 1.2, 20),
                    path(LINE, np.array([1.0]), 5.0, 30),
                    path(LINE, np.array([1.0]), 5.0, 320),
                    path(LINE, np.array([1.0]), 5.0, 400),
                ],
                holds=_runs_away,
            ),
        ],
        bank=[
            Wrong(
                "changes-the-callers-array",
                "Your function changed the caller's w0; start from a float copy.",
                """\
def gradient_descent(grad, w0, lr, steps):
    w = np.asarray(w0)
    path = [np.array(w, dtype=float)]
    for t in range(steps):
        w[:] = w - lr * grad(w)
        path.append(np.array(w, dtype=float))
    return np.array(path)
""",
                told_by="callers-array",
            ),
            Wrong(
                "stores-the-same-array",
                "You stored the same array each time, so all rows are the last point; "
                "store a copy.",
                """\
def gradient_descent(grad, w0, lr, steps):
    w = np.array(w0, dtype=float)
    path = [w]
    for t in range(steps):
        w -= lr * grad(w)
        path.append(w)
    return np.array(path)
""",
            ),
            Wrong(
                "start-missing",
                "The path begins after the first update; the start belongs to it.",
                """\
def gradient_descent(grad, w0, lr, steps):
    w = np.array(w0, dtype=float)
    path = np.empty((steps, len(w)))
    for t in range(steps):
        w = w - lr * grad(w)
        path[t] = w
    return path
""",
            ),
            Wrong(
                "one-step-short",
                "The path ends one update too early: a start and `steps` updates are "
                "steps + 1 points.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps - 1):
        path.append(path[-1] - lr * grad(path[-1]))
    return np.array(path)
""",
            ),
            Wrong(
                "one-step-short",
                "You keep each point before its update, so the last one is lost: a start and "
                "`steps` updates are steps + 1 points.",
                """\
def gradient_descent(grad, w0, lr, steps):
    w = np.array(w0, dtype=float)
    path = np.empty((steps, len(w)))
    for t in range(steps):
        path[t] = w
        w = w - lr * grad(w)
    return path
""",
            ),
            Wrong(
                "one-step-too-many",
                "The path makes one update too many: the start is not a step.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps + 1):
        path.append(path[-1] - lr * grad(path[-1]))
    return np.array(path)
""",
            ),
            Wrong(
                "climbs",
                "The path climbs: the gradient points uphill, so the step goes against it.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        path.append(path[-1] + lr * grad(path[-1]))
    return np.array(path)
""",
            ),
            Wrong(
                "integers-stay-integers",
                "w0 was integers and your path stayed integers, so every step was cut to a "
                "whole number.",
                """\
def gradient_descent(grad, w0, lr, steps):
    w0 = np.array(w0)
    path = np.empty((steps + 1, len(w0)), dtype=w0.dtype)
    path[0] = w0
    for t in range(steps):
        path[t + 1] = path[t] - lr * grad(path[t])
    return path
""",
            ),
            Wrong(
                "rate-is-step-length",
                "Each of your steps is exactly lr long. The rate multiplies the slope: where the "
                "ground is flat, the step is short.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        g = grad(path[-1])
        path.append(path[-1] - lr * g / np.linalg.norm(g))
    return np.array(path)
""",
            ),
            Wrong(
                "rate-is-step-length",
                "Each of your steps is exactly lr long, unless there is no slope at all. The rate "
                "multiplies the slope: where the ground is flat, the step is short.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        g = grad(path[-1])
        path.append(path[-1] - lr * g / (np.linalg.norm(g) or 1.0))
    return np.array(path)
""",
            ),
            Wrong(
                "rate-is-step-length",
                "Each weight of yours moves by exactly lr, whatever the slope. The rate multiplies "
                "the slope.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        path.append(path[-1] - lr * np.sign(grad(path[-1])))
    return np.array(path)
""",
            ),
            Wrong(
                "rate-must-shrink",
                "You make the rate smaller at every step. It is constant here; the steps shrink "
                "by themselves, because the slope does.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        path.append(path[-1] - lr / (t + 1) * grad(path[-1]))
    return np.array(path)
""",
            ),
            Wrong(
                "gradient-at-start-only",
                "All your steps are the same: ask for the gradient again at each new point.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    g = grad(path[0])
    for t in range(steps):
        path.append(path[-1] - lr * g)
    return np.array(path)
""",
            ),
            Wrong(
                "only-the-last-point",
                "You returned the last point; the whole path is asked for, start included.",
                """\
def gradient_descent(grad, w0, lr, steps):
    w = np.array(w0, dtype=float)
    for t in range(steps):
        w = w - lr * grad(w)
    return w
""",
            ),
            Wrong(
                "path-transposed",
                "Your path lies on its side: one row per point, one column per weight.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = np.empty((len(w0), steps + 1))
    path[:, 0] = w0
    for t in range(steps):
        path[:, t + 1] = path[:, t] - lr * grad(path[:, t])
    return path
""",
            ),
            Wrong(
                "rate-ignored",
                "Your step is the whole gradient: lr is not used.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        path.append(path[-1] - grad(path[-1]))
    return np.array(path)
""",
            ),
            Wrong(
                "stops-at-a-rise",
                "Your descent stands still once the gradient grows. A path that runs away is a "
                "result too: return it.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        new = path[-1] - lr * grad(path[-1])
        worse = np.linalg.norm(grad(new)) > np.linalg.norm(grad(path[-1]))
        path.append(path[-1] if worse else new)
    return np.array(path)
""",
            ),
            Wrong(
                "stops-when-steps-are-short",
                "Your path stops, or stands still, when its steps become short. That is a rule for "
                "ending a search; here all steps are asked for, and the rows are steps + 1.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        step = lr * grad(path[-1])
        if np.linalg.norm(step) < 1e-3:
            break
        path.append(path[-1] - step)
    return np.array(path)
""",
                told_by="every-step",
            ),
            Wrong(
                "holds-the-run-back",
                "Your path is held back when its numbers become large: it is cut off, clipped or "
                "ended. A path that runs away is a result, and steps + 1 rows are asked for.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        new = path[-1] - lr * grad(path[-1])
        if np.abs(new).max() > 1e4:
            break
        path.append(new)
    return np.array(path)
""",
                told_by="far-away",
            ),
            Wrong(
                "clips-the-gradient",
                "You clip the gradient, so that no step is long. That has a lesson of its own; "
                "here "
                "the step is the rate times the gradient as it is.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        path.append(path[-1] - lr * np.clip(grad(path[-1]), -1, 1))
    return np.array(path)
""",
            ),
            Wrong(
                "start-not-stored",
                "The first row is not w0: make room for steps + 1 rows, and put the start into the "
                "first one.",
                """\
def gradient_descent(grad, w0, lr, steps):
    w = np.array(w0, dtype=float)
    path = np.zeros((steps + 1, len(w)))
    for t in range(steps):
        w = w - lr * grad(w)
        path[t + 1] = w
    return path
""",
            ),
            Wrong(
                "rows-left-empty",
                "The last row is never filled: the loop goes over steps updates, and each of them "
                "fills the row after its own.",
                """\
def gradient_descent(grad, w0, lr, steps):
    w = np.array(w0, dtype=float)
    path = np.zeros((steps + 1, len(w)))
    for t in range(steps):
        path[t] = w
        w = w - lr * grad(w)
    return path
""",
            ),
            Wrong(
                "adds-momentum",
                "You add a share of the last step to each new one. That is momentum, which is "
                "another rule; gradient descent remembers nothing.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path, velocity = [np.array(w0, dtype=float)], 0.0
    for t in range(steps):
        velocity = 0.9 * velocity - lr * grad(path[-1])
        path.append(path[-1] + velocity)
    return np.array(path)
""",
            ),
            Wrong(
                "path-of-the-gradients",
                "You keep the gradients. The path is made of the points.",
                """\
def gradient_descent(grad, w0, lr, steps):
    w, path = np.array(w0, dtype=float), []
    for t in range(steps + 1):
        path.append(grad(w))
        w = w - lr * path[-1]
    return np.array(path)
""",
            ),
            Wrong(
                "one-weight-at-a-time",
                "You move one weight before you ask for the slope of the next. In one update all "
                "weights use the gradient at the same point.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        w = path[-1].copy()
        for i in range(len(w)):
            w[i] -= lr * grad(w)[i]
        path.append(w)
    return np.array(path)
""",
            ),
            Wrong(
                "shrinks-the-weights",
                "Your step multiplies the weights by 1 − lr and does not look at the gradient.",
                """\
def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for t in range(steps):
        path.append(path[-1] - lr * path[-1])
    return np.array(path)
""",
            ),
        ],
        atol=1e-12,
        hints=[
            (
                "How many points are there on a path of `steps` steps? Make room for all of them, "
                "and put the start into the first row."
            ),
            (
                "Every new row comes from the row before it: that point, the gradient at that "
                "point, and the rate. Nothing else is needed."
            ),
            (
                "Start with `path = np.empty((steps + 1, len(w0)))` and `path[0] = w0`; inside "
                "the loop over t, row t + 1 is row t minus lr times the gradient at row t."
            ),
        ],
    )
]
