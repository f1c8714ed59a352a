"""Law: every gradient is counted, and points are for judgement: what is pasted earns a third."""

import csv
import importlib.util
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from lrlesson import Adam, capstone
from lrlesson.capstone import BUDGET, TASKS, BudgetSpent, Score, play, problem, score
from lrlesson.capstone.scoring import FULL, LOST, NOTHING, dots, oracle
from lrlesson.capstone.tasks import GRADED, PRACTICE, Instance

ROOT = Path(__file__).parents[1]
SMALL = "tumours, loss ÷ 1000"


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


def named(name):
    return next(task for task in TASKS if task.name == name)


def test_there_are_twelve_tasks_and_most_ask_for_more_than_one_number():
    assert len(TASKS) == 12
    assert {task.scale for task in TASKS} >= {0.1, 1, 3, 10}
    assert {task.budget for task in TASKS} == {BUDGET, 2 * BUDGET}
    odd = [t for t in TASKS if t.few or t.fresh_noise or t.jump != 1 or t.bad != 1 or t.trained]
    assert len(odd) == 9


def test_random_labels_are_only_among_those_to_train_on():
    """The held-out fifth is drawn apart from them; its labels and those to test with are right."""
    clean, noisy = named("digits × 1"), named("noisy, twice the budget")
    for part, low, high in [("train", 0.29, 0.43), ("val", 0, 0), ("test", 0, 0)]:
        right = getattr(clean.data, f"y_{part}")[: getattr(noisy.data, f"y_{part}").size]
        wrong = right != getattr(noisy.data, f"y_{part}")
        assert low <= wrong.mean() <= high


@pytest.mark.parametrize("name", ["loss × 1000", "loss ÷ 1000"])
def test_a_loss_changes_its_unit_once_and_no_reset_changes_it_back(name):
    one = problem("sgd", name)
    first = one.step(0.0)
    losses = np.array([one.step(0.0) for _ in range(120)]) / first
    one.reset()
    jump = named(name).jump
    assert one.step(0.0) / first == pytest.approx(jump, rel=0.5)
    (at,) = np.flatnonzero(np.abs(np.diff(np.log10(losses))) > 2)
    assert 0.06 * BUDGET - 2 <= at <= 0.15 * BUDGET
    assert problem("open", name, 5)._instance.factors.argmax() != at, "another moment each time"


def test_bad_batches_come_late_and_are_few():
    one = problem("open", "deep, bad batches")._instance
    assert not one.bad[: BUDGET // 3].any()
    assert 0.01 < one.bad.mean() < 0.06
    np.testing.assert_allclose(one.factors, np.where(one.bad, 50, 1) * 0.01)


def test_labels_that_are_drawn_anew_leave_noise_at_any_weights():
    one = problem("open", "noise that stays")
    w = adam_line(problem("open", "noise that stays"), BUDGET)
    losses = [one.grad(w)[0] for _ in range(100)]
    assert one.left == BUDGET - 100
    assert np.mean(losses) > 1.3 * one.val_loss(w)


def test_a_trained_start_knows_the_digits_in_any_disguise():
    for seed in range(3):
        one = problem("open", "trained, few and noisy", seed)
        assert one.val_loss(one.init()) < 0.5


def test_an_sgd_problem_makes_the_update_that_the_gradient_says():
    task = named(SMALL)
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
    task = named(SMALL)
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
    assert np.isinf(done.ratios[2, 0])
    assert done.worst == np.inf
    assert done.lost == 12
    assert done.points(15) == 0.0


def test_unknown_names_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="problem: task = 'mnist', expected one of digits"):
        problem("sgd", "mnist")
    with pytest.raises(ValueError, match="score: track = 'adam', expected 'sgd' or 'open'"):
        score(sgd_line(1), "adam")


def test_seeds_of_practice_and_of_grading_never_meet():
    task = TASKS[1]
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
    assert line.ratios[2, 0] > 5


