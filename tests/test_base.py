"""The plumbing: how input is refused, how a class body becomes an immutable object."""

import re
from typing import Literal

import numpy as np
import pytest

from lrlesson.base.fields import (
    ANY,
    COUNT,
    FACTOR,
    FRACTION,
    POSITIVE,
    POSITIVE_COUNT,
    RATE,
    AscendingUpdates,
    Frozen,
    Nonnegative,
    Positive,
    PositiveCount,
    checked,
    refusal,
)
from lrlesson.base.schedule import round_of

nan, inf = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (ANY, [0, -1.5, 1e300], [nan, inf, -inf]),
        (RATE, [0, 0.1, 1e9], [-1e-9, nan, inf]),
        (POSITIVE, [1e-300, 5], [0, -1]),
        (FACTOR, [1e-9, 1], [0, 1.0001]),
        (FRACTION, [0, 0.999], [1, -0.1]),
        (COUNT, [0, 7, 7.0], [-1, 0.5]),
        (POSITIVE_COUNT, [1, 7.0], [0, 1.5, nan]),
    ],
    ids=lambda x: x.text if hasattr(x, "text") else "",
)
def test_a_rule_lets_through_what_it_says(rule, good, bad):
    for value in good:
        result = checked("Owner", "x", value, rule)
        assert result == value
        assert type(result) is (int if rule.integer else float)
    for value in bad:
        with pytest.raises(ValueError, match=f"^Owner: x = {value}, expected {rule.text}$"):
            checked("Owner", "x", value, rule)


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), np.array(0.5), 0.5])
def test_any_number_becomes_a_plain_float(value):
    assert type(checked("Owner", "x", value, RATE)) is float


@pytest.mark.parametrize("value", ["1", b"1", None, True, np.True_, 1j, [1j], ["1"], object(), {}])
def test_what_is_no_number_is_a_type_error(value):
    with pytest.raises(TypeError, match="^" + re.escape(f"Owner: x = {value!r}"[:60])):
        checked("Owner", "x", value, RATE)


def test_an_array_becomes_a_read_only_copy():
    mine = np.array([1, 2], dtype=np.int32)
    result = checked("Owner", "x", mine, RATE)
    assert result.dtype == np.float64
    assert not np.shares_memory(mine, result)
    assert not result.flags.writeable
    assert checked("Owner", "x", (1, 2), RATE).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("value", [[[1.0]], [], [1.0, -1.0], [1.0, nan], [[1.0], [1.0, 2.0]]])
def test_an_array_that_breaks_the_rule_is_refused_and_told_of_the_runs(value):
    with pytest.raises((ValueError, TypeError), match=r"^Owner: x = .*one per run$"):
        checked("Owner", "x", value, RATE)


def test_where_one_number_is_asked_for_an_array_is_refused():
    with pytest.raises((ValueError, TypeError), match=r"^Owner: x = \[1, 2\], expected"):
        checked("Owner", "x", [1, 2], RATE, runs=False)


def test_a_refusal_is_one_short_line():
    assert refusal("Owner", "x", -1, "a rate") == "Owner: x = -1, expected a rate"
    long = refusal("Owner", "x", list(range(1000)), "a rate")
    assert len(long) < 130
    assert long.endswith("..., expected a rate")
    array = refusal("Owner", "x", np.eye(3), "a rate")
    assert "\n" not in array


class Thing(Frozen):
    a: Positive
    n: PositiveCount = 2
    kind: Literal["x", "y", True] = "x"
    at: AscendingUpdates = (1, 2)
    maybe: Nonnegative | None = None
    flag: bool = False

    def limits(self):
        yield self.a < 100, "a", "below 100"


class Child(Thing):
    b: Positive = 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"a": 0}, "Thing: a = 0, expected a finite number greater than 0"),
        ({"a": 100}, "Thing: a = 100.*, expected below 100"),
        ({"a": 1, "n": 0}, "Thing: n = 0, expected a whole number, at least 1"),
        ({"a": 1, "n": 1.5}, "Thing: n = 1.5"),
        ({"a": 1, "kind": "z"}, "Thing: kind = 'z', expected one of 'x', 'y', True"),
        ({"a": 1, "kind": 1}, "Thing: kind = 1, expected one of"),
        ({"a": 1, "at": [2, 1]}, "Thing: at = .2, 1., expected one or more update numbers"),
        ({"a": 1, "maybe": -1}, "Thing: maybe = -1"),
        ({"a": 1, "flag": 0}, "Thing: flag = 0, expected True or False"),
        ({"a": [1, 2]}, "Thing: a = .1, 2."),
    ],
    ids=str,
)
def test_fields_are_checked_against_their_annotations(fields, message):
    with pytest.raises((ValueError, TypeError), match="^" + message):
        Thing(**fields)


def test_a_frozen_object_has_value_semantics():
    thing = Thing(1, 5)
    assert thing == Thing(1.0, n=5)
    assert hash(thing) == hash(Thing(1.0, n=5))
    assert thing != Thing(2, 5)
    assert thing != Child(1, 5)
    assert repr(thing) == "Thing(a=1, n=5)"
    assert repr(Child(1, maybe=0, b=4)) == "Child(a=1, maybe=0, b=4)"
    assert type(thing.n) is int
    assert type(thing.a) is float
    for name in ("a", "new"):
        with pytest.raises(AttributeError):
            setattr(thing, name, 1)


def test_a_subclass_inherits_checks_and_limits():
    with pytest.raises(ValueError, match=r"^Child: a = 100.*below 100"):
        Child(100)
    with pytest.raises(ValueError, match=r"^Child: b = 0"):
        Child(1, b=0)


@pytest.mark.parametrize("mult", [1, 1.5, 2, 3])
def test_rounds_begin_exactly_where_the_last_one_ended(mult):
    """The round of every update, against counting them off."""
    length, start, n = 4.0, 0.0, 0
    lasts = length
    for t in range(2000):
        while t >= start + lasts:
            start, n, lasts = start + lasts, n + 1, length * mult ** (n + 1)
        round_n, round_start = round_of(np.array([float(t)]), length, float(mult))
        assert round_n.tolist() == [n]
        assert round_start[0] == pytest.approx(start, rel=1e-12)
