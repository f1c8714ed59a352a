"""Law: a kernel has the system calls that exercises need, by name, and no others."""

import errno
import os
import platform
import struct
import sys

import nbformat
import pytest

from lrlesson.grading.marking.run import Job, run
from lrlesson.grading.sandbox import bubblewrap, system_calls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="system calls of Linux")


def printed(*sources):
    """What each cell prints, or how it ended; with time for a machine that is busy."""
    cells = [
        nbformat.v4.new_code_cell(text, metadata={"lrlesson": {"id": f"c{i}", "timeout": 60}})
        for i, text in enumerate(sources)
    ]
    outcome = run(Job(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), budget=300))
    assert outcome.failure == ""
    return [cell.text or f"{cell.status} {cell.detail}" for cell in outcome.cells]


ALLOW, REFUSE = system_calls.ALLOW, system_calls.ERRNO | errno.EPERM
# Numbers as the kernel's own tables have them, for a look at the compiled filter from outside.
NUMBERS = {
    "x86_64": {"read": 0, "mmap": 9, "socket": 41, "socketpair": 53, "clone": 56,
               "memfd_create": 319, "shmget": 29,
               "prlimit64": 302, "io_setup": 206, "inotify_init1": 294, "setsid": 112,
               "setpriority": 141, "ptrace": 101, "unshare": 272, "fcntl": 72},
    "aarch64": {"read": 63, "mmap": 222, "socket": 198, "socketpair": 199, "clone": 220,
                "memfd_create": 279,
                "shmget": 194, "prlimit64": 261, "io_setup": 0, "inotify_init1": 26, "setsid": 157,
                "setpriority": 140, "ptrace": 117, "unshare": 97, "fcntl": 25},
}  # fmt: skip


def answered(machine, name, *arguments, architecture=None):
    """What the filter says to a call: classic BPF, run step by step as seccomp(2) describes it."""
    steps = list(struct.iter_unpack("=HBBI", system_calls.program(machine)))
    architecture = architecture or system_calls.ARCHITECTURES[machine]
    padded = [*arguments, *[0] * (6 - len(arguments))]
    number = name if isinstance(name, int) else NUMBERS[machine][name]
    data = struct.pack("=iIQ6Q", number, architecture, 0, *padded)
    at = value = 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        match code:
            case 0x20:
                (value,) = struct.unpack_from("=I", data, k)
            case 0x54:
                value &= k
            case 0x05:
                at += k
            case 0x15 | 0x25 | 0x35:
                holds = {0x15: value == k, 0x25: value > k, 0x35: value >= k}[code]
                at += yes if holds else no
            case 0x06:
                return k
            case _:
                raise AssertionError(f"step {code:#x}")


@pytest.mark.parametrize("machine", system_calls.ARCHITECTURES)
def test_the_filter_of_each_machine_says_what_the_list_says(machine):
    assert answered(machine, "read") == ALLOW
    for name in ("memfd_create", "shmget", "io_setup", "inotify_init1", "setsid", "setpriority",
                 "ptrace", "unshare"):  # fmt: skip
        assert answered(machine, name) == REFUSE, name
    private, shared, anonymous = 2, 1, 0x20
    assert answered(machine, "mmap", 0, 0, 0, private | anonymous) == ALLOW
    assert answered(machine, "mmap", 0, 0, 0, private) == ALLOW
    assert answered(machine, "mmap", 0, 0, 0, shared) == ALLOW
    assert answered(machine, "mmap", 0, 0, 0, shared | anonymous) == REFUSE
    assert answered(machine, "mmap", 0, 0, 0, 3 | anonymous) == REFUSE  # MAP_SHARED_VALIDATE
    assert answered(machine, "clone", 17) == ALLOW
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert answered(machine, "clone", 1 << bit | 17) == REFUSE
    for name in ("socket", "socketpair"):
        assert answered(machine, name, 1, 1 | 0o2004000) == ALLOW  # with SOCK_CLOEXEC, NONBLOCK
        for kind in (2, 3, 5):  # whose receivers keep what senders sent that are gone
            assert answered(machine, name, 1, kind) == REFUSE
    for family in (2, 10, 16, 17, 38, 40, 1 << 32 | 1):
        assert answered(machine, "socket", family) == system_calls.ERRNO | errno.EOPNOTSUPP
    assert answered(machine, "prlimit64", 0) == ALLOW
    assert answered(machine, "prlimit64", 1) == REFUSE
    assert answered(machine, "fcntl", 0, 1) == ALLOW
    assert answered(machine, "fcntl", 0, 1024) == REFUSE  # a lease on a file of the host


def test_another_calling_convention_ends_the_process():
    assert answered("x86_64", "read", architecture=0x40000003) == 0  # 32 bits
    assert answered("x86_64", 0x40000000) != ALLOW  # x32


def test_every_name_is_known_to_libseccomp():
    names = f"{system_calls.ALLOWED} {' '.join(system_calls.CONDITIONS)}".split()
    resolve = system_calls._library().seccomp_syscall_resolve_name
    assert [name for name in names if resolve(name.encode()) == -1] == []
    assert len(set(names)) == len(names)


def test_without_libseccomp_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(system_calls, "LIBRARY", "libseccomp.so.none")
    system_calls._library.cache_clear()
    try:
        assert "sudo apt install libseccomp2" in bubblewrap.problem()
    finally:
        monkeypatch.undo()
        system_calls._library.cache_clear()


