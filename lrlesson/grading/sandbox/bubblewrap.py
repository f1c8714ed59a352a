"""A bubblewrap with a fork server in it, and the kernels that it forks.

`Sandbox()` starts one; `.launch(connection)` forks a kernel that listens on sockets in its own file
system, which the grader reaches through /proc; `.close()` ends everything. Nothing is written
outside the sandbox, so nothing is left behind, however the grader ends: the fork server ends with
the socket that it is asked through.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import platform
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from lrlesson.grading.errors import SandboxError
from lrlesson.grading.sandbox import fork_server, memory, mounts, system_calls

MEGABYTE = 1 << 20
STARTUP = 60.0
INSIDE = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/learner/home",
    "IPYTHONDIR": "/learner/home",
    "MPLCONFIGDIR": "/learner/home",
    "TMPDIR": "/learner/tmp",
    "LANG": "C.UTF-8",
    "PYTHONPATH": "/lrlesson",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MPLBACKEND": "agg",
}


@dataclass(frozen=True)
class Limits:
    """What one kernel and its children may use.

    memory: bytes of addresses per process; resident: bytes of memory of all together, disk
    included; disk: bytes of all files, and of one; files: how many; processes: with threads;
    descriptors: per process.
    """

    memory: int = 3072 * MEGABYTE
    resident: int = 1536 * MEGABYTE
    disk: int = 64 * MEGABYTE
    files: int = 2000
    processes: int = 64
    descriptors: int = 256


def problem() -> str:
    """Why there is no sandbox on this machine, in one sentence; "" where there is."""
    if sys.platform != "linux":
        return "the sandbox needs Linux (bubblewrap), and this is not."
    if platform.machine() not in system_calls.ARCHITECTURES:
        known = " and ".join(system_calls.ARCHITECTURES)
        return f"the sandbox knows {known}, not {platform.machine()}."
    if not shutil.which("bwrap"):
        return (
            "bubblewrap is not installed, which runs what learners hand in without risk; on "
            "Debian and Ubuntu: sudo apt install bubblewrap; on Fedora: sudo dnf install bubblewrap"
        )
    return system_calls.problem() or _tried()


@cache
def _tried() -> str:
    """Whether bubblewrap may make its namespaces here."""
    visible = ["--ro-bind", "/usr", "/usr", *mounts.links(), "--proc", "/proc"]
    tried = subprocess.run(
        [_bwrap(), "--unshare-all", "--cap-add", "ALL", "--as-pid-1", *visible, "true"],
        check=False,
        capture_output=True,
        text=True,
        **_user(),
    )
    if tried.returncode == 0:
        return ""
    said = " ".join(tried.stderr.split())[:200]
    return (
        f"bubblewrap may not make a sandbox here ({said}); the machine's owner has to allow "
        "unprivileged user namespaces"
    )


def unprivileged() -> tuple[int, int] | None:
    """The user and group that kernels run as where the grader is root; None where it is not."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid
    except KeyError:
        return 65534, 65534


