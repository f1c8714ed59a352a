"""The fork server inside a sandbox: it runs as the first process of a bubblewrap, and nowhere else.

The grader sends this file's text as the program (`python -c`), so it imports nothing of ours. It
imports what kernels need once, then forks a kernel per request:

    fork_server    first process of bubblewrap's namespaces; trusted; runs nothing of a learner
      guard   first process of the kernel's own process, mount and ipc namespaces; trusted; builds
              the kernel's file systems, watches its memory, passes on signals, ends it
        kernel  no capability, no way to get one, limits set: here the learner's code runs

Both trusted processes hold capabilities in bubblewrap's user namespace only, which own nothing
outside. Messages are JSON, one per packet: requests come on standard input, each with the socket
on which its guard answers; a guard ends its kernel when that socket is closed.
"""

# System calls throughout: pathlib would hide them.
# ruff: noqa: PTH102, PTH112, PTH115, PTH123, PTH208

from __future__ import annotations

import base64
import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
import zipfile

NEWNS, NEWIPC, NEWUSER, NEWPID = 0x00020000, 0x08000000, 0x10000000, 0x20000000
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
SET_DUMPABLE, SET_SECCOMP, CAPBSET_DROP = 4, 22, 24
SET_SECUREBITS, SET_NO_NEW_PRIVS, CAP_AMBIENT = 28, 38, 47
NOROOT_LOCKED = 0b101111  # no capabilities for user 0, none kept or raised, all locked
DEVICES = ("null", "full", "random", "urandom")  # not zero, of which memory can be made
WATCH = 0.1  # s between two looks at the memory
MOST_OPEN = 4  # times what one process may open: sockets and pipes of all
MEGABYTE = 1 << 20
TOO_MUCH = "its processes used more than {} MB of memory"
PIPE = 1 << 16  # bytes that one holds; its size cannot be changed
# What every kernel would import for itself, the last ones while it starts.
WARM = (
    *("numpy.random", "matplotlib.pyplot", "lrlesson", "ipykernel.kernelapp"),
    *("ipykernel.debugger", "IPython.core.debugger", "IPython.extensions.storemagic"),
    *("IPython.core.oinspect", "IPython.core.completerlib", "tornado.platform.asyncio"),
)

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """A function of the C library that returns 0, or OSError."""
    converted = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    if getattr(libc, name)(*converted) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2)."""
    call("mount", source.encode(), target.encode(), kind and kind.encode(), flags, options.encode())


def serve(library: int) -> None:
    """Unpack the library, import what kernels need, then fork one per request until the end."""
    with open(library, "rb") as file:
        zipfile.ZipFile(io.BytesIO(file.read())).extractall("/lrlesson")
    mount("none", "/lrlesson", None, REMOUNT | RDONLY | NOSUID | NODEV)
    warm()
    requests = socket.socket(fileno=os.dup(0))
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    requests.send(b'{"started": true}')
    gc.collect()
    gc.freeze()
    while True:
        ready, _, _ = select.select([requests], [], [], 1)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not ready:
            continue
        text, descriptors, _, _ = socket.recv_fds(requests, 65536, 2)
        if not text:
            return
        if not descriptors:
            continue
        if os.fork() == 0:
            with socket.socket(fileno=descriptors[0]) as control:
                requests.close()
                begin(control, {**json.loads(text), "referee": descriptors[1:]})
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


def warm() -> None:
    """Import once what every kernel would import for itself."""
    for name in ("home", "tmp"):  # Matplotlib insists; every kernel covers them with its own
        os.mkdir(f"/learner/{name}")
    modules: dict = sys.modules
    modules["debugpy"] = None  # no debugger: it takes longer to load than all the rest together
    for name in WARM:
        importlib.import_module(name)


def begin(control: socket.socket, request: dict) -> None:
    """Enter new namespaces; the first process in them is the guard."""
    try:
        call("unshare", NEWPID | NEWNS | NEWIPC)
        if os.fork() == 0:
            guard(control, request)
            os._exit(0)
    except BaseException as error:
        tell(control, error=f"{type(error).__name__}: {error}")


def tell(control: socket.socket, **message: object) -> None:
    """Answer the grader; whoever no longer listens is not told."""
    with contextlib.suppress(OSError):
        control.send(json.dumps(message).encode())


def guard(control: socket.socket, request: dict) -> None:
    """Build the kernel's file systems, start it, and watch it until it or the grader ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the only one that a kernel could end it with
    try:
        call("prctl", SET_DUMPABLE, 0, 0, 0, 0)
        file_systems(request)
        begun, told = os.pipe()
        kernel = os.fork()
        if kernel == 0:
            keep(told, request["referee"])
            try:
                become_kernel(request)
            except BaseException as error:
                with contextlib.suppress(OSError):
                    os.write(3, f"{type(error).__name__}: {error}".encode()[:1000])
            os._exit(1)
        for descriptor in (told, *request["referee"]):
            os.close(descriptor)
        why = watch(control, request, kernel, begun)
    except BaseException as error:
        tell(control, error=f"{type(error).__name__}: {error}")
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    tell(control, ended=why)


