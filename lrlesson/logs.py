"""Reading the log of a training run, whatever wrote it, as a `History`.

CSV and JSON lines; the names that TensorBoard, Weights & Biases, MLflow, Keras' CSVLogger,
Lightning and the transformers Trainer give their columns are known, and others can be named.
"""

import csv
import json
import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lrlesson.base.fields import refusal
from lrlesson.history import History

# What each column may be called, best first, in lower case with one _ between words.
NAMES = {
    "step": r"(trainer_)?global_step|step|(train_)?steps?|iter|iteration|update|num_updates|batch|t"
    r"|epoch",
    "loss": r"(train|training)_loss_step|(train|training)_loss|loss|loss_train(ing)?|batch_loss"
    r"|train_batch_loss|loss_step|(train|training)_loss_epoch|(train|training)_nll|nll|value",
    "lr": r"lr|learning_rate|rate|eta|(train|training|optimizer|opt)_(lr|learning_rate)"
    r"|(lr|learning_rate)_\w+",
    "val_loss": r"(val|valid|validation|eval|dev)_loss(_epoch)?"
    r"|loss_(val|valid|validation|eval|dev)|test_loss",
    "run": r"run|run_id|run_name|name|trial|seed",
}
_LONG = ("key", "metric", "tag")  # one row per value: MLflow's and TensorBoard's events


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
    table = _table(file)
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

    def extend(self, block: "Block") -> None:
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


# --- The two kinds of file ----------------------------------------------------------------------

CHUNK = 20_000  # rows that are read at once


class Block(NamedTuple):
    """Rows of one run in ascending order, each with a loss; and those that have a validation."""

    at: np.ndarray
    losses: np.ndarray
    rates: np.ndarray
    val_at: np.ndarray
    val: np.ndarray


Cells = tuple[float | None, float | None, float | None, float | None]
Row = Cells | Block | None


def _table(file: Path) -> "_Csv | _Json":
    with file.open("rb") as binary:
        start = binary.read(4096)
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = start.decode(encoding, "replace").lstrip()
    if not text:
        raise ValueError(f"read_log: {file.name} is empty")
    return _Json(file, encoding) if text[0] in "{[" else _Csv(file, encoding)


def _plain(name: str) -> str:
    """A column's name in lower case, with one _ between words."""
    return re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_")


def _find(names: list[str], wanted: dict[str, str | None]) -> dict[str, str]:
    """The name of each column that is there."""
    found = {}
    for what, pattern in NAMES.items():
        asked = wanted[what]
        if asked is not None:
            if asked not in names:
                shown = ", ".join(names[:20])
                raise ValueError(refusal("read_log", what, asked, f"one of the columns: {shown}"))
            found[what] = asked
            continue
        for part in _alternatives(pattern):
            matching = [n for n in names if re.fullmatch(part, _plain(n))]
            if matching:
                found[what] = matching[0]
                break
    return found


def _alternatives(pattern: str) -> list[str]:
    """The parts of a pattern between the bars outside its brackets."""
    return re.split(r"\|(?![^(]*\))", pattern)


def _numbers(decimal_comma: bool) -> Callable[[str | None], float | None]:
    """What turns the text of a cell into a number: None where it is empty."""

    def number(text: str | None) -> float | None:
        if not text or text.isspace():
            return None
        try:
            return float(text)
        except ValueError:
            if decimal_comma and "," in text:
                return float(text.replace(".", "").replace(",", "."))
            if text.strip().lower() in ("none", "null", "-", "n/a", "na"):
                return None
            raise

    return number


