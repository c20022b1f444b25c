"""Static cache partitioning: disjoint ways for those who share a socket, as ResQ (NSDI 2018) gives them by Intel CAT.

The devices' two ways are nobody's. The other thirteen are cut into six classes of service, of two ways each and the
last of three; a pod joins the class with the fewest pods for as long as it lives.
"""

from collections.abc import Iterable

from eval.testbed.hardware import DDIO_WAYS, LLC_WAYS

CLASSES = 6
_CORE_WAYS = LLC_WAYS - DDIO_WAYS
_WAYS_EACH = _CORE_WAYS // CLASSES


def _mask(number: int) -> int:
    lowest = number * _WAYS_EACH
    width = _CORE_WAYS - lowest if number == CLASSES - 1 else _WAYS_EACH
    return ((1 << width) - 1) << lowest


MASKS: tuple[int, ...] = tuple(_mask(number) for number in range(CLASSES))
"""Bit masks over the ways, disjoint, none of them the devices'."""


def least_crowded(taken: Iterable[int]) -> int:
    """The mask that the fewest have; the widest of these.

    Args:
        taken: masks of those who share the socket, one each.
    """
    held = list(taken)
    return min(MASKS, key=lambda mask: (held.count(mask), -mask.bit_count(), mask))
