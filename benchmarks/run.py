"""Measure ours beside its peers, in turn in one run, and write RESULTS.md and cost.svg.

    make -C benchmarks bench

Everything runs on one core and one BLAS thread. In each round every contender is timed once, so
that a noisy moment of the machine hits all of them; the medians of the rounds are compared.
`run.py curve step` measures only these parts and writes nothing.
"""

import os

os.environ.update(
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    KERAS_BACKEND="jax",
    JAX_PLATFORMS="cpu",
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false",
)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import itertools
import math
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import torch

from lrlesson import digits, net_a, sweep
from lrlesson.optimizers import SGD, Adam
from lrlesson.schedules import WarmupCosine

HERE = Path(__file__).parent
torch.set_num_threads(1)

Times = dict[str, float]  # seconds, by contender
OURS = "lrlesson"


def in_turn(contenders: dict[str, Callable], rounds: int = 9, at_least: float = 0.02) -> Times:
    """The median time of one call of each contender, all timed once in every round."""
    calls = {}
    for name, call in contenders.items():
        call()  # compiles, and fills the caches
        start = time.perf_counter()
        call()
        once = time.perf_counter() - start
        calls[name] = max(1, math.ceil(at_least / once))
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            start = time.perf_counter()
            for _ in range(calls[name]):
                call()
            found[name].append((time.perf_counter() - start) / calls[name])
    return {name: median(times) for name, times in found.items()}


# --- A curve of a million updates -------------------------------------------------------------

LR, W, T, LR_END = 0.1, 10_000, 1_000_000, 0.001


