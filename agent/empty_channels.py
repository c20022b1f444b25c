"""Memory channels that have no memory.

A channel without a module, or one that the firmware left out, has its counters all the same: its clock ticks and it
never carries a command. Summed with the others it would make the memory look less busy than it is. A channel with
memory is never without a command for a whole window: the kernel's own accesses are interleaved over all of them.
"""

from dataclasses import replace

from agent.deltas import BlockDelta
from contracts.events import Pmu

CLOCK = "UNC_M_CLOCKTICKS"
COMMANDS = "UNC_M_CAS_COUNT.ALL"


def without_empty_channels(delta: BlockDelta) -> BlockDelta:
    """The block without rows of channels whose clock ticked while no command went over them.

    Args:
        delta: any block; one that does not count both stays as it is.
    """
    if delta.pmu is not Pmu.IMC or not {CLOCK, COMMANDS} <= set(delta.events):
        return delta
    clock, commands = (delta.scaled[:, delta.events.index(name)] for name in (CLOCK, COMMANDS))
    kept = ~(delta.good & (clock > 0) & (commands == 0))
    if kept.all():
        return delta
    return replace(
        delta,
        instances=tuple(name for name, keep in zip(delta.instances, kept.tolist(), strict=True) if keep),
        codes=delta.codes[kept],
        scaled=delta.scaled[kept],
        good=delta.good[kept],
    )
