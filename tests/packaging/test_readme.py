"""Every command that the README names is run by a test.

Commands of `lrlesson` are run here, in the order of the page, each block of them in a folder like
the one that the page speaks of. A command that takes long, or changes the machine, is covered by
the test named in COVERED; add yours there, or see it fail here.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lrlesson.grading.sandbox import bubblewrap as sandbox

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/places.md"]
PROGRAMS = "make|lrlesson|pip|conda|python3?|uv|git|sudo|jupyter|cd|[A-Z_]+=\\S+"
SHELLS = ("", "bash", "sh", "shell", "console")

HERE = "tests/packaging"

# A pattern of the whole command, and where it is run.
COVERED = {
    r"git clone \S+": f"{HERE}/test_clone.py::test_a_fresh_clone_with_pip",
    r"make setup": f"{HERE}/test_clone.py::test_a_fresh_clone_with_pip",
    r"make lab|PORT=\d+ make lab": f"{HERE}/test_setup.py::test_the_port_is_handed_on",
    r"PYTHON=\S+ make lab": f"{HERE}/test_setup.py::test_a_python_that_was_chosen_replaces_another",
    r"python tools/setup_env\.py": f"{HERE}/test_setup.py::test_the_second_time_there_is_nothing",
    r"lrlesson lab.*": f"{HERE}/test_fresh.py::test_the_lab_opens_and_the_first_lesson_runs",
    r"(python3? -m )?pip install (--upgrade |-U )?\"?lrlesson(\[[a-z,]+\])?\"?": (
        f"{HERE}/test_fresh.py::test_upgrading_keeps_the_work"
    ),
    # The test of a hub does with users of its own what these do.
    r"install -d -o .*": "tests/browser/test_hub.py::test_",
    r"pip install \"lrlesson\[course,grading\]\" jupyterhub": "tests/browser/test_hub.py::test_",
    r"lrlesson release.*": f"{HERE}/test_commands.py::test_release_writes_the_exercises",
    r"lrlesson selftest.*": "tests/grading/test_selftest.py::test_",
    r"lrlesson grade .*--dask .*": "tests/grading/test_dask.py::test_",
    # conda is not at hand where this is tested: the file is compared with pyproject.toml.
    r"conda .*": f"{HERE}/test_requirements.py::test_conda_users_get_the_same",
    # .ci/run installs it so, where it may.
    r"sudo (apt|apt-get|dnf) install .*": "tests/conftest.py::need",
    r"make (test(-slow|-oldest|-browsers)?|lint|format|lock|pictures|clean|help)": "are lanes",
    r"make pages": "tests/site/*.py::test_",
    r"make lite": "tests/site/test_lite.py::test_",
}


def blocks(page: str) -> list[list[str]]:
    """The commands of a page: a list for each block, then those that stand in a sentence."""
    found: list[list[str]] = []
    text = re.sub(r"(?ms)^```(\w*)\n(.*?)^```$", lambda m: block(m, found), page)
    spans = re.findall(rf"`((?:\.venv/bin/)?(?:{PROGRAMS})\s[^`]+)`", text)
    # A command that is only named is asked what it is for.
    named = [re.sub(r"^(lrlesson [a-z]+)$", r"\1 --help", tidy(span)) for span in spans]
    return [*found, named]


def block(match: re.Match, found: list[list[str]]) -> str:
    """Note the commands of a fenced block, and take it out of the text."""
    language, body = match.groups()
    if language in SHELLS:
        lines = body.replace("\\\n", " ").splitlines()
        found.append([tidy(line) for line in lines if tidy(line)])
    return ""


def tidy(line: str) -> str:
    line = re.sub(r"(^|\s+)#.*", "", line.strip().removeprefix("$ "))
    return " ".join(line.replace(".venv/bin/", "").split())


def place(command: str) -> str | None:
    """Where a command is run, if not here."""
    return next((test for p, test in COVERED.items() if re.fullmatch(p, command)), None)


NAMED = {page: blocks((ROOT / page).read_text("utf-8")) for page in PAGES}


def test_commands_are_found():
    page = "Run `make lab`, not `make`.\n\n```\nlrlesson grade A \\\n  --out B  # marks\n```\n"
    assert blocks(page) == [["lrlesson grade A --out B"], ["make lab"]]
    assert ["make lab"] in [lines[:1] for lines in NAMED["README.md"]]


@pytest.mark.parametrize("command", sorted({c for n in NAMED.values() for b in n for c in b}))
def test_each_command_has_a_test(command):
    if command.startswith("cd ") or (command.startswith("lrlesson ") and not place(command)):
        return  # run below
    covered = place(command)
    assert covered, f"{command!r} is run by no test: add it to COVERED, with the test that runs it"
    if target := re.search(r"\bmake ([\w-]+)", command):
        subprocess.run(
            ["make", "-n", target[1]], cwd=ROOT, check=True, capture_output=True, text=True
        )
    file, _, name = covered.partition("::")
    if name:
        texts = [path.read_text("utf-8") for path in ROOT.glob(file)]
        assert any(f"def {name}" in text for text in texts), covered


def test_each_place_says_what_was_tried_and_by_which_test():
    page = (ROOT / "docs" / "places.md").read_text("utf-8")
    rows = re.search(r"(?m)^\| place \|.*\n\|[-|]+\n((?:\|.*\n)+)", page)[1].splitlines()
    said = dict(re.findall(r"(?m)^\* \((\w)\) (.*)", page))
    cited = set()
    for row in rows:
        for cell in row.strip("| ").split(" | ")[1:]:
            how = re.fullmatch(r"not tried|(?:yes|no|not tried)(?:, [\w ]+)? \((\w)\)", cell)
            assert how, cell
            cited |= {how[1]} - {None}
    assert cited == set(said)
    for file, name in re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", page):
        assert (ROOT / file).exists(), file
        assert not name or f"def {name}(" in (ROOT / file).read_text("utf-8"), name


@pytest.fixture
def stage(tmp_path) -> Path:
    """An instructor's folder, with one submission in it."""
    for part in ("notebooks", "exercises", "solutions"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "course.toml", tmp_path)
    for name in ("SUBMISSIONS", "submissions", "my-class/submissions"):
        (tmp_path / name / "ada").mkdir(parents=True)
        answered = ROOT / "solutions" / "02_exercise_too_low_too_high.ipynb"
        shutil.copy(answered, tmp_path / name / "ada")
    (tmp_path / "gradebook.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Decay (4711)\nAda,1,ada,ada,A,\n"
    )
    return tmp_path


@pytest.mark.parametrize("page", [PAGES[0], pytest.param(PAGES[1], marks=pytest.mark.slow)])
def test_the_commands_of_a_page_run(page, stage, environment):
    """Block after block, each from the same folder; what stands in a sentence comes last."""
    paths = [str(Path(sys.executable).parent), environment.get("PATH", "")]
    environment["PATH"] = os.pathsep.join(paths)
    for lines in NAMED[page]:
        folder = stage
        for line in lines:
            if line.startswith("cd "):
                folder = folder / shlex.split(line)[1]
            elif line.startswith("lrlesson ") and not place(line):
                line = line.replace("/srv/handed-in", "submissions")  # a server's own folder
                if line.startswith("lrlesson grade") and sandbox.problem():
                    line += " --unsafe"
                done = subprocess.run(
                    shlex.split(line), cwd=folder, env=environment, capture_output=True, text=True
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
