"""The instructor's notebooks: cell metadata (`metadata.lrlesson`), and the exercises they hold.

A cell with a role belongs to an exercise; a cell without one is prose or a worked example, for the
learner only, and is never run by the grader.

    role    in the release                     in the grading kernel
    given   as written                         as written, from the instructor's notebook
    answer  the stub                           the learner's source, put in by id
    check   as written (visible check)         not run
    hidden  gone                               run after the answer; rows compared if it has points,
                                               or scored by the referee with whom it plays
    text    as written, solution gone          not run, marked by hand; an exercise with nothing
                                               else has its points in course.toml
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import nbformat
from nbformat import NotebookNode
from nbval.plugin import metadata_tags

from lrlesson.capstone.problems import PROBLEMS
from lrlesson.grading.errors import ReleaseError
from lrlesson.grading.python_code import defines

ROLES = ("given", "answer", "check", "hidden", "text")
COMPARE = ("number", "text", "exact")
TYPES: dict[str, Any] = {
    "id": str,
    "exercise": str,
    "role": str,
    "points": (int, float),
    "needs": list,
    "names": list,
    "compare": str,
    "rtol": (int, float),
    "atol": (int, float),
    "timeout": (int, float),
    "hint": str,
    "play": str,
    "seeds": int,
}
# What learners get of a cell's metadata; front ends write more, each its own.
TELLING = 120  # characters from which on an equal text is no chance
RELEASED = {"lrlesson", "tags", "editable", "deletable", "jupyter", "slideshow", "name"}
BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
ALMOST_MARKER = re.compile(r"^\s*#*\s*(BEGIN|END)\s*SOLUTION", re.IGNORECASE | re.MULTILINE)
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}  # of every notebook that is handed out
STUB = 'raise NotImplementedError("your answer goes here")'
TEXT_STUB = "*Your answer goes here.*"
TRIVIAL = re.compile(r"(else:|try:|finally:|pass|return|break|continue|\W*)")


def lesson(cell: NotebookNode) -> dict[str, Any]:
    """The cell's `metadata.lrlesson`; empty for a cell without a role."""
    return cell.metadata.get("lrlesson", {})


@dataclass(frozen=True)
class GradedExercise:
    """One exercise as the instructor wrote it.

    `cells` are those that the grader runs (given, answer, hidden), in the notebook's order; `stubs`
    what the learner was given for each answer, by id, and `texts` for each text; `asked` the names
    that each answer has to define; `expected` the ids of the cells that belong to it; `handed` what
    learners got of the whole notebook, by id (a cell without a role has that of nbformat) and
    `roles` the ids of nbformat of cells with a role; `telling` the long cells of this notebook
    alone; `release` the content hash of its release.
    """

    id: str
    notebook: str
    cells: tuple[NotebookNode, ...]
    expected: frozenset[str]
    handed: dict[str, str]
    telling: frozenset[str]
    roles: dict[str, str]
    stubs: dict[str, str]
    texts: dict[str, str]
    asked: dict[str, tuple[str, ...]]
    needs: tuple[str, ...]
    points: float
    release: str

    @property
    def by_hand(self) -> bool:
        """Whether it has text only, so that course.toml alone gives its points."""
        return bool(self.texts) and not self.stubs

    def role(self, role: str) -> list[NotebookNode]:
        """The cells of that role, in order."""
        return [cell for cell in self.cells if lesson(cell)["role"] == role]

    @property
    def digest(self) -> str:
        """Changes with anything that can change a mark."""
        return digest([(cell.source, lesson(cell)) for cell in self.cells])


