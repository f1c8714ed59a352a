"""Law: answers are taken by id, what was done to our cells is named, nothing else is run."""

import json
from pathlib import PurePosixPath

import pytest

from lrlesson.grading.authoring.source_notebooks import read_exercises, read_sources
from lrlesson.grading.handed_in.files import File
from lrlesson.grading.handed_in.graft import assemble, graft
from lrlesson.grading.handed_in.reading import Copy, read_file
from lrlesson.grading.python_code import is_stub

ANSWER = "step-decay.answer"


@pytest.fixture(scope="module")
def exercises(made):
    return read_exercises(read_sources(made.solutions))


@pytest.fixture
def take(made, exercises, tmp_path):
    """Graft an edited copy of the decay exercise: `take(edit) -> Graft`."""

    def grafted(edit=lambda notebook: None, source=made.right_decay):
        notebook = made.filled(made.decay, source)
        edit(notebook)
        path = tmp_path / made.decay
        return graft(exercises["step-decay"], Copy(path, tuple(notebook["cells"])))

    return grafted


def test_an_untouched_notebook_gives_its_answer_and_nothing_to_report(take, made):
    result = take()
    assert result.answers == {ANSWER: made.right_decay}
    assert (result.status, result.anomalies) == ("", [])


def test_the_stub_is_not_attempted(take, made, exercises):
    stub = exercises["step-decay"].stubs[ANSWER]
    assert take(source=stub).status == "not attempted"
    assert take(source="").status == "not attempted"
    assert take(source="# I gave up\n" + stub).status == "not attempted"


def test_a_deleted_answer_is_missing_and_other_deleted_cells_only_named(take, made):
    gone = take(lambda n: n["cells"].remove(made.cell(n, ANSWER)))
    assert gone.status == "missing"
    assert ANSWER in gone.reason
    assert gone.anomalies == [f"deleted: {ANSWER}"]
    other = take(lambda n: n["cells"].remove(made.cell(n, "step-decay.check")))
    assert other.status == ""
    assert other.anomalies == ["deleted: step-decay.check"]


def test_of_duplicates_the_last_that_is_not_a_stub_counts(take, made, exercises):
    stub = exercises["step-decay"].stubs[ANSWER]

    def twice(*sources):
        def edit(notebook):
            cell = made.cell(notebook, ANSWER)
            at = notebook["cells"].index(cell)
            copies = [{**cell, "id": f"copy-{i}", "source": s} for i, s in enumerate(sources)]
            notebook["cells"][at : at + 1] = copies

        return take(edit)

    first, second = (f"def step_decay(t, lr0, drop, every):\n    return {n}" for n in (1, 2))
    result = twice(first, second, stub)
    assert result.answers == {ANSWER: second}
    assert result.anomalies == [f"duplicate: {ANSWER}, 3 cells, the last that is not a stub counts"]
    assert twice(stub, stub).status == "not attempted"


def test_a_retyped_answer_is_named_and_its_text_is_what_counts(take, made):
    def retype(notebook):
        cell = made.cell(notebook, ANSWER)
        cell["cell_type"] = "markdown"
        del cell["outputs"], cell["execution_count"]

    result = take(retype)
    assert result.answers == {ANSWER: made.right_decay}
    assert result.anomalies == [f"retyped: {ANSWER} is a markdown cell, run as code"]


def test_foreign_cells_are_named_and_never_taken(take, made):
    def add(notebook):
        scratch = {"cell_type": "code", "id": "mine", "metadata": {}, "source": "evil = 1"}
        empty = {**scratch, "id": "blank", "source": " \n"}
        prose = {**scratch, "id": "notes", "cell_type": "markdown"}
        notebook["cells"][3:3] = [scratch, empty, prose]

    result = take(add)
    assert result.anomalies == ["foreign: cell 4, not run"]
    assert "evil" not in str(result.answers)


def test_an_answer_to_an_older_release_is_named(take, made, exercises):
    now = exercises["step-decay"].release

    def older(notebook):
        made.cell(notebook, ANSWER)["metadata"]["lrlesson"]["release"] = "0123456789ab"

    assert take(older).anomalies == [f"older release: {ANSWER} is of 0123456789ab, now {now}"]


