"""`pip install lrlesson` brings the library and its figures; what else is missing names itself."""

import json
import subprocess
import sys
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import uv
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def closure(requirements: list[str]) -> set[str]:
    """The packages and everything that they need here."""
    found: set[str] = set()
    left = {canonicalize_name(Requirement(text).name) for text in requirements}
    while left:
        name = left.pop()
        found.add(name)
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if not needed.marker or needed.marker.evaluate({"extra": ""}):
                left |= {canonicalize_name(needed.name)} - found
    return found


def modules_beyond(requirements: list[str]) -> list[str]:
    """What can be imported here, and not where only these packages are installed."""
    kept = closure(requirements) | {"lrlesson"}
    return [
        module
        for module, packages in metadata.packages_distributions().items()
        if module.isidentifier() and not set(map(canonicalize_name, packages)) & kept
    ]


def run_without(modules: list[str], *command: str) -> subprocess.CompletedProcess:
    """A Python in which these modules cannot be found: code after -c, or a module after -m."""
    kind, what, *arguments = command
    hide = (
        "import sys, runpy, importlib.abc\n"
        "class Hidden(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name in {modules!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
        f"sys.argv = ['lrlesson', *{arguments!r}]\n"
    )
    body = what if kind == "-c" else f"runpy.run_module({what!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", hide + body], capture_output=True, text=True, cwd=ROOT
    )


def sentence(done: subprocess.CompletedProcess) -> str:
    """The last line that a failed command said."""
    assert done.returncode != 0, done.stdout
    return done.stderr.strip().splitlines()[-1]


def test_beside_torch_and_matplotlib_it_adds_fewer_than_ten_packages():
    """Torch brings none of ours but NumPy, which Matplotlib brings as well."""
    new = closure(PROJECT["dependencies"]) - closure(["matplotlib"]) | {"lrlesson"}
    assert len(new) < 10, new


def test_the_library_and_its_figures_need_no_extra():
    hidden = modules_beyond(PROJECT["dependencies"])
    assert {"anywidget", "IPython", "jupyterlab", "nbformat", "pytest", "rich", "typer"} <= set(
        hidden
    )
    code = (
        "import matplotlib; matplotlib.use('agg')\n"
        "from lrlesson import MLP, SGD, Cosine, digits, figures, net_a, range_test, train\n"
        "from lrlesson import check, training\n"
        "training.PATIENCE = 0  # a progress bar would be due\n"
        "history = train(net_a(), digits(), SGD(), Cosine(.5, 84), epochs=1)\n"
        "figures.loss_curves(history)\n"
        "print(history, check('step-decay', lambda *a: 0).status)\n"
    )
    done = run_without(hidden, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "wrong" in done.stdout


@pytest.mark.parametrize(
    ("extra", "module", "code"),
    [
        ("course", "anywidget", "import lrlesson.scenes"),
        ("course", "anywidget", "from lrlesson import rate_dial"),
        ("course", "anywidget", "from lrlesson.feedback.widgets.forms import Form; Form([], None)"),
        (
            "course",
            "anywidget",
            "from lrlesson.feedback.widgets.page import widget_class as w; w('it', 'form.js')",
        ),
        ("grading", "", "import lrlesson.grading"),
        ("grading", "", "from lrlesson.grading import grade"),
    ],
)
def test_what_needs_an_extra_says_which(extra, module, code):
    said = sentence(run_without(modules_beyond(PROJECT["dependencies"]), "-c", code))
    assert said.startswith("lrlesson.base.extras.MissingExtra: ")
    assert f"needs {module}" in said
    assert said.endswith(f'which is not installed: pip install "lrlesson[{extra}]"')


def test_the_command_ends_with_one_sentence():
    without = modules_beyond(PROJECT["dependencies"])
    done = run_without(without, "-m", "lrlesson", "lab")
    (line,) = done.stderr.splitlines()
    assert line.startswith("lrlesson: the command line needs typer, which is not installed: ")
    assert line.endswith('pip install "lrlesson[course]"')
    learner = modules_beyond([*PROJECT["dependencies"], *EXTRAS["course"]])
    assert {"nbval", "pytest"} <= set(learner)
    done = run_without(learner, "-m", "lrlesson", "grade", "submissions", "--out", "results")
    (line,) = done.stderr.splitlines()
    assert line.endswith('which is not installed: pip install "lrlesson[grading]"')
    teacher = modules_beyond([*PROJECT["dependencies"], *EXTRAS["grading"]])
    assert "jupyterlab" in teacher
    done = run_without(teacher, "-m", "lrlesson", "lab")
    (line,) = done.stderr.splitlines()
    assert line.startswith("lrlesson: lrlesson lab needs jupyterlab, which is not installed: ")
    assert line.endswith('pip install "lrlesson[course]"')


def test_a_mistake_of_ours_is_not_called_a_missing_package():
    code = "from lrlesson.base.extras import needed\nwith needed('course', 'it'):\n"
    done = run_without([], "-c", code + "    import lrlesson.nowhere")
    assert sentence(done) == "ModuleNotFoundError: No module named 'lrlesson.nowhere'"


@pytest.mark.slow
def test_a_real_light_install(tmp_path):
    """Needs the network: an environment that has Matplotlib, and then the wheel."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    folder = tmp_path / "venv"
    python = folder / Path(sysconfig.get_path("scripts")).name / "python"
    pip = [uv.find_uv_bin(), "pip"]
    subprocess.run([uv.find_uv_bin(), "venv", "--quiet", folder], check=True)

    def installed() -> set[str]:
        told = subprocess.run(
            [*pip, "list", "--format", "json", "--python", python],
            check=True,
            capture_output=True,
            text=True,
        )
        return {package["name"] for package in json.loads(told.stdout)}

    install = [*pip, "install", "--quiet", "--python", python, "-c", ROOT / "requirements.lock"]
    subprocess.run([*install, "matplotlib"], check=True)
    before = installed()
    subprocess.run([*install, wheel], check=True)
    assert "lrlesson" in installed() - before
    assert len(installed() - before) < 10
    done = subprocess.run(
        [python.with_name("lrlesson"), "lab"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stderr.strip().endswith('pip install "lrlesson[course]"')