def curve() -> Times:
    """All rates of a long run."""
    eta = WarmupCosine(LR, W, T, LR_END)
    theirs = optax.warmup_cosine_decay_schedule(LR / W, LR, W, T, LR_END)
    compiled = jax.jit(theirs)

    def by_hand() -> np.ndarray:
        """Written for speed alone: no array but the result."""
        rates = np.arange(1.0, T + 1)
        rates[:W] *= LR / W
        rest = rates[W:]
        rest -= W + 1
        rest *= math.pi / (T - W)
        np.cos(rest, out=rest)
        rest += 1
        rest *= 0.5 * (LR - LR_END)
        rest += LR_END
        return rates

    def torch_steps() -> list[float]:
        """A hundredth of the updates, since each costs the same."""
        opt = torch.optim.SGD([torch.zeros(1)], lr=LR)
        scheduler = torch.optim.lr_scheduler.SequentialLR(
            opt,
            [
                torch.optim.lr_scheduler.LinearLR(opt, 1 / W, 1.0, W),
                torch.optim.lr_scheduler.CosineAnnealingLR(opt, T - W, LR_END),
            ],
            [W],
        )
        rates = []
        for _ in range(T // 100):
            rates.append(opt.param_groups[0]["lr"])
            opt.step()
            scheduler.step()
        return rates

    np.testing.assert_allclose(eta.values(T), by_hand(), rtol=1e-9, atol=1e-15)
    times = in_turn(
        {
            OURS: lambda: eta.values(T),
            "NumPy by hand, in place": by_hand,
            "optax": lambda: theirs(jnp.arange(T)).block_until_ready(),
            "optax, jit": lambda: compiled(jnp.arange(T)).block_until_ready(),
            "torch, stepping": torch_steps,
        }
    )
    times["torch, stepping"] *= 100
    return times


# --- One rate ---------------------------------------------------------------------------------


def scalar() -> Times:
    """The rate of one update."""
    eta = WarmupCosine(LR, W, T, LR_END)
    theirs = optax.warmup_cosine_decay_schedule(LR / W, LR, W, T, LR_END)
    compiled = jax.jit(theirs)
    of_keras = keras.optimizers.schedules.CosineDecay(
        LR / W, T - W, LR_END / LR, warmup_target=LR, warmup_steps=W
    )

    def plain(t: int) -> float:
        if t < W:
            return LR * (t + 1) / W
        return LR_END + 0.5 * (LR - LR_END) * (1 + math.cos(math.pi * (t - W) / (T - W)))

    return in_turn(
        {
            OURS: lambda: eta(500_000),
            "plain Python function": lambda: plain(500_000),
            "optax": lambda: float(theirs(500_000)),
            "optax, jit": lambda: float(compiled(500_000)),
            "Keras": lambda: float(of_keras(500_000)),
        }
    )


# --- One step of Adam -------------------------------------------------------------------------


def step(size: int) -> Times:
    """One update of Adam; torch writes into the weights, the others return new ones."""
    rng = np.random.default_rng(0)
    start, gradient = rng.normal(size=(1, size)), rng.normal(size=(1, size))

    def ours() -> Callable:
        rule, w = Adam(), [start]
        state = rule.init(start)

        def call() -> None:
            w[0] = rule.step(w[0], gradient, state, 1e-3)

        return call

    def of_torch(**options: bool) -> Callable:
        w = torch.tensor(start)
        w.grad = torch.tensor(gradient)
        return torch.optim.Adam([w], lr=1e-3, **options).step

    def of_optax() -> Callable:
        rule = optax.adam(1e-3)
        kept = [jnp.asarray(start), rule.init(jnp.asarray(start))]
        grad = jnp.asarray(gradient)

        @jax.jit
        def update(w, state):
            change, state = rule.update(grad, state, w)
            return optax.apply_updates(w, change), state

        def call() -> None:
            kept[:] = update(*kept)
            kept[0].block_until_ready()

        return call

    return in_turn(
        {
            OURS: ours(),
            "torch, fused": of_torch(fused=True),
            "torch": of_torch(),
            "optax, jit": of_optax(),
        },
        rounds=15,
    )


# --- 64 rates, 20 epochs ----------------------------------------------------------------------

RATES, EPOCHS, BATCH = np.geomspace(1e-3, 1.0, 64), 20, 32
SIZES = (64, 32, 10)


def training() -> Times:
    """The same training by four programs, and its matrix products alone."""
    data = digits()
    x = np.ascontiguousarray(data.x_train.T, dtype=np.float32)
    y = np.asarray(data.y_train)
    rng = np.random.default_rng(0)
    per_epoch = data.n // BATCH
    batches = np.concatenate(
        [rng.permutation(data.n)[: per_epoch * BATCH].reshape(-1, BATCH) for _ in range(EPOCHS)]
    )
    start = []
    for inputs, outputs in itertools.pairwise(SIZES):
        start.append((rng.normal(size=(inputs, outputs)) * (2 / inputs) ** 0.5).astype("f"))
        start.append(np.zeros(outputs, dtype="f"))

    def ours() -> float:
        history = sweep(net_a(), data, SGD(), RATES, EPOCHS, BATCH)
        return float(history.losses[48, -42:].mean())

    def of_jax() -> Callable[[], float]:
        xs, ys, order = jnp.asarray(x), jnp.asarray(y), jnp.asarray(batches)

        def loss(p, x, y):
            z = jax.nn.relu(x @ p[0] + p[1]) @ p[2] + p[3]
            return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1).mean()

        def run(lr):
            def update(p, chosen):
                value, g = jax.value_and_grad(loss)(p, xs[chosen], ys[chosen])
                return [a - lr * b for a, b in zip(p, g, strict=True)], value

            return jax.lax.scan(update, [jnp.asarray(p) for p in start], order)

        together = jax.jit(jax.vmap(run))
        lr = jnp.asarray(RATES, dtype=jnp.float32)
        return lambda: float(together(lr)[1].block_until_ready()[48, -42:].mean())

    def of_torch_vmap() -> float:
        xs, ys, order = torch.tensor(x), torch.tensor(y), torch.tensor(batches)
        p = [torch.tensor(one).expand(len(RATES), *one.shape).clone() for one in start]
        lr = torch.tensor(RATES, dtype=torch.float32)
        column = [lr.reshape(-1, *[1] * one.ndim) for one in start]

        def loss(p, x, y):
            z = torch.relu(x @ p[0] + p[1]) @ p[2] + p[3]
            return torch.nn.functional.cross_entropy(z, y)

        slopes = torch.func.vmap(torch.func.grad_and_value(loss), in_dims=(0, None, None))
        kept = []
        for chosen in order:
            g, value = slopes(p, xs[chosen], ys[chosen])
            p = [a - c * b for a, b, c in zip(p, g, column, strict=True)]
            kept.append(value)
        return float(torch.stack(kept)[-42:, 48].mean())

    def of_torch_loop(rates: np.ndarray = RATES[48:52]) -> float:
        """Four of the rates, one after another, since each costs the same."""
        xs, ys, order = torch.tensor(x), torch.tensor(y), torch.tensor(batches)
        first = []
        for lr in rates:
            net = torch.nn.Sequential(
                torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
            )
            with torch.no_grad():
                for mine, one in zip(net.parameters(), start, strict=True):
                    mine.copy_(torch.tensor(one.T))
            opt = torch.optim.SGD(net.parameters(), lr=float(lr))
            kept = []
            for chosen in order:
                opt.zero_grad()
                value = torch.nn.functional.cross_entropy(net(xs[chosen]), ys[chosen])
                value.backward()
                opt.step()
                kept.append(value.detach())
            first.append(float(torch.stack(kept)[-42:].mean()))
        return first[0]

    def products() -> None:
        """Only the matrix products of the same training: the limit of any NumPy program."""
        r = len(RATES)
        make = [np.ones(shape, dtype=np.float32) for shape in (
            (r, 32, 64), (64, BATCH), (r, 10, 32), (r, 32, BATCH), (r, 10, BATCH))]  # fmt: skip
        w1, x0, w2, a1, z2 = make
        for _ in range(len(batches)):
            w1 @ x0
            w2 @ a1
            z2 @ a1.swapaxes(-1, -2)
            w2.swapaxes(-1, -2) @ z2
            a1 @ x0.T

    jax_run = of_jax()
    losses = [ours(), jax_run(), of_torch_vmap(), of_torch_loop()]
    assert max(losses) < 0.05, f"not all have trained: {losses}"
    times = in_turn(
        {
            OURS: ours,
            "JAX, vmap + scan, warmed up": jax_run,
            "torch, func.vmap": of_torch_vmap,
            "torch, loop": of_torch_loop,
            "matrix products alone": products,
        },
        rounds=5,
        at_least=0,
    )
    times["torch, loop"] *= len(RATES) / 4
    return times


