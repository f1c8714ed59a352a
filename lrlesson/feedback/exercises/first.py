"""The step of lesson 00, worth no points: it is there to learn how to read a check."""

import numpy as np

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, calling

step = calling("one_step")


def _weights_afterwards(one_step):
    w = np.array([1.0, 2.0])
    one_step(w, np.array([1.0, -1.0]), 0.1)
    return w


EXERCISES = [
    Exercise(
        id="one-step",
        points=0,
        notebook="00_start_here.ipynb",
        signature="one_step(w, gradient, lr)",
        reference="""\
def one_step(w, gradient, lr):
    return w - lr * gradient
""",
        properties=[
            Property(
                "downhill",
                "One step moves the weight against the gradient, by the rate times the gradient.",
                [step(1.0, 2.0, 0.1), step(-3.0, 4.0, 0.25)],
            ),
            Property(
                "many-weights",
                "Every weight moves by its own gradient.",
                [step(np.array([1.0, 2.0]), np.array([10.0, -1.0]), 0.1)],
            ),
            Property(
                "callers-array",
                "The caller's w is as it was before.",
                [Case("w = [1, 2], looked at after the call", _weights_afterwards)],
            ),
        ],
        bank=[
            Wrong(
                "climbs",
                "Your step climbs: the gradient points uphill, so the step goes against it.",
                "def one_step(w, gradient, lr):\n    return w + lr * gradient\n",
            ),
            Wrong(
                "rate-ignored",
                "Your step is the whole gradient: lr is not used.",
                "def one_step(w, gradient, lr):\n    return w - gradient\n",
            ),
            Wrong(
                "rate-is-step-length",
                "Your step is exactly lr long. The rate multiplies the slope.",
                "def one_step(w, gradient, lr):\n    return w - lr * np.sign(gradient)\n",
            ),
            Wrong(
                "shrinks-the-weights",
                "Your step multiplies the weight by 1 − lr and does not look at the gradient.",
                "def one_step(w, gradient, lr):\n    return w - lr * w\n",
            ),
        ],
        hints=[
            "In which direction does a gradient point, up the slope or down?",
            "The step goes against the gradient. Which sign has to change?",
            "Take lr times the gradient away from w.",
        ],
    )
]
