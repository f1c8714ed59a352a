"""One table: what a library writes, and what we write for the same numbers.

The left side is the library's own expression, and is evaluated as it stands by make_reference.py;
the right side is ours. So the table is the record of all settings, and a phrase book as well.

Schedules: LR is the base rate. In torch and transformers, `opt` is an optimizer with that rate.
Optimizers: `lr` stands for the rates of the run (a float, or a schedule where a library has one).
"""

import numpy as np

from lrlesson.controllers import Armijo, Polyak, ReduceOnPlateau
from lrlesson.distance import DoG, DoWG, Prodigy
from lrlesson.matrices import Muon
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
from lrlesson.schedules import (
    WSD,
    Constant,
    Cosine,
    CosineRestarts,
    ExponentialDecay,
    ExpRange,
    Geometric,
    InverseSqrt,
    InverseTimeDecay,
    Linear,
    Noam,
    OneCycle,
    PolynomialDecay,
    ScheduledDrop,
    StepDecay,
    Triangular,
    Triangular2,
    Warmup,
    WarmupCosine,
)
from lrlesson.wrappers import Averaged, Clipped

LR = 0.8
UPDATES = 120  # of every schedule

# --- Schedules --------------------------------------------------------------------------------

SCHEDULES = {
    "torch": {
        "ConstantLR(opt, factor=0.25, total_iters=7)": Constant(LR / 4, 7) >> Constant(LR),
        "StepLR(opt, step_size=10, gamma=0.5)": StepDecay(LR, 0.5, 10),
        "StepLR(opt, step_size=30)": StepDecay(LR, 0.1, 30),
        "MultiStepLR(opt, milestones=[20, 45, 46], gamma=0.1)": ScheduledDrop(
            LR, 0.1, [20, 45, 46]
        ),
        "ExponentialLR(opt, gamma=0.97)": ExponentialDecay(LR, 0.97),
        "ExponentialLR(opt, gamma=0.5)": ExponentialDecay(LR, 0.5),
        "PolynomialLR(opt, total_iters=100, power=1.0)": PolynomialDecay(LR, 100),
        "PolynomialLR(opt, total_iters=100, power=2.0)": PolynomialDecay(LR, 100, 2),
        "PolynomialLR(opt, total_iters=50, power=0.5)": PolynomialDecay(LR, 50, 0.5),
        "LinearLR(opt, start_factor=0.25, end_factor=1.0, total_iters=10)": Linear(LR / 4, LR, 10),
        "LinearLR(opt, start_factor=1.0, end_factor=0.1, total_iters=100)": Linear(
            LR, LR / 10, 100
        ),
        "CosineAnnealingLR(opt, T_max=120)": Cosine(LR, 120),
        "CosineAnnealingLR(opt, T_max=120, eta_min=0.05)": Cosine(LR, 120, 0.05),
        "CosineAnnealingLR(opt, T_max=30, eta_min=0.05)": (
            (Cosine(LR, 30, 0.05) >> Cosine(0.05, 30, LR)).repeat()
        ),
        "CosineAnnealingWarmRestarts(opt, T_0=17)": CosineRestarts(LR, 17),
        "CosineAnnealingWarmRestarts(opt, T_0=10, T_mult=2, eta_min=0.05)": CosineRestarts(
            LR, 10, 2, 0.05
        ),
        "CosineAnnealingWarmRestarts(opt, T_0=5, T_mult=3)": CosineRestarts(LR, 5, 3),
        "CyclicLR(opt, 0.1, 0.8, step_size_up=8)": Triangular(0.1, 0.8, 8),
        "CyclicLR(opt, 0.1, 0.8, step_size_up=7, mode='triangular2')": Triangular2(0.1, 0.8, 7),
        "CyclicLR(opt, 0.1, 0.8, step_size_up=9, mode='exp_range', gamma=0.98)": ExpRange(
            0.1, 0.8, 9, 0.98
        ),
        "CyclicLR(opt, 0.1, 0.8, step_size_up=4, step_size_down=12)": (
            (Linear(0.1, 0.8, 4) >> Linear(0.8, 0.1, 12)).repeat()
        ),
        "OneCycleLR(opt, 0.8, total_steps=120)": OneCycle(0.8, 120),
        "OneCycleLR(opt, 0.8, total_steps=120, pct_start=0.25, div_factor=10, final_div_factor=100)"
        "": OneCycle(0.8, 120, 0.25, 10, 100),
        "OneCycleLR(opt, 0.8, total_steps=120, pct_start=0.4, three_phase=True)": OneCycle(
            0.8, 120, 0.4, three_phase=True
        ),
        "OneCycleLR(opt, 0.8, total_steps=120, pct_start=0.25, anneal_strategy='linear')": OneCycle(
            0.8, 120, 0.25, anneal="linear"
        ),
        "OneCycleLR(opt, 0.8, total_steps=120, pct_start=0.4, three_phase=True, "
        "anneal_strategy='linear')": OneCycle(0.8, 120, 0.4, three_phase=True, anneal="linear"),
        "SequentialLR(opt, [LinearLR(opt, 0.1, 1.0, 10), CosineAnnealingLR(opt, 110)], [10])": (
            Linear(LR / 10, LR, 10) >> Cosine(LR, 110)
        ),
        "ChainedScheduler([ConstantLR(opt, 0.5, 10), ExponentialLR(opt, 0.95)])": (
            (Constant(0.5, 10) >> Constant(1)) * ExponentialDecay(LR, 0.95)
        ),
    },
    "optax": {
        "constant_schedule(LR)": Constant(LR),
        "linear_schedule(LR, 0.1, 100)": Linear(LR, 0.1, 100),
        "linear_schedule(LR, 0.1, 60, transition_begin=20)": Constant(LR, 20)
        >> Linear(LR, 0.1, 60),
        "polynomial_schedule(LR, 0.1, 2, 100)": PolynomialDecay(LR, 100, 2, 0.1),
        "exponential_decay(LR, 10, 0.5)": ExponentialDecay(LR, 0.5, 10),
        "exponential_decay(LR, 10, 0.5, staircase=True)": StepDecay(LR, 0.5, 10),
        "exponential_decay(LR, 10, 0.5, transition_begin=15)": (
            Constant(LR, 15) >> ExponentialDecay(LR, 0.5, 10)
        ),
        "exponential_decay(LR, 10, 0.5, end_value=0.05)": ExponentialDecay(LR, 0.5, 10).take(40),
        "piecewise_constant_schedule(LR, {20: 0.1, 45: 0.5})": (
            ScheduledDrop(LR, 0.1, [20]) * ScheduledDrop(1, 0.5, [45])
        ),
        "piecewise_interpolate_schedule('linear', LR, {30: 0.5, 70: 0.1})": (
            Linear(LR, LR / 2, 30) >> Linear(LR / 2, LR / 20, 40)
        ),
        "cosine_decay_schedule(LR, 100)": Cosine(LR, 100),
        "cosine_decay_schedule(LR, 100, alpha=0.1)": Cosine(LR, 100, LR / 10),
        "cosine_decay_schedule(LR, 100, exponent=2)": Cosine(LR, 100) * Cosine(1, 100),
        "cosine_onecycle_schedule(100, LR)": (Cosine(LR / 25, 30, LR) >> Cosine(LR, 70, 3.2e-6)),
        "linear_onecycle_schedule(100, LR)": (
            Linear(LR / 25, LR, 30) >> Linear(LR, LR / 25, 55) >> Linear(LR / 25, 3.2e-6, 15)
        ),
        "warmup_constant_schedule(0.0, LR, 20)": Linear(0, LR, 20) >> Constant(LR),
        "warmup_cosine_decay_schedule(0.0, LR, 20, 100)": (Linear(0, LR, 20) >> Cosine(LR, 80)),
        "warmup_cosine_decay_schedule(LR / 20, LR, 19, 99, 0.05)": (
            Linear(LR / 20, LR, 19) >> Cosine(LR, 80, 0.05)
        ),
        "warmup_exponential_decay_schedule(0.0, LR, 20, 10, 0.5)": (
            Linear(0, LR, 20) >> ExponentialDecay(LR, 0.5, 10)
        ),
        "sgdr_schedule([dict(init_value=0.0, peak_value=p, warmup_steps=5, decay_steps=d)"
        " for p, d in ((LR, 25), (LR / 2, 50))])": (
            Linear(0, LR, 5) >> Cosine(LR, 20) >> Linear(0, LR / 2, 5) >> Cosine(LR / 2, 45)
        ),
        "join_schedules([linear_schedule(0.1, LR, 10), cosine_decay_schedule(LR, 90)], [10])": (
            Linear(0.1, LR, 10) >> Cosine(LR, 90)
        ),
    },
    "keras": {
        "ExponentialDecay(LR, 10, 0.5)": ExponentialDecay(LR, 0.5, 10),
        "ExponentialDecay(LR, 10, 0.5, staircase=True)": StepDecay(LR, 0.5, 10),
        "InverseTimeDecay(LR, 10, 0.5)": InverseTimeDecay(LR, 0.05),
        "PolynomialDecay(LR, 100)": PolynomialDecay(LR, 100, 1, 1e-4),
        "PolynomialDecay(LR, 100, 0.0, power=2.0)": PolynomialDecay(LR, 100, 2),
        "PiecewiseConstantDecay([20, 45], [LR, LR / 10, LR / 100])": ScheduledDrop(
            LR, 0.1, [21, 46]
        ),
        "CosineDecay(LR, 100)": Cosine(LR, 100),
        "CosineDecay(LR, 100, alpha=0.1)": Cosine(LR, 100, LR / 10),
        "CosineDecay(0.0, 80, warmup_target=LR, warmup_steps=20)": (
            Linear(0, LR, 20) >> Cosine(LR, 80)
        ),
        "CosineDecayRestarts(LR, 10)": CosineRestarts(LR, 10, 2),
        "CosineDecayRestarts(LR, 17, t_mul=1.0, alpha=0.1)": CosineRestarts(LR, 17, 1, LR / 10),
        "CosineDecayRestarts(LR, 10, m_mul=0.5)": CosineRestarts(LR, 10, 2, shrink=0.5),
        "CosineDecayRestarts(LR, 10, m_mul=0.5, alpha=0.1)": CosineRestarts(
            LR, 10, 2, LR / 10, shrink=0.5
        ),
    },
    "transformers": {
        "get_constant_schedule(opt)": Constant(LR),
        "get_constant_schedule_with_warmup(opt, 20)": Linear(0, LR, 20) >> Constant(LR),
        "get_linear_schedule_with_warmup(opt, 20, 100)": Linear(0, LR, 20) >> Linear(LR, 0, 80),
        "get_cosine_schedule_with_warmup(opt, 20, 120)": Linear(0, LR, 20) >> Cosine(LR, 100),
        "get_cosine_schedule_with_warmup(opt, 20, 100, num_cycles=1.0)": (
            Linear(0, LR, 20) >> (Cosine(LR, 40) >> Cosine(0, 40, LR)).repeat()
        ),
        "get_cosine_with_hard_restarts_schedule_with_warmup(opt, 20, 100, num_cycles=2)": (
            Linear(0, LR, 20) >> Cosine(LR, 40) >> Cosine(LR, 40)
        ),
        "get_cosine_with_min_lr_schedule_with_warmup(opt, 20, 120, min_lr=0.08)": (
            Linear(0, LR, 20) >> Cosine(LR, 100, 0.08)
        ),
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate(opt, 20, 120, min_lr=0.08)": (
            Warmup(LR, 20).take(19) >> Cosine(LR, 100, 0.08)
        ),
        "get_polynomial_decay_schedule_with_warmup(opt, 20, 100)": (
            Linear(0, LR, 20) >> PolynomialDecay(LR, 80, 1, 1e-7)
        ),
        "get_polynomial_decay_schedule_with_warmup(opt, 20, 100, lr_end=0.01, power=2.0)": (
            Linear(0, LR, 20) >> PolynomialDecay(LR, 80, 2, 0.01)
        ),
        "get_inverse_sqrt_schedule(opt, 20)": Constant(0, 1) >> InverseSqrt(LR, 20),
        "get_wsd_schedule(opt, 20, 30, num_stable_steps=50, decay_type='linear')": (
            Linear(0, LR, 20) >> Constant(LR, 50) >> Linear(LR, 0, 30)
        ),
        "get_wsd_schedule(opt, 20, 30, num_stable_steps=50, decay_type='1-sqrt')": (
            Linear(0, LR, 20) >> WSD(LR, 0, 50, 30, shape="sqrt")
        ),
        "get_wsd_schedule(opt, 20, 30, num_stable_steps=50, min_lr_ratio=0.1)": (
            Linear(LR / 10, LR, 20) >> Constant(LR, 50) >> Cosine(LR, 30, LR / 10)
        ),
    },
}

# Ours, as `Schedule.code` writes them for each framework: every class and every shape of the code.
# The rates are those of as many updates as the schedule is long: after them some go on.
OURS = [
    Constant(LR),
    StepDecay(LR, 0.5, 10),
    StepDecay(LR, 0.5, 7.5),
    ScheduledDrop(LR, 0.1, [20, 45, 46]),
    ScheduledDrop(LR, 0.1, [0, 45]),
    ExponentialDecay(LR, 0.97),
    ExponentialDecay(LR, 0.5, 10),
    PolynomialDecay(LR, 100),
    PolynomialDecay(LR, 50, 2),
    PolynomialDecay(LR, 100, 0.5, 0.05),
    InverseTimeDecay(LR, 0.05),
    Warmup(LR, 20),
    Linear(LR, 0, 100),
    Linear(LR, 0.2, 80),
    Linear(0.2, LR, 40),
    Geometric(0.01, LR, 100),
    Geometric(LR, 0.01, 100),
    InverseSqrt(LR, 20),
    Noam(64, 20),
    Cosine(LR, 100),
    Cosine(LR, 100, 0.05),
    Cosine(0.05, 100, LR),
    CosineRestarts(LR, 17),
    CosineRestarts(LR, 10, 2, 0.05),
    CosineRestarts(LR, 10, 2, shrink=0.5),
    CosineRestarts(LR, 10, 2, 0.05, 0.5),
    CosineRestarts(LR, 10, 1.5),
    Triangular(0.1, LR, 8),
    Triangular2(0.1, LR, 7),
    ExpRange(0.1, LR, 9, 0.98),
    WarmupCosine(LR, 20, 100),
    WarmupCosine(LR, 0, 100, 0.05),
    WarmupCosine(LR, 20, 100, 0.05),
    WSD(LR, 20, 50, 30),
    WSD(LR, 0, 50, 30, 0.05),
    WSD(LR, 20, 50, 30, shape="sqrt"),
    WSD(LR, 0, 50, 30, shape="sqrt"),
    WSD(LR, 0, 50, 30, 0.05, shape="sqrt"),
    WSD(LR, 20, 50, 30, 0.01, shape="exponential"),
    OneCycle(LR, 100),
    OneCycle(LR, 100, 0.25, 10, 100, anneal="linear"),
    OneCycle(LR, 100, 0.4, three_phase=True),
    Warmup(LR, 20) >> Cosine(LR, 80),
    Warmup(LR, 20) >> Constant(LR),
    Warmup(LR, 20) >> StepDecay(LR, 0.5, 10),
    Warmup(LR, 20) >> ScheduledDrop(LR, 0.1, [30, 50]),
    Warmup(LR, 20) >> ExponentialDecay(LR, 0.97),
    Warmup(LR, 20) >> PolynomialDecay(LR, 80, 2),
    Warmup(LR, 20) >> CosineRestarts(LR, 17),
    Constant(0.2, 10) >> Cosine(LR, 80),
    Linear(0, LR, 20) >> Cosine(LR, 80),
    Linear(0, LR, 20) >> Cosine(LR, 80, 0.05),
    Linear(0, LR, 20) >> Linear(LR, 0, 80),
    Linear(0, LR, 20) >> PolynomialDecay(LR, 80, 2),
    Linear(0, LR, 20) >> Constant(LR),
    Linear(0, LR, 20) >> StepDecay(LR, 0.5, 10),
    Linear(0, LR, 20) >> WSD(LR, 0, 50, 30),
    Cosine(LR, 60).take(40) >> Linear(0.2, 0, 20),
    (Linear(0.1, LR, 8) >> Linear(LR, 0.1, 8)).repeat(),
    Warmup(LR, 5) * 0.5,
    Cosine(LR, 100) * Triangular(0.5, 1, 7),
]
WRITES = ("pytorch", "lightning", "keras", "optax", "transformers", "timm")


