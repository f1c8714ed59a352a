"""`lrlesson selftest`: grade the attack corpus on this machine; what came of each attack."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from lrlesson.grading.authoring.release import release
from lrlesson.grading.errors import GradeError
from lrlesson.grading.handed_in.collect import printable_name
from lrlesson.grading.marking.grader import grade
from lrlesson.grading.marking.run import BUDGET
from lrlesson.grading.marks.feedback import told
from lrlesson.grading.marks.results import Row
from lrlesson.grading.sandbox import bubblewrap
from lrlesson.grading.selftest.attacks import CARRIED, DAEMON, HONEST, Attack, corpus

BYSTANDERS = 6
SECRET = "LRLESSON_SELFTEST_SECRET"
SLOWEST = BUDGET + 15  # s, from the start of a kernel to its end


@dataclass(frozen=True)
class Verdict:
    """What came of one attack; `wrong` is empty where it was contained."""

    group: str
    name: str
    wrong: str
    row: Row | None = None


@dataclass(frozen=True)
class SelftestReport:
    """All verdicts, and how kernels ran: `user` is the one that root became, or None."""

    verdicts: list[Verdict]
    seconds: float
    user: int | None

    @property
    def contained(self) -> bool:
        """Whether nothing went wrong."""
        return not any(verdict.wrong for verdict in self.verdicts)


def selftest(
    jobs: int | None = None,
    names: set[str] | None = None,
    on_row: Callable[[Row, int], None] | None = None,
    everything: bool = False,
) -> SelftestReport:
    """Grade the corpus among honest submissions: its quick attacks, `everything`, or `names`.

    Raises GradeError, in one sentence, where there is no sandbox.
    """
    if why := bubblewrap.problem():
        raise GradeError(why)
    with (
        tempfile.TemporaryDirectory(prefix="lrlesson-selftest-") as name,
        _host(Path(name)) as host,
    ):
        attacks = [
            attack
            for attack in corpus(host)
            if (attack.name in names if names is not None else everything or not attack.slow)
        ]
        made = _course(Path(name), {attack.exercise for attack in attacks})
        for attack in attacks:
            _hand_in(host["submissions"], attack, made)
        for number in range(BYSTANDERS):
            honest = Attack(f"bystander {number}", HONEST)
            _hand_in(host["submissions"], honest, made)
        before = _host_state(host)
        started = time.monotonic()
        summary = grade(
            host["submissions"], host["results"], host["solutions"], jobs=jobs, on_row=on_row
        )
        seconds = time.monotonic() - started
        rows = {(row.learner, row.exercise): row for row in summary.rows}
        verdicts = [
            _verdict(attack, rows.get((printable_name(attack.name), attack.exercise)))
            for attack in attacks
        ]
        late = [rows[f"bystander {n}", "double"] for n in range(BYSTANDERS)]
        hurt = [row.reason for row in late if row.points != row.max_points]
        verdicts.append(
            Verdict("afterwards", "honest submissions have their marks", "; ".join(hurt))
        )
        for what, after in _host_state(host).items():
            wrong = "" if after == before[what] else f"was {before[what]}, is {after}"
            verdicts.append(Verdict("afterwards", what, wrong[:300]))
    ids = bubblewrap.unprivileged()
    return SelftestReport(verdicts, seconds, ids[0] if ids else None)


def _verdict(attack: Attack, row: Row | None) -> Verdict:
    if row is None:
        return Verdict(attack.group, attack.name, "no row")
    wrong = []
    if row.points != attack.points:
        wrong.append(f"{row.points:g} points, not {attack.points:g}")
    if attack.status and row.status not in attack.status:
        wrong.append(f"status {row.status}, not {' or '.join(attack.status)}")
    if attack.anomaly and not any(said.startswith(attack.anomaly) for said in row.anomalies):
        wrong.append(f"no anomaly {attack.anomaly!r}")
    if row.seconds > SLOWEST:
        wrong.append(f"took {row.seconds:.0f} s")
    if any(CARRIED in line for line in told(row)):
        wrong.append("its author reads what it said")
    said = (row.learner, row.reason, *row.anomalies)
    if not all(text.isprintable() for text in said):
        wrong.append("unprintable text in the row")
    reason = f" ({row.reason})" if wrong else ""
    return Verdict(attack.group, attack.name, "; ".join(wrong) + reason, row)


@contextlib.contextmanager
def _host(folder: Path) -> Iterator[dict[str, Any]]:
    """What the attacks look for: folders with something in them, a secret, a server, a socket."""
    host: dict[str, Any] = {n: folder / n for n in ("solutions", "submissions", "results", "home")}
    for name in ("submissions", "home", "solutions"):
        host[name].mkdir()
    (host["home"] / ".netrc").write_text("secret")
    folder.chmod(0o755)  # found, if anything of the host could be found
    abstract = f"\0lrlesson-selftest-{os.getpid()}"
    host |= {"secret": SECRET, "abstract": abstract, "visits": []}
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(abstract)
        local.listen()
        host["port"] = server.getsockname()[1]

        def count(listener: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while True:
                    host["visits"].append(listener.accept()[1])

        threads = [threading.Thread(target=count, args=(s,), daemon=True) for s in (server, local)]
        for thread in threads:
            thread.start()
        os.environ[SECRET] = SECRET
        try:
            yield host
        finally:
            del os.environ[SECRET]
            for listener in (server, local):
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)


def _host_state(host: dict[str, Any]) -> dict[str, Any]:
    """Everything that an attack could have changed."""
    content = {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for name in ("solutions", "submissions", "home")
        for path in sorted(host[name].rglob("*"))
        if path.is_file()
    }
    return {
        "no file of the host was changed": hashlib.sha256(repr(content).encode()).hexdigest()[:12],
        "no file was made outside": [p for p in ("/evil", "/usr/evil", "/tmp/evil") if _there(p)],
        "no process is left": sorted(_processes()),
        "nobody visited the servers": len(host["visits"]),
        "no mount is left": sorted(_mounts()),
    }


def _mounts() -> Iterator[str]:
    """Of this system's mounts, those that kernels have in namespaces of their own."""
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        if line.split()[1] in ("/learner", "/lrlesson", "/ipc"):
            yield line


