"""Training: repeat `w ← optimizer.step(w, gradient, rate)`, for many runs at once.

`descend` goes down a loss surface, `train` trains a network in batches, `sweep` trains it once
per learning rate. Each trains all of its runs together: weights have shape (runs, P), and run
number r comes out the same, bit for bit, however many others stand beside it.

A seed is one int, and then every run has the same start, batches and noise, so that runs differ
by their rate alone; or a sequence of ints, one per run. Bad input raises a TypeError or ValueError
that names the argument; a run that diverges raises nothing, since that is a result.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np

from lrlesson.base.fields import (
    COUNT,
    POSITIVE,
    POSITIVE_COUNT,
    RATE,
    checked,
    checked_bool,
    floats,
    refusal,
)
from lrlesson.base.optimizer import Optimizer
from lrlesson.base.schedule import Schedule
from lrlesson.base.threads import one_thread
from lrlesson.data import Data
from lrlesson.history import History as History
from lrlesson.history import RangeTest as RangeTest
from lrlesson.losses import Loss
from lrlesson.network import MLP
from lrlesson.schedules import Constant, Geometric

Seed = int | Sequence[int]
PATIENCE = float(os.environ.get("LRLESSON_PATIENCE", "5"))  # seconds before a progress bar appears


def descend(
    loss: Loss,
    w0: Any,
    optimizer: Optimizer,
    schedule: Any,
    steps: int,
    seed: Seed = 0,
    *,
    keep_weights: bool = True,
) -> History:
    """Go down a loss from w0, shape (dim,) or (runs, dim), for a number of steps.

    schedule: a rate, a Schedule, any function t → rate, or a controller. seed: for the noise of
    noisy losses. The history has losses (runs, steps + 1), the last one after the last update,
    and weights (runs, steps + 1, dim) unless keep_weights is False.
    """
    _is_a("descend", "loss", loss, Loss, "Quadratic([1, 20])")
    _is_a("descend", "optimizer", optimizer, Optimizer, "SGD()")
    steps = checked("descend", "steps", steps, COUNT, runs=False)
    checked_bool("descend", "keep_weights", keep_weights)
    start, rng = loss.point(w0, "w0"), _generators("descend", seed)
    if start.ndim > 2 or not np.isfinite(start).all():
        expected = "finite numbers, of shape (dim,) or (runs, dim)"
        raise ValueError(refusal("descend", "w0", w0, expected))
    control, runs = _control("descend", schedule, steps, start, rng)
    observe = getattr(control, "observe", None)  # a schedule does not listen
    w = np.broadcast_to(start, (runs, loss.dim)).copy()
    state = optimizer.init(w)

    with _arithmetic():
        losses, rates, path = [loss(w)], [], [w]
        for t in _progress(steps):
            gradient = loss.gradient(w, rng)
            rate = _each(control.rate(t, losses[-1], gradient, w, loss), runs)
            w = optimizer.step(w, gradient, state, rate[:, None])
            shown = optimizer.weights(w, state)
            losses.append(loss(shown))
            rates.append(rate)
            if observe is not None:
                observe(losses[-1])
            if keep_weights:
                path.append(shown)
    return History(
        losses=np.stack(losses, axis=1),
        rates=np.stack(rates, axis=1) if rates else np.empty((runs, 0)),
        final=optimizer.weights(w, state),
        zero_loss=loss.zero_value,
        lowest=min(0.0, loss.min_value),
        weights=np.stack(path, axis=1) if keep_weights else None,
    )


def train(
    network: MLP,
    data: Data,
    optimizer: Optimizer,
    schedule: Any,
    epochs: int,
    batch: int | None = 32,
    seed: Seed = 0,
    *,
    w0: Any = None,
    evaluate_every: int | None = None,
    keep_weights: bool = False,
    stop_after: int | None = None,
) -> History:
    """Train a network for a number of epochs, each a fresh random order of the training set.

    schedule: a rate, a Schedule, any function t → rate, or a controller; an array of rates, or a
    schedule with array fields, trains one run per rate. batch: examples per update (a rest too
    small for a batch is left out); None takes all. w0: initial weights (P,) or (runs, P), random
    by default. evaluate_every: how many updates lie between two evaluations on whole data sets,
    by default an epoch. keep_weights: keep the weights of the start and of every evaluation.
    stop_after: a number of updates after which to stop within the epochs.
    """
    _is_a("train", "optimizer", optimizer, Optimizer, "SGD()")
    per_epoch = _per_epoch("train", network, data, batch)
    updates = per_epoch * checked("train", "epochs", epochs, POSITIVE_COUNT, runs=False)
    if stop_after is not None:
        stop = checked("train", "stop_after", stop_after, POSITIVE_COUNT, runs=False)
        updates = min(updates, stop)
    checked_bool("train", "keep_weights", keep_weights)
    every = per_epoch if evaluate_every is None else evaluate_every
    checked("train", "evaluate_every", every, POSITIVE_COUNT, runs=False)
    init_rng, order_rng = _spawned(_generators("train", seed), 2)
    w = _initial(network, w0, init_rng)
    control, runs = _control("train", schedule, updates, w, order_rng)
    observe = getattr(control, "observe", None)  # a schedule does not listen
    start, w = np.atleast_2d(w), np.broadcast_to(w, (runs, network.P)).copy()
    state = optimizer.init(w)

    inputs = np.ascontiguousarray(data.x_train.T, network.dtype)
    targets = data.targets().astype(network.dtype)
    score = _Score(network, data)
    losses, rates, path = [], [], [w]
    with _arithmetic():
        score(0, start)
        for t in _progress(updates):
            if t % per_epoch == 0:
                batches = _batches(data.n, batch, order_rng)
            chosen = batches[t % per_epoch]
            x, y = inputs[chosen].swapaxes(-1, -2), np.moveaxis(targets[:, chosen], 0, -2)
            loss, gradient = network.gradient(w, x, y)
            evaluate = partial(network.value, x=x, targets=y)
            rate = _each(control.rate(t, loss, gradient, w, evaluate), runs)
            w = optimizer.step(w, gradient, state, rate[:, None].astype(w.dtype))
            losses.append(loss)
            rates.append(rate)
            if (t + 1) % every == 0 or t + 1 == updates:
                score(t + 1, optimizer.weights(w, state))
                if keep_weights:
                    path.append(optimizer.weights(w, state))
            if observe is not None and (t + 1) % per_epoch == 0:
                epoch = np.mean(losses[-per_epoch:], axis=0)
                observe(epoch if data.x_val is None else score.of("val", w)[0])
    return History(
        losses=np.stack(losses, axis=1),
        rates=np.stack(rates, axis=1),
        final=optimizer.weights(w, state),
        zero_loss=float(network.value(np.zeros_like(w[0]), inputs.T, targets)),
        weights=np.stack(path, axis=1) if keep_weights else None,
        per_epoch=per_epoch,
        **score.results(runs),
    )


def sweep(
    network: MLP,
    data: Data,
    optimizer: Optimizer,
    lr: Any,
    epochs: int,
    batch: int | None = 32,
    seed: Seed = 0,
    *,
    schedule: Schedule | None = None,
    **options: Any,
) -> History:
    """Train the network once per learning rate, all at the same time.

    lr: the rates, 1-D. With one seed, run r has rate lr[r]. With several, every rate is trained
    with every seed, and `history.per_rate(values)` has the shape (rates, seeds, …).
    schedule: a Schedule that each rate is multiplied by, such as Cosine(1, T); constant by default.
    Evaluates at the start and at the end only, unless evaluate_every says otherwise.
    """
    lr = checked("sweep", "lr", np.atleast_1d(lr), RATE)
    epochs = checked("sweep", "epochs", epochs, POSITIVE_COUNT, runs=False)
    shape = Constant(1.0) if schedule is None else schedule
    _is_a("sweep", "schedule", shape, Schedule, "Cosine(1, 840)")
    options.setdefault("evaluate_every", epochs * _per_epoch("sweep", network, data, batch))
    _generators("sweep", seed)  # refuses what is no seed
    seeds = np.size(seed)
    rates = np.repeat(lr, seeds)
    paired = seed if np.ndim(seed) == 0 else list(seed) * lr.size  # type: ignore[arg-type]
    history = train(network, data, optimizer, shape * rates, epochs, batch, paired, **options)
    return replace(history, grid=(lr.size, seeds))


def accuracy(network: MLP, weights: Any, data: Data, part: str = "test") -> Any:
    """The share of examples whose largest output is the right one, at weights (…, P): shape (…).

    weights: those of a run, of several, or the path that `train(…, keep_weights=True)` keeps, shape
    (runs, kept, P). part: "train", "test" or "val". Raises ValueError where the data lack it or do
    not fit the network, or are no classes.
    """
    _per_epoch("accuracy", network, data, None)
    if data.classes is None:
        raise ValueError(f"accuracy: {data.name} has no classes")
    if part not in ("train", "test", "val") or getattr(data, f"x_{part}") is None:
        parts = [p for p in ("train", "test", "val") if getattr(data, f"x_{p}") is not None]
        raise ValueError(refusal("accuracy", "part", part, " or ".join(map(repr, parts))))
    w = floats("accuracy", "weights", weights)
    if w.ndim < 1 or w.shape[-1] != network.P:
        expected = f"(…, {network.P})"
        raise ValueError(f"accuracy: weights have shape {w.shape}, expected {expected}")
    x, targets = getattr(data, f"x_{part}").astype(network.dtype), data.targets(part)
    rows = w.reshape(-1, network.P).astype(network.dtype)
    with _arithmetic():
        shares = np.array([network.score(one, x, targets)[1] for one in rows])
    return shares.reshape(w.shape[:-1]) if w.ndim > 1 else float(shares[0])


def range_test(
    network: MLP,
    data: Data,
    optimizer: Optimizer,
    lo: float = 1e-4,
    hi: float = 10.0,
    updates: int = 100,
    batch: int | None = 32,
    seed: Seed = 0,
) -> RangeTest:
    """Raise the rate from lo to hi, each time by the same factor, in one continuing training.

    The history's `suggest()` gives a rate that can be trained with; its losses beyond the end of
    the test, where `smoothed` is NaN, mean nothing. Smith 2017.
    """
    lo = checked("range_test", "lo", lo, POSITIVE, runs=False)
    hi = checked("range_test", "hi", hi, POSITIVE, runs=False)
    updates = checked("range_test", "updates", updates, POSITIVE_COUNT, runs=False)
    if not lo < hi:
        raise ValueError(refusal("range_test", "hi", hi, f"more than lo = {lo:g}"))
    epochs = -(-updates // _per_epoch("range_test", network, data, batch))
    rates = Geometric(lo, hi, max(updates - 1, 1))  # the last update uses hi
    limits: dict[str, Any] = {"evaluate_every": updates, "stop_after": updates}
    history = train(network, data, optimizer, rates, epochs, batch, seed, **limits)
    return RangeTest(**{f.name: getattr(history, f.name) for f in fields(history)})


class _Planned:
    """The rates of a schedule, all known before training, asked for like a controller's."""

    def __init__(self, rates: np.ndarray) -> None:
        self.rates = rates

    def rate(self, t: int, loss: Any, gradient: Any, w: Any, evaluate: Any) -> np.ndarray:
        """The rate of update t, shape (runs,)."""
        return self.rates[:, t]


