"""Find who handed in what: a folder per learner, or one file per learner and notebook."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lrlesson.grading.cells import Exercise
from lrlesson.grading.errors import GradeError
from lrlesson.grading.graft import Copy, cell_id, read_copy


@dataclass(frozen=True)
class Submission:
    """One learner's notebooks, read; `copies` is empty where nothing was handed in."""

    learner: str
    copies: tuple[Copy, ...]


def collect(
    folder: Path, notebooks: Iterable[str], learner: str = "either"
) -> tuple[list[Submission], list[str]]:
    """The submissions below `folder`, by learner, and the names of files that are no submission.

    learner: "folder", each folder is a learner and holds notebooks at any depth; "file", each
    notebook is `<learner>_<notebook name>`, in any folder; "either", folders as learners and loose
    notebooks by their name. Raises GradeError if there is nothing to grade.
    """
    if not folder.exists():
        raise GradeError(f"{folder} does not exist, expected the folder of submissions.")
    if not folder.is_dir():
        raise GradeError(f"{folder} is a file, expected the folder of submissions.")
    files: dict[str, list[Path]] = {}
    ignored: list[str] = []
    stems = [Path(name).stem for name in notebooks]
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            ignored.append(path.name)
        elif path.is_dir() and learner != "file":
            files.setdefault(_name(path.name), []).extend(_notebooks(path))
        elif path.is_dir():
            for found in _notebooks(path):
                files.setdefault(_learner_of(found, stems, folder), []).append(found)
        elif path.suffix == ".ipynb" and learner != "folder":
            files.setdefault(_learner_of(path, stems, folder), []).append(path)
        else:
            ignored.append(path.name)
    if not files:
        raise GradeError(
            f"{folder} holds no submission, expected a folder per learner or files named "
            f"like ada_{stems[0]}.ipynb."
        )
    return [
        Submission(name, tuple(read_copy(path) for path in paths))
        for name, paths in sorted(files.items())
    ], ignored


def choose(submission: Submission, exercise: Exercise) -> tuple[Copy | None, str]:
    """The learner's file that holds the exercise, and an anomaly where there were several.

    A file with the answer's cell comes first, whatever it is called (downloads get renamed), then
    one with the right name, then one whose name holds it. Of equals, the last by name.
    """
    stem = Path(exercise.notebook).stem

    def rank(copy: Copy) -> int:
        holds = any(cell_id(cell) in exercise.stubs for cell in copy.cells)
        named = copy.path.name == exercise.notebook
        return 4 * holds + 2 * named + (stem in copy.path.name)

    ranked = [copy for copy in submission.copies if rank(copy)]
    if not ranked:
        return None, ""
    best = max(ranked, key=lambda copy: (rank(copy), str(copy.path)))
    if len(ranked) == 1:
        return best, ""
    names = ", ".join(copy.path.name for copy in ranked)
    return best, f"several files: {names}; {best.path.name} counts"


def _notebooks(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*.ipynb"))
        if path.is_file()
        and not path.is_symlink()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _learner_of(path: Path, stems: list[str], folder: Path) -> str:
    """The learner in a file name; the folder's name for an exercise file that names nobody."""
    for stem in stems:
        if match := re.match(rf"(?P<learner>.*?)[ _.-]*{re.escape(stem)}", path.stem):
            return _name(match["learner"] or folder.resolve().name)
    return _name(path.stem)


def _name(text: str) -> str:
    return unicodedata.normalize("NFC", text)
