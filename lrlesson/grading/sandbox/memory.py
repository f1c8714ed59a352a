"""A memory cgroup for each kernel, in a folder that the machine's owner has given us.

There Linux itself counts what a kernel's processes have the host pay for: their own memory, shared
maps, files in memory, what waits in sockets and pipes, page tables; and it ends them at the limit.
Without such a folder the guard counts ten times a second (`fork_server`).

LRLESSON_CGROUP names the folder, one of cgroup v1 below its memory controller or one of cgroup v2
with `memory` in its cgroup.subtree_control. None is taken unasked: the cgroups that a grader finds
itself in belong to whatever started it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

VARIABLE = "LRLESSON_CGROUP"
PREFIX = "lrlesson-"
FIRST = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
SECOND = ("memory.max", "memory.swap.max")
_numbers = itertools.count()


def problem() -> str:
    """Why there is no memory cgroup, in one sentence; "" where there is."""
    if not (name := os.environ.get(VARIABLE)):
        return f"{VARIABLE} names no memory cgroup"
    try:
        made = Group(1 << 30)
    except OSError as error:
        return f"{VARIABLE} = {name} cannot be used ({error.strerror or error})"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        added = made.add(process.pid)
        process.kill()
    made.close()
    return "" if added else f"{VARIABLE} = {name} takes no process of ours"


def group(limit: int) -> Group | None:
    """A new cgroup with a limit in bytes; None where there can be none."""
    try:
        return Group(limit) if os.environ.get(VARIABLE) else None
    except OSError:
        return None


class Group:
    """One cgroup, without swap; OSError where it cannot be made."""

    def __init__(self, limit: int) -> None:
        home = Path(os.environ[VARIABLE])
        _remove_abandoned(home)
        self.path = home / f"{PREFIX}{os.getpid()}-{next(_numbers)}"
        self.path.mkdir()
        try:
            second = (self.path / "cgroup.controllers").exists()
            memory, swap = SECOND if second else FIRST
            self._write(memory, limit)
            with contextlib.suppress(FileNotFoundError):  # a system that does not count swap
                self._write(swap, 0 if second else limit)
        except OSError:
            self.close()
            raise
        self.events = "memory.events" if second else "memory.oom_control"

    def add(self, pid: int) -> bool:
        """Put a process in, and all that it starts from now on; where that fails, remove this."""
        try:
            self._write("cgroup.procs", pid)
        except OSError:
            self.close()
            return False
        return True

    @property
    def exceeded(self) -> bool:
        """Whether a process was ended at the limit."""
        with contextlib.suppress(OSError):
            for line in (self.path / self.events).read_text(encoding="ascii").splitlines():
                if line.split()[0] == "oom_kill":
                    return line.split()[1] != "0"
        return False

    def close(self) -> None:
        """Remove it, whose processes have ended."""
        for _ in range(100):
            with contextlib.suppress(OSError):
                self.path.rmdir()
            if not self.path.exists():
                return
            time.sleep(0.01)

    def _write(self, name: str, value: int) -> None:
        # Not Path.write_text: a cgroup's files are there already, and none may be made.
        descriptor = os.open(self.path / name, os.O_WRONLY)
        try:
            os.write(descriptor, str(value).encode())
        finally:
            os.close(descriptor)


def _remove_abandoned(home: Path) -> None:
    """Remove what a grader left that was killed; one that is in use stays."""
    for path in home.glob(f"{PREFIX}*-*"):
        pid = path.name.removeprefix(PREFIX).split("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                path.rmdir()
