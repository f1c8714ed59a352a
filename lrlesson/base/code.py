"""A schedule as code for PyTorch, Lightning, transformers, timm, Keras or optax.

Where the framework has an expression of its own that gives the same numbers, that is the code;
elsewhere the framework asks our object, or looks its rates up. Each text is executed by
tests/reference/make_reference.py, and its rates are compared with ours there.
"""

import re
from collections.abc import Callable
from typing import Any

from lrlesson.base.fields import POSITIVE_COUNT, checked, number_text, refusal


class Code(str):
    """Text that a cell shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class NoSetting(Exception):
    """The framework has no setting that gives these numbers."""


def code(eta: Any, framework: str, updates: int | None = None) -> Code:
    """The text of `Schedule.code`."""
    if framework not in BLOCKS:
        expected = "one of " + ", ".join(map(repr, BLOCKS))
        raise ValueError(refusal("code", "framework", framework, expected))
    if eta.runs is not None:
        raise ValueError(refusal("code", "schedule", eta, "a schedule of a single run"))
    longest = eta._span() if updates is None else updates
    n = int(checked("code", "updates", longest, POSITIVE_COUNT, runs=False))
    theirs = setting(eta, framework)
    lines = _asked(eta, framework, n) if theirs is None else BLOCKS[framework](eta, theirs)
    return Code("\n".join(lines))


def setting(eta: Any, framework: str) -> str | None:
    """The framework's own expression for a schedule, or None where none gives the same numbers."""
    try:
        pieces = _pieces(eta)
        return SETTINGS[framework](pieces, max(_peak(piece) for piece in pieces))
    except NoSetting:
        return None


# --- What a schedule is made of ----------------------------------------------------------------

Piece = tuple[str, dict[str, Any]]  # the name of a class of ours, and its fields


def _pieces(eta: Any) -> list[Piece]:
    """What follows one another in a schedule; classes of others are nothing that a name tells."""
    kind, fields = type(eta), {name: getattr(eta, name) for name in eta._kinds}
    if kind.__module__ == "lrlesson.base.schedule" and kind.__name__ == "Then":
        return _pieces(eta.first) + _pieces(eta.second)
    if kind.__module__ != "lrlesson.schedules":
        raise NoSetting
    if kind.__name__ == "WarmupCosine" and eta.W > 0:
        cosine = {"lr0": eta.lr0, "T": eta.T - eta.W, "lr_end": eta.lr_end}
        return [("Warmup", {"lr0": eta.lr0, "W": eta.W}), ("Cosine", cosine)]
    if kind.__name__ == "WSD" and eta.shape == "line" and eta.warmup + eta.stable > 0:
        every: list[Piece] = [
            ("Warmup", {"lr0": eta.lr0, "W": eta.warmup}),
            ("Constant", {"lr": eta.lr0, "T": eta.stable}),
            ("Linear", {"start": eta.lr0, "end": eta.lr_end, "T": eta.decay}),
        ]
        return [piece for piece in every if _length(piece) != 0]
    return [(kind.__name__, fields)]


def _length(piece: Piece) -> float | None:
    name, f = piece
    return f.get("W") if name == "Warmup" else f.get("T")


def _peak(piece: Piece) -> float:
    """The rate that the optimizer is made with: every scheduler multiplies it."""
    name, f = piece
    if name in ("Linear", "Geometric"):
        return max(f["start"], f["end"])
    for field in ("lr0", "lr", "max_lr"):
        if field in f:
            return f[field]
    raise NoSetting


def _whole(value: float) -> int:
    """A duration, where the framework takes whole numbers only."""
    if value != int(value):
        raise NoSetting
    return int(value)


def _need(holds: bool) -> None:
    if not holds:
        raise NoSetting


def _joints(pieces: list[Piece]) -> list[int]:
    """The updates at which one piece follows another."""
    ends, at = [], 0
    for piece in pieces[:-1]:
        at += _whole(_length(piece) or 0)
        ends.append(at)
    return ends


def _share(part: float, whole: float) -> str:
    """part / whole, as code."""
    return (
        "1" if part == whole else f"{number_text(part)} / {number_text(whole)}" * (part > 0) or "0"
    )


n = number_text

# --- Their expressions -------------------------------------------------------------------------


def _torch(pieces: list[Piece], lr: float) -> str:
    each = [_torch_piece(piece, lr, k == len(pieces) - 1) for k, piece in enumerate(pieces)]
    if len(each) == 1:
        return each[0]
    inner = ", ".join(each)
    return f"SequentialLR(optimizer, [{inner}], milestones={_joints(pieces)})"


