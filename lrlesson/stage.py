"""What matplotlib draws once, as sanitised SVG that follows the page: stages and pictures."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

# name: (light theme, dark theme). The hues are Okabe and Ito's, lightened for the dark theme.
PALETTE = {
    "ink": ("#20242a", "#e4e7eb"),
    "muted": ("#5b6571", "#a3adb8"),
    "grid": ("#e4e8ec", "#2c333b"),
    "paper": ("#ffffff", "#111111"),
    "blue": ("#0072b2", "#5db7ec"),
    "vermilion": ("#d55e00", "#ff9550"),
    "green": ("#009e73", "#3ccf9f"),
    "orange": ("#e69f00", "#f4bd55"),
    "sky": ("#56b4e9", "#8fd0f7"),
    "purple": ("#cc79a7", "#e8a3cb"),
    "good": ("#007352", "#3ccf9f"),  # the words before a sentence: white on them is readable
    "lazy": ("#0a5f95", "#5db7ec"),
    "care": ("#8a5200", "#f4bd55"),
    "wave": ("#8a3d6b", "#e8a3cb"),
    "harm": ("#b03a00", "#ff9550"),
    "shade": ("#f1eeee", "#241d1b"),
    "contour": ("#8db4cf", "#3f7494"),
    "level0": ("#fbfdfe", "#12161a"),
    "level1": ("#f2f7fb", "#131a20"),
    "level2": ("#e7f0f7", "#152028"),
    "level3": ("#dae8f3", "#172832"),
    "level4": ("#cbdfee", "#1a313e"),
    "level5": ("#bad5e9", "#1d3b4b"),
    "level6": ("#a8cae3", "#214658"),
    "level7": ("#94bedc", "#265267"),
}
LEVELS = [f"level{k}" for k in range(8)]

_STYLE: dict[Any, Any] = {
    "figure.dpi": 72,  # one display pixel is one SVG unit
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": PALETTE["muted"][0],
    "axes.labelcolor": PALETTE["ink"][0],
    "axes.titlecolor": PALETTE["ink"][0],
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlepad": 7,
    "axes.labelsize": 11,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": PALETTE["grid"][0],
    "grid.linewidth": 0.8,
    "text.color": PALETTE["ink"][0],
    "xtick.color": PALETTE["muted"][0],
    "ytick.color": PALETTE["muted"][0],
    "xtick.labelcolor": PALETTE["ink"][0],
    "ytick.labelcolor": PALETTE["ink"][0],
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "font.size": 11,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "lines.scale_dashes": False,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "svg.fonttype": "path",  # used only for mathematics too rich to flow as text
    "svg.hashsalt": "lrlesson",
    "path.simplify": True,
}


def light(color: str) -> str:
    """Hex value of a palette name (its light variant) or of any matplotlib colour."""
    return PALETTE[color][0] if color in PALETTE else to_hex(color)


def css_color(color: str) -> str:
    """CSS value of a palette name (a variable, so it follows the theme) or of any colour."""
    hex_value = light(color)
    name = _BY_HEX.get(hex_value)
    return f"var(--lr-{name}, {hex_value})" if name else hex_value


_BY_HEX = {pair[0]: name for name, pair in PALETTE.items()}
_BY_HEX["#000000"] = "ink"


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib settings of every stage: quiet axes, palette colours that follow the theme."""
    with mpl.rc_context(_STYLE):
        yield


def figure(width: float, height: float, **mosaic: Any) -> tuple[Figure, dict[str, Axes]]:
    """A figure of width × height points and its labelled axes; call it inside `style()`.

    The keywords are those of matplotlib's `subplot_mosaic`. The figure is not registered with
    pyplot, so nothing has to be closed.
    """
    fig = Figure(figsize=(width / 72, height / 72), layout="constrained")
    return fig, fig.subplot_mosaic(**mosaic)


