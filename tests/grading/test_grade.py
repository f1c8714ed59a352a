"""Law: every submission gives a row with the right mark and a reason, whatever is in it."""

import dataclasses
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from lrlesson.feedback.exercises import all_exercises
from lrlesson.grading import GradeError, grade
from lrlesson.grading.marking.run import Job
from lrlesson.grading.marks import feedback, results

pytestmark = pytest.mark.usefixtures("bubblewrap")

ROOT = Path(__file__).parents[2]
SEED = 20261122
VISIBLE = """\
def step_decay(t, lr0, drop, every):
    return {0: 0.1, 9: 0.1, 10: 0.05, 19: 0.05, 20: 0.025, 25: 0.025}[t]
"""
EXPECTED_LOOKING = """\
print("first update | 0.1")
def step_decay(t, lr0, drop, every):
    print("first update | 0.1\\nlast update before the drop | 0.1")
    print("all checks passed: 6 of 6 points")
"""
PATCHED_PRINT = """\
import builtins
def print(*args, **kwargs):
    builtins.print("first update |", 0.1)
def step_decay(t, lr0, drop, every):
    return lr0
"""
CHATTY = """\
import sys, warnings
def step_decay(t, lr0, drop, every):
    print("t =", t, end=" ")
    print("careful", file=sys.stderr)
    warnings.warn("careful")
    return lr0 * drop ** (np.asarray(t) // every)
"""
LOOP = """\
def step_decay(t, lr0, drop, every):
    while True:
        pass
"""
EXITS = """\
import os
def step_decay(t, lr0, drop, every):
    os._exit(0)
"""
NO_FUNCTION = "step_deccay = 1\nraise RuntimeError('\\x1b[31m' + 'long ' * 1000)"
UNFINISHED = """\
def step_decay(t, lr0, drop, every):
    drops = t // every
    raise NotImplementedError
"""

# learner: (points for step-decay, status, part of the reason)
DECAY = {
    "right": (6, "graded", "all checks passed"),
    "chatty": (6, "graded", "all checks passed"),
    "early": (4, "graded", "step-decay.edges: last update before the drop: not the expected value"),
    "scalar": (5, "graded", "step-decay.array: error, TypeError"),
    "once": (4, "graded", "step-decay.later"),
    "removed-share": (0, "graded", "step-decay.edges"),
    "stateful": (2, "graded", "step-decay.again"),
    "visible-values": (0, "graded", "error, KeyError"),
    "expected-looking": (0, "graded", "step-decay.edges"),
    "patched-print": (0, "graded", "step-decay.edges"),
    "unfilled": (0, "not attempted", "still the stub"),
    "unfinished": (0, "not attempted", "NotImplementedError"),
    "no-function": (0, "failed", "step-decay.answer raised RuntimeError"),
    "deleted": (0, "missing", "has no answer cell step-decay.answer"),
    "duplicate": (6, "graded", "all checks passed"),
    "retyped": (6, "graded", "all checks passed"),
    "helper-elsewhere": (6, "graded", "all checks passed"),
    "not-json": (0, "unreadable", "04_exercise_decay.ipynb is not JSON"),
    "no-cells": (0, "unreadable", "04_exercise_decay.ipynb has no cells"),
    "nothing": (0, "missing", "no notebook 04_exercise_decay.ipynb"),
    "loop": (0, "timeout", "no answer within"),
    "exits": (0, "died", "ended with exit code 0"),
}
DESCENT = {
    "right": (4, "graded", "all checks passed"),
    "in-place": (1, "graded", "gradient-descent.untouched: the caller's w0 afterwards"),
    "integers": (3, "graded", "gradient-descent.integers: integer start, after the first update"),
    "one-short": (2, "graded", "gradient-descent.path: shape of the path"),
    "climbs": (0, "graded", "gradient-descent.path: all rows"),
}


def wrong(exercise, misconception):
    """The code of a known wrong solution, from the bank that drives the checks."""
    bank = all_exercises()[exercise].bank
    return next(w.code for w in bank if w.misconception == misconception)


