"""Where the lessons treat a mistake, so that a learner is sent to a page that has a word on it.

A test looks for `words` in that part of that lesson. A mistake that no lesson treats is not here.
"""

from typing import NamedTuple


class Place(NamedTuple):
    """A lesson by its file's name, the number of its part, and words that stand there."""

    lesson: str
    part: int
    words: str


PLACES: dict[str, Place] = {}
