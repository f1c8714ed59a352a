"""results.jsonl: one line per learner and exercise, only ever appended to."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from lrlesson.grading.errors import GradeError

WITH_VERSION = ("lrlesson", "numpy", "nbval", "ipykernel")

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

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


CHECK = {"id", "points", "max_points", "reason"}
RUN = "run.json"  # beside the rows: whom and what the last run was about


@dataclass(frozen=True)
class Row:
    """What one learner got for one exercise, and why.

    `checks` holds, per hidden check with points, its id, points, max_points, reason (what was
    wrong, or "") and hint; `anomalies` what an instructor should look at; `input` a hash of all
    that decides the mark, so that a row with the same hash need not be done again; `notebook` the
    exercise's file; `misconception` the known mistake that the visible check names, "" if it names
    none, None where that was not looked up;
    `system` the LMS that made the learner's name, "" where none did; `text` what is marked by hand;
    `same` a hash that equal answers share; `advice` what to tell of the known wrong solution;
    `file` the name that Canvas gave to the file, by which it takes one back;
    `bonus` how many points above the maximum may be given by hand.
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
    system: str = ""
    text: str = ""
    same: str = ""
    advice: str = ""
    file: str = ""
    bonus: float = 0.0


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
    return read_counting(path)[0]


def read_counting(path: Path) -> tuple[list[Row], int]:
    """The rows of a results file, oldest first, and how many lines are no row and were left out.

    A row that an earlier version wrote has the defaults of what it did not know.
    """
    if not path.exists():
        return [], 0
    if not path.is_file():
        raise GradeError(f"{path} is not a file, expected rows of results.")
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise GradeError(f"{path} cannot be read ({error.strerror}).") from error
    rows = [row for line in lines if line.strip() and (row := _row(line))]
    return rows, sum(bool(line.strip()) for line in lines) - len(rows)


def _row(line: str) -> Row | None:
    """The row of a line; None where a field is missing that has no default, or has another type."""
    try:
        data = json.loads(line)
        row = Row(**{f.name: data[f.name] for f in dataclasses.fields(Row) if f.name in data})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    words = [row.learner, row.exercise, row.status, row.reason, row.notebook, row.text]
    words += [row.system, row.advice, row.file]
    numbers = (row.points, row.max_points, row.seconds, row.bonus)
    fine = (
        all(isinstance(word, str) for word in words)
        and all(isinstance(n, int | float) and math.isfinite(n) for n in numbers)
        and row.status in STATUS
        and isinstance(row.seed, int)
        and isinstance(row.misconception, str | None)
        and isinstance(row.anomalies, list)
        and all(isinstance(said, str) for said in row.anomalies)
        and isinstance(row.checks, list)
        and all(isinstance(c, dict) and set(c) >= CHECK for c in row.checks)
    )
    return row if fine else None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One grader at a time on a folder of results; GradeError for the second."""
    if fcntl is None:  # Windows
        yield
        return
    try:
        with (folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise GradeError(
                    f"another `lrlesson grade` is at work in {folder}; wait for it, or name "
                    "another folder."
                ) from None
            yield
    except OSError as error:
        raise GradeError(f"{folder} cannot be written ({error.strerror}).") from error


def write_run(folder: Path, learners: Iterable[str], exercises: Iterable[str]) -> None:
    """Note whom and what a run is about, so that who was withdrawn is no longer reported."""
    about = {"learners": sorted(set(learners)), "exercises": list(dict.fromkeys(exercises))}
    part = folder / f"{RUN}.part"
    try:
        part.write_text(json.dumps(about), encoding="utf-8")
        part.replace(folder / RUN)
    except OSError as error:
        raise GradeError(f"{folder / RUN} cannot be written ({error.strerror}).") from error


def current(folder: Path) -> tuple[list[Row], int]:
    """The rows that hold, of the last run's learners and exercises; how many lines are no row."""
    rows, skipped = read_counting(folder / "results.jsonl")
    found = list(latest(rows).values())
    try:
        about = json.loads((folder / RUN).read_text(encoding="utf-8"))
        learners, exercises = set(about["learners"]), set(about["exercises"])
    except (OSError, ValueError, KeyError, TypeError):
        return found, skipped
    return [r for r in found if r.learner in learners and r.exercise in exercises], skipped


def latest(rows: list[Row]) -> dict[tuple[str, str], Row]:
    """The row that holds, by learner and exercise: the last one written."""
    return {(row.learner, row.exercise): row for row in rows}


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def versions() -> dict[str, str]:
    """What a mark may depend on."""
    found = {"python": platform.python_version()}
    for name in WITH_VERSION:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
