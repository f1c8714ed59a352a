"""What a release says of itself, and what the workflows may do."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from release_notes import COPIES, notes, write_copies

import lrlesson

ROOT = Path(__file__).parents[2]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
VERSION = tomllib.loads(PROJECT)["project"]["version"]


def test_one_version_everywhere():
    """pyproject.toml has it; these follow it, or are written by tools/release_notes.py --write."""
    assert lrlesson.__version__ == VERSION
    for name in COPIES:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert (json.loads if name.endswith("json") else yaml.safe_load)(text)["version"] == VERSION


def test_nobody_else_types_the_version():
    found = subprocess.run(
        ["git", "grep", "-lF", VERSION, "--", "*.py", "*.toml", "*.json", "*.js", "*.cff"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split()
    saying = {
        n
        for n in found
        if re.search(r"""(?m)^\W*_*version_*\W+""" + re.escape(VERSION), (ROOT / n).read_text())
    }
    assert saying == {"pyproject.toml", *COPIES}


def test_the_changelog_has_the_form_that_it_claims():
    sections = re.findall(r"(?m)^## (.*)$", CHANGELOG)
    assert sections[0] == "[Unreleased]"
    for section in sections[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", section), section
    assert set(re.findall(r"(?m)^### (.*)$", CHANGELOG)) <= KINDS


RELEASED = f"## [Unreleased]\n\n## [{VERSION}] - 2026-01-31\n\n### Added\n\n- It.\n\n## [0.0.1]"


@pytest.fixture
def ready(tmp_path) -> Path:
    """A folder that is ready for the release of VERSION."""
    for name in ("pyproject.toml", *COPIES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(RELEASED)
    return tmp_path


def replace(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_the_notes_are_the_section_of_the_version(ready):
    assert notes(f"v{VERSION}", ready) == "### Added\n\n- It.\n"


@pytest.mark.parametrize(
    ("file", "old", "said"),
    [
        ("CHANGELOG.md", f"## [{VERSION}] - 2026-01-31", "CHANGELOG.md has no section"),
        ("CHANGELOG.md", "### Added\n\n- It.\n", "is empty"),
        *((name, VERSION, f"{name} does not say {VERSION}") for name in COPIES),
    ],
)
def test_what_is_not_ready_is_refused(ready, file, old, said):
    replace(ready / file, old, "")
    with pytest.raises(ValueError, match=re.escape(said)):
        notes(f"v{VERSION}", ready)


def test_the_version_is_set_in_one_place(ready):
    replace(ready / "pyproject.toml", f'version = "{VERSION}"', 'version = "9.9.9"')
    assert write_copies(ready) == list(COPIES)
    replace(ready / "CHANGELOG.md", VERSION, "9.9.9")
    assert notes("v9.9.9", ready)
    assert write_copies(ready) == []


def test_the_command_ends_with_one_sentence():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "release_notes.py", "v9.9.9"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("not ready for v9.9.9: the tag is v9.9.9")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_do_nothing_that_a_job_does_not_name(path):
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    assert "never run" in text.partition("name:")[0]  # true until it was; then take this out
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 75


def test_the_workflows_cover_the_systems_and_versions_that_are_supported():
    (tests,) = [path for path in WORKFLOWS if path.stem == "tests"]
    jobs = yaml.safe_load(tests.read_text(encoding="utf-8"))["jobs"]
    said = tomllib.loads(PROJECT)["project"]
    supported = [line.rpartition(" ")[2] for line in said["classifiers"] if "Python :: 3." in line]
    ends = [supported[0], supported[-1]]
    assert said["requires-python"] == f">={ends[0]}"
    assert jobs["linux"]["strategy"]["matrix"]["python"] == ends
    assert jobs["elsewhere"]["strategy"]["matrix"]["python"] == ends
    systems = jobs["elsewhere"]["strategy"]["matrix"]["system"]
    assert {system.partition("-")[0] for system in systems} == {"macos", "windows"}
