"""What is built, and what an installation of it can do."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uv
from packaging.metadata import Metadata

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
HEAVY = {"matplotlib", "sklearn", "scipy", "ipywidgets", "anywidget", "jupyterlab", "IPython"}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the sdist, and the wheel that was built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The Python of a fresh environment: the wheel, beside the dependencies that are here."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, symlinks=os.name != "nt")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    (wheel,) = built.glob("*.whl")
    subprocess.run(
        [uv.find_uv_bin(), "pip", "install", "--offline", "--no-deps", "--python", python, wheel],
        check=True,
        capture_output=True,
    )
    # A path file inside a path file is not read, so the editable install stays out of it.
    site = Path(ask(python, "import sysconfig; print(sysconfig.get_path('purelib'))", folder))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def ask(python: Path | str, code: str, cwd: Path) -> str:
    """What a piece of code prints in a Python of its own."""
    return subprocess.run(
        [python, "-I", "-c", code], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_wheel_carries_the_whole_library(built):
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"lrlesson-{VERSION}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    kinds = {".py", ".js", ".css", ".toml", ".json", ".html", ".svg"}
    tracked = subprocess.run(
        ["git", "ls-files", "--", "lrlesson"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {name for name in tracked if Path(name).suffix in kinds} <= set(names)
    extra = {name.split("/")[0] for name in names} - {"lrlesson"}
    assert extra == {f"lrlesson-{VERSION}.dist-info", f"lrlesson-{VERSION}.data"}
    assert {Path(name).name for name in names} >= {"LICENSE", "LICENSE-TEXT"}


def test_the_wheel_carries_the_course_and_keeps_the_solutions_with_the_grader(built):
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    places = {
        "notebooks": "lrlesson/course/notebooks",
        "exercises": "lrlesson/course/exercises",
        "solutions": "lrlesson/grading/solutions",
    }
    wanted = {"lrlesson/course/course.toml"}
    for part, place in places.items():
        wanted |= {f"{place}/{path.name}" for path in (ROOT / part).glob("*.ipynb")}
    assert {n for n in names if n.endswith("ipynb") and "collected" not in n} == wanted - {
        "lrlesson/course/course.toml"
    }
    assert wanted <= names


@pytest.mark.parametrize("address", ["", "https://example.org/course/{version}/"])
def test_an_index_takes_the_metadata(built, address, tmp_path):
    """What an index checks on upload, and that the page's pictures are addresses for it."""
    if address:
        with tarfile.open(*built.glob("*.tar.gz")) as archive:
            archive.extractall(tmp_path, filter="data")
        (source,) = tmp_path.iterdir()
        (source / "PKG-INFO").unlink()  # else what it says of README.md counts
        project = source / "pyproject.toml"
        project.write_text(project.read_text().replace('address = ""', f'address = "{address}"'))
        command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path]
        subprocess.run([*command, source], check=True, capture_output=True)
    (wheel,) = (tmp_path if address else built).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"lrlesson-{VERSION}.dist-info/METADATA")
    said = Metadata.from_email(text, validate=True)
    assert said.description_content_type == "text/markdown"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if not address:
        assert said.description.strip() == readme.strip()
        return
    targets = re.findall(r"\]\(([^)#][^)]*)\)", said.description)
    assert len(targets) == len(re.findall(r"\]\([^)#]", readme))
    assert all(urlsplit(target).scheme == "https" for target in targets)
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", said.description)
    start = f"https://example.org/course/{VERSION}/"
    assert pictures
    assert all((ROOT / picture.removeprefix(start)).is_file() for picture in pictures)


def test_the_zipped_course_is_enough_to_begin(tmp_path):
    """`make zip`: its folder has the set-up, and what that installs can be made from it."""
    file = tmp_path / "course.zip"
    subprocess.run(["make", "-s", "zip", f"ZIP={file}"], cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    course = tmp_path / "lrlesson"
    names = {"Makefile", "tools/setup_env.py", "requirements-course.lock", "environment.yml"}
    assert all((course / name).is_file() for name in names)
    lessons = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert lessons <= {path.name for path in (course / "notebooks").glob("*.ipynb")}
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path]
    subprocess.run([*command, course], check=True, capture_output=True)
    assert list(tmp_path.glob(f"lrlesson-{VERSION}-*.whl"))
    assert not (course / "tests").exists()


def test_the_sdist_carries_the_course(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        "README.md",
        "requirements.lock",
        "requirements-course.lock",
        "notebooks/00_start_here.ipynb",
        "exercises/04_exercise_decay.ipynb",
        "tests/conftest.py",
    }


def test_the_wheel_imports_alone(installed, tmp_path):
    told = ask(
        installed,
        "import lrlesson, importlib.metadata as m; print(lrlesson.__file__, m.version('lrlesson'))",
        tmp_path,
    )
    file, version = told.split()
    assert version == VERSION
    assert Path(file).is_relative_to(installed.parents[1])


