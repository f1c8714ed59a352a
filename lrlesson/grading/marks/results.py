"""results.jsonl: one line per learner and exercise, only ever appended to."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrlesson.grading.errors import GradeError

STATUS = (
    "graded",  # the answer ran and its checks were compared
    "not attempted",  # still the stub
    "missing",  # no file, or no answer cell in it
    "unreadable",  # the file is no notebook
    "failed",  # the answer cell itself raised, and no check passed
    "timeout",  # a cell was stopped at its time limit
    "died",  # the kernel's process ended
    "by hand",  # a text that waits for an instructor's mark
    "output",  # a cell printed more than the limit
    "error",  # the grader's own trouble; try again
)


@dataclass(frozen=True)
class Row:
    """What one learner got for one exercise, and why.

    `checks` holds, per hidden check with points, its id, points, max_points, reason (what was
    wrong, or "") and hint; `anomalies` what an instructor should look at; `input` a hash of all
    that decides the mark, so that a row with the same hash need not be done again; `notebook` the
    exercise's file; `printed` a hash of what a wrong answer printed; `misconception` the known
    wrong solution that prints the same, "" if none does, None where that was not looked up.
    """

    learner: str
    exercise: str
    points: float
    max_points: float
    status: str
    reason: str
    seconds: float
    isolation: str
    seed: int
    versions: dict[str, str]
    checks: list[dict[str, Any]] = field(default_factory=list)
    anomalies: list[str] = field(default_factory=list)
    input: str = ""
    notebook: str = ""
    misconception: str | None = None
    printed: str = ""


def append(path: Path, row: Row) -> None:
    """Add a row and see it on the disk; a line that a kill cut short is closed first."""
    line = json.dumps(dataclasses.asdict(row)) + "\n"
    try:
        with path.open("ab+") as file:
            if file.tell() and _last_byte(path) != b"\n":
                line = "\n" + line
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise GradeError(
            f"{path} cannot be written ({error.strerror}); the rows before it are safe."
        ) from error


def read(path: Path) -> list[Row]:
    """The rows of a results file, oldest first; lines that are cut short are left out."""
    if not path.exists():
        return []
    if not path.is_file():
        raise GradeError(f"{path} is not a file, expected rows of results.")
    names = {f.name for f in dataclasses.fields(Row)}
    found = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise GradeError(f"{path} cannot be read ({error.strerror}).") from error
    for line in lines:
        try:
            data = json.loads(line)
            found.append(Row(**{key: data[key] for key in names}))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def latest(rows: list[Row]) -> dict[tuple[str, str], Row]:
    """The row that holds, by learner and exercise: the last one written."""
    return {(row.learner, row.exercise): row for row in rows}


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)
