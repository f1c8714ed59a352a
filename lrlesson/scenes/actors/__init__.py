"""The actors of a scene: what moves, as arrays with one leading axis per control.

Each actor knows how to pack its arrays for the browser and how matplotlib draws the same frame
(for the picture in the output); `scene.js` holds the browser's half under the same names.
Positions travel as fractions of the axes' box, x rightwards and y downwards.
"""

from lrlesson.scenes.actors.actor import Actor
from lrlesson.scenes.actors.lines import Band, Bars, HLine, Label, Path, Trail, VLine
from lrlesson.scenes.actors.pack import Pack, Spec, Spread
from lrlesson.scenes.actors.points import Dots, Handle, Marker, Text
from lrlesson.scenes.actors.tiles import Cells, Sprites

__all__ = [
    "Actor",
    "Band",
    "Bars",
    "Cells",
    "Dots",
    "HLine",
    "Handle",
    "Label",
    "Marker",
    "Pack",
    "Path",
    "Spec",
    "Spread",
    "Sprites",
    "Text",
    "Trail",
    "VLine",
]
