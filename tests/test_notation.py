"""A formula means the same in every way of writing it, and holds no letter that nobody explains."""

import math
import re

import pytest

from lrlesson import controllers, optimizers, schedules
from lrlesson import schedules as sch
from lrlesson.base.fields import Nonnegative, Positive, Rate
from lrlesson.base.notation import fill, flow, plain, symbol_of, symbols, tex
from lrlesson.base.optimizer import Optimizer
from lrlesson.base.schedule import Schedule
from lrlesson.base.shown import written_formula

SCHEDULES = [
    sch.Constant(0.1), sch.StepDecay(0.1, 0.5, 30), sch.ExponentialDecay(0.123, 0.5, 30),
    sch.InverseTimeDecay(0.1, 0.03), sch.PolynomialDecay(0.1, 50, 2, 0.01),
    sch.PolynomialDecay(0.1, 50), sch.Cosine(0.1, 50, 0.01), sch.Cosine(0.1, 50),
    sch.WarmupCosine(0.1, 5, 50, 0.01), sch.WSD(0.1, 5, 20, 30), sch.Triangular(0.01, 0.1, 30),
    sch.Triangular(0, 0.1, 30), sch.Triangular2(0.01, 0.1, 7), sch.ExpRange(0.1, 0.2, 5, 0.9),
    sch.Linear(0.1, 0.2, 30), sch.Geometric(0.1, 2, 30), sch.Warmup(0.1, 5),
    sch.InverseSqrt(0.1, 10), sch.Noam(512, 400),
    sch.Cosine(0.1, 50) * 2, sch.Warmup(0.1, 5) >> sch.Cosine(0.1, 60), sch.Cosine(0.1, 20).take(9),
]  # fmt: skip
KINDS = [
    kind
    for module in (schedules, optimizers, controllers)
    for kind in vars(module).values()
    if isinstance(kind, type) and kind.__module__ == module.__name__ and written_formula(kind)
]


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
                         ("√", "sqrt"), ("mod", "%"), ("π", "pi"), ("ln", "log")):  # fmt: skip
        line = line.replace(sign, python)
    return eval(line, {"t": t, "abs": abs, "min": min, "max": max} | vars(math))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_the_line_is_the_schedule(schedule: Schedule):
    text = plain(schedule._repr_latex_())
    assert text.startswith("η(t) = ")
    assert "\\" not in text
    last = 50 if isinstance(schedule, sch.WarmupCosine) else 99  # flat afterwards, in words only
    for t in (t for t in (0, 1, 4, 5, 24, 25, 29, 30, 49, 50, 80) if t <= last):
        assert computed(text, t) == pytest.approx(schedule(t), rel=1e-9, abs=1e-12)


def test_it_reads_well():
    def line(schedule: Schedule) -> str:
        return plain(schedule._repr_latex_())

    assert line(sch.StepDecay(0.1, 0.5, 30)) == "η(t) = 0.1 · 0.5^{⌊t/30⌋}"
    assert line(sch.InverseTimeDecay(0.1, 1 / 30)) == "η(t) = 0.1/(1 + 0.03333 · t)"
    assert line(sch.PolynomialDecay(0.1, 50)) == "η(t) = 0.1 · (1 − min(t, 50)/50)"
    assert "↗ until t = 0.3 · 100 − 1" in line(sch.OneCycle(0.1, 100))
    assert plain(optimizers.Lion()._repr_latex_()).splitlines() == [
        "s = sign(0.9 · m + (1 − 0.9) · g);", "m ← 0.99 · m + (1 − 0.99) · g;", "w ← w − η · s",
    ]  # fmt: skip
    assert plain(optimizers.Adam()._repr_latex_()).endswith("w ← w − η · 1/(√(v̂) + 10^{−8}) · m̂")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_formula_goes_through_every_output(kind: type):
    formula = written_formula(kind)
    assert re.search(r"[^\x00-\x7f]", formula) is None, "a sign that is not in LaTeX yet"
    line = plain(formula)
    assert line
    assert not re.search(r"\\|\$|&|\{\{|  ", line)
    assert (flow(f"${formula}$") is None) == bool(
        re.search(r"frac|sqrt|\\hat|cases|\\min|\\max|\\cos", formula)
    )
    for symbol in symbols(formula):
        assert plain(symbol).replace("^{∗}", "")