class _Csv:
    """Columns with names in the first line."""

    def __init__(self, file: Path, encoding: str) -> None:
        self.file, self.encoding = file, encoding

    def read(self, wanted: dict[str, str | None]) -> Iterator[tuple[str, Row]]:
        with self.file.open(encoding=self.encoding, errors="replace", newline="") as text:
            first = text.readline()
            comma = max(";\t,", key=first.count)
            names = next(csv.reader([first], delimiter=comma))
            number = _numbers(comma != ",")
            rows = csv.reader(text, delimiter=comma)
            if (
                len(names) == 1
                and len(names[0].split()) in (2, 3)
                and _is_number(names[0].split()[0])
            ):
                text.seek(0)  # MLflow's own files: time, value, step, and no names
                for line in text:
                    parts = line.split()
                    yield "", _row(number, parts[2:3], parts[1:2], [], [])
                return
            yield from self._rows(rows, [name.strip() for name in names], wanted, number)

    def _rows(
        self, rows: Any, names: list[str], wanted: dict[str, str | None], number: Any
    ) -> Iterator[tuple[str, Row]]:
        long = next((n for n in names if _plain(n) in _LONG), None)
        if long and any(_plain(n) == "value" for n in names):
            yield from _from_long(
                (dict(zip(names, row, strict=False)) for row in rows), names, wanted
            )
            return
        found = _find(names, wanted)
        several = [] if "loss" in found else _columns_per_run(names)
        if several:
            place = names.index(found["step"]) if "step" in found else None
            for row in rows:
                at = row[place : place + 1] if place is not None else []
                for one, column in several:
                    made = _row(number, at, row[column : column + 1], [], [])
                    if made is None or made[1] is not None:
                        yield one, made
            return
        if "loss" not in found:
            raise ValueError(_no_loss(self.file, names))
        columns = [names.index(found[what]) if what in found else None for what in NAMES]
        *cells, run = columns
        width = max(column for column in columns if column is not None)
        while chunk := list(islice(rows, CHUNK)):
            if run is None and (block := _block(chunk, width, cells)):
                yield "", block
                continue
            for row in filter(None, chunk):
                if len(row) <= width:
                    yield "", None
                    continue
                made = _row(number, *([] if c is None else [row[c]] for c in cells))
                yield ("" if run is None else row[run]), made


def _block(chunk: list[list[str]], width: int, cells: list[int | None]) -> "Block | None":
    """Many rows at once where every cell is a number; None where they need a closer look."""
    if min(map(len, chunk)) <= width:
        return None
    columns = list(zip(*chunk, strict=False))
    try:
        at, losses, rates = (
            None if c is None else np.array([float(v.replace(",", ".")) for v in columns[c]])
            for c in cells[:3]
        )
        val = [] if cells[3] is None else list(enumerate(columns[cells[3]]))
        values = {i: float(v.replace(",", ".")) for i, v in val if v}
    except ValueError:
        return None
    if at is None or losses is None or not (np.diff(at) > 0).all():
        return None
    rates = np.full(len(at), np.nan) if rates is None else rates
    return Block(at, losses, rates, at[list(values)], np.array(list(values.values())))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _row(
    number: Any, step: list[str], loss: list[str], lr: list[str], val: list[str]
) -> Cells | None:
    """Four cells, of which each may be missing; None where one is no number."""
    try:
        at, value, rate, other = (
            number(cell[0]) if cell else None for cell in (step, loss, lr, val)
        )
    except ValueError:
        return None
    return at, value, rate, other


def _columns_per_run(names: list[str]) -> list[tuple[str, int]]:
    """Weights & Biases' charts: a column "NAME - train/loss" for each run."""
    found = []
    for column, name in enumerate(names):
        run, dash, metric = name.rpartition(" - ")
        if dash and re.fullmatch(NAMES["loss"], _plain(metric)) and "__" not in metric:
            found.append((run, column))
    return found


