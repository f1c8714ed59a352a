"""Does this installation have what the course needs? One row per question, one remedy each."""

import contextlib
import html
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, NamedTuple

from . import __version__

EXTENSIONS = {  # the package that brings each one, and what it does
    "@jupyter-widgets/jupyterlab-manager": ("jupyterlab_widgets", "draws the scenes"),
    "anywidget": ("anywidget", "draws the scenes"),
    "lrlesson": ("lrlesson", "brings saved scenes back"),
}
SHOWN = ("numpy", "jupyterlab", "ipywidgets")  # the versions that a report of trouble needs
IN_A_BROWSER = sys.platform == "emscripten"  # JupyterLite: Python runs in the page itself
# What opens and runs notebooks elsewhere. In a browser the page does that.
SERVER = ("jupyterlab", "ipykernel", "typer", "rich")


class Finding(NamedTuple):
    """One thing looked at: what was asked, whether it is fine, and what to do if it is not.

    What is not needed may be missing: then it is a note, and the verdict stays.
    """

    question: str
    fine: bool
    remedy: str
    needed: bool = True

    @property
    def mark(self) -> str:
        """Yes, no, or note."""
        return "yes" if self.fine else "NO" if self.needed else "note"


@dataclass(frozen=True)
class Report:
    """All findings; shows itself as a table in a notebook and as lines of text elsewhere."""

    findings: tuple[Finding, ...]

    @property
    def fine(self) -> bool:
        return all(finding.fine for finding in self.findings if finding.needed)

    @property
    def verdict(self) -> str:
        return (
            "Everything works."
            if self.fine
            else "Something is missing: the line below each NO says what to do."
        )

    def __repr__(self) -> str:
        lines = [
            f"  {f.mark:<4} {f.question}" + ("" if f.fine else f"\n       -> {f.remedy}")
            for f in self.findings
        ]
        return "\n".join([self.verdict, *lines])

    def _repr_html_(self) -> str:
        marks = {"yes": "✓ yes", "NO": "✗ <b>no</b>", "note": "○ note"}
        rows = "".join(
            f"<tr><td style='text-align:left;white-space:nowrap'>{marks[f.mark]}</td>"
            f"<td style='text-align:left'>{html.escape(f.question)}"
            + ("" if f.fine else f"<br><b>{html.escape(f.remedy)}</b>")
            + "</td></tr>"
            for f in self.findings
        )
        return f"<p><b>{self.verdict}</b></p><table>{rows}</table>"


def self_test() -> Report:
    """Look at Python, the packages, one real training run and the place where answers are kept."""
    findings = [
        _python(),
        *_look("the list of packages", _packages),
        *_look("how a small network learns", _training),
        *_look("the place of your answers", _storage),
    ]
    return Report(tuple(findings))


def examine(folder: Path = Path(), instructor: bool = False) -> Report:
    """All of the self-test and what surrounds a notebook: kernel, JupyterLab, trust, sandbox.

    folder is where the working copy should be. instructor makes the sandbox one of the things that
    are needed.
    """
    with contextlib.chdir(folder if folder.is_dir() else Path()):
        inside = self_test().findings
    around = [
        _course(folder),
        *_look("whether a terminal finds `lrlesson`", _command),
        *_look("the kernel `python3`", _kernel),
        *_look("what draws the scenes in JupyterLab", _widgets),
        *_look("whether JupyterLab saves scenes with the notebook", _settings),
        *_look("whether a notebook that is saved again keeps its scenes", _saving),
        *_look("whether notebooks stay trusted", _trust),
        *_look("what grades submissions (for instructors)", lambda: _grading(instructor)),
    ]
    return Report((*inside, *around))


def _look(what: str, check: Callable[[], Finding | Iterator[Finding]]) -> list[Finding]:
    """What a check finds; that it could not look, where what it looks with is broken."""
    try:
        found = check()
        return [found] if isinstance(found, Finding) else list(found)
    except Exception as error:
        said = str(error).partition("\n")[0]
        remedy = f"{_again()} ({type(error).__name__}: {said})"
        return [Finding(f"{what} can be looked at", False, remedy)]


def _again(package: str = '"lrlesson[course]"') -> str:
    """How this installation is repaired: a clone by make, any other by pip."""
    if IN_A_BROWSER:
        return "tell those who built this page: `make lite` makes it anew"
    if _is_clone():
        return "run `make clean` and then `make lab` in the clone"
    return f"run `{_pip()} install --force-reinstall {package}`"


