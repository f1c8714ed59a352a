"""Every update rule keeps one sentence: w ← (1 − ηλ)·w − η·gain·drive."""

import copy
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lrlesson import optimizers
from lrlesson.base.optimizer import Optimizer
from lrlesson.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    Lion,
    NAdam,
    RAdam,
    RMSprop,
    ScheduleFree,
)

settings.register_profile("lrlesson", max_examples=12, deadline=None)
settings.load_profile("lrlesson")

NAMES = {
    k: v for k, v in vars(optimizers).items() if isinstance(v, type) and issubclass(v, Optimizer)
}
RULES = [
    SGD(),
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True),
    SGD(momentum=0.9, dampening=0.5),
    SGD(momentum=0.9, rate_inside=True),
    SGD(momentum=0.9, nesterov=True, rate_inside=True),
    SGD(weight_decay=0.1),
    SGD(momentum=0.9, weight_decay=0.1, decoupled=True),
    AdaGrad(),
    AdaGrad(start=0.1, eps_inside=True),
    AdaDelta(),
    AdaDelta(rho=0.5, weight_decay=0.1),
    RMSprop(),
    RMSprop(rho=0.9, eps_inside=True),
    RMSprop(centered=True, momentum=0.5),
    Adam(),
    Adam(weight_decay=0.1),
    Adam(amsgrad=True),
    Adam(amsgrad="after"),
    Adam(eps_on="raw", amsgrad="before"),
    Adam(bias_correction=False),
    AdamW(),
    AdaMax(),
    NAdam(),
    NAdam(momentum_decay=1.0, weight_decay=0.1, decoupled=True),
    RAdam(),
    RAdam(beta2=0.9),
    Lion(weight_decay=0.1, decoupled=True),
    ScheduleFree(SGD()),
    ScheduleFree(AdamW(beta1=0.0)),
]
LAWFUL = [rule for rule in RULES if not isinstance(rule, ScheduleFree)]
every_rule = pytest.mark.parametrize("rule", RULES, ids=repr)

rates = st.floats(1e-4, 1.0)
entries = st.one_of(st.just(0.0), st.floats(-10, -1e-3), st.floats(1e-3, 10))


def gradients(steps=6, shape=(3, 4)):
    return arrays(float, (steps, *shape), elements=entries)


def walk(rule, w, grads, lrs):
    """The weights after every update, and the last state."""
    state, path = rule.init(w), [w]
    for gradient, lr in zip(grads, lrs, strict=True):
        path.append(rule.step(path[-1], gradient, state, lr))
    return path, state


def test_the_list_is_complete():
    """A rule added to the module and not to RULES would go untested."""
    assert set(NAMES) - {"Optimizer", "Wrapper"} == {type(rule).__name__ for rule in RULES}


# --- The law ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", LAWFUL, ids=repr)
@given(gradients(), rates)
def test_an_update_is_gain_times_drive(rule, grads, lr):
    """What `step` returns is the law, applied to what `update` returns, to the last bit."""
    w = np.linspace(-1, 2, 12).reshape(3, 4)
    state = rule.init(w)
    for gradient in grads:
        before = copy.deepcopy(state)
        after = rule.step(w, gradient, state, lr)
        coupled = rule.weight_decay and not rule.decoupled
        before.lr = lr
        drive, gain = rule.update(gradient + rule.weight_decay * w if coupled else gradient, before)
        kept = 1 - lr * rule.weight_decay if rule.decoupled and rule.weight_decay else 1.0
        np.testing.assert_array_equal(after, kept * w - lr * gain * drive)
        np.testing.assert_array_equal(state.rate, np.where(state.used, lr * gain, np.nan))
        assert np.isfinite(after).all()
        w = after


