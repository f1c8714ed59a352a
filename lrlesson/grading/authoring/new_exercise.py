"""`lrlesson new-exercise`: the cells and the check of an exercise of your own, ready to be edited.

What is written is a whole exercise that can be released, answered and graded as it stands.
"""

from __future__ import annotations

import json
import re
import tomllib
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from lrlesson.grading.authoring.source_notebooks import BEGIN, END, METADATA, read_sources
from lrlesson.grading.errors import ReleaseError

NAME = re.compile(r"\d\d_\w+\.ipynb")
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
CHECK = '''\
"""What `check("{id}", …)` knows: what is right, and what goes wrong."""

import numpy as np

from lrlesson.feedback.exercises.exercise import Exercise, Property, Wrong, calling, varied

of = calling("{name}")  # of([1, 2]) is the experiment {name}([1, 2])

# A right answer. `check` compares with what it gives, and never shows it unasked.
REFERENCE = """\\
def {name}(x):
    return np.mean(x)
"""

EXERCISES = [
    Exercise(
        id="{id}",
        points={points},
        notebook="{notebook}",
        signature="{name}(x)",
        reference=REFERENCE,
        # Each holds where an answer gives what the reference gives; the smallest case first.
        properties=[
            Property("one-value", "One value is its own mean.", [of([3.0])]),
            Property("several", "Every value counts the same.", [of([1.0, 2.0, 6.0])]),
        ],
        # Known mistakes, told by what they give.
        bank=[
            Wrong(
                "takes-the-middle",
                "You take the value in the middle, whatever the others are.",
                varied(REFERENCE, ("np.mean", "np.median")),
                belief="The mean is the value in the middle.",
            ),
        ],
        hints=[
            "What do the values add up to?",
            "Share that equally among them.",
            "NumPy has a function for the mean.",
        ],
    )
]
'''
TASK = """\
## Your turn: {words}

*Say here what is asked, with its formula:*

$$\\bar x = \\frac{{1}}{{n}} \\sum_i x_i$$

Write `{name}(x)`."""
ANSWER = f'''\
def {{name}}(x):
    """The mean of x.

    x: numbers, a list or an array
    Returns a number.
    """
    {BEGIN}
    return np.mean(x)
    {END}'''
SETUP = '''\
seed = 0  # the grader sets its own before each check


def row(label, values):
    """Print one row; the grader compares it with the reference's row."""
    print(label, "|", *(f"{v:.10g}" for v in np.ravel(values)))'''
HIDDEN = """\
x = np.random.default_rng(seed).uniform(1, 9, size=7)
row("one value", {name}(x[:1]))
row("several values", {name}(x))"""
TEXT = f"""\
## In your own words: {{words}}

*Say here what is asked. It is read and marked by hand.*

{BEGIN}
*What a good answer says: for whoever marks it.*
{END}"""
FEEDBACK = "from lrlesson.feedback import check, hint, reset, solution, summary"
END_TEXT = """\
## Done?

The next cell looks at this notebook's exercises. It fails on purpose while something is missing,
and says what."""


@dataclass(frozen=True)
class NewExercise:
    """What was written, to be edited, in the order in which one would."""

    paths: list[Path]


def new_exercise(id: str, notebook: Path, points: float = 2, text: bool = False) -> NewExercise:
    """Write an exercise of your own: cells into `notebook`, and its check into checks/ beside it.

    The notebook, which is made where it is not there, is a source as `release` reads it: with the
    solution and a hidden check. text: an exercise that is a text, to be marked by hand, whose
    points go into course.toml. Nothing is written unless all can be. Raises ReleaseError, in one
    sentence.
    """
    if not ID.fullmatch(id):
        raise ReleaseError(f"ID = {id!r}, expected words in lower case joined by -.")
    if not NAME.fullmatch(notebook.name):
        raise ReleaseError(f"NOTEBOOK = {notebook.name!r}, expected a name like 01_name.ipynb.")
    if not 0 < points < 1e6:
        raise ReleaseError(f"points = {points:g}, expected a number greater than 0.")
    number: Any = int(points) if points == int(points) else points
    check = notebook.parent / "checks" / f"{id}.py"
    if check.exists():
        raise ReleaseError(f"{check} is there already; choose another id, or edit it.")
    others = read_sources(notebook.parent) if any(notebook.parent.glob("*.ipynb")) else {}
    for name, other in others.items():
        for cell in other.cells:
            if cell.metadata.get("lrlesson", {}).get("exercise") == id:
                raise ReleaseError(f"{name} has an exercise {id!r} already; choose another id.")
    made = others.get(notebook.name) or _empty(notebook)
    names = {"id": id, "name": id.replace("-", "_"), "words": id.replace("-", " ")}
    own = _text_cells(names) if text else _code_cells(names, number)
    _put(made, own, id if not text else "")
    files = {notebook: nbformat.writes(made) + "\n"}
    if text:
        toml = _course_toml(notebook.parent)
        before = toml.read_text(encoding="utf-8") if toml.is_file() else ""
        _refuse_broken(toml, before)
        files[toml] = (
            f'{before.rstrip()}\n\n[[exercise]]\nid = "{id}"\npoints = {number}\n'.lstrip()
        )
    else:
        files[check] = CHECK.format(points=number, notebook=notebook.name, **names)
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ReleaseError(f"{path} cannot be written ({error.strerror}).") from error
    return NewExercise(list(files))


