"""Submissions as learners make them: from the released exercises, by editing cells."""

import contextlib
import copy
import ctypes
import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lrlesson.grading import release

ROOT = Path(__file__).parents[2]
DECAY = "04_exercise_decay.ipynb"
DESCENT = "01_exercise_what_the_rate_is.ipynb"

RIGHT_DECAY = """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** np.floor(np.asarray(t) / every)
"""
RIGHT_DESCENT = """\
def gradient_descent(grad, w0, lr, steps):
    points = [np.array(w0, dtype=float)]
    for _ in range(steps):
        points.append(points[-1] - lr * np.asarray(grad(points[-1])))
    return np.stack(points)
"""

Notebook = dict[str, Any]


COURSE_TOML = """\
[[exercise]]
id = "gradient-descent"
notebook = "01_exercise_what_the_rate_is.ipynb"
points = 4

[[exercise]]
id = "step-decay"
notebook = "04_exercise_decay.ipynb"
points = 6
"""


class Course:
    """Two of the course's exercises as they are now, released, and the learner's hand."""

    def __init__(self, folder: Path) -> None:
        self.solutions, self.exercises = folder / "solutions", folder / "exercises"
        self.solutions.mkdir()
        (folder / "course.toml").write_text(COURSE_TOML, encoding="utf-8")
        kept = {None, "gradient-descent", "step-decay"}
        for name in (DESCENT, DECAY):
            notebook = json.loads((ROOT / "solutions" / name).read_text(encoding="utf-8"))
            notebook["cells"] = [
                cell
                for cell in notebook["cells"]
                if cell["metadata"].get("lrlesson", {}).get("exercise") in kept
            ]
            (self.solutions / name).write_text(json.dumps(notebook), encoding="utf-8")
        release(self.solutions, self.exercises)

    decay, descent = DECAY, DESCENT
    right_decay, right_descent = RIGHT_DECAY, RIGHT_DESCENT

    def exercise(self, name: str) -> Notebook:
        return json.loads((self.exercises / name).read_text(encoding="utf-8"))

    def cell(self, notebook: Notebook, cell_id: str) -> Notebook:
        return next(
            c for c in notebook["cells"] if c["metadata"].get("lrlesson", {}).get("id") == cell_id
        )

    def filled(self, name: str, source: str) -> Notebook:
        """An exercise file with one answer in it."""
        notebook = copy.deepcopy(self.exercise(name))
        answer = {DECAY: "step-decay.answer", DESCENT: "gradient-descent.answer"}[name]
        self.cell(notebook, answer)["source"] = source.splitlines(keepends=True)
        return notebook

    def hand_in(self, folder: Path, name: str, content: Notebook | str | bytes) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        if isinstance(content, dict):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return Course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    """Write an instructor's folder with one exercise, changed as a test wants; returns it.

    `edit` gets the notebook before it is written; the exercise has an answer, a visible check and
    one hidden check, and no course.toml.
    """

    def write(
        edit: Callable[[Any], None] | None = None,
        *,
        hidden: str = 'print("rate |", double(np.random.default_rng(seed).uniform()))',
        name: str = "one.ipynb",
    ) -> Path:
        def code(cell_id: str, text: str, **data: Any) -> Any:
            cell = nbformat.v4.new_code_cell(text, metadata={"lrlesson": data} if data else {})
            cell["id"] = cell_id
            return cell

        own = {"exercise": "double"}
        answer = (
            "def double(x):\n"
            '    """Twice x."""\n'
            "    ### BEGIN SOLUTION\n"
            "    return 2 * x\n"
            "    ### END SOLUTION"
        )
        title = nbformat.v4.new_markdown_cell("Write `double`.")
        title["id"] = "title"
        notebook = nbformat.v4.new_notebook(
            cells=[
                title,
                code("imports", "import numpy as np", id="imports", role="given"),
                code("answer", answer, id="double.answer", role="answer", **own),
                code("check", "double(4)", id="double.check", role="check", **own),
                code("setup", "seed = 0", id="double.setup", role="hidden", **own),
                code("hidden", hidden, id="double.rate", role="hidden", points=2, **own),
            ]
        )
        if edit:
            edit(notebook)
        folder = tmp_path / "instructor"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(nbformat.writes(notebook), encoding="utf-8")
        return folder

    return write


class Traces:
    """What the graders that a test starts, and then kills, leave on this machine.

    Orphans become children of this process, so that no other process is taken for one of them; the
    graders get a folder of their own for temporary files. A context manager.
    """

    ADOPT = 36  # PR_SET_CHILD_SUBREAPER

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}

    def __enter__(self):
        self.libc = ctypes.CDLL(None)
        self.libc.prctl(self.ADOPT, 1, 0, 0, 0)
        self.before = self.processes() | self.mounts()
        self.known = {int(name.split()[1]) for name in self.before if name.startswith("process")}
        return self

    def __exit__(self, *_):
        self.libc.prctl(self.ADOPT, 0, 0, 0, 0)

    def left(self, within=20):
        """Processes (zombies too), files, sockets and mounts, when they have had time to go."""
        end = time.monotonic() + within
        while True:
            found = self.processes() | self.sockets() | self.mounts() | self.files()
            if found <= self.before or time.monotonic() > end:
                return sorted(found - self.before)
            time.sleep(0.1)

    def processes(self):
        """All descendants of this process; adopted ones that have ended are buried here."""
        children = defaultdict(list)
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdigit():
                    parent = (folder / "stat").read_text().rsplit(") ", 1)[1].split()[1]
                    children[int(parent)].append(int(folder.name))
        found, todo = set(), list(children[os.getpid()])
        while todo:
            found.add(pid := todo.pop())
            todo += children[pid]
        for pid in found - getattr(self, "known", found):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return {f"process {pid}" for pid in found}

    def files(self):
        return {str(path) for path in self.temporary.rglob("*")}

    def sockets(self):
        lines = Path("/proc/net/unix").read_text().splitlines()
        return {f"socket {line.split()[-1]}" for line in lines if str(self.temporary) in line}

    def mounts(self):
        """Those that kernels have in namespaces of their own."""
        lines = Path("/proc/mounts").read_text().splitlines()
        return {f"mount {line}" for line in lines if re.search("/(learner|lrlesson|ipc) ", line)}


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[Traces]:
    """What is left of the processes that a test starts, and of no others."""
    with Traces(tmp_path) as found:
        yield found
