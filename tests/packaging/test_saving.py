"""What a page no longer knows of a notebook's scenes is taken from the file, on saving."""

import json

import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from nbformat.v4 import new_code_cell, new_notebook, new_output

from lrlesson.labconfig.saving import STATE, VIEW, keep_widgets


@pytest.fixture
def contents(tmp_path) -> LargeFileManager:
    manager = LargeFileManager(root_dir=str(tmp_path))
    manager.register_pre_save_hook(keep_widgets)
    return manager


def notebook(shown: list[str], **state):
    data = [new_output("display_data", {VIEW: {"model_id": name}}) for name in shown]
    made = new_notebook(cells=[new_code_cell("scene", outputs=data)])
    made.metadata["widgets"] = {STATE: {"version_major": 2, "version_minor": 0, "state": state}}
    return made


def saved(contents: LargeFileManager, content) -> dict:
    """The widget state in the file after saving."""
    contents.save({"type": "notebook", "content": content}, "a.ipynb")
    text = contents.get("a.ipynb", type="file", content=True)["content"]
    return json.loads(text)["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})


def model(value: int, **references: str) -> dict:
    return {"model_name": "Scene", "state": {"at": value, **references}}


def test_what_is_shown_stays_with_what_it_refers_to(contents):
    scene = model(1, layout="IPY_MODEL_layout")
    saved(contents, notebook(["scene"], scene=scene, layout=model(2), other=model(3)))
    assert saved(contents, notebook(["scene"])) == {"scene": scene, "layout": model(2)}


def test_what_the_page_knows_is_newer(contents):
    saved(contents, notebook(["scene", "old"], scene=model(1), old=model(1)))
    after = saved(contents, notebook(["scene", "old"], scene=model(2)))
    assert after == {"scene": model(2), "old": model(1)}


def test_what_is_shown_no_more_goes(contents):
    saved(contents, notebook(["scene"], scene=model(1)))
    assert saved(contents, notebook([])) == {}


def test_the_first_save_and_a_broken_file_keep_nothing(contents, tmp_path):
    assert saved(contents, notebook(["scene"])) == {}
    (tmp_path / "a.ipynb").write_text("no notebook")
    assert saved(contents, notebook(["scene"], other=model(1))) == {"other": model(1)}


def test_other_files_are_left_alone(contents, tmp_path):
    contents.save({"type": "file", "format": "text", "content": "text"}, "a.txt")
    assert (tmp_path / "a.txt").read_text() == "text"
