"""Marks as the learning systems import them: Canvas and Moodle (CSV), Gradescope (results.json).

Every text that came from a learner or a roster is written so that no spreadsheet takes it for a
formula. Learners whom the roster does not know, and people of the roster who handed nothing in, are
returned, to be said.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from lrlesson.grading.errors import GradeError
from lrlesson.grading.marks.feedback import told, verdict
from lrlesson.grading.marks.overrides import WAITS
from lrlesson.grading.marks.results import Row

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = ("ID number", "Email address", "Grade", "Feedback")
SYSTEMS = ("canvas", "moodle", "gradescope")


@dataclass
class Exported:
    """What was written, who could not be brought together with the roster, and who waits.

    `waiting`: learners with a text that has no mark yet, so that their sum is not the last word;
    `without_feedback`: Moodle's worksheet has no place for it; `returned`: by learner, the name
    that a page for them has to have to be taken by the system's upload of feedback files.
    """

    paths: list[Path]
    unknown: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    without_feedback: bool = False
    returned: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LearnerTotal:
    """One learner's marks together, and the feedback in words."""

    learner: str
    points: float
    max_points: float
    rows: tuple[Row, ...]

    @property
    def feedback(self) -> str:
        """What the learner reads, as text: a block per exercise, without any hidden value."""
        return "\n\n".join("\n".join(told(row)) for row in self.rows)

    @property
    def html(self) -> str:
        """The same as paragraphs, for a system that runs lines of text together."""
        return "".join(f"<p>{'<br>'.join(map(escape, told(row)))}</p>" for row in self.rows)

    @property
    def number(self) -> str:
        """The number that an LMS put into the learner's name, "" where none did."""
        return self.learner.rpartition("_")[2] if self.rows[0].system else ""


def totals(rows: Iterable[Row]) -> list[LearnerTotal]:
    """The rows by learner, added up."""
    own: dict[str, list[Row]] = {}
    for row in rows:
        own.setdefault(row.learner, []).append(row)
    return [
        LearnerTotal(name, _sum(r.points for r in rs), _sum(r.max_points for r in rs), tuple(rs))
        for name, rs in sorted(own.items())
    ]


def _sum(values: Iterable[float]) -> float:
    return round(sum(values), 2)


def safe(text: str) -> str:
    """Text that a spreadsheet shows and does not compute."""
    formula = text[:1] in tuple("=+-@\t\r\n") and text != "-"
    return "'" + text if formula or re.match(r"[;,\s]+[=+@-]", text) else text


