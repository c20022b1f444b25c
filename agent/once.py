"""One window from open to close."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from agent.coverage import coverage_of
from agent.errors import AgentError
from agent.readings import merge
from agent.regime import RegimePredictor, assess
from agent.settings import AgentSettings
from agent.sources.protocol import CounterSource, Opened
from agent.state import node_state
from agent.topology import Topology
from agent.window import rows_left_out, vectors_between
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import NodeState

WINDOW_SECONDS = 1.0
"""What a person waits for; the agent's own windows are longer."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def observe(
    sources: Sequence[CounterSource],
    topology: Topology,
    settings: AgentSettings,
    *,
    predictor: RegimePredictor | None = None,
    bundle_digest: str | None = None,
    window_seconds: float = WINDOW_SECONDS,
    clock: Callable[[], datetime] = _utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> NodeState:
    """Open the sources, read them twice a window apart, close them, and say what was seen.

    Args:
        sources: at least one, none open.
        topology: the node's domains.
        settings: node name and minimum running share.
        predictor, bundle_digest: the regime model and its bundle, if there is one.
        window_seconds: between the readings, above zero.
        clock: UTC now, for the heartbeat.
        sleep: waits; the simulator moves its own time on instead.

    Raises:
        AgentError: no source was given.
        WindowError: the sources' time did not move on.
    """
    if not sources:
        raise AgentError("no counter source was given: enable at least one event group in the settings")
    with _opened(sources) as answers:
        first = merge([source.read() for source in sources])
        sleep(window_seconds)
        last = merge([source.read() for source in sources])
    share = settings.minimum_running_share
    vectors = vectors_between(first, last, node=settings.node, topology=topology, minimum_running_share=share)
    assessments = [assess(vector, characterised=topology.characterised, predictor=predictor) for vector in vectors]
    return node_state(
        node=settings.node,
        topology=topology,
        vectors=vectors,
        assessments=assessments,
        coverage=coverage_of(answers),
        now=clock(),
        rows_left_out=rows_left_out(first, last, minimum_running_share=share),
        bundle_digest=bundle_digest,
    )


@contextmanager
def _opened(sources: Sequence[CounterSource]) -> Iterator[list[Opened]]:
    """All sources open for the contract's events; all closed at the end, however it comes."""
    try:
        yield [source.open(FEATURE_SCHEMA_V1.events) for source in sources]
    finally:
        for source in sources:
            source.close()