@given(gradients(8, (1, 3)), rates, st.floats(0, 0.99))
def test_schedule_free_keeps_the_law_for_z(grads, lr, beta):
    """z moves as its base rule moves; x is the mean of z; y lies between, and is returned."""
    rule = ScheduleFree(Adam(beta1=0.0), beta=beta)
    y = np.array([[1.0, -2.0, 3.0]])
    state, base_state = rule.init(y), rule.base.init(y)
    z, zs = y, []
    assert rule.weights(y, state).tolist() == y.tolist()
    for gradient in grads:
        y = rule.step(y, gradient, state, lr)
        z = rule.base.step(z, gradient, base_state, lr)
        zs.append(z)
        np.testing.assert_array_equal(state.z, z)
        np.testing.assert_array_equal(state.rate, base_state.rate)
        x = rule.weights(y, state)
        np.testing.assert_allclose(x, np.mean(zs, axis=0), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(y, (1 - beta) * z + beta * x, rtol=1e-12)
    assert state.t == len(grads)


def test_schedule_free_weighs_z_by_the_square_of_the_largest_rate_so_far():
    rule, grads = ScheduleFree(SGD(), beta=0.5), np.array([[1.0], [1.0], [1.0]])
    _, state = walk(rule, np.array([0.0]), grads, [1.0, 2.0, 1.0])
    z = [-1.0, -3.0, -4.0]
    assert state.z.tolist() == z[-1:]
    assert state.x[0] == pytest.approx((1 * z[0] + 4 * z[1] + 4 * z[2]) / 9)
    _, state = walk(rule, np.array([5.0]), grads, [0.0, 0.0, 1.0])
    assert state.x.tolist() == [4.0]  # rates of 0 weigh nothing and divide nothing by 0


@every_rule
def test_only_schedule_free_evaluates_other_weights_than_it_steps(rule):
    path, state = walk(rule, np.ones((1, 2)), np.ones((3, 1, 2)), [0.1] * 3)
    same = rule.weights(path[-1], state) is path[-1]
    assert same is not isinstance(rule, ScheduleFree)


def test_evaluated_weights_are_no_way_into_the_state():
    rule = ScheduleFree(SGD())
    path, state = walk(rule, np.ones((1, 2)), np.ones((3, 1, 2)), [0.1] * 3)
    x = state.x.copy()
    rule.step(rule.weights(path[-1], state), np.ones((1, 2)), state, 0.1)
    assert not np.array_equal(state.x, x)


# --- First steps, by hand ---------------------------------------------------------------------

# With gradient g = 0.5 and rate 0.1, the weight 1 becomes 1 − 0.1·(this number).
g = 0.5
FIRST = [
    (SGD(), g),
    (SGD(momentum=0.9), g),
    (SGD(momentum=0.9, dampening=0.5), g),
    (SGD(momentum=0.9, nesterov=True), 1.9 * g),
    (SGD(momentum=0.9, rate_inside=True), g),
    (SGD(weight_decay=0.2), g + 0.2),
    (SGD(weight_decay=0.2, decoupled=True), g + 0.2),
    (AdaGrad(), 1.0),
    (AdaGrad(eps=0.5), g / (g + 0.5)),
    (AdaGrad(eps=0.75, eps_inside=True), g / np.sqrt(g**2 + 0.75)),
    (AdaGrad(start=0.75), g / np.sqrt(g**2 + 0.75)),
    (AdaDelta(rho=0.9, eps=1e-6), g * np.sqrt(1e-6) / np.sqrt(0.1 * g**2 + 1e-6)),
    (RMSprop(rho=0.99), 10.0),
    (RMSprop(rho=0.9), np.sqrt(10)),
    (RMSprop(rho=0.75, eps=0.25), g / (0.5 * g + 0.25)),
    (RMSprop(rho=0.75, eps=0.25, eps_inside=True), g / np.sqrt(0.25 * g**2 + 0.25)),
    (RMSprop(rho=0.75, momentum=0.9), 2.0),
    (RMSprop(rho=0.75, centered=True), g / np.sqrt(0.25 * g**2 - (0.25 * g) ** 2)),
    (Adam(), 1.0),
    (Adam(amsgrad=True), 1.0),
    (Adam(amsgrad="after"), 1.0),
    (Adam(eps=0.5), g / (g + 0.5)),
    (Adam(beta2=0.75, eps=0.5, eps_on="raw"), g * 0.5 / (0.5 * g + 0.5)),
    (Adam(beta1=0.9, beta2=0.99, bias_correction=False), 0.1 / 0.1),
    (Adam(weight_decay=0.2), 1.0),
    (AdamW(), 1.01),
    (AdaMax(), 1.0),
    (NAdam(beta1=0.5, momentum_decay=0.0), 0.75 / 0.75 + 0.25 / (1 - 0.0625) * 0.5),
    (RAdam(), g),
    (Lion(), 1.0),
    (Lion(weight_decay=0.2, decoupled=True), 1.2),
    (ScheduleFree(SGD()), g),
]


@pytest.mark.parametrize(("rule", "size"), FIRST, ids=lambda x: repr(x)[:60])
def test_the_first_step_computed_by_hand(rule, size):
    w = rule.step(np.array([1.0]), np.array([g]), rule.init(np.array([1.0])), 0.1)
    small_eps = getattr(rule, "eps", 1) < 0.1  # its share of the step is not written above
    assert w[0] == pytest.approx(1 - 0.1 * size, abs=1e-6 if small_eps else 1e-14)


def test_second_steps_by_hand():
    """The rules that differ only from the second step on: gradients 1 and then 2, rate 1."""

    def second(rule, lrs=(1.0, 1.0)):
        path, _ = walk(rule, np.array([0.0]), np.array([[1.0], [2.0]]), lrs)
        return path[-2][0] - path[-1][0]

    assert second(SGD(momentum=0.5)) == 2.5
    assert second(SGD(momentum=0.5, dampening=0.5)) == 1.5
    assert second(SGD(momentum=0.5, nesterov=True)) == 2 + 0.5 * 2.5
    assert second(AdaGrad()) == pytest.approx(2 / np.sqrt(5))
    assert second(AdaGrad(start=4)) == pytest.approx(2 / 3)
    assert second(RMSprop(rho=0.5)) == pytest.approx(2 / np.sqrt(0.25 + 2))
    assert second(RMSprop(rho=0.5, momentum=0.5)) == pytest.approx(
        0.5 / np.sqrt(0.5) + 2 / np.sqrt(2.25)
    )
    m, v = (0.25 + 1) / 0.75, (0.25 + 2) / 0.75
    assert second(Adam(0.5, 0.5)) == pytest.approx(m / np.sqrt(v))
    assert second(AdaMax(0.5, 0.5)) == pytest.approx(m / 2)
    assert second(Lion(0.5, 0.5)) == 1.0
    # The rate falls tenfold. With η outside, the sum is slowed at once; inside, it coasts.
    assert second(SGD(momentum=0.5), (1.0, 0.1)) == pytest.approx(0.1 * 2.5)
    assert second(SGD(momentum=0.5, rate_inside=True), (1.0, 0.1)) == pytest.approx(0.5 + 0.2)


def test_amsgrad_before_and_after_the_correction_differ():
    grads = np.array([[3.0], [0.1], [0.1], [0.1]])
    ends = {
        kind: walk(Adam(0.5, 0.9, amsgrad=kind), np.array([0.0]), grads, [0.1] * 4)[0][-1][0]
        for kind in (False, True, "before", "after")
    }
    assert ends[True] == ends["before"]
    assert len(set(ends.values())) == 3
    assert abs(ends["after"]) < abs(ends["before"]) < abs(ends[False])  # a larger v, a smaller step


def test_radam_waits_and_then_follows_adam():
    grads = np.ones((3000, 1))
    path, _ = walk(RAdam(), np.array([0.0]), grads, [1.0] * 3000)
    steps = -np.diff(np.concatenate(path))
    assert np.all(steps[:5] == pytest.approx(1.0))  # gain 1: the gradient itself
    assert steps[5] < 0.1  # the first rectified step is short
    assert steps[-1] == pytest.approx(np.sqrt(1 - 0.999**3000) * 1.0, abs=0.1)
    assert np.all(np.diff(steps[6:]) > 0)


def test_a_rule_equals_another_where_the_option_says_so():
    rng = np.random.default_rng(0)
    w, grads = rng.normal(size=(2, 5)), rng.normal(size=(30, 2, 5))

    def end(rule):
        return walk(rule, w, grads, [0.05] * 30)[0][-1]

    np.testing.assert_array_equal(end(SGD(momentum=0.0)), end(SGD()))
    np.testing.assert_array_equal(end(AdamW(weight_decay=0)), end(Adam()))
    np.testing.assert_array_equal(end(AdamW()), end(Adam(weight_decay=0.01, decoupled=True)))
    np.testing.assert_allclose(
        end(SGD(momentum=0.9, rate_inside=True)), end(SGD(momentum=0.9)), rtol=1e-12
    )  # the same while the rate is constant
    np.testing.assert_allclose(
        end(Adam(beta1=0.0, bias_correction=False)), end(RMSprop(rho=0.999)), rtol=1e-12
    )
    np.testing.assert_allclose(
        end(SGD(weight_decay=0.3)), end(SGD(weight_decay=0.3, decoupled=True)), rtol=1e-12
    )  # for plain SGD the two decays are one
    assert not np.allclose(
        end(Adam(weight_decay=0.3)), end(Adam(weight_decay=0.3, decoupled=True)), rtol=1e-3
    )
    np.testing.assert_array_equal(end(ScheduleFree(SGD(), beta=0.0)), end(SGD()))


# --- The formula that a notebook shows ---------------------------------------------------------

COMBINED = [
    SGD(momentum=0.9, nesterov=True, weight_decay=0.1),
    SGD(momentum=0.9, dampening=0.3, rate_inside=True),
    RMSprop(centered=True, eps_inside=True, momentum=0.5),
    RMSprop(centered=True),
    RMSprop(momentum=0.5, eps=0.25),
    Adam(amsgrad=True, eps_on="raw", bias_correction=False),
    Adam(amsgrad="after", bias_correction=False),
    AdamW(eps_on="raw", eps=0.25),
    RAdam(beta2=0.9, eps=0.25, weight_decay=0.1),
    ScheduleFree(SGD(weight_decay=0.1), beta=0.5),
]


def statements(rule) -> list[str]:
    """The formula that a rule shows, line by line, as Python."""
    latex = rule._repr_latex_()
    body = re.fullmatch(r"\$\\displaystyle \\begin\{aligned\} (.+) \\end\{aligned\}\$", latex)[1]
    lines = []
    for line in body.split(r" \\[4pt] "):
        left, _, right = line.partition(" &")
        right = re.sub(r"^(\\leftarrow|=) ", "", right)
        for pattern, python in [
            (r"\\(hat|bar)\{(\w)\}", r"\2_\1"),
            (r"_\{(\w+)\}", r"_\1"),
            (r" \\text\{ if \} (.+?) \\text\{, else \} ", r" if \1 else "),
            (r" = ", " == "),
            (r"\\le ", "<= "),
            (r"\|(\w)\|", r"abs(\1)"),
            (r"\\operatorname\{sign\}", "np.sign"),
            (r"\\(max)\(", r"np.\1imum("),
            (r"\\sqrt", "np.sqrt"),
            (r"\\cdot", "*"),
            (r"\^", "**"),
            (r"\{", "("),
            (r"\}", ")"),
            (r"\)\(", ")/("),
            (r"\\dfrac", ""),
            (r"\\(?=\w)", ""),
        ]:
            left, right = re.sub(pattern, python, left), re.sub(pattern, python, right)
        lines.append(f"mu = lambda t: {right}" if left == "mu(t)" else f"{left} = {right}")
    return lines


@pytest.mark.parametrize("rule", [*RULES, *COMBINED], ids=repr)
def test_what_a_rule_shows_is_what_it_does(rule):
    """Its formula, computed as it stands there, gives the weights that `step` gives."""
    rng = np.random.default_rng(0)
    w, grads, lrs = rng.normal(size=3), rng.normal(size=(9, 3)), rng.uniform(0.1, 1, 9)
    path, _ = walk(rule, w, grads, lrs.tolist())
    zeros = dict.fromkeys(["m", "v", "u", "v_max", "v_hat", "g_bar", "h", "S"], np.zeros(3))
    names = {"np": np, "w": w, "x": w, "z": w, "p": 1.0, "s": getattr(rule, "start", 0.0)} | zeros
    program = "\n".join(statements(rule))
    for t, (g, eta) in enumerate(zip(grads, lrs, strict=True)):
        exec(program, names | {"t": t, "g": g, "eta": eta}, after := {})
        names |= after
        np.testing.assert_allclose(names["w"], path[t + 1], rtol=1e-9, err_msg=program)


@pytest.mark.parametrize("kind", NAMES.values(), ids=lambda kind: kind.__name__)
def test_each_option_that_the_formula_knows_is_tried_above(kind):
    for option, value in re.findall(r"(?m)^    (\w+)(?:=(\S+))?  +\$", kind.__doc__):
        assert option in kind._kinds
        tried = [getattr(rule, option) for rule in [*RULES, *COMBINED] if type(rule) is kind]
        assert any(repr(set_to) == value if value else set_to for set_to in tried), option


def test_a_rule_shows_its_own_numbers():
    assert r"{0.95} \cdot v + g" in SGD(momentum=0.95)._repr_latex_()
    shown = Adam(beta1=0.8, eps=1e-6)._repr_latex_()
    assert r"m &\leftarrow {0.8} \cdot m + (1 - {0.8}) \cdot g" in shown
    assert r"\dfrac{1}{\sqrt{\hat{v}} + {10^{-6}}} \cdot \hat{m}" in shown
    assert r"w &\leftarrow (1 - \eta \cdot {0.01}) \cdot w - \eta" in AdamW()._repr_latex_()
    assert r"g &\leftarrow g + {0.01} \cdot w" in Adam(weight_decay=0.01)._repr_latex_()
    assert "{0.7}" in ScheduleFree(SGD(momentum=0.7))._repr_latex_()


@every_rule
def test_html_has_the_formula_and_the_call(rule):
    page = ET.fromstring(rule._repr_html_())  # every tag closed, every < and & escaped
    text = "".join(page.itertext())
    assert rule._repr_latex_() in text
    assert page.find(".//code").text == repr(rule)


# --- Nothing of the caller's is written to ----------------------------------------------------


@every_rule
@given(gradients(4, (2, 3)), rates)
def test_the_callers_arrays_are_left_alone(rule, grads, lr):
    w = np.linspace(-1, 2, 6).reshape(2, 3)
    w0, grads0, column = w.copy(), grads.copy(), np.full((2, 1), lr)
    w.flags.writeable = grads.flags.writeable = column.flags.writeable = False
    path, state = walk(rule, w, grads, [column] * len(grads))
    np.testing.assert_array_equal(w, w0)
    np.testing.assert_array_equal(grads, grads0)
    for array in vars(state).values():
        if isinstance(array, np.ndarray):
            for mine in (w, *grads, path[-1]):
                assert not np.shares_memory(array, mine)


@every_rule
def test_changing_an_array_afterwards_changes_no_later_step(rule):
    """The state must not keep the caller's gradient, nor the weights that it returned."""
    rng = np.random.default_rng(0)
    w, grads = rng.normal(size=(1, 4)), rng.normal(size=(5, 1, 4))
    clean, _ = walk(rule, w, grads, [0.1] * 5)
    state, mine = rule.init(w), w.copy()
    for gradient, wanted in zip(grads.copy(), clean[1:], strict=True):
        new = rule.step(mine, gradient, state, 0.1)
        np.testing.assert_array_equal(new, wanted)
        mine[:], gradient[:] = np.nan, np.nan
        mine = new.copy()
        new[:] = np.nan


@every_rule
def test_a_rule_cannot_be_changed_and_two_states_are_apart(rule):
    for name in rule._kinds:
        with pytest.raises(AttributeError):
            setattr(rule, name, 0.5)
    before, twin = repr(rule), eval(repr(rule), dict(NAMES))
    rng = np.random.default_rng(0)
    w, grads = rng.normal(size=(1, 4)), rng.normal(size=(5, 1, 4))
    first, _ = walk(rule, w, grads, [0.1] * 5)
    again, _ = walk(rule, w, grads, [0.1] * 5)
    np.testing.assert_array_equal(first, again)
    assert repr(rule) == before
    assert twin == rule
    assert hash(twin) == hash(rule)
    np.testing.assert_array_equal(walk(twin, w, grads, [0.1] * 5)[0], first)


def test_repr_shows_what_was_set():
    assert repr(SGD()) == "SGD()"
    assert repr(SGD(momentum=0.9)) == "SGD(momentum=0.9)"
    assert repr(AdamW()) == "AdamW()"
    assert repr(AdamW(weight_decay=0.1)) == "AdamW(weight_decay=0.1)"
    assert repr(Adam(amsgrad="after")) == "Adam(amsgrad='after')"
    assert repr(ScheduleFree(SGD(momentum=0.5))) == "ScheduleFree(base=SGD(momentum=0.5))"


# --- What the state says ----------------------------------------------------------------------


@every_rule
def test_the_state_counts_updates_and_knows_the_last_rate(rule):
    w = np.ones((2, 3))
    state = rule.init(w)
    assert state.t == 0
    assert state.lr is None
    assert np.isnan(state.rate).all()
    for t, lr in enumerate([0.1, 0.2, 0.3]):
        assert state.t == t
        w = rule.step(w, np.ones((2, 3)), state, lr)
        assert state.lr == lr
    assert state.t == 3
    assert state.rate.shape == w.shape
    assert "t=3" in repr(state)


COUPLED = [rule for rule in RULES if rule.weight_decay and not rule.decoupled]


@pytest.mark.parametrize("rule", COUPLED, ids=repr)
def test_coupled_decay_uses_every_weight(rule):
    w = np.ones((1, 2))
    state = rule.init(w)
    rule.step(w, np.zeros((1, 2)), state, 0.1)
    assert (state.rate > 0).all()


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in COUPLED], ids=repr)
def test_the_rate_of_an_unused_weight_is_nan(rule):
    w = np.ones((1, 3))
    state = rule.init(w)
    w = rule.step(w, np.array([[1.0, 0.0, 0.0]]), state, 0.1)
    assert np.isnan(state.rate).tolist() == [[False, True, True]]
    w = rule.step(w, np.array([[0.0, 2.0, 0.0]]), state, 0.1)
    assert np.isnan(state.rate).tolist() == [[False, False, True]]  # once used, always used
    assert (state.rate[:, :2] > 0).all()
    decayed = (1 - 0.1 * rule.weight_decay) ** 2
    assert isinstance(rule, ScheduleFree) or w[0, 2] == pytest.approx(decayed)


