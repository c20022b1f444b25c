"""How many general counters of a core the kernel grants: clouds cap guests below the hardware's eight."""

from agent.encoding import encode
from agent.errors import EncodingError
from agent.event_table import definition
from agent.pmu_sysfs import core_pmu
from agent.settings import AgentSettings
from agent.sources.counter_groups import Refusal, close_group, open_group
from agent.sources.groups import GENERAL_COUNTERS
from agent.sources.kernel import Kernel
from agent.topology import Topology
from contracts.events import Pmu
from contracts.nodestate import IsolatedCpuPolicy

_FITS_ANYWHERE = "CPU_CLK_UNHALTED.DISTRIBUTED"
"""Counts on every general counter and on no fixed one."""


def granted_counters(topology: Topology, settings: AgentSettings, kernel: Kernel) -> int | None:
    """The largest group of copies of one event that opens on one CPU; ``None`` where none does, or none may be tried.

    Args:
        topology: the node's CPUs; another CPU than Sapphire Rapids is not tried, since the event means another there.
        settings: roots, and the policy for isolated CPUs.
        kernel: the system calls.
    """
    spared = topology.isolated_cpus if settings.isolated_cpus is IsolatedCpuPolicy.NEVER else frozenset()
    cpus = [cpu for domain in topology.domains for cpu in domain.cpus if cpu not in spared]
    if not cpus or not topology.characterised:
        return None
    try:
        encoding = encode(definition(_FITS_ANYWHERE), core_pmu(settings.roots.sys))
    except (EncodingError, OSError):
        return None
    cpu = min(cpus, key=lambda cpu: (cpu in topology.isolated_cpus, cpu))
    for counters in range(GENERAL_COUNTERS[Pmu.CORE], 0, -1):
        group = open_group(kernel, [encoding] * counters, cpu=cpu)
        if not isinstance(group, Refusal):
            close_group(kernel, group)
            return counters
    return None
