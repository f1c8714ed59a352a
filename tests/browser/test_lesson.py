"""A learner opens lesson 02 in JupyterLab and turns the dial."""

import io
import itertools
import re
from collections.abc import Callable, Iterator

import pytest
import rig
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Locator, WebSocketRoute, expect

LESSON = "notebooks/02_too_low_too_high.ipynb"
DIAL, BAR = "dial-run", "rise"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(chromium: Browser, server: rig.Server) -> Iterator[rig.Lab]:
    """The lesson with every cell run."""
    window = rig.Lab(chromium, server)
    window.open(LESSON)
    window.run_all()
    yield window
    window.close()
    assert window.complaints == []


def picture(figure: Locator) -> Image.Image:
    return Image.open(io.BytesIO(figure.screenshot())).convert("RGB")


def changed(before: Image.Image, after: Image.Image) -> float:
    """The share of the pixels that differ visibly."""
    assert before.size == after.size
    difference = ImageChops.difference(before, after).convert("L")
    return sum(difference.histogram()[32:]) / (before.width * before.height)


def verdict_after(act: Callable[[], None], scene: Locator) -> str:
    """Do something to a scene; its new verdict, seen on the page and announced to a reader."""
    announced = scene.locator(".lr-live")
    before = announced.inner_text()
    seen = scene.locator(".lr-verdict").inner_text()
    expect(announced).to_have_attribute("data-armed", "true")  # the first one is not read out
    act()
    expect(announced).not_to_have_text(before, use_inner_text=True)
    assert scene.locator(".lr-verdict").inner_text() != seen
    return announced.inner_text()


def test_every_cell_runs(lab: rig.Lab):
    for cell in lab.cells():
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error", rig.output_text(cell)
            assert output.get("name") != "stderr", rig.output_text(cell)


def test_the_dial_answers_keys_and_mouse(lab: rig.Lab):
    scene = lab.cell(DIAL).locator(".lrlesson-scene")
    rate = scene.get_by_role("slider", name="rate").first
    figure = scene.get_by_role("img")
    shown = [picture(figure)]

    def keys() -> None:
        rate.focus()
        rate.press("End")
        for _ in range(3):
            rate.press("ArrowLeft")

    heard = [verdict_after(keys, scene)]
    shown.append(picture(figure))

    def mouse() -> None:
        box = rate.bounding_box()
        middle = box["y"] + box["height"] / 2
        lab.page.mouse.move(box["x"] + 0.95 * box["width"], middle)
        lab.page.mouse.down()
        for part in (0.8, 0.6, 0.4, 0.2):
            lab.page.mouse.move(box["x"] + part * box["width"], middle)
        lab.page.mouse.up()

    heard.append(verdict_after(mouse, scene))
    shown.append(picture(figure))

    assert "diverge" in heard[0].lower()
    assert "diverge" not in heard[1].lower()
    assert changed(shown[0], shown[1]) > 0.001
    assert changed(shown[1], shown[2]) > 0.001


@pytest.fixture(scope="module")
def said(lab: rig.Lab) -> str:
    """The dial's verdict in the notebook as it was saved after its run, with a bar that ended."""
    verdict = lab.cell(DIAL).locator(".lr-verdict").inner_text()
    lab.write(BAR, "from ipywidgets import Output\nbar = Output()\ndisplay(bar)\nbar.close()")
    lab.run(BAR)
    lab.save()
    return verdict


def reopened(lab: rig.Lab, said: str) -> Locator:
    """The saved scene on a new page, with a new kernel in which no cell was run."""
    lab.stop_kernel()
    lab.open(LESSON)
    scene = lab.cell(DIAL).locator(".lrlesson-scene")
    expect(scene.locator(".lr-verdict")).to_have_text(said, use_inner_text=True)
    return scene


def test_a_saved_scene_works_before_anything_is_run(lab: rig.Lab, said: str):
    """Even if it is saved again without a run, by a page whose kernel does not know the scene."""
    for _ in range(2):
        scene = reopened(lab, said)
        lab.save()
    verdict_after(lambda: scene.get_by_role("slider", name="rate").first.press("End"), scene)

    ended = lab.cell(BAR).locator(".jp-OutputArea-output")  # a bar that ended leaves no trace
    expect(ended).to_have_count(1)
    expect(ended).to_be_hidden()


