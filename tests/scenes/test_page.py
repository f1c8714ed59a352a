"""A scene in the browser: keys and mouse move the actors to where matplotlib draws them."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from lrlesson.losses import Quadratic
from lrlesson.optimizers import SGD
from lrlesson.scenes import Marker, Path, Scene, Text
from lrlesson.scenes.explorers import race, rate_dial
from lrlesson.scenes.explorers.rate_dial import _stage
from lrlesson.schedules import Constant
from lrlesson.training import descend
from tests.scenes.conftest import LOSS, Show, Shown, T, small_scene

pytestmark = pytest.mark.browser


def expected(scene: Scene, shown: Shown, on: str, x: float, y: float) -> np.ndarray:
    """Where matplotlib draws a point, in CSS pixels of the page's drawing."""
    stage = scene._stage
    px, py = stage.axes(on).transData.transform((x, y))
    scale = shown.page.locator("svg[role=img]").evaluate("n => n.getBoundingClientRect().width")
    return np.array([px, stage.size[1] - py]) * scale / stage.size[0]


def test_keys_move_the_dial(show: Show):
    scene = rate_dial()
    shown = show(scene.to_html())
    rate, step = shown.slider("learning rate"), shown.slider("step")
    loss = Quadratic([1, 20])
    rate.focus()
    for key, position in [("Home", 0), ("PageUp", 10), ("End", 100), ("PageDown", 90),
                          ("ArrowLeft", 89), ("ArrowUp", 90), ("ArrowDown", 89)]:  # fmt: skip
        rate.press(key)
        scene.rate = position
        assert rate.input_value() == str(position)
        assert rate.get_attribute("aria-valuetext") == scene.spec["controls"][0]["text"][position]
        assert shown.verdict == scene.verdict.replace("_", "").replace(":", "", 1)
    step.focus()
    for at in (3, 4, 5):
        while int(step.input_value()) > at:
            step.press("ArrowLeft" if int(step.input_value()) - at < 10 else "PageDown")
        while int(step.input_value()) < at:
            step.press("ArrowRight")
        for position in (60, 84):
            rate.fill(str(position))
            scene.rate = position
            run = descend(loss, [-4, 2], SGD(), Constant(scene.value("rate")), 100)
            w = run.weights[0, at]
            for name, on, x, y in (("point", "surface", *w), ("loss now", "loss", at,
                                                              run.losses[0, at])):  # fmt: skip
                distance = np.abs(shown.place(name) - expected(scene, shown, on, x, y))
                assert distance.max() < 0.3, (name, at, position)


def test_pixels_are_where_matplotlib_puts_them(show: Show):
    """The centre of the coloured pixels, at two pixels per CSS pixel."""
    scene = small_scene()
    shown = show(scene.to_html(), device_scale_factor=2)
    for rate, step in [(0, 0), (2, 3), (4, 1)]:
        shown.slider("learning rate").fill(str(rate))
        shown.slider("step").fill(str(step))
        drawing = shown.page.locator("svg[role=img]")
        shown.actor("line").evaluate("node => { node.style.display = 'none' }")
        picture = Image.open(io.BytesIO(shown.page.screenshot())).convert("RGB")
        pixels = np.asarray(picture, int)
        rows, columns = np.nonzero(np.abs(pixels - (0xA0, 0x2A, 0x78)).sum(axis=2) < 30)
        assert len(rows) > 100
        corner = drawing.evaluate(
            "n => { const r = n.getBoundingClientRect(); return [r.left, r.top]; }"
        )
        centre = np.array([columns.mean() + 0.5, rows.mean() + 0.5]) / 2 - corner
        np.testing.assert_allclose(
            centre, expected(scene, shown, "left", step, LOSS[rate, step]), atol=0.3
        )


COUNT = """() => {
  window.drawn = new Set(); window.inputs = [];
  const line = document.querySelector('[data-actor="path"] path');
  const input = document.querySelector('input[type=range]');
  input.addEventListener('input', () => inputs.push(input.value));
  new MutationObserver(() => drawn.add(line.getAttribute('d')))
    .observe(line, { attributes: true, attributeFilter: ['d'] });
}"""


def test_every_change_of_the_slider_is_shown(show: Show):
    scene = rate_dial()
    scene.step = 100
    shown = show(scene.to_html())
    shown.page.evaluate(COUNT)
    box = shown.slider("learning rate").bounding_box()
    middle = box["y"] + box["height"] / 2
    shown.page.mouse.move(box["x"] + 10, middle)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=60)
    shown.page.mouse.up()
    inputs, drawn = shown.page.evaluate("[inputs, drawn.size]")
    assert len(inputs) > 40
    assert drawn == len(set(inputs))


