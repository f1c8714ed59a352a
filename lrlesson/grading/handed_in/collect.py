"""Find who handed in what: a folder per learner, a file per learner and notebook, or the bulk
download of Canvas or Moodle; in a folder or in a zip.

    ada/04_exercise_decay.ipynb                                       learner "ada"
    ada_04_exercise_decay.ipynb                                       learner "ada"
    lovelaceada_LATE_1234_98765_04_exercise_decay.ipynb    Canvas     learner "lovelaceada_1234"
    Ada Lovelace_5678_assignsubmission_file_/...  Moodle     learner "Ada Lovelace_5678"
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from lrlesson.grading.authoring.source_notebooks import GradedExercise
from lrlesson.grading.errors import GradeError, Unreadable, printable
from lrlesson.grading.handed_in.files import File, Listing, inside, listing
from lrlesson.grading.handed_in.graft import belongs, graft
from lrlesson.grading.handed_in.reader import Reader
from lrlesson.grading.handed_in.reading import Copy, closed, read_file

CANVAS = re.compile(
    r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_(?:question_\d+_)?(?P<submission>\d+)_(?P<file>.+)"
)
MOODLE = re.compile(r"(?P<name>.+)_(?P<user>\d+)_assignsubmission_[a-z]+_?(?P<file>.*)")


def file_of_canvas(place: PurePosixPath) -> str:
    """The part of a path that is a name which Canvas gave to a file; "" where none is."""
    return next((part for part in place.parts if CANVAS.fullmatch(part)), "")


@dataclass(frozen=True)
class Submission:
    """One learner's notebooks, read; `copies` is empty where nothing was handed in.

    seconds: of a processor's time, for reading them.
    """

    learner: str
    copies: tuple[Copy, ...]
    marked_late: bool = False
    system: str = ""  # "canvas" or "moodle", where that made the name
    seconds: float = 0.0


def collect(
    folder: Path, notebooks: Iterable[str], learner: str = "either"
) -> tuple[list[Submission], list[str]]:
    """The submissions in `folder` (or a zip), by learner, and the names of what is no submission.

    learner: "folder", each folder is a learner and holds notebooks at any depth; "file", each
    notebook is `<learner>_<notebook name>`, in any folder; "either", folders as learners and loose
    notebooks by their name. Names as Canvas and Moodle make them are known in every case.
    Raises GradeError if there is nothing to grade.
    """
    found = _unwrapped(listing(folder))
    stems = [Path(name).stem for name in notebooks]
    # A file may also bear its lesson's name: ada_04_decay for ada_04_exercise_decay.
    stems += [stem.replace("_exercise_", "_", 1) for stem in stems]
    home = folder.resolve().stem
    own: dict[str, list[File]] = {}
    mixed: list[File] = []  # archives of files that each name their learner
    late: set[str] = set()
    systems: dict[str, str] = {}
    if learner != "file":
        for name in sorted(found.folders):
            own.setdefault(_from_system(name) or printable_name(_stem(name)), [])
    for file in found.files:
        top, below = file.place.parts[0], len(file.place.parts) > 1 or file.zipped
        if who := _from_system(top):
            systems[who] = "moodle" if _is_moodle(top) else "canvas"
            if systems[who] == "canvas":
                file = replace(file, changed=None)  # Canvas writes the time of the download
                if (match := CANVAS.fullmatch(top)) and match["late"]:
                    late.add(who)
        elif below and learner != "file":
            who = printable_name(_stem(top))
        elif file.zipped:
            mixed.append(file)
            continue
        elif below or learner != "folder":
            who = _learner_of(file.place, stems, home)
        else:
            found.ignored.append(top)
            continue
        own.setdefault(who, []).append(file)
    read = dict(zip(own, _read(list(own.values())), strict=True))
    copies = {name: found for name, (found, _) in read.items()}
    took = {name: seconds for name, (_, seconds) in read.items()}
    for copy in (copy for one, _ in _read([[file] for file in mixed]) for copy in one):
        copies.setdefault(_learner_of(copy.path, stems, home), []).append(copy)
    if not copies:
        raise GradeError(
            f"{folder} holds no submission, expected a folder per learner or files named "
            f"like ada_{stems[0]}.ipynb."
        )
    return [
        Submission(name, tuple(own), name in late, systems.get(name, ""), took.get(name, 0.0))
        for name, own in sorted(copies.items())
    ], sorted(printable_name(name) for name in found.ignored)


def _read(groups: list[list[File]]) -> list[tuple[list[Copy], float]]:
    """Each group's notebooks, read within the limits that one learner has, and the seconds."""

    def plain(number: int) -> list[dict[str, Any]]:
        members = (member for file in groups[number] for member in inside(file))
        return [read_file(member).plain() for member in members]

    found = []
    with Reader(plain) as reader:
        for number, files in enumerate(groups):
            took = 0.0
            try:
                copies = [Copy.of(data) for data in reader.ask(number)] if files else []
                took = reader.took
            except Unreadable as why:
                copies = [closed(files[0], str(why))]
            found.append((copies, took))
    return found