def _torch_piece(piece: Piece, lr: float, last: bool) -> str:
    name, f = piece
    _need(lr > 0)
    match name:
        case "Constant":
            _need(f["lr"] == lr if last else f["lr"] > 0)
            long = "" if last else f", total_iters={_whole(f['T'])}"
            return f"ConstantLR(optimizer, factor={_share(f['lr'], lr)}{long})"
        case "Warmup":
            _need(f["lr0"] == lr and f["W"] > 1)
            ramp = f"start_factor=1 / {_whole(f['W'])}, total_iters={_whole(f['W']) - 1}"
            return f"LinearLR(optimizer, {ramp})"
        case "Linear":
            _need(f["start"] > 0)
            ends = f"start_factor={_share(f['start'], lr)}, end_factor={_share(f['end'], lr)}"
            return f"LinearLR(optimizer, {ends}, total_iters={_whole(f['T'])})"
        case "StepDecay":
            _need(f["lr0"] == lr)
            return f"StepLR(optimizer, step_size={_whole(f['every'])}, gamma={n(f['drop'])})"
        case "ScheduledDrop":
            _need(f["lr0"] == lr)
            at = [_whole(t) for t in f["at"]]
            return f"MultiStepLR(optimizer, milestones={at}, gamma={n(f['drop'])})"
        case "ExponentialDecay":
            _need(f["lr0"] == lr)
            root = "" if f["every"] == 1 else f" ** (1 / {n(f['every'])})"
            return f"ExponentialLR(optimizer, gamma={n(f['gamma'])}{root})"
        case "PolynomialDecay":
            _need(f["lr0"] == lr and f["lr_end"] == 0)
            power = f"power={n(f['power'])}"
            return f"PolynomialLR(optimizer, total_iters={_whole(f['T'])}, {power})"
        case "Cosine" | "WarmupCosine":
            _need(f["lr0"] == lr)
            end = f", eta_min={n(f['lr_end'])}" * (f["lr_end"] > 0)
            return f"CosineAnnealingLR(optimizer, T_max={n(f['T'])}{end})"
        case "CosineRestarts":
            _need(f["lr0"] == lr and f["shrink"] == 1)
            end = f", eta_min={n(f['lr_end'])}" * (f["lr_end"] > 0)
            rounds = f"T_0={_whole(f['T0'])}, T_mult={_whole(f['mult'])}{end}"
            return f"CosineAnnealingWarmRestarts(optimizer, {rounds})"
        case "Triangular" | "Triangular2" | "ExpRange":
            mode = {"Triangular2": "triangular2", "ExpRange": "exp_range"}.get(name)
            more = f", mode={mode!r}" * bool(mode) + f", gamma={n(f.get('gamma', 1))}" * (
                "gamma" in f
            )
            ends = f"base_lr={n(f['base_lr'])}, max_lr={n(f['max_lr'])}"
            half = f"step_size_up={_whole(f['step_size'])}"
            return f"CyclicLR(optimizer, {ends}, {half}{more}, cycle_momentum=False)"
        case "OneCycle":
            more = f", three_phase={f['three_phase']}" * f["three_phase"]
            more += ", anneal_strategy='linear'" * (f["anneal"] == "linear")
            names = ("pct_start", "div_factor", "final_div_factor")
            shares = ", ".join(f"{name}={n(f[name])}" for name in names)
            long = f"total_steps={_whole(f['T'])}"
            return f"OneCycleLR(optimizer, {n(lr)}, {long}, {shares}{more}, cycle_momentum=False)"
    raise NoSetting


