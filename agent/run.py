"""The agent's loop: what the container on each node runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Protocol

from agent import log
from agent.champion_model import ChampionModel
from agent.coverage import coverage_of
from agent.judged import judge_window
from agent.outlet import Outlet
from agent.pacing import Pacing
from agent.publish import NodeStatePublisher
from agent.sampling import windows
from agent.settings import AgentSettings
from agent.sources.opening import opened
from agent.sources.protocol import CounterSource
from agent.topology import Topology
from agent.topology_sysfs import online_cpus
from contracts.nodestate import Condition
from contracts.vector import FeatureVector

ALIVE = "alive"
"""File in the state directory whose time is that of the last window; the container's probes look at it."""


class VectorSink(Protocol):
    """Takes the vectors of every window, whether or not its NodeState is due."""

    def accept(self, vectors: Sequence[FeatureVector]) -> None:
        """Take one window's vectors.

        Called between two samples, so it neither waits nor raises: what can't be delivered it keeps, or counts.
        """


def run(
    settings: AgentSettings,
    *,
    topology: Topology,
    sources: Sequence[CounterSource],
    publisher: NodeStatePublisher,
    model: ChampionModel,
    stop: Event,
    sink: VectorSink | None = None,
) -> None:
    """Open the sources once, and turn window after window into NodeStates until stopped, or until CPUs come or go.

    Args:
        settings: paces, node name, roots, state directory.
        topology: the node's domains.
        sources: at least one, none open; closed at the end, however it comes.
        publisher: where NodeStates go.
        model: the regime model, looked after before each judgement.
        stop: ends the loop at once.
        sink: where vectors go, if anywhere.

    Raises:
        AgentError: no source was given.
    """
    outlet = Outlet(publisher, pacing=Pacing(node=settings.node, heartbeat_seconds=settings.heartbeat_seconds))
    online = online_cpus(settings.roots)
    period, window = settings.sampling_period_seconds, settings.window_seconds
    previous: Sequence[Condition] = ()
    with opened(sources) as answers:
        coverage = coverage_of(answers)
        judge = partial(judge_window, topology=topology, settings=settings, coverage=coverage)
        log.info("counting", node=settings.node, opened=coverage.opened, wanted=coverage.wanted)
        for first, last in windows(sources, period_seconds=period, window_seconds=window, stop=stop):
            model.refresh()
            judged = judge(
                first,
                last,
                now=datetime.now(UTC),
                predictor=model.predictor,
                bundle_digest=model.digest,
                previous=previous,
            )
            previous = judged.status.conditions
            if sink is not None:
                sink.accept(judged.vectors)
            outlet.offer(judged)
            _sign_of_life(settings)
            if online_cpus(settings.roots) != online:
                log.info("cpus-changed", node=settings.node)
                return


def _sign_of_life(settings: AgentSettings) -> None:
    try:
        (settings.state_directory / ALIVE).touch()
    except OSError as error:
        log.warning("state-directory-not-writable", path=settings.state_directory, error=error)
