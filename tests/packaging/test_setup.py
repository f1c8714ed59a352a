"""tools/setup_env.py, run for real on a project that needs only the build backend."""

import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import uv
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
COPIED = [
    "LICENSE",
    "LICENSE-TEXT",
    "Makefile",
    "pyproject.toml",
    "tools/hatch_build.py",
    "tools/setup_env.py",
]
TESTS_ONLY = "execnet"  # stands for what learners do without: small, and needs nothing
# Stands in for an interpreter of another version.
OTHER_PYTHON = """#!/bin/sh
exec "{python}" -c 'import runpy, sys
sys.version_info = (3, {minor}, 0, "final", 0)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
"""


def with_dependencies(*names: str) -> set[str]:
    """The packages and everything that they need here."""
    found, left = set(), set(names)
    while left:
        name = left.pop()
        found.add(name)
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if not needed.marker or needed.marker.evaluate({"extra": ""}):
                left |= {needed.name.lower()} - found
    return found


def locked(*names: str) -> list[str]:
    """The entries of these packages in the lock."""
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    kept = [entry for entry in entries if entry.split("==")[0] in names]
    assert len(kept) == len(names)
    return kept


@pytest.fixture
def project(tmp_path) -> Path:
    """The project with next to nothing in its lock."""
    folder = tmp_path / "project"
    (folder / "tools").mkdir(parents=True)
    for part in ("labconfig", "grading/sandbox/kernelspec"):
        shutil.copytree(ROOT / "lrlesson" / part, folder / "lrlesson" / part)
    for name in COPIED:
        shutil.copy(ROOT / name, folder / name)
    (folder / "README.md").touch()
    (folder / "lrlesson" / "__init__.py").write_text("here = __file__\n")
    kept = locked(*with_dependencies("hatchling", "editables"))
    (folder / "requirements-course.lock").write_text("\n".join(kept) + "\n")
    (folder / "requirements.lock").write_text("\n".join([*kept, *locked(TESTS_ONLY)]) + "\n")
    return folder


