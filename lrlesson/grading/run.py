"""Run one grafted exercise in one fresh kernel, under nbval and pytest, and record what it said.

nbval's file and cell are subclassed: its collection, its messages and its handling of errors stay;
added are an empty working folder, a time limit per cell and a budget per exercise, polling for dead
kernels, a limit on output, and a record instead of a report. `run` takes and returns plain data, so
that any `concurrent.futures.Executor` can carry it.

This is not a sandbox. The kernel starts in an empty folder with its own copy of the library, which
has no `lrlesson.feedback` and no `lrlesson.grading`, so neither the solutions (by a relative path)
nor the checks are at hand; a process that looks for them by an absolute path will find them.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import tempfile
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager, RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

import lrlesson

ISOLATION = "none"
CELL_TIMEOUT = 5.0
BUDGET = 20.0
OUTPUT_LIMIT = 200_000
STARTUP = 60.0
POLL = 0.2
AFTER_INTERRUPT = 2.0
NOT_IN_KERNEL = ("feedback", "grading", "cli.py")
KEPT = ("PATH", "LANG", "LANGUAGE", "TZ", "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT")

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Job:
    """What one kernel runs: a notebook as text, and its limits in seconds and characters."""

    notebook: str
    budget: float = BUDGET
    output_limit: int = OUTPUT_LIMIT


@dataclass
class CellRun:
    """What one cell did.

    `status` is "ok", "error" (it raised), "timeout", "died" (the kernel is gone), "output" (more
    than the limit) or "not run"; `detail` says more; `text` is what it printed to stdout.
    """

    id: str
    status: str
    text: str = ""
    detail: str = ""


@dataclass
class Outcome:
    """What the kernel did; `failure` is the grader's own trouble, "" if there was none."""

    cells: list[CellRun] = field(default_factory=list)
    seconds: float = 0.0
    failure: str = ""

    def cell(self, cell_id: str) -> CellRun:
        """The last run of a cell; "not run" if it never ran."""
        runs = [cell for cell in self.cells if cell.id == cell_id]
        return runs[-1] if runs else CellRun(cell_id, "not run")


