"""What is predicted of every node for a workload, kept until something that it depends on changes.

A request is a look-up. What is out of date is computed in chunks: first what a request asks about, as long as its
budget lasts, the rest between the requests.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contracts.regime import Regime
from scheduler_extender.outlook import NodeOutlook, Prediction, Resident, node_outlook, predict
from scheduler_extender.residents import households
from scheduler_extender.settings import ExtenderSettings
from scheduler_extender.sources import Champion
from scheduler_extender.view import ClusterView, IndexArray, grown
from serving.interference_row import KnownWorkload
from serving.profile_book import ProfileBook

CHUNK = 64
"""Nodes that a request computes at once: some milliseconds."""
SETTLED_AT_ONCE = 8
"""Nodes that are computed at once ahead of requests: one that comes meanwhile waits for half a millisecond."""

_OUTDATED = np.iinfo(np.int64).max
"""A revision that no node reaches."""

_ROW = np.dtype(
    [
        ("revision", np.int64),
        ("newcomer", np.float64),
        ("residents", np.float64),
        ("demanding", np.float64),
        ("median", np.float64),
        ("pressed", np.float64),
        ("quiet", np.bool_),
        ("unknown", np.bool_),
        ("no_room", np.bool_),
    ]
)


@dataclass(slots=True, kw_only=True, eq=False)
class KeptWorkload:
    """What is predicted for one workload, a row a node.

    Attributes:
        key: under which the profile book knows it.
        exclusive_cpus: that it wants for itself.
        rows: ``revision`` of the node that the row was computed from (0: never); the newcomer's worst bound; the
            residents' worst ratio of bound to tolerance, and the worst among those whose enforcement is ``required``;
            the worst median of any party; over the domains that may take the newcomer the highest probability of an
            axis, whether all are ``quiet``, and whether one is ``unknown``; and whether there is ``no_room`` in any.
        demanding: by node, the resident behind the row's ``demanding``.
    """

    key: str
    exclusive_cpus: int
    rows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, dtype=_ROW))
    demanding: dict[int, Resident] = field(default_factory=dict)


class Forecasts:
    """Predictions of one champion for the nodes of one view."""

    def __init__(self, *, champion: Champion, book: ProfileBook, view: ClusterView, settings: ExtenderSettings) -> None:
        self.champion = champion
        self.book = book
        self._view = view
        self._settings = settings
        self._outlooks: dict[int, NodeOutlook] = {}
        self._prepared = np.zeros(0, dtype=np.int64)
        self._kept: OrderedDict[tuple[str, int], KeptWorkload] = OrderedDict()

    def use(self, champion: Champion, book: ProfileBook) -> None:
        """Predict by another champion or book; what was kept serves on until it is computed anew."""
        self.champion, self.book = champion, book
        self._prepared[:] = 0
        self._view.touch_all()

    def observe(self, workloads: frozenset[str]) -> None:
        """Bound workloads by other margins, which the book has by now; only what stands on these is computed anew.

        Args:
            workloads: their keys.
        """
        self._view.touch_homes_of(workloads)
        for kept in self._kept.values():
            if kept.key in workloads:
                revisions = kept.rows["revision"]
                revisions[revisions > 0] = _OUTDATED

    def kept(self, workload: KnownWorkload, exclusive_cpus: int) -> KeptWorkload:
        """What is kept for a workload; the longest unused one is forgotten for a new one."""
        key = (workload.key, exclusive_cpus)
        found = self._kept.setdefault(key, KeptWorkload(key=workload.key, exclusive_cpus=exclusive_cpus))
        self._kept.move_to_end(key)
        if len(self._kept) > self._settings.kept_workloads:
            self._kept.popitem(last=False)
        found.rows = grown(found.rows, len(self._view))
        return found

    def bring_up_to_date(self, kept: KeptWorkload, nodes: IndexArray) -> None:
        """Compute all that is out of date.

        Args:
            kept: the workload's.
            nodes: rows of the view.
        """
        self._compute_in_chunks(kept, self._behind(kept, nodes), until=np.inf)

    def bring_in_reach(self, kept: KeptWorkload, nodes: IndexArray, *, until: float) -> int:
        """Compute what no request may do without: nodes never predicted, and those where somebody came or went since.

        A newer window of the same residents, or another champion, counts as soon as ``settle`` has come by: what was
        predicted a moment ago is as good an answer, and a request need not wait.

        Args:
            kept: the workload's.
            nodes: rows of the view.
            until: of ``time.perf_counter``; no chunk begins after it.

        Returns:
            How many nodes there was no time for.
        """
        view, revisions = self._view.rows.take(nodes), kept.rows["revision"].take(nodes)
        missing = view["present"] & ((revisions == 0) | (revisions < view["arrivals"]))
        return self._compute_in_chunks(kept, nodes[missing], until=until)

    def _compute_in_chunks(self, kept: KeptWorkload, behind: IndexArray, *, until: float) -> int:
        for start in range(0, len(behind), CHUNK):
            if time.perf_counter() >= until:
                return len(behind) - start
            self._compute(kept, behind[start : start + CHUNK])
        return 0

    def settle(self) -> bool:
        """Prepare or compute one chunk of what is out of date, for the latest used workload first.

        Returns:
            Whether there may be more to do.
        """
        size, rows = len(self._view), self._view.rows
        for kept in reversed(self._kept.values()):
            kept.rows = grown(kept.rows, size)
            behind = np.flatnonzero(rows["present"] & (rows["revision"] != kept.rows["revision"][:size]))
            if len(behind):
                chunk = behind[:SETTLED_AT_ONCE]
                if not self._prepare(chunk):
                    self._compute(kept, chunk)
                return True
        self._prepared = grown(self._prepared, size)
        unprepared = np.flatnonzero(rows["present"] & (rows["revision"] != self._prepared[:size]))
        return self._prepare(unprepared[:SETTLED_AT_ONCE])

    def _prepare(self, nodes: IndexArray) -> bool:
        """Whether any of the nodes was not ready yet; now all are."""
        unprepared = [index for index in nodes.tolist() if not self._is_prepared(index)]
        for index in unprepared:
            self.outlook(index)
        return bool(unprepared)

    def outlook(self, index: int) -> NodeOutlook | None:
        """A node, ready for any newcomer; ``None`` where it has no state."""
        telemetry = self._view.telemetry(index)
        if telemetry is None:
            return None
        if not self._is_prepared(index):
            topology = self._view.topology(index)
            homes = households(telemetry, self._view.residents(index), topology)
            prepared = node_outlook(telemetry, homes, self.book, self._settings.leeward_policy, topology=topology)
            self._outlooks[index] = prepared
            self._prepared[index] = self._view.rows["revision"][index]
        return self._outlooks[index]

    def predict(self, nodes: Sequence[NodeOutlook], workload: KnownWorkload, exclusive_cpus: int) -> Prediction:
        """Every party's bound on some nodes."""
        return predict(
            nodes, newcomer=workload, exclusive_cpus=exclusive_cpus, model=self.champion.model, book=self.book
        )

    def _is_prepared(self, index: int) -> bool:
        self._prepared = grown(self._prepared, len(self._view))
        return bool(self._prepared[index] == self._view.rows["revision"][index])

    def _behind(self, kept: KeptWorkload, nodes: IndexArray) -> IndexArray:
        view = self._view.rows.take(nodes)
        is_behind: NDArray[np.bool_] = view["present"] & (view["revision"] != kept.rows["revision"].take(nodes))
        return nodes[is_behind]

    def _compute(self, kept: KeptWorkload, nodes: IndexArray) -> None:
        outlooks = [outlook for index in nodes.tolist() if (outlook := self.outlook(index)) is not None]
        found = self.predict(outlooks, self.book.of(kept.key), kept.exclusive_cpus)
        kept.rows[nodes] = _summary(found, len(nodes))
        kept.rows["revision"][nodes] = self._view.rows["revision"][nodes]
        for index in nodes.tolist():
            kept.demanding.pop(index, None)
        kept.demanding.update({int(nodes[place]): resident for place, resident in _demanding(found).items()})


