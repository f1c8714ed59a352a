"""What one learner's files may cost: 10 s and 512 MB, in a process beside the grader.

`collect` reads so, and `grader` grafts so, with one `Reader` each for a whole class:

    with Reader(lambda number: plain(learners[number])) as reader:
        for number in range(len(learners)):
            try:
                found = reader.ask(number)
            except Unreadable as why:  # "takes more than 10 s to read"
                ...                    # this learner's row; the next one is read as if nothing were

The function runs in a fork of the grader, so it may use whatever the grader has in memory when the
Reader is made; question and answer are plain data (JSON). What it raises, what ends its process and
what it does not finish in time becomes Unreadable, and the next question gets a new process.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from time import process_time
from types import ModuleType
from typing import Any

from lrlesson.grading.errors import Unreadable

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None

SECONDS = 10.0  # of a processor's time
WAIT = 3  # times that, by the clock, on a machine that is busy with other things
MEMORY = 512 << 20  # bytes beside what the grader has when the process begins
LONGEST = 16 << 20  # bytes of an answer: all that the grader ever holds of one learner
SLOW = "takes more than {:g} s to read"
LARGE = "needs more than {:,} MB to be read"
LONG = "holds more than {:,} MB of text"


class Reader:
    """Asks a process with limits; a context manager.

    work: what is asked for an answer, both plain data. seconds: of a processor's time, for one
    answer, and by the clock WAIT times as long. memory: bytes.
    Only Linux has the process. Elsewhere, where the grader has no sandbox either, `work` is called
    here.
    """

    def __init__(
        self, work: Callable[[Any], Any], seconds: float = SECONDS, memory: int = MEMORY
    ) -> None:
        self.work, self.seconds, self.memory = work, seconds, memory
        self.took = 0.0
        self.large = 0  # addresses with which a process is not asked again
        self.process: multiprocessing.process.BaseProcess | None = None
        self.connection: Connection | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, asked: Any, spent: float = 0.0) -> Any:
        """`work(asked)`; Unreadable, with the reason in a few words, where it cannot be had.

        spent: of the seconds, those that are gone. `took` says afterwards what was spent on it.
        """
        if sys.platform != "linux":
            return _answer(self.work, asked)
        try:
            return self._asked(asked, max(0.1, self.seconds - spent))
        except Unreadable:
            self.close()  # with whatever it still holds
            raise

    def _asked(self, asked: Any, seconds: float) -> Any:
        connection = self.connection or self._begin()
        try:
            connection.send_bytes(json.dumps([asked, seconds]).encode())
            if not connection.poll(WAIT * seconds):
                raise Unreadable(SLOW.format(self.seconds))
            said = json.loads(connection.recv_bytes(LONGEST + 1000))
        except (EOFError, OSError, ValueError):
            assert self.process
            self.process.join(1)
            slow = self.process.exitcode == -signal.SIGPROF
            why = SLOW.format(self.seconds) if slow else "ends the process that reads it"
            raise Unreadable(why) from None
        if "why" in said:
            raise Unreadable(said["why"])
        self.took = said["took"]
        if said["large"]:
            self.close()
        return said["answer"]

    def _begin(self) -> Connection:
        ours, theirs = multiprocessing.Pipe()
        forked: Any = multiprocessing.get_context("fork")
        self.process = forked.Process(target=self._serve, args=(ours, theirs), daemon=True)
        with warnings.catch_warnings():  # it takes no lock that a thread of the grader may hold
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        theirs.close()
        self.connection = ours
        return ours

    def _serve(self, grader: Connection, connection: Connection) -> None:
        """Answer until the grader ends, or is tired of waiting."""
        grader.close()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (signal.SIGALRM, signal.SIGPROF):
            signal.signal(number, signal.SIG_DFL)
        faulthandler.disable()
        assert resource
        most = _addresses() + self.memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        self.large = most - self.memory // 2
        with contextlib.suppress(EOFError, OSError):
            while True:
                asked, seconds = json.loads(connection.recv_bytes())
                signal.setitimer(signal.ITIMER_PROF, seconds)
                signal.setitimer(signal.ITIMER_REAL, WAIT * seconds + 1)  # also without a grader
                connection.send_bytes(self._said(asked))
                signal.setitimer(signal.ITIMER_PROF, 0)
                signal.setitimer(signal.ITIMER_REAL, 0)
        os._exit(0)

    def _said(self, asked: Any) -> bytes:
        try:
            began = process_time()
            answer = _answer(self.work, asked)
            took = process_time() - began
            large = _addresses() > self.large  # what one learner left is not the next one's
            said = json.dumps({"answer": answer, "took": took, "large": large}).encode()
            if len(said) <= LONGEST:
                return said
            why = LONG.format(LONGEST >> 20)
        except Unreadable as error:
            why = str(error)
        except MemoryError:
            why = LARGE.format(self.memory >> 20)
        return json.dumps({"why": why[:200]}).encode()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self.connection:
            self.connection.close()
        if self.process:
            self.process.kill()
            self.process.join()
            self.process.close()
        self.process = self.connection = None


def _addresses() -> int:
    """Bytes of addresses that this process has."""
    assert resource
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[0]) * resource.getpagesize()


def _answer(work: Callable[[Any], Any], asked: Any) -> Any:
    try:
        return work(asked)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # whatever a learner's bytes can raise
        raise Unreadable(f"cannot be read ({type(error).__name__})") from error
