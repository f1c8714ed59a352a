"""Law: texts are marked in JupyterLab, by the keyboard alone, and saved as one types."""

import csv
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import rig
from playwright.sync_api import Browser, expect

from lrlesson.grading import GradeError, apply_overrides, marking
from lrlesson.grading.marks import by_hand
from lrlesson.grading.marks.results import current

from .test_report import row

EVIL = "<img src=x onerror=alert(1)> & so on"


def text(learner, exercise, said, points=4.0):
    waits = {"status": "by hand", "checks": [], "points": 0.0, "max_points": points}
    return row(learner, exercise, text=said, misconception=None, **waits)


def results(folder: Path) -> Path:
    """Three texts to one question and one to another, one of them marked already."""
    folder.mkdir()
    rows = [
        text("Ada Lovelace", "why-median", "It does not move much\nif one value does."),
        text("Emmy Noether", "why-median", EVIL),
        text("Grace Hopper", "why-median", "Because it is the middle one."),
        text("Ada Lovelace", "lab-note", "I ran it twice.", 6.0),
        row("Ada Lovelace", "mad"),
    ]
    lines = [json.dumps(dataclasses.asdict(made)) for made in rows]
    (folder / "results.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "overrides.csv").write_text(
        "learner,exercise,points,note\nAda Lovelace,mad,5,typing error\n"
        "Grace Hopper,why-median,1,why?\n",
        encoding="utf-8",
    )
    return folder


def saved(folder):
    with (folder / "overrides.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def parts(page):
    """Per answer: what is shown, the field of its points, that of its comment, what is said."""
    return [(b.children[0], *b.children[1].children) for b in page._answers.children]


def test_what_is_typed_is_saved_and_what_others_wrote_stays(tmp_path):
    folder = results(tmp_path / "results")
    page = marking(str(folder), "why-median")
    assert (page.question, page.left) == ("why-median", 2)
    (_, points, comment, state), *_ = parts(page)
    comment.value = "clear"
    assert "saved with the points" in state.value
    assert len(saved(folder)) == 2
    points.value = "3"
    points.value = "3,5"
    assert saved(folder)[-1] == ["Ada Lovelace", "why-median", "3.5", "clear"]
    assert page.left == 1
    points.value = "5"
    assert "5 is not 0 to 4" in state.value
    assert saved(folder)[-1][2] == "3.5"
    with (folder / "overrides.csv").open("a", encoding="utf-8") as file:
        file.write("Ada Lovelace,lab-note,6,by mail\n")
    points.value = ""
    assert saved(folder)[0] == ["Ada Lovelace", "mad", "5", "typing error"]
    assert [line[1:3] for line in saved(folder)[1:]] == [["why-median", "1"], ["lab-note", "6"]]
    rows, _ = current(folder)
    apply_overrides(rows, folder / "overrides.csv")
    assert marking(folder, "why-median").left == 2


def test_an_answer_is_text_and_a_name_can_be_hidden(tmp_path):
    page = by_hand.marking(results(tmp_path / "results"), "why-median", hide_names=True)
    shown = " ".join(part[0].value for part in parts(page))
    assert "<img" not in shown
    assert "&lt;img" in shown
    for name in ("Ada", "Emmy", "Grace"):
        assert name not in shown + " ".join(part[1].tooltip for part in parts(page))


def test_a_folder_without_texts_and_an_unknown_question_are_one_sentence(tmp_path):
    folder = results(tmp_path / "results")
    with pytest.raises(GradeError, match="question = 'mad', expected one of"):
        marking(folder, "mad")
    with pytest.raises(GradeError, match=r"it has no results\.jsonl"):
        marking(tmp_path)
    (folder / "results.jsonl").write_text(json.dumps(dataclasses.asdict(row())) + "\n")
    with pytest.raises(GradeError, match="holds no text to be marked"):
        marking(folder)


def test_only_so_many_answers_are_on_a_page_at_once(tmp_path):
    folder = results(tmp_path / "results")
    rows = [text(f"learner {i:03d}", "why-median", f"It is {i}.") for i in range(by_hand.AT_ONCE)]
    with (folder / "results.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(dataclasses.asdict(made)) + "\n" for made in rows)
    page = marking(folder, "why-median")
    assert len(parts(page)) == by_hand.AT_ONCE
    page._page.value = 2
    assert len(parts(page)) == 3


@pytest.fixture
def lab(chromium: Browser, tmp_path) -> Iterator[rig.Lab]:
    folder = rig.copy_course(tmp_path / "course")
    results(folder / "results")
    source = 'from lrlesson.grading import marking\nmarking("../results", "why-median")'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="mark")])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "notebooks" / "mark.ipynb")
    with rig.lab_server(folder, tmp_path / "private", within=180) as running:
        window = rig.Lab(chromium, running)
        window.open("notebooks/mark.ipynb")
        window.run_all()
        yield window
        window.close()
        assert window.complaints == []


@pytest.mark.browser
@pytest.mark.slow
def test_a_class_is_marked_by_the_keyboard_alone(lab: rig.Lab, tmp_path):
    folder, page = tmp_path / "course" / "results", lab.page
    cell = lab.cell("mark")
    expect(cell.get_by_role("status")).to_contain_text("2 of 3 answers have no mark yet")
    expect(cell.get_by_text("It does not move much")).to_be_visible()
    cell.get_by_label("Points (of 4)").first.focus()
    page.keyboard.type("3.5")
    page.keyboard.press("Tab")
    page.keyboard.type("Clear; a word on outliers would help.")
    page.keyboard.press("Tab")
    page.keyboard.type("2")
    expect(cell.get_by_role("status")).to_contain_text("All 3 answers have a mark", timeout=20_000)
    expect(cell.get_by_role("status")).to_contain_text("left in other questions: 1.")
    assert saved(folder)[2:] == [
        ["Ada Lovelace", "why-median", "3.5", "Clear; a word on outliers would help."],
        ["Emmy Noether", "why-median", "2", ""],
    ]
    if where := os.environ.get("LRLESSON_PICTURES"):
        page.screenshot(path=where)
