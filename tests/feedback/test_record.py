"""The record: readable, local, never lost, and never in the way."""

import json
import multiprocessing
from pathlib import Path

import pytest

from lrlesson.feedback import check, hint, predict, pretest, progress
from lrlesson.feedback.record import changing, load, progress_path


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def test_it_is_readable_json(progress_file):
    hint("step-decay")
    predict("02-q1", "b", confidence=3)
    data = read(progress_file)
    assert data["exercises"] == {"step-decay": {"hints": 1}}
    assert data["predictions"]["02-q1"]["first"]["misconception"] == "smaller-is-safer"
    assert "\n  " in progress_file.read_text(encoding="utf-8")


def test_attempts_are_kept_with_what_was_said(progress_file):
    check("step-decay", lambda t, lr0, drop, every: lr0)
    check("step-decay", lambda t, lr0, drop, every: lr0 * drop ** (t / every))
    entry = read(progress_file)["exercises"]["step-decay"]
    assert entry["status"] == "wrong"
    assert [a["misconception"] for a in entry["attempts"]] == [
        "never-decays",
        "decays-continuously",
    ]
    assert all(a["failed"] and a["when"] for a in entry["attempts"])


def test_it_lies_at_the_root_of_the_course(tmp_path, monkeypatch):
    monkeypatch.delenv("LRLESSON_PROGRESS")
    (tmp_path / "course.toml").touch()
    (tmp_path / "exercises" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "exercises" / "deep")
    assert progress_path() == tmp_path / ".lrlesson" / "progress.json"


def test_without_a_course_it_lies_where_one_is(tmp_path, monkeypatch):
    monkeypatch.delenv("LRLESSON_PROGRESS")
    monkeypatch.chdir(tmp_path)
    assert progress_path() == tmp_path / ".lrlesson" / "progress.json"


DAMAGED = [
    "",
    '{"format": 1, "exercises": {"step-',
    "[]",
    "3",
    '{"format": 99}',
    '{"format": 1, "exercises": 3}',
    '{"format": 1, "predictions": {"02-q1": "b"}}',
    "\x00\x01",
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_record_is_kept_aside_and_said(progress_file, text):
    progress_file.parent.mkdir()
    progress_file.write_text(text)
    with pytest.warns(RuntimeWarning, match=r"damaged: it is kept as progress\.damaged-1\.json"):
        hint("step-decay")
    assert (progress_file.parent / "progress.damaged-1.json").read_text() == text
    assert read(progress_file)["exercises"]["step-decay"]["hints"] == 1


def test_text_that_is_not_utf8_counts_as_damaged(progress_file):
    progress_file.parent.mkdir()
    progress_file.write_bytes(b"\xff\xfe\x00")
    with pytest.warns(RuntimeWarning, match="damaged"):
        progress()
    assert (progress_file.parent / "progress.damaged-1.json").read_bytes() == b"\xff\xfe\x00"


def test_a_second_damaged_record_does_not_cover_the_first(progress_file):
    progress_file.parent.mkdir()
    for text in ("one", "two"):
        progress_file.write_text(text)
        with pytest.warns(RuntimeWarning, match="damaged"):
            load()
    kept = sorted(p.read_text() for p in progress_file.parent.glob("*.damaged-*.json"))
    assert kept == ["one", "two"]


@pytest.mark.parametrize(
    "data",
    [
        {"predictions": {"02-q1": {"first": {"choice": "z"}, "latest": {"choice": 7}}}},
        {"predictions": {"02-q1": {"first": 3, "latest": None}}},
        {"predictions": {"02-q1": {"latest": {"choice": "a", "confidence": "much"}}}},
        {"pretest": {"pre-01": {"choice": "q"}, "pre-02": {"choice": "c", "confidence": "x"}}},
        {"exercises": {"step-decay": {"attempts": 3}}},
        {"exercises": {"step-decay": {"attempts": ["x"], "hints": "two", "solution": True}}},
        {"exercises": {"no-such": {}}, "more": 1},
    ],
)
def test_entries_by_another_hand_are_no_obstacle(progress_file, data):
    progress_file.parent.mkdir()
    progress_file.write_text(json.dumps({"format": 1} | data))
    assert repr(predict("02-q1"))
    assert repr(progress())
    assert repr(pretest())
    hint("step-decay")
    check("step-decay", lambda t, lr0, drop, every: lr0)
    predict("02-q1", "c", confidence=2)
    assert predict("02-q1").latest == "c"


def test_where_nothing_can_be_written_everything_else_works(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LRLESSON_PROGRESS", str(tmp_path / "file" / "progress.json"))
    with pytest.warns(RuntimeWarning, match="Progress is not recorded"):
        result = check("step-decay", lambda t, lr0, drop, every: lr0)
    assert result.status == "wrong"


def test_a_failing_change_leaves_the_record_as_it_was(progress_file):
    hint("step-decay")
    before = progress_file.read_bytes()
    with pytest.raises(ZeroDivisionError), changing() as data:
        data["exercises"]["step-decay"]["hints"] = 1 / 0
    assert progress_file.read_bytes() == before
    assert [p.name for p in progress_file.parent.glob("*.new")] == []


def _count(number: int) -> None:
    for _ in range(10):
        with changing() as data:
            entry = data["exercises"].setdefault(f"x{number}", {"n": 0})
            entry["n"] += 1


def test_two_notebooks_may_write_at_once(progress_file):
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        pool.map(_count, range(4))
    counts = read(progress_file)["exercises"]
    assert {entry["n"] for entry in counts.values()} == {10}
    assert len(counts) == 4
