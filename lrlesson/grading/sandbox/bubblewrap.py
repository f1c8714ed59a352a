"""A bubblewrap with a fork server in it, and the kernels that it forks.

`Sandbox()` starts one; `.launch(connection)` forks a kernel that listens on sockets in its own file
system, which the grader reaches through /proc; `.close()` ends everything. Nothing is written
outside the sandbox, so nothing is left behind, however the grader ends: the fork server ends with
the socket that it is asked through.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import weakref
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import lrlesson
from lrlesson.grading.errors import GradeError
from lrlesson.grading.sandbox import fork_server, memory, system_calls

MEGABYTE = 1 << 20
STARTUP = 60.0
NOT_IN_KERNEL = ("feedback", "grading", "cli.py", "office.py")
PACKAGES = ("ipykernel", "numpy", "scipy", "scikit-learn", "matplotlib", "anywidget", "ipywidgets")
CACHE = Path("/var/cache/lrlesson")
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


class SandboxError(GradeError):
    """The sandbox cannot be had here, or a kernel did not start in it."""


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
    visible = ["--ro-bind", "/usr", "/usr", *_links(), "--proc", "/proc"]
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
            library = opened.enter_context(_holding(_library(whole)))
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
        self.tmp = not any(path.is_relative_to("/tmp") for _, path in _places())

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
    path = os.pathsep.join([INSIDE["PYTHONPATH"], *map(str, _site_packages())])
    for name, value in {**INSIDE, "PYTHONPATH": path}.items():
        command += ["--setenv", name, value]
    command += ["--ro-bind", "/usr", "/usr", *_links()]
    for path in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime"):
        command += ["--ro-bind-try", path, path]
    command += ["--proc", "/proc", "--tmpfs", "/dev"]
    for name in fork_server.DEVICES:
        command += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    command += ["--symlink", "/proc/self/fd", "/dev/fd", "--dir", "/dev/shm"]
    for source, target in _places():
        command += ["--ro-bind", str(source), str(target)]
    for folder in _site_packages():
        if (folder / "lrlesson").is_dir() and not copied():
            command += ["--tmpfs", str(folder / "lrlesson")]
    command += ["--dir", "/tmp", "--dir", "/ipc", "--tmpfs", "/learner", "--tmpfs", "/lrlesson"]
    command += ["--dir", "/files"]
    for name, number in files:
        command += ["--perms", "0444", "--file", str(number), f"/files/{name}"]
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
    program = Path(fork_server.__file__).read_text(encoding="utf-8")
    return [*command, sys.executable, "-s", "-P", "-c", program, str(library)]


def seen_in(path: Path) -> Path | None:
    """The folder that kernels can read and that `path` lies in, if there is one."""
    place = path.resolve()
    ours = [folder / "lrlesson" for folder in _site_packages()]  # which no kernel sees there
    shown = [Path("/usr"), *(target for _, target in _places())]
    shown += [
        Path(word) for word in _links() if Path(word).is_dir() and not Path(word).is_symlink()
    ]
    if any(place.is_relative_to(folder.resolve()) for folder in ours):
        return None
    return next((folder for folder in shown if place.is_relative_to(folder.resolve())), None)


def _bwrap() -> str:
    return shutil.which("bwrap") or "bwrap"


def _user() -> Any:
    """For subprocess: the unprivileged user, where the grader is root."""
    ids = unprivileged()
    return {"user": ids[0], "group": ids[1], "extra_groups": []} if ids else {}


def _links() -> list[str]:
    """/lib and its like: links into /usr on most systems, folders of their own on others."""
    found = []
    for path in map(Path, ("/lib", "/lib64", "/lib32", "/bin", "/sbin")):
        if path.is_symlink():
            found += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            found += ["--ro-bind", str(path), str(path)]
    return found


@cache
def _places() -> tuple[tuple[Path, Path], ...]:
    """Python and its packages: where each folder is, and where it is to be seen inside."""
    wanted = [Path(sys.base_prefix), Path(sys.prefix), *_site_packages()]
    wanted = [path for path in wanted if not path.is_relative_to("/usr")]
    kept: list[Path] = []
    for path in sorted(set(wanted), key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    for path in kept:
        if len(path.parts) < 3 or path == Path.home():
            raise SandboxError(f"Python is installed in {path} itself; use one in a virtualenv")
    if os.geteuid() == 0 and not all(map(_open_to_all, kept)):
        runtime = _runtime(kept)
        return tuple((runtime / path.relative_to("/"), path) for path in kept)
    return tuple((path, path) for path in kept)


def copied() -> Path | None:
    """Where root's Python was put for the unprivileged user to read; None where it is readable."""
    return next((CACHE for source, target in _places() if source != target), None)


