"""Run one grafted exercise in one fresh kernel, under nbval and pytest, and record what it said.

nbval's file and cell are subclassed: its collection, its messages and its handling of errors stay;
added are a kernel in the sandbox, a time limit per cell and a budget per exercise, polling for dead
kernels, limits on output and on a single message, and a record instead of a report. `run` takes and
returns plain data, so that any `concurrent.futures.Executor` can carry it.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import IO, Any

import nbformat
import pytest
import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager, RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from lrlesson.capstone.conversation import REFEREE
from lrlesson.grading.errors import SandboxError
from lrlesson.grading.handed_in.graft import AROUND
from lrlesson.grading.marking import unsafe
from lrlesson.grading.marking.referee import Played, Referee
from lrlesson.grading.sandbox import provisioner

with contextlib.suppress(ImportError):  # Windows
    import resource

SANDBOX, UNSAFE = "bubblewrap", "none"
COLLECTED = Path(__file__).parent / "collected"  # what pytest is pointed at; the job replaces it
CELL_TIMEOUT = 5.0
BUDGET = 20.0
AROUND_BUDGET = 10.0  # seconds, beside, for a learner's cells around the answer
OUTPUT_LIMIT = 200_000
MESSAGE_LIMIT = 1_000_000  # bytes; a larger message is never received
ENVELOPE = 1500  # characters of a message that are not counted
MEMORY_LIMIT = 200_000_000  # bytes that the grader may grow by while messages come in
STARTUP = 60.0
POLL = 0.2
STARVED = 0.3  # of a cell's time, spent in waiting for a processor, is not the learner's fault
AFTER_INTERRUPT = 2.0

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Job:
    """What one kernel runs: a notebook as text, its limits in seconds and characters, and where.

    `isolation`: "bubblewrap", or "none" for a kernel that may do whatever the grader may. `warm`:
    fork it from a server that has imported what kernels need. `whole`: with the course's feedback,
    for notebooks that hold nothing hidden. `files`: what cells open, by name.
    """

    notebook: str
    isolation: str = SANDBOX
    warm: bool = True
    whole: bool = False
    budget: float = BUDGET
    output_limit: int = OUTPUT_LIMIT
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass
class CellRun:
    """What one cell did.

    `status` is "ok", "error" (it raised), "timeout", "died" (the kernel is gone), "output" (more
    than the limit) or "not run"; `detail` says more; `text` is what it printed to stdout; `played`
    what the referee saw, where the cell is a game.
    """

    id: str
    status: str
    text: str = ""
    detail: str = ""
    played: Played | None = None


@dataclass
class Outcome:
    """What the kernel did; `failure` is the grader's own trouble, "" if there was none.

    `starved`: a cell ran out of time while others kept the processors from it.
    """

    cells: list[CellRun] = field(default_factory=list)
    seconds: float = 0.0
    failure: str = ""
    starved: bool = False

    def cell(self, cell_id: str) -> CellRun:
        """The last run of a cell; "not run" if it never ran."""
        runs = [cell for cell in self.cells if cell.id == cell_id]
        return runs[-1] if runs else CellRun(cell_id, "not run")


def run(job: Job) -> Outcome:
    """Run a job in a new kernel and return what its cells did. Nothing the cells do raises here."""
    plugin = _Plugin(job)
    arguments = [
        *(str(COLLECTED / "exercise.ipynb"), "-c", str(COLLECTED / "pytest.ini")),
        *("--rootdir", str(COLLECTED), "--noconftest", "--capture=no", "--tb=no", "-q"),
        *("-p", "nbval.plugin", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
        *("-p", "no:unraisableexception", "-p", "no:threadexception"),  # each collects garbage
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

    def __init__(self, job: Job) -> None:
        self.job, self.outcome = job, Outcome()

    def pytest_collect_file(self, file_path: Path, parent: Any) -> Any:
        if file_path.suffix == ".ipynb":
            collected = GradedFile.from_parent(parent, path=file_path)
            collected.job, collected.outcome = self.job, self.outcome
            return collected
        return None


class KernelDied(Exception):
    """The kernel's process is gone."""


class TooMuchOutput(Exception):
    """The cell sent more than the limit."""


