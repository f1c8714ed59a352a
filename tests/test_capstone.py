"""Law: every gradient is counted, a memorised rate fails, and the score is that of section 10."""

import csv
import importlib.util
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from lrlesson import Adam, capstone
from lrlesson.capstone import BUDGET, TASKS, BudgetSpent, Score, play, problem, score
from lrlesson.capstone.scoring import oracle
from lrlesson.capstone.tasks import GRADED, PRACTICE, Instance

ROOT = Path(__file__).parents[1]
SMALL = "breast cancer"


def sgd_line(lr):
    """SGD in a straight line from lr to zero."""

    def strategy(problem, budget):
        for t in range(budget):
            problem.step(lr * (1 - t / budget))

    return strategy


def adam_line(problem, budget):
    w, rule = problem.init(), Adam()
    state = rule.init(w)
    for t in range(budget):
        w = rule.step(w, problem.grad(w)[1], state, 0.01 * (1 - t / budget))
    return w


@pytest.fixture(scope="module")
def line():
    return score(sgd_line(0.3), "sgd", range(1))


def test_there_are_twelve_tasks_as_planned():
    assert len(TASKS) == 12
    assert {task.scale for task in TASKS} == {0.1, 0.3, 1, 3, 10}
    assert sum(task.labels_noise == 0.2 for task in TASKS) == 5
    assert {task.network.sizes for task in TASKS} == {(64, 32, 10), (64, 128, 10), (30, 2)}


def test_random_labels_are_among_those_to_train_on_and_those_to_validate_with():
    """The held-out fifth is drawn apart from the random labels; the test labels are all right."""
    clean, noisy = (next(t for t in TASKS if t.labels_noise == share) for share in (0, 0.2))
    for part, low, high in [("train", 0.14, 0.22), ("val", 0.1, 0.26), ("test", 0, 0)]:
        wrong = getattr(clean.data, f"y_{part}") != getattr(noisy.data, f"y_{part}")
        assert low <= wrong.mean() <= high


def test_an_sgd_problem_makes_the_update_that_the_gradient_says():
    task = next(t for t in TASKS if t.name == SMALL)
    one, other = Instance(task, (PRACTICE, 0, 3)), problem("sgd", SMALL, seed=3)
    loss, gradient = one.gradient(one.start)
    assert other.step(0.2) == loss
    np.testing.assert_array_equal(other._w, one.start - np.float32(0.2) * gradient)


def test_both_tracks_meet_the_same_start_and_the_same_batches():
    sgd, free = problem("sgd", SMALL), problem("open", SMALL)
    w = free.init()
    for lr in (0.1, 0.3, 0.2):
        loss, gradient = free.grad(w)
        assert sgd.step(lr) == loss
        w = w - np.float32(lr) * gradient
    assert sgd.val_loss() == free.val_loss(w)


def test_an_epoch_shows_every_example_once():
    task = next(t for t in TASKS if t.name == SMALL)
    one = Instance(task, (PRACTICE, 0, 0))
    seen = np.concatenate([one.batch()[0].T for _ in range(10)])
    assert len(np.unique(seen, axis=0)) == 320


def test_the_budget_counts_steps_and_looks_and_not_resets():
    one = problem("sgd", SMALL)
    for _ in range(BUDGET - 1):
        one.step(0.01)
    one.reset()
    one.val_loss()
    assert one.left == 0
    one.reset()
    for spend in (lambda: one.step(0.1), one.val_loss):
        with pytest.raises(BudgetSpent, match="the budget of 600 is spent"):
            spend()


def test_in_the_open_track_gradients_cost_and_validation_does_not():
    one = problem("open", SMALL)
    w = one.init()
    one.grad(w)
    assert one.val_loss(w) == one.val_loss(w)
    assert one.left == BUDGET - 1
    w[:] = 0
    assert one.init().any(), "the caller's array is the caller's"


def test_reset_goes_back_to_the_start_and_on_to_new_batches():
    one = problem("sgd", SMALL)
    start = one.val_loss()
    first = one.step(0.5)
    assert one.val_loss() != start
    one.reset()
    assert one.val_loss() == start
    assert one.step(0.5) != first


@pytest.mark.parametrize(
    ("lr", "error"),
    [(-0.1, ValueError), (np.nan, ValueError), (np.inf, ValueError), ("1", TypeError),
     (None, TypeError), ([0.1, 0.2], TypeError), (True, TypeError)],
)  # fmt: skip
def test_a_rate_that_is_none_is_refused_and_costs_nothing(lr, error):
    one = problem("sgd", SMALL)
    with pytest.raises(error, match=r"step: lr = .*expected a"):
        one.step(lr)
    assert one.left == BUDGET


