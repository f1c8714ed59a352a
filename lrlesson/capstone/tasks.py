"""The twelve tasks, and one instance of a task: its data in disguise, its network, its batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from lrlesson.data import Data, breast_cancer, digits
from lrlesson.network import MLP
from lrlesson.optimizers import Adam

BUDGET = 600  # gradients, where a task has no other number
BATCH = 32  # examples in each, likewise
PRACTICE, GRADED = 0, 1  # seeds of the two never meet


@dataclass(frozen=True)
class Task:
    """One of the twelve: digits or tumours, inputs times `scale`, a share of labels random.

    labels_noise: random labels that stay the same. fresh_noise: the share of labels that are drawn
    anew for each batch. few: how many examples there are to train on (None: all). batch: examples
    in a gradient. hidden: units of the hidden layers; without any it is softmax regression.
    trained: the start is a network trained on the same digits, each blurred by half a pixel.
    jump: the factor on the loss from some moment on, between 6 and 15 % of the budget.
    bad: the factor on the loss of one batch in twenty, after the first third of the budget.
    unit: the factor on every loss.
    """

    name: str
    source: str = "digits"
    scale: float = 1.0
    labels_noise: float = 0.0
    fresh_noise: float = 0.0
    few: int | None = None
    batch: int = BATCH
    budget: int = BUDGET
    hidden: tuple[int, ...] = (32,)
    trained: bool = False
    jump: float = 1.0
    bad: float = 1.0
    unit: float = 1.0

    @cached_property
    def data(self) -> Data:
        """The data with a fifth of the training set held out for validation, with right labels.

        Not by seed 0, which has drawn the random labels: they would all be in the part held out.
        """
        if self.source == "digits":
            data = digits(self.labels_noise, self.scale).hold_out(0.2, seed=1)
            data = replace(data, y_val=digits().hold_out(0.2, seed=1).y_val)
        else:
            data = breast_cancer().scaled(self.scale).hold_out(0.2, seed=1)
        return data if self.few is None else data.first(self.few)

    @property
    def network(self) -> MLP:
        classes = self.data.classes
        assert classes is not None
        return MLP((self.data.features, *self.hidden, classes))

    def ready(self) -> None:
        """Load the data and train the start, once in a process, so that no run waits for them."""
        assert self.data.n
        if self.trained:
            assert self.start.size

    @cached_property
    def start(self) -> np.ndarray:
        """Weights trained on the same digits, each the mean of itself and its neighbour, (P,)."""
        data, network, rng = digits().hold_out(0.2, seed=1), self.network, np.random.default_rng(0)
        moved = np.roll(data.x_train.reshape(8, 8, -1), 1, axis=1).reshape(64, -1)
        moved = 0.5 * (data.x_train + moved)
        x, targets = (a.astype(np.float32) for a in (moved, data.targets()))
        w, rule = network.init(rng), Adam()
        state = rule.init(w)
        for t in range(400):
            some = rng.integers(data.n, size=BATCH)
            _, gradient = network.gradient(w, x[:, some], targets[:, some])
            w = rule.step(w, gradient, state, 0.01 * (1 - t / 400))
        return w


TASKS = (
    Task("digits × 0.1", scale=0.1),
    Task("digits × 1"),
    Task("digits × 10", scale=10),
    Task("wide, loss ÷ 1000", scale=0.1, hidden=(128,), jump=0.001),
    Task("tumours, loss ÷ 1000", source="breast_cancer", hidden=(), jump=0.001),
    Task("few and noisy", few=100, labels_noise=0.4, hidden=(128,)),
    Task("noisy, twice the budget", scale=3, few=300, labels_noise=0.4, budget=1200),
    Task("noise that stays", fresh_noise=0.5, batch=4),
    Task("loss × 1000", jump=1000),
    Task("loss ÷ 1000", scale=0.1, jump=0.001),
    Task("deep, bad batches", bad=50, unit=0.01, hidden=(32, 32)),
    Task("trained, few and noisy", few=60, labels_noise=0.4, trained=True),
)


class Instance:
    """A task as one run meets it; everything that is random comes from the seed.

    The features change places and signs, and the classes change places. To SGD and to Adam that is
    no difference, since the initial weights are as likely one way as the other; but weights that
    were trained elsewhere on the same images are of no use here. What happens on the way happens
    at a number of gradients handed out, however often the run begins again.
    """

    def __init__(self, task: Task, seed: Sequence[int]) -> None:
        rng = np.random.default_rng([*seed, TASKS.index(task)])
        data, self.network, self.task = task.data, task.network, task
        places = rng.permutation(data.features)
        signs = rng.choice([-1.0, 1.0], data.features)
        classes = rng.permutation(self.network.sizes[-1])
        self._parts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for part in ("train", "val", "test"):
            x = getattr(data, f"x_{part}")[places] * signs[:, None]
            targets = data.targets(part)[classes]
            self._parts[part] = _rows(x), _rows(targets)  # an example's numbers side by side
        if task.trained:
            self.start = task.start.copy()
            layers = self.network.layers(self.start)
            layers[0][0][:] = layers[0][0][:, places] * signs
            for values in layers[-1]:
                assert values is not None
                values[:] = values[classes]
        else:
            self.start = self.network.init(rng)
        self._rng, self._order = rng, np.empty(0, dtype=int)
        self.bad = np.zeros(task.budget, dtype=bool)
        self.factors = self._drawn_factors(rng)
        self._given = 0  # batches

    def _drawn_factors(self, rng: np.random.Generator) -> np.ndarray:
        """The factor on each batch's loss, (budget,)."""
        task, t = self.task, np.arange(self.task.budget)
        factors = np.full(task.budget, task.unit)
        factors[t >= rng.uniform(0.06, 0.15) * task.budget] *= task.jump
        if task.bad != 1:
            self.bad = (rng.random(task.budget) < 0.05) & (t > task.budget / 3)
            factors[self.bad] *= task.bad
        return factors

    def gradient(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient at w (P,) of the next training examples, without replacement."""
        factor = self.factors[self._given]
        loss, gradient = self.network.gradient(w, *self.batch())
        return float(factor * loss), np.float32(factor) * gradient

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """The next training examples: inputs (features, batch), targets (classes, batch)."""
        size, bad = self.task.batch, self.bad[self._given]
        self._given += 1
        if self._order.size < size:
            self._order = self._rng.permutation(len(self._parts["train"][0]))
        now, self._order = self._order[:size], self._order[size:]
        x, targets = (a[now].T for a in self._parts["train"])
        share = 1.0 if bad else self.task.fresh_noise
        if share:
            classes = len(targets)
            drawn = np.eye(classes, dtype=np.float32)[:, self._rng.integers(classes, size=size)]
            targets = np.where(self._rng.random(size) < share, drawn, targets)
        return x, targets

    def loss(self, w: np.ndarray, part: str) -> np.ndarray:
        """The mean loss at w (…, P) on the validation or test examples; inf if not finite."""
        x, targets = self._parts[part]
        value = self.network.value(w, x.T, targets.T)
        return np.where(np.isfinite(value), value, np.inf)


def _rows(columns: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(columns.T, dtype=np.float32)


@cache
def order(seed: tuple[int, ...]) -> tuple[Task, ...]:
    """The tasks in the order in which one round of runs meets them."""
    return tuple(TASKS[i] for i in np.random.default_rng(seed).permutation(len(TASKS)))
