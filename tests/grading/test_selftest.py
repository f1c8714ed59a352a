"""Law: every attack of the corpus gets its mark, in bounded time, and touches nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from lrlesson.grading.sandbox import bubblewrap as sandbox
from lrlesson.grading.selftest.attacks import Attack, corpus
from lrlesson.grading.selftest.run import _verdict, selftest

ROOT = Path(__file__).parents[2]
HOST = dict.fromkeys(("solutions", "submissions", "results", "home", "secret", "abstract"), "x")


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.slow
def test_the_whole_corpus_is_contained_and_the_command_says_so():
    done = subprocess.run(
        [sys.executable, "-m", "lrlesson.cli", "selftest", "--all", "-j", "2"],
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
    assert len(attacks) >= 118
    assert len({attack.name for attack in attacks}) == len(attacks)
    assert len({attack.group for attack in attacks}) == 11


def test_without_all_what_runs_into_a_time_limit_is_left_out():
    attacks = corpus({**HOST, "port": 1})
    quick = [attack for attack in attacks if not attack.slow]
    assert len(quick) > len(attacks) / 2
    assert {attack.group for attack in quick} >= {a.group for a in attacks} - {"loops"}
    assert not any("timeout" in attack.status for attack in quick)


@pytest.mark.usefixtures("bubblewrap")
def test_a_wrong_mark_is_not_called_contained(made, tmp_path):
    """The self-test can fail: the same row, judged by another expectation."""
    report = selftest(jobs=1, names={"for the reference", "by an exception"})
    assert report.contained
    assert report.user == (sandbox.unprivileged() or [None])[0]
    row = next(v.row for v in report.verdicts if v.name == "for the reference")
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