def _control(owner: str, schedule: Any, updates: int, w: np.ndarray, rng: Any) -> tuple[Any, int]:
    """What gives the rates, and the number of runs that start, schedule and seeds agree on."""
    counts = {
        "w0": w.shape[0] if w.ndim > 1 else 1,
        "seed": len(rng) if isinstance(rng, list) else 1,
    }
    if hasattr(schedule, "rate") and hasattr(schedule, "observe"):
        control = schedule.fresh() if hasattr(schedule, "fresh") else schedule
        runs = getattr(control, "runs", None) or 1
        return control, _agreed(owner, {**counts, "schedule": runs})
    rates = _planned(owner, schedule, updates)
    runs = _agreed(owner, {**counts, "schedule": rates.shape[0]})
    return _Planned(np.broadcast_to(rates, (runs, updates))), runs


def _each(rate: Any, runs: int) -> np.ndarray:
    """One rate per run: a controller may give one for all."""
    return np.zeros(runs) + rate


def _planned(owner: str, schedule: Any, updates: int) -> np.ndarray:
    """The rates of all updates: (1, updates), or (runs, updates)."""
    if not callable(schedule):
        schedule = Constant(checked(owner, "schedule", schedule, RATE))
    if isinstance(schedule, Schedule):
        rates = schedule(np.arange(updates))
    else:
        rates = np.array([schedule(t) for t in range(updates)], dtype=float).T
    rates = np.atleast_2d(rates)
    if rates.ndim > 2 or rates.shape[1] != updates:
        expected = "a rate, or a 1-D array with one rate per run"
        raise ValueError(refusal(owner, "schedule(0)", schedule(0), expected))
    wrong = np.argwhere(~((rates >= 0) & np.isfinite(rates)))
    if wrong.size:
        run, t = wrong[0]
        raise ValueError(refusal(owner, f"schedule({t})", rates[run, t].item(), RATE.text))
    return rates


