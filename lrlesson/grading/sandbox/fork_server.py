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
# ruff: noqa: PTH102, PTH115, PTH123, PTH208

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import platform
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
SET_SECCOMP, CAPBSET_DROP, SET_SECUREBITS, SET_NO_NEW_PRIVS, CAP_AMBIENT = 22, 24, 28, 38, 47
NOROOT_LOCKED = 0b101111  # no capabilities for user 0, none kept or raised, all locked
WATCH = 0.1  # s between two looks at the memory
MOST_OPEN = 4  # times what one process may open: sockets and pipes of all
MEGABYTE = 1 << 20
# What every kernel would import for itself, the last ones while it starts.
WARM = (
    *("numpy.random", "matplotlib.pyplot", "lrlesson", "ipykernel.kernelapp"),
    *("ipykernel.debugger", "IPython.core.debugger", "IPython.extensions.storemagic"),
    *("IPython.core.oinspect", "IPython.core.completerlib", "tornado.platform.asyncio"),
)

# System calls that no exercise needs and that reach memory which no limit counts, or the kernel's
# less travelled parts; by architecture, refused with EPERM.
REFUSED = {
    "x86_64": (
        0xC000003E,
        (
            "memfd_create 319, memfd_secret 447, shmget 29, semget 64, msgget 68, mq_open "
            "240, add_key 248, request_key 249, keyctl 250, bpf 321, perf_event_open 298, "
            "userfaultfd 323, io_uring_setup 425, ptrace 101, process_vm_readv 310, "
            "process_vm_writev 311, unshare 272, setns 308, mount 165, umount2 166, "
            "pivot_root 155, open_tree 428, move_mount 429, fsopen 430, fsmount 432, fspick "
            "433, mount_setattr 442, open_by_handle_at 304, kexec_load 246, init_module 175, "
            "finit_module 313, delete_module 176, syslog 103, reboot 169, swapon 167, "
            "quotactl 179, acct 163, pidfd_getfd 438, kcmp 312, process_madvise 440, fanotify_init "
            "300, name_to_handle_at 303, modify_ldt 154"
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            "memfd_create 279, memfd_secret 447, shmget 194, semget 190, msgget 186, mq_open "
            "180, add_key 217, request_key 218, keyctl 219, bpf 280, perf_event_open 241, "
            "userfaultfd 282, io_uring_setup 425, ptrace 117, process_vm_readv 270, "
            "process_vm_writev 271, unshare 97, setns 268, mount 40, umount2 39, pivot_root "
            "41, open_tree 428, move_mount 429, fsopen 430, fsmount 432, fspick 433, "
            "mount_setattr 442, open_by_handle_at 265, kexec_load 104, init_module 105, "
            "finit_module 273, delete_module 106, syslog 116, reboot 142, swapon 224, "
            "quotactl 60, acct 89, pidfd_getfd 438, kcmp 272, process_madvise 440, fanotify_init "
            "262, name_to_handle_at 264"
        ),
    ),
}

SOCKET = {"x86_64": 41, "aarch64": 198}
# Sockets that end in the sandbox's own network (local, the internet's two, and netlink, with which
# ZeroMQ asks for interfaces); others, such as vsock, might not.
FAMILIES = (1, 2, 10, 16)

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
    size = f"size={request['disk']},nr_inodes={request['files']},mode=700"
    mount("tmpfs", "/learner", "tmpfs", NOSUID | NODEV, size)
    for name in ("home", "work", "tmp", "shm"):
        os.mkdir(f"/learner/{name}", 0o700)
    mount("/learner/shm", "/dev/shm", None, BIND)
    if request["tmp"]:
        mount("/learner/tmp", "/tmp", None, BIND)
    mount("tmpfs", "/ipc", "tmpfs", NOSUID | NODEV | NOEXEC, "size=64k,nr_inodes=32,mode=700")
    with open("/ipc/kernel.json", "w") as file:
        json.dump(request["connection"], file)


