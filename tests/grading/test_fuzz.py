"""Law: whatever bytes a learner sends, the grader answers with a value or with a sentence."""

import contextlib
import copy
import io
import json
import math
import random
import socket
import time
import zipfile
from base64 import b64encode
from collections import deque
from pathlib import PurePosixPath
from types import SimpleNamespace

import nbformat
import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jupyter_client.channels import ZMQSocketChannel
from jupyter_client.session import Session

from lrlesson.capstone.conversation import packed
from lrlesson.grading.errors import GradeError, Unreadable, one_line
from lrlesson.grading.handed_in.files import File, inside
from lrlesson.grading.handed_in.reading import read_file
from lrlesson.grading.marking.referee import REQUEST, Referee
from lrlesson.grading.marking.run import (
    MESSAGE_LIMIT,
    OUTPUT_LIMIT,
    GradedCell,
    GradingKernel,
    Job,
    Outcome,
)
from lrlesson.grading.marking.score import difference, rows
from lrlesson.grading.marks.export import read_table

pytestmark = pytest.mark.slow

SEEDS = 200  # of each kind; times the inputs of one seed, 100,000 in all
EACH = {"notebook": 200, "archive": 100, "message": 76, "table": 74, "request": 50}
PIECES = [b"\0", b"\xff", b"[" * 500, b'"', b"{}", b"1e999", b"-", b"1" * 400, b"null", b"\\ud800",
          b"\n", b",", b"true", b"PK\x03\x04", b"x" * 300, b"\xef\xbb\xbf"]  # fmt: skip


def mutated(chance, source):
    """Bytes like `source`, with some of them changed, cut, doubled or replaced by worse ones."""
    data = bytearray(source)
    for _ in range(chance.randint(1, 6)):
        at, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.choice(PIECES)
            case 1 if end - at < 200:
                del data[at:end]
            case 2 if end - at < 200:
                data[at:at] = data[at:end]
            case 3 if at < len(data):
                data[at] = chance.randrange(256)
            case _:
                data[at : at + 4] = chance.choice(PIECES)
    return bytes(data)


ODD = [None, True, -1, 1e308, 5e-324, math.nan, math.inf, 10**400, "", "\ud800", "\x1b[2J", [], {},
       "7" * 300, [[]] * 50, {"": {"": []}}, json.loads("[" * 200 + "]" * 200),
       "2026-01-01T00:00:00Z", b64encode(b"\x00\x00\x80\x7f" * 650).decode()]  # fmt: skip