def _agreed(owner: str, counts: dict[str, int]) -> int:
    """The number of runs: all that are not 1 must be the same."""
    several = {name: count for name, count in counts.items() if count != 1}
    if len(set(several.values())) > 1:
        shown = ", ".join(f"{name} has {count}" for name, count in several.items())
        raise ValueError(f"{owner}: the numbers of runs differ: {shown}")
    return max(several.values(), default=1)


def _generators(owner: str, seed: Seed) -> Any:
    """One Generator that all runs share, or a list with one per run."""
    if np.ndim(seed) == 0:
        return np.random.default_rng(checked(owner, "seed", seed, COUNT, runs=False))
    if len(seed) == 0:  # type: ignore[arg-type]
        raise ValueError(refusal(owner, "seed", seed, "an int, or one int per run"))
    counts = [checked(owner, "seed", one, COUNT, runs=False) for one in seed]  # type: ignore[union-attr]
    return [np.random.default_rng(one) for one in counts]


def _spawned(rng: Any, n: int) -> tuple[Any, ...]:
    """n independent streams, so that the order of batches does not depend on the network."""
    if isinstance(rng, list):
        return tuple(map(list, zip(*(one.spawn(n) for one in rng), strict=True)))
    return tuple(rng.spawn(n))


def _is_a(owner: str, argument: str, value: Any, kind: type, example: str) -> None:
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOM" else "a"  # an MLP
        expected = f"{article} {kind.__name__}, such as {example}"
        raise TypeError(refusal(owner, argument, value, expected))


