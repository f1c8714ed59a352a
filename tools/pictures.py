"""Photograph the lessons for the README: `make pictures`. Needs Chromium."""

import io
import sys
import tempfile
from pathlib import Path

import rig
from PIL import Image

from lrlesson.scenes import explorers

PICTURE = rig.ROOT / "docs" / "lesson-02.png"
FILM = rig.ROOT / "docs" / "rate-dial.gif"
LESSON = "notebooks/02_too_low_too_high.ipynb"
SIZE = (1400, 1000)
RATE = 0.09  # of 0.1, where the path begins to run away: it zigzags, and arrives
END = 0.12  # the last rate of the film, beyond that edge


def small(png: bytes) -> bytes:
    """The same picture with 256 colours, a third of the size."""
    target = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(target, "PNG", optimize=True)
    return target.getvalue()


def photograph(lab: rig.Lab) -> bytes:
    """Lesson 02 with its dial turned to a rate that is nearly too high."""
    lab.open(LESSON)
    lab.page.keyboard.press("Control+b")  # the sidebar goes
    lab.run_all()
    lab.cell("dial-run")
    rate = lab.page.get_by_role("slider", name="learning rate")
    while float(rate.get_attribute("aria-valuetext") or "nan") < RATE:
        rate.press("ArrowRight")
    lab.cell("dial").evaluate("cell => cell.scrollIntoView()")
    lab.page.mouse.move(0, 0)
    lab.page.wait_for_timeout(1000)
    return lab.page.screenshot()


def film(browser: rig.Browser, page: Path) -> bytes:
    """The dial of lesson 02, turned up from a timid rate until the path runs away, as a GIF."""
    explorers.rate_dial().to_html(page)
    window = browser.new_page(viewport={"width": 860, "height": 700}, color_scheme="light")
    window.goto(page.as_uri())
    rate = window.get_by_role("slider", name="learning rate")
    rate.press("Home")
    frames, times, at = [], [], 0.0
    while at < END:
        at = float(rate.get_attribute("aria-valuetext") or "nan")
        shot = Image.open(io.BytesIO(window.locator(".lrlesson-scene").screenshot()))
        frames.append(shot.convert("RGB").quantize(64))
        times.append(1500 if RATE <= at < 1.05 * RATE else 150)  # milliseconds
        for _ in range(3 if at < RATE / 2 else 1):
            rate.press("ArrowRight")
    window.close()
    times[-1] = 2500
    target = io.BytesIO()
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return target.getvalue()


def main() -> None:
    """Write docs/lesson-02.png and docs/rate-dial.gif."""
    if not rig.find_chromium():
        sys.exit("Chromium is missing; on Debian and Ubuntu: sudo apt install chromium")
    with tempfile.TemporaryDirectory() as folder:
        course = rig.copy_course(Path(folder, "course"))
        with rig.lab_server(course, Path(folder, "private")) as server, rig.chromium() as browser:
            made = {
                PICTURE: small(photograph(rig.Lab(browser, server, *SIZE))),
                FILM: film(browser, Path(folder, "dial.html")),
            }
    for place, picture in made.items():
        place.write_bytes(picture)
        print(f"wrote {place.relative_to(rig.ROOT)}, {len(picture) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
