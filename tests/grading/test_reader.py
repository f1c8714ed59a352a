"""Law: what one learner handed in costs the grader bounded time and memory, and nobody else."""

import ctypes
import io
import itertools
import json
import os
import sys
import time
import zipfile
import zlib

import pytest

from lrlesson.grading import grade
from lrlesson.grading.errors import Unreadable
from lrlesson.grading.handed_in.collect import collect
from lrlesson.grading.handed_in.reader import LONGEST, WAIT, Reader

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the reader is Linux's")

NAMES = {"04_decay.ipynb"}


def deep(_):
    return deep(_)


WORST = {
    "too much memory": (lambda _: bytearray(1 << 30), "needs more than 256 MB"),
    "too much time": (lambda _: sum(itertools.repeat(0)), "takes more than 1 s"),
    "too long a wait": (lambda _: time.sleep(60), "takes more than 1 s"),
    "a crash": (lambda _: ctypes.string_at(0), "ends the process"),
    "an end": (lambda _: os._exit(0), "ends the process"),
    "an exception": (lambda _: 1 / 0, "cannot be read (ZeroDivisionError)"),
    "recursion": (deep, "cannot be read (RecursionError)"),
    "too long an answer": (lambda _: "x" * (LONGEST + 1), "holds more than 16 MB"),
    "what is no plain data": (lambda _: {1j: 2}, "ends the process"),
}


@pytest.mark.parametrize("name", WORST)
def test_whatever_reading_does_it_costs_one_answer(name, traces):
    work, said = WORST[name]
    with Reader(lambda asked: "good" if asked == "good" else work(asked), 1, 256 << 20) as reader:
        assert reader.ask("good") == "good"
        started = time.monotonic()
        with pytest.raises(Unreadable) as error:
            reader.ask("bad")
        assert said in str(error.value)
        assert time.monotonic() - started < 3 * WAIT
        assert reader.ask("good") == "good"
    assert traces.left() == []


def test_a_question_that_is_asked_for_ever_ends_without_a_grader(traces):
    """The process has its own clock, in case the grader was killed."""
    reader = Reader(lambda _: time.sleep(60), 0.2)
    reader._begin().send_bytes(b"[1, 0.2]")
    started = time.monotonic()
    reader.process.join(10)
    assert time.monotonic() - started < 5
    reader.close()
    assert traces.left() == []


def test_what_one_answer_left_in_memory_is_not_the_next_ones():
    kept = []
    with Reader(lambda size: len(kept.append(bytearray(size)) or kept), 5, 256 << 20) as reader:
        assert [reader.ask(150 << 20) for _ in range(3)] == [1, 1, 1]
        assert [reader.ask(1000) for _ in range(3)] == [1, 2, 3]


