"""Handles, buttons and questions to Python in the browser; and what axe-core says of it all."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path as FilePath

import numpy as np
import pytest
import rig
from playwright.sync_api import Browser, BrowserContext, Page, expect

from lrlesson.scenes import (
    Band,
    Bars,
    Button,
    Choice,
    Dots,
    Handle,
    Keep,
    Label,
    Marker,
    Path,
    Say,
    Scene,
    Slider,
    Steps,
    explorers,
)
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
    scene.drop = 20
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


def test_a_handle_moves_two_numbers_at_once_without_python(show: Show):
    scene = explorers.conditioning()
    shown = show(scene.to_html())
    path = shown.actor("path").locator("path").nth(1)
    drawn, before = path.get_attribute("d"), shown.place("start")
    drag(shown, "start", (80, 50))
    np.testing.assert_allclose(np.subtract(shown.place("start"), before), (80, 50), atol=4)
    assert path.get_attribute("d") != drawn
    for name in ("start w1", "start w2"):
        control = "x" if name == "start w1" else "y"
        setattr(scene, control, int(shown.slider(name).input_value()))
    x, y, width, height = scene._stage.boxes["bowl"]
    at = [scene.row(spec[axis]) for spec in scene.spec["actors"] if spec["name"] == "path"
          for axis in "xy"]  # fmt: skip
    first = re.findall(r"-?[\d.]+", path.get_attribute("d"))[:2]
    want = [x + width * at[0][0], y + height * at[1][0]]
    np.testing.assert_allclose(np.array(first, float), want, atol=0.02)


def test_a_handle_that_asks_keeps_the_last_sweep_without_a_kernel_and_says_so(show: Show):
    scene = asking_scene()
    shown = show(scene.to_html())
    said, line = shown.verdict, shown.actor("line").locator("path").first.get_attribute("d")
    assert shown.page.locator(".lr-asleep").inner_text() == ""
    drag(shown, "grip", (60, 0))
    expect(shown.page.locator(".lr-asleep")).to_contain_text("Asleep: run this cell.")
    assert shown.verdict == said
    assert shown.actor("line").locator("path").first.get_attribute("d") == line


def asking_scene() -> Scene:
    """A line through a point that Python alone can move."""

    def answer(start: float, **_: object) -> tuple[list, list]:
        actors = [Path("line", "left", T, LOSS[0] + start), Handle("grip", "left", "start", 1.0)]
        return actors, [Say(f"It starts at {start:g}.")]

    actors, say = answer(1.0)
    places = np.linspace(0, 3, 31)
    return small_scene(controls=[Slider("start", "start", places, 10, ask=True)], actors=actors,
                       say=say, answer=answer)  # fmt: skip


def test_what_decides_may_pass_slowly(show: Show):
    """The first step takes 1.5 s and glides; the last one 0.1 s."""
    controls = [Slider("rate", "rate", [1, 2]), Steps("step", "step", range(3), pace=[1500, 100])]
    line = Marker("dot", "left", np.arange(3.0), 1.0, by=("step",))
    shown = show(small_scene(controls=controls, actors=[line], say=[]).to_html())
    start = shown.place("dot")[0]
    shown.page.get_by_role("button", name="play").click()
    shown.page.wait_for_timeout(500)
    between = shown.place("dot")[0]
    assert shown.slider("step").input_value() == "0"
    expect(shown.slider("step")).to_have_value("2")
    end = shown.place("dot")[0]
    assert start < between < (start + end) / 2


def test_a_choice_may_glide_to_its_neighbour_and_back(show: Show):
    place = Choice("place", "place", ["near", "far"], glide=1500)
    dot = Marker("dot", "left", np.array([0.0, 3.0]), 1.0, by=("place",))
    shown = show(small_scene(controls=[place], actors=[dot], say=[]).to_html())
    near = shown.place("dot")[0]
    shown.page.get_by_role("radio", name="far").check()
    shown.page.wait_for_timeout(200)
    between = shown.place("dot")[0]
    shown.page.wait_for_timeout(1800)
    far = shown.place("dot")[0]
    assert near < between < far
    shown.page.get_by_role("radio", name="near").check()
    shown.page.wait_for_timeout(200)
    assert near < shown.place("dot")[0] < far


def test_each_line_that_was_kept_has_its_own_name(show: Show):
    controls = [Slider("rate", "rate", RATES), Button("more", "more", range(4))]
    line = {"by": ("rate",), "exits": False, "kept": "earlier"}
    actors = [
        Path("line", "left", T, LOSS, **line),
        Label("name", "left", "line", [f"{r:.2g}" for r in RATES], text_by=("rate",),
              kept="earlier"),
    ]  # fmt: skip
    scene = small_scene(controls=controls, actors=actors, say=[], keep=Keep("more"))
    scene.kept = [[0, 1], [2, 2], [4, 3]]
    shown = show(scene.to_html())
    names = shown.actor("name").locator("text:first-child")
    assert names.all_text_contents() == ["0.01", "0.1"]  # not the last one
    tops = [name.bounding_box()["y"] for name in names.all()]
    assert tops[0] + 16 < tops[1]
    assert len(scene.png()) > 1000


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


def test_the_first_answer_of_each_round_counts(show: Show):
    """Without Python: nothing but the page keeps the score."""
    scene = explorers.predict_regime()
    shown = show(scene.to_html())
    round_ = shown.slider("round")

    def answer(word: str) -> str:
        shown.page.get_by_role("button", name=word).press("Enter")
        return shown.page.locator(".lr-note > span").last.inner_text()

    assert answer("diverges").startswith("Score: 0 of 1 rounds")
    assert answer("converges").startswith("Score: 0 of 1 rounds")
    assert shown.verdict.startswith("right it converges")
    round_.press("ArrowRight")
    assert not shown.page.locator("[aria-pressed=true]").count()
    assert shown.verdict.startswith("predict curvature")
    assert answer("converges").startswith("Score: 1 of 2 rounds")
    round_.press("Home")
    assert shown.page.locator("[aria-pressed=true]").inner_text() == "diverges"
    assert answer("slow").startswith("Score: 1 of 2 rounds")
    marks = {
        name: shown.actor(name).locator("[data-symbol]:visible").count()
        for name in ("right", "wrong")
    }
    assert marks == {"right": 1, "wrong": 1}


def test_after_an_answer_the_rest_of_the_run_follows(show: Show):
    """Three points before it; then within a second all of them, or at once with reduced motion."""
    for calm in ("no-preference", "reduce"):
        shown = show(explorers.predict_regime().to_html(), reduced_motion=calm)
        line = shown.actor("w").locator("path").first
        points = "node => node.getAttribute('d').match(/[ML]/g).length"
        assert line.evaluate(points) == 3
        shown.page.get_by_role("button", name="slow").click()
        if calm == "no-preference":
            assert line.evaluate(points) < 31
            shown.page.wait_for_timeout(1300)
        assert line.evaluate(points) == 31


def test_six_guesses_show_the_whole_curve(show: Show):
    scene = explorers.live_net()
    shown = show(scene.to_html())
    slider, train = shown.slider("learning rate"), shown.page.get_by_role("button", name="Train")
    curve, dots = shown.actor("whole curve").locator("path").first, shown.actor("guess")
    for guess, position in enumerate((0, 8, 16, 24, 28, 32), start=1):
        assert not curve.get_attribute("d")
        slider.fill(str(position))
        train.click()
        scene.rate, scene.train = position, guess
        scene.kept = [*scene.kept, list(scene.position)]
        assert shown.verdict == scene.verdict.replace(":", "", 1)
    expect(curve).to_have_attribute("d", re.compile("L.*L"))  # it grows
    seen = dots.locator("[data-symbol]:visible").count()
    broke = shown.actor("broke").locator("[data-symbol]:visible").count()
    assert (seen, broke) == (4, 2)
    last = shown.actor("training").locator("path").first.get_attribute("d")
    slider.fill("10")  # what was trained stays, until the next training
    assert shown.actor("training").locator("path").first.get_attribute("d") == last
    assert shown.verdict == scene.verdict.replace(":", "", 1)
    train.click()
    assert shown.verdict.startswith("guess 1 of 6 choose a rate")
    assert dots.locator("[data-symbol]").count() == 0


def test_a_choice_or_a_button_can_move_other_controls(show: Show):
    shown = show(explorers.effective_rates().to_html())
    rate = shown.slider("learning rate")
    before = rate.input_value()
    shown.page.get_by_role("radio", name="AdaGrad").check()
    assert rate.get_attribute("aria-valuetext") == "0.0100"
    rate.press("End")  # and the hand may choose another
    assert rate.get_attribute("aria-valuetext") == "0.100"
    shown.page.get_by_role("radio", name="Adam", exact=True).check()
    assert rate.input_value() == before
    assert rate.get_attribute("aria-valuetext") == "0.00100"


def test_answers_travel_with_a_page_and_what_cannot_be_answered_is_not_there(show: Show):
    """On a page of its own every family is there, at its first numbers, with nothing to drag."""
    scene = explorers.schedule_composer()
    shown = show(scene.to_html())
    seen = set()
    for k, name in enumerate(scene._controls[0].shown):
        shown.page.get_by_role("radio", name=name, exact=True).check()
        with scene.hold_trait_notifications():
            scene.family = k
            for control, at in scene._controls[0].sets[k].items():
                setattr(scene, control, at)
        assert shown.verdict == scene.verdict.replace(":", "", 1)
        seen.add(shown.actor("eta").locator("path").nth(1).get_attribute("d"))
    assert len(seen) == 10
    assert shown.page.locator(".lr-slider").locator("visible=true").count() == 0
    assert shown.page.locator(".lr-grip").count() == 0
    assert shown.page.locator(".lr-asleep").inner_text() == ""


def test_a_family_shows_its_own_numbers_and_the_figure_stays(show: Show):
    scene = explorers.schedule_composer()
    page = scene.to_html()
    start, end = page.index(', "answers": ['), page.index("}</script>")
    shown = show(page[:start] + ', "answers": []' + page[end:], width=862)  # as beside Python
    assert shown.page.locator(".lrlesson-scene").bounding_box()["height"] <= 560
    tops = set()
    for k, family in list(enumerate(scene._controls[0].shown))[::3]:
        shown.page.get_by_role("radio", name=family, exact=True).check()
        wanted = [c.label for c in scene._controls[1:] if k in c.when.get("family", [k])]
        labels = shown.page.locator(".lr-slider label").locator("visible=true")
        assert labels.all_inner_texts() == wanted
        tops.add(shown.page.locator("svg[role=img]").bounding_box()["y"])
    assert len(tops) == 1
    shown.page.get_by_role("radio", name="exponent.", exact=True).check()
    drag(shown, "length, factor", (60, 20))
    assert int(shown.slider("length").input_value()) > 9
    assert int(shown.slider("factor").input_value()) < 9
    assert shown.page.locator(".lr-large > span > span").last.inner_html() == (
        "η(t) = 0.5 · 0.5<sup>t/50</sup>."
    )
    drag(shown, "rate", (0, -30))
    assert float(shown.slider("rate").get_attribute("aria-valuetext")) > 0.5


@pytest.mark.slow
def test_one_button_tunes_all_fairly(show: Show):
    scene = explorers.optimizer_race()
    shown = show(scene.to_html())
    tune = shown.page.get_by_role("button", name="each to its best")
    for _ in range(2):  # again, after the hand has moved one
        tune.click()
        for control, position in scene.spec["controls"][1]["sets"][0]:
            name = scene.spec["controls"][control]["label"]
            assert shown.slider(name).input_value() == str(position)
            setattr(scene, scene._controls[control].name, position)
        assert shown.verdict == scene.verdict.replace(":", "", 1)
        assert tune.get_attribute("aria-pressed") == "true"
        shown.slider("rate of Adam").press("Home")
        assert shown.verdict.startswith("4 of 5 at their best")


def test_what_is_kept_and_set_must_exist():
    with pytest.raises(ValueError, match="actor 'keep': unknown control 'speed', expected one of"):
        small_scene(keep=Keep("speed"))
    with pytest.raises(ValueError, match="actor 'line': kept = 'all', expected each, last"):
        small_scene(actors=[Path("line", "left", T, T, kept="all")])
    button = Button("more", "more", sets={1: {"rate": 5}})
    with pytest.raises(ValueError, match=r"control 'more': sets 'rate' to 5, expected 0 … 4"):
        small_scene(controls=[Slider("rate", "rate", RATES), button], actors=[], say=[])
    button = Button("more", "more", when={"rate": [5]})
    with pytest.raises(ValueError, match=r"'more': when 'rate' is at 5, expected 0 … 4"):
        small_scene(controls=[Slider("rate", "rate", RATES), button], actors=[], say=[])
    with pytest.raises(
        ValueError, match=r"x has places of shape \(2,\), expected one per position"
    ):
        small_scene(actors=[Handle("grip", "left", ("rate", T[:2]), 1.0)], say=[])


LOOKED_AT = ["live_net", "predict_regime"]


@pytest.mark.parametrize("name", LOOKED_AT)
def test_axe_finds_nothing_serious(show: Show, name: str):
    html = getattr(explorers, name)().to_html()
    for scheme in ("light", "dark"):
        assert findings(show(html, color_scheme=scheme).page) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in explorers.__all__ if name not in LOOKED_AT])
def test_axe_finds_nothing_serious_in_the_others(show: Show, name: str):
    test_axe_finds_nothing_serious(show, name)


def fits(page: Page) -> None:
    """The page is 480 CSS pixels wide, needs no scrolling sideways, and can be read."""
    assert page.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [480, 480]
    smallest = page.locator("svg[role=img]").evaluate(
        """n => Math.min(...[...n.querySelectorAll('text')].filter(t => t.textContent).map(t =>
             parseFloat(getComputedStyle(t).fontSize) * n.getScreenCTM().a))"""
    )
    assert smallest > 8.5
    for control in page.locator("input, button, select").locator("visible=true").all():
        box = control.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 480


@pytest.fixture(scope="module")
def zoomed(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A window of 960 pixels in which the browser itself enlarges every page to 200 %."""
    profile = tmp_path_factory.mktemp("profile")
    (profile / "Default").mkdir()
    level = {"x": np.log(2) / np.log(1.2)}  # each step of Chromium's zoom is a factor of 1.2
    (profile / "Default" / "Preferences").write_text(
        json.dumps({"partition": {"default_zoom_level": level}})
    )
    sandbox = ["--no-sandbox"] * (os.geteuid() == 0)
    context = chromium.browser_type.launch_persistent_context(
        profile,
        executable_path=rig.find_chromium(),
        args=[*rig.FLAGS, *sandbox, "--window-size=960,900"],
        no_viewport=True,
    )
    yield context
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", explorers.__all__)
def test_at_200_percent(zoomed: BrowserContext, name: str, tmp_path: FilePath):
    file = tmp_path / "scene.html"
    getattr(explorers, name)().to_html(file)
    page = zoomed.new_page()
    page.goto(file.as_uri())
    page.locator("svg[role=img]").wait_for()
    assert page.evaluate("[devicePixelRatio, outerWidth]") == [2, 960]  # it is enlarged
    fits(page)
    drawing, moved = page.locator("svg[role=img]"), page.get_by_role("slider")
    before = drawing.inner_html()
    if moved.count():
        moved.first.press("Home" if moved.first.input_value() != "0" else "End")
    else:
        page.get_by_role("radio", checked=True).press("ArrowRight")
    assert drawing.inner_html() != before
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", explorers.__all__)
def test_narrow_and_by_keyboard_alone(show: Show, name: str):
    """480 px; every control is reached by Tab and seen so."""
    page = show(getattr(explorers, name)().to_html(), width=480).page
    fits(page)
    controls = "input:not([type=radio]), button, select, fieldset:has(input)"
    wanted = page.locator(controls).locator("visible=true").count()
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
