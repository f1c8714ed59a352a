"""`lrlesson release` and `lrlesson grade`, as an instructor types them."""

import json
import re
import shutil
from pathlib import Path

import pytest

from lrlesson import __version__
from lrlesson.grading.sandbox import bubblewrap as sandbox

ROOT = Path(__file__).parents[2]
UNSAFE = ["--unsafe"] if sandbox.problem() else []


def test_release_writes_the_exercises_and_notices_a_stale_one(command, tmp_path):
    source, target = tmp_path / "solutions", tmp_path / "exercises"
    source.mkdir()
    shutil.copy(ROOT / "solutions" / "04_exercise_decay.ipynb", source)
    made = command("release", source, target)
    assert made.returncode == 0, made.stderr
    exercise = target / "04_exercise_decay.ipynb"
    assert list(target.iterdir()) == [exercise]
    assert made.stdout == f"wrote {exercise}\n"

    assert command("release", source, target, "--check").returncode == 0
    exercise.write_text("{}")
    stale = command("release", source, target, "--check")
    assert stale.returncode == 1
    assert stale.stderr == "not what the solutions make: 04_exercise_decay.ipynb\n"
    assert exercise.read_text() == "{}"


def test_the_version_is_said(command):
    said = command("--version")
    assert (said.returncode, said.stdout) == (0, f"lrlesson {__version__}\n")


def test_grade_prints_a_row_for_each_learner_and_exercise(command, tmp_path):
    for learner, source in (("ada", "solutions"), ("bob", "exercises")):
        (tmp_path / "in" / learner).mkdir(parents=True)
        shutil.copy(ROOT / source / "04_exercise_decay.ipynb", tmp_path / "in" / learner)
    (tmp_path / "in" / "cyd").mkdir()
    (tmp_path / "in" / "cyd" / "04_exercise_decay.ipynb").write_text("no notebook")
    done = command("grade", tmp_path / "in", "--out", tmp_path / "out", "--seed", 3, *UNSAFE)
    assert done.returncode == 0, done.stderr

    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    found = {row["learner"]: row for row in rows if row["exercise"] == "step-decay"}
    assert found["ada"]["points"] == found["ada"]["max_points"]
    assert found["bob"]["status"] == "not attempted"
    assert found["cyd"]["status"] == "unreadable"
    assert {row["seed"] for row in rows} == {3}
    for learner in found:
        assert f"│ {learner} " in done.stdout
    # A run is about the notebooks that came, and says nothing of those that nobody handed in.
    assert re.search(r"│ ada +│ +6 of 6 │ +3 of 3 │ +6 of 6 │ +15 │", done.stdout)
    assert "09_exercise_adam.ipynb" not in done.stdout
    assert f"{len(rows)} graded now, 0 kept from before; seed 3." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (
            ["grade", "nowhere", "--out", "out", "--solutions", ROOT / "solutions", *UNSAFE],
            "nowhere",
        ),
        (["grade", ".", "--out", "../out", "--solutions", "nothing", *UNSAFE], "nothing"),
        (
            ["grade", ".", "--out", "../out", "--solutions", ROOT / "solutions", "--jobs=0"],
            "jobs = 0",
        ),
        (["release", "nowhere", "out"], "nowhere"),
    ],
)
def test_a_bad_request_gets_one_sentence(command, arguments, names, tmp_path):
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    (sentence,) = done.stderr.strip().splitlines()  # an older rich begins with an empty line
    assert sentence.startswith("lrlesson: ")
    assert names in sentence
