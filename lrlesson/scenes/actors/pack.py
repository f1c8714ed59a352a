"""The arrays of a scene, packed for the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Stage
from lrlesson.scenes.controls import Control

_FAR = 200.0  # box widths from the frame; browsers draw no line to numbers much larger

Spec = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Spread:
    """Coordinates center + scale · offset on a linear axis, each part with controls of its own.

    The same noise at another width, say: one array of offsets serves every width. offset:
    (*offset_by, points); scale: (*scale_by,) or a number, NaN hides; center: (*center_by,).
    plus: another one to add, as where a place is the sum of a part along each of two directions.
    """

    offset: Any
    scale: Any = 1.0
    center: Any = 0.0
    offset_by: tuple[str, ...] = field(default=(), kw_only=True)
    scale_by: tuple[str, ...] = field(default=(), kw_only=True)
    center_by: tuple[str, ...] = field(default=(), kw_only=True)
    plus: Spread | None = field(default=None, kw_only=True)


class Pack:
    """Collects the float32 arrays of a scene and writes down where each one lies."""

    def __init__(self, scene: str, stage: Stage, controls: Sequence[Control]) -> None:
        self.scene, self.stage, self.controls = scene, stage, list(controls)
        self.names = [control.name for control in controls]
        self.actors: dict[str, str] = {}  # name of each actor packed so far: its axes
        self._chunks: list[bytes] = []
        self._known: dict[bytes, int] = {}
        self.length = 0  # in numbers of four bytes

    @property
    def data(self) -> bytes:
        """All arrays, one after the other."""
        return b"".join(self._chunks)

    def control(self, actor: str, name: str) -> int:
        """Index of a control, or an error that names the actor."""
        if name not in self.names:
            raise ValueError(
                f"{self.scene}: actor '{actor}': unknown control '{name}', "
                f"expected one of {', '.join(self.names) or 'none'}"
            )
        return self.names.index(name)

    def by(self, actor: str, names: Sequence[str], shape: Sequence[int], what: str) -> list[int]:
        """The controls that leading axes of this shape belong to: all of `names`, or none."""
        indices = [self.control(actor, name) for name in names]
        if tuple(shape) == ():
            return []
        if tuple(shape) != tuple(self.controls[k].n for k in indices):
            expected = ", ".join(f"{name} ({self.controls[k].n})" for name, k in zip(
                names, indices, strict=True)) or "none"  # fmt: skip
            raise ValueError(
                f"{self.scene}: actor '{actor}': leading axes {tuple(shape)} of {what} "
                f"do not match its controls: {expected}"
            )
        return indices

    def ref(self, by: list[int], values: np.ndarray, n: int = 1) -> Spec:
        """Store an array once, however many actors use it; its row has n numbers."""
        chunk = np.ascontiguousarray(values, np.float32).tobytes()
        if chunk not in self._known:
            self._known[chunk] = self.length
            self._chunks.append(chunk)
            self.length += len(chunk) // 4
        return {"o": self._known[chunk], "n": n, "by": by}

    def strings(self, actor: str, names: Sequence[str], values: Any, what: str) -> Spec:
        """A table of strings, one per position of the controls named."""
        table = np.asarray(values, dtype=object)
        by = self.by(actor, names, table.shape, what)
        texts = [str(value) for value in table.ravel()]
        known = list(dict.fromkeys(texts))
        if len(texts) < 256 or 4 * len(known) > len(texts):
            return {"strings": texts, "by": by}
        place = {text: k for k, text in enumerate(known)}  # a long table of few texts: by number
        which = self.ref(by, np.array([place[text] for text in texts], float))
        return {"strings": known, "by": by, "which": which}

    def fractions(self, on: str, axis: str, values: np.ndarray) -> np.ndarray:
        """Data coordinates along one axis as fractions of the box of the axes `on`."""
        ax = self.stage.axes(on)
        if axis == "x":
            return self.stage.fractions(on, values, np.array(ax.get_ylim()[0]))[0]
        return self.stage.fractions(on, np.array(ax.get_xlim()[0]), values)[1]

    def scaled(self, actor: str, on: str, axis: str, part: Spread, added: bool = False) -> Spec:
        """The parts of scaled coordinates, as fractions of the box; `added` to others: of a length,
        not of a place."""
        ax = self.stage.axes(on)
        if (ax.get_xscale() if axis == "x" else ax.get_yscale()) != "linear":
            raise ValueError(
                f"{self.scene}: actor '{actor}': {axis} is Spread, expected a linear axis"
            )
        zero, one = self.fractions(on, axis, np.array([0.0, 1.0]))
        offset, scale, center = (
            np.asarray(v, float) for v in (part.offset, part.scale, part.center)
        )
        by = self.by(actor, part.offset_by, offset.shape[:-1], "offset")
        places = (one - zero) * center if added else self.fractions(on, axis, center)
        plus = part.plus
        more = {} if plus is None else {"plus": self.scaled(actor, on, axis, plus, added=True)}
        return more | {
            "n": offset.shape[-1],
            "offset": self.ref(by, offset, offset.shape[-1]),  # once for all axes
            "scale": self.ref(
                self.by(actor, part.scale_by, scale.shape, "scale"), (one - zero) * scale
            ),
            "center": self.ref(self.by(actor, part.center_by, center.shape, "center"), places),
        }


def near(w: np.ndarray) -> np.ndarray:
    """Fractions with far-away points left out: they are off the page, and said by the exit."""
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(w - 0.5) < _FAR, w, np.nan)
