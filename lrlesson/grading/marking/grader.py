"""`lrlesson grade`: from a folder of submissions to one row per learner and exercise."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lrlesson.grading import python_code
from lrlesson.grading.authoring.course import Course, Entry, own_checks, read_course
from lrlesson.grading.authoring.source_notebooks import (
    GradedExercise,
    digest,
    lesson,
    read_exercises,
    read_sources,
)
from lrlesson.grading.errors import GradeError, GradingError, Unreadable, one_line
from lrlesson.grading.handed_in.collect import Submission, choose, collect, file_of_canvas
from lrlesson.grading.handed_in.graft import (
    AROUND,
    NAMED,
    Graft,
    assemble,
    assemble_visible,
    graft,
)
from lrlesson.grading.handed_in.reader import Reader
from lrlesson.grading.handed_in.reading import Copy
from lrlesson.grading.marking import referee, score
from lrlesson.grading.marking.run import SANDBOX, UNSAFE, Outcome
from lrlesson.grading.marking.workers import How, Workers
from lrlesson.grading.marks import results
from lrlesson.grading.marks.results import Row, versions
from lrlesson.grading.sandbox import bubblewrap, mounts

Key = tuple[str, str]
Known = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Summary:
    """What a grading run leaves: every row that holds, and where they are.

    `done` rows were graded now, `kept` ones were there already; `ignored` names the files in the
    submissions folder that are nobody's notebook; `changed` the marks that an earlier run had
    given otherwise, as (learner, exercise, before, now).
    """

    rows: list[Row]
    path: Path
    seed: int
    done: int
    kept: int
    ignored: list[str]
    changed: list[tuple[str, str, float, float]] = field(default_factory=list)


@dataclass
class _Task:
    learner: str
    system: str
    entry: Entry
    exercise: GradedExercise
    graft: Graft
    input: str
    isolation: str
    late: float = 0.0
    file: str = ""

    @property
    def key(self) -> Key:
        return self.learner, self.exercise.id


def grade(
    submissions: Path,
    out: Path,
    solutions: Path,
    seed: int | None = None,
    *,
    jobs: int | None = None,
    warm: bool = True,
    unsafe: bool = False,
    executor: Executor | None = None,
    known: Known | None = None,
    on_row: Callable[[Row, int], None] | None = None,
    notebooks: Sequence[str] = (),
) -> Summary:
    """Grade every submission and append the rows to `out`/results.jsonl.

    solutions: the folder of the instructor's notebooks, with course.toml in it or beside it.
    seed: of the inputs that hidden checks draw; None takes that of the rows already in `out`, else
    a new one. jobs: how many worker processes, one per processor if None. warm: fork kernels from a
    server that has imported NumPy and Matplotlib. unsafe: no sandbox; a learner's code may then do
    whatever the grader may. executor: runs the kernels, not worker processes of its own; it is not
    shut down.
    known: by exercise the names of mistakes, and what to tell of each; an answer that loses points
    is named by the one that the exercise's own visible check finds, in a kernel that holds nothing
    hidden. on_row: called with each new row and the number still to come. notebooks: names of the
    exercise files that the run is about; without, those that somebody handed in.
    Rows whose inputs have not changed are kept (those that failed by the grader's own trouble are
    tried again), so a run that was stopped goes on where it stopped.
    Raises GradeError, in one sentence, where the run cannot start; what a learner handed in never
    raises but gives a row with status and reason.
    """
    submissions, out, solutions = Path(submissions), Path(out), Path(solutions)
    how = How(UNSAFE if unsafe else SANDBOX, warm, executor, jobs or os.cpu_count() or 1)
    if jobs is not None and jobs < 1:
        raise GradeError(f"jobs = {jobs}, expected a number of worker processes from 1.")
    try:
        exercises = read_exercises(read_sources(solutions))
        course = read_course(solutions, exercises)
    except GradeError:
        raise
    except GradingError as error:
        raise GradeError(str(error)) from error
    if seed is not None and not 0 <= seed < 2**63:
        raise GradeError(f"seed = {seed}, expected a whole number from 0 to 2^63 - 1.")
    if submissions.is_dir() and out.resolve().is_relative_to(submissions.resolve()):
        raise GradeError(f"{out} is inside {submissions}, expected a folder of its own.")
    if not unsafe and (why := bubblewrap.problem()):
        raise GradeError(f"{why.rstrip('.')}; --unsafe grades without a sandbox.")
    for place in () if unsafe else (submissions, out, solutions):
        if shown := mounts.seen_in(place):
            raise GradeError(f"{place} is in {shown}, which answers can read; put it elsewhere.")
    how = replace(how, files=course.files)
    entries = _asked_for(course, notebooks)
    found, ignored = collect(submissions, {e.notebook for e in course.entries}, course.learner)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GradeError(f"{out} cannot be a folder of results ({error.strerror}).") from error
    path = out / "results.jsonl"
    with results.alone(out):
        earlier = results.read(path)
        before = results.latest(earlier)
        if seed is None:
            seed = earlier[-1].seed if earlier else secrets.randbelow(2**32)
        tasks = _tasks(found, course, entries, exercises, seed, how.isolation, bool(notebooks))
        results.write_run(out, (t.learner for t in tasks), (t.exercise.id for t in tasks))
        todo = [t for t in tasks if not _holds(before.get(t.key), t)]
        rows = {t.key: before[t.key] for t in tasks if _holds(before.get(t.key), t)}
        kept, left = len(rows), len(todo)
        with Workers(how, len(tasks)) as workers:
            for row in _rows(todo, exercises, seed, workers):
                results.append(path, row)
                rows[row.learner, row.exercise] = row
                left -= 1
                if on_row:
                    on_row(row, left)
            unnamed = [task for task in tasks if _unnamed(rows[task.key], known or {})]
            for row in _named(unnamed, rows, workers, known or {}, own_checks(solutions)):
                results.append(path, row)
                rows[row.learner, row.exercise] = row
    final = [rows[t.key] for t in tasks]
    changed = [
        (row.learner, row.exercise, old.points, row.points)
        for row in final
        if (old := before.get((row.learner, row.exercise))) and old.points != row.points
    ]
    return Summary(final, path, seed, len(todo), kept, ignored, changed)


def _asked_for(course: Course, notebooks: Sequence[str]) -> list[Entry]:
    """The exercises of the notebooks that were named; all where none was."""
    there = {entry.notebook for entry in course.entries}
    chosen = set()
    for name in notebooks:
        stem = name.removesuffix(".ipynb")
        fits = {n for n in there if stem in (Path(n).stem, Path(n).stem.replace("_exercise_", "_"))}
        if not fits:
            raise GradeError(f"notebook = {name!r}, expected one of {', '.join(sorted(there))}.")
        chosen |= fits
    return [entry for entry in course.entries if not chosen or entry.notebook in chosen]


def _holds(row: Row | None, task: _Task) -> bool:
    """Whether a row from an earlier run still says what this one would."""
    return row is not None and row.input == task.input and row.status != "error"


def _tasks(
    found: list[Submission],
    course: Course,
    entries: list[Entry],
    exercises: dict[str, GradedExercise],
    seed: int,
    isolation: str,
    all_of_them: bool,
) -> list[_Task]:
    """What is to be done: every learner's every exercise, in the notebooks that came."""
    chosen = {
        (submission.learner, entry.id): of_one
        for submission, own in zip(found, _grafted(found, entries, exercises), strict=True)
        for entry, of_one in zip(entries, own, strict=True)
    }
    came = {e.notebook for s in found for e in entries if _came(chosen[s.learner, e.id][0])}
    if came and not all_of_them:
        entries = [entry for entry in entries if entry.notebook in came]
    files = [(name, hashlib.sha256(content).hexdigest()) for name, content in course.files]
    tasks = []
    for submission in found:
        for entry in entries:
            exercise = exercises[entry.id]
            if exercise.by_hand:
                exercise = replace(exercise, points=entry.points)
            copy, several, grafted = chosen[submission.learner, entry.id]
            if several:
                grafted.anomalies.insert(0, several)
            late, cost = _late(entry, copy, submission, course) if copy else ("", 0.0)
            if late:
                grafted.anomalies.insert(0, late)
            depends = [exercises[e].digest for e in sorted(exercises)] if exercise.needs else []
            found_in = copy.digest if copy else ""
            known = [found_in, grafted.anomalies, exercise.digest, exercise.release, depends]
            known += [submission.system, *files, *([f"{entry.bonus}"] if entry.bonus else [])]
            input_hash = digest([known, exercise.points, cost, seed, isolation, versions()])
            who = submission.learner, submission.system
            task = _Task(*who, entry, exercise, grafted, input_hash, isolation, cost)
            task.file = file_of_canvas(copy.path) if copy and who[1] == "canvas" else ""
            tasks.append(task)
    return tasks


