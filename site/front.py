"""The front page: the race in its first screen, and the lessons as cards along three paths."""

import io
import re
import textwrap
from base64 import b64decode
from html import escape
from pathlib import Path

from matplotlib.figure import Figure
from nbformat import NotebookNode
from PIL import Image

from lrlesson.drawing.theme import light, style
from lrlesson.scenes import explorers

HERE = Path(__file__).parent
PICTURES = HERE.parent / "docs" / "scenes"
WIDTH = 480  # of a thumbnail, in pixels


def paths(readme: str) -> dict[str, tuple[str, list[str]]]:
    """The paths of the README by name: what it says of them, and the numbers of their lessons.

    Raises ValueError where it names none, or a path without lessons.
    """
    found = {}
    for name, numbers, cost in re.findall(r"\*\*([\w ]+)\*\*: ([^(*]+) \(([^)]*)\)", readme):
        listed: list[str] = []
        for first, last in re.findall(r"(\d\d)(?: to (\d\d))?", numbers):
            listed += [f"{n:02d}" for n in range(int(first), int(last or first) + 1)]
        found[name] = (cost, listed)
    if not found or not all(listed for _, listed in found.values()):
        raise ValueError(
            "README.md: expected a line with the paths, each such as **Core**: 00 to 12 (…)"
        )
    return found


def picture(lesson: NotebookNode) -> Image.Image | None:
    """What a lesson shows first: its scene at a telling position, or its first figure."""
    code = " ".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    scenes = [s for s in re.findall(r"(\w+)\(", code) if s in explorers.__all__]
    drawn = re.search(r'base64,([A-Za-z0-9+/=]+)"', "".join(
        output.get("data", {}).get("text/html", "")
        for cell in lesson.cells for output in cell.get("outputs", [])
    ))  # fmt: skip
    if scenes:
        found = Image.open(PICTURES / f"{scenes[0]}-light.png")
    elif drawn:
        found = Image.open(io.BytesIO(b64decode(drawn[1])))
    else:
        return None
    return found.convert("RGB")


def pictures(name: str, title: str, shown: Image.Image | None, static: Path) -> str:
    """Write the thumbnail of a lesson, and the picture that a link to it shows where it is shared.

    The file name of the thumbnail; "" where the lesson shows nothing.
    """
    share(title, shown, static / "share" / f"{name}.png")
    if shown is None:
        return ""
    small = shown.copy()
    small.thumbnail((WIDTH, WIDTH))
    small.save(static / "cards" / f"{name}.webp", quality=82)
    return f"{name}.webp"


def share(title: str, shown: Image.Image | None, path: Path) -> None:
    """Write a preview of 1200 × 630 pixels: a sentence, and beside it a picture."""
    with style():
        fig = Figure(figsize=(12, 6.3), dpi=100, facecolor="white")
        room = 17 if shown else 40
        words = "\n".join(textwrap.wrap(title, room))
        fig.text(0.04, 0.52, words, size=36, weight="bold", va="center", linespacing=1.25)
        fig.text(
            0.04, 0.06, "The learning rate: a course in Jupyter", size=16, color=light("muted")
        )
        if shown:
            ax = fig.add_axes((0.43, 0.08, 0.54, 0.84))
            ax.imshow(shown)
            ax.axis("off")
        fig.savefig(path)


def card(name: str, title: str, minutes: str, task: tuple[str, str] | None, picture: str) -> str:
    """A lesson as a card: its picture, number and title, minutes, and its exercise."""
    image = f'<img src="_static/cards/{picture}" alt="" loading="lazy">' if picture else ""
    exercise = (
        f'<a class="card-exercise" href="exercises/{task[0]}.html">Exercise: {escape(task[1])}</a>'
        if task
        else ""
    )
    return (
        f'<li class="card"><a class="card-lesson" href="notebooks/{name}.html">'
        f'<span class="card-picture">{image}</span><span class="card-title">'
        f'<span class="card-number">{name[:2]}</span> {escape(title)}</span></a>'
        f'<span class="card-foot">{minutes} minutes{exercise}</span></li>'
    )


def cards(found: dict[str, tuple[str, list[str]]], lessons: dict[str, str]) -> str:
    """The cards of all lessons, with a choice of path that needs no script.

    found: of `paths`. lessons: the card of each lesson by its name.
    """
    choices, sheet = "", ""
    for k, (name, (cost, numbers)) in enumerate(found.items()):
        checked = " checked" if k == len(found) - 1 else ""
        choices += (
            f'<label><input type="radio" name="path" id="path-{k}"{checked}>'
            f"<span>{escape(name)}</span> <small>{escape(cost)}</small></label>"
        )
        for lesson in lessons:
            if lesson[:2] not in numbers:
                chosen = f".lessons:has(#path-{k}:checked)"
                sheet += f"{chosen} [data-lesson='{lesson[:2]}'] {{ display: none; }}\n"
    items = "".join(
        text.replace("<li ", f'<li data-lesson="{name[:2]}" ', 1) for name, text in lessons.items()
    )
    return (
        f'<style>{sheet}</style><div class="lessons"><fieldset class="paths">'
        f'<legend>Path</legend>{choices}</fieldset><ul class="cards">{items}</ul></div>'
    )
