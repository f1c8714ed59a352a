"""What matplotlib draws arrives in the page as clean SVG, where matplotlib says it is."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from lrlesson.drawing.svg import clean, flow
from lrlesson.scenes import PALETTE, Stage, figure, style
from tests.scenes.conftest import small_figure


@pytest.mark.parametrize(
    ("source", "runs"),
    [
        (r"$\mathdefault{10^{-4}}$", [("10", 0, False), ("−4", 1, False)]),
        (r"$2/\lambda_\mathrm{max}$", [("2/λ", 0, False), ("max", -1, False)]),
        (r"$w_1$ (stiff)", [("w", 0, True), ("1", -1, False), (" (stiff)", 0, False)]),
        (r"cost \$5", [("cost $5", 0, False)]),
        (r"$\frac{1}{2}$", None),
        (r"$x^{y^2}$", None),
    ],
)  # fmt: skip
def test_simple_mathematics_flows_as_text(source: str, runs: list | None):
    assert flow(source) == runs


def test_the_drawing_is_clean():
    svg = Stage.of(small_figure()).svg
    assert len(svg) < 40_000
    for forbidden in (
        "<script",
        "<style",
        "xlink",
        "http://www.w3.org/1999",
        "@import",
        "<!DOCTYPE",
    ):
        assert forbidden not in svg
    root = ET.fromstring(svg)
    ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids))
    assert all(i.startswith("lrstage-") for i in ids)
    used = re.findall(r"(?:url\(|href=\")#([\w-]+)", svg)
    assert set(used) == set(ids)
    texts = ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("text")]
    assert "w1 & 10−3" in texts
    assert "var(--lr-ink" in svg
    assert "font-family" not in svg


def test_the_drawing_is_light():
    """No copies, no idle groups; clipped is only what would stick out, or is a symbol."""
    with style():
        fig, axes = figure(320, 200, mosaic=[["a"]])
        axes["a"].plot([0, 1, 2], [0, 5, 1])
        axes["a"].plot([0, 1], [0.5, 0.5], color="#007551")
        axes["a"].set(xlim=(0, 2), ylim=(0, 2))
    root = ET.fromstring(Stage.of(fig).svg)
    kinds = [e.tag.rpartition("}")[2] for e in root.iter()]
    assert kinds.count("use") == kinds.count("g") == 0
    clipped = [e for e in root.iter() if "clip-path" in e.attrib]
    assert len(clipped) == 1  # the line that leaves the axes
    numbers = np.array(re.findall(r"-?\d+\.?\d*", clipped[0].attrib["d"]), float)
    assert numbers[1::2].min() < 0  # above the drawing
    ticks = [e.attrib["d"].split() for e in root.iter() if e.attrib.get("d", "").count("L") == 1]
    below = [d for d in ticks if d[1] == d[4] and float(d[5]) - float(d[2]) == pytest.approx(5)]
    stage = Stage.of(fig)
    left, top, width, height = stage.boxes["a"]
    with style():  # how many ticks there are depends on the size of their numbers
        at = [left + width * x / 2 for x in stage.axes("a").get_xticks() if 0 <= x <= 2]
    np.testing.assert_allclose([float(d[1]) for d in below], at, atol=0.02)
    np.testing.assert_allclose([float(d[2]) for d in below], top + height, atol=0.02)


def test_what_could_do_harm_is_taken_out():
    svg = clean(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'viewBox="0 0 9 9" onload="a()"><style>*{}</style><script>b()</script>'
        '<g onclick="c()"><image href="http://x.org/y.png"/><use xlink:href="http://x.org/z"/>'
        '<path d="M0 0" style="fill: url(http://x.org/f)"/><foreignObject/></g></svg>'
    )
    assert "x.org" not in svg
    assert re.findall(r"on\w+=|script|style|foreign", svg) == []


def test_mathematics_that_cannot_flow_is_drawn_and_titled():
    with style():
        fig, axes = figure(200, 100, mosaic=[["a"]])
        axes["a"].set_title(r"$\frac{1}{2}\eta$")
    svg = Stage.of(fig).svg
    assert r"<title>\frac{1}{2}\eta</title>" in svg


def test_fractions_are_matplotlibs_own():
    stage = Stage.of(small_figure())
    ax = stage.axes("left")
    u, v = stage.fractions("left", np.array([-0.5, 0, 3.5]), np.array([1e-3, 0.31, 100]))
    np.testing.assert_allclose([u[0], v[0], u[2], v[2]], [0, 1, 1, 0], atol=1e-12)
    left, top, width, height = stage.boxes["left"]
    x, y = ax.transData.transform((0, 0.31))
    np.testing.assert_allclose(left + u[1] * width, x)
    np.testing.assert_allclose(top + v[1] * height, stage.size[1] - y)


def test_the_layout_does_not_move_after_the_boxes_were_read():
    stage = Stage.of(small_figure())
    stage.axes("left").set_ylabel("a much longer label\nin two lines", size=30)
    stage.figure.draw_without_rendering()
    x0, _, w, _ = stage.axes("left").bbox.bounds
    np.testing.assert_allclose((x0, w), (stage.boxes["left"][0], stage.boxes["left"][2]))


def test_the_words_are_readable_in_both_themes():
    """Contrast at least 4.5 of text and of the words before a sentence, 3 of what is drawn."""
    for theme in (0, 1):
        paper = PALETTE["paper"][theme]
        for name, pair in PALETTE.items():
            need = {"ink": 7, "muted": 4.5, "low": 4.5, "good": 4.5, "high": 4.5, "broken": 4.5,
                    "pick": 4.5, "ghost": 2}.get(name, 1)  # fmt: skip
            assert contrast(pair[theme], paper) >= need, (name, theme)
            if need == 4.5 and (tint := PALETTE.get(f"{name}-tint")):
                assert contrast(pair[theme], tint[theme]) >= 4.5, (name, theme)


def contrast(a: str, b: str) -> float:
    light = []
    for color in (a, b):
        c = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        light.append(c @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(light) / min(light)