def test_the_rate_shows_what_adaptive_rules_do():
    """Gradients 100 times as large, rates 100 times as small; for SGD all weights share one."""
    w, gradient = np.zeros((1, 2)), np.array([[0.01, 1.0]])
    for rule in (AdaGrad(), RMSprop(), Adam(), AdaMax(eps=1e-12)):
        state = rule.init(w)
        rule.step(w, gradient, state, 0.1)
        assert state.rate[0, 0] / state.rate[0, 1] == pytest.approx(100, rel=1e-4)
    state = SGD().init(w)
    SGD().step(w, gradient, state, 0.1)
    assert state.rate.tolist() == [[0.1, 0.1]]


def test_the_rate_of_adagrad_only_falls():
    rng = np.random.default_rng(0)
    rule, w, k = AdaGrad(), np.zeros((1, 5)), 49
    state, last = rule.init(w), np.inf
    for _ in range(k):
        w = rule.step(w, rng.normal(size=(1, 5)), state, 0.1)
        assert (state.rate <= last).all()
        last = state.rate
    _, state = walk(rule, np.zeros(1), np.full((k, 1), 2.0), [0.1] * k)
    assert state.rate[0] == pytest.approx(0.1 / (2 * np.sqrt(k)))


# --- Shapes and types -------------------------------------------------------------------------


