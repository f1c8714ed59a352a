"""Ours against the vectors of torch, optax, Keras and transformers, row by row of rosetta.py.

Schedules and runs on fixed gradients agree to 1e-12 of the largest value, runs on the quadratic
and on Rosenbrock's function to 1e-10 of the largest displacement. All vectors are in float64.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from rosetta import (
    AVERAGES,
    CLOSE,
    LR,
    MATRICES,
    METRICS,
    NAMESAKES,
    NOTES,
    OPTIMIZERS,
    OURS,
    PLATEAUS,
    RAMPS,
    RATES,
    SCHEDULES,
    SEARCHES,
    SHAPES,
    STARTS,
    STEPS,
    UNMATCHED_OPTIMIZERS,
    UNMATCHED_PLATEAUS,
    UNMATCHED_SCHEDULES,
    UNROUNDED,
    UPDATES,
    WRITES,
    compared,
    gradient,
    rate_of,
    rates,
    start,
    value,
)

from lrlesson import schedules
from lrlesson.base.schedule import Schedule
from lrlesson.matrices import Muon
from lrlesson.network import MLP
from lrlesson.optimizers import SGD
from lrlesson.schedules import Cosine, OneCycle
from lrlesson.wrappers import Stored

HERE = Path(__file__).parent
with np.load(HERE / "reference.npz") as stored:
    VECTORS = dict(stored)


def vector(*name):
    return VECTORS[" | ".join(name)]


def rows(table):
    """(library, expression, ours) of a table, as test parameters with readable names."""
    return [
        pytest.param(library, expression, ours, id=f"{library}-{expression}")
        for library, part in table.items()
        for expression, ours in part.items()
    ]


def off(ours, theirs, scale=None):
    """The largest difference, as a share of the largest value."""
    return np.abs(ours - theirs).max() / np.abs(theirs if scale is None else scale).max()


def walk(rule, problem):
    """Our weights at the start and after each update, as make_reference.py takes theirs."""
    w = STARTS[problem]
    state, path = rule.init(w), [w]
    for t, lr in enumerate(rates(problem, rate_of(rule))):
        path.append(rule.step(path[-1], gradient(problem, t, path[-1]), state, lr))
    return np.array(path)


def plateau(controller, metrics):
    """The rate after each observation."""
    controller, found = controller.fresh(), []
    for metric in metrics:
        controller.observe(metric)
        found.append(controller.rate(0, metric, None, None, None))
    return np.array(found)


# --- They agree -------------------------------------------------------------------------------


def test_every_vector_has_its_row_and_every_row_its_vectors():
    wanted = {f"schedule | {a} | {b}" for a, part in SCHEDULES.items() for b in part}
    wanted |= {f"schedule | {a} | {b}" for a, b in UNMATCHED_SCHEDULES}
    both = [(a, b) for a, part in OPTIMIZERS.items() for b in part] + list(UNMATCHED_OPTIMIZERS)
    wanted |= {f"optimizer | {a} | {b} | {problem}" for a, b in both for problem in STARTS}
    wanted |= {
        f"optimizer | {a} | {b} | {shape}"
        for a, part in MATRICES.items()
        for b in part
        for shape in SHAPES
    }
    wanted |= {f"code | {a} | {eta.code(a, UPDATES)}" for a in WRITES for eta in OURS}
    wanted |= {f"average | {a} | {b}" for a, part in AVERAGES.items() for b in part}
    wanted |= {"rounding | torch | bfloat16", "rounding | torch | float16"}
    wanted |= {
        f"plateau | {a} | {b} | {m}" for a, part in PLATEAUS.items() for b in part for m in METRICS
    }
    wanted |= {f"plateau | {a} | {b} | {m}" for a, b, m in UNMATCHED_PLATEAUS}
    wanted |= {f"search | optax | {a} | {p}" for a in SEARCHES for p in ("quadratic", "rosenbrock")}
    assert set(VECTORS) == wanted
    assert set(json.loads((HERE / "versions.json").read_text())) >= {"torch", "optax", "keras"}
    assert all(found.dtype == np.float64 for found in VECTORS.values())
    assert UPDATES >= 50
    assert STEPS >= 50


@pytest.mark.parametrize(("library", "expression", "ours"), rows(SCHEDULES))
def test_a_schedule_gives_the_rates_of_the_library(library, expression, ours):
    assert off(ours.values(UPDATES), vector("schedule", library, expression)) <= 1e-12


@pytest.mark.parametrize("framework", WRITES)
def test_the_code_of_a_schedule_gives_its_rates(framework):
    """The whole text, as make_reference.py has executed it."""
    for eta in OURS:
        theirs = vector("code", framework, str(eta.code(framework, UPDATES)))
        assert off(eta.values(compared(eta)), theirs) <= 1e-12, (framework, eta)


def test_every_schedule_is_written_as_code():
    public = {
        name
        for name, kind in vars(schedules).items()
        if isinstance(kind, type) and issubclass(kind, Schedule) and kind is not Schedule
    }
    assert public <= {name for eta in OURS for name in re.findall(r"\w+(?=\()", repr(eta))}


@pytest.mark.parametrize(("library", "expression", "ours"), rows(OPTIMIZERS))
def test_an_optimizer_takes_the_steps_of_the_library(library, expression, ours):
    for problem, at in STARTS.items():
        theirs = vector("optimizer", library, expression, problem)
        fixed, other, reason = CLOSE.get((library, expression), (1e-12, 1e-10, ""))
        if problem == "fixed":
            assert off(walk(ours, problem), theirs) <= fixed, reason
        else:
            assert off(walk(ours, problem), theirs, theirs - at) <= other, (problem, reason)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("library", "expression"), [(a, b) for a in MATRICES for b in MATRICES[a]])
def test_a_rule_for_matrices_takes_the_steps_of_the_library(library, expression, shape):
    """The head and the rest of our network take their own steps beside it."""
    name, close = MATRICES[library][expression]
    rows, columns = SHAPES[shape]
    network = MLP((columns, rows, 2), bias=False, dtype=np.float64)
    rule, head = Muon(network), np.ones(2 * rows)
    w, path = np.concatenate([start(shape).ravel(), head]), [start(shape)]
    state = rule.init(w)
    for t, lr in enumerate(rates(shape, RATES[Muon])):
        g = np.concatenate([gradient(shape, t, path[-1]).ravel(), head])
        before, w = w, rule.step(w, g, state, lr)
        if name == "Keras":  # whose steps know nothing of rows and columns
            w = before + (w - before) / max(1, rows / columns) ** 0.5
        path.append(network.layers(w)[0][0])
    theirs = vector("optimizer", library, expression, shape)
    assert off(np.array(path), theirs, theirs - theirs[0]) <= close


@pytest.mark.parametrize(("library", "expression", "ours"), rows(AVERAGES))
def test_an_average_is_that_of_the_library(library, expression, ours):
    w = STARTS["fixed"]
    state, path = ours.init(w), []
    for t, lr in enumerate(rates("fixed", rate_of(ours))):
        w = ours.step(w, gradient("fixed", t, w), state, lr)
        path.append(ours.weights(w, state))
    assert off(np.array(path), vector("average", library, expression)) <= 1e-12


@pytest.mark.parametrize("how", ["bfloat16", "float16"])
def test_weights_are_rounded_as_torch_rounds_them(how):
    rule = Stored(SGD(), how)
    ours = rule.step(UNROUNDED, 0 * UNROUNDED, rule.init(UNROUNDED), 1.0)
    assert ours.tolist() == vector("rounding", "torch", how).tolist()


@pytest.mark.parametrize(("library", "expression", "ours"), rows(PLATEAUS))
@pytest.mark.parametrize("metrics", METRICS)
def test_a_plateau_cuts_where_the_library_does(library, expression, ours, metrics):
    found = plateau(ours, METRICS[metrics])
    assert off(found, vector("plateau", library, expression, metrics)) <= 1e-12


@pytest.mark.parametrize("problem", ["quadratic", "rosenbrock"])
@pytest.mark.parametrize("expression", SEARCHES)
def test_a_search_finds_the_rates_of_optax(expression, problem):
    """From each point of theirs: a long step magnifies the last bit of the point it starts from."""
    controller, ours = SEARCHES[expression].fresh(), []
    theirs = vector("search", "optax", expression, problem)
    for t, w in enumerate(theirs[:-1]):
        g = gradient(problem, t, w)
        rate = controller.rate(t, value(problem, w), g, w, lambda w: value(problem, w))
        ours.append(w - rate * g)
    assert off(np.array(ours), theirs[1:], theirs - theirs[0]) <= 1e-10


# --- They do not ------------------------------------------------------------------------------


@pytest.mark.parametrize(("library", "expression"), UNMATCHED_SCHEDULES)
def test_no_schedule_of_ours_gives_these_rates(library, expression):
    ours, reason = UNMATCHED_SCHEDULES[library, expression]
    assert off(ours.values(UPDATES), vector("schedule", library, expression)) > 0.05, reason


@pytest.mark.parametrize(("library", "expression"), NAMESAKES)
def test_the_class_of_that_name_gives_other_rates(library, expression):
    ours, reason = NAMESAKES[library, expression]
    assert type(SCHEDULES[library][expression]) is not type(ours)
    assert off(ours.values(UPDATES), vector("schedule", library, expression)) > 0.01, reason


def test_every_note_is_on_a_row():
    noted = {(library, expression) for library, notes in NOTES.items() for expression in notes}
    tables = [SCHEDULES, OPTIMIZERS, PLATEAUS, {"optax": SEARCHES}]
    assert noted <= {(a, b) for table in tables for a, part in table.items() for b in part}


@pytest.mark.parametrize(("library", "expression"), UNMATCHED_OPTIMIZERS)
def test_no_setting_of_ours_takes_these_steps(library, expression):
    ours, reason = UNMATCHED_OPTIMIZERS[library, expression]
    theirs = vector("optimizer", library, expression, "fixed")
    moved = np.abs(theirs - STARTS["fixed"]).max(axis=0)
    apart = np.abs(walk(ours, "fixed") - theirs).max(axis=0)
    assert (apart / moved).max() > 0.01, reason
    if "constant rate" in reason:
        for problem in ("quadratic", "rosenbrock"):
            theirs = vector("optimizer", library, expression, problem)
            assert off(walk(ours, problem), theirs, theirs - STARTS[problem]) <= 1e-10


@pytest.mark.parametrize(("library", "expression", "metrics"), UNMATCHED_PLATEAUS)
def test_no_plateau_of_ours_cuts_there(library, expression, metrics):
    ours, reason = UNMATCHED_PLATEAUS[library, expression, metrics]
    found, theirs = plateau(ours, METRICS[metrics]), vector("plateau", library, expression, metrics)
    assert (np.diff(found) != 0).tolist() != (np.diff(theirs) != 0).tolist(), reason


@pytest.mark.parametrize(("library", "expression"), RAMPS)
def test_our_ramps_are_one_update_ahead_and_waste_none(library, expression):
    theirs = vector("schedule", library, expression)
    ours = RAMPS[library, expression].values(UPDATES)
    assert theirs[0] == 0 < ours[0]
    assert off(ours[:20], theirs[1:21]) <= 1e-12
    assert off(ours[20:], theirs[20:]) <= 1e-12


# --- One name, several formulas: what the libraries say among themselves ----------------------


def schedule(library, expression):
    return vector("schedule", library, expression)


def steps(library, expression, problem="fixed"):
    """The updates, as multiples of the rate: −Δw/η."""
    path = vector("optimizer", library, expression, problem)
    ours = {**OPTIMIZERS[library], **{e: o for (_, e), (o, _) in UNMATCHED_OPTIMIZERS.items()}}
    lr = rates(problem, rate_of(ours[expression]))
    return -np.diff(path, axis=0) / lr[:, None]


def test_a_milestone_uses_the_new_rate_at_once_or_one_update_later():
    torch = schedule("torch", "MultiStepLR(opt, milestones=[20, 45, 46], gamma=0.1)")
    optax = schedule("optax", "piecewise_constant_schedule(LR, {20: 0.1, 45: 0.5})")
    keras = schedule("keras", "PiecewiseConstantDecay([20, 45], [LR, LR / 10, LR / 100])")
    assert torch[19:22] == pytest.approx([0.8, 0.08, 0.08])
    assert optax[19:22] == pytest.approx([0.8, 0.08, 0.08])
    assert keras[19:22] == pytest.approx([0.8, 0.8, 0.08])


def test_the_cosine_of_torch_climbs_again_and_the_others_stay():
    torch = schedule("torch", "CosineAnnealingLR(opt, T_max=30, eta_min=0.05)")
    assert torch[[30, 60, 90]] == pytest.approx([0.05, 0.8, 0.05])
    for library, expression in (
        ("optax", "cosine_decay_schedule(LR, 100)"),
        ("keras", "CosineDecay(LR, 100)"),
    ):
        assert schedule(library, expression)[100:].tolist() == [0.0] * 20
    assert Cosine(LR, 30, 0.05)(60) == 0.05


def test_the_warmup_is_counted_in_decay_steps_by_optax_and_on_top_by_keras():
    optax = schedule("optax", "warmup_cosine_decay_schedule(0.0, LR, 20, 100)")
    keras = schedule("keras", "CosineDecay(0.0, 80, warmup_target=LR, warmup_steps=20)")
    assert off(optax, keras) <= 1e-12


def test_the_one_cycle_of_torch_peaks_one_update_before_that_of_optax():
    torch = schedule("torch", "OneCycleLR(opt, 0.8, total_steps=120)")
    optax = schedule("optax", "cosine_onecycle_schedule(100, LR)")
    assert torch.argmax() == 0.3 * 120 - 1
    assert optax.argmax() == 0.3 * 100
    assert off(OneCycle(LR, 100).values(UPDATES), optax) > 0.01


def test_restarts_grow_by_default_in_keras_and_not_in_torch():
    keras = schedule("keras", "CosineDecayRestarts(LR, 10)")
    torch = schedule("torch", "CosineAnnealingWarmRestarts(opt, T_0=17)")
    assert np.flatnonzero(np.diff(keras) > 0.1).tolist() == [9, 29, 69]
    assert np.flatnonzero(np.diff(torch) > 0.1).tolist() == [16, 33, 50, 67, 84, 101, 118]


def test_momentum_with_the_rate_inside_coasts_when_the_rate_falls():
    torch, keras = "SGD([w], lr=lr, momentum=0.9)", "SGD(lr, momentum=0.9)"
    for problem, bounds in (("fixed", (0.05, 10)), ("quadratic", (0, 1e-10))):
        theirs = [vector("optimizer", *x, problem) for x in (("torch", torch), ("keras", keras))]
        assert bounds[0] <= off(*theirs, theirs[0] - STARTS[problem]) <= bounds[1]


def test_the_first_step_of_adagrad():
    """With a gradient near 0.01: 1.0·η (torch) or 0.03·η (keras, optax)."""
    assert steps("torch", "Adagrad([w], lr=lr)")[0, 1] == pytest.approx(1.0, rel=1e-6)
    for library, expression in (("keras", "Adagrad(lr)"), ("optax", "adagrad(lr)")):
        assert steps(library, expression)[0, 1] == pytest.approx(0.03, abs=0.002)


def test_the_first_step_of_rmsprop():
    """10·η (torch) or 3.2·η (keras, optax), from a gradient far above ε."""
    assert steps("torch", "RMSprop([w], lr=lr)")[0, 4] == pytest.approx(10, rel=1e-6)
    for library, expression in (("keras", "RMSprop(lr)"), ("optax", "rmsprop(lr)")):
        assert steps(library, expression)[0, 4] == pytest.approx(np.sqrt(10), rel=1e-6)


def test_the_epsilon_of_adam_is_added_to_the_corrected_root_or_to_the_raw_one():
    """Gradient 1e-4, ε 0.01: raw, ε counts 1/√(1 − β₂) = 3.2 times as much at first."""
    raw = steps("keras", "Adam(lr, beta_1=0.5, beta_2=0.9, epsilon=0.01)")[0, 0]
    corrected = steps("optax", "adam(lr, b1=0.5, b2=0.9, eps=0.01)")[0, 0]
    assert corrected == pytest.approx(1e-4 / (1e-4 + 0.01), rel=0.01)
    assert raw == pytest.approx(1e-4 / (1e-4 + 0.01 * np.sqrt(10)), rel=0.01)
    torch = steps("torch", "Adam([w], lr=lr, betas=(0.8, 0.95), eps=0.01)")[0, 0]
    assert torch == pytest.approx(corrected, rel=1e-9)


def test_amsgrad_takes_the_maximum_before_the_correction_or_after_it():
    before = vector(
        "optimizer", "torch", "Adam([w], lr=lr, betas=(0.9, 0.9), amsgrad=True)", "fixed"
    )
    after = vector("optimizer", "optax", "amsgrad(lr, b2=0.9)", "fixed")
    keras = vector("optimizer", "keras", "Adam(lr, beta_2=0.9, amsgrad=True)", "fixed")
    moved = before - STARTS["fixed"]
    assert off(before, after, moved) > 0.01
    assert off(before[:, 2:], keras[:, 2:], moved) < 1e-4  # but for where ε is added


def test_nadam_has_three_formulas():
    """ψ = 0.004 (torch), 1 (keras), ∞ (optax): the share of m at the first step."""
    first = {
        "torch": steps("torch", "NAdam([w], lr=lr)")[0, 4],
        "keras": steps("keras", "Nadam(lr)")[0, 4],
        "optax": steps("optax", "nadam(lr)")[0, 4],
    }
    # The first step is (1 − μ₀)/(1 − μ₀) + 0.1·μ₁/(1 − μ₀μ₁), in units of η.
    for library, psi in (("torch", 0.004), ("keras", 1), ("optax", np.inf)):
        m0, m1 = 0.9 * (1 - 0.5 * 0.96 ** (np.array([1, 2]) * psi))
        assert first[library] == pytest.approx(1 + 0.1 * m1 / (1 - m0 * m1), rel=1e-6)
    assert len({round(x, 3) for x in first.values()}) == 3


def test_weight_decay_is_in_the_gradient_or_beside_it():
    """torch's Adam adds λw to the gradient, so that a large weight decays as slowly as a small."""
    coupled = vector("optimizer", "torch", "Adam([w], lr=lr, weight_decay=0.1)", "fixed")
    for library, expression in (
        ("keras", "Adam(lr, weight_decay=0.1)"),
        ("torch", "Adam([w], lr=lr, weight_decay=0.1, decoupled_weight_decay=True)"),
    ):
        beside = vector("optimizer", library, expression, "fixed")
        assert off(coupled, beside, beside - STARTS["fixed"]) > 0.05


def test_a_patience_of_three_is_two_for_torch():
    """Metric 1, 0.9, 0.8 and then 0.8 for ever: three observations without a gain, then the cut."""
    for library, expression in (
        ("torch", "ReduceLROnPlateau(opt, patience=2, eps=0)"),
        ("optax", "contrib.reduce_on_plateau(patience=3)"),
        ("keras", "ReduceLROnPlateau('loss', patience=3, min_delta=0)"),
    ):
        found = vector("plateau", library, expression, "stalls")
        assert found[:6] == pytest.approx([LR] * 5 + [LR / 10])
