r"""The one notation of formulas, and the one place that translates it.

A docstring's formula is in LaTeX, or in plain signs: $v̂ = v/(1 − β₂ᵗ⁺¹)$. `tex` makes LaTeX of
either, `symbols` finds its letters and `fill` puts numbers there. `plain` is the way back, from
LaTeX to a line of text, and `flow` gives raised and lowered characters to a drawing. What none of
them knows is a ValueError that names it, or None from `flow`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lrlesson.base.fields import number_text

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ",
    "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_SIGNS = GREEK | {
    "leftarrow": "←", "to": "→", "nearrow": "↗", "searrow": "↘", "cdot": "·", "times": "×",
    "pm": "±", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "approx": "≈", "in": "∈",
    "lfloor": "⌊", "rfloor": "⌋", "infty": "∞", "nabla": "∇", "sum": "Σ", "ast": "∗", "dots": "…",
    "ldots": "…", "bmod": "mod", "quad": " ", "|": "‖", ",": "\u2009", ";": " ", " ": " ",
    "#": "#", "{": "{", "}": "}", "$": "$", "%": "%",
    "left": "", "right": "", "displaystyle": "", "textstyle": "",
}  # fmt: skip
_COMMANDS = {
    sign: rf"\{name}" for name, sign in reversed(_SIGNS.items()) if ord(sign[:1] or " ") > 127
}
_FUNCTIONS = ("min", "max", "cos", "sin", "tanh", "exp", "ln", "log")
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵃᵇᶜᵈᵉᵏᵐⁿᵖᵗ"
_SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₖₘₙₚₛₜ"

# --- From plain signs to LaTeX -------------------------------------------------------------------


def tex(formula: str) -> str:
    """A formula written in plain signs, such as 1/(√v̂ + ε), in LaTeX; LaTeX stays as it is."""
    if "\\" in formula:
        return re.sub(r"_\{(\w)\}", r"_\1", formula)
    formula = unicodedata.normalize("NFD", formula)  # ḡ as two characters, as m̂ always is
    for name, accent in _ACCENTS.items():
        formula = re.sub(rf"(\w){accent}", rf"\\{name}{{\1}}", formula)
    formula = re.sub(r"√\(([^()]+)\)|√(\\hat\{\w\}|\w)", r"\\sqrt{\1\2}", formula)
    root = r"\\sqrt\{(?:[^{}]|\{\w\})*\}"
    over = rf"({root}|\w+)/(?:\(([^()]+)\)|({root}))"
    formula = re.sub(over, r"\\dfrac{\1}{\2\3}", formula)
    for mark, scripts in (("^", _SUPERSCRIPTS), ("_", _SUBSCRIPTS)):
        formula = re.sub(f"([{scripts}]+)", rf"{mark}{{\1}}", formula)
        formula = "".join(unicodedata.normalize("NFKC", c) if c in scripts else c for c in formula)
    formula = re.sub(r"_([A-Za-z]{2,})", r"_{\1}", re.sub(r"_\{(\w)\}", r"_\1", formula))
    formula = re.sub(rf"(?<![\w\\])({'|'.join(_FUNCTIONS)})(?=\()", r"\\\1", formula)
    formula = re.sub(r"(?<![\w\\])sign(?=\()", r"\\operatorname{sign}", formula)
    formula = re.sub("( if |, else )", r" \\text{\1} ", formula)
    formula = formula.replace("·", " · ").replace("−", "-").replace("½", r"\tfrac12")
    formula = formula.replace("Σ", r"\textstyle\sum")
    return re.sub(
        f"([{''.join(_COMMANDS)}])([A-Za-z]?)",
        lambda m: f"{_COMMANDS[m[1]]} {m[2]}" if m[2] else _COMMANDS[m[1]],
        formula,
    )


def in_lines(formula: str) -> str:
    """A formula in LaTeX, one line below the other, with the arrows below each other."""
    lines = [re.sub(r" (\\leftarrow|=) ", r" &\1 ", x, count=1) for x in formula.split("; ")]
    return r"\begin{aligned} " + r" \\[4pt] ".join(lines) + r" \end{aligned}"


def latex_number(value: Any) -> str:
    """A number in LaTeX: 1e-05 becomes 10^{-5}, an array of several runs is braced."""
    text = re.sub(
        r"(-?[\d.]+)e([+-]\d+)", lambda m: rf"{m[1]}\cdot 10^{{{int(m[2])}}}", number_text(value)
    )
    text = re.sub(r"(?<![\d.])1\\cdot ", "", text)
    if text.startswith("["):
        return r"\{" + text[1:-1].replace("…", r"\ldots") + r"\}"
    return "{" + text + "}"


# --- The symbols of a formula --------------------------------------------------------------------

_INDEX = r"(?:_(?:\{[^{}]*\}|\\?\w))?"
_PIECE = re.compile(
    r"(?P<words>\\(?:text|mathrm|operatorname|begin|end) *\{[^{}]*\}|\\[^A-Za-z])"
    rf"|(?P<accent>\\(?:{'|'.join(_ACCENTS)})\{{\\?[A-Za-z]+\}}{_INDEX})"
    rf"|\\(?P<command>[A-Za-z]+)(?P<lowered>{_INDEX})"
    rf"|(?P<letters>[A-Za-z]+)(?P<index>{_INDEX})"
)


def symbol_of(name: str) -> str:
    """The symbol that a field has by its name: β₁ for beta1, η_end for lr_end, k for k."""
    letters, digits, index = re.fullmatch(r"([A-Za-z]*?)(\d*)((?:_\w+)?)", name).groups()  # type: ignore[union-attr]
    if letters == "lr":
        digits = digits or "0" * (not index)
    letters = {"lr": "eta", "eps": "epsilon"}.get(letters, letters)
    index = index[1:] or digits
    base = rf"\{letters}" if letters in GREEK else letters
    return base + (f"_{index}" if len(index) == 1 else f"_{{{index}}}" if index else "")


def _pieces(formula: str, known: Any = ()) -> Iterator[tuple[str, str]]:
    """A formula in LaTeX cut into pieces, each with the symbol that it is, or "" for no symbol.

    Letters in a row are a symbol each, as in mathematics, unless the word that they make is known.
    """
    end = 0
    for m in _PIECE.finditer(formula):
        yield formula[end : m.start()], ""
        end = m.end()
        if m["letters"] and m[0] not in known and m["letters"] not in known:
            yield from ((letter, letter) for letter in m["letters"][:-1])
            last = m["letters"][-1] + m["index"]
            yield last, last
        elif m["command"] and (m["command"] not in GREEK or m["command"] == "pi"):
            yield m[0], ""
        else:
            yield m[0], "" if m["words"] else m[0]
    yield formula[end:], ""


def symbols(formula: str, known: Any = ()) -> set[str]:
    r"""The symbols of a formula in LaTeX, with their indices and accents: `\beta_1`, `\hat{m}`."""
    return {symbol for _, symbol in _pieces(formula, known)} - {""}


def fill(formula: str, values: Mapping[str, Any]) -> str:
    """A formula in LaTeX with numbers, or LaTeX, in place of its symbols; in one pass, so that what
    was once put in is never read as a symbol again."""
    filled = ""
    for text, symbol in _pieces(formula, values):
        if symbol in values:
            value = values[symbol]
            text = value if isinstance(value, str) else latex_number(value)
            # Two symbols side by side are a product; two numbers would be read as another number.
            if not isinstance(value, str) and re.search(r"[\d}]\s*$", filled):
                words = re.search(r"\\(?:text|mathrm|operatorname|begin) *\{[^{}]*\}\s*$", filled)
                filled = filled if words else filled.rstrip() + r" \cdot "
        filled += text
    return filled


# --- From LaTeX to text --------------------------------------------------------------------------


class _Node(NamedTuple):
    kind: str  # letter, number, sign, function, words, group, roman, over, root, sub, sup, rows
    text: str = ""
    parts: tuple = ()


_TOKEN = re.compile(r"\\([a-zA-Z]+) *|\\(.)|(\d*\.?\d+)|(\s+)|(.)", re.DOTALL)


def _read(source: str) -> tuple[_Node, ...]:
    """What a formula in LaTeX consists of. ValueError for what is not known, or not balanced."""
    tokens = [m.groups("") for m in _TOKEN.finditer(source.strip().strip("$"))]
    nodes, end = _until(tokens, 0)
    if end < len(tokens):
        raise ValueError(f"a formula: tex = {source!r}, expected balanced braces")
    return nodes


def _until(tokens: list, k: int) -> tuple[tuple[_Node, ...], int]:
    """The nodes from token k to the brace, or the `\\end`, that closes them, and where that is."""
    nodes: list[_Node] = []
    while k < len(tokens) and tokens[k][4] != "}" and tokens[k][0] != "end":
        node, k = _node(tokens, k)
        nodes.append(node)
    return tuple(nodes), k


def _node(tokens: list, k: int) -> tuple[_Node, int]:
    word, escaped, number, blank, char = tokens[k]
    k += 1
    if number:
        return _Node("number", number), k
    if char == "{":
        parts, k = _until(tokens, k)
        if k == len(tokens):
            raise ValueError(
                "a formula: tex has a brace that is not closed, expected balanced braces"
            )
        return _Node("group", "", parts), k + 1
    if blank or char in ("^", "_"):
        if blank or k == len(tokens):
            return _Node("blank"), k
        part, k = _node(tokens, k)
        return _Node("sup" if char == "^" else "sub", "", (part,)), k
    if char:
        return _Node("letter" if char.isalpha() else "sign", char), k
    if word in ("frac", "dfrac", "tfrac"):
        digits = tokens[k][2] if k < len(tokens) else ""
        if len(digits) == 2:
            both: tuple = tuple(_Node("number", d) for d in digits)
            return _Node("over", word, both), k + 1
        above, k = _node(tokens, k)
        below, k = _node(tokens, k)
        return _Node("over", word, (above, below)), k
    if word in ("sqrt", *_ACCENTS):
        part, k = _node(tokens, k)
        return _Node("root" if word == "sqrt" else "accent", _ACCENTS.get(word, ""), (part,)), k
    if word in ("text", "mathrm", "operatorname", "mathdefault"):
        part, k = _node(tokens, k)
        return _Node("words", word, (part,)), k
    if word == "mathit":
        return _node(tokens, k)
    if word == "begin":
        name, k = _node(tokens, k)
        inside, k = _until(tokens, k)
        if k == len(tokens):
            raise ValueError("a formula: tex has a begin without its end")
        _, k = _node(tokens, k + 1)
        return _Node("rows", "".join(part.text for part in name.parts), inside), k
    if word in _FUNCTIONS:
        return _Node("function", word), k
    if escaped == "\\":
        if tokens[k : k + 1] and tokens[k][4] == "[":  # how far below: nothing to say
            k = next(n for n, token in enumerate(tokens) if n > k and token[4] == "]") + 1
        return _Node("row"), k
    if (sign := _SIGNS.get(word or escaped)) is None:
        raise ValueError(f"a formula: tex holds '\\{word or escaped}', which is not known")
    return _Node("letter" if word in GREEK else "sign", sign), k


def plain(formula: str) -> str:
    r"""LaTeX as a line of text: `{0.1} \cdot {0.5}^{\lfloor t/{30} \rfloor}` becomes
    0.1 · 0.5^{⌊t/30⌋}. Superscripts stay marked with ^{…} and subscripts with _, which a scene
    draws as such; products are written with a dot, numbers with four digits at most, and each line
    or case on a line of its own.
    """
    return _plain(_read(formula)).strip()


_BESIDE = {"-": " − ", "+": " + ", "=": " = ", "<": " < ", ",": ", "} | {
    sign: f" {sign} " for sign in ("·", "×", "±", "≤", "≥", "≠", "≈", "←", "→", "∈", "mod")
}


def _plain(nodes: tuple[_Node, ...]) -> str:
    text = ""
    for k, node in enumerate(nodes):
        if node.kind == "function" and not _opens(nodes[k + 1 :]):
            inside = nodes[k + 1 :]
            close = next((n for n, x in enumerate(inside) if x.text == ")"), len(inside))
            return _tidy(
                _beside(text, f"{node.text}({_plain(inside[:close])})") + _plain(inside[close:])
            )
        text = _beside(text, _part(node))
    return _tidy(text)


def _opens(nodes: tuple[_Node, ...]) -> bool:
    """Whether the next thing that is written is an opening bracket."""
    return next((node.text for node in nodes if node.kind != "blank" and node.text), "") == "("


def _beside(text: str, part: str) -> str:
    """Text with one more part, and a dot where LaTeX writes a product by standing side by side."""
    functions = "|".join(_FUNCTIONS)
    if re.search(r"[\d)½π}]\s*$", text) and re.match(rf"[\d(½π√]|(?:{functions})\b", part):
        return text.rstrip() + " · " + part
    return text + part


def _tidy(text: str) -> str:
    text = re.sub(r"\(([\d.]+) − 0\)", r"\1", text)  # a rate that ends at 0 needs no saying
    text = re.sub(r"(^|= )0 \+ ", r"\1", text)
    text = re.sub(r"(^|[{(])\s*− ", r"\1−", text)
    return re.sub(r" +", " ", text.replace("^{1}", ""))


def _part(node: _Node) -> str:
    """What one node says in a line of text."""
    inside = _plain(node.parts) if node.kind not in ("over", "rows", "words") else ""
    match node.kind:
        case "number":
            return f"{float(node.text):.4g}" if len(node.text.partition(".")[2]) > 4 else node.text
        case "words":
            return f" {_words(node.parts).strip()} " if node.text == "text" else _words(node.parts)
        case "group":
            return inside.strip() or inside
        case "sub" | "sup":
            mark, inside = "_" if node.kind == "sub" else "^", inside.strip()
            return f"{mark}{inside}" if mark == "_" and inside.isalnum() else f"{mark}{{{inside}}}"
        case "accent":
            return unicodedata.normalize("NFC", inside.strip() + node.text)
        case "root":
            return f"√({inside.strip()})"
        case "over":
            above, below = (_plain((part,)).strip() for part in node.parts)
            half = node.text == "tfrac" and (above, below) == ("1", "2")
            return "½" if half else "/".join(f"({x})" if " " in x else x for x in (above, below))
        case "rows":
            rows: list[list[_Node]] = [[]]
            for part in node.parts:
                rows.append([]) if part.kind == "row" else rows[-1].append(part)
            between = " for " if node.text == "cases" else ""
            return ";\n".join(_row(row, between) for row in rows)
    return _BESIDE.get(node.text, node.text)


def _words(nodes: tuple[_Node, ...]) -> str:
    """Words within a formula: their blanks count."""
    return "".join(
        _words(node.parts) if node.kind == "group" else " " * (node.kind == "blank") or _part(node)
        for node in nodes
    )


def _row(nodes: list[_Node], between: str) -> str:
    cells: list[list[_Node]] = [[]]
    for node in nodes:
        cells.append([]) if node.text == "&" else cells[-1].append(node)
    return between.join(_plain(tuple(cell)).strip(between and " ") for cell in cells).strip()


# --- From LaTeX to a drawing ---------------------------------------------------------------------


def flow(source: str) -> list[tuple[str, int, bool]] | None:
    """Text with formulas between $ as runs: (characters, -1 | 0 | 1 for sub | superscript, italic).

    None where it cannot flow: fractions, roots, accents, nested scripts, an unknown command.
    """
    found: list[tuple[str, int, bool]] = []
    for k, part in enumerate(re.split(r"(?<!\\)\$", source)):
        try:
            more = list(_runs(_read(part))) if k % 2 else [(part.replace(r"\$", "$"), 0, False)]
        except ValueError:
            return None
        for text, shift, italic in more:
            if found and found[-1][1:] == (shift, italic):
                found[-1] = (found[-1][0] + text, shift, italic)
            elif text:
                found.append((text, shift, italic))
    return found


def _runs(
    nodes: tuple[_Node, ...], shift: int = 0, roman: bool = False
) -> Iterator[tuple[str, int, bool]]:
    for node in nodes:
        match node.kind:
            case "group":
                yield from _runs(node.parts, shift, roman)
            case "words":
                yield from _runs(node.parts, shift, True)
            case "sub" | "sup" if not shift:
                yield from _runs(node.parts, -1 if node.kind == "sub" else 1, roman)
            case "blank":
                yield " " * roman, shift, False
            case "letter" | "number" | "sign":
                italic = node.kind == "letter" and node.text.isascii() and not roman
                yield node.text.replace("-", "−"), shift, italic
            case kind:
                raise ValueError(f"a formula that does not flow as text: {kind}")