@every_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["number", "numpy number", "column", "float64 column"])
def test_a_float_type_stays_as_it_is(rule, dtype, kind):
    lr = {
        "number": 0.1,
        "numpy number": np.float64(0.1),
        "column": np.full((2, 1), 0.1, dtype),
        "float64 column": np.full((2, 1), 0.1),
    }[kind]
    w = np.ones((2, 3), dtype)
    path, state = walk(rule, w, np.ones((4, 2, 3)), [lr] * 4)  # gradients in float64
    assert {p.dtype for p in path} == {np.dtype(dtype)}
    for name, value in vars(state).items():
        if isinstance(value, np.ndarray) and value.shape == w.shape and name != "used":
            assert value.dtype == dtype, name


@every_rule
def test_whole_numbers_become_floats(rule):
    for w in ([1, 2], np.array([1, 2]), (1, 2)):
        state = rule.init(w)
        after = rule.step(w, np.array([3, 4]), state, 0.125)
        assert after.dtype == np.float64
        np.testing.assert_array_equal(
            after, rule.step(np.array([1.0, 2]), np.array([3.0, 4]), rule.init([1.0, 2]), 0.125)
        )


@every_rule
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (2, 3, 4)])
def test_weights_may_have_any_shape(rule, shape):
    rng = np.random.default_rng(0)
    w, grads = rng.normal(size=shape), rng.normal(size=(6, *shape))
    path, _ = walk(rule, w, grads, [0.1] * 6)
    flat, _ = walk(rule, np.ravel(w), grads.reshape(6, -1), [0.1] * 6)
    assert np.shape(path[-1]) == shape
    np.testing.assert_array_equal(np.ravel(path[-1]), flat[-1])


