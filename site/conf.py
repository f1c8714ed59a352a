"""Sphinx settings of the site; build.py writes the pages that they are for."""

import os
import re
import sys
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes

sys.path.insert(0, str(Path(__file__).parent))

project = "The learning rate"
author = "the lrlesson authors"
project_copyright = "the lrlesson authors. Text CC BY 4.0, code BSD-3-Clause"
extensions = ["myst_nb", "mathml", "sphinx_copybutton", "notfound.extension"]

# Where the site will stand, if it is known: pages then name their own address, and are listed.
html_baseurl = os.environ.get("SITE_ADDRESS", "")
if html_baseurl:
    html_baseurl = html_baseurl.rstrip("/") + "/"
    extensions.append("sphinx_sitemap")
    sitemap_url_scheme = "{link}"
notfound_urls_prefix = urlsplit(html_baseurl).path or "/"
copybutton_selector = "div.highlight pre:not(.output pre)"

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
FAVICON = str(Path(__file__).parent / "static" / "favicon.svg")
html_favicon = FAVICON
html_css_files = ["scene.css", "form.css", "course.css"]
html_js_files = ["course.js", ("scene.js", {"defer": "defer"})]
html_context = {"default_mode": "auto"}
html_use_index = False
html_show_sourcelink = False
html_copy_source = False
html_sidebars: dict = {"index": []}
html_theme_options = {
    "logo": {"text": project, "image_light": FAVICON, "image_dark": FAVICON, "alt_text": ""},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
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
            context["metatags"] += shared(page, str(context.get("title", project)), words)
            break


def shared(page: str, title: str, words: str) -> str:
    """What a link to a page shows where it is shared: its title, its words, and its picture."""
    picture = f"_static/share/{page.rpartition('/')[2]}.png"
    if not (Path(os.environ["SITE_PAGES"]) / picture.replace("_static", "static")).is_file():
        picture = "_static/share/index.png"
    said = {"title": re.sub("<[^>]+>", "", title), "description": words, "type": "article"}
    if html_baseurl:  # an address of its own is what a picture needs there
        said |= {"url": f"{html_baseurl}{page}.html", "image": html_baseurl + picture}
    tags = (f'<meta property="og:{k}" content="{escape(v)}">' for k, v in said.items())
    return "".join(tags) + '<meta name="twitter:card" content="summary_large_image">'


LONGEST = 155  # characters of a description: what search engines show


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("html-page-context", describe)