def compared(eta) -> int:
    """How many updates of a schedule are compared."""
    return UPDATES if eta.length is None else min(UPDATES, int(eta.length))


# Our ramps begin at LR/W and these at 0: ours is one update ahead until the ramp has ended, and
# equal from then on.
RAMPS = {
    ("transformers", "get_constant_schedule_with_warmup(opt, 20)"): Warmup(LR, 20),
    ("transformers", "get_cosine_schedule_with_warmup(opt, 20, 120)"): WarmupCosine(LR, 20, 120),
    ("transformers", "get_wsd_schedule(opt, 20, 30, num_stable_steps=50, decay_type='linear')"): (
        WSD(LR, 20, 50, 30)
    ),
    ("transformers", "get_wsd_schedule(opt, 20, 30, num_stable_steps=50, decay_type='1-sqrt')"): (
        WSD(LR, 20, 50, 30, shape="sqrt")
    ),
    ("optax", "warmup_constant_schedule(0.0, LR, 20)"): Warmup(LR, 20),
    ("optax", "warmup_cosine_decay_schedule(0.0, LR, 20, 100)"): WarmupCosine(LR, 20, 100),
    ("keras", "CosineDecay(0.0, 80, warmup_target=LR, warmup_steps=20)"): (
        WarmupCosine(LR, 20, 100)
    ),
}

