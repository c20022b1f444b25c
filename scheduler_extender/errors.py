"""The extender's errors: each message says what was wrong, where, and what to do."""


class ExtenderError(RuntimeError):
    """The extender can't start, or can't use what it was given."""


class PodError(ExtenderError):
    """A Pod object can't be read."""


class OtherContractError(ExtenderError):
    """A document was written by another contract than this extender reads."""


class ArgsError(ExtenderError):
    """A request is refused; ``status`` is the HTTP status that says so.

    Args:
        message: one sentence, what and where.
        status: 400 for a malformed body, 413 for one that is too large.
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class ApiError(ExtenderError):
    """The Kubernetes API server can't be read.

    Args:
        message: one sentence, what and where.
        status: of HTTP, or of the watch's last event; 0 where there was no answer.
        asked_seconds: how long the server asks to be left alone.
    """

    def __init__(self, message: str, *, status: int = 0, asked_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.asked_seconds = asked_seconds


class ProfilesError(ExtenderError):
    """The feature store's profiles can't be followed."""
