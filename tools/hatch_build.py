"""What hatchling asks for: the course in the wheel, and README.md as an index can show it."""

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

# Where each part of the course goes; an editable install has it beside the package. The solutions
# are for `lrlesson grade` and lie in the part of the package that the grader keeps out of its
# kernels.
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


class ReadmeHook(MetadataHookInterface):
    """README.md, whose relative addresses begin with the `address` of pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        address = self.config["address"].replace("{version}", metadata["version"])
        if address:
            text = absolute(text, address)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def absolute(text: str, address: str) -> str:
    """Markdown with `address` before each target that names neither a scheme nor a heading."""
    return re.sub(r"\]\((?![a-z]+:|#)", f"]({address}", text)
