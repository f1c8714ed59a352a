"""What docs/elsewhere.md and lesson 12 say to write is what was executed."""

import json

import phrases

BOOK = phrases.rosetta()


def test_the_page_is_the_table_that_the_tests_hold():
    """After a change: .venv/bin/python tools/phrases.py"""
    assert phrases.PAGE.read_text(encoding="utf-8") == phrases.page(BOOK)


def test_the_table_of_the_lesson_too():
    cells = json.loads(phrases.LESSON.read_text(encoding="utf-8"))["cells"]
    cell = next(one for one in cells if one["id"] == phrases.CELL)
    assert phrases.lesson_table(BOOK) in "".join(cell["source"])


def test_every_schedule_and_rule_of_the_table_is_on_the_page():
    text = phrases.PAGE.read_text(encoding="utf-8")
    for eta in BOOK.OURS:
        assert f"`{eta!r}`" in text
    for rows in BOOK.OPTIMIZERS.values():
        for theirs in rows:
            assert f"`{theirs}`" in text
