"""What this learner did, in one readable file that never leaves the machine.

`.lrlesson/progress.json` lies at the course's root: the nearest folder upwards that has a
`course.toml`, else the current one. The environment variable LRLESSON_PROGRESS names another file.
It is written whole and then moved into place, so it is never half a file; a damaged one is kept
beside the new one.
"""

import contextlib
import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lrlesson.starting import write_whole

TESTS = ("pretest", "posttest", "delayed")
SECTIONS = ("exercises", "predictions", *TESTS)


def progress_path() -> Path:
    """Where the progress of this learner is kept."""
    if chosen := os.environ.get("LRLESSON_PROGRESS"):
        return Path(chosen)
    here = Path.cwd()
    root = next((p for p in (here, *here.parents) if (p / "course.toml").is_file()), here)
    return root / ".lrlesson" / "progress.json"


def unknown(kind: str, id: object, known: Iterable[str]) -> ValueError:
    """The error about an id that there is not, with the nearest one and the list."""
    known = list(known)
    near = get_close_matches(str(id), known, n=1, cutoff=0.75)  # near, not only the nearest
    maybe = f"did you mean {near[0]!r}? " if near else ""
    return ValueError(f"no {kind} {id!r}: {maybe}There are {', '.join(known)}.")


def now() -> str:
    """The local time, to the second, as the file states it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def empty_record() -> dict[str, Any]:
    """The record of someone who has not begun."""
    return {"format": 1} | {section: {} for section in SECTIONS}


def is_sound(data: object) -> bool:
    """Whether something that was read has the shape of a record."""
    if not isinstance(data, dict) or data.get("format") != 1:
        return False
    sections = [data.get(section, {}) for section in SECTIONS]
    return all(
        isinstance(s, dict) and all(isinstance(entry, dict) for entry in s.values())
        for s in sections
    )


def load() -> dict[str, Any]:
    """The record so far. A damaged file is renamed, with one sentence; a new record begins."""
    path = progress_path()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return empty_record()
    except (ValueError, OSError) as error:
        data = error
    if is_sound(data):
        return tidied(empty_record() | data)
    if isinstance(data, OSError):
        _say(f"{path} cannot be read ({data.strerror}); nothing of it is shown.")
        return empty_record()
    aside = _free_name(path)
    try:
        path.rename(aside)
    except OSError as error:
        _say(f"{path} is damaged and cannot be moved aside ({error.strerror}).")
    else:
        _say(f"{path} is damaged: it is kept as {aside.name}, and a new record begins.")
    return empty_record()


def tidied(data: dict[str, Any]) -> dict[str, Any]:
    """A record without the parts that someone edited into what they cannot be."""
    for entry in data["exercises"].values():
        _keep(entry, "status", lambda value: isinstance(value, str))
        _keep(entry, "earned", lambda value: type(value) in (int, float))
        _keep(entry, "hints", lambda value: type(value) is int)
        _keep(entry, "solution", lambda value: isinstance(value, dict))
        _keep(entry, "attempts", _are_attempts)
    for entry in data["predictions"].values():
        for which in ("first", "latest"):
            _keep(entry, which, _is_answer)
        _keep(entry, "revealed", lambda value: isinstance(value, str))
    for test in TESTS:
        data[test] = {id: entry for id, entry in data[test].items() if _is_answer(entry)}
    return data


def _keep(entry: dict[str, Any], key: str, is_fine: Callable[[Any], bool]) -> None:
    if key in entry and not is_fine(entry[key]):
        del entry[key]


def _are_attempts(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(a, dict) and all(isinstance(a.get(k), str) for k in ("answer", "status"))
        for a in value
    )


def _is_answer(value: object) -> bool:
    return (
        isinstance(value, dict)
        and (value.get("choice") is None or isinstance(value["choice"], str))
        and value.get("confidence") in (None, 1, 2, 3)
    )


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    return aside


@contextlib.contextmanager
def changing() -> Iterator[dict[str, Any]]:
    """The record, to be changed inside the `with`; written back at its end.

    Two notebooks may write at once: each waits for the other (on Windows, the last one wins). A
    record that cannot be written costs one sentence and nothing else.
    """
    path = progress_path()
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_alone(path.with_suffix(".lock")))
        except OSError as error:
            _say(f"Progress is not recorded: {path.parent} cannot be written ({error.strerror}).")
            yield empty_record()
            return
        data = load()
        yield data
        try:
            _write(path, data)
        except OSError as error:
            _say(f"Progress is not recorded: {path} cannot be written ({error.strerror}).")


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("a") as handle:
        with contextlib.suppress(ImportError):
            from fcntl import LOCK_EX, flock  # absent on Windows, empty in JupyterLite

            flock(handle, LOCK_EX)
        yield


def _write(path: Path, data: dict[str, Any]) -> None:
    write_whole(path, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())


def _say(sentence: str) -> None:
    warnings.warn(sentence, RuntimeWarning, stacklevel=2)