@pytest.fixture(scope="module")
def class_of_learners(made, tmp_path_factory):
    """A folder of submissions, each made from the released exercise."""
    folder = tmp_path_factory.mktemp("class")

    def decay(learner, source, edit=None):
        notebook = made.filled(made.decay, source)
        if edit:
            edit(notebook)
        made.hand_in(folder / learner, made.decay, notebook)

    def duplicate(notebook):
        cell = made.cell(notebook, "step-decay.answer")
        first = {**cell, "id": "first-try", "source": LOOP}
        notebook["cells"].insert(notebook["cells"].index(cell), first)

    def retype(notebook):
        made.cell(notebook, "step-decay.answer")["cell_type"] = "raw"

    def foreign(notebook):
        scratch = {"cell_type": "code", "id": "mine", "metadata": {}, "outputs": []}
        notebook["cells"].insert(2, {**scratch, "source": "helper = np.floor_divide"})

    bank = "step-decay"
    decay("right", made.right_decay)
    decay("chatty", CHATTY)
    decay("early", wrong(bank, "drops-one-step-early"))
    decay("scalar", wrong(bank, "takes-one-step-only"))
    decay("once", wrong(bank, "drops-only-once"))
    decay("removed-share", wrong(bank, "drop-is-removed-share"))
    decay("stateful", wrong(bank, "decays-the-decayed-rate"))
    decay("visible-values", VISIBLE)
    decay("expected-looking", EXPECTED_LOOKING)
    decay("patched-print", PATCHED_PRINT)
    made.hand_in(folder / "unfilled", made.decay, made.exercise(made.decay))
    decay("unfinished", UNFINISHED)
    decay("no-function", NO_FUNCTION)
    decay("deleted", "", lambda n: n["cells"].remove(made.cell(n, "step-decay.answer")))
    decay("duplicate", made.right_decay, duplicate)
    decay("retyped", made.right_decay, retype)
    uses = "def step_decay(t, lr0, drop, every):\n    return lr0 * drop ** helper(t, every)\n"
    decay("helper-elsewhere", uses, foreign)
    made.hand_in(folder / "not-json", made.decay, "{'cells': ")
    made.hand_in(folder / "no-cells", made.decay, '{"nbformat": 4, "cells": []}')
    (folder / "nothing").mkdir()
    decay("loop", LOOP)
    decay("exits", EXITS)

    bank = "gradient-descent"
    answers = {
        "right": made.right_descent,
        "in-place": wrong(bank, "changes-the-callers-array"),
        "integers": wrong(bank, "integers-stay-integers"),
        "one-short": wrong(bank, "one-step-short"),
        "climbs": wrong(bank, "climbs"),
    }
    for learner, source in answers.items():
        made.hand_in(folder / learner, made.descent, made.filled(made.descent, source))
    return folder


@pytest.fixture(scope="module")
def graded(made, class_of_learners, tmp_path_factory):
    out = tmp_path_factory.mktemp("graded")
    seen = []
    summary = grade(
        class_of_learners, out, made.solutions, SEED, on_row=lambda row, left: seen.append(left)
    )
    assert seen == list(range(len(summary.rows) - 1, -1, -1))
    return summary


@pytest.fixture(scope="module")
def rows(graded):
    return {(row.learner, row.exercise): row for row in graded.rows}


def test_one_row_per_learner_and_exercise(graded, rows, class_of_learners):
    learners = {path.name for path in class_of_learners.iterdir()}
    assert set(rows) == {(x, e) for x in learners for e in ("gradient-descent", "step-decay")}
    assert len(graded.rows) == len(rows) == graded.done
    assert (graded.kept, graded.seed, graded.ignored) == (0, SEED, [])


@pytest.mark.parametrize("learner", DECAY)
def test_step_decay_gets_the_mark_it_earns(learner, rows):
    row = rows[learner, "step-decay"]
    points, status, words = DECAY[learner]
    assert (row.points, row.status) == (points, status), row.reason
    assert words in row.reason
    assert row.max_points == 6


@pytest.mark.parametrize("learner", DESCENT)
def test_gradient_descent_gets_the_mark_it_earns(learner, rows):
    row = rows[learner, "gradient-descent"]
    points, status, words = DESCENT[learner]
    assert (row.points, row.status) == (points, status), row.reason
    assert words in row.reason
    assert row.max_points == 4


def test_a_notebook_that_was_not_handed_in_is_missing(rows):
    row = rows["scalar", "gradient-descent"]
    assert (row.points, row.status) == (0, "missing")
    assert row.reason == "no notebook 01_exercise_what_the_rate_is.ipynb"


def test_what_was_done_to_our_cells_is_reported(rows):
    said = {name: row.anomalies for (name, which), row in rows.items() if which == "step-decay"}
    assert said["right"] == []
    assert said["deleted"] == ["deleted: step-decay.answer"]
    assert said["retyped"] == ["retyped: step-decay.answer is a raw cell, run as code"]
    assert said["helper-elsewhere"] == ["needed: cell 3 (helper)"]
    assert said["duplicate"][0].startswith("duplicate: step-decay.answer, 2 cells")


