"""Drive the real JupyterLab in the system's Chromium, for the browser tests and the pictures.

    with lab_server(course) as server, chromium() as browser:
        lab = Lab(browser, server)
        lab.open("notebooks/02_too_low_too_high.ipynb")
        lab.run_all()

Actions go through menus, keys and the mouse, as a learner's do. The application object that
JupyterLab can be asked to expose serves only to wait for it, to scroll and to open folds.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).parents[1]
COURSE = ["notebooks", "exercises", "course.toml"]
NAMES = ["chromium", "chromium-browser", "google-chrome"]
FLAGS = [
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The path of the system's Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """The system's Chromium, without a window; with more flags than the usual ones."""
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=[*FLAGS, *more, *["--no-sandbox"] * as_root],
        )
        try:
            yield browser
        finally:
            browser.close()


def free_port() -> int:
    """A port of the loopback address that nothing uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def copy_course(to: Path) -> Path:
    """Copy what a learner works in to a new folder."""
    to.mkdir(parents=True)
    for name in COURSE:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, to / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints")
            )
        else:
            shutil.copy(ROOT / name, to / name)
    return to


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: its address with a final slash, its token and its folder."""

    url: str
    token: str
    folder: Path


@contextmanager
def lab_server(
    folder: Path,
    private: Path,
    within: float = 120,
    python: str | Path = sys.executable,
    port: int | None = None,
) -> Iterator[Server]:
    """`lrlesson lab` on a copy of the course, with configuration and history of its own.

    private is a folder for what JupyterLab would keep in the user's home; port, where it listens.
    """
    environment = {name: value for name, value in os.environ.items() if "JUPYTER" not in name}
    environment |= {
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "IPYTHONDIR": str(private / "ipython"),
    }
    (private / "config").mkdir(parents=True, exist_ok=True)
    (private / "config" / "jupyter_lab_config.json").write_text(
        json.dumps({"LabApp": {"expose_app_in_browser": True}})
    )
    log = private / "log"
    port = port or free_port()
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, "-m", "lrlesson.cli", "lab", folder, "--no-browser", f"--port={port}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _wait_for_server(process, private / "runtime", folder, log, within)
    finally:
        process.terminate()  # a shell that runs us in the background has Ctrl-C ignored
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_server(
    process: subprocess.Popen, runtime: Path, folder: Path, log: Path, within: float
) -> Server:
    end = time.monotonic() + within
    while time.monotonic() < end and process.poll() is None:
        for file in runtime.glob(f"jpserver-{process.pid}.json"):
            try:
                found = json.loads(file.read_text())
                urllib.request.urlopen(f"{found['url']}api?token={found['token']}", timeout=5)
            except (ValueError, urllib.error.URLError):
                continue
            return Server(found["url"], found["token"], folder)
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start within {within} s:\n{log.read_text()}")


