"""Sources open for as long as somebody reads them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from agent.descriptors import spare_descriptors
from agent.errors import AgentError
from agent.sources.protocol import CounterSource, Opened
from contracts.features import FEATURE_SCHEMA_V1


@contextmanager
def opened(sources: Sequence[CounterSource]) -> Iterator[tuple[Opened, ...]]:
    """All sources open for the contract's events; all closed at the end, however it comes.

    Args:
        sources: at least one, none open.

    Raises:
        AgentError: no source was given.
    """
    if not sources:
        raise AgentError("no counter source was given: enable at least one event group in the settings")
    try:
        with spare_descriptors():
            answers = tuple(source.open(FEATURE_SCHEMA_V1.events) for source in sources)
        yield answers
    finally:
        for source in sources:
            source.close()
