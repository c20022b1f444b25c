"""How far a node's prediction can be believed: from its state's age, its CPU, its regime, and the time there was."""

from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.view import ClusterView, IndexArray


class Standing(StrEnum):
    """Why a node is scored by its bounds, or why not."""

    KNOWN = "known"
    ABSENT = "no NodeState"
    FORMER = "NodeState is of a former node"
    STALE = "NodeState is stale"
    AHEAD = "NodeState is from the future"
    OTHER_CPU = "CPU is not characterised"
    UNDECIDED = "regime is unknown"
    NOT_YET = "not predicted yet"


STANDINGS: tuple[Standing, ...] = tuple(Standing)
"""By code; arrays hold codes."""

CodeArray = NDArray[np.intp]


def code_of(standing: Standing) -> int:
    """A standing's place in ``STANDINGS``."""
    return STANDINGS.index(standing)


def standings(
    view: ClusterView, nodes: IndexArray, *, kept: NDArray[np.void] | None, now: datetime, policy: LeewardPolicy
) -> CodeArray:
    """The first that holds of: absent, of a former node, ahead, stale, other CPU, not predicted yet, undecided, known.

    Args:
        view: the cluster.
        nodes: rows of the view; negative for a node never heard of.
        kept: rows of ``scheduler_extender.kept.KeptWorkload``; ``None`` where nothing is predicted at all.
        now: UTC.
        policy: how old is stale, and how far ahead a clock may be.

    Returns:
        intp ``(len(nodes),)``, codes.
    """
    if not len(view):
        return np.full(len(nodes), code_of(Standing.ABSENT), dtype=np.intp)
    rows = view.rows[nodes]
    seconds = now.timestamp()
    nothing = np.zeros(len(nodes), dtype=np.bool_)
    predicted = nothing if kept is None else kept["revision"][nodes] > 0
    undecided = nothing if kept is None else kept["unknown"][nodes]
    return np.select(
        [
            (nodes < 0) | ~rows["present"],
            rows["newest"] < rows["born"],
            rows["newest"] - seconds > policy.clock_skew_seconds,
            seconds - rows["oldest"] > policy.stale_after_seconds,
            ~rows["characterised"],
            ~predicted,
            undecided,
        ],
        [
            code_of(standing)
            for standing in (
                Standing.ABSENT,
                Standing.FORMER,
                Standing.AHEAD,
                Standing.STALE,
                Standing.OTHER_CPU,
                Standing.NOT_YET,
                Standing.UNDECIDED,
            )
        ],
        default=code_of(Standing.KNOWN),
    ).astype(np.intp)
