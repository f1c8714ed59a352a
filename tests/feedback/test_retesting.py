"""posttest and learning_gain: the same ideas in other situations, and what changed."""

import json
from datetime import datetime, timedelta

import pytest

from lrlesson.feedback import learning_gain, posttest, pretest, progress
from lrlesson.feedback.questions import retesting
from lrlesson.feedback.questions.bank import of_test
from lrlesson.feedback.questions.retesting import items, normalised_gain
from lrlesson.feedback.record import changing, load

IDEAS = items()
OTHERS = {q.id[-2:] for q in of_test("post")} - set(IDEAS)


def answer(test, right):
    """Answer a whole test: right where `right` says so of the idea, else the first wrong option."""
    while True:
        started = test()
        number = started._number()
        if number is None:
            return started
        question = started.questions[number]
        wrong = next(k for k in question.letters if k != question.right)
        letter = question.right if right(question.id[-2:]) else wrong
        test(letter, confidence=2)


def take_both(before, after):
    answer(pretest, lambda idea: idea in before)
    return answer(posttest, lambda idea: idea in after)


def long_ago(days):
    with changing() as data:
        for entry in data["posttest"].values():
            when = datetime.now().astimezone() - timedelta(days=days)
            entry["when"] = when.isoformat(timespec="seconds")


def test_it_asks_for_the_ideas_of_the_first_test_in_other_words():
    asked = {question.id[-2:]: question for question in posttest().questions}
    assert set(IDEAS) < set(asked)
    for question in pretest().questions:
        other = asked[question.id[-2:]]
        assert other.idea == question.idea
        assert other.ask != question.ask


def test_each_question_says_which_lesson_it_is_about():
    assert "Question 1 of 15, on lesson 01" in repr(posttest())


def test_it_is_the_same_whenever_it_is_asked():
    assert repr(posttest()) == repr(posttest())


def test_it_goes_on_where_it_was_left_and_may_be_skipped():
    first = posttest().questions[0]
    posttest("a", confidence=3)
    posttest(skip=True)
    assert "Question 3 of 15" in repr(posttest())
    assert load()["posttest"][first.id]["confidence"] == 3
    assert load()["pretest"] == {}


def test_it_says_no_answer_before_its_end():
    posttest("a")
    text = repr(posttest())
    for question in posttest().questions:
        assert question.option("a").why not in text


def test_the_report_counts_and_replies_to_what_was_wrong():
    test = take_both({"03"}, {*IDEAS, *OTHERS} - {"14", "17"})
    text = repr(test)
    assert "13 of 15 are right" in text
    assert "Of the 5 ideas of the first test 4 are right; before the course it was 1." in text
    assert "75 % of what there was to gain" in text
    for question in test.questions:
        wrong = question.id in ("post-14", "post-17")
        assert (question.ask in text) == wrong
        assert (question.option(question.right).text in text) == wrong


@pytest.mark.parametrize(
    ("before", "after", "gained"),
    [(0, 1, 1), (0.5, 0.75, 0.5), (0.5, 0.5, 0), (0.5, 0.25, -0.5), (1, 1, None)],
)
def test_the_gain_is_what_was_gained_of_what_there_was_to_gain(before, after, gained):
    assert normalised_gain(before, after) == gained


def test_the_gain_is_kept_in_the_record(progress_file):
    take_both(set(IDEAS[:1]), {*IDEAS[:3], *OTHERS})
    kept = json.loads(progress_file.read_text())["gain"]
    assert (kept["before"], kept["after"], kept["of"]) == (1, 3, 5)
    assert kept["gain"] == pytest.approx(0.5)


def test_without_a_first_test_there_is_no_gain():
    test = answer(posttest, lambda idea: True)
    assert "15 of 15 are right." in repr(test)
    assert "There is no complete first test" in repr(test)
    assert load()["gain"]["gain"] is None
    assert "Nothing to compare yet" in repr(learning_gain())


