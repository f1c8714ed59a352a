"""Write reference.npz: what torch, optax, Keras, timm and others say, row by row of rosetta.py.

Only needed to make the vectors again, never to test. In an environment of its own, from the root
of the project:

    python -m venv reference-env
    reference-env/bin/pip install -r tests/reference/requirements.txt
    PYTHONPATH=. reference-env/bin/python tests/reference/make_reference.py

With --check it writes nothing and compares with the stored vectors instead. Everything runs in
float64: JAX with 64-bit floats, Keras with floatx float64 on its torch backend, which keeps it (on
JAX, keras.ops.cos gives float32), and torch with it as default type (of NAdam's product of μ).
"""

import json
import math
import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
os.environ["JAX_ENABLE_X64"] = "1"

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import prodigyopt
import torch
import torch.optim.lr_scheduler as torch_schedules
import transformers.optimization as transformers_schedules
from rosetta import (
    AVERAGES,
    LR,
    MATRICES,
    METRICS,
    OPTIMIZERS,
    OURS,
    PLATEAUS,
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

from lrlesson.matrices import Muon

HERE = Path(__file__).parent
LIBRARIES = ["torch", "jax", "optax", "keras", "transformers", "timm", "prodigyopt", "numpy"]
keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)


# --- Schedules --------------------------------------------------------------------------------


def torch_schedule(expression, module=torch_schedules):
    """Step the scheduler once per update, after the optimizer, and read the rate before each."""
    opt = torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=LR, momentum=0.9)
    scheduler = eval(expression, {**vars(module), "opt": opt, "LR": LR})
    found = []
    for _ in range(UPDATES):
        found.append(float(opt.param_groups[0]["lr"]))
        opt.step()
        scheduler.step()
    return found


def transformers_schedule(expression):
    return torch_schedule(expression, transformers_schedules)


def optax_schedule(expression):
    function = jax.jit(eval(expression, {**vars(optax), "LR": LR}))
    return [float(function(t)) for t in range(UPDATES)]


def keras_schedule(expression):
    function = eval(expression, {**vars(keras.optimizers.schedules), "LR": LR})
    return [float(function(t)) for t in range(UPDATES)]


schedule_of = {
    "torch": torch_schedule,
    "transformers": transformers_schedule,
    "optax": optax_schedule,
    "keras": keras_schedule,
}


def written(text, updates):
    """Execute a text of `Schedule.code`, and read the rate of each update from what it makes."""
    model = torch.nn.Linear(1, 1)
    exec(text, names := {"model": model})
    if "schedule" in names:  # of Keras or optax
        return [float(names["schedule"](t)) for t in range(updates)]
    if "jnp" in names:
        return [float(names["rates"][t]) for t in range(updates)]
    if "keras" in names:
        return [float(names["optimizer"].learning_rate)] * updates
    if "configure_optimizers" in names:
        made = names["configure_optimizers"](model)
        assert made["lr_scheduler"]["interval"] == "step"
        names |= {"optimizer": made["optimizer"], "scheduler": made["lr_scheduler"]["scheduler"]}
    optimizer, scheduler, found = names["optimizer"], names["scheduler"], []
    for t in range(updates):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if hasattr(scheduler, "step_update"):
            scheduler.step_update(t + 1)
        else:
            scheduler.step()
    return found


# --- Optimizers -------------------------------------------------------------------------------


def later(call):
    """A call of torch's that is made before each step, with the arguments that are written here."""
    return lambda *given: lambda: call(*given)


CLIPS = {
    name: later(getattr(torch.nn.utils, name)) for name in ("clip_grad_norm_", "clip_grad_value_")
}


def torch_run(expression, problem, lr):
    w = torch.tensor(start(problem), dtype=torch.float64)
    names = {**vars(torch.optim), **vars(prodigyopt), **CLIPS}
    made = eval(expression, {**names, "w": w, "lr": float(lr[0])})
    opt, *before = made if isinstance(made, tuple) else (made,)
    path = [w.numpy().copy()]
    for t in range(STEPS):
        opt.param_groups[0]["lr"] = float(lr[t])
        w.grad = torch.tensor(gradient(problem, t, path[-1]))
        for call in before:
            call()
        opt.step()
        path.append(w.numpy().copy())
    return path


def optax_run(expression, problem, lr):
    table = jnp.asarray(lr)
    opt = eval(expression, {**vars(optax), "lr": lambda count: table[count]})
    update = jax.jit(opt.update)
    w = jnp.asarray(start(problem))
    state, path = opt.init(w), [np.asarray(w)]
    for t in range(STEPS):
        updates, state = update(jnp.asarray(gradient(problem, t, path[-1])), state, w)
        w = optax.apply_updates(w, updates)
        path.append(np.asarray(w))
    return path


def keras_run(expression, problem, lr):
    opt = eval(expression, {**vars(keras.optimizers), "lr": float(lr[0])})
    w = keras.Variable(start(problem), dtype="float64")
    opt.build([w])
    path = [w.numpy().copy()]
    for t in range(STEPS):
        opt.learning_rate = float(lr[t])
        opt.apply([torch.tensor(gradient(problem, t, path[-1]))])
        path.append(w.numpy().copy())
    return path


run_of = {
    "torch": torch_run,
    "prodigyopt": torch_run,
    "optax": optax_run,
    "keras": keras_run,
}


def torch_average(expression, lr):
    model = torch.nn.Linear(6, 1, bias=False)
    w = model.weight
    w.data = torch.tensor(STARTS["fixed"][None])
    averaged = eval(expression, {**vars(torch.optim.swa_utils), "model": model})
    opt, path = torch.optim.SGD([w]), []
    for t in range(STEPS):
        opt.param_groups[0]["lr"] = float(lr[t])
        w.grad = torch.tensor(gradient("fixed", t, None)[None])
        opt.step()
        averaged.update_parameters(model)
        path.append(averaged.module.weight.detach().numpy()[0].copy())
    return path