def test_the_wheel_draws_its_scene(installed, tmp_path):
    """The scene's module and the settings of JupyterLab are where they are looked for."""
    code = "from lrlesson.scenes.explorers import rate_dial; print(len(rate_dial().to_html()))"
    assert int(ask(installed, code, tmp_path)) > 10_000
    settings = installed.parents[1] / "share/jupyter/lab/settings/overrides.d/lrlesson.json"
    assert json.loads(settings.read_text()) == json.loads(
        (ROOT / "lrlesson/labconfig/page.json").read_text()
    )
    extension = ROOT / "lrlesson/labconfig/extension"
    place = installed.parents[1] / "share/jupyter/labextensions/lrlesson"
    assert {path.name: path.read_text() for path in extension.iterdir()} == {
        path.name: path.read_text() for path in place.iterdir()
    }


def test_the_wheel_brings_the_sandboxed_kernel_for_plain_nbval(installed, tmp_path):
    code = "from jupyter_client.kernelspec import KernelSpecManager as Specs\n"
    code += "spec = Specs().get_kernel_spec('lrlesson-sandbox')\n"
    code += "from jupyter_client.provisioning.factory import KernelProvisionerFactory as Factory\n"
    code += "print(spec.resource_dir, Factory.instance().is_provisioner_available(spec))"
    folder = installed.parents[1] / "share/jupyter/kernels/lrlesson-sandbox"
    assert ask(installed, code, tmp_path) == f"{folder} True"


def test_the_wheel_brings_its_command(installed, tmp_path):
    done = subprocess.run(
        [installed.with_name("lrlesson"), "--help"], capture_output=True, text=True, check=True
    )
    assert set(re.findall(r"(?m)^  ([a-z]+)  ", done.stdout)) >= {"lab", "release", "grade"}
    done = subprocess.run(
        [installed.with_name("lrlesson"), "lab", tmp_path], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no course in" in done.stderr


def test_the_wheel_starts_a_course(installed, tmp_path):
    command = installed.with_name("lrlesson")
    copy = tmp_path / "my-course"
    subprocess.run([command, "start", copy], check=True, capture_output=True, cwd=tmp_path)
    for part in ("notebooks", "exercises"):
        for path in (ROOT / part).glob("*.ipynb"):
            assert (copy / part / path.name).read_bytes() == path.read_bytes()
    assert not (copy / "solutions").exists()
    done = subprocess.run([command, "progress", copy], check=True, capture_output=True, text=True)
    assert "Your progress" in done.stdout

    subprocess.run(
        [command, "start", "class", "--instructor"], check=True, capture_output=True, cwd=tmp_path
    )
    for path in (ROOT / "solutions").glob("*.ipynb"):
        assert (tmp_path / "class/solutions" / path.name).read_bytes() == path.read_bytes()


def test_no_kernel_that_runs_learners_code_sees_the_wheels_solutions(installed, tmp_path):
    code = (
        "import io, zipfile; from lrlesson.grading.sandbox import mounts; "
        "[print(n) for whole in (False, True) "
        "for n in zipfile.ZipFile(io.BytesIO(mounts.library(whole))).namelist()]"
    )
    names = ask(installed, code, tmp_path).split()
    assert "lrlesson/schedules.py" in names
    assert not [name for name in names if "solutions" in name]


def test_jupyterlab_reads_the_settings(tmp_path):
    """Here, where the installation is editable: scenes are saved, nothing is asked of the web."""
    from jupyterlab.commands import get_app_dir
    from jupyterlab_server.settings_utils import get_settings

    lab = Path(get_app_dir())
    found, problems = get_settings(
        str(lab / "settings"),
        str(lab / "schemas"),
        str(tmp_path),  # where the user's own settings would be
        labextensions_path=[str(lab.with_name("labextensions"))],
    )
    assert not problems
    settings = {item["id"]: item["schema"].get("properties") for item in found["settings"]}
    widgets = settings["@jupyter-widgets/jupyterlab-manager:plugin"]
    assert widgets["saveState"]["default"] is True
    news = settings["@jupyterlab/apputils-extension:notification"]
    assert news["fetchNews"]["default"] == "false"
    assert news["checkForUpdates"]["default"] is False


def test_importing_the_library_is_light(tmp_path):
    """A learner's first line waits for NumPy and for nothing else."""
    parts = ["schedules", "optimizers", "losses", "data", "network", "training", "drawing.figures"]
    code = "import sys; " + "; ".join(f"import lrlesson.{part}" for part in parts)
    modules = ask(sys.executable, code + "; print(*sys.modules)", tmp_path).split()
    assert "numpy" in modules
    assert not HEAVY & set(modules)
