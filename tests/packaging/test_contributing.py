"""The schedule and the optimizer that CONTRIBUTING.md shows work as they stand on the page."""

import re
from pathlib import Path

import numpy as np
import pytest

from lrlesson import Quadratic, Warmup, descend, optimizers, schedules

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def shown(heading: str, module) -> type:
    """The class of a section, defined as it would be in a module of the library."""
    section = PAGE.partition(f"### {heading}")[2]
    code = re.search(r"```python\n(class (\w+).*?)```", section, re.DOTALL)
    namespace = dict(vars(module))
    exec(compile(code[1], f"{code[2]}.py", "exec"), namespace)
    return namespace[code[2]]


@pytest.fixture
def log_decay() -> type:
    return shown("Add a schedule", schedules)


@pytest.fixture
def sign_sgd() -> type:
    return shown("Add an optimizer", optimizers)


def test_the_schedule_has_what_every_schedule_has(log_decay):
    eta = log_decay(0.5, 10)
    assert eta(0) == 0.5
    assert eta(10 * (np.e - 1)) == pytest.approx(0.25)
    np.testing.assert_array_equal(eta.values(30), [eta(t) for t in range(30)])
    assert log_decay([0.1, 0.5], 10).values(30).shape == (2, 30)
    assert (Warmup(0.5, 5) >> eta)(5) == 0.5
    assert "0.5" in eta._repr_latex_()
    with pytest.raises(ValueError, match="k = 0"):
        log_decay(0.5, 0)


def test_the_optimizer_has_what_every_optimizer_has(sign_sgd):
    opt = sign_sgd(momentum=0.0)
    w = np.array([3.0, -2.0])
    state = opt.init(w)
    after = opt.step(w, np.array([100.0, -1e-3]), state, 0.1)
    np.testing.assert_allclose(after, [2.9, -1.9])
    np.testing.assert_array_equal(state.rate, [0.1, 0.1])
    assert r"{0} \cdot m + (1 - {0}) \cdot g" in opt._repr_latex_()
    shrunk = sign_sgd(weight_decay=0.5, decoupled=True)
    np.testing.assert_allclose(shrunk.step(w, 0 * w, shrunk.init(w), 0.1), 0.95 * w)
    history = descend(Quadratic([1.0, 10.0]), [3.0, -2.0], sign_sgd(), 0.01, 1000)
    assert history.losses[..., -1] < 1e-2
    with pytest.raises(ValueError, match="momentum = 1"):
        sign_sgd(momentum=1)


def test_the_files_that_the_page_names_are_there():
    for name in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", PAGE):
        if not re.search(r"NN|inverse_time|04_more_decay|build/", name):
            assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (ROOT / name).exists(), name