@pytest.fixture
def path(tmp_path) -> Path:
    """A folder that is the whole PATH: with uv, Python, and what the Makefile calls."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "uv").symlink_to(uv.find_uv_bin())
    call(folder / "python3", sys._base_executable)
    for name in ("sh", "make", "mkdir", "rm"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


@pytest.fixture
def setup(project, path, environment):
    """Call `make setup` in the project; the lines it prints, or where it fails, its stderr."""

    def run(*arguments: str, goal: str = "setup", code: int = 0, folder: Path = project) -> str:
        done = subprocess.run(
            ["make", "--no-print-directory", goal, *arguments],
            cwd=folder,
            env=environment | {"PATH": str(path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert bool(done.returncode) == bool(code), done.stdout + done.stderr
        return done.stderr if code else done.stdout

    return run


def call(script: Path, program: str | Path) -> None:
    """Write a script that hands its arguments to a program."""
    script.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
    script.chmod(0o755)


def pretend(path: Path, name: str, minor: int) -> Path:
    """Put an interpreter on PATH that says that it is Python 3.minor."""
    stub = path / name
    stub.write_text(OTHER_PYTHON.format(python=sys._base_executable, minor=minor))
    stub.chmod(0o755)
    return stub


def imports(project: Path) -> bool:
    """Whether the new environment imports the project, from this folder."""
    told = subprocess.run(
        [project / ".venv/bin/python", "-I", "-c", "import lrlesson; print(lrlesson.here)"],
        capture_output=True,
        text=True,
    )
    return told.stdout.strip() == str(project / "lrlesson" / "__init__.py")


def test_the_second_time_there_is_nothing_to_do(setup, project):
    first = setup()
    assert "creating .venv" in first
    assert "with uv" in first
    assert imports(project)
    settings = project / ".venv/share/jupyter/lab/settings/overrides.d/lrlesson.json"
    assert settings.read_text() == (project / "lrlesson/labconfig/page.json").read_text()
    assert setup() == ""


def has(project: Path, package: str) -> bool:
    return any((project / ".venv").glob(f"lib/*/site-packages/{package}"))


def test_learners_get_the_course_and_whoever_tests_gets_all(setup, project):
    """`make lab` begins with the course, and never takes anything away."""
    assert "requirements-course.lock" in setup(goal="course")
    assert imports(project)
    assert not has(project, TESTS_ONLY)
    assert setup(goal="course") == ""
    assert "requirements.lock" in setup()
    assert has(project, TESTS_ONLY)
    assert setup(goal="course") == ""
    with (project / "requirements.lock").open("a") as lock:
        lock.write("# pulled\n")
    assert "requirements.lock" in setup(goal="course")
    assert setup() == ""


@pytest.mark.parametrize(
    "changed", ["labconfig/page.json", "grading/sandbox/kernelspec/kernel.json"]
)
def test_a_file_that_goes_beside_the_package_is_installed_again(setup, project, changed):
    setup()
    with (project / "lrlesson" / changed).open("a") as file:
        file.write("\n")
    assert "installing lrlesson" in setup()


@pytest.mark.slow
def test_pip_does_it_where_there_is_no_uv(setup, project, path):
    (path / "uv").unlink()
    assert "with pip" in setup()
    assert imports(project)
    assert setup() == ""


def test_a_new_lock_is_installed_into_the_same_environment(setup, project):
    setup()
    (project / ".venv" / "mine").touch()
    with (project / "requirements.lock").open("a") as lock:
        lock.write("# pulled\n")
    told = setup()
    assert "installing the packages" in told
    assert "creating" not in told
    assert (project / ".venv" / "mine").exists()
    assert setup() == ""


def test_a_wrong_hash_is_refused(setup, project):
    lock = project / "requirements.lock"
    lock.write_text(re.sub(r"sha256:\w{64}", "sha256:" + "0" * 64, lock.read_text()))
    assert "command failed" in setup(code=2)


def test_an_interrupted_setup_starts_afresh(setup, project):
    setup()
    (project / ".venv" / "lrlesson-setup").write_text("unfinished\n")
    shutil.rmtree(project / ".venv" / "lib")
    assert "the last set-up was interrupted" in setup()
    assert imports(project)


@pytest.mark.slow
def test_a_setup_that_broke_before_pip_came_is_completed(setup, project, path):
    (path / "uv").unlink()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / ".venv"], check=True)
    assert "creating" not in setup()
    assert imports(project)


def test_a_moved_folder_gets_a_new_environment(setup, project):
    setup()
    moved = project.rename(project.with_name("moved"))
    assert "another folder" in setup(folder=moved)
    assert imports(moved)


def test_an_environment_whose_python_is_gone_is_made_again(setup, project):
    setup()
    for python in (project / ".venv/bin").glob("python*"):
        python.unlink()
    assert "its Python does not run" in setup()
    assert imports(project)


def test_another_environment_that_is_active_stays_out_of_it(setup, project, environment):
    setup()
    environment["VIRTUAL_ENV"] = str(project / "other")
    environment["PYTHONPATH"] = str(project / "other")
    assert setup() == ""
    (project / ".venv/lrlesson-setup").unlink()
    setup()
    assert imports(project)
    assert not (project / "other").exists()


def test_its_own_environment_may_be_active(setup, project, path):
    setup()
    call(path / "python3", project / ".venv/bin/python")
    (project / ".venv" / "lrlesson-setup").write_text("unfinished\n")
    assert "ready" in setup()
    assert imports(project)


def test_a_python_that_is_too_old_gets_one_sentence(setup, project, path):
    told = setup(f"PYTHON={pretend(path, 'old', 8)}", code=1)
    sentence = told.splitlines()[0]
    assert sentence.startswith("lrlesson: Python 3.11 or newer is needed")
    assert "is 3.8" in sentence
    assert not (project / ".venv").exists()


def test_a_newer_python_beside_an_old_one_is_found(setup, project, path):
    (path / "python3.11").symlink_to(sys._base_executable)
    pretend(path, "python3", 9)
    assert "ready" in setup()
    assert imports(project)


def test_a_python_that_was_chosen_replaces_another(setup, project):
    setup()
    config = project / ".venv/pyvenv.cfg"
    assert setup(f"PYTHON={sys._base_executable}") == ""
    config.write_text(config.read_text() + "changed = yes\n")
    assert "another Python" in setup(f"PYTHON={sys._base_executable}")


def test_no_python_at_all_gets_one_sentence(setup, path):
    (path / "python3").unlink()
    assert setup(code=1).splitlines()[0] == (
        "lrlesson: no Python found: install Python 3.11 or newer."
    )


def test_a_python_without_ensurepip_names_the_package(setup, project, path):
    (path / "uv").unlink()
    hook = "import sys; sys.modules['ensurepip'] = None; "
    stub = path / "bare"
    stub.write_text(
        f'#!/bin/sh\nexec "{sys._base_executable}" -c "{hook}import runpy; '
        'sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name=\'__main__\')" "$@"\n'
    )
    stub.chmod(0o755)
    assert "install the package python3" in setup(f"PYTHON={stub}", code=1)
    assert not (project / ".venv").exists()


def test_the_port_is_handed_on(project, environment):
    for arguments, variables in ((["PORT=9123"], {}), ([], {"PORT": "9123"})):
        recipe = subprocess.run(
            ["make", "-n", "lab", *arguments],
            cwd=project,
            env=environment | variables,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert recipe.rstrip().endswith(".venv/bin/lrlesson lab --port 9123")
