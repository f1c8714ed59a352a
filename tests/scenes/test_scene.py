"""A scene packs its frames, says what it shows, and refuses what does not fit."""

import base64
import io
import json
import re
from typing import Any

import numpy as np
import pytest
import traitlets
from jupyter_client.manager import start_new_kernel
from PIL import Image

from lrlesson.scenes import (
    Cells,
    Choice,
    Dots,
    HLine,
    Label,
    Marker,
    Path,
    Say,
    Slider,
    Spread,
    Sprites,
    Steps,
    Text,
    Trail,
    VLine,
    number,
)
from tests.scenes.conftest import LOSS, RATES, T, small_figure, small_scene


def spec_of(scene: Any, actor: str) -> dict:
    return next(spec for spec in scene.spec["actors"] if spec["name"] == actor)


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.0955, "0.0955"), (0.1, "0.100"), (9.996, "10.0"), (12345, "12345"), (0, "0"),
     (4.75e16, "4.75×10¹⁶"), (-1.2e-7, "−1.20×10⁻⁷"), (np.nan, "not a number"),
     (np.inf, "infinite"), (0.00099951, "1.00×10⁻³")],
)  # fmt: skip
def test_numbers_are_for_the_eye(x: float, text: str):
    assert number(x) in (text, text.replace("1.00×10⁻³", "0.00100"))


def test_every_frame_is_where_its_position_says():
    scene = small_scene()
    line, dot = spec_of(scene, "line"), spec_of(scene, "dot")
    for rate in (0, 2, 4):
        for step in (0, 3):
            scene.rate, scene.step = rate, step
            u, v = scene._stage.fractions("left", T, LOSS[rate])
            np.testing.assert_allclose(scene.row(line["x"]), u, rtol=1e-6)
            np.testing.assert_allclose(scene.row(line["y"]), v, rtol=1e-6)
            np.testing.assert_allclose(scene.row(dot["y"]), v[step], rtol=1e-6)
            assert scene.value("rate") == RATES[rate]


def test_equal_arrays_travel_once():
    scene = small_scene()
    line, dot = spec_of(scene, "line"), spec_of(scene, "dot")
    assert dot["y"]["o"] == line["y"]["o"]
    assert scene.payload == len(json.dumps(scene.spec, ensure_ascii=False).encode()) + len(
        scene.data
    )


def test_the_sentence_follows_the_controls():
    scene = small_scene()
    scene.rate, scene.step = 0, 3
    assert scene.verdict == f"bad: high at 0.0100, loss {number(LOSS[0, 3])}."
    scene.rate = 4
    assert scene.verdict == f"good: low at 1.00, loss {number(LOSS[4, 3])}."
    assert repr(scene) == f"<Scene small: {scene.verdict}>"
    assert repr(small_scene()) == repr(small_scene())


def test_a_control_is_a_trait_with_limits():
    scene, seen = small_scene(), []
    scene.observe(lambda change: seen.append(change["new"]), "rate")
    scene.rate = 4
    assert seen == [4]
    with pytest.raises(traitlets.TraitError):
        scene.rate = 5
    twin = small_scene()
    traitlets.link((scene, "rate"), (twin, "rate"))
    assert twin.rate == 4


def test_a_value_that_is_not_finite_leaves_a_marked_gap():
    loss = LOSS.copy()
    loss[1, 2] = np.nan
    loss[2, 0] = np.inf
    scene = small_scene(actors=[Path("line", "left", T, loss, by=("rate",), upto="step")])
    spec = spec_of(scene, "line")
    scene.rate = 1
    x, y, _, since = (scene.row(ref)[0] for ref in spec["gap"])
    u, v = scene._stage.fractions("left", T[1], loss[1, 1])
    np.testing.assert_allclose([x, y, since], [u, v, 2], rtol=1e-6)
    assert np.isnan(scene.row(spec["y"])[2])
    for rate in (0, 2):  # no gap; a gap with nothing before it to mark
        scene.rate = rate
        assert np.isnan(scene.row(spec["gap"][3])[0])


