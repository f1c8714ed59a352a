"""Texts marked by hand, in JupyterLab: every learner's answer to one question, points and comment
beside it, saved to overrides.csv as one types. Made of ipywidgets alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from lrlesson.base.extras import needed
from lrlesson.grading.errors import GradeError
from lrlesson.grading.marks.adding import apply_groups
from lrlesson.grading.marks.overrides import WAITS, put, read
from lrlesson.grading.marks.results import Row, current

AT_ONCE = 30  # answers on a page
STYLE = """<style>
.lrlesson-answer {border-top: 1px solid color-mix(in srgb, currentColor 30%, transparent);
  padding: 0.6em 0}
.lrlesson-answer h3 {margin: 0 0 0.3em; font-size: 1em}
.lrlesson-answer pre {margin: 0; max-width: 68ch; font: inherit; line-height: 1.5;
  white-space: pre-wrap; overflow-wrap: anywhere; background: none}
.lrlesson-marking p {margin: 0.3em 0; line-height: 1.5; white-space: normal}
.lrlesson-marking .widget-label {min-width: 9em}
</style>"""


class Marking:
    """The page of one folder of results; in a notebook it shows itself.

    `question` is the exercise that is shown, `left` how many of its answers have no mark yet.
    """

    def __init__(self, results: Path, question: str | None, hide_names: bool) -> None:
        with needed("course", "marking"):
            import ipywidgets
        self._widgets: Any = ipywidgets
        self.results = Path(results)
        rows = _texts(self.results)
        self._rows: dict[str, list[Row]] = {}
        for row in rows:
            self._rows.setdefault(row.exercise, []).append(row)
        self._marks = _marks(self.results)
        first = next((q for q in self._rows if self._left(q)), next(iter(self._rows)))
        if question is not None and question not in self._rows:
            raise GradeError(
                f"question = {question!r}, expected one of {', '.join(self._rows)}, which have a "
                "text."
            )
        self._choice = ipywidgets.Dropdown(
            options=[(name, name) for name in self._rows],
            value=question or first,
            description="Question",
        )
        self._hidden = ipywidgets.Checkbox(
            value=hide_names, description="Hide names, in another order", indent=False
        )
        self._open = ipywidgets.Checkbox(
            value=False, description="Only those without a mark", indent=False
        )
        self._page = ipywidgets.BoundedIntText(value=1, min=1, max=1, description="Page")
        self._said, self._answers = ipywidgets.HTML(), ipywidgets.VBox()
        bar = ipywidgets.HBox([self._choice, self._page, self._hidden, self._open])
        bar.layout.flex_flow = "row wrap"
        self.widget = ipywidgets.VBox(
            [ipywidgets.HTML(STYLE), bar, self._said, self._answers]
        ).add_class("lrlesson-marking")
        for control in (self._choice, self._hidden, self._open):
            control.observe(self._begin, "value")
        self._page.observe(self._show, "value")
        self._begin()

    @property
    def question(self) -> str:
        """The exercise that is shown."""
        return str(self._choice.value)

    @property
    def left(self) -> int:
        """How many answers to the question have no mark yet."""
        return self._left(self.question)

    def _left(self, question: str) -> int:
        return sum(self._waits(row) for row in self._rows[question])

    def _waits(self, row: Row) -> bool:
        return row.status == WAITS and not self._marks.get((row.learner, row.exercise), ("", ""))[0]

    def _begin(self, *_: object) -> None:
        """Another question or order: its first page."""
        rows = self._rows[self.question]
        if self._hidden.value:
            rows = sorted(rows, key=lambda r: hashlib.sha256(r.learner.encode()).digest())
        self._shown = [row for row in rows if not self._open.value or self._waits(row)]
        self._page.max = max(1, -(-len(self._shown) // AT_ONCE))
        self._page.layout.display = "" if self._page.max > 1 else "none"
        if self._page.value != 1:
            self._page.value = 1  # which shows it
        else:
            self._show()

    def _show(self, *_: object) -> None:
        begin = AT_ONCE * (self._page.value - 1)
        old = self._answers.children
        self._answers.children = [
            self._answer(row, number)
            for number, row in enumerate(self._shown[begin : begin + AT_ONCE], begin + 1)
        ]
        for child in old:
            for part in (*child.children[1].children, *child.children, child):
                part.close()
        self._say()

    def _answer(self, row: Row, number: int) -> Any:
        """One answer, and beside it the points and the comment."""
        widgets = self._widgets
        who = f"Answer {number}" if self._hidden.value else row.learner
        points, note = self._marks.get((row.learner, row.exercise), ("", ""))
        text = widgets.HTML(f"<h3>{escape(who)}</h3><pre>{escape(row.text)}</pre>")
        most = f"{row.max_points + row.bonus:g}"
        given = widgets.Text(
            value=points,
            placeholder="none yet" if row.status == WAITS else f"{row.points:g} by the checks",
            description=f"Points (of {row.max_points:g})",
            style={"description_width": "9em"},
        )
        comment = widgets.Textarea(
            value=note, rows=3, description="Comment", style={"description_width": "9em"}
        )
        for control in (given, comment):
            control.layout.width = "24em"
            control.tooltip = f"{control.description}, {who}"
        state = widgets.HTML()

        def save(*_: object) -> None:
            key = row.learner, row.exercise
            typed, said = given.value.strip(), comment.value.strip()
            value = typed.replace(",", ".")
            try:
                if value and not 0 <= float(value) <= row.max_points + row.bonus:
                    raise ValueError
            except ValueError:
                state.value = f"<p>Not saved: {escape(typed)} is not 0 to {most}.</p>"
                return
            try:
                put(self.results / "overrides.csv", *key, value, said)
            except GradeError as error:
                state.value = f"<p>Not saved: {escape(str(error))}</p>"
                return
            self._marks[key] = (value, said if value else "")
            waits = bool(said) and not value
            state.value = "<p>The comment is saved with the points.</p>" if waits else ""
            self._say()

        given.observe(save, "value")
        comment.observe(save, "value")
        text.layout.flex = "1 1 24em"
        box = widgets.HBox([text, widgets.VBox([given, comment, state])])
        box.layout.flex_flow = "row wrap"
        return box.add_class("lrlesson-answer")

    def _say(self) -> None:
        there = self._rows[self.question]
        others = sum(map(self._left, self._rows)) - self.left
        said = f"{self.left} of {len(there)} answers have no mark yet"
        if not self.left:
            said = f"All {len(there)} answers have a mark"
        said += f"; left in other questions: {others}." if others else "."
        saved = escape(str(self.results / "overrides.csv"))
        self._said.value = (
            f"<p role='status' aria-live='polite'><b>{said}</b> Tab goes on, and what you type is "
            f"saved to {saved}.</p>"
        )

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.widget._repr_mimebundle_(**options)

    def __repr__(self) -> str:
        return f"marking({str(self.results)!r}): {self.question}, {self.left} left"


def marking(results: str | Path, question: str | None = None, hide_names: bool = False) -> Marking:
    """Mark texts by hand in JupyterLab: `marking("results")` in a cell.

    results: the folder that `lrlesson grade` wrote. question: the exercise to begin with; else the
    first with answers that wait. hide_names: answers have numbers and another order. Raises
    GradeError, in one sentence, where there is no text to be marked.
    """
    return Marking(Path(results), question, hide_names)


def _texts(results: Path) -> list[Row]:
    """The rows that hold a text, of groups one for each member."""
    if not (results / "results.jsonl").is_file():
        raise GradeError(f"no results in {results}: it has no results.jsonl.")
    rows, _ = current(results)
    groups = results / "groups.csv"
    if groups.is_file():
        rows = apply_groups(rows, groups)
    rows = [replace(row, text=row.text.strip()) for row in rows if row.text.strip()]
    if not rows:
        raise GradeError(f"{results} holds no text to be marked.")
    return sorted(rows, key=lambda row: (row.notebook, row.exercise, row.learner))


def _marks(results: Path) -> dict[tuple[str, str], tuple[str, str]]:
    path = results / "overrides.csv"
    lines = read(path) if path.is_file() else []
    return {(learner, exercise): (points, note) for learner, exercise, points, note in lines}
