"""Photograph the lessons for the README: `make pictures`. Needs Chromium."""

import io
import sys
import tempfile
from pathlib import Path

import rig
from PIL import Image

PICTURE = rig.ROOT / "docs" / "lesson-02.png"
LESSON = "notebooks/02_too_low_too_high.ipynb"
SIZE = (1400, 1000)
RATE = 0.09  # of 0.1, where the path begins to run away: it zigzags, and arrives


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


def main() -> None:
    """Write docs/lesson-02.png."""
    if not rig.find_chromium():
        sys.exit("Chromium is missing; on Debian and Ubuntu: sudo apt install chromium")
    with tempfile.TemporaryDirectory() as folder:
        course = rig.copy_course(Path(folder, "course"))
        with rig.lab_server(course, Path(folder, "private")) as server, rig.chromium() as browser:
            picture = small(photograph(rig.Lab(browser, server, *SIZE)))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(picture)
    print(f"wrote {PICTURE.relative_to(rig.ROOT)}, {len(picture) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
