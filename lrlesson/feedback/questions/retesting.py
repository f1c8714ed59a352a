"""posttest and learning_gain: the ideas of the course again, in situations that are new.

The second test asks for the five ideas of the first one, and for one or more of each lesson. A week
later the same command asks for the five a third time. No question comes twice, so that nothing but
the idea can be remembered. Everything is kept in this learner's record and nowhere else;
`learning_gain` of several records sums up a class, on the machine where they have been brought
together.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from lrlesson.feedback.check.cards import Card, ShownAsCard
from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.questions.bank import all_questions, of_test
from lrlesson.feedback.questions.predicting import Pretest, passed_over
from lrlesson.feedback.record import changing, empty_record, is_sound, load, now, tidied
from lrlesson.feedback.widgets.forms import Question

WAIT = timedelta(days=7)
FORMS = {"pretest": "pre", "posttest": "post", "delayed": "later"}  # of an idea, by test


def items() -> list[str]:
    """The numbers of the ideas that all three tests ask for: "03" is pre-03, post-03, later-03."""
    return [question.id.removeprefix("pre-") for question in of_test("pre")]


class Posttest(Pretest):
    """The test after the course: the five ideas again, and the others of the lessons."""

    section = command = "posttest"

    def __init__(self) -> None:
        super().__init__()
        self.questions = of_test("post")

    def _title(self, number: int) -> str:
        return f"{super()._title(number)}, on lesson {self.questions[number].lesson}"

    def finished(self) -> None:
        """Keep the gain in the record, beside the answers that it comes from."""
        with changing() as data:
            data["gain"] = {"when": now(), **_standing(data).as_dict()}

    def report(self) -> Card:
        """How many were right, what was gained, and a reply to each wrong answer."""
        data = load()
        right = sum(_is_right(data, self.section, question) for question in self.questions)
        due = _due(data)
        when = f" from {due:%d %B %Y} on" if due else ""
        body = [
            f"{right} of {len(self.questions)} are right.",
            _standing(data).sentence(),
            f"posttest() asks for the five ideas once more{when}.",
            "learning_gain() shows idea by idea what has changed.",
        ]
        return Card("quiet", "The second test is done", [*body, *self._replies(data)])

    def _replies(self, data: dict[str, Any]) -> list[str | tuple[str, str]]:
        said: list[str | tuple[str, str]] = []
        for question in self.questions:
            choice = data[self.section].get(question.id, {}).get("choice")
            if choice in tuple(question.letters) and choice != question.right:
                said += [("strong", question.ask), f"You chose: {question.option(choice).text}."]
                said += [f"{' '.join(question.reply(choice))} (Lesson {question.lesson}.)"]
        return said


class Delayed(Posttest):
    """The five ideas a third time."""

    section = "delayed"

    def __init__(self) -> None:
        super().__init__()
        self.questions = of_test("later")

    def finished(self) -> None:
        """Nothing more to keep: the answers say it all."""

    def report(self) -> Card:
        """How many of the five are still right."""
        data = load()
        right = sum(_is_right(data, self.section, question) for question in self.questions)
        body = [f"{right} of {len(self.questions)} are right this time."]
        return Card("quiet", "The third test is done", [*body, *self._replies(data)])


def posttest(
    answer: str | None = None,
    confidence: int | None = None,
    skip: bool | str = False,
    delayed: bool | None = None,
) -> Posttest:
    """The test after the course: 15 questions, about 15 minutes; a week later five more.

    Works as `pretest` does: without arguments a form, `posttest("b", confidence=2)` answers the
    current question, `posttest(skip=True)` passes over it, `posttest(skip="all")` over all that are
    open, and it goes on where it was left. Each question says which lesson it is about. From a week
    after the last answer the same command gives the third test; `delayed=True` gives it at once,
    `delayed=False` shows the second one again. Raises ValueError for an unknown option, confidence
    or skip.
    """
    if delayed is None:
        due = _due(load())
        delayed = due is not None and datetime.now().astimezone() >= due
    test = Delayed() if delayed else Posttest()
    passed_over(test, skip)
    if not skip and answer is not None:
        test.record(answer, confidence)
    return test


def _due(data: dict[str, Any]) -> datetime | None:
    """When the third test begins; None while the second one is not done."""
    if {question.id for question in of_test("post")} - set(data["posttest"]):
        return None
    times = []
    for entry in data["posttest"].values():
        try:
            times.append(datetime.fromisoformat(entry["when"]).astimezone())
        except (KeyError, TypeError, ValueError):
            continue
    return max(times, default=datetime.now().astimezone()) + WAIT


def _asked(section: str, item: str) -> Question:
    """The question in which that test asks for the idea."""
    return all_questions()[f"{FORMS[section]}-{item}"]


def _is_right(data: dict[str, Any], section: str, question: Question) -> bool:
    entry = data[section].get(question.id)
    return bool(entry) and entry.get("choice") == question.right


def _right(data: dict[str, Any], section: str, item: str) -> bool:
    """Whether an idea was answered rightly; one that was skipped is not."""
    return _is_right(data, section, _asked(section, item))


def _done(data: dict[str, Any], section: str, item: str) -> bool:
    return _asked(section, item).id in data[section]


def _idea(data: dict[str, Any], section: str, item: str) -> str:
    """The misconception that an answer stands for; "" for a right one and for none."""
    question = _asked(section, item)
    choice = data[section].get(question.id, {}).get("choice")
    return (question.option(choice).mistake or "") if choice in tuple(question.letters) else ""


def normalised_gain(before: float, after: float) -> float | None:
    """(after − before)/(1 − before) of two shares from 0 to 1: what was gained of what there was
    to gain (Hake 1998). None where there was nothing to gain.
    """
    return None if before == 1 else (after - before) / (1 - before)


@dataclass(frozen=True)
class Standing:
    """One learner: how many of the five ideas were right before, after, and later of how many.

    `answered` tells which of the two tests are complete.
    """

    before: int
    after: int
    of: int
    answered: tuple[bool, bool]
    later: tuple[int, int]

    @property
    def gain(self) -> float | None:
        """The normalised gain; None while a test is missing, or where all was right before."""
        if not all(self.answered):
            return None
        return normalised_gain(self.before / self.of, self.after / self.of)

    def as_dict(self) -> dict[str, Any]:
        """For the record."""
        return {"before": self.before, "after": self.after, "of": self.of, "gain": self.gain}

    def sentence(self) -> str:
        """In words."""
        after = f"Of the {self.of} ideas of the first test {self.after} are right"
        if not self.answered[0]:
            return f"{after}. There is no complete first test to compare with."
        said = f"{after}; before the course it was {self.before}."
        if self.gain is None:
            return said
        return f"{said} That is {_percent(self.gain)} of what there was to gain."


def _standing(data: dict[str, Any]) -> Standing:
    before, after = (
        sum(_right(data, section, item) for item in items()) for section in ("pretest", "posttest")
    )
    first, second = (
        all(_done(data, section, item) for item in items()) for section in ("pretest", "posttest")
    )
    later = [item for item in items() if _done(data, "delayed", item)]
    kept = sum(_right(data, "delayed", item) for item in later)
    return Standing(before, after, len(items()), (first, second), (kept, len(later)))


@dataclass(frozen=True, repr=False)
class Gain(ShownAsCard):
    """What `learning_gain` found. `learners` holds a Standing by name, `per_item`
    (share before, share after, gain) by question of the first test, `ideas` (answers before,
    answers after) by misconception; on the page both stand in words.
    """

    learners: dict[str, Standing]
    per_item: dict[str, tuple[float, float, float | None]]
    ideas: dict[str, tuple[int, int]]
    shown: Card

    def card(self) -> Card:
        return self.shown


def learning_gain(*records: str | Path) -> Gain:
    """What has changed between the first test and the second, in the five ideas of both.

    Without arguments for this learner; with the paths of several `progress.json` for all of them:
    the normalised gain per learner and per idea, and how many answers stood for each
    misconception before and after. Only learners who have finished both tests are counted. Nothing
    is sent anywhere. Raises ValueError for a path that holds no record.
    """
    if not records:
        return _found({"you": load()}, single=True)
    return _found({_name(path): _read(Path(path)) for path in records}, single=False)


def _name(path: str | Path) -> str:
    """progress.json of ada/.lrlesson is ada's; any other file goes by its own name."""
    parents = [p.name for p in Path(path).absolute().parents if p.name != ".lrlesson"]
    return parents[0] if Path(path).name == "progress.json" else Path(path).stem


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        data = None
    if not is_sound(data):
        raise ValueError(
            f"learning_gain: records = {str(path)!r}, expected a progress.json of a learner"
        )
    return tidied(empty_record() | data)


