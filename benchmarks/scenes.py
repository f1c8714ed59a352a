"""How fast scenes answer in the real JupyterLab, beside `interact` with a re-plot.

    python benchmarks/scenes.py          # writes benchmarks/SCENES.md
    python benchmarks/scenes.py race …   # prints only the frames of these explorers

Chromium without a window, on whatever machine this is: read the ratios, not the milliseconds.
Every time runs from the browser's own time stamp of the key or click to a message posted after
the animation frame in which the change was found, so that it includes the drawing of the frame.
Keys come at random moments, as a hand's do: at a fixed pace they would fall on the same phase of
the frames. For the scene, Chromium's own trace also says when the pixels were presented.
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
from playwright.sync_api import Browser, Page

from lrlesson.scenes import Scene, explorers

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
  window.keyTo = (done) => new Promise((resolve, reject) => {
    document.addEventListener('keydown', (key) => {
      const before = done(), since = key.timeStamp;
      let drawn = NaN; // until the listeners of the input event have changed the drawing
      const handled = () => { drawn = performance.now() - since; };
      window.addEventListener('input', handled, { once: true });
      const look = () => {
        if (performance.now() - since > 20000) return reject(new Error("the key changed nothing"));
        if (done() === before || !done()) return requestAnimationFrame(look);
        const frame = performance.now() - since;
        painted((end) => resolve([drawn, frame, end - since]));
      };
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


def keys(lab: rig.Lab, slider: Any, state: str, n: int) -> np.ndarray:
    """Milliseconds from each of n arrow keys until the input is handled, until the animation frame
    that finds the new state, and until that frame is painted; shape (n, 3)."""
    times = []
    wait = np.random.default_rng(0).uniform(30, 80, n)
    slider.focus()
    for k in range(n):
        lab.page.evaluate(f"() => {{ window.answer = keyTo(() => {state}); }}")
        lab.page.wait_for_timeout(wait[k])
        lab.page.keyboard.press("ArrowRight" if k % 20 < 10 else "ArrowLeft")
        times.append(lab.page.evaluate("() => window.answer"))
    return np.array(times, float)


def rate_slider(lab: rig.Lab) -> Any:
    """The slider of the rate dial, all its steps drawn."""
    scene = lab.cell("dial").locator(".lrlesson-scene")
    scene.get_by_role("slider", name="step").press("End")
    return scene.get_by_role("slider", name="rate").first


def key_stages(lab: rig.Lab, n: int = 60) -> np.ndarray:
    """The rate slider of a scene: key to drawing changed, to animation frame, to painted frame."""
    state = "document.querySelector('[data-actor=path] path').getAttribute('d')"
    return keys(lab, rate_slider(lab), state, n)


def key_times(lab: rig.Lab, n: int = 60) -> np.ndarray:
    """Key to painted frame of the rate slider of a scene."""
    return key_stages(lab, n)[:, -1]


def presented(browser: Browser, lab: rig.Lab, n: int = 60) -> np.ndarray:
    """Key to presented pixels, by Chromium's own trace, which counts from the key's arrival in
    the browser to the moment when the display has the frame."""
    slider, wait = rate_slider(lab), np.random.default_rng(1).uniform(30, 80, n)
    slider.focus()
    browser.start_tracing(page=lab.page, categories=["cc", "benchmark", "input"])
    for k in range(n):
        lab.page.wait_for_timeout(wait[k])
        lab.page.keyboard.press("ArrowRight" if k % 20 < 10 else "ArrowLeft")
    events = json.loads(browser.stop_tracing())["traceEvents"]
    begun: dict[Any, float] = {}
    shown: set[Any] = set()
    times = []
    for event in sorted(events, key=lambda event: event.get("ts", 0)):
        name, known = event["name"], (event.get("pid"), str(event.get("id2", event.get("id"))))
        about = event.get("args", {}).get("event_latency", {})
        if name == "EventLatency" and about.get("event_type") == "KEY_PRESSED":
            begun[known] = event["ts"]
            shown.discard(known)
        elif "ToPresentation" in name:
            shown.add(known)
        elif name == "EventLatency" and event["ph"] == "e" and known in begun:
            took = (event["ts"] - begun.pop(known)) / 1000
            if known in shown:
                times.append(took)
    return np.array(times)


PARTS = {
    "script": ["FunctionCall"],
    "layout": ["UpdateLayoutTree", "Layout"],
    "paint": ["PrePaint", "Paint", "PaintArtifactCompositor::Update"],
}


def work(browser: Browser, page: Page, slider: Any, n: int = 60) -> dict[str, float]:
    """Processor time of the page per key, in milliseconds: what is left when nothing waits for
    the machine. By Chromium's trace of the thread that lays out and paints."""
    slider.focus()
    browser.start_tracing(page=page, categories=["devtools.timeline", "blink", "cc"])
    for k in range(n):
        page.wait_for_timeout(45)
        page.keyboard.press("ArrowRight" if k % 20 < 10 else "ArrowLeft")
    events = json.loads(browser.stop_tracing())["traceEvents"]
    frames = [e for e in events if e["name"] == "ProxyMain::BeginMainFrame"]
    threads = [(e["pid"], e["tid"]) for e in frames]
    page = max(set(threads), key=threads.count)
    mine = [e for e in events if (e["pid"], e["tid"]) == page and "tdur" in e]
    return {
        part: sum(e["tdur"] for e in mine if e["name"] in names) / 1000 / n
        for part, names in PARTS.items()
    }


