"""Grading: release exercises, collect what learners hand in, and mark it (Law 8).

`release(solutions, exercises)` writes the learners' notebooks; `grade(submissions, out, solutions)`
marks what comes back.
"""

from lrlesson.grading import _quick  # noqa: F401, first of all
from lrlesson.grading.errors import GradeError, GradingError, ReleaseError
from lrlesson.grading.grader import Summary, grade
from lrlesson.grading.overrides import apply as apply_overrides
from lrlesson.grading.release import release
from lrlesson.grading.results import Row

__all__ = [
    "GradeError",
    "GradingError",
    "ReleaseError",
    "Row",
    "Summary",
    "apply_overrides",
    "grade",
    "release",
]
