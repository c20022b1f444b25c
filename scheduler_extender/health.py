"""What ``/healthz`` and ``/readyz`` say."""

from dataclasses import dataclass

from scheduler_extender.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What an extender stands on. It is healthy whenever it answers: without a champion it answers neutrally.

    Attributes:
        mode: ``scoring``, or ``neutral`` where no champion serves.
        champion, champion_version: digest of the bundle, and its registered version; empty where there is none.
        champion_refused: why the last champion that was named can't be used, empty where it can.
        registry_complaint: why the registry of models could not be followed when last asked, empty where it could.
        profiles_complaint: why the feature store's profiles, or some of them, could not be followed when last asked
            for; empty where they could.
        simulated: the champion was trained on the testbed's output.
        nodes, nodes_not_believed: with a NodeState, and those of them whose state is stale, from the future or refused.
        pods: known, finished ones included.
        workloads: with a profile.
        workloads_observed: those that are bounded by windows of their own.
        observations_set_aside: workloads whose windows do not count, since they stand against another bundle or tier.
        oldest_state_seconds: age of the oldest NodeState.
        refreshed_seconds_ago: since the sources were last asked.
        status: for those who look for it.
    """

    mode: str
    champion: str
    champion_version: str
    champion_refused: str
    registry_complaint: str
    profiles_complaint: str
    simulated: bool
    nodes: int
    nodes_not_believed: int
    pods: int
    workloads: int
    workloads_observed: int
    observations_set_aside: int
    oldest_state_seconds: float | None
    refreshed_seconds_ago: float | None
    status: str = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether the scheduler should ask this replica.

    Attributes:
        ready: the cluster was read whole once. It stays ready when the API server goes away: what is known ages, and
            nodes score neutrally in the end.
        mode, champion, champion_version: which model serves, see ``Health``.
        api_server: whom it follows; empty where it reads a state directory.
        complaint: why the API server can't be followed at present, empty where it can.
    """

    ready: bool
    mode: str
    champion: str
    champion_version: str
    api_server: str
    complaint: str


def readiness_of(health: Health, cluster: Cluster | None) -> Readiness:
    """Readiness of an extender."""
    return Readiness(
        ready=cluster is None or cluster.synced,
        mode=health.mode,
        champion=health.champion,
        champion_version=health.champion_version,
        api_server="" if cluster is None else cluster.server.url,
        complaint="" if cluster is None else cluster.complaint,
    )