def _found(records: dict[str, dict[str, Any]], single: bool) -> Gain:
    standings = {name: _standing(data) for name, data in records.items()}
    both = {name: records[name] for name, found in standings.items() if all(found.answered)}
    per_item, ideas = {}, {}
    if both:
        for item in items():
            before, after = (
                float(np.mean([_right(data, section, item) for data in both.values()]))
                for section in ("pretest", "posttest")
            )
            per_item[_asked("pretest", item).id] = before, after, normalised_gain(before, after)
        counts = [
            Counter(_idea(data, section, item) for data in both.values() for item in items())
            for section in ("pretest", "posttest")
        ]
        slugs = sorted((counts[0] | counts[1]).keys() - {""}, key=_lesson)
        ideas = {slug: (counts[0][slug], counts[1][slug]) for slug in slugs}
    if not both:
        card = Card(
            "quiet", "Nothing to compare yet", ["pretest() and posttest() have to be done first."]
        )
    elif single:
        card = _own(standings["you"], records["you"])
    else:
        card = _class(standings, per_item, ideas)
    return Gain(standings, per_item, ideas, card)


def _own(found: Standing, data: dict[str, Any]) -> Card:
    table: list[tuple[str, ...]] = [
        ("idea", "lesson", "before", "after", "later", "what you thought, if it was another")
    ]
    for item in items():
        marks = []
        for section in FORMS:
            asked = _done(data, section, item)
            marks.append(("right" if _right(data, section, item) else "not yet") if asked else "")
        thought = _idea(data, "posttest", item) or _idea(data, "pretest", item)
        belief = MISCONCEPTIONS[thought].belief if thought else ""
        first = _asked("pretest", item)
        table.append((first.idea, first.lesson, *marks, belief))
    body = [found.sentence()]
    if found.later[1]:
        body.append(f"A week later: {found.later[0]} of {found.later[1]}.")
    return Card("quiet", "Before and after", body, table)


def _class(
    standings: dict[str, Standing],
    per_item: dict[str, tuple[float, float, float | None]],
    ideas: dict[str, tuple[int, int]],
) -> Card:
    done = [one for one in standings.values() if all(one.answered)]
    gains = [one.gain for one in done if one.gain is not None]
    table = [("what", "before", "after", "gain")]
    for name, one in standings.items():
        said = (f"{one.before} of {one.of}", f"{one.after} of {one.of}", _percent(one.gain))
        table.append((name, *(said if all(one.answered) else ("", "", "not done"))))
    for id, (before, after, gained) in per_item.items():
        table.append(
            (all_questions()[id].idea, _percent(before), _percent(after), _percent(gained))
        )
    for slug, (before, after) in ideas.items():
        table.append(
            (f"“{MISCONCEPTIONS[slug].belief}”", f"{before} answers", f"{after} answers", "")
        )
    mean = f", on average {_percent(float(np.mean(gains)))} each" if gains else ""
    body = [f"{len(done)} of {len(standings)} learners have done both tests{mean}."]
    return Card("quiet", "Gain of the class", body, table)


def _lesson(slug: str) -> tuple[str, str]:
    return MISCONCEPTIONS[slug].lesson, slug


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"
