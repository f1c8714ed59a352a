"""Law: release fails closed, with one sentence, on everything that it does not understand."""

import json

import nbformat
import pytest

from lrlesson.grading import ReleaseError, release


def by_id(notebook, cell_id):
    return next(c for c in notebook.cells if c.id == cell_id)


def data_of(notebook, cell_id):
    return by_id(notebook, cell_id).metadata["lrlesson"]


def read(path):
    return nbformat.read(path, as_version=4)


def test_what_learners_get(source, tmp_path):
    (path,) = release(source(), tmp_path / "out")
    notebook = read(path)
    assert [cell.id for cell in notebook.cells] == ["title", "imports", "answer", "check"]
    answer = by_id(notebook, "answer").source
    assert answer == (
        'def double(x):\n    """Twice x."""\n    raise NotImplementedError("your answer goes here")'
    )
    with pytest.raises(NotImplementedError):
        exec(answer + "\ndouble(1)", {})
    assert not by_id(notebook, "answer").metadata.deletable
    hashes = {data_of(notebook, name)["release"] for name in ("imports", "answer", "check")}
    assert len(hashes) == 1
    assert len(hashes.pop()) == 12
    nbformat.validate(notebook)


def test_outputs_and_traces_of_runs_are_gone(source, tmp_path):
    def run(notebook):
        cell = by_id(notebook, "check")
        cell.outputs = [nbformat.v4.new_output("stream", text="8\n")]
        cell.execution_count = 3
        cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01"}
        notebook.metadata["widgets"] = {"state": 1}

    (path,) = release(source(run), tmp_path / "out")
    text = path.read_text(encoding="utf-8")
    assert by_id(read(path), "check").outputs == []
    assert "2026" not in text
    assert "widgets" not in text
    assert '"execution_count": 3' not in text