def choose(submission: Submission, exercise: GradedExercise) -> tuple[Copy | None, str]:
    """The learner's file that holds the exercise, and an anomaly where there were several.

    A file is known by its cells, whatever it is called (downloads get renamed); one that holds none
    of them counts by its name. An attempt comes before what is as it was handed out, and of several
    attempts the newest counts. What cannot be read at all, a broken zip or a locked folder, may
    have held anything.
    """
    stem = Path(exercise.notebook).stem
    stems = (stem, stem.replace("_exercise_", "_", 1))

    def rank(copy: Copy) -> int:
        if not copy.problem:
            if not belongs(exercise, copy) and stem not in copy.path.name:
                return 0
            return {"missing": 2, "not attempted": 3}.get(graft(exercise, copy).status, 4)
        return int(copy.closed or any(name in copy.path.name for name in stems))

    ranked = [(rank(copy), copy) for copy in submission.copies]
    ranked = [pair for pair in ranked if pair[0]]
    if not ranked:
        return None, ""
    times = [copy.changed for _, copy in ranked]
    known = all(times)

    def newest(pair: tuple[int, Copy]) -> tuple[int, int, int, str]:
        copy = pair[1]
        seconds = round(copy.changed.timestamp()) // 4 if known and copy.changed else 0
        number = re.search(r"[-( ](\d+)\)?$", copy.path.stem)
        return pair[0], seconds, int(number[1]) if number else 0, str(copy.path)

    best = max(ranked, key=newest)[1]
    if len(ranked) == 1:
        return best, ""
    names = ", ".join(copy.path.name for _, copy in ranked[:5])
    names += f" and {len(ranked) - 5} more" if len(ranked) > 5 else ""
    return best, f"several files: {printable_name(names)}; {printable_name(best.path.name)} counts"


def _is_moodle(name: str) -> bool:
    """Whether Moodle made the name, and not Canvas around a file that a learner called so."""
    canvas, moodle = CANVAS.fullmatch(name), MOODLE.fullmatch(name)
    return moodle is not None and not (canvas and canvas.start("file") <= moodle.end("user"))


def _from_system(name: str) -> str:
    """The learner in a name that Canvas or Moodle made, "" in others."""
    match = MOODLE.fullmatch(name) if _is_moodle(name) else CANVAS.fullmatch(name)
    return printable_name(f"{match['name']}_{match['user']}") if match else ""


def _unwrapped(found: Listing) -> Listing:
    """The listing without a folder around everything: somebody zipped the folder of a download.

    One folder is one learner, unless what is in it is named by an LMS, or two of its own folders
    hold a notebook of the same name.
    """
    tops = {file.place.parts[0] for file in found.files} | found.folders
    places = [file.place.parts for file in found.files]
    if len(tops) != 1 or len(places) < 2 or _from_system(tops.pop()):
        return found
    for depth in range(1, min(map(len, places))):
        if len({parts[:depth] for parts in places}) > 1:
            return found
        below: dict[str, set[str]] = {}
        for parts in places:
            if len(parts) > depth + 1:
                below.setdefault(parts[-1], set()).add(parts[depth])
        learners = any(len(folders) > 1 for folders in below.values())
        if learners or all(_from_system(parts[depth]) for parts in places):
            files = [replace(f, place=PurePosixPath(*f.place.parts[depth:])) for f in found.files]
            folders = {parts[depth] for parts in places if len(parts) > depth + 1}
            return Listing(files, folders, found.ignored)
    return found


def _stem(name: str) -> str:
    return name[: -len(".zip")] if name.lower().endswith(".zip") else name


def _learner_of(path: PurePosixPath, stems: list[str], home: str) -> str:
    """The learner in a file name; the folder's name for an exercise file that names nobody."""
    for stem in stems:
        if match := re.match(rf"(?P<learner>.*?)[ _.-]*{re.escape(stem)}", path.stem):
            return printable_name(match["learner"] or home)
    return printable_name(path.stem)


def printable_name(text: str) -> str:
    """A name in one line that no terminal or page takes for anything else."""
    return printable(unicodedata.normalize("NFC", text))
