"""Handles, buttons and questions to Python in the browser; and what axe-core says of it all."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from lrlesson.scenes import Band, Bars, Button, Dots, Handle, Path, Say, Slider, explorers
from tests.scenes.axe import findings
from tests.scenes.conftest import LOSS, RATES, Show, Shown, T, small_scene

pytestmark = pytest.mark.browser


def drag(shown: Shown, actor: str, to: tuple[float, float], steps: int = 20) -> None:
    """Pull a handle by so many CSS pixels."""
    box = shown.actor(actor).locator(".lr-grip").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    shown.page.mouse.move(x, y)
    shown.page.mouse.down()
    shown.page.mouse.move(x + to[0], y + to[1], steps=steps)
    shown.page.mouse.up()


def test_a_handle_moves_its_slider_and_the_slider_its_handle(show: Show):
    scene = explorers.drop_time()
    shown = show(scene.to_html())
    slider = shown.slider("drop at update")
    before = shown.place("grip")
    drag(shown, "grip", (100, 40))
    after = shown.place("grip")
    np.testing.assert_allclose(np.subtract(after, before), (100, 0), atol=4)
    scene.drop = int(slider.input_value())
    assert scene.drop > 20
    assert shown.verdict == scene.verdict.replace(":", "", 1)
    slider.press("Home")
    assert shown.place("grip")[0] < before[0]


def test_a_handle_in_the_plane_without_a_kernel_keeps_the_last_sweep_and_says_so(show: Show):
    scene = explorers.conditioning()
    shown = show(scene.to_html())
    said, path = shown.verdict, shown.actor("path").locator("path").first.get_attribute("d")
    assert not shown.page.get_by_text("Python has not answered").is_visible()
    before = shown.place("start")
    drag(shown, "start", (80, 50))
    np.testing.assert_allclose(np.subtract(shown.place("start"), before), (80, 50), atol=4)
    expect(shown.page.get_by_text("Python has not answered")).to_be_visible()
    assert shown.verdict == said
    assert shown.actor("path").locator("path").first.get_attribute("d") == path


@pytest.mark.slow
def test_play_can_be_slowed_and_hurried(show: Show):
    shown = show(explorers.two_wells().to_html())
    speed = shown.page.get_by_label("speed: update")
    step = shown.slider("update")
    shown_times = {}
    for choice in ("4×", "1×"):
        speed.select_option(choice)
        step.fill("0")
        shown.page.get_by_role("button", name="play").click()
        shown.page.wait_for_timeout(1000)
        shown.page.get_by_role("button", name=re.compile("pause|play")).click()
        shown_times[choice] = int(step.input_value()) or 40
    assert shown_times["4×"] > 1.8 * shown_times["1×"]


def test_bars_dots_and_bands_are_where_matplotlib_draws_them(show: Show):
    scene = small_scene(
        actors=[
            Bars("bars", "left", T, LOSS, by=("rate",), base=1e-3, width=0.5),
            Dots("dots", "left", T, LOSS, by=("rate",), size=6),
            Band("band", "left", T, LOSS / 2, LOSS * 2, by=("rate",)),
        ],
        say=[],
    )
    shown = show(scene.to_html())
    stage = scene._stage
    left, top, width, height = stage.boxes["left"]
    for rate in (0, 4):
        shown.slider("learning rate").fill(str(rate))
        u, v = stage.fractions("left", T - 0.25, LOSS[rate])
        drawn = shown.actor("bars").locator("path").get_attribute("d")
        got = np.array(re.findall(r"M([\d.]+) [\d.]+V(-?[\d.]+)", drawn), float)
        np.testing.assert_allclose(got[:, 0], left + u * width, atol=0.01)
        np.testing.assert_allclose(got[:, 1], top + v * height, atol=0.01)
        u, v = stage.fractions("left", T, LOSS[rate])
        got = np.array(re.findall(r"M([\d.]+) ([\d.]+)h0", shown.actor("dots").locator(
            "path").get_attribute("d")), float)  # fmt: skip
        np.testing.assert_allclose(got, np.column_stack([left + u * width, top + v * height]),
                                   atol=0.01)  # fmt: skip
        _, high = stage.fractions("left", T, LOSS[rate] * 2)
        got = np.array(re.findall(r"[ML]([\d.]+) (-?[\d.]+)", shown.actor("band").locator(
            "path").get_attribute("d")), float)  # fmt: skip
        assert len(got) == 8
        np.testing.assert_allclose(got[:4, 1], top + high * height, atol=0.01)
    assert len(scene.png()) > 1000


def test_a_band_with_a_gap_has_two_parts(show: Show):
    low = np.array([1.0, np.nan, 1, 1])
    shown = show(small_scene(actors=[Band("band", "left", T, low, low * 2)], say=[]).to_html())
    drawn = shown.actor("band").locator("path").get_attribute("d")
    assert drawn.count("M") == drawn.count("Z") == 2


def test_questions_and_answers_go_together():
    from tests.scenes.conftest import small_scene as build

    with pytest.raises(ValueError, match="answer goes with controls that ask"):
        build(answer=lambda **values: ([], []))
    with pytest.raises(ValueError, match="answer goes with controls that ask"):
        build(controls=[Slider("rate", "rate", RATES, ask=True)], actors=[], say=[])
    with pytest.raises(ValueError, match="neither x nor y names a control"):
        build(actors=[Handle("grip", "left", 1, 1)], say=[])
    with pytest.raises(ValueError, match=r"actor 'b': shapes .* expected the same number"):
        build(actors=[Band("b", "left", T, T[:2], T)], say=[])


def test_python_answers_with_a_new_sweep():
    asked = []

    def answer(rate: float, more: int) -> tuple:
        asked.append((rate, more))
        return [Path("line", "left", T, T * rate + 1 + more)], [Say("at {rate}")]

    scene = small_scene(
        controls=[Slider("rate", "rate", RATES, ask=True), Button("more", "more", ask=True)],
        actors=answer(RATES[0], 0)[0],
        say=[Say("at {rate}")],
        answer=answer,
    )
    before = scene.data
    scene.rate = 4
    scene.more = 3
    assert asked[1:] == [(1.0, 0), (1.0, 3)]
    assert scene.data != before
    assert scene.frames["count"] == 2
    _, v = scene._stage.fractions("left", T, T + 4.0)
    np.testing.assert_allclose(scene.row(scene.spec["actors"][0]["y"]), v, rtol=1e-6)
    assert scene.frames["actors"] == scene.spec["actors"]
    scene.rate = 4  # nothing has changed: nothing is asked
    assert len(asked) == 3


LOOKED_AT = ["live_net", "two_wells"]


@pytest.mark.parametrize("name", LOOKED_AT)
def test_axe_finds_nothing_serious(show: Show, name: str):
    html = getattr(explorers, name)().to_html()
    for scheme in ("light", "dark"):
        assert findings(show(html, color_scheme=scheme).page) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in explorers.__all__ if name not in LOOKED_AT])
def test_axe_finds_nothing_serious_in_the_others(show: Show, name: str):
    test_axe_finds_nothing_serious(show, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", explorers.__all__)
def test_narrow_enlarged_and_by_keyboard_alone(show: Show, name: str):
    """480 px, and 200 % zoom of a 960 px page; every control is reached by Tab and seen so."""
    html = getattr(explorers, name)().to_html()
    for scale in (1, 2):
        shown = show(html, width=480, device_scale_factor=scale)
        page = shown.page
        assert page.evaluate("document.documentElement.scrollWidth") <= 480
        smallest = page.locator("svg[role=img]").evaluate(
            """n => Math.min(...[...n.querySelectorAll('text')].filter(t => t.textContent).map(t =>
                 parseFloat(getComputedStyle(t).fontSize) * n.getScreenCTM().a))"""
        )
        assert smallest > 8.5
    wanted = page.locator("input:not([type=radio]), button, select, fieldset").count()
    seen = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        name_, outline = page.evaluate(
            """() => { const n = document.activeElement, s = getComputedStyle(n);
               return [n.outerHTML.slice(0, 120), n.type === 'range' || s.outlineWidth]; }"""
        )
        seen.add(name_)
        assert outline in (True, "3px")
    assert len(seen) == wanted
    for slider in page.get_by_role("slider").all():
        last = slider.get_attribute("max")
        slider.focus()
        for key, at in (("Home", "0"), ("End", last), ("ArrowLeft", str(int(last) - 1)),
                        ("ArrowRight", last)):  # fmt: skip
            slider.press(key)
            assert slider.input_value() == at
        slider.press("PageDown")
        assert int(slider.input_value()) < int(last)
