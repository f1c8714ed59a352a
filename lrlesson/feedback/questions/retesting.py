"""posttest and learning_gain: the questions of the first test again, with other numbers.

A week after the second test the same command asks five of them a third time. Everything is kept in
this learner's record and nowhere else; `learning_gain` of several records sums up a class, on the
machine where they have been brought together.
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
from lrlesson.feedback.questions.bank import all_questions, fresh
from lrlesson.feedback.questions.predicting import Pretest
from lrlesson.feedback.record import changing, empty_record, is_sound, load, now, tidied
from lrlesson.feedback.widgets.forms import Question

SEED, LATER = 1, 2  # of the numbers in the second and in the third test
DELAYED = 5  # questions of the third test
WAIT = timedelta(days=7)


def items() -> list[str]:
    """The ids of the test's questions."""
    return [id for id in all_questions() if id.startswith("pre-")]


class Posttest(Pretest):
    """The test after the course: the same questions in another order, with other numbers."""

    section = command = "posttest"

    def __init__(self) -> None:
        super().__init__()
        order = np.random.default_rng(SEED).permutation(items())
        self.questions = [fresh(id, SEED) for id in order.tolist()]

    def finished(self) -> None:
        """Keep the gain in the record, beside the answers that it comes from."""
        with changing() as data:
            data["gain"] = {"when": now(), **_standing(data).as_dict()}

    def report(self) -> Card:
        """How many were right, what was gained, and a reply to each wrong answer."""
        data = load()
        found = _standing(data)
        body: list[str | tuple[str, str]] = [found.sentence()]
        if self.section == "posttest":
            due = _due(data)
            when = f" from {due:%d %B %Y} on" if due else ""
            body.append(
                f"posttest() asks {DELAYED} of them again{when}. learning_gain() shows question "
                "by question what has changed."
            )
        return Card("quiet", self._done(), [*body, *self._replies(data[self.section])])

    def _done(self) -> str:
        return "The second test is done"

    def _replies(self, done: dict[str, Any]) -> list[str | tuple[str, str]]:
        said: list[str | tuple[str, str]] = []
        for question in self.questions:
            choice = done.get(question.id, {}).get("choice")
            if choice in tuple(question.letters) and choice != question.right:
                chosen = question.option(choice)
                said += [("strong", question.ask)]
                said += [f"You chose: {chosen.text}.", *question.reply(choice)]
        return said


class Delayed(Posttest):
    """Five of the questions, with other numbers again: first those that the course has changed."""

    section = "delayed"

    def __init__(self) -> None:
        super().__init__()
        data = load()
        learnt = [
            id for id in items() if not _right(data, "pretest", id) and _right(data, "posttest", id)
        ]
        rng = np.random.default_rng(LATER)
        rest = [id for id in rng.permutation(items()).tolist() if id not in learnt]
        chosen = [*rng.permutation(learnt).tolist(), *rest][:DELAYED]
        self.questions = [fresh(id, LATER) for id in chosen]

    def finished(self) -> None:
        """Nothing more to keep: the answers say it all."""

    def report(self) -> Card:
        """How many of the five are still right."""
        done = load()["delayed"]
        right = sum(done.get(q.id, {}).get("choice") == q.right for q in self.questions)
        body = [f"{right} of {len(self.questions)} are right this time."]
        return Card("quiet", "The third test is done", [*body, *self._replies(done)])


def posttest(
    answer: str | None = None,
    confidence: int | None = None,
    skip: bool = False,
    delayed: bool | None = None,
) -> Posttest:
    """The test after the course: 14 questions, about 12 minutes; a week later five of them again.

    Works as `pretest` does: without arguments a form, `posttest("b", confidence=2)` answers the
    current question, `posttest(skip=True)` passes over it, and it goes on where it was left. From a
    week after the last answer the same command gives the third test; `delayed=True` gives it at
    once, `delayed=False` shows the second one again. Raises ValueError for an unknown option or
    confidence.
    """
    if delayed is None:
        due = _due(load())
        delayed = due is not None and datetime.now().astimezone() >= due
    test = Delayed() if delayed else Posttest()
    if skip:
        test.record(None)
    elif answer is not None:
        test.record(answer, confidence)
    return test


