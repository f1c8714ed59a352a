"""What `check` accepts, the grader accepts, and the other way round: over every known answer."""

import json
import tomllib
from itertools import zip_longest
from pathlib import Path

import pytest

from lrlesson.feedback import check
from lrlesson.feedback.exercises import all_exercises
from lrlesson.grading import grade
from lrlesson.grading.sandbox import bubblewrap

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GRADED = [exercise for exercise in all_exercises().values() if exercise.points]


def known_answers(exercise):
    """The answers to an exercise that the course knows: wrong ones, right ones, public ones."""
    right = tomllib.loads((HERE / "right.toml").read_text(encoding="utf-8"))
    public = tomllib.loads((HERE / "public.toml").read_text(encoding="utf-8"))
    return [
        *(wrong.code for wrong in exercise.bank),
        *right[exercise.id].values(),
        *(answer["code"] for answer in public.get(exercise.id, [])),
    ]


def hand_in(folder, answers):
    """One learner's notebooks, with these answers by exercise."""
    folder.mkdir(parents=True)
    for name in {exercise.notebook for exercise in GRADED if exercise.id in answers}:
        notebook = json.loads((ROOT / "exercises" / name).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            data = cell["metadata"].get("lrlesson", {})
            if data.get("role") == "answer" and data["exercise"] in answers:
                cell["source"] = answers[data["exercise"]].splitlines(keepends=True)
        (folder / name).write_text(json.dumps(notebook), encoding="utf-8")


@pytest.mark.slow
def test_check_and_the_grader_agree_on_every_known_answer(tmp_path):
    if why := bubblewrap.problem():
        pytest.skip(f"no sandbox here: {why}")
    each = [[(exercise.id, code) for code in known_answers(exercise)] for exercise in GRADED]
    classes = [[item for item in row if item] for row in zip_longest(*each)]
    differing = disagreements(tmp_path / "all", classes)
    assert sum(map(len, classes)) > 600
    again = disagreements(tmp_path / "again", [[item] for item in differing])  # a busy machine
    assert again == {}, "\n".join(again.values())


def disagreements(folder, classes):
    """The (id, answer) that `check` and the grader judge differently, and what each says."""
    for number, row in enumerate(classes):
        hand_in(folder / "in" / f"learner{number:03}", dict(row))
    if not classes:
        return {}
    rows = grade(folder / "in", folder / "out", ROOT / "solutions", seed=20).rows
    marks = {(row.learner, row.exercise): row for row in rows}
    found = {}
    for number, row in enumerate(classes):
        for id, code in row:
            mark = marks[f"learner{number:03}", id]
            result = check(id, *all_exercises()[id].build(code))
            if (result.status == "correct") != (mark.points == mark.max_points):
                found[id, code] = f"{id}: check says {result.status}, {mark}\n{code}"
    return found
