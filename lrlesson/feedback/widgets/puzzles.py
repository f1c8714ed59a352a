"""The puzzles of `parsons`: lines to put into order, and lines that do not belong."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Puzzle:
    """A program in disorder.

    `lines` says for each line which others have to come before it; `distractors` for each line that
    does not belong, why, and its misconception; `shown` the order in which a learner meets them;
    `head` what stands above the lines.
    """

    id: str
    lesson: str
    ask: str
    head: str
    lines: dict[str, tuple[str, ...]]
    distractors: dict[str, tuple[str, str]]
    shown: tuple[str, ...]

    def __post_init__(self) -> None:
        if sorted(self.shown) != sorted([*self.lines, *self.distractors]):
            raise ValueError(f"{self.id}: shown is not the lines and the distractors, each once")
        for line, before in self.lines.items():
            if unknown := set(before) - set(self.lines):
                raise ValueError(f"{self.id}: {line!r} needs {unknown}, which is no line")


COUNT = "self.t = self.t + 1"
M = "self.m = self.beta1 * self.m + (1 - self.beta1) * g"
V = "self.v = self.beta2 * self.v + (1 - self.beta2) * g**2"
M_HAT = "m_hat = self.m / (1 - self.beta1**self.t)"
V_HAT = "v_hat = self.v / (1 - self.beta2**self.t)"
ROOT = "root = np.sqrt(v_hat)"
RATE = "rate = self.lr / (root + self.eps)"
STEP = "return w - rate * m_hat"

START = "t = 0"
EPOCHS = "for epoch in range(epochs):"
BATCHES = "    for batch in batches(epoch):"
ASK = "        lr = eta(t)"
UPDATE = "        w = w - lr * gradient(w, batch)"
NEXT = "        t = t + 1"
END = "return w"

PUZZLES = {
    puzzle.id: puzzle
    for puzzle in [
        Puzzle(
            id="training-loop",
            lesson="04",
            ask="A training loop: the rate of update t is eta(t), and the first update is t = 0. "
            "Two lines do not belong.",
            head="def train(w, eta, gradient, batches, epochs):",
            lines={
                START: (),
                EPOCHS: (START,),
                BATCHES: (EPOCHS,),
                ASK: (BATCHES,),
                UPDATE: (ASK,),
                NEXT: (ASK,),
                END: (UPDATE, NEXT),
            },
            distractors={
                "        lr = eta(epoch)": (
                    (
                        "the schedule's clock counts updates. With the epoch it would hold each "
                        "rate for a whole epoch, and decay far too late."
                    ),
                    "clock-counts-epochs",
                ),
                "    t = t + 1": (
                    (
                        "every update counts itself already. One more for each epoch, and the "
                        "clock runs ahead of the updates."
                    ),
                    "clock-runs-ahead",
                ),
            },
            shown=(
                UPDATE,
                EPOCHS,
                "        lr = eta(epoch)",
                NEXT,
                START,
                END,
                ASK,
                "    t = t + 1",
                BATCHES,
            ),
        ),
        Puzzle(
            id="adam-step",
            lesson="09",
            ask="One step of Adam. Three lines do not belong.",
            head="def step(self, w, g):",
            lines={
                COUNT: (),
                M: (),
                V: (),
                M_HAT: (COUNT, M),
                V_HAT: (COUNT, V),
                ROOT: (V_HAT,),
                RATE: (ROOT,),
                STEP: (RATE, M_HAT),
            },
            distractors={
                "self.t = 0": (
                    "the count would begin anew at every step. It begins at 0 once, in `__init__`.",
                    "always-the-first-step",
                ),
                "root = np.sqrt(v_hat + self.eps)": (
                    (
                        "under the root ε is as large as a gradient of 0.0001. It is added to the "
                        "root."
                    ),
                    "eps-inside-the-root",
                ),
                "self.m = m_hat": (
                    (
                        "the next step would average the corrected value and correct it again. The "
                        "correction is for this step only."
                    ),
                    "corrected-is-kept",
                ),
            },
            shown=(
                V_HAT,
                "root = np.sqrt(v_hat + self.eps)",
                M,
                RATE,
                "self.t = 0",
                M_HAT,
                STEP,
                COUNT,
                ROOT,
                V,
                "self.m = m_hat",
            ),
        ),
    ]
}
