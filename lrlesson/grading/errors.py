"""What release and grade say when they refuse: one sentence, for a person."""


class GradingError(Exception):
    """Base of the two; the message is one sentence."""


class ReleaseError(GradingError):
    """The instructor's notebooks cannot be released as they are."""


class GradeError(GradingError):
    """The grading run cannot start or go on; never raised for what one learner handed in."""


class SandboxError(GradeError):
    """The sandbox cannot be had here, or a kernel did not start in it."""


class Unreadable(Exception):
    """What a learner handed in cannot be had; the message says why, in a few words."""


def printable(text: str, instead: str = "�") -> str:
    """The text without what a terminal or a table would obey."""
    return "".join(c if c.isprintable() else instead for c in text)


def one_line(text: str, limit: int = 200) -> str:
    """Text that came out of a learner's process, in one printable line of bounded length."""
    line = " ".join(printable(text[: 4 * limit], " ").split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
