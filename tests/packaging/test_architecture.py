"""The page about the architecture says what the linter holds, and the linter holds it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_page_shows_the_layers_that_are_checked():
    arrows, _ = PROJECT["tool"]["importlinter"]["contracts"]
    (shown,) = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    layers = [re.sub(r"[()]", "", layer) for layer in arrows["layers"]]
    assert shown.splitlines() == layers
    assert arrows["exhaustive"] is True


def test_what_the_page_names_is_there():
    for cell in re.findall(r"(?m)^\| (`.*?`) \|", PAGE):
        for name in re.findall(r"`(.*?)`", cell):
            assert (ROOT / name).exists() or (ROOT / "lrlesson" / name).exists(), name


def test_an_arrow_upwards_is_refused(tmp_path):
    """The linter on a copy whose schedules reach for the scenes."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lrlesson", tmp_path / "lrlesson", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    schedules = tmp_path / "lrlesson" / "schedules.py"
    schedules.write_text(schedules.read_text() + "\n\nfrom lrlesson import training\n")
    (tmp_path / "lrlesson" / "nowhere.py").write_text('"""A module without a place."""\n')
    code = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; lint_imports_command()"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.search(
        r"lrlesson\.schedules\s+is not allowed to import lrlesson\.training", done.stdout
    )
    assert "- lrlesson.nowhere" in done.stdout
