"""Our range test beside fastai's finder and torch-lr-finder's, on PyTorch models: FINDERS.md.

    PYTHON-with-finders-requirements benchmarks/finders.py   # about half an hour

Each finder picks a rate with what its documentation gives as defaults, on the same model from the
same start. Then every pick trains that model with one plan: linear decay to zero over UPDATES
updates. What counts is the validation loss at the end beside that of the best rate of a grid,
trained on the same seed: 1 is as good as the grid's best, 2 is twice its loss.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastai.basics import DataLoader, DataLoaders, Learner, OptimWrapper
from fastai.callback.schedule import steep, valley  # importing it gives Learner its lr_find
from torch import nn
from torch_lr_finder import LRFinder

sys.path.insert(0, str(Path(__file__).parents[1]))

from lrlesson import PolynomialDecay, breast_cancer, digits, range_test_step

UPDATES, BATCH = 300, 32
GRID = np.geomspace(1e-5, 10, 19)  # three rates to a decade, and one more
BROKE = math.inf
SGD = partial(torch.optim.SGD, momentum=0.9)
ADAM = torch.optim.Adam


def mlp(inputs: int, classes: int) -> nn.Module:
    """Two layers that rectify."""
    width = nn.Linear(inputs, 64), nn.Linear(64, 64), nn.Linear(64, classes)
    return nn.Sequential(width[0], nn.ReLU(), width[1], nn.ReLU(), width[2])


def cnn(_: int, classes: int) -> nn.Module:
    """Two convolutions with batch normalisation, on pictures of 8 x 8."""
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)),
        *(nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(32 * 16, classes)),
    )


@dataclass(frozen=True)
class Problem:
    """A model, its data and its rule."""

    name: str
    model: Callable[[int, int], nn.Module]
    data: Any
    rule: Callable[..., torch.optim.Optimizer]
    unit: float = 1.0  # what the inputs are multiplied by

    def tensors(self, part: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and classes of the part `train` or `val`."""
        x, y = getattr(self.data, f"x_{part}"), getattr(self.data, f"y_{part}")
        return torch.tensor(x.T * self.unit).float(), torch.tensor(y).long()

    def start(self, seed: int) -> nn.Module:
        """The model as it is before its first update."""
        torch.manual_seed(seed)
        x, y = self.tensors("train")
        return self.model(x.shape[1], int(y.max()) + 1)

    def batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Without end, in the order that torch's seed gives."""
        x, y = self.tensors("train")
        while True:
            for rows in torch.randperm(len(x)).split(BATCH):
                yield x[rows], y[rows]

    def trained(self, seed: int, rate: float) -> float:
        """The validation loss after training at this rate."""
        model, plan = self.start(seed), PolynomialDecay(1.0, UPDATES)
        optimizer, batches = self.rule(model.parameters(), lr=rate), self.batches()
        for t in range(UPDATES):
            optimizer.param_groups[0]["lr"] = rate * float(plan(t))
            loss = update(model, optimizer, *next(batches))
        x, y = self.tensors("val")
        with torch.no_grad():
            end = float(nn.functional.cross_entropy(model.eval()(x), y))
        return end if math.isfinite(end) and math.isfinite(float(loss)) else BROKE


