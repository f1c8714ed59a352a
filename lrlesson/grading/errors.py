"""What release and grade say when they refuse: one sentence, for a person."""


class GradingError(Exception):
    """Base of the two; the message is one sentence."""


class ReleaseError(GradingError):
    """The instructor's notebooks cannot be released as they are."""


class GradeError(GradingError):
    """The grading run cannot start or go on; never raised for what one learner handed in."""


class Unreadable(Exception):
    """What a learner handed in cannot be had; the message says why, in a few words."""
