"""Law: what is exported is imported as it is meant, by Canvas, Moodle and Gradescope."""

import csv
import itertools
import json
import re
import zipfile
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrlesson.grading import GradeError
from lrlesson.grading.marks.export import CANVAS, export, safe, totals
from lrlesson.grading.marks.feedback import told
from lrlesson.grading.marks.report import learner_page, returned, write

from .test_report import row

ASSIGNMENT = "Decay (4711)"
GRADEBOOK = """\
Student,ID,SIS User ID,SIS Login ID,Section,Decay (4711),Other (12)
    Points Possible,,,,,6.00,10.00
"Lovelace, Ada",1234,S1,ada,Section 1,,3
"Noether, Emmy",5678,S2,emmy@uni.example,Section 1,2.00,
"=cmd|' /C calc'!A0",9999,S3,evil,Section 2,,
"Student, Test",1,,,,,
"""
WORKSHEET = """\
ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Bewertung änderbar,Feedback
Teilnehmer/in 1234,Ada Lovelace,ada@uni.example,Abgegeben,-,"6,00",Ja,
Teilnehmer/in 5678,Emmy Noether,emmy@uni.example,Keine Abgabe,,"6,00",Ja,
"""


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def roster(tmp_path, text):
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_canvas_gets_its_five_columns_one_assignment_and_points_possible(tmp_path):
    rows = [row("lovelaceada_1234"), row("emmy", points=6.0), row("nobody", points=1.0)]
    done = export(rows, "canvas", tmp_path, roster(tmp_path, GRADEBOOK), ASSIGNMENT)
    assert table(done.paths[0]) == [
        [*CANVAS, ASSIGNMENT],
        ["    Points Possible", "", "", "", "", "6"],
        ["Lovelace, Ada", "1234", "S1", "ada", "Section 1", "4"],
        ["Noether, Emmy", "5678", "S2", "emmy@uni.example", "Section 1", "6"],
    ]
    assert done.unknown == ["nobody"]
    assert done.absent == ["=cmd|' /C calc'!A0", "Student, Test"]


def test_canvas_without_a_roster_takes_the_ids_of_its_own_download(tmp_path):
    rows = [row("lovelaceada_1234", system="canvas"), row("x_1")]
    done = export(rows, "canvas", tmp_path, None, ASSIGNMENT)
    assert table(done.paths[0])[2] == ["lovelaceada", "1234", "", "", "", "4"]
    assert done.unknown == ["x_1"]


@pytest.mark.parametrize("name", ["", "Decay", "Decay ()", "(12)"])
def test_canvas_without_the_assignments_id_would_make_a_new_one(name, tmp_path):
    with pytest.raises(GradeError, match="with its id"):
        export([row()], "canvas", tmp_path, None, name)


def test_no_cell_is_a_formula(tmp_path):
    rows = [row(name) for name in ("=1+1", "+1", "-1", "@x", "\t=1")]
    for system in ("moodle",):
        done = export(rows, system, tmp_path)
        for line in table(done.paths[0])[1:]:
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in line)
    evil = [row("evil")]
    done = export(evil, "canvas", tmp_path, roster(tmp_path, GRADEBOOK), ASSIGNMENT)
    assert table(done.paths[0])[2][0] == "'=cmd|' /C calc'!A0"
    assert (safe(""), safe("a=b"), safe("=b")) == ("", "a=b", "'=b")


def test_moodles_own_worksheet_is_filled_in_whatever_its_language(tmp_path):
    sheet = roster(tmp_path, WORKSHEET)
    done = export([row("Ada Lovelace_1234"), row("Eve_1")], "moodle", tmp_path, sheet)
    header, ada, emmy = table(done.paths[0])
    assert header == table(sheet)[0] or header[1:] == table(sheet)[0][1:]
    assert ada[:4] == ["Teilnehmer/in 1234", "Ada Lovelace", "ada@uni.example", "Abgegeben"]
    assert (ada[4], ada[5]) == ("4,00", "6,00")
    assert ada[-1].startswith("<p>step-decay: 4 of 6 points<br>")
    assert (emmy[4], emmy[-1]) == ("", "")
    assert (done.unknown, done.absent) == (["Eve_1"], ["Emmy Noether"])


