"""What an honest class costs in this tree and in another one, in turn, and write HONEST.md.

    git worktree add ../before COMMIT
    python benchmarks/honest_class.py --before ../before

Both trees grade the same class, whose answers are right: that of the older tree's solutions, two
exercises a learner. In each round both grade once, in alternating order, start-up included, so that
a noisy moment hits both; each round gives one ratio, and their median is the figure. Processor time
counts every process that a tree starts, and bears a busy machine best.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import grading

HERE = Path(__file__).parents[1]


class Tree(grading.Ours):
    """`lrlesson grade` as a source tree has it."""

    def __init__(self, tree: Path, folder: Path, workers: int, learners: int) -> None:
        self.tree = tree
        super().__init__(folder, workers, learners)

    def grade(self) -> None:
        """Once, all of them, by that tree's code."""
        grading.ROOT = self.tree
        super().grade()


def commit(tree: Path) -> str:
    """The commit that a tree is at, with a + where files differ from it."""
    said = ["git", "-C", str(tree), "describe", "--always", "--dirty=+"]
    return subprocess.run(said, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, help="the other source tree")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--learners", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    before, load = asked.before.resolve(), os.getloadavg()[0]
    grading.ROOT = before  # whose solutions both grade
    with tempfile.TemporaryDirectory() as made:
        size = asked.workers, asked.learners
        trees = [Tree(t, Path(made) / n, *size) for t, n in ((before, "before"), (HERE, "now"))]
        rounds = []
        for number in range(asked.rounds + 1):
            order = trees if number % 2 else trees[::-1]
            took = {one.tree: grading.timed(one) for one in order}
            if number:  # the first one warms the disk
                rounds.append((took[before], took[HERE]))
                print(*(f"{x:.3f}" for pair in rounds[-1] for x in pair), flush=True)
    clock, used = ([now[i] / then[i] for then, now in rounds] for i in range(2))
    lines = [
        "# An honest class, before and after",
        "",
        f"Seconds per submission of two exercises, {asked.learners} right submissions,",
        f"{asked.workers} worker, {asked.rounds} rounds in turn. `benchmarks/honest_class.py`",
        f"makes this page and says what is compared: {commit(before)}, before hidden checks had a",
        f"namespace of their own, and {commit(HERE)}.",
        "",
        "| | before | now | ratio, median | ratios of the rounds |",
        "|---|---:|---:|---:|---|",
    ]
    for i, (name, ratios) in enumerate((("clock", clock), ("processors", used))):
        a, b = (statistics.median(pair[side][i] for pair in rounds) for side in range(2))
        each = ", ".join(f"{r:.2f}" for r in sorted(ratios))
        lines.append(f"| {name} | {a:.3f} | {b:.3f} | {statistics.median(ratios):.2f} | {each} |")
    lines += ["", f"Python {sys.version.split()[0]}; {os.cpu_count()} processors."]
    lines.append(
        f"Load of the machine: {load:.1f} before the rounds, {os.getloadavg()[0]:.1f} after."
    )
    (Path(__file__).parent / "HONEST.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
