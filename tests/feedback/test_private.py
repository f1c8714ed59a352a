"""An instructor's own exercises are found in the course's folder `checks/`."""

import pytest

from lrlesson.feedback import check
from lrlesson.feedback.exercises import all_exercises

OWN = """
from lrlesson.feedback.exercises.exercise import Exercise, Property, calling

twice = calling("twice")
EXERCISES = [
    Exercise(
        id="mad",
        points=1,
        notebook="01_own.ipynb",
        signature="twice(x)",
        reference="def twice(x):\\n    return 2 * x\\n",
        properties=[Property("twice", "It is twice as much.", [twice(3.0)])],
        bank=[],
        hints=["a", "b", "c"],
    )
]
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    (tmp_path / "course.toml").touch()
    (tmp_path / "checks").mkdir()
    (tmp_path / "exercises").mkdir()
    monkeypatch.chdir(tmp_path / "exercises")
    all_exercises.cache_clear()
    yield tmp_path
    all_exercises.cache_clear()


def test_an_own_exercise_is_found_from_the_notebooks_folder(course):
    (course / "checks" / "mad.py").write_text(OWN, encoding="utf-8")
    assert check("mad", lambda x: x + x).status == "correct"
    assert check("mad", lambda x: x + 1.0).status == "wrong"
    assert check("adam", None).status == "not attempted"


def test_an_id_that_is_taken_is_refused(course):
    (course / "checks" / "adam.py").write_text(OWN.replace('"mad"', '"adam"'), encoding="utf-8")
    with pytest.raises(ValueError, match="'adam' is defined twice"):
        all_exercises()


def test_a_broken_file_is_one_sentence(course):
    (course / "checks" / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"checks/broken.py: ZeroDivisionError"):
        all_exercises()
