"""A page for each schedule, optimizer and controller, made from the library itself.

The text is the class's docstring, the formula and the curve are what an object shows of itself,
the rules are those that its fields are checked against, and what the frameworks write for the same
numbers is the table that the reference tests evaluate (tests/reference/rosetta.py).
"""

import importlib.util
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np
import shown

from lrlesson import _base, controllers, optimizers, schedules
from lrlesson.stage import Picture, style

REFERENCE = Path(__file__).parents[1] / "tests" / "reference"
FRAMEWORKS = {
    "torch": "PyTorch",
    "optax": "optax",
    "keras": "Keras",
    "transformers": "Transformers",
}

# What the pages show; a class that is missing here fails the build.
EXAMPLES: dict[type, Any] = {
    type(getattr(example, "schedule", example)): example
    for example in [
        schedules.Constant(0.1),
        schedules.StepDecay(0.1, 0.5, 25),
        schedules.ScheduledDrop(0.1, 0.1, (50, 75)).take(100),
        schedules.ExponentialDecay(0.1, 0.5, 25),
        schedules.PolynomialDecay(0.1, 100, 2),
        schedules.InverseTimeDecay(0.1, 0.05),
        schedules.Warmup(0.1, 20),
        schedules.Linear(0.1, 0.01, 100),
        schedules.Geometric(1e-4, 1, 100),
        schedules.InverseSqrt(0.1, 20),
        schedules.Noam(512, 4000),
        schedules.Cosine(0.1, 100),
        schedules.CosineRestarts(0.1, 20, 2),
        schedules.Triangular(0.01, 0.1, 20),
        schedules.Triangular2(0.01, 0.1, 20),
        schedules.ExpRange(0.01, 0.1, 20, 0.98),
        schedules.WarmupCosine(0.1, 20, 100),
        schedules.WSD(0.1, 20, 60, 20),
        schedules.OneCycle(0.1, 100),
        optimizers.SGD(momentum=0.9),
        optimizers.AdaGrad(),
        optimizers.RMSprop(),
        optimizers.AdaDelta(),
        optimizers.Adam(),
        optimizers.AdamW(),
        optimizers.AdaMax(),
        optimizers.NAdam(),
        optimizers.RAdam(),
        optimizers.Lion(),
        optimizers.ScheduleFree(optimizers.SGD()),
        controllers.ReduceOnPlateau(0.1),
        controllers.Armijo(),
        controllers.Polyak(),
    ]
}


def members(module: ModuleType, base: type) -> list[type]:
    """The public classes of a module that are of this kind, in the order of the file."""
    found = [
        kind
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base
        if kind.__module__ == module.__name__ and not name.startswith("_")
    ]
    return sorted(found, key=lambda kind: inspect.getsourcelines(kind)[1])


SCHEDULES = """\
A schedule says which rate each update uses: η(t), and the first update is t = 0. It remembers \
nothing, so it can be asked for any update in any order."""
OPTIMIZERS = """\
One update is w ← w − η · gain · drive: the drive says which way to go, the gain how fast each \
single weight goes. With decoupled weight decay λ the weights are first multiplied by 1 − ηλ."""
CONTROLLERS = """\
A controller listens: it chooses the rate by the loss, the gradient, or how training has gone so \
far."""
FAMILIES = {
    "schedules": ("Schedules", SCHEDULES, members(schedules, _base.Schedule)),
    "optimizers": ("Optimizers", OPTIMIZERS, members(optimizers, _base.Optimizer)),
    "controllers": ("Controllers", CONTROLLERS, members(controllers, controllers.Controller)),
}


