"""Data sets: the facts that the lessons rely on."""

import subprocess
import sys

import numpy as np
import pytest

from lrlesson.data import breast_cancer, descr, diabetes, digits, wine_raw, zipf

ALL = [digits, diabetes, wine_raw, breast_cancer, zipf, descr]


@pytest.mark.parametrize("load", ALL)
def test_every_set_holds_examples_in_columns_that_cannot_be_overwritten(load):
    data = load()
    for part in ("train", "test"):
        x, y = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
        if x is None:
            assert y is None
            continue
        assert x.shape == (data.features, y.size)
        assert np.isfinite(x).all()
        assert not x.flags.writeable
        assert not y.flags.writeable
    targets = data.targets()
    assert targets.shape == (data.classes or 1, data.n)
    if data.classes:
        assert (targets.sum(axis=0) == 1).all()
        assert (targets.argmax(axis=0) == data.y_train).all()
    assert data.name in repr(data)


def test_digits_are_split_and_scaled_as_the_table_says():
    data = digits()
    assert (data.n, data.y_test.size, data.features, data.classes) == (1347, 450, 64, 10)
    assert data.x_train.std() == pytest.approx(1)
    np.testing.assert_allclose(data.x_train.mean(axis=1), 0, atol=1e-12)
    assert digits(scale="pixels/16").x_train.std() == pytest.approx(0.2704, abs=5e-5)
    assert np.ptp(digits(scale="pixels").x_train) > 16
    np.testing.assert_allclose(digits(scale=3).x_test, 3 * data.x_test)
    np.testing.assert_allclose(data.scaled(3).x_train, 3 * data.x_train)
    shares = np.bincount(data.y_test) / 450 - np.bincount(data.y_train) / 1347
    assert abs(shares).max() < 0.002  # stratified


def test_noisy_labels_change_the_training_labels_only_and_always_the_same():
    clean, noisy = digits(), digits(labels_noise=0.2)
    changed = (clean.y_train != noisy.y_train).mean()
    assert changed == pytest.approx(0.2 * 0.9, abs=0.02)  # one in ten draws its own class
    assert (digits(labels_noise=0.2).y_train == noisy.y_train).all()
    assert (clean.y_test == noisy.y_test).all()
    assert "20% of labels random" in noisy.name


def test_diabetes_is_standardised():
    data = diabetes()
    assert (data.features, data.n, data.classes) == (10, 442, None)
    np.testing.assert_allclose(data.x_train.std(axis=1), 1)
    np.testing.assert_allclose([data.y_train.mean(), data.y_train.std()], [0, 1], atol=1e-12)


def test_wine_has_the_condition_numbers_of_the_table():
    def condition(x):
        curvatures = np.linalg.eigvalsh(x @ x.T)
        return curvatures[-1] / curvatures[0]

    assert condition(wine_raw().x_train) == pytest.approx(1.2e7, rel=0.02)
    assert condition(wine_raw(standardised=True).x_train) == pytest.approx(45.5, abs=0.5)


def test_zipf_has_frequent_and_rare_features():
    data = zipf()
    frequency = data.x_train.mean(axis=1)
    assert set(np.unique(data.x_train)) == {0, 1}
    expected = np.minimum(0.5, 2 / np.arange(1, 301))
    assert (abs(frequency - expected) < 5 * np.sqrt(expected / 3000)).all()
    weights = np.linalg.lstsq(data.x_train.T, data.y_train, rcond=None)[0]
    assert (data.y_train - weights @ data.x_train).std() == pytest.approx(0.1, abs=0.01)
    assert not np.array_equal(zipf(seed=1).x_train, data.x_train)


def test_descriptions_have_the_counts_of_the_table():
    x = descr().x_train
    assert x.shape == (562, 165)
    assert (x.sum(axis=0) == 8).all()
    assert (x > 0).mean() == pytest.approx(0.013, abs=5e-4)
    assert ((x > 0).sum(axis=1) == 1).sum() == 319


def test_first_and_hold_out_take_parts_of_the_training_set():
    data = digits()
    assert data.first(200).x_train.shape == (64, 200)
    parts = data.hold_out(0.2, seed=3)
    assert (parts.n, parts.y_val.size) == (1078, 269)
    columns = np.concatenate([parts.x_train, parts.x_val], axis=1)
    assert np.array_equal(np.sort(columns.sum(axis=0)), np.sort(data.x_train.sum(axis=0)))
    assert "269 for validation" in repr(parts)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: digits(labels_noise=1.5), "digits: labels_noise = 1.5"),
        (lambda: digits(scale=0), "digits: scale = 0"),
        (lambda: digits(scale="tiny"), "digits: scale = 'tiny'"),
        (lambda: digits().first(2000), "n = 2000, expected at most 1347"),
        (lambda: digits().scaled(-1), "k = -1"),
        (lambda: digits().hold_out(1), "fraction = 1"),
        (lambda: zipf(0), "zipf: n = 0"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_library_imports_neither_scikit_learn_nor_matplotlib():
    code = (
        "import sys, lrlesson.losses, lrlesson.data, lrlesson.network, lrlesson.training;"
        "print({'sklearn', 'matplotlib', 'ipywidgets', 'rich', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
