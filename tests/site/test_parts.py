"""What the site is made of: formulas, questions, and the pages of the library."""

import re
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from lrlesson import (
    Schedule,
    controllers,
    distance,
    figures,
    matrices,
    optimizers,
    schedules,
    wrappers,
)
from lrlesson.base.shown import Shown
from lrlesson.feedback.exercises.misconceptions import MISCONCEPTIONS
from lrlesson.feedback.questions.bank import all_questions, of_lessons
from lrlesson.feedback.questions.predicting import predict, pretest

ROOT = Path(__file__).parents[2]
Part = Callable[[str], ModuleType]


def formulas() -> list[str]:
    """Every formula of the lessons and the exercises."""
    text = "\n".join(
        cell.source
        for folder in ("notebooks", "exercises")
        for path in sorted((ROOT / folder).glob("*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    )
    code = r"`[^`]*`"
    text = re.sub(code, "", text)
    return re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL) + re.findall(
        r"(?<!\$)\$([^$\n]+)\$(?!\$)", text
    )


def test_every_formula_of_the_course_becomes_mathml(part: Part):
    found = set(formulas())
    assert len(found) > 100
    for tex in found:
        assert part("mathml").mathml(tex).startswith("<math"), tex


def test_a_formula_that_is_not_known_stops_the_build(part: Part):
    with pytest.raises(ValueError, match="nosuchcommand"):
        part("mathml").mathml(r"\nosuchcommand")


def test_a_formula_keeps_its_source_for_copying(part: Part):
    assert r"\eta &lt; 2/\lambda" in part("mathml").mathml(r"\eta < 2/\lambda")


class Folded(HTMLParser):
    """What a page says before anything is unfolded, and what only then."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.depth, self.seen, self.hidden = 0, "", ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.depth += tag == "details"
        assert (tag, "open") not in [(tag, name) for name, _ in attrs]

    def handle_endtag(self, tag):
        self.depth -= tag == "details"

    def handle_data(self, data):
        if self.depth:
            self.hidden += data
        else:
            self.seen += data


@pytest.mark.parametrize("id", list(of_lessons()))
def test_the_replies_of_a_question_are_folded_behind_it(part: Part, id: str):
    question = all_questions()[id]
    page = Folded(part("shown").prediction(predict(id)))
    assert question.ask in page.seen
    for option in question.options:
        assert option.text in page.seen
        assert option.why.replace("`", "") in page.hidden
        assert option.why.replace("`", "") not in page.seen


def test_the_test_before_the_course_gives_no_answers(part: Part):
    page = part("shown").pretest(pretest())
    for question in pretest().questions:
        assert question.options[0].text in Folded(page).hidden
        assert not any(option.why in Folded(page).hidden for option in question.options)


def test_every_claim_stands_for_teachers_on_the_page_of_its_lesson(part: Part):
    teachers = part("teachers")
    claims = {f"{claim['lesson']:02}": escape(claim["says"]) for claim in teachers.CLAIMS}
    assert len(claims) > 15
    for lesson, says in claims.items():
        note = teachers.note(lesson)
        assert f"</b> {says}</li>" in note
        assert all(f"“{escape(MISCONCEPTIONS[slug].belief)}”".replace("`", "") in note
                   for slug in teachers.met(lesson))  # fmt: skip
    assert "<b>Sparse features want a rate of their own (C14).</b>" in teachers.note("08")


@pytest.mark.parametrize("thing", [schedules.Cosine(0.1, 100), optimizers.Adam()], ids=repr)
def test_a_formula_is_shown_without_a_script(part: Part, thing: Shown):
    page = part("shown").formula(thing)
    assert "<math" in page
    assert "$" not in page
    assert "polyline" in page
    assert part("shown").formulas(figures.formulas({"a": thing, "b": thing})).count("<math") == 2


def public(module: ModuleType, base: type) -> set[str]:
    return {
        name
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, base) and kind.__module__ == module.__name__
    }


@pytest.fixture(scope="module")
def library(part: Part) -> dict[type, str]:
    """The page of every class, in Markdown."""
    catalogue = part("catalogue")
    kinds = [kind for _, _, kinds in catalogue.FAMILIES.values() for kind in kinds]
    return {kind: "\n".join(catalogue.page(kind)) for kind in kinds}


@pytest.mark.slow
def test_every_schedule_and_every_optimizer_has_a_page(part: Part, library: dict[type, str]):
    families = part("catalogue").FAMILIES
    pages = {
        family: {kind.__name__ for kind in kinds} for family, (_, _, kinds) in families.items()
    }
    assert pages["schedules"] == public(schedules, Schedule)
    modules = (optimizers, wrappers, matrices, distance)
    rules = {name for module in modules for name in public(module, optimizers.Optimizer)}
    assert pages["optimizers"] == rules - {"Wrapper", "FromStart"}  # what rules are made of
    assert pages["controllers"] == public(controllers, controllers.Controller) - {"Controller"}
    for kind, page in library.items():
        assert page.startswith(f"# {kind.__name__}\n$$\n")
        assert len(part("catalogue").formula(kind)) > len(r"\eta(t) = ")
        assert f"class {kind.__name__}" in page
        assert all(f"`{field}`" in page for field in kind._kinds)
        drawn = "lrlesson-mount" if issubclass(kind, Schedule) else '<svg role="img" aria-label="'
        assert drawn in page


@pytest.mark.slow
def test_every_row_of_the_phrase_book_stands_on_a_page(part: Part, library: dict[type, str]):
    book = part("catalogue").ROSETTA
    tables = [book.SCHEDULES, book.OPTIMIZERS, book.PLATEAUS]
    written = [theirs for table in tables for rows in table.values() for theirs in rows]
    written += [theirs for _, theirs in [*book.UNMATCHED_SCHEDULES, *book.UNMATCHED_OPTIMIZERS]]
    assert len(written) > 100
    for theirs in [*written, *book.SEARCHES]:
        assert any(f"`{theirs}`" in page for page in library.values()), theirs


def test_every_paper_that_the_library_cites_is_named_in_full(part: Part):
    catalogue = part("catalogue")
    kinds = [kind for _, _, kinds in catalogue.FAMILIES.values() for kind in kinds]
    docs = {kind: " ".join((kind.__doc__ or "").split()) for kind in kinds}
    for kind, doc in docs.items():
        for paper in (short for short in catalogue.PAPERS if short in doc):
            assert re.search(r"\d{4}", paper)[0] in catalogue.PAPERS[paper]
            doc = doc.replace(paper, "")
        assert not re.search(r"\b(19|20)\d\d\b", doc), kind
    assert all(any(short in doc for doc in docs.values()) for short in catalogue.PAPERS)


def test_what_is_called_by_name_only_is_a_class_of_ours(part: Part):
    assert set(part("catalogue").ELSEWHERE) <= {
        kind.__name__ for kind in part("catalogue").EXAMPLES
    }


def test_a_link_to_what_is_not_on_the_site_becomes_its_words(part: Part):
    text = "See [one](01_a.ipynb), [two](02_b.ipynb), [three](../exercises/01_a.ipynb), [a](#part)."
    there = {"notebooks/01_a", "docs/grading"}
    shown = part("build").without_dead_links(text, "notebooks", there)
    assert shown == "See [one](01_a.ipynb), two, three, [a](#part)."
    text = (
        "[G](grading.md#upload), [L](../notebooks/01_a.ipynb), [R](../README.md), [x](https://x.y)"
    )
    shown = part("build").without_dead_links(text, "docs", there)
    assert shown == "[G](grading.md#upload), [L](../notebooks/01_a.ipynb), R, x"


def test_every_guide_is_on_the_site(part: Part):
    assert set(part("build").DOCS) == {path.stem for path in (ROOT / "docs").glob("*.md")}
