"""Grade the same answers with lrlesson, nbgrader and Otter, in turn, and write GRADING.md.

    python -m venv peers && peers/bin/pip install -r benchmarks/grading-requirements.txt
    python benchmarks/grading.py --peers peers/bin

That takes about eight minutes on two quiet processors. A submission holds two exercises,
gradient-descent and step-decay, answered rightly. All three run the same answers and the same
checks' code. lrlesson gets two notebooks, hence two kernels, each in the sandbox; nbgrader and
Otter get both exercises in one notebook and one kernel, without a sandbox, which is in their
favour. In each round every contender grades once, start-up included, so a noisy moment hits all;
medians of the rounds are compared. Processor time counts every process a contender starts. Then
lrlesson alone grades 10 to 300 submissions, and grading.svg is drawn; last, its memory is watched.
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
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NAMES = ("01_exercise_what_the_rate_is.ipynb", "04_exercise_decay.ipynb")
EXERCISES = ("gradient-descent", "step-decay")
TWO, ONE = "lrlesson, 2 workers", "lrlesson, 1 worker"
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
notebook = "01_exercise_what_the_rate_is.ipynb"
points = 4
[[exercise]]
id = "step-decay"
notebook = "04_exercise_decay.ipynb"
points = 6
"""


Watch = Callable[[int], None]


def ignore(pid: int) -> None:
    """Watch a process not at all."""


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
        self.watch: Watch = ignore

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
            self.watch,
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


def call(command: list[Any], folder: Path, watch: Watch = ignore) -> None:
    """Run to the end, quietly; what it said if it failed. `watch` is told the process's id."""
    path = os.environ["PATH"]
    if Path(command[0]).is_absolute():
        path = f"{Path(command[0]).parent}{os.pathsep}{path}"
    running = subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch(running.pid)
    out, error = running.communicate()
    if running.returncode:
        sys.exit(f"{command}\n{out[-2000:]}\n{error[-3000:]}")


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
        print(count, f"{found[-1][1]:.1f}", flush=True)
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


def peak(folder: Path, workers: int) -> float:
    """MB that a run of ours takes at most, with all its processes; shared pages count once."""
    most = 0.0
    ours = Ours(folder / f"memory{workers}", workers, 10)

    def watch(pid: int) -> None:
        def look() -> None:
            nonlocal most
            while Path(f"/proc/{pid}/smaps_rollup").exists():
                most = max(most, sum(map(proportional, tree(pid))) / 1000)
                time.sleep(0.2)

        threading.Thread(target=look, daemon=True).start()

    ours.watch = watch
    ours.grade()
    return most


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from tree(int(child))


def proportional(pid: int) -> int:
    """kB of a process, a page that n processes share counting as an nth; 0 once it has gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, required=True, help="their bin folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--learners", type=int, default=30)
    parser.add_argument("--counts", type=int, nargs="*", default=[10, 30, 100, 200, 300])
    chosen = parser.parse_args()
    peers, many, few = chosen.peers.absolute(), chosen.learners, min(4, chosen.learners)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contenders = {
            TWO: Ours(folder / "ours2", 2, many),
            ONE: Ours(folder / "ours1", 1, many),
            "lrlesson, 2 workers, --no-warm": Ours(folder / "cold", 2, few, "--no-warm"),
            "nbgrader autograde": Nbgrader(folder / "nbgrader", peers, many),
            "otter run": Otter(folder / "otter", peers, 1),
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        loads = [os.getloadavg()[0]]
        for _ in range(chosen.rounds):
            for name, contender in contenders.items():
                found[name].append(timed(contender))
                print(name, *(f"{value:.2f}" for value in found[name][-1]), flush=True)
        loads.append(os.getloadavg()[0])
        points = curve(folder, chosen.counts)
        memory = [peak(folder, workers) for workers in (1, 2)]
        print("MB", *memory)
        counts = {name: contender.learners for name, contender in contenders.items()}
        write(found, counts, points, memory, loads, peers)


def write(
    found: dict[str, list[tuple[float, float]]],
    counts: dict[str, int],
    points: list[tuple[int, float]],
    memory: list[float],
    loads: list[float],
    peers: Path,
) -> None:
    """GRADING.md, and grading.svg where the curve was measured."""
    here = Path(__file__).parent
    medians = {
        name: [statistics.median(values) for values in zip(*runs, strict=True)]
        for name, runs in found.items()
    }
    best, alone = medians[TWO], medians[ONE]
    rounds = len(found[TWO])
    lines = [
        "# Grading, side by side",
        "",
        f"Seconds per submission of two exercises, medians of {rounds} rounds in which every",
        "contender ran once in turn, start-up included. `benchmarks/grading.py` makes this page",
        "and says what is compared. Ratios are to lrlesson, with two workers for the time on the",
        "clock and with one for that of the processors.",
        "",
        "| | submissions | clock | ratio | processors | ratio |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {counts[name]} | {clock:.2f} | {clock / best[0]:.1f} | {used:.2f} "
        f"| {used / alone[1]:.1f} |"
        for name, (clock, used) in medians.items()
    ]
    lines += ["", f"Per exercise, two warm workers: {best[0] / 2:.2f} s, start-up included.", ""]
    if len(points) > 1:
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
    one, two = memory
    lines += [
        f"Memory: {one:.0f} MB with one worker, {two:.0f} MB with two, so {two - one:.0f} MB for a",
        "worker with its fork server and its kernel (most at any moment; shared pages count once).",
        "",
    ]
    used = [f"Python {platform.python_version()}"]
    used += [f"{package} {version(package)}" for package in ("nbval", "ipykernel")]
    used += [f"{name} {peer_version(peers, name)}" for name in ("nbgrader", "otter-grader")]
    lines += [
        f"{', '.join(used)}; {os.cpu_count()} processors.",
        f"Load of the machine: {loads[0]:.1f} before the rounds, {loads[1]:.1f} after them.",
    ]
    (here / "GRADING.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def peer_version(peers: Path, package: str) -> str:
    """What is installed there."""
    code_ = f"from importlib.metadata import version; print(version({package!r}))"
    with contextlib.suppress(subprocess.CalledProcessError):
        return subprocess.check_output([peers / "python", "-c", code_], text=True).strip()
    return "?"


if __name__ == "__main__":
    main()