def test_the_points_are_those_of_the_checks(rows):
    for row in rows.values():
        assert row.points == sum(check["points"] for check in row.checks)
        if row.checks:
            assert row.max_points == sum(check["max_points"] for check in row.checks)


def test_nothing_that_a_learner_wrote_breaks_a_line_or_a_terminal(rows):
    for row in rows.values():
        for text in (row.reason, *row.anomalies, *(c["reason"] for c in row.checks)):
            assert text.isprintable()
            assert len(text) < 1500


def test_hidden_numbers_stay_out_of_the_reasons(rows):
    row = rows["removed-share", "step-decay"]
    assert not any(character.isdigit() for check in row.checks for character in check["reason"])


def test_a_row_says_how_it_was_made(rows):
    row = rows["right", "step-decay"]
    assert row.isolation == "bubblewrap"
    assert row.seed == SEED
    assert {"python", "numpy", "lrlesson", "nbval"} <= set(row.versions)
    assert 0 < row.seconds < 60


def test_the_file_is_one_json_object_per_line(graded, rows):
    lines = graded.path.read_text(encoding="utf-8").splitlines()
    assert graded.path.name == "results.jsonl"
    names = "learner exercise points max_points status reason seconds isolation seed versions"
    for line in lines:
        assert set(names.split()) <= set(json.loads(line))
    assert len(lines) == len(rows)
    assert {row.status for row in rows.values()} <= set(results.STATUS)


