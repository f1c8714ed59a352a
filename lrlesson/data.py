"""Real data, small enough to train on in a blink.

Every data set comes with scikit-learn, so nothing is downloaded. Examples are columns: inputs
have shape (features, n). Statistics used for scaling are those of the training set, since the
scale of the inputs sets the scale of a good learning rate.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from lrlesson.base.fields import (
    COUNT,
    FRACTION,
    POSITIVE,
    POSITIVE_COUNT,
    checked,
    checked_bool,
    refusal,
)


@dataclass(frozen=True, eq=False, repr=False)
class Data:
    """A data set. y holds class numbers (integers) or, for regression, numbers (floats).

    x_train (features, n), y_train (n,); likewise x_test, y_test and, after `hold_out`, x_val,
    y_val, or None where there is no such part.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    x_val: np.ndarray | None = None
    y_val: np.ndarray | None = None
    classes: int | None = None  # how many there are; None for regression

    def __post_init__(self) -> None:
        if self.classes is None and self.y_train.dtype.kind == "i":
            object.__setattr__(self, "classes", int(self.y_train.max()) + 1)

    @property
    def n(self) -> int:
        """The number of training examples."""
        return self.x_train.shape[1]

    @property
    def features(self) -> int:
        return self.x_train.shape[0]

    def targets(self, part: str = "train") -> np.ndarray:
        """What the outputs should be: one-hot columns (classes, n), or (1, n) for regression."""
        y = getattr(self, f"y_{part}")
        if self.classes is None:
            return y[None, :]
        return (np.arange(self.classes)[:, None] == y).astype(float)

    def first(self, n: int) -> "Data":
        """The same data with only the first n training examples."""
        n = checked("Data.first", "n", n, POSITIVE_COUNT, runs=False)
        if n > self.n:
            raise ValueError(refusal("Data.first", "n", n, f"at most {self.n}, the training set"))
        return replace(self, x_train=self.x_train[:, :n], y_train=self.y_train[:n])

    def only(self, classes: Any, n: int | None = None, seed: int = 0) -> "Data":
        """The same data with only the examples of some classes, a class number or several, of
        which n are drawn at random for training (all by default). The number of outputs stays.
        """
        kept = self._classes_among(classes)
        parts: dict[str, Any] = {}
        for part in ("train", "test", "val"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if x is not None:
                chosen = np.flatnonzero(np.isin(y, kept))
                if part == "train" and n is not None:
                    n = checked("Data.only", "n", n, POSITIVE_COUNT, runs=False)
                    if n > chosen.size:
                        expected = f"at most {chosen.size}, all of these classes"
                        raise ValueError(refusal("Data.only", "n", n, expected))
                    seed = checked("Data.only", "seed", seed, COUNT, runs=False)
                    chosen = np.random.default_rng(seed).permutation(chosen)[:n]
                parts |= {f"x_{part}": x[:, chosen], f"y_{part}": y[chosen]}
        return replace(self, **parts)

    def _classes_among(self, classes: Any) -> np.ndarray:
        expected = "one or several of the data's class numbers"
        kept = np.atleast_1d(np.asarray(list(classes) if np.iterable(classes) else classes))
        if self.classes is None:
            raise ValueError(f"Data.only: {self.name} has no classes")
        if kept.dtype.kind != "i" or not kept.size or not np.isin(kept, self.y_train).all():
            raise ValueError(refusal("Data.only", "classes", classes, expected))
        return kept

    def joined(self, other: "Data") -> "Data":
        """The examples of both, part by part where both have the part: new beside old ones."""
        if not isinstance(other, Data):
            raise TypeError(refusal("Data.joined", "other", other, "a Data"))
        mine, its = (self.features, self.classes), (other.features, other.classes)
        if mine != its:
            expected = f"one with {self.features} features and {self.classes} classes"
            raise ValueError(refusal("Data.joined", "other", other, expected))
        parts: dict[str, Any] = {}
        for name in ("x_train", "y_train", "x_test", "y_test", "x_val", "y_val"):
            a, b = getattr(self, name), getattr(other, name)
            parts[name] = None if a is None or b is None else np.concatenate([a, b], axis=-1)
        return replace(self, name=f"{self.name} and {other.name}", **parts)

    def scaled(self, k: float) -> "Data":
        """The same data with all inputs times k."""
        k = checked("Data.scaled", "k", k, POSITIVE, runs=False)
        x_train, x_test, x_val = (
            None if x is None else x * k for x in (self.x_train, self.x_test, self.x_val)
        )
        assert x_train is not None
        return replace(self, x_train=x_train, x_test=x_test, x_val=x_val)

    def hold_out(self, fraction: float = 0.2, seed: int = 0) -> "Data":
        """The same data with a random part of the training set held out for validation."""
        fraction = checked("Data.hold_out", "fraction", fraction, FRACTION, runs=False)
        order = np.random.default_rng(seed).permutation(self.n)
        val, train = np.split(order, [max(1, round(fraction * self.n))])
        return replace(
            self,
            x_train=self.x_train[:, train],
            y_train=self.y_train[train],
            x_val=self.x_train[:, val],
            y_val=self.y_train[val],
        )

    def __repr__(self) -> str:
        kind = "regression" if self.classes is None else f"{self.classes} classes"
        parts = [f"{self.n} examples"]
        parts += [f"{y.size} for validation" for y in [self.y_val] if y is not None]
        parts += [f"{y.size} for testing" for y in [self.y_test] if y is not None]
        return f"<{self.name}: {self.features} features, {kind}, {', '.join(parts)}>"


def digits(labels_noise: float = 0.0, scale: float | str = 1.0) -> Data:
    """DIGITS: 8 × 8 images of handwritten digits, 1347 to train on and 450 to test.

    labels_noise: the share of training labels replaced by a random class (0.2 in the lessons).
    scale: a factor on inputs of standard deviation 1 (one for all pixels, since some pixels never
    change); or "pixels/16" or "pixels", which only subtract the mean and keep the grey values as
    0 … 1 or 0 … 16.
    """
    noise = checked("digits", "labels_noise", labels_noise, FRACTION, runs=False)
    x, y, x_test, y_test = _halves("digits")
    mean = x.mean(axis=1, keepdims=True)
    x, x_test = x - mean, x_test - mean
    if isinstance(scale, str):
        if scale not in ("pixels/16", "pixels"):
            raise ValueError(refusal("digits", "scale", scale, "a factor, 'pixels/16' or 'pixels'"))
        factor = 1 / 16 if scale == "pixels/16" else 1.0
    else:
        factor = checked("digits", "scale", scale, POSITIVE, runs=False) / x.std()
    name = "digits"
    if noise:
        y = _noisy_labels(y, noise)
        name += f", {noise:.0%} of labels random"
    return _frozen(Data(name, x * factor, y, x_test * factor, y_test))


def _noisy_labels(y: np.ndarray, share: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    chosen = rng.permutation(y.size)[: round(share * y.size)]
    noisy = y.copy()
    noisy[chosen] = rng.integers(y.max() + 1, size=chosen.size)
    return noisy


def diabetes() -> Data:
    """DIABETES: 442 patients, 10 measurements, how the disease went on a year later.

    Inputs and target have mean 0 and standard deviation 1, so that a linear model needs no bias.
    """
    x, y = _bundled("diabetes")
    return _frozen(Data("diabetes", _standard(x), _standard(y.astype(float))))


def wine_raw(standardised: bool = False) -> Data:
    """WINE-RAW: 178 wines of 3 growers, 13 measurements in their own units, only centred.

    The units differ so much that the condition number is 1.2·10⁷; 45 when standardised.
    """
    checked_bool("wine_raw", "standardised", standardised)
    x, y = _bundled("wine")
    centred = x - x.mean(axis=1, keepdims=True)
    name = "wine, standardised" if standardised else "wine, raw units"
    return _frozen(Data(name, _standard(x) if standardised else centred, y))


def breast_cancer() -> Data:
    """569 tumours, 30 measurements, benign or malign; standardised, a quarter for testing."""
    x, y, x_test, y_test = _halves("breast_cancer")
    mean, std = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    return _frozen(Data("breast cancer", (x - mean) / std, y, (x_test - mean) / std, y_test))


def zipf(n: int = 3000, seed: int = 0) -> Data:
    """ZIPF: 300 binary features, few of them frequent, and a linear target.

    The i-th feature is present with probability min(½, 2/i). The weights behind the target are
    drawn from N(0, 1), its noise has standard deviation 0.1.
    As many examples to test on, whose targets carry no noise.
    """
    n = checked("zipf", "n", n, POSITIVE_COUNT, runs=False)
    rng = np.random.default_rng(checked("zipf", "seed", seed, COUNT, runs=False))
    frequency = np.minimum(0.5, 2 / np.arange(1, 301))[:, None]
    x, x_test = (rng.random((2, 300, n)) < frequency).astype(float)
    weights = rng.standard_normal(300)
    y = weights @ x + 0.1 * rng.standard_normal(n)
    return _frozen(Data("zipf", x, y, x_test, weights @ x_test))


def descr() -> Data:
    """DESCR: which of six data sets a scrap of 8 words describes, by the words it holds.

    The text is that of scikit-learn's own descriptions. 165 scraps, 562 different words, of which
    319 occur in one scrap only; an input is the number of times a word occurs.
    """
    sources = ["iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud"]
    scraps, labels = [], []
    for label, source in enumerate(sources):
        words = re.findall("[a-z]{3,}", _load(source).DESCR.lower())
        for start in range(0, len(words) - 7, 8):
            scraps.append(Counter(words[start : start + 8]))
            labels.append(label)
    vocabulary = sorted(set().union(*scraps))
    x = np.array([[float(scrap[word]) for scrap in scraps] for word in vocabulary])
    return _frozen(Data("descriptions", x, np.array(labels)))


def _load(name: str) -> Any:
    from sklearn import datasets  # a second to import, so only when data are asked for

    loader: Callable[[], Any] = getattr(datasets, f"load_{name}")
    return loader()


@cache
def _bundled(name: str) -> tuple[np.ndarray, np.ndarray]:
    bunch = _load(name)
    return np.ascontiguousarray(bunch.data.T), bunch.target


@cache
def _halves(name: str) -> tuple[np.ndarray, ...]:
    """Three quarters to train on and one to test, with the classes in the same proportions."""
    from sklearn.model_selection import train_test_split

    x, y = _bundled(name)
    split = train_test_split(x.T, y, test_size=0.25, stratify=y, random_state=0)
    x_train, x_test, y_train, y_test = split
    return x_train.T, y_train, x_test.T, y_test


def _standard(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)


def _frozen(data: Data) -> Data:
    """The same data, with arrays that cannot be written to by accident."""
    for value in vars(data).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return data
