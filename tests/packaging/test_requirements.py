"""pyproject.toml, requirements.lock and environment.yml say the same."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import uv
import yaml

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# pyproject's name -> conda-forge's, where they differ
CONDA = {
    "build": "python-build",
    "jupyter-client": "jupyter_client",
    "playwright": "playwright-python",
}


def declared() -> list[str]:
    """Every requirement of pyproject.toml, of the course and of its groups."""
    groups = PROJECT["dependency-groups"].values()
    return PROJECT["project"]["dependencies"] + [
        item for group in groups for item in group if isinstance(item, str)
    ]


def split(requirement: str) -> tuple[str, str]:
    """The name, and the bound."""
    name, bound = re.fullmatch(r"([\w.-]+)(.*)", requirement).groups()
    return name.lower(), bound


def test_regenerating_the_lock_changes_nothing(tmp_path, environment):
    """Seeded with the lock itself, so that a release of today does not count as a difference."""
    for name in ("pyproject.toml", "Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    recipe = subprocess.run(
        ["make", "-n", "lock"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    command = recipe[recipe.index("uv pip compile") :].replace("\\\n", " ").split()
    run = subprocess.run(
        [uv.find_uv_bin(), *command[1:]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "requirements.lock").read_text() == LOCK, "run: make lock"


def test_the_lock_has_hashes_and_no_addresses():
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9.-]*==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in LOCK
    assert " @ " not in LOCK


@pytest.mark.parametrize("name", ["hatchling", "editables", *(split(r)[0] for r in declared())])
def test_the_lock_holds_what_is_declared(name):
    assert re.search(rf"(?m)^{re.escape(name)}==", LOCK)


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_lock_is_for_every_system(platform):
    assert re.search(rf"(?m)^\S+==\S+ ; .*sys_platform == '{platform}'", LOCK)


def test_conda_users_get_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge"]
    *dependencies, by_pip = environment["dependencies"]
    named = dict(map(split, [*dependencies, *by_pip["pip"]]))
    wanted = {CONDA.get(name, name): bound for name, bound in map(split, declared())}
    wanted |= {"python": PROJECT["project"]["requires-python"], "pip": ""}
    assert named == wanted
