"""Build the course for JupyterLite: python lite/build.py [--out FOLDER] [--packages FOLDER]

Everything comes from PyPI and npm, in the versions and with the hashes of the files here; the
pages that come out need no network. README.md says how it is put together.
"""

import argparse
import hashlib
import json
import math
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
PYTHON = "3.12"  # of the Pyodide in package.json
INTERPRETER = ["pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"]
# What is asked of Pyodide: by its kernel, and by the course. They bring what they need.
KERNEL = ["micropip", "ipython", "jedi", "ssl", "sqlite3"]
COURSE = ["numpy", "scipy", "scikit-learn", "matplotlib", "threadpoolctl"]
LEAVE_OUT = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")


def main() -> int:
    """Build it; the exit code."""
    options = argparse.ArgumentParser(description="Build the course for JupyterLite.")
    options.add_argument("--out", type=Path, default=ROOT / "build" / "lite")
    options.add_argument(
        "--packages",
        type=Path,
        help="a folder with Pyodide's packages, instead of the copy that mirror.txt names",
    )
    chosen = options.parse_args()
    if not shutil.which("npm"):
        print("make lite: npm is missing; Python for the browser comes from it.")
        return 1
    if chosen.packages and not chosen.packages.is_dir():
        options.error(f"--packages {chosen.packages}: expected a folder")
    try:
        build(chosen.out.resolve(), chosen.packages)
    except (ValueError, RuntimeError) as error:
        print(f"make lite: {error}")
        return 1
    print(f"JupyterLite is in {chosen.out / 'html'}; docs/jupyterlite.md says how to serve it.")
    return 0


def build(out: Path, packages: Path | None = None) -> None:
    """Write the pages to out/html."""
    for old in ("npm", "mirror", "wheels", "lite", "html"):
        shutil.rmtree(out / old, ignore_errors=True)
    python = make_builder(out / "builder")
    pyodide = take_pyodide(out / "npm")
    if packages is None:
        packages = out / "mirror"
        take_mirror(python, packages)
    wheels = out / "wheels"
    take_wheels(python, wheels)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, ROOT)

    lite = out / "lite"
    names = write_pyodide(pyodide, packages, wheels, lite / "static" / "pyodide")
    write_settings(lite, names)
    for part in ("notebooks", "exercises"):
        shutil.copytree(ROOT / part, lite / "files" / part, ignore=LEAVE_OUT)
    shutil.copy(ROOT / "course.toml", lite / "files")
    command = [python, "-m", "jupyterlite_core.app", "build", "--lite-dir", lite, "--apps", "lab"]
    command += ["--contents", lite / "files", "--output-dir", out / "html", "--no-sourcemaps"]
    run(*command, cwd=lite)
    shutil.copy(out / "html" / "lab" / "favicon.ico", out / "html")  # browsers ask for it there
    (out / "html" / "index.html").write_text(front_page(), encoding="utf-8")


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a program; what it prints is shown only if it fails."""
    done = subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        text = " ".join(map(str, command[:4]))
        raise RuntimeError(f"{text} … failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def make_builder(folder: Path) -> Path:
    """An environment that has JupyterLite's tools and the course's extensions; its Python."""
    uv = [sys.executable, "-m", "uv"]
    run(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    lock = HERE / "builder.txt"
    run(*uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock)
    extensions = folder / "share" / "jupyter" / "labextensions"
    shutil.copytree(ROOT / "lrlesson" / "labconfig" / "extension", extensions / "lrlesson")
    shutil.copytree(HERE / "extension", extensions / "lrlesson-lite")
    return python


def take_pyodide(folder: Path) -> Path:
    """Python for the browser, as package-lock.json has it; its folder."""
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    npm = shutil.which("npm") or "npm"  # with its ending, on Windows
    run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    return folder / "node_modules" / "pyodide"


def download(python: Path, lock: Path, folder: Path) -> None:
    """The wheels of a lock file, for any system."""
    command = [python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--python-version", PYTHON]
    command += ["--platform", "any", "--implementation", "py", "--abi", "none"]
    run(*command, "--require-hashes", "--requirement", lock, "--dest", folder)


def take_mirror(python: Path, folder: Path) -> None:
    """The copy of Pyodide's packages that mirror.txt names. What it holds is checked later."""
    download(python, HERE / "mirror.txt", folder)
    (archive,) = folder.glob("*.whl")
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            file = folder / Path(name).name
            if "/pyodide/" in name and file.suffix in (".whl", ".zip"):
                file.write_bytes(wheel.read(name))
    archive.unlink()


