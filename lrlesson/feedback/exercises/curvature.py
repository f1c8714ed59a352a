"""The largest stable rate of a bowl."""

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, calling, varied

limit = calling("critical_lr")

STRETCHED = np.diag([1.0, 20.0])
TILTED = np.array([[3.0, 1.0], [1.0, 1.0]])
SLANTED = np.array([[2.0, -1.0], [-1.0, 2.0]])
THREE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -2.0], [0.5, -2.0, 5.0]])


def _curvatures_afterwards(critical_lr):
    H = TILTED.copy()
    critical_lr(H)
    return H


REFERENCE = """\
def critical_lr(H):
    return 2 / np.linalg.eigvalsh(np.atleast_2d(H)).max()
"""
EIGENVALUES = "np.linalg.eigvalsh(np.atleast_2d(H))"


def _using(expression: str) -> str:
    """The reference with another expression in the place of its result."""
    return varied(REFERENCE, (f"2 / {EIGENVALUES}.max()", expression))


EXERCISES = [
    Exercise(
        id="critical-lr",
        points=4,
        notebook="02_exercise_too_low_too_high.ipynb",
        signature="critical_lr(H)",
        reference=REFERENCE,
        properties=[
            Property(
                "one-weight",
                "With one weight the curvature is a number, and so is the limit.",
                [limit(4.0), limit(0.5), limit(1e-3), limit(1e6)],
            ),
            Property(
                "two-directions",
                "With curvatures on the diagonal, the limit keeps every direction from running "
                "away.",
                [
                    limit(STRETCHED),
                    limit(np.diag([20.0, 1.0])),
                    limit(np.diag([0.5, 0.1, 0.3])),
                    limit(np.diag([1e-3, 2e-3])),
                    limit(np.diag([1e4, 3e5])),
                ],
            ),
            Property(
                "tilted-bowl",
                "A bowl whose axes are not the weights' own has its curvatures in the whole of H.",
                [limit(TILTED), limit(SLANTED), limit(np.array([[2.0, 1.0], [1.0, 2.0]]))],
            ),
            Property("three-weights", "It holds for any number of weights.", [limit(THREE)]),
            Property(
                "callers-array",
                "The caller's H is as it was before.",
                [Case("H = [[3, 1], [1, 1]], looked at after the call", _curvatures_afterwards)],
            ),
        ],
        bank=[
            Wrong(
                "limit-is-one-over-curvature",
                "1/λ is the fastest rate for one direction, half the limit: up to 2/λ the run "
                "jumps over the minimum and still comes nearer.",
                _using(f"1 / {EIGENVALUES}.max()"),
            ),
            Wrong(
                "trace-limits",
                "You divide by the sum of the curvatures. Each direction has a limit of its own, "
                "and the smallest of these limits counts.",
                _using("2 / np.trace(np.atleast_2d(H))"),
            ),
            Wrong(
                "flattest-limits",
                "The flattest direction does not limit you: another one runs away before.",
                _using(f"2 / {EIGENVALUES}.min()"),
            ),
            Wrong(
                "diagonal-is-curvature",
                "You take the largest entry of H, which in a bowl always stands on the diagonal. "
                "That is enough while H is diagonal; in a tilted bowl the steepest direction lies "
                "between the weights.",
                _using("2 / np.max(np.diag(np.atleast_2d(H)))"),
            ),
            Wrong(
                "average-curvature-limits",
                "You divide by the average curvature. A run that runs away in one direction is "
                "not helped by the others.",
                _using(f"2 / {EIGENVALUES}.mean()"),
            ),
            Wrong(
                "best-rate-is-limit",
                "2/(λmin + λmax) is the rate that is fastest in the long run. The limit is "
                "larger: there the steepest direction just does not run away.",
                _using(f"2 / ({EIGENVALUES}.min() + {EIGENVALUES}.max())"),
            ),
            Wrong(
                "first-direction-only",
                "You look at the first weight only: the other directions have limits, too.",
                _using("2 / np.atleast_2d(H)[0, 0]"),
            ),
            Wrong(
                "upside-down",
                "Your rate grows with the curvature. The steeper the bowl, the smaller the limit.",
                _using(f"{EIGENVALUES}.max() / 2"),
            ),
            Wrong(
                "norm-is-curvature",
                "`np.linalg.norm(H)` adds up all entries (the Frobenius norm). Only the largest "
                "eigenvalue says how steep the steepest direction is.",
                _using("2 / np.linalg.norm(H)"),
            ),
            Wrong(
                "row-sum-is-curvature",
                "The largest row sum is never below the largest eigenvalue, so your rate is safe, "
                "but it is not the limit.",
                _using("2 / np.abs(np.atleast_2d(H)).sum(axis=1).max()"),
            ),
            Wrong(
                "limit-is-one-over-curvature",
                "1/trace is a rate that is safe. The limit is larger: each direction has one of "
                "its "
                "own, 2/λ, and the smallest of these counts.",
                _using("1 / np.trace(np.atleast_2d(H))"),
            ),
            Wrong(
                "best-rate-is-limit",
                "1/(λmin + λmax) is half of the rate that is fastest in the long run. The limit is "
                "larger: there the steepest direction just does not run away.",
                _using(f"1 / ({EIGENVALUES}.min() + {EIGENVALUES}.max())"),
            ),
            Wrong(
                "condition-is-curvature",
                "You divide by the ratio of the curvatures. It says how slow a run will be; what "
                "is stable depends on the largest curvature alone.",
                _using("2 / np.linalg.cond(np.atleast_2d(H))"),
            ),
            Wrong(
                "determinant-is-curvature",
                "You divide by the determinant, the product of all curvatures. Only the largest of "
                "them sets the limit.",
                _using("2 / np.linalg.det(np.atleast_2d(H))"),
            ),
            Wrong(
                "norm-is-curvature",
                "1/‖H‖ with the root of the sum of all squares is a rate that is safe. The limit "
                "is 2 over the largest eigenvalue.",
                _using("1 / np.linalg.norm(H)"),
            ),
            Wrong(
                "takes-any-eigenvalue",
                "You take the first eigenvalue that NumPy returns. `eig` and `eigvals` return them "
                "in no order, `eigvalsh` from the smallest up.",
                _using("2 / np.linalg.eigvals(np.atleast_2d(H))[0]"),
            ),
            Wrong(
                "takes-any-eigenvalue",
                "You take the last eigenvalue that NumPy returns. `eig` and `eigvals` return them "
                "in no order; take the largest.",
                _using("2 / np.linalg.eigvals(np.atleast_2d(H))[-1]"),
            ),
            Wrong(
                "limit-per-direction",
                "You return a limit for every direction. One rate serves all of them: the smallest "
                "limit is asked for.",
                _using(f"2 / {EIGENVALUES}"),
            ),
            Wrong(
                "stays-below-the-limit",
                "You leave a margin below the limit. That is wise in practice; here the limit "
                "itself is asked for.",
                _using(f"1.99 / {EIGENVALUES}.max()"),
            ),
            Wrong(
                "held-in-a-range",
                "You keep the rate within a range that nobody asked for. For a flat bowl the limit "
                "is large.",
                _using(f"min(1.0, 2 / {EIGENVALUES}.max())"),
            ),
            Wrong(
                "upside-down",
                "You return the curvature. The limit is 2 over it.",
                _using(f"{EIGENVALUES}.max()"),
            ),
            Wrong(
                "matrix-only",
                "With one weight H may be a plain number, which is its own eigenvalue; your "
                "function needs a matrix.",
                _using("2 / np.linalg.eigvalsh(H).max()"),
            ),
            Wrong(
                "universal-rate",
                "You return the same rate for every bowl. The limit follows the curvature.",
                _using("0.1"),
            ),
        ],
        hints=[
            (
                "Follow one direction of curvature λ: each update multiplies its distance by "
                "1 − ηλ. For which rates does this factor stay between −1 and 1?"
            ),
            (
                "Every direction has such a limit. Which direction reaches its own first? The "
                "curvatures of a tilted bowl are the eigenvalues of H."
            ),
            (
                "`np.linalg.eigvalsh` gives the eigenvalues of a symmetric matrix, and "
                "`np.atleast_2d` makes a matrix of a number. The largest one sets the limit."
            ),
        ],
    )
]