def _summary(found: Prediction, size: int) -> NDArray[np.void]:
    """One row a node: of the parties the worst, of the domains the most pressed."""
    rows = np.zeros(size, dtype=_ROW)
    newcomers = len(found.domains)
    of_newcomer, of_resident = found.node[:newcomers], found.node[newcomers:]
    ratios = _resident_ratios(found)
    np.maximum.at(rows["newcomer"], of_newcomer, found.bounds.upper[:newcomers])
    np.maximum.at(rows["residents"], of_resident, ratios)
    is_demanding = np.array([resident.required for resident in found.residents], dtype=np.bool_)
    np.maximum.at(rows["demanding"], of_resident[is_demanding], ratios[is_demanding])
    np.maximum.at(rows["median"], found.node, found.bounds.median)
    np.maximum.at(rows["pressed"], of_newcomer, [domain.pressed for domain in found.domains])
    rows["quiet"] = rows["no_room"] = True
    rows["no_room"][of_newcomer] = False
    np.logical_and.at(rows["quiet"], of_newcomer, [domain.regime is Regime.QUIET for domain in found.domains])
    np.logical_or.at(rows["unknown"], of_newcomer, [domain.regime is Regime.UNKNOWN for domain in found.domains])
    return rows


def _resident_ratios(found: Prediction) -> NDArray[np.float64]:
    tolerances = np.array([resident.tolerance for resident in found.residents], dtype=np.float64)
    return np.asarray(found.bounds.upper[len(found.domains) :] / tolerances, dtype=np.float64)


def _demanding(found: Prediction) -> dict[int, Resident]:
    """By node, the resident with the worst ratio among those whose enforcement is ``required``."""
    worst: dict[int, tuple[float, Resident]] = {}
    places = found.node[len(found.domains) :].tolist()
    for place, ratio, resident in zip(places, _resident_ratios(found).tolist(), found.residents, strict=True):
        if resident.required and (place not in worst or ratio > worst[place][0]):
            worst[place] = (ratio, resident)
    return {place: resident for place, (_, resident) in worst.items()}
