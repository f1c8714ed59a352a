"""What `check` answers: correct, wrong and why, or not attempted."""

from dataclasses import dataclass, field

from lrlesson.feedback.check.cards import Card, ShownAsCard
from lrlesson.feedback.exercises.misconceptions import explain


@dataclass(frozen=True)
class Failure:
    """A property that does not hold: its name, its law, the smallest failing case, what came."""

    name: str
    law: str
    case: str
    came: str


@dataclass(frozen=True, repr=False)
class Result(ShownAsCard):
    """The answer of `check`.

    `status` is "not attempted", "wrong" or "correct", and of a strategy that runs and does not
    earn all points "not yet"; `failed` the names of the properties that do
    not hold; `misconception` the slug of the known mistake, or None.
    """

    id: str
    status: str
    failures: list[Failure] = field(default_factory=list)
    misconception: str | None = None
    message: str = ""
    properties: int = 0
    printed: bool = False

    @property
    def failed(self) -> list[str]:
        return [failure.name for failure in self.failures]

    def card(self) -> Card:
        if self.status == "correct":
            return Card("good", f"Correct: {self.id}", [f"All {self.properties} properties hold."])
        if self.status == "not attempted":
            return Card(
                "quiet",
                f"Not attempted: {self.id}",
                ["Write your answer in the cell above, run it, then run this cell again."],
            )
        first, *others = self.failures
        body: list[str | tuple[str, str]] = [
            ("strong", first.law),
            ("code", f"{first.case}\n{first.came}"),
        ]
        if self.message:
            body.append(self.message)
        if self.misconception:
            body.append(f"A known mistake, {self.misconception}: {explain(self.misconception)}")
        if others:
            names = ", ".join(failure.name for failure in others[:4])
            more = f" and {len(others) - 4} more" if len(others) > 4 else ""
            body.append(f"Also not yet: {names}{more}.")
        if self.printed:
            body.append("What your code printed while it was checked is hidden.")
        body.append(f'For a hint: hint("{self.id}")')
        return Card("bad", f"Wrong: {self.id}", body)
