"""`lrlesson start`: a working copy, and what the next version does to it."""

import json
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lrlesson
from lrlesson import starting
from lrlesson.starting import RECORD, StartError, bring, course_files, read_record, start

ROOT = Path(__file__).parents[2]


def notebook(*sources: str, ran: bool = False) -> bytes:
    """A notebook with these cells, run or not."""
    cells = []
    for number, source in enumerate(sources):
        cell = nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        if ran:
            cell.execution_count = number
            cell.outputs = [nbformat.v4.new_output("stream", text="ran")]
        cells.append(cell)
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()


@pytest.fixture
def version(tmp_path):
    """Bring the folder `copy` to a version of a course whose notebooks have these cells."""

    def bring_to(number: str, **notebooks: str) -> dict[str, str]:
        made = tmp_path / number
        made.mkdir(exist_ok=True)
        files = {}
        for name, source in notebooks.items():
            files[f"notebooks/{name}.ipynb"] = made / f"{name}.ipynb"
            (made / f"{name}.ipynb").write_bytes(notebook(source))
        copy = tmp_path / "copy"
        changes = bring(copy, files, read_record(copy), number)
        assert read_record(copy)["version"] == number
        return {Path(change.name).stem: change.kind for change in changes}

    return bring_to


@pytest.fixture
def lessons(tmp_path) -> Path:
    return tmp_path / "copy" / "notebooks"


def source(path: Path) -> str:
    return nbformat.read(path, 4).cells[0].source


def test_a_new_folder_gets_the_course_and_no_solutions(command, tmp_path):
    folder = tmp_path / "my course"
    first = command("start", folder)
    assert first.returncode == 0, first.stderr
    wanted = {
        "course.toml",
        *(p.relative_to(ROOT).as_posix() for p in ROOT.glob("notebooks/*.ipynb")),
        *(p.relative_to(ROOT).as_posix() for p in ROOT.glob("exercises/*.ipynb")),
    }
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there == wanted | {".lrlesson/course.json"}
    then = f"Open it: lrlesson lab '{folder}'"
    assert first.stdout.splitlines() == [
        f"wrote {len(wanted)} files",
        f"{folder} holds the course of lrlesson {lrlesson.__version__}. {then}",
    ]
    for name in wanted:
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()


def test_an_instructor_gets_the_solutions_and_keeps_getting_them(tmp_path):
    start(tmp_path / "class", solutions=True)
    solutions = {path.name for path in (ROOT / "solutions").glob("*.ipynb")}
    assert {path.name for path in (tmp_path / "class" / "solutions").iterdir()} == solutions
    (tmp_path / "class" / "solutions" / "04_exercise_decay.ipynb").unlink()
    assert [change.line for change in start(tmp_path / "class")] == [
        "added solutions/04_exercise_decay.ipynb"
    ]


