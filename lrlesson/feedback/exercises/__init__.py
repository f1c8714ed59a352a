"""The exercises: every file here defines `EXERCISES`, and is found by being here.

So is every file in a course's own folder `checks/`, beside its course.toml or, where there is none,
beside the notebooks: exercises that an instructor keeps apart.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from lrlesson.feedback.exercises.exercise import Exercise


@cache
def all_exercises() -> dict[str, Exercise]:
    """Every exercise by its id, in the order of the notebooks.

    Raises ValueError where two files claim one id, or where a file of `checks/` cannot be run.
    """
    found: dict[str, Exercise] = {}
    for module in (*_ours(), *_of_the_course()):
        for exercise in getattr(module, "EXERCISES", ()):
            if exercise.id in found:
                raise ValueError(f"exercise id {exercise.id!r} is defined twice")
            found[exercise.id] = exercise
    return dict(sorted(found.items(), key=lambda item: item[1].notebook))


def _ours() -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(__path__):
        yield importlib.import_module(f"{__name__}.{module.name}")


def _of_the_course() -> Iterator[ModuleType]:
    here = Path.cwd()
    root = next((p for p in (here, *here.parents) if (p / "course.toml").is_file()), here)
    for folder in dict.fromkeys([root / "checks", here / "checks"]):
        yield from _modules(folder)


def exercises_in(folder: Path) -> list[Exercise]:
    """The exercises of a folder's `checks/`; ValueError, in a sentence, for what cannot be run."""
    found = [e for m in _modules(folder / "checks") for e in getattr(m, "EXERCISES", ())]
    return list({exercise.id: exercise for exercise in found}.values())


def _modules(folder: Path) -> Iterator[ModuleType]:
    for path in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"checks.{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise ValueError(f"checks/{path.name}: {type(error).__name__}: {error}") from error
        yield module
