"""The explorers of the lessons: each is a short function that returns a Scene."""

from lrlesson.scenes.explorers.bowl import rate_dial
from lrlesson.scenes.explorers.nets import race

__all__ = ["race", "rate_dial"]
