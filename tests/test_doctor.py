"""The self-test says yes where all is well, and one remedy for each thing that is not."""

import pytest

from lrlesson import doctor


@pytest.fixture(autouse=True)
def _own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("LRLESSON_PROGRESS", str(tmp_path / "progress" / "progress.json"))


def test_everything_works_here():
    report = doctor.self_test()
    assert report.fine, repr(report)
    assert repr(report).startswith("Everything works.")
    assert "✗" not in report._repr_html_()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("numpy>=999.1", "numpy is 999.1 or newer (it is "),
        ("a-package-that-is-nowhere>=1", "a-package-that-is-nowhere is installed"),
    ],
)
def test_a_package_that_does_not_fit_is_named_with_a_remedy(monkeypatch, line, said):
    monkeypatch.setattr(doctor, "requires", lambda name: [line])
    report = doctor.self_test()
    assert not report.fine
    assert said in repr(report)
    assert "make lab" in repr(report)
    assert said in report._repr_html_()


def test_a_place_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LRLESSON_PROGRESS", str(tmp_path / "file" / "progress.json"))
    finding = doctor._storage()
    assert not finding.fine
    assert "writable" in finding.remedy
