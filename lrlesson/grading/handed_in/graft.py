"""Put a learner's answers into the instructor's own notebook; nothing else of theirs is run."""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from nbformat import NotebookNode

from lrlesson.capstone.scoring import SEEDS
from lrlesson.grading.authoring.source_notebooks import GradedExercise, digest, lesson, needed
from lrlesson.grading.errors import Unreadable
from lrlesson.grading.handed_in.files import File, read_path

LONGEST = 200_000  # characters of one answer
MOST_CELLS = 5_000
UNUSUAL = re.compile(
    "__import__|__builtins__|__globals__|__loader__|__subclasses__|__code__|builtins|importlib|sys"
    "|os|ctypes|gc|inspect|marshal|pickle|subprocess|socket|signal|threading|exec|eval|compile|open"
    "|globals|locals|vars|get_ipython|IPython|ipykernel|_getframe|settrace"
)
MOST_ANOMALIES = 20


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


@dataclass
class Graft:
    """The learner's answers by id, or the status and reason why there is nothing to run."""

    answers: dict[str, str] = field(default_factory=dict)
    status: str = ""
    reason: str = ""
    anomalies: list[str] = field(default_factory=list)


def read_copy(path: Path) -> Copy:
    """`read_file` of a file on the disk."""
    return read_file(File(PurePosixPath(path), lambda: read_path(path)))


def read_file(file: File) -> Copy:
    """Read what a learner handed in. Whatever is in the file, this returns and never raises."""
    path, name = file.place, _word(file.place.name)

    def problem(why: str, known: str) -> Copy:
        return Copy(path, (), f"{name} {why}", known, file.changed)

    try:
        content = file.read()
    except Unreadable as error:
        return closed(file, str(error))
    found = digest(content.hex())
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
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
    name = f"{_word(file.place.name)} {why}"
    return Copy(file.place, (), name, f"unreadable: {why}", file.changed, closed=True)


def _kept(cell: dict[str, Any]) -> dict[str, Any]:
    """What the graft looks at, no text in it longer than it can be of use."""
    data = {key: _data(cell).get(key) for key in ("id", "release")}
    return {
        "cell_type": _short(cell.get("cell_type")),
        "id": _short(cell.get("id")),
        "source": _source(cell)[: LONGEST + 1],
        "metadata": {"lrlesson": {key: text for key in data if (text := _short(data[key]))}},
    }


