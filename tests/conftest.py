"""What every part's tests share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import rig
from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
COURSE = ["notebooks", "exercises", "course.toml"]


def copy_course(to: Path) -> Path:
    """Copy what a learner works in to a new folder."""
    to.mkdir(parents=True)
    for name in COURSE:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, to / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints")
            )
        else:
            shutil.copy(ROOT / name, to / name)
    return to


def need(program: str, found: object) -> None:
    """Skip, loudly, where a system program is missing; in CI that is a failure."""
    if not found:
        message = f"{program} is missing; on Debian and Ubuntu: sudo apt install {program}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the course, with nothing learnt yet."""
    return copy_course(tmp_path / "course")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium. By the module: Playwright's event loop must not outlive its tests."""
    need("chromium", rig.find_chromium())
    with rig.chromium() as browser:
        yield browser


@pytest.fixture
def bubblewrap() -> str:
    """The path of bwrap, which the grader's sandbox is made with."""
    path = shutil.which("bwrap")
    need("bubblewrap", path)
    return str(path)
