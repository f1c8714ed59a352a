"""Clipping a gradient by its norm."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lrlesson.feedback.exercises.exercise import (
    Case,
    Exercise,
    Property,
    Wrong,
    calling,
    varied,
)

cut = calling("clip_norm")

REFERENCE = """\
def clip_norm(gradient, limit):
    length = np.linalg.norm(gradient)
    return gradient * (limit / max(length, limit))
"""
LENGTH = "np.linalg.norm(gradient)"
RESULT = "gradient * (limit / max(length, limit))"


def _measuring(expression: str) -> str:
    return varied(REFERENCE, (LENGTH, expression))


def _returning(expression: str) -> str:
    return varied(REFERENCE, (RESULT, expression))


def _gradient_afterwards(clip_norm: Callable[..., Any]) -> np.ndarray:
    gradient = np.array([6.0, 8.0])
    clip_norm(gradient, 1.0)
    return gradient


EXERCISES = [
    Exercise(
        id="clip-norm",
        points=4,
        notebook="13_exercise_clipping.ipynb",
        signature="clip_norm(gradient, limit)",
        reference=REFERENCE,
        properties=[
            Property(
                "short-stays",
                "A gradient that is not longer than the limit stays as it is.",
                [
                    cut(np.array([0.6, 0.8]), 2.0),
                    cut(np.array([0.3, -0.1, 0.2]), 0.5),
                    cut(np.array([3.0, 4.0]), 5.0),
                ],
            ),
            Property(
                "long-is-cut",
                "A longer one has the length of the limit afterwards, and its direction.",
                [
                    cut(np.array([3.0, 4.0]), 1.0),
                    cut(np.array([2.0]), 0.5),
                    cut(np.array([6.0, 8.0]), 5.0),
                    cut(np.array([-3.0, 4.0]), 2.0),
                    cut(np.array([1.0, 20.0]), 1.0),
                    cut(np.array([2.0, -3.0, 6.0]), 4.0),
                ],
            ),
            Property(
                "zero",
                "A gradient of zero stays zero.",
                [cut(np.array([0.0, 0.0]), 1.0)],
            ),
            Property(
                "any-size",
                "It works for tiny gradients, and for huge ones.",
                [cut(np.array([3e-4, 4e-4]), 1e-4), cut(np.array([3e6, -4e6]), 1.0)],
            ),
            Property(
                "whole-matrix",
                "The gradient of a matrix of weights has one length, over all of its entries.",
                [
                    cut(np.array([[3.0, 0.0], [0.0, 4.0]]), 1.0),
                    cut(np.array([[1.0, 2.0, 2.0], [4.0, 2.0, 4.0]]), 3.5),
                ],
            ),
            Property(
                "callers-array",
                "The caller's gradient is as it was before.",
                [Case("gradient = [6, 8], looked at after the call", _gradient_afterwards)],
            ),
        ],
        bank=[
            Wrong(
                "cuts-each-entry",
                "You cut each entry by itself, which is clipping by value: it turns the gradient.",
                _returning("np.clip(gradient, -limit, limit)"),
            ),
            Wrong(
                "clipping-normalises",
                "You bring every gradient to the limit, the short ones as well, and divide by zero "
                "where there is none. What is short enough stays.",
                _returning("gradient * limit / length"),
            ),
            Wrong(
                "upside-down",
                "Your fraction is upside down: the longer a gradient, the smaller its factor.",
                _returning("gradient * max(1, length / limit)"),
            ),
            Wrong(
                "lengthens-the-short",
                "Your factor is 1 or more, so the short gradients grow and the long ones stay.",
                _returning("gradient * max(1, limit / max(length, 1e-12))"),
            ),
            Wrong(
                "shortens-the-short",
                "You shorten every gradient a little. Up to the limit nothing should happen.",
                _returning("gradient * limit / (limit + length)"),
            ),
            Wrong(
                "clips-to-one",
                "A long gradient has the length 1 afterwards, whatever the limit is.",
                _returning("gradient / length if length > limit else gradient"),
            ),
            Wrong(
                "clips-to-one",
                "You compare with 1 and not with the limit.",
                _returning("gradient / max(1, length)"),
            ),
            Wrong(
                "scales-by-the-limit",
                "You multiply a long gradient by the limit. How long is it then?",
                _returning("gradient * limit if length > limit else gradient"),
            ),
            Wrong(
                "drops-the-long",
                "You throw a long gradient away. Clipping keeps its direction.",
                _returning("gradient * (length <= limit)"),
            ),
            Wrong(
                "limit-for-gradient",
                "You put the limit in the place of every entry: the direction is lost.",
                _returning("np.full(np.shape(gradient), limit) if length > limit else gradient"),
            ),
            Wrong(
                "keeps-the-signs-only",
                "All entries of a long gradient come out equally large. That is a direction of "
                "signs, and not its own.",
                _returning(
                    "limit * np.sign(gradient) / np.sqrt(np.size(gradient)) "
                    "if length > limit else gradient"
                ),
            ),
            Wrong(
                "loses-the-sign",
                "Your entries are never negative.",
                _returning("np.abs(gradient) * (limit / max(length, limit))"),
            ),
            Wrong(
                "climbs",
                "You turn the gradient around. The minus belongs to the step, not here.",
                _returning("-gradient * (limit / max(length, limit))"),
            ),
            Wrong(
                "factor-alone",
                "You return the factor and not the gradient.",
                _returning("limit / max(length, limit)"),
            ),
            Wrong(
                "length-without-root",
                "The length is the root of the sum of squares. The root is missing.",
                _measuring("np.sum(gradient**2)"),
            ),
            Wrong(
                "length-by-sizes",
                "You add the sizes of the entries. The length is the root of the sum of their "
                "squares.",
                _measuring("np.sum(np.abs(gradient))"),
            ),
            Wrong(
                "length-by-the-largest",
                "You take the largest entry for the length. All of them count.",
                _measuring("np.max(np.abs(gradient))"),
            ),
            Wrong(
                "length-by-the-mean",
                "You take the mean of the squares. The length is made of their sum.",
                _measuring("np.sqrt(np.mean(gradient**2))"),
            ),
            Wrong(
                "each-row-by-itself",
                "You measure each row of a matrix by itself. The whole gradient has one length.",
                """\