class SandboxManager(KernelManager):
    """A kernel in the sandbox; its connection file is in there too, and nowhere else."""

    def write_connection_file(self, **_: Any) -> None:
        """Nothing: the provisioner has passed it on."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """One that names our provisioner."""
        used = {"provisioner_name": provisioner.NAME, "config": self.config_of_kernel}
        return KernelSpec(display_name="sandbox", metadata={"kernel_provisioner": used})

    config_of_kernel: dict[str, bool]
    referee: int | None = None
    files: tuple[tuple[str, bytes], ...] = ()


class GradingKernel(RunningKernel):
    """nbval's kernel, in the sandbox or in an empty folder, watched while it works."""

    def __init__(self, job: Job, plays: bool = False) -> None:
        self.referee: tuple[socket.socket, socket.socket] | None = None
        self.waiting: deque[dict[str, Any]] = deque()
        self.limit, self.received = job.output_limit, 0
        self.allowed, self.until = STARTUP, monotonic() + STARTUP
        self.most = resident() + MEMORY_LIMIT
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        self.held: IO[bytes] | None = None
        self.context = zmq.Context()
        self.context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_LIMIT)
        self.context.setsockopt(zmq.RCVHWM, 50)  # messages that wait unread
        self.context.setsockopt(zmq.LINGER, 0)
        try:
            if plays:
                self.referee = socket.socketpair()  # ours, and the kernel's
            if job.isolation == SANDBOX:
                self._start_sandboxed(job)
            else:
                self._start_unsafe(job)
            self.kc = self.km.client()
            self.kc.start_channels(hb=False)  # the process itself is watched
            self._ensure_iopub_up()
        except Exception:
            self.stop()
            raise

    def _start_sandboxed(self, job: Job) -> None:
        provisioner.register()
        manager = SandboxManager(context=self.context, connection_file="/none")
        manager.config_of_kernel = {"warm": job.warm, "whole": job.whole}
        manager.files = job.files
        manager.referee = self.referee[1].fileno() if self.referee else None
        self.km: KernelManager = manager
        self.km.start_kernel()

    def _start_unsafe(self, job: Job) -> None:
        unsafe.remove_abandoned()
        self.folder = tempfile.TemporaryDirectory(prefix=unsafe.PREFIX, ignore_cleanup_errors=True)
        folder = Path(self.folder.name)
        self.held = unsafe.hold(folder)
        self.km = KernelManager(
            kernel_name=CURRENT_ENV_KERNEL_NAME,
            kernel_spec_manager=NbvalKernelspecManager(),
            connection_file=str(folder / "kernel.json"),
            context=self.context,
        )
        if os.name == "posix":  # no port to lose to another kernel that starts at the same time
            self.km.transport = "ipc"
            self.km.ip = str(folder / "k")
        environment = unsafe.kernel_environment(folder, job.whole)
        work = unsafe.empty(folder / "work")
        for name, content in job.files:
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(content)
            (work / name).chmod(0o444)
        passed: dict[str, Any] = {}
        if self.referee:
            environment[REFEREE] = str(self.referee[1].fileno())
            passed["pass_fds"] = [self.referee[1].fileno()]
        self.km.start_kernel(
            cwd=str(work),
            env=environment,
            extra_arguments=["--HistoryManager.enabled=False"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **passed,
        )

    def _ensure_iopub_up(self) -> None:
        """Ask until the answer comes on both channels; a kernel that is no longer there raises."""
        for _ in range(round(STARTUP / POLL)):
            asked = self.kc.kernel_info()
            with contextlib.suppress(Empty):
                self.await_reply(asked, timeout=STARTUP)
                self.await_idle(asked, POLL)
                return
        raise RuntimeError(f"no answer within {STARTUP:g} s")

    def new_cell(self, allowed: float) -> None:
        """Start counting output again, and forget what came late from the cell before."""
        self.waiting.clear()
        self.received = 0
        self.most = resident() + MEMORY_LIMIT
        self.allowed, self.until = allowed, monotonic() + allowed + 2 * AFTER_INTERRUPT

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """As nbval's, but a dead kernel is noticed within a second and output is counted.

        Raises Empty at the cell's time limit (nbval has one for all), KernelDied, TooMuchOutput.
        """
        end = monotonic() + min(self.allowed, STARTUP if timeout is None else timeout)
        poller = zmq.Poller()
        poller.register(self.kc.shell_channel.socket, zmq.POLLIN)
        poller.register(self.kc.iopub_channel.socket, zmq.POLLIN)
        while (left := end - monotonic()) > 0:
            ready = dict(poller.poll(round(1000 * min(POLL, left))))
            if self.kc.iopub_channel.socket in ready:
                self.waiting.append(self._counted(self.kc.get_iopub_msg(timeout=0)))
            if self.kc.shell_channel.socket in ready:
                message = self.kc.get_shell_msg(timeout=0)
                if message["parent_header"].get("msg_id") == msg_id:
                    return
            if resident() > self.most:
                raise TooMuchOutput
            if not ready and not self.is_alive():
                raise KernelDied
        raise Empty

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next message, those first that came while a reply was awaited.

        However many a learner's process sends, after the cell's own time there are no more.
        """
        if stream == "iopub" and self.waiting:
            return self.waiting.popleft()
        end = min(self.until, monotonic() + (STARTUP if timeout is None else timeout))
        while (left := end - monotonic()) > 0:
            try:
                if stream == "iopub":
                    return self._counted(self.kc.get_iopub_msg(timeout=min(POLL, left)))
                return self.kc.get_shell_msg(timeout=min(POLL, left))
            except Empty:
                if resident() > self.most:
                    raise TooMuchOutput from None
                if not self.is_alive():
                    raise KernelDied from None
        raise Empty

    def _counted(self, message: dict[str, Any]) -> dict[str, Any]:
        rest = {key: message[key] for key in ("header", "parent_header", "metadata")}
        size = max(20, len(str(message["content"])) + len(str(rest)) - ENVELOPE)
        if message["msg_type"] != "execute_input":
            self.received += size + sum(len(buffer) for buffer in message["buffers"])
        if self.received > self.limit:
            raise TooMuchOutput
        return message

    @property
    def ended(self) -> str:
        """What is known of how a kernel in the sandbox ended."""
        used: Any = getattr(getattr(self, "km", None), "provisioner", None)
        return used.kernel.ended if getattr(used, "kernel", None) else ""

    def waited(self) -> float:
        """Seconds for which a kernel in the sandbox has waited for a processor; 0 if unknown."""
        used: Any = getattr(getattr(self, "km", None), "provisioner", None)
        if getattr(used, "kernel", None) is None:
            return 0.0
        try:
            schedule = Path(f"/proc/{used.kernel.process()}/schedstat")
            return int(schedule.read_text(encoding="ascii").split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0

    def stop(self) -> None:
        """Kill the kernel and close its channels; harmless the second time."""
        if hasattr(self, "kc"):
            self.kc.stop_channels()
        if hasattr(self, "km"):
            with contextlib.suppress(Exception):  # it may never have started
                self.km.shutdown_kernel(now=True)
            del self.km
        if self.held:
            self.held.close()
        self.context.destroy(linger=0)
        for end in self.referee or ():
            end.close()
        if self.folder:
            self.folder.cleanup()


class GradedFile(IPyNbFile):
    """The grafted notebook."""

    job: Job
    outcome: Outcome
    games: float = 0.0  # seconds that the cells may take that play with the referee

    def setup(self) -> None:
        """Start the kernel; trouble here is the grader's and never the learner's."""
        try:
            self.kernel = GradingKernel(self.job, plays=self.games > 0)
        except Exception as error:
            name = "" if isinstance(error, SandboxError) else f"{type(error).__name__}: "
            self.outcome.failure = f"the kernel did not start ({name}{error})"
            raise
        self.around = monotonic() + AROUND_BUDGET
        self.deadline = monotonic() + self.job.budget + self.games

    def collect(self) -> Iterator[GradedCell]:
        """One item per cell, named by its id; marks in a learner's comments change nothing."""
        notebook = nbformat.reads(self.job.notebook, as_version=4)
        for number, cell in enumerate(notebook.cells):
            if "play" in (data := cell.metadata["lrlesson"]):
                self.games += data.get("timeout", CELL_TIMEOUT)
            item = GradedCell.from_parent(
                self,
                name=cell.metadata["lrlesson"]["id"],
                cell_num=number,
                cell=cell,
                options=dict.fromkeys(("skip", "check", "check_exception"), False),
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
        data = self.cell.metadata["lrlesson"]
        beside = data.get("role") == AROUND
        left = (file.around if beside else file.deadline) - started
        allowed = min(data.get("timeout", CELL_TIMEOUT), left)
        if allowed <= 0:
            done.detail = "the exercise used up its time"
            return
        if not file.kernel.is_alive():
            done.detail = "the kernel was gone"
            return
        self.output_timeout = AFTER_INTERRUPT
        file.timed_out = False
        file.kernel.new_cell(allowed)
        waited = file.kernel.waited()
        referee = self._referee()
        try:
            super().runtest()
            done.status = "ok"
        except KernelDied:
            done.status, done.detail = "died", file.kernel.ended or "the Python process ended"
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
            outcome.starved |= file.kernel.waited() - waited > STARVED * allowed
        if referee:
            done.played = referee.stop()
            outcome.failure = outcome.failure or referee.failure
        outputs = self.test_outputs or []
        streams = [o for o in outputs if o.output_type == "stream" and o.name == "stdout"]
        done.text = "".join(str(o.text) for o in streams)
        took = monotonic() - started
        outcome.seconds += took
        if beside:
            file.deadline += took

    def _referee(self) -> Referee | None:
        """One that has begun to listen, where the cell plays with it."""
        data, kernel = self.cell.metadata["lrlesson"], self.parent.kernel
        if "play" not in data or not kernel.referee:
            return None
        referee = Referee(kernel.referee[0], data["play"], data["seeds"])
        referee.start()
        return referee


def resident() -> int:
    """Bytes of memory that this process has now; 0 where the system does not say.

    One message of many parts is taken in whole, and no limit of ZeroMQ holds for it.
    """
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * resource.getpagesize()
    except (OSError, NameError):
        return 0
