"""A fresh clone, set up with nothing but Python and pip. Needs the network."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_fresh_clone_with_pip(tmp_path, environment):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    tools = tmp_path / "path"
    tools.mkdir()
    for name in ("sh", "make", "python3"):
        target = sys._base_executable if name == "python3" else shutil.which(name)
        (tools / name).symlink_to(str(target))
    environment["PATH"] = os.pathsep.join([str(tools)])

    def make(*words, **keywords):
        return subprocess.run(
            ["make", *words], cwd=clone, env=environment, capture_output=True, text=True, **keywords
        )

    first = make("setup")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "with pip" in first.stdout

    stamp = clone / ".venv" / "lrlesson-setup"
    made = stamp.stat().st_mtime_ns
    assert make("setup").stdout == ""
    assert stamp.stat().st_mtime_ns == made

    told = subprocess.run(
        [clone / ".venv/bin/python", "-I", "-c", "import lrlesson; print(lrlesson.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(told.strip()) == clone / "lrlesson" / "__init__.py"

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        lab = make("lab", f"PORT={port}")
    assert lab.returncode != 0
    assert f"port {port} is in use" in lab.stderr
