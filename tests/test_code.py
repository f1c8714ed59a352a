"""A schedule as code: what it says, and for which it asks our object.

That the code gives our rates is tests/reference, where each text was executed.
"""

from typing import Any

import numpy as np
import pytest

from lrlesson import schedules
from lrlesson.base.code import BLOCKS
from lrlesson.base.fields import Rate
from lrlesson.base.schedule import Schedule


class Cosine(Schedule):
    """$\\eta_0 / 2$

    A namesake with another formula.
    """

    lr0: Rate

    def eta(self, t: Any) -> Any:
        return self.lr0 / 2 * np.ones_like(t)


@pytest.mark.parametrize("framework", BLOCKS)
def test_any_schedule_has_code_that_python_can_read(framework):
    for eta in (schedules.Cosine(0.1, 100), schedules.Noam(64, 10) * 2, Cosine(0.1)):
        text = eta.code(framework)
        compile(text, framework, "exec")
        assert repr(text) == str(text)
        assert max(map(len, text.splitlines())) <= 100


def test_a_class_of_ones_own_is_asked_whatever_its_name():
    text = Cosine(0.1).code("pytorch")
    assert "CosineAnnealingLR" not in text
    assert "LambdaLR(optimizer, lambda t: eta(t))" in text
    assert f"from {__name__} import Cosine" in text


def test_the_list_of_rates_is_as_long_as_the_training():
    eta = schedules.InverseSqrt(0.1, 10)
    assert "eta.values(500)" in eta.code("optax", 500)
    assert "eta.values(500)" in eta.code("keras", 500)


def test_what_has_no_code_is_refused():
    eta = schedules.Constant(0.1)
    with pytest.raises(ValueError, match=r"code: framework = 'torch', expected one of 'pytorch'"):
        eta.code("torch")
    with pytest.raises(ValueError, match=r"code: updates = 0"):
        eta.code("optax", 0)
    with pytest.raises(ValueError, match=r"expected a schedule of a single run"):
        schedules.Constant([0.1, 0.2]).code("optax")