def _came(copy: Copy | None) -> bool:
    """Whether somebody handed it in; a file that could not be opened may be anything."""
    return copy is not None and not copy.closed


def _grafted(
    found: list[Submission], entries: list[Entry], exercises: dict[str, GradedExercise]
) -> Iterator[list[tuple[Copy | None, str, Graft]]]:
    """Of each learner, for each entry the file that counts, what to say of others, and its graft.

    In a process with limits, as their files were read, and in what reading left of the time.
    """

    def plain(number: int) -> list[tuple[int, str, dict[str, Any]]]:
        submission, own = found[number], []
        for entry in entries:
            copy, several = choose(submission, exercises[entry.id])
            place = next((i for i, c in enumerate(submission.copies) if c is copy), -1)
            own.append((place, several, asdict(_graft(exercises[entry.id], copy))))
        python_code.names.cache_clear()
        return own

    with Reader(plain) as reader:
        for number, submission in enumerate(found):
            copies = submission.copies
            try:
                answer = reader.ask(number, submission.seconds)
            except Unreadable as why:
                copies = (copies[0].closed_for(str(why)),)
                graft = _graft(next(iter(exercises.values())), copies[0])
                answer = [(0, "", asdict(graft)) for _ in entries]
            yield [
                (copies[place] if place >= 0 else None, several, Graft.of(data))
                for place, several, data in answer
            ]


