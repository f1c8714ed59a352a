"""check for the capstone: a strategy is run on practice seeds, measured, and told what it lacks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrlesson.base.threads import one_thread
from lrlesson.capstone.scoring import FULL, LOST, NOTHING, Score, dots, ratio, rounds
from lrlesson.capstone.tasks import BUDGET, PRACTICE, TASKS
from lrlesson.feedback.check.capstone_tracks import Challenge
from lrlesson.feedback.check.cards import Card, Paragraph, treated
from lrlesson.feedback.check.result import Failure, Result
from lrlesson.feedback.check.running import Runner, is_stub
from lrlesson.feedback.exercises.exercise import Case

SEEDS = (0, 1, 2, 3)
SECONDS = 120.0
LEFT_OVER = 0.25  # of the budget: worth a word
LAW = f"r earns points below {NOTHING:.2f}, and all of them from {FULL:.2f}."
PLAIN = (
    "Nothing odd happens there, so it is the size of the steps: with some hundred gradients a rate "
    "that is a habit from runs of many thousand (Adam at 0.001, say) is far too small."
)
OVERFIT = (
    "There are few examples, and labels among them are random: the longer one trains, the more of "
    "these are learnt. Look at the validation loss on the way; the best weights come early."
)
RESCALED = (
    "The loss changes its unit on the way, and gradients with it. A rate of SGD has to follow, and "
    "a long memory of old gradients has to be forgotten."
)
LIMIT = (
    "After a while one batch in twenty is bad, and its gradient very long. Lesson 13 limits what a "
    "single batch can do; without gradients only the rate can."
)
ADVICE = {  # what a task asks for, beside a good first rate
    "few and noisy": OVERFIT,
    "noisy, twice the budget": OVERFIT,
    "trained, few and noisy": OVERFIT + " The start is good already: what does a step cost there?",
    "noise that stays": (
        "Each batch is four examples, and half of the labels are drawn anew each time: the noise "
        "does not end. What takes it out is a decay, or a mean of weights."
    ),
    "wide, loss ÷ 1000": RESCALED,
    "tumours, loss ÷ 1000": RESCALED,
    "loss × 1000": RESCALED,
    "loss ÷ 1000": RESCALED,
    "deep, bad batches": LIMIT,
}


@dataclass(frozen=True, repr=False)
class Played(Result):
    """The answer of `check` to a strategy: a Result with its `score` and what that earns."""

    score: Score | None = None
    earned: float = 0.0
    of: int = 0

    def card(self) -> Card:
        if self.score is None:
            return super().card()
        body: list[Paragraph] = [
            f"{self.score.summary()}, in multiples of the best test loss that is known.",
            f"Worth {self.earned:g} of {self.of} points on practice seeds; the grader has others.",
            ("code", "\n".join(dots(self.score))),
        ]
        if self.message:
            body.append(self.message)
        body += treated(self.misconception)
        if self.printed:
            body.append("What your code printed while it was checked is hidden.")
        if self.earned == self.of:
            return Card("good", f"Full marks here: {self.id}", body)
        body.append(f'For a hint: hint("{self.id}")')
        if self.status == "correct":
            return Card("good", f"{self.earned:g} of {self.of} points here: {self.id}", body)
        return Card("bad", f"Not yet: {self.id}", body)


@dataclass
class _Log:
    """What one run did: the rates of its updates, those since the last reset, how many resets,
    what share of the budget was left."""

    rates: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    resets: int = 0
    left: float = 0.0  # a share of the budget
    usual: bool = True  # whether the budget is that of most tasks


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
    earned = score.points(challenge.points)
    full = earned == challenge.points
    slug, message = (None, "") if full else _lacking(challenge, score, logs)
    return Played(
        id=challenge.id,
        status="correct" if earned else "not yet",
        failures=[] if full else [Failure("r", LAW, "", "")],
        misconception=slug,
        message=message,
        printed=run.printed,
        score=score,
        earned=earned,
        of=challenge.points,
    )


def _ratios(track: str, strategy: Callable[..., Any], logs: list[_Log]) -> np.ndarray:
    ratios = np.full((len(TASKS), len(SEEDS)), np.inf)
    for column, seed in enumerate(SEEDS):
        for task, problem in rounds(track, (PRACTICE, 0, seed)):
            log = _Log(usual=problem.budget == BUDGET)
            logs.append(log)
            if track == "sgd":
                _watch(problem, log)
            answer = strategy(problem, problem.budget)
            log.left = problem.left / problem.budget
            ratios[TASKS.index(task), column] = ratio(track, problem, answer)
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
    broken = int(np.isinf(score.ratios).sum())
    sgd = challenge.track == "sgd"
    alike = [log.rates for log in logs if log.usual]
    if sgd and all(rates and _alike(rates, alike[0]) for rates in alike):
        return "universal-rate", (
            "Your strategy uses the same rates on every task, whatever it sees. The inputs differ "
            "in scale by a factor of 100, and a good rate differs with them."
        )
    if not sgd and broken == score.ratios.size:
        return None, (
            "No run ended with weights that are finite. That is rarely the rate: look for a "
            "division by zero, at t = 0 for instance."
        )
    if sgd and broken and not any(log.resets for log in logs):
        return None, (
            f"{broken} of {score.ratios.size} runs ended with weights that are not finite. It "
            "never calls reset(), so what a trial has broken stays broken."
        )
    if sgd and all(len(log.last) > 50 and _flat(log.last[-50:]) for log in logs):
        return "constant-rate-settles", (
            "The rate is as large at the end of each run as before. With batches there is noise, "
            "and a constant rate stays at its floor."
        )
    if np.median([log.left for log in logs]) > LEFT_OVER:
        return None, "More than a quarter of the budget was left at the end of most runs."
    worst = int(score.per_task.argmax())
    name = TASKS[worst].name
    said = f"Most is to be gained on the task {name}. {ADVICE.get(name, PLAIN)}"
    lost = int((score.ratios[worst] >= LOST).sum())
    if lost:
        said += f" {lost} of its {score.ratios.shape[1]} runs {'was' if lost == 1 else 'were'} lost"
        said += "; each costs what it could have earned and as much again, since it must be redone."
    return None, said


def _alike(rates: list[float], others: list[float]) -> bool:
    """Whether the shorter of two runs used the rates that the longer one began with."""
    both = min(len(rates), len(others))
    return rates[:both] == others[:both]


def _flat(rates: list[float]) -> bool:
    return max(rates) == min(rates)


def _broken(challenge: Challenge, case: str, came: str, printed: bool = False) -> Result:
    law = "A strategy runs on every task and keeps to the budget."
    failure = Failure("runs", law, case, came)
    return Result(challenge.id, "wrong", [failure], printed=printed)
