"""No rule of thumb answers the questions: whoever knows nothing gets what chance gives.

Each rule below picks among the options of a question without knowing the subject. Its hits are
compared with those that it would have if the right option of each question were drawn at random
among the options: over all questions they lie within the central 95 % of that distribution, and
within the central 99 % for each bank by itself (the lessons' predictions, the questions from
memory, the tests before and after the course). A rule that picks several options shares its hit.
"""

import re
from collections.abc import Callable

import numpy as np
import pytest

from lrlesson.feedback.questions.bank import all_questions
from lrlesson.feedback.widgets.forms import Question

ALL = list(all_questions().values())
BANKS = {
    "all": ALL,
    "predictions": [q for q in ALL if "-q" in q.id],
    "from memory": [q for q in ALL if "-r" in q.id],
    "tests": [q for q in ALL if q.idea],
}


def any_of(words: str) -> str:
    return rf"\b({'|'.join(words.split(','))})\b"


HEDGED = any_of(
    "may,might,can,could,about,nearly,hardly,mostly,most,some,somewhat,little,often,almost,"
    "depends,usually,typically,roughly,unless,clearly,rarely"
)
ABSOLUTE = any_of("all,always,never,none,nothing,every,only,any,nowhere,everything,whatever,ever")
REASON = r":|;|\b(since|because)\b|, (as|so|which|whose|for|by)\b"
NEGATED = any_of("no,not,nothing,none,never,neither,nowhere,nor,without,cannot")
UNCHANGED = any_of(
    "same,alike,equal,equally,stays?,unchanged,as before,level,both,neither,as much,as many"
)


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", text.lower()))


def texts(q: Question) -> list[str]:
    return [option.text for option in q.options]


def highest(scores: list[float]) -> list[bool]:
    return [score == max(scores) for score in scores]


def having(pattern: str, wanted: bool = True) -> Callable[[Question], list[bool]]:
    return lambda q: [bool(re.search(pattern, t.lower())) == wanted for t in texts(q)]


def numbers(q: Question) -> list[float]:
    """The only number of each option, or nothing to go by."""
    found = [re.findall(r"\d+(?:\.\d+)?", t.replace(",", "")) for t in texts(q)]
    return [float(f[0]) for f in found] if all(len(f) == 1 for f in found) else []


def by_number(rank: Callable[[np.ndarray], list[bool]]) -> Callable[[Question], list[bool]]:
    return lambda q: rank(np.array(numbers(q))) if numbers(q) else [False] * len(q.options)


def likeness(q: Question) -> list[float]:
    """How many of its words an option shares with the others, on average."""
    bags = [words(t) for t in texts(q)]
    return [
        sum(len(a & b) / max(1, len(a | b)) for j, b in enumerate(bags) if i != j)
        for i, a in enumerate(bags)
    ]


RULES: dict[str, Callable[[Question], list[bool]]] = {
    "the shortest": lambda q: highest([-len(t) for t in texts(q)]),
    "the longest": lambda q: highest([len(t) for t in texts(q)]),
    "the first": lambda q: [t is texts(q)[0] for t in texts(q)],
    "the last": lambda q: [t is texts(q)[-1] for t in texts(q)],
    "one in the middle": lambda q: [0 < i < len(q.options) - 1 for i in range(len(q.options))],
    "one that hedges": having(HEDGED),
    "one that does not hedge": having(HEDGED, False),
    "one with a word like always": having(ABSOLUTE),
    "one without a word like always": having(ABSOLUTE, False),
    "one with a reason": having(REASON),
    "one without a reason": having(REASON, False),
    "one that says no": having(NEGATED),
    "one that says no difference": having(UNCHANGED),
    "one with a number": having(r"\d"),
    "one without a number": having(r"\d", False),
    "the one most like the others": lambda q: highest(likeness(q)),
    "the one least like the others": lambda q: highest([-x for x in likeness(q)]),
    "the one with the question's words": lambda q: highest(
        [len(words(t) & words(q.ask)) for t in texts(q)]
    ),
    "the largest number": by_number(lambda n: list(n == n.max())),
    "the smallest number": by_number(lambda n: list(n == n.min())),
    "a number in the middle": by_number(lambda n: list((n < n.max()) & (n > n.min()))),
}


def hits(rule: Callable[[Question], list[bool]], bank: list[Question]) -> tuple[float, np.ndarray]:
    """The hits of a rule, and those of 5,000 draws of the right options at random."""
    rng = np.random.default_rng(0)
    found, drawn = 0.0, np.zeros(5_000)
    for q in bank:
        picks = np.array([bool(pick) for pick in rule(q)])
        if not picks.any() or picks.all():
            continue  # the rule has nothing to say
        share = picks / picks.sum()
        found += share[q.letters.index(q.right)]
        drawn += share[rng.integers(len(picks), size=len(drawn))]
    return found, drawn


@pytest.mark.parametrize("bank", BANKS)
@pytest.mark.parametrize("rule", RULES)
def test_no_rule_of_thumb_beats_chance(rule, bank):
    found, drawn = hits(RULES[rule], BANKS[bank])
    tail = 2.5 if bank == "all" else 0.5
    low, high = np.percentile(drawn, [tail, 100 - tail])
    assert low <= found <= high, f"{found:.1f} hits, by chance {low:.1f} to {high:.1f}"


def features(q: Question) -> np.ndarray:
    """What each rule picks, one row per option, less the mean of the options."""
    picked = np.array([[bool(pick) for pick in rule(q)] for rule in RULES.values()], float).T
    return picked - picked.mean(axis=0)


def learnt(bank: list[Question], folds: int = 10) -> float:
    """How many right options a mixture of the rules finds, fitted to the other questions."""
    part = np.random.default_rng(0).permutation(len(bank)) % folds
    rows = [features(q) for q in bank]
    right = [np.array([option.mistake is None for option in q.options]) for q in bank]
    found = 0.0
    for fold in range(folds):
        known = [i for i in range(len(bank)) if part[i] != fold]
        x = np.vstack([rows[i] for i in known])
        y = np.concatenate([right[i] - right[i].mean() for i in known])
        weights = np.linalg.solve(x.T @ x + 5 * np.eye(x.shape[1]), x.T @ y)
        for i in np.flatnonzero(part == fold):
            score = rows[i] @ weights
            found += right[i][np.isclose(score, score.max())].mean()
    return found


def test_nor_does_a_mixture_of_them():
    """Ten fits to nine tenths of the questions, each tried on the last tenth."""
    chances = np.array([1 / len(q.options) for q in ALL])
    spread = np.sqrt((chances * (1 - chances)).sum())
    assert learnt(ALL) <= chances.sum() + 1.96 * spread
