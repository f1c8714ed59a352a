"""What the shape of a bowl does to one rate for all directions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import LEVELS, light, style
from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes.actors import Dots, Handle, HLine, Label, Path, Spread, Text
from lrlesson.scenes.controls import Slider, number
from lrlesson.scenes.explorers._parts import ticks, titled, x_name
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene
from lrlesson.training import descend

_KAPPA = np.array([1, 2, 5, 10, 20, 50, 100])
_ANGLES = np.arange(0, 91, 5)
_SPOT = np.round(np.linspace(-4, 4, 161), 3)
_SHARES = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.02,
                    1.05, 1.1])  # fmt: skip
_WALK = 60
_VIEW = 4.3
_FAR = 400.0  # times the start: far outside of the frame
_RADII = (8.2, 5.4, 3.2, 1.5)  # of the levels, along the flat direction


def conditioning() -> Scene:
    """Stretch and turn the bowl, and drag the start: what one rate for all directions can do."""
    left = _progress()
    here = ("share", "condition")
    spot = [number(w) for w in _SPOT]
    x, y = _turned(left)
    steps = np.arange(_WALK + 1)
    cos, sin = np.cos(np.deg2rad(_ANGLES)), np.sin(np.deg2rad(_ANGLES))
    rates = _SHARES[:, None] * 2 / _KAPPA
    flat, steep = np.moveaxis(np.nan_to_num(np.abs(left[..., -1, :]), nan=np.inf), -1, 0)
    edge = np.broadcast_to(np.isclose(_SHARES, 1)[:, None], flat.shape)
    word = np.where(np.maximum(flat, steep) < 0.03, "converges", "slow")
    word = np.where(edge, "never settles", np.where(steep > 1.001, "diverges", word))
    tones = {"slow": "slow", "converges": "good", "never settles": "warn", "diverges": "bad"}
    return Scene(
        _stage(True),
        narrow=_stage(False),
        name="conditioning",
        alt="Gradient descent on a bowl whose shape and start can be changed, and what is left of "
        "the way along its steep and its flat direction at each step.",
        controls=[
            Slider("share", "learning rate", _SHARES, 3, [f"{100 * s:.0f} %" for s in _SHARES],
                   marks={1.0: "2/λ_max"}),
            Slider("condition", "condition number", _KAPPA, 4, [str(k) for k in _KAPPA]),
            Slider("angle", "rotation", _ANGLES, 0, [f"{a}°" for a in _ANGLES]),
            Slider("x", "start w_1", _SPOT, 10, spot, folded=True),
            Slider("y", "start w_2", _SPOT, 120, spot, folded=True),
        ],
        actors=[
            *_levels(),
            *(Path(f"{name} direction", "bowl", np.stack([-9 * u, 9 * u], axis=-1),
                   np.stack([-9 * v, 9 * v], axis=-1), by=("angle",), width=1, color="muted",
                   exits=False)
              for name, u, v in (("flat", cos, sin), ("steep", -sin, cos))),
            *(Text(f"{name} name", "bowl", 3.75 * u, 3.75 * v, name, by=("angle",), anchor="middle",
                   bold=True, dy=-11) for name, u, v in (("flat", cos, sin), ("steep", -sin, cos))),
            Path("path", "bowl", x, y, width=1.8, casing=2.5, color="pick"),
            Dots("steps", "bowl", x, y, size=5, rim=1, color="pick"),
            Handle("start", "bowl", "x", "y", color="pick"),
            *(actor for k, name in enumerate(("flat", "steep")) for actor in (
                HLine(f"{name} arrived", name, 0.0, dash=(7, 4)),
                Path(f"{name} left", name, Spread(steps.astype(float)), Spread(
                    left[..., k], offset_by=here), color="pick", width=2.6, casing=2.5),
                Label(f"{name} end", name, f"{name} left", _percent(np.abs(left[..., -1, k])),
                      text_by=here, color="pick"),
            )),
        ],
        say=[
            Say("with rate {r} each step takes the flat direction {part} of its way; after "
                f"{_WALK} steps {{flat}} of that way remains, and {{steep}} of the steep one.",
                here, {"r": rates, "part": _percent(rates), "flat": _percent(flat),
                       "steep": _percent(steep)}, word, np.vectorize(tones.get)(word)),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _progress() -> np.ndarray:
    """What is left of the start along the flat and the steep direction: (shares, condition numbers,
    steps + 1, 2). On such a bowl each direction goes its own way."""
    runs = [descend(Quadratic.conditioned(float(k)), [1, 1], SGD(), _SHARES * 2 / k, _WALK).weights
            for k in _KAPPA]  # fmt: skip
    left = np.stack([run for run in runs if run is not None], axis=1)
    return np.where(np.abs(left) < _FAR, left, np.nan)


def _turned(left: np.ndarray) -> tuple[Spread, Spread]:
    """The path in w1 and w2: the flat and the steep part of the start, each turned back."""
    turn = np.deg2rad(_ANGLES)[:, None]
    cos, sin = np.cos(turn), np.sin(turn)
    parts = {  # of w1 and w2, what the flat and the steep direction get of the start's x and y
        "x": [(cos * cos, cos * sin), (sin * sin, -cos * sin)],
        "y": [(cos * sin, sin * sin), (-cos * sin, cos * cos)],
    }
    made = []
    for axis in "xy":
        place: Spread | None = None
        for k, shares in enumerate(parts[axis]):
            for start, share in zip("xy", shares, strict=True):
                place = Spread(left[..., k], share * _SPOT, offset_by=("share", "condition"),
                               scale_by=("angle", start), plus=place)  # fmt: skip
        assert place is not None
        made.append(place)
    return made[0], made[1]


def _levels() -> list[Path]:
    """The bowl seen from above, its levels as wide along the flat direction at every condition."""
    around = np.linspace(0, 2 * np.pi, 73)
    turn = np.deg2rad(_ANGLES)
    cos, sin = np.cos(turn), np.sin(turn)
    by: dict[str, Any] = {"scale_by": ("condition", "angle")}
    paths = []
    for k, radius in enumerate(_RADII):
        thin = radius / np.sqrt(_KAPPA)[:, None]
        x = Spread(np.cos(around), radius * cos, scale_by=("angle",),
                   plus=Spread(np.sin(around), -thin * sin, **by))  # fmt: skip
        y = Spread(np.cos(around), radius * sin, scale_by=("angle",),
                   plus=Spread(np.sin(around), thin * cos, **by))  # fmt: skip
        paths.append(
            Path(f"level {k}", "bowl", x, y, color=LEVELS[k + 1], width=1, fill=True, exits=False)
        )
    return paths


def _percent(shares: np.ndarray) -> np.ndarray:
    """Shares for the eye, small and huge ones in words."""
    percent = 100 * np.nan_to_num(shares, nan=np.inf, posinf=np.inf)
    shown = np.array([f"{p:.2g} %" if p < 99.5 else f"{p:.0f} %" for p in percent.ravel()], object)
    shown = shown.reshape(percent.shape)
    shown[percent < 0.01] = "nothing"
    shown[percent > 1000] = "over 10 ×"
    return shown


_WIDE: dict[str, Box] = {
    "bowl": (0, 30, 402, 402), "steep": (472, 30, 236, 150), "flat": (472, 252, 236, 150),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "bowl": (0, 30, 400, 400), "steep": (44, 476, 250, 100), "flat": (44, 636, 250, 100),
}  # fmt: skip


@lru_cache(maxsize=2)
def _stage(wide: bool) -> Stage:
    with style():
        fig, axes = placed(*((806, 440) if wide else (400, 780)), _WIDE if wide else _NARROW)
        ax = axes["bowl"]
        ax.set_xlim(-_VIEW, _VIEW)
        ax.set_ylim(-_VIEW, _VIEW)
        ax.set_facecolor(light(LEVELS[0]))
        ax.grid(False)
        ax.axis("off")
        ax.axhspan(-_VIEW, _VIEW, color=light(LEVELS[0]), lw=0)
        titled(ax, "The path down the bowl", "drag the start")
        for name in ("steep", "flat"):
            ax = axes[name]
            ax.set_xlim(0, _WALK)
            ax.set_ylim(-1.1, 1.1)
            ticks(ax.yaxis, [-1, 0, 1])
            ticks(ax.xaxis, [0, 20, 40, 60])
            x_name(ax, "step", beside=True)
            about = "of the start" if name == "steep" else ""
            titled(ax, f"What remains: {name}", about, left=44)
        return Stage.of(fig)
