"""Grading: release exercises, collect what learners hand in, and mark it.

`release(solutions, exercises)` writes the learners' notebooks; `grade(submissions, out, solutions)`
marks what comes back.
"""

from lrlesson.base.extras import needed

with needed("grading", "grading"):
    from lrlesson.grading.sandbox import _quick  # noqa: F401, I001, first of all
    from lrlesson.grading.authoring.release import release
    from lrlesson.grading.errors import GradeError, GradingError, ReleaseError
    from lrlesson.grading.marking.grader import Summary, grade
    from lrlesson.grading.marks.overrides import apply as apply_overrides
    from lrlesson.grading.marks.results import Row

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
