"""Law: whoever handed something in is found, and gets a row."""

import json
import os
import zipfile

import pytest

from lrlesson.grading import GradeError
from lrlesson.grading.authoring.source_notebooks import read_exercises, read_sources
from lrlesson.grading.handed_in.collect import choose, collect
from lrlesson.grading.handed_in.reading import read_copy
from lrlesson.grading.python_code import imports_library

NAMES = {"01_exercise_what_the_rate_is.ipynb", "04_exercise_decay.ipynb"}


@pytest.fixture(scope="module")
def decay(made):
    return read_exercises(read_sources(made.solutions))["step-decay"]


def learners(folder, learner="either"):
    return {s.learner: [c.path.name for c in s.copies] for s in collect(folder, NAMES, learner)[0]}


def touch(path, text="{}"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_folder_is_a_learner_and_holds_notebooks_at_any_depth(tmp_path):
    touch(tmp_path / "ada" / "04_exercise_decay.ipynb")
    touch(tmp_path / "bob" / "week 4" / "homework.ipynb")
    (tmp_path / "eve").mkdir()
    found = {"ada": ["04_exercise_decay.ipynb"], "bob": ["homework.ipynb"], "eve": []}
    assert learners(tmp_path) == found


def test_a_loose_file_names_its_learner(tmp_path):
    for name in ("ada_04_exercise_decay", "bob-01_what_the_rate_is", "eve", "Zoë K_04_decay (1)"):
        touch(tmp_path / f"{name}.ipynb")
    assert list(learners(tmp_path)) == ["Zoë K", "ada", "bob", "eve"]


def test_an_exercise_file_without_a_name_belongs_to_the_folder(tmp_path):
    touch(tmp_path / "ada" / "04_exercise_decay.ipynb")
    assert list(learners(tmp_path / "ada")) == ["ada"]


def test_the_files_of_one_learner_come_together(tmp_path):
    touch(tmp_path / "ada" / "04_exercise_decay.ipynb")
    touch(tmp_path / "ada_01_exercise_what_the_rate_is.ipynb")
    assert list(learners(tmp_path)) == ["ada"]
    assert len(learners(tmp_path)["ada"]) == 2


def test_course_toml_can_insist(tmp_path):
    touch(tmp_path / "week 4" / "ada_04_exercise_decay.ipynb")
    touch(tmp_path / "bob_04_exercise_decay.ipynb")
    assert list(learners(tmp_path, "file")) == ["ada", "bob"]
    assert list(learners(tmp_path, "folder")) == ["week 4"]


def test_what_is_no_submission_is_said_and_checkpoints_and_links_are_not_followed(tmp_path):
    touch(tmp_path / "ada" / ".ipynb_checkpoints" / "04_decay-checkpoint.ipynb")
    touch(tmp_path / "ada" / "04_exercise_decay.ipynb")
    touch(tmp_path / "grades.csv")
    touch(tmp_path.with_name("outside") / "04_exercise_decay.ipynb")
    (tmp_path / "link").symlink_to(tmp_path.with_name("outside"))
    (tmp_path / "ada" / "link.ipynb").symlink_to(tmp_path / "grades.csv")
    found, ignored = collect(tmp_path, NAMES)
    assert [(s.learner, len(s.copies)) for s in found] == [("ada", 1)]
    assert ignored == ["grades.csv", "link"]


@pytest.mark.parametrize("what", ["none", "file", "empty"])
def test_nothing_to_grade_is_one_sentence(what, tmp_path):
    (tmp_path / "empty").mkdir()
    touch(tmp_path / "file")
    with pytest.raises(GradeError) as error:
        collect(tmp_path / what, NAMES)
    assert str(tmp_path / what) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_renamed_file_is_known_by_its_cells(made, decay, tmp_path):
    notebook = made.filled(made.decay, made.right_decay)
    made.hand_in(tmp_path / "ada", "my homework.ipynb", notebook)
    made.hand_in(tmp_path / "ada", "04_exercise_decay.ipynb", "not JSON")
    (submission,), _ = collect(tmp_path, NAMES)
    copy, said = choose(submission, decay)
    assert copy.path.name == "my homework.ipynb"
    names = "04_exercise_decay.ipynb, my homework.ipynb"
    assert said == f"several files: {names}; my homework.ipynb counts"


@pytest.mark.parametrize(
    ("files", "counts"),
    [
        ({"04.ipynb": ("stub", 9), "04 (1).ipynb": ("right", 1)}, "04 (1).ipynb"),
        ({"04_exercise_decay.ipynb": ("stub", 9), "x.ipynb": ("right", 1)}, "x.ipynb"),
        (
            {"04_exercise_decay.ipynb": ("right", 1), "old.ipynb": ("right", 0)},
            "04_exercise_decay.ipynb",
        ),
        ({"04_exercise_decay.ipynb": ("right", 0), "new.ipynb": ("right", 1)}, "new.ipynb"),
        ({"04.ipynb": ("right", 1), "04 (2).ipynb": ("right", 1)}, "04 (2).ipynb"),
        ({"04-1.ipynb": ("right", 1), "04-12.ipynb": ("right", 1)}, "04-12.ipynb"),
        ({"04-2.ipynb": ("stub", 2), "04-1.ipynb": ("stub", 1)}, "04-2.ipynb"),
        ({"04_decay.ipynb": ("broken", 5), "a.ipynb": ("stub", 1)}, "a.ipynb"),
    ],
)
def test_an_attempt_beats_a_stub_and_the_newest_attempt_counts(
    files, counts, made, decay, tmp_path
):
    notebooks = {
        "stub": made.exercise(made.decay),
        "right": made.filled(made.decay, made.right_decay),
        "broken": "no JSON",
    }
    for name, (what, day) in files.items():
        path = made.hand_in(tmp_path / "ada", name, notebooks[what])
        os.utime(path, (1_790_000_000 + 86400 * day,) * 2)
    (submission,), _ = collect(tmp_path, NAMES)
    copy, said = choose(submission, decay)
    assert copy.path.name == counts
    assert said.endswith(f"; {counts} counts")


def test_a_lesson_that_defines_the_same_is_no_answer(made, decay, tmp_path):
    lesson = {"cells": [{"cell_type": "code", "source": made.right_decay, "metadata": {}}]}
    made.hand_in(tmp_path / "ada", "04_decay.ipynb", lesson)
    (submission,), _ = collect(tmp_path, NAMES)
    assert choose(submission, decay) == (None, "")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"not json", "is not JSON"),
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1, 2]", "has no cells"),
        (b'{"cells": []}', "has no cells"),
        (b'{"cells": 3}', "has no cells"),
        (b'{"nbformat": 3, "worksheets": [{"cells": []}]}', "before nbformat 4"),
    ],
)
def test_whatever_a_file_holds_reading_it_never_raises(content, problem, tmp_path):
    path = tmp_path / "04_exercise_decay.ipynb"
    path.write_bytes(content)
    copy = read_copy(path)
    assert problem in copy.problem
    assert copy.problem.startswith("04_exercise_decay.ipynb")
    assert copy.cells == ()


