"""The questions: well made, and every number of ours is one that was measured."""

import re
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lrlesson.data import digits
from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.questions.bank import all_questions, of_lessons, of_test
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.training import sweep, train

ROOT = Path(__file__).parents[2]
ALL = list(all_questions().values())
LESSONS = list(of_lessons().values())
TESTS = {name: of_test(name) for name in ("pre", "post", "later")}
TESTED = [question for test in TESTS.values() for question in test]


@pytest.mark.parametrize("question", ALL, ids=lambda q: q.id)
def test_each_question_is_well_made(question):
    assert len({o.text for o in question.options}) == len(question.options)
    assert [o.mistake for o in question.options].count(None) == 1
    assert question.option(question.right).mistake is None
    assert all(o.mistake in MISCONCEPTIONS for o in question.options if o.mistake)
    assert all(o.why.endswith((".", "?")) for o in question.options)
    assert question.ask.endswith("?")
    assert not re.search(r"[{}]", str(question))
    assert bool(question.idea) == bool(question.lesson) == (question in TESTED)


def test_the_three_tests_ask_for_the_same_five_ideas():
    ideas = [[(q.id[-2:], q.lesson, q.idea) for q in TESTS[name]] for name in ("pre", "later")]
    assert ideas[0] == ideas[1]
    assert len(ideas[0]) == 5
    assert set(ideas[0]) <= {(q.id[-2:], q.lesson, q.idea) for q in TESTS["post"]}


def test_every_lesson_of_the_core_has_a_question_in_the_second_test():
    lessons = [q.lesson for q in TESTS["post"]]
    assert {f"{n:02}" for n in range(1, 13)} <= set(lessons)
    assert {"14", "17"} <= set(lessons)  # weight decay; batch size and scaling
    assert any("momentum" in q.ask for q in TESTS["post"])


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.lower()))


@pytest.mark.parametrize("question", TESTED, ids=lambda q: q.id)
def test_no_question_of_a_test_is_rehearsed(question):
    """Neither in a lesson nor in a test before it: only the idea can be remembered."""
    for other in ALL:
        if other.id == question.id or (question in TESTS["pre"] and other in LESSONS):
            continue
        one, two = words_of(question.ask), words_of(other.ask)
        assert len(one & two) / len(one | two) < 0.45, other.id


def test_the_last_lesson_gives_no_answer_to_the_test_that_follows():
    """No question of the second test is one from memory of lesson 19 in other words."""
    for recall in (q for q in LESSONS if q.id.startswith("19-r")):
        for question in TESTS["post"]:
            shared = [o.mistake for o in question.options if o.mistake]
            assert sum(o.mistake in shared for o in recall.options) <= 1, (recall.id, question.id)


NUMBER = r"\d[\d,]*(?:\.\d+)?"

# Numbers in replies that no lesson writes out, and where they come from: worked out from the
# question's own numbers, or printed by a cell of the lesson.
WORKED_OUT = {
    "00-q1": {"50"},  # 0.5/0.01
    "01-q1": {"0.6"},  # 0.1 · 6
    "02-q2": {"1.000"},  # |1 − 2|²⁰⁰
    "02-q5": {"0.497"},  # printed: the limit of the diabetes data
    "02-q7": {"2.2"},  # printed: a rate of the grid
    "03-q1": {"0.0025", "0.026", "0.17"},  # ησ²/(4 − 2η)
    "03-q2": {"0.0025", "0.010"},
    "05-q3": {"0.13", "0.013", "0.17"},  # drop_time
    "07-r1": {"0.4"},  # 2/5
    "07-r2": {"99"},  # 100 − 1
    "07-r3": {"1.25"},  # lesson 06
    "09-q3": {"3.16", "6.57"},  # (1 − β₁ᵗ)/√(1 − β₂ᵗ)
    "10-q1": {"0.46"},  # printed: the best of seven
    "15-r3": {"0.0001"},  # ηλ
    "18-q1": {"4.02"},  # printed: the largest curvature of the diabetes data
}


def numbers_in(text: str) -> set[str]:
    return {number.replace(",", "") for number in re.findall(NUMBER, text)}


@cache
def lesson(number: str) -> set[str]:
    """The numbers of a lesson, its cells and text, and of the test of its claims."""
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    claims = ROOT / "tests" / "claims" / f"test_lesson_{number}.py"
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells]
    return numbers_in("\n".join([*sources, claims.read_text() if claims.exists() else ""]))


@pytest.mark.parametrize("question", LESSONS, ids=lambda q: q.id)
def test_no_reply_tells_of_a_run_that_no_cell_makes(question):
    """Each number of a reply stands in the question, in its lesson, or in one that is named."""
    whys = " ".join(option.why for option in question.options)
    cited = re.findall(r"lesson (\d\d)", f"{question.ask} {whys} {question.source}")
    named = {question.id[:2], *cited}
    known = numbers_in(" ".join([question.ask, *(option.text for option in question.options)]))
    known |= set.union(*map(lesson, named)) | WORKED_OUT.get(question.id, set())
    assert numbers_in(whys) <= known


