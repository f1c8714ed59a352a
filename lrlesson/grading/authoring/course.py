"""course.toml: deadlines, what being late costs, files that come along, how learners are known.

Points and notebooks stand in the solutions, and need not be said again; only what is marked by
hand has its points here.
"""

from __future__ import annotations

import csv
import math
import tomllib
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lrlesson.grading.authoring.source_notebooks import GradedExercise
from lrlesson.grading.errors import GradingError

LEARNER = ("folder", "file", "either")
KEYS = {
    "": {"course", "submissions", "exercise", "late", "files"},
    "late": {"grace_minutes", "per_day", "at_most", "canvas_days"},
    "course": {"name", "timezone", "files"},
    "submissions": {"learner"},
    "exercise": {"id", "notebook", "points", "deadline", "bonus"},
}


CHECKS = "checks"  # beside the notebooks, for `check`
MOST_FILES = 32_000_000  # bytes, which travel with every exercise
Files = tuple[tuple[str, bytes], ...]  # names, as notebooks open them, and what is in them


@dataclass(frozen=True)
class Entry:
    """One graded exercise; `deadline` None means that it is never late.

    `bonus`: points above the maximum that may be given by hand.
    """

    id: str
    notebook: str
    points: float
    deadline: datetime | None = None
    bonus: float = 0.0


@dataclass(frozen=True)
class Late:
    """What being late costs: `per_day` of the points for each day begun, `at_most` in all.

    Up to `grace_minutes` after the deadline nothing is late. Without the table, late work is
    reported and costs nothing. `canvas_days`: what Canvas marks LATE, without saying how late,
    counts as so many days.
    """

    grace_minutes: float = 0.0
    per_day: float = 0.0
    at_most: float = 1.0
    canvas_days: float = 0.0

    def cost(self, deadline: datetime, changed: datetime) -> tuple[int, float]:
        """Days begun after the deadline (0 if in time), and the share of the points they cost."""
        over = (changed - deadline).total_seconds()
        if over <= 60 * self.grace_minutes:
            return 0, 0.0
        days = math.ceil(over / 86400)
        return days, min(self.at_most, days * self.per_day)


@dataclass(frozen=True)
class Course:
    """What course.toml says; every exercise of the folder counts, whether it is listed or not.

    `files`: what notebooks open beside them, for the learner and, read-only, in the sandbox.
    """

    entries: tuple[Entry, ...]
    learner: str = "either"
    late: Late = Late()
    name: str = ""
    zone: tzinfo | None = None
    extensions: dict[tuple[str, str], datetime] = field(default_factory=dict)
    files: Files = ()

    def deadline(self, entry: Entry, learner: str) -> datetime | None:
        """The deadline that one learner has: an extension for the exercise, its notebook or all."""
        for what in (entry.id, entry.notebook, ""):
            if extended := self.extensions.get((learner, what)):
                return extended
        return entry.deadline


def read_course(solutions: Path, exercises: dict[str, GradedExercise]) -> Course:
    """The course.toml in `solutions` or beside it, checked against the notebooks.

    Raises GradingError in one sentence for an unknown key, a wrong value, an exercise that the
    notebooks do not hold, one that they hold in another file, or points that do not add up.
    """
    places = (solutions / "course.toml", solutions.resolve().parent / "course.toml")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return Course(tuple(Entry(e.id, e.notebook, e.points) for e in exercises.values()))
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GradingError(f"{path.name} cannot be read: {error}.") from error
    _known("", data)
    learner = _table(data, "submissions").get("learner", "either")
    _known("course", _table(data, "course"))
    _known("late", _table(data, "late"))
    _known("submissions", _table(data, "submissions"))
    if learner not in LEARNER:
        raise GradingError(
            f"course.toml: learner = {learner!r}, expected one of {', '.join(LEARNER)}."
        )
    listed = data.get("exercise", [])
    if not isinstance(listed, list):
        raise GradingError("course.toml: exercise should be [[exercise]] tables.")
    zone = _zone(_table(data, "course"))
    said = [_entry(item, exercises, zone) for item in listed]
    if twice := {e.id for e in said if [x.id for x in said].count(e.id) > 1}:
        raise GradingError(f"course.toml lists {min(twice)!r} twice.")
    by_id = {entry.id: entry for entry in said}
    for exercise in exercises.values():
        if exercise.by_hand and exercise.id not in by_id:
            raise GradingError(f"course.toml: {exercise.id} is marked by hand and has no points.")
    entries = tuple(by_id.get(e.id, Entry(e.id, e.notebook, e.points)) for e in exercises.values())
    name = str(_table(data, "course").get("name", ""))
    extensions = read_extensions(path.with_name("extensions.csv"), exercises, zone)
    files = _files(data, (path.parent, solutions))
    return Course(entries, learner, _late(_table(data, "late")), name, zone, extensions, files)


def own_checks(source: Path) -> dict[str, bytes]:
    """The files of a course's own checks, by their place beside the notebooks."""
    found = sorted((source / CHECKS).glob("*.py"))
    return {f"{CHECKS}/{path.name}": path.read_bytes() for path in found}


