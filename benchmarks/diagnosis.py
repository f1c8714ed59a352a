"""What `diagnose` says of real trainings whose ailment is known: docs/diagnosis.md.

    python benchmarks/diagnosis.py            # our networks
    PYTHON-with-torch benchmarks/diagnosis.py # and PyTorch's, all of them held apart

Every run is trained here. A label says how it was made: at which rate, by which schedule, from
which start. The thresholds of lrlesson/diagnosis.py were chosen on half of the networks and seeds;
the other half, with other networks, other data and other seeds, was held apart.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from lrlesson import (
    MLP,
    SGD,
    Adam,
    Cosine,
    History,
    ScheduledDrop,
    Warmup,
    breast_cancer,
    diabetes,
    digits,
    linear,
    net_a,
    net_b,
    train,
)
from lrlesson.diagnosis import diagnose

PAGE = Path(__file__).parents[1] / "docs" / "diagnosis.md"
EPOCHS = 15
LABELS = (
    "diverged",
    "spikes",
    "near the edge",
    "warmup too short",
    "too low",
    "decay too early",
    "noise floor",
    "plateau",
    "nothing",
)


@dataclass(frozen=True)
class Problem:
    """A network, its data, and a rule: what is trained, and from where."""

    name: str
    network: MLP
    data: Any
    rule: Any
    batch: int
    rates: tuple[float, float]  # between these lie the best and the highest one

    def run(self, eta: Any, seeds: Any, epochs: int = EPOCHS, **options: Any) -> History:
        """One run per seed."""
        data = options.pop("data", self.data)
        return train(
            *(self.network, data, self.rule, eta, epochs, self.batch, list(seeds)),
            evaluate_every=10**6,
            **options,
        )

    @property
    def updates(self) -> int:
        return EPOCHS * (self.data.n // self.batch)


DIGITS, NOISY = digits(), digits(labels_noise=0.2)
SEEN = [
    Problem("digits, SGD", net_a(), DIGITS, SGD(), 32, (0.01, 10)),
    Problem("digits, squared error, momentum", net_b(), DIGITS, SGD(momentum=0.9), 32, (0.001, 1)),
    Problem("noisy digits, Adam", net_a(), NOISY, Adam(), 32, (1e-4, 1)),
    Problem("diabetes, linear", linear(10), diabetes(), SGD(), 8, (1e-3, 1)),
]
HELD = [
    Problem("tumours, SGD", MLP((30, 16, 2)), breast_cancer(), SGD(), 16, (0.01, 30)),
    Problem(
        "digits, two layers, tanh",
        MLP((64, 48, 24, 10), activation="tanh"),
        DIGITS,
        SGD(),
        64,
        (0.01, 10),
    ),
    Problem("noisy digits, momentum", net_a(), NOISY, SGD(momentum=0.9), 64, (0.001, 3)),
    Problem("noisy digits, softmax regression", linear(64, 10), NOISY, Adam(), 32, (1e-4, 3)),
]


def limits(problem: Problem) -> tuple[float, float]:
    """The best rate, and the highest one at which three seeds of three end below their start."""
    rates = np.geomspace(*problem.rates, 25)
    ends = []
    for seed in range(50, 53):
        history = train(
            *(problem.network, problem.data, problem.rule, rates, EPOCHS, problem.batch, seed),
            evaluate_every=10**6,
        )
        end = history.losses[:, -problem.updates // 10 :].mean(axis=1)
        ends.append(np.where(history.diverged | ~(end < history.losses[:, 0]), np.inf, end))
    worst = np.max(ends, axis=0)
    return float(rates[np.argmin(worst)]), float(rates[np.isfinite(worst)][-1])


def with_glitches(n: int, rate: float, wild: float) -> Any:
    """A constant rate, but for two updates at a wild one: what a bad batch does to the weights."""
    return lambda t: wild if t in (int(0.35 * n), int(0.7 * n)) else rate


def glitch(problem: Problem, best: float, highest: float) -> float | None:
    """The smallest wild rate that throws the next losses up sixfold and lets them come back."""
    n = problem.updates
    for wild in highest * np.geomspace(0.1, 300, 15):
        loss = problem.run(with_glitches(n, best / 3, wild), range(60, 62)).losses
        before, after = (loss[:, int(a * n) : int(b * n)] for a, b in ((0.25, 0.35), (0.36, 0.4)))
        end = loss[:, -n // 10 :].mean(axis=1)
        thrown = np.median(loss[:, int(0.35 * n) + 1 :][:, :5], axis=1) > 6 * before.mean(axis=1)
        if thrown.all() and (end < 1.2 * before.mean(axis=1)).all() and np.isfinite(after).all():
            return float(wild)
    return None


def bounces(problem: Problem, highest: float) -> float | None:
    """The highest constant rate at which the loss rises above its start and yet comes down."""
    found = None
    for rate in highest * np.geomspace(0.4, 2, 25):
        loss = problem.run(rate, range(60, 63)).losses / 1.0
        with np.errstate(all="ignore"):
            rose = loss[:, 1:].max(axis=1) > 2 * loss[:, 0]
            end = loss[:, -problem.updates // 10 :].mean(axis=1) / loss[:, 0]
        if rose.all() and (end < 0.5).all():
            found = float(rate)
    return found


def warmed(problem: Problem, peak: float, warmup: int) -> Any:
    """A warmup of so many updates, and then a cosine to the end of the run."""
    return Warmup(peak, warmup) >> Cosine(peak, problem.updates - warmup)


def needs_warmup(problem: Problem, highest: float) -> float | None:
    """The highest rate with a hump after a warmup of 3 that one of a fifth of the run prevents."""
    n, found = problem.updates, None
    for peak in highest * np.geomspace(0.3, 10, 14):
        short, long = (
            problem.run(warmed(problem, peak, w), range(60, 63)).losses for w in (3, n // 5)
        )
        with np.errstate(all="ignore"):
            hump, calm = (x[:, : n // 8].max(axis=1) / x[:, 0] for x in (short, long))
            end = short[:, -n // 10 :].mean(axis=1) / short[:, 0]
        if (hump > 2).all() and (calm < 1.3).all() and (end < 0.5).all():
            found = float(peak)
    return found


def regimes(problem: Problem, seeds: range) -> Iterator[tuple[str, History]]:
    """Every regime that this problem has, as (label, histories of the seeds)."""
    best, highest = limits(problem)
    n, per_epoch = problem.updates, problem.data.n // problem.batch
    yield "diverged", problem.run(30 * highest, seeds)
    if len(problem.network.sizes) == 2:
        yield "noise floor", problem.run(best * 3, seeds, 3 * EPOCHS)
        return
    yield "too low", problem.run(best / 100, seeds)
    yield "nothing", problem.run(Warmup(best / 2, n // 20) >> Cosine(best / 2, n - n // 20), seeds)
    early = ScheduledDrop(best / 3, 0.01, (per_epoch,))
    yield "decay too early", problem.run(early, seeds)
    if (edge := bounces(problem, highest)) is not None:
        yield "near the edge", problem.run(edge, seeds)
    if (wild := glitch(problem, best, highest)) is not None:
        yield "spikes", problem.run(with_glitches(n, best / 3, wild), seeds)
    if (peak := needs_warmup(problem, highest)) is not None:
        yield "warmup too short", problem.run(warmed(problem, peak, 3), seeds)
    if problem.network.loss == "mse" or len(problem.network.sizes) > 3:
        small = problem.network.init(np.random.default_rng(seeds[0])) * 1e-2
        yield "plateau", problem.run(best / 8, seeds, w0=small)


# --- PyTorch, where it is installed: all of it held apart ------------------------------------


def torch_runs(seeds: range) -> Iterator[tuple[str, str, History]]:
    """A small convolutional network with Adam, in PyTorch, in the regimes that a rate can make."""
    import torch

    x = torch.tensor(DIGITS.x_train.T.reshape(-1, 1, 8, 8), dtype=torch.float32)
    y = torch.tensor(DIGITS.y_train)
    torch.set_num_threads(1)

    def one(eta: Callable[[int], float], seed: int, updates: int = 500) -> tuple[list, list]:
        torch.manual_seed(seed)
        model = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 10)
        )
        opt = torch.optim.AdamW(model.parameters(), lr=1.0)
        losses, rates = [], []
        for t in range(updates):
            opt.param_groups[0]["lr"] = float(eta(t))
            batch = torch.randint(len(x), (32,))
            loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
            rates.append(float(eta(t)))
        return losses, rates

    def end(losses: list) -> float:
        with np.errstate(all="ignore"):
            return float(np.mean(losses[-50:])) / losses[0]

    # The labels are made as above: by looking, on another seed, for rates that do what they say.
    rates = np.geomspace(1e-4, 3, 10)
    ends = np.array([end(one(lambda t, lr=lr: lr, 60)[0]) for lr in rates])
    best, highest = rates[np.nanargmin(ends)], rates[np.flatnonzero(ends < 0.5)[-1]]
    plans: dict[str, Callable[[int], float]] = {
        "diverged": lambda t: 30 * highest,
        "too low": lambda t: best / 100,
        "nothing": Warmup(best / 2, 25) >> Cosine(best / 2, 475),
        "decay too early": ScheduledDrop(best / 3, 0.01, (42,)),
    }
    for wild in highest * np.geomspace(1, 300, 8):
        plan = with_glitches(500, best / 3, wild)
        losses = one(plan, 60)[0]
        before = np.mean(losses[125:175])
        if np.median(losses[176:181]) > 6 * before and np.mean(losses[-50:]) < 1.2 * before:
            plans["spikes"] = plan
            break
    for peak in highest * np.geomspace(10, 0.3, 8):
        short, long = (one(Warmup(peak, w) >> Cosine(peak, 500 - w), 60)[0] for w in (3, 100))
        hump, calm = (max(losses[:62]) / losses[0] for losses in (short, long))
        if hump > 2 and calm < 1.3 and end(short) < 0.5:
            plans["warmup too short"] = Warmup(peak, 3) >> Cosine(peak, 497)
            break
    for label, eta in plans.items():
        runs = [one(eta, seed) for seed in seeds]
        yield (
            "PyTorch, convolution, AdamW",
            label,
            History.of([losses for losses, _ in runs], [rates for _, rates in runs]),
        )


# --- The page ---------------------------------------------------------------------------------


def judged(runs: Iterator[tuple[str, str, History]]) -> tuple[Counter, list[str]]:
    """How often each label got each answer, and every answer that was wrong and sure."""
    table: Counter = Counter()
    sure = []
    for name, label, history in runs:
        for run in range(history.runs):
            first = diagnose(history, run).signs[0]
            table[label, first.kind] += 1
            if first.sure and first.kind != label:
                sure.append(f"{name}: {label} was called {first.kind}")
    return table, sure


def of_ours(problems: list[Problem], seeds: range) -> Iterator[tuple[str, str, History]]:
    """Every run of these problems: its name, its label, its history."""
    for problem in problems:
        for label, history in regimes(problem, seeds):
            yield problem.name, label, history


def section(title: str, table: Counter, sure: list[str]) -> str:
    """A confusion table: a row for each label, a column for each answer."""
    answers = [*LABELS, "cannot tell"]
    lines = ["| made to be | " + " | ".join(answers) + " |", "|---" * (len(answers) + 1) + "|"]
    for label in LABELS:
        row = [table[label, answer] for answer in answers]
        if sum(row):
            cells = (
                f"**{n}**" if a == label else str(n or "")
                for a, n in zip(answers, row, strict=True)
            )
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    total, right = sum(table.values()), sum(table[label, label] for label in LABELS)
    unsure = sum(table[label, "cannot tell"] for label in LABELS)
    said = (
        f'{right} of {total} right ({right / total:.0%}), {unsure} "cannot tell", '
        f"{total - right - unsure} wrong, {len(sure)} of them sure."
    )
    return "\n".join([f"## {title}", "", said, "", *lines])


def main() -> None:
    """Train everything, and write the page."""
    parts = [
        section(
            "Held apart: other networks, data and seeds",
            *judged(of_ours(HELD, range(100, 106))),
        )
    ]
    if find_spec("torch"):
        import torch

        title = f"Held apart: PyTorch {torch.__version__.partition('+')[0]}"
        parts.append(section(title, *judged(torch_runs(range(6)))))
    parts.append(section("Where the thresholds were chosen", *judged(of_ours(SEEN, range(6)))))
    PAGE.write_text(HEAD + "\n\n".join(parts) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


HEAD = """# How often `diagnose` is right

Made by `benchmarks/diagnosis.py`, which trains every run. A run's label is how it was made: at \
thirty times the highest rate that trains, at a hundredth of the best one, with a drop to a \
hundredth after one epoch, and so on. What counts is the first finding. "Warmup too short" means \
that a warmup of a fifth of the run, at the same highest rate, has no hump; "near the edge" is the \
highest constant rate at which the loss rises to twice its start and still comes down; "spikes" \
are two updates at a wild rate. "Cannot tell" is no answer, and counts as none.

"""

if __name__ == "__main__":
    main()