def _site_packages() -> list[Path]:
    """The folders of installed packages; never the one that an editable lrlesson is in."""
    own = Path(lrlesson.__file__).parent.parent
    names = ("site-packages", "dist-packages")
    found = [Path(p) for p in sys.path if Path(p).name in names and Path(p).is_dir()]
    return [path for path in found if path != own or path.name in names]


def _open_to_all(path: Path) -> bool:
    """Whether any user may read this folder."""
    readable = path.stat().st_mode & stat.S_IROTH
    return bool(readable) and all(p.stat().st_mode & stat.S_IXOTH for p in (path, *path.parents))


def _runtime(prefixes: list[Path]) -> Path:
    """Python and the packages of a kernel where every user can read them, kept between runs.

    Files are linked where the file system allows it, so this takes a second and no space.
    """
    wanted = _distributions()
    versions = sorted(f"{name} {d.version}" for name, d in wanted.items())
    key = hashlib.sha256(repr((sys.version, prefixes, versions)).encode()).hexdigest()[:16]
    made = CACHE / f"python-{key}"
    if made.is_dir():
        return made
    CACHE.mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o755)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=CACHE) as name:
        partial = Path(name) / "python"
        for prefix in prefixes:
            _link_tree(prefix, partial / prefix.relative_to("/"), packages=False)
        for distribution in wanted.values():
            _link_distribution(distribution, partial)
        for folder, _, _ in os.walk(partial):
            Path(folder).chmod(0o755)
        try:
            partial.rename(made)
        except OSError:
            if not made.is_dir():  # else another grader was quicker
                raise
    return made


def _distributions() -> dict[str, importlib.metadata.Distribution]:
    """What a kernel imports, with all that it requires."""
    found: dict[str, importlib.metadata.Distribution] = {}
    names = list(PACKAGES)
    while names:
        name = re.sub(r"[-_.]+", "-", names.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        for requirement in found[name].requires or []:
            if "extra ==" not in requirement:
                match = re.match(r"[\w.-]+", requirement)
                names += [match[0]] if match else []
    return found


def _link_distribution(distribution: importlib.metadata.Distribution, root: Path) -> None:
    base = Path(str(distribution.locate_file("")))
    for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
        source = base / top
        target = root / source.relative_to("/")
        if source.is_dir():
            _link_tree(source, target)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(str(source), str(target))


def _link_tree(source: Path, target: Path, packages: bool = True) -> None:
    leave = [] if packages else ["site-packages", "test", "idlelib", "share", "include", "Lib"]
    leave += [] if packages else ["*.a", "jupyter*", "etc"]
    shutil.copytree(
        source,
        target,
        symlinks=True,
        ignore=shutil.ignore_patterns(*leave),
        copy_function=_link,
        dirs_exist_ok=True,
    )


def _link(source: str, target: str) -> str:
    with contextlib.suppress(FileExistsError):
        readable = Path(source).stat().st_mode & stat.S_IROTH
        try:
            if not readable:
                raise PermissionError
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:
            shutil.copy(source, target)
            Path(target).chmod(Path(target).stat().st_mode | 0o444)
    return target


def left_out_of(whole: bool) -> set[str]:
    """The parts of lrlesson that a kernel does not see."""
    return set(NOT_IN_KERNEL) - ({"feedback"} if whole else set())


@cache
def _library(whole: bool = False) -> bytes:
    """lrlesson as a zip, without the parts that a grading kernel must not see."""
    source = Path(lrlesson.__file__).parent
    left_out = left_out_of(whole)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(source.rglob("*")):
            parts = path.relative_to(source).parts
            if path.is_file() and parts[0] not in left_out and "__pycache__" not in parts:
                archive.write(path, Path("lrlesson", *parts))
    return content.getvalue()
