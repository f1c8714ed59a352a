"""A question as a form of ipywidgets: radio buttons, a confidence, buttons; usable by keyboard.

What it says is HTML that a callback sets; nothing is printed, so that the page never jumps.
"""

from collections.abc import Callable
from html import escape

from lrlesson.feedback.cards import Card
from lrlesson.feedback.questions import Question

CONFIDENCE = {1: "a guess", 2: "fairly sure", 3: "sure"}

STYLE = """<style>
.lrlesson-form { gap: 0.5em; padding: 0.3em 0 0.5em; max-width: 48em; overflow: visible; }
.lrlesson-form .widget-html-content { white-space: normal; line-height: 1.45; overflow: visible; }
.lrlesson-form .widget-radio { width: auto; height: auto; }
.lrlesson-form .widget-radio-box { gap: 0.3em; overflow: visible; max-width: 46em; }
.lrlesson-form .widget-radio-box label { height: auto; line-height: 1.4; white-space: normal;
  font-size: var(--jp-content-font-size1, 14px); display: flex; align-items: baseline;
  gap: 0.5em; margin: 0; cursor: pointer; padding: 0.1em 0; }
.lrlesson-form .widget-radio-box input { flex: none; margin: 0; transform: translateY(0.1em); }
.lrlesson-form input:focus-visible, .lrlesson-form button:focus-visible {
  outline: 2px solid #2f86d1; outline-offset: 2px; }
.lrlesson-form .widget-toggle-button.mod-active { outline: 2px solid currentColor;
  outline-offset: -2px; font-weight: 600; }
.lrlesson-form button { height: auto; padding: 0.25em 0.9em; width: auto; }
</style>"""


class Form:
    """The widgets of one question at a time.

    `on_record(letter, confidence)` is called when the learner records an answer; the form shows
    what `say` and `show` are given. `buttons` adds further ones: a label and what it does.
    """

    def __init__(
        self,
        record_label: str,
        on_record: Callable[[str, int | None], None],
        buttons: dict[str, Callable[[], None]] | None = None,
    ) -> None:
        import ipywidgets as w  # late: importing the library stays fast

        self._on_record = on_record
        self._letters = ""
        self._ask = w.HTML()
        self._radio = w.RadioButtons(options=[], layout=w.Layout(width="auto"))
        self._confidence = w.ToggleButtons(
            options=[(said, value) for value, said in CONFIDENCE.items()],
            value=None,
            tooltips=[f"Confidence {value} of 3" for value in CONFIDENCE],
        )
        self._confidence.style.button_width = "auto"
        record = w.Button(description=record_label, button_style="")
        record.on_click(lambda _: self._record())
        others = []
        for label, action in (buttons or {}).items():
            button = w.Button(description=label)
            button.on_click(lambda _, action=action: action())
            others.append(button)
        self._answer = w.VBox(
            [
                self._radio,
                w.HBox(
                    [w.HTML("<span>How sure are you?</span>"), self._confidence],
                    layout=w.Layout(flex_flow="row wrap", align_items="center"),
                ),
                w.HBox([record, *others]),
            ]
        )
        self._said = w.HTML()
        self.box = w.VBox([w.HTML(STYLE), self._ask, self._answer, self._said])
        self.box.add_class("lrlesson-form")
        self._answer.add_class("lrlesson-form")

    def show(self, question: Question, title: str) -> None:
        """Put a question into the form, nothing chosen."""
        self._ask.value = (
            f'<div style="font-size:0.9em;opacity:0.75">{escape(title)}</div>'
            f'<div style="font-weight:600;max-width:46em">{escape(question.ask)}</div>'
        )
        self._letters = question.letters
        with self._radio.hold_sync():
            self._radio.options = [o.text for o in question.options]
            self._radio.index = None
        self._confidence.index = None

    def choose(self, letter: str, confidence: int | None) -> None:
        """Mark an option and a confidence, as recorded before."""
        self._radio.index = self._letters.index(letter)
        self._confidence.value = confidence

    def say(self, card: Card | None, live: bool = True) -> None:
        """Show a card below the buttons (None: nothing). `live`: read out by a screen reader."""
        self._said.value = card.html(live) if card else ""

    def finish(self) -> None:
        """Take the question away: nothing is left to answer."""
        self._ask.value = ""
        self._answer.layout.display = "none"

    def close(self) -> None:
        """Take the form off the page."""
        for widget in [*self.box.children, self.box]:
            widget.close()

    def _record(self) -> None:
        if self._radio.index is None:
            self.say(Card("quiet", "Choose an answer first."))
            return
        self._on_record(self._letters[self._radio.index], self._confidence.value)

    def mimebundle(self, text: str) -> dict[str, object]:
        """What a notebook shows: the widgets, or where there are none the text."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return {"text/plain": text, "application/vnd.jupyter.widget-view+json": view}


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
