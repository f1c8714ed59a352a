"""A formula as a line of text: what a schedule says in LaTeX, for pages without a typesetter."""

from __future__ import annotations

import re

from lrlesson.base.schedule import Schedule

_WORDS = {
    "cdot": " · ", "times": " × ", "lfloor": "⌊", "rfloor": "⌋", "le": " ≤ ", "ge": " ≥ ",
    "bmod": " mod ", "pi": "π", "eta": "η", "gamma": "γ", "nearrow": "↗", "searrow": "↘",
    "quad": " ", "left": "", "right": "", "min": "min", "max": "max", "cos": "cos",
}  # fmt: skip
_FRACTIONS = ("frac", "dfrac", "tfrac")
_TOKEN = re.compile(r"\\([a-zA-Z]+)|\\(.)|(\d*\.?\d+)|(\s+)|(.)")


def formula(schedule: Schedule) -> str:
    """η(t) = … with the schedule's own numbers, as `unicode_maths` writes it."""
    return unicode_maths(schedule._repr_latex_())


def unicode_maths(tex: str) -> str:
    """LaTeX as plain Unicode: `{0.1} \\cdot {0.5}^{\\lfloor t/{30} \\rfloor}` becomes
    0.1 · 0.5^{⌊t/30⌋}. Superscripts stay marked with ^{…} and subscripts with _, which a scene
    draws as such; products are written with a dot, numbers with four digits at most, and each case
    on a line of its own.

    It knows what the schedules of this course use; ValueError, with the word, for anything else.
    """
    body = tex.strip().strip("$").replace(r"\displaystyle", "")
    if "cases" in body:
        before, _, rest = body.partition(r"\begin{cases}")
        rows = rest.partition(r"\end{cases}")[0].split(r"\\")
        lines = [" for ".join(_tidy(part) for part in row.split("&")) for row in rows]
        return " ".join([_tidy(before), ";\n".join(lines)]).strip()
    return _tidy(body)


def _tidy(tex: str) -> str:
    tokens = [match.groups() for match in _TOKEN.finditer(tex) if not match[4]]
    text, end = _read(tokens, 0)
    if end < len(tokens):
        raise ValueError(f"unicode_maths: tex = {tex!r}, expected balanced braces")
    text = re.sub(r"\(([\d.]+) − 0\)", r"\1", text)  # a rate that ends at 0 needs no saying
    text = re.sub(r"^0 \+ ", "", text)
    text = re.sub(r"= 0 \+ ", "= ", text)
    text = re.sub(r"(^|[{(])\s*− ", r"\1−", text)
    return re.sub(r" +", " ", text.replace("^{1}", "")).strip()


def _read(tokens: list, k: int, ends: str = "}") -> tuple[str, int]:
    """The text from token k to the character that closes its group, and where that is."""
    text = ""
    while k < len(tokens) and (not tokens[k][4] or tokens[k][4] not in ends):
        part, k = _next(tokens, k)
        # A product that LaTeX writes by standing side by side:
        if re.search(r"[\d)½π}]\s*$", text) and re.match(r"[\d(½π√]|min|max|cos", part):
            text = text.rstrip() + " · "
        text += part
    return text, k


def _next(tokens: list, k: int) -> tuple[str, int]:
    """What token k says, with the groups that belong to it, and the token after those."""
    word, escaped, number, _, char = tokens[k]
    k += 1
    if number:
        return (f"{float(number):.4g}" if len(number.partition(".")[2]) > 4 else number), k
    if escaped:
        return " " if escaped in ",; " else escaped, k
    if char == "{":
        text, k = _read(tokens, k)
        return text, k + 1
    if char in ("^", "_"):
        text, k = _next(tokens, k)
        return (f"^{{{text}}}" if char == "^" else f"_{text}"), k
    if char:
        return {"-": " − ", "+": " + ", "=": " = ", "<": " < ", ",": ", "}.get(char, char), k
    if word in _FRACTIONS:
        if word == "tfrac" and tokens[k][2] == "12":
            return "½", k + 1
        above, k = _next(tokens, k)
        below, k = _next(tokens, k)
        return f"{_bracketed(above)}/{_bracketed(below)}", k
    if word == "sqrt":
        text, k = _next(tokens, k)
        return f"√({text})", k
    if word == "text":
        text, k = _next(tokens, k)
        return f" {text} ", k
    if word == "cos" and not (k < len(tokens) and tokens[k][4] == "("):
        text, k = _read(tokens, k, ")}")
        return f"cos({text.strip()})", k
    if word not in _WORDS:
        raise ValueError(f"unicode_maths: tex holds '\\{word}', which it does not know")
    return _WORDS[word], k


def _bracketed(text: str) -> str:
    return f"({text})" if " " in text else text
