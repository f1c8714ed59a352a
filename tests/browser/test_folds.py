"""Nothing on the screen answers a prediction while it is open."""

import re

import nbformat
import pytest
import rig
from playwright.sync_api import Browser, expect

from lrlesson.feedback.questions.bank import all_questions
from lrlesson.feedback.widgets.forms import Question

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSONS = sorted((rig.ROOT / "notebooks").glob("*.ipynb"))
ASKED = r'predict\("(\d\d-q\d+)"'
MARK = "Folded until you have predicted."
# Every piece of text that a reader at the screen can see, in the page's order.
SEEN = """() => {
    const panels = [...document.querySelectorAll('.jp-NotebookPanel')];
    const panel = panels.find(panel => panel.checkVisibility());
    const box = panel.querySelector('.jp-Notebook').getBoundingClientRect();
    const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
    const seen = [];
    while (walker.nextNode()) {
        const range = document.createRange();
        range.selectNodeContents(walker.currentNode);
        const on = [...range.getClientRects()].some(r => r.width > 0 && r.height > 0 &&
            r.bottom > Math.max(box.top, 0) && r.top < Math.min(box.bottom, innerHeight));
        if (on && walker.currentNode.parentElement.checkVisibility({ visibilityProperty: true })) {
            seen.push(walker.currentNode.data);
        }
    }
    return seen;
}"""


def squeezed(text: str) -> str:
    return re.sub(r"[\s*`$]", "", text).lower()


def numbers(text: str) -> set[str]:
    """Numbers of a text; those below ten without a fraction say too little."""
    text = re.sub(r"\(\d+ minutes\)|\d+ cells? hidden|(?m:^\[\d+\]:$)", "", text)
    return {found for found in re.findall(r"\d+(?:[.,]\d+)*", text) if len(found) > 1}


def reveal(cells: list, place: int, questions: list[Question]) -> tuple[set[str], set[str]]:
    """What would answer: pieces of text, and numbers that were not on the page before."""
    fold = []
    for cell in cells[place + 2 :]:
        if cell.metadata.get("jp-MarkdownHeadingCollapsed"):
            break
        fold.append(cell)
    before = "\n".join(cell.source for cell in cells[: place + 2])
    asked = "\n".join(
        "\n".join([one.ask, *(option.text for option in one.options)]) for one in questions
    )
    replies = [option.why for one in questions for option in one.options]
    pieces = [sentence for why in replies for sentence in re.split(r"(?<=[.:;]) ", why)]
    for cell in fold:
        lines = cell.source.splitlines()
        if cell.cell_type == "markdown":
            lines = [line for line in lines if line.startswith("#")]
        pieces += [line.lstrip("# ") for line in lines]
    known = squeezed(before + asked)
    told = {p for p in map(squeezed, pieces) if len(p) > 12 and p not in known}
    text = "\n".join([*replies, *(cell.source for cell in fold)])
    return told, numbers(text) - numbers(before + asked)


@pytest.fixture(scope="module")
def lab(chromium: Browser, server: rig.Server):
    window = rig.Lab(chromium, server, 1280, 900)
    window.open(f"notebooks/{LESSONS[0].name}", folded=True)
    yield window
    window.close()
    assert window.complaints == []


def seen_from(lab: rig.Lab, cell_id: str) -> list[str]:
    """The screen with this cell at its top."""
    lab.cell(cell_id).evaluate("cell => cell.scrollIntoView()")
    lab.page.wait_for_timeout(100)
    return lab.page.evaluate(SEEN)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_no_prediction_is_answered_on_its_screen(lab: rig.Lab, lesson):
    cells = nbformat.read(lesson, as_version=4).cells
    asking = [place for place, cell in enumerate(cells) if re.search(ASKED, cell.source)]
    lab.turn_to(f"notebooks/{lesson.name}")
    lab.run("import")
    for place, before in zip(asking, [0, *asking], strict=False):
        cell = cells[place]
        for part in cells[max(asking[0], before) : place]:
            if part.source.startswith("## "):  # one key opens it
                lab.cell(part.id).locator("h2").click(position={"x": 9, "y": 9})  # not its link
                lab.page.keyboard.press("ArrowRight")
        questions = [all_questions()[one] for one in re.findall(ASKED, cell.source)]
        told, fresh = reveal(cells, place, questions)
        lab.run(cell.id)
        forms = lab.cell(cell.id).locator(".lrlesson-form")
        expect(forms).to_have_count(len(questions))
        screen = seen_from(lab, cell.id)
        assert MARK in screen or len(questions) > 1, "the fold is on the screen"
        shown = squeezed("".join(screen))
        assert not {piece for piece in told if piece in shown}, cell.id
        assert not fresh & numbers("\n".join(screen)), cell.id
        for form in forms.all():  # recorded, it opens
            form.get_by_role("radio").first.check()
            form.get_by_role("button", name="Record my answer").click()
            expect(form.locator(".lrlesson-reply")).to_contain_text("Recorded")
        hidden = "index => jupyterapp.shell.currentWidget.content.widgets[index].isHidden"
        assert not lab.page.evaluate(hidden, lab.index(cells[place + 2].id))
