"""Photograph the lessons for the README and every explorer: `make pictures`. Needs Chromium.

Name explorers to photograph only those: python tools/pictures.py race
"""

import io
import sys
import tempfile
from pathlib import Path

import rig
from PIL import Image

from lrlesson.scenes import Scene, explorers

PICTURE = rig.ROOT / "docs" / "lesson-02.png"
FILM = rig.ROOT / "docs" / "rate-dial.gif"
SCENES = rig.ROOT / "docs" / "scenes"  # <name>-light.png and <name>-dark.png
LESSON = "notebooks/02_too_low_too_high.ipynb"
SIZE = (1400, 1000)
RATE = 0.09  # of 0.1, where the path begins to run away: it zigzags, and arrives
END = 0.12  # the last rate of the film, beyond that edge


POSITIONS = {  # where each explorer shows what it is for
    "race": {"reveal": 1, "update": 130},
    "one_step": {"rate": 37},
    "rate_dial": {"rate": 82, "step": 24},
    "predict_regime": {"round": 3, "guess": 2},
    "live_net": {"rate": 23, "train": 6},
    "stability_edge": {"rate": 63},
    "conditioning": {"share": 10, "angle": 6},
    "noise_and_batch": {"update": 50},
    "schedule_composer": {"family": 6, "length": 31, "floor": 2},
    "drop_time": {"drop": 50},
    "two_wells": {"plan": 2, "step": 4},
    "warmup_map": {"all": 1, "warmup": 3, "peak": 5},
    "edge_of_stability": {"update": 110},
    "momentum_plane": {"rate": 24, "beta": 6},
    "effective_rates": {"step": 91},
    "optimizer_race": {"sgd": 6, "momentum": 4, "adagrad": 4, "adam": 3},
    "range_test_picker": {"pick": 11},
    "batch_growth": {"axis": 1, "epoch": 12},
}

KEPT = {  # what the hand has done before
    "edge_of_stability": [[0, 0], [1, 0], [3, 0], [2, 0]],
    "predict_regime": [[0, 1], [1, 2], [2, 2], [3, 2]],
    "live_net": [[rate, k] for k, rate in enumerate((8, 12, 18, 26, 20, 23), start=1)],
}


def posed(name: str) -> Scene:
    """The explorer at a telling position."""
    scene = getattr(explorers, name)()
    for control, position in POSITIONS.get(name, {}).items():
        setattr(scene, control, position)
    scene.kept = KEPT.get(name, [])
    return scene


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
    lab.page.get_by_role("slider", name="step").press("End")
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
    window.get_by_role("slider", name="step").press("End")
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


def portrait(browser: rig.Browser, page: Path, theme: str) -> bytes:
    """An explorer's page in one theme, small enough for a page of pictures."""
    window = browser.new_page(viewport={"width": 862, "height": 800}, color_scheme=theme)
    window.goto(page.as_uri())
    window.locator("svg[role=img]").wait_for()
    shot = Image.open(io.BytesIO(window.locator(".lrlesson-scene").screenshot()))
    window.close()
    target = io.BytesIO()
    few = shot.convert("RGB").quantize(96, method=Image.Quantize.FASTOCTREE)
    few.save(target, "PNG", optimize=True)
    return target.getvalue()


def main(names: list[str]) -> None:
    """Write the pictures of these explorers, or all of docs/."""
    if not rig.find_chromium():
        sys.exit("Chromium is missing; on Debian and Ubuntu: sudo apt install chromium")
    made: dict[Path, bytes] = {}
    with tempfile.TemporaryDirectory() as folder, rig.chromium() as browser:
        page = Path(folder, "scene.html")
        for name in names or explorers.__all__:
            posed(name).to_html(page)
            for theme in ("light", "dark"):
                made[SCENES / f"{name}-{theme}.png"] = portrait(browser, page, theme)
        if not names:
            course = rig.copy_course(Path(folder, "course"))
            with rig.lab_server(course, Path(folder, "private")) as server:
                made[PICTURE] = small(photograph(rig.Lab(browser, server, *SIZE)))
            made[FILM] = film(browser, page)
    for place, picture in made.items():
        place.write_bytes(picture)
        print(f"wrote {place.relative_to(rig.ROOT)}, {len(picture) / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