def digest(value: object) -> str:
    """A content hash of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def read_sources(folder: Path) -> dict[str, NotebookNode]:
    """The instructor's notebooks of a folder, by file name, each one valid.

    Raises ReleaseError, in one sentence, for what the grader could not mark.
    """
    if not folder.is_dir():
        raise ReleaseError(f"{folder} is not a folder, expected the instructor's notebooks there.")
    notebooks = {path.name: _read(path) for path in sorted(folder.glob("*.ipynb"))}
    if not notebooks:
        raise ReleaseError(f"{folder} holds no notebook.")
    seen: dict[str, str] = {}
    for name, notebook in notebooks.items():
        for cell in notebook.cells:
            _validate(cell, name)
            if (cell_id := lesson(cell).get("id")) is None:
                continue
            if cell_id in seen:
                raise ReleaseError(
                    f"{name}: the id {cell_id!r} is a duplicate, it is already used in "
                    f"{seen[cell_id]}."
                )
            seen[cell_id] = name
    return notebooks


def read_exercises(notebooks: dict[str, NotebookNode]) -> dict[str, GradedExercise]:
    """Every exercise of the instructor's notebooks, by id, in order."""
    exercises: dict[str, GradedExercise] = {}
    released_as = {name: released_notebook(notebook) for name, notebook in notebooks.items()}
    occurs = Counter(text for nb in released_as.values() for text in {c.source for c in nb.cells})
    for name, notebook in notebooks.items():
        released = released_as[name]
        handed = {lesson(c).get("id", c.id): c.source for c in released.cells}
        roles = {c.id: lesson(c)["id"] for c in released.cells if lesson(c)}
        for exercise in _exercise_ids(notebook):
            if exercise in exercises:
                raise ReleaseError(
                    f"{name}: the exercise {exercise!r} is already in "
                    f"{exercises[exercise].notebook}."
                )
            own = [c for c in notebook.cells if lesson(c).get("exercise", exercise) == exercise]
            cells = tuple(c for c in own if lesson(c).get("role") in ("given", "answer", "hidden"))
            answers = [lesson(c)["id"] for c in cells if _answers(c)]
            points = sum(lesson(c).get("points", 0) for c in cells)
            if answers and not points:
                raise ReleaseError(f"{name}: {answers[0]} is an answer without points.")
            if points and not answers:
                raise ReleaseError(f"{name}: {exercise} has points but no answer.")
            exercises[exercise] = GradedExercise(
                id=exercise,
                notebook=name,
                cells=cells,
                expected=frozenset(i for c in own if (i := lesson(c).get("id", "")) in handed),
                handed=handed,
                telling=frozenset(
                    text for text in handed.values() if len(text) >= TELLING and occurs[text] == 1
                ),
                roles=roles,
                stubs={i: handed[i] for i in answers},
                texts={lesson(c)["id"]: handed[lesson(c)["id"]] for c in own if _is_text(c)},
                asked={lesson(c)["id"]: asked_names(c, handed) for c in cells if _answers(c)},
                needs=tuple(dict.fromkeys(n for c in own for n in lesson(c).get("needs", []))),
                points=points,
                release=release_hash(released),
            )
    for made in exercises.values():
        list(needed(made, exercises))
    return exercises


def needed(
    exercise: GradedExercise, exercises: dict[str, GradedExercise]
) -> Iterator[GradedExercise]:
    """The exercises that this one stands on, each before whatever needs it."""
    done: set[str] = set()

    def visit(current: GradedExercise, path: tuple[str, ...]) -> Iterator[GradedExercise]:
        for name in current.needs:
            where = f"{current.notebook}: {current.id} needs {name!r}"
            if name not in exercises:
                raise ReleaseError(f"{where}, which is no exercise of this folder.")
            if name in path:
                raise ReleaseError(f"{where}, which needs it in turn.")
            if name not in done:
                done.add(name)
                yield from visit(exercises[name], (*path, name))
                yield exercises[name]

    yield from visit(exercise, (exercise.id,))