def keep(told: int, referee: list[int]) -> None:
    """Of all open files only `told`, as 3, and the socket to a referee, where there is one, as 4.

    The environment names the second, which lrlesson.capstone looks for.
    """
    kept = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 100) for descriptor in (told, *referee)]
    for number, descriptor in enumerate(kept, 3):
        os.dup2(descriptor, number)
    os.closerange(3 + len(kept), 65536)
    if referee:
        os.environ["LRLESSON_REFEREE"] = "4"


def file_systems(request: dict) -> None:
    """A process table, a folder and a socket folder of the kernel's own; nothing else to write."""
    mount("none", "/", None, REC | PRIVATE)
    mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")
    mount("/proc/sys", "/proc/sys", None, BIND | REC)
    mount("none", "/proc/sys", None, REMOUNT | BIND | RDONLY | NOSUID | NODEV | NOEXEC)
    for name in DEVICES:  # whose times, too, are the host's
        mount("none", f"/dev/{name}", None, REMOUNT | BIND | RDONLY | NOSUID | NOEXEC)
    size = f"size={request['disk']},nr_inodes={request['files']},mode=700"
    mount("tmpfs", "/learner", "tmpfs", NOSUID | NODEV, size)
    for name in ("home", "work", "tmp", "shm"):
        os.mkdir(f"/learner/{name}", 0o700)
    mount("/learner/shm", "/dev/shm", None, BIND)
    if request["tmp"]:
        mount("/learner/tmp", "/tmp", None, BIND)
    for name in request["entries"]:  # the course's files: nothing can change or move them
        source, target = f"/files/{name}", f"/learner/work/{name}"
        if os.path.isdir(source):
            os.mkdir(target)
        else:
            os.close(os.open(target, os.O_CREAT, 0o444))
        mount(source, target, None, BIND | REC)
        mount("none", target, None, REMOUNT | BIND | RDONLY | NOSUID | NODEV)
    mount("tmpfs", "/ipc", "tmpfs", NOSUID | NODEV | NOEXEC, "size=64k,nr_inodes=32,mode=700")
    with open("/ipc/kernel.json", "w") as file:
        json.dump(request["connection"], file)


def become_kernel(request: dict) -> None:
    """Give everything up that a kernel does not need, then be one."""
    call("prctl", SET_DUMPABLE, 1, 0, 0, 0)  # unlike the guard: its own /proc is its own
    os.setsid()
    os.chdir("/learner/work")
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    mount("none", "/proc", None, REMOUNT | BIND | RDONLY | NOSUID | NODEV | NOEXEC)
    limits = {
        "AS": request["memory"],
        "NPROC": request["processes"],
        "FSIZE": request["disk"],
        "NOFILE": request["descriptors"],
        "CORE": 0,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
        "SIGPENDING": 1024,
    }
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    drop_privileges(base64.b64decode(request["filter"]))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize(["-f", "/ipc/kernel.json", "--HistoryManager.enabled=False"])
    os.write(3, b"ready")
    os.close(3)
    app.start()
    os._exit(0)


