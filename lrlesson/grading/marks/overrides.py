"""Marks set by hand: learner, exercise, points and note in a file; applied last, shown as such."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from lrlesson.grading.errors import GradeError
from lrlesson.grading.marks.results import Row

COLUMNS = ("learner", "exercise", "points", "note")
BY_HAND = "set by hand"
WAITS = "by hand"  # the status of a text that has no mark yet


def apply(rows: list[Row], path: Path) -> list[Row]:
    """The rows with the marks of an override file (CSV) in place of theirs.

    Raises GradeError, in one sentence, for a wrong column, an unknown learner or exercise, or
    points that are not a number from 0 to the exercise's, with the bonus that course.toml allows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise GradeError(f"{path.name}: the first line should be {','.join(COLUMNS)}.")
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GradeError(f"{path} cannot be read ({error}).") from error
    found = {(row.learner, row.exercise): row for row in rows}
    for number, line in enumerate(lines, 2):
        key = ((line["learner"] or "").strip(), (line["exercise"] or "").strip())
        where = f"{path.name}, line {number}"
        if key not in found:
            raise GradeError(f"{where}: no row of {key[0]!r} for {key[1]!r} in the results.")
        row = found[key]
        try:
            points = float(line["points"])
        except (TypeError, ValueError):
            points = -1.0
        most = row.max_points + row.bonus
        if not 0 <= points <= most:
            raise GradeError(f"{where}: points = {line['points']!r}, expected 0 to {most:g}.")
        was = "no mark" if row.status == WAITS else f"{row.points:g}"
        said = f"{BY_HAND}: {points:g}, was {was}; {(line['note'] or '').strip()}"
        said = "".join(c if c.isprintable() else " " for c in said).rstrip("; ")
        found[key] = replace(row, points=points, anomalies=[*row.anomalies, said])
        if row.status == WAITS:
            found[key] = replace(found[key], status="graded", reason="marked by hand")
    return list(found.values())