def run(job: Job) -> Outcome:
    """Run a job in a new kernel and return what its cells did. Nothing the cells do raises here."""
    with tempfile.TemporaryDirectory(prefix="lrl-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "exercise.ipynb").write_text(job.notebook, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        plugin = _Plugin(job, folder)
        arguments = [
            *(str(folder / "exercise.ipynb"), "-c", str(folder / "pytest.ini")),
            *("--rootdir", name, "--noconftest", "--capture=no", "--tb=no", "-q"),
            *("-p", "nbval.plugin", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
        ]
        with _one_at_a_time, _own_pytest() as said:
            code = pytest.main(arguments, plugins=[plugin])
        if not plugin.outcome.cells and not plugin.outcome.failure:
            plugin.outcome.failure = f"pytest ended with {code}: {said.getvalue()[-300:]}"
        return plugin.outcome


@contextlib.contextmanager
def _own_pytest() -> Iterator[io.StringIO]:
    """A pytest that is not changed by the caller's options, plugins or terminal."""
    saved = {key: os.environ.pop(key) for key in list(os.environ) if key.startswith("PYTEST_")}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            yield said
    finally:
        for key in [key for key in os.environ if key.startswith("PYTEST_")]:
            del os.environ[key]
        os.environ.update(saved)


class _Plugin:
    """Tells pytest how to collect the one notebook, and holds the record."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.job, self.folder, self.outcome = job, folder, Outcome()

    def pytest_collect_file(self, file_path: Path, parent: Any) -> Any:
        if file_path.suffix == ".ipynb":
            collected = GradedFile.from_parent(parent, path=file_path)
            collected.job, collected.folder = self.job, self.folder
            collected.outcome = self.outcome
            return collected
        return None


class KernelDied(Exception):
    """The kernel's process is gone."""


class TooMuchOutput(Exception):
    """The cell sent more than the limit."""


class GradingKernel(RunningKernel):
    """nbval's kernel, in an empty folder, watched while it works."""

    def __init__(self, folder: Path, output_limit: int) -> None:
        self.waiting: deque[dict[str, Any]] = deque()
        self.limit, self.received = output_limit, 0
        self.km = KernelManager(
            kernel_name=CURRENT_ENV_KERNEL_NAME,
            kernel_spec_manager=NbvalKernelspecManager(),
            connection_file=str(folder / "kernel.json"),
        )
        if os.name == "posix":  # no port to lose to another kernel that starts at the same time
            self.km.transport = "ipc"
            self.km.ip = str(folder / "k")
        self.km.start_kernel(
            cwd=str(_empty(folder / "work")),
            env=kernel_environment(folder),
            extra_arguments=["--HistoryManager.enabled=False"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.kc = self.km.client()
        self.kc.start_channels()
        try:
            self.kc.wait_for_ready(timeout=STARTUP)
            self._ensure_iopub_up()
        except Exception:
            self.stop()
            raise

    def new_cell(self) -> None:
        """Start counting output again, and forget what came late from the cell before."""
        self.waiting.clear()
        self.received = 0

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """As nbval's, but a dead kernel is noticed within a second and output is counted.

        Raises Empty at the time limit, KernelDied, TooMuchOutput.
        """
        end = monotonic() + (STARTUP if timeout is None else timeout)
        while (left := end - monotonic()) > 0:
            self._take_output()
            try:
                message = self.kc.get_shell_msg(timeout=min(POLL, left))
            except Empty:
                if not self.is_alive():
                    raise KernelDied from None
                continue
            if message["parent_header"].get("msg_id") == msg_id:
                return
        raise Empty

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next message, those first that came while a reply was awaited."""
        if stream == "iopub" and self.waiting:
            return self.waiting.popleft()
        end = monotonic() + (STARTUP if timeout is None else timeout)
        while (left := end - monotonic()) > 0:
            try:
                if stream == "iopub":
                    return self._counted(self.kc.get_iopub_msg(timeout=min(POLL, left)))
                return self.kc.get_shell_msg(timeout=min(POLL, left))
            except Empty:
                if not self.is_alive():
                    raise KernelDied from None
        raise Empty

    def _take_output(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self.waiting.append(self._counted(self.kc.get_iopub_msg(timeout=0)))

    def _counted(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["msg_type"] not in ("status", "execute_input"):
            self.received += len(str(message["content"]))
        if self.received > self.limit:
            raise TooMuchOutput
        return message

    def stop(self) -> None:
        """Kill the kernel and close its channels; harmless the second time."""
        if hasattr(self, "kc"):
            self.kc.stop_channels()
        if hasattr(self, "km"):
            self.km.shutdown_kernel(now=True)
            del self.km


class GradedFile(IPyNbFile):
    """The grafted notebook."""

    job: Job
    folder: Path
    outcome: Outcome

    def setup(self) -> None:
        """Start the kernel; trouble here is the grader's and never the learner's."""
        try:
            self.kernel = GradingKernel(self.folder, self.job.output_limit)
        except Exception as error:
            self.outcome.failure = f"the kernel did not start ({type(error).__name__}: {error})"
            raise
        self.deadline = monotonic() + self.job.budget

    def collect(self) -> Iterator[GradedCell]:
        """One item per cell, named by its id; marks in a learner's comments change nothing."""
        notebook = nbformat.read(str(self.path), as_version=4)
        for number, cell in enumerate(notebook.cells):
            item = GradedCell.from_parent(
                self,
                name=cell.metadata["lrlesson"]["id"],
                cell_num=number,
                cell=cell,
                options=defaultdict(bool),
            )
            yield item

    def teardown(self) -> None:
        """Nothing of the exercise outlives it."""
        if self.kernel is not None:
            self.kernel.stop()


class GradedCell(IPyNbCell):
    """One cell of the grafted notebook; it records and never fails the run."""

    parent: GradedFile

    def setup(self) -> None:
        """nbval expects cells to fail after a time-out; here each cell has its own chance."""

    def stop(self) -> None:
        """nbval calls this where an error was never followed by an idle kernel."""
        self.parent.kernel.stop()

    def runtest(self) -> None:
        """Run the cell and note how it ended."""
        file, outcome = self.parent, self.parent.outcome
        done = CellRun(self.name, "not run")
        outcome.cells.append(done)
        started = monotonic()
        allowed = min(
            self.cell.metadata["lrlesson"].get("timeout", CELL_TIMEOUT), file.deadline - started
        )
        if allowed <= 0:
            done.detail = "the exercise used up its time"
            return
        if not file.kernel.is_alive():
            done.detail = "the kernel was gone"
            return
        self.config.option.nbval_cell_timeout = allowed
        self.output_timeout = AFTER_INTERRUPT
        file.timed_out = False
        file.kernel.new_cell()
        try:
            super().runtest()
            done.status = "ok"
        except KernelDied:
            done.status, done.detail = "died", "the Python process ended"
        except TooMuchOutput:
            file.kernel.stop()
            done.status = "output"
            done.detail = f"more than {file.job.output_limit:,} characters of output"
        except Exception as error:
            done.status = "error"
            errors = [o for o in self.test_outputs or [] if o.output_type == "error"]
            if errors:
                done.detail = f"{errors[-1].ename}: {errors[-1].evalue}"
            elif not isinstance(error, NbCellError):
                done.detail = f"{type(error).__name__}: {error}"
        if file.timed_out:
            done.status, done.detail = "timeout", f"no answer within {allowed:.3g} s"
        done.text = "".join(
            o.text
            for o in self.test_outputs or []
            if o.output_type == "stream" and o.name == "stdout"
        )
        outcome.seconds += monotonic() - started


def kernel_environment(folder: Path) -> dict[str, str]:
    """The environment of a grading kernel: nothing of the instructor's, all homes in `folder`."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT or k.startswith("LC_")}
    home = str(_empty(folder / "home"))
    own = ("HOME", "USERPROFILE", "IPYTHONDIR", "MPLCONFIGDIR", "TMPDIR", "TEMP", "TMP")
    return {
        **kept,
        **dict.fromkeys(own, home),
        "PYTHONPATH": str(library(folder)),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
    }


def library(folder: Path) -> Path:
    """Copy lrlesson to `folder`, without the parts that a grading kernel must not see.

    The copy comes first on the kernel's path, so `import lrlesson` finds it and nothing else.
    """
    source = Path(lrlesson.__file__).parent

    def left_out(where: str, names: list[str]) -> set[str]:
        return set(names) & set(NOT_IN_KERNEL) if Path(where) == source else set()

    target = folder / "library"
    shutil.copytree(source, target / "lrlesson", ignore=left_out)
    return target


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder
