"""Logs as the tools write them, and as they look after a month of real use."""

import json
import subprocess
import sys

import numpy as np
import pytest

from lrlesson import History, read_log

NAN = float("nan")


@pytest.fixture
def log(tmp_path):
    """Write a text (or objects, one a line) into a file and read it."""

    def read(content, name="run.csv", encoding="utf-8", **columns):
        file = tmp_path / name
        if not isinstance(content, str):
            content = "".join(json.dumps(row) + "\n" for row in content)
        file.write_text(content, encoding=encoding)
        return read_log(file, **columns)

    return read


FORMS = {
    "plain": "step,lr,loss\n0,0.1,3\n10,0.2,2\n20,0.3,1\n",
    "TensorBoard": "Wall time,Step,Value\n1.7e9,0,3\n1.7e9,10,2\n1.7e9,20,1\n",
    "Weights & Biases, history": "_step,train/loss,optimizer/lr,_runtime\n"
    "0,3,.1,1\n10,2,.2,2\n20,1,.3,3\n",
    "Weights & Biases, chart": '"Step","ada - train/loss","ada - train/loss__MIN"\n'
    '"0","3","1"\n"10","2","1"\n"20","1","1"\n',
    "MLflow, its file": "1700000000 3 0\n1700000001 2 10\n1700000002 1 20\n",
    "MLflow, its table": "key,value,step,timestamp\n"
    "loss,3,0,1\nlr,.1,0,1\nloss,2,10,1\nlr,.2,10,1\n"
    "loss,1,20,1\nlr,.3,20,1\nacc,.9,20,1\n",
    "Lightning": "epoch,lr-AdamW,step,train_loss_step,val_loss\n0,0.1,0,,\n0,,0,3,\n0,0.2,10,,\n"
    "0,,10,2,\n0,,10,,5\n1,0.3,20,,\n1,,20,1,\n",
    "tabs": "iter\tloss\tlr\n0\t3\t.1\n10\t2\t.2\n20\t1\t.3\n",
    "decimal commas": "step;loss;lr\n0;3,0;0,1\n10;2,0;0,2\n20;1,0;0,3\n",
    "a byte order mark and spaces": "\ufeffstep, loss, lr\n0, 3, .1\n10, 2, .2\n20, 1, .3\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_the_columns_of_the_tools_are_known(log, form):
    found = log(FORMS[form])
    assert isinstance(found, History)
    assert found.losses.tolist() == [[3, 2, 1]]
    assert found.at.tolist() == [[0, 10, 20]]
    if np.isfinite(found.rates).any():
        np.testing.assert_allclose(found.rates, [[0.1, 0.2, 0.3]])
    else:
        assert "lr" not in FORMS[form]
    assert found.skipped == 0


def test_keras_counts_epochs(log):
    found = log("epoch,accuracy,loss,learning_rate,val_loss\n0,.5,3,.1,4\n1,.6,2,.1,3.5\n")
    assert found.at.tolist() == [[0, 1]]
    assert found.val[0][1].tolist() == [4, 3.5]


TRAINER = [
    {"loss": 3.0, "grad_norm": 1.0, "learning_rate": 0.1, "epoch": 0.1, "step": 10},
    {"eval_loss": 2.9, "epoch": 0.1, "step": 10},
    {"loss": 2.0, "grad_norm": 1.0, "learning_rate": 0.2, "epoch": 0.2, "step": 20},
    {"train_runtime": 9.0, "train_loss": 2.5, "epoch": 0.2, "step": 20},
]


def test_the_trainer_of_transformers_in_its_two_files(log):
    for found in (
        log(TRAINER, "log.jsonl"),
        log(
            json.dumps({"global_step": 20, "log_history": TRAINER}, indent=2), "trainer_state.json"
        ),
        log(json.dumps(TRAINER), "rows.json"),
    ):
        assert found.losses.tolist() == [[3, 2]]
        assert found.rates.tolist() == [[0.1, 0.2]]
        assert found.at.tolist() == [[10, 20]]
        assert found.val[0][0].tolist() == [10]


def test_tensorboards_json_has_no_names(log):
    found = log(json.dumps([[1.7e9, 0, 3.0], [1.7e9, 5, 2.0]]), "loss.json")
    assert found.losses.tolist() == [[3, 2]]
    assert found.at.tolist() == [[0, 5]]


def test_other_names_are_given(log):
    text = "iterations_done,perplexity,speed\n0,3,.1\n1,2,.1\n"
    with pytest.raises(
        ValueError, match=r"loss=\.\.\.\). Its columns: iterations_done, perplexity"
    ):
        log(text)
    found = log(text, step="iterations_done", loss="perplexity", lr="speed")
    assert found.rates.tolist() == [[0.1, 0.1]]
    with pytest.raises(ValueError, match="loss = 'Loss', expected one of the columns: iterations"):
        log(text, loss="Loss")
    rows = [{"it": 0, "objective": 3}, {"it": 1, "objective": 2, "note": "x"}]
    assert log(rows, "a.jsonl", step="it", loss="objective").losses.tolist() == [[3, 2]]
    with pytest.raises(ValueError, match="Its columns: it, objective, note"):
        log(rows, "a.jsonl")


def test_a_gap_is_no_loss_and_the_word_nan_is_one(log):
    found = log("step,loss,lr\n0,3,.1\n1,,.1\n2,NaN,.1\n5,nan,.1\n9,inf,.1\n")
    assert found.at.tolist() == [[0, 2, 5, 9]]
    np.testing.assert_array_equal(found.losses, [[3, NAN, NAN, np.inf]])
    assert found.diverged.tolist() == [True]
    found = log([{"step": 0, "loss": 3}, {"step": 1, "loss": None}, {"step": 2, "loss": "NaN"}])
    np.testing.assert_array_equal(found.losses, [[3, NAN]])


def test_a_run_that_was_resumed_counts_from_its_last_start(log):
    text = "step,loss\n" + "".join(f"{t},{9 - t / 10}\n" for t in (*range(50), *range(40, 60)))
    found = log(text)
    assert found.at.tolist() == [list(range(60))]
    assert found.resumed == ((40,),)


def test_a_run_that_was_started_again_is_another_one(log):
    text = "step,loss\n0,5\n1,4\n2,NaN\n0,5\n1,3\n"
    found = log(text)
    assert found.runs == 2
    assert found.rows.tolist() == [3, 2]
    assert found.diverged.tolist() == [True, False]
    assert found.names == ("1", "2")


def test_several_runs_side_by_side(log):
    text = "run_id,step,loss\nada,0,5\nbob,0,6\nada,1,4\nbob,1,3\nbob,2,2\n"
    found = log(text)
    assert found.names == ("ada", "bob")
    np.testing.assert_array_equal(found.losses, [[5, 4, NAN], [6, 3, 2]])
    assert not found.diverged.any()
    assert repr(found) == "<Log: 2 runs of 2 to 3 losses, up to update 2>"
    chart = '"Step","ada - loss","bob - loss"\n0,5,6\n1,4,\n2,,2\n'
    found = log(chart)
    assert found.names == ("ada", "bob")
    np.testing.assert_array_equal(found.at, [[0, 1], [0, 2]])
    rows = [{"run": r, "step": t, "loss": t + 1} for t in range(3) for r in "xy"]
    assert log(rows, "a.jsonl").rows.tolist() == [3, 3]


def test_lines_that_are_broken_are_counted(log):
    found = log("step,loss,lr\n0,3,.1\nTraceback (most recent call last):\n1,2,.1\n2,oops,.1\n3,1")
    assert found.losses.tolist() == [[3, 2]]
    assert found.skipped == 3
    found = log('{"step": 0, "loss": 3}\n{"step": 1, "los', "a.jsonl")
    assert found.skipped == 1


def test_without_a_number_of_the_update_rows_are_counted(log):
    assert log("loss,lr\n3,.1\n2,.1\n1,.1\n").at.tolist() == [[0, 1, 2]]


def test_utf_16(log):
    assert log(FORMS["plain"], encoding="utf-16").losses.tolist() == [[3, 2, 1]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "run.csv is empty"),
        ("step,loss\n", "no row with a loss"),
        ("step,loss\n0,\n1,\n", "no row with a loss"),
        ("{]", "is no JSON"),
        ('{"log_history": []}', "no column of run.csv"),
        ("key,value,step\nacc,3,0\n", "none of acc is a training loss"),
    ],
)
def test_what_has_no_loss_is_said(log, content, said):
    with pytest.raises(ValueError, match=said):
        log(content)


