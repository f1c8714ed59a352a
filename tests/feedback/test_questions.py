"""The questions: well made, and every number of ours is one that was measured."""

import re
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest

from lrlesson.data import digits
from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.questions.bank import NUMBERS, all_questions, fresh
from lrlesson.feedback.widgets.forms import Question
from lrlesson.network import net_a
from lrlesson.optimizers import SGD
from lrlesson.training import sweep, train

ROOT = Path(__file__).parents[2]
ALL = list(all_questions().values())
LESSONS = [q for q in ALL if re.match(r"\d\d-", q.id)]
PRETEST = [q for q in ALL if q.id.startswith("pre-")]


def test_the_questions_that_the_first_lessons_need_are_there():
    needed = {"00-q1", *(f"02-q{k}" for k in range(1, 7)), *(f"02-r{k}" for k in range(1, 4))}
    needed |= {f"pre-{k:02}" for k in range(1, 15)}
    assert needed <= set(all_questions())
    assert len(PRETEST) == 14


@pytest.mark.parametrize("question", ALL, ids=lambda q: q.id)
def test_each_question_is_well_made(question):
    assert len({o.text for o in question.options}) == len(question.options)
    assert [o.mistake for o in question.options].count(None) == 1
    assert question.option(question.right).mistake is None
    assert all(o.mistake in MISCONCEPTIONS for o in question.options if o.mistake)
    assert all(o.why.endswith((".", "?")) for o in question.options)
    assert question.ask.endswith("?")
    assert not re.search(r"[{}]", str(question))
    if question.id.startswith("pre-"):
        assert len(question.options) == 4


def test_the_right_answers_stand_in_all_places():
    places = [q.right for q in PRETEST]
    assert all(2 <= places.count(letter) <= 5 for letter in "abcd")


def test_every_pretest_question_is_about_a_misconception_of_the_catalogue():
    for q in PRETEST:
        numbers = [MISCONCEPTIONS[o.mistake].number for o in q.options if o.mistake]
        assert any(number is not None for number in numbers) or q.id == "pre-07", q.id


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


SEEDS = range(60)


@pytest.mark.parametrize("id", [q.id for q in PRETEST])
def test_fresh_versions_are_well_made_and_reproducible(id):
    standard = all_questions()[id]
    seen = set()
    for seed in SEEDS:
        one = fresh(id, seed)
        assert one == fresh(id, seed)
        assert len({o.text for o in one.options}) == len(one.options)
        assert sorted(str(o.mistake) for o in one.options) == sorted(
            str(o.mistake) for o in standard.options
        )
        seen.add(one.ask)
    if id in NUMBERS:
        assert standard.ask not in seen
        assert len(seen) >= 2
    assert len({fresh(id, seed).right for seed in SEEDS}) > 1


def numbers_of(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"\d+(?:\.\d+)?", text)]


def right_text(question: Question) -> str:
    return question.option(question.right).text


@pytest.mark.parametrize("seed", [None, *range(20)])
def test_the_right_numbers_are_right(seed):
    def ask(id: str) -> Question:
        return all_questions()[id] if seed is None else fresh(id, seed)

    q = ask("pre-01")
    w, lr = re.search(r"w = (\S+), the learning rate η = (\S+)\. ", q.ask).groups()
    assert float(right_text(q)) == pytest.approx(float(w) - float(lr) * 2 * float(w))

    q = ask("pre-04")
    curvature = float(re.search(r"and (\d+) in the other", q.ask)[1])
    assert float(right_text(q)) == pytest.approx(2 / curvature, rel=5e-3)

    q = ask("pre-07")
    lr0, drop = (
        float(x) for x in re.search(r"at (\S+) and keeps the share (\S+) ", q.ask).groups()
    )
    every = int(re.search(r"every (\d+) updates", q.ask)[1])
    asked = [int(t) for t in re.findall(r"t = (\d+)", q.ask)[1:]]
    assert asked == [every - 1, every, 2 * every]
    assert numbers_of(right_text(q)) == pytest.approx([lr0 * drop ** (t // every) for t in asked])

    q = ask("pre-08")
    gamma = float(re.search(r"rate by (\S+) once", q.ask)[1])
    n = int(re.search(r"epoch has (\d+) steps", q.ask)[1])
    assert float(right_text(q)) ** n == pytest.approx(gamma, abs=0.01)

    q = ask("pre-11")
    n = int(re.search(r"each of (\d+) steps", q.ask)[1])
    assert numbers_of(right_text(q)) == pytest.approx([n**-0.5])