# Rows that we compose, although one class of ours bears the name: that class, and what differs.
NAMESAKES = {
    ("torch", "ConstantLR(opt, factor=0.25, total_iters=7)"): (
        Constant(LR),
        "a share of the rate comes first, and all of it after total_iters",
    ),
    ("torch", "LinearLR(opt, start_factor=0.25, end_factor=1.0, total_iters=10)"): (
        Warmup(LR, 10),
        "it begins at start_factor, 1/3 unless said, and its last update is just short of LR",
    ),
    (
        "torch",
        "SequentialLR(opt, [LinearLR(opt, 0.1, 1.0, 10), CosineAnnealingLR(opt, 110)], [10])",
    ): (
        WarmupCosine(LR, 10, 120),
        "two schedulers in a row; the ramp's last update is just short of LR",
    ),
    ("torch", "CosineAnnealingLR(opt, T_max=30, eta_min=0.05)"): (
        Cosine(LR, 30, 0.05),
        "equal until T_max; then theirs climbs again, and ours stays",
    ),
    ("torch", "CyclicLR(opt, 0.1, 0.8, step_size_up=4, step_size_down=12)"): (
        Triangular(0.1, 0.8, 4),
        "ours comes down in as many updates as it climbs",
    ),
    ("optax", "cosine_onecycle_schedule(100, LR)"): (
        OneCycle(LR, 100),
        "theirs turns at update 30 and ends at 100, ours and PyTorch's at 29 and 99",
    ),
    ("optax", "linear_onecycle_schedule(100, LR)"): (
        OneCycle(LR, 100, anneal="linear"),
        "a third phase from 85 % of the updates on",
    ),
    ("optax", "piecewise_constant_schedule(LR, {20: 0.1, 45: 0.5})"): (
        ScheduledDrop(LR, 0.1, [20, 45]),
        "each boundary has a factor of its own; ours is one for all",
    ),
    ("optax", "exponential_decay(LR, 10, 0.5, end_value=0.05)"): (
        ExponentialDecay(LR, 0.5, 10),
        "theirs stops at end_value",
    ),
    (
        "optax",
        (
            "sgdr_schedule([dict(init_value=0.0, peak_value=p, warmup_steps=5, decay_steps=d)"
            " for p, d in ((LR, 25), (LR / 2, 50))])"
        ),
    ): (
        CosineRestarts(LR, 25, 2),
        "each round has a ramp and a peak of its own",
    ),
    ("optax", "warmup_exponential_decay_schedule(0.0, LR, 20, 10, 0.5)"): (
        ExponentialDecay(LR, 0.5, 10),
        "it begins with a ramp",
    ),
    (
        "transformers",
        "get_cosine_with_hard_restarts_schedule_with_warmup(opt, 20, 100, num_cycles=2)",
    ): (
        CosineRestarts(LR, 40),
        "it begins with a ramp, and the number of rounds is given instead of their length",
    ),
    ("transformers", "get_linear_schedule_with_warmup(opt, 20, 100)"): (
        Linear(LR, 0, 100),
        "it begins with a ramp, which the number of updates includes",
    ),
    ("transformers", "get_wsd_schedule(opt, 20, 30, num_stable_steps=50, min_lr_ratio=0.1)"): (
        WSD(LR, 20, 50, 30, LR / 10),
        "its decay is half a cosine unless decay_type is given; the ramp begins at the lowest rate",
    ),
    ("transformers", "get_polynomial_decay_schedule_with_warmup(opt, 20, 100)"): (
        PolynomialDecay(LR, 80, 1, 1e-7),
        "it begins with a ramp, which the number of updates includes",
    ),
    ("transformers", "get_inverse_sqrt_schedule(opt, 20)"): (
        InverseSqrt(LR, 20),
        "theirs is one update late, for its first rate is 0",
    ),
}

# No setting of ours gives these numbers: with the nearest of ours, and the reason.
UNMATCHED_SCHEDULES = {
    ("keras", "PolynomialDecay(LR, 40, cycle=True)"): (
        PolynomialDecay(LR, 40, 1, 1e-4),
        "cycle=True stretches the whole ramp to the next multiple of 40 and climbs in one jump",
    ),
    ("keras", "InverseTimeDecay(LR, 10, 0.5, staircase=True)"): (
        InverseTimeDecay(LR, 0.05),
        "stairs under the smooth curve of 1/(1 + kt)",
    ),
}

# --- Optimizers -------------------------------------------------------------------------------

# The rate of each family, so that all of them get somewhere in 60 updates.
RATES = {
    SGD: 5e-4, AdaGrad: 0.3, AdaDelta: 1.0, RMSprop: 0.01, Adam: 0.05, AdamW: 0.05,
    AdaMax: 0.05, NAdam: 0.05, RAdam: 5e-4, Lion: 0.02, ScheduleFree: 5e-4,
    DoG: 1.0, DoWG: 1.0, Prodigy: 1.0, Muon: 0.02,
}  # fmt: skip


def rate_of(rule) -> float:
    """The rate of a rule's family; of a wrapper, that of its base."""
    return RATES[type(rule)] if type(rule) in RATES else rate_of(rule.base)


