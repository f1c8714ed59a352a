"""Matplotlib's SVG made safe and light enough to stand in a page."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import numpy as np
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from lrlesson.base.notation import flow
from lrlesson.drawing.theme import css_color, light

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
SUBTITLE = "\u2003"  # what follows it in a title is set smaller and muted
ID = "lrstage-"  # the browser replaces this prefix, view by view
_KEPT = {"svg", "g", "path", "text", "tspan", "use", "defs", "clipPath", "rect", "title", "image"}
ET.register_namespace("", SVG)


class _Renderer(RendererSVG):
    """matplotlib's SVG renderer, with text and simple mathematics written as flowing text."""

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        s, _, about = s.partition(SUBTITLE)
        runs = flow(s) if ismath else [(s, 0, False)]
        if runs is None:  # too rich to flow: outlines, titled with their source
            self.writer.start("g")
            self.writer.element("title", s.replace("$", ""))
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            self.writer.end("g")
            return
        anchor = "start"
        if mtext is not None and (angle == 0 or mtext.get_rotation_mode() == "anchor"):
            # Anchored as in the figure, so that another font's widths do no harm.
            ax, ay = mtext.get_transform().transform(mtext.get_unitless_position())
            down = np.array([np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))])
            x, y = (ax, self.height - ay) + down * (down @ (x - ax, y - self.height + ay))
            anchor = {"left": "start", "center": "middle", "right": "end"}[mtext.get_ha()]
        css = {"fill": to_hex(gc.get_rgb()), "text-anchor": anchor}
        css["font-size"] = f"{prop.get_size_in_points():g}px"
        weight = prop.get_weight()
        if weight in ("bold", "semibold") or (isinstance(weight, int) and weight >= 600):
            css["font-weight"] = "600"
        if prop.get_style() == "italic":
            css["font-style"] = "italic"
        attrib = {"x": f"{x:.2f}", "y": f"{y:.2f}", "style": "; ".join(map(": ".join, css.items()))}
        if angle:
            attrib["transform"] = f"rotate({-angle:g} {x:.2f} {y:.2f})"
        if mtext is not None and mtext.get_gid() == "halo":
            attrib["class"] = "lr-halo"
        attrib["about"] = about
        attrib["runs"] = json.dumps(runs)  # `clean` writes them: the writer would add blanks
        self.writer.element("text", attrib=attrib)


def _write_runs(element: ET.Element) -> None:
    about = element.attrib.pop("about", "")
    runs = json.loads(element.attrib.pop("runs"))
    size = float(re.search(r"font-size: ([\d.]+)px", element.attrib["style"])[1])  # type: ignore[index]
    lowered = 0.0
    for text, shift, italic in runs:
        if not (shift or italic or lowered or len(element)):
            element.text = (element.text or "") + text
            continue
        span = ET.SubElement(element, f"{{{SVG}}}tspan")
        span.text = text
        dy = {0: 0.0, 1: -0.38, -1: 0.24}[shift] * size
        if dy != lowered:  # dy moves all that follows, so each change is undone by the next run
            span.attrib["dy"] = f"{dy - lowered:.2f}"
            lowered = dy
        css = [f"font-size: {0.74 * size:.2f}px"] * bool(shift)
        css += ["font-style: italic"] * bool(italic)
        if css:
            span.attrib["style"] = "; ".join(css)
    if about:  # a quiet continuation, wherever the page's font ends the title
        muted = f"fill: {light('muted')}; font-size: 12.5px; font-weight: 400"
        ET.SubElement(element, f"{{{SVG}}}tspan", {"dx": "7", "style": muted}).text = about


def export(fig: Figure) -> str:
    """A figure as one SVG drawing that can be inlined."""
    width, height = fig.get_size_inches() * 72
    out = io.StringIO()
    renderer = _Renderer(width, height, out, image_dpi=144)
    fig.draw(renderer)
    renderer.finalize()
    return clean(out.getvalue())


