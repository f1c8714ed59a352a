"""parsons: put the lines of a program into order, leaving out those that do not belong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lrlesson.feedback.check.cards import Card, ShownAsCard, treated
from lrlesson.feedback.record import changing, load, now, unknown
from lrlesson.feedback.widgets.page import on_page, view, widget_class
from lrlesson.feedback.widgets.puzzles import PUZZLES, Puzzle


@dataclass(frozen=True, repr=False)
class Arrangement(ShownAsCard):
    """A puzzle and an order of its lines; shows itself as a form, or as text.

    `status` is "not attempted", "wrong" or "correct"; `failed` the number of the first place that
    is wrong, in a list, or empty; `misconception` the slug of the known mistake, or None.
    """

    id: str
    order: tuple[int, ...]
    status: str
    failed: list[int]
    misconception: str | None
    message: str

    def card(self) -> Card:
        if self.status == "correct":
            return Card("good", f"Correct: {self.id}", ["Every line is in its place."])
        if self.status == "not attempted":
            return Card("quiet", f"Not attempted: {self.id}")
        return Card("bad", f"Not yet: {self.id}", [self.message, *treated(self.misconception)])

    def __repr__(self) -> str:
        puzzle = PUZZLES[self.id]
        lines = [f"{n:3}  {line}" for n, line in enumerate(puzzle.shown, 1)]
        usage = f'To answer, the numbers in order: parsons("{self.id}", [2, 5, …])'
        text = "\n".join([puzzle.ask, puzzle.head, *lines, usage])
        if self.status == "not attempted":
            return text
        chosen = [f"     {puzzle.shown[n - 1]}" for n in self.order]
        return "\n".join([text, "Your order:", *chosen, self.card().text()])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        puzzle = PUZZLES[self.id]
        make = widget_class("a puzzle", "parsons.js", puzzle="Dict", order="List", reply="Unicode")
        widget = make(
            puzzle={
                "key": f"puzzle/{self.id}",
                "ask": puzzle.ask,
                "head": puzzle.head,
                "lines": list(puzzle.shown),
            },
            order=list(self.order),
            reply="" if self.status == "not attempted" else self.card().html(),
        )

        def receive(_widget: object, message: dict[str, Any], _buffers: object) -> None:
            widget.reply = parsons(self.id, message.get("order", [])).card().html()
            widget.send({"done": True})

        widget.on_msg(receive)
        return view(on_page(self.id, widget), repr(self))


def parsons(id: str, order: Sequence[int] | None = None) -> Arrangement:
    """Put the lines of a program into order.

    Parameters
    ----------
    id : the puzzle, for instance "adam-step"
    order : the numbers of the lines as listed, from 1, in their right order; without it a form is
        shown, with the order that was checked last

    Some lines do not belong to the program. Any order that does the same is right. Raises
    ValueError for an unknown id or number.
    """
    if id not in PUZZLES:
        raise unknown("puzzle", id, PUZZLES)
    puzzle = PUZZLES[id]
    if order is None:
        entry = load()["exercises"].get(id, {})
        recorded = entry.get("order", [])
        sound = isinstance(recorded, list) and all(_is_line(puzzle, n) for n in recorded)
        return _judge(puzzle, tuple(recorded) if sound else ())
    for number in order:
        if not _is_line(puzzle, number):
            raise ValueError(
                f"{id}: order holds {number!r}, expected numbers from 1 to {len(puzzle.shown)}"
            )
    result = _judge(puzzle, tuple(order))
    _record(result)
    return result


def _is_line(puzzle: Puzzle, number: object) -> bool:
    return type(number) is int and 1 <= number <= len(puzzle.shown)


def _judge(puzzle: Puzzle, order: tuple[int, ...]) -> Arrangement:
    """Right if every line comes once, after the lines that it needs, and none too many."""
    if not order:
        return Arrangement(puzzle.id, (), "not attempted", [], None, "")

    def wrong(place: int, message: str, misconception: str | None = None) -> Arrangement:
        return Arrangement(puzzle.id, order, "wrong", [place], misconception, message)

    seen: set[str] = set()
    for place, number in enumerate(order, 1):
        line = puzzle.shown[number - 1]
        said = f"Place {place}, `{line.strip()}`: "
        if line in puzzle.distractors:
            why, misconception = puzzle.distractors[line]
            return wrong(place, said + why, misconception)
        if line in seen:
            return wrong(place, said + "this line is there already.")
        if not seen.issuperset(puzzle.lines[line]):
            return wrong(place, said + "another line has to come before it.")
        seen.add(line)
    if missing := len(puzzle.lines) - len(seen):
        lines = "line is" if missing == 1 else "lines are"
        return wrong(len(order) + 1, f"Right so far; {missing} {lines} missing.")
    return Arrangement(puzzle.id, order, "correct", [], None, "")


def _record(result: Arrangement) -> None:
    with changing() as data:
        entry = data["exercises"].setdefault(result.id, {})
        entry["status"], entry["order"] = result.status, list(result.order)
        attempts = entry.setdefault("attempts", [])
        answer = " ".join(map(str, result.order))
        if result.status != "not attempted" and [a["answer"] for a in attempts[-1:]] != [answer]:
            attempts.append(
                {
                    "when": now(),
                    "answer": answer,
                    "status": result.status,
                    "misconception": result.misconception,
                }
            )
