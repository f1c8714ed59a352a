"""The bank of wrong solutions is the mutation test of the checks, and right answers pass them."""

import time
import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from lrlesson.feedback import check
from lrlesson.feedback.check.checking import _judge
from lrlesson.feedback.check.diagnosis import _known, behaviour
from lrlesson.feedback.check.running import alike
from lrlesson.feedback.exercises import all_exercises
from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS

LESSONS = Path(__file__).parents[2] / "notebooks"
EXERCISES = list(all_exercises().values())
WRONG = [(exercise, wrong) for exercise in EXERCISES for wrong in exercise.bank]
IN_FUNCTIONS = [(e, w) for e, w in WRONG if e.names[0].islower() and len(e.names) == 1]

# What the course's plan lists for each, and how many more there must be.
LISTED = {
    "gradient-descent": {
        "changes-the-callers-array",
        "stores-the-same-array",
        "start-missing",
        "one-step-short",
        "climbs",
        "integers-stay-integers",
    },
    "step-decay": {
        "drops-one-step-early",
        "drops-one-step-late",
        "decays-continuously",
        "subtracts-the-drop",
        "drops-only-once",
        "drop-is-removed-share",
        "rounds-the-interval",
        "takes-one-step-only",
        "decays-the-decayed-rate",
    },
    "critical-lr": {
        "limit-is-one-over-curvature",
        "trace-limits",
        "flattest-limits",
        "diagonal-is-curvature",
    },
    "lr-for-floor": {
        "small-rate-formula",
        "sigma-not-squared",
        "floor-of-a-rate",
        "upside-down",
        "limit-for-floor",
    },
    "gamma-for": {"epoch-factor-per-step", "linear-share", "counts-the-gaps"},
    "polynomial-decay": {
        "climbs-after-the-end",
        "end-as-a-floor",
        "end-added-on-top",
        "whole-quotient",
        "ends-one-step-early",
    },
    "triangular": {
        "step-size-is-a-cycle",
        "peak-one-late",
        "peak-one-early",
        "starts-at-the-peak",
        "sawtooth",
        "amplitude-is-the-maximum",
        "whole-quotient",
    },
    "warmup-cosine": {
        "first-step-wasted",
        "cosine-from-the-start",
        "no-warmup-crashes",
        "ramp-times-cosine",
        "climbs-after-the-end",
    },
    "adagrad": {
        "eps-inside-the-root",
        "used-before-updated",
        "sums-absolute-values",
        "no-root",
        "one-number-for-all-weights",
        "changes-the-weights-in-place",
        "changes-the-gradient-in-place",
        "no-eps",
        "divides-twice",
    },
    "rmsprop": {
        "rho-swapped",
        "share-missing",
        "eps-inside-the-root",
        "averages-the-gradient",
        "still-adagrad",
    },
    "adam": {
        "no-correction",
        "only-m-corrected",
        "only-v-corrected",
        "eps-inside-the-root",
        "betas-swapped",
        "counts-from-zero",
        "counts-from-two",
        "averages-the-gradient",
        "always-the-first-step",
    },
    "range-test": {
        "linear-sweep",
        "restarts-every-time",
        "never-stops",
        "changes-the-callers-array",
        "first-rate-skipped",
    },
}

RIGHT = tomllib.loads(Path(__file__).with_name("right.toml").read_text(encoding="utf-8"))


def name(item: object) -> str:
    return getattr(item, "id", None) or getattr(item, "misconception", "")


@pytest.mark.parametrize(("exercise", "wrong"), WRONG, ids=name)
def test_every_known_mistake_is_wrong_by_its_own_name(exercise, wrong):
    answers = exercise.build(wrong.code)
    begin = time.process_time()
    result = check(exercise.id, *answers)
    assert time.process_time() - begin < 1
    assert result.status == "wrong"
    assert result.failed
    assert (result.misconception, result.message) == (wrong.misconception, wrong.message)
    assert wrong.message in repr(result)


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_a_check_answers_at_once(exercise):
    """In under 0.3 s of computing, the first one of a kernel in under 1 s, with or without name."""
    unknown = exercise.reference.replace("    return ", "    return 1.037 * ", 1)
    _known.clear()
    for code, limit in [(unknown, 1.0), *((wrong.code, 0.3) for wrong in exercise.bank)]:
        answers = exercise.build(code)
        begin = time.process_time()
        _judge(exercise, answers)
        assert time.process_time() - begin < limit, code


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_no_two_wrong_solutions_behave_alike(exercise):
    rows = {}
    for wrong in exercise.bank:
        rows[wrong.code] = [o for row in behaviour(exercise, wrong.code) for o in row]
    for a, b in combinations(rows, 2):
        pairs = zip(rows[a], rows[b], strict=True)
        same = all(alike(x, y, exercise.rtol, exercise.atol) for x, y in pairs)
        assert not same, f"these cannot be told apart:\n{a}\n{b}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_the_reference_is_correct(exercise):
    assert check(exercise.id, *exercise.build(exercise.reference)).status == "correct"


