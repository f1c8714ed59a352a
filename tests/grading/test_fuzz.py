"""Law: whatever bytes a learner sends, the grader answers with a value or with a sentence."""

import contextlib
import io
import json
import random
import socket
import zipfile
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrlesson.grading.errors import GradeError, Unreadable
from lrlesson.grading.handed_in.files import File, inside
from lrlesson.grading.handed_in.reading import read_file
from lrlesson.grading.marking.referee import Referee
from lrlesson.grading.marking.score import difference, rows
from lrlesson.grading.marks.export import read_table

pytestmark = pytest.mark.slow

EACH, SEEDS = 125, 200  # inputs of one seed; times 4 kinds of input, 100,000
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


def notebook():
    data = {"lrlesson": {"id": "double.answer", "release": "0123"}}
    cell = {"cell_type": "code", "id": "a", "source": ["x = 1\n", "y"], "metadata": data}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell] * 2})


def archive():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a/04_decay.ipynb", notebook())
        made.writestr("b.ipynb", "{}")
    return content.getvalue()


def a_notebook(data, _):
    copy = read_file(File(PurePosixPath("a.ipynb"), lambda: data))
    json.dumps(copy.plain())
    assert bool(copy.cells) != bool(copy.problem)


def an_archive(data, _):
    for file in inside(File(PurePosixPath("a.zip"), lambda: data)):
        json.dumps(read_file(file).plain())


def a_request(data, referee):
    json.dumps(referee._answer(data), allow_nan=False)


def a_table(data, folder):
    (folder / "roster.csv").write_bytes(data)
    with contextlib.suppress(GradeError):
        read_table(folder / "roster.csv")
    text = data.decode(errors="replace")
    assert isinstance(difference([("a", "1 2")], rows(text, ["a"])), str)


REQUESTS = [
    *(b'{"do": "step", "lr": 0.1}', b'{"do": "next"}', b'{"do": "end"}', b'{"do": "reset"}'),
    *(b'{"do": "val_loss"}', b'{"do": "grad", "w": "AAAA"}', b'{"do": "end", "w": "AAAA"}'),
]
TABLE = b"Name,ID number,Email\r\nAda L,1,a@x.example\r\na | 1 2\r\n"


@pytest.mark.parametrize("kind", ["notebook", "archive", "request", "table"])
@settings(max_examples=SEEDS, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_bytes_of_a_learner_are_answered(kind, seed, tmp_path):
    chance = random.Random(seed)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        referee = Referee(ours, chance.choice(["sgd", "open"]), 1)
        referee._answer(b'{"do": "next"}')
        for _ in range(EACH):
            match kind:
                case "notebook":
                    a_notebook(mutated(chance, notebook().encode()), None)
                case "archive":
                    an_archive(mutated(chance, archive()), None)
                case "request":
                    a_request(mutated(chance, chance.choice(REQUESTS)), referee)
                case "table":
                    a_table(mutated(chance, TABLE), tmp_path)


def test_unreadable_is_what_it_says():
    def read():
        raise Unreadable("is gone")

    copy = read_file(File(PurePosixPath("a.ipynb"), read))
    assert copy.problem == "a.ipynb is gone"
    assert copy.closed