def _transformers(pieces: list[Piece], lr: float) -> str:
    warmup = 0
    if len(pieces) > 1 and pieces[0][0] == "Linear":
        ramp = pieces[0][1]
        _need(ramp["start"] == 0 and ramp["end"] == lr)
        warmup, pieces = _whole(ramp["T"]), pieces[1:]
    _need(len(pieces) == 1)
    name, f = pieces[0]
    match name:
        case "Constant":
            if warmup:
                return f"get_constant_schedule_with_warmup(optimizer, {warmup})"
            return "get_constant_schedule(optimizer)"
        case "WSD" if f["warmup"] == 0 and f["shape"] != "exponential":
            kind = "1-sqrt" if f["shape"] == "sqrt" else "linear"
            long = f"{warmup}, {_whole(f['decay'])}, num_stable_steps={_whole(f['stable'])}"
            end = f", min_lr_ratio={_share(f['lr_end'], lr)}" * (f["lr_end"] > 0)
            return f"get_wsd_schedule(optimizer, {long}, decay_type={kind!r}{end})"
    _need(name in ("Linear", "Cosine", "WarmupCosine", "PolynomialDecay"))
    long = f"{warmup}, {warmup + _whole(f['T'])}"
    start, end = (f["start"], f["end"]) if name == "Linear" else (f["lr0"], f["lr_end"])
    _need(start == lr > end)
    if name == "Linear" and end == 0:
        return f"get_linear_schedule_with_warmup(optimizer, {long})"
    if name in ("Linear", "PolynomialDecay"):
        shape = f"lr_end={n(end)}, power={n(f.get('power', 1))}"
        return f"get_polynomial_decay_schedule_with_warmup(optimizer, {long}, {shape})"
    if end > 0:
        lowest = f"min_lr={n(end)}"
        return f"get_cosine_with_min_lr_schedule_with_warmup(optimizer, {long}, {lowest})"
    return f"get_cosine_schedule_with_warmup(optimizer, {long})"


def _timm(pieces: list[Piece], lr: float) -> str:
    warmup = ""
    if len(pieces) > 1 and pieces[0][0] == "Linear":
        ramp = pieces[0][1]
        _need(ramp["end"] == lr)
        first = f"warmup_lr_init={n(ramp['start'])}, warmup_prefix=True"
        warmup, pieces = f", warmup_t={_whole(ramp['T'])}, {first}", pieces[1:]
    _need(len(pieces) == 1)
    name, f = pieces[0]
    counted = f"{warmup}, t_in_epochs=False)"
    _need(f.get("lr0", f.get("start")) == lr)
    match name:
        case "StepDecay":
            stairs = f"decay_t={_whole(f['every'])}, decay_rate={n(f['drop'])}"
            return f"StepLRScheduler(optimizer, {stairs}{counted}"
        case "ScheduledDrop":
            stairs = f"decay_t={[_whole(t) + 1 for t in f['at']]}, decay_rate={n(f['drop'])}"
            _need(not warmup and f["at"][0] > 0)
            return f"MultiStepLRScheduler(optimizer, {stairs}{counted}"
        case "Cosine" | "WarmupCosine":
            long = f"t_initial={_whole(f['T'])}, lr_min={n(f['lr_end'])}"
            return f"CosineLRScheduler(optimizer, {long}{counted}"
        case "CosineRestarts":
            _need(f["shrink"] == 1 or f["lr_end"] == 0)
            long = f"t_initial={_whole(f['T0'])}, lr_min={n(f['lr_end'])}"
            rounds = f"cycle_mul={n(f['mult'])}, cycle_decay={n(f['shrink'])}, cycle_limit=1000"
            return f"CosineLRScheduler(optimizer, {long}, {rounds}{counted}"
        case "PolynomialDecay" | "Linear":
            end = f["end"] if name == "Linear" else f["lr_end"]
            long = f"t_initial={_whole(f['T'])}, power={n(f.get('power', 1))}, lr_min={n(end)}"
            return f"PolyLRScheduler(optimizer, {long}{counted}"
    raise NoSetting


def _keras(pieces: list[Piece], lr: float) -> str:
    _need(len(pieces) == 1)
    name, f = pieces[0]
    match name:
        case "Constant":
            return n(lr)
        case "StepDecay":
            stairs = f"{_whole(f['every'])}, {n(f['drop'])}, staircase=True"
            return f"ExponentialDecay({n(lr)}, {stairs})"
        case "ScheduledDrop":
            at = [_whole(t) - 1 for t in f["at"]]
            _need(all(t >= 0 for t in at))
            rates = ", ".join(n(lr * f["drop"] ** k) for k in range(len(at) + 1))
            return f"PiecewiseConstantDecay({at}, [{rates}])"
        case "ExponentialDecay":
            return f"ExponentialDecay({n(lr)}, {_whole(f['every'])}, {n(f['gamma'])})"
        case "InverseTimeDecay":
            return f"InverseTimeDecay({n(lr)}, 1, {n(f['k'])})"
        case "PolynomialDecay":
            ends = f"{n(lr)}, {_whole(f['T'])}, {n(f['lr_end'])}"
            return f"PolynomialDecay({ends}, power={n(f['power'])})"
        case "Linear":
            return f"PolynomialDecay({n(f['start'])}, {_whole(f['T'])}, {n(f['end'])})"
        case "Cosine" | "WarmupCosine":
            _need(lr > 0)
            end = f", alpha={_share(f['lr_end'], lr)}" * (f["lr_end"] > 0)
            return f"CosineDecay({n(f['lr0'])}, {_whole(f['T'])}{end})"
        case "CosineRestarts":
            _need(lr > 0)
            end = f", alpha={_share(f['lr_end'], lr)}" * (f["lr_end"] > 0)
            rounds = f"t_mul={n(f['mult'])}, m_mul={n(f['shrink'])}"
            return f"CosineDecayRestarts({n(lr)}, {_whole(f['T0'])}, {rounds}{end})"
    raise NoSetting


