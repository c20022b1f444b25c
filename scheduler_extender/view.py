"""What the extender knows of the cluster, in arrays that a request can index: one row a node."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from contracts.nodestate import NodeState
from scheduler_extender.pod import Pod
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.telemetry import NodeTelemetry, telemetry_of

IndexArray = NDArray[np.intp]
NEVER_HEARD_OF = -1

_ROW = np.dtype(
    [
        ("revision", np.int64),
        ("arrivals", np.int64),
        ("oldest", np.float64),
        ("newest", np.float64),
        ("born", np.float64),
        ("present", np.bool_),
        ("characterised", np.bool_),
        ("demanding", np.bool_),
    ]
)


class ClusterView:
    """Nodes, their states and their residents.

    A node's row stays where it is for ever, and its revision rises with every change that a prediction depends on.
    """

    def __init__(self, policy: LeewardPolicy) -> None:
        self._policy = policy
        self._index: dict[str, int] = {}
        self._names: list[str] = []
        self._telemetry: list[NodeTelemetry | None] = []
        self._pods: dict[str, Pod] = {}
        self._residents: list[dict[str, Pod]] = []
        self._rows = np.zeros(0, dtype=_ROW)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def rows(self) -> NDArray[np.void]:
        """A row a node, in order of index.

        ``revision`` (0 before the first change), ``arrivals`` (the revision at which somebody came or went last),
        ``oldest`` and ``newest`` (POSIX seconds that the node's state is judged by), ``born`` (POSIX seconds before
        which a state is that of another node of this name; infinite where the node is gone, 0 where nobody says),
        ``present`` (there is a state), ``characterised``, and ``demanding`` (a resident requires its tolerance).
        """
        return self._rows[: len(self)]

    @property
    def pods(self) -> Mapping[str, Pod]:
        """All pods by UID."""
        return self._pods

    def set_state(self, node: str, state: NodeState | None) -> None:
        """Take a NodeState over; ``None`` where it was deleted."""
        index = self._index_of(node)
        telemetry = None if state is None else telemetry_of(state)
        self._telemetry[index] = telemetry
        row = self._rows[index]
        row["present"] = telemetry is not None
        if telemetry is not None:
            row["oldest"], row["newest"] = telemetry.oldest.timestamp(), telemetry.newest.timestamp()
            row["characterised"] = telemetry.characterised
        row["revision"] += 1

    def set_node(self, node: str, created: datetime | None) -> None:
        """Take over since when there is a node; ``None`` where it is gone, though its state may stay behind."""
        index = self._index_of(node)
        self._rows[index]["born"] = math.inf if created is None else created.timestamp()

    def set_pod(self, uid: str, pod: Pod | None) -> None:
        """Take a pod over; ``None`` where it was deleted."""
        former = self._pods.get(uid)
        if former == pod:
            return
        self._pods.pop(uid, None)
        if pod is not None:
            self._pods[uid] = pod
        if former is not None and self._policy.is_resident(former):
            index = self._index_of(former.node)
            del self._residents[index][uid]
            self._changed_residents(index)
        if pod is not None and self._policy.is_resident(pod):
            index = self._index_of(pod.node)
            self._residents[index][uid] = pod
            self._changed_residents(index)

    def touch_all(self) -> None:
        """Mark every node as changed: predictions stand on something else now."""
        self._rows["revision"] += 1

    def touch_homes_of(self, workloads: frozenset[str]) -> None:
        """Mark the nodes as changed where one of these workloads, by their keys, is a resident."""
        for index, residents in enumerate(self._residents):
            if any(pod.key in workloads for pod in residents.values()):
                self._rows[index]["revision"] += 1

    def lookup(self, nodes: Sequence[str]) -> IndexArray:
        """Each node's row, ``NEVER_HEARD_OF`` where there is none."""
        return np.fromiter(map(self._index.get, nodes, repeat(NEVER_HEARD_OF)), dtype=np.intp, count=len(nodes))

    def name(self, index: int) -> str:
        """The name of the node in a row."""
        return self._names[index]

    def pod_named(self, full_name: str) -> Pod | None:
        """A pod by namespace and name; looks through all of them."""
        return next((pod for pod in self._pods.values() if pod.full_name == full_name), None)

    def present(self) -> list[str]:
        """Names of the nodes that have a state of their own."""
        rows = self.rows
        return [self._names[index] for index in np.flatnonzero(rows["present"] & (rows["newest"] >= rows["born"]))]

    def telemetry(self, index: int) -> NodeTelemetry | None:
        """A node's last state, if it has one."""
        return self._telemetry[index]

    def residents(self, index: int) -> Iterable[Pod]:
        """Who lives on a node."""
        return self._residents[index].values()

    def _changed_residents(self, index: int) -> None:
        self._rows[index]["demanding"] = any(map(self._policy.requires, self._residents[index].values()))
        self._rows[index]["revision"] += 1
        self._rows[index]["arrivals"] = self._rows[index]["revision"]

    def _index_of(self, node: str) -> int:
        index = self._index.get(node)
        if index is None:
            index = self._index[node] = len(self._names)
            self._names.append(node)
            self._telemetry.append(None)
            self._residents.append({})
            self._rows = grown(self._rows, len(self._names))
        return index


def grown(rows: NDArray[np.void], size: int) -> NDArray[np.void]:
    """The same rows with zeros behind, where they are fewer than ``size``; doubles, so that growing stays cheap."""
    if size <= len(rows):
        return rows
    larger = np.zeros(max(size, 2 * len(rows), 64), dtype=rows.dtype)
    larger[: len(rows)] = rows
    return larger