def released_notebook(notebook: NotebookNode) -> NotebookNode:
    """The notebook as learners get it: stubs, no hidden cell, no output, no trace of a run."""
    released = nbformat.v4.new_notebook(
        metadata=deepcopy(METADATA),
        nbformat_minor=5,
    )
    for original in notebook.cells:
        role = lesson(original).get("role")
        if role == "hidden":
            continue
        cell = nbformat.from_dict(json.loads(json.dumps(original)))
        for key in set(cell.metadata) - RELEASED:
            del cell.metadata[key]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if role in ("answer", "text"):
            cell.source = stub(cell.source, STUB if role == "answer" else TEXT_STUB)
            cell.metadata["deletable"] = False
        released.cells.append(cell)
    content = release_hash(released)
    for cell in released.cells:
        if lesson(cell):
            cell.metadata["lrlesson"]["release"] = content
    return released


def release_hash(released: NotebookNode) -> str:
    """Twelve hex digits that change with anything a learner is given."""
    content = [
        (cell.cell_type, cell.source, {k: v for k, v in lesson(cell).items() if k != "release"})
        for cell in released.cells
    ]
    return digest(content)[:12]


def stub(source: str, replacement: str) -> str:
    """The source with every solution block replaced, at the indentation of its marker."""
    lines: list[str] = []
    inside = False
    for line in source.splitlines():
        if line.strip() == BEGIN:
            inside = True
            lines.append(line[: len(line) - len(line.lstrip())] + replacement)
        elif line.strip() == END:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def solution_lines(notebooks: Iterable[NotebookNode]) -> Iterator[str]:
    """Every line between the markers that says something, stripped."""
    for notebook in notebooks:
        for cell in notebook.cells:
            inside = False
            for line in cell.source.splitlines():
                text = line.strip()
                if text in (BEGIN, END):
                    inside = text == BEGIN
                elif inside and not TRIVIAL.fullmatch(text):
                    yield text


def _exercise_ids(notebook: NotebookNode) -> list[str]:
    return list(dict.fromkeys(lesson(c)["exercise"] for c in notebook.cells if _belongs(c)))


def _is_text(cell: NotebookNode) -> bool:
    return lesson(cell).get("role") == "text"


def asked_names(cell: NotebookNode, handed: dict[str, str]) -> tuple[str, ...]:
    """What an answer has to define: as its metadata says, else as its stub or solution does."""
    data = lesson(cell)
    declared = tuple(data.get("names", ()))
    return declared or defines(handed[data["id"]]) or defines(cell.source)


def _answers(cell: NotebookNode) -> bool:
    return bool(lesson(cell)["role"] == "answer")


def _belongs(cell: NotebookNode) -> bool:
    return "exercise" in lesson(cell)


def _read(path: Path) -> NotebookNode:
    try:
        notebook = nbformat.reads(
            path.read_text(encoding="utf-8-sig"), as_version=nbformat.NO_CONVERT
        )
    except Exception as error:  # nbformat raises its own and Python's; all mean the same here
        raise ReleaseError(f"{path.name} is not a notebook: {_first_line(error)}.") from error
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        raise ReleaseError(
            f"{path.name} is nbformat {notebook.nbformat}.{notebook.nbformat_minor}, "
            "expected 4.5 (cells with ids)."
        )
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise ReleaseError(f"{path.name} is not valid: {_first_line(error)}.") from error
    ids = [cell.id for cell in notebook.cells]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise ReleaseError(f"{path.name}: the cell id {twice[0]!r} is a duplicate.")
    return notebook


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")