class Lab:
    """One browser window on a JupyterLab server."""

    def __init__(self, browser: Browser, server: Server, width: int = 1400, height: int = 1000):
        self.server = server
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.context.set_default_timeout(60_000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def close(self) -> None:
        """Close the window."""
        self.context.close()

    def open(self, path: str, folded: bool = False) -> None:
        """Open one notebook, alone, with its folds opened, and wait until its kernel is ready."""
        self.path = path
        self.page.goto(f"{self.server.url}lab/tree/{path}?reset&token={self.server.token}")
        self.page.wait_for_function("window.jupyterapp !== undefined")
        self.page.evaluate("window.jupyterapp.restored")
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
        self.wait_idle(60)
        if not folded:
            self.unfold()

    def turn_to(self, path: str) -> None:
        """Open another notebook, folded, in this one's place: on its page and with its kernel.

        This spares the time of loading the page and of starting a kernel that imports anew. The
        kernel's widgets are closed: the page would bring all of them back in the next notebook.
        """
        self.path = path
        self.page.evaluate(
            """async path => {
                const { commands, shell } = window.jupyterapp;
                const last = shell.currentWidget;
                const { kernel } = last.sessionContext.session;
                const code = 'import ipywidgets; ipywidgets.Widget.close_all()';
                await kernel.requestExecute({ code, store_history: false }).done;
                const { id } = kernel;
                const next = await commands.execute('docmanager:open', { path, kernel: { id } });
                await next.revealed;
                if (next !== last) last.dispose();
            }""",
            path,
        )
        self.wait_idle(60)

    def unfold(self) -> None:
        """Open all folds."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:expand-all-headings')")

    def wait_idle(self, seconds: float = 120) -> None:
        """Wait until no cell waits or runs and the kernel is idle."""
        self.page.wait_for_function(
            """() => {
                const panel = window.jupyterapp.shell.currentWidget;
                const kernel = panel?.sessionContext?.session?.kernel;
                return kernel?.status === 'idle' && !kernel.hasPendingInput &&
                    panel.content.widgets.every(cell => cell.model.executionState !== 'running');
            }""",
            timeout=seconds * 1000,
        )

    def menu(self, *labels: str) -> None:
        """Choose an entry of the menu bar."""
        bar, *entries = labels
        self.page.locator(".lm-MenuBar-item", has_text=bar).first.click()
        for entry in entries:
            self.page.locator(f'.lm-Menu-item:has(.lm-Menu-itemLabel:text-is("{entry}"))').click()

    def run_all(self, seconds: float = 120) -> None:
        """Run every cell, through the menu."""
        with self._until_done("notebook:run-all-cells", seconds):
            self.menu("Run", "Run All Cells")

    @contextmanager
    def _until_done(self, command: str, seconds: float) -> Iterator[None]:
        """Wait for the end of a command that is started in the meantime, and for the kernel."""
        self.page.evaluate(
            """command => {
                const { commands } = window.jupyterapp;
                window.commandIsDone = false;
                const watch = (_, { id, result }) => {
                    if (id !== command) return;
                    commands.commandExecuted.disconnect(watch);
                    result.finally(() => { window.commandIsDone = true; });
                };
                commands.commandExecuted.connect(watch);
            }""",
            command,
        )
        yield
        self.page.wait_for_function("window.commandIsDone", timeout=seconds * 1000)
        self.wait_idle(seconds)

    def stop_kernel(self) -> None:
        """Shut the kernel down, through the menu."""
        self.menu("Kernel", "Shut Down Kernel")
        self.page.wait_for_function(
            "() => !window.jupyterapp.shell.currentWidget.sessionContext.session"
        )

    def save(self) -> Path:
        """Save through the menu; the notebook's file."""
        with self._until_done("docmanager:save", 60):
            self.menu("File", "Save Notebook")
        return self.server.folder / self.path

    def cell(self, cell_id: str) -> Locator:
        """Scroll to a cell, which JupyterLab then draws.

        It guesses how high the cells are that it has not drawn: far down it takes a few times, and
        the same request twice is none.
        """
        index = self.index(cell_id)
        scroll = """([index, align]) => {
            const cells = window.jupyterapp.shell.currentWidget.content;
            const drawn = cells.widgets[index].isAttached;
            cells.scrollToItem(index, drawn ? 'start' : align);
            return drawn;
        }"""
        for align in ("start", "auto") * 5:
            if self.page.evaluate(scroll, [index, align]):
                break
            self.page.wait_for_timeout(700)
        found = self.page.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')
        found.wait_for()
        return found

    def index(self, cell_id: str) -> int:
        """The position of the cell with this id."""
        return [cell["id"] for cell in self.cells()].index(cell_id)

    def cells(self) -> list[dict[str, Any]]:
        """Every cell, as it would be saved."""
        return self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"
        )

    def write(self, cell_id: str, text: str) -> None:
        """Replace a cell's text through its editor."""
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def run(self, cell_id: str, seconds: float = 60) -> str:
        """Run one cell with Ctrl+Enter; what is then to be read below it."""
        cell = self.cell(cell_id)
        cell.locator(".cm-content").click()
        with self._until_done("notebook:run-cell", seconds):
            self.page.keyboard.press("Control+Enter")
        shown = cell.locator(".jp-OutputArea")
        return shown.inner_text() if shown.count() else ""


def output_text(cell: dict[str, Any]) -> str:
    """What a cell printed and showed, as text."""
    texts = []
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream":
            texts.append(output["text"])
        elif output["output_type"] == "error":
            texts.append(f"{output['ename']}: {output['evalue']}")
        else:
            texts.append(output["data"].get("text/plain", ""))
    return "\n".join("".join(text) for text in texts)
