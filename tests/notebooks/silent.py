"""A pytest plugin for nbval: a cell that writes to stderr, and so one that warns, fails.

What the cells say is appended to the file that the variable SAID names, a line of JSON for each.
"""

import json
import os
from pathlib import Path

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    outputs = getattr(item, "test_outputs", None) or []
    written = [
        "".join(output["text"])
        for output in outputs
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]
    assert not written, "".join(written)
    if "SAID" in os.environ:
        said = [output.get("text") or output["data"].get("text/plain") for output in outputs]
        with Path(os.environ["SAID"]).open("a", encoding="utf-8") as file:
            print(json.dumps([item.name, said]), file=file)
    return result