def export(
    rows: list[Row],
    system: str,
    out: Path,
    roster: Path | None = None,
    assignment: str | Sequence[str] = "",
    parts: Sequence[Sequence[str]] = (),
) -> Exported:
    """Write the marks for one system into the folder `out`.

    roster: for Canvas its gradebook export; for Moodle the worksheet that the instructor
    downloaded, which is filled in, or any CSV with an id number and an email column.
    assignment: for Canvas, the column as the gradebook has it, with its id: "Decay (4711)"; or
    several, each for the exercises at the same place in `parts`.
    Raises GradeError, in one sentence.
    """
    if system not in SYSTEMS:
        raise GradeError(f"to = {system!r}, expected one of {', '.join(SYSTEMS)}.")
    people = totals(rows)
    if not people:
        raise GradeError("there is no result to export.")
    if roster is None and system == "moodle" and any(person.number for person in people):
        raise GradeError(
            "Moodle's file names hold no identity that an import knows, expected --roster with the "
            "assignment's grading worksheet."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        if system == "gradescope":
            made = _gradescope(people, out / "gradescope")
        elif system == "canvas":
            several = not isinstance(assignment, str)
            columns = (
                {
                    name: totals(row for row in rows if row.exercise in set(own))
                    for name, own in zip(assignment, parts, strict=True)
                }
                if several
                else {str(assignment): people}
            )
            made = _canvas(people, out / "canvas.csv", roster, columns)
        else:
            made = _moodle(people, out / "moodle.csv", roster)
    except OSError as error:
        raise GradeError(f"{out} cannot be written ({error.strerror}).") from error
    made.waiting = [p.learner for p in people if any(row.status == WAITS for row in p.rows)]
    return made


def read_table(path: Path) -> list[list[str]]:
    """A CSV as people have it, its lines filled up to the width of the first; GradeError if not."""
    try:
        text = _decoded(path.read_bytes())
        said = re.match(r"sep=(.)\r?\n", text)
        text = text[said.end() :] if said else text
        first = text.split("\n", 1)[0]
        separator = said[1] if said else max(",;\t", key=first.count)
        table = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GradeError(f"{path} cannot be read as CSV ({error}).") from error
    if len(table) < 2:
        raise GradeError(f"{path} holds nobody, expected a header and a line per learner.")
    width = len(table[0])
    return [row + [""] * (width - len(row)) for row in table]


def _decoded(content: bytes) -> str:
    """Text as spreadsheets write it: UTF-8, UTF-16 with its mark or without, or Windows' own."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    if b"\0" in content[:200]:
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _write(path: Path, table: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_MINIMAL).writerows(table)


class _Matcher:
    """Finds a learner's line in a roster.

    The number that an LMS put into a name is looked for in that system's own column and nowhere
    else; any other learner by any value that is one line's alone.
    """

    def __init__(self, lines: list[list[str]], numbers: list[str]) -> None:
        self.lines, self.numbers = lines, numbers
        self.known: dict[str, int | None] = {}
        for number, line in enumerate(lines):
            for value in {key for cell in line for key in _keys(cell)} | _full_names(line):
                self.known[value] = None if value in self.known else number

    def find(self, person: LearnerTotal) -> int | None:
        if person.number:
            there = [i for i, number in enumerate(self.numbers) if number == person.number]
            return there[0] if len(there) == 1 else None
        found = self.known.get(_folded(person.learner))
        if found is None and (match := re.fullmatch(r"(.+)_(\d+)", person.learner)):
            # It may be a name that an LMS made: only if name and number are of one line.
            there = [i for i, number in enumerate(self.numbers) if number == match[2]]
            if len(there) == 1 and _squeezed(match[1]) in _squeezed_names(self.lines[there[0]]):
                return there[0]
        return found


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _squeezed(text: str) -> str:
    return "".join(c for c in _folded(text) if c.isalnum())


def _squeezed_names(line: list[str]) -> set[str]:
    return {_squeezed(text) for text in {*line, *_full_names(line)} if text} - {""}


def _keys(cell: str) -> set[str]:
    text = _folded(cell)
    keys = {text, text.split("@")[0]} if text else set()
    if text.count(",") == 1:  # "Lovelace, Ada" is Ada Lovelace
        last, first = text.split(",")
        keys.add(f"{first.strip()} {last.strip()}")
    return {key for key in keys if key}


def _full_names(line: list[str]) -> set[str]:
    """Names in two columns, in either order."""
    words = [_folded(cell) for cell in line[:3]]
    pairs = [(a, b) for a in words for b in words if a and b and a is not b]
    return {f"{a} {b}" for a, b in pairs if not re.search(r"[\d@]", a + b)}


def _place(
    people: list[LearnerTotal], lines: list[list[str]], numbers: list[str], roster: Path
) -> tuple[dict[int, LearnerTotal], Exported]:
    matcher, said = _Matcher(lines, numbers), Exported([])
    placed: dict[int, LearnerTotal] = {}
    for person in people:
        number = matcher.find(person)
        if number is None:
            said.unknown.append(person.learner)
        elif number in placed:
            raise GradeError(
                f"{placed[number].learner} and {person.learner} are both line {number + 2} of "
                f"{roster.name}; one of them is somebody else."
            )
        else:
            placed[number] = person
    if not placed:
        raise GradeError(
            f"{roster.name} knows nobody of the results, who are {people[0].learner!r}"
            f"{' and others' if len(people) > 1 else ''}; nothing was written."
        )
    return placed, said


def _canvas(
    people: list[LearnerTotal],
    path: Path,
    roster: Path | None,
    columns: dict[str, list[LearnerTotal]],
) -> Exported:
    for assignment in columns:
        if not re.fullmatch(r".+ \(\d+\)", assignment):
            raise GradeError(
                f"assignment = {assignment!r}, expected the column of Canvas's gradebook with its "
                'id, such as "Decay (4711)"; without the id Canvas makes a new assignment.'
            )
    marks = [{p.learner: f"{p.points:g}" for p in own} for own in columns.values()]
    possible = [f"{max(person.max_points for person in own):g}" for own in columns.values()]
    table = [[*CANVAS, *columns], ["    Points Possible", "", "", "", "", *possible]]
    back = {p.learner: name for p in people if (name := _canvas_name(p))}
    if roster is None:
        known = [p for p in people if p.rows[0].system == "canvas"]
        if not known:
            raise GradeError(
                "no learner has a name that Canvas made, expected --roster with its gradebook."
            )
        for p in known:
            name = p.learner.rpartition("_")[0]
            got = [own.get(p.learner, "") for own in marks]
            table.append([safe(name), p.number, "", "", "", *got])
        _write(path, table)
        unknown = [p.learner for p in people if p not in known]
        return Exported([path], unknown, returned=back)
    lines = read_table(roster)
    header = [name.strip() for name in lines[0]]
    split = {"LastName", "FirstName"} <= set(header)
    if missing := [n for n in ("Student", "ID") if n not in header and not (split and n != "ID")]:
        raise GradeError(f"{roster.name} has no column {missing[0]!r}, expected Canvas's export.")
    for assignment, most in zip(columns, possible, strict=True):
        if assignment in header:
            _refuse_other_points(lines, header.index(assignment), float(most), assignment)
    places = [header.index(name) if name in header else None for name in CANVAS]
    students = [
        ["" if c is None else line[c] for c in places]
        for line in lines[1:]
        if line[header.index("ID")].strip().isdigit()
    ]
    if split:
        names = [
            f"{line[header.index('LastName')]}, {line[header.index('FirstName')]}"
            for line in lines[1:]
            if line[header.index("ID")].strip().isdigit()
        ]
        students = [[name, *line[1:]] for name, line in zip(names, students, strict=True)]
    numbers = [line[1].strip() for line in students]
    placed, said = _place(people, [[line[0], *line[2:4]] for line in students], numbers, roster)
    for number, line in enumerate(students):
        if number in placed:
            who = placed[number].learner
            table.append([*map(safe, line), *(own.get(who, "") for own in marks)])
        else:
            said.absent.append(line[0])
    _write(path, table)
    said.paths.append(path)
    here = {person.learner for person in placed.values()}
    said.returned = {who: name for who, name in back.items() if who in here}
    return said


def _canvas_name(person: LearnerTotal) -> str:
    """A name that Canvas' upload of submissions takes back, "" where none is known.

    It reads the first two numbers between underscores: of the user, and of a file that this user
    handed in for this assignment (infer_comment_context_from_filename).
    """
    given = next((row.file for row in person.rows if row.file), "")
    match = re.match(r"[^_]*_(?:LATE_)?\d+_(?:question_\d+_)?\d+_", given)
    return f"{match[0]}feedback.html" if match else ""


def _moodle_name(person: LearnerTotal, participant: str) -> str:
    """A name that Moodle's upload of feedback files takes.

    It reads full name, participant number, kind and name of a plugin, and the file's own name,
    with underscores between them (assignfeedback_file_zip_importer).
    """
    name = person.learner.rpartition("_")[0] if person.number else person.learner
    name = "".join(c if c.isalnum() or c in " -." else " " for c in name).strip(" .") or "learner"
    return f"{name}_{participant}_assignfeedback_file_feedback.html"


def _refuse_other_points(
    lines: list[list[str]], column: int, possible: float, assignment: str
) -> None:
    """Canvas would change the assignment's points to those of the file."""
    for line in lines:
        if "Points Possible" in line[0]:
            text = line[column].strip().replace(",", ".")
            if re.fullmatch(r"\d+(\.\d+)?", text) and float(text) != possible:
                raise GradeError(
                    f"{assignment} has {text} points in Canvas and {possible:g} in the results; "
                    "set the assignment's points in Canvas and export the gradebook again."
                )


def _moodle(people: list[LearnerTotal], path: Path, roster: Path | None) -> Exported:
    if roster is None:
        table = [list(MOODLE)]
        for person in people:
            address = person.learner if "@" in person.learner else ""
            who = "" if address else person.learner
            table.append([safe(who), safe(address), f"{person.points:g}", person.html])
        _write(path, table)
        return Exported([path])
    lines = read_table(roster)
    header, students = lines[0], lines[1:]
    grade, most = _moodle_columns(header, students)
    ends = [re.search(r"(\d+)\s*$", line[0]) for line in students]
    participants = [m[1] if m and grade is not None else "" for m in ends]
    placed, said = _place(people, students, participants, roster)
    if grade is None:
        email, number = _email(header, students), _id_number(header)
        table = [list(MOODLE)]
        for i, line in enumerate(students):
            if i in placed:
                ids = [safe(line[c]) if c is not None else "" for c in (number, email)]
                table.append([*ids, f"{placed[i].points:g}", placed[i].html])
    else:
        for person in placed.values():
            if most != person.max_points:
                raise GradeError(
                    f"{roster.name} has a maximum grade of {most:g}, the results one of "
                    f"{person.max_points:g}; set the assignment's maximum in Moodle."
                )
        said.returned = {
            person.learner: _moodle_name(person, participants[i]) for i, person in placed.items()
        }
        comma = "," in students[0][grade + 1]
        said.without_feedback = not _ends_with_feedback(students)
        for i, line in enumerate(students):
            if i in placed:
                mark = f"{placed[i].points:.2f}"
                line[grade] = mark.replace(".", ",") if comma else mark
                if not said.without_feedback:
                    line[-1] = placed[i].html
        table = [header, *([safe(cell) for cell in line] for line in students)]
    said.absent = [_who(line) for i, line in enumerate(students) if i not in placed]
    _write(path, table)
    said.paths.append(path)
    return said


def _moodle_columns(header: list[str], students: list[list[str]]) -> tuple[int | None, float]:
    """The grade's column in a worksheet, whatever its language, and the maximum beside it.

    A worksheet begins with "Participant 123" in the language of the site, and the maximum, one and
    the same number in every line, stands right of the grade.
    """
    if not all(re.fullmatch(r"\D*\d+", line[0]) for line in students) or len(header) < 5:
        return None, 0.0
    for column in range(2, len(header) - 1):
        values = {line[column].strip() for line in students}
        before = {line[column - 1].strip() for line in students}
        if len(values) == 1 and re.fullmatch(r"\d+([.,]\d+)?", value := values.pop()):
            numbers = (re.fullmatch(r"(\d+([.,]\d+)?)?|-", text) for text in before)
            if all(numbers):
                return column - 1, float(value.replace(",", "."))
    return None, 0.0


def _ends_with_feedback(students: list[list[str]]) -> bool:
    """Whether the last column of a worksheet holds feedback, which is empty where there is none.

    Without feedback comments it is the time of the last grade, "-" where there is none, by which
    Moodle tells whether the worksheet is out of date.
    """
    last = [line[-1].strip() for line in students]
    return not all(text == "-" or re.search(r"\d{4}.*\d:\d\d", text) for text in last)


def _email(header: list[str], students: list[list[str]]) -> int | None:
    columns = range(len(header))
    return next((c for c in columns if all("@" in line[c] for line in students)), None)


def _id_number(header: list[str]) -> int | None:
    names = ("id number", "idnumber", "id", "student id")
    return next((c for c, name in enumerate(header) if name.strip().casefold() in names), None)


def _who(line: list[str]) -> str:
    return next((cell for cell in line[1:3] if cell and not cell.isdigit()), line[0])


def _gradescope(people: list[LearnerTotal], folder: Path) -> Exported:
    said = Exported([])
    taken: set[str] = set()
    for person in people:
        name = re.sub(r"[^\w.@ -]", "_", person.learner).strip(". ") or "learner"
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        tests = []
        for row in person.rows:
            parts = row.checks or [
                {
                    "id": row.exercise,
                    "points": 0,
                    "max_points": row.max_points,
                    "reason": row.reason,
                    "told": " ".join(told(row)[1:]),
                }
            ]
            tests += [
                {
                    "name": check["id"],
                    "score": check["points"],
                    "max_score": check["max_points"],
                    "output": verdict(check),
                    "output_format": "text",
                    "visibility": "visible",
                }
                for check in parts
            ]
        result = {
            "score": person.points,
            "output": person.feedback,
            "output_format": "text",
            "visibility": "visible",
            "tests": tests,
        }
        (folder / name).mkdir(parents=True, exist_ok=True)
        path = folder / name / "results.json"
        path.write_text(json.dumps(result, indent=1), encoding="utf-8")
        said.paths.append(path)
    return said
