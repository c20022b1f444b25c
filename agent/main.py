"""The agent on this machine: the one place that wires its real parts."""

import resource
from dataclasses import dataclass

from agent.once import WINDOW_SECONDS, observe
from agent.publish import DirectoryPublisher
from agent.regime import RegimePredictor
from agent.settings import AgentSettings
from agent.sources.registry import sources_of
from agent.sources.software import SoftwareCounters, SoftwareWindow
from agent.topology_sysfs import read_topology
from contracts.nodestate import NodeState


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReport:
    """What a measurement shows: the node's state, and the kernel's software counters over the same window."""

    state: NodeState
    software: SoftwareWindow


def measure(
    settings: AgentSettings,
    *,
    predictor: RegimePredictor | None = None,
    bundle_digest: str | None = None,
    window_seconds: float = WINDOW_SECONDS,
    publish: bool = False,
) -> MachineReport:
    """Measure this machine for one window.

    Args:
        settings: roots, node name, event groups.
        predictor, bundle_digest: the regime model and its bundle, if there is one.
        window_seconds: above zero.
        publish: also put the state into the state directory.

    Returns:
        The state, and the software counters over the same window.

    Raises:
        TopologyError: the roots hold no machine.
        AgentError: no event group is enabled.
        PublishError: the state directory can't be written.
    """
    _raise_descriptor_limit()
    topology = read_topology(settings.roots)
    software = SoftwareCounters(topology=topology)
    software.open()
    try:
        state = observe(
            sources_of(topology, settings),
            topology,
            settings,
            predictor=predictor,
            bundle_digest=bundle_digest,
            window_seconds=window_seconds,
        )
        report = MachineReport(state=state, software=software.window())
    finally:
        software.close()
    if publish:
        DirectoryPublisher(settings.state_directory).publish(state)
    return report


def once(settings: AgentSettings) -> NodeState:
    """This machine's state over one short window; raises as ``measure`` does."""
    return measure(settings).state


def _raise_descriptor_limit() -> None:
    """A node of 224 CPUs takes some 14,000 descriptors; the soft limit is usually 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
