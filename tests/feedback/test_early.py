"""Law: a notebook that would lose marks is never called complete, and a sound one always is."""

import json
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parents[2]
FILE = "04_exercise_decay.ipynb"
RIGHT = "def step_decay(t, lr0, drop, every):\n    return lr0 * drop ** (np.asarray(t) // every)"
WITH_HELPER = RIGHT.replace("np.asarray(t) // every", "drops(t, every)")
HELPER = "def drops(t, every):\n    return np.asarray(t) // every"
BASE = "class Base:\n    pass"
WRONG = RIGHT.replace("// every", "// every + 1")
BEGIN = "import numpy as np\nfrom lrlesson.feedback import check, summary"
CHECK = 'print(check("step-decay", step_decay))'
SUMMARY = 'print(summary("step-decay"))'


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """`kernel(saved, *run)`: what a real kernel prints, with such a notebook beside it."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "course.toml").touch()
    manager, client = start_new_kernel(cwd=str(folder))
    released = json.loads((ROOT / "exercises" / FILE).read_text(encoding="utf-8"))

    def execute(source):
        said = []

        def hook(message):
            content = message["content"]
            shown = content.get("data", {}).get("text/plain", "")
            said.append(content.get("text", "") + shown + " ".join(content.get("traceback", [])))

        client.execute_interactive(source, output_hook=hook, timeout=60)
        return "".join(said)

    def run(saved, *cells):
        notebook = json.loads(json.dumps(released))
        for cell in notebook["cells"]:
            cell["source"] = saved.get(cell["id"], cell["source"])
        more = [cell for name, cell in saved.items() if name.startswith("new")]
        new = [{"cell_type": "code", "source": s, "metadata": {}, "id": "n"} for s in more]
        (folder / FILE).write_text(json.dumps({"cells": [*notebook["cells"], *new]}))
        execute("%reset -f")
        execute(BEGIN)
        return [execute(cell) for cell in cells][-2:]

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_what_is_saved_as_it_was_run_is_complete(kernel):
    told, total = kernel({"step-decay-answer": RIGHT}, RIGHT, CHECK, SUMMARY)
    assert "Correct: step-decay" in told
    assert "hand in" in total
    saved = {"step-decay-answer": WITH_HELPER, "new helper": HELPER}
    told, total = kernel(saved, HELPER, WITH_HELPER, CHECK, SUMMARY)
    assert "Correct: step-decay" in told
    assert "✓ Complete" in total


def test_what_is_not_saved_yet_is_not_judged(kernel):
    told, total = kernel({}, HELPER, WITH_HELPER, CHECK, SUMMARY)
    assert "Correct: step-decay" in told
    assert "Save this notebook" in total


@pytest.mark.parametrize(
    ("saved", "run", "said"),
    [
        ({"step-decay-answer": WITH_HELPER}, [HELPER, WITH_HELPER], "Your answer uses drops"),
        (
            {"step-decay-answer": f"{RIGHT} + 0 * K"},
            ["K = 2", f"{RIGHT} + 0 * K"],
            "Your answer uses K",
        ),
        ({"step-decay-answer": WRONG, "new": RIGHT}, [WRONG, RIGHT], "there it counts"),
    ],
)
def test_what_the_file_does_not_have_is_said_early(saved, run, said, kernel):
    told, total = kernel(saved, *run, CHECK, SUMMARY)
    for text in (told, total):
        assert said in " ".join(text.split())
        assert "Correct: step-decay" not in text
        assert "✓ Complete" not in text
    assert "Incomplete: step-decay is right, but see the note." in total


def test_an_answer_that_changed_after_its_check_is_not_complete(kernel):
    _, total = kernel({"step-decay-answer": WRONG}, RIGHT, CHECK, WRONG, SUMMARY)
    assert "changed since it was checked" in " ".join(total.split())
    assert "✓ Complete" not in total
