"""Law: a cluster gives the same results as one machine, also when it loses a worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("bubblewrap")

ROOT = Path(__file__).parents[2]
CLUSTER = """
import json, os, signal, sys
from pathlib import Path
from distributed import Client, LocalCluster
from lrlesson.grading import grade

if __name__ == "__main__":
    where, solutions = Path(sys.argv[1]), Path(sys.argv[2])
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        pids = client.run(os.getpid)
        seen = []

        def kill(row, left):
            seen.append(row)
            if len(seen) == 4:
                os.kill(sorted(pids.values())[0], signal.SIGKILL)

        executor = client.get_executor(pure=False, retries=3)
        grade(where / "in", where / "cluster", solutions, 7, executor=executor, on_row=kill)
        assert len(seen) > 4
        print("workers", len(pids), "killed", sorted(pids.values())[0])
"""


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_ends_with_the_same_results(made, tmp_path):
    pytest.importorskip("distributed", reason="pip install distributed")
    from lrlesson.grading import grade

    from .test_survives import EARLY, marks

    for number in range(8):
        source = made.right_decay if number % 3 else EARLY
        made.hand_in(tmp_path / "in" / f"{number}", made.decay, made.filled(made.decay, source))
        descent = made.filled(made.descent, made.right_descent)
        made.hand_in(tmp_path / "in" / f"{number}", made.descent, descent)
    (tmp_path / "cluster.py").write_text(CLUSTER)
    done = subprocess.run(
        [sys.executable, tmp_path / "cluster.py", tmp_path, made.solutions],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "workers 2 killed" in done.stdout
    grade(tmp_path / "in", tmp_path / "calm", made.solutions, 7, jobs=2)
    assert marks(tmp_path / "cluster") == marks(tmp_path / "calm")
    assert len(marks(tmp_path / "calm")) == 16
