"""reset: begin an answer again, and keep what was written."""

import ast
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrlesson.feedback.check.capstone_tracks import Challenge
from lrlesson.feedback.check.cards import Card, ShownAsCard
from lrlesson.feedback.check.checking import find
from lrlesson.feedback.exercises.exercise import Exercise
from lrlesson.feedback.record import progress_path
from lrlesson.starting import course_files, write_whole

EMPTY = 'raise NotImplementedError("your answer goes here")'


@dataclass(frozen=True, repr=False)
class Reset(ShownAsCard):
    """The stub of an exercise as `stub`, and where the old text is kept, as `kept` (None: none)."""

    id: str
    stub: str
    kept: Path | None
    in_new_cell: bool

    def card(self) -> Card:
        where = "in a new cell below" if self.in_new_cell else "here"
        body: list[str | tuple[str, str]] = [
            f"The empty answer is {where}. Copy it over your answer, whose cell the grader knows.",
        ]
        if not self.in_new_cell:
            body.append(("code", self.stub))
        if self.kept:
            kept = f"{self.kept.parent.parent.name}/{self.kept.parent.name}/{self.kept.name}"
            body.append(f"What you had run last is kept in {kept}.")
        return Card("quiet", f"From the beginning: {self.id}", body)


def reset(id: str) -> Reset:
    """Give the empty answer of an exercise again, and keep the one that was run last.

    A kernel cannot write into the cells of an open notebook, so the stub comes as a new cell below
    the one that asks for it; where there is no notebook it is shown. The answer stays where it is
    until you copy the stub over it. Raises ValueError for an unknown id, StartError where
    this installation has no course in it.
    """
    exercise = find(id)
    stub = _stub(exercise)
    shell = _shell()
    kept = _keep(exercise, shell.user_ns.get("In", [])) if shell else None
    if shell:
        shell.set_next_input(stub)
    return Reset(id, stub, kept, bool(shell))


def _shell() -> Any:
    """The notebook's IPython, or None: a terminal's cannot make cells."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell if hasattr(shell, "kernel") else None


def _stub(exercise: Exercise | Challenge) -> str:
    """The answer's cell as this version of the course gives it to learners."""
    notebook = course_files().get(f"exercises/{exercise.notebook}")
    if notebook is None:  # an instructor's own exercise, whose file holds what it asks for
        heads = exercise.signature.split(" and ")
        return "\n\n\n".join(f"def {head}:\n    {EMPTY}" for head in heads)
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("lrlesson", {}).get("id") == f"{exercise.id}.answer":
            return "".join(cell["source"])
    raise ValueError(f"{notebook.name} has no cell for the answer to {exercise.id}")


def _keep(exercise: Exercise | Challenge, inputs: list[str]) -> Path | None:
    """Write the last cell that defined the answer, and was run, beside the progress file."""
    text = next((text for text in reversed(inputs) if _defines(text, exercise)), None)
    if text is None:
        return None
    folder = progress_path().parent / "kept"
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while (path := folder / f"{exercise.id}-{number}.py").exists():
        if path.read_text(encoding="utf-8") == text:
            return path
        number += 1
    write_whole(path, text.encode())
    return path


def _defines(text: str, exercise: Exercise | Challenge) -> bool:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    return any(getattr(node, "name", None) in exercise.names for node in body)