def _per_epoch(owner: str, network: MLP, data: Data, batch: int | None) -> int:
    """Updates per epoch, after checking that network, data and batch fit together."""
    _is_a(owner, "network", network, MLP, "net_a()")
    _is_a(owner, "data", data, Data, "digits()")
    outputs = data.classes or 1
    if (network.sizes[0], network.sizes[-1]) != (data.features, outputs):
        raise ValueError(
            f"{owner}: the network has sizes {network.sizes}, but {data.name} needs "
            f"{data.features} inputs and {outputs} outputs"
        )
    if network.loss == "cross-entropy" and data.classes is None:
        raise ValueError(f"{owner}: cross-entropy needs classes, and {data.name} is a regression")
    if batch is None:
        return 1
    if checked(owner, "batch", batch, POSITIVE_COUNT, runs=False) > data.n:
        raise ValueError(refusal(owner, "batch", batch, f"at most {data.n}, the training set"))
    return data.n // batch


def _initial(network: MLP, w0: Any, rng: Any) -> np.ndarray:
    if w0 is None:
        if isinstance(rng, list):
            return np.stack([network.init(one) for one in rng])
        return network.init(rng)
    w0 = floats("train", "w0", w0).astype(network.dtype)
    if not np.isfinite(w0).all():
        raise ValueError(refusal("train", "w0", w0, "finite numbers"))
    if w0.ndim not in (1, 2) or w0.shape[-1] != network.P:
        raise ValueError(
            f"train: w0 has shape {w0.shape}, expected ({network.P},) or (runs, {network.P})"
        )
    return w0


def _batches(n: int, batch: int | None, rng: Any) -> Any:
    """An epoch's batches: example numbers (batches, batch), or (batches, runs, batch)."""
    if batch is None:
        return [slice(None)]
    if isinstance(rng, list):
        return np.stack([_batches(n, batch, one) for one in rng], axis=1)
    return rng.permutation(n)[: n - n % batch].reshape(-1, batch)


class _Score:
    """Loss and accuracy on whole data sets, run by run: one run's activations fit the cache."""

    def __init__(self, network: MLP, data: Data) -> None:
        self.network = network
        self.after: list[int] = []
        self.parts = {}
        for part in ("train", "val", "test"):
            x = getattr(data, f"x_{part}")
            if x is not None:
                targets = data.targets(part).astype(network.dtype)
                self.parts[part] = np.ascontiguousarray(x, network.dtype), targets
        self.found: dict[str, list[np.ndarray]] = {part: [] for part in self.parts}

    def __call__(self, t: int, w: np.ndarray) -> None:
        self.after.append(t)
        for part in self.parts:
            self.found[part].append(self.of(part, w))

    def of(self, part: str, w: np.ndarray) -> np.ndarray:
        """The losses and the accuracies of all runs, shape (2, runs)."""
        x, targets = self.parts[part]
        return np.array([self.network.score(one, x, targets) for one in w]).T

    def results(self, runs: int) -> dict[str, Any]:
        results: dict[str, Any] = {"evaluated": np.array(self.after)}
        for part, found in self.found.items():
            found = [np.broadcast_to(scores, (2, runs)) for scores in found]
            losses, accuracies = np.stack(found, axis=-1)
            results[f"{part}_loss"] = losses
            results[f"{part}_accuracy"] = accuracies
        return results


@contextmanager
def _arithmetic() -> Iterator[None]:
    """One thread, and no warnings, since a run that overflows is a result and not a mistake."""
    with one_thread(), np.errstate(all="ignore"):
        yield


def _progress(count: int) -> Iterator[int]:
    """range(count), with a progress bar where it lasts longer than PATIENCE.

    A browser has none either: a bar needs a thread.
    """
    start = time.monotonic()
    done = 0
    if sys.platform == "emscripten":
        yield from range(count)
        return
    while done < count and time.monotonic() - start < PATIENCE:
        yield done
        done += 1
    if done < count:
        rest = range(done, count)
        try:
            from rich.console import Console
            from rich.progress import track
        except ModuleNotFoundError:  # the light install has no bar
            yield from rest
            return
        console = Console(stderr=True)
        if console.is_terminal or console.is_jupyter:
            yield from track(rest, "training", count, done, console=console, transient=True)
        else:
            yield from rest
