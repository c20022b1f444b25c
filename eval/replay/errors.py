"""What recording and replay refuse, they refuse with one sentence."""

from eval.errors import EvaluationError


class RecordingError(EvaluationError):
    """A recording can't be written or read; the message says what is wrong, where, and what to do."""