def load_rosetta() -> ModuleType:
    """The table that the reference tests evaluate."""
    spec = importlib.util.spec_from_file_location("rosetta", REFERENCE / "rosetta.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROSETTA = load_rosetta()
VERSIONS = json.loads((REFERENCE / "versions.json").read_text())


def write(pages: Path) -> None:
    """Write the pages of every family, and the page above them, as Markdown."""
    for folder, (title, text, kinds) in FAMILIES.items():
        (pages / folder).mkdir()
        for kind in kinds:
            path = pages / folder / f"{kind.__name__}.md"
            path.write_text("\n\n".join(page(kind)) + "\n", encoding="utf-8")
        names = "\n".join(kind.__name__ for kind in kinds)
        table = rows_of(
            [folder.removesuffix("s"), "curve", "what it does"]
            if folder == "schedules"
            else [folder.removesuffix("s"), "what it does"],
            [
                (f"[{kind.__name__}]({kind.__name__}.md)", *curve(kind), summary(kind))
                for kind in kinds
            ],
        )
        (pages / folder / "index.md").write_text(
            f"# {title}\n\n{text}\n\n{table}\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n",
            encoding="utf-8",
        )


def curve(kind: type) -> Iterator[str]:
    """The small curve of a schedule; nothing for other classes."""
    if issubclass(kind, _base.Schedule):
        yield EXAMPLES[kind]._svg(150, 60)


ETA = r"\eta(t) = "


def page(kind: type) -> Iterator[str]:
    """The parts of the page of one class, in Markdown."""
    example = EXAMPLES[kind]
    yield f"# {kind.__name__}"
    if "$" in (inspect.getdoc(kind) or ""):
        formula = _base.written_formula(kind)
        schedule = issubclass(kind, _base.Schedule)
        yield f"$$\n{ETA + formula if schedule else _base.in_lines(formula)}\n$$"
    yield prose(described(kind))
    if changes := list(_base.options(kind)):
        yield "What the options change in it:"
        yield "\n".join(map(change, changes))
    yield "## An example"
    if isinstance(example, _base.Shown):
        yield raw(shown.formula(example))
    else:
        yield f"`{example!r}`"
    if isinstance(example, _base.Optimizer):
        yield raw(answers(example))
        yield ANSWERS
    yield "## Fields"
    yield rows_of(["field", "what it is", "default"], list(fields(kind)))
    yield "## What the frameworks write"
    yield from frameworks(kind)
    yield "## The source"
    yield f"```python\n{inspect.getsource(kind).rstrip()}\n```"


def described(kind: type) -> str:
    """The docstring without its formula, and without what options change in that."""
    doc = inspect.getdoc(kind) or ""
    doc = re.sub(r"^\$.+?\$\s*", "", doc, count=1, flags=re.DOTALL)
    return re.sub(r"(?m)^\w+(=\S+)?  +\$.+$", "", doc).rstrip()


def change(said: tuple[str, str, list[tuple[str, str]]]) -> str:
    """What an option changes in a formula, as an item of a list."""
    option, value, pairs = said
    pieces = [f"{lines(new)} instead of {lines(old)}" for new, old in pairs]
    return f"- `{option}{'=' * bool(value)}{value}`: {', '.join(pieces)}"


def lines(formula: str) -> str:
    """The lines of a formula within a sentence."""
    return " and ".join(f"${_base.tex(line)}$" for line in formula.split("; "))


def summary(kind: type) -> str:
    """The first sentence of the docstring's text."""
    return prose(re.split(r"(?<=\.)\s", " ".join(described(kind).split()))[0])


def prose(text: str) -> str:
    """A docstring as Markdown: its code and formulas stay, nothing else has a meaning."""
    pieces = re.split(r"(`[^`]+`|\$[^$]+\$|\n {4}.*(?:\n {4}.*)*)", text)
    return "".join(
        piece if i % 2 else re.sub(r"([\\*_<>\[\]#|~])", r"\\\1", piece)
        for i, piece in enumerate(pieces)
    )


def raw(html: str) -> str:
    """HTML within Markdown."""
    return "```{raw} html\n" + html + "\n```"


def fields(kind: Any) -> Iterator[tuple[str, ...]]:
    """A row for each field: its name, the rule that it is checked against, its default."""
    for name, parameter in inspect.signature(kind).parameters.items():
        default = parameter.default
        written = "" if default is parameter.empty else f"`{_base._shown(default)}`"
        yield f"`{name}`", rule(kind._kinds[name]), written


def rule(annotation: Any) -> str:
    """What a field must be, in words."""
    rules = [m.text for m in getattr(annotation, "__metadata__", ()) if hasattr(m, "text")]
    if rules:
        return rules[0]
    if annotation is bool:
        return "True or False"
    if annotation == _base.AscendingUpdates:
        return "numbers of updates, ascending"
    if annotation is _base.Optimizer:
        return "an optimizer"
    parts = [part for part in get_args(annotation) if part is not type(None)]
    said = " or ".join(
        f"`{part!r}`" if isinstance(part, str | bool) else rule(part) for part in parts
    )
    return said + (" (or None)" if type(None) in get_args(annotation) else "")


def frameworks(kind: type) -> Iterator[str]:
    """What each library writes for the same numbers, and where none of ours gives them."""
    same, within, apart = [], [], []
    for table in (ROSETTA.SCHEDULES, ROSETTA.OPTIMIZERS, ROSETTA.PLATEAUS):
        for library, rows in table.items():
            for theirs, ours in rows.items():
                if type(ours) is kind:
                    same.append((library, theirs, repr(ours)))
                elif re.search(rf"\b{kind.__name__}\(", repr(ours)):
                    within.append((library, theirs, repr(ours)))
    same += [("optax", t, repr(o)) for t, o in ROSETTA.SEARCHES.items() if type(o) is kind]
    for table in (
        ROSETTA.UNMATCHED_SCHEDULES,
        ROSETTA.UNMATCHED_OPTIMIZERS,
        ROSETTA.UNMATCHED_PLATEAUS,
    ):
        apart += [
            (library, theirs, repr(ours), why)
            for (library, theirs, *_), (ours, why) in table.items()
            if re.search(rf"\b{kind.__name__}\(", repr(ours))
        ]
    apart += [
        (library, theirs, repr(ours), RAMP)
        for (library, theirs), ours in ROSETTA.RAMPS.items()
        if type(ours) is kind
    ]
    if not (same or within or apart):
        yield "Nothing that has been compared: the frameworks leave this one to you."
        return
    unit = "`lr` is the rate, or a schedule." if issubclass(kind, _base.Optimizer) else BASE
    yield f"Compared number by number with {versions(same + within + apart)}. {unit}"
    if same:
        yield "**The same numbers.** What differs from our defaults is what we have to write."
        yield code_rows(["library", "they write", "we write"], same)
    if apart:
        yield "**Not the same, with any setting.**"
        yield code_rows(["library", "they write", "nearest of ours", "what differs"], apart)
    if within:
        yield f"<details><summary>As a part of a composition: {len(within)}</summary>"
        yield code_rows(["library", "they write", "we write"], within)
        yield "</details>"


RAMP = "our ramp begins at LR/W and theirs at 0: ours is one update ahead until the ramp has ended"
BASE = f"The base rate is LR = {ROSETTA.LR}; `opt` is an optimizer that has it."


def versions(rows: list[tuple]) -> str:
    """The libraries of some rows, with the versions that were compared."""
    found = [name for name in FRAMEWORKS if any(row[0] == name for row in rows)]
    return ", ".join(f"{FRAMEWORKS[name]} {VERSIONS[name].split('+')[0]}" for name in found)


def code_rows(head: list[str], rows: list[tuple]) -> str:
    """A table whose second and third columns are code."""
    return rows_of(
        head,
        [
            (FRAMEWORKS[library], f"`{theirs}`", f"`{ours}`", *map(prose, why))
            for library, theirs, ours, *why in rows
        ],
    )


def rows_of(head: list[str], rows: list[tuple]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f":::{{container}} catalogue\n{table}\n:::"


ANSWERS = """\
Two weights get gradients that differ in size a hundred times: 1 and 0.01 for thirty updates, and \
then nothing. The rate is always 1. The first picture shows how far each weight moves in an \
update, the second one its effective rate, η · gain."""


LINES = [("1", "#0072b2", "-"), ("0.01", "#d55e00", "--")]  # gradient, colour, line style


def answers(rule: Any, updates: int = 60) -> str:
    """What a rule does with a gradient of 1 and one of 0.01 that both end halfway."""
    w = np.zeros((1, 2))
    state = rule.init(w)
    moves, rates = np.empty((updates, 2)), np.empty((updates, 2))
    for t in range(updates):
        new = rule.step(w, np.array([[1.0, 0.01]]) * (t < updates // 2), state, 1.0)
        moves[t], rates[t] = np.abs(new - w)[0], state.rate[0]
        w = new
    page = "".join(
        two_curves(name, values)
        for name, values in [("distance moved", moves), ("effective rate", rates)]
    )
    first, last = moves[0], moves[updates // 2 - 1]
    return (
        f'<div class="side-by-side">{page}</div>'
        f"<p>In update 0 the two weights move {first[0]:.3g} and {first[1]:.3g}, "
        f"in update {updates // 2 - 1} {last[0]:.3g} and {last[1]:.3g}.</p>"
    )


def two_curves(name: str, values: np.ndarray) -> str:
    """A number of two weights in each update, on a logarithmic scale, as HTML."""
    with style():
        drawn = Picture(figsize=(4.4, 3.2), layout="constrained", facecolor="none")
        ax = drawn.subplots()
        for k, (size, colour, dash) in enumerate(LINES):
            above_zero = np.where(values[:, k] > 0, values[:, k], np.nan)
            ax.plot(above_zero, dash, color=colour, label=f"gradient {size}")
        low, high = np.nanmin(values[values > 0]), np.nanmax(values)
        ax.set_yscale("log")
        ax.set_ylim(min(low, high / 100) / 2, max(high, low * 100) * 2)
        ax.set_xlabel("update t")
        ax.set_ylabel(name)
        ax.legend(frameon=False)
        return drawn._repr_html_()
