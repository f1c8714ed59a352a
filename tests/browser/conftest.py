"""One JupyterLab for all browser tests, on a copy of the course."""

from collections.abc import Iterator

import pytest
import rig


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[rig.Server]:
    folder = rig.copy_course(tmp_path_factory.mktemp("lab") / "course")
    with rig.lab_server(folder, folder.parent / "private") as running:
        yield running
