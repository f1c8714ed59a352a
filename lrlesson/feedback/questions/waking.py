"""What a form says to a kernel that does not know it: one saved with its notebook, the next day."""

import json
from dataclasses import dataclass
from typing import Any

from lrlesson.feedback.questions.predicting import Prediction, Pretest, predict
from lrlesson.feedback.questions.retesting import posttest
from lrlesson.feedback.widgets.forms import pressed
from lrlesson.feedback.widgets.parsons import parsons

SHUT = "Recorded. Run this cell to go on."


@dataclass(frozen=True)
class Heard:
    """An answer for the page; its repr is JSON."""

    reply: str
    later: str = ""

    def __repr__(self) -> str:
        return json.dumps({"reply": self.reply, "later": self.later})


def heard(text: str) -> Heard | None:
    """Do what the form asks in this JSON, if it asks anything, and say what it should show.

    `key` is that of waking.js: the id of a prediction, or puzzle/ID, pretest/ID or posttest/ID. The
    rest is what the form would have sent. None where only its own cell can wake it: a first or
    last test that asks nothing, or that meanwhile stands at another question.
    """
    message: dict[str, Any] = json.loads(text)
    kind, _, id = message["key"].rpartition("/")
    if kind == "puzzle":
        result = parsons(id, message.get("order"))
        return Heard("" if result.status == "not attempted" else result.card().html())
    if kind:
        return _in_a_test(Pretest() if kind == "pretest" else posttest(), id, message)
    prediction: Prediction = predict(id)
    if "button" in message:
        prediction.press(*pressed(prediction.question, message))
    reply, later = prediction.said()
    return Heard(reply.html() if reply else "", later)


def _in_a_test(test: Pretest, id: str, message: dict[str, Any]) -> Heard | None:
    question = test.asked()
    if question is None or question.id != id or "button" not in message:
        return None
    test.press(*pressed(question, message))
    return Heard(SHUT)
