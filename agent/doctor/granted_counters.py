"""How many general counters of a core the kernel grants on a node, where that may be tried."""

from agent.encoding import encode
from agent.errors import EncodingError
from agent.event_table import definition
from agent.pmu_sysfs import core_pmu
from agent.settings import AgentSettings
from agent.sources.core_plan import FITS_ANYWHERE, cpu_to_ask, granted_counters
from agent.sources.kernel import Kernel
from agent.topology import Topology


def counters_of_node(topology: Topology, settings: AgentSettings, kernel: Kernel) -> int | None:
    """What ``granted_counters`` says of one of the node's CPUs; ``None`` too where none may be tried.

    Args:
        topology: the node's CPUs; another CPU than Sapphire Rapids is not tried, since the event means another there.
        settings: roots, and the policy for isolated CPUs.
        kernel: the system calls.
    """
    cpu = cpu_to_ask(topology, settings.isolated_cpus)
    if cpu is None or not topology.characterised:
        return None
    try:
        encoding = encode(definition(FITS_ANYWHERE), core_pmu(settings.roots.sys))
    except (EncodingError, OSError):
        return None
    return granted_counters(encoding, cpu=cpu, kernel=kernel)
