"""One window from open to close."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from agent.coverage import coverage_of
from agent.judged import judge_window
from agent.pods import UNKNOWN_PLACEMENT, PodPlacement
from agent.readings import merge
from agent.regime import RegimePredictor
from agent.settings import AgentSettings
from agent.sources.opening import opened
from agent.sources.protocol import CounterSource
from agent.topology import Topology
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
    pods: PodPlacement = UNKNOWN_PLACEMENT,
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
        pods: where pods live, as far as that can be seen.
        window_seconds: between the readings, above zero.
        clock: UTC now, for the heartbeat.
        sleep: waits; the simulator moves its own time on instead.

    Raises:
        AgentError: no source was given.
        WindowError: the sources' time did not move on.
    """
    with opened(sources) as answers:
        first = merge([source.read() for source in sources])
        sleep(window_seconds)
        last = merge([source.read() for source in sources])
    judged = judge_window(
        first,
        last,
        topology=topology,
        settings=settings,
        coverage=coverage_of(answers),
        now=clock(),
        predictor=predictor,
        bundle_digest=bundle_digest,
        pods=pods,
    )
    return judged.state