def keras_average(expression, lr):
    opt = eval(expression, {**vars(keras.optimizers), "lr": float(lr[0])})
    w, path = keras.Variable(STARTS["fixed"], dtype="float64"), []
    opt.build([w])
    for t in range(STEPS):
        opt.learning_rate = float(lr[t])
        opt.apply([torch.tensor(gradient("fixed", t, None))])
        path.append(opt._model_variables_moving_average[0].numpy().copy())
    return path


average_of = {"torch": torch_average, "keras": keras_average}

# --- Controllers ------------------------------------------------------------------------------


def torch_plateau(expression, metrics):
    opt = torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=LR)
    scheduler = eval(expression, {**vars(torch_schedules), "opt": opt})
    found = []
    for metric in metrics:
        scheduler.step(metric)
        found.append(opt.param_groups[0]["lr"])
    return found


def optax_plateau(expression, metrics):
    opt = eval(expression, vars(optax))
    update = jax.jit(opt.update)
    state, found = opt.init(jnp.zeros(1)), []
    for metric in metrics:
        scaled, state = update(jnp.ones(1), state, value=jnp.asarray(metric))
        found.append(LR * float(scaled[0]))
    return found


def keras_plateau(expression, metrics):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(LR))
    callback, found = eval(expression, vars(keras.callbacks)), []
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, metric in enumerate(metrics):
        callback.on_epoch_end(epoch, {"loss": metric})
        found.append(float(model.optimizer.learning_rate))
    return found


plateau_of = {"torch": torch_plateau, "optax": optax_plateau, "keras": keras_plateau}


def search(expression, problem):
    """The weights along a line search, or with Polyak's rate."""
    opt = eval(expression, {**vars(optax), "math": math})

    def loss(w):
        return value(problem, w)

    @jax.jit
    def update(g, state, w):
        return opt.update(g, state, w, value=loss(w), grad=g, value_fn=loss)

    w = jnp.asarray(STARTS[problem])
    state, path = opt.init(w), [np.asarray(w)]
    for t in range(STEPS):
        g = jnp.asarray(gradient(problem, t, path[-1]))
        updates, state = update(g, state, w)
        w = optax.apply_updates(w, updates)
        path.append(np.asarray(w))
    return path


# --- All of it --------------------------------------------------------------------------------


def all_vectors():
    """Every vector under its name, "kind | library | expression | problem"."""
    for library, table in SCHEDULES.items():
        unmatched = [e for its, e in UNMATCHED_SCHEDULES if its == library]
        for expression in [*table, *unmatched]:
            yield f"schedule | {library} | {expression}", schedule_of[library](expression)
    for eta in OURS:
        for framework in WRITES:
            text = str(eta.code(framework, UPDATES))
            yield f"code | {framework} | {text}", written(text, compared(eta))
    for library, table in OPTIMIZERS.items():
        unmatched = {e: x[0] for (its, e), x in UNMATCHED_OPTIMIZERS.items() if its == library}
        for expression, ours in {**table, **unmatched}.items():
            for problem in STARTS:
                lr = rates(problem, rate_of(ours))
                path = run_of[library](expression, problem, lr)
                yield f"optimizer | {library} | {expression} | {problem}", path
    for library, table in MATRICES.items():
        for expression in table:
            for shape in SHAPES:
                path = run_of[library](expression, shape, rates(shape, RATES[Muon]))
                yield f"optimizer | {library} | {expression} | {shape}", path
    for library, table in AVERAGES.items():
        for expression, ours in table.items():
            path = average_of[library](expression, rates("fixed", rate_of(ours)))
            yield f"average | {library} | {expression}", path
    for name in ("bfloat16", "float16"):
        rounded = torch.tensor(UNROUNDED).to(getattr(torch, name)).to(torch.float64)
        yield f"rounding | torch | {name}", rounded.numpy()
    for library, table in PLATEAUS.items():
        for expression in table:
            for name, metrics in METRICS.items():
                found = plateau_of[library](expression, metrics)
                yield f"plateau | {library} | {expression} | {name}", found
    for library, expression, name in UNMATCHED_PLATEAUS:
        found = plateau_of[library](expression, METRICS[name])
        yield f"plateau | {library} | {expression} | {name}", found
    for expression in SEARCHES:
        for problem in ("quadratic", "rosenbrock"):
            yield f"search | optax | {expression} | {problem}", search(expression, problem)


def main():
    warnings.simplefilter("ignore")
    jax.config.update("jax_enable_x64", True)
    vectors = {}
    for name, found in all_vectors():
        vectors[name] = np.asarray(found, dtype=float)
        print(f"\r{len(vectors)} vectors", end="", flush=True)
    wrong = [name for name, found in vectors.items() if not np.isfinite(found).all()]
    if wrong:
        sys.exit("\n".join(["Not finite:", *wrong]))
    versions = {name: version(name) for name in LIBRARIES}
    if "--check" in sys.argv:
        with np.load(HERE / "reference.npz") as stored:
            different = set(stored) ^ set(vectors)
            shared = set(stored) & set(vectors)
            different |= {k for k in shared if not np.array_equal(stored[k], vectors[k])}
        print(f"{len(different)} of {len(vectors)} vectors differ", *sorted(different), sep="\n")
        sys.exit(bool(different))
    np.savez_compressed(HERE / "reference.npz", **vectors)
    (HERE / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")
    print(f"{len(vectors)} vectors written, from {versions}")


if __name__ == "__main__":
    main()
