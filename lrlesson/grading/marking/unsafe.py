"""The folder, environment and library of a kernel without a sandbox."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import IO

import lrlesson
from lrlesson.grading.sandbox.bubblewrap import INSIDE
from lrlesson.grading.sandbox.mounts import left_out_of

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PREFIX, HELD = "lrl-unsafe-", "held"  # a kernel's folder, and its lock
KEPT = ("PATH", "LANG", "LANGUAGE", "TZ", "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT")


def kernel_environment(folder: Path, whole: bool = False) -> dict[str, str]:
    """The environment of a grading kernel: nothing of the instructor's, all homes in `folder`."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT or k.startswith("LC_")}
    home = str(empty(folder / "home"))
    own = ("HOME", "USERPROFILE", "IPYTHONDIR", "MPLCONFIGDIR", "TMPDIR", "TEMP", "TMP")
    return {
        **INSIDE,
        **kept,
        **dict.fromkeys(own, home),
        "PYTHONPATH": str(library(folder, whole)),
    }


def library(folder: Path, whole: bool = False) -> Path:
    """Copy lrlesson to `folder`, without the parts that a grading kernel must not see.

    The copy comes first on the kernel's path, so `import lrlesson` finds it and nothing else.
    """
    source = Path(lrlesson.__file__).parent

    def left_out(where: str, names: list[str]) -> set[str]:
        return set(names) & left_out_of(whole) if Path(where) == source else set()

    target = folder / "library"
    shutil.copytree(source, target / "lrlesson", ignore=left_out)
    return target


def hold(folder: Path) -> IO[bytes]:
    """Mark a kernel's folder as in use, for as long as this process lives."""
    if fcntl is None:  # Windows does not remove an open file
        return (folder / HELD).open("wb")
    held = (folder / "new").open("wb")
    fcntl.flock(held, fcntl.LOCK_EX)
    (folder / "new").rename(folder / HELD)  # never seen without its lock
    return held


def remove_abandoned() -> None:
    """Remove the folders of kernels without a sandbox whose grader was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # in use, or only just being made
            if folder.is_symlink() or (fcntl and folder.stat().st_uid != os.getuid()):
                continue
            with (folder / HELD).open("rb") as held:
                if fcntl:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (folder / HELD).unlink()
            shutil.rmtree(folder, ignore_errors=True)


def empty(folder: Path) -> Path:
    """Make a folder, and return it."""
    folder.mkdir()
    return folder
