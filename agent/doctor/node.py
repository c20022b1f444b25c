"""The node under examination: all that the checks look at, read once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.doctor.check import Topic
from agent.doctor.machine import Machine
from agent.doctor.probe import Probe
from agent.doctor.process import Process
from agent.pmu_sysfs import Boxes
from agent.settings import AgentSettings
from agent.topology import Topology
from contracts.events import EVENTS, Pmu

UNCORE_TOPICS: Mapping[Pmu, Topic] = {
    Pmu.CHA: Topic.CHA,
    Pmu.IMC: Topic.IMC,
    Pmu.UPI: Topic.UPI,
    Pmu.IIO: Topic.IIO,
}


BARE_METAL = "run on bare metal: hypervisors pass on core counters at best, neither uncore boxes nor RDT"
"""What to do about all that a virtual machine hides, in the same words everywhere, so that it is said once."""
HOSTS_PROC = "mount the host's /proc and say where by --proc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What is known of a node.

    Attributes:
        settings, topology: as the agent has them.
        machine: CPU, hypervisor, firmware, kernel.
        process: what the agent may do.
        boxes: the uncore boxes that sysfs lists, a kind.
        probe: what really counts.
        granted: general counters of a core that the kernel grants; ``None`` where that can't be tried.
        causes: the events that each topic keeps from counting; see ``causes``.
    """

    settings: AgentSettings
    topology: Topology
    machine: Machine
    process: Process
    boxes: Mapping[Pmu, Boxes]
    probe: Probe
    granted: int | None = None
    causes: Mapping[Topic, frozenset[str]] = field(default_factory=dict)

    @property
    def isolated(self) -> frozenset[int]:
        """Isolated CPUs that are online."""
        return self.topology.isolated_cpus.intersection(cpu for domain in self.topology.domains for cpu in domain.cpus)

    @property
    def sockets(self) -> int:
        """Sockets with an online CPU."""
        return len({domain.socket for domain in self.topology.domains})

    @property
    def has_clusters(self) -> bool:
        """Whether some socket is split into sub-NUMA clusters."""
        return len(self.topology.domains) > self.sockets

    @property
    def counts_hardware(self) -> bool:
        """Whether some event of a PMU opened."""
        return any(EVENTS[event].pmu is not Pmu.RESCTRL for event in self.probe.opened)

    def lost_to(self, topic: Topic) -> frozenset[str]:
        """Events that a topic keeps from counting."""
        return self.causes.get(topic, frozenset())

    def reasons(self, topic: Topic) -> tuple[str, ...]:
        """Why the sources did not open a topic's events, a sentence each, the most frequent first."""
        entries = [self.probe.missing[event] for event in sorted(self.lost_to(topic)) if event in self.probe.missing]
        sentences = [entry.reason for entry in entries]
        return tuple(sorted(dict.fromkeys(sentences), key=lambda reason: -sentences.count(reason)))

    def refusals(self, topic: Topic) -> str:
        """How many of a topic's events each errno stands for: ``12 EACCES, 3 EINVAL``; empty where none."""
        numbers = [self.probe.missing[event].errno for event in self.lost_to(topic) if event in self.probe.missing]
        counted = sorted((-numbers.count(number), number) for number in set(numbers))
        return ", ".join(f"{-count} {number}" for count, number in counted)
