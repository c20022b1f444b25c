"""Outcomes of a rehearsal: what the testbed's workloads went through, as labels.

Slowdowns are the testbed's true ones, without noise; of several pods of one workload in a domain the worst off tells
its own. Labels carry no vectors: nobody measures here, and what is missing
is said to be missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import WorkloadProfile
from contracts.slowdown import IndicatorKind
from contracts.trace import LabelledTrace
from contracts.vector import FeatureVector
from eval.campaign.parties import Participant, participant
from eval.campaign.rows import RowWriter, Window
from eval.placement.cluster import Cluster
from eval.testbed.node import START_WALL_NS

CAMPAIGN = "shadow-rehearsal"
_SECOND_NS = 1_000_000_000
_NOT_MEASURED = np.full(len(FEATURE_SCHEMA_V1.names), np.nan, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Company:
    """A domain as it is for a while.

    Attributes:
        participants: who runs there, by uid, in the order of arrival.
        slowdowns: theirs.
    """

    participants: Mapping[str, Participant]
    slowdowns: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Since:
    """A node as it is since some time."""

    seconds: float
    domains: Mapping[str, _Company]


class RehearsedOutcomes:
    """Follows the nodes of a cluster, and writes windows of each stretch in which nobody came or went.

    Args:
        cluster: the nodes; to be told of every change.
        profiles: of all that comes, by key.
        window_seconds: how long a window is.
        every_seconds: one window begins so often; the first a window's length after the change.
    """

    def __init__(
        self,
        cluster: Cluster,
        profiles: Mapping[str, WorkloadProfile],
        *,
        window_seconds: float,
        every_seconds: float,
    ) -> None:
        self._cluster, self._window_seconds, self._every_seconds = cluster, window_seconds, every_seconds
        self._writer = RowWriter(campaign=CAMPAIGN, pressed_from=0.5, profiles=profiles, simulated=True)
        self._since: dict[str, _Since] = {}

    @property
    def rows(self) -> tuple[LabelledTrace, ...]:
        """What was written so far."""
        return tuple(self._writer.rows)

    def changed(self, node: str) -> None:
        """Somebody came or went just now: what was before is over."""
        self._write(node)
        simulated, true = self._cluster.nodes[node], self._cluster.slowdowns(node)
        domains = {}
        for domain in simulated.topology.domains:
            occupants = simulated.occupants(domain.name)
            domains[domain.name] = _Company(
                participants={uid: participant(occupant) for uid, occupant in occupants.items()},
                slowdowns={uid: true[uid] for uid in occupants},
            )
        self._since[node] = _Since(seconds=self._cluster.now_seconds, domains=domains)

    def end(self) -> None:
        """Nothing more will happen."""
        for node in list(self._since):
            self._write(node)
        self._since.clear()

    def _write(self, node: str) -> None:
        since = self._since.get(node)
        if since is None:
            return
        begins = np.arange(
            since.seconds + self._window_seconds,
            self._cluster.now_seconds - self._window_seconds,
            self._every_seconds,
        )
        for begin in begins.tolist():
            for domain, company in since.domains.items():
                if company.participants:
                    self._writer.write(self._window(node, domain, company, begin_seconds=begin))

    def _window(self, node: str, domain: str, company: _Company, *, begin_seconds: float) -> Window:
        nothing = FeatureVector(
            node=node,
            domain=domain,
            window_start_ns=START_WALL_NS + round(begin_seconds * _SECOND_NS),
            window_length_ns=round(self._window_seconds * _SECOND_NS),
            values=_NOT_MEASURED,
        )
        return Window(
            before=nothing,
            during=nothing,
            participants=company.participants,
            latest=list(company.participants)[-1],
            alone=dict.fromkeys(company.participants, 1.0),
            together={
                uid: _indicator(company.participants[uid], company.slowdowns[uid]) for uid in _worst_off(company)
            },
        )


def _worst_off(company: _Company) -> Iterable[str]:
    """One pod of each workload: the feature store takes one label of a workload, domain and window."""
    by_key: dict[str, str] = {}
    for uid, slowdown in company.slowdowns.items():
        key = company.participants[uid].key
        if key not in by_key or slowdown > company.slowdowns[by_key[key]]:
            by_key[key] = uid
    return by_key.values()


def _indicator(victim: Participant, slowdown: float) -> float:
    """In units of what it is alone."""
    return 1.0 / slowdown if victim.indicator is IndicatorKind.THROUGHPUT else slowdown
