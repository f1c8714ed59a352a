"""The attack corpus: what `lrlesson selftest` hands in, and the mark that each must get.

The exercise is `double(x)`, two points. A probe looks for something that it should not reach, and
answers wrongly where it found it: it must get full marks. A forgery tries to be paid for nothing:
it must get none. What breaks its own kernel loses what came after. The capstone's two tracks, `sgd`
and `open`, have two points each, of which nobody who only plays by the rules here would earn any.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from dataclasses import dataclass, replace
from typing import Any

FULL = 2.0
CARRIED = "CarriedOut"  # what an answer says, and its author must not read
DAEMON = f"lrl-{os.getpid()}"  # the name that a process gives itself which hides from its parents
HONEST = "def double(x):\n    return 2 * x\n"


@dataclass(frozen=True)
class Attack:
    """One submission: the answer's source, or the whole file (`content`), or more (`files`).

    `exercise`: what it answers. `points` it must get; `status` it may end with, any if empty;
    `anomaly` must be reported. `slow`: it takes a time limit, so it runs only where all are asked
    for.
    """

    name: str
    source: str = ""
    points: float = 0.0
    status: tuple[str, ...] = ("graded",)
    anomaly: str = ""
    content: bytes | None = None
    group: str = ""
    slow: bool = False
    exercise: str = "double"


def probe(code: str) -> str:
    """An answer that is right only if none of the given lines reached anything."""
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    return (
        "import os, sys, ctypes, socket, glob\nreached = []\ntry:\n"
        + body
        + "except BaseException:\n    pass\n"
        + "def double(x):\n    return 2 * x if not reached else 3 * x\n"
    )


def reads(*patterns: str, but_python: bool = False) -> str:
    """A probe of files: none of them can be opened.

    but_python spares those of the Python that runs the probe, which may lie anywhere.
    """
    spared = "(sys.prefix + '/', sys.base_prefix + '/')" if but_python else "()"
    return probe(
        f"for pattern in {patterns!r}:\n"
        "    for path in glob.glob(pattern, recursive=True):\n"
        f"        if path.startswith({spared}):\n"
        "            continue\n"
        "        try:\n"
        "            reached.append(open(path, 'rb').read(1) or 1)\n"
        "        except OSError:\n"
        "            pass\n"
    )


def writes(*paths: str) -> str:
    """A probe of files: none of them can be made or changed."""
    return probe(
        f"for path in {paths!r}:\n"
        "    try:\n"
        "        open(path, 'a').write('evil')\n"
        "        reached.append(path)\n"
        "    except OSError:\n"
        "        pass\n"
    )


def calls(code: str) -> str:
    """A probe of the C library: `libc` calls that must all fail."""
    return probe(
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"for result in ({code},):\n    reached += [1] if result >= 0 else []\n"
    )


def corpus(host: dict[str, Any]) -> list[Attack]:
    """Every attack. `host` holds what the self-test put on the host for them to find:

    `solutions`, `submissions`, `results`, `home`: folders; `secret`: the name of an environment
    variable; `port`: of a server on the loopback address; `abstract`: a socket's name.
    """
    end = ("died", "timeout", "output", "graded", "failed")
    groups = {
        "forges": [
            Attack("prints the expected text", "print('first | 0.5')\nprint('second | 0 2 4')"),
            Attack(
                "displays the expected text",
                "from IPython.display import display, Markdown\n"
                "def double(x):\n    display(Markdown('first | 0.5'))\n    return 0 * x",
            ),
            Attack(
                "patches print",
                "import builtins\nreal = builtins.print\n"
                "builtins.print = lambda *a, **k: real('first |', 0.5)\ndouble = abs",
            ),
            Attack(
                "patches the shell",
                "shell = get_ipython()\n"
                "async def fake(*a, **k):\n    print('first | 0.5\\nsecond | 0 2 4')\n"
                "shell.run_cell_async = fake\ndouble = abs",
                status=end,
            ),
            Attack(
                "drops statements by an ast_transformer",
                "import ast\nclass Drop(ast.NodeTransformer):\n"
                "    def visit_Expr(self, node):\n        return None\n"
                "get_ipython().ast_transformers.append(Drop())\ndouble = abs",
            ),
            Attack(
                "patches NumPy",
                "import numpy as np\nclass Fixed:\n    def uniform(self, *a, **k):\n"
                "        return np.zeros(a[-1] if a else ())\n"
                "np.random.default_rng = lambda *a: Fixed()\ndouble = abs",
            ),
            Attack(
                "patches the comparison",
                "class Equal(float):\n    def __eq__(self, other): return True\n"
                "    def __ne__(self, other): return False\n    __hash__ = None\n"
                "    def __mul__(self, other): return self\n    def __repr__(self): return 'nan'\n"
                "    def __format__(self, spec): return 'nan'\n"
                "def double(x):\n    return Equal(1)",
                status=end,
            ),
            Attack(
                "patches the check functions",
                "import sys, types\nfake = types.ModuleType('lrlesson.grading.marking.score')\n"
                "fake.difference = lambda *a, **k: ''\n"
                "sys.modules['lrlesson.grading.marking.score'] = fake\ndouble = abs",
            ),
            Attack(
                "changes the seed",
                "import numpy as np\nreal = np.random.default_rng\n"
                "np.random.default_rng = lambda s=None: real(0)\ndef double(x): return 0 * x",
            ),
            Attack(
                "sends messages of its own",
                "k = get_ipython().kernel\n"
                "def double(x):\n"
                "    for text in ('first | 0.5\\n', 'second | 0 2 4\\n'):\n"
                "        k.session.send(k.iopub_socket, 'stream', {'name': 'stdout', 'text': text},"
                " parent=k.get_parent(), ident=b'stream')\n    return 0 * x",
            ),
            Attack(
                "sends messages that are no messages",
                "k = get_ipython().kernel\n"
                "def double(x):\n"
                "    for bad in ({}, {'name': 3, 'text': []}, [1], None):\n"
                "        for kind in ('stream', 'error', 'status', 'execute_result', ''):\n"
                "            k.session.send(k.iopub_socket, kind, bad, parent=k.get_parent())\n"
                "    return 0 * x",
                status=(*end, "error"),
            ),
            Attack(
                "edits the given budget",
                "budget = 10**9\ndef double(x):\n    return x * (2 if budget > 100 else 1)\n",
                FULL,  # its own copy, with which it is right; the checks have theirs
            ),
        ],
        "exits": [
            Attack("os._exit", "import os\nos._exit(0)", status=("died",)),
            Attack("sys.exit", "import sys\nsys.exit(0)", status=("failed",)),
            Attack("exit in the function", "def double(x):\n    exit()", status=end),
            Attack("SIGKILL to itself", "import os\nos.kill(os.getpid(), 9)", status=("died",)),
            Attack("a crash in C", "import ctypes\nctypes.string_at(0)", status=("died",)),
            Attack(
                "ignores interrupts",
                "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
                status=("timeout", "died"),
            ),
            Attack(
                "kills its parent and every process it sees",
                "import os, glob\nfor path in glob.glob('/proc/[0-9]*'):\n"
                "    pid = int(path[6:])\n    if pid != os.getpid():\n"
                "        try: os.kill(pid, 9)\n        except OSError: pass\n"
                "for pid in (os.getppid(), -os.getpgrp() + 10**6):\n"
                "    try: os.kill(pid, 9)\n    except OSError: pass\n" + HONEST,
                points=FULL,
            ),
            Attack(
                "every signal to its parent",
                "import os\nfor number in range(1, 65):\n"
                "    try: os.kill(1, number)\n    except OSError: pass\n" + HONEST,
                points=FULL,
            ),
            Attack(
                "stops itself",
                "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
                status=("timeout", "died"),
            ),
            Attack(
                "becomes another program",
                "import os\nos.execv('/usr/bin/sleep', ['sleep', '100'])",
                status=("timeout", "died"),
            ),
            Attack(
                "kills everything at once",
                "import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\n" + HONEST,
                FULL,
            ),
        ],
        "loops": [
            Attack("in the answer", "while True: pass", status=("timeout",)),
            Attack("in the function", "def double(x):\n    while True: pass", status=("timeout",)),
            Attack(
                "in a repr",
                "class R:\n    def __repr__(self):\n        while True: pass\n"
                "def double(x): return 2 * x\nR()",
                points=FULL,
                status=("timeout", "graded"),
            ),
            Attack(
                "in __del__",
                "class D:\n    def __del__(self):\n        while True: pass\n"
                + HONEST
                + "D()\nd = 1",
                points=FULL,
                status=("timeout", "graded"),
            ),
            Attack(
                "in atexit",
                "import atexit\ndef loop():\n    while True: pass\natexit.register(loop)\n"
                + HONEST,
                points=FULL,
            ),
            Attack(
                "in a forked daemon",
                "import os, ctypes\n"
                "if os.fork() == 0:\n    ctypes.CDLL(None).setsid()\n    if os.fork() == 0:\n"
                f"        ctypes.CDLL(None).prctl(15, b'{DAEMON}', 0, 0, 0)\n"
                "        while True: pass\n    os._exit(0)\n" + HONEST,
                points=FULL,
            ),
            Attack(
                "by a flood of messages",
                "k = get_ipython().kernel\nwhile True:\n"
                "    k.session.send(k.iopub_socket, 'status', {'execution_state': 'busy'})",
                status=("output", "timeout"),
            ),
        ],
        "bombs": [
            Attack(
                "memory",
                "kept = []\nwhile True: kept.append(bytearray(1 << 26))",
                status=("failed", "died", "timeout"),
            ),
            Attack(
                "memory in many processes",
                "import os, time\nfor _ in range(12):\n    if os.fork() == 0:\n"
                "        kept = [bytearray(b'x') * (1 << 28) for _ in range(8)]\n"
                "        time.sleep(60)\n        os._exit(0)\ntime.sleep(4)\n",
                status=("died", "timeout", "graded"),  # it comes last, and may not come far
            ),
            Attack(
                "memory without a process",
                probe("reached.append(os.memfd_create('bomb'))"),
                points=FULL,
            ),
            Attack(
                "memory in sockets",
                "import os, socket, time\nfor _ in range(12):\n    if os.fork() == 0:\n"
                "        kept = []\n        try:\n            while True:\n"
                "                kept += socket.socketpair()\n"
                "                kept[-1].setblocking(False)\n                try:\n"
                "                    while True: kept[-1].send(bytes(4096))\n"
                "                except BlockingIOError: pass\n"
                "        except OSError: time.sleep(60)\ntime.sleep(4)\n",
                status=("died", "timeout"),
            ),
            Attack(
                "memory in connections that nobody accepts",
                "import os, socket, time\nkept = []\ntry:\n    for i in range(200):\n"
                "        at = socket.socket(socket.AF_UNIX)\n        at.bind(f'\\0{i}')\n"
                "        at.listen(4096)\n        kept.append(at)\n"
                "        for _ in range(4096):\n"
                "            with socket.socket(socket.AF_UNIX) as one:\n"
                "                one.setblocking(False)\n                one.connect(f'\\0{i}')\n"
                "                try:\n                    while True: one.send(bytes(4096))\n"
                "                except BlockingIOError: pass\n"
                "except OSError: pass\ntime.sleep(4)\n",
                status=("died", "timeout"),
            ),
            Attack(
                "memory in datagrams whose senders are gone",
                calls("libc.socket(1, 2, 0), libc.socket(1, 5, 0), libc.socketpair(1, 2, 0, None)"),
                FULL,
            ),
            Attack(
                "memory in pipes",
                "import os, time\nfor _ in range(12):\n    if os.fork() == 0:\n        try:\n"
                "            while True:\n                end = os.pipe()[1]\n"
                "                os.set_blocking(end, False)\n"
                "                try: os.write(end, bytes(1 << 16))\n"
                "                except BlockingIOError: pass\n"
                "        except OSError: time.sleep(60)\ntime.sleep(4)\n",
                status=("died", "timeout"),
            ),
            Attack(
                "processes",
                "import os, time\ncount = 0\ntry:\n    while count < 3000:\n"
                "        if os.fork() == 0:\n            time.sleep(30)\n            os._exit(0)\n"
                "        count += 1\nexcept OSError:\n    pass\n"
                "def double(x):\n    return 2 * x if count < 100 else 3 * x\n",
                points=FULL,
            ),
            Attack(
                "threads",
                "import threading, time\ncount = 0\ntry:\n    while count < 3000:\n"
                "        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
                "        count += 1\nexcept (RuntimeError, MemoryError):\n    pass\n"
                "def double(x):\n    return 2 * x if count < 100 else 3 * x\n",
                points=FULL,
            ),
            Attack(
                "a disk full of bytes",
                "size = 0\ntry:\n    for i in range(10000):\n"
                "        with open(f'{i}', 'wb') as f:\n"
                "            size += f.write(b'x' * (1 << 20))\n"
                "except OSError:\n    pass\n"
                "def double(x):\n    return 2 * x if size < 1 << 27 else 3 * x\n",
                points=FULL,
            ),
            Attack(
                "a disk full of files",
                "count = 0\ntry:\n    for count in range(10**5): open(f'{count}', 'w').close()\n"
                "except OSError:\n    pass\n"
                "def double(x):\n    return 2 * x if count < 10**4 else 3 * x\n",
                points=FULL,
            ),
            Attack("output", "while True: print('x' * 1000)", status=("output",)),
            Attack(
                "one message",
                "from IPython.display import display, HTML\n"
                "def double(x):\n    display(HTML('x' * 50_000_000))\n    return 2 * x",
                FULL,  # what is displayed is not sent
            ),
            Attack(
                "one message of many parts",
                "k = get_ipython().kernel\nparts = [memoryview(bytes(900_000))] * 3000\n"
                "def double(x):\n"
                "    k.session.send(k.iopub_socket, 'display_data', {'data': {}, 'metadata': {}},"
                " buffers=parts, parent=k.get_parent())\n    return 2 * x",
                status=("output", "timeout", "died"),
            ),
            Attack(
                "messages with much beside their content",
                "k = get_ipython().kernel\ndef double(x):\n    while True:\n"
                "        k.session.send(k.iopub_socket, 'status', {'execution_state': 'busy'},"
                " metadata={'x': 'y' * 900_000}, parent=k.get_parent())",
                status=("output", "timeout", "died"),
            ),
            Attack(
                "file descriptors",
                "import os\nkept = []\ntry:\n    while len(kept) < 10**5: kept.append(os.dup(1))\n"
                "except OSError:\n    pass\ncount = len(kept)\n"
                "for f in kept: os.close(f)\n"
                "def double(x):\n    return 2 * x if count < 1000 else 3 * x\n",
                points=FULL,
            ),
            Attack("recursion", "def double(x):\n    return double(x)", status=end),
            Attack("a program too deep to read", "(" * 50_000, status=("failed",)),
            Attack("a program of a megabyte", "x = 1\n" * 200_000, status=("unreadable",)),
        ],
        "looks": [
            Attack("for the reference", reads(f"{host['solutions']}/**"), FULL),
            Attack("for other submissions", reads(f"{host['submissions']}/**"), FULL),
            Attack("for the results", reads(f"{host['results']}/**"), FULL),
            Attack(
                "into the home directory",
                reads(f"{host['home']}/**", "/root/.*", "/home/**", but_python=True),
                FULL,
            ),
            Attack(
                "for connection files",
                reads(
                    *("/run/**", "/tmp/**/*.json", "/root/.local/**", "/var/**", "/ipc/../tmp/*"),
                    but_python=True,
                ),
                FULL,
            ),
            Attack(
                "for secrets of the system", reads("/etc/shadow", "/etc/ssh/*", "/etc/passwd"), FULL
            ),
            Attack(
                "at the environment",
                probe(
                    f"reached += [k for k in os.environ if k == {host['secret']!r}]\n"
                    "text = open('/proc/self/environ').read()\n"
                    f"reached += [1] if {host['secret']!r} in text else []"
                ),
                FULL,
            ),
            Attack("at its parents' memory", reads("/proc/1/mem", "/proc/1/environ"), FULL),
            Attack(
                "at other processes",
                probe("reached += [p for p in os.listdir('/proc') if p.isdigit()][2:]"),
                FULL,
            ),
            Attack(
                "for the checks",
                probe("import lrlesson.feedback.exercises\nreached.append(1)"),
                FULL,
                anomaly="library",
            ),
        ],
        "writes": [
            Attack(
                "anywhere",
                writes(
                    "/evil", "/usr/evil", "/etc/evil", "/dev/evil", "/ipc/evil", "/lrlesson/evil"
                )
                + "",
                FULL,
            ),
            Attack("beside the submissions", writes(f"{host['submissions']}/evil"), FULL),
            Attack("into the results", writes(f"{host['results']}/results.jsonl"), FULL),
            Attack(
                "into Python itself",
                probe("import numpy\nopen(numpy.__file__, 'a').write('evil')\nreached.append(1)"),
                FULL,
            ),
            Attack("into the kernel's settings", writes("/proc/sys/kernel/core_pattern"), FULL),
        ],
        "escapes": [
            Attack(
                "to a server on this machine",
                probe(
                    f"socket.create_connection(('127.0.0.1', {host['port']}), 1)\nreached.append(1)"
                ),
                FULL,
            ),
            Attack(
                "to a local socket",
                probe(
                    "s = socket.socket(socket.AF_UNIX)\n"
                    f"s.connect({host['abstract']!r})\nreached.append(1)"
                ),
                FULL,
            ),
            Attack(
                "to the machine below, by vsock",
                probe(
                    "for kind in (40, 38, 17, 29, 30):  # vsock, alg, packet, can, tipc\n"
                    "    try:\n        socket.socket(kind, socket.SOCK_STREAM)\n"
                    "        reached.append(kind)\n    except OSError:\n        pass"
                ),
                FULL,
            ),
            Attack(
                "to the internet",
                probe("socket.getaddrinfo('example.org', 80)\nreached.append(1)"),
                FULL,
            ),
            Attack(
                "by new namespaces", calls("libc.unshare(0x10000000), libc.unshare(0x20000)"), FULL
            ),
            Attack(
                "by mounting",
                calls(
                    "libc.mount(b'none', b'/learner', b'tmpfs', 0, None), libc.umount2(b'/tmp', 2)"
                ),
                FULL,
            ),
            Attack(
                "by tracing its parent", calls("libc.ptrace(16, 1, 0, 0), libc.chroot(b'.')"), FULL
            ),
            Attack("by becoming root", calls("libc.setuid(0), libc.setgid(0)"), FULL),
            Attack(
                "by a program with more rights",
                probe(
                    "import subprocess\nreached += subprocess.run(['su', '-c', 'id'], "
                    "stdin=subprocess.DEVNULL, capture_output=True).stdout"
                ),
                FULL,
            ),
        ],
        "neighbours": [
            Attack(
                "starves them with processes",
                "import os, ctypes\nfor _ in range(40):\n    if os.fork() == 0:\n"
                "        ctypes.CDLL(None).setsid()\n        while True: pass\n" + HONEST,
                FULL,
            ),
            Attack(
                "renices its guard, moves it, limits it",
                calls(
                    "libc.setpriority(0, 1, 19), libc.setpriority(1, 0, 19), "
                    "libc.sched_setaffinity(1, 8, ctypes.byref(ctypes.c_ulong(1))), "
                    "libc.prlimit(1, 7, (ctypes.c_ulong * 2)(1, 1), None)"
                ),
                FULL,
            ),
            Attack(
                "writes to what the kernel says of processes",
                writes(
                    *(
                        f"/proc/{pid}/{name}"
                        for pid in (1, "self")
                        for name in ("autogroup", "oom_score_adj", "comm", "coredump_filter")
                    )
                ),
                FULL,
            ),
            Attack("makes a session of its own", calls("libc.setsid()"), FULL),
            Attack(
                "uses up what the host has once",
                calls(
                    "libc.inotify_init(), libc.fanotify_init(0, 0), libc.timerfd_create(0, 0), "
                    "libc.mq_open(b'/x', 66, 384, None), libc.semget(0, 9, 896), "
                    "libc.msgget(0, 896), libc.shmget(0, 4096, 896)"
                ),
                FULL,
            ),
            Attack(
                "memory that nobody owns",
                calls("libc.mmap(0, 4096, 3, 0x21, -1, 0), libc.mmap(0, 4096, 3, 0x23, -1, 0)"),
                FULL,
            ),
            Attack("memory of a device", reads("/dev/zero", "/dev/mem", "/dev/kmsg"), FULL),
            Attack(
                "asks for the host's interfaces",
                calls(
                    "libc.socket(2, 1, 0), libc.socket(10, 1, 0), libc.socket(16, 3, 0), "
                    "libc.ioctl(socket.socketpair()[0].detach(), 0x8912,"
                    " ctypes.create_string_buffer(64))"
                ),
                FULL,
            ),
            Attack(
                "holds the host's files",
                calls(
                    "libc.flock(os.open('/usr/bin/env', 0), 2), "
                    "libc.fcntl(os.open('/usr/bin/env', 0), 1024, 0), "
                    "libc.syncfs(os.open('/usr', 0)), libc.utimes(b'/dev/null', None)"
                ),
                FULL,
            ),
        ],
        "tells its author": [
            Attack(
                "by an exception",
                f"def double(x):\n    raise ValueError('{CARRIED}')",
                status=("graded",),
            ),
            Attack(
                "by an exception's name",
                f"def double(x):\n    raise type('{CARRIED}', (Exception,), {{}})",
                status=("graded",),
            ),
            Attack(
                "by what it prints",
                f"def double(x):\n    print('first | {CARRIED}')\n    return x",
                status=("graded",),
            ),
            Attack("by its cell", f"raise ValueError('{CARRIED}')", status=("failed",)),
            Attack(
                "by a strategy",
                f"def strategy(problem, budget):\n    raise ValueError('{CARRIED}')",
                exercise="sgd",
            ),
        ],
        "plays": _games(),
        "hands in": [
            Attack(
                "the library's own answer",
                "import lrlesson\nfrom lrlesson import schedules\n" + HONEST,
                FULL,
                anomaly="library",
            ),
            Attack(
                "the library's own answer under another name",
                "own = __import__('lr' + 'lesson')\n" + HONEST,
                FULL,
                anomaly="unusual",
            ),
            Attack(
                "markup and terminal escapes",
                "raise RuntimeError('\\x1b[2J\\x1b]0;evil\\x07<script>alert(1)</script>=1+1')",
                status=("failed",),
            ),
            Attack("markup in its name <img src=x onerror=alert(1)>", HONEST, FULL),
            Attack('=HYPERLINK("evil") in its name', HONEST, FULL),
            Attack("a name\x1b[31m\u202ethat turns", HONEST, FULL),
            Attack("a duplicate id", HONEST, FULL, anomaly="duplicate"),
            Attack("a truncated file", content=_truncated(), status=("unreadable",)),
            Attack("an empty file", content=b"", status=("unreadable",)),
            Attack(
                "a huge file", content=b'{"cells": [' + b" " * 21_000_000, status=("unreadable",)
            ),
            Attack("a deeply nested file", content=b"[" * 200_000, status=("unreadable",)),
            Attack("millions of cells", content=_cells(2_000_000), status=("unreadable",)),
            Attack("a pickle", content=pickle.dumps(Attack), status=("unreadable",)),
            Attack(
                "nbformat 3",
                content=b'{"nbformat": 3, "worksheets": [{"cells": []}]}',
                status=("unreadable",),
            ),
            Attack("nbformat 4.0", HONEST, FULL),
            Attack(
                "cells that are no cells",
                content=b'{"nbformat": 4, "cells": [1, null, {"source": 3}]}',
                status=("missing",),
            ),
            Attack("a zip bomb", content=_bomb(), status=("unreadable",)),
            Attack("a bomb of many notebooks", content=_bombs(), status=("unreadable",)),
            Attack("a bomb of bz2", content=_bombs(zipfile.ZIP_BZIP2), status=("unreadable",)),
            Attack("metadata without end", content=_metadata(), status=("missing",)),
            Attack(
                "a notebook whose cells need one another",
                content=_chain(),
                status=("unreadable",),
                slow=True,
            ),
            Attack("a zip of duplicates", content=_duplicates(), status=("unreadable",), slow=True),
            Attack("a zip whose paths climb", content=_climbing(), status=("missing",)),
        ],
    }
    return [
        replace(attack, group=group, slow=attack.slow or "timeout" in attack.status)
        for group, own in groups.items()
        for attack in own
    ]


def _games() -> list[Attack]:
    """On the capstone: its score, its secret, and who keeps them."""
    idle = "def strategy(problem, budget):\n    problem.step(0.0)\n"
    raw = (
        "import os, socket\n"
        "raw = socket.socket(fileno=os.dup(int(os.environ['LRLESSON_REFEREE'])))\n"
        "def say(line):\n    raw.sendall(line + b'\\n')\n    return raw.recv(100_000)\n"
    )
    games = {
        "claims that it has won": "import lrlesson.capstone as game\n"
        "import lrlesson.capstone.scoring as marks\n"
        "game.play = lambda *_, **__: [0.0] * 12\nmarks.ratio = lambda *_: 0.1\n"
        "print('r | 0.1')\n" + idle,
        "answers for the referee": "from lrlesson.capstone.conversation import Channel\n"
        "turns = iter(range(99))\ndef ask(self, do, **more):\n"
        "    if do == 'next':\n"
        "        return {'over': True} if next(turns) == 12 else {'track': 'sgd', 'left': 600}\n"
        "    return {'left': 600, 'loss': 0.01, 'val_loss': 0.01}\nChannel.ask = ask\n" + idle,
        "asks for what no number holds": raw + "def strategy(problem, budget):\n"
        "    for rate in (b'1' + b'0' * 400, b'1e999', b'NaN', b'-1', b'[1]', b'[' * 90_000):\n"
        "        assert b'error' in say(b'{\"do\": \"step\", \"lr\": ' + rate + b'}')\n",
        "leaves the referee without an answer": raw + "def strategy(problem, budget):\n"
        '    raw.sendall(b\'{"do": "step"\')\n    raw.shutdown(socket.SHUT_RDWR)\n',
    }
    weights = {
        "builds the run from what it finds": _SECRET,
        "gives weights that are no numbers": "def strategy(problem, budget):\n"
        "    return problem.init() * float('nan')\n",
        "gives weights without end": "import numpy as np\n"
        "def strategy(problem, budget):\n    return np.full(problem.init().size, 3e38)\n",
        "gives more weights than there are": "import numpy as np\n"
        "def strategy(problem, budget):\n    return np.zeros(1_000_000)\n",
    }
    return [
        *(Attack(name, source, exercise="sgd") for name, source in games.items()),
        *(Attack(name, source, exercise="open") for name, source in weights.items()),
    ]


# Whoever knows the secret of a run has the run, and may train on it for nothing.
_TRAINING = """\
import numpy as np
def trained(grad, w, budget):
    m = v = np.zeros_like(w)
    for t in range(budget):
        g = grad(w)[1]
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        step = (m / (1 - 0.9 ** (t + 1))) / (np.sqrt(v / (1 - 0.999 ** (t + 1))) + 1e-8)
        w = w - 0.01 * (1 - t / budget) * step
    return w
