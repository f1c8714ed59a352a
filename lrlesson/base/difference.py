"""The difference of two schedules: at which updates their rates differ, and by how much."""

import html
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Difference:
    """What `a - b` of two schedules gives; shows itself as sentences.

    first, second: their names. values: a(t) − b(t) of the updates compared, shape (updates,).
    """

    first: str
    second: str
    values: np.ndarray

    @property
    def updates(self) -> Any:
        """The updates at which the two differ, bit by bit, in order."""
        return np.flatnonzero(self.values)

    def __repr__(self) -> str:
        n, differ = len(self.values), self.updates
        if not len(differ):
            return f"a = {self.first} and b = {self.second} are equal at the first {n:,} updates."
        worst = int(np.abs(self.values).argmax())
        return (
            f"a = {self.first} and b = {self.second} differ at {len(differ):,} of the first {n:,} "
            f"updates, first at t = {differ[0]:,}, last at t = {differ[-1]:,}. The largest "
            f"difference is a - b = {self.values[worst]:.3g}, at t = {worst:,}."
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self), quote=False)}</p>"
