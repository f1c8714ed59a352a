"""What the packaging tests share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

OUTER = ("MAKE", "MFLAGS", "VIRTUAL_ENV", "PYTEST", "PYTHON", "PORT")


@pytest.fixture
def environment() -> dict[str, str]:
    """The user's environment, without traces of the make or the pytest that runs this test."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OUTER)}


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a command of `lrlesson`: command("start", folder, cwd=...)."""

    def run(*words: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "lrlesson.cli", *map(str, words)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run