def _validate(cell: NotebookNode, notebook: str) -> None:
    """Refuse what the format does not know; ReleaseError in one sentence."""
    where = f"{notebook}, cell {cell.id!r}"

    def refuse(why: str) -> NoReturn:
        raise ReleaseError(f"{where}: {why}.")

    for key in cell.metadata:
        # What front ends write beside ours is theirs; a mistyped table would be released as prose.
        near = get_close_matches(key.casefold(), ["lrlesson"], cutoff=0.7)
        if key != "lrlesson" and (near or _looks_like_ours(cell.metadata[key])):
            refuse(f"unknown metadata key {key!r}, expected 'lrlesson'")
    if unknown := sorted(set(cell.metadata.get("tags", [])) - set(metadata_tags)):
        refuse(f"unknown tag {unknown[0]!r}, expected one of nbval's")
    data = lesson(cell)
    role = data.get("role") if isinstance(data, dict) else None
    if "lrlesson" in cell.metadata:
        if not isinstance(data, dict):
            refuse("metadata.lrlesson is not a table")
        where = f"{notebook}, {data.get('id', cell.id)}"
        if unknown := sorted(set(data) - set(TYPES)):
            refuse(f"unknown key {unknown[0]!r} in metadata.lrlesson")
        for key, value in data.items():
            if not isinstance(value, TYPES[key]) or isinstance(value, bool):
                refuse(f"{key} = {value!r} has the wrong type")
        if role not in ROLES:
            refuse(f"unknown role {role!r}, expected one of {', '.join(ROLES)}")
        if "id" not in data:
            refuse("a cell with a role needs an id")
        if "exercise" in data and not data["id"].startswith(data["exercise"] + "."):
            refuse(f"the id should start with {data['exercise'] + '.'!r}")
        if role != "given" and "exercise" not in data:
            refuse(f"role {role} needs an exercise")
        if data.get("compare", "number") not in COMPARE:
            refuse(f"unknown compare {data['compare']!r}, expected one of {', '.join(COMPARE)}")
        if role != "hidden" and "points" in data:
            refuse("points stand on hidden cells")
        if "play" in data and (role != "hidden" or data["play"] not in PROBLEMS):
            refuse(f"play = {data['play']!r}, expected sgd or open, on a hidden cell")
        if not 1 <= data.get("seeds", 1) <= 100:
            refuse(f"seeds = {data['seeds']}, expected a whole number from 1 to 100")
        for key in ("points", "timeout"):
            if key in data and not 0 < data[key] < 1e6:
                refuse(f"{key} = {data[key]}, expected a number greater than 0")
        for key in ("rtol", "atol"):
            if key in data and not 0 <= data[key] < 1:
                refuse(f"{key} = {data[key]}, expected a number from 0 to 1")
        if not all(isinstance(name, str) for name in data.get("needs", [])):
            refuse("needs holds something that is not an exercise id")
        if not all(isinstance(n, str) and n.isidentifier() for n in data.get("names", [])):
            refuse("names holds something that is no name of Python's")
        if "names" in data and role != "answer":
            refuse("names stand on answers")
        if role != "text" and cell.cell_type != "code":
            refuse(f"role {role} on a {cell.cell_type} cell, expected a code cell")
    _validate_markers(cell.source, role, refuse)
    if role == "hidden":
        try:
            tree = ast.parse(cell.source)
        except SyntaxError as error:
            refuse(f"a hidden check must be plain Python ({error.msg})")
        if any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
            refuse("a hidden check must not hold assert, since the verdict is the grader's")


def _looks_like_ours(value: Any) -> bool:
    return isinstance(value, dict) and bool({"role", "exercise"} & set(value))


def _validate_markers(source: str, role: str | None, refuse: Callable[[str], NoReturn]) -> None:
    markers = [line.strip() for line in source.splitlines() if line.strip() in (BEGIN, END)]
    if len(ALMOST_MARKER.findall(source)) > len(markers):
        refuse(f"a marker is mistyped, expected {BEGIN!r} and {END!r}")
    if markers and role not in ("answer", "text"):
        refuse("solution markers outside an answer")
    if markers != [BEGIN, END] * (len(markers) // 2) or len(markers) % 2:
        refuse(f"unbalanced markers, expected {BEGIN!r} and then {END!r}")
    if role == "answer" and not markers:
        refuse(f"an answer without {BEGIN!r}")
