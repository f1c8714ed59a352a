"""A page for each schedule, optimizer and controller, made from the library itself.

The text is the class's docstring, the formula is the one that an object shows of itself, the curve
is computed, the rules are those that its fields are checked against, the papers that the docstring
cites stand in papers.toml, and what the frameworks write for the same numbers is the table that the
reference tests evaluate (tests/reference/rosetta.py).
"""

import importlib.util
import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import nbformat
import numpy as np
from live import live_curve

from lrlesson import (
    controllers,
    distance,
    losses,
    matrices,
    network,
    optimizers,
    schedules,
    wrappers,
)
from lrlesson.base.fields import AscendingUpdates, written
from lrlesson.base.notation import in_lines, tex
from lrlesson.base.optimizer import Optimizer
from lrlesson.base.schedule import Schedule
from lrlesson.base.shown import Shown, options, with_decay, written_formula
from lrlesson.drawing.stage import Picture
from lrlesson.drawing.theme import PALETTE, style
from lrlesson.training import descend

REFERENCE = Path(__file__).parents[1] / "tests" / "reference"
FRAMEWORKS = {
    "torch": "PyTorch",
    "optax": "optax",
    "keras": "Keras",
    "transformers": "Transformers",
    "prodigyopt": "the authors' code",
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
        wrappers.Clipped(optimizers.SGD(momentum=0.9), 1.0),
        wrappers.LayerRates(optimizers.SGD(), network.linear(2, bias=False), (0.5,)),
        wrappers.Averaged(optimizers.SGD(), 0.99),
        wrappers.Stored(optimizers.SGD()),
        wrappers.BadBatch(optimizers.Adam(), 100),
        matrices.Muon(network.MLP((1, 1, 1), bias=False)),
        distance.DoG(),
        distance.DoWG(),
        distance.Prodigy(),
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


RULES = [
    kind
    for module in (optimizers, wrappers, matrices, distance)
    for kind in members(module, Optimizer)
    if kind is not distance.FromStart  # what DoG and Prodigy have in common
]
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
    "schedules": ("Schedules", SCHEDULES, members(schedules, Schedule)),
    "optimizers": ("Optimizers", OPTIMIZERS, RULES),
    "controllers": ("Controllers", CONTROLLERS, members(controllers, controllers.Controller)),
}