def test_a_path_that_leaves_says_where():
    x, y = np.array([0.0, 1, 2, 3]), np.array([1.0, 1, 1e5, 1e200])
    scene = small_scene(actors=[Path("line", "left", x, y)])
    spec = spec_of(scene, "line")
    at_x, at_y, angle, since = (scene.row(ref)[0] for ref in spec["exit"])
    (u0, u1), _ = scene._stage.fractions("left", x[1:3], y[1:3])
    np.testing.assert_allclose([at_y, angle, since], [0, 270, 2], atol=1e-6)
    np.testing.assert_allclose(at_x, u0 + (u1 - u0) * 2 / 5, rtol=1e-6)  # 1 → 100 of 1 → 1e5
    assert "gap" not in spec


def test_dots_keep_their_distance():
    t = np.linspace(0, 3, 400)
    scene = small_scene(actors=[Path("line", "left", t, np.ones(400), dots=True)])
    dots = scene.row(spec_of(scene, "line")["dots"]).astype(int)
    width = scene._stage.boxes["left"][2]
    u, _ = scene._stage.fractions("left", t[dots], np.ones(len(dots)))
    assert dots[0] == 0
    assert 5 <= (np.diff(u) * width).min() < 6


def test_the_output_holds_a_picture_and_the_sentence_for_readers_without_a_widget():
    scene = small_scene()
    bundle, metadata = scene._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == f"A small scene. {scene.verdict}"
    assert bundle["text/plain"] == repr(scene)
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == scene.model_id
    picture = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert picture.size[0] == 480
    assert picture.size[1] > 300 + 12  # the drawing, and a line of text below it
    other = small_scene(say=[Say("something else.")])
    assert other.png() != scene.png()  # what is said is part of the picture
    before = list(scene._stage.axes("left").lines)
    scene.step = 0
    assert scene.png() != base64.b64decode(bundle["image/png"])
    assert list(scene._stage.axes("left").lines) == before
    assert picture.convert("RGB").getcolors(1 << 16) is not None


def test_every_actor_and_control_packs_and_draws():
    scene = small_scene(
        controls=[Slider("rate", "rate", RATES), Choice("kind", "kind", ["a", "b_1"])],
        actors=[
            VLine("v", "right", RATES, by=("rate",), dash=(4, 2)),
            HLine("h", "right", 0.5),
            Text("t", "right", RATES, 0.5, ["a", "b_1"], by=("rate",), text_by=("kind",)),
            Marker("m", "right", RATES, np.nan, by=("rate",), shape="cross"),
            *(Marker(s, "right", 0.1, 0.1, shape=s) for s in ("dot", "ring", "square", "diamond")),
        ],
        say=[],
    )
    assert len(scene.png()) > 1000
    assert scene.verdict == "A small scene."
    scene.kind = 1
    assert scene.row(spec_of(scene, "t")["text"]) == "b_1"


