"""Scenes: figures that answer at the speed of the hand. `explorers` holds those of the lessons."""

from lrlesson.drawing.stage import Stage, figure
from lrlesson.drawing.theme import LEVELS, PALETTE, style
from lrlesson.scenes.actors import Band, Bars, Dots, Handle, HLine, Marker, Path, Text, VLine
from lrlesson.scenes.controls import Answers, Button, Choice, Slider, Steps, Switch, number
from lrlesson.scenes.scene import PAYLOAD_LIMIT, Each, Keep, Least, Say, Scene, Total

__all__ = [
    "LEVELS",
    "PALETTE",
    "PAYLOAD_LIMIT",
    "Answers",
    "Band",
    "Bars",
    "Button",
    "Choice",
    "Dots",
    "Each",
    "HLine",
    "Handle",
    "Keep",
    "Least",
    "Marker",
    "Path",
    "Say",
    "Scene",
    "Slider",
    "Stage",
    "Steps",
    "Switch",
    "Text",
    "Total",
    "VLine",
    "figure",
    "number",
    "style",
]
