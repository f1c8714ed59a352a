"""The rate for a given noise floor."""

from lrlesson.feedback.exercises.exercise import Exercise, Property, Wrong, calling, varied

rate = calling("lr_for_floor")

REFERENCE = """\
def lr_for_floor(target, lam, sigma):
    return 4 * target / (sigma**2 + 2 * target * lam)
"""
FORMULA = "4 * target / (sigma**2 + 2 * target * lam)"


def _using(expression: str) -> str:
    return varied(REFERENCE, (FORMULA, expression))


EXERCISES = [
    Exercise(
        id="lr-for-floor",
        points=5,
        notebook="03_exercise_noise.ipynb",
        signature="lr_for_floor(target, lam, sigma)",
        reference=REFERENCE,
        properties=[
            Property(
                "unit-bowl",
                "At the rate returned, the floor of the bowl is the target.",
                [rate(1.0, 1.0, 1.0), rate(0.25, 1.0, 1.0)],
            ),
            Property(
                "small-target",
                "A lower floor asks for a smaller rate.",
                [rate(0.025, 1.0, 1.0), rate(1e-4, 1.0, 1.0), rate(1e-8, 1.0, 1.0)],
            ),
            Property(
                "more-noise",
                "More noise at the same target asks for a smaller rate.",
                [rate(0.25, 1.0, 2.0), rate(0.25, 1.0, 0.5)],
            ),
            Property(
                "steeper-bowl",
                "A steeper bowl with the same noise asks for a smaller rate.",
                [rate(0.25, 4.0, 1.0), rate(0.25, 0.1, 1.0)],
            ),
            Property(
                "below-the-limit",
                "However high the floor may be, the rate stays below 2/λ.",
                [rate(100.0, 1.0, 1.0), rate(1e4, 4.0, 2.0), rate(1.0, 0.01, 0.1)],
            ),
        ],
        bank=[
            Wrong(
                "small-rate-formula",
                "4L/σ² is the approximation for small rates: for large targets it exceeds 2/λ, "
                "where there is no floor at all.",
                _using("4 * target / sigma**2"),
            ),
            Wrong(
                "sigma-not-squared",
                "σ is a spread, and the loss is a square: the floor grows with σ².",
                varied(REFERENCE, ("sigma**2", "sigma")),
            ),
            Wrong(
                "floor-of-a-rate",
                "You put the target where the rate stands in the formula: that gives the floor of "
                "a rate. Solve it for η.",
                _using("target * sigma**2 / (2 * (2 - target * lam))"),
            ),
            Wrong(
                "upside-down",
                "Your rate falls as the target rises. A higher floor allows a larger rate.",
                _using("(sigma**2 + 2 * target * lam) / (4 * target)"),
            ),
            Wrong(
                "limit-for-floor",
                "2/λ is the edge of stability, where the floor has no bound; it does not depend "
                "on the target.",
                _using("2 / lam"),
            ),
            Wrong(
                "curvature-left-out",
                "Your rate does not depend on λ: it stands in the bracket 2 − ηλ.",
                varied(REFERENCE, (" * lam", "")),
            ),
            Wrong(
                "sign-in-the-sum",
                "A sign: the term with ηλ changes sides when you solve for η, so it adds to σ².",
                varied(REFERENCE, ("+ 2", "- 2")),
            ),
            Wrong(
                "factor-of-two",
                "A factor of two is missing beside λ: multiply out the whole of 2 · (2 − ηλ).",
                varied(REFERENCE, ("2 * target * lam", "target * lam")),
            ),
            Wrong(
                "factor-of-two",
                "Your rate is half of what it may be: 2 · 2 makes four times the target.",
                varied(REFERENCE, ("4 * target", "2 * target")),
            ),
            Wrong(
                "small-rate-formula",
                "2L/σ² comes from leaving out both the bracket and a factor of two: the floor is "
                "ησ²/(2(2 − ηλ)), and the answer is exact.",
                _using("2 * target / sigma**2"),
            ),
            Wrong(
                "small-rate-formula",
                "2L/(λσ²) is a formula for another noise. Here the floor is ησ²/(2(2 − ηλ)).",
                _using("2 * target / (lam * sigma**2)"),
            ),
            Wrong(
                "small-rate-formula",
                "4L/(λσ²) is a formula for another noise. Here the floor is ησ²/(2(2 − ηλ)).",
                _using("4 * target / (lam * sigma**2)"),
            ),
            Wrong(
                "factor-of-two",
                "Beside λ stands 2: multiply out the whole of 2 · (2 − ηλ) · L.",
                varied(REFERENCE, ("2 * target * lam", "4 * target * lam")),
            ),
            Wrong(
                "factor-of-two",
                "Both terms are halved: 2L/(σ² + Lλ) solves a formula without the 2 below the "
                "fraction bar.",
                _using("2 * target / (sigma**2 + target * lam)"),
            ),
            Wrong(
                "floor-of-a-rate",
                "This is the floor of a rate, for small rates. Solve the formula for η.",
                _using("target * sigma**2 / 4"),
            ),
            Wrong(
                "curvature-squared",
                "λ enters once, in the bracket 2 − ηλ, and not as a square.",
                varied(REFERENCE, ("* lam", "* lam**2")),
            ),
            Wrong(
                "held-in-a-range",
                "You keep the rate below a bound that nobody asked for. In a flat bowl it may be "
                "large.",
                _using(f"min(1.0, {FORMULA})"),
            ),
            Wrong(
                "noise-raises-the-rate",
                "Your rate grows with the noise. More noise makes a higher floor, so the rate must "
                "be smaller for the same target.",
                _using("4 * target * sigma**2 / (1 + 2 * target * lam)"),
            ),
            Wrong(
                "root-of-the-target",
                "You took the root of the target. For small rates the floor is in proportion to "
                "the rate, not to its square.",
                _using("4 * np.sqrt(target) / (sigma**2 + 2 * np.sqrt(target) * lam)"),
            ),
            Wrong(
                "cut-off-at-the-limit",
                "You cut the approximation 4L/σ² off at 2/λ. The exact rate comes near 2/λ by "
                "itself and never reaches it.",
                _using("min(4 * target / sigma**2, 2 / lam)"),
            ),
        ],
        atol=0,
        hints=[
            (
                "You know the floor of a rate: ησ²/(2(2 − ηλ)). Here the floor is given, and η is "
                "asked for. Set it equal to the target and solve."
            ),
            (
                "Multiply both sides by the bracket below the fraction bar, then bring every term "
                "with η to one side."
            ),
            (
                "You should arrive at η · (something) = 4 · target. The something has two terms: "
                "σ², and one with λ and the target."
            ),
        ],
    )
]