def _optax(pieces: list[Piece], lr: float) -> str:
    each = [_optax_piece(piece) for piece in pieces]
    if len(each) == 1:
        return each[0]
    return f"optax.join_schedules([{', '.join(each)}], {_joints(pieces)})"


def _optax_piece(piece: Piece) -> str:
    name, f = piece
    match name:
        case "Constant":
            return f"optax.constant_schedule({n(f['lr'])})"
        case "Warmup" if f["W"] > 1:
            first = f"{n(f['lr0'])} / {_whole(f['W'])}"
            return f"optax.linear_schedule({first}, {n(f['lr0'])}, {_whole(f['W']) - 1})"
        case "Linear":
            return f"optax.linear_schedule({n(f['start'])}, {n(f['end'])}, {_whole(f['T'])})"
        case "Geometric":
            ends = f"{n(f['end'])} / {n(f['start'])}, end_value={n(f['end'])}"
            return f"optax.exponential_decay({n(f['start'])}, {_whole(f['T'])}, {ends})"
        case "StepDecay":
            stairs = f"{_whole(f['every'])}, {n(f['drop'])}, staircase=True"
            return f"optax.exponential_decay({n(f['lr0'])}, {stairs})"
        case "ScheduledDrop":
            _need(len(set(f["at"])) == len(f["at"]))
            at = ", ".join(f"{_whole(t)}: {n(f['drop'])}" for t in f["at"])
            return f"optax.piecewise_constant_schedule({n(f['lr0'])}, {{{at}}})"
        case "ExponentialDecay":
            long = f"{_whole(f['every'])}, {n(f['gamma'])}"
            return f"optax.exponential_decay({n(f['lr0'])}, {long})"
        case "PolynomialDecay":
            ends = f"{n(f['lr0'])}, {n(f['lr_end'])}, {n(f['power'])}"
            return f"optax.polynomial_schedule({ends}, {_whole(f['T'])})"
        case "Cosine" | "WarmupCosine":
            _need(f["lr0"] > 0)
            end = f", alpha={_share(f['lr_end'], f['lr0'])}" * (f["lr_end"] > 0)
            return f"optax.cosine_decay_schedule({n(f['lr0'])}, {_whole(f['T'])}{end})"
    raise NoSetting


SETTINGS: dict[str, Callable[[list[Piece], float], str]] = {
    "pytorch": _torch,
    "lightning": _torch,
    "transformers": _transformers,
    "timm": _timm,
    "keras": _keras,
    "optax": _optax,
}

# --- Whole blocks ------------------------------------------------------------------------------


def _optimizer(lr: str, why: str, owner: str = "model") -> str:
    return f"optimizer = torch.optim.SGD({owner}.parameters(), lr={lr})  # {why}"


def _base(eta: Any) -> str:
    return n(max(_peak(piece) for piece in _pieces(eta)))


def _broken(call: str, width: int = 76) -> str:
    """A call, with a line for each part where it would be too long for one."""
    if len(call) <= width:
        return call
    if "([" not in call and ", [" not in call:
        return call.replace("(", "(\n    ", 1)[:-1] + "\n)"
    parts = re.sub(r"(?<=\)), (?=[A-Z]|optax)", ",\n    ", call.replace("[", "[\n    ", 1))
    return parts.replace(")], ", "),\n], ")


KIND = "of any kind, with this rate"
LOOP = "# in the loop, after each update: optimizer.step(), then scheduler.step()"
TRAINER = "# Trainer(model, args, …, optimizers=(optimizer, scheduler)) steps it once per update"
MULTIPLIES = "LambdaLR multiplies this by η(t)"


