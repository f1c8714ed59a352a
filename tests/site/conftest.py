"""The site as `make pages` builds it, once for all tests that look at it."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages, all lessons executed."""
    out = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, ROOT / "site" / "build.py", "--out", out], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return out / "html"


@pytest.fixture(scope="session")
def part() -> Iterator[ModuleType]:
    """Imports a module of the folder site: part("catalogue")."""
    sys.path.insert(0, str(ROOT / "site"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "site"))
