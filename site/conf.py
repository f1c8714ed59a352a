"""Sphinx settings of the site; build.py writes the pages that they are for."""

import sys
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes

sys.path.insert(0, str(Path(__file__).parent))

project = "The learning rate"
author = "the lrlesson authors"
project_copyright = "the lrlesson authors. Text CC BY 4.0, code BSD-3-Clause"
extensions = ["myst_nb", "mathml"]

# Lessons come executed, with their scenes as plain HTML: no kernel, no widget manager, no CDN.
exclude_patterns = ["originals"]  # what learners take along
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js: dict = {}
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
smartquotes = False  # a docstring quotes code
html_math_renderer = "mathml"

html_theme = "pydata_sphinx_theme"
html_title = project
html_favicon = str(Path(__file__).parent / "static" / "favicon.svg")
html_css_files = ["form.css", "course.css"]
html_js_files = ["course.js"]
html_context = {"default_mode": "auto"}
html_use_index = False
html_show_sourcelink = False
html_copy_source = False
html_sidebars: dict = {"index": []}
html_theme_options = {
    "logo": {"text": project},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def describe(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Say in a page's head what it is about, and in its title where it belongs."""
    if page == app.config.root_doc:
        context["docstitle"] = ""  # its title is the site's
    elif context.get("parents"):
        context["docstitle"] = f"{context['parents'][-1]['title']} — {project}"
    for paragraph in tree.findall(nodes.paragraph) if tree else []:
        if isinstance(paragraph.parent, nodes.section):
            text = " ".join(paragraph.astext().split())
            words = text if len(text) <= LONGEST else text[:LONGEST].rpartition(" ")[0] + " …"
            context["metatags"] += f'<meta name="description" content="{escape(words)}">'
            break


LONGEST = 155  # characters of a description: what search engines show


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("html-page-context", describe)