def test_what_is_said_is_read_out_once_the_hand_rests(show: Show):
    scene = rate_dial()
    scene.rate = 49
    shown = show(scene.to_html())
    live = shown.page.locator(".lr-live")
    shown.page.wait_for_timeout(700)
    assert live.inner_text() == ""  # what stands on the page at first is not read out
    shown.page.evaluate(
        """() => { window.spoken = 0; new MutationObserver(() => spoken++)
           .observe(document.querySelector('.lr-live'), { childList: true }); }"""
    )
    rate = shown.slider("learning rate")
    rate.focus()
    for _ in range(40):
        rate.press("ArrowRight")
    scene.rate = 89
    expect(live).to_have_text(" ".join(scene.sentences).replace("_", ""))
    assert shown.page.evaluate("spoken") <= 10
    label = shown.page.locator("svg[role=img]").get_attribute("aria-label")
    assert label.endswith(" ".join(scene.sentences).replace("_", ""))


def test_every_control_can_be_reached_and_keeps_its_keys(show: Show):
    shown = show(race().to_html())
    quiet = shown.page.locator(".lr-controls").screenshot()
    names, focused = [], []
    for _ in range(3):
        shown.page.keyboard.press("Tab")
        names.append(
            shown.page.evaluate(
                """() => { const n = document.activeElement; return [
                   n.getAttribute('aria-label') || n.labels[0].textContent,
                   n.dataset.lmSuppressShortcuts]; }"""
            )
        )
        focused.append(shown.page.locator(".lr-controls").screenshot())
    assert names == [[name, "true"] for name in (
        "play: update", "update", "show the rates")]  # fmt: skip
    assert len({quiet, *focused}) == 4  # each is seen to have the focus
    shown.page.keyboard.press("Space")
    assert shown.verdict.startswith("0.5 learns after 0 updates rate 0.5 reads ")
    assert shown.actor("A row").text_content() == "0.5"


def test_play_runs_to_the_end_and_can_be_stopped(show: Show):
    shown = show(race().to_html())
    play = shown.page.get_by_role("button", name="play")
    update = shown.slider("update")
    play.click()
    stop = shown.page.get_by_role("button", name="pause")
    shown.page.wait_for_function("document.querySelector('input[type=range]').value > 20")
    stop.click()
    at = int(update.input_value())
    assert 20 < at < 419
    shown.page.wait_for_timeout(200)
    assert int(update.input_value()) == at
    update.fill("412")
    play.click()
    expect(update).to_have_value("419")
    expect(play).to_be_visible()


def test_with_reduced_motion_each_press_is_one_jump(show: Show):
    shown = show(race().to_html(), reduced_motion="reduce")
    update, button = shown.slider("update"), shown.page.get_by_role("button", name="next: update")
    for wanted in ("1", "2"):  # one by one where it would pass slowly
        button.click()
        expect(update).to_have_value(wanted)
    update.fill("10")
    button.click()
    expect(update).to_have_value("52")  # then a tenth of the way
    shown.page.wait_for_timeout(200)
    expect(update).to_have_value("52")


def test_a_run_that_breaks_leaves_its_frame_in_an_arrow(show: Show):
    shown = show(race().to_html())
    arrow = shown.actor("B first").locator('[data-symbol="arrow"]')
    assert not arrow.is_visible()
    shown.slider("update").fill("6")
    assert arrow.is_visible()
    shown.slider("update").fill("60")
    assert shown.actor("B").locator('[data-symbol="arrow"]').is_visible()


def test_a_line_that_is_not_a_number_ends_in_a_cross(show: Show):
    loss = np.array([10.0, 1.0, np.nan, np.nan])
    scene = small_scene(actors=[Path("line", "left", T, loss, upto="step")], say=[])
    shown = show(scene.to_html())
    cross = shown.actor("line").locator('[data-symbol="cross"]')
    assert cross.is_visible()
    shown.slider("step").fill("1")
    assert not cross.is_visible()


def test_a_marker_outside_its_axes_is_not_drawn_elsewhere(show: Show):
    marker = Marker("dot", "left", [0, 1, 9, np.nan, 3.5], 1, by=("rate",))
    shown = show(small_scene(actors=[marker], say=[]).to_html())
    visible = []
    for k in range(5):
        shown.slider("learning rate").fill(str(k))
        visible.append(shown.actor("dot").locator("path").is_visible())
    assert visible == [True, True, False, False, True]  # the last stands on the limit, whole


