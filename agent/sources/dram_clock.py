"""Which of two encodings is the DRAM's clock: the vendor's, or the one that the node's kernel calls ``clockticks``.

The kernel's alias has umask 0, the vendor's file umask 1, and both exist: one of them ticks at half the rate of the
other. The ceiling that column accesses are set against (``NODE.DRAM_PEAK_COMMANDS_PER_CLOCK``) is meant for the faster,
DCLK, at half the transfer rate. So the two are counted side by side for an instant.
"""

from dataclasses import replace

from agent.encoding import encode
from agent.errors import EncodingError
from agent.event_table import EventDefinition
from agent.kernel_names import KERNEL_NAMES
from agent.pmu_sysfs import PmuNode
from agent.sources.counter_groups import Refusal, close_group, open_group
from agent.sources.kernel import HEADER_WORDS, Kernel, ReadPlan

DRAM_CLOCK = "UNC_M_CLOCKTICKS"
_READS = 20
_ENOUGH_TICKS = 20_000
"""Some ten microseconds of DRAM clock: the instant between the two counters' starts no longer matters."""
_CLEARLY_FASTER = 1.5
"""Halfway, by ratio, between two clocks that are alike and one that is twice the other."""


def dram_clock(vendor: EventDefinition, box: PmuNode, *, cpu: int, kernel: Kernel) -> EventDefinition:
    """The event to count as DRAM clock on boxes like this one: the kernel's where that is clearly the faster.

    Where they can't be compared (no such alias, a refusal, counters that stand still) the vendor's holds.

    Args:
        vendor: the vendor's ``UNC_M_CLOCKTICKS``.
        box: an IMC box.
        cpu: that counts the box.
        kernel: the system calls; the counters are opened, read some times, and closed.
    """
    terms = box.kernel_terms.get(KERNEL_NAMES[DRAM_CLOCK])
    if terms is None or terms == vendor.fields:
        return vendor
    named = replace(vendor, fields=terms)
    by_vendor, by_kernel = _ticks(vendor, named, box, cpu=cpu, kernel=kernel)
    return named if by_kernel > _CLEARLY_FASTER * by_vendor else vendor


def _ticks(
    vendor: EventDefinition, named: EventDefinition, box: PmuNode, *, cpu: int, kernel: Kernel
) -> tuple[int, int]:
    try:
        encodings = [encode(vendor, box), encode(named, box)]
    except EncodingError:
        return 0, 0
    group = open_group(kernel, encodings, cpu=cpu)
    if isinstance(group, Refusal):
        return 0, 0
    plan = ReadPlan([group[0]], [len(group)])
    ticks = (0, 0)
    for _ in range(_READS):
        read = kernel.read_groups(plan)
        if read.errors[0]:
            break
        first, second = read.words[0, HEADER_WORDS : HEADER_WORDS + 2].tolist()
        ticks = (first, second)
        if min(ticks) >= _ENOUGH_TICKS:
            break
    close_group(kernel, group)
    return ticks
