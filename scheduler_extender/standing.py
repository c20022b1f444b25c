"""How far a node's prediction can be believed: by its state, its room, its CPU, its regime, and the time there was."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.view import ClusterView, IndexArray


class Standing(StrEnum):
    """Why a node is scored by its bounds, or why not: the word that metric and explanation have for it."""

    ABSENT = "absent"
    OTHER_CONTRACT = "other_contract"
    REFUSED = "refused"
    FORMER = "former"
    AHEAD = "ahead"
    STALE = "stale"
    NO_ROOM = "no_room"
    OTHER_CPU = "other_cpu"
    NOT_YET = "not_yet"
    UNDECIDED = "undecided"
    KNOWN = "known"

    @property
    def sentence(self) -> str:
        """The same for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Standing.ABSENT: "no NodeState",
    Standing.OTHER_CONTRACT: "NodeState is of another contract",
    Standing.REFUSED: "NodeState is refused",
    Standing.FORMER: "NodeState is of a former node",
    Standing.AHEAD: "NodeState is from the future",
    Standing.STALE: "NodeState is stale",
    Standing.NO_ROOM: "no domain has the CPUs, and the kubelet takes them from one alone",
    Standing.OTHER_CPU: "CPU is not characterised",
    Standing.NOT_YET: "not predicted yet",
    Standing.UNDECIDED: "regime is unknown",
    Standing.KNOWN: "known",
}

STANDINGS: tuple[Standing, ...] = tuple(Standing)
"""By code, and in the order in which they count; arrays hold codes."""

NOT_BELIEVED = (Standing.OTHER_CONTRACT, Standing.REFUSED, Standing.AHEAD, Standing.STALE)
"""Of a node whose agent has written something, though nothing that counts as fresh."""
OF_ONE_WORKLOAD = frozenset({Standing.NO_ROOM, Standing.NOT_YET})
"""What a node is for one workload, and for another it is not."""

CodeArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]


def code_of(standing: Standing) -> int:
    """A standing's place in ``STANDINGS``."""
    return STANDINGS.index(standing)


def standings(
    view: ClusterView, nodes: IndexArray, *, kept: NDArray[np.void] | None, now: datetime, policy: LeewardPolicy
) -> CodeArray:
    """Of each node for one workload the first that holds, in the order of ``STANDINGS``; the last one always does.

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
    nothing = np.zeros(len(nodes), dtype=np.bool_)
    return _first_that_holds(
        _by_state(view.rows.take(nodes), now=now, policy=policy)
        | {
            Standing.NO_ROOM: nothing if kept is None else kept["no_room"].take(nodes),
            Standing.NOT_YET: ~nothing if kept is None else kept["revision"].take(nodes) == 0,
            Standing.UNDECIDED: nothing if kept is None else kept["unknown"].take(nodes),
        },
        never_heard_of=nodes < 0,
    )


def counted(view: ClusterView, *, now: datetime, policy: LeewardPolicy) -> Mapping[Standing, int]:
    """How many nodes there are of each standing that is not of one workload alone; a node is undecided if a domain is.

    A node that is gone counts as long as its state is left behind.

    Args:
        view: the cluster.
        now, policy: as of ``standings``.
    """
    rows = view.rows
    rows = rows[rows["present"] | rows["refused"] | np.isfinite(rows["born"])]
    found = _first_that_holds(
        _by_state(rows, now=now, policy=policy) | {Standing.UNDECIDED: rows["undecided"]},
        never_heard_of=np.zeros(len(rows), dtype=np.bool_),
    )
    numbers = np.bincount(found, minlength=len(STANDINGS)).tolist()
    return {
        standing: number for standing, number in zip(STANDINGS, numbers, strict=True) if standing not in OF_ONE_WORKLOAD
    }


def _by_state(rows: NDArray[np.void], *, now: datetime, policy: LeewardPolicy) -> dict[Standing, BoolArray]:
    """What rows of a view say, whatever is predicted."""
    seconds = now.timestamp()
    return {
        Standing.ABSENT: ~(rows["present"] | rows["refused"]),
        Standing.OTHER_CONTRACT: rows["other_contract"],
        Standing.REFUSED: rows["refused"],
        Standing.FORMER: ~rows["own"],
        Standing.AHEAD: rows["newest"] - seconds > policy.clock_skew_seconds,
        Standing.STALE: seconds - rows["oldest"] > policy.stale_after_seconds,
        Standing.OTHER_CPU: ~rows["characterised"],
    }


def _first_that_holds(holding: Mapping[Standing, BoolArray], *, never_heard_of: BoolArray) -> CodeArray:
    ordered = [standing for standing in STANDINGS if standing in holding]
    found = np.select(
        [never_heard_of, *(holding[standing] for standing in ordered)],
        [code_of(Standing.ABSENT), *map(code_of, ordered)],
        default=code_of(Standing.KNOWN),
    )
    return found.astype(np.intp)
