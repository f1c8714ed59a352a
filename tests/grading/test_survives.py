"""Law: whatever happens to the grader, the results are those of an undisturbed run."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path

import pytest

from lrlesson.grading import GradeError, grade
from lrlesson.grading.marking import workers
from lrlesson.grading.marking.run import Outcome
from lrlesson.grading.marks import results
from lrlesson.grading.marks.export import totals

pytestmark = pytest.mark.usefixtures("bubblewrap")

ROOT = Path(__file__).parents[2]
EARLY = """\
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** np.floor((np.asarray(t) + 1) / every)
"""
FIELDS = ("points", "max_points", "status", "reason", "seed", "isolation", "anomalies", "checks")


def marks(path):
    rows = results.latest(results.read(path / "results.jsonl"))
    return {key: tuple(getattr(row, name) for name in FIELDS) for key, row in rows.items()}


@pytest.mark.slow
def test_twenty_kills_in_a_run_of_fifty_submissions_change_nothing(made, tmp_path, traces):
    for number in range(50):
        source = made.right_decay if number % 3 else EARLY
        made.hand_in(tmp_path / "in" / f"{number:02d}", made.decay, made.filled(made.decay, source))
    command = [
        *(sys.executable, "-m", "lrlesson.cli", "grade", str(tmp_path / "in"), "--seed", "7"),
        *("--solutions", str(made.solutions), "-j", "2", "--out"),
    ]
    results_file = tmp_path / "killed" / "results.jsonl"
    dice = random.Random(7)
    options = {"cwd": ROOT, "env": traces.environment}
    subprocess.run([*command, tmp_path / "calm"], check=True, capture_output=True, **options)
    for kill in range(20):
        grader = subprocess.Popen(
            [*command, tmp_path / "killed"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **options,
        )
        have = results_file.stat().st_size if results_file.exists() else 0
        if kill % 2:  # half of the kills come anywhere, half while rows are being written
            time.sleep(dice.uniform(0.1, 4))
        else:
            end = time.monotonic() + 60
            while grader.poll() is None and time.monotonic() < end:
                if results_file.exists() and results_file.stat().st_size > have:
                    break
                time.sleep(0.002)
        grader.kill()
        grader.wait()
        assert kill % 5 or traces.left() == []
    subprocess.run([*command, tmp_path / "killed"], check=True, capture_output=True, **options)
    assert marks(tmp_path / "killed") == marks(tmp_path / "calm")
    assert len(marks(tmp_path / "calm")) == 50
    assert traces.left() == []


@pytest.mark.slow
def test_ctrl_c_leaves_what_is_done_and_the_same_command_goes_on(made, tmp_path):
    for number in range(24):
        answer = made.filled(made.decay, made.right_decay)
        made.hand_in(tmp_path / "in" / f"{number:02d}", made.decay, answer)
    command = [
        *(sys.executable, "-m", "lrlesson.cli", "grade", str(tmp_path / "in"), "-j", "1"),
        *("--solutions", str(made.solutions), "--out", str(tmp_path / "out")),
    ]
    # A shell that runs the tests in the background has Ctrl-C ignored, by what they start as well.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    grader = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    path = tmp_path / "out" / "results.jsonl"
    end = time.monotonic() + 90
    while len(results.read(path)) < 14 and time.monotonic() < end:
        time.sleep(0.05)
    grader.send_signal(signal.SIGINT)
    _, said = grader.communicate(timeout=30)
    assert grader.returncode == 2
    assert "the same command goes on from there" in said.decode()
    assert "Traceback" not in said.decode()
    assert 14 <= len(results.read(path)) < 24
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert [t.points for t in totals(results.latest(results.read(path)).values())] == [6] * 24


class Here(Executor):
    """Runs everything at once, in this process."""

    def submit(self, function, /, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done


def test_a_kernel_that_never_starts_is_a_row_with_the_reason(made, tmp_path, monkeypatch):
    made.hand_in(tmp_path / "in" / "ada", made.decay, made.filled(made.decay, made.right_decay))

    def broken(job):
        first = "lr0 * drop **" not in job.notebook or "### BEGIN" in job.notebook
        return real(job) if first else Outcome(failure="the kernel did not start (no memory)")

    real = workers.run
    monkeypatch.setattr(workers, "run", broken)
    summary = grade(tmp_path / "in", tmp_path / "out", made.solutions, 1, executor=Here())
    row = next(row for row in summary.rows if row.exercise == "step-decay")
    assert (row.status, row.points) == ("error", 0)
    assert row.reason == "the kernel did not start (no memory)"
    monkeypatch.setattr(workers, "run", real)
    again = grade(tmp_path / "in", tmp_path / "out", made.solutions, 1, executor=Here())
    assert [row.points for row in again.rows] == [6], "tried again, and then it works"


def test_what_ran_out_of_time_on_busy_processors_runs_again(made, tmp_path, monkeypatch):
    made.hand_in(tmp_path / "in" / "ada", made.decay, made.filled(made.decay, made.right_decay))
    tried = []

    def busy(job):
        tried.append(job.notebook)
        done = real(job)
        return replace(done, cells=[], starved=True) if tried.count(job.notebook) == 1 else done

    real = workers.run
    monkeypatch.setattr(workers, "run", busy)
    summary = grade(tmp_path / "in", tmp_path / "out", made.solutions, 1, executor=Here())
    assert [row.points for row in summary.rows] == [6]
    assert [tried.count(text) for text in tried] == [2] * 4


def test_a_full_disk_is_one_sentence_and_costs_no_row(made, tmp_path, monkeypatch):
    (tmp_path / "in" / "ada").mkdir(parents=True)
    real = results.os.fsync

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(results.os, "fsync", full)
    with pytest.raises(GradeError, match="No space left on device"):
        grade(tmp_path / "in", tmp_path / "out", made.solutions, 1)
    monkeypatch.setattr(results.os, "fsync", real)
    assert len(grade(tmp_path / "in", tmp_path / "out", made.solutions, 1).rows) == 2
    for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines():
        json.loads(line)


@pytest.mark.skipif(os.name != "posix", reason="needs a device")
def test_results_that_are_no_file_are_one_sentence_and_not_read_for_ever(made, tmp_path):
    (tmp_path / "in" / "ada").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.jsonl").symlink_to("/dev/zero")
    with pytest.raises(GradeError, match="not a file"):
        grade(tmp_path / "in", tmp_path / "out", made.solutions, 1)


def test_a_locked_folder_is_unreadable_and_not_missing(made, tmp_path, monkeypatch):
    locked = tmp_path / "in" / "ada"
    locked.mkdir(parents=True)
    locked.chmod(0)
    scandir = os.scandir

    def refuse(folder):  # root reads everything, so it is told what anyone else would be told
        if Path(folder) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    try:
        rows = grade(tmp_path / "in", tmp_path / "out", made.solutions, 1).rows
    finally:
        locked.chmod(0o755)
    assert {row.status for row in rows} == {"unreadable"}
