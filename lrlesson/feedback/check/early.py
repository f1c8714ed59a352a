"""Early warning: would this answer, right as it is here, lose marks as it would be handed in?

A kernel knows more than the notebook: what stood in a cell that is gone, and which of two cells ran
last. The grader has the file alone. So where the saved notebook is at hand, and has the answer as
it was run, what counts there is compared with what ran here. Nothing is said that is not certain.
"""

import ast
import builtins
import contextlib
import dis
import json
import os
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrlesson.feedback.check.capstone_tracks import Challenge
from lrlesson.feedback.exercises.exercise import Exercise

STUB = "your answer goes here"


@dataclass(frozen=True)
class Session:
    """What a kernel knows: its names, what was run, in order, and the notebook's file."""

    namespace: dict[str, Any]
    inputs: list[str]
    path: Path | None


def session(notebook: str) -> Session | None:
    """This kernel's; None outside of a notebook. `notebook`: the file's name as handed out."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    if not hasattr(shell, "kernel"):
        return None
    said = os.environ.get("JPY_SESSION_NAME", "")
    places = [Path(said)] if said.endswith(".ipynb") else []
    places += [Path(place.name) for place in places] + [Path(notebook)]
    path = next((place for place in places if place.is_file()), None)
    return Session(shell.user_ns, list(shell.history_manager.input_hist_raw), path)


def foreseen(exercise: Exercise | Challenge, here: Session | None) -> list[str]:
    """In sentences, why the saved notebook would lose marks that the answer here earns."""
    cells = _cells(here.path) if here else None
    if here is None or here.path is None or not cells:
        return []
    found, names = [], exercise.names
    for name in names:
        ran = next((text for text in reversed(here.inputs) if name in _bound(text)), "").strip()
        there = [i for i, (_, text) in enumerate(cells) if name in _bound(text)]
        if not any(cells[i][1].strip() == ran for i in there):
            return []  # not saved yet, and `summary` asks for that
        own = [i for i in there if cells[i][0] == f"{exercise.id}.answer"]
        own = [i for i in own if STUB not in cells[i][1]]
        counts = (own or there)[-1]
        if cells[counts][1].strip() != ran:
            found.append(
                f"{name} stands in cell {counts + 1} of the code cells of {here.path.name}, too, "
                "and there it counts; you have run another one. Leave one of them."
            )
    bound: set[str] = set()
    for _, text in cells:
        if (more := _bound(text, everywhere=True)) is None or "*" in more:
            return found
        bound |= more
    uses: set[str] = set()
    for name in names:
        uses |= _globals(here.namespace.get(name), here.namespace, set())
    numpy = sys.modules.get("numpy")
    lost = [name for name in sorted(uses - bound - set(dir(builtins))) if name in here.namespace]
    return found + [
        f"Your answer uses {name}, which stands in no cell of the saved {here.path.name}. "
        "Write it into the answer's cell, and run that."
        for name in lost
        if here.namespace[name] is not numpy  # which every exercise is given
    ]


def _cells(path: Path | None) -> list[tuple[str, str]] | None:
    """The id that we gave, "" if none, and the source of each code cell of a file."""
    if path is None:
        return None
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [
            (c.get("metadata", {}).get("lrlesson", {}).get("id", ""), "".join(c["source"]))
            for c in cells
            if c["cell_type"] == "code"
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _bound(text: str, everywhere: bool = False) -> Any:
    """The names that a cell binds at its top, or wherever; "*" for all of a module.

    A cell that is no Python binds nothing, or with `everywhere` is None: it may bind anything.
    """
    lines = ["" if line.lstrip().startswith(("%", "!", "?")) else line for line in text.split("\n")]
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        return None if everywhere else set()
    found: set[str] = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        for part in ast.walk(node) if isinstance(node, ast.Assign | ast.AnnAssign) else [node]:
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                found.add(part.id)
    return found


def _globals(thing: object, namespace: dict[str, Any], seen: set[int]) -> set[str]:
    """The names of the notebook that a function or class looks up, and those that these do."""
    if id(thing) in seen:
        return set()
    seen.add(id(thing))
    found: set[str] = set()
    for code in _codes(thing, namespace):
        found |= {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    for base in thing.__bases__ if isinstance(thing, type) else ():
        if namespace.get(base.__name__) is base:
            found.add(base.__name__)
    for name in list(found):
        found |= _globals(namespace.get(name), namespace, seen)
    return found


def _codes(thing: object, namespace: dict[str, Any]) -> Iterator[types.CodeType]:
    """The code of a function of the notebook, or of all methods of a class, with what is in it."""
    with contextlib.suppress(Exception):  # whatever a learner made of it
        parts = vars(thing).values() if isinstance(thing, type) else [thing]
        for part in parts:
            part = getattr(part, "__func__", getattr(part, "fget", part))
            if isinstance(part, types.FunctionType) and part.__globals__ is namespace:
                todo = [part.__code__]
                while todo:
                    yield (code := todo.pop())
                    todo += [c for c in code.co_consts if isinstance(c, types.CodeType)]
