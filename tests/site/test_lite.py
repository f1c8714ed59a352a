"""The JupyterLite build in Chromium, which reaches nothing but the folder that was built."""

import http.server
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import rig
from playwright.sync_api import Browser, expect

from lrlesson.feedback.exercises import all_exercises

ROOT = Path(__file__).parents[2]
EXERCISE, LESSON = "exercises/04_exercise_decay.ipynb", "notebooks/02_too_low_too_high.ipynb"
ANSWER, CHECK = "step-decay-answer", "step-decay-check"
WRONG = """def step_decay(t, lr0, drop, every):
    return lr0 * drop ** ((t + 1) // every)"""
RIGHT = """def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (t // every)"""
STARTS = 400  # seconds within which the kernel is there, on a machine that has other work

pytestmark = [pytest.mark.slow, pytest.mark.browser]


STATUS = ".lrlesson-lite[role=status]"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; the interpreter anew to each Python, and only while `sends` is set."""

    sends = threading.Event()
    sends.set()

    def do_GET(self) -> None:
        if self.path.endswith(".wasm"):
            self.sends.wait()
        super().do_GET()

    def end_headers(self) -> None:
        if self.path.endswith(".wasm"):
            self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def pages(npm_and_chromium: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Server]:
    """`make lite`, and a web server for the files that come out."""
    out = tmp_path_factory.mktemp("lite")
    command = [sys.executable, ROOT / "lite" / "build.py", "--out", out]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    shutil.copy(ROOT / "tests" / "feedback" / "right.toml", out / "html")
    handler = partial(Handler, directory=out / "html")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield rig.Server(f"http://127.0.0.1:{server.server_port}/", "", out / "html")
        server.shutdown()


@pytest.fixture(scope="module")
def offline(npm_and_chromium: None) -> Iterator[Browser]:
    """A browser that finds no name: only the address of this machine is left."""
    with rig.chromium("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1") as browser:
        yield browser


class Lite(rig.Lab):
    """A window on the build; it remembers what was asked of anybody else."""

    def __init__(self, browser: Browser, server: rig.Server, width: int = 1400) -> None:
        super().__init__(browser, server, width)
        self.left: list[str] = []
        own = (server.url, "data:", "blob:")
        self.context.on(
            "request", lambda asked: asked.url.startswith(own) or self.left.append(asked.url)
        )

    def show(self, path: str) -> None:
        """Open a notebook, whatever Python does."""
        self.path = path
        self.page.goto(f"{self.server.url}lab/index.html?path={path}", timeout=180_000)
        self.page.wait_for_function("window.jupyterapp !== undefined", timeout=180_000)
        self.page.evaluate("window.jupyterapp.restored")  # with what was open before
        self.wait_in_front(path)
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=180_000)

    def wait_in_front(self, path: str) -> None:
        self.page.wait_for_function(
            "path => window.jupyterapp.shell.currentWidget?.context?.path === path",
            arg=path,
            timeout=180_000,
        )

    def open(self, path: str) -> None:
        self.show(path)
        self.wait_idle(STARTS)
        self.unfold()


@pytest.fixture(scope="module")
def lite(offline: Browser, pages: rig.Server) -> Iterator[Lite]:
    window = Lite(offline, pages)
    yield window
    window.close()
    assert window.left == []
    assert window.complaints == []


def test_an_exercise_is_checked(lite: Lite):
    lite.open(EXERCISE)
    for cell in ("imports", "feedback"):
        assert lite.run(cell) == ""
    for text, said in [(WRONG, "one step early"), (RIGHT, "Correct: step-decay")]:
        lite.write(ANSWER, text)
        lite.run(ANSWER)
        assert said in lite.run(CHECK)


def test_help_is_given(lite: Lite):
    for code, said in [
        ('summary("step-decay")', "6 of 6"),
        ('hint("gamma-for")', "Hint 1 of 3"),
        ('solution("gamma-for")', "Not yet: gamma-for"),
    ]:
        lite.write(ANSWER, code)
        assert said in lite.run(ANSWER)


def test_a_puzzle_is_answered(lite: Lite):
    """The kernel and the page talk to each other, by the widget's messages."""
    lite.write(ANSWER, 'parsons("training-loop")')
    lite.run(ANSWER)
    puzzle = lite.cell(ANSWER)
    puzzle.get_by_role("button", name="Use: t = 0").click()
    puzzle.get_by_role("button", name="Check the order").click()
    expect(puzzle.get_by_role("group", name="Not yet")).to_be_visible()


