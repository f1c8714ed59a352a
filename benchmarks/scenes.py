"""How fast scenes answer in the real JupyterLab, beside `interact` with a re-plot.

    python benchmarks/scenes.py          # writes benchmarks/SCENES.md

Chromium without a window, on whatever machine this is: read the ratios, not the milliseconds.
Every time runs from the browser's own time stamp of the key or click to a message posted after
the animation frame in which the change was found, so that it includes the drawing of the frame.
"""

import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import rig

CELLS = {
    "dial": "from lrlesson import rate_dial\nrate_dial()",
    "replot": """import matplotlib.pyplot as plt, numpy as np
from ipywidgets import interact, IntSlider
from lrlesson import Quadratic, SGD, Constant, descend
bowl, rates = Quadratic([1, 20]), 0.1 * 10 ** (np.arange(-85, 16) / 50)
needed = descend(bowl, [-4, 2], SGD(), Constant(rates), 2000).steps_to(0.042)

def plot(rate=60):
    run = descend(bowl, [-4, 2], SGD(), Constant(rates[rate]), 100)
    fig, axes = plt.subplot_mosaic([["a", "b"], ["a", "c"]], figsize=(10.5, 5.5))
    x, y = np.meshgrid(np.linspace(-5, 2, 121), np.linspace(-3.5, 3.5, 121))
    axes["a"].contourf(x, y, bowl(np.stack([x, y], axis=-1)), 8)
    axes["a"].plot(*run.weights[0].T, "o-", color="C1")
    axes["a"].set(xlim=(-5, 2), ylim=(-3.5, 3.5))
    axes["b"].semilogy(run.losses[0])
    axes["c"].loglog(rates, needed)
    axes["c"].axvline(rates[rate])
    plt.show()

interact(plot, rate=IntSlider(60, 0, 100));""",
    "bowl": "from lrlesson import conditioning\nconditioning()",
}

WATCH = """() => {
  const painted = (then) => { // called in an animation frame: the message comes after its drawing
    const channel = new MessageChannel();
    channel.port1.onmessage = () => then(performance.now());
    channel.port2.postMessage(0);
  };
  window.keyTo = (root, done, event = 'keydown') => new Promise((resolve) => {
    document.addEventListener(event, (key) => {
      const before = done();
      const look = () => (done() !== before && done()
        ? painted((end) => resolve(end - key.timeStamp)) : requestAnimationFrame(look));
      requestAnimationFrame(look);
    }, { once: true, capture: true });
  });
}"""


def notebook(path: Path) -> None:
    """Write the notebook that is measured."""
    cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in CELLS.items()]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def prepare(lab: rig.Lab, path: str = "scenes.ipynb") -> None:
    """Open the notebook, run all of it, and install the stop watch."""
    lab.open(path)
    lab.run_all()
    lab.page.evaluate(WATCH)


def keys(lab: rig.Lab, cell: str, slider: Any, state: str, n: int) -> np.ndarray:
    """Milliseconds from each of n arrow keys to the frame that shows the new state."""
    times = []
    slider.focus()
    for k in range(n):
        lab.page.evaluate(f"() => {{ window.answer = keyTo(null, () => {state}); }}")
        lab.page.keyboard.press("ArrowRight" if k % 20 < 10 else "ArrowLeft")
        times.append(lab.page.evaluate("() => window.answer"))
        lab.page.wait_for_timeout(30)
    return np.array(times)


def key_times(lab: rig.Lab, n: int = 60) -> np.ndarray:
    """Key to frame of the rate slider of a scene."""
    scene = lab.cell("dial").locator(".lrlesson-scene")
    state = "document.querySelector('[data-actor=path] path').getAttribute('d')"
    return keys(lab, "dial", scene.get_by_role("slider", name="rate").first, state, n)


def replot_times(lab: rig.Lab, n: int = 8) -> np.ndarray:
    """Key to frame of `interact`: the picture in the output is another one."""
    cell = lab.cell("replot")
    cell.locator("img").first.wait_for()
    state = (
        "[...document.querySelectorAll('.jp-Cell .widget-interact img')]"
        ".filter(i => i.complete && i.naturalWidth).map(i => i.src).join()"
    )
    return keys(lab, "replot", cell.locator("[role=slider]").first, state, n)


def dragged(lab: rig.Lab) -> dict[str, Any]:
    """Drag the rate: changes of the slider, changes drawn, empty frames, places of the figure."""
    cell = lab.cell("dial")
    slider = cell.get_by_role("slider", name="rate").first
    lab.page.evaluate(
        """() => {
          const scene = document.querySelector('[data-actor=path]').closest('section');
          const line = scene.querySelector('[data-actor=path] path');
          const input = scene.querySelector('input[type=range]');
          window.seen = { inputs: 0, drawn: 0, empty: 0, tops: new Set(), frames: 0, on: true };
          input.addEventListener('input', () => seen.inputs++);
          new MutationObserver((all) => { seen.drawn += all.length; })
            .observe(line, { attributes: true, attributeFilter: ['d'] });
          const frame = () => {
            seen.frames++;
            const drawing = scene.querySelector('svg[role=img]');
            if (!drawing || !scene.querySelector('[data-actor=path] path').getAttribute('d'))
              seen.empty++;
            seen.tops.add(Math.round(drawing.getBoundingClientRect().top));
            if (seen.on) requestAnimationFrame(frame);
          };
          requestAnimationFrame(frame);
        }"""
    )
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    lab.page.mouse.move(box["x"] + 10, middle)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=90)
    lab.page.mouse.up()
    return lab.page.evaluate(
        "() => { seen.on = false; return { ...seen, tops: [...seen.tops].length }; }"
    )