def test_every_link_of_the_course_stays_inside_it(tmp_path):
    """Whatever a lesson leads to in a clone, a working copy has too."""
    start(tmp_path / "course")
    for path in tmp_path.glob("course/*/*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type != "markdown":
                continue
            for part in cell.source.split("](")[1:]:
                target = part.partition(")")[0].partition("#")[0]
                if not target or "://" in target:
                    continue
                place = (path.parent / target).resolve()
                assert place.is_relative_to(tmp_path / "course"), f"{path.name}: {target}"
                in_clone = ROOT / place.relative_to(tmp_path / "course")
                assert place.exists() or not in_clone.exists(), f"{path.name}: {target}"


def test_the_same_version_again_changes_nothing_and_says_so(version, lessons):
    assert version("1", a="a1", b="b1") == {"a": "added", "b": "added"}
    before = (lessons / "a.ipynb").read_bytes()
    assert version("1", a="a1", b="b1") == {}
    assert (lessons / "a.ipynb").read_bytes() == before


def test_what_the_learner_left_alone_is_replaced_and_what_is_new_is_added(version, lessons):
    version("1", a="a1")
    assert version("2", a="a2", b="b2") == {"a": "updated", "b": "added"}
    assert source(lessons / "a.ipynb") == "a2"


def test_what_only_the_learner_changed_is_kept(version, lessons):
    version("1", a="a1")
    mine = notebook("mine")
    (lessons / "a.ipynb").write_bytes(mine)
    assert version("2", a="a1") == {"a": "kept"}
    assert (lessons / "a.ipynb").read_bytes() == mine


def test_what_both_changed_stays_with_the_new_one_beside_it(version, lessons):
    version("1", a="a1")
    mine = notebook("mine")
    (lessons / "a.ipynb").write_bytes(mine)
    assert version("2", a="a2") == {"a": "beside"}
    assert (lessons / "a.ipynb").read_bytes() == mine
    assert source(lessons / "a.new.ipynb") == "a2"
    assert version("2", a="a2") == {"a": "kept"}  # once is enough

    # The next version takes the place of the last one, which nobody touched.
    assert version("3", a="a3") == {"a": "beside"}
    assert source(lessons / "a.new.ipynb") == "a3"

    # Work that was done in the new one is kept as well.
    (lessons / "a.new.ipynb").write_bytes(notebook("mine, too"))
    assert version("4", a="a4") == {"a": "beside"}
    assert source(lessons / "a.new.ipynb") == "mine, too"
    assert source(lessons / "a.new-2.ipynb") == "a4"


def test_running_a_lesson_is_no_change_and_its_outputs_are_kept_aside(version, lessons):
    """Else every lesson that was ever opened would stay old."""
    version("1", a="a1", b="b1")
    for name in "ab":
        (lessons / f"{name}.ipynb").write_bytes(notebook(f"{name}1", ran=True))
    assert version("2", a="a2", b="b1") == {"a": "updated"}
    assert source(lessons / "a.ipynb") == "a2"
    aside = lessons.parent / ".lrlesson" / "replaced" / "1" / "notebooks" / "a.ipynb"
    assert aside.read_bytes() == notebook("a1", ran=True)
    assert (lessons / "b.ipynb").read_bytes() == notebook("b1", ran=True)


def test_a_file_that_was_deleted_comes_back_and_one_that_left_the_course_stays(version, lessons):
    version("1", a="a1", b="b1")
    (lessons / "a.ipynb").unlink()
    assert version("2", a="a1") == {"a": "added", "b": "gone"}
    assert source(lessons / "b.ipynb") == "b1"
    assert version("2", a="a1") == {}


def test_a_notebook_that_is_none_any_more_is_kept(version, lessons):
    version("1", a="a1")
    (lessons / "a.ipynb").write_text("<<<<<<< mine")
    assert version("2", a="a2") == {"a": "beside"}
    assert (lessons / "a.ipynb").read_text() == "<<<<<<< mine"


@pytest.mark.parametrize("record", [None, "", "[]", '{"files": 3}'])
def test_without_a_record_nothing_that_differs_is_replaced(tmp_path, record):
    """A copy made by hand, or whose record was lost or damaged."""
    start(tmp_path)
    place = tmp_path / ".lrlesson" / "course.json"
    place.unlink()
    if record is not None:
        place.write_text(record)
    mine = notebook("mine")
    (tmp_path / "notebooks" / "03_noise.ipynb").write_bytes(mine)
    (change,) = start(tmp_path)
    assert (change.kind, change.name) == ("beside", "notebooks/03_noise.ipynb")
    assert (tmp_path / "notebooks" / "03_noise.ipynb").read_bytes() == mine
    assert (tmp_path / "notebooks" / "03_noise.new.ipynb").read_bytes() == (
        ROOT / "notebooks" / "03_noise.ipynb"
    ).read_bytes()
    assert json.loads(place.read_text())["version"] == lrlesson.__version__


# What the learner and the course may each have made of a file: nothing, or one of few texts.
STATES = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["0", "1", "2"]))