def replot_times(lab: rig.Lab, n: int = 8) -> np.ndarray:
    """Key to frame of `interact`: the picture in the output is another one."""
    cell = lab.cell("replot")
    cell.locator("img").first.wait_for()
    state = (
        "[...document.querySelectorAll('.jp-Cell .widget-interact img')]"
        ".filter(i => i.complete && i.naturalWidth).map(i => i.src).join()"
    )
    return keys(lab, cell.locator("[role=slider]").first, state, n)[:, -1]


def dragged(lab: rig.Lab) -> dict[str, Any]:
    """Drag the rate: changes of the slider, changes drawn, empty frames, places of the figure."""
    slider = rate_slider(lab)
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


def pulled(lab: rig.Lab, seconds: float = 4.0) -> dict[str, float]:
    """Drag a start in the plane: places of the handle and moves sent per second, and how many
    pixels the handle is behind the hand."""
    cell = lab.cell("bowl")
    grip = cell.locator("[data-handle=start]")
    grip.wait_for()
    lab.page.evaluate(
        """() => {
          const grip = document.querySelector('[data-handle=start]');
          window.pull = { places: new Set() };
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
    places, *handle = lab.page.evaluate(
        """() => {
          const box = document.querySelector('[data-handle=start]').getBoundingClientRect();
          return [pull.places.size, (box.left + box.right) / 2, (box.top + box.bottom) / 2];
        }"""
    )
    lab.page.mouse.up()
    return {
        "behind": float(np.hypot(*np.subtract(hand, handle))),
        "places": places / took,
        "moves": k / took,
    }


def rerun_times(lab: rig.Lab, n: int = 6) -> np.ndarray:
    """Ctrl+Enter on a cell that has run before, to the first frame of its new scene."""
    times = []
    editor = lab.cell("dial").locator(".cm-content")
    state = (
        "document.querySelector('.lrlesson-scene [data-actor=\"whole curve\"] path')"
        "?.closest('section')?.dataset.seen === undefined && "
        "document.querySelector('.lrlesson-scene [data-actor=\"whole curve\"] path')"
        "?.getAttribute('d')"
    )
    for _ in range(n):
        editor.click()
        lab.page.evaluate(
            """() => document.querySelectorAll('.lrlesson-scene')
                     .forEach(n => { n.dataset.seen = '1'; })"""
        )
        lab.page.evaluate(f"() => {{ window.answer = keyTo(() => {state}); }}")
        lab.page.keyboard.press("Control+Enter")
        times.append(lab.page.evaluate("() => window.answer")[-1])
        lab.wait_idle()
        lab.page.wait_for_timeout(300)
    return np.array(times)


def frames(browser: Browser, scene: Scene, file: Path, n: int = 24) -> dict[str, Any]:
    """Key to painted frame of a scene on a page of its own, and the processor time of the page per
    key, by slider: each that needs no answer of Python, to its second position and back."""
    scene.to_html(file)
    page = browser.new_page(viewport={"width": 900, "height": 800})
    page.goto(file.as_uri())
    page.locator("svg[role=img]").wait_for()
    page.evaluate(WATCH)
    page.evaluate(
        """() => {
          window.changes = 1;
          new MutationObserver(() => { window.changes++; }).observe(
            document.querySelector('.lr-actors'),
            { attributes: true, childList: true, characterData: true, subtree: true });
        }"""
    )
    wait, found = np.random.default_rng(0), {}
    for control in scene.spec["controls"]:
        if control["kind"] not in ("slider", "steps") or control["ask"]:
            continue
        slider = page.get_by_role("slider", name=control["label"].replace("_", "")).first
        slider.focus()
        page.keyboard.press("Home")
        times = []
        for k in range(n):
            page.evaluate("() => { window.answer = keyTo(() => window.changes); }")
            page.wait_for_timeout(wait.uniform(30, 80))
            page.keyboard.press("ArrowLeft" if k % 2 else "ArrowRight")
            times.append(page.evaluate("() => window.answer")[-1])
        found[control["name"]] = np.array(times), sum(work(browser, page, slider, n).values())
    page.close()
    return found


def frames_of(names: list[str]) -> str:
    """The slowest slider of each of these explorers, what it weighs, and how long it was made."""
    head = ["scene", "slowest slider, p50 / p95, ms", "page per key, ms of processor",
            "payload, kB", "made in, s of processor"]  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    with tempfile.TemporaryDirectory() as folder, rig.chromium() as browser:
        for name in names:
            begin = time.process_time()
            scene = getattr(explorers, name)()
            took = time.process_time() - begin
            found = frames(browser, scene, Path(folder) / "scene.html").values()
            times, busy = max(found, key=lambda one: np.median(one[0]), default=((), 0.0))
            pair = " / ".join(f"{v:.1f}" for v in np.percentile(times, [50, 95])) if busy else "–"
            lines.append(f"| {name} | {pair} | {busy:.1f} | {scene.payload / 1000:.0f} | "
                         f"{took:.1f} |")  # fmt: skip
            print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def measure(browser: Browser, lab: rig.Lab) -> dict[str, Any]:
    """All of it, in one run."""
    stages = key_stages(lab)
    found: dict[str, Any] = {"stages": stages, "key": stages[:, -1], "replot": replot_times(lab)}
    found["presented"], found["work"] = (
        presented(browser, lab),
        work(browser, lab.page, rate_slider(lab)),
    )
    found |= {"drag": dragged(lab), "pull": pulled(lab), "rerun": rerun_times(lab)}
    return found


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""

    def both(times: np.ndarray) -> str:
        if not len(times):
            return "not told by this Chromium"
        return f"{np.percentile(times, 50):.1f} / {np.percentile(times, 95):.1f} ms"

    ratio = np.median(found["replot"]) / np.median(found["key"])
    drag, pull = found["drag"], found["pull"]
    rows = [
        ("key to painted frame, rate slider, p50 / p95", both(found["key"])),
        ("… of it: until the scene has changed its drawing", both(found["stages"][:, 0])),
        ("… then: until the browser begins a frame", both(np.diff(found["stages"])[:, 0])),
        ("… then: style, layout and paint of the page", both(np.diff(found["stages"])[:, 1])),
        ("key to presented pixels, by Chromium's trace", both(found["presented"])),
        (
            "processor time of the page per key: script / layout / paint",
            f"{' / '.join(f'{time:.1f}' for time in found['work'].values())} ms",
        ),
        ("the same figure with `interact` and a re-plot", both(found["replot"])),
        ("ratio of the two medians", f"{ratio:.0f}"),
        ("changes of the slider / drawn, while dragging", f"{drag['inputs']} / {drag['drawn']}"),
        ("empty frames of those watched", f"{drag['empty']} of {drag['frames']}"),
        ("places of the figure on the page", f"{drag['tops']}"),
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
        "",
        "A scene draws within the input event: it waits for no animation frame and no message.",
        "What comes after belongs to the browser: it begins a frame, lays out and paints the page,",
        "and, here without a graphics processor, rasterises it, which only the trace counts.",
        "Without a window a frame begins at once; a screen of 60 Hz adds 0 to 16.7 ms.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write the table."""
    if sys.argv[1:]:
        frames_of(sys.argv[1:])
        return
    with tempfile.TemporaryDirectory() as folder:
        course = rig.copy_course(Path(folder) / "course")
        notebook(course / "scenes.ipynb")
        with rig.lab_server(course, Path(folder) / "private") as server, rig.chromium() as browser:
            lab = rig.Lab(browser, server)
            prepare(lab)
            found = measure(browser, lab)
            lab.close()
    shown = table(found)
    shown += "\nEach explorer on a page of its own:\n\n" + frames_of(explorers.__all__)
    (Path(__file__).parent / "SCENES.md").write_text(shown, encoding="utf-8")
    print(shown)
    print(json.dumps({k: v for k, v in found.items() if isinstance(v, dict)}))


if __name__ == "__main__":
    main()