def _is_clone() -> bool:
    return (Path(__file__).parents[1] / "tools" / "setup_env.py").is_file()


def _pip() -> str:
    return f"{shlex.quote(sys.executable)} -m pip"


def _python() -> Finding:
    remedy = "install Python 3.11 or newer, and the course with it"
    question = f"lrlesson {__version__} has Python 3.11 or newer ({platform.python_version()})"
    return Finding(question, sys.version_info >= (3, 11), remedy)


def _command() -> Iterator[Finding]:
    """Whether PATH leads to this installation's command; on hubs it often leads past it."""
    schemes = (sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user"))
    for scheme in schemes:
        folder = Path(sysconfig.get_path("scripts", scheme))
        if ours := shutil.which("lrlesson", path=str(folder)):
            break
    else:
        return  # called as a module of a folder: there is no command
    found = shutil.which("lrlesson")
    fine = found is not None and Path(found).samefile(ours)
    instead = f"; it finds {found} first" if found and not fine else ""
    line = f'export PATH={shlex.quote(str(folder))}:"$PATH"'
    remedy = f"put `{line}` into ~/.profile, or write {shlex.quote(ours)} in full{instead}"
    yield Finding("a terminal finds the command `lrlesson`", fine, remedy, needed=False)


def _required(*extras: str) -> Iterator[tuple[str, str]]:
    """The name and the lowest version of each package that the library and these extras need."""
    for line in requires("lrlesson") or []:
        match = re.match(r"([\w.-]+)\s*>=\s*([\d.]+)(?:.*extra == ['\"](\w+))?", line)
        if match and (match[3] is None or match[3] in extras):
            yield match[1], match[2]


def _packages() -> Iterator[Finding]:
    """One finding for all packages, or one for each that is missing or too old."""
    problems: list[Finding] = []
    for name, bound in _required("course"):
        if IN_A_BROWSER and name in SERVER:
            continue
        remedy = _again(f'"{name}>={bound}"')
        try:
            installed = version(name)
        except PackageNotFoundError:
            problems.append(Finding(f"{name} is installed", False, remedy))
            continue
        if _numbers(installed) < _numbers(bound) and not IN_A_BROWSER:  # there Pyodide chooses
            question = f"{name} is {bound} or newer (it is {installed})"
            problems.append(Finding(question, False, remedy))
    if problems:
        yield from problems
    else:
        shown = [name for name in SHOWN if not (IN_A_BROWSER and name in SERVER)]
        versions = ", ".join(f"{name} {version(name)}" for name in shown)
        yield Finding(f"all packages fit ({versions})", True, "")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", text)[:3])


def _training() -> Finding:
    from lrlesson import SGD, digits, net_a, train

    history = train(net_a(), digits(), SGD(), 0.5, epochs=1)
    assert history.test_accuracy is not None
    learned = bool(history.test_accuracy[0, -1] > 0.8)
    return Finding("a small network learns to read digits", learned, _again())


def _storage() -> Finding:
    from lrlesson.feedback.record import progress_path

    place = progress_path().parent
    there = place.exists()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            fine = True
    except OSError:
        fine = False
    if not there:
        with contextlib.suppress(OSError):
            place.rmdir()  # to look is not to leave a trace
    question = "your answers can be stored beside the course"
    return Finding(question, fine, f"make {place} a folder that you may write into")


def _course(folder: Path) -> Finding:
    """Whether a working copy is here, of the version that is installed. A note: it may be else."""
    from .starting import read_record

    if not (folder / "course.toml").is_file():
        question = f"the course is in {folder.resolve()}"
        remedy = "run `lrlesson start my-course`, or name the folder: `lrlesson doctor FOLDER`"
        return Finding(question, False, remedy, needed=False)
    question = f"the course here is that of lrlesson {__version__}, which is installed"
    record = read_record(folder)  # a clone has none, and needs none
    fine = record is None or record["version"] == __version__
    remedy = f"run `lrlesson start {shlex.quote(str(folder))}`, which keeps your work"
    return Finding(question, fine, remedy, needed=False)


def _kernel() -> Finding:
    """Start the kernel that notebooks ask for, and see which lrlesson it imports."""
    from jupyter_client.kernelspec import NoSuchKernel
    from jupyter_client.manager import start_new_kernel

    question = "the kernel `python3` runs with this Python and finds the course"
    remedy = f"run `{shlex.quote(sys.executable)} -m ipykernel install --sys-prefix`"
    said: list[str] = []

    def listen(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            said.append(message["content"]["text"])

    try:
        manager, client = start_new_kernel(
            kernel_name="python3", startup_timeout=60, stderr=subprocess.DEVNULL
        )
    except (NoSuchKernel, RuntimeError, OSError) as error:
        return Finding(question, False, f"{remedy} (it did not start: {error})")
    try:
        client.execute_interactive(
            "import lrlesson; print(lrlesson.__file__)", output_hook=listen, timeout=60
        )
    except TimeoutError:
        pass  # then it has said nothing
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    here = str(Path(__file__).with_name("__init__.py"))
    found = "".join(said).strip()
    if found == here:
        return Finding(question, True, "")
    other = f"it finds {found}" if found else "it cannot import lrlesson"
    user = "and `jupyter kernelspec remove python3` if one of your own is in the way"
    return Finding(question, False, f"{remedy}, {user} ({other})")


def _widgets() -> Iterator[Finding]:
    """Whether JupyterLab has, and may use, the extensions that draw the scenes."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab_server.config import get_federated_extensions, get_page_config

    places = jupyter_path("labextensions")
    there = get_federated_extensions(places)
    disabled = get_page_config(places).get("disabledExtensions", [])
    for name, (package, purpose) in EXTENSIONS.items():
        if name not in there:
            remedy = _again(f"--no-deps {package}")
            yield Finding(f"JupyterLab has {name} ({purpose})", False, remedy)
        elif name in disabled:
            remedy = f"run `jupyter labextension enable {name}`"
            yield Finding(f"JupyterLab may use {name} ({purpose})", False, remedy)
        else:
            yield Finding(f"JupyterLab has {name} ({purpose})", True, "")


def _settings() -> Finding:
    """Whether JupyterLab saves scenes with the notebook, by the package's setting or the user's."""
    from jupyterlab.commands import get_app_dir, get_user_settings_dir
    from jupyterlab_server.settings_utils import get_settings

    lab = Path(get_app_dir())
    found, _ = get_settings(
        str(lab / "settings"),
        str(lab / "schemas"),
        get_user_settings_dir(),
        schema_name="@jupyter-widgets/jupyterlab-manager:plugin",
        labextensions_path=[str(lab.with_name("labextensions"))],
    )
    default = found["schema"].get("properties", {}).get("saveState", {}).get("default")
    fine = bool(found["settings"].get("saveState", default))
    remedy = "in JupyterLab choose Settings, Save Widget State Automatically"
    return Finding("JupyterLab saves scenes with the notebook", fine, remedy)


def _saving() -> Finding:
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    manager = ExtensionConfigManager(read_config_path=jupyter_config_path())
    fine = manager.get_jpserver_extensions().get("lrlesson.labconfig", False)
    question = "a notebook that is opened and saved again keeps its scenes"
    return Finding(question, fine, "run `jupyter server extension enable lrlesson.labconfig`")


def _trust() -> Finding:
    """Sign a notebook, as JupyterLab does when it saves one, and see whether that is remembered."""
    from jupyter_core.paths import jupyter_data_dir
    from nbformat.sign import NotebookNotary
    from nbformat.v4 import new_notebook, new_raw_cell

    notebook = new_notebook(cells=[new_raw_cell("signed by lrlesson doctor")])
    place = Path(jupyter_data_dir())
    remedy = f"make {place} writable, with notebook_secret and nbsignatures.db in it"
    try:
        place.mkdir(parents=True, exist_ok=True)
        notary = NotebookNotary()
        with contextlib.closing(notary.store):
            notary.sign(notebook)
        again = NotebookNotary()
        with contextlib.closing(again.store):
            fine = again.check_signature(notebook)
            again.unsign(notebook)
    except (OSError, ValueError):
        fine = False
    question = "notebooks that you ran stay trusted, and open with their scenes"
    return Finding(question, fine, remedy)


def _grading(needed: bool) -> Iterator[Finding]:
    """Whether the extra for instructors and the sandbox are there; learners do without."""
    absent = []
    for name, _ in _required("grading"):
        try:
            version(name)
        except PackageNotFoundError:
            absent.append(name)
    question = "the grader's packages are installed (for instructors)"
    remedy = "run `make setup`" if _is_clone() else f'run `{_pip()} install "lrlesson[grading]"`'
    if absent:
        yield Finding(question, False, f"{remedy} (missing: {', '.join(absent)})", needed)
        return
    from .grading.sandbox.bubblewrap import problem

    found = problem()
    yield Finding(question, True, "", needed)
    question = "submissions can be graded in a sandbox (for instructors)"
    yield Finding(question, not found, found, needed)
