"""Groups that take turns on isolated CPUs, one at a time.

Where more groups are started than a CPU's counters hold, the kernel rotates them by a timer of its own on that CPU, by
default with every scheduler tick (Linux commit 9e6302056f80, "perf: Use hrtimers for event multiplexing"). A poll-mode
core would be interrupted some hundred times a second. Here one group runs, and a turn stops it and starts the next.
"""

from dataclasses import dataclass, field

from agent.sources.kernel import Kernel

INTERRUPTIONS_A_TURN = 2
"""Stopping a group and starting another each interrupt the CPU once."""


@dataclass(slots=True)
class _Turns:
    leaders: list[int] = field(default_factory=list)
    running: int = 0

    @property
    def are_taken(self) -> bool:
        return len(self.leaders) > 1


class Rotation:
    """Whose turn it is on each CPU. The first group of a CPU is to be running when it is added, the others not."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._turns: dict[int, _Turns] = {}

    @property
    def is_turning(self) -> bool:
        """Whether some CPU has more groups than one."""
        return any(turns.are_taken for turns in self._turns.values())

    def add(self, cpu: int, *, leader: int) -> None:
        """Put a group at the end of a CPU's line."""
        self._turns.setdefault(cpu, _Turns()).leaders.append(leader)

    def turn(self) -> int:
        """Let the next group run on each CPU that has several; how many interruptions that made.

        A group that can't be started is passed over until its turn comes again: its running time does not grow.
        """
        taken = [turns for turns in self._turns.values() if turns.are_taken]
        for turns in taken:
            self._kernel.disable(turns.leaders[turns.running])
            turns.running = (turns.running + 1) % len(turns.leaders)
            self._kernel.enable(turns.leaders[turns.running])
        return INTERRUPTIONS_A_TURN * len(taken)

    def clear(self) -> None:
        """Forget all groups; their descriptors are closed by who opened them."""
        self._turns.clear()
