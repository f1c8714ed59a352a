"""parsons: every order that does the same is right, and every other one is told where it fails."""

from itertools import permutations

import numpy as np
import pytest

from lrlesson.feedback import parsons, progress
from lrlesson.feedback.exercises import all_exercises
from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.widgets import page
from lrlesson.feedback.widgets.puzzles import PUZZLES, Puzzle

RIGHT = {"training-loop": [5, 2, 9, 7, 1, 4, 6], "adam-step": [8, 3, 10, 6, 1, 9, 4, 7]}


def numbers(puzzle: Puzzle, lines) -> list[int]:
    return [puzzle.shown.index(line) + 1 for line in lines]


def orders(puzzle: Puzzle) -> list[list[int]]:
    """Every order in which each line comes after those that it needs."""

    def extend(done: tuple[str, ...]) -> list[tuple[str, ...]]:
        if len(done) == len(puzzle.lines):
            return [done]
        free = [k for k, need in puzzle.lines.items() if k not in done and set(need) <= set(done)]
        return [order for line in free for order in extend((*done, line))]

    return [numbers(puzzle, order) for order in extend(())]


def program(puzzle: Puzzle, order) -> str:
    body = "\n".join(f"    {puzzle.shown[n - 1]}" for n in order)
    return f"{puzzle.head}\n{body}\n"


def run_adam(order) -> list[np.ndarray]:
    """What five steps of the class with this `step` do."""
    reference = all_exercises()["adam"].reference.partition("    def step")[0]
    step = program(PUZZLES["adam-step"], order).replace("\n", "\n    ")
    (adam,) = all_exercises()["adam"].build(f"{reference}    {step}")
    optimizer, w, points = adam(0.1, 0.9, 0.99, 1e-3), np.zeros(2), []
    for g in np.random.default_rng(0).normal(size=(5, 2)):
        w = optimizer.step(w, g)
        points.append(w)
    return points


def run_loop(order) -> list[float]:
    """The rates that two epochs of three updates use."""
    rates: list[float] = []

    def gradient(w, batch):
        rates.append(w)
        return 1.0

    namespace: dict = {}
    exec(program(PUZZLES["training-loop"], order), namespace)
    end = namespace["train"](0.0, lambda t: 0.5**t, gradient, lambda epoch: range(3), 2)
    return [*rates, end]


RUN = {"adam-step": run_adam, "training-loop": run_loop}


@pytest.mark.parametrize("id", PUZZLES)
def test_every_order_that_is_accepted_runs_and_does_the_same(id):
    puzzle = PUZZLES[id]
    expected = RUN[id](RIGHT[id])
    accepted = orders(puzzle)
    assert RIGHT[id] in accepted
    for order in accepted:
        assert parsons(id, order).status == "correct"
        np.testing.assert_allclose(RUN[id](order), expected, rtol=1e-12)


@pytest.mark.parametrize("id", PUZZLES)
def test_two_lines_exchanged_are_right_only_if_they_do_the_same(id):
    expected = RUN[id](RIGHT[id])
    for i, j in permutations(range(len(RIGHT[id])), 2):
        order = list(RIGHT[id])
        order[i], order[j] = order[j], order[i]
        result = parsons(id, order)
        try:
            same = np.allclose(RUN[id](order), expected)
        except Exception:
            same = False
        if result.status == "correct":
            assert same
        else:
            assert result.failed[0] <= max(i, j) + 1


@pytest.mark.parametrize(
    ("id", "line"), [(id, line) for id, p in PUZZLES.items() for line in p.distractors]
)
def test_a_line_that_does_not_belong_is_named_with_its_mistake(id, line):
    puzzle = PUZZLES[id]
    (number,) = numbers(puzzle, [line])
    why, misconception = puzzle.distractors[line]
    assert misconception in MISCONCEPTIONS
    for place in range(len(RIGHT[id]) + 1):
        order = [*RIGHT[id][:place], number, *RIGHT[id][place:]]
        result = parsons(id, order)
        assert result.status == "wrong"
        assert result.failed == [place + 1]
        assert result.misconception == misconception
        assert why in repr(result)


@pytest.mark.parametrize("id", PUZZLES)
def test_what_is_missing_doubled_or_too_early_is_said(id):
    right = RIGHT[id]
    assert "1 line is missing" in repr(parsons(id, right[:-1]))
    assert "Right so far; " in repr(parsons(id, right[:2]))
    assert "there already" in repr(parsons(id, [right[0], right[0]]))
    early = parsons(id, right[::-1])
    assert early.failed == [1]
    assert "another line has to come before it" in repr(early)


def test_the_text_shows_the_lines_and_how_to_answer():
    text = repr(parsons("adam-step"))
    for number, line in enumerate(PUZZLES["adam-step"].shown, 1):
        assert f"{number:3}  {line}" in text
    assert 'parsons("adam-step", [2, 5, …])' in text
    assert parsons("adam-step").status == "not attempted"
    assert repr(parsons("adam-step")) == text


def test_it_is_recorded_and_shown_again(progress_file):
    assert "puzzle adam step" not in repr(progress())
    parsons("adam-step", [1, 2])
    parsons("adam-step", [1, 2])
    parsons("adam-step", RIGHT["adam-step"])
    again = parsons("adam-step")
    assert (again.status, list(again.order)) == ("correct", RIGHT["adam-step"])
    assert "✓ puzzle adam step: correct, 2 different attempts" in repr(progress())
    progress_file.write_text(progress_file.read_text().replace('"order": [', '"order": ["x", '))
    assert parsons("adam-step").status == "not attempted"


@pytest.mark.parametrize("order", [[0], [12], ["1"], [True], [1.0]])
def test_a_number_that_is_no_line_is_refused(order):
    with pytest.raises(ValueError, match="expected numbers from 1 to 11"):
        parsons("adam-step", order)


def test_an_unknown_puzzle_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'adam-step'"):
        parsons("adam step")


def test_the_form_checks_an_order():

    bundle = parsons("adam-step")._repr_mimebundle_()
    assert bundle["text/plain"] == repr(parsons("adam-step"))
    widget = page.opened["adam-step"]
    assert widget.puzzle["lines"] == list(PUZZLES["adam-step"].shown)
    widget._handle_custom_msg({"order": [5]}, [])
    assert "the count would begin anew" in widget.reply
    widget._handle_custom_msg({"order": RIGHT["adam-step"]}, [])
    assert "Correct" in widget.reply
    parsons("adam-step")._repr_mimebundle_()
    assert widget.comm is None
