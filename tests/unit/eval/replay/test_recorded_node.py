"""What is kept of nodes and NodeStates."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from eval.replay.recorded_node import Taint as KeptTaint
from eval.replay.recorded_node import read_recorded_node, reduced_node, tolerates
from eval.replay.recorded_pod import Toleration
from eval.replay.recorded_state import reduced_node_state
from scheduler_extender.errors import ExtenderError, OtherContractError
from scheduler_extender.node import parse_node
from scheduler_extender.node_state import read_node_state
from tests.unit.eval.replay.site import node_object
from tests.unit.scheduler_extender.small_cluster import QUIET, captured, node_state

NODE = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {"name": st.just("spr-1")},
            optional={
                "creationTimestamp": st.sampled_from(["2026-11-24T04:00:00Z", "2026-11-24", None]),
                "labels": st.none()
                | st.dictionaries(
                    st.sampled_from(["zone", "leeward.dev/topology-policy"]),
                    st.sampled_from(["a", "none", "single-numa-node"]),
                ),
                "annotations": st.just({"node.example/token": "hunter2"}),
            },
        )
    },
    optional={
        "spec": st.just({"podCIDR": "10.2.0.0/24", "unschedulable": True}),
        "status": st.just({"allocatable": {"cpu": "4"}, "nodeInfo": {"machineID": "hunter2"}}),
    },
)


@given(NODE)
def test_the_extender_reads_the_same_of_what_is_kept_of_a_node_as_of_the_whole(whole: dict[str, Any]) -> None:
    content = json.dumps(whole).encode()
    try:
        kept = reduced_node(content)
    except ExtenderError:
        with pytest.raises(ExtenderError, match="Node is refused"):
            parse_node(content)
        return
    assert parse_node(kept) == parse_node(content)
    assert reduced_node(kept) == kept
    assert b"hunter2" not in kept
    assert b"10.2.0.0" not in kept


def test_nodes_of_a_real_cluster_are_kept_small_and_read_the_same() -> None:
    for whole in json.loads(captured("filter-upf-nodes-16"))["Nodes"]["items"]:
        content = json.dumps(whole).encode()
        kept = reduced_node(content)
        assert parse_node(kept) == parse_node(content)
        allocatable = read_recorded_node(kept).allocatable()
        assert allocatable["cpu"] >= 1000
        assert allocatable["memory"] >= 2**30
        assert len(kept) < len(content) / 2


def test_labels_taints_and_the_administrator_keep_pods_off() -> None:
    def admits(selector: dict[str, str], *tolerations: Toleration, **changes: Any) -> bool:
        found = read_recorded_node(reduced_node(json.dumps(node_object("spr-1", **changes)).encode()))
        return found.admits(selector, list(tolerations))

    assert admits({})
    assert not admits({}, unschedulable=True)
    assert admits({"zone": "a"}, labels={"zone": "a"})
    assert not admits({"zone": "a"}, labels={"zone": "b"})
    control_plane = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    assert not admits({}, taints=control_plane)
    assert admits({}, Toleration(operator="Exists"), taints=control_plane)
    assert admits({}, taints=[{"key": "busy", "effect": "PreferNoSchedule"}])


@pytest.mark.parametrize(
    ("toleration", "holds"),
    [
        (Toleration(operator="Exists"), True),
        (Toleration(key="a", operator="Exists"), True),
        (Toleration(key="a", value="b"), True),
        (Toleration(key="a", value="b", effect="NoExecute"), True),
        (Toleration(key="a", value="b", effect="NoSchedule"), False),
        (Toleration(key="a", value="c"), False),
        (Toleration(key="b", operator="Exists"), False),
        (Toleration(value="b"), False),
    ],
)
def test_a_taint_is_tolerated_by_key_operator_value_and_effect(toleration: Toleration, holds: bool) -> None:
    assert tolerates(toleration, KeptTaint(key="a", value="b", effect="NoExecute")) is holds


def test_a_node_state_is_kept_whole_but_for_the_api_servers_metadata() -> None:
    document = json.loads(node_state("spr-1", QUIET).to_json())
    document["metadata"] |= {"resourceVersion": "7", "generation": 2, "managedFields": [{"manager": "m"}], "uid": "u"}
    content = json.dumps(document).encode()
    kept = reduced_node_state(content)
    assert read_node_state(kept) == read_node_state(content)
    assert b"managedFields" not in kept


def test_a_node_state_that_cant_be_believed_is_kept_as_it_is() -> None:
    document = json.loads(node_state("spr-1", QUIET).to_json())
    other = reduced_node_state(json.dumps(document | {"apiVersion": "leeward.dev/v2"}).encode())
    with pytest.raises(OtherContractError):
        read_node_state(other)
    document["status"]["domains"][0]["features"][0] = 1e9
    with pytest.raises(ContractError):
        read_node_state(reduced_node_state(json.dumps(document).encode()))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"metadata": 3}', b"\xff"])
def test_what_is_no_object_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(ExtenderError, match="NodeState is refused"):
        reduced_node_state(content)
