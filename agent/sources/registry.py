"""The sources of a real machine, by the family of events they serve."""

from collections.abc import Callable, Mapping

from agent.settings import AgentSettings
from agent.sources.perf import PerfSource
from agent.sources.protocol import CounterSource
from agent.sources.resctrl import ResctrlSource
from agent.sources.uncore import UncoreSource
from agent.topology import Topology
from contracts.nodestate import EventGroup


def _perf(topology: Topology, settings: AgentSettings) -> CounterSource:
    return PerfSource(topology=topology, settings=settings)


def _uncore(topology: Topology, settings: AgentSettings) -> CounterSource:
    return UncoreSource(topology=topology, settings=settings)


def _resctrl(topology: Topology, settings: AgentSettings) -> CounterSource:
    return ResctrlSource(topology=topology, settings=settings)


SOURCES: Mapping[EventGroup, Callable[[Topology, AgentSettings], CounterSource]] = {
    EventGroup.CORE: _perf,
    EventGroup.UNCORE: _uncore,
    EventGroup.RESCTRL: _resctrl,
}


def sources_of(topology: Topology, settings: AgentSettings) -> tuple[CounterSource, ...]:
    """The sources that the settings ask for, none opened yet."""
    return tuple(SOURCES[group](topology, settings) for group in settings.event_groups)