@every_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(st.data())
def test_runs_together_equal_each_run_alone_bit_for_bit(rule, dtype, data):
    runs, size = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 9))
    grads = data.draw(gradients(5, (runs, size))).astype(dtype)
    lrs = data.draw(arrays(float, (5, runs, 1), elements=rates))
    w = np.linspace(-1, 2, runs * size, dtype=dtype).reshape(runs, size)
    together, state = walk(rule, w, grads, lrs)
    for r in range(runs):
        alone, one = walk(rule, w[[r]], grads[:, [r]], lrs[:, [r]])
        np.testing.assert_array_equal([p[[r]] for p in together], alone)
        np.testing.assert_array_equal(state.rate[[r]], one.rate)


@every_rule
def test_a_rate_and_a_column_of_that_rate_are_the_same(rule):
    rng = np.random.default_rng(0)
    w, grads = rng.normal(size=(3, 4)), rng.normal(size=(9, 3, 4))
    number, state = walk(rule, w, grads, [0.3] * 9)
    column, other = walk(rule, w, grads, [np.full((3, 1), 0.3)] * 9)
    np.testing.assert_array_equal(number, column)
    np.testing.assert_array_equal(state.rate, other.rate)


# --- Bad input --------------------------------------------------------------------------------

nan, inf = float("nan"), float("inf")