@pytest.mark.parametrize(
    ("r", "share"),
    [(0.9, 1), (FULL, 1), (np.sqrt(FULL * NOTHING), 0.5), (NOTHING, 0), (3, 0), (np.inf, 0)],
)
def test_points_are_linear_in_the_logarithm_of_r(r, share):
    assert Score(np.full((12, 5), r)).points(15) == pytest.approx(15 * share, abs=0.01)


def test_a_lost_run_costs_its_own_share_and_that_of_the_one_that_repeats_it():
    """One of twelve, all others at FULL: two twelfths; a single seed of five: a fifth of that."""
    ratios = np.full((12, 5), FULL)
    for lost, cost in [(np.s_[7], 2 / 12), (np.s_[7, 2], 2 / 60)]:
        some = ratios.copy()
        some[lost] = np.inf
        assert Score(some).points(12) == pytest.approx(12 * (1 - cost), abs=0.01)
    some[7, 2] = LOST
    assert Score(some).points(12) == pytest.approx(12 * (1 - 2 / 60), abs=0.01)


def test_r_is_shown_with_its_spread_over_the_seeds():
    ratios = np.full((12, 2), 1.5)
    ratios[:, 1] = 1.6
    assert Score(ratios).spread == pytest.approx((1.5, 1.6))
    assert "r = 1.55 (1.50 to 1.60 over 2 seeds), 0 of 24 runs lost" in repr(Score(ratios))


def test_each_task_has_a_dot_where_it_stands(line):
    lines = dots(line)
    assert [row.split("  ")[0].strip() for row in lines[1:]] == [task.name for task in TASKS]
    assert len({len(row) for row in lines}) == 1
    best, lost, some = (
        row[25:] for row in dots(Score(np.r_[[[1.0], [np.inf]], [[1.5]] * 10]))[1:4]
    )
    assert best.strip().startswith("●")
    assert "×" in lost
    assert best.index("●") < some.index("●") < lost.index("×")
    assert "r = " in repr(line)


@pytest.mark.slow
@pytest.mark.parametrize("track", ["sgd", "open"])
def test_what_lessons_and_solutions_show_earns_at_most_a_third_and_a_search_nearly_all(track):
    """And the points hang on the strategy: two disjoint sets of three seeds."""
    for name, strategy in script().SHOWN[track].items():
        assert score(strategy, track, range(100, 102)).points(1) <= 1 / 3, name
    expert = script().EXPERTS[track]
    sets = [score(expert, track, range(k, k + 3)).points(1) for k in (100, 200)]
    assert min(sets) > 0.75
    assert max(sets) - min(sets) < 1 / 12


def test_play_gives_the_validation_losses_of_the_seeds_of_grading():
    losses = play("sgd", sgd_line(0.3), seed=4, seeds=1)
    assert len(losses) == 12
    assert losses != play("sgd", sgd_line(0.3), seed=5, seeds=1)


def script():
    spec = importlib.util.spec_from_file_location("oracle", ROOT / "benchmarks" / "capstone.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_oracle_is_what_its_script_measures():
    """The stored setting of the quickest task, run again over the oracle's seeds."""
    text = files(capstone).joinpath("oracle.csv").read_text(encoding="utf-8").splitlines()
    rows = {(row["task"], row["track"]): row for row in csv.DictReader(text)}
    assert list(rows) == [(task.name, track) for task in TASKS for track in ("sgd", "open")]
    for track in ("sgd", "open"):
        assert list(oracle(track)) == [task.name for task in TASKS]
    assert all(oracle("open")[name] <= known for name, known in oracle("sgd").items())
    row, task, made = rows[SMALL, "sgd"], named(SMALL), script()
    grids = {"SGD": np.array([float(row["rate"])])}
    found = [made.settings(task, seed, grids, {"SGD": made.RULES["SGD"]}) for seed in range(4)]
    assert np.exp(np.log(found).mean()) == pytest.approx(oracle("sgd")[SMALL], rel=0.01)
