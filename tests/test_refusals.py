"""Every public constructor and function of the library, given nonsense, one argument at a time.

It must refuse with a TypeError or ValueError that names the argument. `SOUND` has one call that
works for each of them; `NONSENSE` no argument takes, except where TAKEN says so.
"""

import inspect
import re

import numpy as np
import pytest

import lrlesson
from lrlesson import SGD, Quadratic, digits, net_a

NET = {"network": net_a(), "data": digits(), "optimizer": SGD(), "batch": 512, "seed": 0}
SMALL = {"epochs": 1, "w0": None, "evaluate_every": None, "keep_weights": False, "stop_after": 2}
DECAY = {"weight_decay": 0.1, "decoupled": False}
ADAM = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "amsgrad": False, "eps_on": "raw"}
TRIANGLE = {"base_lr": 0.1, "max_lr": 1, "step_size": 5}
MLP = {"activation": "relu", "loss": "mse", "init_scale": 1.0, "bias": True, "dtype": np.float32}
SOUND = {
    "Constant": {"lr": 0.1, "T": 10},
    "StepDecay": {"lr0": 0.1, "drop": 0.5, "every": 10},
    "ScheduledDrop": {"lr0": 0.1, "drop": 0.5, "at": [3]},
    "ExponentialDecay": {"lr0": 0.1, "gamma": 0.9, "every": 2},
    "PolynomialDecay": {"lr0": 0.1, "T": 10, "power": 1, "lr_end": 0},
    "InverseTimeDecay": {"lr0": 0.1, "k": 0.1},
    "Warmup": {"lr0": 0.1, "W": 3},
    "Linear": {"start": 0, "end": 1, "T": 10},
    "Geometric": {"start": 0.1, "end": 1, "T": 10},
    "InverseSqrt": {"lr0": 0.1, "W": 3},
    "Noam": {"d_model": 64, "W": 3, "scale": 1},
    "Cosine": {"lr0": 0.1, "T": 10, "lr_end": 0},
    "CosineRestarts": {"lr0": 0.1, "T0": 5, "mult": 1, "lr_end": 0, "shrink": 0.5},
    "Triangular": TRIANGLE,
    "Triangular2": TRIANGLE,
    "ExpRange": {**TRIANGLE, "gamma": 0.9},
    "WarmupCosine": {"lr0": 0.1, "W": 3, "T": 10, "lr_end": 0},
    "WSD": {"lr0": 0.1, "warmup": 3, "stable": 3, "decay": 3, "lr_end": 0, "shape": "sqrt"},
    "OneCycle": {
        "max_lr": 1,
        "T": 100,
        "pct_start": 0.3,
        "div_factor": 25,
        "final_div_factor": 1e4,
        "three_phase": False,
        "anneal": "linear",
    },
    "updates": {"epochs": 3, "examples": 100, "batch": 10, "drop_last": True},
    "epochs": {"updates": 30, "examples": 100, "batch": 10, "drop_last": True},
    "SGD": {"momentum": 0.9, "nesterov": False, "dampening": 0, "rate_inside": False, **DECAY},
    "Lion": {"beta1": 0.9, "beta2": 0.99, **DECAY},
    "AdaGrad": {"eps": 1e-8, "start": 0, "eps_inside": False, **DECAY},
    "RMSprop": {
        "rho": 0.9,
        "eps": 1e-8,
        "momentum": 0,
        "centered": False,
        "eps_inside": False,
        **DECAY,
    },
    "AdaDelta": {"rho": 0.9, "eps": 1e-6, **DECAY},
    "Adam": {**ADAM, "bias_correction": True, **DECAY},
    "AdamW": {**ADAM, "bias_correction": True, "weight_decay": 0.1, "decoupled": True},
    "AdaMax": {"beta1": 0.9, "beta2": 0.9, "eps": 1e-8, **DECAY},
    "NAdam": {"beta1": 0.9, "beta2": 0.9, "eps": 1e-8, "momentum_decay": 0.004, **DECAY},
    "RAdam": {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8, **DECAY},
    "ScheduleFree": {"base": SGD(), "beta": 0.9},
    "Clipped": {"base": SGD(), "limit": 1.0, "by": "norm"},
    "LayerRates": {"base": SGD(), "network": net_a(), "factors": (1, 0.1)},
    "Averaged": {"base": SGD(), "beta": 0.9, "since": 3},
    "Stored": {"base": SGD(), "how": "float16", "seed": 0},
    "BadBatch": {"base": SGD(), "at": 3, "factor": 10},
    "bfloat16": {"w": np.ones(2), "rng": np.random.default_rng(0)},
    "Muon": {"network": net_a(), "momentum": 0.95, "share": 0.3, **DECAY},
    "orthogonalised": {"matrix": np.eye(2), "steps": 5},
    "DoG": {"r0": 1e-4, "weighted": False, **DECAY},
    "DoWG": {"r0": 1e-4, "weighted": True, **DECAY},
    "Prodigy": {
        "beta1": 0.9,
        "beta2": 0.99,
        "eps": 1e-8,
        "d0": 1e-6,
        "bias_correction": True,
        **DECAY,
    },
    "ReduceOnPlateau": {
        "lr0": 0.1,
        "factor": 0.1,
        "patience": 3,
        "threshold": 1e-4,
        "cooldown": 0,
        "min_lr": 0,
    },
    "Armijo": {"lr0": 1, "c": 1e-4, "shrink": 0.5, "grow": 2},
    "Polyak": {"f_star": 0, "max_lr": 1, "c": 1},
    "Quadratic": {"curvatures": [1, 2], "rotation": 0.0, "minimum": [0, 0]},
    "NoisyBowl": {"curvatures": [1, 2], "noise": 1.0},
    "LeastSquares": {"x": np.ones((2, 5)), "y": np.ones(5), "batch": 2},
    "LogisticRegression": {"x": np.ones((2, 4)), "y": [0, 1, 0, 1], "l2": 0.1},
    "Rosenbrock": {"a": 1, "b": 100},
    "TwoWells": {"narrow_depth": 1.0, "wide_depth": 0.5, "noise": 0.0},
    "noisy_quadratic_model": {"dim": 10},
    "MLP": {"sizes": (3, 2), **MLP},
    "linear": {"inputs": 3, "outputs": 1},
    "digits": {"labels_noise": 0.1, "scale": 1.0},
    "wine_raw": {"standardised": False},
    "zipf": {"n": 100, "seed": 0},
    "descend": {
        "loss": Quadratic([1, 2]),
        "w0": [1, 1],
        "optimizer": SGD(),
        "schedule": 0.1,
        "steps": 3,
        "seed": 0,
        "keep_weights": True,
    },
    "train": {**NET, **SMALL, "schedule": 0.1},
    "sweep": {**NET, "lr": [0.1], "epochs": 1, "schedule": None},
    "accuracy": {
        "network": net_a(),
        "weights": np.zeros(net_a().P),
        "data": digits(),
        "part": "test",
    },
    "range_test": {**NET, "lo": 1e-4, "hi": 1.0, "updates": 2},
}
NONSENSE = [None, "nonsense", object(), 1j, {}, np.nan, [1.0, np.nan], lambda: 0.1]
NOTHING = {  # None means something to these
    *(("Constant", "T"), ("Quadratic", "minimum"), ("LeastSquares", "batch")),
    *(("train", "batch"), ("train", "w0"), ("train", "evaluate_every"), ("train", "stop_after")),
    *(("Averaged", "beta"), ("bfloat16", "rng")),
    *(("sweep", "batch"), ("sweep", "schedule"), ("range_test", "batch")),
}
AROUND = ["ScheduleFree", "Clipped", "LayerRates", "Averaged", "Stored", "BadBatch"]
FIXED = {name: {"weight_decay", "decoupled"} for name in AROUND}  # belong to the base
OWN = ["schedules", "optimizers", "wrappers", "matrices", "distance", "controllers"]
OWN += ["losses", "network", "data", "training"]
ABSTRACT = {"Schedule", "Optimizer", "History"}
WITHOUT = {"diabetes", "breast_cancer", "descr"}  # no arguments
OPTIONS = {"net_a", "net_b", "net_c"}  # those of MLP


