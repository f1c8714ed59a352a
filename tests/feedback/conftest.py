"""Every test of feedback has a record of its own and a kernel that has checked nothing yet."""

from pathlib import Path

import pytest

from lrlesson.feedback.check import checking, helping


@pytest.fixture(autouse=True)
def progress_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "record" / "progress.json"
    monkeypatch.setenv("LRLESSON_PROGRESS", str(path))
    checking.checked.clear()
    helping._given.clear()
    return path
