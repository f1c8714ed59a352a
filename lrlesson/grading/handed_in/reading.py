"""A learner's file as it is read: the cells, and of a cell only what the graft looks at."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from lrlesson.grading.errors import Unreadable
from lrlesson.grading.handed_in.files import File, read_path

LONGEST = 200_000  # characters of one answer
MOST_CELLS = 5_000


@dataclass(frozen=True)
class Copy:
    """A learner's file as read: its cells, or the `problem` that there is with it.

    Of a cell only what the graft looks at is kept. `closed`: the file could not even be opened.
    """

    path: PurePosixPath
    cells: tuple[dict[str, Any], ...] = ()
    problem: str = ""
    digest: str = ""
    changed: datetime | None = None
    closed: bool = False

    def closed_for(self, why: str) -> Copy:
        """The copy where looking into it came to nothing."""
        problem = f"{word(self.path.name)} {why}"
        return replace(self, cells=(), problem=problem, digest=f"{self.digest}: {why}", closed=True)

    def plain(self) -> dict[str, Any]:
        """The copy as JSON can hold it."""
        when = self.changed and self.changed.isoformat()
        return {**vars(self), "path": str(self.path), "changed": when}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Copy:
        """The copy that `plain` made data of."""
        when = data["changed"] and datetime.fromisoformat(data["changed"])
        path, cells = PurePosixPath(data["path"]), tuple(data["cells"])
        return cls(**{**data, "path": path, "cells": cells, "changed": when})


def read_copy(path: Path) -> Copy:
    """`read_file` of a file on the disk."""
    return read_file(File(PurePosixPath(path), lambda: read_path(path)))


def read_file(file: File) -> Copy:
    """Read what a learner handed in. Whatever is in the file, this returns and never raises."""
    path, name = file.place, word(file.place.name)

    def problem(why: str, known: str) -> Copy:
        return Copy(path, (), f"{name} {why}", known, file.changed)

    try:
        content = file.read()
    except Unreadable as error:
        return closed(file, str(error))
    found = hashlib.sha256(content).hexdigest()
    try:
        notebook = json.loads(_text(content))
    except (ValueError, RecursionError):
        return problem("is not JSON, so not a notebook", found)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not cells:
        old = isinstance(notebook, dict) and "worksheets" in notebook
        return problem("is in the format before nbformat 4" if old else "has no cells", found)
    if len(cells) > MOST_CELLS:
        return problem(f"has {len(cells):,} cells", found)
    kept = tuple(_kept(cell) for cell in cells if isinstance(cell, dict))
    return Copy(path, kept, "", found, file.changed)


def closed(file: File, why: str) -> Copy:
    """The copy of a file that could not be opened."""
    name = f"{word(file.place.name)} {why}"
    return Copy(file.place, (), name, f"unreadable: {why}", file.changed, closed=True)


def _kept(cell: dict[str, Any]) -> dict[str, Any]:
    """What the graft looks at, no text in it longer than it can be of use."""
    data = {key: data_of(cell).get(key) for key in ("id", "release")}
    return {
        "cell_type": _short(cell.get("cell_type")),
        "id": _short(cell.get("id")),
        "source": source_of(cell)[: LONGEST + 1],
        "metadata": {"lrlesson": {key: text for key in data if (text := _short(data[key]))}},
    }


def _text(content: bytes) -> str:
    """UTF-8 as a notebook should be, else UTF-16 or UTF-32, else what Windows used to write."""
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _short(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def cell_id(cell: dict[str, Any]) -> str:
    """The `metadata.lrlesson.id` of a learner's cell, "" where there is none."""
    return str(data_of(cell).get("id", ""))


def data_of(cell: dict[str, Any]) -> dict[str, Any]:
    """The `metadata.lrlesson` of a learner's cell, {} where it is no table."""
    metadata = cell.get("metadata")
    data = metadata.get("lrlesson") if isinstance(metadata, dict) else None
    return data if isinstance(data, dict) else {}


def source_of(cell: dict[str, Any]) -> str:
    """The text of a learner's cell, "" where it is none."""
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def word(value: object) -> str:
    """A learner's word for a sentence of ours, "unknown" where it would break the line."""
    return value[:80] if isinstance(value, str) and value.isprintable() else "unknown"
