"""How schedules and optimizers show themselves: the formula of the docstring, with its numbers."""

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import (
    Any,
)

from lrlesson.base.fields import Frozen, number_text


class Shown(Frozen):
    """What a notebook shows as the formula of its docstring, with its own numbers in.

    The formula stands between the first two $ of the docstring, in LaTeX or in plain signs, with a
    semicolon between its lines. A later line `option  $new$ for $old$` says what an option changes
    in it, in the order of the lines; `option=value` holds for one value only.
    """

    def _equation(self) -> str:
        """The whole formula in LaTeX, with the numbers of this object."""
        raise NotImplementedError

    def _picture(self) -> str:
        """What stands beside the formula, in HTML."""
        return ""

    def _filled(self, formula: str, **variables: str) -> str:
        """A formula with this object's numbers in place of its fields' symbols."""
        symbols = {_SYMBOLS.get(name, name): getattr(self, name) for name in self._kinds}
        symbols |= variables
        # One pass over all symbols: a number once put in is never read as a symbol again.
        pattern = "|".join(
            rf"(?<![A-Za-z\\]){re.escape(s)}(?![A-Za-z_])"
            if s[0] != "\\"
            else re.escape(s) + r"(?![A-Za-z_])"
            for s in sorted(symbols, key=len, reverse=True)
        )
        return re.sub(
            pattern,
            lambda m: v if isinstance(v := symbols[m.group()], str) else latex_number(v),
            formula,
        )

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self._equation()}$"

    def _repr_html_(self) -> str:
        return (
            '<div class="lrlesson-formula" '
            'style="display:flex;flex-wrap:wrap;align-items:center;gap:1.5em">'
            f"<div>{html.escape(self._repr_latex_(), quote=False)}"
            f"<div><code>{html.escape(repr(self), quote=False)}</code></div></div>"
            f"{self._picture()}</div>"
        )


def written_formula(kind: type, rule: Any = None) -> str:
    """The formula in the docstring of a class, in LaTeX, or "" where there is none.

    rule: an object of it, whose options are then applied. A class with an `eta`, `update` or `step`
    of its own does not inherit the formula of another.
    """
    for owner in kind.__mro__:
        doc = " ".join((owner.__doc__ or "").split())
        if found := re.search(r"\$(.+?)\$", doc):
            return tex(_with_options(found[1], owner, rule))
        if {"eta", "update", "step"} & vars(owner).keys():
            break
    return ""


def options(kind: type) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """What the docstring says that options change: the option, its value, pairs of new and old."""
    for option, value, changes in re.findall(
        r"(?m)^ *(\w+)(?:=(\S+))?  +(\$.+)$", kind.__doc__ or ""
    ):
        yield option, value, re.findall(r"\$([^$]+)\$ for \$([^$]+)\$", changes)


def _with_options(formula: str, owner: type, rule: Any) -> str:
    """The formula after what the docstring says of the options that are set."""
    for option, wanted, changes in options(owner):
        value = getattr(rule, option, None)
        if repr(value) == wanted or (value and not wanted):
            for new, old in changes:
                place = rf"(?<!\w){re.escape(old)}(?!\w)"
                formula = re.sub(place, new.replace("\\", r"\\"), formula)
    return formula


def with_decay(formula: str, decay: str, decoupled: bool) -> str:
    """A rule's formula in LaTeX with weight decay, of the weights themselves or in the gradient."""
    if decoupled:
        shrunk = rf"w \leftarrow (1 - \eta \cdot {decay}) \cdot w"
        return formula.replace(r"w \leftarrow w", shrunk)
    return rf"g \leftarrow g + {decay} \cdot w; " + formula


def in_lines(formula: str) -> str:
    """A formula in LaTeX, one line below the other, with the arrows below each other."""
    lines = [re.sub(r" (\\leftarrow|=) ", r" &\1 ", x, count=1) for x in formula.split("; ")]
    return r"\begin{aligned} " + r" \\[4pt] ".join(lines) + r" \end{aligned}"


_TEX = {
    "η": r"\eta", "β": r"\beta", "ρ": r"\rho", "ε": r"\epsilon", "μ": r"\mu", "ψ": r"\psi",
    "Δ": r"\Delta", "Σ": r"\textstyle\sum", "←": r"\leftarrow", "−": "-", "·": r" \cdot ",
    "≤": r"\le", "max(": r"\max(", "sign(": r"\operatorname{sign}(",
    " if ": r" \text{ if } ", ", else ": r" \text{, else } ",
}  # fmt: skip


def tex(formula: str) -> str:
    """A formula written in plain signs, such as 1/(√v̂ + ε), in LaTeX; LaTeX stays as it is."""
    if "\\" in formula:
        return formula
    formula = unicodedata.normalize("NFD", formula)  # ḡ as two characters, as m̂ always is
    formula = re.sub(r"(\w)\u0302", r"\\hat{\1}", formula)
    formula = re.sub(r"(\w)\u0304", r"\\bar{\1}", formula)
    formula = re.sub(r"√\(([^()]+)\)|√(\\hat\{\w\}|\w)", r"\\sqrt{\1\2}", formula)
    root = r"\\sqrt\{(?:[^{}]|\{\w\})*\}"
    over = rf"({root}|\w+)/(?:\(([^()]+)\)|({root}))"
    formula = re.sub(over, r"\\dfrac{\1}{\2\3}", formula)
    formula = re.sub("[ᵗ⁺¹²]+", lambda m: f"^{{{unicodedata.normalize('NFKC', m[0])}}}", formula)
    formula = re.sub("[₁₂]", lambda m: f"_{unicodedata.normalize('NFKC', m[0])}", formula)
    formula = re.sub(r"_([A-Za-z]{2,})", r"_{\1}", formula)
    for sign, command in _TEX.items():
        formula = formula.replace(sign, command)
    return formula


_SYMBOLS = {
    "lr": r"\eta_0",
    "lr0": r"\eta_0",
    "lr_end": r"\eta_{end}",
    "max_lr": r"\eta_{max}",
    "base_lr": r"\eta_{min}",
    "gamma": r"\gamma",
    "drop": "d",
    "every": "k",
    "step_size": "s",
    "power": "p",
    "start": "a",
    "end": "b",
    "T0": "T_0",
    "mult": "m",
    "scale": "c",
    "d_model": "D",
    "warmup": "W",
    "stable": "S",
    "at": "M",
    "pct_start": "r",
    "div_factor": "f",
    "final_div_factor": "g",
    "decay": "D",
    "momentum": r"\beta",
    "beta": r"\beta",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "dampening": "d",
    "rho": r"\rho",
    "eps": r"\epsilon",
    "momentum_decay": r"\psi",
}


def latex_number(value: Any) -> str:
    """A number in LaTeX: 1e-05 becomes 10^{-5}, an array of several runs is braced."""
    text = re.sub(
        r"(-?[\d.]+)e([+-]\d+)", lambda m: rf"{m[1]}\cdot 10^{{{int(m[2])}}}", number_text(value)
    )
    text = re.sub(r"(?<![\d.])1\\cdot ", "", text)
    if text.startswith("["):
        return r"\{" + text[1:-1].replace("…", r"\ldots") + r"\}"
    return "{" + text + "}"
