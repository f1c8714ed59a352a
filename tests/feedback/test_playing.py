"""check for the capstone: it measures, says what is lacking, and survives whatever is handed in."""

from pathlib import Path

import nbformat
import numpy as np
import pytest

from lrlesson import Adam
from lrlesson.feedback import check, hint, progress, solution, summary
from lrlesson.feedback.check import capstone_check
from lrlesson.feedback.check.capstone_tracks import CHALLENGES
from lrlesson.feedback.progress import Incomplete
from lrlesson.feedback.record import load


@pytest.fixture(autouse=True)
def one_seed(monkeypatch):
    monkeypatch.setattr(capstone_check, "SEEDS", (0,))


def scaled(problem):
    """A rate that is different on each task: where the first loss of a step lies."""
    return 0.001 * problem.step(0)


def stub(problem, budget):
    raise NotImplementedError("your answer goes here")


@pytest.mark.parametrize("answer", [None, ..., stub])
def test_a_stub_is_not_attempted(answer):
    result = check("capstone-sgd", answer)
    assert result.status == "not attempted"
    assert load()["exercises"]["capstone-sgd"] == {"status": "not attempted"}


def test_one_rate_for_all_is_called_by_its_name():
    def strategy(problem, budget):
        for _ in range(3):
            problem.step(0.1)

    result = check("capstone-sgd", strategy)
    assert (result.status, result.misconception) == ("not yet", "universal-rate")
    assert result.failed == ["r"]
    assert "the same rates on every task" in repr(result)
    assert "digits × 0.1" in repr(result)
    assert "Worth 0 of 15 points" in repr(result)


def test_a_rate_that_never_falls_is_called_by_its_name():
    def strategy(problem, budget):
        lr = scaled(problem)
        problem.reset()
        for _ in range(60):
            problem.step(lr)

    result = check("capstone-sgd", strategy)
    assert result.misconception == "constant-rate-settles"
    assert "as large at the end" in repr(result)


def test_what_is_left_of_the_budget_is_said():
    def strategy(problem, budget):
        lr = scaled(problem)
        for t in range(100):
            problem.step(lr * (1 - t / 100))

    result = check("capstone-sgd", strategy)
    assert result.misconception is None
    assert "More than a quarter of the budget was left" in repr(result)


def test_lost_runs_are_counted_with_what_they_cost():
    def strategy(problem, budget):
        problem.reset()
        lr = 1e4 + scaled(problem)
        for t in range(460):
            problem.step(lr * (1 - t / 460))

    result = check("capstone-sgd", strategy)
    assert "12 of 12 runs lost" in repr(result)
    assert "each costs what it could have earned and as much again" in repr(result)


def test_a_habit_of_practice_gets_a_diagnosis():
    """Adam at 0.001 with a cosine: what it lacks first, in a sentence, and where it stands."""

    def strategy(problem, budget):
        w, rule = problem.init(), Adam()
        state = rule.init(w)
        for t in range(budget):
            lr = 0.0005 * (1 + np.cos(np.pi * t / budget))
            w = rule.step(w, problem.grad(w)[1], state, lr)
        return w

    said = repr(check("capstone-open", strategy))
    assert "Adam at 0.001, say) is far too small" in said
    assert "×" in said


def test_a_strategy_that_never_goes_back_is_told_so():
    """It tries large rates, and trains on with the weights that they have broken."""

    def strategy(problem, budget):
        losses = [problem.step(lr) for lr in np.geomspace(1e-4, 10, 60)]
        lr = 0.1 / (1 + losses[0])  # not the same on every task
        for t in range(20):
            problem.step(lr * (1 - t / 20))

    said = repr(check("capstone-sgd", strategy))
    assert "It never calls reset()" in said
    assert max(map(len, said.splitlines())) < 120


