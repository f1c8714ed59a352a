"""One class marked: exercises run, compared outside, and the capstone refereed.

`marking("results")` itself is the page on which texts are marked by hand, in JupyterLab.
"""

import sys
from pathlib import Path
from types import ModuleType


class _Room(ModuleType):
    """This module, which can be called."""

    def __call__(
        self, results: str | Path, question: str | None = None, hide_names: bool = False
    ) -> object:
        from lrlesson.grading.marks.by_hand import marking

        return marking(results, question, hide_names)


sys.modules[__name__].__class__ = _Room
