"""The stage, which has moved to `lrlesson.stage`."""

from lrlesson.stage import (
    LEVELS,
    PALETTE,
    Stage,
    clean,
    css_color,
    figure,
    flow,
    light,
    style,
    theme_css,
)

__all__ = [
    "LEVELS",
    "PALETTE",
    "Stage",
    "clean",
    "css_color",
    "figure",
    "flow",
    "light",
    "style",
    "theme_css",
]