def test_a_byte_order_mark_is_no_harm(tmp_path):
    path = tmp_path / "04_exercise_decay.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"cells": [{"source": "1"}]}).encode())
    assert read_copy(path).problem == ""


CANVAS = {
    "lovelaceada_1234_98765_04_exercise_decay.ipynb": "lovelaceada_1234",
    "noetheremmy_LATE_77_98766_04_decay-1.ipynb": "noetheremmy_77",
}
MOODLE = {
    "Ada Lovelace_5678_assignsubmission_file_/04_exercise_decay.ipynb": "Ada Lovelace_5678",
    "Zoë K_99_assignsubmission_file_04_exercise_decay.ipynb": "Zoë K_99",
}


def zipped(path, names, text="{}"):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("system", [CANVAS, MOODLE])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("learner", ["either", "folder", "file"])
def test_bulk_downloads_are_known_zipped_or_not(system, packed, learner, tmp_path):
    folder = tmp_path / "in"
    if packed:
        folder = zipped(tmp_path / "submissions.zip", system)
    else:
        for name in system:
            touch(folder / name)
    found, ignored = collect(folder, NAMES, learner)
    assert {s.learner for s in found} == set(system.values())
    assert all(len(s.copies) == 1 for s in found)
    assert {s.learner for s in found if s.marked_late} <= {"noetheremmy_77"}
    assert ignored == []


def test_a_learners_own_zip_is_read_as_the_folder_it_would_unpack_to(made, decay, tmp_path):
    notebook = json.dumps(made.filled(made.decay, made.right_decay))
    (tmp_path / "in" / "ada").mkdir(parents=True)
    zipped(tmp_path / "in" / "ada" / "all.zip", ["homework/04_exercise_decay.ipynb"], notebook)
    (submission,), _ = collect(tmp_path / "in", NAMES)
    copy, _ = choose(submission, decay)
    assert copy.problem == ""
    assert copy.path.name == "04_exercise_decay.ipynb"


def test_paths_that_climb_and_links_are_named_and_not_followed(tmp_path):
    names = ["../evil.ipynb", "/evil.ipynb", "a/../../evil.ipynb", "C:\\evil.ipynb", "ada/x.ipynb"]
    path = zipped(tmp_path / "in.zip", names)
    link = zipfile.ZipInfo("ada/link.ipynb")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    found, ignored = collect(path, NAMES)
    assert [(s.learner, len(s.copies)) for s in found] == [("ada", 1)]
    assert len(ignored) == 5
    assert [p.name for p in tmp_path.iterdir()] == ["in.zip"], "nothing is unpacked"


