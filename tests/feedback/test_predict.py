"""predict and pretest: recorded first, answered then, as a form and as text."""

import json
from pathlib import Path

import pytest

from lrlesson.feedback import predict, pretest
from lrlesson.feedback.questions.bank import all_questions, of_test
from lrlesson.feedback.questions.waking import heard
from lrlesson.feedback.widgets import page


@pytest.fixture(autouse=True)
def no_forms_open():
    page.opened.clear()


def form_of(thing, key):
    """The widget that a notebook would show, and its text."""
    bundle = thing._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert bundle["text/plain"] == repr(thing)
    return page.opened[key]


def press(form, chosen=-1, confidence=-1, button=0):
    """What the page sends when a button is pressed."""
    form._receive(form.widget, {"button": button, "chosen": chosen, "confidence": confidence}, [])


def test_the_question_is_text_where_there_are_no_widgets():
    text = repr(predict("02-q1"))
    question = all_questions()["02-q1"]
    assert question.ask in text
    for option in question.options:
        assert option.text in text
        assert option.why not in text
    assert 'predict("02-q1", "a")' in text


def test_the_text_is_the_same_on_every_run():
    assert repr(predict("02-q1")) == repr(predict("02-q1"))
    assert "object at" not in repr(predict("02-q1"))


@pytest.mark.parametrize("letter", "abc")
def test_a_prediction_is_recorded_first_and_answered_when_asked(letter):
    question = all_questions()["02-q1"]
    text = repr(predict("02-q1", letter, confidence=2))
    assert "Recorded" in text
    assert 'What happened? predict("02-q1", reveal=True)' in text
    assert not any(option.why in text for option in question.options)
    assert repr(predict("02-q1")) == text
    text = repr(predict("02-q1", reveal=True))
    assert question.option(letter).why in text
    assert "66" in text
    assert ("✓ Right" in text) == (letter == question.right)
    assert repr(predict("02-q1")) == text


@pytest.mark.parametrize("letter", "abc")
def test_a_question_from_memory_is_answered_at_once(letter):
    question = all_questions()["02-r1"]
    prediction = predict("02-r1", letter)
    assert question.option(letter).why in repr(prediction)
    form = form_of(predict("02-r1"), "02-r1")
    assert form.widget.later == ""


def test_asking_what_happened_before_an_answer_reveals_nothing():
    asked = repr(predict("02-q1"))
    assert repr(predict("02-q1", reveal=True)) == asked
    assert "Recorded" in repr(predict("02-q1", "a"))


def test_the_first_answer_stays_the_prediction(progress_file):
    predict("02-q1", "b", confidence=3)
    again = predict("02-q1", "C", confidence=1)
    assert (again.choice, again.confidence, again.latest) == ("b", 3, "c")
    assert again.correct is False
    assert "Your first answer stays your prediction: The one at 5 %, which" in repr(again)
    entry = json.loads(progress_file.read_text())["predictions"]["02-q1"]
    assert (entry["first"]["choice"], entry["latest"]["choice"]) == ("b", "c")


def test_before_an_answer_nothing_is_known():
    prediction = predict("02-q1")
    assert (prediction.choice, prediction.confidence) == (None, None)
    assert (prediction.latest, prediction.correct) == (None, None)


def test_a_rerun_shows_what_was_recorded():
    predict("02-q5", "b", confidence=2)
    form = form_of(predict("02-q5"), "02-q5")
    assert form.widget.marked == {"chosen": 1, "confidence": -1}
    assert form.widget.question["confidences"] == []
    assert "Recorded" in form.widget.reply
    assert "4026" not in form.widget.reply
    predict("02-q5", reveal=True)
    assert "4026" in repr(predict("02-q5"))
    form = form_of(predict("02-q5"), "02-q5")
    assert "4026" in form.widget.reply
    assert form.widget.later == ""


def test_the_form_records_and_replies_later():
    prediction = predict("02-q4")
    form = form_of(prediction, "02-q4")
    assert form.widget.question["ask"] == all_questions()["02-q4"].ask
    assert (form.widget.reply, form.widget.later) == ("", "")
    press(form, chosen=1, confidence=2)
    assert (prediction.choice, prediction.confidence) == ("b", 3)
    assert "Recorded" in form.widget.reply
    assert "third" not in form.widget.reply
    assert form.widget.later == "I have run it: what happened?"
    press(form, button=-1)
    assert "about a third" in form.widget.reply
    assert form.widget.later == ""
    assert "Not so" in form.widget.reply
    question = all_questions()["02-q4"]
    assert question.option(question.right).text in form.widget.reply
    press(form, chosen=question.letters.index(question.right))
    assert (prediction.choice, prediction.latest) == ("b", question.right)
    assert "Not so" not in form.widget.reply


def test_a_form_pressed_without_a_choice_records_nothing():
    prediction = predict("02-q4")
    press(form_of(prediction, "02-q4"))
    assert prediction.choice is None


def test_a_rerun_closes_the_form_before_it():
    first = form_of(predict("02-q4"), "02-q4")
    second = form_of(predict("02-q4"), "02-q4")
    assert first.widget.comm is None
    assert second.widget.comm is not None


@pytest.mark.parametrize("answer", ["e", "", "66", 1])
def test_an_answer_that_is_no_option_is_refused(answer):
    with pytest.raises(ValueError, match="expected one of a, b, c"):
        predict("02-q1", answer)


