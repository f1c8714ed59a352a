"""The curve of a schedule that a reader can drag: a scene for the page of its class."""

from dataclasses import replace
from typing import Any

import numpy as np

from lrlesson.base.fields import Rate, Updates, UpdatesOrZero
from lrlesson.base.schedule import Schedule
from lrlesson.drawing.stage import Stage, figure
from lrlesson.drawing.theme import style
from lrlesson.scenes import Path, Say, Scene, Slider, number

FACTORS = 2 ** np.linspace(-2, 1, 13)  # of the example's own value, from a quarter to twice
POINTS = 200


def live_curve(example: Schedule) -> Scene:
    """The curve under a slider for the first rate and one for the first duration of its fields."""
    chosen = [largest(example, {Rate}), largest(example, {Updates, UpdatesOrZero})]
    values = {name: allowed(example, name) for name in chosen if name}
    shape = tuple(len(found) for found in values.values())
    span = max(replace(example, **{n: v[-1] for n, v in values.items()})._span(), 2)
    t = np.unique(np.linspace(0, span - 1, min(span, POINTS)).round())
    curves = np.empty((*shape, len(t)))
    for place in np.ndindex(shape):
        fields = {n: v[k] for (n, v), k in zip(values.items(), place, strict=True)}
        curves[place] = replace(example, **fields)(t)
    with style():
        fig, axes = figure(806, 300, mosaic=[["curve"]])
        ax = axes["curve"]
        ax.set(
            xlim=(0, span - 1), ylim=(0, 1.06 * curves.max()), title="rate η(t) against update t"
        )
        stage = Stage.of(fig)
    by = tuple(values)
    first, last = curves[..., 0], curves[..., -1]
    return Scene(
        stage,
        name=type(example).__name__,
        alt=f"The rate that {type(example).__name__} gives to each update.",
        controls=[
            Slider(n, n, v, int(np.searchsorted(v, getattr(example, n))), [number(x) for x in v])
            for n, v in values.items()
        ],
        actors=[Path("curve", "curve", t, curves, by=by, color="ink", width=2.6)],
        say=[Say(f"From {{first}} at update 0 to {{last}} at update {span - 1:,}.", by,
                 {"first": first, "last": last})],
    )  # fmt: skip


def largest(example: Schedule, kinds: set[Any]) -> str:
    """The field of one of these kinds that has the largest number; "" where there is none."""
    found = {
        name: getattr(example, name)
        for name, kind in example._kinds.items()
        if kind in kinds and isinstance(getattr(example, name), float)
    }
    return max(found, key=found.__getitem__, default="")


def allowed(example: Schedule, name: str) -> np.ndarray:
    """The values of a field around the example's own that the class accepts, its own among them."""
    own = getattr(example, name)
    found = []
    for value in np.unique([*(own * FACTORS), own]):
        try:
            replace(example, **{name: value})
        except ValueError:
            continue
        found.append(value)
    return np.array(found)