@pytest.mark.parametrize(
    "lr", [-0.1, nan, inf, True, None, "0.1", [0.1], np.array(0.1), np.full(2, 0.1),
           np.full((3, 1), 0.1), np.full((1, 3), 0.1), np.full((2, 1, 1), 0.1),
           np.array([[0.1], [-0.1]]), np.array([[0.1], [nan]]), np.array([[0.1], [inf]]),
           np.array([[True], [True]])],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("rule", [SGD(), Adam(), ScheduleFree(SGD())], ids=repr)
def test_a_bad_rate_is_refused_and_the_state_not_touched(rule, lr):
    w = np.ones((2, 3))
    state = rule.init(w)
    with pytest.raises((ValueError, TypeError), match=rf"{type(rule).__name__}: lr"):
        rule.step(w, w, state, lr)
    assert state.t == 0
    assert not state.used.any()


def test_a_column_beside_weights_of_three_axes_is_refused():
    """(runs, 1) against (runs, out, in) would scale rows where runs = out."""
    w = np.ones((2, 2, 3))
    with pytest.raises(ValueError, match=r"SGD: lr has shape \(2, 1\), expected .* \(2, 2, 3\)"):
        SGD().step(w, w, SGD().init(w), np.full((2, 1), 0.1))


@every_rule
def test_shapes_that_do_not_fit_are_refused(rule):
    name, w = type(rule).__name__, np.ones((2, 3))
    with pytest.raises(ValueError, match=rf"{name}: gradient has shape \(3,\), .*\(2, 3\)"):
        rule.step(w, np.ones(3), rule.init(w), 0.1)
    with pytest.raises(ValueError, match=rf"{name}: state .* \(1, 3\), w has \(2, 3\)"):
        rule.step(w, w, rule.init(w[:1]), 0.1)


def test_weights_that_are_no_numbers_are_refused():
    for w in ("abc", None, [1j], [["a"]]):
        with pytest.raises((TypeError, ValueError), match=r"SGD: w = .*expected"):
            SGD().init(w)
    w = np.ones(2)
    for gradient in (["a", "b"], [1j, 2], [None, None]):
        with pytest.raises((TypeError, ValueError), match=r"SGD: gradient = .*expected"):
            SGD().step(w, gradient, SGD().init(w), 0.1)


def test_the_state_of_another_rule_is_refused():
    w = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"Adam: state .*SGD"):
        Adam().step(w, w, SGD().init(w), 0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(momentum=1), "SGD: momentum = 1, expected a number from 0 up to, but not"),
        (lambda: SGD(momentum=-0.1), "SGD: momentum = -0.1"),
        (lambda: SGD(momentum=nan), "SGD: momentum = nan"),
        (lambda: SGD(nesterov=True), "SGD: nesterov = True, expected False without momentum"),
        (lambda: SGD(0.9, True, 0.5), "SGD: dampening = 0.5, expected 0 with nesterov=True"),
        (lambda: SGD(weight_decay=-1), "SGD: weight_decay = -1"),
        (lambda: AdaGrad(eps=0), "AdaGrad: eps = 0, expected a finite number greater than 0"),
        (lambda: AdaGrad(start=-1), "AdaGrad: start = -1"),
        (lambda: AdaDelta(rho=1), "AdaDelta: rho = 1"),
        (lambda: RMSprop(rho=1), "RMSprop: rho = 1"),
        (lambda: Adam(beta1=1), "Adam: beta1 = 1"),
        (lambda: Adam(beta2=1.5), "Adam: beta2 = 1.5"),
        (lambda: Adam(eps=inf), "Adam: eps = inf"),
        (lambda: Adam(amsgrad="later"), "Adam: amsgrad = 'later', expected one of False, True, 'b"),
        (lambda: Adam(eps_on="both"), "Adam: eps_on = 'both', expected one of 'corrected', 'raw'"),
        (lambda: Adam(amsgrad="after", eps_on="raw"), "Adam: eps_on = 'raw', expected 'corrected'"),
        (lambda: NAdam(momentum_decay=-1), "NAdam: momentum_decay = -1"),
        (lambda: Lion(beta1=1), "Lion: beta1 = 1"),
        (lambda: ScheduleFree(SGD(), beta=1), "ScheduleFree: beta = 1"),
        (lambda: ScheduleFree(SGD(), weight_decay=1), "ScheduleFree: weight_decay = 1"),
        (lambda: ScheduleFree(ScheduleFree(SGD())), "ScheduleFree: base = ScheduleFree"),
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(momentum="high"), "SGD: momentum = 'high'"),
        (lambda: SGD(momentum=True), "SGD: momentum = True"),
        (lambda: SGD(nesterov=1), "SGD: nesterov = 1, expected True or False"),
        (lambda: Adam(eps=None), "Adam: eps = None"),
        (lambda: ScheduleFree(SGD), "ScheduleFree: base = "),
        (lambda: ScheduleFree("SGD"), "ScheduleFree: base = 'SGD', expected"),
    ],
)
def test_a_setting_of_a_wrong_type_is_refused_by_name(make, message):
    with pytest.raises(TypeError, match="^" + re.escape(message)):
        make()