def sweeps(lab: rig.Lab, seconds: float = 4.0) -> dict[str, float]:
    """Drag a start in the plane: sweeps answered, and frames of the handle, per second."""
    cell = lab.cell("bowl")
    grip = cell.locator("[data-handle=start]")
    grip.wait_for()
    lab.page.evaluate(
        """() => {
          const grip = document.querySelector('[data-handle=start]');
          const layer = grip.closest('.lr-actors');
          window.pull = { answers: 0, places: new Set() };
          new MutationObserver((all) => {
            if (all.some((one) => one.target === layer)) pull.answers++;
          }).observe(layer, { childList: true });
          const root = grip.closest('svg');
          root.addEventListener('pointermove', () => pull.places.add(
            root.querySelector('[data-handle=start]').getAttribute('transform')));
        }"""
    )
    box = grip.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    begin, k = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        k += 1
        hand = x + 60 + 60 * np.sin(k / 15), y + 60 * np.cos(k / 15)
        lab.page.mouse.move(*hand)
    took = time.perf_counter() - begin
    answers, places, *handle = lab.page.evaluate(
        """() => {
          const box = document.querySelector('[data-handle=start]').getBoundingClientRect();
          return [pull.answers, pull.places.size, (box.left + box.right) / 2,
                  (box.top + box.bottom) / 2];
        }"""
    )
    lab.page.mouse.up()
    return {
        "answers": answers,
        "behind": float(np.hypot(*np.subtract(hand, handle))),
        "sweeps": answers / took,
        "places": places / took,
        "moves": k / took,
    }


def rerun_times(lab: rig.Lab, n: int = 6) -> np.ndarray:
    """Ctrl+Enter on a cell that has run before, to the first frame of its new scene."""
    times = []
    editor = lab.cell("dial").locator(".cm-content")
    state = (
        "document.querySelector('.lrlesson-scene [data-actor=path] path')"
        "?.closest('section')?.dataset.seen === undefined && "
        "document.querySelector('.lrlesson-scene [data-actor=path] path')?.getAttribute('d')"
    )
    for _ in range(n):
        editor.click()
        lab.page.evaluate(
            """() => document.querySelectorAll('.lrlesson-scene')
                     .forEach(n => { n.dataset.seen = '1'; })"""
        )
        lab.page.evaluate(f"() => {{ window.answer = keyTo(null, () => {state}); }}")
        lab.page.keyboard.press("Control+Enter")
        times.append(lab.page.evaluate("() => window.answer"))
        lab.wait_idle()
        lab.page.wait_for_timeout(300)
    return np.array(times)


def measure(lab: rig.Lab) -> dict[str, Any]:
    """All of it, in one run."""
    found: dict[str, Any] = {"key": key_times(lab), "replot": replot_times(lab)}
    found |= {"drag": dragged(lab), "sweeps": sweeps(lab), "rerun": rerun_times(lab)}
    return found


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""

    def both(times: np.ndarray) -> str:
        return f"{np.percentile(times, 50):.1f} / {np.percentile(times, 95):.1f} ms"

    ratio = np.median(found["replot"]) / np.median(found["key"])
    drag, pull = found["drag"], found["sweeps"]
    rows = [
        ("key to painted frame, rate slider, p50 / p95", both(found["key"])),
        ("the same figure with `interact` and a re-plot", both(found["replot"])),
        ("ratio of the two medians", f"{ratio:.0f}"),
        ("changes of the slider / drawn, while dragging", f"{drag['inputs']} / {drag['drawn']}"),
        ("empty frames of those watched", f"{drag['empty']} of {drag['frames']}"),
        ("places of the figure on the page", f"{drag['tops']}"),
        ("drag in the plane: sweeps answered by Python", f"{pull['sweeps']:.1f} per second"),
        ("drag in the plane: handle drawn at, of moves sent",
         f"{pull['places']:.0f} of {pull['moves']:.0f} per second"),
        ("cell re-run to first frame, p50 / p95", both(found["rerun"])),
    ]  # fmt: skip
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    lines = [
        "# Scenes: measured",
        "",
        "By `python benchmarks/scenes.py`, in headless Chromium and the course's JupyterLab.",
        f"{os.cpu_count()} cores{load}, Python {platform.python_version()}.",
        "A machine that others use too: the ratios say more than the milliseconds.",
        "",
        "| what | found |",
        "|---|---|",
        *(f"| {what} | {figure} |" for what, figure in rows),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write the table."""
    with tempfile.TemporaryDirectory() as folder:
        course = rig.copy_course(Path(folder) / "course")
        notebook(course / "scenes.ipynb")
        with rig.lab_server(course, Path(folder) / "private") as server, rig.chromium() as browser:
            lab = rig.Lab(browser, server)
            prepare(lab)
            found = measure(lab)
            lab.close()
    shown = table(found)
    (Path(__file__).parent / "SCENES.md").write_text(shown, encoding="utf-8")
    print(shown)
    print(json.dumps({k: v for k, v in found.items() if isinstance(v, dict)}))


if __name__ == "__main__":
    main()
