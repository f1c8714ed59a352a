"""hint and solution: help that comes in steps, and is recorded."""

from dataclasses import dataclass

from lrlesson.feedback.check.cards import Card, ShownAsCard
from lrlesson.feedback.check.checking import find
from lrlesson.feedback.record import changing, load, now

ATTEMPTS_BEFORE_SOLUTION = 3

_given: dict[str, int] = {}  # how many hints of each exercise this kernel has shown


@dataclass(frozen=True, repr=False)
class Help(ShownAsCard):
    """A hint or a solution, or the sentence why not yet."""

    shown: Card

    def card(self) -> Card:
        return self.shown


def hint(id: str, number: int | None = None) -> Help:
    """The next hint of an exercise (there are three), or the one of that number.

    Raises ValueError for an unknown id or number.
    """
    hints = find(id).hints
    if number is None:
        number = _given.get(id, 0) % len(hints) + 1
    elif number not in range(1, len(hints) + 1):
        raise ValueError(f"hint: number = {number!r}, expected 1 to {len(hints)}")
    _given[id] = number
    with changing() as data:
        entry = data["exercises"].setdefault(id, {})
        entry["hints"] = max(number, entry.get("hints", 0))
    more = f'hint("{id}") gives the next one.' if number < len(hints) else "There is no other hint."
    return Help(Card("quiet", f"Hint {number} of {len(hints)}: {id}", [hints[number - 1], more]))


def different_attempts(entry: dict) -> int:
    """How many different answers were checked, by the record of one exercise."""
    return len({attempt.get("answer") for attempt in entry.get("attempts", [])})


def solution(id: str, give_up: bool = False) -> Help:
    """A right solution: after three different attempts, a correct one, or with `give_up=True`.

    That it was shown is recorded, and `progress` and `summary` say so. Raises ValueError for an
    unknown id.
    """
    exercise = find(id)
    entry = load()["exercises"].get(id, {})
    attempts = different_attempts(entry)
    solved = any(attempt.get("status") == "correct" for attempt in entry.get("attempts", []))
    if attempts < ATTEMPTS_BEFORE_SOLUTION and not solved and not give_up:
        body = [
            f"You have tried {attempts} of {ATTEMPTS_BEFORE_SOLUTION} different answers.",
            f'hint("{id}") may be enough.',
            f'To see a solution now: solution("{id}", give_up=True). This is recorded.',
        ]
        return Help(Card("quiet", f"Not yet: {id}", body))
    if not solved:
        with changing() as data:
            shown = {"when": now(), "attempts": attempts, "gave_up": give_up}
            data["exercises"].setdefault(id, {}).setdefault("solution", shown)
    code = ("code", exercise.reference.rstrip())
    return Help(Card("quiet", f"A solution: {id}", [code, "There are other right ones."]))
