"""The verdict: printed rows against the reference's rows, here and never in the learner's kernel.

A hidden check prints rows, `label | value value ...`, and the label names the property without its
numbers. Other lines are the learner's own and cost nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

RTOL, ATOL = 1e-6, 1e-9
Row = tuple[str, str]
ROW = re.compile(r"(?P<label>.*?) \|( (?P<values>.*))?")
VERDICT = re.compile(
    r"\W*(true|false|yes|no|0|1|none|ok|okay|pass|passed|fail|failed|correct|incorrect|right|wrong"
    r"|good|bad|success|error)\W*",
    re.IGNORECASE,
)


def rows(text: str, labels: Iterable[str] | None = None) -> list[Row]:
    """The rows of a check's output, as (label, values).

    With `labels`, only rows that end in one of them before the bar: an answer that prints without a
    line end stands in front of the label, and is not the row's fault.
    """
    found = []
    known = None if labels is None else sorted(set(labels), key=len, reverse=True)
    for line in text.splitlines():
        if not (match := ROW.fullmatch(line)):
            continue
        label = match["label"].strip()
        if known is not None:
            label = next((name for name in known if label.endswith(name)), "")
        if label:
            found.append((label, (match["values"] or "").strip()))
    return found


def difference(
    expected: list[Row],
    printed: list[Row],
    compare: str = "number",
    rtol: float = RTOL,
    atol: float = ATOL,
) -> str:
    """What is wrong with the printed rows, without any value; "" when they agree.

    `compare`: "number" token by token within rtol and atol (nan equals nan), "text" up to case and
    white space, "exact" to the character.
    """
    labels = [label for label, _ in printed]
    for label, _ in expected:
        if label not in labels:
            return f"{label}: no value"
    if labels != [label for label, _ in expected]:
        return "rows printed that the check did not print"
    for (label, want), (_, got) in zip(expected, printed, strict=True):
        if compare == "exact":
            same = want == got
        elif compare == "text":
            same = want.casefold().split() == got.casefold().split()
        else:
            same = _same_numbers(want.split(), got.split(), rtol, atol)
        if not same:
            return f"{label}: not the expected value"
    return ""


def is_verdict(text: str) -> bool:
    """True for an output that is one boolean, 0, 1 or one word of judgement, with or without label.

    Such an output could be printed without solving anything.
    """
    found = rows(text)
    whole = found[0][1] if len(found) == 1 and len(text.strip().splitlines()) == 1 else text
    return bool(VERDICT.fullmatch(whole.strip()))


def settings(data: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `difference` that a cell's metadata gives."""
    return {key: data[key] for key in ("compare", "rtol", "atol") if key in data}


def _same_numbers(want: list[str], got: list[str], rtol: float, atol: float) -> bool:
    if len(want) != len(got):
        return False
    for w, g in zip(want, got, strict=True):
        try:
            a, b = float(w), float(g)
        except ValueError:
            return False
        if a == b or (math.isnan(a) and math.isnan(b)):
            continue
        if not (math.isfinite(a) and abs(a - b) <= atol + rtol * abs(a)):
            return False
    return True
