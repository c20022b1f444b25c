"""The evaluation's errors: each message says what was wrong, where, and what to do."""


class EvaluationError(RuntimeError):
    """A figure can't be had from what lies there."""
