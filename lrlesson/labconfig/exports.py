"""Describe the pictures of exported pages, for readers who do not see them.

A scene's picture brings its description along; nbconvert's templates do not write it out.
"""

from html import escape
from typing import Any

from nbconvert.preprocessors import Preprocessor


class Described(Preprocessor):
    """Gives each picture that has a description to the page as HTML with that text."""

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Add the HTML to a cell's outputs; the notebook's file stays as it is."""
        for output in cell.get("outputs", []):
            picture = output.get("data", {}).get("image/png")
            alt = output.get("metadata", {}).get("image/png", {}).get("alt")
            if picture and alt:
                data = f"data:image/png;base64,{escape(picture)}"
                output.data["text/html"] = f'<img alt="{escape(alt)}" src="{data}">'
        return cell, resources
