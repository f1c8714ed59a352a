"""Law: where the machine's owner gives a memory cgroup, Linux counts and ends; else the guard."""

import os
from pathlib import Path

import pytest

from lrlesson.grading.marking.run import run
from lrlesson.grading.sandbox import memory, provisioner
from lrlesson.grading.sandbox.bubblewrap import Limits

from .test_run import job

pytestmark = pytest.mark.usefixtures("bubblewrap")
FIRST, SECOND = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
SOCKETS = """\
import os, socket, time
for _ in range(12):
    if os.fork() == 0:
        kept = []
        try:
            while True:
                kept += socket.socketpair()
                kept[-1].setblocking(False)
                try:
                    while True: kept[-1].send(bytes(4096))
                except BlockingIOError: pass
        except OSError: time.sleep(60)
time.sleep(3)
"""
GROWS = "kept = []\nwhile True: kept.append(bytearray(b'x' * (1 << 22)))"


@pytest.fixture(params=["a cgroup", "none"])
def counted(request, monkeypatch):
    """A folder as an owner gives it, where this machine has one to give; and without one."""
    folder = next(
        (top for top in (FIRST, SECOND) if os.access(top / "cgroup.procs", os.W_OK)), None
    )
    if request.param == "none" or folder is None or not (folder / "memory.stat").exists():
        monkeypatch.delenv(memory.VARIABLE, raising=False)
        yield None
        return
    home = folder / f"test-{os.getpid()}"
    home.mkdir()
    monkeypatch.setenv(memory.VARIABLE, str(home))
    yield home
    provisioner.close_all()
    assert [path.name for path in home.iterdir() if path.is_dir()] == []
    home.rmdir()


@pytest.mark.slow
def test_what_the_host_pays_for_ends_the_kernel(counted, monkeypatch):
    small = Limits(resident=300 << 20)
    monkeypatch.setattr(provisioner, "Limits", lambda **_: small)
    memory_used = "its processes used more than 300 MB of memory"
    # What is counted first ends it: their number or what they hold.
    sockets = {memory_used, "its processes had too many sockets and pipes"}
    for bomb, details in ((GROWS, {memory_used}), (SOCKETS, sockets)):
        cell = run(job((bomb, 60))).cells[0]
        assert cell.status == "died"
        assert cell.detail in details
    assert run(job("x = 2", "print(x)")).cells[1].text == "2\n"
    assert bool(memory.problem()) is (counted is None)


@pytest.mark.parametrize("name", ["/none", "/tmp"])
def test_a_folder_that_is_no_cgroup_is_said_and_done_without(name, monkeypatch):
    monkeypatch.setenv(memory.VARIABLE, name)
    assert f"{memory.VARIABLE} = {name} cannot be used" in memory.problem()
    assert memory.group(1 << 30) is None


def test_what_a_grader_left_that_was_killed_is_removed(counted):
    if counted:
        (counted / f"{memory.PREFIX}999999999-0").mkdir()
        memory.group(1 << 30).close()
        assert not (counted / f"{memory.PREFIX}999999999-0").exists()