"""
_SECRET = (
    _TRAINING
    + """\
import linecache, os, re
from lrlesson.capstone.problems import OpenProblem
from lrlesson.capstone.tasks import GRADED, TASKS, Instance
tried = []
def strategy(problem, budget):
    w = problem.init()
    if tried:
        return w  # nothing was found
    texts = [repr(dict(os.environ)), repr(globals()), open("/ipc/kernel.json").read()]
    texts += [repr(entry) for entry in linecache.cache.values() if not os.path.exists(entry[3])]
    there = {int(found) for text in texts for found in re.findall(r"\\d{6,39}", text)}
    for secret in sorted(there)[:8]:
        for task in TASKS:
            for seed in ((GRADED, secret), (GRADED, secret, 0)):
                mine = OpenProblem(Instance(task, seed))
                if np.array_equal(mine.init(), w):
                    return trained(mine.grad, w, budget)
    tried.append(1)
    return w
"""
)


def _truncated() -> bytes:
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": HONEST}]})[
        :-9
    ].encode()


def _cells(number: int) -> bytes:
    return b'{"nbformat": 4, "cells": [' + b"{}, " * (number - 1) + b"{}]}"


def _bomb() -> bytes:
    return _zip({"double.ipynb": b" " * 200_000_000})


def _bombs(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return _zip({f"{i}.ipynb": bytes(19_000_000) for i in range(6)}, method)


def _metadata() -> bytes:
    whole = {"lrlesson": {str(i): "y" * 1000 for i in range(100)}}
    return json.dumps({"nbformat": 4, "cells": [{"source": "1", "metadata": whole}] * 100}).encode()


def _chain() -> bytes:
    """Quick to read, and slow to understand: each cell needs the next, from the answer on."""
    data = {"lrlesson": {"id": "double.answer"}}
    cells = [{"cell_type": "code", "source": "double = v0", "metadata": data}]
    cells += [{"cell_type": "code", "source": f"v{i} = v{i + 1}"} for i in range(4998, -1, -1)]
    return json.dumps({"nbformat": 4, "cells": cells}).encode()


def _duplicates() -> bytes:
    return _zip({f"{i}.ipynb": b'{"cells": [' + b"{}," * 400 + b"{}]}" for i in range(2000)})


def _climbing() -> bytes:
    return _zip({"../../evil.ipynb": b"{}", "/evil.ipynb": b"{}", "a/../../../evil.ipynb": b"{}"})


def _zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()
