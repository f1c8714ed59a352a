"""Law: a page says what went wrong, holds nothing hidden, and runs nothing of a learner's."""

import re

import pytest

from lrlesson.grading import GradeError, Row, apply_overrides
from lrlesson.grading.marks.report import write

EVIL = "<img src=x onerror=alert(1)>"


def row(learner="ada", exercise="step-decay", points=4.0, **other):
    check = {"id": f"{exercise}.edges", "points": 0, "max_points": 2, "hint": "Both sides."}
    defaults = {
        "max_points": 6.0,
        "status": "graded",
        "reason": f"{exercise}.edges: last update: not the expected value",
        "seconds": 0.3,
        "isolation": "bubblewrap",
        "seed": 1,
        "versions": {},
        "checks": [
            {**check, "reason": "last update: not the expected value"},
            {**check, "id": f"{exercise}.array", "points": 4, "max_points": 4, "reason": ""},
        ],
        "notebook": "04_exercise_decay.ipynb",
        "misconception": "drops-one-step-early",
    }
    return Row(learner=learner, exercise=exercise, points=points, **{**defaults, **other})


def test_a_page_per_learner_and_one_for_the_class(tmp_path):
    paths = write([row(), row("bob", points=6.0)], tmp_path, "The learning rate")
    assert [path.name for path in paths] == ["index.html", "001-ada.html", "002-bob.html"]
    text = paths[1].read_text(encoding="utf-8")
    named = "04_exercise_decay.ipynb"
    for words in ("4 of 6", "edges", "Both sides.", "drops one step early", named):
        assert words in text
    index = paths[0].read_text(encoding="utf-8")
    for words in ("2 learners", "1 at about 4", "0 of 2", "drops one step early", "001-ada.html"):
        assert words in index


def test_whatever_a_learner_wrote_is_text(tmp_path):
    made = row(EVIL, reason=EVIL, status="failed", anomalies=[f"late: {EVIL}"], checks=[])
    for path in write([made], tmp_path):
        text = path.read_text(encoding="utf-8")
        assert "<img" not in text
        assert EVIL.replace("<", "&lt;").replace(">", "&gt;") in text
        assert re.fullmatch(r"[\w.-]+", path.name)


def test_a_page_is_one_file_that_loads_and_runs_nothing(tmp_path):
    for path in write([row()], tmp_path):
        text = path.read_text(encoding="utf-8")
        assert "Content-Security-Policy" in text
        assert "<script" not in text
        assert not re.search(r"(src|href)='(?!\d{3}-)", text)
        assert "http" not in text.replace("http-equiv", "")


def test_names_that_are_alike_get_pages_of_their_own(tmp_path):
    paths = write([row("Zoë/.."), row("Zo/.."), row("..")], tmp_path / "report")
    assert len(set(paths)) == 4
    assert {path.parent for path in paths} == {tmp_path / "report"}


def test_nothing_to_report_is_one_sentence(tmp_path):
    with pytest.raises(GradeError, match="no result"):
        write([], tmp_path)


def overrides(tmp_path, *lines, header="learner,exercise,points,note"):
    path = tmp_path / "overrides.csv"
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    return path


def test_a_mark_set_by_hand_holds_and_is_shown(tmp_path):
    (made,) = apply_overrides([row()], overrides(tmp_path, 'ada,step-decay,5.5,"said, so"'))
    assert made.points == 5.5
    assert made.anomalies == ["set by hand: 5.5, was 4; said, so"]
    index, page = write([made], tmp_path / "report")
    for path in (index, page):
        assert "set by hand: 5.5, was 4; said, so" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("eve,step-decay,1,", "no row of 'eve' for 'step-decay'"),
        ("ada,step-decay,7,", "points = '7', expected 0 to 6"),
        ("ada,step-decay,,", "points = ''"),
        ("ada,step-decay,nan,", "points = 'nan'"),
    ],
)
def test_a_wrong_line_of_the_override_file_is_named(line, said, tmp_path):
    with pytest.raises(GradeError, match="line 2") as error:
        apply_overrides([row()], overrides(tmp_path, line))
    assert said in str(error.value)


def test_a_wrong_header_of_the_override_file_is_named(tmp_path):
    with pytest.raises(GradeError, match="learner,exercise,points,note"):
        apply_overrides([row()], overrides(tmp_path, header="name,points"))


@pytest.mark.browser
def test_in_a_browser_nothing_runs_and_nothing_is_cut_off(tmp_path, chromium):
    paths = write([row(EVIL), row("bob", points=6.0)], tmp_path, EVIL)
    context = chromium.new_context(viewport={"width": 400, "height": 800})
    page = context.new_page()
    said = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url))
    for path in paths:
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.goto(paths[0].as_uri())
    page.locator("a").last.click()
    assert page.locator("h1").inner_text() == "bob"
    assert [text for text in said if not text.startswith("file:")] == []
    context.close()
