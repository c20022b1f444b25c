"""The node agent's errors: each message says what was wrong, where, and what to do."""


class AgentError(RuntimeError):
    """The agent cannot do what was asked of it."""


class EncodingError(AgentError):
    """An event cannot be said to this node's PMU."""


class TopologyError(AgentError):
    """The node's CPUs cannot be read."""


class WindowError(AgentError):
    """Two readings do not make a window."""


class PublishError(AgentError):
    """A NodeState cannot be put where its readers look."""


class UnreachableError(AgentError):
    """A server gives no answer that can be used."""


class RecordingError(AgentError):
    """A recorded trace can't be written, or can't be read."""


class RefusedError(PublishError):
    """The readers' side answered, and did not take the state.

    Attributes:
        is_lasting: it will refuse again until somebody does something.
        asked_seconds: how long it wants to be left alone, if it said so.
    """

    def __init__(self, sentence: str, *, is_lasting: bool, asked_seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.is_lasting = is_lasting
        self.asked_seconds = asked_seconds
