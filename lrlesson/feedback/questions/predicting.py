"""predict and pretest: say first what you expect."""

from typing import Any

from lrlesson.feedback.check.cards import Card
from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.questions.bank import of_lessons, of_test
from lrlesson.feedback.record import changing, load, now, unknown
from lrlesson.feedback.widgets import forms
from lrlesson.feedback.widgets.forms import Form, Question
from lrlesson.feedback.widgets.page import on_page

WHAT_HAPPENED = "I have run it: what happened?"


def _answer(entry: object, question: Question) -> dict[str, Any] | None:
    """A recorded answer, if it is still one of the question's."""
    if isinstance(entry, dict) and entry.get("choice") in tuple(question.letters):
        return entry
    return None


def _entry(question: Question, letter: str, confidence: int | None) -> dict[str, Any]:
    mistake = question.option(letter).mistake
    return {"choice": letter, "confidence": confidence, "misconception": mistake, "when": now()}


class Prediction:
    """A question and what this learner answered; shows itself as a form, or as text.

    `choice` and `confidence` are those of the first answer, which counts as the prediction, and
    `latest` the letter chosen last (each None before an answer). `correct` tells whether the first
    answer is right, `revealed` whether the reply may be shown: of a prediction once the learner
    asked what happened, of a question about earlier lessons (NN-rK) at once.
    """

    def __init__(self, question: Question) -> None:
        self.id, self.question = question.id, question
        self._form: Form | None = None

    def _entry(self) -> dict[str, Any]:
        """What the record has about it. Each of the methods below reads the record once."""
        entry: dict[str, Any] = load()["predictions"].get(self.id, {})
        return entry

    def _recorded(self, which: str, entry: dict[str, Any] | None = None) -> dict[str, Any]:
        """The first or the latest answer, empty where there is none to this question."""
        kept = self._entry() if entry is None else entry
        return _answer(kept.get(which), self.question) or {}

    @property
    def choice(self) -> str | None:
        return self._recorded("first").get("choice")

    @property
    def confidence(self) -> int | None:
        return self._recorded("first").get("confidence")

    @property
    def latest(self) -> str | None:
        return self._recorded("latest").get("choice")

    @property
    def correct(self) -> bool | None:
        choice = self.choice
        return None if choice is None else choice == self.question.right

    @property
    def revealed(self) -> bool:
        return self._is_revealed(self._entry())

    def _is_revealed(self, entry: dict[str, Any]) -> bool:
        return "-r" in self.id or "revealed" in entry

    def reveal(self) -> None:
        """From now on the reply is shown; without an answer there is nothing to reply to yet."""
        with changing() as data:
            entry = data["predictions"].get(self.id, {})
            if self._recorded("first", entry):
                entry.setdefault("revealed", now())

    def record(self, answer: object, confidence: int | None = None) -> None:
        """Record an answer; the first one stays the prediction, later ones are kept beside it."""
        letter = forms.choice_of(self.question, answer)
        new = _entry(self.question, letter, forms.valid_confidence(confidence))
        with changing() as data:
            entry = data["predictions"].setdefault(self.id, {})
            if _answer(entry.get("first"), self.question) is None:
                entry["first"] = new
            entry["latest"] = new

    def reply(self) -> Card | None:
        """What there is to say to the answer given last; None before an answer."""
        return self._reply(self._entry())

    def _reply(self, entry: dict[str, Any]) -> Card | None:
        first, latest = (self._recorded(which, entry) for which in ("first", "latest"))
        if not first or not latest:
            return None
        said = self.question.option(latest["choice"])
        sure = forms.confident(latest.get("confidence"))
        recorded = f"Your answer: {said.text}{sure}."
        if latest["choice"] != first["choice"]:
            before = self.question.option(first["choice"]).text
            recorded += f" Your first answer stays your prediction: {before}."
        if not self._is_revealed(entry):
            return Card("quiet", "Recorded", [recorded, "Now run the experiment."])
        right = said.mistake is None
        mood, title = ("good", "Right") if right else ("bad", "Not so")
        return Card(mood, title, [recorded, *self.question.reply(latest["choice"])])

    def _title(self) -> str:
        kind = "From memory" if "-r" in self.id else "Your prediction"
        return f"{kind}, {self.id}"

    def __repr__(self) -> str:
        return self._text(self._entry())

    def _text(self, entry: dict[str, Any]) -> str:
        usage = f'predict("{self.id}", "{self.question.letters[0]}")'
        text = forms.as_text(self.question, self._title(), usage)
        reply = self._reply(entry)
        if reply is not None:
            text += f"\n{reply.text()}"
            if not self._is_revealed(entry):
                text += f'\n  What happened? predict("{self.id}", reveal=True)'
        return text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        self._form = on_page(self.id, Form(["Record my answer"], self._pressed))
        entry = self._entry()
        latest = self._recorded("latest", entry)
        self._form.show(self.question, self._title(), latest.get("choice"))
        self._say(entry)
        return self._form.mimebundle(self._text(entry))

    def _say(self, entry: dict[str, Any]) -> None:
        if self._form is not None:
            self._form.say(*self.said(entry))

    def said(self, entry: dict[str, Any] | None = None) -> tuple[Card | None, str]:
        """What stands below the buttons: a reply, and the text of one more button."""
        known = self._entry() if entry is None else entry
        reply = self._reply(known)
        later = reply is not None and not self._is_revealed(known)
        return reply, WHAT_HAPPENED if later else ""

    def _pressed(self, button: int, letter: str | None, confidence: int | None) -> None:
        self.press(button, letter, confidence)
        self._say(self._entry())

    def press(self, button: int, letter: str | None, confidence: int | None) -> None:
        """What a button of the form does to the record."""
        if button == forms.LATER:
            self.reveal()
        elif letter is not None:
            self.record(letter, confidence)


