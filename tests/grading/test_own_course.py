"""Law: a teacher's own course, in another subject, goes from `new-exercise` to the upload."""

import contextlib
import csv
import json
import re
import subprocess
import sys

import nbformat
import pytest
from typer.testing import CliRunner

from lrlesson.cli import app
from lrlesson.feedback.exercises import all_exercises

HEAD = "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,"
HEAD += "Last modified (submission),Last modified (grade),Feedback comments\n"
SHEET = f"""\
{HEAD}\
Participant 11,Ada Lovelace,ada@x.example,Submitted,-,9.00,Yes,-,-,
Participant 12,Grace Hopper,grace@x.example,Submitted,-,9.00,Yes,-,-,
"""
DATA = "height\n1.5\n1.7\n1.9\n2.3\n"
LOAD = 'np.loadtxt("heights.csv", skiprows=1)'
MAD = """\
def mad(x):
    return np.mean(np.abs(x - np.median(x)))
"""
SHARE = f"""\
def share_above(limit):
    heights = {LOAD}
    return np.mean(heights > limit)
"""


def lrlesson(folder, *arguments, code=0):
    all_exercises.cache_clear()
    with contextlib.chdir(folder):
        done = CliRunner().invoke(app, [*map(str, arguments)])
    all_exercises.cache_clear()
    assert done.exit_code == code, done.output
    return done.output


def edited(path, *changes):
    """The teacher's editor: put text in place of text that stands there once."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, (path, old)
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def cells(path, changes):
    """The teacher's JupyterLab: give cells another source."""
    notebook = nbformat.read(path, as_version=4)
    left = dict(changes)
    for cell in notebook.cells:
        if cell.id in left:
            cell.source = left.pop(cell.id)
    assert not left
    nbformat.write(notebook, path)


def answer(source):
    """A function as an answer's cell holds it, its body between the markers."""
    head, body = source.split("\n", 1)
    return f"{head}\n    ### BEGIN SOLUTION\n{body.rstrip()}\n    ### END SOLUTION"


@pytest.fixture
def course(tmp_path):
    """The teacher's folder: two exercises, one on a data file, and a text."""
    notebook = "solutions/01_spread.ipynb"
    lrlesson(tmp_path, "new-exercise", "mad", notebook, "--points", "3")
    lrlesson(tmp_path, "new-exercise", "share-above", notebook, "--points", "2")
    lrlesson(tmp_path, "new-exercise", "why-median", notebook, "--text", "--points", "4")
    solutions = tmp_path / "solutions"
    edited(
        solutions / "checks" / "mad.py",
        ("def mad(x):\n    return np.mean(x)\n", MAD),
        ("One value is its own mean.", "One value does not differ from itself."),
        ("Every value counts the same.", "It is the mean distance from the median."),
        ("takes-the-middle", "squares"),
        ("You take the value in the middle, whatever the others are.", "You square, as σ² does."),
        ('("np.mean", "np.median")', '("np.abs(x - np.median(x))", "(x - np.median(x)) ** 2")'),
        ("The mean is the value in the middle.", "Every spread is a variance."),
    )
    edited(
        solutions / "checks" / "share-above.py",
        ("def share_above(x):\n    return np.mean(x)\n", SHARE),
        ('signature="share_above(x)"', 'signature="share_above(limit)"'),
        ("of([3.0])", "of(1.8)"),
        ("of([1.0, 2.0, 6.0])", "of(1.5), of(9.0)"),
    )
    text = (solutions / "checks" / "share-above.py").read_text(encoding="utf-8")
    text = re.sub(r"        bank=\[.*?\n        \],\n", "        bank=[],\n", text, flags=re.DOTALL)
    (solutions / "checks" / "share-above.py").write_text(text, encoding="utf-8")
    cells(
        solutions / "01_spread.ipynb",
        {
            "mad-answer": answer(MAD),
            "share-above-answer": answer(SHARE),
            "share-above-values": f"limits = np.random.default_rng(seed).choice({LOAD}, 3) - 0.01\n"
            'row("shares", [share_above(limit) for limit in limits])\n'
            'row("the limits", limits)',
        },
    )
    (tmp_path / "heights.csv").write_text(DATA, encoding="utf-8")
    toml = solutions / "course.toml"
    toml.replace(tmp_path / "course.toml")
    edited(tmp_path / "course.toml", ("[[exercise]]", 'files = ["heights.csv"]\n\n[[exercise]]'))
    return tmp_path


