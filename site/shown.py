"""How the course's objects show themselves on a page that has no kernel.

`install()` runs in the kernel that executes a lesson for the site. After it, a scene is the
self-contained HTML of `Scene.to_html`, and a question is a form whose replies are folded behind it.
"""

import hashlib
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from mathml import mathml

from lrlesson import training
from lrlesson.base.shown import Formulas, Shown
from lrlesson.feedback.check.cards import Card
from lrlesson.feedback.questions.predicting import WHAT_HAPPENED, Prediction, Pretest
from lrlesson.feedback.widgets.forms import Question
from lrlesson.feedback.widgets.parsons import Arrangement
from lrlesson.scenes import Scene


def question(one: Question, title: str, reveal: str = "") -> str:
    """A question with its options and, folded behind `reveal`, the reply to each of them.

    Where an option has been chosen, the page's style sheet shows only the reply to that one.
    """
    options = "".join(
        f'<label><input type="radio" name="{one.id}" value="{letter}">'
        f"<span>{escape(one.option(letter).text)}</span></label>"
        for letter in one.letters
    )
    form = (
        f'<fieldset class="lrlesson-options"><legend><span class="lrlesson-title">{escape(title)}'
        f'</span><span class="lrlesson-ask">{escape(one.ask)}</span></legend>{options}</fieldset>'
    )
    if reveal:
        replies = "".join(
            f'<div class="reply reply-{letter}">{_reply(one, letter)}</div>'
            for letter in one.letters
        )
        form += f"<details><summary>{escape(reveal)}</summary>{replies}</details>"
    return f'<div class="lrlesson-form question">{form}</div>'


def _reply(one: Question, letter: str) -> str:
    said = one.option(letter)
    mood, title = ("good", "Right") if letter == one.right else ("bad", "Not so")
    return Card(mood, f"{title}: {said.text}", one.reply(letter)).html()


def prediction(shown: Prediction) -> str:
    """A prediction, or a question about earlier lessons."""
    memory = "-r" in shown.id
    title = f"{'From memory' if memory else 'Your prediction'}, {shown.id}"
    return question(shown.question, title, "The answer" if memory else WHAT_HAPPENED)


def pretest(shown: Pretest) -> str:
    """The test before the course, without answers: the course gives them, and asks again."""
    total = len(shown.questions)
    asked = "".join(
        question(one, f"Question {n} of {total}") for n, one in enumerate(shown.questions, 1)
    )
    note = "In the notebook they come one by one, and at the end you see how many were right."
    return (
        f'<details class="questions"><summary>Show the {total} questions</summary>'
        f"<p>{note}</p>{asked}</details>"
    )


def puzzle(shown: Arrangement) -> str:
    """The lines of a program to be put in order."""
    text = repr(shown).rsplit("\nTo answer", 1)[0]
    return f"<p>In the notebook these lines can be moved.</p><pre>{escape(text)}</pre>"


def formula(shown: Shown) -> str:
    """The own HTML of a schedule or an optimizer, its formula drawn without a script."""
    return _drawn(shown._repr_html_(), shown)


def formulas(shown: Formulas) -> str:
    """The same of a table of them."""
    return _drawn(shown._repr_html_(), *shown.rows.values())


def _drawn(page: str, *all_shown: Shown) -> str:
    for tex in {one._repr_latex_() for one in all_shown}:
        written = escape(tex, quote=False)
        assert written in page
        page = page.replace(written, mathml(tex.strip("$"), display=True))
    return page


def scene(shown: Scene, stills: Path) -> str:
    """A scene for a page that has its script once, and a picture for readers without scripts."""
    picture = shown.png()
    name = f"{hashlib.sha256(picture).hexdigest()[:16]}.png"
    (stills / name).write_bytes(picture)
    alt = escape(" ".join(shown.sentences))
    still = f'<noscript><img src="../_static/stills/{name}" alt="{alt}">'
    return shown.to_html(page=False, script=False).replace("<noscript>", still, 1)


PAGES: dict[type, Any] = {
    Prediction: prediction,
    Pretest: pretest,
    Arrangement: puzzle,
    Shown: formula,
    Formulas: formulas,
}


def install(stills: str) -> None:
    """Tell this kernel's IPython to show these objects as pages; stills: where pictures go."""
    from IPython import get_ipython

    training.PATIENCE = float("inf")  # no progress bar: nobody waits
    bundles = get_ipython().display_formatter.mimebundle_formatter
    pages = {Scene: partial(scene, stills=Path(stills)), **PAGES}
    for kind, page in pages.items():
        bundles.for_type(
            kind, lambda shown, page=page, **_: {"text/html": page(shown), "text/plain": ""}
        )