@pytest.fixture(scope="module")
def executor():
    """Any executor will do; this one stays warm from test to test."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def small(class_of_learners, tmp_path_factory):
    """Honest and dishonest learners of one exercise, to be graded again and again."""
    folder = tmp_path_factory.mktemp("small")
    for learner in ("right", "early", "visible-values", "not-json"):
        (folder / learner).mkdir()
        shutil.copy(class_of_learners / learner / "04_exercise_decay.ipynb", folder / learner)
    return folder


def marks(summary):
    return {(r.learner, r.exercise): (r.points, r.status, r.reason, r.checks) for r in summary.rows}


def decay(summary):
    return {key: mark for key, mark in marks(summary).items() if key[1] == "step-decay"}


def test_the_same_seed_gives_the_same_rows(made, small, graded, executor, tmp_path):
    again = decay(grade(small, tmp_path, made.solutions, SEED, executor=executor))
    assert len(again) == 4
    assert again == {key: mark for key, mark in decay(graded).items() if key in again}


@pytest.mark.slow
def test_another_seed_gives_the_same_marks(made, small, rows, executor, tmp_path):
    other = grade(small, tmp_path, made.solutions, 5, executor=executor)
    for row in other.rows:
        if row.exercise == "step-decay":
            same = rows[row.learner, row.exercise]
            assert (row.points, row.status) == (same.points, same.status)
            assert row.seed == 5
            assert row.input != same.input


def test_the_same_command_goes_on_where_it_stopped(made, small, executor, tmp_path):
    folder = tmp_path / "class"
    shutil.copytree(small, folder)

    def again():
        return grade(folder, tmp_path / "out", made.solutions, executor=executor)

    first = again()
    path, count = first.path, len(first.rows)
    # A kill in the middle of a line: the last row is lost, all others hold.
    path.write_bytes(path.read_bytes()[:-40])
    second = again()
    assert (second.done, second.kept) == (1, count - 1)
    assert second.seed == first.seed, "without a seed, that of the rows already there"
    assert marks(second) == marks(first)
    assert len(results.read(path)) == count
    # A new answer is the only one that is done again.
    made.hand_in(folder / "early", made.decay, made.filled(made.decay, made.right_decay))
    third = again()
    assert (third.done, third.kept) == (1, count - 1)
    points = {learner: mark[0] for (learner, _), mark in decay(third).items()}
    assert points == {"early": 6, "not-json": 0, "right": 6, "visible-values": 0}
    assert len(results.read(path)) == count + 1, "only ever appended to"
    assert again().done == 0
    # The grader's own trouble is tried again.
    row = next(row for row in third.rows if row.learner == "not-json")
    results.append(path, dataclasses.replace(row, status="error"))
    last = again()
    assert last.done == 1
    assert marks(last) == marks(third)


@pytest.mark.slow
def test_an_answer_that_kills_its_parent_kills_nothing(made, small, tmp_path):
    folder = tmp_path / "class"
    shutil.copytree(small / "right", folder / "right")
    killer = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n"
    made.hand_in(folder / "killer", made.decay, made.filled(made.decay, killer))
    started = time.monotonic()
    summary = grade(folder, tmp_path / "out", made.solutions, SEED)
    got = {(r.learner, r.exercise): (r.points, r.status) for r in summary.rows}
    assert got == {
        ("killer", "step-decay"): (0, "graded"),
        ("right", "step-decay"): (6, "graded"),
    }
    assert time.monotonic() - started < 60


def test_what_needs_no_kernel_starts_none(made, tmp_path, monkeypatch):
    made.hand_in(tmp_path / "in" / "ada", made.decay, made.exercise(made.decay))

    def never(*args, **kwargs):
        raise AssertionError("no kernel is needed")

    monkeypatch.setattr("lrlesson.grading.marking.workers._new_pool", never)
    summary = grade(tmp_path / "in", tmp_path / "out", made.solutions, 1)
    assert [row.status for row in summary.rows] == ["not attempted"]


def test_a_deadline_is_reported_and_costs_nothing(made, source, tmp_path):
    folder = source()
    entry = "[[exercise]]\nid='double'\nnotebook='one.ipynb'\npoints=2\ndeadline={}"
    path = made.hand_in(tmp_path / "in" / "ada", "one.ipynb", "not JSON")
    os.utime(path, (1_800_000_000, 1_800_000_000))
    for deadline, late in (("2020-01-01T00:00:00Z", True), ("2100-01-01T00:00:00Z", False)):
        (folder / "course.toml").write_text(entry.format(deadline), encoding="utf-8")
        summary = grade(tmp_path / "in", tmp_path / str(late), folder, 1)
        assert [a.startswith("late: ") for a in summary.rows[0].anomalies] == [True] * late


@pytest.mark.slow
def test_the_command_says_what_stops_it_in_one_line_also_as_root(made, source, tmp_path):
    folder = source(hidden='print("rate |", no_such_name + seed)')
    answered = {"cell_type": "code", "source": "def double(x):\n    return x + x", "id": "a"}
    answered["metadata"] = {"lrlesson": {"id": "double.answer"}}
    made.hand_in(tmp_path / "in" / "ada", "one.ipynb", {"nbformat": 4, "cells": [answered]})
    places = (tmp_path / "in", "--out", tmp_path / "out", "--solutions", folder, "-j", "1")
    command = [sys.executable, "-m", "lrlesson.cli", "grade", *map(str, places)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"lrlesson: one.ipynb, double: the reference .*NameError.*\n", done.stderr)


def test_a_broken_reference_stops_the_run_in_one_sentence(made, source, executor, tmp_path):
    folder = source(hidden='print("rate |", no_such_name + seed)')
    answered = {"cell_type": "code", "source": "def double(x):\n    return x + x", "id": "a"}
    answered["metadata"] = {"lrlesson": {"id": "double.answer"}}
    made.hand_in(tmp_path / "in" / "ada", "one.ipynb", {"cells": [answered]})
    with pytest.raises(GradeError, match=r"one.ipynb, double: .*NameError") as error:
        grade(tmp_path / "in", tmp_path / "out", folder, 1, executor=executor)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_cannot_be(seed, made, small, tmp_path):
    with pytest.raises(GradeError, match=f"seed = {seed}"):
        grade(small, tmp_path, made.solutions, seed)


def test_a_run_that_cannot_start_says_why(made, small, tmp_path):
    with pytest.raises(GradeError, match="is not a folder"):
        grade(small, tmp_path, tmp_path / "none", 1)
    with pytest.raises(GradeError, match="does not exist"):
        grade(tmp_path / "none", tmp_path, made.solutions, 1)
    with pytest.raises(GradeError, match="expected a folder of its own"):
        grade(small, small / "results", made.solutions, 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(GradeError, match="cannot be a folder of results"):
        grade(small, tmp_path / "file", made.solutions, 1)


def test_a_job_is_plain_data():
    job = dataclasses.asdict(Job("{}", files=(("rain.csv", b"1"),)))
    assert job.pop("files") == (("rain.csv", b"1"),)
    assert all(isinstance(v, str | int | float) for v in job.values())


def test_a_wrong_answer_is_named_by_the_mistake_that_its_visible_check_finds(
    made, small, executor, tmp_path
):
    known = {name: names_of(name) for name in ("step-decay", "gradient-descent")}
    summary = grade(small, tmp_path, made.solutions, SEED, executor=executor, known=known)
    said = {r.learner: r.misconception for r in summary.rows if r.exercise == "step-decay"}
    assert said["early"] == "drops-one-step-early"
    told = next(r.advice for r in summary.rows if r.misconception == "drops-one-step-early")
    assert told == known["step-decay"]["drops-one-step-early"]
    assert (said["right"], said["visible-values"], said["not-json"]) == (None, "", None)


def names_of(exercise):
    return {wrong.misconception: wrong.message for wrong in all_exercises()[exercise].bank}


LEAKS = """\
import sys
def step_decay(t, lr0, drop, every):
    frame = sys._getframe(1)
    while frame and "seed" not in frame.f_globals:
        frame = frame.f_back
    if frame is None:  # in the visible checks
        return lr0 * drop ** np.floor((np.asarray(t) + 1) / every)
    if frame.f_globals["seed"] % 2:
        return lr0 * (1 - drop) ** np.floor(np.asarray(t) / every)
    raise ValueError(frame.f_globals["seed"])
