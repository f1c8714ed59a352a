"""Marks set by hand: learner, exercise, points and note in a file; applied last, shown as such."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

from lrlesson.grading.errors import GradeError, printable
from lrlesson.grading.marks.results import Row
from lrlesson.starting import write_whole

COLUMNS = ("learner", "exercise", "points", "note")
BY_HAND = "set by hand"
WAITS = "by hand"  # the status of a text that has no mark yet


def read(path: Path) -> list[tuple[str, str, str, str]]:
    """The lines of an override file, as written; GradeError, in one sentence, if it is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise GradeError(f"{path.name}: the first line should be {','.join(COLUMNS)}.")
            lines = [tuple((line[name] or "").strip() for name in COLUMNS) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GradeError(f"{path} cannot be read ({error}).") from error
    return [(learner, exercise, points, note) for learner, exercise, points, note in lines]


def put(path: Path, learner: str, exercise: str, points: str, note: str) -> None:
    """Write one mark into an override file, in place of an earlier one; no points take it out.

    The file is read anew, so that what somebody else wrote there stays, and replaced as a whole.
    """
    lines = read(path) if path.is_file() else []
    own = [i for i, line in enumerate(lines) if line[:2] == (learner, exercise)]
    made = (learner, exercise, points, note)
    if points and own:
        lines[own[0]] = made
    elif points:
        lines.append(made)
    gone = set(own[1:] if points else own)
    lines = [line for i, line in enumerate(lines) if i not in gone]
    made_of = io.StringIO(newline="")
    csv.writer(made_of).writerows([COLUMNS, *lines])
    try:
        write_whole(path, made_of.getvalue().encode())
    except OSError as error:
        raise GradeError(f"{path} cannot be written ({error.strerror}).") from error


def apply(rows: list[Row], path: Path) -> list[Row]:
    """The rows with the marks of an override file (CSV) in place of theirs.

    Raises GradeError, in one sentence, for a wrong column, an unknown learner or exercise, or
    points that are not a number from 0 to the exercise's, with the bonus that course.toml allows.
    """
    found = {(row.learner, row.exercise): row for row in rows}
    for number, (learner, exercise, given, note) in enumerate(read(path), 2):
        key, where = (learner, exercise), f"{path.name}, line {number}"
        if key not in found:
            raise GradeError(f"{where}: no row of {key[0]!r} for {key[1]!r} in the results.")
        row = found[key]
        try:
            points = float(given)
        except ValueError:
            points = -1.0
        most = row.max_points + row.bonus
        if not 0 <= points <= most:
            raise GradeError(f"{where}: points = {given!r}, expected 0 to {most:g}.")
        was = "no mark" if row.status == WAITS else f"{row.points:g}"
        said = f"{BY_HAND}: {points:g}, was {was}; {note}"
        said = printable(said, " ").rstrip("; ")
        found[key] = replace(row, points=points, anomalies=[*row.anomalies, said])
        if row.status == WAITS:
            found[key] = replace(found[key], status="graded", reason="marked by hand")
    return list(found.values())