def test_a_worksheet_without_feedback_keeps_the_times_that_moodle_compares(tmp_path):
    times = ["-", "Sonntag, 22. November 2026, 09:05"]
    text = WORKSHEET.replace(",Feedback\n", ",Zuletzt geändert (Bewertung)\n")
    for time in times:
        text = text.replace("Ja,\n", f'Ja,"{time}"\n', 1)
    done = export([row("Ada Lovelace_1234")], "moodle", tmp_path, roster(tmp_path, text))
    assert [line[-1] for line in table(done.paths[0])[1:]] == times
    assert table(done.paths[0])[1][4] == "4,00"
    assert done.without_feedback


def test_other_points_in_canvas_are_refused_since_the_import_would_change_them(tmp_path):
    people = roster(tmp_path, GRADEBOOK.replace("6.00", "100.00"))
    with pytest.raises(GradeError, match=r"100.00 points in Canvas and 6 in the results"):
        export([row("lovelaceada_1234")], "canvas", tmp_path, people, ASSIGNMENT)


def test_another_maximum_in_moodle_is_refused(tmp_path):
    sheet = roster(tmp_path, WORKSHEET.replace("6,00", "100,00"))
    with pytest.raises(GradeError, match="maximum grade of 100"):
        export([row("Ada Lovelace_1234")], "moodle", tmp_path, sheet)


def test_moodle_from_a_list_with_ids_and_emails(tmp_path):
    people = roster(tmp_path, "Name,ID number,Email\nAda Lovelace,17,ada@uni.example\n")
    done = export([row("ada")], "moodle", tmp_path, people)
    header, ada = table(done.paths[0])
    assert header == ["ID number", "Email address", "Grade", "Feedback"]
    assert ada[:3] == ["17", "ada@uni.example", "4"]


def test_gradescope_gets_a_results_json_per_learner(tmp_path):
    done = export([row("ada"), row("../evil"), row("__evil")], "gradescope", tmp_path)
    assert len(set(done.paths)) == 3
    for path in done.paths:
        assert path.resolve().parents[1] == (tmp_path / "gradescope").resolve()
        data = json.loads(path.read_text(encoding="utf-8"))
        assert data["score"] == 4.0
        assert [(t["score"], t["max_score"]) for t in data["tests"]] == [(0, 2), (4, 4)]
        assert {t["output_format"] for t in data["tests"]} == {"text"}


RAN = ("graded", "not attempted", "failed", "timeout", "died", "output")
TEXT = st.text(min_size=1, max_size=30)


def read_by_the_learner(folder, checks, **changed):
    """Every text that leaves for one learner: Moodle's, Gradescope's and the page."""
    made = row(checks=checks, points=float(sum(c["points"] for c in checks)), **changed)
    paths = export([made], "moodle", folder).paths + export([made], "gradescope", folder).paths
    paths.append(write([made], folder / "report")[1])
    return [path.read_bytes() for path in paths]


@settings(max_examples=50, deadline=None)
@given(data=st.data(), passed=st.lists(st.booleans(), min_size=1, max_size=4))
def test_what_a_submission_carries_to_its_author_are_its_marks(data, passed, tmp_path_factory):
    """Not one bit more: whatever a kernel decides beside them, its author reads the same."""
    folder = tmp_path_factory.mktemp("out")

    def checks(reasons):
        return [
            {"id": f"step-decay.c{i}", "points": 2 * good, "max_points": 2, "hint": "Look again.",
             "reason": "" if good else why}
            for i, (good, why) in enumerate(zip(passed, reasons, strict=True))
        ]  # fmt: skip

    def carried(text):
        chosen = {
            "status": data.draw(st.sampled_from(RAN)),
            "reason": data.draw(TEXT),
            "seconds": data.draw(st.floats(0, 100)),
            "anomalies": [f"capstone: {data.draw(TEXT)}", f"needed: {data.draw(TEXT)}"],
        }
        reasons = data.draw(st.lists(text, min_size=len(passed), max_size=len(passed)))
        return read_by_the_learner(folder, checks(reasons), **chosen)

    kinds = st.sampled_from(
        ["error, ValueError: 0.123", "error, -: 7", "timeout, x", "a: no value"]
    )
    assert carried(kinds) == carried(TEXT)


