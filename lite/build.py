"""Build the course for JupyterLite: python lite/build.py [--out FOLDER] [--only NAME ...]

Everything comes from PyPI and npm, in the versions and with the hashes of the lock files here; the
pages that come out need no network. README.md says how it is put together.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "site"))
import build as pages  # noqa: E402  (site/build.py executes the lessons)

PYTHON = "3.12"  # of the Pyodide in package.json
INTERPRETER = ["pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip"]
# The kernel asks for these two by name and does without them. npm's Pyodide has not got them.
ABSENT = ["ssl", "sqlite3"]
# Of the replies to a question, only the one to the option chosen.
REPLIES = ".question:has(:checked) .reply { display: none; }\n" + "\n".join(
    f'.question:has([value="{letter}"]:checked) .reply-{letter} {{ display: block; }}'
    for letter in "abcd"
)
NOTE = (
    "> **In the browser** this lesson is shown as it was run beforehand: its scenes answer, its "
    "code does not run, since the libraries that draw figures and hold the data are not there. "
    "The exercises run, all but the capstone's."
)
NEEDS_DATA = "13_capstone"  # an exercise that scikit-learn's data sets are needed for


def main() -> int:
    """Build it; the exit code."""
    options = argparse.ArgumentParser(description="Build the course for JupyterLite.")
    options.add_argument("--out", type=Path, default=ROOT / "build" / "lite")
    options.add_argument("--only", nargs="*", help="names of lessons, instead of all of them")
    chosen = options.parse_args()
    if not shutil.which("npm"):
        print("make lite: npm is missing; Pyodide and NumPy for the browser come from it.")
        return 1
    names = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    if unknown := set(chosen.only or []) - set(names):
        options.error(f"--only {min(unknown)}: expected one of {', '.join(names)}")
    build(chosen.out.resolve(), chosen.only or names)
    print(f"JupyterLite is in {chosen.out / 'html'}; docs/jupyterlite.md says how to serve it.")
    return 0


def build(out: Path, lessons: list[str]) -> None:
    """Write the pages, with these lessons and all exercises, to out/html."""
    for old in ("npm", "wheels", "executed", "lite", "html"):
        shutil.rmtree(out / old, ignore_errors=True)
    python = make_builder(out / "builder")
    take_npm(out / "npm")
    wheels = out / "wheels"
    take_wheels(python, wheels)
    make_wheels(out / "npm" / "node_modules", wheels)

    lite = out / "lite"
    names = write_pyodide(out / "npm" / "node_modules" / "pyodide", wheels, lite)
    write_course(lite / "files", lessons, out)
    write_settings(lite, names)
    command = [python, "-m", "jupyterlite_core.app", "build", "--lite-dir", lite, "--apps", "lab"]
    command += ["--contents", lite / "files", "--output-dir", out / "html", "--no-sourcemaps"]
    run(*command, cwd=lite)


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a program; what it prints is shown only if it fails."""
    done = subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        text = " ".join(map(str, command[:4]))
        raise RuntimeError(f"{text} … failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def make_builder(folder: Path) -> Path:
    """An environment that has JupyterLite's tools; its Python."""
    uv = [sys.executable, "-m", "uv"]
    run(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    lock = HERE / "builder.txt"
    run(*uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock)
    return python


def take_npm(folder: Path) -> None:
    """Pyodide and NumPy, as package-lock.json has them."""
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    npm = shutil.which("npm") or "npm"  # with its ending, on Windows
    run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)


def take_wheels(python: Path, folder: Path) -> None:
    """The pure Python packages of browser.txt, and those that come with the kernel."""
    download = [python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    download += ["--no-deps", "--only-binary", ":all:", "--python-version", PYTHON]
    download += ["--platform", "any", "--implementation", "py", "--abi", "none"]
    run(*download, "--require-hashes", "--requirement", HERE / "browser.txt", "--dest", folder)
    shared = python.parents[1] / "share" / "jupyter" / "labextensions" / "@jupyterlite"
    for wheel in shared.rglob("*.whl"):
        if not wheel.name.startswith("widgetsnbextension"):
            shutil.copy(wheel, folder)


def make_wheels(packages: Path, folder: Path) -> None:
    """The wheel of the course, NumPy's, and empty ones for what is absent."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (archive,) = (packages / "@emscripten-forge" / "numpy" / "pkg").glob("*.tar.gz")
    version = archive.name.split("-")[1]
    site = f"lib/python{PYTHON}/site-packages/"
    with (
        tarfile.open(archive) as conda,
        zipfile.ZipFile(
            folder / f"numpy-{version}-cp312-cp312-pyodide_2024_0_wasm32.whl",
            "w",
            zipfile.ZIP_DEFLATED,
        ) as wheel,
    ):
        for member in conda:
            if member.isfile() and member.name.startswith(site):
                file = conda.extractfile(member)
                assert file is not None
                wheel.writestr(member.name.removeprefix(site), file.read())
    for name in ABSENT:
        with zipfile.ZipFile(folder / f"{name}-0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(
                f"{name}-0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 0\n"
            )


def write_pyodide(source: Path, wheels: Path, lite: Path) -> list[str]:
    """Pyodide, with our wheels as its only packages; their names."""
    target = lite / "static" / "pyodide"
    target.mkdir(parents=True)
    for name in INTERPRETER:
        shutil.copy(source / name, target)
    lock = json.loads((source / "pyodide-lock.json").read_text(encoding="utf-8"))
    lock["packages"] = {}
    for wheel in sorted(wheels.glob("*.whl")):
        shutil.copy(wheel, target)
        project, version = wheel.name.split("-")[:2]
        name = project.lower().replace("_", "-")
        lock["packages"][name] = {
            "name": name,
            "version": version,
            "file_name": wheel.name,
            "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
            "install_dir": "site",
            "package_type": "package",
            "imports": [project],
            "depends": [],
            "unvendored_tests": False,
        }
    (target / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return list(lock["packages"])


def write_course(folder: Path, lessons: list[str], out: Path) -> None:
    """What is to be seen in JupyterLite's file browser."""
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "exercises", folder / "exercises", ignore=pages.LEAVE_OUT)
    (folder / "exercises" / f"{NEEDS_DATA}.ipynb").unlink()
    shutil.copy(ROOT / "course.toml", folder)
    (folder / "notebooks").mkdir()
    pages.run_lessons(lessons, out)
    exercises = [path.stem for path in (folder / "exercises").glob("*.ipynb")]
    there = {f"notebooks/{name}" for name in lessons} | {f"exercises/{name}" for name in exercises}
    sheet = (ROOT / "lrlesson" / "feedback" / "form.css").read_text(encoding="utf-8") + REPLIES
    for name in lessons:
        lesson = nbformat.read(out / "executed" / f"{name}.ipynb", as_version=4)
        for_reading(lesson, f"<style>{sheet}</style>", there)
        text = json.dumps(lesson, ensure_ascii=False)  # nbformat.write would drop `trusted`
        (folder / "notebooks" / f"{name}.ipynb").write_text(text, encoding="utf-8")


def for_reading(lesson: NotebookNode, style: str, there: set[str]) -> None:
    """Say what does not run here, link to what is there, and let outputs run their scripts."""
    title, _, rest = lesson.cells[0].source.partition("\n")
    lesson.cells[0].source = f"{title}\n\n{NOTE}\n{rest}"
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            cell.source = pages.without_dead_links(cell.source, "notebooks", there)
        elif cell.cell_type == "code":
            cell.metadata["trusted"] = True
            for output in cell.outputs:
                if "lrlesson-form" in (page := output.get("data", {}).get("text/html", "")):
                    output.data["text/html"] = style + page


def write_settings(lite: Path, packages: list[str]) -> None:
    """JupyterLite's configuration: the kernel loads all packages and asks nobody for more."""
    kernel = {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": packages}}
    config = {
        "appName": "lrlesson",
        "exposeAppInBrowser": True,
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": kernel},
    }
    text = json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": config})
    (lite / "jupyter-lite.json").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "lrlesson" / "labconfig" / "page.json", lite / "overrides.json")


if __name__ == "__main__":
    sys.exit(main())