def _files(data: dict[str, Any], folders: tuple[Path, ...]) -> Files:
    """What `files` lists, read; at the top of course.toml or under [course]."""
    listed = data.get("files", _table(data, "course").get("files", []))
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise GradingError(f'course.toml: files = {listed!r}, expected like ["data.csv"].')
    found: dict[str, bytes] = {}
    for name in listed:
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or place.as_posix() != name or name == ".":
            raise GradingError(
                f"course.toml: files has {name!r}, expected a path below the notebooks' folder."
            )
        source = next((f / name for f in folders if (f / name).is_file()), None)
        if source is None:
            where = " or ".join(dict.fromkeys(str(folder) for folder in folders))
            raise GradingError(f"course.toml: files has {name!r}, but there is none in {where}.")
        try:
            found[name] = source.read_bytes()
        except OSError as error:
            raise GradingError(f"{source} cannot be read ({error.strerror}).") from error
    if (size := sum(map(len, found.values()))) > MOST_FILES:
        raise GradingError(
            f"course.toml: files are {size / 1e6:.0f} MB, expected {MOST_FILES / 1e6:.0f} at most."
        )
    return tuple(sorted(found.items()))


def read_extensions(
    path: Path, exercises: dict[str, GradedExercise], zone: tzinfo | None
) -> dict[tuple[str, str], datetime]:
    """Deadlines of single learners: a CSV beside course.toml with learner, exercise, deadline.

    The exercise may be a notebook, or empty for all. Raises GradingError, in one sentence.
    """
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GradingError(f"{path.name} cannot be read ({error}).") from error
    if list(reader.fieldnames or ()) != ["learner", "exercise", "deadline"]:
        raise GradingError(f"{path.name}: the first line should be learner,exercise,deadline.")
    known = {"", *exercises, *(e.notebook for e in exercises.values())}
    found = {}
    for number, line in enumerate(lines, 2):
        learner, what, when = ((line[k] or "").strip() for k in ("learner", "exercise", "deadline"))
        if what not in known:
            raise GradingError(f"{path.name}, line {number}: no exercise or notebook {what!r}.")
        try:
            deadline = datetime.fromisoformat(when)
        except ValueError:
            raise GradingError(
                f"{path.name}, line {number}: deadline = {when!r}, expected like "
                "2026-10-08T12:00:00+02:00."
            ) from None
        found[learner, what] = _zoned(deadline, zone, f"{path.name}, line {number}")
    return found


def _zone(table: dict[str, Any]) -> tzinfo | None:
    name = table.get("timezone")
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise GradingError(
            f'course.toml: timezone = {name!r}, expected a name such as "Europe/Berlin".'
        ) from error


def _zoned(when: datetime, zone: tzinfo | None, where: str) -> datetime:
    """The time with its zone; a time without one is refused unless the course has one."""
    if when.tzinfo is None and zone is None:
        raise GradingError(
            f"{where}: {when.isoformat()} has no time zone, expected like "
            f'{when.isoformat()}+02:00, or timezone = "Europe/Berlin" under [course].'
        )
    return when if when.tzinfo else when.replace(tzinfo=zone)


def _late(table: dict[str, Any]) -> Late:
    for key, value in table.items():
        most = {"grace_minutes": 1e6, "canvas_days": 1000}.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise GradingError(f"course.toml: late {key} = {value}, expected 0 to {most:g}.")
    return Late(**table)


def _entry(item: Any, exercises: dict[str, GradedExercise], zone: tzinfo | None) -> Entry:
    _known("exercise", item)
    if "id" not in item:
        raise GradingError("course.toml: an exercise has no id.")
    name, deadline = item["id"], item.get("deadline")
    if name not in exercises:
        raise GradingError(f"course.toml: no notebook holds the exercise {name!r}.")
    exercise = exercises[name]
    if item.get("notebook", exercise.notebook) != exercise.notebook:
        raise GradingError(
            f"course.toml: {name} is in {exercise.notebook}, not in {item['notebook']!r}."
        )
    if exercise.by_hand and "points" not in item:
        raise GradingError(f"course.toml: {name} is marked by hand and has no points.")
    points = item.get("points", exercise.points)
    if exercise.by_hand:
        if isinstance(points, bool) or not isinstance(points, int | float) or points < 0:
            raise GradingError(f"course.toml: {name} has {points!r} points, expected a number.")
    elif points != exercise.points:
        raise GradingError(
            f"course.toml: {name} has {points} points, but its hidden checks add up to "
            f"{exercise.points:g}."
        )
    if deadline is not None and not isinstance(deadline, datetime):
        raise GradingError(f"course.toml: deadline of {name} = {deadline}, expected date and time.")
    bonus = item.get("bonus", 0)
    if isinstance(bonus, bool) or not isinstance(bonus, int | float) or not 0 <= bonus < 1e6:
        raise GradingError(f"course.toml: bonus of {name} = {bonus!r}, expected a number from 0.")
    until = deadline and _zoned(deadline, zone, f"course.toml, {name}")
    return Entry(name, exercise.notebook, points, until, bonus)


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise GradingError(f"course.toml: {key} should be a table.")
    return value


def _known(table: str, data: Any) -> None:
    if not isinstance(data, dict):
        raise GradingError(f"course.toml: {table} should be a table.")
    if unknown := sorted(set(data) - KEYS[table]):
        where = f"[{table}]" if table else "course.toml"
        raise GradingError(f"course.toml: unknown key {unknown[0]!r} in {where}.")