def clean(svg: str) -> str:
    """An SVG drawing made safe to inline: known elements only, no script, no style sheet, no
    outside reference, prefixed ids, palette colours as variables, numbers of 0.01 units. And
    light: a browser goes through all of it for every frame."""
    root = ET.fromstring(svg)
    _prune(root)
    _lighten(root)
    for element in list(root.iter(f"{{{SVG}}}text")):
        if "runs" in element.attrib:
            _write_runs(element)
    used = _referred(root)
    for element in root.iter():
        attributes = element.attrib
        if (identity := attributes.pop("id", None)) in used:
            attributes["id"] = ID + str(identity)
        if "d" in attributes:
            attributes["d"] = _round(attributes["d"])
        for key in ("x", "y", "transform"):
            if key in attributes:
                attributes[key] = _round(attributes[key])
        if attributes.get("href", "").startswith("#"):
            attributes["href"] = f"#{ID}{attributes['href'][1:]}"
        for key in ("clip-path", "style", "fill", "stroke"):
            if key in attributes:
                value = re.sub(r"url\(#", f"url(#{ID}", attributes[key])
                attributes[key] = re.sub(
                    r"#[0-9a-fA-F]{6}\b", lambda m: css_color(m[0].lower()), value
                )
    root.attrib = {"viewBox": root.attrib["viewBox"]}
    root.text = None
    return ET.tostring(root, encoding="unicode")


def _prune(element: ET.Element) -> None:
    for child in list(element):
        if not isinstance(child.tag, str) or child.tag.removeprefix(f"{{{SVG}}}") not in _KEPT:
            element.remove(child)
        else:
            _prune(child)
    element.text = element.text if element.text and element.text.strip() else None
    if not element.tag.endswith(("text", "tspan")):
        for child in element:
            child.tail = None
    attributes = element.attrib
    if XLINK in attributes:
        attributes["href"] = attributes.pop(XLINK)
    for key, value in list(attributes.items()):
        outside = key == "href" and not value.startswith(("#", "data:image/png;base64,"))
        outside |= bool(re.search(r"url\(\s*['\"]?(?!#)|@import|expression", value))
        if outside or key.lower().startswith("on") or key.startswith("{"):
            del attributes[key]


def _lighten(root: ET.Element) -> None:
    """Ticks as paths instead of copies, no clipping of what lies inside, no idle groups."""
    known = {e.attrib["id"]: e for e in root.iter() if "id" in e.attrib}
    for element in root.iter():
        about = element.attrib
        if "transform" in about:
            continue
        symbol = known.get(about.get("href", "")[1:])
        if symbol is not None and _ABSOLUTE.fullmatch(symbol.attrib.get("d", "")):
            at = [float(about.get(axis, 0)) for axis in "xy"]
            look = "; ".join(e["style"] for e in (about, symbol.attrib) if "style" in e)
            element.tag = symbol.tag
            element.attrib = {"d": _moved(symbol.attrib["d"], at), "style": look}
        clip = known.get(about.get("clip-path", "")[5:-1])
        boxed = clip is not None and "width" in clip[0].attrib
        if clip is not None and boxed and _ABSOLUTE.fullmatch(about.get("d", "")):
            x, y, width, height = (float(clip[0].attrib[k]) for k in ("x", "y", "width", "height"))
            points = np.array(_NUMBER.findall(about["d"]), float).reshape(-1, 2)
            middle, reach = [x + width / 2, y + height / 2], [width / 2 + 0.01, height / 2 + 0.01]
            if (np.abs(points - middle) <= reach).all():
                del about["clip-path"]
    _unwrap(root, _referred(root))


def _referred(root: ET.Element) -> set[str]:
    """The ids that something in the drawing refers to."""
    return set(re.findall(r"#([\w.-]+)", " ".join(
        v for e in root.iter() for k, v in e.attrib.items()
        if k in ("href", "clip-path", "style", "fill")
    )))  # fmt: skip


def _unwrap(element: ET.Element, used: set[str]) -> None:
    """Take out groups that say nothing of their own, and definitions that nothing uses."""
    kept: list[ET.Element] = []
    for child in element:
        _unwrap(child, used)
        kind, identity = child.tag.removeprefix(f"{{{SVG}}}"), child.attrib.get("id")
        says = set(child.attrib) - {"id"} or identity in used
        if kind in ("g", "defs") and not len(child):
            continue
        if kind == "g" and not says and child.find(f"{{{SVG}}}title") is None:
            kept += child
        elif element.tag != f"{{{SVG}}}defs" or identity in used:
            kept.append(child)
    if element.tag.removeprefix(f"{{{SVG}}}") in ("svg", "g", "defs"):
        element[:] = kept


_ABSOLUTE = re.compile(r"\s*M[\sMLCQz\d.eE+-]*")  # no relative steps, no single coordinates
_NUMBER = re.compile(r"-?\d+\.?\d*(?:[eE]-?\d+)?|-?\.\d+")


def _moved(d: str, at: Sequence[float]) -> str:
    """A path of absolute coordinates, moved."""
    turn = iter(range(len(d)))
    return _NUMBER.sub(lambda m: f"{float(m[0]) + at[next(turn) % 2]:.6f}", d)


def _round(text: str) -> str:
    return re.sub(r"-?\d*\.\d{3,}", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), text)
