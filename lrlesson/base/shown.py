"""How schedules and optimizers show themselves: the formula of the docstring, with its numbers."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from lrlesson.base.fields import Frozen, number_text, refusal
from lrlesson.base.notation import fill, plain, symbol_of, symbols, tex

_CARD = (
    "display:flex;flex-wrap:wrap;align-items:center;gap:8px 28px;width:fit-content;max-width:806px;"
    "box-sizing:border-box;margin:4px 0;padding:10px 16px;border:1px solid #7f7f7f66;"
    "border-radius:6px"
)
_ROW = "padding:4px 28px 4px 0;border:0;border-bottom:1px solid #7f7f7f66;color:inherit"
_CELL = "padding:1px 14px 1px 0;border:0;color:inherit;font-variant-numeric:tabular-nums"


class Shown(Frozen):
    """What a notebook shows as the formula of its docstring, with its own numbers in.

    The formula stands between the first two $ of the docstring, in LaTeX or in plain signs, with a
    semicolon between its lines. A later line `option  $new$ for $old$` says what an option changes
    in it, in the order of the lines; `option=value` holds for one value only.

    A field's symbol is its name, β₁ for beta1, or what the docstring says: p = `power`. Any other
    letter must be said there too, in front of a = or an ←; t, η, w, g, λ and L are known.
    """

    _symbols: ClassVar[dict[str, str]] = {}  # the symbol of every field

    def _equation(self) -> str:
        """The whole formula in LaTeX, with the numbers of this object."""
        raise NotImplementedError

    def _picture(self) -> str:
        """What stands beside the formula, in HTML."""
        return ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._symbols = symbols_of(cls)

    def _filled(self, formula: str, **variables: str) -> str:
        """A formula with this object's numbers in place of its fields' symbols."""
        numbers = {symbol: getattr(self, name) for name, symbol in self._symbols.items()}
        return fill(formula, numbers | variables)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self._equation()}$"

    def _numbers(self) -> str:
        """The numbers of the formula, and what else is not as by default, in an HTML table."""
        held = symbols(written_formula(type(self), self), self._symbols.values())
        rows = ""
        for field in fields(self):
            symbol, value = self._symbols[field.name], getattr(self, field.name)
            default: Any = field.default
            named = symbol in held or (len(plain(symbol)) == 1 and np.any(value))
            if isinstance(value, Shown) or not (named or not np.array_equal(value, default)):
                continue
            said = number_text(value) if isinstance(value, (float, np.ndarray)) else repr(value)
            sign = plain(symbol) if named else ""
            sign = re.sub(r"_\{?(\w+)\}?", r"<sub>\1</sub>", sign)
            cells = [sign, html.escape(field.name), html.escape(said)]
            cells = [f'<td style="text-align:left;{_CELL}">{cell}</td>' for cell in cells]
            rows += f'<tr style="background:none">{"".join(cells)}</tr>'
        return rows and f'<table style="margin:0;border-collapse:collapse">{rows}</table>'

    def _repr_html_(self) -> str:
        return (
            f'<div class="lrlesson-formula" style="{_CARD}">'
            f"<div>{html.escape(self._repr_latex_(), quote=False)}"
            f"<div><code>{html.escape(repr(self), quote=False)}</code></div></div>"
            f"{self._numbers()}{self._picture()}</div>"
        )


@dataclass(frozen=True)
class Formulas:
    """Schedules or optimizers by their names, as one table: formula with its numbers, picture."""

    rows: Mapping[str, Shown]

    def __post_init__(self) -> None:
        rows = self.rows
        if not isinstance(rows, Mapping) or not all(isinstance(v, Shown) for v in rows.values()):
            expected = "schedules or optimizers, each by its name"
            raise TypeError(refusal("formulas", "shown", rows, expected))
        if not rows:
            raise ValueError(refusal("formulas", "shown", rows, "at least one"))

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {plain(one._equation())}" for name, one in self.rows.items())

    def _repr_html_(self) -> str:
        rows = ""
        for name, one in self.rows.items():
            said = html.escape(name), html.escape(one._repr_latex_(), quote=False), one._picture()
            code = f"<div><code>{html.escape(repr(one), quote=False)}</code></div>"
            cells = f'<th scope="row" style="text-align:left;{_ROW}">{said[0]}</th>'
            cells += f'<td style="text-align:left;{_ROW}">{said[1]}{code}</td>'
            rows += f'<tr style="background:none">{cells}<td style="{_ROW}">{said[2]}</td></tr>'
        return f'<table class="lrlesson-formulas" style="border-collapse:collapse">{rows}</table>'


_KNOWN = {"t", r"\eta", "w", "g", r"\lambda", "L", "e"}
_SAID = re.compile(r"(?<![\w{])([^\W\d]\S*) (?:=|←|∈|\\leftarrow|\\in) *(?:`(\w+)`)?")


def symbols_of(kind: type[Frozen]) -> dict[str, str]:
    """The symbol of every field in the formula of a class.

    Raises TypeError where two fields have the same one, or where the formula holds one that neither
    a field nor the docstring explains.
    """
    docs = [owner.__doc__ or "" for owner in reversed(kind.__mro__) if issubclass(owner, Frozen)]
    said = [
        (tex(symbol), field)
        for doc in docs
        for symbol, field in _SAID.findall(doc.replace("$", " "))
    ]
    own = {name: symbol_of(name) for name in kind._kinds}
    own |= {field: symbol for symbol, field in said if field in own}
    for name, symbol in own.items():
        if same := [other for other, its in own.items() if its == symbol and other != name]:
            raise TypeError(
                f"{kind.__name__}: the symbol of {name} is {symbol}, expected another than that of "
                f"{same[0]}; say it in the docstring, as in: k = `{name}`"
            )
    known = _KNOWN | set(own.values()) | {re.sub(r"\(t\)$", "", symbol) for symbol, _ in said}
    changed = [new for _, _, pairs in options(kind) for new, _ in pairs]
    for formula in [written_formula(kind), *map(tex, changed)]:
        if unknown := sorted(symbols(formula, known) - known):
            raise TypeError(
                f"{kind.__name__}: its formula holds {unknown[0]}, expected the symbol of a field, "
                f"or one that the docstring explains, as in: {plain(unknown[0])} = `field`"
            )
    return own


def written_formula(kind: type, rule: Any = None) -> str:
    """The formula in the docstring of a class, in LaTeX, or "" where there is none.

    rule: an object of it, whose options are then applied. A class with an `eta`, `update`, `step`
    or `move` of its own does not inherit the formula of another.
    """
    for owner in kind.__mro__:
        doc = " ".join((owner.__doc__ or "").split())
        if found := re.search(r"\$(.+?)\$", doc):
            return tex(_with_options(found[1], owner, rule))
        if {"eta", "update", "step", "move"} & vars(owner).keys():
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
        if repr(value) == wanted or (not wanted and np.any(value)):
            for new, old in changes:
                place = rf"(?<!\w){re.escape(old)}(?!\w)"
                formula = re.sub(place, new.replace("\\", r"\\"), formula)
    return formula


def with_decay(formula: str, decay: str, decoupled: bool, rate: str = r"\eta") -> str:
    """A rule's formula in LaTeX with weight decay, of the weights themselves or in the gradient."""
    if decoupled:
        shrunk = rf"w \leftarrow (1 - {rate} \cdot {decay}) \cdot w"
        return formula.replace(r"w \leftarrow w", shrunk)
    return rf"g \leftarrow g + {decay} \cdot w; " + formula


def small_curve(
    x: np.ndarray,
    rows: np.ndarray,
    label: str,
    high: str,
    last: str,
    size: tuple[int, int] = (260, 90),
) -> str:
    """Lines from 0 to their largest value as a drawing in the colour of the text, with two labels.

    x: (points,). rows: (lines, points), at least 0. label: the text alternative. high: what is said
    of the largest value; last: of the last x. size: width and height in pixels.
    """
    width, height = size
    across = 4 + x / max(x[-1], 1) * (width - 8)
    lines = ""
    for row in rows:
        up = height - 18 - row / (float(rows.max()) or 1.0) * (height - 38)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, up, strict=True))
        lines += (
            f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="2.4"/>'
        )
    return (
        f'<svg role="img" aria-label="{html.escape(label)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" style="font:12px sans-serif">{lines}'
        f'<line x1="4" x2="{width - 4}" y1="{height - 17}" y2="{height - 17}" '
        'stroke="currentColor" stroke-opacity=".4"/>'
        f'<text x="4" y="12" fill="currentColor">{html.escape(high)}</text>'
        f'<text x="{width - 4}" y="{height - 4}" text-anchor="end" fill="currentColor">'
        f"{html.escape(last)}</text></svg>"
    )
