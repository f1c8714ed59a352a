"""How long `check` takes: the first in a kernel, and every one after it over the whole bank.

    .venv/bin/python benchmarks/check.py

Prints the seconds of the first check of a new process and of its imports, and those of every known
wrong answer after it.
"""

import subprocess
import sys
import tempfile
from os import environ
from pathlib import Path
from time import perf_counter, process_time

FIRST = """
from time import perf_counter
import numpy as np
begun = perf_counter()
from lrlesson.feedback import check
imported = perf_counter()
def step_decay(t, lr0, drop, every):
    return lr0 * drop ** (np.asarray(t) // every)
result = check("step-decay", step_decay)
print(result.status, imported - begun, perf_counter() - imported)
"""


def first() -> None:
    """The first check of a new process, three times."""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", FIRST], check=True, capture_output=True)
        status, imports, seconds = done.stdout.decode().split()
        print(f"first check ({status}): {float(seconds):.2f} s, imports {float(imports):.2f} s")


def bank() -> None:
    """Every known wrong answer, once."""
    from lrlesson.feedback import check
    from lrlesson.feedback.exercises import all_exercises

    taken = []
    for exercise in all_exercises().values():
        for wrong in exercise.bank:
            answers = exercise.build(wrong.code)
            begun, worked = perf_counter(), process_time()
            check(exercise.id, *answers)
            seconds = perf_counter() - begun, process_time() - worked
            taken.append((*seconds, exercise.id, wrong.misconception))
    taken.sort(reverse=True)
    slow = sum(one > 0.3 for one, *_ in taken)
    median = taken[len(taken) // 2][0]
    print(f"{len(taken)} answers: median {median:.3f} s, {slow} above 0.3 s; the slowest:")
    for one, worked, id, slug in taken[:12]:
        print(f"  {one:.2f} s ({worked:.2f} s of a core)  {id}: {slug}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        environ["LRLESSON_PROGRESS"] = str(Path(folder) / "progress.json")
        first()
        bank()