@pytest.mark.parametrize(
    "cells",
    [
        [{}],
        [{"metadata": 3, "source": 4}],
        [{"metadata": {"lrlesson": [1]}}],
        [{"metadata": {"lrlesson": {"id": ["step-decay.answer"]}}, "cell_type": 7}],
    ],
)
def test_nonsense_cells_raise_nothing(cells, exercises, tmp_path):
    result = graft(exercises["step-decay"], Copy(tmp_path / "x.ipynb", tuple(cells)))
    assert result.status == "missing"


def test_text_that_is_no_text_is_unreadable(take):
    assert take(source="x = '\ud800'").status == "unreadable"


@pytest.mark.parametrize("source", ["def f(:", "\x00", "(" * 5000, "x = 1"])
def test_what_does_not_parse_is_not_a_stub(source):
    assert not is_stub(source, "def f():\n    raise NotImplementedError")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("m = __import__('lr' + 'lesson')", "__import__"),
        ("import sys\nm = sys.modules['lr' + 'lesson']", "sys"),
        ("exec(open('/lrlesson/lrlesson/schedules.py').read())", "exec, open"),
        ("from importlib import import_module as f", "importlib"),
        ("f = ().__class__.__base__.__subclasses__()", "__subclasses__"),
        ("!cat /lrlesson/*\nget_ipython()", "get_ipython"),
        ("import numpy as np\nopening = np.sys_open = 1  # open, exec", ""),
    ],
)
def test_what_no_exercise_needs_is_named(source, said, take):
    expected = [f"unusual: {ANSWER} uses {said}"] if said else []
    assert take(source=source).anomalies == expected


def test_a_flood_of_cells_is_one_line_or_unreadable(take, made):
    extra = {"cell_type": "code", "source": "1", "metadata": {}, "outputs": []}
    few = take(lambda notebook: notebook["cells"].extend([extra] * 100))
    numbers = ", ".join(str(n) for n in range(len(made.exercise(made.decay)["cells"]) + 1, 0x7FFF))
    assert few.anomalies == [
        f"foreign: cells {', '.join(numbers.split(', ')[:10])} and 90 more, not run"
    ]
    notebook = made.exercise(made.decay)
    notebook["cells"] += [{}] * 6000
    content = json.dumps(notebook).encode()
    many = read_file(File(PurePosixPath(made.decay), lambda: content))
    assert many.problem.endswith("cells")


def test_the_notebook_to_run_is_the_instructors_with_the_answer_in_it(take, exercises):
    result = take(lambda n: n["cells"].append({"cell_type": "code", "source": "evil = 1"}))
    text = assemble(exercises["step-decay"], exercises, [7], result.answers)
    cells = json.loads(text)["cells"]
    ids = [c["metadata"]["lrlesson"]["id"] for c in cells]
    assert ids[:5] == ["start", "04_decay.imports", ANSWER, "begin", "04_decay.imports"]
    assert "evil" not in text
    assert "step-decay.check" not in ids, "visible checks are for the learner"
    sources = ["".join(c["source"]) for c in cells]
    hidden = exercises["step-decay"].role("hidden")
    assert sources[5:] == [f"seed = 7\n{cell.source}" for cell in hidden], "each begins with it"


def test_what_an_exercise_needs_comes_first_with_the_reference(made, tmp_path):
    import nbformat

    notebook = nbformat.read(made.solutions / made.decay, as_version=4)
    for cell in notebook.cells:
        data = cell.metadata.get("lrlesson", {})
        if data.get("role") == "answer":
            data["needs"] = ["gradient-descent"]
    nbformat.write(notebook, tmp_path / made.decay)
    (tmp_path / made.descent).write_bytes((made.solutions / made.descent).read_bytes())
    exercises = read_exercises(read_sources(tmp_path))
    assert exercises["step-decay"].needs == ("gradient-descent",)
    text = assemble(exercises["step-decay"], exercises, [1], {ANSWER: "mine = 1"})
    sources = ["".join(c["source"]) for c in json.loads(text)["cells"]]
    reference = exercises["gradient-descent"].role("answer")[0].source
    assert sources.index(reference) < sources.index("mine = 1")
    assert not any("def step_decay" in s for s in sources)