def predict(
    id: str, answer: str | None = None, confidence: int | None = None, reveal: bool = False
) -> Prediction:
    """Ask for a prediction and record it; after the experiment, answer the option chosen.

    Parameters
    ----------
    id : the question, for instance "02-q1"
    answer : the letter of an option, for those who type; without it a form is shown
    confidence : 1 a guess, 2 fairly sure, 3 sure; kept beside the answer, and not asked for
    reveal : True asks what happened, as the form's button does that comes after an answer

    Questions about earlier lessons (NN-rK) are answered at once. The first answer is kept as the
    prediction; it may be changed, and nothing depends on it. Everything stays on this machine.
    Raises ValueError for an unknown id, option or confidence.
    """
    questions = of_lessons()
    if id not in questions:
        raise unknown("question", id, questions)
    prediction = Prediction(questions[id])
    if answer is not None:
        prediction.record(answer, confidence)
    if reveal:
        prediction.reveal()
    return prediction


class Pretest:
    """The questions asked before the course, one after another; no replies until the end.

    `section` is where the answers are recorded, `command` what one types.
    """

    section = command = "pretest"

    def __init__(self) -> None:
        self.questions = of_test("pre")
        self._form: Form | None = None

    def _number(self) -> int | None:
        """Which question is the first that was neither answered nor skipped; None at the end."""
        done = load()[self.section]
        open_ones = (n for n, q in enumerate(self.questions) if q.id not in done)
        return next(open_ones, None)

    def _title(self, number: int) -> str:
        return f"Question {number + 1} of {len(self.questions)}"

    def skip(self) -> None:
        """Pass over all questions that are still open."""
        while self._number() is not None:
            self.record(None)

    def record(self, answer: object, confidence: int | None = None) -> None:
        """Record an answer to the current question (None skips it) and go on to the next."""
        number = self._number()
        if number is None:
            return
        question = self.questions[number]
        confidence = forms.valid_confidence(confidence)
        if answer is None:
            entry = {"choice": None, "confidence": None, "misconception": None, "when": now()}
        else:
            entry = _entry(question, forms.choice_of(question, answer), confidence)
        with changing() as data:
            data[self.section].setdefault(question.id, entry)
        if self._number() is None:
            self.finished()

    def finished(self) -> None:
        """Called when the last question has been answered or skipped."""

    def report(self) -> Card:
        """After the last question: how many were right, and which ideas the course will test."""
        done = load()["pretest"]
        entries = [(q, _answer(done.get(q.id), q)) for q in self.questions]
        right = sum(q.right == entry["choice"] for q, entry in entries if entry)
        rows: dict[str, list[int]] = {}
        for q, entry in entries:
            if entry and (slug := q.option(entry["choice"]).mistake):
                rows.setdefault(slug, []).append(entry.get("confidence") or 0)
        table = [("an idea in your answers", "tested in lesson", "you were")]
        for slug in sorted(rows, key=lambda slug: MISCONCEPTIONS[slug].lesson):
            sure = max(c for c in (0, *rows[slug]) if c in (0, *forms.CONFIDENCE))
            _, belief, lesson = MISCONCEPTIONS[slug]
            table.append((belief, lesson, forms.CONFIDENCE.get(sure, "")))
        body = [f"{right} of {len(self.questions)} agree with what the course will show."]
        if rows:
            body.append(
                "The ideas below fit some of your answers. Each of them meets an experiment in the "
                "lesson named; the test at the end asks for the same ideas in other situations."
            )
        return Card("quiet", "The first test is done", body, table if rows else [])

    def __repr__(self) -> str:
        number = self._number()
        if number is None:
            return self.report().text()
        name = self.command
        usage = f'{name}("a", confidence=2), confidence 1 to 3; {name}(skip=True) goes on, '
        usage += f'{name}(skip="all") ends the test'
        return forms.as_text(self.questions[number], self._title(number), usage)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        self._form = on_page(self.section, Form(["Next", "Skip", "Skip the test"], self._pressed))
        self._update()
        return self._form.mimebundle(repr(self))

    def asked(self) -> Question | None:
        """The question that is asked now; None at the end."""
        number = self._number()
        return None if number is None else self.questions[number]

    def press(self, button: int, letter: str | None, confidence: int | None) -> None:
        """What a button does to the record: answer, skip, or skip all that are open."""
        if button == 2:
            self.skip()
        elif button == 1:
            self.record(None)
        elif letter is not None:
            self.record(letter, confidence)

    def _pressed(self, button: int, letter: str | None, confidence: int | None) -> None:
        self.press(button, letter, confidence)
        self._update()

    def _update(self) -> None:
        if self._form is None:
            return
        number = self._number()
        if number is None:
            self._form.finish()
            self._form.say(self.report())
        else:
            question = self.questions[number]
            key = f"{self.section}/{question.id}"
            self._form.show(question, self._title(number), ask_confidence=True, key=key)
            self._form.say(None)


def pretest(
    answer: str | None = None, confidence: int | None = None, skip: bool | str = False
) -> Pretest:
    """The test before the course: five questions one after another, about five minutes.

    Goes on where it was left. Without arguments it shows a form; `pretest("b", confidence=2)`
    answers the current question, `pretest(skip=True)` passes over it, `pretest(skip="all")` over
    the whole test. After the last one it shows how many were right and which ideas the course will
    put to the test, and not the answers, since the ideas come again at the end. Raises ValueError
    for an unknown option, confidence or skip.
    """
    test = Pretest()
    passed_over(test, skip)
    if not skip and answer is not None:
        test.record(answer, confidence)
    return test


def passed_over(test: Pretest, skip: bool | str) -> None:
    """Pass over the current question (True) or over all that are open ("all")."""
    if skip not in (True, False, "all"):
        raise ValueError(f'skip = {skip!r}, expected True, False or "all"')
    if skip == "all":
        test.skip()
    elif skip:
        test.record(None)
