"""What a release says of itself, and what the workflows may do."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from release_notes import notes

import lrlesson

ROOT = Path(__file__).parents[2]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
VERSION = tomllib.loads(PROJECT)["project"]["version"]


def test_one_version_everywhere():
    assert lrlesson.__version__ == VERSION
    assert yaml.safe_load(CITATION)["version"] == VERSION
    for folder in ("lrlesson/labconfig", "lite"):
        extension = ROOT / folder / "extension" / "package.json"
        assert json.loads(extension.read_text(encoding="utf-8"))["version"] == VERSION


def test_the_changelog_has_the_form_that_it_claims():
    sections = re.findall(r"(?m)^## (.*)$", CHANGELOG)
    assert sections[0] == "[Unreleased]"
    for section in sections[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", section), section
    assert set(re.findall(r"(?m)^### (.*)$", CHANGELOG)) <= KINDS


RELEASED = f"## [Unreleased]\n\n## [{VERSION}] - 2026-01-31\n\n### Added\n\n- It.\n\n## [0.0.1]"


def test_the_notes_are_the_section_of_the_version():
    assert notes(f"v{VERSION}", PROJECT, RELEASED, CITATION) == "### Added\n\n- It.\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "citation", "said"),
    [
        ("v9.9.9", RELEASED, CITATION, "the tag is v9.9.9, but pyproject.toml says"),
        (f"v{VERSION}", "## [Unreleased]\n- It.", CITATION, "CHANGELOG.md has no section"),
        (f"v{VERSION}", RELEASED.replace("### Added\n\n- It.", ""), CITATION, "is empty"),
        (f"v{VERSION}", RELEASED, "version: 0.0.1", "CITATION.cff does not say"),
    ],
)
def test_a_tag_that_the_project_is_not_ready_for_is_refused(tag, changelog, citation, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        notes(tag, PROJECT, changelog, citation)


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
