"""Lesson 12, at your desk: what `diagnose` says of its three runs, on seeds 0 to 9."""

from lrlesson.data import digits
from lrlesson.diagnosis import diagnose
from lrlesson.history import History
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.schedules import Constant, Cosine, ScheduledDrop, Warmup
from lrlesson.training import train


def readings(eta, seeds, blind=False):
    """What is found first, seed by seed, in 15 epochs of NET-A; blind: without the rates."""
    found = []
    for seed in seeds:
        run = train(net_a(), digits(), SGD(), eta, epochs=15, seed=seed)
        found.append(diagnose(History.of(run.losses) if blind else run).kind)
    return found


def test_a_run_at_a_rate_far_too_low_is_still_falling_at_its_end(seeds):
    """Rate 0.005, found on every seed."""
    assert set(readings(Constant(0.005), seeds)) == {"too low"}


def test_only_the_rates_tell_an_early_decay(seeds):
    """A drop to a hundredth after one epoch: found nearly always, and never without the rates."""
    eta = ScheduledDrop(0.3, 0.01, (42,))
    found = readings(eta, seeds)
    assert found.count("decay too early") >= 0.8 * len(found)
    assert "decay too early" not in readings(eta, seeds, blind=True)


def test_a_run_without_an_ailment_shows_nothing_or_little(seeds):
    """Nothing nearly always, and never that it has broken or is too slow."""
    found = readings(Warmup(0.5, 30) >> Cosine(0.5, 600), seeds)
    assert found.count("nothing") >= 0.7 * len(found)
    assert not {"diverged", "too low", "decay too early"} & set(found)