@pytest.mark.parametrize("w", [None, "w", np.zeros(3), np.zeros((1, 62)), [[1.0], [1.0, 2.0]]])
def test_weights_that_are_none_are_refused(w):
    one = problem("open", SMALL)
    with pytest.raises(ValueError, match=r"grad: w is .*, expected an array of shape \(62,\)"):
        one.grad(w)
    assert one.left == BUDGET


def test_what_diverges_is_nan_and_then_counts_as_infinitely_bad():
    one = problem("sgd", "digits × 10")
    assert np.isnan([one.step(1e3) for _ in range(50)][-1])
    assert one.val_loss() == np.inf

    def wild(problem, budget):
        for _ in range(50):
            problem.step(1e3)

    done = score(wild, "sgd", range(1))
    assert np.isinf(done.ratios[4, 0])
    assert done.worst == np.inf
    assert done.points(15) == (0.0, 0.0)


def test_unknown_names_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="problem: task = 'mnist', expected one of digits"):
        problem("sgd", "mnist")
    with pytest.raises(ValueError, match="score: track = 'adam', expected 'sgd' or 'open'"):
        score(sgd_line(1), "adam")


def test_seeds_of_practice_and_of_grading_never_meet():
    task = TASKS[2]
    starts = [
        Instance(task, (kind, seed, number)).start[:5].tolist()
        for kind in (PRACTICE, GRADED)
        for seed in (0, 1)
        for number in (0, 1)
    ]
    assert len({tuple(start) for start in starts}) == 8


def test_weights_trained_elsewhere_on_the_same_images_are_of_no_use():
    """Features and classes change places from run to run."""
    one, other = problem("open", "digits × 1", 0), problem("open", "digits × 1", 1)
    trained = adam_line(one, BUDGET)
    assert one.val_loss(trained) < 0.5
    assert other.val_loss(trained) > 3


def test_the_same_seeds_give_the_same_score(line):
    again = score(sgd_line(0.3), "sgd", range(1))
    np.testing.assert_array_equal(again.ratios, line.ratios)


def test_one_rate_is_good_at_one_scale_and_bad_at_another(line):
    by_name = dict(zip((task.name for task in TASKS), line.per_task, strict=True))
    assert by_name["digits × 1"] < 1.5
    assert by_name["digits × 0.1"] > 2
    assert not by_name["digits × 10"] < 5


def test_a_strategy_that_is_given_gradients_can_come_near_the_oracle():
    found = score(adam_line, "open", range(2))
    assert found.r < 1.2
    assert found.worst < 6


@pytest.mark.parametrize(
    ("r", "share"), [(0.9, 1), (1.10, 1), (1.2410, 0.5), (1.40, 0), (3, 0), (np.inf, 0)]
)
def test_r_earns_three_quarters_linear_in_its_logarithm(r, share):
    for_r, for_worst = Score(np.full((12, 5), r)).points(15)
    assert for_r == pytest.approx(0.75 * 15 * share, abs=0.01)
    assert for_worst == (3.75 if r <= 6 else 0)


def test_robustness_is_about_single_runs_and_r_about_medians():
    ratios = np.full((12, 5), 1.05)
    ratios[7, 2] = 6.01
    one = Score(ratios)
    assert one.r == pytest.approx(1.05)
    assert one.points(8) == (6.0, 0.0)
    ratios[7, 2] = 6.0
    assert Score(ratios).points(8) == (6.0, 2.0)


def test_the_table_shows_each_task(line):
    shown = repr(line)
    assert all(task.name in shown for task in TASKS)
    assert "r = " in shown
    assert "over 1 seeds" not in shown


def test_play_gives_the_validation_losses_of_the_seeds_of_grading():
    losses = play("sgd", sgd_line(0.3), seed=4, seeds=1)
    assert len(losses) == 12
    assert losses != play("sgd", sgd_line(0.3), seed=5, seeds=1)


def test_the_oracle_is_what_its_script_measures():
    """The stored setting of the quickest task, run again over the oracle's ten seeds."""
    spec = importlib.util.spec_from_file_location("oracle", ROOT / "benchmarks" / "capstone.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = files(capstone).joinpath("oracle.csv").read_text(encoding="utf-8").splitlines()
    rows = {row["task"]: row for row in csv.DictReader(text)}
    assert list(rows) == [task.name for task in TASKS] == list(oracle())
    for row in rows.values():
        columns = ("SGD linear", "SGD cosine", "Adam linear", "Adam cosine")
        assert min(float(row[c]) for c in columns) == float(row["test loss"])
        assert row["edge of the grid"] == "no"
    row, task = rows[SMALL], TASKS[-1]
    grids = {row["rule"]: np.array([float(row["rate"])])}
    rules = {row["rule"]: script.RULES[row["rule"]]}
    finals = [script.settings(task, seed, grids, rules) for seed in range(10)]
    decay = ("linear", "cosine").index(row["decay"])
    medians = np.median(finals, axis=0)
    assert medians[0, decay, 0] == pytest.approx(oracle()[SMALL], rel=0.01)