def test_a_release_is_the_same_every_time_and_its_hash_follows_the_content(source, tmp_path):
    (first,) = release(source(), tmp_path / "a")
    (second,) = release(source(), tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()

    def reworded(notebook):
        by_id(notebook, "title").source = "Write `double`, please."

    (third,) = release(source(reworded), tmp_path / "c")
    assert data_of(read(first), "answer")["release"] != data_of(read(third), "answer")["release"]


def test_a_machine_without_the_sandbox_makes_the_same_release(source, tmp_path, monkeypatch):
    """What runs is the instructor's own: macOS, Windows, a clone without bubblewrap."""
    (here,) = release(source(), tmp_path / "a")
    monkeypatch.setattr(
        "lrlesson.grading.sandbox.bubblewrap.problem", lambda: "bubblewrap is missing"
    )
    (there,) = release(source(), tmp_path / "b")
    assert here.read_bytes() == there.read_bytes()


def test_the_hash_does_not_tell_of_hidden_cells(source, tmp_path):
    (first,) = release(source(), tmp_path / "a")
    other = 'print("twice |", double(np.random.default_rng(seed).normal()))'
    (second,) = release(source(hidden=other), tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


def test_an_exercise_whose_source_is_gone_is_removed_and_nothing_else(source, tmp_path):
    target = tmp_path / "out"
    (path,) = release(source(), target)
    (target / "gone.ipynb").write_bytes(path.read_bytes())
    (target / "mine.ipynb").write_text("not ours", encoding="utf-8")
    release(source(), target)
    assert sorted(p.name for p in target.iterdir()) == ["mine.ipynb", "one.ipynb"]


def set_data(cell_id, **changes):
    def edit(notebook):
        data_of(notebook, cell_id).update(changes)

    return edit


def set_source(cell_id, text):
    def edit(notebook):
        by_id(notebook, cell_id).source = text

    return edit


def set_metadata(cell_id, **changes):
    def edit(notebook):
        by_id(notebook, cell_id).metadata.update(changes)

    return edit


def without(cell_id, key):
    def edit(notebook):
        del data_of(notebook, cell_id)[key]

    return edit


def drop(*cell_ids):
    def edit(notebook):
        notebook.cells = [c for c in notebook.cells if c.id not in cell_ids]

    return edit


def to_markdown(cell_id):
    def edit(notebook):
        cell = by_id(notebook, cell_id)
        cell.cell_type = "markdown"
        del cell["outputs"], cell["execution_count"]

    return edit


ANSWER = "def double(x):\n    {}\n    return 2 * x\n    {}"

REFUSED = {
    "unknown role": (set_data("check", role="visible"), "unknown role 'visible'"),
    "no role": (without("check", "role"), "unknown role None"),
    "unknown key": (set_data("check", poits=2), "unknown key 'poits'"),  # codespell:ignore
    "unknown tag": (set_metadata("check", tags=["hidden"]), "unknown tag 'hidden'"),
    "mistyped table": (set_metadata("check", lrleson={}), "unknown metadata key 'lrleson'"),
    "duplicate id": (set_data("check", id="double.answer"), "'double.answer' is a duplicate"),
    "no id": (without("check", "id"), "needs an id"),
    "foreign id": (set_data("check", id="triple.check"), "should start with 'double.'"),
    "no exercise": (without("check", "exercise"), "needs an exercise"),
    "no end": (set_source("answer", ANSWER.format("### BEGIN SOLUTION", "")), "unbalanced"),
    "no begin": (set_source("answer", ANSWER.format("", "### END SOLUTION")), "unbalanced"),
    "swapped": (
        set_source("answer", ANSWER.format("### END SOLUTION", "### BEGIN SOLUTION")),
        "unbalanced",
    ),
    "mistyped marker": (
        set_source("answer", ANSWER.format("### BEGIN SOLUTION", "## END SOLUTION")),
        "mistyped",
    ),
    "both mistyped": (
        set_source("answer", ANSWER.format("# begin solution", "# end solution")),
        "mistyped",
    ),
    "no markers": (set_source("answer", ANSWER.format("", "")), "without '### BEGIN SOLUTION'"),
    "markers in a check": (
        set_source("check", "### BEGIN SOLUTION\n1\n### END SOLUTION"),
        "outside an answer",
    ),
    "no points": (drop("hidden"), "answer without points"),
    "points but no answer": (drop("answer"), "no answer"),
    "points elsewhere": (set_data("check", points=1), "points stand on hidden cells"),
    "points below zero": (set_data("hidden", points=-1), "greater than 0"),
    "points in words": (set_data("hidden", points="two"), "wrong type"),
    "points true": (set_data("hidden", points=True), "wrong type"),
    "unknown comparison": (set_data("hidden", compare="roughly"), "unknown compare 'roughly'"),
    "wild tolerance": (set_data("hidden", rtol=5), "from 0 to 1"),
    "needs nobody": (set_data("answer", needs=["triple"]), "no exercise of this folder"),
    "needs itself": (set_data("answer", needs=["double"]), "needs it in turn"),
    "hidden as prose": (to_markdown("hidden"), "expected a code cell"),
    "assert": (
        set_source("hidden", "if True:\n    assert double(1) == 2"),
        "must not hold assert",
    ),
    "magic": (set_source("hidden", "%pip list"), "plain Python"),
    "solution in prose": (
        set_source("title", "Use `return 2 * x` here."),
        "'return 2 * x' would remain",
    ),
    "solution in an example": (
        set_source("check", "def other(x):\n    return 2 * x"),
        "'return 2 * x' would remain",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_sentence(case, source, tmp_path):
    edit, words = REFUSED[case]
    with pytest.raises(ReleaseError) as error:
        release(source(edit), tmp_path / "out")
    assert words in str(error.value)
    assert str(error.value).startswith("one.ipynb")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


RUNS = {
    "a boolean": ("print(double(seed) == 2 * seed)", "not a verdict like 'True'"),
    "a labelled boolean": ('print("right |", double(seed) == 2 * seed)', "not a verdict"),
    "one word": ('print("passed")', "not a verdict like 'passed'"),
    "no rows": ("print(double(seed), double(3))", "must print rows"),
    "nothing": ("double(seed)", "must print rows"),
    "no seed": ('print("rate |", double(3))', "does not depend on the seed"),
    "one label twice": (
        'print("rate |", double(seed))\nprint("rate |", double(seed + 1))',
        "two rows have the same label",
    ),
    "an error": ("double()", "ended with error (TypeError"),
    "no end": ("while True:\n    pass", "ended with timeout"),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_hidden_check_is_run_and_refused(case, source, tmp_path):
    hidden, words = RUNS[case]
    with pytest.raises(ReleaseError, match=r"one.ipynb, double.rate") as error:
        release(source(hidden=hidden), tmp_path / "out")
    assert words in str(error.value)
    assert not (tmp_path / "out").exists()


def test_the_same_id_in_two_files_is_refused(source, tmp_path):
    source()
    folder = source(name="two.ipynb")
    with pytest.raises(ReleaseError, match=r"already used in one.ipynb"):
        release(folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "is not a notebook"),
        (json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": []}), "4.5"),
    ],
)
def test_what_is_not_a_notebook_of_today_is_refused(text, words, tmp_path):
    (tmp_path / "bad.ipynb").write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError, match=words):
        release(tmp_path, tmp_path / "out")


def test_folders_that_cannot_be(source, tmp_path):
    with pytest.raises(ReleaseError, match="both source and target"):
        release(source(), source())
    with pytest.raises(ReleaseError, match="is not a folder"):
        release(tmp_path / "none", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReleaseError, match="holds no notebook"):
        release(tmp_path / "empty", tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[exercise]]\nid='double'\nnotebook='one.ipynb'\npoints=3", "add up to 2"),
        ("[[exercise]]\nid='triple'\nnotebook='one.ipynb'\npoints=2", "no notebook holds"),
        ("[[exercise]]\nid='double'\nnotebook='two.ipynb'\npoints=2", "is in one.ipynb"),
        ("[[exercise]]\nid='double'\nnotebook='one.ipynb'\npoints=2\nlate=1", "unknown key 'late'"),
        ("[submissions]\nlearner='email'", "expected one of folder, file, either"),
        ("exercise = 3", "should be [[exercise]] tables"),
        ("[[exercise]", "cannot be read"),
    ],
)
def test_course_toml_must_agree_with_the_notebooks(text, words, source, tmp_path):
    folder = source()
    (folder / "course.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError) as error:
        release(folder, tmp_path / "out")
    assert words in str(error.value)
