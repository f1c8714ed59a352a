"""Formulas as MathML: drawn by the browser itself, without a script, and read by screen readers.

A Sphinx extension, and `mathml(tex)` for whatever else writes a page.
"""

import re
from html import escape
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML

from lrlesson.base.notation import plain

_CONVERTER = LatexToMathML(annotation=True, fancy_error=False)


def mathml(tex: str, display: bool = False) -> str:
    """A formula in LaTeX as a MathML element. Raises ValueError for what is not known."""
    tex = re.sub(r"\\\\\[[^\]]*\]", r"\\\\", tex.strip())  # \\[2ex]: rows are spaced by the browser
    tall = display or tex.startswith(r"\displaystyle")
    try:
        found = _CONVERTER.convert_with_local_state(
            tex.removeprefix(r"\displaystyle"), displaystyle=tall
        )
    except LatexError as error:
        raise ValueError(f"the formula {tex}: {error}") from None
    if display:
        return f'<div class="formula" tabindex="0" role="group" aria-label="formula">{found}</div>'
    return found.replace(' display="block"', ' displaystyle="true"')


def _inline(writer: Any, node: nodes.math) -> None:
    found = mathml(node.astext())
    in_head = isinstance(node.parent.parent.parent.parent, nodes.thead)
    if in_head and len(node.parent) == 1:  # the head of a column must have words
        words = escape(plain(node.astext()))
        found = found.replace("<math", f'<math aria-label="{words}"', 1)
    writer.body.append(found)
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(mathml(node.astext(), display=True))
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