def drop_privileges(system_calls: bytes) -> None:
    """No capability, now or after any exec; no other user; no system call but the allowed ones."""
    call("prctl", SET_SECUREBITS, NOROOT_LOCKED, 0, 0, 0)
    call("prctl", CAP_AMBIENT, 4, 0, 0, 0)
    for capability in range(64):
        if libc.prctl(CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            break
    header = struct.pack("=Ii", 0x20080522, 0)
    call("capset", header, struct.pack("=6I", *[0] * 6))
    call("prctl", SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    program = ctypes.create_string_buffer(system_calls)
    header = struct.pack("@HP", len(system_calls) // 8, ctypes.addressof(program))
    call("prctl", SET_SECCOMP, 2, header, 0, 0)


def watch(control: socket.socket, request: dict, kernel: int, begun: int) -> str:
    """Until the kernel ends; why it did, in words."""
    waiting, looked, first = [control.fileno(), begun], 0.0, set[str]()
    while True:
        ready, _, _ = select.select(waiting, [], [], WATCH)
        if begun in ready:
            said = os.read(begun, 1000).decode(errors="replace")
            os.close(begun)
            waiting.remove(begun)
            if said != "ready":
                tell(control, error=said or "the kernel ended while it started")
                return "did not start"
            mount("none", "/ipc", None, REMOUNT | RDONLY | NOSUID | NODEV | NOEXEC)
            first = set(tasks(kernel))
            tell(control, ready=True)
        if control.fileno() in ready:
            text = control.recv(1000)
            if not text:
                return "stopped by the grader"
            with contextlib.suppress(ProcessLookupError):
                os.killpg(kernel, int(text))
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == kernel:
                    return ending(found[1])
        if first and time.monotonic() - looked > WATCH:
            looked = time.monotonic()
            put_last(first)
            held, most = channels(), request["resident"]
            if resident(held) > most and resident(held, shared=True) > most:
                return TOO_MUCH.format(most // MEGABYTE)
            if sum(held) > MOST_OPEN * request["descriptors"]:
                return "its processes had too many sockets and pipes"


def processes() -> list[str]:
    """All here but the guard."""
    return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def tasks(pid: int | str) -> list[str]:
    """The threads of a process, none if it is gone."""
    with contextlib.suppress(OSError):
        return os.listdir(f"/proc/{pid}/task")
    return []


def put_last(first: set[str]) -> None:
    """Whatever the kernel starts beside its own threads gets the time that others leave.

    However many they are, the neighbours lose no more to them than to one.
    """
    for task in {task for pid in processes() for task in tasks(pid)} - first:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, int(task), 19)


def ending(status: int) -> str:
    """A process's end, in words."""
    if os.WIFSIGNALED(status):
        return f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with exit code {os.WEXITSTATUS(status)}"


def resident(held: tuple[int, int], shared: bool = False) -> int:
    """Memory of all processes here but the guard, of all files and `held` channels, in bytes.

    Quickly, pages that forks share counting for each of them; with `shared`, slowly and exactly.
    Maps that are shared and have no file, the rest that there could be, are refused.
    """
    total = 0
    for pid in processes():
        with contextlib.suppress(OSError, ValueError):
            total += proportional(pid) if shared else private(pid)
    disk = os.statvfs("/learner")
    with socket.socket(socket.AF_UNIX) as one:
        buffer = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    waits = held[0] * buffer + held[1] * PIPE
    return total + (disk.f_blocks - disk.f_bfree) * disk.f_frsize + waits


def channels() -> tuple[int, int]:
    """How many sockets there are, and how many pipes the processes here but the guard hold.

    Sockets are counted where Linux lists them: one that waits to be accepted, or travels inside
    another, is in nobody's hands, and what it holds is paid for all the same.
    """
    with open("/proc/net/unix") as file:
        sockets = sum(1 for _ in file) - 1
    found = set()
    for pid in processes():
        with contextlib.suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fd"):
                found.add(os.readlink(f"/proc/{pid}/fd/{number}"))
    return sockets, sum(target.startswith("pipe:") for target in found)


def private(pid: str) -> int:
    """Bytes of a process that belong to no file, with what is swapped out, and its page tables."""
    return kilobytes(f"/proc/{pid}/status", "RssAnon:", "VmSwap:", "VmPTE:")


def proportional(pid: str) -> int:
    """As `private`, a page that n processes share counting as an nth."""
    own = kilobytes(f"/proc/{pid}/smaps_rollup", "Pss_Anon:", "SwapPss:")
    return own + kilobytes(f"/proc/{pid}/status", "VmPTE:")


def kilobytes(path: str, *names: str) -> int:
    """The sum of some lines "Name:  3 kB", in bytes."""
    with open(path) as file:
        return 1024 * sum(int(line.split()[1]) for line in file if line.startswith(names))


if __name__ == "__main__":
    serve(int(sys.argv[1]))
