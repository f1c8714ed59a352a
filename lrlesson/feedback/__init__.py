"""Instant feedback: predictions, checks that know the mistake, hints, and where you stand.

In a notebook: `check("step-decay", step_decay)`, `hint("step-decay")`, `solution("step-decay")`,
`predict("02-q1")`, `pretest()`, `progress()`, and `summary("step-decay")` in the last cell.
"""

from lrlesson.feedback.checking import check

__all__ = ["check"]
