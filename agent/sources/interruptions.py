"""How often the agent interrupts other CPUs: what a plan of groups would cost, and how many groups a ceiling allows.

Reading a counter of another CPU, starting it or stopping it is done there, by an interrupt. Reading several groups of
a CPU interrupts it once each.
"""

from dataclasses import dataclass

from agent.sources.rotation import INTERRUPTIONS_A_TURN
from contracts.nodestate import IsolatedCpuPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuSets:
    """How many CPUs are counted, by how they are treated.

    Attributes:
        shared: CPUs that run all groups.
        isolated: CPUs of ``isolcpus`` or ``nohz_full`` that are counted at all.
        policy: what is done with the isolated ones.
    """

    shared: int
    isolated: int
    policy: IsolatedCpuPolicy

    def groups_on_isolated(self, groups: int) -> int:
        """How many of ``groups`` an isolated CPU has: one under ``sampled``, all under ``full``."""
        match self.policy:
            case IsolatedCpuPolicy.NEVER:
                return 0
            case IsolatedCpuPolicy.SAMPLED:
                return min(groups, 1)
            case IsolatedCpuPolicy.FULL:
                return groups


def interruptions_a_second(groups: int, *, cpus: CpuSets, period_seconds: float, window_seconds: float) -> float:
    """What reading at each window's end costs all CPUs together, turns on isolated ones included.

    Args:
        groups: on a shared CPU.
        cpus: who is counted.
        period_seconds: between two samples; with each of them groups on isolated CPUs take turns.
        window_seconds: between two readings of core counters.

    >>> from contracts.nodestate import IsolatedCpuPolicy
    >>> cpus = CpuSets(shared=24, isolated=200, policy=IsolatedCpuPolicy.SAMPLED)
    >>> interruptions_a_second(6, cpus=cpus, period_seconds=1.0, window_seconds=10.0)
    34.4
    """
    on_isolated = cpus.groups_on_isolated(groups)
    reads = (cpus.shared * groups + cpus.isolated * on_isolated) / window_seconds
    turns = cpus.isolated * INTERRUPTIONS_A_TURN / period_seconds if on_isolated > 1 else 0.0
    return reads + turns


def affordable_groups(
    groups: int, *, ceiling_a_second: float, cpus: CpuSets, period_seconds: float, window_seconds: float
) -> int:
    """How many of ``groups`` stay at or below the ceiling; the other arguments as of ``interruptions_a_second``."""
    return next(
        (
            number
            for number in range(groups, 0, -1)
            if interruptions_a_second(number, cpus=cpus, period_seconds=period_seconds, window_seconds=window_seconds)
            <= ceiling_a_second
        ),
        0,
    )
