"""The commands for instructors: `lrlesson new-exercise | release | grade | report | export |
selftest`. As in cli.py, what is heavy is imported inside the command that needs it.
"""

import filecmp
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from .grading import Row
    from .grading.marks.adding import Added

office = typer.Typer()


def stop(sentence: object) -> NoReturn:
    """End with one sentence on stderr and exit code 2."""
    typer.echo(f"lrlesson: {sentence}", err=True)
    raise typer.Exit(2)


@office.command()
def release(
    solutions: Annotated[Path, typer.Argument(help="Where the source notebooks are.")] = Path(
        "solutions"
    ),
    exercises: Annotated[Path, typer.Argument(help="Where the learners' notebooks go.")] = Path(
        "exercises"
    ),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether the exercises are current.")
    ] = False,
) -> None:
    """Make the learners' exercises from the solutions."""
    from .grading import ReleaseError
    from .grading import release as make_exercises

    try:
        _refuse_other_points(solutions)
        if check:
            with tempfile.TemporaryDirectory() as made:
                files = make_exercises(solutions, Path(made))
                stale = sorted(
                    file.name
                    for file in files
                    if not (exercises / file.name).is_file()
                    or not filecmp.cmp(file, exercises / file.name, shallow=False)
                )
            if stale:
                typer.echo(f"not what the solutions make: {', '.join(stale)}", err=True)
                raise typer.Exit(1)
            typer.echo(f"{exercises} is what the solutions make.")
        else:
            for file in make_exercises(solutions, exercises):
                typer.echo(f"wrote {file}")
    except ReleaseError as error:
        stop(error)


@office.command("new-exercise")
def new_exercise(
    id: Annotated[str, typer.Argument(help="Lower case, joined by -, such as trimmed-mean.")],
    notebook: Annotated[Path, typer.Argument(help="Your source NN_name.ipynb, or a new one.")],
    points: Annotated[float, typer.Option(help="Of the exercise.")] = 2,
    text: Annotated[
        bool, typer.Option("--text", help="A text to be marked by hand, not code.")
    ] = False,
) -> None:
    """Write an exercise of your own, to be edited.

    Its cells go into the notebook, what `check` knows into the folder `checks` beside it.
    """
    from .feedback.exercises import all_exercises
    from .grading import ReleaseError
    from .grading.authoring.new_exercise import new_exercise as write

    try:
        if id in all_exercises():
            stop(f"ID = {id!r}: there is such an exercise already; choose another.")
        made = write(id, notebook, points, text)
    except (ReleaseError, ValueError) as error:
        stop(error)
    for path in made.paths:
        typer.echo(f"wrote {path}")
    typer.echo(f"It works as it stands: lrlesson release {notebook.parent} exercises. Now edit it.")


def _refuse_other_points(solutions: Path) -> None:
    """Stop where a file of `checks` says something else of an exercise than its notebook."""
    from .feedback.exercises import exercises_in
    from .grading import ReleaseError
    from .grading.authoring.source_notebooks import read_exercises, read_sources

    try:
        own = exercises_in(solutions)
    except ValueError as error:
        raise ReleaseError(str(error)) from error
    there = read_exercises(read_sources(solutions)) if own else {}
    for exercise in own:
        where = f"checks/, {exercise.id}"
        if exercise.id not in there:
            raise ReleaseError(f"{where}: no notebook of {solutions} holds this exercise.")
        made = there[exercise.id]
        for what, said, true in (
            ("notebook", exercise.notebook, made.notebook),
            ("points", exercise.points, made.points),
        ):
            if said != true:
                raise ReleaseError(f"{where}: {what} = {said!r}, but the notebooks have {true!r}.")


Results = Annotated[
    list[Path], typer.Argument(help="The folder that `grade` wrote; several make a course.")
]
Overrides = Annotated[
    Path | None,
    typer.Option(help="Marks set by hand (CSV); RESULTS/overrides.csv is used if it is there."),
]
Jobs = Annotated[
    int | None,
    typer.Option("-j", "--jobs", help="Worker processes; one per processor if not given."),
]