# --- Imports ----------------------------------------------------------------------------------


def imports() -> Times:
    """What a new process pays."""

    def importing(statement: str) -> Callable:
        command = [sys.executable, "-c", statement]
        return lambda: subprocess.run(command, check=True, cwd=HERE.parent)

    bare = importing("pass")
    return in_turn(
        {
            OURS: importing("import lrlesson; lrlesson.Cosine, lrlesson.Adam"),
            "import lrlesson alone": importing("import lrlesson"),
            "lrlesson with training": importing("import lrlesson; lrlesson.train"),
            "numpy": importing("import numpy"),
            "nothing": bare,
        },
        rounds=21,
        at_least=0,
    )


def heavy_modules() -> list[str]:
    """Which of the heavy modules come along with `import lrlesson` and its core."""
    code = (
        "import sys, lrlesson; lrlesson.Cosine, lrlesson.Adam, lrlesson.train;"
        "print(*(m for m in ('matplotlib', 'sklearn', 'ipywidgets', 'scipy') if m in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.split()


# --- What a run costs -------------------------------------------------------------------------


def cost() -> tuple[dict[int, float], dict[int, float]]:
    """Seconds of one epoch against the number of runs, and of 16 runs against updates."""
    data, net = digits(), net_a()
    runs, updates = {}, {}
    for n in 4 ** np.arange(6):
        rates = np.geomspace(1e-3, 1.0, n)
        runs[int(n)] = in_turn({"": lambda r=rates: sweep(net, data, SGD(), r, 1)}, 3, 0)[""]
    for epochs in 2 ** np.arange(7):
        rates = np.geomspace(1e-3, 1.0, 16)
        call = {"": lambda e=epochs, r=rates: sweep(net, data, SGD(), r, int(e))}
        updates[int(epochs) * 42] = in_turn(call, 3, 0)[""]
    return runs, updates


def draw(runs: dict[int, float], updates: dict[int, float]) -> None:
    """Two small plots, as SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "lrlesson"})
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    n = np.array(list(runs))
    left.loglog(n, list(runs.values()), "o-", color="#0072b2")
    left.loglog(n, runs[1] * n, "--", color="#999999")
    left.text(n[-3], runs[1] * n[-3] * 1.3, "one by one", ha="right", color="#666666")
    left.set(xlabel="runs trained together", ylabel="seconds", title="One epoch of digits")
    k = np.array(list(updates))
    right.loglog(k, list(updates.values()), "o-", color="#0072b2")
    right.set(xlabel="updates", ylabel="seconds", title="16 runs")
    for ax in (left, right):
        ax.grid(alpha=0.3)
    fig.savefig(HERE / "cost.svg", metadata={"Date": None})
    plt.close(fig)


# --- The report -------------------------------------------------------------------------------


def shown(seconds: float) -> str:
    """Seconds in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def table(title: str, times: Times, goals: dict[str, tuple[str, float]]) -> list[str]:
    """One part of the report. goals: (how it is said, the least ratio peer/ours), by peer."""
    lines = [f"## {title}", "", "| | time | against ours | goal |", "|---|---|---|---|"]
    for name, seconds in times.items():
        ratio = seconds / times[OURS]
        goal, least = goals.get(name, ("", 0.0))
        verdict = f"{goal}: {'met' if ratio >= least else 'NOT met'}" if goal else ""
        against = "" if name == OURS else f"{ratio:.3g} ×"
        lines.append(f"| {name} | {shown(seconds)} | {against} | {verdict} |")
    return [*lines, ""]


def machine() -> str:
    """What it ran on, and the versions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(x.split(":")[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    names = ["numpy", "torch", "jax", "optax", "keras", "scikit-learn"]
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    python = platform.python_version()
    return f"{model}, one core, one BLAS thread, {platform.system()}; Python {python}, {versions}."


AHEAD = ("ahead of it", 1.0)


def of_training() -> list[str]:
    """The table of the trainings, and what stands in the way of more."""
    times = training()
    lines = table(
        "64 rates × 20 epochs of a 64–32–10 network on digits, float32, batches of 32",
        times,
        {
            "JAX, vmap + scan, warmed up": AHEAD,
            "torch, func.vmap": ("twice as fast", 2.0),
            "torch, loop": ("ten times as fast", 10.0),
        },
    )
    share = times["matrix products alone"] / times[OURS]
    return [
        *lines,
        f"Matrix products are {share:.0%} of our time: the GEMM limit. The rest is what NumPy",
        "does elementwise, in one pass over memory for each operation, where XLA fuses them; and",
        "ours ends with the losses and accuracies on all of the data, which the others leave out.",
        "One larger product for all runs would be faster, but its digits depend on their number",
        "(OpenBLAS), and a run is to come out the same, bit for bit, whatever stands beside it.",
        "",
    ]


def parts() -> dict[str, Callable[[], list[str]]]:
    """Every part of the report, by the name that selects it, with its goals."""
    return {
        "curve": lambda: table(
            "A warmup-cosine curve of 10⁶ updates",
            curve(),
            {
                "NumPy by hand, in place": ("at most twice its time", 0.5),
                "torch, stepping": ("at least 100 times faster", 100.0),
            },
        ),
        "scalar": lambda: table("One rate, η(500 000)", scalar(), {"optax": AHEAD, "Keras": AHEAD}),
        "step": lambda: [
            line
            for size in (10, 1000, 100_000)
            for line in table(
                f"One step of Adam, {size:,} weights in float64",
                step(size),
                {"torch, fused": AHEAD} if size <= 1000 else {},
            )
        ],
        "training": of_training,
        "imports": lambda: [
            *table(
                "Imports, each in a new process; ours with schedules and optimizers",
                imports(),
                {"numpy": ("at most 1.3 ×", 1 / 1.3)},
            ),
            f"Heavy modules that come along: {', '.join(heavy_modules()) or 'none'}.",
            "",
        ],
    }


def main(wanted: list[str]) -> None:
    """Measure all parts and write the report, or print only those that are wanted."""
    report = [
        "# Benchmarks",
        "",
        "Written by `make -C benchmarks bench`. All of a table are timed in turn, in one process;",
        "the times are medians. Ratios above 1 mean that ours is faster.",
        "",
        machine(),
        "",
    ]
    for name, part in parts().items():
        if not wanted or name in wanted:
            lines = part()
            print("\n".join(lines), flush=True)
            report += lines
    if not wanted:
        runs, updates = cost()
        draw(runs, updates)
        each = runs[1024] / 1024 / runs[1]
        report += [
            "## What a run costs",
            "",
            "![Seconds against the number of runs, and against the number of updates](cost.svg)",
            "",
            (
                f"One epoch of digits (42 updates) takes {shown(runs[1])} for one run and "
                f"{shown(runs[1024])} for 1024 runs together: {each:.2g} of the time per run."
            ),
            "",
        ]
        (HERE / "RESULTS.md").write_text("\n".join(report).rstrip() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
