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
