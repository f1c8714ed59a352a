"""The files of a folder or of a zip archive, without ever writing one; what climbs out is named.

A learner may hand in a zip as well: `inside` reads it as the folder it would unpack to, one level
deep. It is called where reading has limits (`reader`); `listing` looks at names alone.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path, PurePosixPath

from lrlesson.grading.errors import GradeError, Unreadable

LARGEST = 60_000_000  # bytes of one notebook
LARGEST_ZIP = 100_000_000  # bytes of a learner's own archive, and of all that is in it
MOST = 50_000  # members of an archive, and files and folders of one learner
NOTEBOOK = re.compile(r".*\.ipynb(\.txt|\.json)?", re.IGNORECASE)
ARCHIVES = {".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"}


@dataclass(frozen=True)
class File:
    """One file: its place below the submissions, when it was changed, and how to read it.

    A time from a zip has no zone, since a zip has none. `read()` returns at most LARGEST bytes (of
    a zip LARGEST_ZIP) or raises Unreadable.
    """

    place: PurePosixPath
    read: Callable[[], bytes] = field(compare=False)
    changed: datetime | None = None

    @property
    def zipped(self) -> bool:
        """Whether it is an archive of a learner's."""
        return self.place.suffix.lower() == ".zip"


@dataclass
class Listing:
    """What is there: notebooks and archives, folders (also empty ones) at the top, names left."""

    files: list[File] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    ignored: list[str] = field(default_factory=list)


def listing(path: Path) -> Listing:
    """All notebooks and archives in a folder or zip, unread. GradeError where it is neither."""
    if not path.exists():
        raise GradeError(f"{path} does not exist, expected a folder or zip of submissions.")
    found = Listing()
    if path.is_dir():
        files = _walk(path, found)
    elif zipfile.is_zipfile(path):
        try:
            files = _members(zipfile.ZipFile(path), found)
        except (OSError, zipfile.BadZipFile) as error:
            raise GradeError(f"{path} cannot be read as a zip ({error}).") from error
    else:
        raise GradeError(f"{path} is a file, expected a folder or a zip of submissions.")
    for file in files:
        if kept := _wanted(file):
            found.files.append(kept)
            if file.zipped and len(file.place.parts) == 1:
                found.folders.add(file.place.name)
        elif len(file.place.parts) == 1:
            found.ignored.append(file.place.name)
    found.files.sort(key=lambda file: str(file.place))
    return found


def _wanted(file: File) -> File | None:
    """The file, if it is or may hold a notebook; what we cannot read says so when it is read."""
    suffix = file.place.suffix.lower()
    if suffix in ARCHIVES:
        return replace(
            _broken(file.place, f"is a {suffix[1:]} archive, which is not read"),
            changed=file.changed,
        )
    return file if file.zipped or NOTEBOOK.fullmatch(file.place.name) else None


def inside(file: File) -> list[File]:
    """The notebooks in a learner's archive; any other file is itself."""
    if not file.zipped:
        return [file]
    try:
        archive = zipfile.ZipFile(io.BytesIO(file.read()))
        members = _members(archive, Listing(), file.place, [LARGEST_ZIP])
        kept = [kept for member in members if (kept := _wanted(member))]
        # A learner's own clock is nobody's: the time is that of the archive.
        return [
            _broken(member.place, "is a zip inside a zip, which is not read")
            if member.zipped
            else replace(member, changed=file.changed)
            for member in kept
        ]
    except MemoryError:
        raise
    except Exception as error:  # whatever a learner calls a zip
        return [_broken(file.place, f"is no zip that can be read ({type(error).__name__})")]


def _walk(root: Path, found: Listing) -> Iterator[File]:
    """Files below a folder; links and hidden names are not followed."""
    for top in _entries(root):
        if top.is_symlink() or top.name.startswith("."):
            found.ignored.append(top.name)
        elif top.is_dir():
            found.folders.add(top.name)
            yield from _below(Path(top.path), PurePosixPath(top.name))
        elif top.is_file():
            yield _on_disk(top, PurePosixPath(top.name))


def _below(folder: Path, place: PurePosixPath) -> Iterator[File]:
    """One learner's files, of any depth; no more than MOST names are looked at."""
    folders, names = [(folder, place)], 0
    while folders:
        folder, place = folders.pop()
        try:
            entries = _entries(folder)
        except OSError as error:
            yield _broken(place / "folder.ipynb", f"cannot be read ({error.strerror})")
            continue
        names += len(entries)
        if names > MOST:
            yield _broken(place / "folder.ipynb", f"is one of more than {MOST:,} files")
            return
        for entry in entries:
            if entry.is_symlink() or entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append((Path(entry.path), place / entry.name))
            elif entry.is_file():
                yield _on_disk(entry, place / entry.name)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _on_disk(entry: os.DirEntry[str], place: PurePosixPath) -> File:
    path = Path(entry.path)
    changed = datetime.fromtimestamp(entry.stat().st_mtime).astimezone()
    return File(place, lambda: read_path(path), changed)


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
    archive: zipfile.ZipFile,
    found: Listing,
    below: PurePosixPath | None = None,
    left: list[int] | None = None,
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
        if len(parts) > 1 or info.is_dir():
            found.folders.add(parts[0])
        if not info.is_dir():
            try:
                when = datetime(*info.date_time) if info.date_time[1] else None
            except (ValueError, OverflowError, OSError):  # the 31st of February
                when = None
            yield File((below or PurePosixPath()) / place, _reader(archive, info, left), when)


def _reader(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: list[int] | None
) -> Callable[[], bytes]:
    """Reads a member, whose size is charged first: what fails has cost as much as what does not."""

    def read() -> bytes:
        most = LARGEST_ZIP if info.filename.lower().endswith(".zip") else LARGEST
        if info.file_size > (most if left is None else min(most, left[0])):
            raise Unreadable("unpacks to too much")
        if left is not None:
            left[0] -= info.file_size
        try:
            with _again(archive, os.getpid()).open(info) as file:
                return file.read(info.file_size)
        except MemoryError:
            raise
        except Exception as error:  # zipfile raises many kinds for what is broken or encrypted
            raise Unreadable(f"cannot be unpacked ({type(error).__name__})") from error

    return read


@cache
def _again(archive: zipfile.ZipFile, process: int) -> zipfile.ZipFile:
    """The archive as this process reads it: forks would move one another's place in the file."""
    return zipfile.ZipFile(archive.filename) if archive.filename else archive


def _broken(place: PurePosixPath, why: str) -> File:
    def read() -> bytes:
        raise Unreadable(why)

    return File(place, read)