def _graft(exercise: GradedExercise, copy: Copy | None) -> Graft:
    if copy is None:
        return Graft(status="missing", reason=f"no notebook {exercise.notebook}")
    try:
        return graft(exercise, copy)
    except MemoryError:
        raise
    except Exception as error:  # never a lost submission: the row says what the grader met
        return Graft(status="error", reason=f"the grader failed: {type(error).__name__}: {error}")


def _late(entry: Entry, copy: Copy, submission: Submission, course: Course) -> tuple[str, float]:
    """What to say of a late file, "" if it is not, and the share of the points that it costs.

    A time without a zone is one of a zip: without a `timezone` in course.toml it is unknown.
    """
    if submission.marked_late:
        cost = min(course.late.at_most, course.late.canvas_days * course.late.per_day)
        return "late: so Canvas says" + (f", costs {cost:.0%}" if cost else ""), cost
    deadline, changed = course.deadline(entry, submission.learner), copy.changed
    if changed is not None and changed.tzinfo is None:
        changed = changed.replace(tzinfo=course.zone) if course.zone else None
    if deadline is None or changed is None:
        return "", 0.0
    days, cost = course.late.cost(deadline, changed)
    if not days:
        return "", 0.0
    changed = changed.astimezone(deadline.tzinfo)
    said = f"late: changed {changed:%Y-%m-%d %H:%M}, deadline {deadline:%Y-%m-%d %H:%M %Z}"
    return said + (f", costs {cost:.0%}" if cost else ""), cost


def _rows(
    todo: list[_Task], exercises: dict[str, GradedExercise], seed: int, workers: Workers
) -> Iterator[Row]:
    """The rows as they are ready: at once where nothing is run, then those of the kernels."""
    ready = [task for task in todo if task.graft.status]
    running = {task.key: task for task in todo if not task.graft.status}
    for task in ready:
        yield _row(task, seed, task.graft.status, task.graft.reason)
    if not running:
        return
    ids = sorted({task.exercise.id for task in running.values()})
    jobs = {
        ("", name): workers.how.job(assemble(exercises[name], exercises, [seed], trial=True))
        for name in ids
    }
    reference: dict[str, Outcome] = {}
    for (_, name), outcome in workers.fair(jobs):
        _refuse_broken_reference(exercises[name], outcome)
        reference[name] = outcome
    jobs = {
        key: workers.how.job(assemble(t.exercise, exercises, [seed], t.graft.answers))
        for key, t in running.items()
    }
    again: dict[Key, Row] = {}
    for key, outcome in workers.fair(jobs):
        row = _tried(running[key], seed, outcome, reference)
        if running[key].graft.needed and _lost(row):
            again[key] = row
        else:
            yield row
    jobs = {
        key: workers.how.job(assemble(t.exercise, exercises, [seed], around=t.graft.around))
        for key, t in running.items()
        if key in again
    }
    for key, outcome in workers.fair(jobs):
        yield _better(again[key], _tried(running[key], seed, outcome, reference), running[key])


def _tried(task: _Task, seed: int, outcome: Outcome, reference: dict[str, Outcome]) -> Row:
    try:
        return _scored(task, seed, outcome, reference[task.exercise.id])
    except Exception as error:  # as in _graft
        return _row(task, seed, "error", f"the grader failed: {type(error).__name__}: {error}")


def _lost(row: Row) -> bool:
    return row.status != "error" and not (row.checks and all(c["reason"] == "" for c in row.checks))


def _better(alone: Row, around: Row, task: _Task) -> Row:
    """Of the answer alone and in its notebook what has more points, and what that took."""
    seconds = round(alone.seconds + around.seconds, 3)
    if around.status == "error" or around.points <= alone.points:
        return replace(alone, seconds=seconds)
    said = [a for a in around.anomalies if not a.startswith("foreign: ")]
    said += [f"needed: {task.graft.needed}", *task.graft.with_it]
    return replace(around, seconds=seconds, anomalies=said)