def test_every_answer_of_the_bank_is_judged_as_elsewhere(lite: Lite):
    """The right ones, in every style, and the wrong ones with their reason."""
    lite.write(
        ANSWER,
        """
import os, tomllib
from pyodide.http import open_url
from lrlesson.feedback.exercises import all_exercises
os.environ["LRLESSON_PROGRESS"] = "/tmp/progress.json"
def judged(exercise, code):
    names = {"np": np}
    exec(code, names)
    result = check(exercise.id, *[names[name] for name in exercise.names])
    return result.status, result.misconception
def disagreements(exercise):
    right = [(code, ("correct", None)) for code in bank.get(exercise.id, {}).values()]
    wrong = [(one.code, ("wrong", one.misconception)) for one in exercise.bank]
    return [pair for pair in right + wrong if judged(exercise, pair[0]) != pair[1]]
bank = tomllib.loads(open_url("ADDRESS").read())
""".replace("ADDRESS", f"{lite.server.url}right.toml"),
    )
    assert lite.run(ANSWER, seconds=STARTS) == ""
    # Hundreds of answers, several times slower than beside the browser: each exercise by itself, so
    # that a limit of time is one exercise's, and a disagreement names it.
    for name in all_exercises():
        lite.write(ANSWER, f"print(disagreements(all_exercises()[{name!r}]))")
        assert lite.run(ANSWER, seconds=STARTS).strip() == "[]", name


def test_the_self_test_is_content(lite: Lite):
    lite.write(ANSWER, "from lrlesson import self_test\nprint(self_test())")
    report = lite.run(ANSWER)
    assert "Everything works." in report
    assert "NO" not in report


def test_a_lesson_runs_from_top_to_bottom(lite: Lite):
    lite.open(LESSON)
    lite.run_all(STARTS)
    for cell in lite.cells():
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error", rig.output_text(cell)
            assert output.get("name") != "stderr", rig.output_text(cell)


def test_its_scene_answers_the_hand(lite: Lite):
    scene = lite.cell("dial-run").locator(".lrlesson-scene")
    rate = scene.get_by_role("slider", name="rate").first
    verdict = scene.locator(".lr-verdict")
    rate.press("End")
    expect(verdict).to_contain_text("diverge")
    rate.press("Home")
    expect(verdict).not_to_contain_text("diverge")


def test_a_prediction_gets_its_reply(lite: Lite):
    question = lite.cell("predict-direction").locator(".lrlesson-form")
    for group in question.get_by_role("group").all():
        group.get_by_role("radio").first.check()
    question.get_by_role("button").first.click()
    expect(question.locator(".lrlesson-reply")).not_to_be_empty()


def test_the_stop_button_says_what_ends_a_cell(lite: Lite):
    lite.menu("Kernel", "Interrupt Kernel")
    expect(lite.page.locator(STATUS)).to_contain_text("Restart Kernel")


def test_work_is_there_when_the_page_is_opened_again(lite: Lite):
    """Kept by the browser, with its scenes alive before anything is run."""
    lite.save()
    verdict = lite.cell("dial-run").locator(".lr-verdict").inner_text()
    lite.open(LESSON)
    scene = lite.cell("dial-run").locator(".lrlesson-scene")
    expect(scene.locator(".lr-verdict")).to_have_text(verdict, use_inner_text=True)
    scene.get_by_role("slider", name="rate").first.press("End")
    expect(scene.locator(".lr-verdict")).to_contain_text("diverge")


def test_what_is_run_before_python_has_started_waits_for_it(lite: Lite):
    """And is run in the order of asking; meanwhile the page says what it waits for."""
    Handler.sends.clear()
    try:
        lite.show(EXERCISE)
        status = lite.page.locator(STATUS)
        expect(status).to_have_text(re.compile(r"Python is starting, about half a minute, \d+ MB"))
        for name in ("imports", "feedback"):
            cell = lite.cell(name)
            cell.locator(".cm-content").click()
            lite.page.keyboard.press("Control+Enter")
            expect(cell.locator(".jp-InputPrompt")).to_have_text("[*]:")
    finally:
        Handler.sends.set()
    lite.wait_idle(STARTS)
    cells = [lite.cells()[lite.index(name)] for name in ("imports", "feedback")]
    assert [cell["execution_count"] for cell in cells] == [1, 2]
    expect(status).to_be_empty()


def test_on_a_phone_the_text_comes_first(offline: Browser, pages: rig.Server):
    window = Lite(offline, pages, width=390)
    window.show(EXERCISE)
    wide = "() => document.querySelector('.jp-Cell')?.getBoundingClientRect().width > 250"
    window.page.wait_for_function(wide)
    window.page.wait_for_timeout(3000)  # JupyterLab would open the list of files once more
    assert window.page.evaluate(wide)
    window.close()


def test_an_exercise_has_a_kernel_beside_the_lesson_that_leads_to_it(lite: Lite):
    lite.open("notebooks/04_decay.ipynb")
    lite.cell("modify").get_by_role("link", name="Decay by formula").click()
    lite.wait_in_front(EXERCISE)
    lite.wait_idle(STARTS)


def test_the_root_leads_to_the_first_lesson(lite: Lite):
    lite.page.goto(lite.server.url)
    lite.page.get_by_role("link", name="Begin with lesson 00").click()
    title = lite.page.get_by_role("heading", name="Start here: one number decides")
    expect(title).to_be_visible(timeout=180_000)