def of_tests(folder: str, name: str) -> ModuleType:
    """A module of the tests' that holds facts of which pages are made."""
    spec = importlib.util.spec_from_file_location(name, REFERENCE.parent / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROSETTA = of_tests("reference", "rosetta")  # what the reference tests evaluate
PAPERS, ELSEWHERE = (
    tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
    for name in ("papers.toml", "elsewhere.toml")
)
VERSIONS = json.loads((REFERENCE / "versions.json").read_text())


def write(pages: Path) -> None:
    """Write the pages of every family, and the page above them, as Markdown."""
    for folder, (title, text, kinds) in FAMILIES.items():
        (pages / folder).mkdir()
        for kind in kinds:
            path = pages / folder / f"{kind.__name__}.md"
            path.write_text("\n\n".join(page(kind)) + "\n", encoding="utf-8")
        listed = "\n".join(kind.__name__ for kind in kinds)
        table = rows_of(
            [folder.removesuffix("s"), "what it does, and what it is called elsewhere"],
            [
                (f"[{kind.__name__}]({kind.__name__}.md){curve(kind)}", summary(kind) + names(kind))
                for kind in kinds
            ],
        )
        (pages / folder / "index.md").write_text(
            f"# {title}\n\n{text}\n\n{table}\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n",
            encoding="utf-8",
        )


def names(kind: type) -> str:
    """What each library calls a class, on a line of its own."""
    found = [
        f"{library} {' '.join(f'`{name}`' for name in called(kind, key))}"
        for key, library in FRAMEWORKS.items()
        if called(kind, key)
    ]
    return f"<br>{', '.join(found)}" if found else ""


def called(kind: type, library: str) -> list[str]:
    """The names that a library has for a class, in the order of the table."""
    same, apart, _ = about(kind)
    names = []
    for its, theirs, *_ in same + apart:
        calls = re.findall(r"([\w.]+)\(", theirs)
        name = calls[-1] if calls[0] == "chain" else calls[0]  # the last part of a chain moves w
        if its == library and name not in names:
            names.append(name)
    return names


@cache
def names_in_lessons() -> dict[str, set[str]]:
    """The words that the code of each lesson uses, by its name."""
    return {
        path.stem: set(re.findall(r"\w+", " ".join(
            cell.source for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "code"
        )))
        for path in sorted((REFERENCE.parents[1] / "notebooks").glob("*.ipynb"))
    }  # fmt: skip


def taught_in(name: str) -> list[str]:
    """Links to the lessons whose code uses a class."""
    return [
        f"[lesson {lesson[:2]}](../notebooks/{lesson}.ipynb)"
        for lesson, words in names_in_lessons().items()
        if name in words
    ]


def used_in(lesson: str) -> list[str]:
    """Links to the pages of the classes that a lesson's code uses."""
    return [
        f"[{kind.__name__}](../{folder}/{kind.__name__}.md)"
        for folder, (_, _, kinds) in FAMILIES.items()
        for kind in kinds
        if kind.__name__ in names_in_lessons()[lesson]
    ]


def curve(kind: type) -> str:
    """The small curve of a schedule; nothing for other classes."""
    return EXAMPLES[kind]._svg(150, 60) if issubclass(kind, Schedule) else ""


def page(kind: type) -> Iterator[str]:
    """The parts of the page of one class, in Markdown."""
    example = EXAMPLES[kind]
    yield f"# {kind.__name__}"
    yield f"$$\n{formula(kind)}\n$$"
    yield prose(described(kind))
    if changes := list(options(kind)):
        yield "What the options change in it:"
        yield "\n".join(map(change, changes))
    yield "## An example"
    yield f"`{example!r}`"
    if isinstance(example, Shown):
        yield f"$$\n{example._equation()}\n$$"
    if isinstance(example, Schedule):
        yield raw(live_curve(example).to_html(page=False, script=False))
    elif isinstance(example, Optimizer):
        yield ANSWERS
        yield raw(answers(example))
    else:
        words, loss, start = HEARD[kind]
        yield f"SGD goes down {words} with it. The rate of each update, and the loss before it:"
        yield raw(heard(example, loss, start))
    if lessons := taught_in(kind.__name__):
        yield f"Used in {', '.join(lessons)}."
    yield "## Fields"
    yield rows_of(["field", "what it is", "default"], list(fields(kind)))
    yield "## What the frameworks write"
    yield from frameworks(kind)
    yield "## Where it comes from"
    yield papers(kind)
    yield "## The code"
    yield f"```python\n{inspect.getsource(kind).rstrip()}\n```"


def formula(kind: type) -> str:
    """The formula of a class in LaTeX, with the names of its fields."""
    lines = written_formula(kind)
    if issubclass(kind, Schedule):
        return r"\eta(t) = " + lines
    if not issubclass(kind, Optimizer):
        return lines
    if EXAMPLES[kind].weight_decay:
        lines = with_decay(lines, r"\lambda", EXAMPLES[kind].decoupled)
    return in_lines(lines)


def papers(kind: type) -> str:
    """The papers that the docstring cites, in full."""
    doc = " ".join((inspect.getdoc(kind) or "").split())
    cited = [f"- {prose(full)}." for short, full in PAPERS.items() if short in doc]
    return "\n".join(cited) or "Common practice, for which we know no one paper to cite."


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
    return " and ".join(f"${tex(line)}$" for line in formula.split("; "))


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
        usual = "" if default is parameter.empty else f"`{written(default)}`"
        yield f"`{name}`", rule(kind._kinds[name]), usual


def rule(annotation: Any) -> str:
    """What a field must be, in words."""
    rules = [m.text for m in getattr(annotation, "__metadata__", ()) if hasattr(m, "text")]
    if rules:
        return rules[0]
    if annotation is bool:
        return "True or False"
    if annotation == AscendingUpdates:
        return "numbers of updates, ascending"
    if annotation is Optimizer:
        return "an optimizer"
    if isinstance(annotation, type) and annotation.__module__ != "builtins":
        return f"an {annotation.__name__}"  # a network
    if Ellipsis in get_args(annotation):
        return f"several: each {rule(get_args(annotation)[0])}"
    parts = [part for part in get_args(annotation) if part is not type(None)]
    said = " or ".join(
        f"`{part!r}`" if isinstance(part, str | bool) else rule(part) for part in parts
    )
    return said + (" (or None)" if type(None) in get_args(annotation) else "")


def about(kind: type) -> tuple[list[tuple], list[tuple], list[tuple]]:
    """The rows of the tables that are about a class: it gives the same numbers, it is called so
    but gives others (and why), it is a part of what gives the same."""
    same, apart, within = [], [], []
    for table in APART:
        apart += [(*row[:2], *nearest) for row, nearest in table.items()]
    apart += [(*row, ours, RAMP) for row, ours in ROSETTA.RAMPS.items()]
    apart = [row for row in apart if type(row[2]) is kind]
    elsewhere = {row[:2] for row in apart}
    for table in ALIKE:
        for library, part in table.items():
            for theirs, ours in part.items():
                row = (library, theirs, ours, ROSETTA.NOTES[library].get(theirs, ""))
                if type(ours) is kind:
                    same.append(row)
                elif row[:2] not in elsewhere and is_in(kind, ours):
                    within.append(row)
    return same, apart, within


def is_in(kind: type, thing: Any) -> bool:
    """Is a thing of this class, or made of one?"""
    return re.search(rf"\b{kind.__name__}\(", repr(thing)) is not None


def frameworks(kind: type) -> Iterator[str]:
    """What each library writes for the same numbers, and where none of ours gives them."""
    same, apart, within = about(kind)
    if not (same or within or apart):
        yield NOBODY
    else:
        every = same + apart + within
        yield f"Compared number by number with {versions(every)}. {symbols(kind, every)}".rstrip()
    if same:
        yield "**The same numbers.** What differs from our defaults is what we have to write."
        yield code_rows("we write", same)
    if apart:
        yield f"**Not the same numbers,** whatever the fields of {kind.__name__} are."
        yield code_rows("nearest of ours", [(*row[:3], exactly(*row)) for row in apart])
    if named := ELSEWHERE.get(kind.__name__):
        yield "**By name only.** Read in their source, and not compared number by number."
        yield rows_of(
            ["library", "they write", "what differs"],
            [(row["library"], f"`{row['writes']}`", prose(row["differs"])) for row in named],
            kind="catalogue compared",
        )
    if within:
        yield f"<details><summary>As a part of a composition: {len(within)}</summary>"
        yield code_rows("we write", within)
        yield "</details>"


def symbols(kind: type, rows: list[tuple]) -> str:
    """What the symbols in the libraries' code stand for."""
    if issubclass(kind, Optimizer):
        return "`lr` is the rate, or a schedule."
    used = any(re.search(r"\b(LR|opt)\b", theirs) for _, theirs, *_ in rows)
    return BASE if used else ""


def exactly(library: str, theirs: str, nearest: Any, why: str) -> str:
    """What differs from the nearest of ours, and what gives the same numbers, if anything does."""
    ours = ROSETTA.SCHEDULES.get(library, {}).get(theirs)
    return f"{why}. The same is `{ours!r}`" if ours is not None else why


RAMP = "our ramp begins at LR/W and theirs at 0: ours is one update ahead until the ramp has ended"
BASE = f"The base rate is LR = {ROSETTA.LR}; `opt` is an optimizer that has it."
NOBODY = """\
PyTorch, optax, Keras and Transformers have no class for it. As every schedule it is a function \
of t, and lesson 10 shows how they take one."""
APART = [
    ROSETTA.NAMESAKES,
    ROSETTA.UNMATCHED_SCHEDULES,
    ROSETTA.UNMATCHED_OPTIMIZERS,
    ROSETTA.UNMATCHED_PLATEAUS,
]
ALIKE = [
    ROSETTA.SCHEDULES,
    ROSETTA.OPTIMIZERS,
    ROSETTA.PLATEAUS,
    {"optax": ROSETTA.SEARCHES},
]


def versions(rows: list[tuple]) -> str:
    """The libraries of some rows, with the versions that were compared."""
    found = [name for name in FRAMEWORKS if any(row[0] == name for row in rows)]
    return ", ".join(f"{FRAMEWORKS[name]} {VERSIONS[name].split('+')[0]}" for name in found)


def code_rows(ours: str, rows: list[tuple]) -> str:
    """A table of a library's code and ours, and below that what differs, if anything is said."""
    return rows_of(
        ["library", "they write", ours],
        [
            (FRAMEWORKS[library], f"`{theirs}`", f"`{mine!r}`" + (f"<br>{prose(why)}" * bool(why)))
            for library, theirs, mine, why in rows
        ],
        kind="catalogue compared",
    )


def rows_of(head: list[str], rows: list[tuple], kind: str = "catalogue") -> str:
    """A table in Markdown; kind: its classes for the style sheet."""
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f":::{{container}} {kind}\n{table}\n:::"


ANSWERS = """\
Two weights get gradients that differ in size a hundred times: 1 and 0.01 for thirty updates, and \
then nothing. The rate is always 1. The first picture shows how far each weight moves in an \
update, the second one its effective rate, η · gain."""


COLOURS = [(PALETTE["low"][0], "-"), (PALETTE["broken"][0], "--")]


def answers(rule: Any, updates: int = 60) -> str:
    """What a rule does with a gradient of 1 and one of 0.01 that both end halfway."""
    w = np.zeros((1, 2))
    state = rule.init(w)
    moves, rates = np.empty((updates, 2)), np.empty((updates, 2))
    for t in range(updates):
        new = rule.step(w, np.array([[1.0, 0.01]]) * (t < updates // 2), state, 1.0)
        moves[t], rates[t] = np.abs(new - w)[0], state.rate[0]
        w = new
    names = ["gradient 1", "gradient 0.01"]
    first, last = moves[0], moves[updates // 2 - 1]
    return (
        side_by_side(curves("distance moved", moves, names), curves("effective rate", rates, names))
        + f"<p>In update 0 the two weights move {first[0]:.3g} and {first[1]:.3g}, "
        f"in update {updates // 2 - 1} they move {last[0]:.3g} and {last[1]:.3g}.</p>"
    )


# What the controllers are tried on: in words, the loss, where it starts.
HEARD: dict[type, tuple[str, losses.Loss, list[float]]] = {
    controllers.ReduceOnPlateau: ("a noisy bowl", losses.NoisyBowl(), [10.0]),
    controllers.Armijo: ("Rosenbrock's valley", losses.Rosenbrock(), [-1.2, 1.0]),
    controllers.Polyak: ("a bowl with curvatures 1 and 20", losses.Quadratic([1, 20]), [1.0, 1.0]),
}


def heard(controller: Any, loss: losses.Loss, start: list[float], updates: int = 120) -> str:
    """The rates that a controller chooses on a loss, and the losses that it chose them by."""
    history = descend(loss, start, optimizers.SGD(), controller, updates)
    return side_by_side(
        curves("rate", history.rates[0, :, None]), curves("loss", history.losses[0, :-1, None])
    )


def side_by_side(*pictures: str) -> str:
    """Pictures beside each other, where there is room."""
    return f'<div class="side-by-side">{"".join(pictures)}</div>'


def curves(name: str, values: np.ndarray, names: list[str] | None = None) -> str:
    """A number in each update, for each column of values, on a logarithmic scale, as HTML."""
    with style():
        drawn = Picture(figsize=(4.4, 3.2), layout="constrained", facecolor="none")
        ax = drawn.subplots()
        for k, (colour, dash) in enumerate(COLOURS[: values.shape[1]]):
            above_zero = np.where(values[:, k] > 0, values[:, k], np.nan)
            ax.plot(above_zero, dash, color=colour, label=names[k] if names else None)
        low, high = np.nanmin(values[values > 0]), np.nanmax(values)
        ax.set_yscale("log")
        ax.set_ylim(min(low, high / 100) / 2, max(high, low * 100) * 2)
        ax.set_xlabel("update t")
        ax.set_ylabel(name)
        if names:
            ax.legend(frameon=False)
        return drawn._repr_html_()