"""


SOMETIMES_ALONE = """\
def step_decay(t, lr0, drop, every):
    odd = get_ipython().user_ns.get("seed", 1) % 2
    return lr0 * drop ** (rounded if odd else np.floor)(np.asarray(t) / every)
"""


def test_an_author_reads_the_same_whatever_the_hidden_numbers_were(made, executor, tmp_path):
    """Behaving like another mistake, raising, needing another cell: none of it shows."""
    known = {"step-decay": names_of("step-decay")}
    made.hand_in(tmp_path / "in" / "ada", made.decay, made.filled(made.decay, LEAKS))
    helped = made.filled(made.decay, SOMETIMES_ALONE)
    cell = {"cell_type": "code", "id": "mine", "metadata": {}, "outputs": []}
    cell["source"] = "rounded = np.floor"
    helped["cells"].insert(2, cell)
    made.hand_in(tmp_path / "in" / "bob", made.decay, helped)
    said = []
    for seed in (1, 2):
        out = tmp_path / f"out {seed}"
        rows = grade(
            tmp_path / "in", out, made.solutions, seed, executor=executor, known=known
        ).rows
        said.append([feedback.told(row) for row in rows])
        assert {row.learner: row.misconception for row in rows}["ada"] == "drops-one-step-early"
        needed = [a for r in rows for a in r.anomalies if a.startswith("needed")]
        assert len(needed) == seed % 2  # for the instructor
    assert said[0] == said[1]
    assert len(results.read(out / "results.jsonl")) == 3  # two, and the one that got its name


def test_lateness_costs_what_course_toml_says(made, source, tmp_path):
    folder = source()
    answered = {"cell_type": "code", "source": "def double(x):\n    return x + x", "id": "a"}
    answered["metadata"] = {"lrlesson": {"id": "double.answer"}}
    entry = "[[exercise]]\nid='double'\nnotebook='one.ipynb'\npoints=2\n"
    entry += "deadline=2026-10-01T00:00:00Z\n[late]\ngrace_minutes=15\nper_day=0.2\nat_most=0.5\n"
    (folder / "course.toml").write_text(entry, encoding="utf-8")
    deadline = 1_790_812_800
    for learner, after in (("grace", 600), ("hour", 3600), ("days", 90_000), ("week", 600_000)):
        path = made.hand_in(tmp_path / "in" / learner, "one.ipynb", {"cells": [answered]})
        os.utime(path, (deadline + after, deadline + after))
    rows = grade(tmp_path / "in", tmp_path / "out", folder, 1).rows
    assert {r.learner: r.points for r in rows} == {"grace": 2, "hour": 1.6, "days": 1.2, "week": 1}
    assert [r.learner for r in rows if any(a.startswith("late: ") for a in r.anomalies)] == [
        *("days", "hour", "week")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("exercise", ["gradient-descent", "step-decay"])
def test_every_known_wrong_solution_loses_points(exercise, made, tmp_path):
    name = made.decay if exercise == "step-decay" else made.descent
    bank = all_exercises()[exercise].bank
    for number, entry in enumerate(bank):
        learner = f"{number:02d} {entry.misconception}"
        made.hand_in(tmp_path / "in" / learner, name, made.filled(name, entry.code))
    summary = grade(tmp_path / "in", tmp_path / "out", made.solutions, SEED)
    marks = {r.learner: r.points for r in summary.rows if r.exercise == exercise}
    assert len(marks) == len(bank)
    full = all_exercises()[exercise].points
    assert {learner for learner, points in marks.items() if points >= full} == set()
