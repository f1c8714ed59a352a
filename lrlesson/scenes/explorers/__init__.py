"""The explorers of the lessons: each is a short function that returns a Scene."""

from lrlesson.scenes.explorers.batch_growth import batch_growth
from lrlesson.scenes.explorers.conditioning import conditioning
from lrlesson.scenes.explorers.drop_time import drop_time
from lrlesson.scenes.explorers.edge_of_stability import edge_of_stability
from lrlesson.scenes.explorers.effective_rates import effective_rates
from lrlesson.scenes.explorers.live_net import live_net
from lrlesson.scenes.explorers.momentum_plane import momentum_plane
from lrlesson.scenes.explorers.noise_and_batch import noise_and_batch
from lrlesson.scenes.explorers.one_step import one_step
from lrlesson.scenes.explorers.optimizer_race import optimizer_race
from lrlesson.scenes.explorers.predict_regime import predict_regime
from lrlesson.scenes.explorers.race import race
from lrlesson.scenes.explorers.range_test_picker import range_test_picker
from lrlesson.scenes.explorers.rate_dial import rate_dial
from lrlesson.scenes.explorers.schedule_composer import schedule_composer
from lrlesson.scenes.explorers.stability_edge import stability_edge
from lrlesson.scenes.explorers.two_wells import two_wells
from lrlesson.scenes.explorers.warmup_map import warmup_map

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
