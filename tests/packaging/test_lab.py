"""`lrlesson lab`, as a process."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
import rig

LAB = [sys.executable, "-m", "lrlesson.cli", "lab"]


def refused(*arguments) -> str:
    """The one sentence on stderr of a request that ends with exit code 2."""
    done = subprocess.run([*LAB, *map(str, arguments)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2, done.stderr
    (sentence,) = done.stderr.splitlines()
    return sentence


def test_a_folder_without_the_course(tmp_path):
    assert refused(tmp_path) == (
        f"lrlesson: no course in {tmp_path}: it has no notebooks/00_start_here.ipynb; "
        "`lrlesson start my-course` writes one."
    )


def test_a_port_in_use(course):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert refused(course, "--port", port) == (
            f"lrlesson: port {port} is in use; stop what uses it or choose another port."
        )


def status(address: str, within: float = 20) -> int:
    """The answer of a server that may not listen yet."""
    end = time.monotonic() + within
    while True:
        try:
            with urllib.request.urlopen(address, timeout=within) as page:
                return page.status
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none(course, port):
    assert refused(course, f"--port={port}") == (
        f"lrlesson: port = {port}, expected a number from 1 to 65535."
    )


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
def test_without_a_display_the_address_is_printed(course, tmp_path, environment):
    """On the loopback address only, at the course's first notebook; Ctrl-C ends it well."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        environment.pop(name, None)
    for name in ("CONFIG", "DATA", "RUNTIME"):
        environment[f"JUPYTER_{name}_DIR"] = str(tmp_path / name)
    port = rig.free_port()
    keyboard, terminal = os.openpty()
    lab = subprocess.Popen(
        [*LAB, str(course), "--port", str(port)],
        env=environment,
        stdin=terminal,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        start = f"http://127.0.0.1:{port}/lab/tree/notebooks/00_start_here.ipynb?token="
        printed = next(line.strip() for line in lab.stderr if line.strip().startswith(start))
        assert status(printed) == 200
        if sys.platform == "linux":
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", port), timeout=5)
        lab.send_signal(signal.SIGINT)
        rest = lab.communicate(timeout=60)[1]
    finally:
        lab.kill()
        lab.wait()
        os.close(keyboard)
        os.close(terminal)
    assert lab.returncode == 0
    assert "Traceback" not in rest


def test_help_imports_nothing_heavy():
    """So that it answers at once."""
    code = "import sys, lrlesson.cli as cli; cli.app(['lab', '--help'], standalone_mode=False)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--port" in done.stdout
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not {"numpy", "matplotlib", "scipy", "IPython", "jupyterlab", "pytest"} & loaded
