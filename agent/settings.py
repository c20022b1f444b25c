"""What an agent is told: where the kernel's trees lie, how long windows are, how isolated CPUs are treated."""

import math
import socket
from dataclasses import dataclass, field
from pathlib import Path

from agent.errors import AgentError
from contracts.nodestate import EventGroup, IsolatedCpuPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """Where the kernel's trees are mounted; tests and containers mount them elsewhere."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    resctrl: Path = Path("/sys/fs/resctrl")

    @classmethod
    def under(cls, root: Path) -> "Roots":
        """All three below one directory, as a host's root mounted into a container has them.

        >>> Roots.under(Path("/host")).resctrl.as_posix()
        '/host/sys/fs/resctrl'
        """
        return cls(sys=root / "sys", proc=root / "proc", resctrl=root / "sys/fs/resctrl")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """The agent's settings.

    Attributes:
        node: the Kubernetes node's name.
        state_directory: where the embedded implementations of the ports keep their files.
        roots: the kernel's trees.
        sampling_period_seconds: between two readings, above zero.
        window_seconds: that a vector covers; no shorter than a sampling period.
        heartbeat_seconds: between two NodeStates of a node where nothing changes, above zero.
        minimum_running_share: a group that ran for less of its enabled time (0 to 1) is missing.
        event_groups: families of counters to open.
        isolated_cpus: whether core events of isolated CPUs are read; each read interrupts that CPU.

    Raises:
        AgentError: a figure is out of its range.
    """

    node: str = field(default_factory=lambda: socket.gethostname().lower())
    state_directory: Path = Path("/var/lib/leeward")
    roots: Roots = field(default_factory=Roots)
    sampling_period_seconds: float = 1.0
    window_seconds: float = 10.0
    heartbeat_seconds: float = 120.0
    minimum_running_share: float = 0.05
    event_groups: tuple[EventGroup, ...] = tuple(EventGroup)
    isolated_cpus: IsolatedCpuPolicy = IsolatedCpuPolicy.NEVER

    def __post_init__(self) -> None:
        period, window = self.sampling_period_seconds, self.window_seconds
        if not 0.0 < period <= window < math.inf:
            raise AgentError(f"a sample every {period} s and a window of {window} s: a window holds a sample at least")
        if not 0.0 < self.heartbeat_seconds < math.inf:
            raise AgentError(f"a heartbeat every {self.heartbeat_seconds} s: say a number above zero")
        if not 0.0 <= self.minimum_running_share <= 1.0:
            raise AgentError(f"minimum running share is {self.minimum_running_share}: say a share from 0 to 1")
