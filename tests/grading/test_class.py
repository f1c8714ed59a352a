"""Law: a run is about the notebooks that came, one grader works at a time, times have a source."""

import json
import os
import zipfile

import pytest

from lrlesson.grading import GradeError, grade
from lrlesson.grading.marks import results

pytestmark = pytest.mark.usefixtures("bubblewrap")
AFTER = 1_790_812_800 + 3600  # an hour after the deadline below
TOML = "[[exercise]]\nid='double'\nnotebook='one.ipynb'\npoints=2\n"
DEADLINE = "deadline=2026-10-01T00:00:00Z\n[late]\nper_day=0.5\ncanvas_days=1\n"


@pytest.fixture
def late(source, tmp_path):
    """Grade untouched stubs, which need no kernel: `late(toml, places) -> rows by learner`."""
    folder = source()
    stub = {"cell_type": "code", "source": "", "metadata": {"lrlesson": {"id": "double.answer"}}}

    def graded(toml, names, packed=False, extensions=""):
        (folder / "course.toml").write_text(toml, encoding="utf-8")
        (folder / "extensions.csv").write_text(extensions or HEADER, encoding="utf-8")
        content = json.dumps({"cells": [stub]})
        given = tmp_path / ("in.zip" if packed else "in")
        if packed:
            with zipfile.ZipFile(given, "w") as archive:
                for name in names:
                    info = zipfile.ZipInfo(name, (2026, 10, 1, 1, 0, 0))
                    archive.writestr(info, content)
        else:
            for name in names:
                path = given / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
                os.utime(path, (AFTER, AFTER))
        summary = grade(given, tmp_path / "out", folder, 1)
        return {r.learner: [a for a in r.anomalies if a.startswith("late")] for r in summary.rows}

    return graded


HEADER = "learner,exercise,deadline\n"


def test_a_folder_has_times_and_an_extension_is_one_learners(late):
    extensions = HEADER + "bob,double,2026-10-02T00:00:00Z\neve,,2026-10-02T00:00:00+00:00\n"
    names = [f"{who}/one.ipynb" for who in ("ada", "bob", "eve")]
    said = late(TOML + DEADLINE, names, extensions=extensions)
    assert {who: bool(text) for who, text in said.items()} == {
        "ada": True,
        "bob": False,
        "eve": False,
    }


@pytest.mark.parametrize(
    ("zone", "is_late"),
    [("", False), ("UTC", True), ("America/New_York", True), ("Asia/Tokyo", False)],
)
def test_a_time_in_a_zip_is_one_of_the_courses_zone_or_unknown(zone, is_late, late):
    course = f"[course]\ntimezone = '{zone}'\n" if zone else ""
    said = late(course + TOML + DEADLINE, ["ada/one.ipynb"], packed=True)
    assert bool(said["ada"]) is is_late


def test_canvas_says_late_and_its_times_are_those_of_the_download(late):
    names = ["lovelaceada_1_98_one.ipynb", "bob_LATE_2_99_one.ipynb"]
    said = late("[course]\ntimezone = 'UTC'\n" + TOML + DEADLINE, names, packed=True)
    assert said == {"lovelaceada_1": [], "bob_2": ["late: so Canvas says, costs 50%"]}


@pytest.mark.parametrize(
    ("toml", "extensions", "said"),
    [
        (TOML + "deadline=2026-10-01T00:00:00\n", "", "has no time zone"),
        ("[course]\ntimezone='Mars'\n" + TOML, "", "timezone = 'Mars'"),
        ("[course]\ntimezone=3\n" + TOML, "", "timezone = 3"),
        (TOML, "learner,deadline\n", "the first line should be"),
        (TOML, HEADER + "ada,triple,2026-10-01T00:00:00Z\n", "line 2: no exercise"),
        (TOML, HEADER + "ada,double,tomorrow\n", "line 2: deadline = 'tomorrow'"),
        (TOML, HEADER + "ada,double,2026-10-01\n", "has no time zone"),
    ],
)
def test_a_deadline_that_cannot_be_is_one_sentence(toml, extensions, said, late):
    with pytest.raises(GradeError, match=said) as error:
        late(toml, ["ada/one.ipynb"], extensions=extensions)
    assert "\n" not in str(error.value)