@pytest.mark.parametrize("question", ALL, ids=lambda q: q.id)
def test_every_reply_says_what_is_right_and_why_this_is_not(question):
    right = question.option(question.right)
    for letter in question.letters:
        said = " ".join(question.reply(letter))
        assert question.option(letter).why in said
        assert (letter == question.right) != (f"Right: {right.text}." in said)


def test_the_measured_mirror_numbers_hold():
    """Worked out again: steps to come within 1/1000 on a bowl at a fraction of the limit."""
    for fraction, steps in [(0.05, 66), (0.95, 66), (0.25, 10), (0.75, 10), (0.005, 688)]:
        distance, count = 1.0, 0
        while abs(distance) > 1e-3:
            distance, count = distance * (1 - 2 * fraction), count + 1
        assert count == steps
    for fraction, after in [(0.999, 0.670), (1.0, 1.0), (1.001, 1.491)]:
        assert abs(1 - 2 * fraction) ** 200 == pytest.approx(after, abs=5e-4)


def test_what_is_said_of_the_digits_network_holds():
    """00-q1, 02-q3, 02-q4 and 02-q6 speak of net_a() on digits(), of ten seeds."""
    seeds = range(10)
    few = digits().first(500), SGD()
    quick, slow = (
        train(net_a(), *few, lr, epochs, None, range(2), evaluate_every=epochs).train_loss[:, -1]
        for lr, epochs in [(0.1, 100), (0.01, 1000)]
    )
    np.testing.assert_allclose(quick, slow, rtol=0.01)

    race = sweep(net_a(), digits(), SGD(), [0.01, 0.5, 3], 3, seed=seeds)
    loss = race.per_rate(race.train_loss[:, -1])
    assert (loss[0] > 20 * loss[1]).all()
    assert np.isnan(race.per_rate(race.losses[:, -1])[2]).all()


@pytest.mark.slow
def test_what_is_said_of_rises_and_of_pixels_holds():
    seeds = range(10)
    for lr, low, high in [(0.5, 0.3, 0.4), (0.1, 0.03, 0.07), (0.01, 0, 0)]:
        run = train(net_a(), digits(), SGD(), lr, 5, seed=seeds, evaluate_every=1)
        share = (np.diff(run.train_loss[:, 2 * run.per_epoch :]) > 0).mean()
        assert low <= share <= high
        if lr == 0.5:
            assert (run.test_accuracy[:, -1] > 0.94).all()
    rates = np.array([0.056, 0.1, 0.18, 0.32, 0.56, 1, 1.8, 3.2, 5.6, 10])
    best = {}
    for scale in ("pixels/16", "pixels"):
        history = sweep(net_a(), digits(scale=scale), SGD(), rates, 10, seed=seeds)
        loss = history.per_rate(np.where(history.diverged, np.inf, history.train_loss[:, -1]))
        best[scale] = rates[np.median(loss, axis=1).argmin()]
    assert best == {"pixels/16": 3.2, "pixels": 0.18}


def right(id: str) -> str:
    question = all_questions()[id]
    return question.option(question.right).text


def test_the_numbers_of_the_tests_are_right():
    assert abs(1 - 2 * 0.05) == pytest.approx(abs(1 - 2 * 0.95))  # pre-03
    assert float(right("pre-08").split(",")[0]) == pytest.approx(0.9 ** (1 / 42), abs=5e-5)
    assert right("post-01").startswith(f"{100**2:,} η")
    assert abs(1 - 2 * 0.95 / 2) < 0.1  # post-03: half of 0.95 of the limit
    assert np.isclose((0.01 / 10) / (0.02 / 40), 2)  # post-05
    assert float(right("post-06").split(",")[0]) == pytest.approx((0.3 + 2 * 0.03) / 3)
    assert right("post-08") == f"Every {3000 * 128 // 32:,} updates"
    assert float(right("post-16")) == pytest.approx(0.2 * (1 - 0.95))
    eta = 0.0005 * (1 + np.cos(np.pi * np.arange(100_000) / 100_000))
    first, last = (-np.expm1(np.log1p(-0.1 * part).sum()) for part in (eta[:1000], eta[-1000:]))
    assert 0.08 < first < 0.12  # post-15
    assert last < 1e-3 * first
    assert float(right("post-17").split(";")[0]) == pytest.approx(0.1 * 8)
    assert np.isclose(1 - 2 * 0.99 * 1.005, -0.99, atol=1e-3)  # later-03
    assert float(right("later-05")) == pytest.approx(0.4 * 8 / 32)
    assert right("later-08") == f"{100 * np.sqrt(0.01):.0f} %"
