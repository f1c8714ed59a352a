"""The roles of colour, the settings of matplotlib, and how both follow a page's theme.

This is the only place with a colour. A colour says what becomes of a run, not which run it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

# role: (light theme, dark theme). Each outcome has a second sign beside its colour: a word, ✓, ↕,
# ✕ or hatching, since hue alone does not part them for everyone.
PALETTE = {
    "ink": ("#1d2228", "#e8ebee"),  # theory, limits, and data in general
    "muted": ("#5a6470", "#a4aeb9"),
    "faint": ("#c9d0d7", "#434c56"),
    "grid": ("#e6eaee", "#262d34"),
    "paper": ("#ffffff", "#111418"),
    "wash": ("#f5f7f9", "#191e24"),
    "low": ("#1062aa", "#62b4f5"),  # too slow
    "good": ("#007551", "#38cf9c"),  # learns
    "high": ("#7f5a00", "#f6cb52"),  # oscillates, rattles
    "broken": ("#be3b00", "#ff8048"),  # diverges
    "pick": ("#a02a78", "#f09ad2"),  # what the reader holds
    "ghost": ("#9aa5b1", "#66717d"),  # earlier, or at other settings
    "ink-tint": ("#e4e8ec", "#2b323a"),
    "low-tint": ("#dcebf8", "#13293d"),
    "good-tint": ("#d5efe4", "#123a2d"),
    "high-tint": ("#f7eed3", "#332a0f"),
    "broken-tint": ("#fbe6db", "#2e1c12"),
    "pick-tint": ("#f6e2ef", "#371f30"),
    "level0": ("#f6f9fb", "#14191e"),  # the ramp of surfaces and maps
    "level1": ("#e4eef6", "#16222c"),
    "level2": ("#cde0ef", "#182d3d"),
    "level3": ("#b0cfe6", "#1b3c54"),
    "level4": ("#8dbada", "#1f4f70"),
    "level5": ("#669fca", "#26668f"),
    "level6": ("#4282b4", "#3382b1"),
    "level7": ("#235f93", "#4ba3d6"),
}
LEVELS = [f"level{k}" for k in range(8)]
# Of cards in a notebook, whose theme they cannot ask for: at least 3:1 against white and against
# JupyterLab's dark page; told apart by colour-blind eyes.
ACCENT = {"good": "#2f86d1", "bad": "#c96a00", "quiet": "#7f7f7f"}
OPTIMIZERS = {  # names, not outcomes
    "SGD": "ink", "momentum": "low", "AdaGrad": "good", "RMSprop": "pick", "Adam": "high",
}  # fmt: skip
# What scenes that still name a hue mean by it.
_HUES = {
    "blue": "low", "vermilion": "pick", "green": "good", "orange": "high", "sky": "low",
    "purple": "broken", "shade": "broken-tint", "contour": "level3",
}  # fmt: skip
SETTINGS: dict[Any, Any] = {
    "figure.dpi": 72,  # one display pixel is one SVG unit
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": PALETTE["muted"][0],
    "axes.labelcolor": PALETTE["ink"][0],
    "axes.titlecolor": PALETTE["ink"][0],
    "axes.titlelocation": "left",
    "axes.titlesize": 13.5,
    "axes.titleweight": "bold",
    "axes.titlepad": 10,
    "axes.labelsize": 12.5,
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": PALETTE["grid"][0],
    "axes.grid.axis": "y",
    "grid.linewidth": 1,
    "text.color": PALETTE["ink"][0],
    "xtick.color": PALETTE["muted"][0],
    "ytick.color": PALETTE["muted"][0],
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "xtick.major.size": 5,
    "xtick.major.width": 1,
    "ytick.major.size": 0,
    "ytick.major.pad": 7,
    "font.size": 12,
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
    from matplotlib.colors import to_hex

    color = _HUES.get(color, color)
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
    import matplotlib as mpl

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


PAGE_SHEET = (
    f".lrlesson-page {{ background: {PALETTE['paper'][0]}; }}\n@media (prefers-color-scheme: dark) "
    f"{{ .lrlesson-page {{ background: {PALETTE['paper'][1]}; }} }}\n"
)
PICTURE_SHEET = (
    theme_css(".lrlesson-picture")
    + """
.lrlesson-picture svg { display: block; width: 100%; max-width: 806px; }
.lrlesson-picture text { font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.lrlesson-picture img { display: none; }
"""
)
