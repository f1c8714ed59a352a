"""The score of a strategy: its test losses over the best that are known, and what they are worth.

A run's ratio is its test loss over the oracle's for that task and track. r is the geometric mean of
all runs, each counted for at most `LOST`. The oracle is the best of many rates of SGD, and in the
open track of Adam too, chosen afterwards with the test loss in view and knowing what happens to the
loss on the way, which no strategy can. `benchmarks/capstone.py` measures it.

The scale is linear in log r: `NOTHING` earns nothing, `FULL` everything. What the lessons and the
stored solutions show earns at most a third; a search of an afternoon comes near the end
(benchmarks/CAPSTONE.md). A run that is lost counts for minus what a perfect one earns: it has to be
made again, so it costs its own share and that of the run which repeats it.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from lrlesson.base.fields import refusal
from lrlesson.base.threads import one_thread
from lrlesson.capstone.problems import PROBLEMS, OpenProblem, SGDProblem
from lrlesson.capstone.tasks import PRACTICE, TASKS, Instance, Task, order

SEEDS = 5  # of each task when graded
FULL, NOTHING = 1.10, 1.80  # r that earns all, and r that earns nothing
LOST = NOTHING**2 / FULL  # a ratio above counts as this: it earns −1 where FULL earns 1
DOTS = 25  # columns of the plot of tasks
Strategy = Callable[[Any, int], Any]
Problem = SGDProblem | OpenProblem


@cache
def oracle(track: str) -> dict[str, float]:
    """The best known test loss of each task on a track, by its name."""
    text = files(__package__).joinpath("oracle.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["task"]: float(row["test loss"]) for row in rows if row["track"] == track}


@dataclass(frozen=True, eq=False, repr=False)
class Score:
    """How far from the oracle: `ratios` (tasks, seeds), test loss over the oracle's."""

    ratios: np.ndarray

    @property
    def _logs(self) -> np.ndarray:
        return np.log(np.clip(self.ratios, 1e-9, LOST))

    @property
    def per_task(self) -> np.ndarray:
        """The geometric mean over the seeds, each run at most LOST: (tasks,)."""
        return np.exp(self._logs.mean(axis=1))

    @property
    def r(self) -> float:
        """The geometric mean over all runs, each at most LOST; 1 is as good as the oracle."""
        return float(np.exp(self._logs.mean()))

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest r of a single seed: all tasks once."""
        r = np.exp(self._logs.mean(axis=0))
        return float(r.min()), float(r.max())

    @property
    def lost(self) -> int:
        """How many runs are as bad as LOST or worse."""
        return int((self.ratios >= LOST).sum())

    @property
    def worst(self) -> float:
        """The worst single run."""
        return float(self.ratios.max())

    def points(self, total: float) -> float:
        """What r earns of total."""
        return round(total * float(np.clip(worth(self.r), 0, 1)), 2)

    def summary(self) -> str:
        """r with its spread over the seeds, and how many runs were lost."""
        low, high = self.spread
        n = self.ratios.shape[1]
        said = f"r = {self.r:.2f}"
        if n > 1:
            said += f" ({low:.2f} to {high:.2f} over {n} seeds)"
        return f"{said}, {self.lost} of {self.ratios.size} runs lost"

    def __repr__(self) -> str:
        return "\n".join([*dots(self), self.summary()])


def worth(r: float) -> float:
    """The share of the points that r earns; beyond 0 and 1 where it lies beyond the scale."""
    return float(np.log(NOTHING / r) / np.log(NOTHING / FULL))


def dots(score: Score) -> list[str]:
    """A dot for each task on a logarithmic line from 1 to LOST: lines of plain text.

    The mark | stands at FULL; what is lost stands at the right end as ×.
    """
    width = max(len(task.name) for task in TASKS)

    def column(ratio: float) -> int:
        return round(float(np.clip(np.log(ratio) / np.log(LOST), 0, 1)) * (DOTS - 1))

    lines = [f"{'task':{width}}  {'1 = best known':{DOTS - 5}} lost  ratio"]
    for task, ratio in zip(TASKS, score.per_task, strict=True):
        line = ["·"] * DOTS
        line[column(FULL)] = "|"
        line[column(ratio)] = "×" if ratio > 0.99 * LOST else "●"
        lines.append(f"{task.name:{width}}  {''.join(line)}  {ratio:5.2f}")
    return lines


def score(strategy: Strategy, track: str, seeds: Iterable[int] = range(2)) -> Score:
    """Run a strategy on every task, once per seed, as often as you like.

    strategy: a function of (problem, budget); for the track "open" it returns weights. track: "sgd"
    or "open". The seeds are those of practice; the grader's are others. What the strategy raises is
    raised. A run that ends with weights that are not finite has the ratio inf.
    """
    seeds = list(seeds)
    ratios = np.full((len(TASKS), len(seeds)), np.inf)
    with one_thread():
        for column, number in enumerate(seeds):
            for task, problem in rounds(track, (PRACTICE, 0, number)):
                answer = strategy(problem, problem.budget)
                ratios[TASKS.index(task), column] = ratio(track, problem, answer)
    return Score(ratios)


def problem(track: str, task: str | Task, seed: int = 0) -> Problem:
    """One practice problem, by the name of its task, to try things on."""
    found = next((one for one in TASKS if task in (one, one.name)), None)
    if found is None:
        names = "; ".join(one.name for one in TASKS)
        raise ValueError(refusal("problem", "task", task, f"one of {names}"))
    return _of(track)(Instance(found, (PRACTICE, 0, seed)))


def rounds(track: str, seed: Sequence[int]) -> Iterator[tuple[Task, Problem]]:
    """A problem of each task, in an order that the seed decides."""
    made = _of(track)
    for task in order(tuple(seed)):
        yield task, made(Instance(task, seed))


def ratio(track: str, problem: Problem, answer: object) -> float:
    """The test loss that a run ends with, over the oracle's."""
    instance = problem._instance
    with np.errstate(all="ignore"):
        loss = float(instance.loss(problem._end(answer), "test"))
    return loss / oracle(track)[instance.task.name]


def _of(track: str) -> Any:
    if track not in PROBLEMS:
        raise ValueError(refusal("score", "track", track, "'sgd' or 'open'"))
    return PROBLEMS[track]
