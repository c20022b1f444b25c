"""How a block says that a row could not be read this time.

No real row ran before it was enabled. A row with exactly 1 ns of running and none of enabled time therefore stands for
"nothing was read"; it keeps its place, so that a sum over the block knows that something is lacking.
"""

import numpy as np
from numpy.typing import NDArray

from agent.sources.protocol import CountArray


def mark_unread(rows: NDArray[np.bool_], *, enabled_ns: CountArray, running_ns: CountArray) -> None:
    """Mark rows in place.

    Args:
        rows: bool ``(rows,)``, true where nothing was read.
        enabled_ns, running_ns: uint64 ``(rows,)``.
    """
    enabled_ns[rows] = 0
    running_ns[rows] = 1


def is_unread(*, enabled_ns: CountArray, running_ns: CountArray) -> NDArray[np.bool_]:
    """Rows that were not read, bool ``(rows,)``."""
    return np.asarray((enabled_ns == 0) & (running_ns == 1))