OPTIMIZERS = {
    "torch": {
        "SGD([w], lr=lr)": SGD(),
        "SGD([w], lr=lr, momentum=0.9)": SGD(momentum=0.9),
        "SGD([w], lr=lr, momentum=0.9, nesterov=True)": SGD(momentum=0.9, nesterov=True),
        "SGD([w], lr=lr, momentum=0.9, dampening=0.5)": SGD(momentum=0.9, dampening=0.5),
        "SGD([w], lr=lr, momentum=0.5, weight_decay=0.1)": SGD(momentum=0.5, weight_decay=0.1),
        "Adagrad([w], lr=lr)": AdaGrad(),
        "Adagrad([w], lr=lr, eps=0.01, initial_accumulator_value=0.1)": AdaGrad(0.01, 0.1),
        "Adagrad([w], lr=lr, weight_decay=0.1)": AdaGrad(weight_decay=0.1),
        "Adadelta([w], lr=lr)": AdaDelta(),
        "Adadelta([w], lr=lr, rho=0.5, eps=1e-3, weight_decay=0.1)": AdaDelta(
            0.5, 1e-3, weight_decay=0.1
        ),
        "RMSprop([w], lr=lr)": RMSprop(),
        "RMSprop([w], lr=lr, alpha=0.9, eps=0.01)": RMSprop(0.9, 0.01),
        "RMSprop([w], lr=lr, momentum=0.9)": RMSprop(momentum=0.9),
        "RMSprop([w], lr=lr, alpha=0.9, centered=True)": RMSprop(0.9, centered=True),
        "RMSprop([w], lr=lr, alpha=0.9, centered=True, momentum=0.5, weight_decay=0.1)": RMSprop(
            0.9, centered=True, momentum=0.5, weight_decay=0.1
        ),
        "Adam([w], lr=lr)": Adam(),
        "Adam([w], lr=lr, betas=(0.8, 0.95), eps=0.01)": Adam(0.8, 0.95, 0.01),
        "Adam([w], lr=lr, weight_decay=0.1)": Adam(weight_decay=0.1),
        "Adam([w], lr=lr, weight_decay=0.1, decoupled_weight_decay=True)": AdamW(weight_decay=0.1),
        "Adam([w], lr=lr, betas=(0.9, 0.9), amsgrad=True)": Adam(0.9, 0.9, amsgrad=True),
        "AdamW([w], lr=lr)": AdamW(),
        "AdamW([w], lr=lr, betas=(0.9, 0.95), weight_decay=0.5, amsgrad=True)": AdamW(
            0.9, 0.95, amsgrad="before", weight_decay=0.5
        ),
        "Adamax([w], lr=lr)": AdaMax(),
        "Adamax([w], lr=lr, betas=(0.5, 0.9), eps=0.01, weight_decay=0.1)": AdaMax(
            0.5, 0.9, 0.01, weight_decay=0.1
        ),
        "NAdam([w], lr=lr)": NAdam(),
        "NAdam([w], lr=lr, betas=(0.8, 0.95), eps=0.01, momentum_decay=0.1)": NAdam(
            0.8, 0.95, 0.01, 0.1
        ),
        "NAdam([w], lr=lr, weight_decay=0.1, decoupled_weight_decay=True)": NAdam(
            weight_decay=0.1, decoupled=True
        ),
        "RAdam([w], lr=lr)": RAdam(),
        "RAdam([w], lr=lr, betas=(0.5, 0.9), eps=0.01)": RAdam(0.5, 0.9, 0.01),
        "RAdam([w], lr=lr, weight_decay=0.1)": RAdam(weight_decay=0.1),
        "SGD([w], lr=lr, momentum=0.9), clip_grad_norm_([w], 1.0)": Clipped(SGD(momentum=0.9), 1.0),
        "AdamW([w], lr=lr), clip_grad_value_([w], 0.5)": Clipped(AdamW(), 0.5, "value"),
    },
    "prodigyopt": {
        "Prodigy([w], lr=lr)": Prodigy(bias_correction=False),
        "Prodigy([w], lr=lr, use_bias_correction=True)": Prodigy(),
        "Prodigy([w], lr=lr, betas=(0.8, 0.95), d0=1e-3, weight_decay=0.1)": Prodigy(
            0.8, 0.95, d0=1e-3, bias_correction=False, weight_decay=0.1, decoupled=True
        ),
    },
    "optax": {
        "sgd(lr)": SGD(),
        "sgd(lr, momentum=0.9)": SGD(momentum=0.9),
        "sgd(lr, momentum=0.9, nesterov=True)": SGD(momentum=0.9, nesterov=True),
        "chain(add_decayed_weights(0.1), sgd(lr))": SGD(weight_decay=0.1),
        "adagrad(lr)": AdaGrad(1e-7, 0.1, eps_inside=True),
        "adagrad(lr, initial_accumulator_value=0.5, eps=0.01)": AdaGrad(0.01, 0.5, eps_inside=True),
        "adadelta(lr)": AdaDelta(),
        "adadelta(lr, rho=0.5, eps=1e-3, weight_decay=0.1)": AdaDelta(0.5, 1e-3, weight_decay=0.1),
        "rmsprop(lr)": RMSprop(0.9, eps_inside=True),
        "rmsprop(lr, decay=0.99, eps=0.01, eps_in_sqrt=False)": RMSprop(0.99, 0.01),
        "rmsprop(lr, centered=True)": RMSprop(0.9, centered=True, eps_inside=True),
        "adam(lr)": Adam(),
        "adam(lr, b1=0.5, b2=0.9, eps=0.01)": Adam(0.5, 0.9, 0.01),
        "adamw(lr)": AdamW(weight_decay=1e-4),
        "adamw(lr, b2=0.95, weight_decay=0.5)": AdamW(beta2=0.95, weight_decay=0.5),
        "amsgrad(lr, b2=0.9)": Adam(beta2=0.9, amsgrad="after"),
        "adamax(lr)": AdaMax(),
        "adamax(lr, b1=0.5, b2=0.9, eps=0.01)": AdaMax(0.5, 0.9, 0.01),
        "nadam(lr)": NAdam(momentum_decay=1e6),
        "nadam(lr, b1=0.5, b2=0.9, eps=0.01)": NAdam(0.5, 0.9, 0.01, 1e6),
        "nadamw(lr, weight_decay=0.1)": NAdam(momentum_decay=1e6, weight_decay=0.1, decoupled=True),
        "radam(lr, eps=1e-30)": RAdam(eps=1e-30),
        "lion(lr)": Lion(weight_decay=1e-3, decoupled=True),
        "lion(lr, b1=0.5, b2=0.9, weight_decay=0.0)": Lion(0.5, 0.9),
        "contrib.schedule_free(sgd(lr), lambda n: lr(n - 1))": ScheduleFree(SGD()),
        "contrib.schedule_free(adam(lr, b1=0.0), lambda n: lr(n - 1), b1=0.5)": ScheduleFree(
            Adam(beta1=0.0), beta=0.5
        ),
        "chain(clip_by_global_norm(1.0), sgd(lr, momentum=0.9))": Clipped(SGD(momentum=0.9), 1.0),
        "chain(clip(0.5), adam(lr))": Clipped(Adam(), 0.5, "value"),
        "contrib.prodigy(lr, eps=1e-30)": Prodigy(eps=1e-30),
        "contrib.dog(lr, ('distance', 0.01), eps=1e-300)": DoG(0.01),
        "contrib.dowg(lr, 1e-4, eps=1e-300)": DoWG(0.01),
    },
    "keras": {
        "SGD(lr)": SGD(),
        "SGD(lr, momentum=0.9)": SGD(momentum=0.9, rate_inside=True),
        "SGD(lr, momentum=0.9, nesterov=True)": SGD(0.9, nesterov=True, rate_inside=True),
        "SGD(lr, momentum=0.5, weight_decay=0.1)": SGD(
            0.5, rate_inside=True, weight_decay=0.1, decoupled=True
        ),
        "Adagrad(lr)": AdaGrad(1e-7, 0.1, eps_inside=True),
        "Adagrad(lr, initial_accumulator_value=0.5, epsilon=0.01)": AdaGrad(
            0.01, 0.5, eps_inside=True
        ),
        "Adadelta(lr)": AdaDelta(0.95, 1e-7),
        "Adadelta(lr, rho=0.5, epsilon=1e-3)": AdaDelta(0.5, 1e-3),
        "RMSprop(lr)": RMSprop(0.9, 1e-7, eps_inside=True),
        "RMSprop(lr, rho=0.99, epsilon=0.01, centered=True)": RMSprop(
            0.99, 0.01, centered=True, eps_inside=True
        ),
        "Adam(lr)": Adam(eps=1e-7, eps_on="raw"),
        "Adam(lr, beta_1=0.5, beta_2=0.9, epsilon=0.01)": Adam(0.5, 0.9, 0.01, eps_on="raw"),
        "Adam(lr, beta_2=0.9, amsgrad=True)": Adam(beta2=0.9, eps=1e-7, amsgrad=True, eps_on="raw"),
        "Adam(lr, weight_decay=0.1)": AdamW(eps=1e-7, eps_on="raw", weight_decay=0.1),
        "AdamW(lr)": AdamW(eps=1e-7, eps_on="raw", weight_decay=0.004),
        "Adamax(lr, epsilon=1e-30)": AdaMax(eps=1e-30),
        "Nadam(lr)": NAdam(eps=1e-7, momentum_decay=1.0),
        "Nadam(lr, beta_1=0.5, beta_2=0.9, epsilon=0.01)": NAdam(0.5, 0.9, 0.01, 1.0),
        "Lion(lr)": Lion(),
        "SGD(lr, global_clipnorm=1.0)": Clipped(SGD(), 1.0),
        "Adam(lr, clipvalue=0.5)": Clipped(Adam(eps=1e-7, eps_on="raw"), 0.5, "value"),
        "Lion(lr, beta_1=0.5, beta_2=0.9, weight_decay=0.1)": Lion(
            0.5, 0.9, weight_decay=0.1, decoupled=True
        ),
    },
}