@dataclass(frozen=True, eq=False)
class Stage:
    """A drawn figure: its SVG, its size in points, and where each of its axes lies.

    `boxes[label]` is (left, top, width, height) in SVG units, y downwards.
    """

    figure: Figure
    svg: str
    size: tuple[float, float]
    boxes: dict[str, tuple[float, float, float, float]]

    @classmethod
    def of(cls, fig: Figure) -> Stage:
        """Freeze the layout of a matplotlib figure and export it."""
        with style():
            fig.set_dpi(72)
            fig.draw_without_rendering()
            fig.set_layout_engine("none")  # before the boxes are read: they must not move again
            width, height = fig.get_size_inches() * 72
            boxes = {}
            for k, ax in enumerate(fig.axes):
                ax.apply_aspect()
                x0, y0, w, h = ax.bbox.bounds
                label = str(ax.get_label())
                label = f"axes{k}" if not label or label.startswith("_") else label
                boxes[label] = (float(x0), float(height - y0 - h), float(w), float(h))
            return cls(fig, _export(fig), (float(width), float(height)), boxes)

    def axes(self, label: str) -> Axes:
        """The matplotlib axes of that label."""
        return self.figure.axes[list(self.boxes).index(label)]

    def fractions(self, label: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Data coordinates as fractions of the axes' box, x rightwards and y downwards.

        Any scale that acts on x and y separately works, as matplotlib's own transform is used.
        Values that are not finite stay so.
        """
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        ax = self.axes(label)
        x0, y0, w, h = ax.bbox.bounds
        points = np.column_stack([x.ravel(), y.ravel()])
        with np.errstate(all="ignore"):
            at = (ax.transData.transform(points) - (x0, y0)) / (w, h)
        return at[:, 0].reshape(x.shape), 1 - at[:, 1].reshape(x.shape)

    def scales(self) -> dict[str, tuple[object, ...]]:
        """Scale and limits of each axes: what `fractions` depend on."""
        return {
            label: (ax.get_xscale(), ax.get_yscale(), *map(float, ax.get_xlim() + ax.get_ylim()))
            for label, ax in zip(self.boxes, self.figure.axes, strict=True)
        }

    @property
    def digest(self) -> str:
        """Hash of the drawing."""
        return hashlib.sha256(self.svg.encode()).hexdigest()[:16]


class Picture(Figure):
    """A figure that shows itself in the colours of the page, and says in words what it shows.

    Where a page drops drawings (an untrusted notebook), the same picture in light colours stands.
    """

    def in_words(self) -> str:
        """The text alternative: what is drawn against what, the titles, and the names in the
        legends."""
        parts = []
        for ax in self.axes:
            x, y = (
                label + " (logarithmic)" * (scale == "log")
                for label, scale in (
                    (ax.get_xlabel(), ax.get_xscale()),
                    (ax.get_ylabel(), ax.get_yscale()),
                )
            )
            names = ", ".join(ax.get_legend_handles_labels()[1])
            title = ax.get_title("left") or ax.get_title()
            about = f" ({title})" if title else ""
            parts.append(f"{y} against {x}{about}" + (f": {names}" if names else ""))
        return "; ".join(parts)

    def _repr_html_(self) -> str:
        flat = io.BytesIO()
        self.savefig(flat, format="png", dpi=110)
        source = base64.b64encode(flat.getvalue()).decode()
        dpi, words = self.dpi, escape(self.in_words())
        self.set_dpi(72)
        with style():
            svg = _export(self)
        self.set_dpi(dpi)
        svg = svg.replace(ID, f"{ID}{hashlib.sha256(svg.encode()).hexdigest()[:8]}-")
        svg = svg.replace("<svg ", f'<svg role="img" aria-label="{words}" ', 1)
        return (
            f'<div class="lrlesson-picture"><style>{_PICTURE_SHEET}</style>{svg}'
            f'<img alt="{words}" src="data:image/png;base64,{source}"></div>'
        )


# ---- export ------------------------------------------------------------------------------------

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
ID = "lrstage-"  # the browser replaces this prefix, view by view
_KEPT = {"svg", "g", "path", "text", "tspan", "use", "defs", "clipPath", "rect", "title", "image"}
ET.register_namespace("", SVG)


class _Renderer(RendererSVG):
    """matplotlib's SVG renderer, with text and simple mathematics written as flowing text."""

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
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
        attrib["runs"] = json.dumps(runs)  # `clean` writes them: the writer would add blanks
        self.writer.element("text", attrib=attrib)


def _write_runs(element: ET.Element) -> None:
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


_SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "times": "×", "cdot": "·", "leq": "≤", "geq": "≥", "approx": "≈", "pm": "±", "infty": "∞",
    "nabla": "∇", "to": "→", "Sigma": "Σ", "Delta": "Δ", ",": "\u2009", " ": " ", "|": "‖",
}  # fmt: skip
_TOKEN = re.compile(r"\\([a-zA-Z]+) ?|\\(.)|([{}^_])|(.)")


