"""A pytest plugin for nbval: a cell that writes to stderr, and so one that warns, fails."""

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    written = [
        "".join(output["text"])
        for output in getattr(item, "test_outputs", None) or []
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]
    assert not written, "".join(written)
    return result
