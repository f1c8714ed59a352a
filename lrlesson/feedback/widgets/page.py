"""A widget on the page: its class, made when first shown, and one at a time for each question."""

from functools import cache
from importlib.resources import files
from typing import Any

from lrlesson.base.extras import needed
from lrlesson.drawing.page import HANDS
from lrlesson.drawing.theme import ACCENT

opened: dict[object, Any] = {}  # what is on the page for each question and puzzle


@cache
def widget_class(what: str, script: str, **traits: str) -> Any:
    """The class of a widget with a script of this folder, and a trait of traitlets for each name.

    It is made when first shown, so that importing the library stays fast. `me` is the widget's own
    name, by which its page asks whether a kernel knows it.
    """
    with needed("course", what):
        import anywidget
        import traitlets
    traits["me"] = "Unicode"
    synced = {name: getattr(traitlets, kind)().tag(sync=True) for name, kind in traits.items()}
    folder = files(__package__)
    scripts = [folder.joinpath(name).read_text(encoding="utf-8") for name in ("waking.js", script)]
    source = {
        "_esm": "".join([HANDS, *scripts]),
        "_css": f".lrlesson-form {{ --accent: {ACCENT['good']}; }}\n"
        + folder.joinpath("form.css").read_text(encoding="utf-8"),
    }
    return type("FormWidget", (anywidget.AnyWidget,), source | synced)


def on_page(key: object, shown: Any) -> Any:
    """Close what showed this before, and remember what shows it now."""
    if key in opened:
        opened[key].close()
    opened[key] = shown
    return shown


def view(widget: Any, text: str) -> dict[str, object]:
    """What a notebook shows: the widget, or where there are no widgets the text."""
    widget.me = widget.model_id
    found = {"version_major": 2, "version_minor": 1, "model_id": widget.model_id}
    return {"text/plain": text, "application/vnd.jupyter.widget-view+json": found}