def _there(path: str) -> bool:
    return Path(path).exists()


def _processes() -> Iterator[str]:
    """The sandboxes and learners' daemons that run, by their command lines and names."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit():
                name = (folder / "comm").read_text(errors="replace").strip()
                line = (folder / "cmdline").read_bytes()
                parent = f"PPid:\t{os.getpid()}\n" in (folder / "status").read_text()
                ours = parent and (b"fork server inside a sandbox" in line or b"spawn_main" in line)
                if name == DAEMON or ours:
                    yield f"{name} {folder.name}"


def _course(folder: Path, asked: set[str]) -> dict[str, Any]:
    """An instructor's folder; by exercise, the notebook that learners get.

    The games are in it where they are asked for: to try their references takes seconds.
    """

    def code(cell_id: str, text: str, **data: Any) -> Any:
        cell = nbformat.v4.new_code_cell(text, metadata={"lrlesson": {"id": cell_id, **data}})
        cell["id"] = cell_id.replace(".", "-")
        return cell

    own = {"exercise": "double"}
    answer = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    first = 'print("first |", *double(np.random.default_rng(seed).uniform(1, 2, 3)))'
    second = 'print("second |", *double(np.arange(1.0, 4.0) + seed % 1000))'
    double = [
        code("given", "import numpy as np\nbudget = 100", role="given"),
        code("double.answer", answer, role="answer", **own),
        code("double.setup", "seed = 0\nbudget = 100", role="hidden", **own),
        code("double.first", first, role="hidden", points=1, **own),
        code("double.second", second, role="hidden", points=1, **own),
    ]
    games = [code("imports", "import numpy as np", role="given")]
    for track, played in {"sgd": "problem.step(0.1)", "open": "return problem.init()"}.items():
        answer = "def strategy(problem, budget):\n    ### BEGIN SOLUTION\n"
        answer += f"    {played}\n    ### END SOLUTION"
        play = f'from lrlesson import capstone\nprint("val |", *capstone.play("{track}", strategy))'
        own = {"exercise": track}
        rules = {"points": 2, "play": track, "seeds": 1, "timeout": 60}
        games += [
            code(f"{track}.answer", answer, role="answer", **own),
            code(f"{track}.play", play, role="hidden", **rules, **own),
        ]
    made: dict[str, Any] = {}
    notebooks = {"double": double} | ({"game": games} if asked - {"double"} else {})
    for name, cells in notebooks.items():
        notebook = nbformat.v4.new_notebook(cells=cells)
        path = folder / "solutions" / f"{name}.ipynb"
        path.write_text(nbformat.writes(notebook), encoding="utf-8")
    for path in release(folder / "solutions", folder / "exercises"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        names = {cell["metadata"]["lrlesson"].get("exercise") for cell in notebook["cells"]}
        made |= dict.fromkeys(names - {None}, notebook)
    return made


def _hand_in(folder: Path, attack: Attack, made: dict[str, Any]) -> None:
    own = folder / attack.name
    own.mkdir()
    file = "double" if attack.exercise == "double" else "game"
    if attack.content is not None:
        suffix = "zip" if attack.content.startswith(b"PK") else "ipynb"
        (own / f"{file}.{suffix}").write_bytes(attack.content)
        return
    notebook = json.loads(json.dumps(made[attack.exercise]))
    answer = f"{attack.exercise}.answer"
    cell = next(c for c in notebook["cells"] if c["metadata"]["lrlesson"]["id"] == answer)
    cell["source"] = attack.source
    if attack.anomaly == "duplicate":
        notebook["cells"].insert(0, {**cell, "source": "while True: pass"})
    if "4.0" in attack.name:
        notebook["nbformat_minor"] = 0
        for other in notebook["cells"]:
            del other["id"]
    (own / f"{file}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