def _short(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def cell_id(cell: dict[str, Any]) -> str:
    """The `metadata.lrlesson.id` of a learner's cell, "" where there is none."""
    return str(_data(cell).get("id", ""))


def graft(exercise: GradedExercise, copy: Copy) -> Graft:
    """Find the learner's answers to one exercise, and name what was done to its cells."""
    if copy.problem:
        return Graft(status="unreadable", reason=copy.problem)
    if exercise.by_hand:
        return _by_hand(exercise, copy)
    result = Graft()
    say = result.anomalies.append
    for wanted in sorted(exercise.expected - set(exercise.stubs)):
        if not any(cell_id(cell) == wanted for cell in copy.cells):
            say(f"deleted: {wanted}")
    for number, cell in enumerate(copy.cells, 1):
        ours = cell_id(cell) in exercise.names or cell.get("id") in exercise.names
        if cell.get("cell_type") == "code" and _source(cell).strip() and not ours:
            say(f"foreign: cell {number}, not run")
    absent, stubs = [], []
    for wanted, given in exercise.stubs.items():
        found = [cell for cell in copy.cells if cell_id(cell) == wanted]
        if not found:
            say(f"deleted: {wanted}")
            absent.append(wanted)
            continue
        written = [cell for cell in found if not is_stub(_source(cell), given)]
        chosen = (written or found)[-1]
        if len(found) > 1:
            say(f"duplicate: {wanted}, {len(found)} cells, the last that is not a stub counts")
        if chosen.get("cell_type") != "code":
            say(f"retyped: {wanted} is a {_word(chosen.get('cell_type'))} cell, run as code")
        handed_out = _data(chosen).get("release")
        if handed_out != exercise.release:
            of = f"is of {_word(handed_out)}" if handed_out else "does not say of which it is"
            say(f"older release: {wanted} {of}, now {exercise.release}")
        if not written:
            stubs.append(wanted)
        elif found_in := imports_library(_source(chosen)) - imports_library(given):
            say(f"library: {wanted} uses {', '.join(sorted(found_in)[:MOST_ANOMALIES])}")
        if unusual := uses_unusual(_source(chosen)) - uses_unusual(given):
            say(f"unusual: {wanted} uses {', '.join(sorted(unusual))}")
        result.answers[wanted] = _source(chosen)
    for cell in copy.cells:
        text = exercise.texts.get(cell_id(cell))
        if text is not None and _source(cell).strip() not in ("", text.strip()):
            say(f"text: {cell_id(cell)}, to be read by hand")
    if (more := len(result.anomalies) - MOST_ANOMALIES) > 0:
        result.anomalies[MOST_ANOMALIES:] = [f"and {more} more"]
    if absent:
        result.status = "missing"
        result.reason = f"{_word(copy.path.name)} has no answer cell {' and '.join(absent)}"
    elif len(stubs) == len(exercise.stubs):
        result.status, result.reason = "not attempted", "the answer is still the stub"
    elif any(len(source) > LONGEST for source in result.answers.values()):
        result.status, result.reason = "unreadable", f"the answer is over {LONGEST:,} characters"
    elif any(_unwritable(source) for source in result.answers.values()):
        result.status, result.reason = "unreadable", "the answer holds text that is not Unicode"
    return result


def _by_hand(exercise: GradedExercise, copy: Copy) -> Graft:
    """Whether there is a text to be marked; a word of it costs nothing here."""
    found = {cell_id(cell): _source(cell) for cell in copy.cells}
    if not set(exercise.texts) & set(found):
        return Graft(status="missing", reason=f"{_word(copy.path.name)} has no such cell")
    if all(found.get(i, "").strip() in ("", given.strip()) for i, given in exercise.texts.items()):
        return Graft(status="not attempted", reason="the text is still the one handed out")
    return Graft(status="by hand", reason=f"to be marked by hand: {', '.join(exercise.texts)}")


def assemble(
    exercise: GradedExercise,
    exercises: dict[str, GradedExercise],
    seeds: list[int],
    answers: dict[str, str] | None = None,
    trial: bool = False,
) -> str:
    """The notebook to run, as text: the instructor's cells with the learner's answers in them.

    Exercises that this one needs come first, with the reference's answers. The hidden cells run
    once per seed, each beginning with it; where a cell plays with a referee, who draws for
    himself, the kernel is told no seed at all. Without `answers`, the reference. `trial`: games
    are short.
    """
    cells: list[NotebookNode] = []
    for other in needed(exercise, exercises):
        cells += other.role("given") + other.role("answer")
    for cell in exercise.cells:
        if lesson(cell)["role"] != "hidden":
            source = (answers or {}).get(lesson(cell)["id"], cell.source)
            cells.append(_code(source, lesson(cell)))
    plays = any("play" in lesson(cell) for cell in exercise.role("hidden"))
    for seed in seeds:
        for cell in exercise.role("hidden"):
            data = lesson(cell)
            if "play" in data:
                data = {**data, "seeds": 1 if trial else data.get("seeds", SEEDS)}
            cells.append(_code(f"seed = {0 if plays else seed}\n{cell.source}", data))
    cells = [_code(cell.source, lesson(cell)) for cell in cells]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells))


def is_stub(source: str, given: str) -> bool:
    """True for a cell that is empty or does what the handed-out stub does."""
    return not source.strip() or source.strip() == given.strip() or _tree(source) == _tree(given)


def imports_library(source: str) -> set[str]:
    """The parts of our own library that some code imports, also by their names in text."""
    tree = _parsed(source)
    if tree is None:
        return {"lrlesson"} if re.search(r"\b(import|from)\s+lrlesson\b", source) else set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names |= set(re.findall(r"^lrlesson(?:\.\w+)*$", node.value))
        elif isinstance(node, ast.Name) and node.id == "lrlesson":
            names.add(node.id)
    return {name[:80] for name in names if name.split(".")[0] == "lrlesson"}


def uses_unusual(source: str) -> set[str]:
    """The names in some code that no exercise needs, and with which one looks around or hides."""
    tree = _parsed(source)
    if tree is None:
        return set(filter(UNUSUAL.fullmatch, re.findall(r"\w+", source)))
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.Import):
            used |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used.add((node.module or "").split(".")[0])
    return set(filter(UNUSUAL.fullmatch, used))


def _parsed(source: str) -> ast.Module | None:
    """The syntax tree of some code; None where it is not Python, or too deep to be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _tree(source: str) -> str:
    """The code without comments, white space and docstrings; unique text if it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                    first = node.body[0] if node.body else None
                    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                        del node.body[0]
            return ast.dump(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "not Python: " + source


def _code(source: str, data: dict[str, Any]) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, metadata={"lrlesson": dict(data)})


def _data(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = cell.get("metadata")
    data = metadata.get("lrlesson") if isinstance(metadata, dict) else None
    return data if isinstance(data, dict) else {}


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _word(value: object) -> str:
    return value[:80] if isinstance(value, str) and value.isprintable() else "unknown"


def _unwritable(source: str) -> bool:
    try:
        source.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
