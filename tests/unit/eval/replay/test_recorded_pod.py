"""What is kept of a pod: all that is read of it, and nothing that could be secret."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.replay.recorded_pod import read_recorded_pod, reduced_pod
from scheduler_extender.errors import PodError
from scheduler_extender.pod import parse_pod
from tests.unit.scheduler_extender.small_cluster import captured, pod_object

GIBIBYTE = 2**30
SECRET = "hunter2"

TEXT = st.text(max_size=12)
QUANTITY = st.one_of(
    st.from_regex(r"[0-9]{1,4}(m|Ki|Gi|\.5)?", fullmatch=True),
    st.integers(0, 10**9),
    st.floats(0, 1e6, allow_nan=False),
)
RESOURCES = st.none() | st.fixed_dictionaries(
    {},
    optional={"requests": st.dictionaries(st.sampled_from(["cpu", "memory", "x/y"]), QUANTITY), "limits": st.just({})},
)
CONTAINER = st.fixed_dictionaries(
    {"name": st.just("c")},
    optional={
        "image": TEXT,
        "resources": RESOURCES,
        "env": st.just([{"name": "PASSWORD", "value": SECRET}]),
        "args": st.just([f"--token={SECRET}"]),
    },
)
METADATA = st.fixed_dictionaries(
    {"name": st.from_regex(r"[a-z]{1,9}", fullmatch=True)},
    optional={
        "namespace": st.sampled_from(["", "default", "core"]),
        "uid": st.sampled_from(["", "u-1"]),
        "labels": st.none() | st.dictionaries(st.sampled_from(["app", "leeward.dev/profile"]), TEXT),
        "annotations": st.none()
        | st.dictionaries(
            st.sampled_from(
                [
                    "leeward.dev/max-slowdown",
                    "leeward.dev/enforcement",
                    "kubernetes.io/config.hash",
                    "vault.example/token",
                ]
            ),
            st.sampled_from(["1.5", "0.5", "required", "often", "abc"]),
        ),
        "ownerReferences": st.just([{"kind": "ReplicaSet", "name": SECRET, "controller": True}]),
    },
)
SPEC = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "nodeName": st.sampled_from(["", "spr-1", "No Node"]),
        "containers": st.none() | st.lists(CONTAINER, max_size=3),
        "initContainers": st.none() | st.lists(CONTAINER, max_size=2),
        "volumes": st.just([{"secret": {"secretName": SECRET}}]),
        "schedulerName": st.just("leeward-scheduler"),
    },
)
STATUS = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "phase": st.sampled_from(["Pending", "Running", "Failed"]),
        "qosClass": st.sampled_from(["", "Guaranteed", "Burstable"]),
        "startTime": st.none() | st.sampled_from(["2026-11-24T04:00:00Z", "2026-11-24T04:00:00+02:00", "2026-11-24"]),
        "message": st.just(SECRET),
    },
)
POD = st.fixed_dictionaries({"metadata": METADATA}, optional={"spec": SPEC, "status": STATUS})


def read(content: bytes) -> object:
    """What the extender reads, or that it reads nothing."""
    try:
        return parse_pod(content)
    except PodError:
        return PodError


@given(POD)
def test_the_extender_reads_the_same_of_what_is_kept_as_of_the_whole(whole: dict[str, Any]) -> None:
    content = json.dumps(whole).encode()
    try:
        kept = reduced_pod(content)
    except PodError:
        assert read(content) is PodError
        return
    assert read(kept) == read(content)
    assert reduced_pod(kept) == kept
    assert SECRET.encode() not in kept
    assert b"vault" not in kept


@pytest.mark.parametrize("name", ["filter-upf-names-16", "filter-firewall-names-16", "filter-batch-names-16"])
def test_pods_of_a_real_scheduler_are_kept_small_and_read_the_same(name: str) -> None:
    whole = json.dumps(json.loads(captured(name))["Pod"]).encode()
    kept = reduced_pod(whole)
    assert parse_pod(kept) == parse_pod(whole)
    assert read_recorded_pod(kept).requests() == read_recorded_pod(whole).requests()
    assert len(kept) < 0.6 * len(whole)


def test_nothing_is_kept_of_what_a_container_is_told() -> None:
    whole = pod_object("u", node="spr-1", annotations={"kubectl.kubernetes.io/last-applied-configuration": SECRET})
    whole["metadata"]["labels"]["team"] = SECRET
    whole["spec"]["serviceAccountName"] = SECRET
    whole["spec"]["imagePullSecrets"] = [{"name": SECRET}]
    whole["spec"]["containers"][0] |= {"command": [SECRET], "envFrom": [{"secretRef": {"name": SECRET}}]}
    whole["status"] |= {"podIP": "10.0.0.1", "conditions": [{"type": "Ready", "message": SECRET, "status": "True"}]}
    kept = reduced_pod(json.dumps(whole).encode())
    assert SECRET.encode() not in kept
    assert b"10.0.0.1" not in kept


def test_when_it_was_bound_is_kept() -> None:
    whole = pod_object("u", node="spr-1")
    assert read_recorded_pod(json.dumps(whole).encode()).bound_at is None
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-24T04:00:00Z"}
    whole["status"]["conditions"] = [{"type": "Ready", "status": "False"}, scheduled]
    found = read_recorded_pod(reduced_pod(json.dumps(whole).encode()))
    assert found.bound_at is not None
    assert found.bound_at.isoformat() == "2026-11-24T04:00:00+00:00"
    whole["status"]["conditions"] = [scheduled | {"status": "False", "reason": "Unschedulable"}]
    assert read_recorded_pod(reduced_pod(json.dumps(whole).encode())).bound_at is None


def requests_of(spec: dict[str, Any], *, scored: bool = False) -> dict[str, int]:
    content = json.dumps({"metadata": {"name": "p"}, "spec": spec}).encode()
    return read_recorded_pod(reduced_pod(content)).requests(scored=scored)


def container(cpu: str, memory: str = "1Gi", **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}


def test_containers_that_run_together_are_added_and_the_overhead_comes_on_top() -> None:
    found = requests_of({"containers": [container("2"), container("500m")], "overhead": {"cpu": "250m"}})
    assert found == {"cpu": 2750, "memory": 2 * GIBIBYTE}


def test_of_those_that_run_before_the_others_the_largest_counts_if_it_is_larger() -> None:
    small = {"containers": [container("2")], "initContainers": [container("1"), container("3", "512Mi")]}
    assert requests_of(small) == {"cpu": 3000, "memory": GIBIBYTE}


def test_one_that_stays_counts_beside_all_that_come_after_it() -> None:
    """KEP-753: sidecars are added to the containers, and to the init containers behind them."""
    sidecar = container("1", restartPolicy="Always")
    assert requests_of({"containers": [container("2")], "initContainers": [sidecar]})["cpu"] == 3000
    assert requests_of({"containers": [container("2")], "initContainers": [sidecar, container("4")]})["cpu"] == 5000
    assert requests_of({"containers": [container("2")], "initContainers": [container("4"), sidecar]})["cpu"] == 4000


def test_what_is_asked_for_the_pod_as_a_whole_comes_first() -> None:
    assert requests_of({"containers": [container("2")], "resources": {"requests": {"cpu": "8"}}}) == {
        "cpu": 8000,
        "memory": GIBIBYTE,
    }


def test_where_nodes_are_scored_a_container_that_does_not_say_counts_for_something() -> None:
    spec = {"containers": [{"image": "x"}, container("2")]}
    assert requests_of(spec) == {"cpu": 2000, "memory": GIBIBYTE}
    assert requests_of(spec, scored=True) == {"cpu": 2100, "memory": GIBIBYTE + 200 * 2**20}


def test_whom_no_scheduler_chose_a_node_for_is_known() -> None:
    def chosen(**metadata: Any) -> bool:
        return read_recorded_pod(reduced_pod(json.dumps({"metadata": {"name": "p", **metadata}}).encode())).chosen

    assert chosen()
    assert chosen(ownerReferences=[{"kind": "ReplicaSet", "name": "r"}])
    assert not chosen(ownerReferences=[{"kind": "DaemonSet", "name": "d"}])
    assert not chosen(annotations={"kubernetes.io/config.hash": "abc"})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"metadata": {}}', b'{"metadata": {"name": 1}}', b"\xff"])
def test_what_is_no_pod_is_refused(content: bytes) -> None:
    with pytest.raises(PodError, match="Pod is refused"):
        reduced_pod(content)