@office.command()
def grade(
    submissions: Annotated[
        Path, typer.Argument(help="A folder per learner, or a download of Canvas or Moodle.")
    ],
    out: Annotated[Path, typer.Option(help="The folder for results.jsonl.")],
    jobs: Jobs = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the inputs that the checks draw; a new one if not given.")
    ] = None,
    solutions: Annotated[Path, typer.Option(help="Where the source notebooks are.")] = Path(
        "solutions"
    ),
    warm: Annotated[
        bool, typer.Option("--warm/--no-warm", help="Fork kernels from one that is ready, or not.")
    ] = True,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="No sandbox: what learners wrote may do what you may.")
    ] = False,
    notebook: Annotated[
        list[str] | None,
        typer.Option(help="An exercise file that this is about; repeatable. Else those that came."),
    ] = None,
    dask: Annotated[
        str | None, typer.Option(help="Send the work to the Dask scheduler at this address.")
    ] = None,
) -> None:
    """Grade every notebook that was handed in.

    The same command goes on where a stopped run left off.
    """
    import multiprocessing

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from .feedback.exercises import all_exercises, exercises_in
    from .grading import GradeError, Row
    from .grading import grade as grade_all
    from .grading.sandbox import bubblewrap, memory, mounts

    console = Console(stderr=True)
    try:
        own = {exercise.id: exercise for exercise in exercises_in(solutions)}
    except ValueError as error:
        stop(error)
    known = {
        name: {wrong.misconception: wrong.message for wrong in exercise.bank}
        for name, exercise in {**all_exercises(), **own}.items()
    }
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    done = 0
    try:
        with Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as progress:
            task = progress.add_task("starting", total=None)

            def count(row: Row, left: int) -> None:
                nonlocal done
                done += 1
                said = f"{row.learner[:30]}, {row.exercise}"
                progress.update(task, completed=done, total=done + left, description=said)

            with _dask(dask) as executor:
                summary = grade_all(
                    *(submissions, out, solutions, seed),
                    jobs=jobs,
                    warm=warm,
                    unsafe=unsafe,
                    known=known,
                    executor=executor,
                    on_row=count,
                    notebooks=notebook or (),
                )
    except GradeError as error:
        stop(error)
    except KeyboardInterrupt:
        for child in multiprocessing.active_children():
            child.terminate()
        stop(f"stopped; {done} rows are in {out}, and the same command goes on from there.")
    _show(summary.rows)
    if not unsafe and (ids := bubblewrap.unprivileged()):
        typer.echo(f"Started as root, so kernels ran as user {ids[0]}.")
        if copied := mounts.copied():
            typer.echo(f"What they need is where that user can read it: {copied}.")
    if not unsafe and (why := memory.problem()):
        typer.echo(f"Memory was counted ten times a second, without a cgroup: {why}.")
    for learner, exercise, before, now in summary.changed:
        typer.echo(f"mark changed since the last run: {learner}, {exercise}, {before:g} to {now:g}")
    typer.echo(f"{summary.done} graded now, {summary.kept} kept from before; seed {summary.seed}.")
    for name in summary.ignored:
        typer.echo(f"not a notebook of the course, left alone: {name}")
    typer.echo(f"Everything is in {summary.path}.")


@contextmanager
def _dask(address: str | None) -> "Iterator[Executor | None]":
    """The executor of a Dask cluster; None where there is no address."""
    if address is None:
        yield None
        return
    import importlib

    try:
        connect = importlib.import_module("distributed").Client
    except ImportError:
        stop('--dask needs distributed, which is not installed: pip install "lrlesson[dask]"')
    try:
        client = connect(address, timeout=20)
    except (OSError, ValueError) as error:
        stop(f"no Dask scheduler at {address} ({error}).")
    with client:
        yield client.get_executor(pure=False, retries=3)


