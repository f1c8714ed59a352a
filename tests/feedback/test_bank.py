"""The bank of wrong solutions is the mutation test of the checks, and right answers pass them."""

from itertools import combinations

import numpy as np
import pytest

from lrlesson.feedback import check
from lrlesson.feedback.diagnosis import behaviour
from lrlesson.feedback.exercises import all_exercises
from lrlesson.feedback.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.running import alike

EXERCISES = list(all_exercises().values())
WRONG = [(exercise, wrong) for exercise in EXERCISES for wrong in exercise.bank]

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
}

RIGHT = {
    "gradient-descent": {
        "a list that grows": """
def gradient_descent(grad, w0, lr, steps):
    w = np.array(w0, dtype=float)
    path = [w.copy()]
    for _ in range(steps):
        w = w - lr * grad(w)
        path.append(w.copy())
    return np.array(path)
""",
        "in place, on a copy": """
def gradient_descent(grad, w0, lr, steps):
    w = np.array(w0, dtype=float)
    path = np.zeros((steps + 1, w.size))
    for t in range(steps + 1):
        path[t] = w
        w -= lr * grad(w)
    return path
""",
        "recursive": """
def gradient_descent(grad, w0, lr, steps):
    w0 = np.asarray(w0, dtype=float)
    if steps == 0:
        return w0[None].copy()
    return np.vstack([w0, gradient_descent(grad, w0 - lr * grad(w0), lr, steps - 1)])
""",
        "a generator": """
def gradient_descent(grad, w0, lr, steps):
    def points():
        w = np.asarray(w0, dtype=np.float64)
        yield w
        for _ in range(steps):
            w = w - lr * grad(w)
            yield w
    return np.stack(list(points()))
""",
        "accumulate, in library style": """
from itertools import accumulate

def gradient_descent(grad, w0, lr, steps):
    start = np.array(w0, dtype=float)
    return np.array(list(accumulate(range(steps), lambda w, _: w - lr * grad(w), initial=start)))
""",
        "float32 throughout": """
def gradient_descent(grad, w0, lr, steps):
    path = np.empty((steps + 1, len(w0)), dtype=np.float32)
    path[0] = w0
    for t in range(steps):
        path[t + 1] = path[t] - np.float32(lr) * grad(path[t]).astype(np.float32)
    return path
""",
        "prints on the way": """
def gradient_descent(grad, w0, lr, steps):
    path = np.tile(np.asarray(w0, dtype=float), (steps + 1, 1))
    for t in range(1, steps + 1):
        path[t] = path[t - 1] - lr * grad(path[t - 1])
        print(t, path[t])
    return path
""",
    },
    "step-decay": {
        "floor": """
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** np.floor(np.asarray(t) / every)
""",
        "loop over the drops": """
def step_decay(t, lr0, drop, every):
    t = np.array(t)
    rate = np.full(t.shape, float(lr0))
    for k in range(every, int(t.max()) + 1, every):
        rate = np.where(t >= k, rate * drop, rate)
    return rate
""",
        "recursive": """
def step_decay(t, lr0, drop, every):
    if np.ndim(t) > 0:
        return np.array([step_decay(k, lr0, drop, every) for k in t])
    return lr0 if t < every else drop * step_decay(t - every, lr0, drop, every)
""",
        "np.vectorize": """
def _one(t, lr0, drop, every):
    rate = float(lr0)
    while t >= every:
        rate, t = rate * drop, t - every
    return rate

step_decay = np.vectorize(_one)
""",
        "library style": """
class StepDecay:
    def __init__(self, lr0, drop, every):
        self.lr0, self.drop, self.every = lr0, drop, every

    def __call__(self, t):
        return self.lr0 * np.power(self.drop, np.floor_divide(t, self.every))

def step_decay(t, lr0, drop, every):
    return StepDecay(lr0, drop, every)(t)
""",
        "exponential and logarithm": """
def step_decay(t, lr0, drop, every):
    return np.exp(np.log(lr0) + (np.asarray(t) // every) * np.log(drop))
""",
        "float32": """
def step_decay(t, lr0, drop, every):
    return np.float32(lr0) * np.float32(drop) ** (np.asarray(t) // every).astype(np.float32)
""",
        "remembers, and rightly": """
known = {}

def step_decay(t, lr0, drop, every):
    key = str((t, lr0, drop, every))
    if key not in known:
        known[key] = lr0 * drop ** (np.asarray(t) // every)
    return known[key]
""",
    },
}


def name(item: object) -> str:
    return getattr(item, "id", None) or getattr(item, "misconception", "")


@pytest.mark.parametrize(("exercise", "wrong"), WRONG, ids=name)
def test_every_known_mistake_is_wrong_by_its_own_name(exercise, wrong):
    result = check(exercise.id, *exercise.build(wrong.code))
    assert result.status == "wrong"
    assert result.failed
    assert (result.misconception, result.message) == (wrong.misconception, wrong.message)
    assert wrong.message in repr(result)


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
    assert slugs >= LISTED[exercise.id]
    assert len(slugs - LISTED[exercise.id]) >= 5


@pytest.mark.parametrize(("exercise", "wrong"), WRONG, ids=name)
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
    assert result.misconception in {wrong.misconception, None}
    if wrong.misconception not in {"rates-stay-integers", "takes-one-step-only"}:
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


def test_every_number_of_the_catalogue_is_there_once():
    numbers = [m.number for m in MISCONCEPTIONS.values() if m.number is not None]
    assert sorted(numbers) == list(range(1, 33))


@pytest.mark.parametrize("slug", MISCONCEPTIONS)
def test_each_misconception_is_a_slug_and_a_sentence(slug):
    assert slug == slug.lower()
    assert all(part.isalnum() for part in slug.split("-"))
    _, belief, lesson = MISCONCEPTIONS[slug]
    assert belief.endswith(".")
    assert lesson in {f"{n:02}" for n in range(14)}
