"""What a learner reads of a mark, wherever it is read.

An answer runs where hidden numbers and code are, and its author reads the feedback. So nothing here
comes out of a kernel: no text, no kind of exception, not whether it raised or was merely wrong. It
is made of the marks themselves, of what the instructor wrote, and of what stands in the file. A
known mistake is found where nothing hidden is; what the referee of a game measured, it measured
outside.
"""

from __future__ import annotations

from lrlesson.grading.marks.overrides import BY_HAND, WAITS
from lrlesson.grading.marks.results import Row

RIGHT, WRONG = "as expected", "not as expected"
TOLD = (BY_HAND, "late", "older release", "deleted", "retyped", "several files", "found")
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


def told(row: Row) -> list[str]:
    """Of one exercise, in lines: all that made the mark, and what to do."""
    lines = [f"{row.exercise}: {row.points:g} of {row.max_points:g} points"]
    if not row.checks:
        lines.append(FAILED if row.status == "error" else status_words(row))
    elif all(check["reason"] for check in row.checks):
        lines.append(NOTHING)
    for check in row.checks:
        name = check["id"].split(".", 1)[-1].replace("-", " ")
        hint = f". {check['hint']}" if check["reason"] and check.get("hint") else ""
        of = f"{check['points']:g} of {check['max_points']:g}"
        lines.append(f"{name}: {of}, {verdict(check)}{hint}")
    if row.misconception:
        known = row.misconception.replace("-", " ")
        lines.append(f"This answer behaves like a known mistake: {known}. {row.advice}".rstrip())
    lines += [f"{said}." for said in row.anomalies if said.startswith(TOLD)]
    return lines


def status_words(row: Row) -> str:
    """What became of an answer, in a sentence."""
    said = {
        "not attempted": "Not attempted: the answer is as it was handed out.",
        "missing": "Nothing was found to mark",
        "unreadable": "The file could not be read",
        "timeout": "A cell was stopped, since it did not end in time",
        "died": "Python ended while a cell ran",
        "output": "A cell printed more than the limit",
        "failed": "The answer's cell raised an exception",
        "error": "The grader itself failed; this will be tried again",
        WAITS: "A text, read and marked by hand; there is no mark yet.",
        "graded": "A text, read and marked by hand.",
    }[row.status]
    return said if row.status in ("not attempted", WAITS, "graded") else f"{said}: {row.reason}."