@pytest.mark.parametrize(
    ("id", "style"), [(id, style) for id, codes in RIGHT.items() for style in codes]
)
def test_other_right_solutions_are_correct(id, style):
    result = check(id, *all_exercises()[id].build(RIGHT[id][style]))
    assert result.status == "correct", repr(result)
    assert result.misconception is None


@pytest.mark.parametrize("exercise", [e for e in EXERCISES if e.points], ids=name)
def test_the_bank_is_rich_enough(exercise):
    assert len(RIGHT[exercise.id]) >= 4
    slugs = {wrong.misconception for wrong in exercise.bank}
    listed = LISTED.get(exercise.id, set())
    assert slugs >= listed
    assert len(slugs - listed) >= 5


@pytest.mark.parametrize(("exercise", "wrong"), IN_FUNCTIONS, ids=name)
def test_a_second_fault_does_not_hide_the_first(exercise, wrong):
    """The answer also prints, and fails where it is given an array with more than 20 numbers."""
    (right_name,) = exercise.names
    original = exercise.build(wrong.code)[0]

    def answer(*arguments):
        print("computing")
        if any(np.size(a) > 20 for a in arguments):
            raise MemoryError("too many")
        return original(*arguments)

    answer.__name__ = right_name
    result = check(exercise.id, answer)
    assert result.status == "wrong"
    assert result.misconception in {wrong.misconception, None, "whole-numbers"}
    if exercise.id in {"step-decay", "gradient-descent"} and wrong.misconception not in {
        "rates-stay-integers",  # these show with arrays only, and so after the other fault
        "takes-one-step-only",
        "changes-the-callers-array",
    }:
        assert result.misconception == wrong.misconception


@pytest.mark.parametrize(("exercise", "wrong"), WRONG, ids=name)
def test_no_answer_is_given_away(exercise, wrong):
    result = check(exercise.id, *exercise.build(wrong.code))
    shown = repr(result) + result._repr_html_()
    for line in exercise.reference.splitlines()[1:]:
        if len(line.strip()) > 15:
            assert line.strip() not in shown
    expected = {
        case.text: outcome.shown
        for prop, row in zip(
            exercise.properties, behaviour(exercise, exercise.reference), strict=True
        )
        for case, outcome in zip(prop.cases, row, strict=True)
    }
    for failure in result.failures:
        assert failure.came != expected[failure.case]


@pytest.mark.parametrize("seed", range(20))
def test_an_unknown_mistake_gets_no_name(seed):
    """A wrong name teaches the wrong thing: an answer with odd numbers is only wrong."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.2, 3, size=2)

    def step_decay(t, lr0, drop, every):
        return lr0 * (a * drop) ** ((np.asarray(t) + 17 * b) // (every + 3))

    def gradient_descent(grad, w0, lr, steps):
        path = np.empty((steps + 1, len(w0)))
        path[0] = w0
        for t in range(steps):
            path[t + 1] = path[t] - lr * grad(path[t]) ** 3 / (a + t)
        return path

    for id, answer in [("step-decay", step_decay), ("gradient-descent", gradient_descent)]:
        result = check(id, answer)
        assert result.status == "wrong"
        assert result.misconception is None


def test_the_twelve_exercises_of_the_plan_have_seventy_points():
    points = {e.id: e.points for e in EXERCISES}
    assert (len(LISTED), sum(points[id] for id in LISTED)) == (12, 70)


def test_every_number_of_the_catalogue_is_there_once():
    numbers = [m.number for m in MISCONCEPTIONS.values() if m.number is not None]
    assert sorted(numbers) == list(range(1, 33))


@pytest.mark.parametrize("slug", MISCONCEPTIONS)
def test_each_misconception_is_a_slug_and_a_sentence(slug):
    assert slug == slug.lower()
    assert all(part.isalnum() for part in slug.split("-"))
    _, belief, lesson = MISCONCEPTIONS[slug]
    assert belief.endswith(".")
    assert list(LESSONS.glob(f"{lesson}_*.ipynb"))
