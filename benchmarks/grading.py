"""Grade the same answers with lrlesson, nbgrader and Otter, in turn, and write GRADING.md.

    python -m venv peers && peers/bin/pip install -r benchmarks/grading-requirements.txt
    python benchmarks/grading.py --peers peers/bin [--rounds 3] [--learners 4] [--curve]

A submission holds two exercises, gradient-descent and step-decay, answered rightly. All three run
the same answers and the same checks' code. lrlesson gets two notebooks, hence two kernels, each in
the sandbox; nbgrader and Otter get both exercises in one notebook and one kernel, without a
sandbox, which is in their favour. In each round every contender grades once, start-up included, so
a noisy moment hits all; medians of the rounds are compared. Processor time counts every process a
contender starts. `--curve` also times ours for 10 to 300 submissions and draws grading.svg.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NAMES = ("01_what_the_rate_is.ipynb", "04_decay.ipynb")
EXERCISES = ("gradient-descent", "step-decay")
ANSWERS = {
    "step-decay": (
        "def step_decay(t, lr0, drop, every):\n"
        "    return lr0 * drop ** np.floor(np.asarray(t) / every)\n"
    ),
    "gradient-descent": (
        "def gradient_descent(grad, w0, lr, steps):\n"
        "    points = [np.array(w0, dtype=float)]\n"
        "    for _ in range(steps):\n"
        "        points.append(points[-1] - lr * np.asarray(grad(points[-1])))\n"
        "    return np.stack(points)\n"
    ),
}
COURSE = """\
[[exercise]]
id = "gradient-descent"
notebook = "01_what_the_rate_is.ipynb"
points = 4
[[exercise]]
id = "step-decay"
notebook = "04_decay.ipynb"
points = 6
"""


def kept(name: str) -> list[dict[str, Any]]:
    """The solution notebook's cells that belong to the two exercises, or to all."""
    cells = json.loads((ROOT / "solutions" / name).read_text(encoding="utf-8"))["cells"]
    return [c for c in cells if data(c).get("exercise") in (None, *EXERCISES)]


def data(cell: dict[str, Any]) -> dict[str, Any]:
    """metadata.lrlesson"""
    return cell["metadata"].get("lrlesson", {})


def code(source: str, **metadata: Any) -> dict[str, Any]:
    """A code cell."""
    cell = {"cell_type": "code", "source": source, "metadata": metadata, "outputs": []}
    return {**cell, "execution_count": None}


def notebook(cells: list[dict[str, Any]]) -> str:
    """nbformat 4.4, which all three read."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"kernelspec": kernel}}
    return json.dumps({**whole, "cells": cells})


def hidden() -> dict[str, list[str]]:
    """The checks' code by exercise; the first of each is the set-up."""
    found: dict[str, list[str]] = {name: [] for name in EXERCISES}
    for name in NAMES:
        for cell in kept(name):
            if data(cell).get("role") == "hidden":
                found[data(cell)["exercise"]].append("".join(cell["source"]))
    return found


class Ours:
    """lrlesson grade."""

    def __init__(self, folder: Path, workers: int, learners: int, *options: str) -> None:
        self.folder, self.workers, self.learners, self.options = folder, workers, learners, options
        (folder / "solutions").mkdir(parents=True)
        (folder / "course.toml").write_text(COURSE)
        for name in NAMES:
            text = (ROOT / "solutions" / name).read_text(encoding="utf-8")
            whole = {**json.loads(text), "cells": kept(name)}
            (folder / "solutions" / name).write_text(json.dumps(whole))
        self.hand_in(learners)
        self.run = 0

    def hand_in(self, learners: int) -> None:
        """Make submissions, each with two notebooks."""
        for name, exercise in zip(NAMES, EXERCISES, strict=True):
            cells = [c for c in kept(name) if data(c).get("role") != "hidden"]
            for cell in cells:
                if data(cell).get("role") == "answer":
                    cell["source"] = ANSWERS[exercise]
            for i in range(learners):
                own = self.folder / "in" / f"learner{i:03d}"
                own.mkdir(parents=True, exist_ok=True)
                (own / name).write_text(notebook(cells))

    def grade(self) -> None:
        """Once, all of them, into a new folder of results."""
        self.run += 1
        out = self.folder / f"out{self.run}"
        call(
            [
                *(sys.executable, "-m", "lrlesson.cli", "grade", "in", "--solutions", "solutions"),
                *("--out", str(out), "-j", str(self.workers), "--seed", "1", *self.options),
            ],
            self.folder,
        )
        rows = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
        assert sum(row["points"] for row in rows) == 10 * self.learners, rows
        assert len(rows) == 2 * self.learners


