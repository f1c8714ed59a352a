"""The explorers of the lessons: each is a short function that returns a Scene."""

from lrlesson.scenes.explorers.bowl import rate_dial
from lrlesson.scenes.explorers.nets import race
from lrlesson.scenes.explorers.noise import (
    batch_growth,
    drop_time,
    noise_and_batch,
    schedule_composer,
)
from lrlesson.scenes.explorers.steps import effective_rates, one_step, two_wells
from lrlesson.scenes.explorers.surfaces import (
    conditioning,
    momentum_plane,
    optimizer_race,
    predict_regime,
    stability_edge,
)
from lrlesson.scenes.explorers.training_runs import (
    edge_of_stability,
    live_net,
    range_test_picker,
    warmup_map,
)

__all__ = [
    "batch_growth",
    "conditioning",
    "drop_time",
    "edge_of_stability",
    "effective_rates",
    "live_net",
    "momentum_plane",
    "noise_and_batch",
    "one_step",
    "optimizer_race",
    "predict_regime",
    "race",
    "range_test_picker",
    "rate_dial",
    "schedule_composer",
    "stability_edge",
    "two_wells",
    "warmup_map",
]
