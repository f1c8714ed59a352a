"""Instant feedback: predictions, checks that know the mistake, hints, and where you stand.

In a notebook: `predict("02-q1")`, `check("step-decay", step_decay)`, `hint("step-decay")`,
`solution("step-decay")`, `reset("step-decay")`, `parsons("adam-step")`, `pretest()`, `posttest()`,
`learning_gain()`, `progress()`, `where_am_i()`, and `summary("step-decay")` in the last cell of an
exercise.
"""

from lrlesson.feedback.check.checking import check
from lrlesson.feedback.check.helping import hint, solution
from lrlesson.feedback.check.resetting import reset
from lrlesson.feedback.progress import progress, summary, where_am_i
from lrlesson.feedback.questions.predicting import predict, pretest
from lrlesson.feedback.questions.retesting import learning_gain, posttest
from lrlesson.feedback.widgets.parsons import parsons

__all__ = [
    "check",
    "hint",
    "learning_gain",
    "parsons",
    "posttest",
    "predict",
    "pretest",
    "progress",
    "reset",
    "solution",
    "summary",
    "where_am_i",
]