class Nbgrader:
    """nbgrader autograde."""

    def __init__(self, folder: Path, peers: Path, learners: int) -> None:
        self.folder, self.peers, self.learners = folder, peers, learners
        assigned = folder / "source" / "one"
        assigned.mkdir(parents=True)
        (folder / "nbgrader_config.py").write_text("c = get_config()\n")
        released, filled = [code("import numpy as np")], [code("import numpy as np")]
        for exercise, sources in hidden().items():
            plain = {"schema_version": 3, "task": False}
            mark = {"grade_id": exercise, "grade": False, "locked": False, "solution": True}
            stub = "### BEGIN SOLUTION\n" + ANSWERS[exercise] + "### END SOLUTION\n"
            released.append(code(stub, nbgrader={**mark, **plain}))
            filled.append(code(ANSWERS[exercise], nbgrader={**mark, **plain}))
            for i, source in enumerate(sources):
                test = {"grade_id": f"{exercise}-{i}", "grade": True, "points": 1}
                test |= {"locked": True, "solution": False, **plain}
                both = code(source + "\nassert True\n", nbgrader=test)
                released.append(both)
                filled.append(both)
        (assigned / "one.ipynb").write_text(notebook(released))
        call([peers / "nbgrader", "generate_assignment", "one", "--create"], folder)
        for i in range(learners):
            own = folder / "submitted" / f"learner{i:03d}" / "one"
            own.mkdir(parents=True)
            (own / "one.ipynb").write_text(notebook(filled))

    def grade(self) -> None:
        """Once, all of them, again."""
        call([self.peers / "nbgrader", "autograde", "one", "--force"], self.folder)
        graded = list((self.folder / "autograded").glob("*/one/one.ipynb"))
        assert len(graded) == self.learners


class Otter:
    """otter run, which grades one submission on this machine without a container."""

    def __init__(self, folder: Path, peers: Path, learners: int) -> None:
        self.folder, self.peers, self.learners = folder, peers, learners
        tests = folder / "tests"
        tests.mkdir(parents=True)
        cells = [code("import numpy as np\nimport otter\ngrader = otter.Notebook()")]
        for i, (exercise, sources) in enumerate(hidden().items(), 1):
            cells.append(code(ANSWERS[exercise]))
            cells.append(code(f"grader.check('q{i}')"))
            text = "\n".join(sources)
            lines = [
                ">>> import io, contextlib",
                ">>> with contextlib.redirect_stdout(io.StringIO()):",
                f"...     exec({text!r})",
                ">>> 1 + 1",
                "2",
            ]
            suite = {"cases": [{"code": "\n".join(lines), "hidden": False}], "scored": True}
            suite |= {"setup": "", "teardown": "", "type": "doctest"}
            test = {"name": f"q{i}", "points": 5, "suites": [suite]}
            (tests / f"q{i}.py").write_text(f"OK_FORMAT = True\ntest = {test!r}\n")
        made = ("-o", "autograder.zip", "--no-environment")
        call([peers / "otter", "generate", "-t", "tests", *made], folder)
        (folder / "out").mkdir()
        self.archive = next(folder.glob("*.zip"))
        (folder / "one.ipynb").write_text(notebook(cells))

    def grade(self) -> None:
        """One submission after another, as there is no other way without containers."""
        for _ in range(self.learners):
            call(
                [self.peers / "otter", "run", "-a", self.archive.name, "one.ipynb", "-o", "out"],
                self.folder,
            )
            results = json.loads((self.folder / "out" / "results.json").read_text())
            assert sum(test["score"] for test in results["tests"] if "score" in test) == 10, results


def call(command: list[Any], folder: Path) -> None:
    """Run to the end, quietly; what it said if it failed."""
    path = os.environ["PATH"]
    if Path(command[0]).is_absolute():
        path = f"{Path(command[0]).parent}{os.pathsep}{path}"
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")


