"""Law: a strategy is marked by what it did to problems that its own process never held."""

import base64
import itertools
import json
import math
import socket
import sys
import time

import nbformat
import numpy as np
import pytest

from lrlesson.capstone import TASKS
from lrlesson.capstone.problems import PROBLEMS
from lrlesson.capstone.tasks import GRADED, Instance
from lrlesson.grading import GradeError, ReleaseError, apply_overrides, grade, release
from lrlesson.grading.authoring.source_notebooks import read_exercises, read_sources
from lrlesson.grading.handed_in.graft import assemble
from lrlesson.grading.marking import referee
from lrlesson.grading.marking.referee import REQUEST, Referee
from lrlesson.grading.marking.run import SANDBOX, UNSAFE, Job, run

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the game needs Linux or macOS"),
    pytest.mark.usefixtures("bubblewrap"),
]

SEED = 20261123
LINE = """\
def strategy(problem, budget):
    for t in range(budget):
        problem.step(0.3 * (1 - t / budget))
"""
ADAM = """\
def strategy(problem, budget):
    w = problem.init()
    m = v = np.zeros_like(w)
    for t in range(budget):
        loss, g = problem.grad(w)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        drive = (m / (1 - 0.9 ** (t + 1))) / (np.sqrt(v / (1 - 0.999 ** (t + 1))) + 1e-8)
        w = w - 0.01 * (1 - t / budget) * drive
    return w
"""
RAW = """\
import json, os, socket
raw = socket.socket(fileno=os.dup(int(os.environ["LRLESSON_REFEREE"])))
def say(data):
    raw.sendall(data + b"\\n")
    return raw.recv(100_000)
"""


def code(cell_id, text, **data):
    cell = nbformat.v4.new_code_cell(text, metadata={"lrlesson": {"id": cell_id, **data}})
    cell["id"] = cell_id.replace(".", "-")
    return cell


def instructors(folder, seeds=1, timeout=120):
    """Both tracks with one seed of each task, a text to be marked by hand, and a course.toml."""
    cells = [code("imports", "import numpy as np", role="given")]
    points = {"sgd": 15, "open": 9}
    for track in points:
        own = {"exercise": track}
        right = "\n    ".join((LINE if track == "sgd" else ADAM).splitlines()[1:])
        body = right.replace("\n        ", "\n    ")
        answer = "def strategy(problem, budget):\n    ### BEGIN SOLUTION\n    "
        play = f'from lrlesson import capstone\nprint("val |", *capstone.play("{track}", strategy))'
        cells += [
            code(f"{track}.answer", f"{answer}{body.lstrip()}\n    ### END SOLUTION",
                 role="answer", **own),
            code(f"{track}.play", play, role="hidden", points=points[track], play=track,
                 seeds=seeds, timeout=timeout, **own),
        ]  # fmt: skip
    note = nbformat.v4.new_markdown_cell(
        "### BEGIN SOLUTION\nMy note.\n### END SOLUTION",
        metadata={"lrlesson": {"id": "note.text", "exercise": "note", "role": "text"}},
    )
    note["id"] = "note"
    cells.append(note)
    folder.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "one.ipynb")
    entries = [("sgd", 15), ("open", 9), ("note", 6)]
    (folder / "course.toml").write_text(
        "".join(
            f'[[exercise]]\nid = "{name}"\nnotebook = "one.ipynb"\npoints = {most}\n'
            for name, most in entries
        )
    )
    return folder


@pytest.fixture(autouse=True, scope="module")
def _the_same_draws():
    """Every game draws the same secrets, so that two games can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(referee, "secret", lambda: int(next(DRAWS[0])))
        yield


DRAWS = [itertools.count(SEED)]


@pytest.fixture(scope="module")
def solutions(tmp_path_factory):
    return instructors(tmp_path_factory.mktemp("course") / "solutions")


def played(solutions, track, answer, isolation=SANDBOX):
    """What the referee saw of one answer: its cell, and the ratios (tasks,)."""
    DRAWS[0] = itertools.count(SEED)  # "looks for the seed" knows
    exercises = read_exercises(read_sources(solutions))
    notebook = assemble(exercises[track], exercises, [SEED], {f"{track}.answer": answer})
    outcome = run(Job(notebook, isolation=isolation))
    assert outcome.failure == ""
    cell = outcome.cell(f"{track}.play")
    ratios = [math.inf if r is None else r for (r,) in cell.played or [[None]] * len(TASKS)]
    return cell, np.array(ratios)


@pytest.fixture(scope="module")
def honest(solutions):
    cell, ratios = played(solutions, "sgd", LINE)
    assert cell.status == "ok", cell.detail
    assert ratios[5] < 2
    return ratios


ATTACKS = {
    "edits its budget": """\
