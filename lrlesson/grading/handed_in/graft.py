"""Put a learner's answers into the instructor's own notebook, and know what else they stand on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from lrlesson.capstone.scoring import SEEDS
from lrlesson.grading.authoring.source_notebooks import TELLING, GradedExercise, lesson, needed
from lrlesson.grading.handed_in.reading import (
    LONGEST,
    Copy,
    cell_id,
    data_of,
    source_of,
    word,
)
from lrlesson.grading.python_code import (
    imports_library,
    is_stub,
    names,
    only_asks,
    python,
    uses_unusual,
)

MOST_ANOMALIES = 20
MOST_AROUND = 300  # cells that run beside an answer
LONGEST_TEXT = 20_000  # characters of a text that is marked by hand
AROUND = "around"  # the role of a cell that runs as the learner saw it
NAMED = "named"  # the cell, and the row that it prints
VISIBLE = """\
from lrlesson.feedback import check
{source}
from lrlesson.feedback.check.checking import checked
print("named |", checked["{id}"].misconception)
"""
IN_KERNEL = Path(__file__).parents[1] / "marking" / "kernel_side.py"


@dataclass
class Graft:
    """The learner's answers by id, or the status and reason why there is nothing to run.

    `around` is the notebook's code as the learner ran it down to the exercise's check, as (id of
    the answer or "", source); `needed` says in words what of it the answer stands on, "" where it
    stands alone, and `with_it` what else there is to say where that counts. `text` is what is to
    be marked by hand; `same` tells equal answers, "" for short ones.
    """

    answers: dict[str, str] = field(default_factory=dict)
    status: str = ""
    reason: str = ""
    anomalies: list[str] = field(default_factory=list)
    around: list[tuple[str, str]] = field(default_factory=list)
    needed: str = ""
    with_it: list[str] = field(default_factory=list)
    text: str = ""
    same: str = ""

    @classmethod
    def of(cls, data: dict[str, Any]) -> Graft:
        """The graft that `asdict` made data of, after JSON."""
        return cls(**{**data, "around": [(name, source) for name, source in data["around"]]})

    @property
    def to_run(self) -> tuple[dict[str, str] | None, list[tuple[str, str]] | None]:
        """The answers where they stand alone, else the cells around them, too."""
        return (None, self.around) if self.needed else (self.answers, None)


def graft(exercise: GradedExercise, copy: Copy) -> Graft:
    """Find the learner's answers to one exercise, and name what was done to its cells."""
    if copy.problem:
        return Graft(status="unreadable", reason=copy.problem)
    if exercise.by_hand:
        return _by_hand(exercise, copy)
    result = Graft()
    say = result.anomalies.append
    ids = [_known(exercise, cell) for cell in copy.cells]
    for wanted in sorted(exercise.expected - set(exercise.stubs) - set(ids)):
        say(f"deleted: {wanted}")
    absent, stubs = [], []
    places: dict[int, str] = {}
    for wanted, given in exercise.stubs.items():
        found = _parts(exercise, wanted, copy, ids, say)
        if not found:
            say(f"deleted: {wanted}")
            absent.append(wanted)
            continue
        places |= dict.fromkeys(found, wanted)
        chosen = [copy.cells[i] for i in found]
        _say_what_was_done(exercise, wanted, chosen, say)
        sources = [source_of(cell) for cell in chosen]
        joined = "\n\n".join(map(python, sources)) if len(sources) > 1 else sources[0]
        if all(is_stub(source, given) for source in sources):
            stubs.append(wanted)
        elif found_in := imports_library(joined) - imports_library(given):
            say(f"library: {wanted} uses {', '.join(sorted(found_in)[:MOST_ANOMALIES])}")
        if unusual := uses_unusual(joined) - uses_unusual(given):
            say(f"unusual: {wanted} uses {', '.join(sorted(unusual))}")
        result.answers[wanted] = joined
    _look_around(exercise, copy, ids, places, result)
    result.text = _texts(exercise, copy)
    if result.text:
        say(f"text: {', '.join(exercise.texts)}, to be read by hand")
    if (more := len(result.anomalies) - MOST_ANOMALIES) > 0:
        result.anomalies[MOST_ANOMALIES:] = [f"and {more} more"]
    if absent:
        result.status = "missing"
        result.reason = f"{word(copy.path.name)} has no answer cell {' and '.join(absent)}"
    elif len(stubs) == len(exercise.stubs):
        result.status, result.reason = "not attempted", "the answer is still the stub"
    elif any(len(source) > LONGEST for source in result.answers.values()):
        result.status, result.reason = "unreadable", f"the answer is over {LONGEST:,} characters"
    elif any(_unwritable(source) for source in result.answers.values()):
        result.status, result.reason = "unreadable", "the answer holds text that is not Unicode"
    result.same = _same(exercise, result.answers)
    return result


def _known(exercise: GradedExercise, cell: dict[str, Any]) -> str:
    """Which of the handed-out cells this is: by our metadata, by its id, or by its text."""
    own = cell.get("id")
    for name in (cell_id(cell), exercise.roles.get(own, own) if isinstance(own, str) else ""):
        if name in exercise.handed:
            return str(name)
    text = _plain(source_of(cell))
    if not text:
        return ""
    return next((name for name, given in exercise.handed.items() if _plain(given) == text), "")


def _plain(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def belongs(exercise: GradedExercise, copy: Copy) -> bool:
    """Whether the file was made from the exercise's: by its cells, or by a paragraph of ours."""
    own = {name for name in exercise.expected if name.startswith(f"{exercise.id}.")}
    telling = {_plain(text) for text in exercise.telling}
    return any(
        _known(exercise, cell) in own or _plain(source_of(cell)) in telling for cell in copy.cells
    )


def _parts(
    exercise: GradedExercise, wanted: str, copy: Copy, ids: list[str], say: Any
) -> list[int]:
    """The cells that together are the answer, by number; [] where there is none, not even a stub.

    Cells that bear its id, but of two that define the same the last, and, for a name that none of
    them defines, the last other cell that does: many programs strip what we wrote into a cell.
    """
    given, asked = exercise.stubs[wanted], set(exercise.asked[wanted])
    own = [i for i, name in enumerate(ids) if name == wanted]
    written = [i for i in own if not is_stub(source_of(copy.cells[i]), given)]
    taken: set[str] = set()
    parts: list[int] = []
    for i in reversed(written):
        n = names(source_of(copy.cells[i]))
        there = n.bound & asked
        beside = bool(n.bound or n.touched or n.anything) or not parts
        if not there & taken and beside:
            parts.insert(0, i)
            taken |= there
    if len(written) > len(parts):
        say(f"duplicate: {wanted}, {len(own)} cells, the last that is not a stub counts")
    for i in reversed(range(len(copy.cells))):
        cell = copy.cells[i]
        if i in own or _data_says_other(exercise, cell, ids[i], wanted):
            continue
        there = names(source_of(cell)).bound & asked - taken
        if cell.get("cell_type") == "code" and there:
            parts = sorted([*parts, i])
            taken |= there
            say(f"found: {', '.join(sorted(there))} in cell {i + 1}, by name")
    return parts or own[-1:]


def _data_says_other(
    exercise: GradedExercise, cell: dict[str, Any], name: str, wanted: str
) -> bool:
    """Whether the cell is one that we handed out, as it was, or the answer to something else."""
    if not name:
        return False
    other = name in exercise.handed and name != wanted and name.endswith(".answer")
    return other or _plain(source_of(cell)) == _plain(exercise.handed[name])


def _say_what_was_done(
    exercise: GradedExercise, wanted: str, chosen: list[dict[str, Any]], say: Any
) -> None:
    for cell in chosen:
        if cell.get("cell_type") != "code":
            say(f"retyped: {wanted} is a {word(cell.get('cell_type'))} cell, run as code")
    last = chosen[-1]
    if cell_id(last) == wanted:
        handed_out = data_of(last).get("release")
        if handed_out != exercise.release:
            of = f"is of {word(handed_out)}" if handed_out else "does not say of which it is"
            say(f"older release: {wanted} {of}, now {exercise.release}")
    elif exercise.roles.get(last.get("id") or "") == wanted:
        say(f"found: {wanted} by its cell id")


def _look_around(
    exercise: GradedExercise,
    copy: Copy,
    ids: list[str],
    places: dict[int, str],
    result: Graft,
) -> None:
    """Note the code around the answers, and what of it they stand on."""
    given = {name for cell in exercise.role("given") for name in names(cell.source).bound}
    code: dict[int, str] = {}
    foreign = []
    for i, cell in enumerate(copy.cells):
        source = source_of(cell)
        if i in places:
            code[i] = source
        elif cell.get("cell_type") == "code" and source.strip() and not only_asks(source):
            if ids[i] not in exercise.stubs:  # else another try, or the stub
                code[i] = source
            if not ids[i]:
                foreign.append(i)
    if foreign:
        result.anomalies.append(f"foreign: {_cells(foreign)}, not run")
    last = max(places, default=-1)
    checks = exercise.expected - set(exercise.stubs) - set(exercise.texts)
    ends = [i for i, name in enumerate(ids) if name in checks and i > last]
    end = max(ends, default=len(ids))
    asked = {name for wanted in exercise.asked.values() for name in wanted}
    answers = [names(source_of(copy.cells[i])) for i in places]
    bound = {name for n in answers for name in n.bound}
    wanted = {name for n in answers for name in n.used} - bound - given
    needs: dict[int, set[str]] = {}
    while True:
        before = len(needs), len(wanted)
        for i, source in code.items():
            n = names(source)
            ours = ids[i] and _plain(source) == _plain(exercise.handed[ids[i]])
            if i in places or (ours and n.bound <= given):
                continue
            if there := (n.bound & wanted) | (n.touched & (wanted | asked)):
                needs[i] = set(there)
                wanted |= n.used - given
        if before == (len(needs), len(wanted)):
            break
    anything = [i for i in code if i not in places and names(code[i]).anything]
    above = {name for i in needs if i <= end for name in needs[i]}
    kept = [i for i in code if i <= end or (i in needs and needs[i] - above)][:MOST_AROUND]
    result.around = [(places.get(i, ""), code[i]) for i in kept]
    said = [f"cell {i + 1} ({', '.join(sorted(needs[i])[:5])})" for i in sorted(needs)]
    result.needed = ", ".join(said[:MOST_ANOMALIES]) or (_cells(anything) if anything else "")
    beside = "\n\n".join(python(code[i]) for i in {*needs, *anything})
    if found_in := imports_library(beside):
        result.with_it.append(f"library: {_cells(needs)} uses {', '.join(sorted(found_in)[:5])}")
    if unusual := uses_unusual(beside):
        result.with_it.append(f"unusual: {_cells(needs)} uses {', '.join(sorted(unusual)[:5])}")


def _cells(numbers: Iterable[int]) -> str:
    counted = [str(number + 1) for number in sorted(numbers)]
    if len(counted) == 1:
        return f"cell {counted[0]}"
    rest = f" and {len(counted) - 10} more" if len(counted) > 10 else ""
    return f"cells {', '.join(counted[:10])}{rest}"


def _same(exercise: GradedExercise, answers: dict[str, str]) -> str:
    """A hash that two answers share if they are letter by letter the same, white space aside."""
    said = [answers.get(wanted, "").split() for wanted in exercise.stubs]
    given = [given.split() for given in exercise.stubs.values()]
    if sum(map(len, map("".join, said))) < TELLING + sum(map(len, map("".join, given))):
        return ""
    return hashlib.sha256(repr(said).encode("utf-8", "replace")).hexdigest()[:16]


def _texts(exercise: GradedExercise, copy: Copy) -> str:
    """What was written into the text cells, those apart that are as they were handed out."""
    found = []
    for wanted, given in exercise.texts.items():
        if (source := _text(exercise, copy, wanted)) and _plain(source) != _plain(given):
            found.append(source)
    return "\n\n".join(found)[:LONGEST_TEXT]


def _text(exercise: GradedExercise, copy: Copy, wanted: str) -> str | None:
    """A text by its id or, where programs stripped that, by the line that it begins with."""
    first = exercise.texts[wanted].strip().splitlines()[:1]
    by_id = [c for c in copy.cells if _known(exercise, c) == wanted]
    named = [c for c in copy.cells if first and source_of(c).strip().splitlines()[:1] == first]
    there = [source_of(cell) for cell in by_id or named]
    written = [s for s in there if s.strip() and _plain(s) != _plain(exercise.texts[wanted])]
    return (written or there)[-1] if there else None


def _by_hand(exercise: GradedExercise, copy: Copy) -> Graft:
    """Whether there is a text to be marked; a word of it costs nothing here."""
    if all(_text(exercise, copy, wanted) is None for wanted in exercise.texts):
        return Graft(status="missing", reason=f"{word(copy.path.name)} has no such cell")
    text = _texts(exercise, copy)
    if not text:
        return Graft(status="not attempted", reason="the text is still the one handed out")
    reason = f"to be marked by hand: {', '.join(exercise.texts)}"
    same = hashlib.sha256(repr(text.split()).encode("utf-8", "replace")).hexdigest()[:16]
    return Graft(
        status="by hand", reason=reason, text=text, same=same if len(text) > TELLING else ""
    )


def assemble(
    exercise: GradedExercise,
    exercises: dict[str, GradedExercise],
    seeds: list[int],
    answers: dict[str, str] | None = None,
    trial: bool = False,
    around: list[tuple[str, str]] | None = None,
) -> str:
    """The notebook to run, as text: the instructor's cells with the learner's answers in them.

    Exercises that this one needs come first, with the reference's answers. The hidden cells run in
    a namespace of their own, after the given ones, once per seed, each beginning with it; where a
    cell plays with a referee, who draws for himself, the kernel is told no seed at all. Without
    `answers`, the reference. `trial`: games are short. `around`: a learner's cells in place of the
    answers alone.
    """
    stands_on = list(needed(exercise, exercises))
    cells = _answered(exercise, stands_on, answers, around)
    asked = [name for e in (*stands_on, exercise) for own in e.asked.values() for name in own]
    begin = f"from lrlesson_checks import begin as _lrlesson_begin\n_lrlesson_begin({asked})"
    cells.append(_code(begin, {"id": "begin"}))
    for other in (*stands_on, exercise):
        cells += other.role("given")
    plays = any("play" in lesson(cell) for cell in exercise.role("hidden"))
    for seed in seeds:
        for cell in exercise.role("hidden"):
            data = lesson(cell)
            if "play" in data:
                data = {**data, "seeds": 1 if trial else data.get("seeds", SEEDS)}
            cells.append(_code(f"seed = {0 if plays else seed}\n{cell.source}", data))
    return _notebook(cells)


def assemble_visible(
    exercise: GradedExercise,
    answers: dict[str, str] | None = None,
    around: list[tuple[str, str]] | None = None,
) -> str:
    """As `assemble`, with the exercise's own visible checks: nothing hidden is in it.

    Its last cell, NAMED, prints the mistake by which the course's feedback knows the answer.
    """
    cells = _answered(exercise, [], answers, around)
    ours = {lesson(cell)["id"] for cell in exercise.cells} | set(exercise.texts)
    own = [i for i in exercise.handed if i.startswith(f"{exercise.id}.") and i not in ours]
    source = "\n".join(exercise.handed[i] for i in own)
    cells.append(_code(VISIBLE.format(source=source, id=exercise.id), {"id": NAMED}))
    return _notebook(cells)


def _answered(
    exercise: GradedExercise,
    stands_on: list[GradedExercise],
    answers: dict[str, str] | None,
    around: list[tuple[str, str]] | None,
) -> list[NotebookNode]:
    """The cells down to the answer: the kernel's beginning, what is given, the learner's."""
    cells = [_code(_once(IN_KERNEL.read_text(encoding="utf-8")), {"id": "start"})]
    for other in stands_on:
        cells += other.role("given") + other.role("answer")
    if around is None:
        for cell in exercise.cells:
            if lesson(cell)["role"] != "hidden":
                source = (answers or {}).get(lesson(cell)["id"], cell.source)
                cells.append(_code(source, lesson(cell)))
        return cells
    cells += exercise.role("given")
    written = {lesson(cell)["id"]: lesson(cell) for cell in exercise.role("answer")}
    for number, (name, source) in enumerate(around):
        beside = {"id": f"{AROUND}.{number}", "role": AROUND}
        cells.append(_code(source, written.get(name, beside)))
    return cells


def _notebook(cells: list[NotebookNode]) -> str:
    cells = [_code(cell.source, lesson(cell)) for cell in cells]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells))


def _once(source: str) -> str:
    """A cell that runs the source with names of its own, out of the way of a learner's."""
    return f"exec(compile({source!r}, '<start>', 'exec'), {{'__name__': 'start'}})"


def _code(source: str, data: dict[str, Any]) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, metadata={"lrlesson": dict(data)})


def _unwritable(source: str) -> bool:
    try:
        source.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