@pytest.mark.parametrize("confidence", [0, 4, 2.0, "2", True])
def test_a_confidence_out_of_range_is_refused(confidence):
    with pytest.raises(ValueError, match="expected 1 "):
        predict("02-q1", "a", confidence=confidence)


def test_an_option_may_be_named_by_its_text():
    assert predict("02-q1", all_questions()["02-q1"].option("c").text).choice == "c"


@pytest.mark.parametrize("id", ["02-q9", "2-q1", "pre-01", 7])
def test_an_unknown_question_is_refused(id):
    with pytest.raises(ValueError, match="There are 00-q1"):
        predict(id, "a")


def test_the_pretest_goes_on_where_it_was_left():
    assert "Question 1 of 5" in repr(pretest())
    assert "Question 2 of 5" in repr(pretest("a", confidence=1))
    assert "Question 3 of 5" in repr(pretest(skip=True))
    assert "Question 3 of 5" in repr(pretest())


def test_the_pretest_says_nothing_until_its_end():
    for number in range(1, 5):
        text = repr(pretest("a"))
        assert f"Question {number + 1} of 5" in text
        assert "Right" not in text
        assert "Not so" not in text


def test_the_report_names_ideas_and_lessons_and_no_answers():
    questions = of_test("pre")
    wrong_letters = ["a" if q.right != "a" else "b" for q in questions]
    for letter in wrong_letters:
        pretest(letter, confidence=3)
    text = repr(pretest())
    assert "0 of 5" in text
    assert "The nearer to the stability limit, the faster." in text
    for question in questions:
        assert question.ask not in text
        for option in question.options:
            assert option.why not in text
        assert question.option(question.right).text not in text


def test_a_perfect_pretest_has_an_empty_list():
    for question in of_test("pre"):
        pretest(question.right, confidence=2)
    text = repr(pretest())
    assert "5 of 5" in text
    assert "idea" not in text
    assert repr(pretest("a")) == text


def test_the_pretest_form_goes_through_all_items():
    test = pretest()
    form = form_of(test, "pretest")
    for number in range(5):
        assert form.widget.question["title"] == f"Question {number + 1} of 5"
        assert form.widget.marked == {"chosen": -1, "confidence": -1}
        assert form.widget.reply == ""
        press(form, chosen=0, confidence=0, button=number % 2)
    assert form.widget.question == {}
    assert "The first test is done" in form.widget.reply
    assert repr(test).startswith("○ The first test is done")


def test_the_whole_first_test_may_be_skipped():
    form = form_of(pretest("a"), "pretest")
    press(form, button=2)
    assert "The first test is done" in form.widget.reply
    assert "of 5 agree" in repr(pretest())


def test_the_whole_first_test_may_be_skipped_by_typing():
    assert "0 of 5 agree" in repr(pretest(skip="all"))
    with pytest.raises(ValueError, match="skip = 'some', expected True, False or"):
        pretest(skip="some")


def test_how_sure_one_is_is_asked_where_it_is_used():
    """The report on the first test says of which mistaken idea one was sure; a prediction's reply
    is the same either way."""
    assert form_of(pretest(), "pretest").widget.question["confidences"]
    assert not form_of(predict("02-q4"), "02-q4").widget.question["confidences"]


def test_a_press_without_a_choice_does_not_skip_a_question():
    test = pretest()
    form = form_of(test, "pretest")
    press(form)
    assert "Question 1 of 5" in repr(test)


def test_an_answer_reads_the_record_twice_at_most(progress_file, monkeypatch):
    """Once to change it, once to reply."""
    shown = predict("02-q1")
    shown._repr_mimebundle_()
    reads = []
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda p, *a, **k: reads.append(p) or read(p, *a, **k))
    shown._pressed(0, "a", 2)
    assert 1 <= reads.count(progress_file) <= 2
    reads.clear()
    shown._repr_mimebundle_()
    assert reads.count(progress_file) == 1


def told(**message: object) -> dict[str, str]:
    """What the page gets from a kernel in which the form was never shown."""
    return json.loads(repr(heard(json.dumps(message))))


def test_a_form_that_python_does_not_know_is_heard_all_the_same():
    assert told(key="02-q4") == {"reply": "", "later": ""}
    answer = told(key="02-q4", button=0, chosen=1, confidence=2)
    assert "Recorded" in answer["reply"]
    assert answer["later"] == "I have run it: what happened?"
    recorded = predict("02-q4")
    assert (recorded.choice, recorded.confidence) == ("b", 3)
    assert "Recorded" not in told(key="02-q4", button=-1)["reply"]
    assert predict("02-q4").revealed


def test_a_sleeping_test_takes_the_question_that_it_stands_at_and_no_other():
    first, second, *_ = pretest().questions
    assert heard(json.dumps({"key": f"pretest/{first.id}"})) is None
    assert heard(json.dumps({"key": f"pretest/{second.id}", "button": 0, "chosen": 0})) is None
    assert "Run this cell" in told(key=f"pretest/{first.id}", button=0, chosen=0)["reply"]
    assert pretest().asked() == second


def test_a_sleeping_puzzle_is_judged():
    assert told(key="puzzle/training-loop")["reply"] == ""
    assert "Not yet" in told(key="puzzle/training-loop", order=[1])["reply"]