def test_a_setting_is_one_number_for_all_runs():
    """An array of betas would have no runs axis beside the weights'."""
    with pytest.raises((ValueError, TypeError), match=r"SGD: momentum = \[0.5, 0.9\]"):
        SGD(momentum=[0.5, 0.9])


def test_a_rate_of_zero_with_the_rate_inside_the_sum():
    """drive = velocity/η has no value at η = 0: said, and not divided by 0."""
    rule, w = SGD(momentum=0.9, rate_inside=True), np.ones(2)
    with pytest.raises(ValueError, match=r"SGD: lr = .*rate_inside=True"):
        rule.step(w, w, rule.init(w), 0.0)


@pytest.mark.parametrize("rule", [r for r in RULES if "rate_inside" not in repr(r)], ids=repr)
def test_a_rate_of_zero_moves_nothing(rule):
    w = np.array([[1.0, -2.0]])
    path, _ = walk(rule, w, np.ones((3, 1, 2)), [0.0] * 3)
    np.testing.assert_array_equal(path[-1], w)


# --- A rule of one's own ----------------------------------------------------------------------


class SignSGD(Optimizer):
    """drive = the sign of the gradient."""

    floor: optimizers.Nonnegative = 0.0

    def update(self, gradient, state):
        return np.where(np.abs(gradient) > self.floor, np.sign(gradient), 0.0), 1.0


