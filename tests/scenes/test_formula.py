"""A schedule's formula in Unicode means what the schedule computes."""

import math
import re

import pytest

from lrlesson import schedules as sch
from lrlesson.scenes.formula import formula, unicode_maths

SCHEDULES = [
    sch.Constant(0.1), sch.StepDecay(0.1, 0.5, 30), sch.ExponentialDecay(0.123, 0.5, 30),
    sch.InverseTimeDecay(0.1, 0.03), sch.PolynomialDecay(0.1, 50, 2, 0.01),
    sch.PolynomialDecay(0.1, 50), sch.Cosine(0.1, 50, 0.01), sch.Cosine(0.1, 50),
    sch.WarmupCosine(0.1, 5, 50, 0.01), sch.WSD(0.1, 5, 20, 30), sch.Triangular(0.01, 0.1, 30),
    sch.Triangular(0, 0.1, 30), sch.Triangular2(0.01, 0.1, 7), sch.ExpRange(0.1, 0.2, 5, 0.9),
    sch.Linear(0.1, 0.2, 30), sch.Geometric(0.1, 2, 30), sch.Warmup(0.1, 5),
    sch.InverseSqrt(0.1, 10), sch.Noam(512, 400),
]  # fmt: skip


def computed(text: str, t: int) -> float:
    """What a reader would compute from the line."""
    line = text.partition(" = ")[2]
    for case in line.split(";\n"):
        line, _, where = case.partition(" for ")
        if not where or eval(where.replace("≥", ">="), {"t": t}):
            break
    line = re.sub(r"\^\{([^}]*)\}", r"**(\1)", line)
    line = re.sub(r"\|(.*)\|", r"abs(\1)", line)
    for sign, python in (("·", "*"), ("−", "-"), ("½", "0.5"), ("⌊", "floor("), ("⌋", ")"),
                         ("√", "sqrt"), ("mod", "%"), ("π", "pi")):  # fmt: skip
        line = line.replace(sign, python)
    return eval(line, {"t": t, "abs": abs, "min": min, "max": max} | vars(math))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: type(schedule).__name__)
def test_the_line_is_the_schedule(schedule: sch.Schedule):
    text = formula(schedule)
    assert text.startswith("η(t) = ")
    assert "\\" not in text
    last = 50 if isinstance(schedule, sch.WarmupCosine) else 99  # flat afterwards, in words only
    for t in (t for t in (0, 1, 4, 5, 24, 25, 29, 30, 49, 50, 80) if t <= last):
        assert computed(text, t) == pytest.approx(schedule(t), rel=1e-9, abs=1e-12)


def test_it_reads_well():
    assert formula(sch.StepDecay(0.1, 0.5, 30)) == "η(t) = 0.1 · 0.5^{⌊t/30⌋}"
    assert formula(sch.InverseTimeDecay(0.1, 1 / 30)) == "η(t) = 0.1/(1 + 0.03333 · t)"
    assert formula(sch.PolynomialDecay(0.1, 50)) == "η(t) = 0.1 · (1 − min(t, 50)/50)"
    assert "↗ until t = 0.3 · 100 − 1" in formula(sch.OneCycle(0.1, 100))


def test_what_it_does_not_know_is_named():
    with pytest.raises(ValueError, match=r"tex holds '\\zeta', which it does not know"):
        unicode_maths(r"$2 \zeta$")
    with pytest.raises(ValueError, match="expected balanced braces"):
        unicode_maths("2}")
