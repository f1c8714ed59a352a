"""The command line: `lrlesson start | lab | doctor | progress`, and what office.py has for
instructors.

Everything heavy is imported inside the command that needs it, so that `--help` answers at once.
Exit codes: 0 where all went well, 1 where a check found a difference, 2 for a bad request, with one
sentence on stderr.
"""

import io
import os
import shlex
import socket
import sys
from contextlib import chdir
from pathlib import Path
from typing import Annotated

import typer

from . import __version__
from .office import office, stop

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text, and a quicker start
)

app.add_typer(office)

START = Path("notebooks", "00_start_here.ipynb")
LOOPBACK = "127.0.0.1"


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"lrlesson {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Say which version this is."
        ),
    ] = False,
) -> None:
    """A course about one thing: the learning rate in neural networks."""
    # A Windows terminal, a pipe above all, may not know every sign: then it gets a question mark.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


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
def start(
    folder: Annotated[Path, typer.Argument(help="A new folder, or a working copy to renew.")],
    instructor: Annotated[
        bool, typer.Option("--instructor", help="With the solutions, which `grade` needs.")
    ] = False,
) -> None:
    """Write a working copy of the course, or renew one.

    Again after an upgrade, it brings what is new and keeps your work.
    """
    from . import __version__
    from .starting import StartError, read_record
    from .starting import start as bring

    before = read_record(folder)
    try:
        changes = bring(folder, instructor)
    except StartError as error:
        stop(error)
    if before is None and all(change.kind == "added" for change in changes):
        typer.echo(f"wrote {len(changes)} files")
    else:
        for change in changes:
            typer.echo(change.line)
    here = "" if folder.resolve() == Path.cwd() else f" {shlex.quote(str(folder))}"
    typer.echo(f"{folder} holds the course of lrlesson {__version__}. Open it: lrlesson lab{here}")


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
        stop(
            f"no course in {folder.resolve()}: it has no {START.as_posix()}; "
            "`lrlesson start my-course` writes one."
        )
    from . import __version__
    from .starting import last_run, read_record

    record = read_record(folder)
    if record and record["version"] != __version__:
        typer.echo(
            f"This copy is of lrlesson {record['version']}, and {__version__} is installed: "
            f"lrlesson start {shlex.quote(str(folder))} renews it and keeps your work."
        )

    if port is not None:
        require_free(port)

    from .base.extras import needed

    with needed("course", "lrlesson lab"):
        from jupyterlab.labapp import LabApp

    options = [
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{(last_run(folder) or START).as_posix()}",
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
def doctor(
    folder: Annotated[Path, typer.Argument(help="The course's folder.")] = Path(),
    instructor: Annotated[
        bool, typer.Option("--instructor", help="Fail also where the grader's sandbox is missing.")
    ] = False,
) -> None:
    """Say what is missing or wrong here, and what to do about it."""
    if not folder.is_dir():
        stop(f"no folder {folder}; `lrlesson start my-course` writes the course into a new one.")
    from .doctor import examine

    report = examine(folder, instructor)
    typer.echo(repr(report))
    raise typer.Exit(0 if report.fine else 1)


@app.command()
def progress(
    folder: Annotated[Path, typer.Argument(help="The course's folder.")] = Path(),
) -> None:
    """Print where you stand.

    Exercises, predictions, and the tests before and after the course.
    """
    if not folder.is_dir():
        stop(f"no folder {folder}; name the one that `lrlesson start` wrote.")
    from .feedback import progress as standing
    from .feedback.record import progress_path

    with chdir(folder):
        record = progress_path()
        named = "LRLESSON_PROGRESS" in os.environ
        if not (named or record.is_file() or (record.parent.parent / "course.toml").is_file()):
            stop(
                f"no course in {folder.resolve()}; name its folder: lrlesson progress FOLDER, or "
                "write one: lrlesson start my-course."
            )
        from rich.console import Console

        Console(highlight=False).print(standing())


if __name__ == "__main__":
    app()
