"""Where readings come from: a real machine's sources, by the family of events they serve, or a recording."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from agent.recording import Recording
from agent.sampling import Stop, beats_of
from agent.settings import AgentSettings
from agent.sources.perf import PerfSource
from agent.sources.protocol import CounterSource
from agent.sources.replay import ReplaySource
from agent.sources.resctrl import ResctrlSource
from agent.sources.uncore import UncoreSource
from agent.topology import Topology
from agent.topology_sysfs import read_topology
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where readings come from.

    Attributes:
        settings: those given; for a recording with the node, the period and the window of the recorded run.
        topology: of the node that is measured, or was.
        sources: none opened yet.
        beats: when to sample, each time whether a window ends; given what stops it. For a recording only once the
            sources are open.
    """

    settings: AgentSettings
    topology: Topology
    sources: tuple[CounterSource, ...]
    beats: Callable[[Stop], Iterator[bool]]


def origin_of(settings: AgentSettings) -> Origin:
    """This machine, or the recording that the settings name: it replaces all event groups.

    Raises:
        TopologyError: the roots hold no machine.
        RecordingError: the recording can't be replayed.
    """
    if settings.replay is not None:
        return _replayed(Recording(settings.replay), settings)
    topology = read_topology(settings.roots)
    sources = sources_of(topology, settings)
    return Origin(settings=settings, topology=topology, sources=sources, beats=partial(beats_of, settings))


def _replayed(recording: Recording, settings: AgentSettings) -> Origin:
    header = recording.header
    source = ReplaySource(recording)
    return Origin(
        settings=replace(
            settings,
            node=header.node,
            sampling_period_seconds=header.sampling_period_seconds,
            window_seconds=header.window_seconds,
        ),
        topology=header.topology,
        sources=(source,),
        beats=source.beats,
    )
