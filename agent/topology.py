"""Which contention domains a node has, which CPUs belong to them, and the node's fixed ceilings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.nodestate import IsolatedCpuPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A socket, or a sub-NUMA cluster where SNC is on.

    Attributes:
        name: ``socket0``, or ``socket0-snc1``.
        socket: the physical package's number.
        cpus: online logical CPUs, ascending.
        ceilings: the ``NODE.*`` events of the feature contract that are known here, except the window's length:
            ``NODE.LLC_BYTES``, ``NODE.DRAM_PEAK_BYTES_PER_SECOND``, ``NODE.DRAM_PEAK_COMMANDS_PER_CLOCK``,
            ``NODE.UPI_PEAK_FLITS_PER_CLOCK``. One that is not known is absent.
    """

    name: str
    socket: int
    cpus: tuple[int, ...]
    ceilings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """A node as far as contention goes.

    Attributes:
        vendor, family, model, stepping: CPU identification as in ``/proc/cpuinfo``.
        smt: whether more than one thread of a core is online.
        domains: in ascending order.
        isolated_cpus: CPUs of ``isolcpus``, of ``nohz_full``, or of an isolated cpuset partition.
        doubts: one sentence each, what in the kernel's trees contradicts itself and what was made of it.
    """

    vendor: str
    family: int
    model: int
    stepping: int
    smt: bool
    domains: tuple[Domain, ...]
    isolated_cpus: frozenset[int] = frozenset()
    doubts: tuple[str, ...] = ()

    @property
    def characterised(self) -> bool:
        """Whether this is Sapphire Rapids (family 6, model 143), the one CPU that the models were made for."""
        return self.vendor == "GenuineIntel" and self.family == 6 and self.model == 143

    def is_wholly_isolated(self, domain: Domain) -> bool:
        """Whether every CPU of the domain's socket is isolated: what is read there interrupts one of them."""
        cpus = {cpu for other in self.domains if other.socket == domain.socket for cpu in other.cpus}
        return cpus <= self.isolated_cpus

    def left_alone(self, policy: IsolatedCpuPolicy) -> tuple[Domain, ...]:
        """Domains of which nothing may be read under a policy, not even what other domains are read for nothing."""
        if policy is not IsolatedCpuPolicy.NEVER:
            return ()
        return tuple(domain for domain in self.domains if self.is_wholly_isolated(domain))