def handed_in(course, who, **written):
    """A learner's notebook, with the answers that they wrote."""
    notebook = json.loads((course / "exercises" / "01_spread.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        name = cell["id"].replace("-", "_")
        cell["source"] = written.get(name, cell["source"])
    folder = course / "in" / f"{who}_assignsubmission_file"
    folder.mkdir(parents=True)
    (folder / "01_spread.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def test_from_new_exercise_to_the_upload(course, bubblewrap):
    lrlesson(course, "release")
    there = sorted(
        str(p.relative_to(course / "exercises")) for p in course.rglob("exercises/**/*.*")
    )
    assert there == ["01_spread.ipynb", "checks/mad.py", "checks/share-above.py", "heights.csv"]
    right = {"mad_answer": MAD, "share_above_answer": SHARE, "why_median_text": "It is robust."}
    wrong = MAD.replace("np.abs(x - np.median(x))", "(x - np.median(x)) ** 2")
    handed_in(course, "Ada Lovelace_11", **right)
    handed_in(course, "Grace Hopper_12", mad_answer=wrong, share_above_answer=SHARE)
    # The learner's own notebook says so too, in the folder as it was handed out.
    run = "import numpy as np\nfrom lrlesson.feedback import check, summary\n"
    run += (
        MAD + SHARE + "print(check('mad', mad).status, check('share-above', share_above).status)\n"
    )
    run += wrong + "print(check('mad', mad)); summary('share-above')"
    done = subprocess.run(
        [sys.executable, "-c", run], cwd=course / "exercises", capture_output=True, text=True
    )
    assert done.stdout.startswith("correct correct\n"), done.stderr
    assert "A known mistake. You square, as σ² does." in done.stdout

    said = lrlesson(course, "grade", "in", "--out", "results", "-j", "1")
    assert "2 learners" not in said
    lines = "learner,exercise,points,note\nAda Lovelace_11,why-median,3.5,clear\n"
    (course / "results" / "overrides.csv").write_text(lines, encoding="utf-8")
    (course / "sheet.csv").write_text(SHEET, encoding="utf-8")
    lrlesson(course, "report", "results")
    lrlesson(course, "export", "results", "--to", "moodle", "--roster", "sheet.csv")
    with (course / "results" / "moodle.csv").open(encoding="utf-8", newline="") as file:
        ada, grace = list(csv.reader(file))[1:]
    assert (ada[4], grace[4]) == ("8.50", "2.00")
    assert "set by hand: 3.5, was no mark; clear" in ada[-1]
    assert "known mistake: squares. You square, as σ² does." in grace[-1]


def test_what_cannot_be_written_is_one_sentence(tmp_path):
    def refused(*arguments):
        return lrlesson(tmp_path, "new-exercise", *arguments, code=2)

    assert "such an exercise already" in refused("adam", "01_own.ipynb")
    assert "expected words in lower case" in refused("Mad", "01_own.ipynb")
    assert "expected a name like 01_name.ipynb" in refused("mad", "own.ipynb")
    assert "greater than 0" in refused("mad", "01_own.ipynb", "--points", "0")
    lrlesson(tmp_path, "new-exercise", "mad", "01_own.ipynb")
    assert "such an exercise already" in refused("mad", "01_own.ipynb")
    (tmp_path / "checks" / "mad.py").unlink()
    assert "has an exercise 'mad' already" in refused("mad", "02_more.ipynb")
    (tmp_path / "course.toml").write_text("files = [", encoding="utf-8")
    assert "course.toml cannot be read" in refused("why", "01_own.ipynb", "--text")


def test_a_check_that_says_other_points_than_the_notebook_is_refused(tmp_path):
    lrlesson(tmp_path, "new-exercise", "mad", "solutions/01_own.ipynb")
    edited(tmp_path / "solutions" / "checks" / "mad.py", ("points=2", "points=5"))
    said = lrlesson(tmp_path, "release", code=2)
    assert "checks/, mad: points = 5, but the notebooks have 2" in said
