"""The capstone: twelve tasks whose inputs' scale is hidden, 600 gradients each, one strategy.

A strategy for the track "sgd" is given a problem that takes a rate and makes an SGD update; for the
track "open" it is given gradients and returns weights. `score` runs it on every task and compares
its test losses with the best that is known, which stands in `oracle.csv`.
"""

from lrlesson.capstone.conversation import play
from lrlesson.capstone.problems import BudgetSpent, OpenProblem, SGDProblem
from lrlesson.capstone.scoring import Score, problem, score
from lrlesson.capstone.tasks import BUDGET, TASKS, Task

__all__ = [
    "BUDGET",
    "TASKS",
    "BudgetSpent",
    "OpenProblem",
    "SGDProblem",
    "Score",
    "Task",
    "play",
    "problem",
    "score",
]
