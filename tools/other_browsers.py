"""Drive browsers other than Chromium, by keys and mouse, as a learner uses them.

Firefox ESR is spoken to by WebDriver BiDi, which it understands itself; WebKitGTK by WebDriver,
through Debian's WebKitWebDriver.
"""

import itertools
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rig
import websocket

STARTS = 400  # seconds for an answer of a browser on a busy machine
KEYS = {
    "Control": "\ue009",
    "Enter": "\ue007",
    "End": "\ue010",
    "Home": "\ue011",
    "Right": "\ue014",
}


class Failed(Exception):
    """A step did not do what it should; the reason."""


class Window:
    """One window of a browser, by either protocol; a subclass says how a command is sent."""

    def close(self) -> None:
        """End the session."""

    def go(self, url: str) -> None:
        """Open an address."""
        raise NotImplementedError

    def run(self, script: str, *values: Any) -> Any:
        """What a function of JavaScript, which may be async, makes of these values."""
        raise NotImplementedError

    def act(self, *sources: dict[str, Any]) -> None:
        """Actions of keyboard and pointer, in WebDriver's own words, which both protocols share."""
        raise NotImplementedError

    def picture(self, file: Path) -> None:
        """Write what is seen as a PNG."""
        raise NotImplementedError

    def until(self, script: str, *values: Any, seconds: float = 60) -> Any:
        """Wait until a function answers something that is true; the answer."""
        end = time.monotonic() + seconds
        while not (found := self.run(script, *values)):
            if time.monotonic() > end:
                raise Failed(f"not within {seconds:g} s: {script} of {', '.join(map(str, values))}")
            time.sleep(0.2)
        return found

    def place(self, selector: str, share: float = 0.5) -> tuple[int, int]:
        """Bring an element into view; a point on it, this share of its width from its left edge."""
        x, y = self.until(
            """async (selector, share) => {
                const found = document.querySelector(selector);
                if (!found) return null;
                found.scrollIntoView({ block: "center" });
                await new Promise((done) => setTimeout(done, 150));
                const { x, y, width, height } = found.getBoundingClientRect();
                return width && [Math.round(x + share * width), Math.round(y + height / 2)];
            }""",
            selector,
            share,
        )
        return x, y

    def mouse(self, *steps: dict[str, Any]) -> None:
        """Actions of the mouse."""
        kind = {"pointerType": "mouse"}
        self.act({"type": "pointer", "id": "mouse", "parameters": kind, "actions": list(steps)})

    def click(self, selector: str) -> None:
        """Click in the middle of an element."""
        x, y = self.place(selector)
        self.mouse(
            _move(x, y), {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}
        )

    def drag(self, selector: str, start: float, end: float) -> None:
        """Drag across an element, between two shares of its width."""
        (x, y), (to, _) = self.place(selector, start), self.place(selector, end)
        between = [_move(round(x + k * (to - x) / 8), y) for k in range(1, 9)]
        down, up = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
        self.mouse(_move(x, y), down, *between, up)

    def keys(self, *names: str) -> None:
        """Press keys together, and let them go."""
        values = [KEYS.get(name, name) for name in names]
        steps = [{"type": "keyDown", "value": value} for value in values]
        steps += [{"type": "keyUp", "value": value} for value in reversed(values)]
        self.act({"type": "key", "id": "keys", "actions": steps})

    def type(self, text: str) -> None:
        """Type a line."""
        ways = ("keyDown", "keyUp")
        steps = [{"type": way, "value": letter} for letter in text for way in ways]
        self.act({"type": "key", "id": "keys", "actions": steps})


def _move(x: int, y: int) -> dict[str, Any]:
    return {"type": "pointerMove", "x": x, "y": y, "duration": 20}


