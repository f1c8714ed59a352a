"""Law: every attack of the corpus gets its mark, in bounded time, and touches nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from lrlesson.grading.sandbox import bubblewrap as sandbox
from lrlesson.grading.selftest.attacks import Attack, corpus
from lrlesson.grading.selftest.run import _verdict, selftest

ROOT = Path(__file__).parents[2]
SOME = {
    "prints the expected text",
    "drops statements by an ast_transformer",
    "sends messages of its own",
    "sends messages that are no messages",
    "os._exit",
    "kills its parent and every process it sees",
    "in a forked daemon",
    "in atexit",
    "memory without a process",
    "processes",
    "a disk full of bytes",
    "output",
    "for the reference",
    "for other submissions",
    "at its parents' memory",
    "into Python itself",
    "to a server on this machine",
    "to a local socket",
    "by new namespaces",
    "by tracing its parent",
    "the library's own answer",
    "markup and terminal escapes",
    "a duplicate id",
    "a pickle",
    "a zip bomb",
    "a zip whose paths climb",
}
HOST = dict.fromkeys(("solutions", "submissions", "results", "home", "secret", "abstract"), "x")


def wrong(report):
    return {verdict.name: verdict.wrong for verdict in report.verdicts if verdict.wrong}


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.slow
def test_a_part_of_the_corpus_is_contained():
    report = selftest(jobs=2, names=SOME)
    assert wrong(report) == {}
    assert report.contained
    assert {v.name for v in report.verdicts if v.row} == SOME
    assert report.user == (sandbox.unprivileged() or [None])[0]


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.slow
def test_the_whole_corpus_is_contained_and_the_command_says_so():
    done = subprocess.run(
        [sys.executable, "-m", "lrlesson.cli", "selftest", "-j", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout
    assert " 0 not contained." in done.stdout
    for attack in corpus({**HOST, "port": 1}):
        assert attack.group in done.stdout


def test_the_corpus_names_every_kind_and_no_attack_twice():
    attacks = corpus({**HOST, "port": 1})
    assert len(attacks) >= 95
    assert len({attack.name for attack in attacks}) == len(attacks)
    assert len({attack.group for attack in attacks}) == 9
    assert {attack.name for attack in attacks} >= SOME


@pytest.mark.usefixtures("bubblewrap")
def test_a_wrong_mark_is_not_called_contained(made, tmp_path):
    """The self-test can fail: the same row, judged by another expectation."""
    report = selftest(jobs=1, names={"for the reference"})
    row = next(v.row for v in report.verdicts if v.row)
    assert _verdict(Attack("for the reference", points=2), row).wrong == ""
    assert "2 points, not 0" in _verdict(Attack("for the reference"), row).wrong
    assert "status" in _verdict(Attack("x", points=2, status=("died",)), row).wrong
    assert "anomaly" in _verdict(Attack("x", points=2, anomaly="library"), row).wrong
    assert _verdict(Attack("x"), None).wrong == "no row"


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.slow
def test_without_a_sandbox_the_attacks_do_succeed(tmp_path):
    """What the corpus is worth: unsafe, a probe does reach what it looks for."""
    from lrlesson.grading.marking.run import UNSAFE, Job, run

    from .test_run import job

    secret = tmp_path / "secret"
    secret.write_text("x")
    attack = next(
        a for a in corpus({**HOST, "port": 1, "home": tmp_path}) if a.name.startswith("into the ho")
    )
    made = job(attack.source, "print(double(1))")
    assert run(Job(made.notebook, isolation=UNSAFE)).cells[1].text == "3\n"
    assert run(made).cells[1].text == "2\n"