@pytest.mark.parametrize(
    ("signs", "latex"),
    [
        ("κ·ν", r"\kappa \cdot \nu"),
        ("β₁₂ᵗ⁺¹", r"\beta_{12}^{t+1}"),
        ("η_max·x₀", r"\eta_{max} \cdot x_0"),
        ("√(s + ε)", r"\sqrt{s + \epsilon}"),
        ("⌊t/k⌋", r"\lfloor t/k\rfloor"),
        ("ηg ≥ 0", r"\eta g \ge 0"),
        ("ln(1 + t)·min(t, T)", r"\ln(1 + t) \cdot \min(t, T)"),
        ("tanh(m̃)", r"\tanh(\tilde{m})"),
        (r"\eta_{0}", r"\eta_0"),
    ],
)
def test_plain_signs_become_latex(signs: str, latex: str):
    assert tex(signs) == latex


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("lr", r"\eta_0"), ("lr0", r"\eta_0"), ("lr_end", r"\eta_{end}"), ("beta1", r"\beta_1"),
     ("T0", "T_0"), ("kappa", r"\kappa"), ("eps", r"\epsilon"), ("k", "k"), ("scale", "scale")],
)  # fmt: skip
def test_a_fields_name_is_its_symbol(name: str, symbol: str):
    assert symbol_of(name) == symbol


@pytest.mark.parametrize(
    ("formula", "filled"),
    [
        (r"r T", r"{2} \cdot {3}"),
        (r"rT - 1", r"{2} \cdot {3} - 1"),
        (r"\text{until } r", r"\text{until } {2}"),
        (r"\frac{r}{T} r_T + \rho", r"\frac{{2}}{{3}} r_T + \rho"),
        (r"2T", r"2 \cdot {3}"),
    ],
)
def test_a_number_is_never_read_as_a_part_of_another(formula: str, filled: str):
    assert fill(formula, {"r": 2, "T": 3}) == filled


@pytest.mark.parametrize("bad", [r"2 \nosuch", "2}", "{2", r"\begin{cases} 2"])
def test_what_is_not_known_or_not_closed_is_named(bad: str):
    with pytest.raises(ValueError, match=r"tex holds '\\nosuch'|balanced|without its end"):
        plain(bad)


def test_a_letter_that_two_fields_share_is_an_error():
    with pytest.raises(TypeError, match=r"Doubled: the symbol of every is k, .* of k;"):

        class Doubled(Schedule):
            """$a·k$, with a = `lr0` and k = `every`."""

            lr0: Rate
            every: Positive
            k: Positive


@pytest.mark.parametrize("base", [Schedule, Optimizer, controllers.Controller])
def test_a_letter_that_nothing_explains_is_an_error(base: type):
    with pytest.raises(TypeError, match=r"Unexplained: its formula holds \\nu.*: ν = `field`"):
        type("Unexplained", (base,), {"__doc__": "$κ·ν$", "__annotations__": {"kappa": Rate}})


def test_every_field_that_is_written_gets_its_number():
    class Scaled2(Schedule):
        """$c·κ/(1 + ν·t)·scale$"""

        c: Rate
        kappa: Nonnegative
        nu: Nonnegative
        scale: Nonnegative

        def eta(self, t):
            return self.c * self.kappa / (1 + self.nu * t) * self.scale

    assert plain(Scaled2(1, 2, 3, 4)._repr_latex_()) == "η(t) = 1 · 2/(1 + 3 · t) · 4"