# No setting of ours gives these numbers once the rate changes, or ε is not small: with the
# nearest of ours, and the reason.
UNMATCHED_OPTIMIZERS = {
    ("optax", "rmsprop(lr, momentum=0.9)"): (
        RMSprop(0.9, momentum=0.9, eps_inside=True),
        "optax keeps η inside the sum; with a constant rate the two agree",
    ),
    ("keras", "RMSprop(lr, momentum=0.9)"): (
        RMSprop(0.9, 1e-7, momentum=0.9, eps_inside=True),
        "Keras keeps η inside the sum; with a constant rate the two agree",
    ),
    ("keras", "Adamax(lr, beta_2=0.9, epsilon=1.0)"): (
        AdaMax(beta2=0.9, eps=1.0),
        "Keras divides by u + ε, we and PyTorch by max(β₂u, |g| + ε)",
    ),
    ("optax", "radam(lr, eps=1.0)"): (
        RAdam(eps=1.0),
        "optax adds ε to the corrected root, we and PyTorch to the uncorrected one",
    ),
}

# Rows that agree less closely: on the fixed gradients, on the two others, and why.
BY_DISTANCE = (1e-12, 1e-5, "what d is, the rate is: an estimate turns on the last digits")
CLOSE = {
    ("torch", "SGD([w], lr=lr, momentum=0.9), clip_grad_norm_([w], 1.0)"): (
        *(1e-5, 1e-5),
        "torch divides by ‖g‖ + 1e-6",
    ),
    ("keras", "SGD(lr, global_clipnorm=1.0)"): (1e-6, 1e-6, "Keras computes ‖g‖ in float32"),
    ("keras", "Adam(lr, clipvalue=0.5)"): (
        *(1e-12, 1e-6),
        "a gradient at the limit turns on the last digits",
    ),
    **{("prodigyopt", expression): BY_DISTANCE for expression in OPTIMIZERS["prodigyopt"]},
}

# Rules for one matrix of weights, on fixed gradients, and how closely they agree (torch computes in
# bfloat16, Keras in part in float32); ours sees the matrix as the hidden one of a network.
MATRICES = {
    "torch": {"Muon([w], lr=lr, weight_decay=0.0)": ("PyTorch", 0.06)},
    "keras": {"Muon(lr, rms_rate=None, weight_decay=None)": ("Keras", 1e-6)},
}
SHAPES = {"wide": (3, 5), "tall": (5, 3)}

# Averages of weights along plain SGD, on the fixed gradients.
AVERAGES = {
    "torch": {
        "AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))": Averaged(SGD(), 0.9),
        "AveragedModel(model)": Averaged(SGD(), None),
    },
    "keras": {"SGD(lr, use_ema=True, ema_momentum=0.9)": Averaged(SGD(), 0.9)},
}