def test_a_division_by_zero_is_not_called_a_rate():
    def strategy(problem, budget):
        here, t = problem.init(), 0
        return here - problem.grad(here)[1] / (1 - 0.9**t)

    assert "look for a division by zero" in repr(check("capstone-open", strategy))


def test_an_error_is_placed_in_the_learners_own_line():
    """Not in the line of the library that raises it."""

    def strategy(problem, budget):
        for _ in range(budget + 1):
            problem.step(0.0)

    said = repr(check("capstone-sgd", strategy))
    assert "BudgetSpent: the budget of 600 is spent, at the line `problem.step(0.0)`" in said


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        (lambda problem, budget: problem.grad(3), "raised AttributeError"),
        (lambda problem: problem.step(1), "raised TypeError"),
        (lambda problem, budget: [problem.step(0.0) for _ in range(601)], "BudgetSpent"),
        (lambda problem, budget: problem.step("fast"), "expected a number"),
        (7, "a function is expected"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(strategy, said):
    result = check("capstone-sgd", strategy)
    assert result.status == "wrong"
    assert result.failed == ["runs"]
    assert said in repr(result)


def test_an_answer_of_the_open_track_has_to_be_weights():
    assert "expected an array of shape" in repr(
        check("capstone-open", lambda problem, budget: problem.left)
    )
    result = check("capstone-open", lambda problem, budget: problem.init())
    assert result.status == "not yet"
    assert "of the budget was left" in repr(result)


def test_an_endless_strategy_is_stopped(monkeypatch):
    monkeypatch.setattr(capstone_check, "SECONDS", 0.5)

    def strategy(problem, budget):
        while True:
            problem.reset()

    result = check("capstone-sgd", strategy)
    assert result.status == "wrong"
    assert "was stopped" in repr(result)


def test_what_it_prints_is_hidden(capsys):
    def strategy(problem, budget):
        print("loud")

    assert "printed while it was checked is hidden" in repr(check("capstone-sgd", strategy))
    assert capsys.readouterr().out == ""


def test_what_the_solutions_show_is_on_the_scale_and_earns_a_third_at_most():
    """The shorter one; the stored solutions hold both, on four seeds."""
    challenge = CHALLENGES["capstone-open"]
    namespace = {"np": np}
    exec(challenge.reference, namespace)
    result = check("capstone-open", namespace["open_strategy"])
    assert result.status == "correct", repr(result)
    assert 0 < result.earned <= 9 / 3
    assert f"{result.earned:g} of 9 points here" in repr(result)
    assert "Most is to be gained on the task" in repr(result)
    assert f"{result.earned:g} of 9" in repr(summary("capstone-open"))
    assert f"{result.earned:g} of 24" in repr(progress())


def test_summary_counts_parts_of_the_points_and_is_incomplete(capsys):
    check("capstone-open", lambda problem, budget: problem.init())
    with pytest.raises(Incomplete, match="capstone-sgd is not checked, capstone-open is not yet"):
        summary("capstone-sgd", "capstone-open")
    assert "0 of 15" in capsys.readouterr().out


def test_help_is_there_as_for_any_exercise():
    assert "Hint 1 of 3" in repr(hint("capstone-sgd"))
    assert "Not yet" in repr(solution("capstone-sgd"))
    assert "def sgd_strategy" in repr(solution("capstone-sgd", give_up=True))
    assert "capstone open" in repr(progress())


def test_the_notebook_and_the_references_agree():
    """The solutions hold what `solution` shows."""
    path = Path(__file__).parents[2] / "solutions" / "19_exercise_capstone.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    for challenge in CHALLENGES.values():
        (answer,) = [c for c in cells if c.metadata.get("lrlesson", {}).get("role") == "answer"
                     and c.metadata["lrlesson"]["exercise"] == challenge.id]  # fmt: skip
        lines = {line.strip() for line in answer.source.splitlines()}
        wanted = {line.strip() for line in challenge.reference.splitlines()[2:]}
        assert wanted <= lines
