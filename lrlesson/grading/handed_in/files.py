"""The files of a folder or of a zip archive, without ever writing one; what climbs out is named.

A learner may hand in a zip as well: it is read as the folder it would unpack to, one level deep.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from lrlesson.grading.errors import GradeError

LARGEST = 20_000_000  # bytes of one notebook
LARGEST_ZIP = 100_000_000  # bytes of a learner's own archive, and of all that is in it
MOST = 50_000  # members of an archive


class Unreadable(Exception):
    """A file that cannot be had; the message says why, in a few words."""


@dataclass(frozen=True)
class File:
    """One file: its place below the submissions, when it was changed, and how to read it.

    `read()` returns at most LARGEST bytes or raises Unreadable.
    """

    place: PurePosixPath
    read: Callable[[], bytes] = field(compare=False)
    changed: datetime | None = None


@dataclass
class Listing:
    """What is there: notebooks, folders (also empty ones) at the top, and names left alone."""

    notebooks: list[File] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    ignored: list[str] = field(default_factory=list)


def listing(path: Path) -> Listing:
    """All notebooks in a folder or zip. GradeError where it is neither."""
    if not path.exists():
        raise GradeError(f"{path} does not exist, expected a folder or zip of submissions.")
    found = Listing()
    if path.is_dir():
        for file in _walk(path, path, found):
            _add(file, found)
    elif zipfile.is_zipfile(path):
        try:
            archive = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise GradeError(f"{path} cannot be read as a zip ({error}).") from error
        for file in _members(archive, PurePosixPath(), found, [40 * LARGEST_ZIP]):
            _add(file, found)
    else:
        raise GradeError(f"{path} is a file, expected a folder or a zip of submissions.")
    found.notebooks.sort(key=lambda file: str(file.place))
    return found


def _add(file: File, found: Listing) -> None:
    """Sort one file in, and look into a learner's archive."""
    suffix = file.place.suffix.lower()
    if suffix == ".ipynb":
        found.notebooks.append(file)
    elif suffix == ".zip":
        try:
            archive = zipfile.ZipFile(io.BytesIO(file.read()))
            inside = list(_members(archive, file.place, found, [LARGEST_ZIP]))
        except Exception as error:  # whatever a learner calls a zip
            why = f"is no zip that can be read ({type(error).__name__})"
            found.notebooks.append(_broken(file.place, why))
            return
        if len(file.place.parts) == 1:
            found.folders.add(file.place.name)
        found.notebooks += [f for f in inside if f.place.suffix.lower() == ".ipynb"]
    elif len(file.place.parts) == 1:
        found.ignored.append(file.place.name)


def _walk(folder: Path, root: Path, found: Listing) -> Iterator[File]:
    """Files below a folder; links and hidden names are not followed."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        place = PurePosixPath(*folder.relative_to(root).parts)
        yield _broken(place / "folder.ipynb", f"cannot be read ({error.strerror})")
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink() or entry.name.startswith("."):
            if folder == root:
                found.ignored.append(entry.name)
        elif entry.is_dir():
            if folder == root:
                found.folders.add(entry.name)
            yield from _walk(path, root, found)
        elif entry.is_file():
            changed = datetime.fromtimestamp(entry.stat().st_mtime).astimezone()
            place = PurePosixPath(*path.relative_to(root).parts)
            yield File(place, lambda path=path: read_path(path), changed)  # type: ignore[misc]


def read_path(path: Path) -> bytes:
    """A file's content, or Unreadable."""
    try:
        most = LARGEST_ZIP if path.suffix.lower() == ".zip" else LARGEST
        if (size := path.stat().st_size) > most:
            raise Unreadable(f"is too large ({size:,} bytes)")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror})") from error


def _members(
    archive: zipfile.ZipFile, below: PurePosixPath, found: Listing, left: list[int]
) -> Iterator[File]:
    """Files of an archive that stay inside it; together no more than `left` bytes are unpacked."""
    members = archive.infolist()
    if len(members) > MOST:
        raise GradeError(f"the zip holds {len(members):,} files, expected at most {MOST:,}.")
    for info in members:
        place = PurePosixPath(info.filename.replace("\\", "/"))
        parts = place.parts
        link = stat.S_ISLNK(info.external_attr >> 16)
        hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        climbs = place.is_absolute() or ".." in parts or (parts and ":" in parts[0])
        if not parts or link or hidden or climbs:
            found.ignored.append(info.filename[:80])
            continue
        if not below.parts and (len(parts) > 1 or info.is_dir()):
            found.folders.add(parts[0])
        if not info.is_dir():
            when = datetime(*info.date_time).astimezone() if info.date_time[1] else None
            read = _member_reader(archive, info, left)
            yield File(below / place, read, when)


def _member_reader(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: list[int]
) -> Callable[[], bytes]:
    def read() -> bytes:
        most = min(LARGEST_ZIP if info.filename.lower().endswith(".zip") else LARGEST, left[0])
        try:
            with archive.open(info) as file:
                content = file.read(most + 1)
        except Exception as error:  # zipfile raises many kinds for what is broken or encrypted
            raise Unreadable(f"cannot be unpacked ({type(error).__name__})") from error
        if len(content) > most:
            raise Unreadable("unpacks to too much")
        left[0] -= len(content)
        return content

    return read


def _broken(place: PurePosixPath, why: str) -> File:
    def read() -> bytes:
        raise Unreadable(why)

    return File(place, read)