def when_asked(lab: rig.Lab, number: int, act: Callable[[WebSocketRoute, bytes], None]) -> None:
    """Let act have the message with which the page asks the kernel for its widgets.

    A page asks a new kernel twice: to look for its scenes there, and while it reads the notebook's.
    """
    asked = itertools.count(1)

    def connect(page: WebSocketRoute) -> None:
        kernel = page.connect_to_server()

        def pass_on(message: bytes) -> None:
            if b"comm_info_request" in message and next(asked) == number:
                act(kernel, message)
            else:
                kernel.send(message)

        page.on_message(pass_on)

    lab.page.route_web_socket(re.compile("/channels"), connect)


@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_saved_scene_survives_a_lost_connection(lab: rig.Lab, said: str, number: int):
    lost = []

    def lose(kernel: WebSocketRoute, message: bytes) -> None:
        lost.append(message)
        kernel.close(code=3000)

    when_asked(lab, number, lose)
    reopened(lab, said)
    assert lost


@pytest.mark.slow
def test_a_saved_scene_survives_an_early_save(lab: rig.Lab, said: str):
    """While the page does not know yet that the kernel has none of the scenes."""
    held = []
    when_asked(lab, 1, lambda kernel, message: held.append((kernel, message)))
    lab.stop_kernel()
    lab.open(LESSON)
    for _ in range(200):
        if held:
            break
        lab.page.wait_for_timeout(100)
    ((kernel, message),) = held
    lab.save()
    kernel.send(message)
    scene = lab.cell(DIAL).locator(".lrlesson-scene")
    expect(scene.locator(".lr-verdict")).to_have_text(said, use_inner_text=True)


def test_a_scene_that_comes_at_the_last_moment_is_found(lab: rig.Lab):
    """Two seconds are over when the page looks again, and the scene has come meanwhile."""
    found = lab.page.evaluate(
        """async () => {
            const widgets = window._JUPYTERLAB['@jupyter-widgets/jupyterlab-manager'];
            const { WidgetManager } = (await widgets.get('./index'))();
            const one = { state: { _anywidget_id: 'lrlesson.scenes.scene.Scene' } };
            const STATE = 'application/vnd.jupyter.widget-state+json';
            const state = { [STATE]: { state: { scene: one } } };
            const _context = { model: { sharedModel: { getMetadata: () => state } } };
            const manager = Object.assign(
                Object.create(WidgetManager.prototype), { _models: {}, _context });
            const waiting = manager.get_model('scene');
            manager._models.scene = Promise.resolve('the scene');
            for (const end = Date.now() + 2100; Date.now() < end; );
            return waiting;
        }"""
    )
    assert found == "the scene"


def test_a_notebook_without_our_widgets_is_left_to_upstream(lab: rig.Lab):
    """A saved widget of somebody else that comes at the last moment is lost, as it always was."""
    error = lab.page.evaluate(
        """async () => {
            const widgets = window._JUPYTERLAB['@jupyter-widgets/jupyterlab-manager'];
            const { WidgetManager } = (await widgets.get('./index'))();
            const _context = { model: { sharedModel: { getMetadata: () => undefined } } };
            const manager = Object.assign(
                Object.create(WidgetManager.prototype), { _models: {}, _context });
            const waiting = manager.get_model('slider').then(() => 'found', String);
            manager._models.slider = Promise.resolve('the slider');
            for (const end = Date.now() + 2100; Date.now() < end; );
            return waiting;
        }"""
    )
    assert error != "found"


def test_an_unknown_version_of_the_widgets_is_not_touched(chromium: Browser, server: rig.Server):
    """It says so in the console."""
    window = rig.Lab(chromium, server)
    said = []
    window.page.on("console", lambda message: said.append(message.text))
    known = "/^5\\.0\\.(9|1[0-6])$/"

    def older(route):
        answer = route.fetch()
        assert known in answer.text()
        route.fulfill(response=answer, body=answer.text().replace(known, "/^4$/"))

    window.page.route("**/lrlesson/restore.js*", older)
    window.open(LESSON)
    assert any("is unknown here" in text for text in said)
    window.close()
