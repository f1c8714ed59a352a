"""The explorers show what the library computes, and say what they show."""

import re

import numpy as np
import pytest

from lrlesson.data import digits
from lrlesson.losses import Quadratic
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.scenes import Scene, number
from lrlesson.scenes.explorers import race, rate_dial
from lrlesson.schedules import Constant
from lrlesson.training import descend, train


@pytest.fixture(scope="module")
def dial() -> Scene:
    return rate_dial()


@pytest.fixture(scope="module")
def runs() -> Scene:
    return race()


def actor(scene: Scene, name: str) -> dict:
    return next(spec for spec in scene.spec["actors"] if spec["name"] == name)


@pytest.mark.parametrize("position", [0, 50, 84, 85, 86, 100])
def test_the_dial_shows_the_librarys_run(dial: Scene, position: int):
    dial.rate = position
    rate = dial.value("rate")
    bowl = Quadratic([1, 20])
    run = descend(bowl, [-4, 2], SGD(), Constant(rate), 100)
    stage = dial._stage
    u, v = stage.fractions("surface", run.weights[0, :, 0], run.weights[0, :, 1])
    near = np.hypot(u, v) < 100
    path = actor(dial, "path")
    np.testing.assert_allclose(dial.row(path["x"])[near], u[near], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dial.row(path["y"])[near], v[near], rtol=1e-5, atol=1e-6)
    for step in (0, 50, 100):
        dial.step = step
        _, loss = stage.fractions("loss", np.array(step), run.losses[0, step])
        np.testing.assert_allclose(
            dial.row(actor(dial, "loss now")["y"])[0], loss, rtol=1e-5, atol=1e-6
        )
        assert dial.sentences[1] == f"Step {step} of 100: loss {number(run.losses[0, step])}."


def test_the_threshold_is_on_the_dial(dial: Scene):
    slider = dial.spec["controls"][0]
    assert slider["n"] == 101
    dial.rate = 85
    assert dial.value("rate") == 2 / 20
    assert slider["marks"] == [{"at": pytest.approx(0.85), "label": "2/λ_max"}]
    assert slider["text"][85] == "0.100"


@pytest.mark.parametrize(
    ("position", "word"),
    [(0, "slow"), (49, "slow"), (62, "converges"), (69, "converges"), (72, "oscillates"),
     (84, "oscillates"), (85, "never settles"), (86, "diverges"), (100, "diverges")],
)  # fmt: skip
def test_the_dials_verdict_is_its_numbers(dial: Scene, position: int, word: str):
    dial.rate = position
    rate = dial.value("rate")
    run = descend(Quadratic([1, 20]), [-4, 2], SGD(), Constant(rate), 2000)
    needed = run.steps_to(run.losses[0, 0] / 1000)[0]
    verdict = dial.verdict
    assert verdict.startswith(f"{word}: rate {number(rate)}, ")
    if word == "never settles":
        assert "exactly 2/λ_max: w_2 jumps between −2.0 and 2.0 for ever." in verdict
        return
    assert f"{100 * rate / 0.1:.0f} % of 2/λ_max" in verdict
    if word == "diverges":
        assert run.diverged[0]
        path = run.weights[0]
        box = dial._stage.axes("surface")
        left = np.abs(path[:, 1]) > box.get_ylim()[1]
        assert f"leaves the frame at step {left.argmax()}" in verdict
        assert verdict.endswith(f"the loss is {number(run.losses[0, 100], 2)}.")
        assert f"by {number(1 - rate * 20)};" in verdict
    else:
        assert re.search(r"(\d+) steps", verdict.split("1000 times lower")[1])[1] == f"{needed:.0f}"
        assert (needed > 100) == (word == "slow")
        assert ("overshoots in w_2" in verdict) == (rate * 20 > 1 and word != "slow")


def test_one_rate_is_called_the_fastest(dial: Scene):
    said = dial.spec["say"][0]["parts"][1]["strings"]
    fastest = [k for k, text in enumerate(said) if "the fastest here" in text]
    rates = 0.1 * 10 ** ((np.arange(101) - 85) / 50)
    run = descend(Quadratic([1, 20]), [-4, 2], SGD(), Constant(rates), 200, keep_weights=False)
    needed = run.steps_to(run.losses[0, 0] / 1000)
    np.testing.assert_array_equal(fastest, np.flatnonzero(needed == np.nanmin(needed)))


def test_the_dial_takes_other_bowls():
    scene = rate_dial((2.0, 6.0), (3.0, -1.0), 40)
    scene.rate = 85
    assert scene.value("rate") == pytest.approx(2 / 6)
    assert "w_2 jumps between −1.0 and 1.0" in scene.verdict
    scene = rate_dial((30.0, 1.0), (1.0, 3.0))
    scene.rate = 90
    assert "multiplies w_1 by" in scene.verdict


