"""pyproject.toml, the two locks and environment.yml say the same."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import uv
import yaml

ROOT = Path(__file__).parents[2]
LOCKS = {
    name: (ROOT / name).read_text() for name in ("requirements.lock", "requirements-course.lock")
}
LOCK, COURSE_LOCK = LOCKS.values()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# pyproject's name -> conda-forge's, where they differ
CONDA = {
    "jupyter-client": "jupyter_client",
}
LIBRARY = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
STARTS_WITH = "3.13"  # the Python of environment.yml, and so of Binder, and of the container


def declared() -> list[str]:
    """Every requirement of pyproject.toml, of the library, of its extras and of its groups."""
    listed = [*EXTRAS.values(), *GROUPS.values()]
    return LIBRARY + [item for items in listed for item in items if isinstance(item, str)]


def split(requirement: str) -> tuple[str, str]:
    """The name, and the bound."""
    name, bound = re.fullmatch(r"([\w.-]+)(.*)", requirement).groups()
    return name.lower(), bound


def test_regenerating_the_lock_changes_nothing(tmp_path, environment):
    """Seeded with the lock itself, so that a release of today does not count as a difference."""
    for name in ("pyproject.toml", "Makefile", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)
    recipe = subprocess.run(
        ["make", "-n", "lock"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    commands = re.findall(r"uv (pip compile .*)", recipe.replace("\\\n", " "))
    assert len(commands) == len(LOCKS)
    for command in commands:
        run = subprocess.run(
            [uv.find_uv_bin(), *command.split()],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
    for name, text in LOCKS.items():
        assert (tmp_path / name).read_text() == text, "run: make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_no_addresses(lock):
    entries = re.split(r"\n(?=\S)", LOCKS[lock].strip())
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9.-]*==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in LOCKS[lock]
    assert " @ " not in LOCKS[lock]


@pytest.mark.parametrize("name", sorted({split(r)[0] for r in declared()}))
def test_the_lock_holds_what_is_declared(name):
    assert re.search(rf"(?m)^{re.escape(name)}==", LOCK)


def names(requirements: list[str]) -> set[str]:
    return {split(requirement)[0] for requirement in requirements}


def test_learners_get_the_same_versions_and_fewer_of_them():
    pinned = re.compile(r"(?m)^([\w.-]+)==(\S+)")
    of_the_course, all_of_them = (set(pinned.findall(text)) for text in (COURSE_LOCK, LOCK))
    assert of_the_course < all_of_them
    there = {name for name, _ in of_the_course}
    assert names([*LIBRARY, *EXTRAS["course"], *GROUPS["build"]]) <= there
    assert not there & {"nbval", "pytest", "mypy", "sphinx", "distributed"}


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_lock_is_for_every_system(platform):
    assert re.search(rf"(?m)^\S+==\S+ ; .*sys_platform == '{platform}'", LOCK)


def test_conda_users_get_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge"]
    *dependencies, by_pip = environment["dependencies"]
    asked = [*LIBRARY, *EXTRAS["course"], *EXTRAS["grading"]]
    wanted = {CONDA.get(name, name): bound for name, bound in map(split, asked)}
    wanted |= {"python": f"={STARTS_WITH}", "pip": ""}
    assert dict(map(split, dependencies)) == wanted
    assert by_pip == {"pip": ["-e ."]}


def test_other_places_start_with_a_python_that_is_tested():
    """Binder reads `python=` and nothing else, then takes its own packages for that version; and
    files of these names would come before environment.yml."""
    assert f"Programming Language :: Python :: {STARTS_WITH}" in PROJECT["project"]["classifiers"]
    before = ["binder", ".binder", "Dockerfile", "postBuild", "start", "apt.txt", "runtime.txt"]
    assert [name for name in before if (ROOT / name).exists()] == []
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["image"] == f"python:{STARTS_WITH}"
    command = ["make", "-n", *container["postCreateCommand"].split()[1:]]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
