"""What the extender knows of the cluster, in arrays that a request can index: one row a node."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from contracts.nodestate import NodeState
from contracts.regime import Regime
from scheduler_extender.node import Node
from scheduler_extender.pod import Pod
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.sources import Refusal
from scheduler_extender.telemetry import NodeTelemetry, telemetry_of
from scheduler_extender.topology import TopologyPolicy

IndexArray = NDArray[np.intp]
Entry = TypeVar("Entry", bound=np.generic)
NEVER_HEARD_OF = -1

_ROW = np.dtype(
    [
        ("revision", np.int64),
        ("arrivals", np.int64),
        ("oldest", np.float64),
        ("newest", np.float64),
        ("born", np.float64),
        ("present", np.bool_),
        ("own", np.bool_),
        ("refused", np.bool_),
        ("other_contract", np.bool_),
        ("characterised", np.bool_),
        ("undecided", np.bool_),
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
        self._topology: list[TopologyPolicy] = []
        self._refusals: dict[int, str] = {}
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
        ``present`` (there is a state), ``own`` (it is this node's), ``refused`` (a later one can't be believed),
        ``other_contract`` (since it is of another), ``characterised``, ``undecided`` (a domain's regime is unknown),
        and ``demanding`` (a resident requires its tolerance).
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
            row["undecided"] = any(domain.regime is Regime.UNKNOWN for domain in telemetry.domains)
        row["own"] = _is_own(row)
        row["refused"] = row["other_contract"] = False
        self._refusals.pop(index, None)
        row["revision"] += 1

    def refuse_state(self, node: str, refusal: Refusal) -> None:
        """Take over that a node's latest NodeState can't be believed; holds until ``set_state`` brings another one."""
        index = self._index_of(node)
        row = self._rows[index]
        row["refused"], row["other_contract"] = True, refusal.other_contract
        self._refusals[index] = refusal.sentence

    def set_node(self, node: str, found: Node | None) -> None:
        """Take over what there is to know of a node; ``None`` where it is gone, though its state may stay behind."""
        index = self._index_of(node)
        row = self._rows[index]
        row["born"] = math.inf if found is None else found.created.timestamp()
        row["own"] = _is_own(row)
        said = None if found is None else found.topology_policy
        topology = self._policy.topology_policy if said is None else said
        if topology is not self._topology[index]:
            self._topology[index] = topology
            row["revision"] += 1

    def set_pod(self, uid: str, pod: Pod | None) -> None:
        """Take a pod over; ``None`` where it was deleted."""
        former = self._pods.get(uid)
        if former == pod:
            return
        self._pods.pop(uid, None)
        if pod is not None:
            self._pods[uid] = pod
        left = None if former is None or not self._policy.is_resident(former) else former.node
        came = None if pod is None or not self._policy.is_resident(pod) else pod.node
        if left is not None:
            del self._residents[self._index_of(left)][uid]
        if came is not None and pod is not None:
            self._residents[self._index_of(came)][uid] = pod
        for node in {node for node in (left, came) if node is not None}:
            self._changed_residents(self._index_of(node), arrived=left != came)

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
        """Names of the nodes that have a state of their own, be it a refused one."""
        return [self._names[index] for index in np.flatnonzero(self.rows["own"] | self.rows["refused"])]

    def telemetry(self, index: int) -> NodeTelemetry | None:
        """A node's last state, if it has one."""
        return self._telemetry[index]

    def topology(self, index: int) -> TopologyPolicy:
        """How a node's kubelet chooses domains, or is taken to."""
        return self._topology[index]

    def refusal(self, index: int) -> str:
        """Why a node's latest NodeState can't be believed, in a sentence; empty where it can."""
        return self._refusals.get(index, "")

    def residents(self, index: int) -> Iterable[Pod]:
        """Who lives on a node."""
        return self._residents[index].values()

    def _changed_residents(self, index: int, *, arrived: bool) -> None:
        row = self._rows[index]
        row["demanding"] = any(map(self._policy.requires, self._residents[index].values()))
        row["revision"] += 1
        if arrived:
            row["arrivals"] = row["revision"]

    def _index_of(self, node: str) -> int:
        index = self._index.get(node)
        if index is None:
            index = self._index[node] = len(self._names)
            self._names.append(node)
            self._telemetry.append(None)
            self._topology.append(self._policy.topology_policy)
            self._residents.append({})
            self._rows = grown(self._rows, len(self._names))
        return index


def _is_own(row: np.void) -> bool:
    return bool(row["present"] and row["newest"] >= row["born"])


def each_once(rows: IndexArray, size: int) -> bool:
    """Whether rows of a view of that size are all known, and none stands twice.

    Args:
        rows: as ``ClusterView.lookup`` gives them.
        size: above every row.
    """
    if len(rows) and rows.min() < 0:
        return False
    is_asked = np.zeros(size, dtype=np.bool_)
    is_asked[rows] = True
    return int(np.count_nonzero(is_asked)) == len(rows)


def grown(rows: NDArray[Entry], size: int) -> NDArray[Entry]:
    """The same rows with zeros behind, where they are fewer than ``size``; doubles, so that growing stays cheap."""
    if size <= len(rows):
        return rows
    larger = np.zeros(max(size, 2 * len(rows), 64), dtype=rows.dtype)
    larger[: len(rows)] = rows
    return larger