def _course_toml(folder: Path) -> Path:
    """Where course.toml is, in the notebooks' folder or beside it, or where one would go."""
    beside = folder.resolve().parent / "course.toml"
    return beside if beside.is_file() else folder / "course.toml"


def _refuse_broken(path: Path, text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ReleaseError(f"{path} cannot be read: {error}.") from error


def _code(cell_id: str, source: str, **data: Any) -> NotebookNode:
    metadata = {"lrlesson": data} if data else {}
    return nbformat.v4.new_code_cell(source, id=cell_id, metadata=metadata)


def _markdown(cell_id: str, source: str, **data: Any) -> NotebookNode:
    metadata = {"lrlesson": data} if data else {}
    return nbformat.v4.new_markdown_cell(source, id=cell_id, metadata=metadata)


def _empty(path: Path) -> NotebookNode:
    title = path.stem[3:].replace("_", " ")
    hand_in = f"When the last cell says that all is correct, hand in this file: `{path.name}`."
    return nbformat.v4.new_notebook(
        cells=[
            _markdown("title", f"# {title[:1].upper()}{title[1:]}\n\n{hand_in}"),
            _code("imports", "import numpy as np", id=f"{path.stem}.imports", role="given"),
            _code("feedback", FEEDBACK),
        ],
        metadata=deepcopy(METADATA),
    )


def _code_cells(names: dict[str, str], points: float) -> list[NotebookNode]:
    id, own = names["id"], {"exercise": names["id"]}
    hidden = HIDDEN.format(**names)
    hint = "Values that are not whole numbers."
    return [
        _markdown(f"{id}-task", TASK.format(**names)),
        _code(f"{id}-answer", ANSWER.format(**names), id=f"{id}.answer", role="answer", **own),
        _code(
            f"{id}-check",
            f"check({json.dumps(id)}, {names['name']})",
            id=f"{id}.check",
            role="check",
            **own,
        ),
        _code(f"{id}-setup", SETUP, id=f"{id}.setup", role="hidden", **own),
        _code(
            f"{id}-values",
            hidden,
            id=f"{id}.values",
            role="hidden",
            points=points,
            hint=hint,
            **own,
        ),
    ]


def _text_cells(names: dict[str, str]) -> list[NotebookNode]:
    id = names["id"]
    data = {"id": f"{id}.text", "exercise": id, "role": "text"}
    return [_markdown(f"{id}-text", TEXT.format(**names), **data)]


def _put(notebook: NotebookNode, cells: list[NotebookNode], id: str) -> None:
    """The cells above the last ones, which are for `summary`, and the id into that."""
    own = notebook.cells
    sources = [cell.source for cell in own]
    if id and not any("from lrlesson.feedback import" in source for source in sources):
        own.insert(min(1, len(own)), _code("feedback", FEEDBACK))
    if not any(cell.metadata.get("lrlesson", {}).get("role") == "given" for cell in own):
        given = {"id": f"{cells[0].id}.imports", "role": "given"}
        own.insert(min(1, len(own)), _code("imports", "import numpy as np", **given))
    place = next((i for i, c in enumerate(own) if c.source.startswith("summary(")), len(own))
    if id and place == len(own):
        own += [_markdown("end", END_TEXT), _code("summary", "summary()")]
        place += 1
    if id:
        ids = re.findall(r'"([^"]+)"', own[place].source)
        own[place].source = f"summary({', '.join(map(json.dumps, [*ids, id]))})"
    if 0 < place < len(own) and own[place - 1].source.startswith("## Done?"):
        place -= 1
    own[place:place] = cells
    seen: set[str] = set()
    for cell in own:
        while cell.id in seen:
            cell.id += "-2"
        seen.add(cell.id)
