"""The capstone's two tracks: what is asked, one good strategy for each, and three hints.

There is no right answer to compare with: `playing` runs a strategy and measures it.
"""

from dataclasses import dataclass

NOTEBOOK = "19_exercise_capstone.ipynb"


@dataclass(frozen=True)
class Challenge:
    """One track: `track` as lrlesson.capstone names it, and the rest as of an exercise."""

    id: str
    track: str
    points: int
    signature: str
    reference: str
    hints: tuple[str, str, str]
    notebook: str = NOTEBOOK

    @property
    def names(self) -> tuple[str, ...]:
        return (self.signature.partition("(")[0],)


SGD_REFERENCE = '''\
def sgd_strategy(problem, budget):
    """Of eight rates the better half, and of those; then from the best in a line to zero."""

    def trial(lr, updates):
        problem.reset()
        losses = []
        while len(losses) < updates:
            losses.append(problem.step(lr))
            if not losses[-1] < 3 * losses[0]:
                return np.inf
        return np.mean(losses[-5:])

    rates, updates = 10.0 ** np.arange(-2, 2, 0.5), 8
    while len(rates) > 2:
        losses = [trial(lr, updates) for lr in rates]
        rates = rates[np.argsort(losses)[: len(rates) // 2]]
        updates *= 2
    lr = rates[0]
    while problem.left > 0:
        problem.reset()
        losses, left = [], problem.left
        for t in range(left):
            losses.append(problem.step(lr * (1 - t / left)))
            if t >= 10 and not np.mean(losses[-10:]) < losses[0]:
                break  # it has broken: again, with a smaller rate
        lr = lr / 3
'''

OPEN_REFERENCE = '''\
def open_strategy(problem, budget):
    """Adam, whose good rate hardly depends on the scale, with a rate that goes to zero."""
    here = problem.init()
    m = v = np.zeros_like(here)
    for t in range(budget):
        g = problem.grad(here)[1]
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        drive = (m / (1 - 0.9 ** (t + 1))) / (np.sqrt(v / (1 - 0.999 ** (t + 1))) + 1e-8)
        here = here - 0.01 * (1 - t / budget) * drive
    return here
'''

SGD_HINTS = (
    (
        "Run your strategy on two tasks whose inputs differ in scale. Which rates does it use on "
        "each, and should they be the same?"
    ),
    (
        "Spend a part of the budget on finding a rate: a range test, or several rates for a few "
        "updates each. `problem.reset()` is free, `problem.left` is what remains."
    ),
    (
        "Then go from that rate to zero over what is left, and keep looking. A loss that is "
        "suddenly in another unit wants a rate in that unit; a validation loss that climbs wants "
        "an end; a run that has broken can begin again with a smaller rate."
    ),
)
OPEN_HINTS = (
    (
        "Here you have gradients, so the rule is yours. Which rule's good rate depends least on "
        "the scale of the inputs? (Lesson 09.)"
    ),
    (
        "What if the unit of the loss changes, or one gradient is enormous? Make the length of a "
        "step independent of both (lesson 13), and mind how long the rule remembers."
    ),
    (
        "`problem.val_loss(w)` is free: of all weights on the way, and of their means, return "
        "those that are best on it. Where labels are random the best ones come early."
    ),
)

CHALLENGES = {
    "capstone-sgd": Challenge(
        id="capstone-sgd",
        track="sgd",
        points=15,
        signature="sgd_strategy(problem, budget)",
        reference=SGD_REFERENCE,
        hints=SGD_HINTS,
    ),
    "capstone-open": Challenge(
        id="capstone-open",
        track="open",
        points=9,
        signature="open_strategy(problem, budget)",
        reference=OPEN_REFERENCE,
        hints=OPEN_HINTS,
    ),
}
