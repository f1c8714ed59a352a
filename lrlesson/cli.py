"""The command line: `lrlesson lab | release | grade`.

Everything heavy is imported inside the command that needs it, so that `--help` answers at once.
Exit codes: 0 where all went well, 1 where a check found a difference, 2 for a bad request, with one
sentence on stderr.
"""

import filecmp
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from .grading import Row

app = typer.Typer(
    help="A course about one thing: the learning rate in neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text, and a quicker start
)

START = Path("notebooks", "00_start_here.ipynb")
LOOPBACK = "127.0.0.1"


def stop(sentence: object) -> NoReturn:
    """End with one sentence on stderr and exit code 2."""
    typer.echo(f"lrlesson: {sentence}", err=True)
    raise typer.Exit(2)


def require_free(port: int) -> None:
    """Stop unless a server may listen at this port of the loopback address."""
    if not 1 <= port <= 65535:
        stop(f"port = {port}, expected a number from 1 to 65535.")
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except PermissionError:
            stop(f"port {port} needs special rights; choose one from 1024 to 65535.")
        except OSError:
            stop(f"port {port} is in use; stop what uses it or choose another port.")


def has_display() -> bool:
    """Whether a browser can open a window here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


@app.command()
def lab(
    folder: Annotated[Path, typer.Argument(help="The course's folder.")] = Path(),
    port: Annotated[int | None, typer.Option(help="Use this port and no other.")] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser, or print the address.")
    ] = True,
) -> None:
    """Open the course in JupyterLab, on this machine only. Ctrl-C stops it."""
    if not (folder / START).is_file():
        stop(f"no course in {folder.resolve()}: it has no {START.as_posix()}.")
    if port is not None:
        require_free(port)

    from jupyterlab.labapp import LabApp

    options = [
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{START.as_posix()}",
        f"--ServerApp.ip={LOOPBACK}",
        "--ServerApp.answer_yes=True",  # the first Ctrl-C stops it
        "--ServerApp.log_level=WARN",  # what remains is the address
        "--LabApp.log_level=WARN",
    ]
    if port is not None:
        options += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not (browser and has_display()):
        options.append("--ServerApp.open_browser=False")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    typer.echo("Starting JupyterLab; Ctrl-C stops it.")
    LabApp.launch_instance(options)


@app.command()
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


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="What the learners handed in.")],
    out: Annotated[Path, typer.Option(help="The folder for results.jsonl.")],
    seed: Annotated[
        int | None, typer.Option(help="Of the inputs that the checks draw; a new one if not given.")
    ] = None,
    solutions: Annotated[Path, typer.Option(help="Where the source notebooks are.")] = Path(
        "solutions"
    ),
    jobs: Annotated[
        int | None, typer.Option(help="Worker processes; one per processor if not given.")
    ] = None,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="No sandbox: submissions run with your rights.")
    ] = False,
) -> None:
    """Grade every notebook of a folder; go on where a stopped run left off."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from .grading import GradeError, Row
    from .grading import grade as grade_all

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("grading", total=None)

        def count(row: Row, left: int) -> None:
            done = progress.tasks[0].completed + 1
            progress.update(task, completed=done, total=done + left, description=row.learner)

        try:
            summary = grade_all(
                submissions, out, solutions, seed, jobs=jobs, unsafe=unsafe, on_row=count
            )
        except GradeError as error:
            stop(error)
    Console().print(_table(summary.rows))
    typer.echo(f"{summary.done} graded now, {summary.kept} kept from before; seed {summary.seed}.")
    for name in summary.ignored:
        typer.echo(f"not a notebook of the course, left alone: {name}")
    typer.echo(f"Everything is in {summary.path}.")


def _table(rows: list["Row"]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("learner", "exercise", "points", "status", "reason", header_style="bold")
    table.columns[2].justify = "right"
    table.columns[4].overflow = "fold"
    for row in rows:
        why = "; ".join([row.reason, *row.anomalies])
        points = f"{row.points:g} of {row.max_points:g}"
        table.add_row(*map(Text, (row.learner, row.exercise, points, row.status, why)))
    return table


if __name__ == "__main__":
    app()