def places(value):
    """Every place in JSON data that holds a value, as its container and its key there."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from places(inner)


def twisted(chance, value):
    """JSON data like `value`, with other values in it, or values elsewhere, or gone; as bytes."""
    value = json.loads(json.dumps(value))
    for _ in range(chance.randint(0, 3)):
        if found := list(places(value)):
            holder, key = chance.choice(found)
            match chance.randrange(4):
                case 0:
                    del holder[key]
                case 1 if isinstance(holder, dict):
                    holder[chance.choice(["", "w", "lr", "text", "id", "\ud800"])] = holder.pop(key)
                case 2:
                    other, where = chance.choice(found)
                    with contextlib.suppress(LookupError):  # removed before
                        holder[key] = copy.deepcopy(other[where])
                case _:
                    holder[key] = copy.deepcopy(chance.choice(ODD))
    return json.dumps(value).encode()


def spoilt(chance, value):
    """JSON data that is wrong as data, or no longer JSON."""
    made = twisted(chance, value)
    return made if chance.random() < 0.5 else mutated(chance, made)


def notebook():
    data = {"lrlesson": {"id": "double.answer", "release": "0123"}}
    cell = {"cell_type": "code", "id": "a", "source": ["x = 1\n", "y"], "metadata": data}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell] * 2}


def archive():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a/04_decay.ipynb", json.dumps(notebook()))
        made.writestr("b.ipynb", "{}")
    return content.getvalue()


def a_notebook(chance, _):
    data = spoilt(chance, notebook())
    copied = read_file(File(PurePosixPath("a.ipynb"), lambda: data))
    json.dumps(copied.plain())
    assert not (copied.cells and copied.problem)


def an_archive(chance, _):
    data = mutated(chance, archive())
    for file in inside(File(PurePosixPath("a.zip"), lambda: data)):
        json.dumps(read_file(file).plain())


REQUESTS = [{"do": do} for do in ("next", "end", "reset", "init", "val_loss")]
STEPS = [{"do": "step", "lr": lr} for lr in (0.1, 1e300, 5e-324, 10**400, -0.0)]


def a_request(chance, game):
    request = chance.choice(REQUESTS if chance.random() < 0.1 else STEPS)
    if game.track == "open" and game.run_now and chance.random() < 0.5:
        w = game.run_now[2].init()
        w[chance.randrange(w.size)] = chance.choice([math.nan, math.inf, 3e38, -3e38, 1e-45, 0])
        request = {"do": "end" if chance.random() < 0.05 else "grad", "w": packed(w)}
    began = time.thread_time()
    answer = game._answer(spoilt(chance, request))
    assert time.thread_time() - began < REQUEST
    json.dumps(answer, allow_nan=False)
    if game.run_now is None:
        game._answer(b'{"do": "next"}')


TABLE = b"Name,ID number,Email\r\nAda L,1,a@x.example\r\na | 1 2\r\n"


def a_table(chance, path):
    data = mutated(chance, TABLE)
    path.write_bytes(data)
    with contextlib.suppress(GradeError):
        read_table(path)
    text = data.decode(errors="replace")
    assert isinstance(difference([("a", "1 2")], rows(text, ["a"])), str)


class Spoken(GradingKernel):
    """What the grader has of a kernel; what it receives was put into the sockets beforehand.

    A learner's code knows the key, so that what it sends may be signed.
    """

    def __init__(self):
        self.context, self.theirs = zmq.Context(), {}
        self.context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_LIMIT)
        self.session, self.referee, self.waiting = Session(key=b"k"), None, deque()
        self.limit, self.folder, self.held = OUTPUT_LIMIT, None, None
        ours = {}
        for name in ("shell", "iopub"):
            pair = self.context.socket(zmq.PAIR), self.context.socket(zmq.PAIR)
            pair[0].bind(f"inproc://{name}")
            pair[1].connect(f"inproc://{name}")
            self.theirs[name] = pair[1]
            ours[name] = ZMQSocketChannel(pair[0], Session(key=b"k"))
        self.kc = SimpleNamespace(
            shell_channel=ours["shell"],
            iopub_channel=ours["iopub"],
            get_shell_msg=ours["shell"].get_msg,
            get_iopub_msg=ours["iopub"].get_msg,
            stop_channels=lambda: [channel.stop() for channel in ours.values()],
        )

    def say(self, name, parts, signature=None):
        signed = self.session.sign(parts[:4]) if signature is None else signature
        self.theirs[name].send_multipart([b"<IDS|MSG>", signed, *parts])

    def is_alive(self):
        return True

    def interrupt(self):
        pass

    def execute_cell_input(self, *_, **__):
        return ASKED["msg_id"]

    def stop(self):
        super().stop()
        for socket_ in self.theirs.values():
            socket_.close()


ASKED = {"msg_id": "asked", "msg_type": "execute_request", "date": "2026-01-01T00:00:00Z"}
SAID = {
    "status": {"execution_state": "busy"},
    "stream": {"name": "stdout", "text": "a | 1 2\n"},
    "error": {"ename": "E", "evalue": "v", "traceback": ["t"]},
    "display_data": {"data": {"text/plain": "x"}, "metadata": {}},
    "execute_result": {"data": {"text/plain": "x"}, "metadata": {}, "execution_count": 1},
    "execute_reply": {"status": "ok"},
    "comm_open": {"comm_id": "x"},
    "clear_output": {},
}


def messages(chance, kernel):
    """A cell in which four are sent, and then what ends a cell."""
    for _ in range(4):
        kind = chance.choice(list(SAID))
        message = [{**ASKED, "msg_id": "m", "msg_type": kind}, ASKED, {}, SAID[kind]]
        where = chance.choice([0, 1, 3, 3, 3])
        parts = [json.dumps(part).encode() for part in message]
        parts[where] = spoilt(chance, message[where])
        parts += [b"x" * chance.randrange(1000)] if chance.random() < 0.1 else []
        parts = parts[: chance.randrange(4)] if chance.random() < 0.02 else parts
        forged = mutated(chance, b"signed") if chance.random() < 0.02 else None
        kernel.say(chance.choice(["shell", "iopub", "iopub"]), parts, forged)
    for name, kind, said in [
        ("iopub", "status", {"execution_state": "idle"}),
        ("shell", "execute_reply", {"status": "ok"}),
    ]:
        header = {**ASKED, "msg_id": str(chance.random()), "msg_type": kind}
        kernel.say(name, [json.dumps(part).encode() for part in (header, ASKED, {}, said)])
    cell = object.__new__(GradedCell)  # pytest would make one item of each
    cell.name, cell.test_outputs, outcome = "c", None, Outcome()
    cell.cell = nbformat.v4.new_code_cell("x", metadata={"lrlesson": {"id": "c"}})
    cell.options = dict.fromkeys(("skip", "check", "check_exception"), False)
    cell.config = SimpleNamespace(option=SimpleNamespace(nbval_cell_timeout=2000.0))
    cell.parent = SimpleNamespace(
        kernel=kernel,
        outcome=outcome,
        deadline=time.monotonic() + 20,
        job=Job(""),
        get_kernel_message=lambda timeout: kernel.get_message("iopub", timeout),
    )
    with contextlib.redirect_stdout(io.StringIO()):
        cell.runtest()
    (done,) = outcome.cells
    assert done.status in ("ok", "error", "output"), done
    assert one_line(done.detail).isprintable()
    assert isinstance(difference([("a", "1 2")], rows(done.text, ["a"])), str)


@contextlib.contextmanager
def answering(kind, chance, folder):
    """What answers this kind of input, and how many inputs it takes at a time."""
    if kind == "message":
        kernel = Spoken()
        yield lambda: messages(chance, kernel), 4
        kernel.stop()
    elif kind == "request":
        ours, theirs = socket.socketpair()
        with ours, theirs:
            game = Referee(ours, chance.choice(["sgd", "open"]), 9)
            yield lambda: a_request(chance, game), 1
    else:
        one = {"notebook": a_notebook, "archive": an_archive, "table": a_table}[kind]
        yield lambda: one(chance, folder / "roster.csv"), 1


@pytest.mark.parametrize("kind", EACH)
@settings(max_examples=SEEDS, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_bytes_of_a_learner_are_answered(kind, seed, tmp_path):
    with answering(kind, random.Random(seed), tmp_path) as (answer, at_a_time):
        for _ in range(EACH[kind] // at_a_time):
            answer()


def test_unreadable_is_what_it_says():
    def read():
        raise Unreadable("is gone")

    copy = read_file(File(PurePosixPath("a.ipynb"), read))
    assert copy.problem == "a.ipynb is gone"
    assert copy.closed
