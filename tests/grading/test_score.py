"""Law: the verdict is a comparison of printed rows, made outside the kernel."""

import pytest

from lrlesson.grading.marking.score import difference, is_verdict, rows


def test_rows_are_labels_and_values_and_other_lines_are_nobodys():
    text = "debug 3\nrate | 0.5 1\nempty |\n\nno bar here\n"
    assert rows(text) == [("rate", "0.5 1"), ("empty", "")]


def test_a_print_without_line_end_does_not_hide_the_row():
    assert rows("...rate | 1\n", ["rate"]) == [("rate", "1")]


def test_the_longest_label_is_the_one_meant():
    assert rows("first rate | 1\nrate | 2\n", ["rate", "first rate"]) == [
        ("first rate", "1"),
        ("rate", "2"),
    ]


@pytest.mark.parametrize(
    ("want", "got", "same"),
    [
        ("1 2", "1.0000001 2", True),
        ("1 2", "1.00001 2", False),
        ("1 2", "1", False),
        ("1", "1 1", False),
        ("nan", "nan", True),
        ("nan", "1", False),
        ("1", "nan", False),
        ("inf", "1", False),
        ("1", "inf", False),
        ("inf", "inf", True),
        ("inf", "-inf", False),
        ("0", "1e-10", True),
        ("0", "1e-8", False),
        ("1", "True", False),
        ("", "", True),
    ],
)
def test_numbers_agree_within_the_tolerance(want, got, same):
    assert (difference([("a", want)], [("a", got)]) == "") is same


def test_the_tolerance_is_the_checks_own():
    assert difference([("a", "1")], [("a", "1.05")], rtol=0.1) == ""
    assert difference([("a", "0")], [("a", "1e-10")], atol=1e-12)


@pytest.mark.parametrize(
    ("how", "got", "same"),
    [
        ("text", "two   Words", True),
        ("text", "two others", False),
        ("exact", "Two words", True),
        ("exact", "two words", False),
    ],
)
def test_words_are_compared_as_the_check_says(how, got, same):
    assert (difference([("a", "Two words")], [("a", got)], compare=how) == "") is same


def test_what_is_wrong_is_named_without_the_value():
    said = difference([("a", "1"), ("b", "0.123")], [("a", "1"), ("b", "0.4")])
    assert said == "b: not the expected value"
    assert difference([("a", "1"), ("b", "2")], [("a", "1")]) == "b: no value"


def test_a_row_printed_twice_is_not_taken_even_if_it_is_right():
    assert difference([("a", "1")], [("a", "1"), ("a", "2")])
    assert difference([("a", "1")], [("a", "1"), ("a", "1")])
    assert difference([("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")])


@pytest.mark.parametrize(
    "text", ["True", "passed", "1", "0\n", "Correct!", "verdict | True", "None"]
)
def test_verdicts_are_known_as_such(text):
    assert is_verdict(text)


@pytest.mark.parametrize("text", ["", "0.5", "rate | 0.25", "a | True\nb | 0", "2"])
def test_values_are_not_verdicts(text):
    assert not is_verdict(text)
