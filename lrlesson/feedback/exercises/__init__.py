"""The exercises: every file here defines `EXERCISES`, and is found by being here."""

import importlib
import pkgutil
from functools import cache

from lrlesson.feedback.exercises.exercise import Exercise


@cache
def all_exercises() -> dict[str, Exercise]:
    """Every exercise by its id, in the order of the notebooks.

    Raises ValueError where two files claim one id.
    """
    found: dict[str, Exercise] = {}
    for module in pkgutil.iter_modules(__path__):
        found_here = importlib.import_module(f"{__name__}.{module.name}")
        for exercise in getattr(found_here, "EXERCISES", ()):
            if exercise.id in found:
                raise ValueError(f"exercise id {exercise.id!r} is defined twice")
            found[exercise.id] = exercise
    return dict(sorted(found.items(), key=lambda item: item[1].notebook))