@settings(deadline=None, max_examples=50)
@given(versions=st.lists(st.tuples(STATES, STATES), min_size=1, max_size=5))
def test_no_work_is_ever_lost_whatever_happens(tmp_path_factory, versions):
    """What the learner wrote is where it was, unless it is one of our own texts."""
    folder = tmp_path_factory.mktemp("copies")
    ours: set[bytes] = set()
    for number, (course, edits) in enumerate(versions):
        files = {}
        for name, text in course.items():
            files[f"{name}.ipynb"] = folder / f"{number}-{name}"
            files[f"{name}.ipynb"].write_bytes(notebook(f"course {text}"))
            ours.add(notebook(f"course {text}"))
        copy = folder / "copy"
        mine = {path: path.read_bytes() for path in copy.glob("*.ipynb")}
        bring(copy, files, read_record(copy), str(number))
        for path, content in mine.items():
            assert path.read_bytes() == content or content in ours
        for name, file in files.items():
            stem = Path(name).stem
            there = [path.read_bytes() for path in copy.glob(f"{stem}*.ipynb")]
            known = read_record(copy)["files"]
            assert known[name] == starting.digest(file.read_bytes())
            assert there
        for name, text in edits.items():
            (copy / f"{name}.ipynb").write_bytes(notebook(f"learner {text}"))


def test_a_folder_with_something_else_in_it_is_refused(tmp_path):
    (tmp_path / "letter.txt").touch()
    with pytest.raises(StartError, match="is not empty and holds no working copy"):
        start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_what_tools_hide_in_a_folder_is_no_reason_to_refuse(tmp_path):
    for name in (".venv", ".git"):
        (tmp_path / name).mkdir()
    assert {change.kind for change in start(tmp_path)} == {"added"}


def test_the_source_itself_is_refused(command):
    done = command("start", ".")
    assert done.returncode == 2
    assert done.stderr == (
        f"lrlesson: {ROOT} is the source of the course; choose another folder.\n"
    )


def test_a_place_that_cannot_be_written_gets_one_sentence(command, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="file is a file, expected a folder or a new name"):
        start(tmp_path / "file")
    done = command("start", tmp_path / "file" / "course")
    assert done.returncode == 2
    (sentence,) = done.stderr.splitlines()
    assert "cannot be read or written" in sentence


def test_progress_is_that_of_the_folder(command, tmp_path):
    start(tmp_path / "course")
    record = {"format": 1, "exercises": {"adam": {"status": "correct", "attempts": []}}}
    (tmp_path / "course" / ".lrlesson" / "progress.json").write_text(json.dumps(record))
    done = command("progress", tmp_path / "course", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "adam: correct" in done.stdout
    missing = command("progress", tmp_path / "nowhere")
    assert missing.returncode == 2
    assert "nowhere" in missing.stderr


def test_progress_outside_the_course_is_refused(command, tmp_path):
    """Else whoever is in the wrong folder reads that all is lost."""
    done = command("progress", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"lrlesson: no course in {tmp_path}; name its folder")


def test_a_terminal_that_lacks_a_sign_gets_a_question_mark(command, tmp_path, monkeypatch):
    start(tmp_path)
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")  # as a pipe has it on Windows
    done = command("progress", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("? Your progress")


def test_the_lab_says_that_a_copy_is_old(command, tmp_path):
    start(tmp_path)
    old = json.loads((tmp_path / RECORD).read_text()) | {"version": "0.0.1"}
    (tmp_path / RECORD).write_text(json.dumps(old))
    said = command("lab", tmp_path, "--port=0").stdout  # a port that is none, so it ends at once
    assert f"This copy is of lrlesson 0.0.1, and {lrlesson.__version__} is installed" in said
    assert f"lrlesson start {tmp_path}" in said


def test_the_course_of_a_clone_is_the_one_beside_the_package():
    assert course_files()["course.toml"] == ROOT / "course.toml"
