"""Gradient descent: the first algorithm of the course, as a path."""

from dataclasses import dataclass

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, calling

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


def _first_row(gradient_descent):
    return np.asarray(gradient_descent(BOWL, np.array([1.0, 1.0]), 0.1, 1), dtype=float)[0]


def _rows(gradient_descent):
    return np.shape(gradient_descent(BOWL, np.array([1.0, 1.0]), 0.1, 5))


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
                "shape",
                "The path has one row for the start and one for each step, one column per weight.",
                [Case("the shape of the path for two weights and steps = 5", _rows)],
            ),
            Property(
                "starts-at-w0",
                "The first row of the path is w0.",
                [Case("the first row for w0 = [1, 1]", _first_row)],
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
                    path(TILTED, np.array([1.0, -3.0]), 0.25, 3),
                    path(BOWL, np.array([1.0, 1.0]), 0.1, 5),
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
