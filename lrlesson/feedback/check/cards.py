"""How feedback looks: one card of HTML and the same as plain text.

Colours come from the page (currentColor), so a card is readable on a light and on a dark theme; the
accent is decoration, and every state is also said by a sign and a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from lrlesson.drawing.theme import ACCENT
from lrlesson.feedback.exercises.places import PLACES

SIGN = {"good": "✓", "bad": "✗", "quiet": "○"}


class Link(NamedTuple):
    """Text that opens a page of the course; `to` is relative to the notebook that shows it."""

    text: str
    to: str


def treated(misconception: str | None) -> list["Paragraph"]:
    """The link to the lesson that treats a mistake; nothing where none does."""
    if misconception not in PLACES:
        return []
    lesson, part, _ = PLACES[misconception]
    text = f"Lesson {lesson[:2]}, part {part}, treats this."
    return [Link(text, f"../notebooks/{lesson}.ipynb")]


Paragraph = str | tuple[str, str] | Link


@dataclass(frozen=True)
class Card:
    """A title, paragraphs, and perhaps a table (rows of equal length, the first is the head).

    A paragraph is text or a Link; `("code", text)` is set as code; `("strong", text)` stands out.
    A cell of the table is text or a Link.
    """

    mood: str
    title: str
    body: Sequence[Paragraph] = ()
    table: Sequence[tuple[str | Link, ...]] = ()

    def html(self) -> str:
        """The card as HTML. Everything in it is escaped."""
        parts = [_paragraph(item) for item in self.body]
        if self.table:
            parts.append(_table(self.table))
        sign = f'<span aria-hidden="true">{SIGN[self.mood]}</span> '
        return (
            f'<div role="group" aria-label="{escape(self.title)}" '
            f'style="border-left:5px solid {ACCENT[self.mood]};'
            "padding:0.35em 0 0.35em 0.9em;margin:0.4em 0;color:inherit;max-width:46em;"
            'line-height:1.45;white-space:normal;overflow-wrap:anywhere">'
            f'<div style="font-weight:600;font-size:1.05em">{sign}{escape(self.title)}</div>'
            + "".join(parts)
            + "</div>"
        )

    def text(self) -> str:
        """The card as plain text."""
        lines = [f"{SIGN[self.mood]} {self.title}"]
        for item in self.body:
            if isinstance(item, Link):
                lines.append(f"  {item.text} ({item.to.removeprefix('../')})")
                continue
            kind, said = item if isinstance(item, tuple) else ("text", item)
            lines.append(("    " if kind == "code" else "  ") + said.replace("\n", "\n    "))
        if self.table:
            rows = [[plain_text(cell) for cell in row] for row in self.table]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for n, row in enumerate(rows):
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                lines.append("  " + "  ".join(cells).rstrip())
                if n == 0:
                    lines.append("  " + "  ".join("-" * width for width in widths))
        return "\n".join(lines)


def plain_text(item: str | Link) -> str:
    """A cell of a table without its link."""
    return item.text if isinstance(item, Link) else item


def _link(item: Link) -> str:
    return f'<a href="{escape(item.to)}">{escape(item.text)}</a>'


def _paragraph(item: Paragraph) -> str:
    if isinstance(item, Link):
        return f'<div style="margin:0.3em 0">{_link(item)}</div>'
    kind, said = item if isinstance(item, tuple) else ("text", item)
    if kind == "code":
        return (
            '<pre style="margin:0.4em 0;padding:0.4em 0.6em;color:inherit;background:none;'
            "border:1px solid color-mix(in srgb, currentColor 30%, transparent);"
            f'white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere">{escape(said)}</pre>'
        )
    weight = ";font-weight:600" if kind == "strong" else ""
    return f'<div style="margin:0.3em 0{weight}">{_words(said)}</div>'


def _words(text: str) -> str:
    """Text with what stands between backticks set as code, all of it escaped."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:  # an odd backtick is only a backtick
        return escape(text)
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))


def _table(rows: Sequence[tuple[str | Link, ...]]) -> str:
    line = "border-bottom:1px solid color-mix(in srgb, currentColor 30%, transparent)"
    cell = f"text-align:left;padding:0.2em 1.2em 0.2em 0;color:inherit;background:none;{line}"
    cell += ";overflow-wrap:normal;vertical-align:baseline"
    head = "".join(
        f'<th scope="col" style="{cell};white-space:nowrap">{escape(plain_text(name))}</th>'
        for name in rows[0]
    )
    body = "".join(
        '<tr style="background:none">'
        f'<th scope="row" style="{cell};font-weight:400;white-space:nowrap">{_inside(row[0])}</th>'
        + "".join(_cell(text, cell) for text in row[1:])
        + "</tr>"
        for row in rows[1:]
    )
    return (
        '<table style="border-collapse:collapse;margin:0.5em 0;font-size:1em;color:inherit">'
        f'<thead><tr style="background:none">{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _cell(item: str | Link, style: str) -> str:
    if len(plain_text(item)) <= 18:  # "10 of 10 answered" stays on one line
        style += ";white-space:nowrap"
    return f'<td style="{style}">{_inside(item)}</td>'


def _inside(item: str | Link) -> str:
    return _link(item) if isinstance(item, Link) else escape(item)


class ShownAsCard:
    """Something that shows itself as its card: HTML where there is a page, else text."""

    def card(self) -> Card:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return self.card().html()

    def __repr__(self) -> str:
        return self.card().text()
