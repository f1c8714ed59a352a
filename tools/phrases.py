"""Write docs/elsewhere.md and the table of lesson 12, from tests/reference/rosetta.py.

What to write in another framework to get a schedule's rates or a rule's steps, and where no setting
of theirs gives them. Each row was executed, and its numbers are compared with ours by
tests/reference. `python tools/phrases.py` writes both; a test compares them.
"""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from lrlesson.base.code import setting

ROOT = Path(__file__).parents[1]
PAGE, LESSON = ROOT / "docs" / "elsewhere.md", ROOT / "notebooks" / "12_at_your_desk.ipynb"
CELL = "elsewhere-table"
NAMES = {
    "pytorch": "PyTorch",
    "keras": "Keras",
    "optax": "optax",
    "transformers": "transformers",
    "timm": "timm",
}
LIBRARIES = {"torch": "PyTorch", "keras": "Keras", "optax": "optax", "prodigyopt": "prodigyopt"}


def rosetta() -> ModuleType:
    """The table that the reference tests evaluate."""
    place = ROOT / "tests" / "reference" / "rosetta.py"
    spec = importlib.util.spec_from_file_location("rosetta", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def title(eta: Any) -> str:
    """The classes that a schedule is made of."""
    return " >> ".join(dict.fromkeys(re.findall(r"\w+(?=\()", repr(eta))))


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])


def schedules(book: ModuleType) -> str:
    """For each schedule: what each framework writes, or that it has no setting for it."""
    parts: dict[str, list[str]] = {}
    for eta in book.OURS:
        written = {name: setting(eta, key) for key, name in NAMES.items()}
        rows = [[name, f"`{theirs}`"] for name, theirs in written.items() if theirs]
        none = [name for name, theirs in written.items() if not theirs]
        said = f"`{eta!r}`\n"
        said += f"\n{table(['in', 'write'], rows)}\n" if rows else ""
        said += f"\nNo setting gives it in {', '.join(none)}.\n" if none else ""
        parts.setdefault(title(eta), []).append(said)
    return "\n".join(f"### {name}\n\n" + "\n".join(found) for name, found in parts.items())


def rules(book: ModuleType) -> str:
    """For each rule: what each library writes for the same steps, and where none of ours agrees."""
    same: dict[str, list[list[str]]] = {}
    for library, rows in book.OPTIMIZERS.items():
        for theirs, ours in rows.items():
            note = book.NOTES[library].get(theirs, "")
            if (library, theirs) in book.CLOSE:
                fixed, other, why = book.CLOSE[library, theirs]
                note += "; " * bool(note) + f"agrees to {max(fixed, other):g}: {why}"
            row = [f"`{ours!r}`", LIBRARIES[library], f"`{theirs}`", note]
            same.setdefault(type(ours).__name__, []).append(row)
    for (library, theirs), (ours, why) in book.UNMATCHED_OPTIMIZERS.items():
        row = [f"none; nearest: `{ours!r}`", LIBRARIES[library], f"`{theirs}`", why]
        same.setdefault(type(ours).__name__, []).append(row)
    head = ["ours", "in", "write", "what differs"]
    parts = []
    for name, found in same.items():
        missing = {"PyTorch", "Keras", "optax"} - {row[1] for row in found}
        none = f"\n\nNot in {', '.join(sorted(missing))}." if missing else ""
        parts.append(f"### {name}\n\n{table(head, found)}{none}\n")
    return "\n".join(parts)


def page(book: ModuleType) -> str:
    """docs/elsewhere.md."""
    stored = json.loads((ROOT / "tests" / "reference" / "versions.json").read_text())
    used = ("torch", "keras", "optax", "transformers", "timm")
    versions = ", ".join(f"{name} {stored[name].partition('+')[0]}" for name in used)
    return f"""\
# What to write elsewhere

What gives our rates, and our steps, in other frameworks. Every line was executed, and its numbers \
agree with ours to 12 digits where nothing else is said ({versions}). The page is made by \
`tools/phrases.py` from the table that the reference tests hold, with {book.LR} as the rate.

## Schedules

The rates of as many updates as the schedule is long; after its end some of theirs climb again, or \
refuse. In PyTorch, transformers and timm `optimizer` is made with the highest rate as its `lr`. \
Lightning takes PyTorch's, with `"interval": "step"`. Where no setting gives the curve, a \
framework asks our object: `eta.code("pytorch")` prints that block, or theirs, with your numbers.

{schedules(book)}
## Rules

`lr` is the rate, or a schedule. Lightning, the Trainer of transformers and timm train with \
PyTorch's rules.

{rules(book)}"""


def lesson_table(book: ModuleType) -> str:
    """Which framework has which schedule: the first example of each, by the names of theirs."""
    rows: dict[str, list[str]] = {}
    for eta in book.OURS:
        name = title(eta)
        if ">>" in name and name not in ("Warmup >> Cosine", "Linear >> Cosine"):
            continue
        cells = []
        for key in NAMES:
            called = re.findall(r"\b(?!optax\b)([A-Za-z_]\w+)\(", setting(eta, key) or "")
            cells.append(" ".join(f"`{one}`" for one in called) or "–")
        if cells[1] == "–" and setting(eta, "keras"):
            cells[1] = "a number"
        rows.setdefault(name, [f"`{name}`", *cells])
    return table(["ours", *NAMES.values()], list(rows.values()))


def main() -> None:
    """Write the page and the lesson's table."""
    book = rosetta()
    PAGE.write_text(page(book), encoding="utf-8")
    text = LESSON.read_text(encoding="utf-8")
    notebook = json.loads(text)
    cell = next(one for one in notebook["cells"] if one.get("id") == CELL)
    parts = "".join(cell["source"]).split("\n\n")
    source = [lesson_table(book) if part.startswith("| ours") else part for part in parts]
    cell["source"] = "\n\n".join(source).splitlines(keepends=True)
    end_of_file = "\n" if text.endswith("\n") else ""
    made = json.dumps(notebook, indent=1, ensure_ascii=False) + end_of_file
    LESSON.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