def clip_norm(gradient, limit):
    length = np.linalg.norm(gradient, axis=-1, keepdims=True)
    return gradient * (limit / np.maximum(length, limit))
""",
            ),
            Wrong(
                "length-by-the-steepest",
                "For a matrix `ord=2` is its largest singular value. Here every entry counts.",
                _measuring("np.linalg.norm(gradient, 2)"),
            ),
            Wrong(
                "changes-the-callers-array",
                "Your function writes into the gradient that it was given; return a new array.",
                """\
def clip_norm(gradient, limit):
    length = np.linalg.norm(gradient)
    if length > limit:
        gradient *= limit / length
    return gradient
""",
            ),
            Wrong(
                "constant-beside-the-length",
                "You add a small number to the length, so a tiny gradient comes out too short. No "
                "division is by zero if only long gradients are divided.",
                _returning("gradient * min(1.0, limit / (length + 1e-6))"),
                right_in="PyTorch",
            ),
            Wrong(
                "half-way-to-the-limit",
                "You take a share off and leave a long gradient longer than the limit.",
                _returning("gradient * (limit / max(length, limit)) ** 0.5"),
            ),
        ],
        hints=[
            "What should come out for the gradient (3, 4), of length 5, at the limit 10? And at 1?",
            (
                "One number multiplies the whole gradient: 1 where it is short enough, and the "
                "limit over the length where it is not."
            ),
            (
                "`np.linalg.norm` measures over all entries. Dividing by the larger of length and "
                "limit makes one case of both, and never divides by zero."
            ),
        ],
    )
]
