"""One JupyterLab for all browser tests, on a copy of the course."""

from collections.abc import Iterator

import pytest
import rig
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[rig.Server]:
    folder = rig.copy_course(tmp_path_factory.mktemp("lab") / "course")
    with rig.lab_server(folder, folder.parent / "private") as running:
        yield running


@pytest.fixture
def lab(chromium: Browser, server: rig.Server) -> Iterator[rig.Lab]:
    """A window of its own; a script that fails in it fails the test."""
    window = rig.Lab(chromium, server)
    yield window
    window.close()
    assert window.complaints == []
