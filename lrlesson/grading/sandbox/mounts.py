"""What a kernel in the sandbox can read: Python, its packages, and lrlesson without its answers."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import os
import re
import shutil
import stat
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import lrlesson
from lrlesson.grading.errors import SandboxError

NOT_IN_KERNEL = ("feedback", "grading", "cli.py", "office.py")
PACKAGES = ("ipykernel", "numpy", "scipy", "scikit-learn", "matplotlib", "anywidget", "ipywidgets")
CACHE = Path("/var/cache/lrlesson")


def seen_in(path: Path) -> Path | None:
    """The folder that kernels can read and that `path` lies in, if there is one."""
    place = path.resolve()
    ours = [folder / "lrlesson" for folder in site_packages()]  # which no kernel sees there
    shown = [Path("/usr"), *(target for _, target in places())]
    shown += [Path(word) for word in links() if Path(word).is_dir() and not Path(word).is_symlink()]
    if any(place.is_relative_to(folder.resolve()) for folder in ours):
        return None
    return next((folder for folder in shown if place.is_relative_to(folder.resolve())), None)


def links() -> list[str]:
    """/lib and its like: links into /usr on most systems, folders of their own on others."""
    found = []
    for path in map(Path, ("/lib", "/lib64", "/lib32", "/bin", "/sbin")):
        if path.is_symlink():
            found += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            found += ["--ro-bind", str(path), str(path)]
    return found


@cache
def places() -> tuple[tuple[Path, Path], ...]:
    """Python and its packages: where each folder is, and where it is to be seen inside."""
    wanted = [Path(sys.base_prefix), Path(sys.prefix), *site_packages()]
    wanted = [path for path in wanted if not path.is_relative_to("/usr")]
    kept: list[Path] = []
    for path in sorted(set(wanted), key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    for path in kept:
        if len(path.parts) < 3 or path == Path.home():
            raise SandboxError(f"Python is installed in {path} itself; use one in a virtualenv")
    if os.geteuid() == 0 and not all(map(_open_to_all, kept)):
        runtime = _runtime(kept)
        return tuple((runtime / path.relative_to("/"), path) for path in kept)
    return tuple((path, path) for path in kept)


def copied() -> Path | None:
    """Where root's Python was put for the unprivileged user to read; None where it is readable."""
    return next((CACHE for source, target in places() if source != target), None)


def site_packages() -> list[Path]:
    """The folders of installed packages; never the one that an editable lrlesson is in."""
    own = Path(lrlesson.__file__).parent.parent
    names = ("site-packages", "dist-packages")
    found = [Path(p) for p in sys.path if Path(p).name in names and Path(p).is_dir()]
    return [path for path in found if path != own or path.name in names]


def _open_to_all(path: Path) -> bool:
    """Whether any user may read this folder."""
    readable = path.stat().st_mode & stat.S_IROTH
    return bool(readable) and all(p.stat().st_mode & stat.S_IXOTH for p in (path, *path.parents))


def _runtime(prefixes: list[Path]) -> Path:
    """Python and the packages of a kernel where every user can read them, kept between runs.

    Files are linked where the file system allows it, so this takes a second and no space.
    """
    wanted = _distributions()
    versions = sorted(f"{name} {d.version}" for name, d in wanted.items())
    key = hashlib.sha256(repr((sys.version, prefixes, versions)).encode()).hexdigest()[:16]
    made = CACHE / f"python-{key}"
    if made.is_dir():
        return made
    CACHE.mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o755)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=CACHE) as name:
        partial = Path(name) / "python"
        for prefix in prefixes:
            _link_tree(prefix, partial / prefix.relative_to("/"), packages=False)
        for distribution in wanted.values():
            _link_distribution(distribution, partial)
        for folder, _, _ in os.walk(partial):
            Path(folder).chmod(0o755)
        try:
            partial.rename(made)
        except OSError:
            if not made.is_dir():  # else another grader was quicker
                raise
    return made


def _distributions() -> dict[str, importlib.metadata.Distribution]:
    """What a kernel imports, with all that it requires."""
    found: dict[str, importlib.metadata.Distribution] = {}
    names = list(PACKAGES)
    while names:
        name = re.sub(r"[-_.]+", "-", names.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system
        for requirement in found[name].requires or []:
            if "extra ==" not in requirement:
                match = re.match(r"[\w.-]+", requirement)
                names += [match[0]] if match else []
    return found


def _link_distribution(distribution: importlib.metadata.Distribution, root: Path) -> None:
    base = Path(str(distribution.locate_file("")))
    for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
        source = base / top
        target = root / source.relative_to("/")
        if source.is_dir():
            _link_tree(source, target)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(str(source), str(target))


def _link_tree(source: Path, target: Path, packages: bool = True) -> None:
    leave = [] if packages else ["site-packages", "test", "idlelib", "share", "include", "Lib"]
    leave += [] if packages else ["*.a", "jupyter*", "etc"]
    shutil.copytree(
        source,
        target,
        symlinks=True,
        ignore=shutil.ignore_patterns(*leave),
        copy_function=_link,
        dirs_exist_ok=True,
    )


def _link(source: str, target: str) -> str:
    with contextlib.suppress(FileExistsError):
        readable = Path(source).stat().st_mode & stat.S_IROTH
        try:
            if not readable:
                raise PermissionError
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:
            shutil.copy(source, target)
            Path(target).chmod(Path(target).stat().st_mode | 0o444)
    return target


def left_out_of(whole: bool) -> set[str]:
    """The parts of lrlesson that a kernel does not see."""
    return set(NOT_IN_KERNEL) - ({"feedback"} if whole else set())


@cache
def library(whole: bool = False) -> bytes:
    """lrlesson as a zip, without the parts that a grading kernel must not see."""
    source = Path(lrlesson.__file__).parent
    left_out = left_out_of(whole)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(source.rglob("*")):
            parts = path.relative_to(source).parts
            if path.is_file() and parts[0] not in left_out and "__pycache__" not in parts:
                archive.write(path, Path("lrlesson", *parts))
    return content.getvalue()
