"""Law: assignments add up for one person as one, and nobody is mixed up or left out silently."""

import csv
import dataclasses
import json

import pytest
from typer.testing import CliRunner

from lrlesson.cli import app
from lrlesson.grading import GradeError, apply_overrides
from lrlesson.grading.marks.adding import add_up, apply_groups

from .test_report import row

SHEET = "Identifier,Full name,Email address,Status,Grade,Maximum grade,Feedback comments\n"
GRADEBOOK = """\
Student,ID,SIS User ID,SIS Login ID,Section,One (1),Two (2),All (3)
    Points Possible,,,,,6,6,12
"Lovelace, Ada",11,S1,ada,Section 1,,,
"Hopper, Grace",12,S2,grace,Section 1,,,
"""


def moodle(learner, exercise="step-decay", points=4.0):
    return row(learner, exercise, points, system="moodle")


def canvas(learner, exercise="step-decay", points=4.0):
    return row(learner, exercise, points, system="canvas")


def folder(path, *rows):
    path.mkdir()
    lines = [json.dumps(dataclasses.asdict(made)) for made in rows]
    (path / "results.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def sums(added):
    found = {}
    for made in added.rows:
        had = found.get(made.learner, (0, 0))
        found[made.learner] = (had[0] + made.points, had[1] + made.max_points)
    return found


def test_one_person_has_another_number_in_each_moodle_assignment(tmp_path):
    one = moodle("Ada Lovelace_7"), moodle("Grace Hopper_8", points=6.0)
    two = moodle("Grace Hopper_7", "noise", 1.0), moodle("Ada Lovelace_9", "noise", 2.0)
    added = add_up([(tmp_path / "A", list(one)), (tmp_path / "B", list(two))])
    assert sums(added) == {"Ada Lovelace": (6, 12), "Grace Hopper": (7, 12)}


def test_two_of_one_name_are_told_apart_by_their_addresses_or_refused(tmp_path):
    one = [moodle("Ada L_7"), moodle("Ada L_8", points=6.0)]
    two = [moodle("Ada L_21", "noise", 1.0), moodle("Ada L_22", "noise", 2.0)]
    both = [(tmp_path / "A", one), (tmp_path / "B", two)]
    with pytest.raises(GradeError, match="Ada L_7, Ada L_8 are all called 'Ada L'"):
        add_up(both)
    for name, numbers in (("A", (7, 8)), ("B", (22, 21))):
        (tmp_path / name).mkdir()
        lines = [
            f"Participant {number},Ada L,{who}@x.example,,,6.00,\n"
            for number, who in zip(numbers, "ab", strict=True)
        ]
        (tmp_path / name / "moodle.csv").write_text(SHEET + "".join(lines), encoding="utf-8")
    assert sums(add_up(both)) == {"a@x.example": (6, 12), "b@x.example": (7, 12)}


def test_who_is_not_in_an_assignment_has_its_maximum_and_is_named(tmp_path):
    one, two = [row("ada"), row("bob", points=6.0)], [row("ada", "noise", 2.0)]
    added = add_up([(tmp_path / "A", one), (tmp_path / "B", two)])
    assert sums(added) == {"ada": (6, 12), "bob": (6, 12)}
    assert added.without == {"B": ["bob"]}


def test_an_exercise_in_two_assignments_would_count_twice(tmp_path):
    both = [(tmp_path / "A", [row()]), (tmp_path / "B", [row()])]
    with pytest.raises(GradeError, match="step-decay is in A and in B"):
        add_up(both)
    with pytest.raises(GradeError, match="named twice"):
        add_up([(tmp_path / "A", [row()]), (tmp_path / "A", [row()])])


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def two(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = folder(tmp_path / "A", canvas("lovelaceada_11"), canvas("hoppergrace_12", points=6.0))
    two = folder(tmp_path / "B", canvas("lovelaceada_11", "noise", 2.0))
    (tmp_path / "book.csv").write_text(GRADEBOOK, encoding="utf-8")
    return one, two


def test_a_course_is_reported_and_exported_as_a_sum_or_a_column_each(two, tmp_path):
    assert "several folders of results" in run("report", *two, code=2)
    said = run("report", *two, "--course")
    assert "no result in B, counted as 0 points: hoppergrace_12" in said
    assert table(tmp_path / "course-results" / "course.csv") == [
        ["learner", "A", "B", "sum", "of"],
        ["hoppergrace_12", "6", "0", "6", "12"],
        ["lovelaceada_11", "4", "2", "6", "12"],
    ]
    assert len(list((tmp_path / "course-results" / "report").glob("*.html"))) == 3
    common = ("export", *two, "--to", "canvas", "--roster", "book.csv")
    run(*common, "--assignment", "All (3)", "--out", "sum")
    assert [line[5:] for line in table(tmp_path / "sum" / "canvas.csv")] == [
        ["All (3)"], ["12"], ["6"], ["6"],
    ]  # fmt: skip
    run(*common, "--assignment", "One (1)", "--assignment", "Two (2)", "--out", "each")
    assert [line[5:] for line in table(tmp_path / "each" / "canvas.csv")] == [
        ["One (1)", "Two (2)"], ["6", "6"], ["4", "2"], ["6", "0"],
    ]  # fmt: skip
    refused = run(*common, *("--assignment", "One (1)") * 3, code=2)
    assert "3 assignments for 2 results" in refused


def test_people_whom_the_roster_does_not_know_are_no_success(tmp_path):
    made = folder(tmp_path / "A", row("ada"), row("stranger"))
    people = tmp_path / "people.csv"
    people.write_text("Name,ID number,Email\nAda L,1,ada@x.example\n", encoding="utf-8")
    said = run("export", made, "--to", "moodle", "--roster", people, code=1)
    assert "not in the roster, so not exported: stranger" in said
    assert len(table(made / "moodle.csv")) == 2


def groups(tmp_path, *lines):
    path = tmp_path / "groups.csv"
    path.write_text("\n".join(["group,learner", *lines]) + "\n", encoding="utf-8")
    return path


def test_a_groups_marks_are_its_members_and_one_may_be_changed(tmp_path):
    rows = [row("team 1", points=4.0), row("bob", status="missing", checks=[], points=0.0)]
    path = groups(tmp_path, "team 1,ada", "team 1,bob")
    made = apply_groups(rows, path)
    assert {r.learner: r.points for r in made} == {"ada": 4, "bob": 4}
    hand = tmp_path / "overrides.csv"
    hand.write_text("learner,exercise,points,note\nbob,step-decay,2,\n", encoding="utf-8")
    assert {r.learner: r.points for r in apply_overrides(made, hand)} == {"ada": 4, "bob": 2}


def test_who_handed_in_for_a_group_keeps_the_marks(tmp_path):
    rows = [canvas("lovelaceada_11")]
    made = apply_groups(rows, groups(tmp_path, "lovelaceada_11,hoppergrace_12"))
    assert {r.learner: r.points for r in made} == {"lovelaceada_11": 4, "hoppergrace_12": 4}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["team 2,ada"], "line 2: no result of the group 'team 2'"),
        (["team 1,ada", "bob,ada"], "line 3: ada is in team 1 already"),
        (["team 1,bob"], "line 2: bob has handed in something as well"),
    ],
)
def test_a_wrong_line_of_the_groups_is_named(lines, said, tmp_path):
    with pytest.raises(GradeError, match=said):
        apply_groups([row("team 1"), row("bob")], groups(tmp_path, *lines))


def test_points_above_the_maximum_where_the_course_allows_them(tmp_path):
    hand = tmp_path / "overrides.csv"
    hand.write_text("learner,exercise,points,note\nada,step-decay,7.5,neat\n", encoding="utf-8")
    with pytest.raises(GradeError, match="expected 0 to 6"):
        apply_overrides([row()], hand)
    assert apply_overrides([row(bonus=2.0)], hand)[0].points == 7.5