def test_what_unpacks_to_too_much_is_unreadable_and_costs_nobody_else(decay, tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eve/04_exercise_decay.ipynb", b" " * 70_000_000)
        archive.writestr("ada/04_exercise_decay.ipynb", '{"cells": [{"source": "1"}]}')
    found, _ = collect(tmp_path / "in.zip", NAMES)
    problems = {s.learner: s.copies[0].problem for s in found}
    assert problems == {"ada": "", "eve": "04_exercise_decay.ipynb unpacks to too much"}


def test_a_name_is_one_printable_line(tmp_path):
    touch(tmp_path / "a\x1b[31m\u202eb" / "04_exercise_decay.ipynb")
    assert list(learners(tmp_path)) == ["a�[31m�b"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from lrlesson.schedules import StepDecay", {"lrlesson.schedules.StepDecay"}),
        ("import lrlesson.schedules as s", {"lrlesson.schedules"}),
        ("m = __import__('lrlesson.schedules')", {"lrlesson.schedules"}),
        ("x = lrlesson.schedules", {"lrlesson"}),
        ("import numpy\n# lrlesson\nx = 'the lrlesson course'", set()),
        ("import lrlesson\n(", {"lrlesson"}),
    ],
)
def test_the_use_of_our_own_library_is_seen(source, found):
    assert imports_library(source) == found


WRAPPED = [
    (["download/ada/04_decay.ipynb", "download/bob/04_decay.ipynb"], {"ada", "bob"}),
    (["a/b/ada/x.ipynb", "a/b/bob/x.ipynb", "a/b/eve/y.ipynb"], {"ada", "bob", "eve"}),
    (
        ["d/Ada L_12_assignsubmission_file/x.ipynb", "d/Bo B_13_assignsubmission_file/y.ipynb"],
        {"Ada L_12", "Bo B_13"},
    ),
    (["d/lovelaceada_1_98_04.ipynb", "d/bob_2_99_04.ipynb"], {"lovelaceada_1", "bob_2"}),
    (["ada/week 1/01.ipynb", "ada/week 2/02.ipynb"], {"ada"}),
    (["ada/04_decay.ipynb"], {"ada"}),
]


@pytest.mark.parametrize(("names", "who"), WRAPPED)
@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_around_everything_is_no_learner(names, who, packed, tmp_path):
    folder = tmp_path / "in"
    if packed:
        folder = zipped(tmp_path / "in.zip", names)
    else:
        for name in names:
            touch(folder / name)
    assert set(learners(folder)) == who


@pytest.mark.parametrize(
    "when",
    [
        (1980, 0, 0, 0, 0, 0),
        (2026, 2, 31, 0, 0, 0),
        (2026, 1, 1, 24, 0, 0),
        (2026, 13, 1, 0, 61, 0),
    ],
)
def test_a_time_that_cannot_be_is_unknown(when, tmp_path):
    path = zipped(tmp_path / "in.zip", ["bob/04_decay.ipynb"])
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("ada/04_decay.ipynb")
        info.date_time = when
        archive.writestr(info, "{}")
    found, _ = collect(path, NAMES)
    assert {s.learner: s.copies[0].changed is None for s in found} == {"ada": True, "bob": False}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("04.rar", b"Rar!", "is a rar archive, which is not read"),
        ("04.7z", b"7z", "is a 7z archive, which is not read"),
        ("04.tar.gz", b"", "is a gz archive, which is not read"),
        ("04_decay.ipynb.txt", b'{"cells": [{"source": "1"}]}', ""),
        ("04_decay.ipynb", '{"cells": [{"source": "ü"}]}'.encode("utf-16"), ""),
        ("04_decay.ipynb", '{"cells": [{"source": "ü"}]}'.encode("utf-16-be"), ""),
        ("04_decay.ipynb", '{"cells": [{"source": "ü"}]}'.encode("cp1252"), ""),
    ],
)
def test_what_cannot_be_read_is_named_and_what_can_be_is_read(name, content, said, tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / name).write_bytes(content)
    ((ada,), _) = collect(tmp_path, NAMES)
    assert [copy.problem for copy in ada.copies] == [f"{name} {said}" if said else ""]


def test_a_name_that_a_learner_chose_inside_a_canvas_name_is_nobodys(tmp_path):
    name = "evil_111_99_x_222_assignsubmission_file_03_exercise_noise.ipynb"
    path = zipped(tmp_path / "in.zip", [name])
    ((found,), _) = collect(path, NAMES)
    assert (found.learner, found.system) == ("evil_111", "canvas")
    assert found.copies[0].changed is None, "Canvas writes the time of the download"