@pytest.mark.parametrize(
    ("actor", "message"),
    [
        (Path("line", "left", T, LOSS[:4], by=("rate",)),
         "small: actor 'line': leading axes (4,) of y do not match its controls: rate (5)"),
        (Path("line", "left", T, LOSS, by=("speed",)),
         "small: actor 'line': unknown control 'speed', expected one of rate, step, more"),
        (Path("line", "left", T, LOSS, by=("rate",), upto="rate"),
         "small: actor 'line': 4 points, expected one per position of 'rate' (5)"),
        (Path("line", "left", T[:3], LOSS, by=("rate",)),
         "small: actor 'line': x has shape (3,) and y (5, 4), expected the same number of points"),
        (Path("line", "middle", T, LOSS, by=("rate",)),
         "small: actor 'line': unknown axes 'middle', expected one of left, right"),
        (Marker("dot", "left", 0, LOSS[0], by=("rate",)),
         "small: actor 'dot': leading axes (4,) of y do not match its controls: rate (5)"),
        (Marker("dot", "left", 0, 0, shape="star"),
         "small: actor 'dot': shape = 'star', expected one of dot, ring, cross, square, diamond"),
        (Text("t", "left", 0, 1, ["a", "b"], by=("rate",)),
         "small: actor 't': leading axes (2,) of text do not match its controls: rate (5)"),
    ],
)  # fmt: skip
def test_an_actor_that_does_not_fit_is_refused(actor: Any, message: str):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        small_scene(actors=[actor])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Slider("rate", "rate", []), "values is empty"),
        (lambda: Slider("rate", "rate", RATES, 5), "at = 5, expected 0 … 4"),
        (lambda: Slider("rate", "rate", RATES, texts=["a"]), "1 texts, expected 5"),
        (lambda: small_scene(controls=[Slider("rate", "rate", RATES, marks={7: "x"})], actors=[]),
         "mark at 7, expected 0.01 … 1"),
        (lambda: small_scene(controls=[Slider("layout", "rate", RATES)], actors=[], say=[]),
         "control 'layout': choose another name"),
        (lambda: small_scene(controls=[Steps("a", "a", T), Steps("a", "a", T)], actors=[], say=[]),
         "controls a, a: expected distinct names"),
        (lambda: small_scene(say=[Say("{speed}")]), "say: actor 'say'|unknown control 'speed'"),
        (lambda: small_scene(say=[Say("x", badge="a", tone="sad")]), "tone 'sad', expected one of"),
        (lambda: small_scene().value("speed"), "unknown control 'speed', expected one of rate"),
    ],
)  # fmt: skip
def test_a_control_or_sentence_that_does_not_fit_is_refused(build: Any, message: str):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_payload_over_the_limit_is_refused():
    t = np.linspace(0, 3, 30_000)
    big = np.random.default_rng(0).uniform(1, 2, (5, 30_000))
    with pytest.raises(ValueError, match=r"payload of 1\.\d+ MB, expected at most 1\.00 MB; the "
                       r"largest actor is 'big' \(0\.7"):  # fmt: skip
        small_scene(actors=[
            Path("big", "left", t, big, by=("rate",)),
            Marker("dot", "left", 0, 1),
            Path("other", "left", t, big[:3].mean(axis=0)),
            Path("more", "left", t[::-1].copy(), big[0] + 1),
        ])  # fmt: skip


def test_a_second_stage_must_have_the_same_axes():
    from lrlesson.scenes import figure, style

    with style():
        other, _ = figure(200, 200, mosaic=[["left"]])
    with pytest.raises(ValueError, match="narrow has axes left, expected left, right"):
        small_scene(narrow=other)
    other = small_figure()
    other.axes[1].set_xlim(0.005, 3)
    with pytest.raises(ValueError, match=r"narrow has axes 'right' with .*0\.005, 3.*, expected"):
        small_scene(narrow=other)


LINE = Path("line", "left", T, LOSS, by=("rate",), upto="step")


@pytest.mark.parametrize(
    ("actors", "message"),
    [
        ([LINE, *(Label(f"name {k}", "left", "line", f"{k}") for k in range(30))],
         r"axes 'left': 30 labels, expected at most \d+ in \d+ units"),
        ([Label("name", "left", "line", "x"), LINE], "at = 'line', expected the name of"),
        ([LINE, Label("name", "right", "line", "x")], "at = 'line', expected the name of"),
        ([LINE, Label("name", "left", "line", "x" * 25)], "has 25 characters, expected at most 24"),
        ([Trail("t", "left", T, LOSS, by=("rate",), upto="speed")], "unknown control 'speed'"),
        ([Dots("d", "left", Spread([1.0, 2.0]), Spread([1.0, 2.0]))], "y is Spread, expected"),
        ([Sprites("s", "left", np.zeros((2, 7, 8)), [1, 2], 1, "ab", right="ab")], "images of"),
        ([Sprites("s", "left", np.zeros((2, 8, 8)), [1, 2], 1, "a", right="ab")], "texts of"),
        ([Cells("c", "left", [[0, 1]], [[1, 2]], ["good"], ["x"], np.zeros((1, 1, 2)),
                visits=("rate",))], r"\[1\] cells, expected 5, one per position of rate"),
        ([Path("line", "left", T, LOSS, by=("rate",), upto="step", passed=[1, 2, 3, 5])],
         "passed of shape"),
        ([Path("line", "left", T, LOSS, by=("rate",), kept="first")], "last, earlier or others"),
    ],
)  # fmt: skip
def test_new_parts_that_do_not_fit_are_refused(actors: list, message: str):
    with pytest.raises(ValueError, match=message):
        small_scene(actors=actors)