@office.command()
def report(
    results: Results,
    overrides: Overrides = None,
    course: Annotated[
        bool, typer.Option("--course", help="Add several assignments up, for one person as one.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="With --course: the folder for its pages and course.csv.")
    ] = Path("course-results"),
) -> None:
    """Write a page per learner and one for the class."""
    from .grading import GradeError
    from .grading.marks import adding
    from .grading.marks import report as pages

    try:
        if len(results) > 1 and not course:
            stop("several folders of results, expected one, or --course to add them up.")
        if course:
            added = _added(results, overrides)
            paths = pages.write(added.rows, out / "report", _course_name())
            typer.echo(f"wrote {adding.write_table(added, out / 'course.csv')}")
        else:
            rows = _final(results[0], overrides)
            paths = pages.write(rows, results[0] / "report", _course_name())
    except GradeError as error:
        stop(error)
    typer.echo(f"{len(paths) - 1} learners; begin with {paths[0]}")


def _added(results: list[Path], overrides: Path | None) -> "Added":
    """Several assignments as a course; who is missing in one of them is said."""
    from .grading.marks import adding

    if overrides is not None and len(results) > 1:
        stop("--overrides is about one assignment; each folder's own overrides.csv is used.")
    added = adding.add_up([(folder, _final(folder, overrides)) for folder in results])
    for name, people in added.without.items():
        typer.echo(f"no result in {name}, counted as 0 points: {', '.join(people)}", err=True)
    return added


@office.command()
def export(
    results: Results,
    to: Annotated[str, typer.Option(help="canvas, moodle or gradescope.")],
    roster: Annotated[
        Path | None, typer.Option(help="Canvas's gradebook export or Moodle's worksheet (CSV).")
    ] = None,
    assignment: Annotated[
        list[str] | None,
        typer.Option(
            help='Canvas: the gradebook\'s column with its id, "Decay (4711)"; of several results '
            "one for each, or one for their sum."
        ),
    ] = None,
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to; that of the results if not given.")
    ] = None,
) -> None:
    """Write the marks as a learning system imports them.

    Of several folders of results the sum, for Canvas also a column for each. People of the results
    whom the roster does not know end it with exit code 1.
    """
    from .grading import GradeError
    from .grading.marks import export as exports
    from .grading.marks import report as pages

    try:
        asked = assignment or [""]
        if len(results) == 1:
            rows = _final(results[0], overrides)
            parts: list[list[str]] = [[]]
        else:
            added = _added(results, overrides)
            rows, parts = added.rows, list(added.exercises.values())
        if len(asked) not in (1, len(parts)):
            stop(f"{len(asked)} assignments for {len(parts)} results, expected one for each or 1.")
        target = out or (results[0] if len(results) == 1 else Path("course-results"))
        made = exports.export(
            rows, to, target, roster, asked if len(asked) > 1 else asked[0], parts
        )
        if made.returned and len(results) == 1:
            archive = target / f"{to}-feedback.zip"
            made.paths.append(pages.returned(rows, made.returned, archive, _course_name()))
    except GradeError as error:
        stop(error)
    for path in made.paths if to != "gradescope" else [target / to]:
        typer.echo(f"wrote {path}")
    for name in made.unknown:
        typer.echo(f"not in the roster, so not exported: {name}", err=True)
    for name in made.absent:
        typer.echo(f"in the roster, but without a submission: {name}", err=True)
    if made.without_feedback:
        typer.echo("the worksheet has no column for feedback comments: grades only", err=True)
    for name in made.waiting:
        typer.echo(f"exported without the mark of a text that waits for it: {name}", err=True)
    if made.unknown:
        raise typer.Exit(1)