def test_a_run_is_about_the_notebooks_that_came_or_that_are_named(made, tmp_path):
    made.hand_in(tmp_path / "in" / "ada", made.decay, made.exercise(made.decay))
    (tmp_path / "in" / "bob").mkdir()

    def found(*notebooks):
        rows = grade(tmp_path / "in", tmp_path / "out", made.solutions, 1, notebooks=notebooks).rows
        return {(r.learner, r.exercise) for r in rows}

    decay, descent = "step-decay", "gradient-descent"
    assert found() == {("ada", decay), ("bob", decay)}
    assert found("01_what_the_rate_is") == {("ada", descent), ("bob", descent)}
    assert len(found(made.decay, made.descent)) == 4
    with pytest.raises(GradeError, match="notebook = '99'"):
        found("99")


def test_who_was_withdrawn_is_no_longer_in_the_results(made, tmp_path):
    for who in ("ada", "bob"):
        made.hand_in(tmp_path / "in" / who, made.decay, made.exercise(made.decay))
    grade(tmp_path / "in", tmp_path / "out", made.solutions, 1)
    (tmp_path / "in" / "bob" / made.decay).unlink()
    (tmp_path / "in" / "bob").rmdir()
    grade(tmp_path / "in", tmp_path / "out", made.solutions)
    rows, skipped = results.current(tmp_path / "out")
    assert ({r.learner for r in rows}, skipped) == ({"ada"}, 0)


def test_the_seed_is_the_last_runs_and_marks_that_changed_are_said(made, tmp_path):
    made.hand_in(tmp_path / "in" / "ada", made.decay, made.exercise(made.decay))
    made.hand_in(tmp_path / "in" / "bob", made.decay, made.exercise(made.decay))
    grade(tmp_path / "in", tmp_path / "out", made.solutions, 1)
    made.hand_in(tmp_path / "in" / "eve", made.decay, made.exercise(made.decay))
    assert grade(tmp_path / "in", tmp_path / "out", made.solutions, 2).seed == 2
    assert grade(tmp_path / "in", tmp_path / "out", made.solutions).seed == 2
    made.hand_in(tmp_path / "in" / "bob", made.decay, made.filled(made.decay, made.right_decay))
    again = grade(tmp_path / "in", tmp_path / "out", made.solutions)
    assert again.changed == [("bob", "step-decay", 0.0, 6.0)]


def test_one_grader_at_a_time_works_on_a_folder(made, tmp_path):
    made.hand_in(tmp_path / "in" / "ada", made.decay, made.exercise(made.decay))
    (tmp_path / "out").mkdir()
    with (
        results.alone(tmp_path / "out"),
        pytest.raises(GradeError, match="at work in"),
    ):
        grade(tmp_path / "in", tmp_path / "out", made.solutions)
    grade(tmp_path / "in", tmp_path / "out", made.solutions)


GOOD = {
    "learner": "ada",
    "exercise": "x",
    "points": 1,
    "max_points": 2,
    "status": "graded",
    "reason": "",
    "seconds": 0.1,
    "isolation": "none",
    "seed": 1,
    "versions": {},
}


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, 1),
        ({"newer": 3}, 1),
        ({"points": "1"}, 0),
        ({"points": float("nan")}, 0),
        ({"status": "splendid"}, 0),
        ({"learner": None}, 0),
        ({"anomalies": "x"}, 0),
        ({"checks": [{"id": "x"}]}, 0),
        ({"seed": None}, 0),
    ],
)
def test_rows_of_other_versions_have_defaults_and_broken_ones_are_counted(change, kept, tmp_path):
    (tmp_path / "results.jsonl").write_text(json.dumps(GOOD | change) + "\n[1]\n{\n\n")
    rows, skipped = results.read_counting(tmp_path / "results.jsonl")
    assert (len(rows), skipped) == (kept, 3 - kept)
