"""Sentences about a loss curve. How often they are right stands in docs/diagnosis.md."""

import re
from pathlib import Path

import numpy as np
import pytest

from lrlesson import (
    SGD,
    Cosine,
    History,
    ScheduledDrop,
    diagnose,
    digits,
    net_a,
    read_log,
    train,
)
from lrlesson.diagnosis import LESSONS

ROOT = Path(__file__).parents[1]
SEEDS = [1, 2]


def trained(eta, epochs=15):
    return train(net_a(), digits(), SGD(), eta, epochs, seed=SEEDS, evaluate_every=10**6)


@pytest.mark.parametrize(
    ("eta", "kind"),
    [
        (30.0, "diverged"),
        (0.01, "too low"),
        (ScheduledDrop(0.3, 0.01, (42,)), "decay too early"),
        (Cosine(0.5, 630), "nothing"),
    ],
)
def test_real_trainings_are_named(eta, kind):
    history = trained(eta)
    for run in range(2):
        found = diagnose(history, run)
        assert found.kind == kind, found
        assert all(re.search(r"\d", f.sentence) and f.doubt and f.first for f in found.signs)


def test_a_spike_is_measured_against_the_recent_level():
    """A jump from 0.4 to 5.4 is one, though the first loss was 2.3 (so `spiked` says no)."""
    rng = np.random.default_rng(0)
    losses = (0.4 + 1.9 * np.exp(-np.arange(600) / 60)) * np.exp(0.1 * rng.normal(size=600))
    losses[400:410] = 5.4 * 0.8 ** np.arange(10)
    history = History.of(losses, 0.1)
    assert not history.spiked.any()
    found = diagnose(history).signs[0]
    assert found.kind == "spikes"
    assert 399 <= found.places[0][0] <= 401
    assert "1 time the loss jumped" in found.sentence


def test_losses_that_end_as_no_number_are_sure():
    found = diagnose(History.of([*np.linspace(2, 1, 50), np.nan, np.inf, np.nan], 0.1)).signs
    assert [f.kind for f in found] == ["diverged"]
    assert found[0].sure
    assert "From update 50 on" in found[0].sentence


def test_a_hole_in_the_middle_is_no_end():
    losses = 2 * np.exp(-np.arange(400) / 50) + 0.3
    losses[200] = np.nan
    assert diagnose(History.of(losses, Cosine(0.1, 400).values(400))).kind != "diverged"


@pytest.mark.parametrize("losses", [[2.0], [2.0] * 29, np.full(300, 2.3), [np.nan] * 20])
def test_too_little_is_said_to_be_too_little(losses):
    found = diagnose(History.of(losses)).signs[0]
    assert found.kind == "cannot tell"
    assert not found.sure


def test_without_rates_nothing_is_said_about_a_decay():
    run = trained(ScheduledDrop(0.3, 0.01, (42,)))
    kinds = {f.kind for f in diagnose(History.of(run.losses)).signs}
    assert "decay too early" not in kinds


def test_losses_may_be_negative():
    losses = 5 * np.exp(-np.arange(300) / 50) - 3
    assert diagnose(History.of(losses, 0.1)).kind in ("nothing", "too low", "cannot tell")


def test_a_log_is_read_and_named(tmp_path):
    history = trained(0.01)
    rows = zip(history.rates[0], history.losses[0], strict=True)
    lines = [f"{10 * t},{lr},{loss}" for t, (lr, loss) in enumerate(rows)]
    path = tmp_path / "ada.csv"
    path.write_text("\n".join(["step,lr,loss", *lines]))
    found = diagnose(read_log(path))
    assert found.kind == "too low"
    assert found.signs[0].places == ((0.0, 10.0 * (history.updates - 1)),)
    assert "try first" in repr(found)
    assert "<dt><b>too low</b>" in found._repr_html_()


def test_a_long_log_is_put_together():
    rng = np.random.default_rng(1)
    n = 200_000
    losses = (0.2 + 2 * np.exp(-np.arange(n) / 20_000)) * np.exp(0.2 * rng.normal(size=n))
    losses[120_000:120_400] *= 30
    found = diagnose(History.of(losses, 0.1)).signs[0]
    assert found.kind == "spikes"
    assert 119_000 < found.places[0][0] < 121_000


def test_bad_input_is_refused_by_name():
    with pytest.raises(TypeError, match=r"history = \[1, 2\], expected a History"):
        diagnose([1, 2])
    with pytest.raises(ValueError, match="run = 2, expected a number from 0 to 1"):
        diagnose(History.of([[1, 2], [1, 2]]), 2)


def test_every_finding_leads_to_a_lesson_that_is_there():
    for lesson, _ in LESSONS.values():
        assert list((ROOT / "notebooks").glob(f"{lesson}_*.ipynb"))


def test_the_published_table_keeps_what_it_promises():
    """Held apart: nine of ten answers right, and none wrong and sure."""
    page = (ROOT / "docs" / "diagnosis.md").read_text()
    held = page.partition("## Held apart")[2].partition("## Where")[0]
    said = re.findall(r'(\d+) of (\d+) right .*, (\d+) "cannot tell", (\d+) wrong, (\d+)', held)
    right, total, unsure, wrong, sure = np.array(said, int).sum(axis=0)
    assert right + unsure + wrong == total >= 100
    assert right >= 0.9 * (total - unsure)
    assert sure == 0
