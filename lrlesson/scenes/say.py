"""What a scene says about its frames, and what it remembers."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrlesson.scenes.actors import Pack, Spec
from lrlesson.scenes.controls import number

TONES = ("good", "slow", "wave", "warn", "bad", "plain")


@dataclass(frozen=True)
class Keep:
    """What the page remembers, without Python: in `kept`, a list of positions of all controls.

    on: the control whose moves by hand are remembered, but to its first position, which, without
        `once`, forgets all. Or several: then every position of them that the reader has seen is
        remembered once, from the first on.
    once: a control; the first for each of its positions counts, and comes back when it does.
    """

    on: str | tuple[str, ...]
    once: str | None = None

    def spec(self, pack: Pack) -> Spec:
        """What the browser needs."""
        every = [] if isinstance(self.on, str) else [pack.control("keep", k) for k in self.on]
        return {
            "every": every,
            "on": pack.control("keep", self.on) if isinstance(self.on, str) else None,
            "once": None if self.once is None else pack.control("keep", self.once),
        }


@dataclass(frozen=True)
class Total:
    """In a sentence: the sum of `points`, an array like its fields, over all that is kept."""

    points: Any


@dataclass(frozen=True)
class Each:
    """In a sentence: a text for each position of one control, whatever the sentence's others."""

    control: str
    texts: Sequence[str]


@dataclass(frozen=True)
class Least:
    """In a sentence: of several texts the one with the smallest number; NaN never is.

    options: of each, the control it depends on, its number and its text at every position.
    """

    options: Sequence[tuple[str, Any, Sequence[str]]]


@dataclass(frozen=True)
class Say:
    """A sentence about the current frame.

    text: a template; `{rate}` is the text of the control rate, any other name one of `fields`.
    by: the controls that the leading axes of the fields, the badge and the tone belong to.
    fields: arrays of strings, or of numbers, which are written with three digits.
    badge, tone: a word before the sentence and its mood (good, slow, wave, warn, bad,
        plain), arrays like the fields.
    kept: speak of the last position that was kept, where there is one.
    large: set large, as a formula is.
    room: the longest text that it may have, where an answer of Python changes it.
    In all of them `w_2` and `λ_max` are shown with an index, and `2^{t}` with a power.
    """

    text: str
    by: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    badge: Any = None
    tone: Any = "plain"
    kept: bool = False
    room: str = ""
    large: bool = False

    def spec(self, pack: Pack) -> Spec:
        """Pack the sentence as a list of texts and tables of texts."""
        parts: list[Any] = []
        for literal, name, _, _ in string.Formatter().parse(self.text):
            if literal:
                parts.append(literal)
            if name is None:
                continue
            if name in self.fields and isinstance(known := self.fields[name], Total):
                points = np.asarray(known.points, float)
                by = pack.by("say", self.by, points.shape, name)
                parts.append({"total": pack.ref(by, points)})
            elif name in self.fields and isinstance(known, Each):
                parts.append(pack.strings("say", (known.control,), list(known.texts), name))
            elif name in self.fields and isinstance(known, Least):
                parts.append({"least": [_option(pack, name, *option) for option in known.options]})
            elif name in self.fields:
                values = np.asarray(known)
                if values.dtype.kind in "fiu":
                    texts = [number(value) for value in values.ravel()]
                    values = np.array(texts, dtype=object).reshape(values.shape)
                parts.append(pack.strings("say", self.by, values, name))
            else:
                k = pack.control("say", name)
                parts.append({"strings": pack.controls[k].shown, "by": [k]})
        spec: Spec = {"parts": parts, "kept": self.kept, "room": self.room, "large": self.large}
        if self.badge is not None:
            spec["badge"] = pack.strings("say", self.by, self.badge, "badge")
            spec["tone"] = pack.strings("say", self.by, self.tone, "tone")
            if unknown := set(spec["tone"]["strings"]) - set(TONES):
                raise ValueError(
                    f"{pack.scene}: say: tone '{min(unknown)}', expected one of {', '.join(TONES)}"
                )
        return spec


def _option(pack: Pack, field: str, control: str, numbers: Any, texts: Sequence[str]) -> Spec:
    values = np.asarray(numbers, float)
    by = pack.by("say", (control,), values.shape, field)
    return {
        "number": pack.ref(by, values),
        "text": pack.strings("say", (control,), list(texts), field),
    }
