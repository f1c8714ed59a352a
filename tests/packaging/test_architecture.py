"""The page about the architecture says what the linter holds, and the linter holds it."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


RINGS, LAYERS = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
CONTRACTS = {c["name"]: c for c in PROJECT["tool"]["importlinter"]["contracts"]}
SOURCES = sorted((ROOT / "lrlesson").rglob("*.py"))
TREES = {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
READ = ["schedules", "optimizers", "controllers", "losses"]
READ += ["data", "network", "wrappers", "matrices", "distance", "history", "training", "sharpness"]


def test_the_page_shows_the_layers_that_are_checked():
    arrows = CONTRACTS["Arrows go one way"]
    layers = [re.sub(r"[()]", "", layer) for layer in arrows["layers"]]
    assert LAYERS.splitlines() == layers
    assert arrows["exhaustive"] is True


def test_the_three_rings_hold_every_room_of_the_layers():
    rooms = set(re.findall(r"\w+", LAYERS)) - {"__main__"}
    read, seen = RINGS.partition("    read")[2], RINGS.partition("see and answer")[2]
    assert rooms <= set(re.findall(r"\w+", RINGS))
    assert {*READ, "base"} == set(re.findall(r"\w+", read))
    assert {"feedback", "capstone", "scenes", "drawing"} <= set(re.findall(r"\w+", seen))
    for room in ("feedback", "grading"):
        folders = {p.parent.name for p in (ROOT / "lrlesson" / room).glob("*/__init__.py")}
        (line,) = re.findall(rf"{room}: (.*)", RINGS)
        assert set(line.split(" · ")) == folders, room


def test_inside_the_rooms_the_arrows_go_one_way_too():
    for room in ("base", "drawing", "feedback", "grading"):
        assert CONTRACTS[f"Arrows go one way inside {room}"]["type"] == "layers"


def test_the_page_says_how_long_the_library_is():
    def lines(paths) -> int:
        return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)

    library = [ROOT / "lrlesson" / f"{name}.py" for name in READ]
    whole, core = map(int, re.search(r"has (\d+) lines.*are (\d+) of them", PAGE).groups())
    assert lines([*library, *(ROOT / "lrlesson" / "base").glob("*.py")]) == pytest.approx(
        whole, rel=0.05
    )
    assert lines(library[:3]) == pytest.approx(core, rel=0.07)


def test_no_file_is_too_long_to_read():
    """All schedules stand together, and so do all attacks."""
    longer = [
        path.relative_to(ROOT / "lrlesson").as_posix()
        for path in SOURCES
        if len(path.read_text(encoding="utf-8").splitlines()) > 500
    ]
    assert set(longer) <= {"schedules.py", "grading/selftest/attacks.py"}


def test_no_class_has_the_name_of_another():
    names = [
        node.name
        for tree in TREES.values()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert {name for name in names if names.count(name) > 1} == set()


def test_nothing_private_crosses_a_room():
    """A name with an underscore is its own room's: that of the file, or of a folder around it."""
    crossed = []
    for path, tree in TREES.items():
        modules = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lrlesson"):
                room = ROOT / node.module.replace(".", "/")
                room = (room if room.is_dir() else room.parent).relative_to(ROOT)
                for name in node.names:
                    modules[name.asname or name.name] = room
                    if re.match("_[^_]", name.name) and path.parent not in (room, *room.parents):
                        crossed.append(f"{path}: {node.module}.{name.name}")
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                room = modules.get(node.value.id, path.parent)
                module = (ROOT / room / f"{node.value.id}.py").exists()
                if re.match("_[^_]", node.attr) and module and room != path.parent:
                    crossed.append(f"{path}: {node.value.id}.{node.attr}")
    assert crossed == []


def test_no_number_of_a_document_that_a_reader_does_not_have():
    """C1 to C44 are the claims of tests/claims/README.md; there is no law, plan or table beside."""
    found = []
    for path in [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "docs").rglob("*.md"),
                 *(ROOT / "lrlesson").rglob("*.toml")]:  # fmt: skip
        text = path.read_text(encoding="utf-8")
        if path != Path(__file__):
            pattern = r"\b[Ll]aw \d+\b|(?<![\w*.'\"{-])[XMV]\d{1,2}(?=[ ,.:;)]|$)(?! =)"
            for hit in re.finditer(pattern, text, re.MULTILINE):
                line = text[: hit.start()].count("\n") + 1
                found.append(f"{path.relative_to(ROOT)}:{line}: {hit[0]}")
    assert found == []


def test_what_the_page_names_is_there():
    for cell in re.findall(r"(?m)^\| (`.*?`) \|", PAGE):
        for name in re.findall(r"`(.*?)`", cell):
            assert (ROOT / name).exists() or (ROOT / "lrlesson" / name).exists(), name


def test_an_arrow_upwards_is_refused(tmp_path):
    """The linter on a copy whose schedules reach for the scenes."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lrlesson", tmp_path / "lrlesson", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    schedules = tmp_path / "lrlesson" / "schedules.py"
    schedules.write_text(schedules.read_text() + "\n\nfrom lrlesson import training\n")
    (tmp_path / "lrlesson" / "nowhere.py").write_text('"""A module without a place."""\n')
    code = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; lint_imports_command()"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.search(
        r"lrlesson\.schedules\s+is not allowed to import lrlesson\.training", done.stdout
    )
    assert "- lrlesson.nowhere" in done.stdout


def test_only_the_theme_has_a_colour():
    """Hex digits, rgb() and hsl() elsewhere in the package are a second palette."""
    own = ROOT / "lrlesson" / "drawing" / "theme.py"
    colour = re.compile(r"(?<![\w&])#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b|\b(?:rgba?|hsla?)\(")
    found = {
        f"{path.relative_to(ROOT)}:{k}"
        for suffix in ("py", "css", "js")
        for path in (ROOT / "lrlesson").rglob(f"*.{suffix}")
        if path != own and "labextension" not in path.parts
        for k, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if colour.search(line)
    }
    assert found == set()
