"""What `check` answers: correct, wrong and why, or not attempted."""

from dataclasses import dataclass, field

from lrlesson.feedback.check.cards import Card, Paragraph, ShownAsCard, treated


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
    not hold; `misconception` the slug of the known mistake, or None; `message` what to tell about
    it; `right_in` where it is no mistake but the convention; `first_of_two`: there is a second one;
    `early` why a right answer would lose marks in the notebook as it is saved.
    """

    id: str
    status: str
    failures: list[Failure] = field(default_factory=list)
    misconception: str | None = None
    message: str = ""
    properties: int = 0
    printed: bool = False
    right_in: str = ""
    first_of_two: bool = False
    early: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        return [failure.name for failure in self.failures]

    def card(self) -> Card:
        if self.status == "correct" and self.early:
            return Card("bad", f"Right here, but it would lose marks: {self.id}", self.early)
        if self.status == "correct":
            return Card("good", f"Correct: {self.id}", [f"All {self.properties} properties hold."])
        if self.status == "not attempted":
            return Card(
                "quiet",
                f"Not attempted: {self.id}",
                ["Write your answer in the cell above, run it, then run this cell again."],
            )
        first, *others = self.failures
        body: list[Paragraph] = [
            ("strong", first.law),
            ("code", f"{first.case}\n{first.came}"),
        ]
        if self.message:
            known = f"Right in {self.right_in}, not here." if self.right_in else "A known mistake."
            body.append(f"{known} {self.message}")
        if self.first_of_two:
            body.append("There is another mistake, which is named when this one is mended.")
        body += treated(self.misconception)
        if others:
            laws = " ".join(failure.law for failure in others[:2])
            more = f" And {len(others) - 2} more." if len(others) > 2 else ""
            body.append(f"This does not hold yet, either: {laws}{more}")
        if self.printed:
            body.append("What your code printed while it was checked is hidden.")
        body.append(f'For a hint: hint("{self.id}")')
        return Card("bad", f"Wrong: {self.id}", body)
