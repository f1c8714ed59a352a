"""Keep a notebook's scenes when it is saved by a page that no longer has them.

JupyterLab saves the state of the widgets that a running kernel holds, and of no others. Opened
again, a notebook shows its saved scenes; saved then, or after its kernel has stopped, it would lose
them, and say "model not found" the next time. So before each save this takes from the file what the
notebook still shows and the page no longer knows.
"""

import json
import re
from pathlib import Path
from typing import Any

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
State = dict[str, Any]


def keep_widgets(model: dict[str, Any], path: str, contents_manager: Any, **_: object) -> None:
    """Complete the widget state of a notebook that is about to be saved (a pre-save hook)."""
    if model["type"] != "notebook" or not model.get("content"):
        return
    notebook = model["content"]
    state = _state(notebook)
    missing = _shown(notebook) - state.keys()
    if not missing:
        return
    try:
        saved = _state(json.loads(Path(contents_manager.root_dir, path.strip("/")).read_bytes()))
    except (OSError, ValueError):
        return  # the first save, or a file that is no notebook: there is nothing to keep
    kept = _with_references(missing, saved)
    if kept:
        whole = {"version_major": 2, "version_minor": 0, "state": {**kept, **state}}
        notebook["metadata"].setdefault("widgets", {})[STATE] = whole


def _state(notebook: dict[str, Any]) -> State:
    return notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})


def _shown(notebook: dict[str, Any]) -> set[str]:
    """The models that the notebook's outputs show."""
    return {
        output["data"][VIEW]["model_id"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {})
    }


def _with_references(wanted: set[str], saved: State) -> State:
    """The wanted models, where they were saved, and all that they refer to."""
    kept: State = {}
    left = wanted & saved.keys()
    while left:
        name = left.pop()
        kept[name] = saved[name]
        named = set(re.findall(r'"IPY_MODEL_([^"]+)"', json.dumps(saved[name])))
        left |= (named & saved.keys()) - kept.keys()
    return kept
