"""The score of a strategy: its test losses over the best that are known, and what they are worth.

r is the geometric mean over the tasks of (median test loss over the seeds / the oracle's). The
oracle of a task is the best of 88 settings (SGD and Adam, linear and cosine decay to zero, 22
rates; each the median of 10 seeds), chosen afterwards with the test loss in view, which no strategy
can do. `benchmarks/capstone.py` measures it.
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
from lrlesson.capstone.tasks import BUDGET, PRACTICE, TASKS, Instance, Task, order

SEEDS = 5  # of each task when graded
FULL, NOTHING = 1.10, 1.40  # r that earns all, and r that earns nothing
ROBUST = 6.0  # no run may be worse than so many times the oracle
Strategy = Callable[[Any, int], Any]
Problem = SGDProblem | OpenProblem


@cache
def oracle() -> dict[str, float]:
    """The best known test loss of each task, by its name."""
    text = files(__package__).joinpath("oracle.csv").read_text(encoding="utf-8")
    return {row["task"]: float(row["test loss"]) for row in csv.DictReader(text.splitlines())}


@dataclass(frozen=True, eq=False, repr=False)
class Score:
    """How far from the oracle: `ratios` (tasks, seeds), test loss over the oracle's."""

    ratios: np.ndarray

    @property
    def per_task(self) -> np.ndarray:
        """The median over the seeds, (tasks,)."""
        return np.median(self.ratios, axis=1)

    @property
    def r(self) -> float:
        """The geometric mean over the tasks of their medians; 1 is as good as the oracle."""
        with np.errstate(divide="ignore"):
            return float(np.exp(np.log(self.per_task).mean()))

    @property
    def worst(self) -> float:
        """The worst single run."""
        return float(self.ratios.max())

    def points(self, total: float) -> tuple[float, float]:
        """What r earns, up to three quarters of total, and what robustness earns, a quarter."""
        with np.errstate(divide="ignore"):
            share = np.log(NOTHING / self.r) / np.log(NOTHING / FULL)
        earned = 0.75 * total * float(np.clip(share, 0, 1))
        return round(earned, 2), 0.25 * total if self.worst <= ROBUST else 0.0

    def __repr__(self) -> str:
        n = self.ratios.shape[1]
        lines = [f"{'task':20}  test loss / best known" + "  (median, worst)" * (n > 1)]
        for task, median, runs in zip(TASKS, self.per_task, self.ratios, strict=True):
            lines.append(f"{task.name:20}  {_times(median)}" + f"  {_times(runs.max())}" * (n > 1))
        said = f"r = {self.r:.2f}, worst run {self.worst:.1f}, over {n} seed{'s' * (n > 1)} each"
        return "\n".join([*lines, said])


def _times(ratio: float) -> str:
    """Two decimals; a power of ten where a run has broken."""
    return f"{ratio:6.2f}" if ratio < 1000 else f"{ratio:6.0e}"


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
                answer = strategy(problem, BUDGET)
                ratios[TASKS.index(task), column] = ratio(task, problem, answer)
    return Score(ratios)


def problem(track: str, task: str | Task, seed: int = 0) -> Problem:
    """One practice problem, by the name of its task, to try things on."""
    found = next((one for one in TASKS if task in (one, one.name)), None)
    if found is None:
        names = ", ".join(one.name for one in TASKS)
        raise ValueError(refusal("problem", "task", task, f"one of {names}"))
    return _of(track)(Instance(found, (PRACTICE, 0, seed)))


def rounds(track: str, seed: Sequence[int]) -> Iterator[tuple[Task, Problem]]:
    """A problem of each task, in an order that the seed decides."""
    made = _of(track)
    for task in order(tuple(seed)):
        yield task, made(Instance(task, seed))


def ratio(task: Task, problem: Problem, answer: object) -> float:
    """The test loss that a run ends with, over the oracle's."""
    with np.errstate(all="ignore"):
        return float(problem._instance.loss(problem._end(answer), "test")) / oracle()[task.name]


def _of(track: str) -> Any:
    if track not in PROBLEMS:
        raise ValueError(refusal("score", "track", track, "'sgd' or 'open'"))
    return PROBLEMS[track]
