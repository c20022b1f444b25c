"""Who lives where, before and after a window has seen it."""

import json
from datetime import timedelta

import pytest

from scheduler_extender import residents
from scheduler_extender.pod import Pod, parse_pod
from scheduler_extender.residents import Household
from scheduler_extender.telemetry import NodeTelemetry, telemetry_of
from scheduler_extender.topology import TopologyPolicy
from tests.unit.scheduler_extender.small_cluster import NOW, Domain, node_state, pod_object

BEFORE, DURING, AFTER = NOW - timedelta(minutes=5), NOW - timedelta(seconds=5), NOW + timedelta(seconds=5)


def telemetry(*domains: Domain) -> NodeTelemetry:
    found = telemetry_of(node_state("n", *domains))
    assert found is not None
    return found


def pod(uid: str = "u", **changes: object) -> Pod:
    return parse_pod(json.dumps(pod_object(uid, node="n", **changes)))  # type: ignore[arg-type]


def households(found: NodeTelemetry, pods: list[Pod]) -> tuple[Household, ...]:
    return residents.households(found, pods, TopologyPolicy.BEST_EFFORT)


def uids(homes: tuple[Household, ...]) -> list[list[str]]:
    return [[resident.uid for resident in home.pods] for home in homes]


def test_a_pod_lives_where_the_node_state_says() -> None:
    homes = households(telemetry(Domain(), Domain(pods=("u",))), [pod(started=BEFORE)])
    assert uids(homes) == [[], ["u"]]
    assert homes[1].unmeasured == frozenset()


def test_a_static_pod_lives_where_the_node_state_names_its_manifests_digest() -> None:
    mirror = pod(started=BEFORE, annotations={"kubernetes.io/config.hash": "5f3b0c1d"})
    assert uids(households(telemetry(Domain(), Domain(pods=("5f3b0c1d",))), [mirror])) == [[], ["u"]]


def test_a_pod_that_no_domain_names_lives_in_all() -> None:
    homes = households(telemetry(Domain(), Domain()), [pod(started=BEFORE, cpus="500m")])
    assert uids(homes) == [["u"], ["u"]]


@pytest.mark.parametrize("started", [None, AFTER])
def test_a_pod_just_placed_counts_wherever_it_has_room(started: object) -> None:
    homes = households(telemetry(Domain(free=2), Domain(free=8)), [pod(cpus="4", started=started)])
    assert uids(homes) == [[], ["u"]]
    assert homes[1].unmeasured == {"u"}


def test_a_pod_that_took_its_cpus_before_they_were_counted_may_be_anywhere() -> None:
    homes = households(telemetry(Domain(free=2), Domain(free=8)), [pod(cpus="4", started=DURING)])
    assert uids(homes) == [["u"], ["u"]]
    assert homes[0].unmeasured == {"u"}, "the window had begun when it started"


def test_where_no_domain_has_room_all_count() -> None:
    homes = households(telemetry(Domain(free=2), Domain(free=2)), [pod(cpus="4")])
    assert uids(homes) == [["u"], ["u"]]


def test_a_window_later_than_the_start_has_measured_it() -> None:
    (home,) = households(telemetry(Domain(pods=("u",))), [pod(started=NOW - timedelta(seconds=10))])
    assert home.unmeasured == frozenset()
    (home,) = households(telemetry(Domain(pods=("u",))), [pod(started=NOW - timedelta(seconds=9))])
    assert home.unmeasured == {"u"}


def test_a_state_without_domains_says_nothing() -> None:
    assert telemetry_of(node_state("n")) is None


def test_a_states_age_counts_from_the_older_of_heartbeat_and_window() -> None:
    state = node_state("n", Domain())
    assert state.status is not None
    beating = state.status.model_copy(update={"heartbeat": AFTER})
    found = telemetry_of(state.model_copy(update={"status": beating}))
    assert found is not None
    assert (found.oldest, found.newest) == (NOW, AFTER)
