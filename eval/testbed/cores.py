"""Which hardware threads an occupant gets."""

from dataclasses import dataclass, field
from enum import StrEnum

from eval.testbed.errors import PlacementError


class CpuPolicy(StrEnum):
    """Options of kubelet's static CPU manager, by their own names.

    With ``full-pcpus-only`` a core belongs to one occupant, and its second thread idles. With
    ``distribute-cpus-across-cores`` threads are handed out one by one, on the least crowded cores first: once every
    core has an occupant, the next comer shares cores with those who are there.
    """

    FULL_CORES = "full-pcpus-only"
    ACROSS_CORES = "distribute-cpus-across-cores"


Thread = tuple[int, int]
"""Core and thread within the core."""


@dataclass(slots=True)
class CoreMap:
    """The threads of one socket and their owners.

    A stressor that asks for no cores runs on the second thread of every core where that is free. It is a process of the
    host, unknown to kubelet: under ``full-pcpus-only`` its cores still count as free.
    """

    cores: int
    threads_per_core: int
    policy: CpuPolicy
    owners: dict[Thread, str] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    held: dict[str, tuple[Thread, ...]] = field(default_factory=dict)

    def take(self, owner: str, wanted: int) -> tuple[Thread, ...]:
        """Give ``wanted`` workers a thread each; 0 takes the free second threads of all cores.

        Raises:
            PlacementError: there is no room; says how much there is.
        """
        if wanted:
            free = self._free_threads()
            if len(free) < wanted:
                raise PlacementError(f"{owner} wants {wanted} cores and {len(free)} are free: remove someone first")
            taken = tuple(free[:wanted])
        else:
            taken = self._free_second_threads()
            if not taken:
                raise PlacementError(
                    f"{owner} runs on second threads and none is free: this node has no SMT, or is full"
                )
            self.hosts.add(owner)
        self.owners.update(dict.fromkeys(taken, owner))
        self.held[owner] = self.held.get(owner, ()) + taken
        return taken

    def release(self, owner: str) -> None:
        """Free all threads of an owner."""
        for thread in self.held.pop(owner, ()):
            del self.owners[thread]
        self.hosts.discard(owner)

    @property
    def free(self) -> int:
        """How many more workers there is room for."""
        if self.policy is CpuPolicy.FULL_CORES:
            return self.cores - len(self._taken_cores())
        return self.cores * self.threads_per_core - len(self.owners)

    def granted(self, owner: str) -> frozenset[Thread]:
        """Threads that kubelet gave an owner, with idle second ones of whole cores; none for a process of the host."""
        if owner in self.hosts:
            return frozenset()
        own = frozenset(self.held.get(owner, ()))
        if self.policy is CpuPolicy.FULL_CORES:
            return frozenset((core, thread) for core, _ in own for thread in range(self.threads_per_core))
        return own

    def sibling_owners(self, owner: str) -> dict[str, float]:
        """Who is on the other threads of an owner's cores, and on which share of the owner's threads."""
        own = self.held.get(owner, ())
        shares: dict[str, float] = {}
        for core, thread in own:
            holder = self.owners.get((core, 1 - thread))
            if holder is not None:
                shares[holder] = shares.get(holder, 0.0) + 1.0 / len(own)
        return shares

    def _free_threads(self) -> list[Thread]:
        """In the order in which they are handed out."""
        if self.policy is CpuPolicy.FULL_CORES:
            taken = self._taken_cores()
            return [(core, 0) for core in range(self.cores) if core not in taken]
        free = [
            (core, thread)
            for core in range(self.cores)
            for thread in range(self.threads_per_core)
            if (core, thread) not in self.owners
        ]
        return sorted(free, key=lambda place: (self._crowd_met(*place), place))

    def _taken_cores(self) -> set[int]:
        """Those of which kubelet gave away a thread."""
        return {core for (core, _), holder in self.owners.items() if holder not in self.hosts}

    def _crowd_met(self, core: int, thread: int) -> int:
        """How many workers a thread would find on its core if the core's threads were handed out in order."""
        return thread + sum((core, other) in self.owners for other in range(thread + 1, self.threads_per_core))

    def _free_second_threads(self) -> tuple[Thread, ...]:
        if self.threads_per_core < 2:
            return ()
        return tuple((core, 1) for core in range(self.cores) if (core, 1) not in self.owners)