def test_gain_shows_each_idea_in_words():
    take_both({"03"}, {"03", "05", *OTHERS})
    found = learning_gain()
    assert found.learners["you"].gain == pytest.approx(1 / 4)
    assert found.per_item["pre-03"] == (1, 1, None)
    assert found.per_item["pre-05"] == (0, 1, 1)
    assert found.per_item["pre-08"] == (0, 0, 0)
    assert sum(before for before, _ in found.ideas.values()) == 4
    assert sum(after for _, after in found.ideas.values()) == 3
    text = repr(found)
    for question in of_test("pre"):
        assert question.idea in text
        assert question.id not in text


def test_a_skipped_question_is_not_right_and_no_idea():
    pretest(skip="all")
    answer(posttest, lambda idea: True)
    found = learning_gain()
    assert found.learners["you"].gain == 1
    assert found.ideas == {}


def test_a_class_is_summed_up_from_its_records(tmp_path, monkeypatch):
    paths = []
    sets = {"ada": (1, 5), "bob": (1, 3), "cleo": (2, None)}
    for name, (before, after) in sets.items():
        path = tmp_path / name / ".lrlesson" / "progress.json"
        monkeypatch.setenv("LRLESSON_PROGRESS", str(path))
        answer(pretest, lambda idea, n=before: idea in IDEAS[:n])
        if after is not None:
            answer(posttest, lambda idea, n=after: idea in IDEAS[:n])
        paths.append(path)
    found = learning_gain(*paths)
    assert {name: one.gain for name, one in found.learners.items()} == {
        "ada": 1,
        "bob": pytest.approx(0.5),
        "cleo": None,
    }
    assert found.per_item["pre-03"] == (1, 1, None)
    assert found.per_item["pre-08"] == (0, 1, 1)
    assert found.per_item["pre-14"] == (0, 0.5, 0.5)
    assert sum(before for before, _ in found.ideas.values()) == 4 + 4
    assert sum(after for _, after in found.ideas.values()) == 2
    text = repr(found)
    assert "2 of 3 learners have done both tests, on average 75 % each" in text
    assert "not done" in text
    assert not any(f" {slug} " in text for slug in found.ideas)


def test_what_is_no_record_is_refused(tmp_path):
    (tmp_path / "notes.json").write_text("[]")
    for name in ("notes.json", "nothing.json"):
        with pytest.raises(ValueError, match=r"^learning_gain: records = .*a progress\.json"):
            learning_gain(tmp_path / name)


def test_the_third_test_comes_a_week_later_by_the_same_command():
    take_both(set(), {*IDEAS, *OTHERS})
    assert "The second test is done" in repr(posttest())
    long_ago(6.9)
    assert "The second test is done" in repr(posttest())
    long_ago(7.1)
    assert "Question 1 of 5" in repr(posttest())
    assert "The second test is done" in repr(posttest(delayed=False))


def test_the_third_test_is_recorded_apart_and_reported():
    take_both(set(), {*IDEAS, *OTHERS})
    test = answer(lambda *a, **k: posttest(*a, delayed=True, **k), lambda idea: idea != "03")
    assert [question.id[-2:] for question in test.questions] == IDEAS
    assert "4 of 5 are right this time" in repr(test)
    assert test.questions[0].ask in repr(test)
    assert len(load()["posttest"]) == 15
    assert "A week later: 4 of 5." in repr(learning_gain())
    assert retesting._standing(load()).gain == 1


def test_progress_counts_the_three_tests():
    posttest("a")
    lines = repr(progress()).splitlines()
    counts = {"pre-test": "0 of 5", "post-test": "1 of 15", "delayed test": "0 of 5"}
    for name, count in counts.items():
        (line,) = [line for line in lines if line.strip().startswith(name)]
        assert f"{count} answered" in line


def test_a_record_that_someone_edited_is_survived(progress_file):
    take_both(set(), {*IDEAS, *OTHERS})
    data = json.loads(progress_file.read_text())
    data["posttest"]["post-01"]["when"] = 3
    data["posttest"]["post-03"] = {"choice": "z"}
    data["pretest"]["pre-01"] = {"choice": "a"}  # of the first test as it once was
    data["delayed"]["pre-77"] = {"choice": "a"}
    data["gain"] = "much"
    progress_file.write_text(json.dumps(data))
    assert "14 of 15 are right" in repr(posttest(delayed=False))
    assert learning_gain().learners["you"].after == 4