def test_a_bowl_without_a_shape_is_refused():
    with pytest.raises(ValueError, match="curvatures"):
        rate_dial((1.0, float("nan")))


def test_the_race_is_real_training(runs: Scene):
    history = train(net_a(), digits(), SGD(), Constant(np.array([0.01, 0.5, 3])), 10, 32, 0)
    stage, t = runs._stage, np.arange(420)
    for letter, run in zip("ABC", (1, 2, 0), strict=True):
        losses = history.losses[run].astype(float)
        shown = np.isfinite(losses)
        raw = runs.row(actor(runs, f"{letter} raw")["y"])
        _, v = stage.fractions("race", t, np.where(shown, losses, 1))
        close = shown & (np.abs(v) < 100)
        np.testing.assert_allclose(raw[close], v[close], rtol=1e-5, atol=1e-6)
        assert np.isnan(raw[~shown]).all()
        slow = runs.row(actor(runs, f"{letter} first")["y"])[:11]
        _, v = stage.fractions("first", t[:11], losses[:11])
        np.testing.assert_allclose(slow, v, rtol=1e-5, atol=1e-6)
        thick = runs.row(actor(runs, letter)["y"])
        for at in (0, 7, 300, 419):
            if shown[at]:
                _, v = stage.fractions(
                    "race", np.array(0.0), losses[max(0, at - 19) : at + 1].mean()
                )
                if abs(v) < 100:
                    np.testing.assert_allclose(thick[at], v, rtol=1e-4, atol=1e-6)


def test_the_digits_are_what_each_net_reads(runs: Scene):
    """Against weights that `train` itself kept, and pixels as scikit-learn has them."""
    from sklearn.datasets import load_digits

    data = digits()
    for stop in (1, 130):
        kept = train(net_a(), data, SGD(), Constant(np.array([0.01, 0.5, 3])), 10, 32, 0,
                     evaluate_every=stop, keep_weights=True, stop_after=stop).weights  # fmt: skip
        runs.reveal, runs.update = 1, stop
        for letter, run in zip("ABC", (1, 2, 0), strict=True):
            z = net_a().outputs(kept[run, 1], data.x_test.astype(np.float32))
            read, finite = z.argmax(axis=0), np.isfinite(z).all()
            spec = actor(runs, f"{letter} reads")
            said, right = runs.row(spec["said"]), spec["right"]
            where = [np.flatnonzero(data.y_test == int(c))[right[:k].count(c)]
                     for k, c in enumerate(right)]  # fmt: skip
            wanted = "".join(str(read[k]) if finite else "–" for k in where)
            assert said == wanted
            count = runs.row(actor(runs, f"{letter} count")["text"])
            assert count == f"{sum(a == b for a, b in zip(said, right, strict=True))}/16"
            if finite:
                share = f"{100 * (read == data.y_test).mean():.0f} %"
                assert f"rate {(0.01, 0.5, 3)[run]:g} reads {share}" in runs.verdict
            else:
                assert f"rate {(0.01, 0.5, 3)[run]:g} reads none: it broke" in runs.verdict
    every = {"".join("0123456789abcdefg"[int(v)] for v in row) for row in load_digits().data}
    assert set(actor(runs, "A reads")["images"]) <= every


def test_the_race_keeps_its_secret_until_asked(runs: Scene):
    runs.reveal, runs.update = 0, 300
    assert runs.verdict.startswith("Which is which? One net")
    labels = [actor(runs, f"{letter} label") for letter in "ABC"]
    assert [runs.row(spec["text"]) for spec in labels] == ["A", "B", "C"]
    assert {runs.row(spec["note"]) for spec in labels} == {""}
    assert all("--lr-ink" in runs.row(spec["color"]) for spec in labels)
    runs.reveal = 1
    assert [runs.row(spec["text"]) for spec in labels] == ["rate 0.5", "rate 3", "rate 0.01"]
    roles = [re.search("--lr-([a-z]+)", runs.row(spec["color"]))[1] for spec in labels]
    assert roles == ["good", "broken", "low"]
    assert runs.row(labels[1]["note"]) == "broke: not a number since 52"


def test_the_race_opens_at_its_start(runs: Scene):
    assert race().update == 0
    pace = np.array(runs.spec["controls"][0]["pace"])
    assert 6000 <= pace.sum() <= 9000
    assert pace[:10].sum() == pytest.approx(pace.sum() / 3, rel=0.2)


def test_the_race_is_light(runs: Scene):
    sprites = sum(len(str(spec)) for spec in runs.spec["actors"] if spec["kind"] == "sprites")
    assert runs.payload - sprites < 200_000


@pytest.mark.parametrize("explorer", [rate_dial, race])
def test_the_payload_is_small_and_the_text_the_same_each_time(explorer):
    one, two = explorer(), explorer()
    assert repr(one) == repr(two)
    assert one.payload < 600_000
    assert one.data == two.data
    assert one._stage is two._stage  # drawn once
    assert one.png() == two.png()
