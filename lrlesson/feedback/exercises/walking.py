"""AdaGrad and RMSprop: a rate for every weight. Also the cases that Adam shares."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lrlesson.feedback.exercises.exercise import (
    Case,
    Property,
    Wrong,
    fitting,
    same_answers,
    varied,
)

Row = list[float]


def walking(name: str, settings: str) -> Callable[..., Case]:
    """A maker of cases for a class with `step(w, g)`: `walking("Adam", "0.1, 0.9, 0.999, 1e-8")`.

    Its case is the points that a new optimizer visits from w = 0, one row for each gradient; with
    `last`, the last point only; with `times`, the gradients in turn so many times.
    """
    numbers = [float(number) for number in settings.split(",")]

    def case(gradients: Sequence[Row], times: int = 1, last: bool = False) -> Case:
        def run(cls: Any) -> np.ndarray:
            optimizer, w = cls(*numbers), np.zeros(len(gradients[0]))
            points = []
            for _ in range(times):
                for gradient in gradients:
                    w = fitting(optimizer.step(w, np.array(gradient)), w)
                    points.append(w.copy())
            return np.array(points[-1] if last else points)

        said = ", ".join(map(str, gradients)) + (f", {times} times" if times > 1 else "")
        what = "the last w" if last else "w after each step" if len(gradients) > 1 else "w"
        text = f"{name}({settings}).step from w = {[0.0] * len(gradients[0])}, g = {said}: {what}"
        return Case(text, run)

    return case


def manners(name: str, settings: str) -> tuple[Property, Property, list[Property]]:
    """What any optimizer class owes to its caller, and to another of its kind.

    What is looked at first of all, what after the first step, and what in the end.
    """
    numbers = [float(number) for number in settings.split(",")]
    made = f"{name}({settings})"

    def weights(cls: Any) -> np.ndarray:
        w = np.array([1.0, -2.0])
        cls(*numbers).step(w, np.array([3.0, 0.5]))
        return w

    def gradient(cls: Any) -> np.ndarray:
        g = np.array([3.0, 0.5])
        cls(*numbers).step(np.array([1.0, -2.0]), g)
        return g

    def after(cls: Any, start: Row, gradients: Sequence[Row], scale: float = 1.0) -> np.ndarray:
        optimizer, w = cls(*numbers), np.array(start)
        for g in gradients:
            w = fitting(optimizer.step(w.copy(), scale * np.array(g)), w)
        return w - start

    def two(cls: Any) -> np.ndarray:
        return np.array([after(cls, [0.0, 0.0], [[3.0, 0.5]]) for _ in range(2)])

    def anywhere(cls: Any) -> np.ndarray:
        gradients = [[1.0, -2.0], [3.0, 0.5]]
        return np.array([after(cls, start, gradients) for start in ([0.0, 0.0], [8.0, -4.0])])

    def scaled(cls: Any) -> np.ndarray:
        return np.array([after(cls, [0.0, 0.0], MIXED, scale) for scale in (1.0, 1e6)])

    independent = Property(
        "two-optimizers",
        "A new optimizer knows nothing of the one before it.",
        [Case(f"the first steps of two new {made}", two)],
        holds=same_answers,
    )
    from_anywhere = Property(
        "from-anywhere",
        "How far a step goes depends on the gradients, not on where w is.",
        [Case(f"{made}: the way of two steps from w = [0, 0], and from w = [8, -4]", anywhere)],
        holds=_nearly_the_same,
    )
    after_it = [
        Property(
            "scale",
            "A loss that is a million times as large changes nothing.",
            [Case(f"{made}: the way of five steps with g, and with a million times g", scaled)],
            holds=_nearly_the_same,
        ),
        Property(
            "callers-weights",
            "The caller's w is as it was before.",
            [Case(f"w = [1, -2], looked at after {made}.step(w, g)", weights)],
        ),
        Property(
            "callers-gradient",
            "The caller's g is as it was before.",
            [Case(f"g = [3, 0.5], looked at after {made}.step(w, g)", gradient)],
        ),
    ]
    return independent, from_anywhere, after_it


def _nearly_the_same(came: np.ndarray, _expected: np.ndarray) -> bool:
    """As `same_answers`, also of numbers in single precision."""
    return bool(np.allclose(came, came[:1], rtol=1e-4, atol=1e-7, equal_nan=True))


def bad_manners(reference: str, start: str, update: str, scribbled: tuple[str, str]) -> list[Wrong]:
    """The mistakes that `manners` finds.

    `start` and `update` are lines of the reference, where it makes and changes its memory;
    `scribbled` is a change of it that writes into g.
    """
    final = reference.splitlines()[-1].strip()
    return [
        Wrong(
            "changes-the-weights-in-place",
            "Your step changed the caller's w: `w -= …` writes into the array, `w - …` makes a new "
            "one.",
            varied(reference, (final, final.replace("return w -", "w -=") + "\n        return w")),
            told_by="callers-weights",
        ),
        Wrong(
            "changes-the-gradient-in-place",
            "Your step changed the caller's g: `g *= …` writes into the array.",
            varied(reference, scribbled),
            told_by="callers-gradient",
        ),
        Wrong(
            "one-state-for-all",
            "Your second optimizer goes on where the first one stopped: the memory must be made in "
            "`__init__`, with `self.`",
            varied(
                reference,
                (start, "pass"),
                ("def __init__", f"{start.replace('self.', '')}\n\n    def __init__"),
                (update, update.replace("self.", "type(self).", 1)),
            ),
            told_by="two-optimizers",
        ),
        Wrong(
            "nothing-moves",
            "Your step returns w as it came: the new weights have to be returned.",
            varied(reference, (final, "return w")),
        ),
        Wrong(
            "climbs",
            "Your step climbs: it goes along the gradient.",
            varied(reference, ("w - self", "w + self")),
        ),
        Wrong(
            "only-the-change",
            "You return the step alone. The weights after the step are asked for: w minus it.",
            varied(reference, ("w - self", "-self")),
        ),
        Wrong(
            "only-the-change",
            "You return the step that is to be taken away. The weights after the step are asked "
            "for: w minus it.",
            varied(reference, ("w - self", "self")),
        ),
        Wrong(
            "weights-enter-the-step",
            "Your step depends on where w is: there is weight decay in it, or a bound on the "
            "weights. The rule knows the gradients only.",
            varied(reference, (update.strip(), f"g = g + 0.01 * w\n        {update.strip()}")),
            told_by="from-anywhere",
        ),
        Wrong(
            "clips-the-gradient",
            "You clip large gradients. That is another idea, and this rule has no need of it: it "
            "divides by their size.",
            varied(
                reference,
                (update.strip(), f"g = np.clip(g, -100, 100)\n        {update.strip()}"),
            ),
            told_by="scale",
        ),
        *(
            Wrong(
                "clips-the-gradient",
                f"You clip the gradient at {bound}. That is another idea, and this rule has no "
                "need of it: it divides by the size of the gradients.",
                varied(
                    reference,
                    (
                        update.strip(),
                        f"g = np.clip(g, -{bound}, {bound})\n        {update.strip()}",
                    ),
                ),
            )
            for bound in (1, 5)
        ),
        Wrong(
            "rate-ignored",
            "Your step does not use lr.",
            varied(reference, ("self.lr * ", "")),
        ),
    ]


MIXED = [[1.0, -2.0], [-0.5, 2.0], [3.0, 0.1], [0.25, 8.0], [-2.0, 0.0]]


def each_weight(cls: str, settings: str) -> Property:
    """The property that no weight pays for another one."""
    walk = walking(cls, settings)
    return Property(
        "each-weight",
        "Every weight has a rate of its own: what one gradient was is nothing to the others.",
        [walk([[1.0, 0.1]]), walk([[1.0, 0.1], [0.0, 0.1]])],
    )