def strategy(problem, budget):
    problem.budget = problem.left = problem._spent = 10**9
    for t in range(budget):
        problem.step(0.3 * (1 - t / budget))
    for _ in range(300):
        problem.left = 10**9
        try: problem.step(0.05)
        except Exception: pass
""",
    "edits the library's budget": """\
import lrlesson.capstone.tasks
lrlesson.capstone.tasks.BUDGET = 10**6
for task in lrlesson.capstone.tasks.TASKS:
    object.__setattr__(task, "budget", 10**6)
def strategy(problem, budget):
    for t in range(budget):
        problem.step(0.3 * (1 - t / budget))
    for _ in range(300):
        try: problem.step(0.05)
        except Exception: pass
""",
    "talks garbage": RAW
    + """\
GARBAGE = [b"", b"[]", b"nonsense", b"\\xff\\xfe", b"{" * 5000, b"[" * 100_000, b"x" * 300_000,
    b'{"do": "budget", "left": 1000000}', b'{"do": ["step"]}', b'{"do": "grad", "w": ""}',
    b'{"do": "step", "lr": NaN}', b'{"do": "step", "lr": -1}', b'{"do": "step", "lr": 1e999}',
    b'{"do": "step", "lr": "0.1"}', b'{"do": "step", "lr": null}', b'{"do": "init"}',
    b'{"do": "step", "lr": ' + b"9" * 9999 + b"}", b'{"do": "step", "lr": 1' + b"0" * 400 + b"}",
    b'{"do": "step", "lr": [' + b"1," * 9999 + b'1]}', b'{"do": {"do": "next"}}', b'{"do": true}',
    b'{"do": "step", "lr": "\\ud800"}', b'{"do": "\\u0000"}']
def strategy(problem, budget):
    for line in GARBAGE:
        assert b"error" in say(line), line
    for t in range(budget):
        problem.step(0.3 * (1 - t / budget))
""",
    "looks for the seed": """\
import gc, linecache
secrets = range(20261122 + 1, 20261122 + 20)  # not the digits themselves
def strategy(problem, budget):
    assert globals().get("seed", 0) == 0 and not hasattr(problem, "_instance")
    held = (value for one in gc.get_objects() for value in gc.get_referents(one))
    looked = [value for value in held if type(value) in (int, str) and value != secrets]
    looked += [open("/proc/self/environ").read(), open("/ipc/kernel.json").read()]
    assert linecache.cache and not any(value in secrets for value in looked if type(value) is int)
    assert not any(str(secrets[0]) in value for value in looked if type(value) is str)
    for t in range(budget):
        problem.step(0.3 * (1 - t / budget))
""",
}


def some(names, quick):
    """All of them, those that are not quick in the slow lane."""
    return [pytest.param(n, marks=() if n in quick else pytest.mark.slow) for n in names]


@pytest.mark.parametrize("name", some(ATTACKS, {"edits its budget", "talks garbage"}))
def test_an_attack_earns_what_an_honest_run_earns_and_no_more(name, solutions, honest):
    cell, ratios = played(solutions, "sgd", ATTACKS[name])
    assert cell.status == "ok", cell.detail
    np.testing.assert_array_equal(ratios, honest)


LOST = {
    "plays a run again": RAW
    + """\
first = True
def strategy(problem, budget):
    global first
    for t in range(budget):
        problem.step(0.3 * (1 - t / budget))
    if first:
        first = False
        say(b'{"do": "next"}')
        say(b'{"do": "end"}')
""",
    "ends a run twice": RAW
    + """\
def strategy(problem, budget):
    for t in range(budget):
        problem.step(0.3 * (1 - t / budget))
    say(b'{"do": "end"}')
    assert b"error" in say(b'{"do": "end"}')
    assert b"error" in say(b'{"do": "step", "lr": 0.1}')
""",
    "says that it has won": """\
import lrlesson.capstone.conversation as turns
turns.play = lambda *_, **__: [0.01] * 12
import lrlesson.capstone as c
c.play = turns.play
def strategy(problem, budget): pass
print("r | 1.0")
""",
    "answers its own questions": """\
