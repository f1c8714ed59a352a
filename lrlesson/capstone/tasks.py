"""The twelve tasks, and one instance of a task: its data in disguise, its network, its batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from lrlesson.data import Data, breast_cancer, digits
from lrlesson.network import MLP

BUDGET = 600  # gradients
BATCH = 32  # examples in each
PRACTICE, GRADED = 0, 1  # seeds of the two never meet


@dataclass(frozen=True)
class Task:
    """One of the twelve: digits or tumours, inputs times `scale`, a share of labels random.

    hidden: units of the hidden layer; without one it is softmax regression.
    """

    name: str
    source: str = "digits"
    scale: float = 1.0
    labels_noise: float = 0.0
    hidden: int = 32

    @cached_property
    def data(self) -> Data:
        """The data with a fifth of the training set held out for validation.

        Not by seed 0, which has drawn the random labels: they would all be in the part held out.
        """
        if self.source == "digits":
            return digits(self.labels_noise, self.scale).hold_out(0.2, seed=1)
        return breast_cancer().scaled(self.scale).hold_out(0.2, seed=1)

    @property
    def network(self) -> MLP:
        classes = self.data.classes
        assert classes is not None
        hidden = (self.hidden,) if self.hidden else ()
        return MLP((self.data.features, *hidden, classes))


TASKS = (
    *(Task(f"digits × {scale:g}", scale=scale) for scale in (0.1, 0.3, 1, 3, 10)),
    *(Task(f"digits × {scale:g}, noisy", scale=scale, labels_noise=0.2)
      for scale in (0.1, 0.3, 1, 3, 10)),
    Task("digits, wider net", hidden=128),
    Task("breast cancer", source="breast_cancer", hidden=0),
)  # fmt: skip


class Instance:
    """A task as one run meets it; everything that is random comes from the seed.

    The features change places and signs, and the classes change places. To SGD and to Adam that is
    no difference, since the initial weights are as likely one way as the other; but weights that
    were trained elsewhere on the same images are of no use here.
    """

    def __init__(self, task: Task, seed: Sequence[int]) -> None:
        rng = np.random.default_rng([*seed, TASKS.index(task)])
        data, self.network = task.data, task.network
        places = rng.permutation(data.features)
        signs = rng.choice([-1.0, 1.0], data.features)
        classes = rng.permutation(self.network.sizes[-1])
        self._parts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for part in ("train", "val", "test"):
            x = getattr(data, f"x_{part}")[places] * signs[:, None]
            targets = data.targets(part)[classes]
            self._parts[part] = _rows(x), _rows(targets)  # an example's numbers side by side
        self.start = self.network.init(rng)
        self._rng, self._order = rng, np.empty(0, dtype=int)

    def gradient(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient at w (P,) of the next 32 training examples, without replacement."""
        loss, gradient = self.network.gradient(w, *self.batch())
        return float(loss), gradient

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """The next 32 training examples: inputs (features, 32), targets (classes, 32)."""
        if self._order.size < BATCH:
            self._order = self._rng.permutation(len(self._parts["train"][0]))
        now, self._order = self._order[:BATCH], self._order[BATCH:]
        x, targets = self._parts["train"]
        return x[now].T, targets[now].T

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
