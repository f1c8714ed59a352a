"""The two kinds of log file, a table with named columns and JSON lines, as rows of numbers."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lrlesson.base.fields import refusal

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


def table(file: Path) -> "_Csv | _Json":
    """What reads the file: `.read(wanted)` gives the name of a run and a row or a block of it.

    Raises ValueError where the file is empty.
    """
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