def timed(contender: Any) -> tuple[float, float]:
    """Seconds on the clock and of the processors, per submission."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    contender.grade()
    clock = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return clock / contender.learners, used / contender.learners


def curve(folder: Path, counts: list[int]) -> list[tuple[int, float]]:
    """Seconds for whole runs of ours, by number of submissions; two workers."""
    found = []
    for count in counts:
        ours = Ours(folder / f"curve{count}", 2, count)
        started = time.perf_counter()
        ours.grade()
        found.append((count, time.perf_counter() - started))
        print(*found[-1], flush=True)
    return found


def draw(points: list[tuple[int, float]], path: Path) -> None:
    """Time against submissions, with the line through the first and the last."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "lrlesson"})
    import matplotlib.pyplot as plt

    counts, seconds = zip(*points, strict=True)
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    axes.plot(counts, seconds, "o", color="#0072b2", label="measured")
    axes.plot(
        [counts[0], counts[-1]],
        [seconds[0], seconds[-1]],
        "--",
        color="#5b6472",
        label="straight line",
    )
    axes.set(xlabel="submissions of two exercises", ylabel="seconds in all", ylim=(0, None))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--learners", type=int, default=4)
    parser.add_argument("--ours", type=int, default=20, help="submissions for ours")
    parser.add_argument("--curve", action="store_true")
    chosen = parser.parse_args()
    peers = chosen.peers.absolute()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contenders = {
            "lrlesson, 2 workers": Ours(folder / "ours2", 2, chosen.ours),
            "lrlesson, 1 worker": Ours(folder / "ours1", 1, chosen.ours),
            "lrlesson, 2 workers, --no-warm": Ours(
                folder / "cold", 2, chosen.learners, "--no-warm"
            ),
            "nbgrader autograde": Nbgrader(folder / "nbgrader", peers, chosen.learners),
            "otter run": Otter(folder / "otter", peers, 1),
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for _ in range(chosen.rounds):
            for name, contender in contenders.items():
                found[name].append(timed(contender))
                print(name, found[name][-1], flush=True)
        write(found, [], peers, chosen)
        if chosen.curve:
            write(found, curve(folder, [10, 30, 100, 200, 300]), peers, chosen)


def write(found: dict[str, Any], points: list[Any], peers: Path, chosen: Any) -> None:
    """GRADING.md, and grading.svg where the curve was measured."""
    here = Path(__file__).parent
    medians = {
        name: [statistics.median(values) for values in zip(*runs, strict=True)]
        for name, runs in found.items()
    }
    best = medians["lrlesson, 2 workers"]
    alone = medians["lrlesson, 1 worker"]
    lines = [
        "# Grading, side by side",
        "",
        f"Seconds per submission of two exercises, medians of {chosen.rounds} rounds in which",
        "every contender ran once in turn, start-up included. `benchmarks/grading.py` says exactly",
        "what is compared. Ratios are to lrlesson, two workers (clock) or one (processor time).",
        "",
        "| | submissions | clock | ratio | processor time | ratio |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, (clock, used) in medians.items():
        count = {"nbgrader autograde": chosen.learners, "otter run": 1}.get(name, chosen.ours)
        count = chosen.learners if "--no-warm" in name else count
        lines.append(
            f"| {name} | {count} | {clock:.2f} | {clock / best[0]:.1f} | {used:.2f} "
            f"| {used / alone[1]:.1f} |"
        )
    each = best[0] / 2
    load = os.getloadavg()[1]
    lines += ["", f"Per exercise, lrlesson with two workers: {each:.2f} s.", ""]
    if points:
        (n0, t0), (n1, t1) = points[0], points[-1]
        rate = (t1 - t0) / (n1 - n0)
        lines += [
            "![Time against number of submissions](grading.svg)",
            "",
            "| submissions | seconds | per exercise |",
            "|---:|---:|---:|",
            *(f"| {n} | {t:.0f} | {t / n / 2:.2f} |" for n, t in points),
            "",
            f"Between {n0} and {n1} submissions: {rate / 2:.2f} s per exercise.",
            "",
        ]
        draw(points, here / "grading.svg")
    names = "; ".join(
        f"{package} {peer_version(peers, package)}" for package in ("nbgrader", "otter-grader")
    )
    lines.append(
        f"Python {platform.python_version()}, nbval {version('nbval')}, "
        f"ipykernel {version('ipykernel')}; {names}; {os.cpu_count()} processors, load of the "
        f"machine at the end {load:.1f}."
    )
    (here / "GRADING.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def peer_version(peers: Path, package: str) -> str:
    """What is installed there."""
    code_ = f"from importlib.metadata import version; print(version({package!r}))"
    with contextlib.suppress(subprocess.CalledProcessError):
        return subprocess.check_output([peers / "python", "-c", code_], text=True).strip()
    return "?"


if __name__ == "__main__":
    main()
