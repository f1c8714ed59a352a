"""posttest and learning_gain: the same questions with other numbers, and what changed."""

import json
from datetime import datetime, timedelta

import pytest

from lrlesson.feedback import learning_gain, posttest, pretest, progress
from lrlesson.feedback.questions import retesting
from lrlesson.feedback.questions.bank import all_questions, fresh
from lrlesson.feedback.questions.retesting import DELAYED, LATER, SEED, items, normalised_gain
from lrlesson.feedback.record import changing, load


def answer(test, section, right):
    """Answer a whole test: right where `right` says so, else the first wrong option."""
    while True:
        started = test()
        number = started._number()
        if number is None:
            return started
        question = started.questions[number]
        wrong = next(k for k in question.letters if k != question.right)
        letter = question.right if right(question.id) else wrong
        test(letter, confidence=2)


def take_both(before, after):
    answer(pretest, "pretest", lambda id: id in before)
    return answer(posttest, "posttest", lambda id: id in after)


def long_ago(days):
    with changing() as data:
        for entry in data["posttest"].values():
            when = datetime.now().astimezone() - timedelta(days=days)
            entry["when"] = when.isoformat(timespec="seconds")


def test_it_asks_every_question_of_the_first_test_in_another_order():
    asked = [question.id for question in posttest().questions]
    assert sorted(asked) == items()
    assert asked != items()


def test_questions_with_numbers_come_with_others():
    asked = {question.id: question for question in posttest().questions}
    changed = [id for id in items() if asked[id].ask != all_questions()[id].ask]
    assert len(changed) >= 7
    for id in items():
        options = {option.text for option in asked[id].options}
        assert asked[id].option(asked[id].right).mistake is None
        assert len(options) == len(all_questions()[id].options)


def test_it_is_the_same_whenever_it_is_asked():
    assert repr(posttest()) == repr(posttest())


def test_it_goes_on_where_it_was_left_and_may_be_skipped():
    first = posttest().questions[0]
    posttest("a", confidence=3)
    posttest(skip=True)
    assert "Question 3 of 14" in repr(posttest())
    assert load()["posttest"][first.id]["confidence"] == 3
    assert load()["pretest"] == {}


def test_it_says_no_answer_before_its_end():
    posttest("a")
    text = repr(posttest())
    for question in posttest().questions:
        assert question.option("a").why not in text


def test_the_report_counts_and_replies_to_what_was_wrong():
    known = set(items()[:4])
    test = take_both(known, set(items()) - {"pre-03", "pre-14"})
    text = repr(test)
    assert "12 of 14 are right; before the course it was 4." in text
    assert "80 % of what there was to gain" in text
    wrong = [question for question in test.questions if question.id in ("pre-03", "pre-14")]
    for question in wrong:
        assert question.ask in text
        assert question.option(question.right).text in text
    other = next(q for q in test.questions if q.id == "pre-01")
    assert other.ask not in text


@pytest.mark.parametrize(
    ("before", "after", "gained"),
    [(0, 1, 1), (0.5, 0.75, 0.5), (0.5, 0.5, 0), (0.5, 0.25, -0.5), (1, 1, None)],
)
def test_the_gain_is_what_was_gained_of_what_there_was_to_gain(before, after, gained):
    assert normalised_gain(before, after) == gained


def test_the_gain_is_kept_in_the_record(progress_file):
    take_both(set(items()[:4]), set(items()[:9]))
    kept = json.loads(progress_file.read_text())["gain"]
    assert (kept["before"], kept["after"], kept["of"]) == (4, 9, 14)
    assert kept["gain"] == pytest.approx(0.5)


def test_without_a_first_test_there_is_no_gain():
    test = answer(posttest, "posttest", lambda id: True)
    assert "14 of 14 are right. There is no complete first test" in repr(test)
    assert load()["gain"]["gain"] is None
    assert "Nothing to compare yet" in repr(learning_gain())


def test_gain_shows_each_question_and_each_idea():
    take_both({"pre-01"}, {"pre-01", "pre-02"})
    found = learning_gain()
    assert found.learners["you"].gain == pytest.approx(1 / 13)
    assert found.per_item["pre-01"] == (1, 1, None)
    assert found.per_item["pre-02"] == (0, 1, 1)
    assert found.per_item["pre-03"] == (0, 0, 0)
    chosen = next(o.mistake for o in all_questions()["pre-02"].options if o.mistake)
    assert found.ideas[chosen][0] > found.ideas[chosen][1] or chosen in found.ideas
    assert sum(before for before, _ in found.ideas.values()) == 13
    assert sum(after for _, after in found.ideas.values()) == 12
    text = repr(found)
    assert all(id in text for id in items())


