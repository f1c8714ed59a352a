"""What every part's tests share."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest
import rig
from playwright.sync_api import Browser, expect

from lrlesson.grading.sandbox import bubblewrap as sandbox

os.environ.setdefault("LRLESSON_PATIENCE", "inf")  # no progress bar, in kernels neither
expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong


def seeds_of(text: str) -> range:
    """Seeds A to B − 1, from "A:B"; "today": ten that belong to this day (UTC) and to no other."""
    if text == "today":
        first_today = 10 * datetime.now(UTC).toordinal()
        return range(first_today, first_today + 10)
    first, _, end = text.partition(":")
    if not (first.isdecimal() and end.isdecimal() and int(first) < int(end)):
        raise pytest.UsageError(f"--seeds {text}: expected today, or A:B with integers 0 <= A < B")
    return range(int(first), int(end))


def pytest_addoption(parser: pytest.Parser) -> None:
    help = "the seeds A to B − 1 that tests/claims runs on (default 0:10), or: today"
    parser.addoption("--seeds", metavar="A:B", default="0:10", help=help)


def pytest_report_header(config: pytest.Config) -> str:
    seeds = seeds_of(config.getoption("--seeds"))
    return f"claims on seeds {seeds.start} to {seeds.stop - 1} (--seeds {seeds.start}:{seeds.stop})"


# The folders whose files take long.
LONG = ["notebooks", "exercises", "grading", "packaging", "browser", "scenes", "site", "feedback"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: so all processes end at about the same time."""

    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=rank)


@pytest.fixture(scope="session")
def seeds(pytestconfig: pytest.Config) -> range:
    """The seeds that a claim has to hold on."""
    return seeds_of(pytestconfig.getoption("--seeds"))


def need(program: str, found: object) -> None:
    """Skip, loudly, where a system program is missing; in CI that is a failure."""
    if not found:
        unless_in_ci(f"{program} is missing; on Debian and Ubuntu: sudo apt install {program}")


def unless_in_ci(reason: str) -> NoReturn:
    """Skip a test that this machine cannot run; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def npm_and_chromium() -> None:
    """What builds JupyterLite, and what opens it."""
    need("npm", shutil.which("npm"))
    need("chromium", rig.find_chromium())


@pytest.fixture(scope="session")
def bubblewrap() -> None:
    """The grader's sandbox can be made on this machine."""
    if problem := sandbox.problem():
        unless_in_ci(problem)


@pytest.fixture(scope="session")
def python_for_new_users() -> str:
    """A Python that users without rights may start, this one's or the system's; root makes some."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        unless_in_ci("this test makes users of the system; only root can")
    need("useradd", shutil.which("useradd"))
    for path in (f"{sys.base_prefix}/bin/python3", "/usr/bin/python3"):
        tried = [path, "-c", "import sys, venv, sqlite3; sys.exit(sys.version_info < (3, 11))"]
        with contextlib.suppress(OSError):
            if not subprocess.run(tried, user=65534, group=65534, extra_groups=[]).returncode:
                return path
    return unless_in_ci("no Python 3.11 or newer that every user may start")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the course, with nothing learnt yet."""
    return rig.copy_course(tmp_path / "course")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium. By the module: Playwright's event loop must not outlive its tests."""
    need("chromium", rig.find_chromium())
    with rig.chromium() as browser:
        yield browser