# Numbers to be stored in few bits.
UNROUNDED = np.concatenate(
    [s * np.geomspace(1e-6, 1e4, 97) for s in (1, -1)]
    + [1 + np.arange(16) / 2**9, [0.0, 1.00390625, 1.01171875, 1.5 - 0.00048, 1.5 - 0.0005]]
)

# --- Controllers ------------------------------------------------------------------------------

# Metrics that fall, stall, fall by less than the threshold, rise, and become NaN.
METRICS = {
    "stalls": [1.0, 0.9, 0.8] + [0.8] * 27,
    "creeps": [1.0 - 5e-5 * k for k in range(30)],
    "falls late": [1.0] * 8 + [0.5] * 8 + [0.25] * 14,
    "noisy": (1 / (1 + np.arange(30) / 5) + 0.1 * np.cos(7.0 * np.arange(30))).tolist(),
    "rises": [1.0 + 0.1 * k for k in range(30)],
    "negative": [-1.0 - 0.1 * (k // 6) for k in range(30)],
    "breaks": [1.0, 0.5] + [float("nan")] * 14 + [0.25] * 14,
}
PLATEAUS = {
    "torch": {
        "ReduceLROnPlateau(opt, patience=2, eps=0)": ReduceOnPlateau(LR, patience=2),
        "ReduceLROnPlateau(opt, patience=0, factor=0.5, eps=0)": ReduceOnPlateau(LR, 0.5, 0),
        "ReduceLROnPlateau(opt, factor=0.5, patience=3, cooldown=4, eps=0)": ReduceOnPlateau(
            LR, 0.5, patience=3, cooldown=4
        ),
        "ReduceLROnPlateau(opt, patience=2, threshold=0.1, min_lr=0.01)": ReduceOnPlateau(
            LR, patience=2, threshold=0.1, min_lr=0.01
        ),
        "ReduceLROnPlateau(opt, eps=0)": ReduceOnPlateau(LR),
    },
    "optax": {
        "contrib.reduce_on_plateau(patience=3)": ReduceOnPlateau(LR, patience=2),
        "contrib.reduce_on_plateau(factor=0.5, patience=4, cooldown=4)": ReduceOnPlateau(
            LR, 0.5, patience=3, cooldown=4
        ),
    },
    "keras": {
        "ReduceLROnPlateau('loss', patience=3, min_delta=0)": ReduceOnPlateau(
            LR, patience=2, threshold=0
        ),
        "ReduceLROnPlateau('loss', factor=0.5, patience=4, cooldown=4, min_delta=0)": (
            ReduceOnPlateau(LR, 0.5, patience=3, threshold=0, cooldown=3)
        ),
    },
}
UNMATCHED_PLATEAUS = {
    ("torch", "ReduceLROnPlateau(opt, patience=0)", "rises"): (
        ReduceOnPlateau(LR, patience=0),
        "eps=1e-8: torch makes no cut that changes the rate by that or less",
    ),
    ("keras", "ReduceLROnPlateau('loss', patience=3, min_delta=0.1)", "noisy"): (
        ReduceOnPlateau(LR, patience=2, threshold=0.1),
        "min_delta is a difference, and our threshold a share",
    ),
}
SEARCHES = {
    "polyak_sgd(max_learning_rate=math.inf)": Polyak(),
    "polyak_sgd(max_learning_rate=0.002)": Polyak(max_lr=0.002),
    "polyak_sgd(max_learning_rate=math.inf, f_min=-1.0)": Polyak(f_star=-1.0),
    "chain(sgd(1.0), scale_by_backtracking_linesearch(200, increase_factor=2.0,"
    " decrease_factor=0.5, max_learning_rate=math.inf))": Armijo(lr0=2.0),
    "chain(sgd(1.0), scale_by_backtracking_linesearch(200, slope_rtol=0.3, increase_factor=1.5,"
    " decrease_factor=0.8, max_learning_rate=math.inf))": Armijo(
        lr0=1.5, c=0.3, shrink=0.8, grow=1.5
    ),
}

# --- The problems -----------------------------------------------------------------------------

STEPS = 60
CURVATURES = np.array([1.0, 10.0, 100.0])
STARTS = {
    "fixed": np.array([1.0, -0.5, 2.0, 0.0, -3.0, 0.25]),
    "quadratic": np.array([1.0, -2.0, 0.5]),
    "rosenbrock": np.array([-1.2, 1.0]),
}


def fixed_gradients() -> np.ndarray:
    """Gradients that differ in size by 10⁶, change sign, start late, stop early, and vanish."""
    t = np.arange(STEPS)[:, None]
    sizes = np.array([1e-4, 1e-2, 1.0, 1.0, 10.0, 100.0])
    gradients = sizes * np.cos((t + 1) * np.array([0.05, 0.3, 1.0, 2.0, 0.7, 3.0]))
    gradients[:10, 2] = 0.0
    gradients[40:, 3] = 0.0
    return gradients


def start(problem: str) -> np.ndarray:
    """The weights at the start of a problem, or those of a matrix: its entries' cosines."""
    if problem in SHAPES:
        return np.cos(np.arange(15.0)).reshape(SHAPES[problem])
    return STARTS[problem]


def rates(problem: str, lr: float) -> np.ndarray:
    """The rates of all updates: they fall on the fixed gradients, and elsewhere stay."""
    if problem == "fixed":
        return lr * (0.05 + 0.95 * (1 + np.cos(np.pi * np.arange(STEPS) / STEPS)) / 2)
    return np.full(STEPS, lr)


def gradient(problem: str, t: int, w: np.ndarray) -> np.ndarray:
    """The gradient of one problem at the weights w of update t."""
    if problem == "fixed":
        return fixed_gradients()[t]
    if problem in SHAPES:
        return np.cos((t + 1) * np.arange(1.0, 16)).reshape(SHAPES[problem])
    if problem == "quadratic":
        return CURVATURES * w
    x, y = w
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


def value(problem: str, w: np.ndarray) -> np.ndarray:
    """The loss of the quadratic or of Rosenbrock's function; w: (…, dim)."""
    if problem == "quadratic":
        return 0.5 * (CURVATURES * w**2).sum(axis=-1)
    x, y = w[..., 0], w[..., 1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


# --- Where a row differs, in words ------------------------------------------------------------

NOTES = {
    "torch": {
        "StepLR(opt, step_size=30)": "gamma is 0.1 unless said; our drop has no default",
        "ExponentialLR(opt, gamma=0.97)": "gamma is for each call of step(): here an update",
        "PolynomialLR(opt, total_iters=100, power=1.0)": "the end is always 0",
        "CosineAnnealingLR(opt, T_max=120)": "equal until T_max; then theirs climbs again",
        "CosineAnnealingWarmRestarts(opt, T_0=17)": "T_mult is 1 unless said, as our mult is",
        "OneCycleLR(opt, 0.8, total_steps=120)": "it moves the momentum too, unless told not to",
        "CyclicLR(opt, 0.1, 0.8, step_size_up=8)": "it moves the momentum too, unless told not to",
        "SGD([w], lr=lr, momentum=0.5, weight_decay=0.1)": "the decay is added to the gradient",
        "RMSprop([w], lr=lr, alpha=0.9, eps=0.01)": "ρ is called alpha",
        "SGD([w], lr=lr, momentum=0.9), clip_grad_norm_([w], 1.0)": "called before each step()",
        "AdamW([w], lr=lr), clip_grad_value_([w], 0.5)": "called before each step()",
        "Adam([w], lr=lr, weight_decay=0.1)": "the decay is added to the gradient",
        "Adam([w], lr=lr, weight_decay=0.1, decoupled_weight_decay=True)": "this is AdamW",
        "Adam([w], lr=lr, betas=(0.9, 0.9), amsgrad=True)": "the largest v before its correction",
        "ReduceLROnPlateau(opt, eps=0)": "no cut of eps or less is made; eps is 1e-8 unless said",
    },
    "optax": {
        "exponential_decay(LR, 10, 0.5, staircase=True)": "stairs are an option, not a class",
        "cosine_decay_schedule(LR, 100, alpha=0.1)": "alpha is the end as a share of LR",
        "polynomial_schedule(LR, 0.1, 2, 100)": "the end comes second, the power third",
        "warmup_cosine_decay_schedule(0.0, LR, 20, 100)": "decay_steps counts the warmup too",
        "adagrad(lr)": "s starts at 0.1; ε is 1e-7 and under the root",
        "rmsprop(lr)": "ρ is 0.9 and called decay; ε is under the root",
        "adamw(lr)": "λ is 1e-4",
        "amsgrad(lr, b2=0.9)": "the largest v after its correction",
        "nadam(lr)": "the share of m is β₁ at once: ψ = ∞",
        "radam(lr, eps=1e-30)": "equal only where ε is tiny: see below",
        "lion(lr)": "λ is 1e-3, and decoupled",
        "contrib.prodigy(lr, eps=1e-30)": "equal only where ε is tiny; it corrects the bias",
        "contrib.dog(lr, ('distance', 0.01), eps=1e-300)": (
            "r0 is 1e-6·(1 + ‖w‖) unless said, and ε is added to the sum"
        ),
        "contrib.dowg(lr, 1e-4, eps=1e-300)": "it takes the square of r0",
        "contrib.schedule_free(sgd(lr), lambda n: lr(n - 1))": "its schedule is asked from 1 on",
        "contrib.reduce_on_plateau(patience=3)": "the cut counts into the patience",
        "polyak_sgd(max_learning_rate=math.inf)": "max_learning_rate is 1 unless said",
    },
    "keras": {
        "ExponentialDecay(LR, 10, 0.5, staircase=True)": "stairs are an option, not a class",
        "InverseTimeDecay(LR, 10, 0.5)": "our k is their decay_rate / decay_steps",
        "PolynomialDecay(LR, 100)": "the end is 1e-4 unless said",
        "PiecewiseConstantDecay([20, 45], [LR, LR / 10, LR / 100])": (
            "the old value still holds at the boundary"
        ),
        "CosineDecay(LR, 100, alpha=0.1)": "alpha is the end as a share of LR",
        "CosineDecay(0.0, 80, warmup_target=LR, warmup_steps=20)": (
            "decay_steps does not count the warmup"
        ),
        "CosineDecayRestarts(LR, 10)": "t_mul is 2 unless said",
        "SGD(lr, momentum=0.9)": "η is inside the sum of steps",
        "SGD(lr, momentum=0.5, weight_decay=0.1)": "the decay is decoupled",
        "Adagrad(lr)": "s starts at 0.1; ε is 1e-7 and under the root",
        "Adadelta(lr)": "ρ is 0.95, ε 1e-7; a rate that is not said is 0.001, in PyTorch 1",
        "RMSprop(lr)": "ρ is 0.9; ε is 1e-7 and under the root",
        "Adam(lr)": "ε is 1e-7, and added to the uncorrected √v",
        "Adam(lr, beta_2=0.9, amsgrad=True)": "the largest v before its correction",
        "Adam(lr, weight_decay=0.1)": "the decay is decoupled: this is AdamW",
        "AdamW(lr)": "λ is 0.004; ε as in Keras' Adam",
        "Adamax(lr, epsilon=1e-30)": "equal only where ε is tiny: see below",
        "Nadam(lr)": "ψ is 1; ε is 1e-7",
        "Lion(lr, beta_1=0.5, beta_2=0.9, weight_decay=0.1)": "the decay is decoupled",
        "ReduceLROnPlateau('loss', patience=3, min_delta=0)": (
            "the cut counts into the patience; min_delta is 1e-4 unless said"
        ),
        "ReduceLROnPlateau('loss', factor=0.5, patience=4, cooldown=4, min_delta=0)": (
            "the cut counts into the cooldown as well"
        ),
    },
    "prodigyopt": {
        "Prodigy([w], lr=lr)": "the authors' code; the bias is corrected only where asked for",
    },
    "transformers": {
        "get_cosine_with_min_lr_schedule_with_warmup_lr_rate(opt, 20, 120, min_lr=0.08)": (
            "the only ramp of theirs that begins at LR/W"
        ),
    },
}
