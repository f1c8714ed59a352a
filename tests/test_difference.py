"""The difference of two schedules: where it is, and what it says."""

import pytest

from lrlesson.schedules import Constant, Cosine, ScheduledDrop, Warmup, WarmupCosine


def test_a_difference_says_where_and_how_much():
    found = ScheduledDrop(0.5, 0.5, [10, 20]) - ScheduledDrop(0.5, 0.5, [10, 23])
    assert found.updates.tolist() == [20, 21, 22]
    said = repr(found)
    assert "differ at 3 of" in said
    assert "first at t = 20, last at t = 22" in said
    assert "a - b = -0.125, at t = 20" in said
    assert "differ at 3 of" in found._repr_html_()


def test_equal_schedules_are_said_to_be_equal():
    joined = WarmupCosine(0.5, 4, 20) - (Warmup(0.5, 4) >> Cosine(0.5, 16))
    assert len(joined.updates) == 0
    assert "are equal at the first 21 updates" in repr(joined)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(TypeError, match="unsupported operand"):
        Constant(0.1) - 0.1
    with pytest.raises(ValueError, match=r"a - b: b = .*a schedule of a single run"):
        Constant(0.1) - Constant([0.1, 0.2])
