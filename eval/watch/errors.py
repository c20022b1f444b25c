"""What the watch refuses, it refuses with one sentence."""

from eval.errors import EvaluationError


class WatchError(EvaluationError):
    """The watch can't go on; the message says what is wrong, where, and what to do."""