def test_each_pattern_of_marks_is_one_text_and_no_two_are_the_same(tmp_path):
    """As many bits as there are checks, which the points show anyway."""
    texts = set()
    for pattern in itertools.product((True, False), repeat=3):
        checks = [
            {"id": f"step-decay.c{i}", "points": 2 * good, "max_points": 2, "hint": "",
             "reason": "" if good else "error, E0123: x"}
            for i, good in enumerate(pattern)
        ]  # fmt: skip
        texts.add(tuple(read_by_the_learner(tmp_path, checks)))
    assert len(texts) == 2**3


def test_a_learner_whom_a_roster_has_twice_is_nobody_and_an_export_for_nobody_an_error(tmp_path):
    twice = "Name,ID number,Email\nAda L,1,a@x.example\nAda L,2,b@x.example\n"
    with pytest.raises(GradeError, match="knows nobody of the results, who are 'Ada L'"):
        export([row("Ada L")], "moodle", tmp_path, roster(tmp_path, twice))
    assert not (tmp_path / "moodle.csv").exists()


def test_two_learners_on_one_line_stop_the_export(tmp_path):
    people = "Name,ID number,Email\nAda L,1,ada@x.example\n"
    with pytest.raises(GradeError, match="Ada L and ada are both line 2"):
        export([row("Ada L"), row("ada")], "moodle", tmp_path, roster(tmp_path, people))


SPLIT_SHEET = (
    "Identifier,Nachname,Vorname,E-Mail,Status,Bewertung,Bestwertung,Feedback\n"
    "Teilnehmer/in{},Lovelace,Ada,ada@uni.example,x,,100,\n"
)


@pytest.mark.parametrize(
    ("learner", "system", "number", "reached"),
    [
        ("Ada Lovelace_1234", "moodle", "1234", True),
        ("Ada Lovelace_1234", "moodle", "4321", False),
        ("Ada Lovelace", "", "1234", True),
        ("Lovelace Ada", "", "1234", True),
        ("ada", "", "1234", True),
        ("mueller_1234", "", "1234", False),
        ("smith_7", "", "7", False),
        ("1234", "", "1234", False),
        ("eve_1234", "canvas", "99", False),
    ],
)
def test_a_number_is_an_identity_only_where_an_lms_wrote_it(
    learner, system, number, reached, tmp_path
):
    sheet = roster(tmp_path, SPLIT_SHEET.format(number))
    made = row(learner, system=system, max_points=100.0)
    if reached:
        assert table(export([made], "moodle", tmp_path, sheet).paths[0])[1][5] == "4.00"
    else:
        with pytest.raises(GradeError, match="knows nobody"):
            export([made], "moodle", tmp_path, sheet)


def test_moodle_names_without_a_worksheet_are_not_exported(tmp_path):
    with pytest.raises(GradeError, match="expected --roster"):
        export([row("Ada Lovelace_1234", system="moodle")], "moodle", tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("start", ["", "sep=;\n"])
def test_a_roster_is_read_as_spreadsheets_write_it(encoding, start, tmp_path):
    text = start + "Name;ID number;Email\nZoë Müller;17;zoe@uni.example\n"
    path = tmp_path / "people.csv"
    path.write_bytes(text.encode(encoding))
    assert table(export([row("Zoë Müller")], "moodle", tmp_path, path).paths[0])[1][0] == "17"


def test_a_canvas_gradebook_with_names_in_two_columns(tmp_path):
    text = "LastName,FirstName,ID,SIS User ID,SIS Login ID,Section,Decay (4711)\n"
    text += "Lovelace,Ada,1234,S1,ada@x.example,Section 1,\n"
    made = [row("lovelaceada_1234", system="canvas")]
    done = export(made, "canvas", tmp_path, roster(tmp_path, text), ASSIGNMENT)
    assert table(done.paths[0])[2][:2] == ["Lovelace, Ada", "1234"]


def test_what_is_not_to_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GradeError, match="cannot be written"):
        export([row("ada")], "moodle", tmp_path / "file")


