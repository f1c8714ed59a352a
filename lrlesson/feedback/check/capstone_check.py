"""check for the capstone: a strategy is run on practice seeds, measured, and told what it lacks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrlesson.base.threads import one_thread
from lrlesson.capstone.scoring import ROBUST, Score, ratio, rounds
from lrlesson.capstone.tasks import BUDGET, PRACTICE, TASKS
from lrlesson.feedback.check.capstone_tracks import Challenge
from lrlesson.feedback.check.cards import Card, Paragraph, treated
from lrlesson.feedback.check.result import Failure, Result
from lrlesson.feedback.check.running import Runner, is_stub
from lrlesson.feedback.exercises.exercise import Case

SEEDS = (0, 1, 2, 3)
SECONDS = 120.0
LEFT_OVER = 0.25  # of the budget: worth a word


@dataclass(frozen=True, repr=False)
class Played(Result):
    """The answer of `check` to a strategy: a Result with its `score` and what that earns."""

    score: Score | None = None
    earned: float = 0.0
    of: int = 0

    def card(self) -> Card:
        if self.score is None:
            return super().card()
        table = [("task", "median", "worst")]
        for task, median, runs in zip(TASKS, self.score.per_task, self.score.ratios, strict=True):
            table.append((task.name, _times(median), _times(runs.max())))
        r, worst = _times(self.score.r), _times(self.score.worst)
        body: list[Paragraph] = [
            f"r = {r}, worst run {worst}, in multiples of the best test loss that is known.",
            f"Worth {self.earned:g} of {self.of} points on practice seeds; the grader has others.",
        ]
        if self.message:
            body.append(self.message)
        body += treated(self.misconception)
        if self.printed:
            body.append("What your code printed while it was checked is hidden.")
        if self.status == "correct":
            return Card("good", f"Full marks here: {self.id}", body, table)
        body.append(f'For a hint: hint("{self.id}")')
        return Card("bad", f"Not yet: {self.id}", body, table)


@dataclass
class _Log:
    """What one run did: the rates of its updates, those since the last reset, how many resets,
    what was left."""

    rates: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    resets: int = 0
    left: int = 0


def judge(challenge: Challenge, answers: tuple[Any, ...]) -> Result:
    """Run the strategy on every task, twice, and say what it earns and what it lacks."""
    (strategy,) = answers
    if is_stub(strategy):
        return Result(challenge.id, "not attempted")
    if not callable(strategy):
        said = f"is of type {type(strategy).__name__}; a function is expected"
        return _broken(challenge, challenge.names[0], said)
    logs: list[_Log] = []
    with one_thread(), Runner(answers, SECONDS) as run:
        shown = f"{challenge.signature}, on {len(TASKS)} tasks"
        came = run(Case(shown, lambda answer: _ratios(challenge.track, answer, logs)))
    if came.kind == "stub":
        return Result(challenge.id, "not attempted")
    if came.array is None:
        return _broken(challenge, shown, came.shown, run.printed)
    score = Score(came.array)
    for_r, for_worst = score.points(challenge.points)
    earned = for_r + for_worst
    full = earned == challenge.points
    failed = {"r": for_r < 0.75 * challenge.points, "worst-run": not for_worst}
    slug, message = (None, "") if full else _lacking(challenge, score, logs)
    return Played(
        id=challenge.id,
        status="correct" if full else "not yet",
        failures=[Failure(name, "", "", "") for name, wrong in failed.items() if wrong],
        misconception=slug,
        message=message,
        printed=run.printed,
        score=score,
        earned=round(earned, 2),
        of=challenge.points,
    )


def _ratios(track: str, strategy: Callable[..., Any], logs: list[_Log]) -> np.ndarray:
    ratios = np.full((len(TASKS), len(SEEDS)), np.inf)
    for column, seed in enumerate(SEEDS):
        for task, problem in rounds(track, (PRACTICE, 0, seed)):
            log = _Log()
            logs.append(log)
            if track == "sgd":
                _watch(problem, log)
            answer = strategy(problem, BUDGET)
            log.left = BUDGET - problem._spent
            ratios[TASKS.index(task), column] = ratio(task, problem, answer)
    return ratios


def _watch(problem: Any, log: _Log) -> None:
    """Note the rates that a strategy asks for, on the problem itself."""
    step, reset = problem.step, problem.reset

    def noted_step(lr: float) -> float:
        loss: float = step(lr)
        log.rates.append(float(lr))
        log.last.append(float(lr))
        return loss

    def noted_reset() -> None:
        log.last.clear()
        log.resets += 1
        reset()

    problem.step, problem.reset = noted_step, noted_reset


def _lacking(challenge: Challenge, score: Score, logs: list[_Log]) -> tuple[str | None, str]:
    """The first thing to mend: a known mistake by name, or a sentence."""
    lost = int(np.isinf(score.ratios).sum())
    sgd = challenge.track == "sgd"
    if sgd and all(log.rates and log.rates == logs[0].rates for log in logs):
        return "universal-rate", (
            "Your strategy uses the same rates on every task, whatever it sees. The inputs differ "
            "in scale by a factor of 100, and a good rate differs with them."
        )
    if lost:
        advice = "Watch the loss on the way, and begin again with a smaller rate where it breaks."
        if sgd and not any(log.resets for log in logs):
            advice = "It never calls reset(), so what a trial has broken stays broken."
        elif not sgd and lost == score.ratios.size:
            advice = "That is rarely the rate: look for a division by zero, at t = 0 for instance."
        runs = f"{lost} of {score.ratios.size} runs"
        return None, f"{runs} ended with weights that are not finite. {advice}"
    if sgd and all(len(log.last) > 50 and _flat(log.last[-50:]) for log in logs):
        return "constant-rate-settles", (
            "The rate is as large at the end of each run as before. With batches there is noise, "
            "and a constant rate stays at its floor."
        )
    if np.median([log.left for log in logs]) > LEFT_OVER * BUDGET:
        return None, "More than a quarter of the budget was left at the end of most runs."
    if score.worst > ROBUST:
        task = TASKS[int(score.ratios.max(axis=1).argmax())].name
        return None, f"The worst run was on {task}. One bad run costs a quarter of the points."
    task = TASKS[int(score.per_task.argmax())].name
    return None, f"The task with most to gain is {task}."


def _flat(rates: list[float]) -> bool:
    return max(rates) == min(rates)


def _broken(challenge: Challenge, case: str, came: str, printed: bool = False) -> Result:
    law = "A strategy runs on every task and keeps to the budget."
    failure = Failure("runs", law, case, came)
    return Result(challenge.id, "wrong", [failure], printed=printed)


def _times(value: float) -> str:
    if not np.isfinite(value):
        return "diverged"
    return f"{value:.2f}" if value < 1000 else "over 1000"
