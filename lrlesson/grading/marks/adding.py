"""Results of several assignments added up to a course, and of groups to their members."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lrlesson.grading.errors import GradeError
from lrlesson.grading.marks.export import read_table, safe
from lrlesson.grading.marks.results import Row

GROUPS = ("group", "learner")


@dataclass(frozen=True)
class Added:
    """The rows of all assignments by one name per person, and each assignment's exercises.

    `without`: by assignment, whom it has no result of; they have its maximum, and no point of it.
    """

    rows: list[Row]
    exercises: dict[str, list[str]]
    without: dict[str, list[str]] = field(default_factory=dict)


def add_up(assignments: Sequence[tuple[Path, list[Row]]]) -> Added:
    """The rows of several folders of results, for one person under one name.

    Canvas has one number per user. Moodle's participant number is another one in every assignment,
    so its people are told apart by the address in the worksheet that each assignment was exported
    with (RESULTS/moodle.csv), and without all of those by their full names. Everybody else has the
    name of their folder. Raises GradeError, in one sentence, for an exercise that is in two
    assignments, and for two people whom nothing tells apart.
    """
    names = _assignment_names([folder for folder, _ in assignments])
    exercises: dict[str, list[str]] = {}
    for name, (_, rows) in zip(names, assignments, strict=True):
        exercises[name] = list(dict.fromkeys(row.exercise for row in rows))
        for other in list(exercises)[:-1]:
            if both := [e for e in exercises[name] if e in exercises[other]]:
                raise GradeError(f"{both[0]} is in {other} and in {name}, so it would count twice.")
    addresses = [_addresses(folder) for folder, rows in assignments if _of_moodle(rows)]
    by_address = bool(addresses) and all(addresses)
    identities = []
    for folder, rows in assignments:
        known = _addresses(folder) if by_address and _of_moodle(rows) else {}
        identities.append(_identities(folder, rows, known))
    shown = _shown(identities)
    found, without = [], {}
    for name, (_, rows), own in zip(names, assignments, identities, strict=True):
        for row in rows:
            system = row.system if row.system == "canvas" else ""
            found.append(replace(row, learner=shown[own[row.learner]], system=system))
        asked = {row.exercise: row for row in rows}
        without[name] = sorted(shown[i] for i in set(shown) - set(own.values()))
        found += [_nothing(row, who, name) for who in without[name] for row in asked.values()]
    canvas = {row.learner for row in found if row.system == "canvas"}
    found = [replace(r, system="canvas") if r.learner in canvas else r for r in found]
    found.sort(key=lambda row: (row.learner, row.notebook, row.exercise))
    return Added(found, exercises, {name: who for name, who in without.items() if who})


def _nothing(row: Row, learner: str, assignment: str) -> Row:
    """The row of somebody of whom an assignment has no result."""
    return Row(
        learner=learner,
        exercise=row.exercise,
        points=0.0,
        max_points=row.max_points,
        status="missing",
        reason=f"no result in {assignment}",
        seconds=0.0,
        isolation=row.isolation,
        seed=row.seed,
        versions={},
        notebook=row.notebook,
    )


def _assignment_names(folders: list[Path]) -> list[str]:
    """The shortest ends of the paths that differ."""
    resolved = [folder.resolve() for folder in folders]
    if len(set(resolved)) < len(resolved):
        raise GradeError("a folder of results is named twice.")
    for length in range(1, 10):
        names = ["/".join(path.parts[-length:]) for path in resolved]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in resolved]


def _of_moodle(rows: list[Row]) -> bool:
    return any(row.system == "moodle" for row in rows)


def _addresses(folder: Path) -> dict[str, str]:
    """Addresses by participant number, from the worksheet that an export has filled in."""
    path = folder / "moodle.csv"
    if not path.is_file():
        return {}
    found = {}
    for line in read_table(path)[1:]:
        digits = line[0].rstrip()
        number = digits[len(digits.rstrip("0123456789")) :]
        address = next((cell.strip().casefold() for cell in line if "@" in cell), "")
        if number and address:
            found[number] = address
    return found


def _identities(folder: Path, rows: list[Row], addresses: dict[str, str]) -> dict[str, str]:
    """Who each learner of one assignment is: a key that is the same in all of them."""
    found: dict[str, str] = {}
    for row in rows:
        name, _, number = row.learner.rpartition("_")
        if row.system == "canvas":
            key = f"canvas {number}"
        elif row.system == "moodle":
            key = addresses.get(number, name)
        else:
            key = row.learner
        found[row.learner] = key
    keys = list(found.values())
    for learner, key in found.items():
        if keys.count(key) > 1:
            others = ", ".join(who for who, other in found.items() if other == key)
            raise GradeError(
                f"{folder}: {others} are all called {key!r}, and nothing here tells {learner} from "
                "the others in another assignment; export each assignment with its worksheet first."
            )
    return found


def _shown(identities: list[dict[str, str]]) -> dict[str, str]:
    """The name that each person is shown by: that of the first assignment, its number taken off."""
    found: dict[str, str] = {}
    for own in identities:
        for learner, key in own.items():
            plain = learner if key.startswith("canvas ") or key == learner else ""
            found.setdefault(key, plain or learner.rpartition("_")[0] or learner)
    names = list(found.values())
    return {key: name if names.count(name) == 1 else key for key, name in found.items()}


def write_table(added: Added, path: Path) -> Path:
    """A CSV with a line per person: a column per assignment, and the sum."""
    people = list(dict.fromkeys(row.learner for row in added.rows))
    lines = [["learner", *added.exercises, "sum", "of"]]
    for who in people:
        own = [row for row in added.rows if row.learner == who]
        parts = [
            sum(row.points for row in own if row.exercise in set(some))
            for some in added.exercises.values()
        ]
        most = sum(row.max_points for row in own)
        lines.append([safe(who), *(f"{p:.6g}" for p in parts), f"{sum(parts):.6g}", f"{most:.6g}"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)
    except OSError as error:
        raise GradeError(f"{path} cannot be written ({error.strerror}).") from error
    return path


def apply_groups(rows: list[Row], path: Path) -> list[Row]:
    """The rows with those of each group given to its members: a CSV with group and learner.

    A group is who handed in for all of them: a folder, or one of the members. Raises GradeError, in
    one sentence, for a group without a result, and for a learner who is in two or has an answer of
    their own.
    """
    table = read_table(path)
    if tuple(cell.strip() for cell in table[0]) != GROUPS:
        raise GradeError(f"{path.name}: the first line should be {','.join(GROUPS)}.")
    own: dict[str, list[Row]] = {}
    for row in rows:
        own.setdefault(row.learner, []).append(row)
    members: dict[str, str] = {}
    for number, line in enumerate(table[1:], 2):
        group, learner = line[0].strip(), line[1].strip()
        where = f"{path.name}, line {number}"
        if group not in own:
            raise GradeError(f"{where}: no result of the group {group!r}.")
        if learner in members:
            raise GradeError(f"{where}: {learner} is in {members[learner]} already.")
        answered = any(r.status not in ("missing", "not attempted") for r in own.get(learner, ()))
        if answered and learner != group:
            raise GradeError(f"{where}: {learner} has handed in something as well.")
        members[learner] = group
    # A name that an LMS made is a person's, who is one of the members, named or not.
    groups = set(members.values())
    members |= {group: group for group in groups if own[group][0].system}
    found = [row for row in rows if row.learner not in groups and row.learner not in members]
    for learner, group in members.items():
        system = own[learner][0].system if learner in own else ""
        found += [
            replace(row, learner=learner, system=system, same="") if learner != group else row
            for row in own[group]
        ]
    return found
