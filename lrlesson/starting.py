"""A working copy of the course: written once, then brought up to date without losing any work.

What was written is remembered in `.lrlesson/course.json` of the copy, so that the next version can
tell what the learner changed from what the course changed.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import __version__

RECORD = Path(".lrlesson", "course.json")
REPLACED = Path(".lrlesson", "replaced")
LESSONS = ("notebooks", "exercises")
SOLUTIONS = "solutions"  # what `lrlesson grade` compares with


class StartError(Exception):
    """Why no working copy can be written there, in one sentence."""


class Change(NamedTuple):
    """What happened to one file, and the line that says so."""

    kind: str  # added, updated, kept, beside or gone
    name: str
    line: str


def course_files(solutions: bool = False) -> dict[str, Path]:
    """The files of this version's course, by their place in a working copy.

    An installed package has them inside, the solutions with the grader, which no learner's code
    can read when it is graded; a clone has them beside it. Raises StartError where there are none.
    """
    package = Path(__file__).parent
    installed = package / "course"
    root = installed if installed.is_dir() else package.parent
    parts = {part: root / part for part in LESSONS}
    if solutions:
        inside = package / "grading" / SOLUTIONS
        parts[SOLUTIONS] = inside if inside.is_dir() else root / SOLUTIONS
    found = {"course.toml": root / "course.toml"}
    for part, folder in parts.items():
        found |= {f"{part}/{path.name}": path for path in sorted(folder.glob("*.ipynb"))}
    if not all(any(name.startswith(part) for name in found) for part in parts):
        raise StartError("this installation has no course in it; install lrlesson again.")
    return found


def start(folder: Path, solutions: bool = False) -> list[Change]:
    """Write this version's course into a folder, or bring a working copy there up to date.

    solutions adds what an instructor needs; a copy that has them keeps getting them. Raises
    StartError for a folder that holds something else, or that cannot be written.
    """
    if (folder / "lrlesson" / "starting.py").is_file():
        raise StartError(f"{folder.resolve()} is the source of the course; choose another folder.")
    if folder.exists() and not folder.is_dir():
        raise StartError(f"{folder} is a file, expected a folder or a new name.")
    record = read_record(folder)
    try:
        if record is None and not (folder / "course.toml").is_file() and _has_content(folder):
            raise StartError(
                f"{folder.resolve()} is not empty and holds no working copy of the course; choose "
                "another folder, or a new one."
            )
        solutions = solutions or any(
            name.startswith(SOLUTIONS) for name in (record or {}).get("files", {})
        )
        return bring(folder, course_files(solutions), record, __version__)
    except OSError as error:
        where, why = error.filename or folder, error.strerror or error
        raise StartError(
            f"{where} cannot be read or written ({why}); choose a folder that is yours, or make "
            "this one so."
        ) from error


def bring(
    folder: Path, files: Mapping[str, Path], before: dict[str, Any] | None, version: str
) -> list[Change]:
    """Write the files of a version into a folder; `before` is its record of what it was given.

    A file that the learner changed stays as it is. Where the course changed it too, the new one
    is put beside it as NAME.new.ipynb.
    """
    changes = []
    known: dict[str, str] = before["files"] if before else {}
    record = dict(known)
    for name, source in files.items():
        path, new = folder / name, source.read_bytes()
        record[name] = digest(new)
        if not path.exists():
            write_whole(path, new)
            changes.append(Change("added", name, f"added {name}"))
            continue
        mine = path.read_bytes()
        if digest(mine) == record[name]:
            continue
        if digest(mine) == known.get(name):
            kept = _keep_outputs(folder, name, mine, before)
            write_whole(path, new)
            note = f"; your run of the old one is in {kept.as_posix()}" if kept else ""
            changes.append(Change("updated", name, f"updated {name}{note}"))
        elif record[name] == known.get(name):
            changes.append(Change("kept", name, f"kept your {name}"))
        else:
            beside = _beside(folder, name, known)
            write_whole(folder / beside, new)
            record[beside] = record[name]
            line = f"kept your {name}; the new version of it is beside it, as {Path(beside).name}"
            changes.append(Change("beside", name, line))
    for name in [name for name in known if name not in files and ".new" not in name]:
        del record[name]
        if (folder / name).exists():
            line = f"left {name} where it is; it is no longer part of the course"
            changes.append(Change("gone", name, line))
    text = json.dumps({"format": 1, "version": version, "files": record}, indent=1)
    write_whole(folder / RECORD, text.encode())
    return changes


def read_record(folder: Path) -> dict[str, Any] | None:
    """What was written into this folder and by which version; None where that is not known."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    sound = isinstance(record, dict) and isinstance(record.get("files"), dict)
    return record if sound and isinstance(record.get("version"), str) else None


def digest(data: bytes) -> str:
    """A digest of what a person writes in a file: of a notebook, its cells without outputs."""
    try:
        cells = json.loads(data)["cells"]
        written = [
            [cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("lrlesson")]
            for cell in cells
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()


def last_run(folder: Path) -> Path | None:
    """The lesson or exercise that was saved last with something run in it, below the folder."""
    newest_first = sorted(
        (path for part in ("notebooks", "exercises") for path in (folder / part).glob("*.ipynb")),
        key=lambda path: -path.stat().st_mtime,
    )
    for path in newest_first:
        with contextlib.suppress(OSError, ValueError, LookupError, AttributeError):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            if any(cell.get("outputs") for cell in cells):
                return path.relative_to(folder)
    return None


def _has_content(folder: Path) -> bool:
    """Whether somebody keeps something there; a `.venv` or a `.git` is no reason to refuse."""
    return folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir())


def _keep_outputs(
    folder: Path, name: str, data: bytes, before: dict[str, Any] | None
) -> Path | None:
    """Put a notebook that was run, and is about to be replaced, aside; None where it was not."""
    if not name.endswith(".ipynb") or not before:
        return None
    if not any(cell.get("outputs") for cell in json.loads(data)["cells"]):
        return None
    place = REPLACED / before["version"] / name
    write_whole(folder / place, data)
    return place


def _beside(folder: Path, name: str, known: Mapping[str, str]) -> str:
    """A name beside a file that is free, or holds what we put there and nobody changed."""
    path = Path(name)
    number = 1
    while True:
        mark = ".new" if number == 1 else f".new-{number}"
        beside = path.with_name(f"{path.stem}{mark}{path.suffix}").as_posix()
        taken = folder / beside
        if not taken.exists() or digest(taken.read_bytes()) == known.get(beside):
            return beside
        number += 1


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole: after a crash it is the old one or the new one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
