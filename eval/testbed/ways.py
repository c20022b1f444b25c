"""Which ways of the last-level cache a sharer may insert into: cache allocation by bit masks (Intel CAT), and DDIO.

A mask says where lines are put, not where they are found: a sharer hits in every way, and only insertions are confined
(Intel SDM vol. 3B, "Cache Allocation Technology"). Devices are confined to the topmost ways likewise, and cores insert
there too unless their masks leave these ways out (Farshin et al., "Reexamining Direct Cache Access", USENIX ATC 2020).
Ways that the same sharers insert into are one part of the cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eval.testbed.errors import TestbedError
from eval.testbed.hardware import ALL_WAYS, LLC_BYTES, LLC_WAYS

DoubleArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """The cache of one socket, cut where masks end.

    Attributes:
        capacity: ``(parts,)`` in bytes.
        spread: ``(sharers, parts)``, share of each sharer's insertions that goes to each part; rows add up to 1.
    """

    capacity: DoubleArray
    spread: DoubleArray


def refuse_bad_mask(ways: int) -> int:
    """A mask as resctrl takes it: some of the ways, all beside one another (the kernel's ``resctrl.rst``).

    Raises:
        TestbedError: it names no way, one that there is not, or leaves a gap.
    """
    lowest = ways & -ways
    if not 0 < ways <= ALL_WAYS or (ways + lowest) & ways:
        raise TestbedError(
            f"{ways:#x} is no mask over {LLC_WAYS} ways: one way or more, all beside one another, up to {ALL_WAYS:#x}"
        )
    return ways


def parts_of(masks: Sequence[int]) -> Parts:
    """Cut a cache by the masks of those who share it.

    Args:
        masks: of each sharer, bit 0 for the lowest way.
    """
    return _cut(tuple(masks))


@lru_cache(maxsize=4096)
def _cut(masks: tuple[int, ...]) -> Parts:
    allowed = np.array([[mask >> way & 1 for way in range(LLC_WAYS)] for mask in masks], dtype=np.float64)
    kinds, ways = np.unique(allowed, axis=1, return_counts=True)
    used = kinds.any(axis=0)
    kinds, ways = kinds[:, used], ways[used]
    return Parts(
        capacity=np.asarray(LLC_BYTES / LLC_WAYS * ways, dtype=np.float64),
        spread=kinds * ways / (kinds * ways).sum(axis=1, keepdims=True),
    )
