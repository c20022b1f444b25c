"""What is asked of a watched agent, and what is found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One agent to run.

    Attributes:
        cpus: of the fabricated node, on two sockets with two threads a core.
        events: ``sixteen`` core events, or ``all`` of the contract's, uncore included.
        remote_share: part of the CPUs, 0 to 1, that is another one than the agent's.
        every_sample: whether counters are read with every sample instead of at windows' ends.
        period_seconds, window_seconds: the agent's paces.
        windows: how many to watch, after the first.
        haste: how many times faster than that everything is done; what is found is told for the true pace.
    """

    cpus: int
    events: str = "sixteen"
    remote_share: float = 1.0
    every_sample: bool = False
    period_seconds: float = 1.0
    window_seconds: float = 10.0
    windows: int = 2
    haste: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What it took.

    Attributes:
        share_of_a_core: processor time over wall time, the watched windows alone.
        resident_mib, peak_mib: at the end, and at the most.
        first_state_seconds: from the start of the process until its NodeState lay in the directory.
        groups: of core events, open.
        descriptors: of all counters, open.
        interruptions_a_second: of other CPUs.
    """

    share_of_a_core: float
    resident_mib: float
    peak_mib: float
    first_state_seconds: float
    groups: int
    descriptors: int
    interruptions_a_second: float