def test_no_file_is_said(tmp_path):
    with pytest.raises(ValueError, match="expected a file"):
        read_log(tmp_path / "nowhere.csv")
    with pytest.raises(ValueError, match="expected a file"):
        read_log(tmp_path)


def test_blocks_and_single_rows_read_the_same(log, monkeypatch):
    """A million rows are read in blocks; a gap or a restart makes a block fall apart."""
    rng = np.random.default_rng(0)
    rows = [f"{t},{rng.exponential():.4f},{0.1 / (t + 1):.5f}," for t in range(300)]
    rows[70] = "70,,0.5,2.0"
    rows[150:150] = [f"{t},7,0.5,3.5" for t in range(100, 150)]
    text = "\n".join(["step,loss,lr,val_loss", *rows])
    monkeypatch.setattr("lrlesson.tables.CHUNK", 64)
    blocks = log(text)
    monkeypatch.setattr("lrlesson.tables.CHUNK", 1)
    single = log(text)
    monkeypatch.setattr("lrlesson.tables._block", lambda *_: None)
    for found in (single, log(text)):
        for name in ("at", "losses", "rates"):
            np.testing.assert_array_equal(getattr(blocks, name), getattr(found, name))
        np.testing.assert_array_equal(blocks.val[0], found.val[0])
        assert blocks.resumed == found.resumed == ((100,),)


def test_a_loops_own_lists_are_a_history():
    history = History.of([3.0, 2.0, 1.0], [0.1, 0.1, 0.05])
    assert history.runs == 1
    assert history.updates == 3
    assert not history.diverged.any()
    assert History.of([[3, 2], [3, NAN]], 0.1).diverged.tolist() == [False, True]
    assert np.isnan(History.of([1.0]).rates).all()
    with pytest.raises(
        ValueError, match=r"rates = .*expected one number, or one per loss, \(1, 3\)"
    ):
        History.of([3, 2, 1], [0.1, 0.1])
    with pytest.raises(ValueError, match="losses = "):
        History.of([])


@pytest.mark.slow
def test_ten_million_rows_stay_below_a_gigabyte(tmp_path):
    code = f"""
import resource, time
from lrlesson import read_log
path = {str(tmp_path / "long.csv")!r}
with open(path, "w") as file:
    file.write("step,lr,loss\\n")
    for start in range(0, 10**7, 10**5):
        file.writelines(f"{{t}},0.1,{{2 / (1 + t):.6g}}\\n" for t in range(start, start + 10**5))
began = time.process_time()
log = read_log(path)
print(log.rows[0], time.process_time() - began)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rows, seconds, gigabytes = done.stdout.split()
    assert int(rows) == 10**7
    assert float(seconds) < 100
    assert float(gigabytes) < 1
