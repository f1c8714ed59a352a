"""The system calls that a kernel may make: a list of names, which libseccomp turns into a filter.

What NumPy, Matplotlib, IPython and ZeroMQ need is here; what is not fails with EPERM ("Operation
not permitted"), or is said not to exist where the C library then takes another. So no kernel has
memory that nothing counts (memfd, System V, shared maps without a file), none of what a host has
for all (inotify, aio, keys, real networks), and no hand on other processes but signals.
"""

from __future__ import annotations

import ctypes
import errno
import tempfile
from functools import cache

LIBRARY = "libseccomp.so.2"
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000  # seccomp.h
NE, EQ, MASKED = 1, 4, 7
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

ALLOWED = """
    read write readv writev pread64 pwrite64 preadv pwritev lseek close close_range dup dup2 dup3
    open openat creat access faccessat faccessat2 stat fstat lstat newfstatat statx statfs fstatfs
    readlink readlinkat getdents getdents64 getcwd chdir fchdir umask mkdir mkdirat rmdir rename
    renameat renameat2 unlink unlinkat link linkat symlink symlinkat chmod fchmod fchmodat truncate
    ftruncate fallocate fsync fdatasync utime utimes utimensat futimesat sendfile copy_file_range
    getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
    munmap mprotect mremap brk msync mincore
    pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait
    epoll_pwait epoll_pwait2 eventfd eventfd2
    bind listen accept accept4 connect getsockname getpeername shutdown
    sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg getsockopt
    fork vfork execve execveat wait4 waitid exit exit_group kill tkill tgkill setpgid
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
    pause alarm setitimer getitimer nanosleep clock_nanosleep restart_syscall
    clock_gettime clock_getres gettimeofday time times
    getpid gettid getppid getuid geteuid getgid getegid getgroups getresuid getresgid getpgrp
    getpgid getsid capget uname sysinfo getrusage getrlimit setrlimit getpriority getcpu
    sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min futex membarrier rseq set_tid_address set_robust_list get_robust_list
    arch_prctl getrandom
"""
ABSENT = "clone3 openat2 futex_waitv fchmodat2"  # the C library does without
NAMESPACES = 0x7E020000 | 0x80  # all of CLONE_NEW…
SHARED_ANONYMOUS = 0x01 | 0x20  # memory with several owners and no file
UNIX, SOL_SOCKET, SO_SNDBUF = 1, 1, 7

# A stream's data are its one sender's; the other kinds keep the data of any number, who are gone.
STREAM = (1, MASKED, 0x0F, 1)

# Calls that depend on arguments: (its number, how it is compared, with what …), one or several that
# hold together, a rule each.
Condition = tuple[int, int, int, int]
CONDITIONS: dict[str, list[Condition | tuple[Condition, ...]]] = {
    "clone": [(0, MASKED, NAMESPACES, 0)],
    "mmap": [(3, MASKED, SHARED_ANONYMOUS, kind) for kind in (0x00, 0x01, 0x20)],
    "socket": [((0, EQ, UNIX, 0), STREAM)],
    "socketpair": [((0, EQ, UNIX, 0), STREAM)],
    "setsockopt": [(2, NE, SO_SNDBUF, 0), (1, NE, SOL_SOCKET, 0)],  # a larger buffer
    "sched_setscheduler": [(1, EQ, 0, 0)],  # ZeroMQ sets the ordinary policy
    "prlimit64": [(0, EQ, 0, 0)],  # its own limits
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_DUPFD_CLOEXEC
    "fcntl": [(1, EQ, command, 0) for command in (*range(8), 1030)],
    # FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, TCGETS, TIOCGPGRP, TIOCGWINSZ
    "ioctl": [(1, EQ, n, 0) for n in (0x541B, 0x5421, 0x5450, 0x5451, 0x5401, 0x540F, 0x5413)],
    # PR_SET_PDEATHSIG, its reading, PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_CAPBSET_READ
    "prctl": [(0, EQ, option, 0) for option in (1, 2, 3, 15, 16, 23)],
    # MADV_NORMAL to MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE
    "madvise": [(2, EQ, advice, 0) for advice in (0, 1, 2, 3, 4, 8, 14, 15)],
}


class Comparison(ctypes.Structure):
    """libseccomp's scmp_arg_cmp."""

    _fields_ = [
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    ]


def problem() -> str:
    """Why there is no filter on this machine, in one sentence; "" where there is."""
    try:
        _library()
    except (OSError, AttributeError):
        return (
            "libseccomp is not installed, which refuses what no exercise needs; on Debian and "
            "Ubuntu: sudo apt install libseccomp2; on Fedora: sudo dnf install libseccomp"
        )
    return ""


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_arch_native.restype = ctypes.c_uint32
    library.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    library.seccomp_arch_remove.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)
    ]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return library


@cache
def program(machine: str) -> bytes:
    """The filter for a machine ("x86_64", "aarch64"), as the kernel takes it: 8 bytes each step."""
    library, wanted = _library(), ARCHITECTURES[machine]
    rules = library.seccomp_init(ERRNO | errno.EPERM)
    try:
        native = library.seccomp_arch_native()
        if native != wanted:
            _done(library.seccomp_arch_add(rules, wanted), machine)
            _done(library.seccomp_arch_remove(rules, native), machine)
        for name in ALLOWED.split():
            _add(rules, name, ALLOW)
        for name in ABSENT.split():
            _add(rules, name, ERRNO | errno.ENOSYS)
        _add(rules, "socket", ERRNO | errno.EOPNOTSUPP, Comparison(0, NE, UNIX, 0))  # for ZeroMQ
        for name, conditions in CONDITIONS.items():
            for one in conditions:
                together = one if isinstance(one[0], tuple) else (one,)
                _add(rules, name, ALLOW, *(Comparison(*c) for c in together))
        with tempfile.TemporaryFile() as file:
            _done(library.seccomp_export_bpf(rules, file.fileno()), "export")
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(rules)


def _add(rules: int, name: str, action: int, *conditions: Comparison) -> None:
    number = _library().seccomp_syscall_resolve_name(name.encode())
    if number == -1:
        return  # a libseccomp that is older than the call: it stays refused
    given = (Comparison * max(1, len(conditions)))(*conditions)
    _done(_library().seccomp_rule_add_array(rules, action, number, len(conditions), given), name)


def _done(result: int, what: str) -> None:
    if result < 0:
        raise OSError(-result, f"libseccomp: {what}")