class Kernel:
    """A forked kernel: the guard's socket and process, and its channels' address from outside."""

    def __init__(
        self, control: socket.socket, connection: dict[str, Any], pid: int, limit: int
    ) -> None:
        self.control, self.pid, self.ended = control, pid, ""
        self.limit, self.group = limit, memory.group(limit)
        control.setblocking(False)
        self.guard = _Process(pid)
        self.connection = {**connection, "ip": f"/proc/{pid}/root{connection['ip']}"}
        if self.group and not self.group.add(self.process()):  # nothing of a learner's has run
            self.group = None

    def process(self) -> int:
        """The kernel itself, the guard's only child; 0 if it is gone."""
        try:
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children")
            return int(listed.read_text(encoding="ascii").split()[0])
        except (OSError, IndexError, ValueError):
            return 0

    @property
    def alive(self) -> bool:
        """Whether the guard is still there; `ended` says why it is not."""
        gone = self.guard.wait(0)
        with contextlib.suppress(OSError):  # nothing waits
            while text := self.control.recv(4096):
                self.ended = json.loads(text).get("ended", self.ended)
        if self.group and self.group.exceeded:  # one process of it: then all
            self.guard.kill()
            self.ended = fork_server.TOO_MUCH.format(self.limit // MEGABYTE)
            return False
        return not gone

    def signal(self, number: int) -> None:
        """Send a signal to the kernel and its children."""
        with contextlib.suppress(OSError):
            self.control.send(str(int(number)).encode())

    def kill(self, within: float = 30.0) -> bool:
        """End the guard, and with it every process of the kernel; True once all are gone.

        From outside, where nothing that they do can be in the way.
        """
        if self.alive:
            self.guard.kill()
            self.ended = self.ended or "stopped by the grader"
        gone = self.guard.wait(within)
        self.control.close()
        if self.group and gone:
            self.group.close()
        return gone


class _Process:
    """A process of the sandbox, by a descriptor that never comes to mean another one."""

    def __init__(self, pid: int) -> None:
        self.descriptor = os.pidfd_open(pid)
        weakref.finalize(self, os.close, self.descriptor).atexit = False

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, with all processes in its namespace if it was the first there."""
        return bool(select.select([self.descriptor], [], [], seconds)[0])

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)


def _with_sender(receiver: socket.socket) -> tuple[bytes, int]:
    """A packet, b"" if none comes, and the process that sent it; the socket has SO_PASSCRED."""
    try:
        size = socket.CMSG_SPACE(struct.calcsize("3i"))
        text, ancillary, _, _ = receiver.recvmsg(4096, size)
    except OSError:
        return b"", 0
    return text, struct.unpack("3i", ancillary[0][2])[0] if ancillary else 0


class Sandbox:
    """One bubblewrap with a fork server; a context manager.

    `whole` puts lrlesson.feedback in as well, for notebooks that check themselves; `files` (name
    and content) are in the folder in which kernels run, and nothing there can change them.
    Raises SandboxError, in one sentence, where it cannot be.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        whole: bool = False,
        files: tuple[tuple[str, bytes], ...] = (),
    ) -> None:
        if why := problem():
            raise SandboxError(why)
        self.limits = limits or Limits()
        self.requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.requests.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.server: _Process | None = None
        self.entries = sorted({name.split("/")[0] for name, _ in files})
        with theirs, contextlib.ExitStack() as opened:
            library = opened.enter_context(_holding(mounts.library(whole)))
            given = [(name, opened.enter_context(_holding(content))) for name, content in files]
            self.process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
                _command(library.fileno(), [(name, file.fileno()) for name, file in given]),
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[library.fileno(), *(file.fileno() for _, file in given)],
                start_new_session=True,  # Ctrl-C is for the grader
                **_user(),
            )
        self.tmp = not any(path.is_relative_to("/tmp") for _, path in mounts.places())

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ready(self) -> None:
        """Wait until the fork server has imported what it needs; SandboxError if it does not."""
        if self.server:
            return
        self.requests.settimeout(STARTUP)
        said, pid = _with_sender(self.requests)
        if not said:
            assert self.process.stderr
            self.requests.close()  # ends it, where it has not ended
            lines = self.process.stderr.read().decode(errors="replace").strip().splitlines()
            self.close()
            raise SandboxError(f"the sandbox did not start: {' '.join(lines[-2:])[:300]}")
        self.server = _Process(pid)

    def launch(self, connection: dict[str, Any], referee: int | None = None) -> Kernel:
        """Fork a kernel that listens at `connection`, an ipc connection file's content.

        referee: a socket's descriptor that the kernel shall hold as well. SandboxError if it does
        not start.
        """
        self.ready()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        ours.settimeout(STARTUP)
        program = base64.b64encode(system_calls.program(platform.machine())).decode()
        request = {"connection": connection, "tmp": self.tmp, "filter": program}
        request["entries"] = self.entries
        request |= asdict(self.limits)
        with theirs:
            try:
                passed = [theirs.fileno()] + ([] if referee is None else [referee])
                socket.send_fds(self.requests, [json.dumps(request).encode()], passed)
            except OSError as error:
                ours.close()
                raise SandboxError("the sandbox is gone") from error
        text, pid = _with_sender(ours)
        answer = json.loads(text or "{}")
        if "ready" not in answer:
            ours.close()
            raise SandboxError(f"the kernel did not start: {answer.get('error', 'no answer')}")
        return Kernel(ours, connection, pid, self.limits.resident)

    def close(self) -> None:
        """End the fork server and, with it, every process in the sandbox."""
        self.requests.close()
        if self.server and not self.server.wait(1):
            self.server.kill()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()


@contextlib.contextmanager
def _holding(content: bytes) -> Iterator[IO[bytes]]:
    """An open file without a name that holds this, for bubblewrap to read."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


def _command(library: int, files: list[tuple[str, int]]) -> list[str]:
    """bubblewrap's command line: what is visible inside, all of it read-only."""
    command = [_bwrap(), "--unshare-all", "--cap-add", "ALL", "--as-pid-1", "--clearenv"]
    command += ["--uid", "1000", "--gid", "1000", "--hostname", "sandbox"]
    path = os.pathsep.join([INSIDE["PYTHONPATH"], *map(str, mounts.site_packages())])
    for name, value in {**INSIDE, "PYTHONPATH": path}.items():
        command += ["--setenv", name, value]
    command += ["--ro-bind", "/usr", "/usr", *mounts.links()]
    for path in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime"):
        command += ["--ro-bind-try", path, path]
    command += ["--proc", "/proc", "--tmpfs", "/dev"]
    for name in fork_server.DEVICES:
        command += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    command += ["--symlink", "/proc/self/fd", "/dev/fd", "--dir", "/dev/shm"]
    for source, target in mounts.places():
        command += ["--ro-bind", str(source), str(target)]
    for folder in mounts.site_packages():
        if (folder / "lrlesson").is_dir() and not mounts.copied():
            command += ["--tmpfs", str(folder / "lrlesson")]
    command += ["--dir", "/tmp", "--dir", "/ipc", "--tmpfs", "/learner", "--tmpfs", "/lrlesson"]
    command += ["--dir", "/files"]
    for name, number in files:
        command += ["--perms", "0444", "--file", str(number), f"/files/{name}"]
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
    program = Path(fork_server.__file__).read_text(encoding="utf-8")
    return [*command, sys.executable, "-s", "-P", "-c", program, str(library)]


def _bwrap() -> str:
    return shutil.which("bwrap") or "bwrap"


def _user() -> Any:
    """For subprocess: the unprivileged user, where the grader is root."""
    ids = unprivileged()
    return {"user": ids[0], "group": ids[1], "extra_groups": []} if ids else {}
