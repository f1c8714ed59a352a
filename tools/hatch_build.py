"""Put the course into the wheel; hatchling calls this. An editable install has it beside it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Where each part of the course goes. The solutions are for `lrlesson grade` and lie in the part of
# the package that the grader keeps out of its kernels.
PLACES = {
    "notebooks": "lrlesson/course/notebooks",
    "exercises": "lrlesson/course/exercises",
    "solutions": "lrlesson/grading/solutions",
}


class CourseHook(BuildHookInterface):
    """Adds notebooks, exercises, solutions and course.toml to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        included = build_data["force_include"]
        included[str(root / "course.toml")] = "lrlesson/course/course.toml"
        for part, place in PLACES.items():
            for notebook in sorted((root / part).glob("*.ipynb")):
                included[str(notebook)] = f"{place}/{notebook.name}"
