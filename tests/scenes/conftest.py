"""A small scene, and a page that shows a scene in the system's Chromium."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page

from lrlesson.scenes import Marker, Path, Say, Scene, Slider, Stage, Steps, Switch, figure, style

RATES = np.geomspace(0.01, 1, 5)
T = np.arange(4)
LOSS = np.array([10.0 * np.exp(-rate * T * 3) for rate in RATES])


def small_figure() -> Any:
    with style():
        fig, axes = figure(320, 200, mosaic=[["left", "right"]])
        axes["left"].set_xlim(-0.5, 3.5)
        axes["left"].set_yscale("log")
        axes["left"].set_ylim(1e-3, 100)
        axes["left"].set_ylabel(r"$w_1$ & $10^{-3}$")
        axes["right"].set_xscale("log")
        axes["right"].set_xlim(0.005, 2)
        return fig


@cache
def small_stage() -> Stage:
    return Stage.of(small_figure())


def small_scene(**changes: Any) -> Scene:
    parts: dict[str, Any] = {
        "stage": small_stage(),
        "controls": [
            Slider("rate", "learning rate", RATES, 2, marks={0.1: "η_mark"}),
            Steps("step", "step", T, -1, [str(t) for t in T]),
            Switch("more", "more"),
        ],
        "actors": [
            Path("line", "left", T, LOSS, by=("rate",), upto="step", dots=True),
            Marker("dot", "left", np.broadcast_to(T, LOSS.shape), LOSS, by=("rate", "step"),
                   color="pick"),
        ],
        "say": [
            Say("{word} at {rate}, loss {loss}.", ("rate", "step"),
                {"loss": LOSS, "word": np.where(LOSS < 1, "low", "high")},
                np.where(LOSS < 1, "good", "bad"), np.where(LOSS < 1, "good", "bad")),
        ],
        "name": "small",
        "alt": "A small scene.",
    }  # fmt: skip
    return Scene(**(parts | changes))


@dataclass
class Shown:
    """A page with one scene or more, and everything that the browser complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def slider(self, name: str) -> Locator:
        return self.page.get_by_role("slider", name=name)

    @property
    def verdict(self) -> str:
        """The visible verdict, without its badge's sign, on one line."""
        said = self.page.locator(".lr-verdict > span").last.inner_text()
        return re.sub(r"\s+", " ", said).strip()

    def actor(self, name: str) -> Locator:
        return self.page.locator(f'[data-actor="{name}"]')

    def place(self, name: str) -> tuple[float, float]:
        """Where the symbol of an actor stands, in CSS pixels from the drawing's corner."""
        return tuple(
            self.actor(name).locator("[data-symbol]").first.evaluate(
                """node => { const m = node.getScreenCTM();
                   const box = node.ownerSVGElement.getBoundingClientRect();
                   return [m.e - box.left, m.f - box.top]; }"""
            )
        )  # fmt: skip


Show = Callable[..., Shown]


@pytest.fixture
def show(chromium: Browser, tmp_path: FilePath) -> Iterator[Show]:
    """Opens HTML in a fresh page. No test may leave a complaint or a request to the network."""
    opened = []

    def open_page(html: str, width: int = 900, **context: Any) -> Shown:
        path = tmp_path / "scene.html"
        path.write_text(html, encoding="utf-8")
        page = chromium.new_page(viewport={"width": width, "height": 800}, **context)
        shown = Shown(page)
        opened.append(shown)
        page.on("console", lambda message: shown.complaints.append(message.text))
        page.on("pageerror", lambda error: shown.complaints.append(str(error)))
        page.on("request", lambda request: shown.requests.append(request.url))
        page.goto(path.as_uri())
        page.locator(".lrlesson-scene svg[role=img]").first.wait_for()
        return shown

    yield open_page
    for shown in opened:
        shown.page.close()
        assert shown.complaints == []
        assert [url for url in shown.requests if not url.startswith("file:")] == []
