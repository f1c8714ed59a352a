"""Scenes: figures that answer at the speed of the hand. `explorers` holds those of the lessons."""

from lrlesson.drawing.stage import Stage, figure, placed
from lrlesson.drawing.theme import LEVELS, PALETTE, style
from lrlesson.scenes.actors import (
    Band,
    Bars,
    Cells,
    Dots,
    Handle,
    HLine,
    Label,
    Marker,
    Path,
    Spread,
    Sprites,
    Text,
    Trail,
    VLine,
)
from lrlesson.scenes.controls import Answers, Button, Choice, Slider, Steps, Switch, number
from lrlesson.scenes.say import Each, Keep, Least, Say, Total
from lrlesson.scenes.scene import PAYLOAD_LIMIT, Scene

__all__ = [
    "LEVELS",
    "PALETTE",
    "PAYLOAD_LIMIT",
    "Answers",
    "Band",
    "Bars",
    "Button",
    "Cells",
    "Choice",
    "Dots",
    "Each",
    "HLine",
    "Handle",
    "Keep",
    "Label",
    "Least",
    "Marker",
    "Path",
    "Say",
    "Scene",
    "Slider",
    "Spread",
    "Sprites",
    "Stage",
    "Steps",
    "Switch",
    "Text",
    "Total",
    "Trail",
    "VLine",
    "figure",
    "number",
    "placed",
    "style",
]
