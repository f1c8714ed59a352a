"""Scenes answer to keys and mouse in Firefox ESR and WebKitGTK: `make test-browsers`.

Not in `make test-slow`: CI does not have these browsers.
"""

from pathlib import Path

import other_browsers
import pytest
from other_browsers import BROWSERS, SCENE

from lrlesson.scenes import explorers

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
def test_a_scene_on_a_page_answers_keys_and_mouse(browser, tmp_path: Path):
    if lacks := other_browsers.missing(browser):
        pytest.skip(f"{browser.name} is missing; on Debian and Ubuntu: sudo apt install {lacks}")
    for name in ("rate_dial", "schedule_composer"):
        getattr(explorers, name)().to_html(tmp_path / f"{name}.html")
    window = browser(tmp_path)
    try:
        window.go((tmp_path / "rate_dial.html").as_uri())
        other_browsers.dial_by_keys(window, SCENE)
        other_browsers.dial_by_mouse(window, SCENE)
        window.go((tmp_path / "schedule_composer.html").as_uri())
        other_browsers.composer_family(window, SCENE)
    finally:
        window.close()
