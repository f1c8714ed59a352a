"""On a real JupyterHub a learner reads, answers and hands in; a teacher grades and gives back.

The Hub runs as root, its two users have no rights and are made for the test. Needs a network.
"""

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import rig
import uv
import websocket
from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
HUB, PROXY = "jupyterhub==6.1.1", "configurable-http-proxy@5.3.0"
LEARNER, TEACHER = f"lrl-ada-{os.getpid()}", f"lrl-tess-{os.getpid()}"
PLAIN = "/usr/local/bin:/usr/bin:/bin"  # the PATH of a service; nothing of the course is on it
LESSON, EXERCISE = "notebooks/02_too_low_too_high.ipynb", "exercises/04_exercise_decay.ipynb"
ANSWER, CHECK = "step-decay-answer", "step-decay-check"
WRONG = """def step_decay(t, lr0, drop, every):
    return lr0 * drop ** ((t + 1) // every)"""
RIGHT = """def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (t // every)"""
# As root, who may keep what Python compiles: the users may not, and would compile all of it again.
IMPORTS = (
    "import jupyterhub.singleuser.app, jupyterlab.labapp, ipykernel.kernelapp, ipywidgets, "
    "anywidget, scipy.sparse.linalg, sklearn.datasets, matplotlib.pyplot, lrlesson.feedback, "
    "lrlesson.office"
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@dataclass(frozen=True)
class Hub:
    """A running JupyterHub: its address, the token of a service that may do all, its folder."""

    url: str
    token: str
    place: Path

    @property
    def scripts(self) -> Path:
        return self.place / "env" / "bin"

    def api(self, path: str, data: Any = None) -> Any:
        """What the Hub, or a user's server, answers to a GET, or to a POST with `data`."""
        request = urllib.request.Request(
            self.url + path,
            data=None if data is None else json.dumps(data).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def start(self, user: str) -> None:
        """Start the user's server, through the Hub, and wait for it."""
        with contextlib.suppress(urllib.error.HTTPError):
            self.api(f"hub/api/users/{user}", {})  # who signed in is there already
        self.api(f"hub/api/users/{user}/server", {})
        until(120, lambda: self.api(f"hub/api/users/{user}")["servers"].get("", {}).get("ready"))

    def terminal(self, user: str, command: str) -> str:
        """What a command says in a new terminal of the user's server, and how it ended."""
        home = Path(pwd.getpwnam(user).pw_dir)
        name = self.api(f"user/{user}/api/terminals", {})["name"]
        address = f"user/{user}/terminals/websocket/{name}"
        opened = websocket.create_connection(
            self.url.replace("http", "ws") + address, header=[f"Authorization: token {self.token}"]
        )
        # Into files, since the terminal wraps lines and colours them.
        line = f"( {command} ) >said 2>&1; echo $? >code; mv code ended\r"
        with contextlib.closing(opened):
            opened.send(json.dumps(["stdin", line]))
            until(150, (home / "ended").exists)
        (home / "ended").rename(home / "code")
        return f"{(home / 'said').read_text()}\nended with {(home / 'code').read_text()}"


def until(seconds: float, done: Any) -> None:
    """Wait; an AssertionError if it takes longer."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)


def install(place: Path, python: str) -> None:
    """One environment with the course's wheel and JupyterHub, and the Hub's proxy beside it."""
    quiet = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", place, PROXY]
    with subprocess.Popen(quiet) as npm:
        building = ["-m", "build", "--wheel", "--no-isolation", "--outdir", place, ROOT]
        subprocess.run([sys.executable, *building], check=True, capture_output=True)
        (wheel,) = place.glob("*.whl")
        ours = place / "env" / "bin" / "python"
        subprocess.run([uv.find_uv_bin(), "venv", "-q", "-p", python, place / "env"], check=True)
        packages = [uv.find_uv_bin(), "pip", "install", "-q", "--python", ours]
        packages += ["-c", ROOT / "requirements.lock", f"{wheel}[course,grading]", HUB]
        subprocess.run(packages, check=True)
        subprocess.run([ours, "-c", IMPORTS], check=True)
    assert npm.returncode == 0


def settings(place: Path, url: str, token: str) -> str:
    """jupyterhub_config.py: system users, everyone has one password, a service with a token."""
    proxy = place / "node_modules" / ".bin" / "configurable-http-proxy"
    scopes = ["admin:users", "admin:servers", "access:servers"]
    return f"""\
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_port = {rig.free_port()}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{rig.free_port()}"
c.ConfigurableHTTPProxy.command = [{str(proxy)!r}]
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {token!r}
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.cmd = [{str(place / "env" / "bin" / "jupyterhub-singleuser")!r}]
c.Spawner.args = ["--LabApp.expose_app_in_browser=True"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.JupyterHub.services = [{{"name": "test", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [{{"name": "test", "services": ["test"], "scopes": {scopes!r}}}]
"""


def folder(path: Path, owner: str, group: str) -> None:
    """A folder that its owner writes and another user may read; nobody else sees into it."""
    path.mkdir(parents=True)
    shutil.chown(path, owner, group)
    path.chmod(0o2750)


@pytest.fixture(scope="module")
def hub(bubblewrap, npm_and_chromium, python_for_new_users) -> Iterator[Hub]:
    with contextlib.ExitStack() as after:
        # Not pytest's folder: it is root's alone.
        place = Path(after.enter_context(tempfile.TemporaryDirectory(prefix="lrlesson-hub-")))
        place.chmod(0o755)
        install(place, python_for_new_users)
        for user in (LEARNER, TEACHER):
            after.callback(remove, user)
            making = ["useradd", "-m", "-b", place, "-s", "/bin/bash", "-K", "HOME_MODE=0700", user]
            subprocess.run(making, check=True)
        folder(place / "handed-in" / "ada", LEARNER, TEACHER)
        folder(place / "returned" / "ada", TEACHER, LEARNER)
        private = place / "hub"  # its database and secrets
        private.mkdir(mode=0o700)
        token = os.urandom(16).hex()
        running = Hub(f"http://127.0.0.1:{rig.free_port()}/", token, place)
        (private / "config.py").write_text(settings(place, running.url, token))
        log = after.enter_context((private / "log").open("w"))
        process = subprocess.Popen(
            [running.scripts / "jupyterhub", "-f", private / "config.py"],
            cwd=private,
            env={"PATH": PLAIN, "HOME": str(private), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        after.callback(stop, process)
        is_up = "JupyterHub is now running"
        until(180, lambda: is_up in (private / "log").read_text() or process.poll() is not None)
        assert process.poll() is None, (private / "log").read_text()
        yield running


def stop(process: subprocess.Popen) -> None:
    """End the Hub, which ends its users' servers and its proxy."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def remove(user: str) -> None:
    """Remove a user, if it was made, and whatever still runs in its name."""
    with contextlib.suppress(KeyError):
        number = pwd.getpwnam(user).pw_uid
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if process.stat().st_uid == number:
                    os.kill(int(process.name), signal.SIGKILL)
        subprocess.run(["userdel", "-f", user], check=True, capture_output=True)


def test_from_the_lesson_to_the_feedback(hub: Hub, chromium: Browser):
    lrlesson, exchange = hub.scripts / "lrlesson", hub.place
    hub.start(LEARNER)
    said = hub.terminal(LEARNER, f"{lrlesson} start course")
    assert said.endswith("ended with 0\n"), said

    # The learner signs in, reads, answers wrongly, then rightly, and hands in.
    home = Path(pwd.getpwnam(LEARNER).pw_dir)
    lab = rig.Lab(chromium, rig.Server(f"{hub.url}user/{LEARNER}/", "", home))
    lab.page.goto(f"{hub.url}hub/login")
    lab.page.get_by_label("Username").fill(LEARNER)
    lab.page.get_by_label("Password").fill(hub.token)
    lab.page.get_by_role("button", name="Sign in").click()
    lab.page.wait_for_url("**/lab**")
    lab.open(f"course/{LESSON}")
    lab.run("import")
    assert "0.5" in lab.run("mirror")
    lab.open(f"course/{EXERCISE}")
    for cell in ("imports", "feedback"):
        lab.run(cell)
    for answer, verdict in ((WRONG, "one step early"), (RIGHT, "correct")):
        lab.write(ANSWER, answer)
        lab.run(ANSWER)
        assert verdict in lab.run(CHECK).lower()
    lab.save()
    assert lab.complaints == []
    lab.close()
    said = hub.terminal(LEARNER, f"cp course/{EXERCISE} {exchange}/handed-in/ada")
    assert said.endswith("ended with 0\n"), said

    # The teacher does what the doctor says of PATH, grades in the sandbox, and gives the page back.
    hub.start(TEACHER)
    said = hub.terminal(TEACHER, f"{lrlesson} start course --instructor; {lrlesson} doctor course")
    advice = re.search(r"put `(.+)` into ~/.profile", said)
    assert advice, said
    assert "NO" not in said
    hub.terminal(TEACHER, f"echo '{advice[1]}' >> ~/.profile")
    said = hub.terminal(
        TEACHER,
        f"cd course && lrlesson grade {exchange}/handed-in --out results && "
        f"lrlesson report results && cp results/report/*ada*.html {exchange}/returned/ada",
    )
    assert said.endswith("ended with 0\n"), said
    kept = Path(pwd.getpwnam(TEACHER).pw_dir, "course", "results", "results.jsonl")
    rows = {row["exercise"]: row for row in map(json.loads, kept.read_text().splitlines())}
    row = rows["step-decay"]
    assert (row["learner"], row["points"], row["status"]) == ("ada", 6, "graded")
    assert row["isolation"] == "bubblewrap"
    assert rows["gamma-for"]["status"] == "not attempted"

    # The learner reads it, and nothing else of the teacher's.
    said = hub.terminal(LEARNER, f"cat {exchange}/returned/ada/*.html")
    assert "step-decay" in said
    assert said.endswith("ended with 0\n"), said
    said = hub.terminal(LEARNER, f"cat {kept} || echo x > {exchange}/returned/ada/x")
    assert said.count("Permission denied") == 2, said