def flow(source: str) -> list[tuple[str, int, bool]] | None:
    """Simple mathtext as runs of text: (characters, -1 | 0 | 1 for sub- or superscript, italic).

    None where it is not simple: fractions, roots, accents, nested scripts.
    """
    runs: list[tuple[str, int, bool]] = []
    for k, part in enumerate(re.split(r"(?<!\\)\$", source)):
        if k % 2 == 0:
            runs += [(part.replace(r"\$", "$"), 0, False)] if part else []
        elif (more := _flow_maths(part)) is None:
            return None
        else:
            runs += more
    return runs


def _flow_maths(source: str) -> list[tuple[str, int, bool]] | None:
    runs: list[tuple[str, int, bool]] = []
    groups: list[tuple[int, bool | None]] = [(0, None)]  # (shift, roman) of each open brace
    pending: tuple[int, bool | None] | None = None  # what the next group or character gets
    for word, escaped, mark, char in _TOKEN.findall(source):
        shift, roman = pending if pending is not None else groups[-1]
        if mark in ("^", "_") and mark:
            if shift:
                return None
            pending = (1 if mark == "^" else -1, roman)
        elif mark == "{":
            groups.append((shift, roman))
            pending = None
        elif mark == "}":
            if len(groups) == 1:
                return None
            groups.pop()
        elif word in ("mathdefault", "mathrm", "mathit", "text"):
            pending = (shift, word != "mathit")
        elif word or escaped:
            symbol = _SYMBOLS.get(word or escaped)
            if symbol is None:
                return None
            runs.append((symbol, shift, False))
            pending = None
        else:
            if char == " " and not roman:
                continue
            italic = char.isalpha() and char.isascii() and not roman
            runs.append(("−" if char == "-" else char, shift, italic))
            pending = None
    merged: list[tuple[str, int, bool]] = []
    for text, shift, italic in runs:
        if merged and merged[-1][1:] == (shift, italic):
            merged[-1] = (merged[-1][0] + text, shift, italic)
        else:
            merged.append((text, shift, italic))
    return merged


def _export(fig: Figure) -> str:
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
        if clip is not None and _ABSOLUTE.fullmatch(about.get("d", "")):
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


DARK_HOSTS = (
    "body[data-jp-theme-light='false']",  # JupyterLab, Notebook 7, nbconvert
    "body.vscode-dark",
    "html[data-theme='dark']",  # Jupyter Book, Sphinx themes
    "html[theme='dark']",  # Colab
)


def theme_css(root: str, dark_hosts: Sequence[str] = DARK_HOSTS) -> str:
    """CSS variables of the palette, for the light theme and for the hosts' dark themes."""
    light_rule = " ".join(f"--lr-{name}: {pair[0]};" for name, pair in PALETTE.items())
    dark_rule = " ".join(f"--lr-{name}: {pair[1]};" for name, pair in PALETTE.items())
    hosts = ", ".join(f"{host} {root}" for host in dark_hosts)
    return (
        f"{root} {{ {light_rule} }}\n"
        f"@media (prefers-color-scheme: dark) {{ {root}.alone {{ {dark_rule} }} }}\n"
        f"{hosts} {{ {dark_rule} }}\n"
    )


_PICTURE_SHEET = (
    theme_css(".lrlesson-picture")
    + """
.lrlesson-picture svg { display: block; width: 100%; max-width: 620px; }
.lrlesson-picture text { font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.lrlesson-picture img { display: none; }
"""
)