def test_every_public_name_and_argument_is_tried():
    names = {name for module in OWN for name in lrlesson._PUBLIC[module].split()}
    assert names - ABSTRACT - WITHOUT - OPTIONS == SOUND.keys()
    for name, sound in SOUND.items():
        taken = set(inspect.signature(getattr(lrlesson, name)).parameters) - {"options"}
        assert taken - FIXED.get(name, set()) == sound.keys(), name


@pytest.mark.parametrize("name", SOUND)
def test_sound_arguments_are_taken(name):
    getattr(lrlesson, name)(**SOUND[name])


@pytest.mark.parametrize(("name", "argument"), [(n, a) for n in SOUND for a in SOUND[n]])
def test_nonsense_is_refused_by_the_name_of_the_argument(name, argument):
    for value in NONSENSE:
        if value is None and (name, argument) in NOTHING:
            continue
        if (name, argument) == ("bfloat16", "w") and isinstance(value, float | list):
            continue  # NaN has its own pattern of bits
        if callable(value) and argument == "schedule" and name != "sweep":
            continue  # any function of t is a schedule; that it takes t is its own affair
        with pytest.raises((TypeError, ValueError), match=rf"\b{re.escape(argument)}\b"):
            getattr(lrlesson, name)(**{**SOUND[name], argument: value})
