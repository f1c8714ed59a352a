"""A question as a form: real radio buttons with a legend, a confidence, buttons, a live reply.

It is an ipywidget with a few lines of its own (form.js), since the radio buttons of ipywidgets form
no group, have no name that a screen reader could say, and lose their arrow keys to JupyterLab.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lrlesson.feedback.check.cards import Card
from lrlesson.feedback.widgets.page import view, widget_class

LATER = -1  # the number of the button below the reply
CONFIDENCE = {1: "a guess", 2: "fairly sure", 3: "sure"}


@dataclass(frozen=True)
class Option:
    """One answer to a question: its text, the reply to it, its misconception (None: right)."""

    text: str
    why: str
    mistake: str | None = None


@dataclass(frozen=True)
class Question:
    """A question with one right option. `right` is its letter, a for the first.

    A question of a test says which `lesson` it is about, and its `idea` in words.
    """

    id: str
    ask: str
    source: str
    options: tuple[Option, ...]
    lesson: str = ""
    idea: str = ""

    @property
    def letters(self) -> str:
        return "abcd"[: len(self.options)]

    @property
    def right(self) -> str:
        return next(k for k in self.letters if self.option(k).mistake is None)

    def option(self, letter: str) -> Option:
        return self.options[self.letters.index(letter)]

    def reply(self, letter: str) -> list[str]:
        """What there is to say to that option; to a wrong one also which is right."""
        said = [self.option(letter).why]
        return said if letter == self.right else [*said, f"Right: {self.option(self.right).text}."]


class Form:
    """The form of one question at a time.

    `on_press(button, letter, confidence)` is called with the number of the button that the learner
    pressed, the letter chosen and the confidence (None: none). The first button needs a choice;
    LATER is the one that may stand below the reply.
    """

    def __init__(
        self,
        buttons: Sequence[str],
        on_press: Callable[[int, str | None, int | None], None],
    ) -> None:
        self._buttons, self._on_press = buttons, on_press
        make = widget_class(
            "a question",
            "form.js",
            question="Dict",
            marked="Dict",
            reply="Unicode",
            later="Unicode",
        )
        self.widget = make(question={}, marked={"chosen": -1, "confidence": -1})
        self.widget.on_msg(self._receive)

    def show(
        self,
        question: Question,
        title: str,
        chosen: str | None = None,
        confidence: int | None = None,
        ask_confidence: bool = False,
        key: str = "",
    ) -> None:
        """Put a question into the form, with what was recorded before marked.

        How sure one is it asks only where that is used. key: the name under which the page keeps
        what is chosen; the question's id unless given.
        """
        self._question = question
        self.widget.marked = {
            "chosen": question.letters.index(chosen) if chosen else -1,
            "confidence": list(CONFIDENCE).index(confidence) if confidence in CONFIDENCE else -1,
        }
        self.widget.question = {
            "key": key or question.id,
            "title": title,
            "ask": question.ask,
            "options": [option.text for option in question.options],
            "how_sure": "How sure are you?",
            "confidences": list(CONFIDENCE.values()) if ask_confidence else [],
            "buttons": list(self._buttons),
            "choose_first": "Choose an answer first.",
        }

    def say(self, card: Card | None, later: str = "") -> None:
        """Show a card below the buttons (None: nothing), and below it perhaps one more button."""
        self.widget.reply = card.html() if card else ""
        self.widget.later = later

    def finish(self) -> None:
        """Take the question away: nothing is left to answer."""
        self.widget.question = {}

    def close(self) -> None:
        """Take the form off the page."""
        self.widget.close()

    def _receive(self, _widget: object, message: dict[str, Any], _buffers: object) -> None:
        self._on_press(*pressed(self._question, message))
        self.widget.send({"done": True})

    def mimebundle(self, text: str) -> dict[str, object]:
        """What a notebook shows: the form, or where there are no widgets the text."""
        return view(self.widget, text)


def pressed(question: Question, message: dict[str, Any]) -> tuple[int, str | None, int | None]:
    """What a form's message says: the number of the button, the letter chosen, the confidence."""
    chosen, confidence = message.get("chosen", -1), message.get("confidence", -1)
    letter = question.letters[chosen] if 0 <= chosen < len(question.letters) else None
    sure = list(CONFIDENCE)[confidence] if 0 <= confidence < len(CONFIDENCE) else None
    return message.get("button", 0), letter, sure


def confident(confidence: int | None) -> str:
    """The confidence in words, in brackets, or nothing."""
    return f" ({CONFIDENCE[confidence]})" if confidence in CONFIDENCE else ""


def choice_of(question: Question, answer: object) -> str:
    """The letter that an answer means: a letter or an option's text. ValueError otherwise."""
    said = str(answer).strip()
    if said.lower() in tuple(question.letters):
        return said.lower()
    for letter in question.letters:
        if said == question.option(letter).text:
            return letter
    raise ValueError(
        f"{question.id}: answer = {answer!r}, expected one of {', '.join(question.letters)}"
    )


def valid_confidence(confidence: object) -> int | None:
    """1, 2, 3 or None; ValueError otherwise."""
    if confidence is None or (type(confidence) is int and confidence in CONFIDENCE):
        return confidence
    raise ValueError(f"confidence = {confidence!r}, expected 1 (a guess), 2 or 3 (sure)")


def as_text(question: Question, title: str, usage: str) -> str:
    """The question as plain text, with how to answer it."""
    options = [f"  {letter}  {question.option(letter).text}" for letter in question.letters]
    return "\n".join([title, question.ask, *options, f"To answer: {usage}"])
