"""reset: the stub comes back, and what was written is kept."""

from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from lrlesson.feedback import reset
from lrlesson.feedback.exercises import all_exercises

ROOT = Path(__file__).parents[2]
GRADED = [e.id for e in all_exercises().values() if e.points]


@pytest.mark.parametrize("id", GRADED)
def test_the_stub_is_the_released_one_with_its_docstring(id, tmp_path, monkeypatch):
    monkeypatch.setenv("LRLESSON_PROGRESS", str(tmp_path / "progress.json"))  # no course around it
    notebook = all_exercises()[id].notebook
    cells = nbformat.read(ROOT / "exercises" / notebook, as_version=4).cells
    (stub,) = [c for c in cells if c.metadata.get("lrlesson", {}).get("id") == f"{id}.answer"]
    given = reset(id)
    assert given.stub == stub.source
    assert given.kept is None
    assert stub.source.splitlines()[0] in repr(given)
    assert '"""' in given.stub
    assert len(all_exercises()[id].build(given.stub)) == len(all_exercises()[id].names)


def test_in_a_notebook_it_makes_a_new_cell_and_keeps_the_old_text(tmp_path, monkeypatch):
    (tmp_path / "course.toml").touch()
    monkeypatch.delenv("LRLESSON_PROGRESS")
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:
        said = []

        def run(code):
            reply = client.execute_interactive(code, timeout=60, output_hook=said.append)
            return reply["content"]

        mine = "def step_decay(t, lr0, drop, every):\n    return lr0  # my first try"
        run("from lrlesson.feedback import reset")
        run(mine)
        payload = run('reset("step-decay")')["payload"]
        (cell,) = [p for p in payload if p["source"] == "set_next_input"]
        assert cell["replace"] is False
        assert cell["text"].startswith("def step_decay(t, lr0, drop, every):")
        assert "raise NotImplementedError" in cell["text"]
        kept = tmp_path / ".lrlesson" / "kept" / "step-decay-1.py"
        assert kept.read_text() == mine
        shown = [m["content"]["data"]["text/plain"] for m in said if "data" in m["content"]]
        assert ".lrlesson/kept/step-decay-1.py" in shown[-1]
        run('reset("step-decay")')
        run(mine.replace("first", "second"))
        run('reset("step-decay")')
        assert [p.name for p in sorted(kept.parent.iterdir())] == [
            "step-decay-1.py",
            "step-decay-2.py",
        ]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_an_unknown_exercise_is_refused():
    with pytest.raises(ValueError, match="did you mean 'step-decay'"):
        reset("stepdecay")
