"""Build the course's site: python site/build.py [--out FOLDER] [--only NAME ...] [--keep]

The lessons are executed, the pages of the library are generated, and Sphinx makes a site of them
that needs no kernel, no server and no network. README.md says how it is put together.
"""

import argparse
import importlib.util
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from html import unescape
from pathlib import Path

import catalogue
import front
import nbformat
import teachers
from fontTools import subset
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

from lrlesson.scenes import explorers
from lrlesson.scenes.scene import assets

HERE = Path(__file__).parent
ROOT = HERE.parent
_ziamath = importlib.util.find_spec("ziamath")  # found, not imported: only its font is needed
assert _ziamath is not None
assert _ziamath.origin is not None
FONT = Path(_ziamath.origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"
SECONDS = 180  # for one cell
LEAVE_OUT = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")


def main() -> int:
    """Build the site; the exit code."""
    options = argparse.ArgumentParser(description="Build the course's site.")
    options.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    options.add_argument("--only", nargs="*", help="names of lessons, instead of all of them")
    options.add_argument("--keep", action="store_true", help="keep lessons that were executed")
    options.add_argument(
        "--run", action="store_true", help="with the build that runs code in the browser, in run/"
    )
    chosen = options.parse_args()
    names = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    if unknown := set(chosen.only or []) - set(names):
        options.error(f"--only {min(unknown)}: expected one of {', '.join(names)}")
    build(chosen.out, chosen.only or names, chosen.keep, chosen.run)
    if chosen.run:
        lite = chosen.out / "lite"
        subprocess.run([sys.executable, ROOT / "lite" / "build.py", "--out", lite], check=True)
        shutil.move(lite / "html", chosen.out / "html" / "run")
    print(f"The site is in {chosen.out / 'html'}; open index.html there.")
    return 0


def build(out: Path, lessons: list[str], keep: bool = False, run: bool = False) -> None:
    """Write the site with these lessons to out/html; run: with links to the browser's build."""
    executed, pages = out / "executed", out / "pages"
    if not keep:
        shutil.rmtree(executed, ignore_errors=True)
    run_lessons([name for name in lessons if not (executed / f"{name}.ipynb").is_file()], out)
    for old in (pages, out / "html"):
        shutil.rmtree(old, ignore_errors=True)
    write_pages(pages, executed, lessons, run)
    sphinx = [sys.executable, "-m", "sphinx", "-b", "html", "-E", "-q", "-W", "--keep-going"]
    settings = [
        "-c",
        str(HERE),
        "-D",
        f"html_static_path={pages / 'static'}",
        "-d",
        str(out / "doctrees"),
    ]
    known = {**os.environ, "SITE_PAGES": str(pages)}
    subprocess.run([*sphinx, *settings, pages, out / "html"], check=True, env=known)
    write_font(out / "html")


def run_lessons(names: list[str], out: Path) -> None:
    """Execute lessons, two at a time, in a copy of the course that nobody has worked in."""
    course = out / "course"
    shutil.rmtree(course, ignore_errors=True)
    for part in ("notebooks", "exercises"):
        shutil.copytree(ROOT / part, course / part, ignore=LEAVE_OUT)
    shutil.copy(ROOT / "course.toml", course)
    (out / "executed").mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as pool:
        jobs = {name: pool.submit(run_lesson, name, course) for name in names}
        for name, job in jobs.items():
            nbformat.write(job.result(), out / "executed" / f"{name}.ipynb")
            print(f"executed {name}", flush=True)


def run_lesson(name: str, course: Path) -> NotebookNode:
    """A lesson with its outputs as they stand on a page. RuntimeError for one that complains."""
    stills = course.parent / "executed" / "stills"
    stills.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(course / "notebooks" / f"{name}.ipynb", as_version=4)
    setup = f"import sys; sys.path.insert(0, {str(HERE)!r})\nimport shown\n"
    setup += f"shown.install({str(stills)!r})"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(setup))
    NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(course / "notebooks")}},
    ).execute(stderr=subprocess.DEVNULL)  # the kernel's own log: a cell's stderr is an output
    del notebook.cells[0]
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise RuntimeError(f"{name}, cell {cell.id} writes to stderr: {output.text}")
            if is_widget(output):
                raise RuntimeError(f"{name}, cell {cell.id} shows a widget that needs a kernel")
    return notebook


