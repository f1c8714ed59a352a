"""Instant feedback: predictions, checks that know the mistake, hints, and where you stand.

In a notebook: `predict("02-q1")`, `check("step-decay", step_decay)`, `hint("step-decay")`,
`solution("step-decay")`, `reset("step-decay")`, `parsons("adam-step")`, `pretest()`, `posttest()`,
`gain()`, `progress()`, and `summary("step-decay")` in the last cell of an exercise.
"""

from lrlesson.feedback.checking import check
from lrlesson.feedback.helping import hint, solution
from lrlesson.feedback.parsons import parsons
from lrlesson.feedback.predicting import predict, pretest
from lrlesson.feedback.resetting import reset
from lrlesson.feedback.retesting import gain, posttest
from lrlesson.feedback.standing import progress, summary

__all__ = [
    "check",
    "gain",
    "hint",
    "parsons",
    "posttest",
    "predict",
    "pretest",
    "progress",
    "reset",
    "solution",
    "summary",
]
