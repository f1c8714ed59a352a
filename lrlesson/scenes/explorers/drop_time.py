"""When to drop the rate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lrlesson import schedules as sch
from lrlesson.drawing.stage import Stage
from lrlesson.drawing.theme import light, style
from lrlesson.losses import NoisyBowl
from lrlesson.scenes.actors import Handle, Marker, Path, VLine
from lrlesson.scenes.controls import Slider, number
from lrlesson.scenes.explorers._parts import log_ticks, named, panels
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene

_T, _EVERY, _SOON = 1000, 5, 30
_DROPS = np.arange(0, _T + 1, 10)
_ETA = 0.5


def drop_time() -> Scene:
    """Drop the rate to a tenth, sooner or later: the loss soon after, and at the end.

    Exact expected loss on a bowl with one steep, noisy direction and one flat one, 1000 updates.
    The last position never drops.
    """
    losses, soon, end = _drops()
    t = np.arange(0, _T + 1, _EVERY)
    before = losses[np.arange(_DROPS.size), _DROPS]
    best, never = int(end.argmin()), float(end[-1])
    said = [
        f"dropping at update {at} takes the loss from {number(b)} to {number(s)} within {_SOON} "
        f"updates, and it ends at {number(e)}; never dropping ends at {number(never)}."
        for at, b, s, e in zip(_DROPS, before, soon, end, strict=True)
    ]
    said[-1] = f"the rate never drops, and the loss ends at {number(never)}, the noise floor."
    late = _DROPS[best] + 40 < _DROPS
    early = end > 1.3 * end.min()
    badge = np.where(late, "late", np.where(early, "too early", "well timed"))
    badge[-1] = "never"
    tone = np.where(badge == "well timed", "good", np.where(badge == "too early", "bad", "warn"))
    drop = ("drop",)
    texts_ = [str(at) for at in _DROPS[:-1]] + ["never"]
    return Scene(
        _drop_stage(2),
        narrow=_drop_stage(1),
        name="drop time",
        alt="Loss against update for one drop of the rate, and what each drop time gives.",
        controls=[Slider("drop", "drop at update", _DROPS, 20, texts_)],
        actors=[
            VLine("when", "loss", _DROPS.astype(float), by=drop, color="vermilion", dash=(5, 3)),
            Path("loss", "loss", t, losses[:, ::_EVERY], by=drop, width=2.2),
            Marker("end", "loss", float(_T), end, by=drop, color="green", shape="square", size=10),
            Handle("grip", "loss", "drop", 2.0, color="vermilion"),
            Marker("soon here", "each", _DROPS.astype(float), soon, by=drop, shape="ring",
                   color="orange", size=11),
            Marker("end here", "each", _DROPS.astype(float), end, by=drop, shape="square",
                   color="green", size=10),
        ],
        say=[
            Say("{text}", drop, {"text": said}, badge, tone),
            Say(f"Best at the end: a drop at update {_DROPS[best]}, {number(end[best])}. Early "
                "drops look good at once: the noise goes, and so does the speed."),
        ],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _drops() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected losses (drops, T + 1), those 30 updates after the drop, and those at the end."""
    bowl = NoisyBowl([1, 0.01], [1, 0])
    rates = [sch.ScheduledDrop(_ETA, 0.1, (at,)).values(_T) for at in _DROPS[:-1]]
    losses = bowl.expected([1, 10], np.stack([*rates, np.full(_T, _ETA)]))
    after = np.minimum(_DROPS + _SOON, _T)
    return losses, losses[np.arange(_DROPS.size), after], losses[:, -1]


@lru_cache(maxsize=2)
def _drop_stage(columns: int) -> Stage:
    _, soon, end = _drops()
    with style():
        fig, axes = panels(["loss", "each"], columns, height=350)
        for ax in axes.values():
            ax.set_xlim(-20, 1030)
            ax.set_yscale("log")
            ax.set_ylim(0.008, 3)
            log_ticks(ax.yaxis, 1, 3)
        named(axes["loss"], "expected loss (drag the drop)", "update", "loss")
        ax = axes["each"]
        named(ax, "what each drop time gives", "drop at update", "loss")
        ax.plot(_DROPS[:-1], soon[:-1], color=light("orange"), lw=2, ls=(0, (5, 2)))
        ax.plot(_DROPS[:-1], end[:-1], color=light("green"), lw=2)
        ax.axhline(end[-1], color=light("muted"), lw=1, ls=(0, (2, 2)))
        ax.text(1020, end[-1] * 1.08, "never dropping", size=10, color=light("muted"), ha="right")
        ax.annotate(f"{_SOON} updates later", (_DROPS[25], soon[25]), xytext=(7, 4), size=10,
                    textcoords="offset points")  # fmt: skip
        ax.annotate("at the end", (_DROPS[34], end[34]), xytext=(-8, -3), size=10, ha="right",
                    va="top", textcoords="offset points")  # fmt: skip
        return Stage.of(fig)
