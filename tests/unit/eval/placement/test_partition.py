import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.partition import CLASSES, MASKS, least_crowded
from eval.testbed.hardware import ALL_WAYS, DDIO_MASK
from eval.testbed.node import SimulatedNode
from eval.testbed.offer import FULL
from eval.testbed.ways import refuse_bad_mask
from tests.unit.eval.placement.pieces import arrival


def test_classes_are_disjoint_and_leave_the_devices_ways_alone() -> None:
    assert len(MASKS) == CLASSES
    assert sum(MASKS) == ALL_WAYS ^ DDIO_MASK
    assert [refuse_bad_mask(mask) for mask in MASKS] == list(MASKS)


@given(st.lists(st.sampled_from(MASKS), max_size=20))
def test_who_comes_one_after_another_never_crowds_one_class(taken: list[int]) -> None:
    chosen = least_crowded(taken)
    assert taken.count(chosen) == min(taken.count(mask) for mask in MASKS)


def cluster_with(*arrivals: Arrival, partitioned: bool) -> Cluster:
    cluster = Cluster([SimulatedNode(name="a", offer=FULL, seed=1)], partitioned=partitioned)
    for each in arrivals:
        cluster.place(each, "a")
    return cluster


def test_partitions_part_who_shares_a_socket_and_a_class_is_free_again_once_its_pod_is_gone() -> None:
    pods = [arrival("amf", uid=f"pod-{index}") for index in range(3)]
    cluster = cluster_with(*pods, partitioned=True)
    node = cluster.nodes["a"]
    before = [tenant.ways for tenant in node.scene.tenants[:3]]
    assert len(set(before)) == 3
    cluster.remove("pod-0")
    cluster.place(arrival("amf", uid="pod-3"), "a")
    assert sorted(tenant.ways for tenant in node.scene.tenants[:3]) == sorted(before)


@pytest.mark.parametrize("partitioned", [True, False])
def test_without_partitions_everybody_uses_the_whole_cache(partitioned: bool) -> None:
    cluster = cluster_with(arrival("amf"), partitioned=partitioned)
    assert (cluster.nodes["a"].scene.tenants[0].ways == ALL_WAYS) is not partitioned


def test_what_is_imagined_has_the_class_that_it_would_get() -> None:
    cluster = cluster_with(arrival("amf", uid="first"), partitioned=True)
    newcomer = arrival("amf", uid="second")
    with cluster.imagined(newcomer, "a") as imagined:
        foreseen = [tenant.ways for tenant in imagined.scene.tenants[:2]]
    cluster.place(newcomer, "a")
    assert [tenant.ways for tenant in cluster.nodes["a"].scene.tenants[:2]] == foreseen