def _refuse_broken_reference(exercise: GradedExercise, outcome: Outcome) -> None:
    where = f"{exercise.notebook}, {exercise.id}"
    if outcome.failure:
        raise GradeError(f"{where}: the reference could not be run: {outcome.failure}.")
    for done in outcome.cells:
        if done.status != "ok":
            raise GradeError(
                f"{where}: the reference ended {done.id} with {done.status} ({done.detail})."
            )


def _unnamed(row: Row, known: Known) -> bool:
    """Whether the row lost points by its answer, and nobody has looked which mistake it is."""
    lost = any(check["reason"] for check in row.checks)
    return lost and row.misconception is None and row.exercise in known


def _named(
    tasks: list[_Task],
    rows: dict[Key, Row],
    workers: Workers,
    known: Known,
    checks: dict[str, bytes],
) -> Iterator[Row]:
    """The rows of these tasks with the mistake that the exercise's visible check finds, "" if none.

    checks: the files that a course's own visible checks are in. An author reads the name. So it
    comes from a kernel of its own, with what learners have and nothing else, and neither what ran
    nor whether it runs depends on more than the marks.
    """
    files = tuple({**dict(workers.how.files), **checks}.items())
    jobs = {
        task.key: replace(
            workers.how.job(assemble_visible(task.exercise, *task.graft.to_run)),
            whole=True,
            files=files,
        )
        for task in tasks
    }
    for key, outcome in workers.fair(jobs):
        said = [name for _, name in score.rows(outcome.cell(NAMED).text, [NAMED])]
        found = said[-1] if said and said[-1] in known[key[1]] else ""
        yield replace(rows[key], misconception=found, advice=known[key[1]].get(found, ""))


def _scored(task: _Task, seed: int, outcome: Outcome, reference: Outcome) -> Row:
    """Compare what the answer printed with what the reference printed."""
    if outcome.failure:
        return _row(task, seed, "error", outcome.failure)
    checks = []
    for cell in task.exercise.role("hidden"):
        data = lesson(cell)
        if "points" not in data:
            continue
        expected = score.rows(reference.cell(data["id"]).text)
        done = outcome.cell(data["id"])
        if "play" in data:
            trouble = "" if done.status == "ok" else one_line(f"{done.status}, {done.detail}")
            checks += referee.checks(data, done.played, trouble, tell=not task.exercise.needs)
            if said := referee.remark(done.played):
                task.graft.anomalies.append(said)
            continue
        if done.status == "ok":
            printed = score.rows(done.text, [label for label, _ in expected])
            wrong = score.difference(expected, printed, **score.settings(data))
        else:
            wrong = done.detail if done.status == "not run" else f"{done.status}, {done.detail}"
        wrong = one_line(wrong)
        points = 0 if wrong else data["points"]
        checks.append(
            {
                "id": data["id"],
                "points": points,
                "max_points": data["points"],
                "reason": wrong,
                "hint": data.get("hint", "") if wrong else "",
            }
        )
    status, reason = _status(task.exercise, outcome, checks)
    return _row(task, seed, status, reason, outcome.seconds, checks)


def _status(
    exercise: GradedExercise, outcome: Outcome, checks: list[dict[str, Any]]
) -> tuple[str, str]:
    """One word and one sentence for the whole exercise."""
    wrong = [check for check in checks if check["reason"]]
    points = sum(check["points"] for check in checks)
    reason = "; ".join(f"{check['id']}: {check['reason']}" for check in wrong)
    for status in ("died", "output", "timeout"):
        for done in outcome.cells:
            if done.status == status and not done.id.startswith(AROUND):
                return status, f"{done.id}: {one_line(done.detail)}; {points:g} points before that"
    for cell in exercise.role("answer"):
        done = outcome.cell(lesson(cell)["id"])
        if done.status == "error" and not points:
            return "failed", f"{done.id} raised {one_line(done.detail)}"
    if wrong and all(check["reason"].startswith("error, NotImplementedError") for check in checks):
        return "not attempted", "the answer raises NotImplementedError"
    return "graded", reason or "all checks passed"


def _row(
    task: _Task,
    seed: int,
    status: str,
    reason: str,
    seconds: float = 0.0,
    checks: list[dict[str, Any]] | None = None,
) -> Row:
    return Row(
        learner=task.learner,
        exercise=task.exercise.id,
        points=round(sum(check["points"] for check in checks or []) * (1 - task.late), 2),
        max_points=task.exercise.points,
        status=status,
        reason=reason,
        seconds=round(seconds, 3),
        isolation=task.isolation,
        seed=seed,
        versions=versions(),
        checks=checks or [],
        anomalies=task.graft.anomalies,
        input=task.input,
        notebook=task.exercise.notebook,
        system=task.system,
        text=task.graft.text,
        same=task.graft.same,
        file=task.file,
        bonus=task.entry.bonus,
    )