def test_a_skipped_question_is_not_right_and_no_idea():
    for _ in items():
        pretest(skip=True)
    answer(posttest, "posttest", lambda id: True)
    found = learning_gain()
    assert found.learners["you"].gain == 1
    assert found.ideas == {}


def test_a_class_is_summed_up_from_its_records(tmp_path, monkeypatch):
    paths = []
    sets = {"ada": (2, 14), "bob": (4, 9), "cleo": (5, None)}
    for name, (before, after) in sets.items():
        path = tmp_path / name / ".lrlesson" / "progress.json"
        monkeypatch.setenv("LRLESSON_PROGRESS", str(path))
        answer(pretest, "pretest", lambda id, n=before: id in items()[:n])
        if after is not None:
            answer(posttest, "posttest", lambda id, n=after: id in items()[:n])
        paths.append(path)
    found = learning_gain(*paths)
    assert {name: one.gain for name, one in found.learners.items()} == {
        "ada": 1,
        "bob": pytest.approx(0.5),
        "cleo": None,
    }
    assert found.per_item["pre-01"] == (1, 1, None)
    assert found.per_item["pre-03"] == (0.5, 1, 1)
    assert found.per_item["pre-10"] == (0, 0.5, 0.5)
    assert sum(before for before, _ in found.ideas.values()) == 12 + 10
    assert sum(after for _, after in found.ideas.values()) == 5
    text = repr(found)
    assert "2 of 3 learners have done both tests, on average 75 % each" in text
    assert "not done" in text


def test_what_is_no_record_is_refused(tmp_path):
    (tmp_path / "notes.json").write_text("[]")
    for name in ("notes.json", "nothing.json"):
        with pytest.raises(ValueError, match=r"^learning_gain: records = .*a progress\.json"):
            learning_gain(tmp_path / name)


def test_the_third_test_comes_a_week_later_by_the_same_command():
    take_both(set(), set(items()))
    assert "The second test is done" in repr(posttest())
    long_ago(6.9)
    assert "The second test is done" in repr(posttest())
    long_ago(7.1)
    assert "Question 1 of 5" in repr(posttest())
    assert "The second test is done" in repr(posttest(delayed=False))


def test_the_third_test_asks_first_what_the_course_has_changed():
    learnt = {"pre-02", "pre-07", "pre-11"}
    take_both(set(items()[2:6]), set(items()[2:6]) | learnt)
    asked = [question.id for question in posttest(delayed=True).questions]
    assert len(asked) == DELAYED == len(set(asked))
    assert set(asked[:3]) == learnt - set(items()[2:6])
    for question in posttest(delayed=True).questions:
        assert question == fresh(question.id, LATER)
        assert LATER != SEED


def test_the_third_test_is_recorded_apart_and_reported():
    take_both(set(), set(items()))
    first = posttest(delayed=True).questions
    test = answer(
        lambda *a, **k: posttest(*a, delayed=True, **k), "delayed", lambda id: id != first[0].id
    )
    assert [question.id for question in test.questions] == [question.id for question in first]
    assert "4 of 5 are right this time" in repr(test)
    assert first[0].ask in repr(test)
    assert len(load()["posttest"]) == 14
    assert "A week later: 4 of 5." in repr(learning_gain())
    assert retesting._standing(load()).gain == 1


def test_progress_counts_the_three_tests():
    posttest("a")
    lines = repr(progress()).splitlines()
    counts = {"pre-test": "0 of 14", "post-test": "1 of 14", "delayed test": "0 of 5"}
    for name, count in counts.items():
        (line,) = [line for line in lines if line.strip().startswith(name)]
        assert f"{count} answered" in line


def test_a_record_that_someone_edited_is_survived(progress_file):
    take_both(set(), set(items()))
    data = json.loads(progress_file.read_text())
    data["posttest"]["pre-01"]["when"] = 3
    data["posttest"]["pre-02"] = {"choice": "z"}
    data["delayed"]["pre-77"] = {"choice": "a"}
    data["gain"] = "much"
    progress_file.write_text(json.dumps(data))
    assert "13 of 14 are right" in repr(posttest(delayed=False))
    assert learning_gain().learners["you"].after == 13
