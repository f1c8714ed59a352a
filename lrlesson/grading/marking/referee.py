"""The capstone's referee: problems and their counts on this side, the strategy on the other.

A learner's kernel holds one end of a socket and nothing else of the game
(`lrlesson.capstone.conversation` says what is sent). The referee decides which run is played,
counts what it costs, and keeps the score; each run is played once, in its order, and one that does
not end has the ratio inf. What is random in a run comes from a secret that is drawn when it begins
and forgotten when it ends: nobody can build it anywhere else. Whatever comes over the socket is
taken for what it is: a request that is not understood gets a sentence.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import math
import random
import secrets
import select
import socket
import threading
from collections.abc import Iterator
from time import monotonic, thread_time
from typing import Any

import numpy as np

from lrlesson.base.threads import one_thread
from lrlesson.capstone.problems import PROBLEMS, BudgetSpent, OpenProblem, SGDProblem
from lrlesson.capstone.scoring import FULL, NOTHING, Score, ratio
from lrlesson.capstone.tasks import GRADED, TASKS, Instance, Task

REQUEST = 2.0  # seconds of a processor's time for one answer, a thousand times what one needs
UNREAD = 30.0  # seconds for which an answer may wait to be read
LONGEST = 200_000  # bytes of one request: the largest network's weights take a quarter of it
TOO_GOOD = 0.9  # of r: weights trained elsewhere, perhaps
Played = list[list[float | None]]  # ratios (tasks, seeds), None for inf


def secret() -> int:
    """What a run is made from, 128 bits that nothing else has to do with."""
    return secrets.randbits(128)


class Referee(threading.Thread):
    """Plays `seeds` rounds over a connected socket, in a thread of its own, until `stop`."""

    def __init__(self, connected: socket.socket, track: str, seeds: int) -> None:
        super().__init__(daemon=True)
        self.socket, self.track, self.failure = connected, track, ""
        for task in TASKS:
            task.ready()  # here: the time for an answer is the learner's
        self.ratios = np.full((len(TASKS), seeds), np.inf)
        self.runs = self._runs(seeds)
        self.run_now: tuple[int, Task, SGDProblem | OpenProblem] | None = None
        self._stopped = threading.Event()
        _drain(connected)  # here, and not in the thread: the first request may come at once

    def _runs(self, seeds: int) -> Iterator[tuple[int, Task, Any]]:
        for number in range(seeds):
            for task in random.Random(secret()).sample(TASKS, len(TASKS)):
                yield number, task, PROBLEMS[self.track](Instance(task, (GRADED, secret())))

    def run(self) -> None:
        """Answer one line with one line."""
        try:
            with one_thread():
                for line in self._lines():
                    began = thread_time()
                    answer = self._answer(line)
                    if not self._send(answer) or thread_time() - began > REQUEST:
                        self.socket.shutdown(socket.SHUT_RDWR)  # the game is over
                        return
        except OSError:
            pass  # the kernel is gone, or no longer listens
        except Exception as error:
            self.failure = f"the referee failed: {type(error).__name__}: {error}"
            with contextlib.suppress(OSError):  # the kernel need not wait for an answer
                self.socket.shutdown(socket.SHUT_RDWR)

    def stop(self) -> Played:
        """End the game; the ratios of all runs, None for those that did not end well."""
        self._stopped.set()
        self.join(10)
        return [[r if math.isfinite(r) else None for r in row] for row in self.ratios.tolist()]

    def _lines(self) -> Iterator[bytes]:
        received = b""
        while not self._stopped.is_set():
            if not select.select([self.socket], [], [], 0.1)[0]:
                continue
            some = self.socket.recv(65536)
            if not some:
                return
            received += some
            *lines, received = received.split(b"\n")
            yield from lines
            received = received[: LONGEST + 1]  # the rest of a line that is too long is forgotten

    def _send(self, reply: dict[str, Any]) -> bool:
        """Whether all of it was taken before the game is stopped: the other side may not read."""
        data = memoryview(json.dumps(reply, allow_nan=False).encode() + b"\n")
        until = monotonic() + UNREAD
        while data and not self._stopped.is_set() and monotonic() < until:
            if select.select([], [self.socket], [], 0.1)[1]:
                with contextlib.suppress(BlockingIOError):
                    data = data[self.socket.send(data, socket.MSG_DONTWAIT) :]
        return not data

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line[: LONGEST + 1]) if len(line) <= LONGEST else None
            if not isinstance(request, dict):
                return _refused("expected one JSON object per line")
            return self._done(request)
        except BudgetSpent as error:
            return _refused(str(error), "spent")
        except Exception as error:  # whatever a request can raise, it is answered
            return _refused(str(error)[:200] or type(error).__name__)

    def _done(self, request: dict[str, Any]) -> dict[str, Any]:
        do = request.get("do")
        if do == "next":
            self.run_now = next(self.runs, None)
            if self.run_now is None:
                return {"over": True}
            return {"track": self.track, "left": self.run_now[2].left}
        if self.run_now is None:
            return _refused("no run has begun, or this one has ended")
        number, task, problem = self.run_now
        if do == "end":
            answer = None
            if isinstance(problem, OpenProblem):
                answer = problem._point("strategy's answer", _array(request))
            self.run_now = None
            self.ratios[TASKS.index(task), number] = ratio(self.track, problem, answer)
            with np.errstate(all="ignore"):
                return {"val_loss": _number(problem._instance.loss(problem._end(answer), "val"))}
        return {**self._moved(do, problem, request), "left": problem.left}

    def _moved(self, do: object, problem: Any, request: dict[str, Any]) -> dict[str, Any]:
        match (self.track, do):
            case ("sgd", "step"):
                return {"loss": _number(problem.step(request.get("lr")))}
            case ("sgd", "reset"):
                return problem.reset() or {}
            case ("sgd", "val_loss"):
                return {"loss": _number(problem.val_loss())}
            case ("open", "init"):
                return {"w": _text(problem.init())}
            case ("open", "grad"):
                loss, gradient = problem.grad(_array(request))
                return {"loss": _number(loss), "gradient": _text(gradient)}
            case ("open", "val_loss"):
                return {"loss": _number(problem.val_loss(_array(request)))}
        raise ValueError("unknown request")


def _drain(connected: socket.socket) -> None:
    """Forget what was sent before the game."""
    with contextlib.suppress(BlockingIOError):
        while connected.recv(65536, socket.MSG_DONTWAIT):
            pass


def _refused(why: str, kind: str = "refused") -> dict[str, Any]:
    return {"error": kind, "why": why}


def _array(request: dict[str, Any]) -> np.ndarray:
    try:
        return np.frombuffer(base64.b64decode(request.get("w", ""), validate=True), dtype="<f4")
    except (binascii.Error, TypeError):
        raise ValueError("w is not base64 text") from None


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.asarray(array, dtype="<f4").tobytes()).decode()


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def checks(
    data: dict[str, Any], played: Played | None, trouble: str, tell: bool = True
) -> list[dict[str, Any]]:
    """The row for a hidden cell that was played: what r earned.

    tell: a learner is `told` what was measured here, where the kernel that played held nothing
    hidden, such as the reference of an exercise that this one needs. trouble: how the cell ended,
    "" where it ended well.
    """
    score, total = _score(played), data["points"]
    points = score.points(total)
    said = f"{score.summary()}; full marks from {FULL:.2f}, none from {NOTHING:.2f}"
    short = points < total
    if short and score.r < NOTHING:
        worst = np.argsort(-score.per_task, kind="stable")[:3]
        said += f"; most to gain: {'; '.join(TASKS[k].name for k in worst)}"
    return [
        {
            "id": f"{data['id']} r",
            "points": points,
            "max_points": total,
            "reason": "; ".join(filter(None, [trouble, said])) if short else "",
            "hint": data.get("hint", "") if short else "",
            "told": said if tell and short else "",
        }
    ]


def remark(played: Played | None) -> str:
    """What an instructor should look at; "" where there is nothing."""
    r = _score(played).r if played else 1.0
    return f"capstone: r = {r:.2f}, better than the best that is known" if r < TOO_GOOD else ""


def _score(played: Played | None) -> Score:
    rows = played or [[None]] * len(TASKS)
    return Score(np.array([[np.inf if r is None else r for r in row] for row in rows]))