class Firefox(Window):
    """Firefox by WebDriver BiDi, over its own web socket."""

    name, program = "Firefox ESR", "firefox-esr"

    def __init__(self, folder: Path) -> None:
        profile = folder / "profile"
        profile.mkdir()
        quiet = {
            "app.update.enabled": False,
            "browser.shell.checkDefaultBrowser": False,
            "browser.startup.homepage_override.mstone": "ignore",
            "datareporting.policy.dataSubmissionEnabled": False,
        }
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in quiet.items()]
        (profile / "user.js").write_text("\n".join(lines))
        command = [self.program, "--headless", "--no-remote", "--remote-debugging-port=0"]
        command += ["--width=1300", "--height=1000", "--profile", str(profile)]
        self._process = _start(command, folder / "log")
        at = _wait(lambda: json.loads((profile / "WebDriverBiDiServer.json").read_text()))
        url = f"ws://{at['ws_host']}:{at['ws_port']}/session"
        self._socket = websocket.create_connection(url, timeout=STARTS, suppress_origin=True)
        self._numbers = itertools.count(1)
        about = self._ask("session.new", capabilities={})["capabilities"]
        self.version = about["browserVersion"]
        self._tab = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def _ask(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv())).get("id") != number:
            pass  # an event
        if answer["type"] == "error":
            raise Failed(f"{method}: {answer['error']}: {answer['message'][:200]}")
        return answer["result"]

    def go(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def run(self, script: str, *values: Any) -> Any:
        text = (
            f"(async () => JSON.stringify(await ({script})(...{json.dumps(values)})) ?? 'null')()"
        )
        target = {"context": self._tab}
        said = self._ask("script.evaluate", expression=text, target=target, awaitPromise=True)
        if said["type"] != "success":
            raise Failed(said["exceptionDetails"]["text"])
        return json.loads(said["result"]["value"])

    def act(self, *sources: dict[str, Any]) -> None:
        self._ask("input.performActions", context=self._tab, actions=list(sources))

    def picture(self, file: Path) -> None:
        said = self._ask("browsingContext.captureScreenshot", context=self._tab)
        file.write_bytes(b64decode(said["data"]))

    def close(self) -> None:
        self._socket.close()
        _stop(self._process)


class WebKit(Window):
    """WebKitGTK by WebDriver, on a screen that nobody sees."""

    name, program = "WebKitGTK", "WebKitWebDriver"

    def __init__(self, folder: Path) -> None:
        port = rig.free_port()
        screen = ["xvfb-run", "-a", "--server-args=-screen 0 1300x1000x24"]
        command = [*screen, self.program, "--host=127.0.0.1", f"--port={port}"]
        self._process = _start(command, folder / "log")
        self._url = f"http://127.0.0.1:{port}"
        _wait(lambda: self._ask("GET", "/status"))
        wanted = {"capabilities": {"alwaysMatch": {}}}
        session = self._ask("POST", "/session", wanted)
        self.version = session["capabilities"]["browserVersion"]
        self._url += f"/session/{session['sessionId']}"
        limits = {"script": 1000 * STARTS, "pageLoad": 1000 * STARTS}
        self._ask("POST", "/timeouts", limits)
        self._ask("POST", "/window/rect", {"x": 0, "y": 0, "width": 1300, "height": 1000})

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=STARTS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            said = json.load(error)["value"]
            raise Failed(f"{path}: {said['error']}: {said['message'][:200]}") from None

    def go(self, url: str) -> None:
        self._ask("POST", "/url", {"url": url})

    def run(self, script: str, *values: Any) -> Any:
        text = f"""const done = arguments[arguments.length - 1];
            const run = async () => ({script})(...{json.dumps(values)});
            run().then(
              (value) => done({{ value: value ?? null }}),
              (error) => done({{ error: `${{error}}` }}));"""
        said = self._ask("POST", "/execute/async", {"script": text, "args": []})
        if "error" in said:
            raise Failed(said["error"])
        return said["value"]

    def act(self, *sources: dict[str, Any]) -> None:
        self._ask("POST", "/actions", {"actions": list(sources)})

    def picture(self, file: Path) -> None:
        file.write_bytes(b64decode(self._ask("GET", "/screenshot")))

    def close(self) -> None:
        self._ask("DELETE", "")
        _stop(self._process)


BROWSERS: list[type[Firefox] | type[WebKit]] = [Firefox, WebKit]


def missing(browser: type[Firefox] | type[WebKit]) -> str:
    """The Debian packages that a browser needs and that are not there; "" if it can be started."""
    needs = {"firefox-esr": "firefox-esr"}
    if browser is WebKit:
        needs = {"WebKitWebDriver": "webkit2gtk-driver", "xvfb-run": "xvfb"}
    return " ".join(package for program, package in needs.items() if not shutil.which(program))


def _start(command: list[str], log: Path) -> subprocess.Popen:
    """In a group of its own, which ends with it."""
    with log.open("w") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)


def _stop(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(ask: Callable[[], Any], seconds: float = 120) -> Any:
    """What a question answers as soon as it can be asked."""
    end = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except (OSError, ValueError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


SCENE = ".lrlesson-scene"
VERDICT = "(at) => document.querySelector(at + ' .lr-verdict')?.innerText"
SAYS = (
    "(at, word, yes) => { const said = document.querySelector(at)?.innerText; "
    "return said !== undefined && said.includes(word) === yes; }"
)


def says(window: Window, selector: str, word: str, yes: bool = True, seconds: float = 60) -> None:
    """Wait until an element's text has this word, or has it no more."""
    window.until(SAYS, selector, word, yes, seconds=seconds)


def dial_by_keys(window: Window, scene: str) -> None:
    """End and Home bring the rate dial to its ends; in between → moves it by one."""
    slider = f"{scene} input[type=range]"
    window.click(slider)
    for key, diverges in (("End", True), ("Home", False)):
        window.keys(key)
        says(window, f"{scene} .lr-verdict", "diverge", diverges)
    before = window.run(VERDICT, scene)
    window.keys("Right")
    window.until("(at, before) => document.querySelector(at + ' .lr-verdict').innerText !== before",
                 scene, before)  # fmt: skip


def dial_by_mouse(window: Window, scene: str) -> None:
    """The thumb follows the mouse to both ends."""
    slider = f"{scene} input[type=range]"
    window.click(slider)
    for start, end, diverges in ((0.5, 0.99, True), (0.99, 0.01, False)):
        window.drag(slider, start, end)
        says(window, f"{scene} .lr-verdict", "diverge", diverges)


def composer_family(window: Window, scene: str) -> None:
    """Another family is another formula."""
    says(window, f"{scene} .lr-large", "/50")
    window.click(f"{scene} .lr-icons label:nth-child(6)")
    says(window, f"{scene} .lr-large", "cos")
