import pytest

from eval.errors import EvaluationError
from eval.placement.cluster import NODE_MEMORY_BYTES
from eval.placement.demand import GIBIBYTE
from eval.testbed.node import START_WALL_NS
from tests.unit.eval.placement.pieces import arrival, cluster_of


def test_requests_are_counted_and_forgotten() -> None:
    cluster = cluster_of("a")
    cluster.place(arrival("upf-large", uid="one", gibibytes=8), "a")
    cluster.place(arrival("amf", uid="two", gibibytes=4), "a")
    assert (cluster.requested("a").cpus, cluster.requested("a").memory_bytes) == (6, 12 * GIBIBYTE)
    assert cluster.remove("one") == "a"
    assert cluster.requested("a").cpus == 2
    assert cluster.remove("one") is None
    assert cluster.cpus == cluster.allocatable("a").cpus == 32


def test_kubelet_fills_the_lowest_socket_first_and_aligns_with_the_card() -> None:
    cluster = cluster_of("a")
    node = cluster.nodes["a"]
    for index in range(5):
        cluster.place(arrival("upf-large", uid=f"pod-{index}"), "a")
    cluster.place(arrival("router", uid="card", nic=1), "a")
    assert list(node.occupants("socket0")) == [f"pod-{index}" for index in range(4)]
    assert list(node.occupants("socket1")) == ["pod-4", "card"]


def test_a_node_without_room_on_the_cards_socket_or_without_memory_is_no_choice() -> None:
    cluster = cluster_of("a", "b")
    for index in range(4):
        cluster.place(arrival("upf-large", uid=f"pod-{index}", nic=1), "a")
    assert cluster.feasible(arrival("router", nic=1)) == ["b"]
    assert cluster.feasible(arrival("router", nic=0)) == ["a", "b"]
    hungry = NODE_MEMORY_BYTES // GIBIBYTE
    assert cluster.feasible(arrival("amf", gibibytes=hungry)) == ["b"]
    with pytest.raises(EvaluationError, match="pod-9 does not fit on a"):
        cluster.place(arrival("router", uid="pod-9", nic=1), "a")


def test_what_is_imagined_has_not_happened() -> None:
    cluster = cluster_of("a")
    cluster.place(arrival("upf-large", uid="resident"), "a")
    alone = dict(cluster.slowdowns("a"))
    with cluster.imagined(arrival("batch", uid="noisy"), "a") as imagined:
        assert imagined.true_slowdown("resident") > alone["resident"]
    assert cluster.nodes["a"].true_slowdown("resident") == alone["resident"] == cluster.slowdowns("a")["resident"]
    assert cluster.requested("a").cpus == 4
    assert cluster.nodes["a"].free_cores("socket0") == 12


def test_slowdowns_follow_who_comes_and_goes() -> None:
    cluster = cluster_of("a")
    cluster.place(arrival("upf-large", uid="resident"), "a")
    alone = cluster.slowdowns("a")["resident"]
    cluster.place(arrival("batch", uid="noisy"), "a")
    assert cluster.slowdowns("a")["resident"] > alone
    cluster.remove("noisy")
    assert cluster.slowdowns("a")["resident"] == alone


def test_a_nodes_time_follows_when_something_happens_on_it() -> None:
    cluster = cluster_of("a", "b")
    cluster.now_seconds = 90.0
    cluster.place(arrival("amf"), "a")
    assert [cluster.nodes[name].wall_ns - START_WALL_NS for name in "ab"] == [90_000_000_000, 0]
    assert (cluster.changed_seconds("a"), cluster.changed_seconds("b")) == (90.0, 0.0)
    cluster.catch_up("b", short_of_seconds=10.0)
    assert cluster.nodes["b"].wall_ns - START_WALL_NS == 80_000_000_000
    cluster.catch_up("b", short_of_seconds=30.0)
    assert cluster.nodes["b"].wall_ns - START_WALL_NS == 80_000_000_000