def is_widget(output: NotebookNode) -> bool:
    """Would this output need a widget manager?"""
    data = output.get("data", {})
    return "application/vnd.jupyter.widget-view+json" in data and "text/html" not in data


def write_pages(pages: Path, executed: Path, lessons: list[str], run: bool = False) -> None:
    """Everything that Sphinx reads: lessons, exercises, the library's pages, the home page.

    run: whether the build for the browser stands beside the pages.
    """
    static, originals = pages / "static", pages / "originals"
    shutil.copytree(HERE / "static", static)
    shutil.copy(ROOT / "lrlesson" / "feedback" / "widgets" / "form.css", static)
    sheet, program = assets()
    (static / "scene.css").write_text(sheet, encoding="utf-8")
    # A page opened from a file loads no modules: the module stands in a function instead.
    (static / "scene.js").write_text(f"(() => {{\n{program}\n}})();\n", encoding="utf-8")
    shutil.copytree(executed / "stills", static / "stills")
    for part in ("notebooks", "exercises"):
        shutil.copytree(ROOT / part, originals / part, ignore=LEAVE_OUT)
        (pages / part).mkdir()

    exercises = [path.stem for path in sorted((ROOT / "exercises").glob("*.ipynb"))]
    read = {name: nbformat.read(executed / f"{name}.ipynb", as_version=4) for name in lessons}
    there = {f"notebooks/{name}" for name in lessons} | {f"exercises/{name}" for name in exercises}
    there |= {f"docs/{name}" for name in DOCS}
    for name, lesson in read.items():
        note = LESSON_NOTE + RUN_NOTE * run
        write_lesson(pages / "notebooks" / f"{name}.ipynb", lesson, note, there)
    tasks = {}
    for name in exercises:
        exercise = nbformat.read(ROOT / "exercises" / f"{name}.ipynb", as_version=4)
        tasks[name.replace("_exercise_", "_", 1)] = (name, title_of(exercise).partition(": ")[2])
        write_lesson(pages / "exercises" / f"{name}.ipynb", exercise, EXERCISE_NOTE, there)

    cards = {}
    for folder in ("cards", "share"):
        (static / folder).mkdir()
    front.share(SENTENCE, Image.open(front.PICTURES / "race-light.png"), static / "share/index.png")
    for name, lesson in read.items():
        title = title_of(lesson)
        picture = front.pictures(name, title, front.picture(lesson), static)
        cards[name] = front.card(name, title, minutes(lesson), tasks.get(name), picture)
    home = (HERE / "home.md").read_text(encoding="utf-8")
    parts = {
        "SENTENCE": SENTENCE,
        "RACE": explorers.race().to_html(page=False, script=False),
        "CARDS": front.cards(front.paths((ROOT / "README.md").read_text("utf-8")), cards),
        "RUN_ADDRESS": "run/lab/index.html" if run else "docs/jupyterlite.html",
    }
    for place, text in parts.items():
        home = home.replace(place, text)
    (pages / "index.md").write_text(home, encoding="utf-8")
    numbered = [f"{name[:2]} {title_of(lesson)} <{name}>" for name, lesson in read.items()]
    write_index(pages / "notebooks", "Lessons", LESSONS, numbered)
    write_index(pages / "exercises", "Exercises", EXERCISES, exercises)
    write_index(pages / "docs", "Guides", GUIDES, DOCS)
    for name in DOCS:
        text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        page = without_dead_links(text, "docs", there)
        (pages / "docs" / f"{name}.md").write_text(page, encoding="utf-8")
    catalogue.write(pages)