def test_a_rule_is_fields_and_one_method():
    rule, w = SignSGD(0.5, weight_decay=0.1, decoupled=True), np.ones((1, 2))
    after = rule.step(w, np.array([[3.0, 0.2]]), rule.init(w), 0.5)
    assert after.tolist() == [[0.95 - 0.5, 0.95]]
    assert repr(rule) == "SignSGD(floor=0.5, weight_decay=0.1, decoupled=True)"
    with pytest.raises(ValueError, match="SignSGD: floor = -1"):
        SignSGD(-1)


def test_a_rule_without_a_formula_shows_the_law_and_not_that_of_its_parent():
    class Mine(Adam):
        """Another rule."""

        def update(self, gradient, state):
            return gradient, 2.0

    for rule in (SignSGD(), Mine()):
        assert r"w &\leftarrow w - \eta \cdot \text{gain} \cdot \text{drive}" in rule._repr_latex_()


def test_a_rule_without_an_update_says_so():
    class Empty(Optimizer):
        pass

    with pytest.raises(TypeError, match="Empty has no rule"):
        Empty().step(np.ones(2), np.ones(2), Empty().init(np.ones(2)), 0.1)


@every_rule
def test_the_card_shows_how_far_a_weight_moves(rule):
    page = ET.fromstring(rule._repr_html_())
    rows = [[cell.text for cell in row] for row in page.iter("tr")]
    assert all(hasattr(rule, name) for _, name, _ in rows)
    if (curve := page.find(".//svg")) is not None:
        assert "nan" not in curve.attrib["aria-label"] + curve.find("polyline").attrib["points"]


def test_the_card_has_the_numbers_of_the_formula_and_those_that_are_set():
    rows = {
        (sign.text or "") + "".join(sub.text for sub in sign): [name.text, value.text]
        for sign, name, value in ET.fromstring(Adam(beta1=0.8)._repr_html_()).iter("tr")
    }
    assert rows == {"β1": ["beta1", "0.8"], "β2": ["beta2", "0.999"], "ε": ["eps", "1e-08"]}
    assert "weight_decay" in AdamW()._repr_html_()
    page = ET.fromstring(SGD(momentum=0.9)._repr_html_())
    said = page.find(".//svg").attrib["aria-label"]
    assert said.startswith("distance of each of 40 updates at the rate 1, from 1 to 8.78 while")