def update(model: nn.Module, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """One update; the loss before it."""
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def ours(problem: Problem, seed: int) -> dict[str, float]:
    """As the lesson At your desk has it."""
    model = problem.start(seed)
    optimizer, batches = problem.rule(model.parameters(), lr=1.0), problem.batches()
    parts = {"model": model, "optimizer": optimizer}

    def step(rate: float) -> torch.Tensor:
        optimizer.param_groups[0]["lr"] = rate
        return update(model, optimizer, *next(batches))

    test = range_test_step(
        step,
        save=lambda: {name: part.state_dict() for name, part in parts.items()},
        load=lambda state: [part.load_state_dict(state[name]) for name, part in parts.items()],
    )
    return {
        "`range_test_step`, `suggest()`": float(test.suggest()[0]),
        "`range_test_step`, `suggest(3)`": float(test.suggest(3)[0]),
    }


def fastai(problem: Problem, seed: int) -> dict[str, float]:
    """`Learner.lr_find`: its default, valley, and what it calls steep."""
    model = problem.start(seed)
    loaders = [
        DataLoader(
            list(zip(*problem.tensors(part), strict=True)), bs=BATCH, shuffle=part == "train"
        )
        for part in ("train", "val")
    ]
    learner = Learner(
        DataLoaders(*loaders),
        model,
        loss_func=nn.CrossEntropyLoss(),
        opt_func=partial(OptimWrapper, opt=problem.rule),
    )
    with learner.no_bar(), redirect_stdout(StringIO()):
        found = learner.lr_find(suggest_funcs=(valley, steep), show_plot=False)
    return {"fastai `lr_find`, valley": float(found[0]), "fastai `lr_find`, steep": float(found[1])}


def torch_lr_finder(problem: Problem, seed: int) -> dict[str, float]:
    """The range of its readme, and the suggestion that its plot makes."""
    import matplotlib.pyplot as plt

    model = problem.start(seed)
    rows = torch.utils.data.TensorDataset(*problem.tensors("train"))
    loader = torch.utils.data.DataLoader(rows, BATCH, shuffle=True)
    finder = LRFinder(model, problem.rule(model.parameters(), lr=1e-7), nn.CrossEntropyLoss())
    _, axes = plt.subplots()
    with redirect_stdout(StringIO()):
        finder.range_test(loader, end_lr=100, num_iter=100)
        found = finder.plot(suggest_lr=True, ax=axes)
    plt.close()
    return {"torch-lr-finder, steepest": float(found[1]) if isinstance(found, tuple) else math.nan}


def problems() -> list[Problem]:
    """Small enough for ten seeds, and not of one kind."""
    images, cancer = digits().hold_out(), breast_cancer().hold_out()
    return [
        Problem("digits, MLP, SGD with momentum", mlp, images, SGD),
        Problem("digits, MLP, Adam", mlp, images, ADAM),
        Problem("digits, CNN, SGD with momentum", cnn, images, SGD),
        Problem("digits, CNN, Adam", cnn, images, ADAM),
        Problem("digits x 8, MLP, SGD with momentum", mlp, images, SGD, unit=8.0),
        Problem("breast cancer, MLP, SGD with momentum", mlp, cancer, SGD),
    ]


def cell(picks: list[float], ratios: list[float]) -> str:
    """The picks of all seeds and what they led to, as one cell of the table."""
    lost = sum(ratio > 2 for ratio in ratios)
    middle = statistics.median(picks), statistics.median(ratios)
    return f"{middle[0]:.2g} ({min(picks):.2g} to {max(picks):.2g}) | {middle[1]:.2f} | {lost}"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    seeds = range(parser.parse_args().seeds)
    torch.set_num_threads(1)
    lines = [
        "# Finders of a rate, compared",
        "",
        (
            f"Made by `benchmarks/finders.py`, which says what is compared: {len(seeds)} seeds "
            "each. *Pick*: median, and the lowest to the highest. *Loss*: the validation loss at "
            "the end of a training at the pick, divided by that of the best rate of a grid on the "
            "same seed, median. *Lost*: seeds on which it was more than twice the grid's."
        ),
    ]
    everywhere: dict[str, list[float]] = {}
    for problem in problems():
        best: list[float] = []
        at: list[float] = []
        for seed in seeds:
            ends = [problem.trained(seed, rate) for rate in GRID]
            best.append(min(ends))
            at.append(float(GRID[np.argmin(ends)]))
        lines += [
            "",
            f"## {problem.name}",
            "",
            "| finder | pick | loss | lost |",
            "|---|---|--:|--:|",
        ]
        lines.append(f"| best of the grid | {cell(at, [1.0] * len(at))} |")
        picks: dict[str, list[float]] = {}
        for seed in seeds:
            for finder in (ours, fastai, torch_lr_finder):
                for name, pick in finder(problem, seed).items():
                    picks.setdefault(name, []).append(pick)
        for name, rates in picks.items():
            ends = [problem.trained(seed, rate) for seed, rate in zip(seeds, rates, strict=True)]
            ratios = [end / least for end, least in zip(ends, best, strict=True)]
            everywhere.setdefault(name, []).extend(ratios)
            lines.append(f"| {name} | {cell(rates, ratios)} |")
            print(problem.name, lines[-1], flush=True)
    total = len(seeds) * len(problems())
    lines += [
        "",
        f"## All {total} trainings",
        "",
        "| finder | loss, median | lost |",
        "|---|--:|--:|",
    ]
    for name, ratios in everywhere.items():
        lost = sum(ratio > 2 for ratio in ratios)
        lines.append(f"| {name} | {statistics.median(ratios):.2f} | {lost} |")
    names = ("torch", "fastai", "torch-lr-finder")
    lines += ["", ", ".join(f"{name} {version(name)}" for name in names) + "."]
    (Path(__file__).parent / "FINDERS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