def write_font(html: Path) -> None:
    """The typeface of the formulas, with the characters that the pages really use."""
    formulas = re.compile(r"<math.*?</math>", re.DOTALL)
    texts = (path.read_text(encoding="utf-8") for path in html.rglob("*.html"))
    used = {sign for text in texts for found in formulas.findall(text) for sign in unescape(found)}
    options = subset.Options(flavor="woff2", layout_features=["*"])
    with subset.load_font(str(FONT), options) as font:
        chosen = subset.Subsetter(options)
        chosen.populate(unicodes=map(ord, used))
        chosen.subset(font)
        subset.save_font(font, str(html / "_static" / "math.woff2"), options)


SENTENCE = "One number decides whether a network learns."
LESSON_NOTE = (
    "Lesson {number}. This page was executed beforehand: its figures answer, its code does not "
    "run. [The notebook](path:../originals/notebooks/{name}.ipynb) does both."
)
RUN_NOTE = (
    ' <a href="../run/lab/index.html?path=notebooks/{name}.ipynb">Run it in your browser</a>, '
    "with nothing installed."
)
EXERCISE_NOTE = (
    "Exercises are solved in Jupyter, where each answer is checked at once: "
    "[take the notebook](path:../originals/exercises/{name}.ipynb)."
)
FOLDED = "\n\n*Folded until you have predicted.*"  # which a page is not
LESSONS = "Each lesson predicts, runs and explains. Read them in this order."
# The same files as in the repository.
DOCS = [
    "grading",
    "own-exercises",
    "elsewhere",
    "diagnosis",
    "places",
    "architecture",
    "jupyterlite",
]
GUIDES = "To grade with the course, to run it elsewhere, and to see how it is built."
EXERCISES = "What you write yourself, lesson by lesson. The checks run in the notebook."


def write_lesson(path: Path, notebook: NotebookNode, note: str, there: set[str]) -> None:
    """A notebook as a page: with a note below its title, and links only to what is there."""
    first = notebook.cells[0]
    title, _, rest = first.source.partition("\n")
    note = note.format(name=path.stem, number=path.stem[:2])
    if path.parent.name == "notebooks" and (used := catalogue.used_in(path.stem)):
        note += f" Looked up: {', '.join(used)}."
    first.source = f"{title}\n\n:::{{container}} about-this-page\n{note}\n:::\n{rest}"
    notebook.metadata.pop("widgets", None)
    in_parts = False
    notebook.cells = [cell for cell in notebook.cells if cell.id != "where"]  # for a learner's own
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.removesuffix(FOLDED)
            cell.source = without_dead_links(cell.source, path.parent.name, there)
            in_parts |= bool(re.search(r"(?m)^## ", cell.source))
            if not in_parts:  # no level of headings may be left out
                cell.source = re.sub(r"(?m)^### ", "## ", cell.source)
    if path.parent.name == "notebooks" and (said := teachers.note(path.stem[:2])):
        notebook.cells.append(nbformat.v4.new_markdown_cell(f"```{{raw}} html\n{said}\n```"))
    nbformat.write(notebook, path)


def without_dead_links(text: str, folder: str, there: set[str]) -> str:
    """The text, in which a link to what is not on the site is only its words."""

    def checked(match: re.Match) -> str:
        words, address = match.groups()
        place = posixpath.normpath(f"{folder}/{address.partition('#')[0]}")
        stays = address.startswith(("#", "path:")) or place.rpartition(".")[0] in there
        return match[0] if stays else words

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", checked, text)


def minutes(lesson: NotebookNode) -> str:
    """The minutes that a lesson names below its title."""
    found = re.search(r"\((\d+) minutes", lesson.cells[0].source)
    return found[1] if found else ""


def title_of(notebook: NotebookNode) -> str:
    """The words of a notebook's first heading."""
    return notebook.cells[0].source.partition("\n")[0].removeprefix("# ")


def write_index(folder: Path, title: str, text: str, names: Iterable[str]) -> None:
    """The page above a folder's pages."""
    folder.mkdir(exist_ok=True)
    listed = "\n".join(names)
    (folder / "index.md").write_text(
        f"# {title}\n\n{text}\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n", encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