def take_wheels(python: Path, folder: Path) -> None:
    """The pure Python packages of browser.txt, and those that come with the kernel."""
    download(python, HERE / "browser.txt", folder)
    shared = python.parents[1] / "share" / "jupyter" / "labextensions"
    for wheel in (shared / "@jupyterlite").rglob("*.whl"):
        if not wheel.name.startswith("widgetsnbextension"):
            shutil.copy(wheel, folder)


def needed(packages: dict[str, Any], names: Iterable[str]) -> list[str]:
    """These packages, and all that they depend on."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        if (name := plain(waiting.pop())) not in found:
            found.add(name)
            waiting += packages[name]["depends"]
    return sorted(found)


def plain(name: str) -> str:
    """A project's name as package indexes spell it."""
    return name.lower().replace("_", "-")


def write_pyodide(source: Path, packages: Path, wheels: Path, target: Path) -> list[str]:
    """Pyodide with those packages that the course needs, and our wheels; the names of all.

    ValueError for a file that is not, byte for byte, what Pyodide's own list says.
    """
    target.mkdir(parents=True)
    for name in INTERPRETER:
        shutil.copy(source / name, target)
    lock = json.loads((source / "pyodide-lock.json").read_text(encoding="utf-8"))
    theirs = lock["packages"]
    lock["packages"] = {name: theirs[name] for name in needed(theirs, KERNEL + COURSE)}
    for name, entry in lock["packages"].items():
        file = packages / entry["file_name"]
        if not file.is_file():
            raise ValueError(f"{file} is missing; Pyodide {lock['info']['version']} has it")
        if digest(file) != entry["sha256"]:
            raise ValueError(f"{file} is not the {name} of Pyodide {lock['info']['version']}")
        shutil.copy(file, target)
    for wheel in sorted(wheels.glob("*.whl")):
        shutil.copy(wheel, target)
        project, version = wheel.name.split("-")[:2]
        lock["packages"][plain(project)] = {
            "name": plain(project),
            "version": version,
            "file_name": wheel.name,
            "sha256": digest(wheel),
            "install_dir": "site",
            "package_type": "package",
            "imports": [project],
            "depends": [],
            "unvendored_tests": False,
        }
    (target / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return list(lock["packages"])


def megabytes(folder: Path) -> int:
    """The size of a folder's files, to the next ten megabytes."""
    size = sum(file.stat().st_size for file in folder.iterdir())
    return 10 * math.ceil(size / 1e7)


def digest(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_settings(lite: Path, packages: list[str]) -> None:
    """JupyterLite's configuration: the kernel loads all packages and asks nobody for more."""
    kernel = {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": packages}}
    config = {
        "appName": "lrlesson",
        "exposeAppInBrowser": True,
        "pythonSize": f"{megabytes(lite / 'static' / 'pyodide')} MB",  # extension/python.js says it
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": kernel},
    }
    text = json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": config})
    (lite / "jupyter-lite.json").write_text(text, encoding="utf-8")
    page = (ROOT / "lrlesson" / "labconfig" / "page.json").read_text(encoding="utf-8")
    # A kernel is a gigabyte of the browser's memory: it goes with its notebook.
    closing = {"@jupyterlab/notebook-extension:tracker": {"kernelShutdown": True}}
    (lite / "overrides.json").write_text(json.dumps(json.loads(page) | closing), encoding="utf-8")


def front_page() -> str:
    """Where to begin, what to know, and every notebook by its name: index.html, filled in."""
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    rows = []
    for lesson in lessons:
        exercise = ROOT / "exercises" / lesson.name.replace("_", "_exercise_", 1)
        task = link(exercise, title_of(exercise).partition(": ")[2]) if exercise.is_file() else ""
        title = link(lesson, f"{lesson.name[:2]} {title_of(lesson)}")
        rows.append(f"<tr><td>{title}</td><td>{task}</td></tr>")
    page = Template((HERE / "index.html").read_text(encoding="utf-8"))
    return page.substitute(first=address(lessons[0]), rows="\n".join(rows))


def title_of(notebook: Path) -> str:
    """The words of a notebook's first heading."""
    first = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"]
    return "".join(first).splitlines()[0].removeprefix("# ")


def link(notebook: Path, words: str) -> str:
    """A link that opens a notebook."""
    return f'<a href="{address(notebook)}">{escape(words)}</a>'


def address(notebook: Path) -> str:
    """Where JupyterLite opens it."""
    return f"lab/index.html?path={notebook.relative_to(ROOT).as_posix()}"


if __name__ == "__main__":
    sys.exit(main())