@office.command()
def selftest(
    jobs: Jobs = None,
    everything: Annotated[
        bool, typer.Option("--all", help="also the attacks that run into time limits")
    ] = False,
) -> None:
    """Try to break the sandbox on this machine.

    With the quick attacks that are known, or with all; once per machine is enough.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.table import Table
    from rich.text import Text

    from .grading import GradeError, Row
    from .grading.errors import printable
    from .grading.selftest.run import selftest as attack

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("attacking", total=None)

        def count(row: Row, left: int) -> None:
            done = progress.tasks[0].completed + 1
            progress.update(task, completed=done, total=done + left)

        try:
            found = attack(jobs, on_row=count, everything=everything)
        except GradeError as error:
            stop(error)
    table = Table("attack", "", "verdict", "points", "seconds", header_style="bold")
    for verdict in found.verdicts:
        row = verdict.row
        said = Text("contained", "green") if not verdict.wrong else Text(verdict.wrong, "red")
        marks = (f"{row.points:g}", f"{row.seconds:.1f}") if row else ("", "")
        name = printable(verdict.name)
        table.add_row(verdict.group, Text(name), said, *marks)
    Console().print(table)
    if found.user is not None:
        typer.echo(f"Started as root: kernels ran as user {found.user}.")
    wrong = sum(bool(verdict.wrong) for verdict in found.verdicts)
    typer.echo(f"{len(found.verdicts)} verdicts in {found.seconds:.0f} s, {wrong} not contained.")
    raise typer.Exit(1 if wrong else 0)


def _final(results: Path, overrides: Path | None) -> "list[Row]":
    """The rows of a results folder, marks set by hand included."""
    from .grading import GradeError, apply_overrides
    from .grading.marks.adding import apply_groups
    from .grading.marks.results import current

    path = results / "results.jsonl"
    if not path.is_file():
        raise GradeError(f"no results in {results}: it has no results.jsonl.")
    found, skipped = current(results)
    if skipped:
        typer.echo(f"lines of {path} that are no row, left out: {skipped}", err=True)
    rows = sorted(found, key=lambda row: (row.learner, row.notebook, row.exercise))
    groups, default = results / "groups.csv", results / "overrides.csv"
    if groups.is_file():
        rows = apply_groups(rows, groups)
    if overrides is None and default.is_file():
        overrides = default
    return apply_overrides(rows, overrides) if overrides else rows


def _course_name() -> str:
    import tomllib

    try:
        data = tomllib.loads(Path("course.toml").read_text(encoding="utf-8"))
        return str(data["course"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _show(rows: "list[Row]") -> None:
    """Marks, one line per learner, and below them whatever should be looked at."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    exercises = list(dict.fromkeys(row.exercise for row in rows))
    learners = list(dict.fromkeys(row.learner for row in rows))
    by_key = {(row.learner, row.exercise): row for row in rows}
    marks = Table("learner", *exercises, "points", header_style="bold")
    sums = Table("learner", "attempted", "points", header_style="bold")
    for table in (marks, sums):
        for column in table.columns[1:]:
            column.justify = "right"
    for learner in learners:
        own = [by_key.get((learner, exercise)) for exercise in exercises]
        cells = [f"{row.points:g} of {row.max_points:g}" if row else "" for row in own]
        there = [row for row in own if row]
        points = f"{sum(row.points for row in there):g}"
        most = f"{sum(row.max_points for row in there):g}"
        tried = sum(row.status not in ("missing", "not attempted") for row in there)
        marks.add_row(*map(Text, (learner, *cells, points)))
        sums.add_row(*map(Text, (learner, f"{tried} of {len(there)}", f"{points} of {most}")))
    odd = Table("learner", "exercise", "status", "to look at", header_style="bold")
    odd.columns[3].overflow = "fold"
    without: dict[str, dict[str, None]] = {}  # a notebook, and who did not hand it in
    for row in rows:
        said = list(row.anomalies)
        if row.status == "missing" and row.reason == f"no notebook {row.notebook}":
            without.setdefault(row.notebook, {})[row.learner] = None
        elif row.status not in ("graded", "not attempted"):
            said.insert(0, row.reason)
        if said:
            odd.add_row(*map(Text, (row.learner, row.exercise, row.status, "; ".join(said))))
    console = Console()
    wide = Measurement.get(console, console.options.update(max_width=10_000), marks)
    console.print(marks if wide.maximum <= console.width else sums)
    if odd.row_count:
        console.print(odd)
    for notebook, names in without.items():
        count = len(learners) - len(names)
        who = f"all but {', '.join(names)}" if len(names) <= 3 else f"{count} of {len(learners)}"
        typer.echo(f"{notebook} was handed in by {who if count else 'nobody'}.")
