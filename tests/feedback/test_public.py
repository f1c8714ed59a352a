"""Answers after public code are judged rightly, and called what they are or nothing."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from lrlesson.feedback.check.checking import _judge
from lrlesson.feedback.exercises import all_exercises

PUBLIC = tomllib.loads(Path(__file__).with_name("public.toml").read_text(encoding="utf-8"))
ANSWERS = [(id, answer) for id, answers in PUBLIC.items() for answer in answers]
FAMILIES = [
    {"gradient-descent"},
    {"critical-lr", "lr-for-floor"},
    {"step-decay", "gamma-for", "polynomial-decay"},
    {"triangular", "warmup-cosine"},
    {"adagrad", "rmsprop", "adam"},
    {"range-test"},
]


@pytest.mark.parametrize(
    ("id", "answer"), ANSWERS, ids=lambda item: item if isinstance(item, str) else item["after"]
)
def test_a_public_answer_is_called_what_it_is(id, answer):
    exercise = all_exercises()[id]
    result = _judge(exercise, exercise.build(answer["code"]))
    said = "correct" if result.status == "correct" else result.misconception or "unnamed"
    assert said == answer["says"], repr(result)


@pytest.mark.parametrize("family", FAMILIES, ids=min)
def test_every_family_is_well_known(family):
    """At least forty answers of each; of the wrong ones fewer than one in four has no name."""
    said = Counter(answer["says"] for id, answer in ANSWERS if id in family)
    wrong = said.total() - said["correct"]
    assert said.total() >= 40
    assert 4 * said["unnamed"] < wrong