def become_kernel(request: dict) -> None:
    """Give everything up that a kernel does not need, then be one."""
    os.setsid()
    os.chdir("/learner/work")
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
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
    drop_privileges()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize(["-f", "/ipc/kernel.json", "--HistoryManager.enabled=False"])
    os.write(3, b"ready")
    os.close(3)
    app.start()
    os._exit(0)


def drop_privileges() -> None:
    """No capability, now or after any exec; no other user; no refused system call."""
    call("prctl", SET_SECUREBITS, NOROOT_LOCKED, 0, 0, 0)
    call("prctl", CAP_AMBIENT, 4, 0, 0, 0)
    for capability in range(64):
        if libc.prctl(CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            break
    header = struct.pack("=Ii", 0x20080522, 0)
    call("capset", header, struct.pack("=6I", *[0] * 6))
    call("prctl", SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    refuse_system_calls()


def refuse_system_calls() -> None:
    """A seccomp filter: compare the number with each of the refused ones, a socket's family."""
    architecture, text = REFUSED[platform.machine()]
    numbers = [int(item.split()[1]) for item in text.split(",")]
    load, equal, above, back = 0x20, 0x15, 0x35, 0x06
    kill, refuse, allow = 0x80000000, 0x00050000 | 1, 0x7FFF0000
    refused, allowed = len(numbers) + len(FAMILIES) + 7, len(numbers) + len(FAMILIES) + 8
    program = [
        (load, 0, 0, 4),  # the architecture
        (equal, 1, 0, architecture),
        (back, 0, 0, kill),
        (load, 0, 0, 0),  # the system call
        (above, refused - 5, 0, 0x40000000),  # another calling convention
        *((equal, refused - i, 0, number) for i, number in enumerate(numbers, 6)),
        (equal, 0, len(FAMILIES) + 2, SOCKET[platform.machine()]),
        (load, 0, 0, 16),  # its first argument
        *((equal, len(FAMILIES) - i + 1, 0, family) for i, family in enumerate(FAMILIES, 1)),
        (back, 0, 0, refuse),
        (back, 0, 0, allow),
    ]
    assert program[refused][3] == refuse
    assert program[allowed][3] == allow
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    call("prctl", SET_SECCOMP, 2, header, 0, 0)


def watch(control: socket.socket, request: dict, kernel: int, begun: int) -> str:
    """Until the kernel ends; why it did, in words."""
    waiting, looked = [control.fileno(), begun], 0.0
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
        if time.monotonic() - looked > WATCH:
            looked = time.monotonic()
            if resident() > request["resident"] and resident(shared=True) > request["resident"]:
                limit = request["resident"] // MEGABYTE
                return f"its processes used more than {limit} MB of memory"
            if channels() > MOST_OPEN * request["descriptors"]:
                return "its processes had too many sockets and pipes"


def ending(status: int) -> str:
    """A process's end, in words."""
    if os.WIFSIGNALED(status):
        return f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with exit code {os.WEXITSTATUS(status)}"


def resident(shared: bool = False) -> int:
    """Memory of all processes here but the guard and of all files, in bytes.

    Quickly, pages that forks share counting for each of them; with `shared`, slowly and exactly.
    """
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            with contextlib.suppress(OSError, ValueError, IndexError):
                total += proportional(name) if shared else anonymous(name)
    disk = os.statvfs("/learner")
    return total + (disk.f_blocks - disk.f_bfree) * disk.f_frsize


def channels() -> int:
    """How many sockets and pipes all processes here but the guard hold, shared ones once.

    What waits in them is memory that no other limit counts.
    """
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            with contextlib.suppress(OSError):
                for number in os.listdir(f"/proc/{name}/fd"):
                    found.add(os.readlink(f"/proc/{name}/fd/{number}"))
    return sum(target.startswith(("socket:", "pipe:")) for target in found)


def anonymous(pid: str) -> int:
    """Bytes of a process that belong to no file."""
    with open(f"/proc/{pid}/statm") as file:
        sizes = file.read().split()
    return (int(sizes[1]) - int(sizes[2])) * resource.getpagesize()


def proportional(pid: str) -> int:
    """As `anonymous`, a page that n processes share counting as an nth."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        line = next(line for line in file if line.startswith("Pss_Anon:"))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    serve(int(sys.argv[1]))
