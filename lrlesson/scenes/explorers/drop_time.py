"""When to drop the rate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lrlesson import schedules as sch
from lrlesson.drawing.stage import Box, Stage, placed
from lrlesson.drawing.theme import light, style
from lrlesson.losses import NoisyBowl
from lrlesson.scenes.actors import Handle, Label, Marker, Path, VLine
from lrlesson.scenes.controls import Slider, number
from lrlesson.scenes.explorers._parts import ticks, titled, x_name
from lrlesson.scenes.say import Say
from lrlesson.scenes.scene import Scene

_T, _EVERY, _SOON = 1000, 5, 30
_DROPS = np.arange(0, _T + 1, 10)
_ETA = 0.5


def drop_time() -> Scene:
    """Drop the rate to a tenth, sooner or later: the loss soon after, and at the end.

    Exact expected loss on a bowl with one steep, noisy direction and one flat one, 1000 updates.
    The last position never drops, and the scene opens there.
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
        controls=[Slider("drop", "drop at update", _DROPS, -1, texts_)],
        actors=[
            Path("rate", "rate", np.stack([0 * _DROPS, _DROPS, _DROPS, _T + 0 * _DROPS], axis=-1),
                 np.where(_DROPS[:, None] < _T, [_ETA, _ETA, _ETA / 10, _ETA / 10], _ETA),
                 by=drop, width=2.6, color="pick"),
            Label("rate name", "rate", "rate", [f"rate {_ETA / 10:g}"] * (_DROPS.size - 1) +
                  [f"rate {_ETA:g}"], text_by=drop, color="pick", dx=14),
            Handle("grip", "rate", "drop", _ETA, color="pick"),
            VLine("when", "loss", _DROPS.astype(float), by=drop, color="pick", dash=(2, 4)),
            Path("loss", "loss", t, losses[:, ::_EVERY], by=drop, width=2.6, casing=2.5,
                 color="pick"),
            Marker("end", "loss", float(_T), end, by=drop, color="pick", size=12),
            Label("end name", "loss", "end", [number(e, 2) for e in end], text_by=drop,
                  color="pick", dx=12),
            Marker("soon here", "each", _DROPS.astype(float), soon, by=drop, shape="ring",
                   color="pick", size=12),
            Marker("end here", "each", _DROPS.astype(float), end, by=drop, color="pick", size=14),
        ],
        say=[
            Say("{text}", drop, {"text": said}, badge, tone),
            Say(f"Best at the end: update {_DROPS[best]}, {number(end[best])}. An early drop looks "
                "good at once: noise goes, and so does speed."),
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


_WIDE: dict[str, Box] = {
    "loss": (44, 30, 330, 220), "rate": (44, 302, 330, 56), "each": (522, 30, 200, 328),
}  # fmt: skip
_NARROW: dict[str, Box] = {
    "loss": (44, 30, 260, 190), "rate": (44, 270, 260, 54), "each": (44, 420, 260, 170),
}  # fmt: skip


@lru_cache(maxsize=2)
def _drop_stage(columns: int) -> Stage:
    losses, soon, end = _drops()
    wide = columns == 2
    with style():
        fig, axes = placed(*((806, 398) if wide else (400, 640)), _WIDE if wide else _NARROW)
        for ax in axes.values():
            ax.set_xlim(0, _T)
            ticks(ax.xaxis, np.arange(0, _T, 250) if ax is axes["rate"] else [0, _T // 2, _T])
            if ax is not axes["rate"]:
                ax.set_yscale("log")
                ax.set_ylim(0.007, 1.6)
                ticks(ax.yaxis, [0.01, 0.03, 0.1, 0.3, 1])
        ax = axes["loss"]
        ax.plot(np.arange(_T + 1), losses[-1], color=light("ghost"), lw=1.4)
        ax.plot([0, _T], [end[-1]] * 2, color=light("ghost"), lw=1.4)
        ax.annotate("never dropped", (0.99 * _T, end[-1]), xytext=(0, 6), ha="right", size=13,
                    textcoords="offset points", color=light("muted"))  # fmt: skip
        titled(ax, "The loss", "expected, at each update" if wide else "", left=44)
        ax = axes["rate"]
        ax.set_ylim(0, 1.15 * _ETA)
        ticks(ax.yaxis, [0, _ETA])
        titled(ax, "The rate", "drag its corner", left=44)
        x_name(ax, "update", beside=True)
        ax = axes["each"]
        ax.plot(_DROPS[:-1], soon[:-1], color=light("ink"), lw=2.4)
        ax.plot(_DROPS[:-1], end[:-1], color=light("good"), lw=2.4)
        ax.axhline(end[-1], color=light("ghost"), lw=1.4)
        ax.annotate("never", (_T, end[-1]), xytext=(12, 0), textcoords="offset points",
                    va="center", size=13, color=light("muted"), annotation_clip=False)  # fmt: skip
        for name, y, role, up in ((f"after {_SOON}", soon, "ink", 14),
                                  ("at the end", end, "good", -14)):  # fmt: skip
            ax.annotate(name, (_DROPS[-30], y[-30]), xytext=(0, up), textcoords="offset points",
                        ha="center", va="center", size=13, weight="bold", gid="halo",
                        color=light(role))  # fmt: skip
        titled(ax, "Judged soon, or at the end?", left=44)
        x_name(ax, "drop at update")
        return Stage.of(fig)