@pytest.mark.parametrize("text", ["", "only a header\n"])
def test_a_roster_that_holds_nobody_is_one_sentence(text, tmp_path):
    with pytest.raises(GradeError, match="holds nobody"):
        export([row()], "moodle", tmp_path, roster(tmp_path, text))


def test_an_unknown_system_is_one_sentence(tmp_path):
    with pytest.raises(GradeError, match="expected one of canvas, moodle, gradescope"):
        export([row()], "blackboard", tmp_path)


def moodle_reads(name, participants):
    """The participant and the file's name, by the rule of Moodle's own importer.

    mod/assign/feedback/file/importziplib.php, is_valid_filename_for_import, as of 4.1 and later;
    before that five parts were asked for, which these names have.
    """
    parts = name.split("_", 4)
    assert len(parts) == 5
    assert parts[1] in participants
    assert parts[2:4] == ["assignfeedback", "file"]
    return parts[1], parts[4]


def canvas_reads(name):
    """User and file, by the rule of Canvas's own (infer_comment_context_from_filename)."""
    parts = name.split("_")
    assert not parts[-1].startswith("link")
    return [part for part in parts if re.fullmatch(r"\d+", part)][:2]


def test_moodle_takes_the_pages_by_their_names(tmp_path):
    sheet = roster(tmp_path, SPLIT_SHEET.format(17))
    ada = row("Lovelace_Ada_17", system="moodle", max_points=100.0)
    made = export([ada], "moodle", tmp_path, sheet)
    (name,) = made.returned.values()
    assert moodle_reads(name, {"17"}) == ("17", "feedback.html")


@pytest.mark.parametrize(
    "given", ["lovelaceada_1234_98765_04_decay-2.ipynb", "lovelaceada_LATE_1234_98765_x.ipynb"]
)
def test_canvas_takes_the_pages_by_their_names(given, tmp_path):
    made = row("lovelaceada_1234", system="canvas", file=given)
    done = export([made, row("eve_99", system="canvas")], "canvas", tmp_path, None, ASSIGNMENT)
    assert list(done.returned) == ["lovelaceada_1234"]
    assert canvas_reads(done.returned["lovelaceada_1234"]) == ["1234", "98765"]
    path = returned([made], done.returned, tmp_path / "pages.zip", "Rates")
    with zipfile.ZipFile(path) as archive:
        page = archive.read(done.returned["lovelaceada_1234"]).decode()
    assert "step-decay" in page


def test_what_made_a_mark_is_one_text_everywhere(tmp_path):
    """The page, Moodle's comment and Gradescope's say the same lines, in the same order."""
    made = row(
        misconception="drops-one-step-early",
        advice="You drop one step early.",
        anomalies=["late: changed 2026-10-02 10:00, costs 20%", "set by hand: 4, was 3; see me"],
    )
    lines = told(made)
    assert "known mistake: drops one step early. You drop one step early." in " ".join(lines)
    assert any("costs 20%" in line for line in lines)
    assert any("see me" in line for line in lines)
    person = totals([made])[0]
    page = re.sub("<[^>]*>", "\n", learner_page(person))
    comment = re.sub("<[^>]*>", "\n", person.html)
    for line in lines[1:]:
        for text in (page, comment, person.feedback):
            assert line in unescape(text).splitlines()
    assert person.html.startswith("<p>")
    assert "\n" not in person.html
