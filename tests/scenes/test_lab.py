"""Scenes in the real JupyterLab: how fast they answer, and what of them lasts."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import nbformat
import numpy as np
import pytest
import rig
from playwright.sync_api import Browser, expect

from tests.scenes.axe import findings

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_FILE = rig.ROOT / "benchmarks" / "scenes.py"
_SPEC = importlib.util.spec_from_file_location("benchmark_of_scenes", _FILE)
timing: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(timing)

MORE = {
    "box": "import ipywidgets as widgets\n"
    "from lrlesson import drop_time\nscene = drop_time()\n"
    "other = widgets.IntSlider(20, 0, 100, description='linked')\n"
    "widgets.link((scene, 'drop'), (other, 'value'))\n"
    "widgets.VBox([other, widgets.Tab([scene], titles=['a scene'])])",
    "wait": "import time; time.sleep(2)",
    "plan": "from lrlesson import schedule_composer\nschedule_composer()",
    "score": "from lrlesson import predict_regime\npredict_regime()",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Server]:
    folder = rig.copy_course(tmp_path_factory.mktemp("scenes") / "course")
    timing.notebook(folder / "scenes.ipynb")
    notebook = nbformat.read(folder / "scenes.ipynb", 4)
    notebook.cells += [nbformat.v4.new_code_cell(code, id=name) for name, code in MORE.items()]
    nbformat.write(notebook, folder / "scenes.ipynb")
    with rig.lab_server(folder, folder.parent / "private") as running:
        yield running


@pytest.fixture(scope="module")
def lab(chromium: Browser, server: rig.Server) -> Iterator[rig.Lab]:
    window = rig.Lab(chromium, server)
    timing.prepare(window)
    yield window
    window.close()
    assert window.complaints == []


def test_a_key_is_answered_twenty_times_faster_than_by_a_replot(lab: rig.Lab):
    key, replot = timing.key_times(lab, 40), timing.replot_times(lab, 5)
    assert np.median(replot) / np.median(key) > 20


def test_every_change_is_drawn_and_no_frame_is_empty(lab: rig.Lab):
    drag = timing.dragged(lab)
    assert drag["inputs"] == drag["drawn"] > 60
    assert drag["empty"] == 0
    assert drag["tops"] == 1


def test_keys_that_run_a_cell_run_it_from_within_a_scene(lab: rig.Lab):
    """Arrows stay the slider's; Ctrl+Enter and Shift+Enter are the notebook's."""
    cell = lab.cell("dial")
    prompt = cell.locator(".jp-InputPrompt").first
    for keys in ("Control+Enter", "Shift+Enter"):
        before = prompt.inner_text()
        slider = cell.get_by_role("slider", name="learning rate")
        slider.click()
        at = int(slider.input_value())
        slider.press("ArrowRight")
        assert int(slider.input_value()) == at + 1
        assert prompt.inner_text() == before
        slider.press(keys)
        expect(prompt).not_to_have_text(before)
        expect(prompt).not_to_contain_text("*")
        cell.locator(".lrlesson-scene").wait_for()


def test_the_handle_follows_the_hand_and_python_answers_where_it_is_asked(lab: rig.Lab):
    assert timing.pulled(lab)["behind"] < 5  # pixels: it stands on the place nearest the hand
    scene = lab.cell("plan").locator(".lrlesson-scene")
    before = scene.locator(".lr-verdict").inner_text()
    scene.get_by_role("slider", name="rate").press("Home")
    expect(scene.locator(".lr-verdict")).not_to_have_text(before, use_inner_text=True)


def test_a_cell_run_again_shows_one_scene(lab: rig.Lab):
    assert np.median(timing.rerun_times(lab, 3)) < np.median(timing.replot_times(lab, 3))
    assert lab.cell("dial").locator(".lrlesson-scene").count() == 1


def test_a_scene_sits_in_boxes_and_tabs_and_can_be_linked(lab: rig.Lab):
    cell = lab.cell("box")
    scene = cell.locator(".lrlesson-scene")
    slider = scene.get_by_role("slider", name="drop at update")
    slider.fill("40")
    expect(cell.locator(".widget-readout").first).to_have_text("40")


def test_axe_finds_nothing_serious_in_the_notebook(lab: rig.Lab):
    for cell in ("dial", "bowl", "box"):
        lab.cell(cell).locator(".lrlesson-scene").first.wait_for()
        assert findings(lab.page) == []


def test_keys_stay_with_the_scene(lab: rig.Lab):
    scene = lab.cell("dial").locator(".lrlesson-scene")
    rate = scene.get_by_role("slider", name="rate").first
    rate.focus()
    top = rate.bounding_box()["y"]
    for key, at in (("Home", "0"), ("PageUp", "10"), ("End", "100"), ("ArrowDown", "99")):
        rate.press(key)
        assert rate.input_value() == at
    assert rate.bounding_box()["y"] == top  # neither the page nor the notebook has moved
    assert lab.page.evaluate("document.activeElement.type") == "range"


def test_a_slow_kernel_does_not_pull_the_slider_back(lab: rig.Lab):
    """What the page has saved comes back from Python, late: by then the hand is elsewhere."""
    scene = lab.cell("dial").locator(".lrlesson-scene")
    rate = scene.get_by_role("slider", name="rate").first
    lab.cell("wait").locator(".cm-content").click()
    lab.page.keyboard.press("Control+Enter")
    rate.press("Home")
    lab.page.wait_for_timeout(500)  # it is saved, and the kernel is busy
    rate.evaluate(
        """input => { window.went = [0]; const look = () => {
             if (+input.value !== went.at(-1)) went.push(+input.value);
             if (went.at(-1) < 60) requestAnimationFrame(look); };
           look(); }"""
    )
    for _ in range(60):
        rate.press("ArrowRight")
        lab.page.wait_for_timeout(40)
    went = lab.page.evaluate("went")
    assert went == sorted(went)
    assert rate.input_value() == "60"
    lab.wait_idle()
    assert rate.input_value() == "60"


def test_answers_are_kept_with_the_notebook(lab: rig.Lab):
    """And with the scene, where Python can read them."""
    scene = lab.cell("score").locator(".lrlesson-scene")
    scene.get_by_role("button", name="oscillates").click()
    expect(scene.locator(".lr-note")).to_contain_text("of 1 rounds")
    states = nbformat.read(lab.save(), 4).metadata.widgets[
        "application/vnd.jupyter.widget-state+json"
    ]
    kept = [
        model["state"]["kept"] for model in states["state"].values() if "kept" in model["state"]
    ]
    assert [[0, 3]] in kept


def test_what_lasts_without_a_kernel(lab: rig.Lab, server: rig.Server, chromium: Browser):
    """Saved: alive without a kernel. Untrusted: a picture and the sentence. As HTML: a picture."""
    scene = lab.cell("bowl").locator(".lrlesson-scene")
    said = scene.locator(".lr-verdict").inner_text()
    saved = lab.save()
    lab.stop_kernel()

    lab.open("scenes.ipynb")
    scene = lab.cell("bowl").locator(".lrlesson-scene")
    expect(scene.locator(".lr-verdict")).to_have_text(said, use_inner_text=True)
    scene.get_by_role("slider", name="learning rate").press("Home")
    expect(scene.locator(".lr-verdict")).not_to_have_text(said, use_inner_text=True)
    plan = lab.cell("plan").locator(".lrlesson-scene")
    plan.get_by_role("slider", name="rate").press("End")
    expect(plan.get_by_text("Asleep")).to_be_visible()
    answered = lab.cell("score").locator(".lrlesson-scene")
    answered.get_by_role("slider", name="round").press("ArrowRight")
    answered.get_by_role("button", name="converges").click()
    expect(answered.locator(".lr-note")).to_contain_text("1 of 2 rounds")

    notebook = nbformat.read(saved, 4)
    notebook.cells[0].source += "\n# changed elsewhere"
    for cell in notebook.cells:
        cell.metadata.pop("trusted", None)
    nbformat.write(notebook, saved.with_name("strange.ipynb"))
    bundle = notebook.cells[0].outputs[0].data
    assert "rate dial" in bundle["text/plain"]
    window = rig.Lab(chromium, server)
    window.open("strange.ipynb")
    picture = window.cell("dial").locator(".jp-OutputArea img")
    picture.wait_for()
    assert picture.evaluate("n => n.naturalWidth") > 500
    shown = picture.get_attribute("src").removeprefix("data:image/png;base64,")
    assert shown.strip() == bundle["image/png"].strip()  # the drawing, and what is said of it
    window.close()

    html = to_html(saved)
    page = chromium.new_page(offline=True)
    page.goto(html.as_uri())
    shown = page.locator("img[src^='data:image/png']")
    assert shown.count() >= 2
    assert shown.first.evaluate("n => n.complete && n.naturalWidth > 500")
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    described = [o.metadata["image/png"]["alt"] for o in outputs if "image/png" in o.metadata]
    assert len(described) == 4  # the dial, the bowl, the plan, the score
    assert set(described) <= {picture.get_attribute("alt") for picture in shown.all()}
    page.close()


def to_html(notebook: FilePath) -> FilePath:
    """Convert with nbconvert."""
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(notebook)]
    subprocess.run(command, check=True, capture_output=True)
    return notebook.with_suffix(".html")
