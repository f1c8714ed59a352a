"""Reading the log of a training run, whatever wrote it, as a `History`.

CSV and JSON lines; the names that TensorBoard, Weights & Biases, MLflow, Keras' CSVLogger,
Lightning and the transformers Trainer give their columns are known, and others can be named.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lrlesson import tables
from lrlesson.base.fields import refusal
from lrlesson.history import History
from lrlesson.tables import Block


@dataclass(frozen=True, eq=False, repr=False)
class Log(History):
    """A history that was read from a file; its runs may have different lengths.

    at: the number of the update that each loss belongs to, (runs, rows). rows: how many rows each
    run has; after them the arrays hold NaN. names: one per run. resumed: the updates at which each
    run was taken up again. skipped: lines that could not be read. val: per run, the updates and the
    validation losses, where the file has some.
    """

    at: np.ndarray = field(kw_only=True)
    rows: np.ndarray = field(kw_only=True)
    names: tuple[str, ...] = ()
    resumed: tuple[tuple[float, ...], ...] = ()
    skipped: int = 0
    val: tuple[tuple[np.ndarray, np.ndarray], ...] = ()

    @cached_property
    def diverged(self) -> np.ndarray:
        return np.array([self._of(r).diverged[0] for r in range(self.runs)])

    @cached_property
    def spiked(self) -> np.ndarray:
        return np.array([self._of(r).spiked[0] for r in range(self.runs)])

    def _of(self, run: int) -> History:
        """One run by itself, without the NaN behind its end."""
        there = slice(0, self.rows[run])
        return History.of(self.losses[run, there], self.rates[run, there])

    def __repr__(self) -> str:
        runs = f"{self.runs} run" + "s" * (self.runs != 1)
        low, high = self.rows.min(), self.rows.max()
        rows = f"{low:,}" + (f" to {high:,}" if high != low else "")
        last = f"{np.nanmax(self.at):,.0f}"
        return f"<Log: {runs} of {rows} losses, up to update {last}>"


def read_log(
    path: Any,
    *,
    step: str | None = None,
    loss: str | None = None,
    lr: str | None = None,
    val_loss: str | None = None,
    run: str | None = None,
) -> Log:
    """Read a CSV file (comma, semicolon or tab) or JSON lines; also trainer_state.json.

    The names are those of columns, needed only where they are not known: the number of the update,
    the training loss, the rate, the validation loss, and what tells several runs apart.

    A row without a loss is a gap, and no loss; the word NaN is a loss that was not a number. Where
    the number of the update goes back, the run was resumed there, and what came later counts; where
    it goes back to its beginning, a new run starts. ValueError where no loss can be found.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(refusal("read_log", "path", str(path), "a file"))
    wanted = {"step": step, "loss": loss, "lr": lr, "val_loss": val_loss, "run": run}
    runs: dict[str, _Run] = {}
    table = tables.table(file)
    skipped = 0
    for name, row in table.read(wanted):
        if row is None:
            skipped += 1
            continue
        one = runs.setdefault(name, _Run())
        if isinstance(row, Block):
            one.extend(row)
        else:
            one.add(*row)
    found = [part for name, one in runs.items() for part in one.parts(name)]
    if not found:
        raise ValueError(f"read_log: {file.name} has no row with a loss")
    return _log(found, skipped)


def _log(found: list[tuple[str, "_Run"]], skipped: int) -> Log:
    """All runs side by side, NaN behind the end of a shorter one."""
    rows = np.array([len(one.losses) for _, one in found])
    arrays: dict[str, Any] = {}
    for name in ("at", "losses", "rates"):
        columns = [np.frombuffer(getattr(one, name)) for _, one in found]
        if len(columns) == 1:  # ten million rows are not copied
            arrays[name] = columns[0][None]
            continue
        arrays[name] = np.full((len(found), rows.max()), np.nan)
        for r, column in enumerate(columns):
            arrays[name][r, : len(column)] = column
    return Log(
        **arrays,
        final=np.empty((len(found), 0)),
        zero_loss=-np.inf,
        rows=rows,
        names=tuple(name for name, _ in found),
        resumed=tuple(tuple(one.resumed) for _, one in found),
        skipped=skipped,
        val=tuple((np.array(one.val_at), np.array(one.val)) for _, one in found),
    )


class _Run:
    """The rows of one run, in the order of the file; numbers only, eight bytes each."""

    def __init__(self) -> None:
        self.at, self.losses, self.rates = array("d"), array("d"), array("d")
        self.val_at, self.val = array("d"), array("d")
        self.resumed: list[float] = []
        self.earlier: list[_Run] = []
        self.last: float | None = None
        self.rate = np.nan

    def add(self, at: float | None, loss: Any, rate: float | None, val: float | None) -> None:
        """One row; None is what the row does not say."""
        if at is None:
            at = 0.0 if self.last is None else self.last + (loss is not None)
        if self.last is not None and at < self.last:
            self._go_back(at)
        self.last = at
        if rate is not None:
            self.rate = rate
        if val is not None:
            self.val_at.append(at)
            self.val.append(val)
        if loss is None:
            return
        if self.at and self.at[-1] == at:  # logged twice: the later one
            self.losses[-1] = loss
            self.rates[-1] = self.rate
            return
        self.at.append(at)
        self.losses.append(loss)
        self.rates.append(self.rate)

    def extend(self, block: Block) -> None:
        """Many rows, which follow upon those that are here or are taken one by one."""
        if self.last is not None and block.at[0] <= self.last:
            val = dict(zip(block.val_at.tolist(), block.val.tolist(), strict=True))
            for at, loss, rate in zip(*(part.tolist() for part in block[:3]), strict=True):
                self.add(at, loss, rate, val.get(at))
            return
        for name, part in zip(Block._fields, block, strict=True):
            getattr(self, name).frombytes(part.tobytes())
        self.last, self.rate = block.at[-1], block.rates[-1]

    def _go_back(self, at: float) -> None:
        """A run that was resumed, or another one that starts."""
        if not self.at or at <= self.at[0]:
            if self.at:
                kept = _Run()
                kept.__dict__.update(self.__dict__)
                earlier = self.earlier
                self.__init__()  # type: ignore[misc]
                self.earlier = [*earlier, kept]
            return
        self.resumed.append(at)
        keep = int(np.searchsorted(np.array(self.at), at))
        for column in (self.at, self.losses, self.rates):
            del column[keep:]

    def parts(self, name: str) -> Iterator[tuple[str, "_Run"]]:
        """This run, and those before it under the same name; without a loss it is none."""
        runs = [one for one in (*self.earlier, self) if one.losses]
        for number, one in enumerate(runs, start=1):
            yield (name if len(runs) == 1 else f"{name} {number}".strip()), one
