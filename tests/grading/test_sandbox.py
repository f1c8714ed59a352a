"""Law: a kernel in the sandbox sees nothing of the host, changes nothing, and leaves nothing."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

from lrlesson.grading import GradeError, grade
from lrlesson.grading.errors import SandboxError
from lrlesson.grading.marking.run import Job, run
from lrlesson.grading.sandbox import bubblewrap as sandbox
from lrlesson.grading.sandbox import mounts
from lrlesson.grading.sandbox.bubblewrap import INSIDE, Limits, Sandbox

pytestmark = pytest.mark.usefixtures("bubblewrap")

ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
CONNECTION = {
    "transport": "ipc",
    "ip": "/ipc/k",
    "key": "key",
    "signature_scheme": "hmac-sha256",
    **{f"{name}_port": i for i, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)},
}


def printed(*sources):
    cells = [
        nbformat.v4.new_code_cell(text, metadata={"lrlesson": {"id": f"c{i}", "timeout": 20}})
        for i, text in enumerate(sources)
    ]
    outcome = run(Job(nbformat.writes(nbformat.v4.new_notebook(cells=cells))))
    assert outcome.failure == ""
    return [cell.text or f"{cell.status} {cell.detail}" for cell in outcome.cells]


@pytest.fixture(scope="module")
def inside():
    """What a kernel sees of its surroundings."""
    names = {
        "root": "sorted(os.listdir('/'))",
        "processes": "[int(p) for p in os.listdir('/proc') if p.isdigit()]",
        "environment": "dict(os.environ)",
        "status": "open('/proc/self/status').read()",
        "devices": "sorted(os.listdir('/dev'))",
        "interfaces": "open('/proc/net/dev').read()",
        "mounts": "open('/proc/mounts').read()",
        "here": "(os.getcwd(), os.listdir('.'))",
        "nproc": "resource.getrlimit(resource.RLIMIT_NPROC)",
        "loaded": "[m in sys.modules for m in ('numpy', 'matplotlib.pyplot')]",
    }
    sources = [f"import os, sys, resource\nprint(repr({code}))" for code in names.values()]
    return {n: eval(text) for n, text in zip(names, printed(*sources), strict=True)}


def test_it_sees_the_system_and_nothing_of_the_host(inside):
    assert not {"home", "var", "sys", "opt", "boot", "mnt", "run"} & set(inside["root"])
    assert inside["here"] == ("/learner/work", [])
    assert inside["devices"] == ["fd", "full", "null", "random", "shm", "urandom"]


def test_it_is_alone_in_its_process_table(inside):
    assert inside["processes"] == [1, 2]


def test_it_gets_none_of_the_graders_environment(inside):
    own = {"PWD", "TERM", "PAGER", "GIT_PAGER", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"}
    assert set(inside["environment"]) - own - {"PYDEVD_USE_FRAME_EVAL"} == set(INSIDE)


def test_it_has_no_capability_and_no_way_to_get_one(inside):
    lines = dict(line.split(":\t", 1) for line in inside["status"].splitlines())
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(lines[name], 16) == 0, name
    assert (lines["NoNewPrivs"], lines["Seccomp"]) == ("1", "2")
    assert lines["Uid"].split() == ["1000"] * 4


def test_it_has_no_network(inside):
    devices = [line.split(":")[0].strip() for line in inside["interfaces"].splitlines()[2:]]
    assert set(devices) <= {"lo"}


def test_all_that_can_be_written_is_small_and_in_memory(inside):
    writable = [m.split()[:3] for m in inside["mounts"].splitlines() if "rw" in m.split()[3][:2]]
    kinds = {kind for _, _, kind in writable}
    places = {place for _, place, kind in writable if kind == "tmpfs"}
    # A course that itself lies in /tmp keeps that folder, read-only.
    assert {"/learner", "/dev/shm"} <= places <= {"/learner", "/dev/shm", "/tmp"}
    assert not kinds & {"ext4", "xfs", "btrfs", "overlay"} or all(
        place.startswith("/dev/") for _, place, kind in writable if kind not in ("tmpfs", "proc")
    )


def test_its_limits_are_set_and_it_was_forked_warm(inside):
    assert inside["nproc"] == (Limits.processes, Limits.processes)
    assert inside["loaded"] == [True, True]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("open('/usr/evil', 'w')", "Read-only file system"),
        ("open('/evil', 'w')", "Read-only file system"),
        ("open('/dev/evil', 'w')", "Read-only file system"),
        ("open('/ipc/evil', 'w')", "Read-only file system"),
        ("open('/lrlesson/evil', 'w')", "Read-only file system"),
        ("open('/proc/sys/user/max_user_namespaces', 'w')", "Read-only file system"),
        ("open('/proc/1/mem')", "Permission denied"),
        ("import os; os.unshare(0) if hasattr(os, 'unshare') else os.setuid(0)", "not permitted"),
        ("import os; os.memfd_create('x')", "not permitted"),
        ("import os; os.chroot('.')", "not permitted"),
    ],
)
def test_what_it_may_not_do(source, said, refused):
    assert said in refused[source] or "Invalid argument" in refused[source]


@pytest.fixture(scope="module")
def refused(request):
    sources = [
        mark.args[1]
        for item in request.session.items
        if item.originalname == "test_what_it_may_not_do"
        for mark in item.iter_markers("parametrize")
    ]
    wanted = [source for source, _ in sources[0]]
    return dict(zip(wanted, printed(*wanted), strict=True))


def test_no_namespace_can_be_made_inside():
    code = "import ctypes\nl = ctypes.CDLL(None, use_errno=True)\n"
    code += "print([l.syscall({}, {}), ctypes.get_errno()])"
    clone, new_user = {"x86_64": 56, "aarch64": 220}[os.uname().machine], 0x10000000
    said = printed(code.format(clone, f"{new_user} | 17, 0, 0, 0, 0"), "print('alive')")
    assert said[0].startswith("[-1, "), "clone(CLONE_NEWUSER) fails"
    assert said[1] == "alive\n"


def test_closing_ends_every_process(traces):
    before = traces.processes()
    with Sandbox() as box:
        kernel = box.launch(CONNECTION)
        assert kernel.alive
        assert traces.processes() - before
        other = box.launch(CONNECTION)
        assert kernel.kill()
        assert (kernel.ended, kernel.alive, other.alive) == ("stopped by the grader", False, True)
    assert traces.left() == []
    assert not other.alive
    assert other.kill()


def test_a_grader_that_is_killed_takes_its_sandbox_along(traces):
    code = (
        "import os, signal, json\nfrom lrlesson.grading.sandbox.bubblewrap import Sandbox\n"
        f"Sandbox().launch({CONNECTION!r})\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", code]
    options = {"cwd": ROOT, "env": traces.environment, "capture_output": True, "timeout": 60}
    done = subprocess.run(command, **options)
    assert done.returncode == -9, done.stderr
    assert traces.left() == []


def test_without_bubblewrap_it_refuses_and_says_what_to_install(monkeypatch, made, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="sudo apt install bubblewrap"):
        Sandbox()
    with pytest.raises(GradeError, match=r"apt install bubblewrap.*--unsafe"):
        grade(made.exercises, tmp_path / "out", made.solutions)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("what", ["submissions", "out", "solutions"])
def test_what_lies_where_kernels_can_read_is_refused(what, made, tmp_path):
    places = {"submissions": made.exercises, "out": tmp_path / "out", "solutions": made.solutions}
    inside = Path(sys.prefix) / "lrlesson-test-of-grading"
    places[what] = inside
    try:
        if what != "out":
            shutil.copytree(made.solutions, inside)
        with pytest.raises(GradeError, match="which answers can read; put it elsewhere"):
            grade(places["submissions"], places["out"], places["solutions"])
        (tmp_path / "link").symlink_to(inside)
        places[what] = tmp_path / "link"
        with pytest.raises(GradeError, match="which answers can read"):
            grade(places["submissions"], places["out"], places["solutions"])
    finally:
        shutil.rmtree(inside, ignore_errors=True)


def test_where_namespaces_are_forbidden_it_refuses_with_bubblewraps_reason(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1")
    fake.chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(sandbox, "_user", dict)
    sandbox._tried.cache_clear()
    try:
        assert "No permissions to create new namespace" in sandbox.problem()
    finally:
        sandbox._tried.cache_clear()


def test_on_another_system_it_refuses_and_the_module_still_imports(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "needs Linux" in sandbox.problem()


@pytest.mark.skipif(not AS_ROOT, reason="only root has something to give up")
def test_root_gives_the_kernel_to_an_unprivileged_user():
    user, _ = sandbox.unprivileged()
    assert user != 0
    with Sandbox() as box:
        kernel = box.launch(CONNECTION)
        assert Path(f"/proc/{kernel.pid}").stat().st_uid in (user, 0)
        status = Path(f"/proc/{kernel.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("Uid:"))
        assert line.split()[1:] == [str(user)] * 4
        assert kernel.kill()


@pytest.mark.skipif(not AS_ROOT, reason="needs root to become somebody else")
@pytest.mark.slow
def test_it_works_for_a_user_without_rights(made, tmp_path):
    """As on a JupyterHub: no root, no sudo, the same marks."""
    python = Path(sys.executable).resolve()
    copied = mounts.copied()
    if copied:
        base = next(s for s, t in mounts.places() if python.is_relative_to(t))
        prefix = next(t for _, t in mounts.places() if python.is_relative_to(t))
        python = base / python.relative_to(prefix)
    made.hand_in(tmp_path / "in" / "ada", made.decay, made.filled(made.decay, made.right_decay))
    shutil.copytree(made.solutions, tmp_path / "solutions")
    code = (
        "from pathlib import Path\nfrom lrlesson.grading import grade\n"
        "if __name__ == '__main__':\n"
        f"    s = grade(Path({str(tmp_path / 'in')!r}), Path({str(tmp_path / 'out')!r}), "
        f"Path({str(tmp_path / 'solutions')!r}), 1)\n"
        "    print([(r.exercise, r.points, r.isolation) for r in s.rows if r.points])"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    tmp_path.chmod(0o777)
    packages = next(p for p in sys.path if p.endswith("site-packages"))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{packages}:{ROOT}", "HOME": "/none"}
    environment["LD_LIBRARY_PATH"] = str(python.parent.parent / "lib")
    done = subprocess.run(
        [python, script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        user=65534,
        group=65534,
        extra_groups=[],
    )
    assert done.stdout.strip() == "[('step-decay', 6.0, 'bubblewrap')]", done.stderr[-2000:]


@pytest.mark.slow
def test_plain_nbval_is_sandboxed_through_the_kernelspec(tmp_path):
    """No option and no code of ours but the kernel's name."""
    kernels = tmp_path / "share" / "kernels" / "lrlesson-sandbox"
    kernels.mkdir(parents=True)
    shutil.copy(ROOT / "lrlesson" / "grading" / "sandbox" / "kernelspec" / "kernel.json", kernels)
    cells = [nbformat.v4.new_code_cell("import os\nassert os.getcwd() == '/learner/work'")]
    cells += [nbformat.v4.new_code_cell("from lrlesson.feedback import check")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "one.ipynb")
    installed = tmp_path / "site" / "grading_entry-0.dist-info"  # in case ours is an older install
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: grading-entry\nVersion: 0\n")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    group = "jupyter_client.kernel_provisioners"
    (name, value), *_ = project["entry-points"][group].items()
    (installed / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider"),
            *("--nbval-kernel-name", "lrlesson-sandbox", "one.ipynb"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "JUPYTER_PATH": str(tmp_path / "share"),
            "PYTHONPATH": str(installed.parent),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "2 passed" in done.stdout