import lrlesson.capstone.conversation as turns
count = iter(range(100))
def ask(self, do, **more):
    if do == "next":
        return {"over": True} if next(count) == 12 else {"track": "sgd", "left": 600}
    return {"left": 600, "loss": 0.01, "val_loss": 0.01}
turns.Channel.ask = ask
def strategy(problem, budget): problem.step(1)
""",
    "plays at home": """\
import os
del os.environ["LRLESSON_REFEREE"]
def strategy(problem, budget):
    problem.budget = 10**9
    problem._w = problem._w
""",
}


@pytest.mark.parametrize("name", some(LOST, {"plays a run again", "says that it has won"}))
def test_a_run_that_is_replayed_or_claimed_is_lost(name, solutions, honest):
    _, ratios = played(solutions, "sgd", LOST[name])
    assert (ratios >= honest).all()
    assert np.isinf(ratios).any()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("def strategy(problem, budget):\n    while True: problem.step(0.1)", "BudgetSpent"),
        ("def strategy(problem, budget): problem.step('fast')", "ValueError"),
        ("def strategy(problem, budget): problem.grad(0)", "AttributeError"),
        ("def strategy(problem, budget): os._exit(0)\nimport os", "exit code 0"),
        (RAW + "raw.close()\nos.close(4)\ndef strategy(problem, budget): pass", "Bad file"),
    ],
)
def test_what_a_strategy_raises_is_said(answer, said, solutions):
    cell, ratios = played(solutions, "sgd", answer)
    assert cell.status in ("error", "died")
    assert said in cell.detail
    assert np.isinf(ratios).all()


def test_a_flood_that_reads_nothing_ends_at_the_time_limit(tmp_path):
    course = instructors(tmp_path / "flooded", timeout=4)
    flood = RAW + "def strategy(problem, budget):\n    while True: raw.sendall(b'{}\\n' * 1000)"
    cell, ratios = played(course, "sgd", flood)
    assert cell.status == "timeout"
    assert np.isinf(ratios).all()


@pytest.mark.parametrize("isolation", [SANDBOX, pytest.param(UNSAFE, marks=pytest.mark.slow)])
def test_the_open_track_goes_over_the_same_socket(solutions, isolation):
    cell, ratios = played(solutions, "open", ADAM, isolation)
    assert cell.status == "ok", cell.detail
    assert np.isfinite(ratios).all()
    assert np.exp(np.log(ratios[:3]).mean()) < 1.5


def test_weights_that_are_no_weights_end_no_run(solutions):
    cell, ratios = played(solutions, "open", "def strategy(problem, budget): return np.ones(3)")
    assert "expected an array of shape" in cell.detail
    assert np.isinf(ratios).all()
    nan = "def strategy(problem, budget): return problem.init() * np.nan"
    cell, ratios = played(solutions, "open", nan)
    assert cell.status == "ok"
    assert np.isinf(ratios).all()


@pytest.mark.slow
def test_grade_gives_parts_of_the_points_and_leaves_the_note_to_a_person(solutions, tmp_path):
    (made,) = release(solutions, tmp_path / "exercises")
    assert "BEGIN SOLUTION" not in made.read_text()
    texts = {"sgd.answer": LINE, "open.answer": ADAM, "note.text": "I predicted …"}
    for learner, kept in {"ada": set(texts), "bob": set(), "cleo": {"sgd.answer"}}.items():
        notebook = json.loads(made.read_text())
        for cell in notebook["cells"]:
            name = cell["metadata"]["lrlesson"]["id"]
            if name in kept:
                cell["source"] = texts[name]
            if learner == "cleo" and name == "sgd.answer":
                cell["source"] = "def strategy(problem, budget): pass"
        (tmp_path / "handed-in" / learner).mkdir(parents=True)
        (tmp_path / "handed-in" / learner / made.name).write_text(json.dumps(notebook))
    done = grade(tmp_path / "handed-in", tmp_path / "out", solutions, SEED, jobs=1)
    rows = {(row.learner, row.exercise): row for row in done.rows}

    line = rows["ada", "sgd"]
    assert line.status == "graded"
    assert line.points == 0.0, "one rate for all tasks: many runs are lost"
    assert "12 runs lost" in line.reason
    adam = rows["ada", "open"]
    assert 0 < adam.points <= 9 / 3, "as the solutions show it"
    assert [check["max_points"] for check in adam.checks] == [9]
    assert "most to gain" in adam.reason
    nothing = rows["cleo", "sgd"]
    assert (nothing.status, nothing.points) == ("graded", 0.0)
    assert rows["bob", "open"].status == "not attempted"

    note = rows["ada", "note"]
    assert (note.status, note.points, note.max_points) == ("by hand", 0.0, 6)
    assert rows["bob", "note"].status == "not attempted"
    (tmp_path / "overrides.csv").write_text("learner,exercise,points,note\nada,note,5,good\n")
    marked = {
        (r.learner, r.exercise): r for r in apply_overrides(done.rows, tmp_path / "overrides.csv")
    }
    assert marked["ada", "note"].points == 5
    (tmp_path / "overrides.csv").write_text("learner,exercise,points,note\nada,note,7,\n")
    with pytest.raises(GradeError, match="expected 0 to 6"):
        apply_overrides(done.rows, tmp_path / "overrides.csv")

    again = grade(tmp_path / "handed-in", tmp_path / "out", solutions, jobs=1)
    assert (again.done, again.kept) == (0, 9)


@pytest.mark.parametrize(
    ("play", "seeds", "words"),
    [("chess", 1, "play = 'chess', expected sgd or open"), ("sgd", 0, "seeds = 0, expected")],
)
def test_release_refuses_a_game_that_is_none(play, seeds, words, solutions, tmp_path):
    notebook = json.loads((solutions / "one.ipynb").read_text())
    cell = next(c for c in notebook["cells"] if c["id"] == "sgd-play")
    cell["metadata"]["lrlesson"] |= {"play": play, "seeds": seeds}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.ipynb").write_text(json.dumps(notebook))
    with pytest.raises(ReleaseError, match=words):
        release(tmp_path / "in", tmp_path / "out")


def test_what_is_better_than_the_best_known_is_looked_at():
    assert referee.remark([[1.0]] * 12) == ""
    assert referee.remark(None) == ""
    assert "r = 0.50, better than the best" in referee.remark([[0.5, 0.5]] * 12)


def weights(value):
    size = PROBLEMS["open"](Instance(TASKS[-1], (GRADED, 1))).init().size
    return base64.b64encode(np.full(size, value, dtype="<f4").tobytes()).decode()


HOSTILE = [
    *(
        b'{"do": "step", "lr": 1' + b"0" * 400 + b"}",
        b'{"do": "step", "lr": 1' + b"0" * 9000 + b"}",
    ),
    *(b'{"do": "step", "lr": %s}' % lr for lr in (b"NaN", b"-Infinity", b"1e999", b"1e308", b"-1")),
    *(b'{"do": "step", "lr": %s}' % lr for lr in (b"[]", b"{}", b"null", b"true", b'"0.1"')),
    b'{"do": "step", "lr": ' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    *(b"[" * 190_000, b'{"do":' * 30_000, b'"' + b"\\ud800" * 30_000 + b'"', b"\xff" * 1000, b""),
    *(b'{"do": %s}' % do for do in (b"[]", b"NaN", b'"step"', b'"grad"', b"1" + b"0" * 400)),
    *(
        b'{"do": "grad", "w": %s}' % w
        for w in (b"null", b"7", b"[[]]", b'"*"', b'"AAAA"', b'"AAA="')
    ),
    b'{"do": "grad", "w": "' + b"A" * 199_000 + b'"}',
]


@pytest.mark.parametrize("track", ["sgd", "open"])
def test_every_request_is_answered_in_time_whatever_it_holds(track):
    """Numbers beyond all, subnormal ones, nesting, text that is none: a line for each line."""
    ours, theirs = socket.socketpair()
    values = [np.nan, np.inf, 3e38, 1e-40, -1e-45]
    asked = [json.dumps({"do": do, "w": weights(v)}).encode() for v in values for do in
             ("grad", "val_loss", "end", "next")]  # fmt: skip
    with ours, theirs:
        game = Referee(ours, track, 2)
        assert "track" in game._answer(b'{"do": "next"}')
        for line in [*HOSTILE, *asked, *HOSTILE]:
            began = time.thread_time()
            answer = json.loads(json.dumps(game._answer(line), allow_nan=False))
            assert answer.keys() & {"error", "loss", "left", "val_loss", "over"}, line[:60]
            assert time.thread_time() - began < REQUEST / 2
        game.start()
        theirs.sendall(b"\n".join([*HOSTILE, b""]))
        theirs.settimeout(60)
        read = theirs.makefile("rb")
        assert [bool(json.loads(read.readline())) for _ in HOSTILE] == [True] * len(HOSTILE)
        game.stop()
        assert (game.failure, game.is_alive()) == ("", False)
