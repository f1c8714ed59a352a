"""Law: one kernel per exercise, watched; whatever a cell does is recorded and bounded in time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from lrlesson.grading.marking.run import GradingKernel, Job, run
from lrlesson.grading.marking.unsafe import PREFIX, hold, remove_abandoned

pytestmark = pytest.mark.usefixtures("bubblewrap")

ROOT = Path(__file__).parents[2]


def job(*sources, **limits):
    cells = [
        nbformat.v4.new_code_cell(
            source if isinstance(source, str) else source[0],
            metadata={
                "lrlesson": {"id": f"c{i}"}
                | ({} if isinstance(source, str) else {"timeout": source[1]})
            },
        )
        for i, source in enumerate(sources)
    ]
    return Job(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), **limits)


@pytest.fixture(scope="module")
def ordinary():
    """One run with most of what cells may do and survive."""
    os.environ["SECRET_OF_THE_INSTRUCTOR"] = "1"
    try:
        return run(
            job(
                "print('a |', 1); import sys; print('noise', file=sys.stderr); 5",
                "1/0",
                "print('still here')",
                "import warnings; warnings.warn('careful'); print('warned')",
                "input()",
                "# NBVAL_SKIP\nprint('run all the same')",
                "# NBVAL_RAISES_EXCEPTION\nraise ValueError('told')",
                "import os; print(os.listdir('.'), os.environ.get('SECRET_OF_THE_INSTRUCTOR'))",
                "import lrlesson; print(lrlesson.__file__)",
                "import lrlesson.feedback",
                "import lrlesson.grading",
                "open('solutions/04_exercise_decay.ipynb')",
                "open('../solutions/04_exercise_decay.ipynb')",
                ("while True: pass", 0.5),
                "print('after the interrupt')",
                "import sys; sys.exit(3)",
                "print('after sys.exit')",
            )
        )
    finally:
        del os.environ["SECRET_OF_THE_INSTRUCTOR"]


def said(outcome, number):
    cell = outcome.cell(f"c{number}")
    return cell.status, cell.text, cell.detail


def test_stdout_is_the_output_and_stderr_costs_nothing(ordinary):
    assert said(ordinary, 0) == ("ok", "a | 1\n", "")
    assert said(ordinary, 3) == ("ok", "warned\n", "")


def test_an_error_is_recorded_and_the_next_cell_runs(ordinary):
    assert said(ordinary, 1) == ("error", "", "ZeroDivisionError: division by zero")
    assert said(ordinary, 2) == ("ok", "still here\n", "")


def test_input_is_refused_at_once(ordinary):
    assert said(ordinary, 4)[2].startswith("StdinNotImplementedError")


def test_nbvals_comments_in_an_answer_change_nothing(ordinary):
    assert said(ordinary, 5) == ("ok", "run all the same\n", "")
    assert said(ordinary, 6) == ("error", "", "ValueError: told")


def test_the_kernel_starts_in_an_empty_folder_without_the_instructors_environment(ordinary):
    assert said(ordinary, 7) == ("ok", "[] None\n", "")


def test_the_library_is_there_without_the_checks_and_the_solutions(ordinary):
    assert said(ordinary, 8)[0] == "ok"
    assert said(ordinary, 8)[1].startswith("/lrlesson/"), "a copy, not the instructor's own folder"
    assert said(ordinary, 9)[2] == "ModuleNotFoundError: No module named 'lrlesson.feedback'"
    assert said(ordinary, 10)[2] == "ModuleNotFoundError: No module named 'lrlesson.grading'"
    assert said(ordinary, 11)[2].startswith("FileNotFoundError")
    assert said(ordinary, 12)[2].startswith("FileNotFoundError")


def test_a_cell_that_does_not_end_is_stopped_and_the_next_one_runs(ordinary):
    assert said(ordinary, 13) == ("timeout", "", "no answer within 0.5 s")
    assert said(ordinary, 14) == ("ok", "after the interrupt\n", "")


def test_sys_exit_is_an_error_like_any_other(ordinary):
    assert said(ordinary, 15)[0] == "error"
    assert said(ordinary, 16) == ("ok", "after sys.exit\n", "")


def test_a_dead_kernel_costs_seconds_and_the_rest_is_not_run():
    started = time.monotonic()
    outcome = run(job("print('first')", ("import os; os._exit(0)", 500), "print('second')"))
    assert time.monotonic() - started < 15
    assert [c.status for c in outcome.cells] == ["ok", "died", "not run"]
    assert outcome.cells[0].text == "first\n"
    assert outcome.failure == ""


def test_a_cell_that_ignores_the_interrupt_is_killed():
    ignores = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    stubborn = (f"{ignores}\nwhile True: pass", 0.5)
    started = time.monotonic()
    outcome = run(job(stubborn, "print('never')"))
    assert time.monotonic() - started < 20
    assert [c.status for c in outcome.cells] == ["timeout", "not run"]


def test_a_cell_that_had_no_processor_is_told_from_one_that_does_not_end(monkeypatch):
    loop = ("while True: pass", 0.5)
    seconds = iter(range(100))
    monkeypatch.setattr(GradingKernel, "waited", lambda self: 1.0)
    assert not run(job(loop)).starved
    monkeypatch.setattr(GradingKernel, "waited", lambda self: next(seconds))
    assert run(job(loop)).starved


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs the scheduler's word")
def test_how_long_a_kernel_has_waited_for_a_processor_is_known():
    kernel = GradingKernel(job("1"))
    try:
        assert kernel.waited() > 0
    finally:
        kernel.stop()
    assert kernel.waited() == 0


def test_output_is_bounded():
    flood = ("while True: print('x' * 1000)", 30)
    outcome = run(job("print('before')", flood, "print('after')", output_limit=50_000))
    assert [c.status for c in outcome.cells] == ["ok", "output", "not run"]
    assert outcome.cells[1].detail == "more than 50,000 characters of output"
    assert len(outcome.cells[1].text) <= 50_000


def test_the_budget_holds_for_the_exercise():
    slow = "import time; time.sleep(0.8)"
    outcome = run(job(slow, slow, slow, slow, budget=1.5))
    assert [c.status for c in outcome.cells] == ["ok", "timeout", "not run", "not run"]
    assert outcome.cells[2].detail == "the exercise used up its time"
    assert outcome.seconds < 4


@pytest.mark.slow
def test_without_a_sandbox_nothing_is_left_behind_either(tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    outcome = run(job("import os; print(os.getpid())", isolation="none"))
    pid = int(outcome.cells[0].text)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


KILLED = """
import os, signal, sys
from lrlesson.grading.marking import run as module

