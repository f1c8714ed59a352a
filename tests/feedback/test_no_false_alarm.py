"""Right answers written in a thousand other ways are called correct.

Each is right by construction: the reference, changed by rules that keep its meaning (other names,
other forms of the same expression, other types), chosen at random. The fast lane tries 60.
"""

import re

import numpy as np
import pytest

from lrlesson.feedback.check.checking import _judge
from lrlesson.feedback.exercises import all_exercises

GRADED = [e for e in all_exercises().values() if e.points]

# Rewritings that keep the meaning: pattern -> replacements, for any exercise in which it occurs.
SAME = [
    (r"np\.asarray\(t\)", ["np.array(t)", "np.asanyarray(t)", "(np.zeros(1, int)[0] + t)"]),
    (r"g\*\*2", ["g * g", "np.square(g)", "np.abs(g) ** 2", "g**2.0"]),
    (
        r"np\.sqrt\((self\.\w+|v_hat)\)",
        [r"\1**0.5", r"np.power(\1, 0.5)", r"np.exp(0.5 * np.log(\1 + 1e-300))"],
    ),
    (r"np\.minimum\(t, T\)", ["np.clip(t, None, T)", "np.where(np.asarray(t) > T, T, t)"]),
    (r"\(1 - gone\) \*\* power", ["np.power(1 - gone, power)", "(1.0 - gone) ** float(power)"]),
    (
        r"np\.clip\((.+), 0, 1\)",
        [r"np.minimum(np.maximum(\1, 0), 1)", r"np.maximum(0, np.minimum(1, \1))"],
    ),
    (
        r"\(1 \+ np\.cos\(np\.pi \* done\)\) / 2",
        [
            "np.cos(np.pi / 2 * done) ** 2",
            "(0.5 + 0.5 * np.cos(done * np.pi))",
            "(1 - np.sin(np.pi * done / 2) ** 2)",
        ],
    ),
    (
        r"1 - np\.abs\(place / step_size - 1\)",
        ["np.minimum(place, 2 * step_size - place) / step_size", "1 - abs(1 - place / step_size)"],
    ),
    (r"sigma\*\*2", ["sigma * sigma", "np.square(sigma)", "sigma**2.0"]),
    (r"4 \* target /", ["target * 4.0 /", "2 * 2 * target /"]),
    (
        r"np\.linalg\.eigvalsh\((.+)\)\.max\(\)",
        [
            r"np.linalg.eigvalsh(\1)[-1]",
            r"max(np.linalg.eigvalsh(\1))",
            r"np.linalg.norm(\1, 2)",
            r"np.linalg.eigvals(\1).real.max()",
        ],
    ),
    (
        r"final \*\* \(1 / \((.+)\)\)",
        [r"np.exp(np.log(final) / (\1))", r"pow(final, 1 / (\1))", r"np.power(final, 1.0 / (\1))"],
    ),
    (r"drop \*\* \((.+)\)\n", ["np.power(float(drop), \\1)\n", "np.exp(np.log(drop) * (\\1))\n"]),
    (r"// every", ["// int(every)", "// (1 * every)"]),
    (
        r"path\[t\] - lr \* grad\(path\[t\]\)",
        ["path[t] + (-lr) * grad(path[t].copy())", "np.subtract(path[t], lr * grad(path[t]))"],
    ),
    (r"np\.empty\(\(", ["np.zeros((", "np.ones(("]),
    (r"w - lr \* grad", ["w + lr * -grad", "np.subtract(w, lr * grad)"]),
    (
        r"lo \* \(hi / lo\) \*\* \(np\.arange\(n\) / \(n - 1\)\)",
        ["np.geomspace(lo, hi, n)", "np.exp(np.linspace(np.log(lo), np.log(hi), n))"],
    ),
    (r"min\(losses, default=np\.inf\)", ["min([np.inf, *losses])", "np.min([*losses, np.inf])"]),
    (r"0\.9 \* mean \+ 0\.1 \* loss", ["mean + 0.1 * (loss - mean)", "loss * 0.1 + mean * 0.9"]),
    (r"self\.t = self\.t \+ 1", ["self.t += 1", "self.t = 1 + self.t"]),
    (
        r"lr_end \+ \(lr0 - lr_end\) \* (.+)\n",
        ["lr0 * (\\1) + lr_end * (1 - (\\1))\n", "lr_end - (lr_end - lr0) * (\\1)\n"],
    ),
    (
        r"base_lr \+ \(max_lr - base_lr\) \* height",
        ["base_lr * (1 - height) + max_lr * height", "max_lr - (max_lr - base_lr) * (1 - height)"],
    ),
    (r"self\.(v|m|total) = self", [r"self.\1 = 1.0 * self"]),
]
LOCAL = ["path", "gone", "place", "height", "ramp", "done", "glide", "m_hat", "v_hat", "smoothed"]
LOCAL += ["self.total", "self.v", "self.m", "losses, ", "mean"]


def rewritten(source: str, rng: np.random.Generator) -> str:
    """The same program, put differently."""
    for pattern, others in SAME:
        if re.search(pattern, source) and rng.random() < 0.7:
            source = re.sub(pattern, others[rng.integers(len(others))], source)
    for name in LOCAL:
        if name.replace(".", "").replace("_", "").isalpha() and rng.random() < 0.5:
            new = f"{name}_{rng.integers(100)}"
            source = re.sub(rf"\b{re.escape(name)}\b(?!\()", new, source)
    if rng.random() < 0.3:
        source = source.replace("\n    return ", "\n    _unused = 0\n    return ")
    if rng.random() < 0.3:
        source = re.sub(r"return (w - .+)\n", r"new = \1\n        return new.copy()\n", source)
    return source


def alarms(seeds: range) -> tuple[int, int, list[str]]:
    """How many were tried, how many of them differ, and those that were called wrong."""
    tried, texts, wrong = 0, set(), []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        exercise = GRADED[seed % len(GRADED)]
        source = rewritten(exercise.reference, rng)
        tried += 1
        texts.add(source)
        result = _judge(exercise, exercise.build(source))
        if result.status != "correct":
            wrong.append(f"{source}\n{result!r}")
    return tried, len(texts), wrong


def test_sixty_other_forms_of_the_references_raise_no_false_alarm():
    _, different, wrong = alarms(range(60))
    assert wrong == []
    assert different > 40


@pytest.mark.slow
def test_a_thousand_other_forms_raise_no_false_alarm():
    tried, different, wrong = alarms(range(1200))
    assert wrong == []
    assert different > 400
    assert tried >= 1000
