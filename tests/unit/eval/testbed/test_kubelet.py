"""What a simulated node's agent finds out of its pods' places."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import Axis
from eval.testbed.catalogue import WORKLOADS, workload
from eval.testbed.cores import CpuPolicy
from eval.testbed.hardware import CORES_PER_SOCKET
from eval.testbed.kubelet import AGENT_UID, pod_cgroups, pod_placement
from eval.testbed.node import SimulatedNode
from eval.testbed.offer import FULL
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload

SOCKETS = ("socket0", "socket1")


def node_of(cpu_policy: CpuPolicy = CpuPolicy.FULL_CORES, *, threads_per_core: int = 2) -> SimulatedNode:
    return SimulatedNode(name="spr-test", offer=FULL, seed=1, cpu_policy=cpu_policy, threads_per_core=threads_per_core)


def fill(node: SimulatedNode, socket: str) -> None:
    for index in range(node.free_cores(socket) // 4):
        node.place(f"{socket}-{index}", workload("upf-large"), domain=socket)


def test_pods_are_named_on_the_socket_that_holds_their_cpus_and_the_agent_is_shared() -> None:
    node = node_of()
    node.place("upf", workload("upf-large"), domain="socket0")
    node.place("noise", workload("batch"), domain="socket1")
    node.place("stressor", Stressor(axis=Axis.MEMBW, intensity=1.0), domain="socket1")
    placed = pod_placement(node)
    assert placed.pods == {"socket0": ("upf",), "socket1": ("noise", "stressor")}
    assert (placed.shared, placed.omitted) == ((AGENT_UID,), 0)


@pytest.mark.parametrize(
    ("cpu_policy", "threads_per_core", "free"),
    [(CpuPolicy.FULL_CORES, 2, 32 - 8), (CpuPolicy.ACROSS_CORES, 2, 32 - 4), (CpuPolicy.FULL_CORES, 1, 16 - 4)],
)
def test_free_cpus_are_those_that_no_cpuset_holds(cpu_policy: CpuPolicy, threads_per_core: int, free: int) -> None:
    node = node_of(cpu_policy, threads_per_core=threads_per_core)
    node.place("upf", workload("upf-large"), domain="socket1")
    assert pod_placement(node).free_exclusive_cpus == {"socket0": CORES_PER_SOCKET * threads_per_core, "socket1": free}


@pytest.mark.parametrize("cpu_policy", CpuPolicy)
def test_a_process_of_the_host_is_in_no_cgroup_of_a_pod_and_its_cpus_count_as_free(cpu_policy: CpuPolicy) -> None:
    node = node_of(cpu_policy)
    node.place("upf", workload("upf-large"), domain="socket0")
    without = pod_placement(node)
    node.place("host", Stressor(axis=Axis.SMT, intensity=1.0), domain="socket0")
    assert pod_placement(node) == without


def test_of_an_empty_node_everything_is_free() -> None:
    placed = pod_placement(node_of())
    assert placed.pods == {"socket0": (), "socket1": ()}
    assert placed.shared == (AGENT_UID,)
    assert placed.free_exclusive_cpus == {"socket0": 32, "socket1": 32}


def test_the_shared_pool_is_what_the_pods_leave_of_it() -> None:
    node = node_of()
    fill(node, "socket0")
    placed = pod_placement(node)
    assert placed.free_exclusive_cpus == {"socket0": 0, "socket1": 32}
    assert AGENT_UID in placed.pods["socket1"], "it can run nowhere else"


def test_where_the_pool_is_empty_the_agent_tells_no_free_cpus() -> None:
    node = node_of()
    fill(node, "socket0")
    fill(node, "socket1")
    placed = pod_placement(node)
    assert placed.free_exclusive_cpus is None
    assert placed.pods == {socket: tuple(f"{socket}-{index}" for index in range(4)) for socket in SOCKETS}


def test_who_ended_is_named_no_more() -> None:
    node = node_of()
    node.place("upf", workload("upf-large"), domain="socket0")
    node.remove("upf")
    assert pod_placement(node) == pod_placement(node_of())


@given(
    cpu_policy=st.sampled_from(CpuPolicy),
    threads_per_core=st.sampled_from([1, 2]),
    comers=st.lists(st.tuples(st.sampled_from(WORKLOADS), st.sampled_from(SOCKETS)), max_size=12),
)
def test_a_socket_seems_to_have_room_wherever_kubelet_has_some(
    cpu_policy: CpuPolicy, threads_per_core: int, comers: Sequence[tuple[Workload, str]]
) -> None:
    node = node_of(cpu_policy, threads_per_core=threads_per_core)
    for index, (comer, socket) in enumerate(comers):
        if comer.exclusive_cores <= node.free_cores(socket):
            node.place(f"pod-{index}", comer, domain=socket)
    placed = pod_placement(node)
    exclusive = {cgroup.uid for cgroup in pod_cgroups(node) if cgroup.guaranteed}
    for socket in SOCKETS:
        assert exclusive.intersection(placed.pods[socket]) == set(node.occupants(socket))
        free = placed.free_in(socket)
        if free is not None:
            assert free >= node.free_cores(socket)
            assert (free == 0) == (node.free_cores(socket) == 0)
