"""Every scene keeps the rules of its style: in both themes and two fonts, at several positions."""

import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import pytest
from pictures import POSITIONS
from playwright.sync_api import Browser, Page

from lrlesson.scenes import Scene, explorers

pytestmark = pytest.mark.browser

FONTS = ("Inter", "DejaVu Sans")

LOOK = """() => {
  const root = document.querySelector(".lrlesson-scene"), found = [];
  const stage = root.querySelector("svg[role=img]"), frame = stage.getBoundingClientRect();
  const tall = root.getBoundingClientRect().height;
  if (tall > 560.5) found.push(`the scene is ${tall} px high`);
  const verdict = root.querySelector(".lr-verdict > span:last-child");
  if (verdict.getBoundingClientRect().height > 51) found.push(`3 lines: ${verdict.textContent}`);
  const seen = (n) => n.textContent.trim() && n.getBoundingClientRect().width > 2 &&
    !n.closest(".lr-folded:not(:focus-within)");
  const inks = [...stage.querySelectorAll("text")].filter(seen);
  for (const n of inks) {
    const box = n.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(n).fontSize) * n.getScreenCTM().a;
    if (size < 11.95) found.push(`${size} px: ${n.textContent}`);
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 ||
        box.bottom > frame.bottom + 1) found.push(`outside: ${n.textContent}`);
  }
  const named = ".lr-controls :is(label, legend, button, .lr-value, .lr-mark)";
  const unfolded = [...root.querySelectorAll(named)].filter((n) => !n.closest(".lr-folded"));
  const all = [...inks, ...unfolded.filter(seen)];
  const boxes = all.map((n) => n.getBoundingClientRect());
  all.forEach((a, i) => all.slice(i + 1).forEach((b, j) => {
    if (a.contains(b) || b.contains(a)) return;
    const [p, q] = [boxes[i], boxes[i + 1 + j]];
    const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (wide > 1 && high > 4) found.push(`${a.textContent} | ${b.textContent}: ${wide} × ${high}`);
  }));
  return found;
}"""

CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = (c) => rgb(c).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0.05);
  const paper = getComputedStyle(document.documentElement).backgroundColor;
  const found = [];
  for (const n of document.querySelectorAll("svg[role=img] text")) {
    if (!n.textContent.trim() || !n.getBoundingClientRect().width) continue;
    const [a, b] = [light(getComputedStyle(n).fill), light(paper)].sort();
    if (b / a < 4.5) found.push(`${n.textContent}: ${(b / a).toFixed(2)}`);
  }
  return found;
}"""


def positions(name: str, scene: Scene) -> Iterator[dict[str, int]]:
    """The opening; then all sliders at their middles and ends, each option, each switch on."""
    controls = scene.spec["controls"]
    here = dict(zip((c["name"] for c in controls), scene.position, strict=True))
    yield here
    yield here | POSITIONS.get(name, {})
    asks = {c["name"] for c in controls if c["ask"]}
    for share in (0.5, 1.0):
        sliding = {c["name"]: int(share * (c["n"] - 1)) for c in controls
                   if c["kind"] in ("steps", "slider")}  # fmt: skip
        yield here | {name: at for name, at in sliding.items() if name not in asks}
    for control in controls:
        if control["kind"] in ("choice", "switch", "button") and control["n"] < 20:
            for at in {control["n"] // 2, control["n"] - 1} - {here[control["name"]]}:
                ends = {c["name"]: c["n"] - 1 for c in controls if c["kind"] == "steps"}
                yield here | ends | {control["name"]: at}
        elif control["kind"] == "slider":
            for at in (0, control["n"] - 1):
                yield here | {control["name"]: at}


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 862, "height": 700})
    yield page
    page.close()


def show(page: Page, file: FilePath, font: str) -> None:
    page.goto(file.as_uri())
    page.add_style_tag(content=f':root {{ --jp-ui-font-family: "{font}"; }}')
    page.locator(".lrlesson-scene svg[role=img]").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("name", explorers.__all__)
def test_nothing_covers_anything_and_all_can_be_read(page: Page, tmp_path: FilePath, name: str):
    scene, file = getattr(explorers, name)(), tmp_path / "scene.html"
    for at in positions(name, scene):
        for control, position in at.items():
            setattr(scene, control, position)
        scene.to_html(file)
        for font in FONTS:
            show(page, file, font)
            assert page.evaluate(LOOK) == [], (name, at, font)


@pytest.mark.parametrize("name", explorers.__all__)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_from_the_paper(page: Page, tmp_path: FilePath, name: str, theme: Any):
    scene, file = getattr(explorers, name)(), tmp_path / "scene.html"
    for control in scene.spec["controls"]:
        if control["kind"] in ("steps", "switch"):
            setattr(scene, control["name"], control["n"] // 2)
    scene.to_html(file)
    page.emulate_media(color_scheme=theme)
    show(page, file, FONTS[0])
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("name", explorers.__all__)
def test_the_rules_of_the_drawing(name: str):
    scene = getattr(explorers, name)()
    actors, stage = scene.spec["actors"], scene._stage
    assert stage.size[0] == 806
    assert {c["name"]: at for c, at in zip(scene.spec["controls"], scene.position, strict=True)
            if c["kind"] == "steps" and at} == {}  # fmt: skip
    # What follows a badge that asks is a sentence of its own.
    badge, said = re.match(r"(.*?[?]|.*?:) (.*)", scene.verdict).groups()
    assert said[0].isupper() or not badge.endswith("?"), scene.verdict
    named = {spec["at"] for spec in actors if spec["kind"] == "label"}
    for spec in actors:
        ax = stage.figure.axes[spec["ax"]]
        if spec["kind"] == "bars":
            assert ax.get_yscale() == "linear", spec["name"]
        thin = spec["kind"] == "path" and (spec["width"] < 2 or spec["alpha"] < 1)
        if spec["kind"] == "path" and "upto" in spec and not thin and not spec["kept"]:
            assert spec["name"] in named, f"{spec['name']} has no label"
        if spec["kind"] == "label":
            texts = spec["text"]["strings"]
            assert max(map(len, texts)) <= 24, max(texts, key=len)


@pytest.mark.parametrize("name", explorers.__all__)
def test_no_sentence_speaks_of_places(name: str):
    """On a narrow page the panels stand one below the other."""
    scene = getattr(explorers, name)()
    for say in scene.spec["say"]:
        parts = [text for part in say["parts"] for text in (
            [part] if isinstance(part, str) else part.get("strings", []))]  # fmt: skip
        for text in parts:
            words = set(text.replace(",", " ").split())
            assert not words & {"left", "right", "leftmost", "rightmost"}, text


@pytest.mark.parametrize(("wide", "rows"), [(700, 1), (830, 1), (390, 2)])
def test_the_families_stand_in_one_row_on_a_page_of_the_site(
    page: Page, tmp_path: FilePath, wide: int, rows: int
):
    file = tmp_path / "scene.html"
    explorers.schedule_composer().to_html(file)
    page.set_viewport_size({"width": wide, "height": 700})
    show(page, file, FONTS[0])
    tops = "labels => new Set(labels.map((one) => one.getBoundingClientRect().top)).size"
    assert page.locator(".lr-icons label").evaluate_all(tops) == rows