def _around_torch(module: str, then: str) -> Callable[[Any, str], list[str]]:
    """A block around torch's optimizer; `then` says who steps the scheduler."""

    def block(eta: Any, theirs: str) -> list[str]:
        classes = sorted(set(re.findall(r"\b([A-Z]\w*)\(", theirs)))
        return [
            "import torch",
            f"from {module} import {', '.join(classes) or theirs.partition('(')[0]}",
            "",
            _optimizer(_base(eta), KIND),
            f"scheduler = {_broken(theirs)}",
            then,
        ]

    return block


_torch_block = _around_torch("torch.optim.lr_scheduler", LOOP)


def _lightning_block(eta: Any, theirs: str) -> list[str]:
    head, of_torch, _, _, scheduler, _ = _torch_block(eta, theirs)
    return _of_lightning([head, of_torch], [_optimizer(_base(eta), KIND, "self"), scheduler])


def _of_lightning(imports: list[str], inside: list[str]) -> list[str]:
    return [
        *imports,
        "",
        "",
        "def configure_optimizers(self):  # a method of your LightningModule",
        *("    " + line for whole in inside for line in whole.splitlines()),
        '    every_update = {"scheduler": scheduler, "interval": "step"}',
        '    return {"optimizer": optimizer, "lr_scheduler": every_update}',
    ]


def _keras_block(eta: Any, theirs: str) -> list[str]:
    if "(" not in theirs:
        return ["import keras", "", f"optimizer = keras.optimizers.SGD({theirs})"]
    return [
        "import keras",
        "",
        f"schedule = keras.optimizers.schedules.{_broken(theirs)}",
        "optimizer = keras.optimizers.SGD(schedule)  # of any kind",
    ]


def _optax_block(eta: Any, theirs: str) -> list[str]:
    return [
        "import optax",
        "",
        f"schedule = {_broken(theirs)}",
        "optimizer = optax.sgd(schedule)  # of any kind",
    ]


BLOCKS: dict[str, Callable[[Any, str], list[str]]] = {
    "pytorch": _torch_block,
    "lightning": _lightning_block,
    "transformers": _around_torch("transformers", TRAINER),
    "timm": _around_torch(
        "timm.scheduler",
        "# in the loop, after update number t, counted from 0: scheduler.step_update(t + 1)",
    ),
    "keras": _keras_block,
    "optax": _optax_block,
}


def _asked(eta: Any, framework: str, updates: int) -> list[str]:
    """The block for a schedule that the framework cannot express: it asks our object."""
    ours = _imports(eta)
    if framework == "optax":
        return [
            *("import jax.numpy as jnp", "import optax", *ours, ""),
            f"eta = {eta!r}",
            f"rates = jnp.asarray(eta.values({updates}))  # of all updates of your training",
            "optimizer = optax.sgd(lambda count: rates[count])  # of any kind",
        ]
    if framework == "keras":
        return [
            *("import keras", *ours, "", "", RATES, f"eta = {eta!r}"),
            f"schedule = Rates(eta.values({updates}).tolist())  # of all updates of your training",
            "optimizer = keras.optimizers.SGD(schedule)  # of any kind",
        ]
    inside = [
        _optimizer("1.0", MULTIPLIES, "self" if framework == "lightning" else "model"),
        "scheduler = LambdaLR(optimizer, lambda t: eta(t))",
    ]
    imports = ["import torch", *ours, "from torch.optim.lr_scheduler import LambdaLR"]
    if framework == "lightning":
        return [*_of_lightning([*imports, "", f"eta = {eta!r}"], inside)]
    then = TRAINER if framework == "transformers" else LOOP
    return [*imports, "", f"eta = {eta!r}", *inside, then]


RATES = """\
class Rates(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rates):
        self.rates = rates

    def __call__(self, step):
        rates = keras.ops.convert_to_tensor(self.rates, dtype=keras.config.floatx())
        return keras.ops.take(rates, step)

    def get_config(self):
        return {"rates": self.rates}

"""


def _imports(eta: Any) -> list[str]:
    """The lines that bring the classes of a schedule."""
    places: dict[str, set[str]] = {}
    stack = [eta]
    while stack:
        one = stack.pop()
        stack += [v for name in one._kinds if hasattr(v := getattr(one, name), "_kinds")]
        kind = type(one)
        if kind.__module__ != "lrlesson.base.schedule":
            place = "lrlesson" if kind.__module__ == "lrlesson.schedules" else kind.__module__
            places.setdefault(place, set()).add(kind.__name__)
    lines = []
    for place, names in sorted(places.items()):
        said = ", ".join(sorted(names))
        yours = f"# and your own class {said}, pasted here"
        lines.append(yours if place == "__main__" else f"from {place} import {said}")
    return lines
