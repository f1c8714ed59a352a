"""Results to look at: one self-contained page per learner and one for the class.

Everything that a learner had a hand in is escaped text. Hidden inputs and expected values are not
in the results, so they cannot be on a page.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from html import escape
from pathlib import Path

from lrlesson.drawing.theme import PALETTE
from lrlesson.grading.errors import GradeError
from lrlesson.grading.marks.export import LearnerTotal, totals
from lrlesson.grading.marks.feedback import status_words, told
from lrlesson.grading.marks.overrides import WAITS
from lrlesson.grading.marks.results import Row

_ROLES = {"ink": "ink", "soft": "muted", "line": "faint", "paper": "paper", "good": "good",
          "none": "ghost", "card": "wash"}  # fmt: skip


def _variables(dark: bool) -> str:
    return "".join(f"--{name}:{PALETTE[role][dark]};" for name, role in _ROLES.items())


STYLE = f"""
:root{{color-scheme:light dark;{_variables(False)}}}
@media(prefers-color-scheme:dark){{:root{{{_variables(True)}}}}}
"""
STYLE += """
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:62rem;margin:0 auto;padding:2rem 1.2rem 4rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
p.lead{color:var(--soft);margin:.2rem 0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;
padding:.4rem .8rem .4rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th{font-weight:600;color:var(--soft)}td.n,th.n{text-align:right;white-space:nowrap}
section.ex{background:var(--card);border:1px solid var(--line);border-radius:.6rem;
padding:.9rem 1.1rem;margin:1rem 0}section.ex h2{margin:0 0 .3rem}
.bar{display:block;height:.5rem;border-radius:.25rem;background:var(--none);margin:.4rem 0 .8rem}
.bar i{display:block;height:100%;border-radius:.25rem;background:var(--good)}
ul{margin:.3rem 0;padding-left:1.2rem}.soft{color:var(--soft)}svg text{fill:var(--ink);
font:13px system-ui,sans-serif}svg .axis{stroke:var(--line)}svg rect{fill:var(--good)}
svg .lost{fill:var(--none)}.wide{overflow-x:auto}a{color:var(--good)}
"""


def write(rows: list[Row], out: Path, course: str = "") -> list[Path]:
    """Write index.html (the class) and a page per learner into `out`; the paths, index first."""
    people = totals(rows)
    if not people:
        raise GradeError("there is no result to report.")
    names = _file_names(people)
    pages = {"index.html": class_page(people, names, course)}
    pages |= {names[person.learner]: learner_page(person, course) for person in people}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("[0-9][0-9][0-9]-*.html"):
            if old.name not in pages:  # of somebody who is no longer there
                old.unlink()
        for name, page in pages.items():
            (out / name).write_text(page, encoding="utf-8")
    except OSError as error:
        raise GradeError(f"{out} cannot be written ({error.strerror}).") from error
    return [out / name for name in pages]


def returned(rows: list[Row], names: dict[str, str], path: Path, course: str = "") -> Path:
    """A zip of the learners' pages, each with the name by which an LMS takes it back.

    names: by learner; who has none is left out.
    """
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for person in totals(rows):
                if name := names.get(person.learner):
                    archive.writestr(name, learner_page(person, course))
    except OSError as error:
        raise GradeError(f"{path} cannot be written ({error.strerror}).") from error
    return path


def learner_page(person: LearnerTotal, course: str = "") -> str:
    """What one learner gets to read."""
    share = person.points / person.max_points if person.max_points else 0
    of = f"{person.points:g} of {person.max_points:g}"
    parts = [
        f"<h1>{escape(person.learner)}</h1>",
        f"<p class='lead'>{escape(course or 'Results')}: <b>{of} points</b></p>{_bar(share)}",
    ]
    for row in person.rows:
        share = row.points / row.max_points if row.max_points else 0
        parts.append(
            f"<section class='ex'><h2>{escape(row.exercise)}: "
            f"{row.points:g} of {row.max_points:g}</h2>{_bar(share)}"
        )
        parts.append("".join(f"<p>{escape(line)}</p>" for line in told(row)[1:]))
        if row.notebook and any(check["reason"] for check in row.checks):
            parts.append(f"<p class='soft'>Read again: {escape(row.notebook)}.</p>")
        parts.append("</section>")
    return _page(f"{person.learner}: results", "".join(parts))


def class_page(people: list[LearnerTotal], names: dict[str, str], course: str = "") -> str:
    """What the instructor looks at first."""
    rows = [row for person in people for row in person.rows]
    mean = sum(person.points for person in people) / len(people)
    most = max(person.max_points for person in people)
    seeds = ", ".join(sorted({str(row.seed) for row in rows}))
    isolation = escape(", ".join(sorted({row.isolation for row in rows})))
    lead = f"{len(people)} learners, on average {mean:.1f} of {most:g} points"
    waiting = sum(row.status == WAITS for row in rows)
    if waiting:
        lead += f"; texts still to be marked by hand: {waiting}"
    parts = [
        f"<h1>{escape(course or 'The class')}</h1>",
        f"<p class='lead'>{lead}; seed {seeds}; isolation: {isolation}</p>",
        "<h2>Distribution of points</h2>",
        _histogram([person.points for person in people], most),
        "<h2>How hard each check was</h2>",
        _difficulty(rows),
    ]
    mistakes = Counter(row.misconception for row in rows if row.misconception)
    if mistakes:
        parts += ["<h2>Known mistakes</h2>", _counts(mistakes)]
    anomalies = [(row, said) for row in rows for said in row.anomalies]
    odd = [
        (row, status_words(row)) for row in rows if row.status not in ("graded", "not attempted")
    ]
    parts.append("<h2>To look at</h2>")
    if anomalies or odd:
        lines = "".join(
            f"<tr><td>{escape(row.learner)}</td><td>{escape(row.exercise)}</td>"
            f"<td>{escape(note)}</td></tr>"
            for row, note in anomalies + odd
        )
        parts.append(_table(("learner", "exercise", "what"), lines))
    else:
        parts.append("<p>Nothing out of the ordinary.</p>")
    if same := equal_answers(rows):
        lines = "".join(
            f"<tr><td>{escape(e)}</td><td>{escape(', '.join(who))}</td></tr>" for e, who in same
        )
        parts += [
            "<h2>Answers that are letter by letter the same</h2>",
            "<p class='soft'>A hint and no verdict: the solutions of this course are public.</p>",
            _table(("exercise", "learners"), lines),
        ]
    exercises = list(dict.fromkeys(row.exercise for row in rows))
    lines = ""
    for person in people:
        own = {row.exercise: f"{row.points:g}" for row in person.rows}
        cells = "".join(f"<td class='n'>{own.get(e, '')}</td>" for e in exercises)
        lines += (
            f"<tr><td><a href='{escape(names[person.learner])}'>{escape(person.learner)}</a></td>"
            f"{cells}<td class='n'><b>{person.points:g}</b></td></tr>"
        )
    parts += ["<h2>Marks</h2>", _table(("learner", *exercises, "all"), lines, 1)]
    return _page(f"{course or 'The class'}: results", "".join(parts))


def equal_answers(rows: list[Row]) -> list[tuple[str, list[str]]]:
    """Exercises and the learners whose long answers to them are the same."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.same:
            found.setdefault((row.exercise, row.same), []).append(row.learner)
    return [(exercise, sorted(who)) for (exercise, _), who in found.items() if len(who) > 1]


def _bar(share: float) -> str:
    return f"<span class='bar'><i style='width:{min(100, 100 * share):.0f}%'></i></span>"


def _table(names: tuple[str, ...], lines: str, left: int | None = None) -> str:
    left = len(names) if left is None else left
    head = "".join(
        f"<th{' class=n' if i >= left else ''}>{escape(name)}</th>" for i, name in enumerate(names)
    )
    return f"<div class='wide'><table><tr>{head}</tr>{lines}</table></div>"


def _histogram(points: list[float], most: float) -> str:
    """Learners by points, in at most eleven bars."""
    bars = min(11, int(most) + 1)
    width = most / (bars - 1) if bars > 1 else 1
    counts = Counter(min(bars - 1, round(p / width)) for p in points)
    high, step = max(counts.values()), 640 / bars
    shapes = ""
    for i in range(bars):
        tall = 120 * counts[i] / high
        x = 20 + i * step
        shapes += (
            f"<rect x='{x:.0f}' y='{150 - tall:.0f}' width='{step - 8:.0f}' height='{tall:.0f}'/>"
        )
        middle = x + step / 2 - 4
        if counts[i]:
            at = f"x='{middle:.0f}' y='{144 - tall:.0f}'"
            shapes += f"<text {at} text-anchor='middle'>{counts[i]}</text>"
        shapes += f"<text x='{middle:.0f}' y='168' text-anchor='middle'>{i * width:.3g}</text>"
    label = "Number of learners by points: " + ", ".join(
        f"{counts[i]} at about {i * width:.3g}" for i in range(bars) if counts[i]
    )
    axis = "<line class='axis' x1='16' x2='664' y1='150' y2='150'/>"
    return (
        f"<svg viewBox='0 0 680 190' role='img' aria-label='{label}'>{axis}{shapes}"
        "<text x='664' y='186' text-anchor='end'>points</text></svg>"
    )


def _difficulty(rows: list[Row]) -> str:
    """For each check, the share of those who handed in an answer and passed it."""
    tried: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for row in rows:
        for check in row.checks:
            tried[check["id"]] += 1
            passed[check["id"]] += not check["reason"]
    if not tried:
        return "<p>Nobody handed in an answer that could be run.</p>"
    shapes = ""
    for i, (name, number) in enumerate(tried.items()):
        y, share = 8 + 26 * i, passed[name] / number
        shapes += (
            f"<text x='232' y='{y + 13}' text-anchor='end'>{escape(name)}</text>"
            f"<rect class='lost' x='240' y='{y}' width='340' height='17' rx='3'/>"
            f"<rect x='240' y='{y}' width='{340 * share:.0f}' height='17' rx='3'/>"
            f"<text x='590' y='{y + 13}'>{passed[name]} of {number}</text>"
        )
    return (
        f"<svg viewBox='0 0 680 {16 + 26 * len(tried)}' role='img' "
        f"aria-label='Answers that passed each check'>{shapes}</svg>"
    )


def _counts(counts: Counter[str]) -> str:
    lines = "".join(
        f"<tr><td>{escape(name.replace('-', ' '))}</td><td class='n'>{n}</td></tr>"
        for name, n in counts.most_common()
    )
    return _table(("mistake", "answers"), lines, 1)


def _file_names(people: list[LearnerTotal]) -> dict[str, str]:
    """A file name for each learner that is safe in every system and in an address."""
    found: dict[str, str] = {}
    for number, person in enumerate(people, 1):
        word = re.sub(r"[^A-Za-z0-9]+", "-", person.learner).strip("-").lower()[:40]
        found[person.learner] = f"{number:03d}-{word or 'learner'}.html"
    return found


def _page(title: str, body: str) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )
