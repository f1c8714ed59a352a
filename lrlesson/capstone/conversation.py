"""Playing a whole round: against problems in this process, or against the grader's referee.

When graded, problems and their counts live in the grader's process. This side sends one line of
JSON per request over the socket whose number the environment names, and reads one line back:

    {"do": "next"}                     -> {"track": "sgd", "left": 600} or {"over": true}
    {"do": "step", "lr": 0.1}          -> {"loss": 2.3, "left": 599}
    {"do": "grad", "w": "..."}         -> {"loss": 2.3, "gradient": "...", "left": 599}
    {"do": "end"} or with "w"          -> {"val_loss": 0.2}

and "reset", "val_loss" and "init" likewise. Arrays are base64 of little-endian float32; a number
that is not finite is null; what is refused is answered by {"error": kind, "why": sentence}.
"""

import base64
import json
import os
import socket
from math import nan
from typing import Any

import numpy as np

from lrlesson.base.threads import one_thread
from lrlesson.capstone.problems import BudgetSpent
from lrlesson.capstone.scoring import SEEDS, Strategy, rounds
from lrlesson.capstone.tasks import GRADED

REFEREE = "LRLESSON_REFEREE"  # the environment variable with the socket's number


def play(track: str, strategy: Strategy, seed: int = 0, seeds: int = SEEDS) -> list[float]:
    """Run a strategy on every task and seed; return each run's validation loss at its end.

    Where the grader listens, its referee gives the problems and keeps the score, and the seed is
    the grader's own.
    """
    if REFEREE in os.environ:
        with Channel(int(os.environ[REFEREE])) as referee:
            return _played(referee, strategy)
    found = []
    with one_thread(), np.errstate(all="ignore"):
        for number in range(seeds):
            for _, problem in rounds(track, (GRADED, seed, number)):
                w = problem._end(strategy(problem, problem.budget))
                found.append(float(problem._instance.loss(w, "val")))
    return found


def _played(referee: "Channel", strategy: Strategy) -> list[float]:
    found = []
    while "over" not in (given := referee.ask("next")):
        sgd = given["track"] == "sgd"
        remote = RemoteSGD(referee, given) if sgd else RemoteOpen(referee, given)
        answer = strategy(remote, remote.budget)
        ended = referee.ask("end") if sgd else referee.ask("end", w=packed(answer))
        found.append(number(ended["val_loss"]))
    return found


class Channel:
    """Questions and answers over a connected socket, given by its file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> "Channel":
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Send one request; return the reply. BudgetSpent or ValueError where it is refused."""
        self._socket.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the referee has closed the game")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise (BudgetSpent if reply["error"] == "spent" else ValueError)(reply["why"])
        return reply


class _Remote:
    def __init__(self, referee: Channel, given: dict[str, Any]) -> None:
        self._referee, self.budget, self.left = referee, given["left"], given["left"]

    def _ask(self, do: str, **more: Any) -> dict[str, Any]:
        reply = self._referee.ask(do, **more)
        self.left = reply["left"]
        return reply


class RemoteSGD(_Remote):
    """`SGDProblem`, in the grader's process."""

    def step(self, lr: float) -> float:
        """See SGDProblem."""
        return number(self._ask("step", lr=float(lr))["loss"])

    def reset(self) -> None:
        """See SGDProblem."""
        self._ask("reset")

    def val_loss(self) -> float:
        """See SGDProblem."""
        return number(self._ask("val_loss")["loss"], np.inf)


class RemoteOpen(_Remote):
    """`OpenProblem`, in the grader's process."""

    def init(self) -> np.ndarray:
        """See OpenProblem."""
        return unpacked(self._ask("init")["w"])

    def grad(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """See OpenProblem."""
        reply = self._ask("grad", w=packed(w))
        return number(reply["loss"]), unpacked(reply["gradient"])

    def val_loss(self, w: np.ndarray) -> float:
        """See OpenProblem."""
        return number(self._ask("val_loss", w=packed(w))["loss"], np.inf)


def packed(array: Any) -> str:
    """An array of weights as text; TypeError or ValueError where it is none."""
    with np.errstate(all="ignore"):
        return base64.b64encode(np.asarray(array, dtype="<f4").tobytes()).decode()


def unpacked(text: str) -> np.ndarray:
    """The array that `packed` made text of, as one that may be written to."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4").copy()


def number(value: float | None, otherwise: float = nan) -> float:
    """A number as a message holds it: null is one that is not finite."""
    return otherwise if value is None else float(value)
