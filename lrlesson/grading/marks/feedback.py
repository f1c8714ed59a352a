"""What a learner reads of a mark, wherever it is read.

An answer runs where hidden numbers and code are, and its author reads the feedback. So nothing here
comes out of a kernel: no text, no kind of exception, not whether it raised or was merely wrong. It
is made of the marks themselves, of what the instructor wrote, and of what stands in the file.
"""

from __future__ import annotations

from lrlesson.grading.marks.results import Row

RIGHT, WRONG = "as expected", "not as expected"
NOTHING = (
    "No check passed. Restart the kernel, run the exercise from its top and look at its own checks:"
    " an exception, or a cell that does not end, shows there, too."
)
FAILED = "The grader itself failed; this will be tried again."


def verdict(check: dict) -> str:
    """Of one check: whether it passed, and what the referee of a game measured."""
    if not check["reason"]:
        return RIGHT
    return "; ".join(filter(None, [WRONG, check.get("told", "")]))


def feedback(row: Row) -> str:
    """Of one exercise, in one line: the checks that did not pass, or why nothing was run."""
    if row.status == "error":
        return FAILED
    if not row.checks:
        return row.reason  # which then is of the file, or of its author's text
    wrong = [f"{check['id']}: {verdict(check)}" for check in row.checks if check["reason"]]
    return "; ".join([*wrong, *([NOTHING] if len(wrong) == len(row.checks) else [])]) or RIGHT