NEEDED = {
    "processes": "import subprocess as s; print(s.run(['/usr/bin/env'], check=True).returncode)",
    "a shell": "import os; print(os.system('echo x > f; cp f g; mv g h; ls -l; rm f'))",
    "threads": "from concurrent.futures import ThreadPoolExecutor as P\n"
    "with P(4) as p: print(*p.map(abs, [-1, 2]))",
    "forks": "import multiprocessing as m\n"
    "with m.get_context('fork').Pool(2) as p: print(*p.map(abs, [-1, 2]))",
    "asyncio": "import asyncio; await asyncio.sleep(0.01); print(1)",
    "files": "import shutil, tempfile, os\nd = tempfile.mkdtemp(); open(d + '/a', 'w').write('x')\n"
    "shutil.copy2(d + '/a', d + '/b'); shutil.copytree(d, d + 'c'); shutil.rmtree(d); print(1)",
    "NumPy": "import numpy as np\na = np.random.default_rng(0).normal(size=(300, 300))\n"
    "np.save('a.npy', a); b = np.load('a.npy', mmap_mode='r+'); b[0] = 0; b.flush()\n"
    "print(np.linalg.svd(a @ a.T)[1].size, np.fft.fft(a).shape)",
    "SciPy": "from scipy import optimize\n"
    "print(optimize.minimize(lambda x: x @ x, [1, 2]).success)",
    "scikit-learn": "from sklearn.datasets import load_digits; print(load_digits().data.shape)",
    "Matplotlib": "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.savefig('a.png')\n"
    "plt.savefig('a.svg'); plt.savefig('a.pdf'); plt.show(); print(1)",
    "IPython": "%timeit -n 1 -r 1 1\n!echo x\n%cd /tmp\nprint(1)",
    "widgets": "import ipywidgets; ipywidgets.IntSlider(); print(1)",
    "the library": "import lrlesson as l; print(l.Cosine(0.1, 10)(5))",
}  # fmt: skip


@pytest.fixture(scope="module")
def done():
    return dict(zip(NEEDED, printed(*NEEDED.values()), strict=True))


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.parametrize("what", NEEDED)
def test_what_exercises_use_works(what, done):
    assert not done[what].startswith(("error", "died", "timeout")), done[what]


IO_SETUP = NUMBERS.get(platform.machine(), {}).get("io_setup")
SHARED = {
    "contexts of aio": f"libc.syscall({IO_SETUP}, 9, ctypes.byref(ctypes.c_ulong()))",
    "watches": "libc.inotify_init()",
    "its guard's rank": "libc.setpriority(0, 1, 19)",
    "its guard's limits": "libc.prlimit(1, 7, (ctypes.c_ulong * 2)(1, 1), None)",
    "its guard's processors": "libc.sched_setaffinity(1, 8, ctypes.byref(ctypes.c_ulong(1)))",
    "a session of its own": "libc.setsid()",
    "shared memory without a file": "libc.mmap(0, 4096, 3, 0x21, -1, 0)",
    "a network": "libc.socket(2, 1, 0)",
    "netlink": "libc.socket(16, 3, 0)",
    "a larger buffer": "libc.setsockopt(a.fileno(), 1, 7, ctypes.byref(ctypes.c_int(1 << 20)), 4)",
    "the host's interfaces": "libc.ioctl(a.fileno(), 0x8912, ctypes.create_string_buffer(64))",
    "a lease": "libc.fcntl(file, 1024, 0)",
    "a lock on a file of the host": "libc.flock(file, 2)",
    "all of the host's disks": "libc.syncfs(file)",
    "the times of a device": "libc.utimes(b'/dev/null', None)",
    "its guard's group": "os.open('/proc/1/autogroup', os.O_WRONLY)",
    "its own group": "os.open('/proc/self/autogroup', os.O_WRONLY)",
    "who is ended first": "os.open('/proc/self/oom_score_adj', os.O_WRONLY)",
}


@pytest.fixture(scope="module")
def tried():
    before = (
        "import ctypes, os, socket\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "libc.mmap.restype = ctypes.c_long\na, b = socket.socketpair()\n"
        "file = os.open('/usr/bin/env', os.O_RDONLY)\n"
    )
    sources = [f"{before}print(({code}), ctypes.get_errno())" for code in SHARED.values()]
    return dict(zip(SHARED, printed(*sources), strict=True))


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.parametrize("what", SHARED)
def test_what_all_kernels_of_a_host_share_is_out_of_reach(what, tried):
    said = tried[what]
    refused = (errno.EPERM, errno.EOPNOTSUPP, errno.EROFS)
    closed = "Read-only file system" in said or "Permission denied" in said
    assert closed or said in {f"-1 {number}\n" for number in refused}


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.skipif(os.cpu_count() == 1, reason="needs a second processor for the measure")
def test_what_a_kernel_starts_comes_last():
    """Its own thread keeps its rank, and no other does."""
    code = (
        "import os, threading, time\nif os.fork() == 0:\n    time.sleep(30); os._exit(0)\n"
        "threading.Thread(target=time.sleep, args=(3,)).start()\ntime.sleep(1)\n"
        "def nice(path): return int(open(path).read().rsplit(')', 1)[1].split()[16])\n"
        "threads = sorted(map(int, os.listdir('/proc/self/task')))\n"
        "children = [int(p) for p in os.listdir('/proc') if p.isdigit() and int(p) not in (1, 2)]\n"
        "print(nice('/proc/self/stat'), nice(f'/proc/self/task/{threads[-1]}/stat'),"
        " [nice(f'/proc/{p}/stat') for p in children])"
    )
    assert printed(code) == [f"{os.nice(0)} 19 [19]\n"]
