"""A learner fills in an exercise, is told what is wrong, mends it, and hands in both versions."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import rig
from playwright.sync_api import Browser

from lrlesson.grading import grade
from lrlesson.grading.sandbox import bubblewrap as sandbox

ROOT = Path(__file__).parents[2]
EXERCISE = "exercises/04_exercise_decay.ipynb"
ANSWER, CHECK, SUMMARY = "step-decay-answer", "step-decay-check", "summary"
WRONG = """def step_decay(t, lr0, drop, every):
    return lr0 * drop ** ((t + 1) // every)"""
RIGHT = """def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (t // every)"""

pytestmark = pytest.mark.browser


@pytest.fixture
def lab(chromium: Browser, server: rig.Server) -> Iterator[rig.Lab]:
    """A window of its own."""
    window = rig.Lab(chromium, server)
    yield window
    window.close()
    assert window.complaints == []


def test_wrong_then_correct(lab: rig.Lab, tmp_path: Path):
    def answer(text: str, learner: str) -> tuple[str, str]:
        """Type an answer, check it, and hand it in; what the check and the summary say."""
        lab.write(ANSWER, text)
        lab.run(ANSWER)
        told = lab.run(CHECK)
        total = lab.run(SUMMARY)
        folder = tmp_path / "submissions" / learner
        folder.mkdir(parents=True)
        shutil.copy(lab.save(), folder)
        return told.lower(), total.lower()

    lab.open(EXERCISE)
    lab.run_all()
    told, total = lab.run(CHECK).lower(), lab.run(SUMMARY).lower()
    assert "not attempted" in told
    assert "incomplete" in total

    told, total = answer(WRONG, "wendy")
    assert "wrong" in told
    assert "one step early" in told
    assert "incomplete" in total

    told, total = answer(RIGHT, "rita")
    assert "correct" in told
    assert "6 of 6" in total
    assert "step-decay is" not in total

    handed_in, results, solutions = (
        tmp_path / "submissions",
        tmp_path / "results",
        ROOT / "solutions",
    )
    rows = grade(handed_in, results, solutions, unsafe=bool(sandbox.problem())).rows
    marks = {(row.learner, row.exercise): row for row in rows}
    wrong, right = marks["wendy", "step-decay"], marks["rita", "step-decay"]
    assert right.points == right.max_points
    assert wrong.points < right.points
    assert wrong.status == right.status == "graded"