def archive(members, method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as made:
        for name, data in members:
            made.writestr(name, data)
    return content.getvalue()


def lying(size):
    """A deflated member that says it is small."""
    data = archive([("a.ipynb", b" " * size)])
    true, said = size.to_bytes(4, "little"), (100).to_bytes(4, "little")
    return data.replace(true, said)


def worst_archives():
    """Small files that are much work, each of its own kind."""
    cells = b'{"cells": [' + b"{}," * 4000 + b"{}]}"
    big = b'{"cells": [' + b'{"source": "' + b"x" * 150_000 + b'"},' * 1 + b"{}]}"
    metadata = {"lrlesson": {str(i): "y" * 1000 for i in range(10)}}
    whole = json.dumps({"cells": [{"source": "1", "metadata": metadata}] * 1000}).encode()
    return {
        "a bomb": archive([("a.ipynb", b" " * 200_000_000)]),
        "many bombs": archive([(f"{i}.ipynb", b" " * 19_000_000) for i in range(12)]),
        "bombs in bz2": archive(
            [(f"{i}.ipynb", bytes(19_000_000)) for i in range(6)], zipfile.ZIP_BZIP2
        ),
        "bombs in lzma": archive(
            [(f"{i}.ipynb", bytes(19_000_000)) for i in range(6)], zipfile.ZIP_LZMA
        ),
        "a size that is a lie": lying(15_000_000),
        "duplicates": archive([(f"{i}.ipynb", cells) for i in range(9000)]),
        "much text": archive([(f"{i}.ipynb", big) for i in range(600)]),
        "much metadata": archive([(f"{i}.ipynb", whole) for i in range(9)]),
        "nesting": archive([(f"{i}.ipynb", b"[" * 10_000_000) for i in range(9)]),
        "numbers": archive([("a.ipynb", b"[" + b"1," * 9_000_000 + b"1]")]),
    }


def grafting_bomb():
    """A notebook in which each cell needs the next: quick to read, and slow to understand."""
    answer = {"lrlesson": {"id": "step-decay.answer"}}
    cells = [{"cell_type": "code", "source": "step_decay = v0", "metadata": answer}]
    cells += [{"cell_type": "code", "source": f"v{i} = v{i + 1}"} for i in range(4998, -1, -1)]
    return json.dumps({"cells": cells}).encode()


@pytest.mark.slow
@pytest.mark.usefixtures("bubblewrap")
def test_a_class_with_the_ten_worst_archives_takes_ten_seconds_more_for_each(made, tmp_path):
    folder = tmp_path / "in"
    for number in range(3):
        notebook = made.filled(made.decay, made.right_decay)
        made.hand_in(folder / f"honest {number}", made.decay, notebook)

    def graded(name):
        started = time.monotonic()
        rows = grade(folder, tmp_path / name, made.solutions, 1, jobs=2).rows
        honest = [row.points for row in rows if row.learner.startswith("honest")]
        assert honest == [6.0] * 3
        return rows, time.monotonic() - started

    _, alone = graded("alone")
    for name, content in worst_archives().items():
        made.hand_in(folder / name, "work.zip", content)
    bomb = archive([(f"{number} {made.decay}", grafting_bomb()) for number in range(20)])
    made.hand_in(folder / "grafting", "work.zip", bomb)
    made.hand_in(folder / "grafting once", made.decay, grafting_bomb())
    rows, beside = graded("beside")
    assert beside - alone < 10 * 12
    assert {row.status for row in rows if "honest" not in row.learner} <= {"unreadable", "missing"}
    assert "takes more than 10 s" in next(r for r in rows if r.learner == "grafting").reason


def test_a_folder_of_any_depth_is_walked(tmp_path):
    place = tmp_path / "ada" / "/".join("d" * 1200)
    for folder in [*reversed(place.parents), place]:
        folder.mkdir(exist_ok=True)
    (place / "04_decay.ipynb").write_text('{"cells": [{"source": "1"}]}')
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "04_decay.ipynb").write_text('{"cells": [{"source": "1"}]}')
    (ada, bob), _ = collect(tmp_path, NAMES)
    assert [copy.path.name for copy in ada.copies] == ["04_decay.ipynb"]
    assert bob.copies[0].problem == ""
    (place / "04_decay.ipynb").unlink()
    os.removedirs(place)  # pytest would do it by recursion


def test_a_failed_member_is_charged_before_it_is_read(tmp_path):
    """Ten members whose sums are wrong: only as many are unpacked as the archive may hold."""
    content = archive([(f"{i}.ipynb", b" " * 19_000_000) for i in range(10)])
    right = zlib.crc32(b" " * 19_000_000).to_bytes(4, "little")
    (tmp_path / "ada.zip").write_bytes(content.replace(right, b"\0\0\0\0"))
    ((ada,), _) = collect(tmp_path, NAMES)
    said = [copy.problem.split(" ", 1)[1] for copy in ada.copies]
    assert said.count("cannot be unpacked (BadZipFile)") == 5
    assert said.count("unpacks to too much") == 5
