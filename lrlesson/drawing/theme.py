"""The palette, the settings of matplotlib, and how both follow a page's theme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.colors import to_hex

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
SETTINGS: dict[Any, Any] = {
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
    with mpl.rc_context(SETTINGS):
        yield


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


PICTURE_SHEET = (
    theme_css(".lrlesson-picture")
    + """
.lrlesson-picture svg { display: block; width: 100%; max-width: 620px; }
.lrlesson-picture text { font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.lrlesson-picture img { display: none; }
"""
)
