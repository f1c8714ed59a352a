"""X5, the factor per step of an exponential decay."""

from lrlesson.feedback.exercises.exercise import Case, Exercise, Property, Wrong, calling, varied

factor = calling("gamma_for")

GAMMA = """\
def gamma_for(final, epochs, steps_per_epoch):
    return final ** (1 / (epochs * steps_per_epoch))
"""


def _gamma(expression: str) -> str:
    return varied(GAMMA, ("final ** (1 / (epochs * steps_per_epoch))", expression))


def after(updates: int, final: float, epochs: int, steps: int) -> Case:
    """What so many updates at the factor leave of the rate."""
    case = factor(final, epochs, steps)
    return Case(f"{case.text} ** {updates}", lambda gamma_for: case.run(gamma_for) ** updates)


EXERCISES = [
    Exercise(
        id="gamma-for",
        points=3,
        notebook="04_exercise_decay.ipynb",
        signature="gamma_for(final, epochs, steps_per_epoch)",
        reference=GAMMA,
        properties=[
            Property(
                "one-update",
                "One epoch of one update: the factor is the share that is left.",
                [factor(0.5, 1, 1)],
            ),
            Property(
                "one-epoch",
                "In one epoch all its updates together leave `final` of the rate.",
                [factor(0.25, 1, 2), after(10, 0.5, 1, 10)],
            ),
            Property(
                "all-updates",
                "All updates of all epochs together leave `final` of the rate.",
                [
                    factor(0.25, 2, 1),
                    factor(0.0625, 2, 2),
                    after(420, 0.01, 10, 42),
                    factor(0.01, 100, 100),
                ],
            ),
            Property(
                "half-way",
                "Half of the updates leave the root of `final`.",
                [after(210, 0.01, 10, 42)],
            ),
            Property(
                "nothing-to-decay",
                "With final = 1 the rate stays as it is.",
                [factor(1.0, 3, 5)],
            ),
        ],
        bank=[
            Wrong(
                "epoch-factor-per-step",
                "After one epoch you are already where the whole run should end: this is the "
                "factor per epoch, and it acts at every update.",
                _gamma("final ** (1 / epochs)"),
            ),
            Wrong(
                "linear-share",
                "You take away the same amount at every update. Factors multiply: T of them leave "
                "γᵀ.",
                _gamma("1 - (1 - final) / (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "counts-the-gaps",
                "You count one update too few: each of the T updates multiplies once, so the whole "
                "run leaves γᵀ.",
                _gamma("final ** (1 / (epochs * steps_per_epoch - 1))"),
            ),
            Wrong(
                "counts-one-too-many",
                "You count one update too many: the whole run leaves γᵀ.",
                _gamma("final ** (1 / (epochs * steps_per_epoch + 1))"),
            ),
            Wrong(
                "factor-is-divided",
                "You divide the factor per epoch by the steps. Factors multiply, so it takes a "
                "root.",
                _gamma("final ** (1 / epochs) / steps_per_epoch"),
            ),
            Wrong(
                "final-is-divided",
                "You divide the share by the number of updates. It takes a root: γᵀ is the share.",
                _gamma("final / (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "exponent-upside-down",
                "You take the share to the power T. The factor to the power T is the share.",
                _gamma("final ** (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "epochs-left-out",
                "Your factor reaches the share after one epoch: epochs is not used.",
                _gamma("final ** (1 / steps_per_epoch)"),
            ),
            Wrong(
                "final-is-what-is-lost",
                "`final` is the share that is left, not the share that is lost.",
                _gamma("(1 - final) ** (1 / (epochs * steps_per_epoch))"),
            ),
            Wrong(
                "one-over-e",
                "Your factor leaves 1/e in the end, whatever `final` is.",
                _gamma("np.exp(-1 / (epochs * steps_per_epoch))"),
            ),
            Wrong(
                "straight-near-one",
                "1 + log(final)/T is near the factor while T is large. The exact one is as short.",
                _gamma("1 + np.log(final) / (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "held-in-a-range",
                "You keep the factor within a range that nobody asked for: a short run needs a "
                "small one, and a long run one very near to 1.",
                _gamma("np.clip(final ** (1 / (epochs * steps_per_epoch)), 0.9, 0.999)"),
            ),
            Wrong(
                "logarithm-not-undone",
                "log(final)/T is the logarithm of the factor. One step is missing: `np.exp` of it.",
                _gamma("np.log(final) / (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "linear-share",
                "You divide what is lost by the number of updates. Factors multiply: T of them "
                "leave γᵀ.",
                _gamma("(1 - final) / (epochs * steps_per_epoch)"),
            ),
            Wrong(
                "epochs-left-out",
                "You take the root of epochs/steps. All updates count, so the two are multiplied.",
                _gamma("final ** (epochs / steps_per_epoch)"),
            ),
            Wrong(
                "epochs-left-out",
                "You take the root of steps/epochs. All updates count, so the two are multiplied.",
                _gamma("final ** (steps_per_epoch / epochs)"),
            ),
            Wrong(
                "one-over-e",
                "Your factor is exp(−final/T). The factor whose T-th power is `final` is asked "
                "for.",
                _gamma("np.exp(-final / (epochs * steps_per_epoch))"),
            ),
            Wrong(
                "rounded-off",
                "You round the factor. It is near 1 and multiplies hundreds of times, so its third "
                "and fourth places matter.",
                _gamma("round(final ** (1 / (epochs * steps_per_epoch)), 2)"),
            ),
        ],
        hints=[
            "How many updates are there in the whole run? Call that number T.",
            (
                "The rate is multiplied by the factor at each of them, so in the end the factor "
                "has been multiplied with itself T times, and that should be `final`."
            ),
            "γᵀ = final, so γ is the T-th root of it, which is a power with the exponent 1/T.",
        ],
        rtol=1e-4,
    ),
]