def test_indices_and_markup_in_texts(show: Show):
    label = Text("t", "left", 1, 1, "<b>w_2</b> & λ_max")
    shown = show(small_scene(actors=[label]).to_html())
    assert shown.actor("t").locator("text").evaluate("n => n.textContent") == "<b>w2</b> & λmax"
    assert shown.page.locator("b").count() == 0
    assert shown.page.locator(".lr-mark").inner_html() == "η<sub>mark</sub>"


def test_both_themes(show: Show):
    for scheme, ink, paper in (
        ("light", "rgb(29, 34, 40)", 255),
        ("dark", "rgb(232, 235, 238)", 20),
    ):
        shown = show(rate_dial().to_html(), color_scheme=scheme)
        title = shown.page.locator("svg[role=img] text", has_text="Its loss")
        assert title.evaluate("n => getComputedStyle(n).fill") == ink
        picture = Image.open(io.BytesIO(shown.page.screenshot())).convert("L")
        assert picture.getpixel((3, 3)) == paper
        surface = shown.page.locator("svg[role=img]").bounding_box()
        corner = (int(surface["x"] + 0.15 * surface["width"]),
                  int(surface["y"] + 0.75 * surface["height"]))  # fmt: skip
        assert abs(picture.getpixel(corner) - paper) < 40


@pytest.mark.parametrize("explorer", [rate_dial, race])
def test_it_can_be_used_at_480_pixels(show: Show, explorer):
    scene = explorer()
    shown = show(scene.to_html(), width=480)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 480
    size = scene.spec["stages"][1]["size"]
    drawing = shown.page.locator("svg[role=img]")
    assert drawing.get_attribute("viewBox").split()[2:] == [f"{s:g}" for s in size]
    smallest = drawing.evaluate(
        """n => Math.min(...[...n.querySelectorAll('text')].map(t =>
             parseFloat(getComputedStyle(t).fontSize) * n.getScreenCTM().a))"""
    )
    assert smallest > 9.5
    if explorer is rate_dial:  # the same frame fits this drawing too
        run = descend(Quadratic([1, 20]), [-4, 2], SGD(), Constant(scene.value("rate")), 100)
        narrow = _stage((1.0, 20.0), (-4.0, 2.0), 100, 1)
        x, y = narrow.axes("surface").transData.transform(run.weights[0, scene.step])
        ratio = drawing.evaluate("n => n.getScreenCTM().a")
        expected_at = x * ratio, (narrow.size[1] - y) * ratio
        np.testing.assert_allclose(shown.place("point"), expected_at, atol=0.3)
    ends = drawing.evaluate(
        """n => Math.max(...[...n.querySelectorAll('text')].map(
             t => t.getBoundingClientRect().right)) - n.getBoundingClientRect().right"""
    )
    assert ends < 1  # no text is cut at the edge
    shown.page.set_viewport_size({"width": 1000, "height": 800})
    expect(drawing).to_have_attribute("viewBox", re.compile("760|806"))
    before = shown.verdict
    shown.page.locator("input").last.focus()
    shown.page.keyboard.press("Space" if explorer is race else "Home")
    assert explorer is rate_dial or shown.verdict != before


def test_two_scenes_on_one_page_do_not_share_ids(show: Show):
    html = small_scene().to_html(page=False) + small_scene().to_html(page=False)
    shown = show("<!doctype html><meta charset=utf-8>" + html)
    assert shown.page.locator(".lrlesson-scene").count() == 2
    ids = shown.page.evaluate("[...document.querySelectorAll('[id]')].map(n => n.id)")
    assert len(ids) >= 8  # of sliders and of boxes, two each
    assert len(ids) == len(set(ids))
    broken = shown.page.evaluate(
        r"""[...document.querySelectorAll('[clip-path], use')].map(n =>
             (n.getAttribute('clip-path') || n.getAttribute('href')).match(/#([^)]+)/)[1])
             .filter(id => !document.getElementById(id))"""
    )
    assert broken == []


def test_the_figure_does_not_jump(show: Show):
    shown = show(rate_dial().to_html(), width=700)
    tops = set()
    for position in (0, 40, 70, 85, 86, 100):
        shown.slider("learning rate").fill(str(position))
        tops.add(shown.page.locator("svg[role=img]").bounding_box()["y"])
    assert len(tops) == 1