def test_runs_that_are_all_nan_and_lines_that_leave_are_drawn_without_a_name_too_far(
    recwarn: pytest.WarningsRecorder,
):
    gone = small_scene(actors=[Path("line", "left", T, np.full(4, np.nan), upto="step"),
                               Label("name", "left", "line", "gone")])  # fmt: skip
    assert "gap" not in spec_of(gone, "line")
    assert len(gone.png()) > 1000
    away = small_scene(actors=[Path("line", "left", T, 10.0 ** (3 * T), upto="step"),
                               Label("name", "left", "line", "away")])  # fmt: skip
    assert spec_of(away, "line")["exit"]
    assert away.png() != gone.png()
    assert not recwarn.list


def test_scaled_places_are_center_plus_scale_times_offset():
    controls = [Slider("rate", "rate", [1.0, 4.0]), Steps("step", "step", range(3))]
    offset, center = np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0, 3.0])
    x = Spread(offset, [1.0, 0.5], center, offset_by=("step",), scale_by=("rate",),
               center_by=("step",))  # fmt: skip
    scene = small_scene(controls=controls, say=[], actors=[Dots("d", "left", x, np.ones(2))])
    scene.rate, scene.step = 1, 2
    u, _ = scene._stage.fractions("left", center[2] + 0.5 * offset[2], np.ones(2))
    np.testing.assert_allclose(scene.row(spec_of(scene, "d")["x"]), u, atol=1e-6)


def test_scaled_places_add_up():
    """Two directions, each with a part of the start's first and second number."""
    controls = [Slider("rate", "rate", [1.0, 4.0]), Steps("step", "step", range(3))]
    one, two = np.arange(6.0).reshape(3, 2), np.array([[7.0, 8.0], [1.0, 0.5]])
    x = Spread(
        one,
        0.5,
        1.0,
        offset_by=("step",),
        plus=Spread(two, [2.0, 3.0, 4.0], 0.25, offset_by=("rate",), scale_by=("step",)),
    )
    scene = small_scene(controls=controls, say=[], actors=[Dots("d", "left", x, np.ones(2))])
    scene.rate, scene.step = 1, 2
    u, _ = scene._stage.fractions("left", 1 + 0.5 * one[2] + 0.25 + 4 * two[1], np.ones(2))
    np.testing.assert_allclose(scene.row(spec_of(scene, "d")["x"]), u, atol=1e-6)


def test_long_tables_of_few_texts_travel_by_number():
    t = np.arange(400)
    words = np.where(t % 3, "one", "two")
    scene = small_scene(controls=[Steps("step", "step", t)], actors=[],
                        say=[Say("{word}", ("step",), {"word": words})])  # fmt: skip
    for step in (0, 1, 399):
        scene.step = step
        assert scene.verdict == words[step]
    assert scene.payload < 30_000


RUN = """
import sys; sys.path.insert(0, {path!r})
import ipywidgets
from tests.scenes.conftest import small_scene
scene = small_scene(); scene
"""
COUNT = """
import matplotlib.pyplot as plt
print(len(ipywidgets.widgets.widget._instances), len(plt.get_fignums()))
"""


def test_running_a_cell_again_closes_the_scene_before(request: pytest.FixtureRequest):
    """In a real kernel: what thirty runs of one cell, and one of another, leave behind."""
    manager, client = start_new_kernel()
    try:
        code = RUN.format(path=str(request.path.parent))
        for cell in ["one"] * 30 + ["two"]:
            run(client, code, cell)
        alive = run(client, COUNT, "three")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert alive == "4 0"  # two scenes, each with its layout; no open figure


def run(client: Any, code: str, cell: str) -> str:
    """Execute code as the cell that a notebook names in its message; what it printed."""
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
               "allow_stdin": False, "stop_on_error": True}  # fmt: skip
    message = client.session.msg("execute_request", content, metadata={"cellId": cell})
    client.shell_channel.send(message)
    printed = ""
    while True:
        reply = client.get_iopub_msg(timeout=60)
        if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        assert reply["msg_type"] != "error", reply["content"]
        if reply["msg_type"] == "stream":
            printed += reply["content"]["text"]
        if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
            return printed.strip()