class Killed(module.GradingKernel):
    def new_cell(self, allowed):
        print(self.folder.name, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

module.GradingKernel = Killed
module.run(module.Job(sys.stdin.read(), isolation="none"))
"""


@pytest.mark.slow
def test_what_a_killed_grader_without_a_sandbox_leaves_is_removed_by_the_next(tmp_path):
    command = [sys.executable, "-c", KILLED]
    temporary = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    options = {"input": job("1").notebook, "text": True, "capture_output": True, "timeout": 90}
    done = subprocess.run(command, env=temporary, **options)
    assert done.returncode == -9, done.stderr
    assert len(list(tmp_path.iterdir())) == 1
    calm = (
        "import sys; from lrlesson.grading.marking.run import Job, run\n"
        "print(run(Job(sys.stdin.read(), isolation='none')).cells[0].status)"
    )
    done = subprocess.run([sys.executable, "-c", calm], env=temporary, **options)
    assert done.stdout == "ok\n", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_only_an_abandoned_folder_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("abandoned", "used", "being-made"):
        (tmp_path / f"{PREFIX}{name}" / "work").mkdir(parents=True)
    hold(tmp_path / f"{PREFIX}abandoned").close()
    with hold(tmp_path / f"{PREFIX}used"):
        remove_abandoned()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [f"{PREFIX}being-made", f"{PREFIX}used"]


def test_a_kernel_that_does_not_start_is_the_graders_trouble(monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("no more processes")

    monkeypatch.setattr("jupyter_client.manager.KernelManager.start_kernel", broken)
    outcome = run(job("print(1)"))
    assert outcome.failure == "the kernel did not start (OSError: no more processes)"


def test_the_callers_pytest_options_do_not_matter(monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only --no-such-option")
    assert run(job("print(1)")).cells[0].text == "1\n"
    assert os.environ["PYTEST_ADDOPTS"] == "--collect-only --no-such-option"
