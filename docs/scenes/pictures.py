"""Photograph every explorer in both themes, small enough for a page: python docs/scenes/pictures.py

Name explorers to photograph only those. Each is set to a position that shows what it is for.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import rig

from lrlesson.scenes import Scene, explorers

HERE = Path(__file__).parent

POSITIONS = {
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


def main() -> None:
    """Write <name>-light.png and <name>-dark.png."""
    with rig.chromium() as browser, tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or explorers.__all__:
            file = Path(folder) / f"{name}.html"
            posed(name).to_html(file)
            for theme in ("light", "dark"):
                page = browser.new_page(viewport={"width": 862, "height": 800}, color_scheme=theme)
                page.goto(file.as_uri())
                page.locator("svg[role=img]").wait_for()
                shot = Image.open(io.BytesIO(page.locator(".lrlesson-scene").screenshot()))
                page.close()
                few = shot.convert("RGB").quantize(96, method=Image.Quantize.FASTOCTREE)
                few.save(HERE / f"{name}-{theme}.png", optimize=True)


if __name__ == "__main__":
    main()