def _due(data: dict[str, Any]) -> datetime | None:
    """When the third test begins; None while the second one is not done."""
    if set(items()) - set(data["posttest"]):
        return None
    times = []
    for entry in data["posttest"].values():
        try:
            times.append(datetime.fromisoformat(entry["when"]).astimezone())
        except (KeyError, TypeError, ValueError):
            continue
    return max(times, default=datetime.now().astimezone()) + WAIT


def _asked(section: str, id: str) -> Question:
    """The question as that test asks it."""
    if section == "pretest":
        return all_questions()[id]
    return fresh(id, SEED if section == "posttest" else LATER)


def _right(data: dict[str, Any], section: str, id: str) -> bool:
    """Whether an answer is right; one that was skipped is not."""
    entry = data[section].get(id)
    return bool(entry) and entry.get("choice") == _asked(section, id).right


def _idea(data: dict[str, Any], section: str, id: str) -> str:
    """The misconception that an answer stands for; "" for a right one and for none."""
    question, choice = _asked(section, id), data[section].get(id, {}).get("choice")
    return (question.option(choice).mistake or "") if choice in tuple(question.letters) else ""


def normalised_gain(before: float, after: float) -> float | None:
    """(after − before)/(1 − before) of two shares from 0 to 1: what was gained of what there was
    to gain (Hake 1998). None where there was nothing to gain.
    """
    return None if before == 1 else (after - before) / (1 - before)


@dataclass(frozen=True)
class Standing:
    """One learner: how many of the questions were right before and after, and later of how many.

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
        after = f"{self.after} of {self.of} are right"
        if not self.answered[0]:
            return f"{after}. There is no complete first test to compare with."
        said = f"{after}; before the course it was {self.before}."
        if self.gain is None:
            return said
        return f"{said} That is {_percent(self.gain)} of what there was to gain."


def _standing(data: dict[str, Any]) -> Standing:
    before, after = (
        sum(_right(data, section, id) for id in items()) for section in ("pretest", "posttest")
    )
    complete = [not set(items()) - set(data[section]) for section in ("pretest", "posttest")]
    later = [id for id in items() if id in data["delayed"]]
    kept = sum(_right(data, "delayed", id) for id in later)
    return Standing(before, after, len(items()), (complete[0], complete[1]), (kept, len(later)))


@dataclass(frozen=True, repr=False)
class Gain(ShownAsCard):
    """What `learning_gain` found. `learners` holds a Standing by name, `per_item`
    (share before, share after, gain) by question, `ideas` (answers before, answers after)
    by misconception.
    """

    learners: dict[str, Standing]
    per_item: dict[str, tuple[float, float, float | None]]
    ideas: dict[str, tuple[int, int]]
    shown: Card

    def card(self) -> Card:
        return self.shown


def learning_gain(*records: str | Path) -> Gain:
    """What has changed between the two tests: question by question, and idea by idea.

    Without arguments for this learner; with the paths of several `progress.json` for all of them:
    the normalised gain per learner and per question, and how many answers stood for each
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
        for id in items():
            before, after = (
                float(np.mean([_right(data, section, id) for data in both.values()]))
                for section in ("pretest", "posttest")
            )
            per_item[id] = before, after, normalised_gain(before, after)
        counts = [
            Counter(_idea(data, section, id) for data in both.values() for id in items())
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
        ("question", "before", "after", "later", "what you thought, if it was another")
    ]
    for id in items():
        marks = []
        for section in ("pretest", "posttest", "delayed"):
            asked = id in data[section]
            marks.append(("right" if _right(data, section, id) else "not yet") if asked else "")
        thought = _idea(data, "posttest", id) or _idea(data, "pretest", id)
        table.append((id, *marks, MISCONCEPTIONS[thought].belief if thought else ""))
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
        table.append((id, _percent(before), _percent(after), _percent(gained)))
    for slug, (before, after) in ideas.items():
        table.append((slug, f"{before} answers", f"{after} answers", ""))
    mean = f", on average {_percent(float(np.mean(gains)))} each" if gains else ""
    body = [f"{len(done)} of {len(standings)} learners have done both tests{mean}."]
    return Card("quiet", "Gain of the class", body, table)


def _lesson(slug: str) -> tuple[str, str]:
    return MISCONCEPTIONS[slug].lesson, slug


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"
