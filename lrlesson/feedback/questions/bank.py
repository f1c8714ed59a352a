"""The questions of the folder `questions`, and fresh numbers for those that are about numbers."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.widgets.forms import Option, Question

Numbers = dict[str, str]
Generator = np.random.Generator


@cache
def all_questions() -> dict[str, Question]:
    """Every question by its id, lesson by lesson, with its standard numbers.

    Raises ValueError with the id of a question that is not as questions/README.md says.
    """
    return {id: _filled(template, None) for id, template in _templates().items()}


@cache
def _templates() -> dict[str, Question]:
    """The questions as they stand in the files, with names in braces for numbers."""
    found: dict[str, Question] = {}
    folder = files(__package__)
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".toml"):
            continue
        for entry in tomllib.loads(file.read_text(encoding="utf-8"))["question"]:
            options = tuple(Option(**option) for option in entry["options"])
            one = Question(entry["id"], entry["ask"], entry.get("source", ""), options)
            _validate(one, found)
            if not one.id.startswith(file.name.removesuffix("test.toml").removesuffix(".toml")):
                raise ValueError(f"question {one.id!r} is in {file.name}, expected its own file")
            found[one.id] = one
    return found


def _validate(one: Question, others: dict[str, Question]) -> None:
    if not re.fullmatch(r"\d\d-[qr]\d+|pre-\d\d", one.id) or one.id in others:
        raise ValueError(f"question {one.id!r}: the id is malformed or taken")
    mistakes = [option.mistake for option in one.options if option.mistake is not None]
    if not 3 <= len(one.options) <= 4 or len(mistakes) != len(one.options) - 1:
        raise ValueError(f"question {one.id}: expected 3 or 4 options, one of them right")
    if unknown := set(mistakes) - set(MISCONCEPTIONS):
        raise ValueError(f"question {one.id}: {unknown} is not in misconceptions.py")


def fresh(id: str, seed: int) -> Question:
    """The question with new numbers, where it is about numbers, and its options in a new order."""
    rng = np.random.default_rng([seed, *id.encode()])
    one = _filled(_templates()[id], rng)
    order = rng.permutation(len(one.options))
    return replace(one, options=tuple(one.options[i] for i in order))


def _filled(one: Question, rng: Generator | None) -> Question:
    if one.id not in NUMBERS:
        return one
    numbers = NUMBERS[one.id](rng)
    options = tuple(
        Option(o.text.format(**numbers), o.why.format(**numbers), o.mistake) for o in one.options
    )
    return replace(one, ask=one.ask.format(**numbers), options=options)


# One generator for each question with numbers: of None, the standard ones; of a Generator, others.


def _pick(rng: Generator | None, *choices: Any) -> Any:
    """The first, standard choice; with a generator one of the others."""
    return choices[0 if rng is None else int(rng.integers(1, len(choices)))]


def _g(value: float) -> str:
    return f"{value:.3g}"


def _next_weight(rng: Generator | None) -> Numbers:
    lr, w = _pick(rng, (0.1, 3), (0.2, 4), (0.1, 5), (0.3, 2), (0.05, 8), (0.2, 6))
    return {
        "lr": _g(lr),
        "w": _g(w),
        "right": _g(w - lr * 2 * w),
        "length": _g(w - lr),
        "weight": _g(w - lr * w),
        "uphill": _g(w + lr * 2 * w),
    }


def _mirror(rng: Generator | None) -> Numbers:
    # Steps as measured.
    low, steps = _pick(rng, (0.05, 66), (0.25, 10), (0.005, 688))
    return {
        "low": f"{100 * low:g} %",
        "high": f"{100 * (1 - low):g} %",
        "ratio": _g((1 - low) / low),
        "steps": str(steps),
    }


def _threshold(rng: Generator | None) -> Numbers:
    c = _pick(rng, 20, 8, 10, 16, 40, 50)
    return {"c": str(c), "right": _g(2 / c), "half": _g(1 / c), "average": _g(4 / (1 + c))}


def _floor(rng: Generator | None) -> Numbers:
    return {"k": str(_pick(rng, 2, 3, 4, 8))}


def _stairs(rng: Generator | None) -> Numbers:
    lr0, drop, every = _pick(rng, (0.8, 0.5, 10), (1.0, 0.1, 20), (0.4, 0.5, 5), (2.0, 0.1, 50))
    rates = [lr0 * drop**k for k in range(4)]

    def said(*drops: int) -> str:
        return ", ".join(_g(rates[k]) for k in drops)

    return {
        "lr0": _g(lr0),
        "drop": _g(drop),
        "before": str(every - 1),
        "every": str(every),
        "twice": str(2 * every),
        "right": said(0, 1, 2),
        "early": said(1, 1, 2),
        "late": said(0, 0, 1),
        "called": said(1, 2, 3),
    }


def _per_step(rng: Generator | None) -> Numbers:
    gamma, n = _pick(rng, (0.9, 42), (0.8, 50), (0.5, 100), (0.7, 20))
    return {
        "gamma": _g(gamma),
        "n": str(n),
        "right": f"{gamma ** (1 / n):.4f}",
        "divided": f"{gamma / n:.4f}",
    }


def _adagrad(rng: Generator | None) -> Numbers:
    root = _pick(rng, 100, 10, 20, 50)
    return {"n": f"{root**2}", "right": f"{1 / root:g}", "over": f"{1 / root**2:g}"}


def _first_step(rng: Generator | None) -> Numbers:
    small, large = _pick(rng, (0.001, 50), (0.01, 20), (0.002, 300), (0.05, 7))
    return {"small": _g(small), "large": _g(large)}


NUMBERS: dict[str, Callable[[Generator | None], Numbers]] = {
    "pre-01": _next_weight,
    "pre-03": _mirror,
    "pre-04": _threshold,
    "pre-05": _floor,
    "pre-07": _stairs,
    "pre-08": _per_step,
    "pre-11": _adagrad,
    "pre-12": _first_step,
}