def _from_long(
    rows: Any, names: list[str], wanted: dict[str, str | None]
) -> Iterator[tuple[str, Row]]:
    """One row per value, with the name of what was measured: the values of each update together."""
    by_name = {_plain(name): name for name in names}
    key = next(by_name[name] for name in _LONG if name in by_name)
    value, at = by_name["value"], _find(names, {**wanted, "loss": None, "lr": None}).get("step")
    run = wanted["run"] or next(
        (by_name[n] for n in ("run_id", "run", "run_name") if n in by_name), ""
    )
    number = _numbers(True)
    kept: dict[str, dict[float, dict[str, float | None]]] = {}
    kinds: dict[str, str | None] = {}
    for row in rows:
        metric = str(row.get(key, ""))
        if metric not in kinds:
            kinds[metric] = next(
                (
                    what
                    for what in ("loss", "lr", "val_loss")
                    if metric == wanted[what]
                    or (wanted[what] is None and re.fullmatch(NAMES[what], _plain(metric)))
                ),
                None,
            )
        kind = kinds[metric]
        if kind is None:
            continue
        made = _row(number, [str(row[at])] if at else [], [str(row[value])], [], [])
        if made is None:
            yield "", None
            continue
        steps = kept.setdefault(str(row.get(run, "")), {})
        place = made[0] if made[0] is not None else float(len(steps))
        steps.setdefault(place, {})[kind] = made[1]
    if not any("loss" in cells for steps in kept.values() for cells in steps.values()):
        raise ValueError(
            f"read_log: none of {', '.join(kinds) or 'no metric'} is a training loss; "
            "name it: read_log(path, loss=...)"
        )
    for name, steps in kept.items():
        for place in sorted(steps):
            cells = steps[place]
            yield name, (place, cells.get("loss"), cells.get("lr"), cells.get("val_loss"))


def _no_loss(file: Path, names: list[str]) -> str:
    shown = ", ".join(names[:20]) or "none"
    return (
        f"read_log: no column of {file.name} is known to be the training loss; name it: "
        f"read_log(path, loss=...). Its columns: {shown}"
    )


class _Json:
    """An object per line, a list of objects, or the Trainer's trainer_state.json."""

    def __init__(self, file: Path, encoding: str) -> None:
        self.file, self.encoding = file, encoding

    def objects(self) -> Iterator[dict[str, Any] | None]:
        """Every object; None for a line that is none."""
        with self.file.open(encoding=self.encoding, errors="replace") as text:
            first = text.readline().strip()
            try:
                lines = isinstance(json.loads(first), dict) and "log_history" not in first
            except ValueError:
                lines = False
            text.seek(0)
            if not lines:
                try:
                    whole = json.load(text)
                except ValueError as error:
                    raise ValueError(f"read_log: {self.file.name} is no JSON ({error})") from None
                whole = whole.get("log_history", [whole]) if isinstance(whole, dict) else whole
                yield from (_named(row) for row in whole)
                return
            for line in text:
                if line.isspace():
                    continue
                try:
                    row = json.loads(line)
                except ValueError:  # the last line of a run that was killed
                    yield None
                    continue
                yield _named(row)

    def read(self, wanted: dict[str, str | None]) -> Iterator[tuple[str, Row]]:
        seen: dict[frozenset[str], dict[str, str]] = {}
        names: dict[str, None] = {}
        any_loss = False
        for row in self.objects():
            if row is None:
                yield "", None
                continue
            keys = frozenset(row)
            if keys not in seen:
                names |= dict.fromkeys(row)
                here = {what: n if n in row else None for what, n in wanted.items()}
                named = {what: n for what, n in wanted.items() if n is not None}
                found = _find(list(row), here)
                seen[keys] = {w: n for w, n in found.items() if w not in named or named[w] == n}
            found = seen[keys]
            try:
                cells = [_value(row.get(found.get(what, ""))) for what in NAMES if what != "run"]
            except (TypeError, ValueError):
                yield "", None
                continue
            any_loss = any_loss or cells[1] is not None
            run = str(row[found["run"]]) if "run" in found else ""
            yield run, (cells[0], cells[1], cells[2], cells[3])
        if not any_loss:
            raise ValueError(_no_loss(self.file, list(names)))


def _named(row: Any) -> dict[str, Any] | None:
    """A row with its names: TensorBoard's JSON has (time, step, value). None where it is none."""
    if isinstance(row, list) and len(row) == 3:
        return dict(zip(("time", "step", "value"), row, strict=True))
    if not isinstance(row, dict) or "train_runtime" in row:  # the Trainer's last row sums up
        return {} if isinstance(row, dict) else None
    return row


def _value(value: Any) -> float | None:
    """A number, or one that was written as a text."""
    if value is None or value == "":
        return None
    if isinstance(value, bool | list | dict):
        raise TypeError
    return float(value)
