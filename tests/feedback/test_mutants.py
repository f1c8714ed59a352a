"""Mutation testing of every reference solution: each mutant must be called wrong.

By cosmic-ray, because its `mutate_code` takes and gives source text. The references are held as
text, so a mutant needs no file and no process, and a thousand of them take a minute. It is kept
well, and each of its operators is a small class. (mutmut mutates files and starts from a test
suite; mutatest has seen no release since 2022.) The slow lane runs every mutant and prints the
table; the fast lane changes numbers only.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from lrlesson.feedback.check.checking import _judge
from lrlesson.feedback.exercises import all_exercises

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

EXERCISES = list(all_exercises().values())

# Mutants that do what the reference does: exercise -> (what the mutant has, why it is the same).
EQUIVALENT = {
    "warmup-cosine": [
        ("max(warmup, 0)", "the ramp is then 0/0, but with warmup = 0 no update uses it"),
        ("(T - warmup), -1, 1)", "the clock is below 0 only in the ramp, which does not use it"),
    ],
    "range-test": [
        ("0.9 * mean + 1.1 * loss", "11 times the smoothed loss has its minimum at the same place"),
        ("0.9 * mean + 0.1 + loss", "so has 10 times the smoothed loss, plus 1"),
    ],
}


ALL = sorted(name for name in operator_names() if name.startswith("core/"))


def mutants(source: str, operators: list[str]) -> Iterator[str]:
    """Every mutant that these operators make, each text once."""
    seen = {source}
    for name in operators:
        try:
            operator = get_operator(name)()
        except TypeError:  # it needs arguments; none of these concerns plain arithmetic
            continue
        occurrence = 0
        while (mutant := mutate_code(source, operator, occurrence)) is not None:
            occurrence += 1
            if mutant not in seen:
                seen.add(mutant)
                yield mutant


def survives(exercise, mutant: str) -> bool:
    """Whether a check would call the mutant correct."""
    try:
        answers = exercise.build(mutant)
    except Exception:  # a mutant that cannot even be defined is no answer
        return False
    return _judge(exercise, answers).status == "correct"


def surviving(exercise, operators: list[str]) -> tuple[int, list[str]]:
    tried = list(mutants(exercise.reference, operators))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return len(tried), [m for m in tried if survives(exercise, m)]


def inequivalent(exercise, alive: list[str]) -> list[str]:
    listed = [has for has, _ in EQUIVALENT.get(exercise.id, [])]
    return [m for m in alive if not any(has in m for has in listed)]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_number_may_be_changed(exercise):
    _, alive = surviving(exercise, ["core/NumberReplacer"])
    assert inequivalent(exercise, alive) == []


@pytest.mark.slow
def test_every_mutant_that_differs_is_caught(capsys):
    rows = ["", "exercise          mutants  caught  equivalent"]
    for exercise in EXERCISES:
        tried, alive = surviving(exercise, ALL)
        assert inequivalent(exercise, alive) == []
        for has, why in EQUIVALENT.get(exercise.id, []):
            assert any(has in m for m in alive), f"no longer equivalent: {has} ({why})"
        rows.append(f"{exercise.id:17} {tried:7} {tried - len(alive):7} {len(alive):11}")
    with capsys.disabled():
        print("\n".join(rows))
