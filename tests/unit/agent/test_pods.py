import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pod_cgroups import PodCgroup, PodCgroups
from agent.pods import UNKNOWN_PLACEMENT, UNREADABLE, PodWatch, exclusive_cpus, placement_of
from agent.troubles import Troubles
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import MAXIMUM_PODS, Coverage, DomainState, Status, Window
from contracts.regime import Regime
from tests.unit.agent.cgroup_fixture import LAYOUTS, POD_A, POD_B, POD_C, STATIC_POD, Kubelet, pod, two_domains

TWO = two_domains()
POOL = {0, 1, 6, 7}


def test_who_holds_cpus_lives_where_they_are() -> None:
    placed = placement_of(
        [
            pod(POD_A, "guaranteed", {2, 3}),
            pod(POD_B, "guaranteed", {4, 5}),
            pod(POD_C, "burstable", POOL),
        ],
        TWO,
    )
    assert placed.pods == {"socket0": (POD_A,), "socket1": (POD_B,)}
    assert placed.shared == (POD_C,)
    assert placed.free_exclusive_cpus == {"socket0": 2, "socket1": 2}


def test_a_pod_whose_cpus_span_domains_is_a_neighbour_in_each() -> None:
    placed = placement_of([pod(POD_A, "guaranteed", {3, 4}), pod(POD_B, "burstable", {0, 1, 2, 5, 6, 7})], TWO)
    assert placed.pods == {"socket0": (POD_A,), "socket1": (POD_A,)}
    assert placed.free_exclusive_cpus == {"socket0": 3, "socket1": 3}


def test_a_sidecar_in_the_shared_pool_does_not_move_its_pod() -> None:
    placed = placement_of(
        [pod(POD_A, "guaranteed", {2, 3}, POOL | {4, 5}), pod(POD_B, "burstable", POOL | {4, 5})], TWO
    )
    assert placed.pods == {"socket0": (POD_A,), "socket1": ()}
    assert placed.free_exclusive_cpus == {"socket0": 2, "socket1": 4}


def test_a_guaranteed_pod_that_asks_for_parts_of_a_cpu_shares_the_pool() -> None:
    pods = [pod(POD_A, "guaranteed", {2, 3}), pod(POD_B, "guaranteed", POOL), pod(POD_C, "besteffort", POOL)]
    assert exclusive_cpus(pods) == {POD_A: frozenset({2, 3})}


def test_a_pool_that_lies_in_one_domain_keeps_its_pods_there() -> None:
    placed = placement_of([pod(POD_A, "guaranteed", {2, 3, 4, 5, 6, 7}), pod(POD_B, "burstable", {0, 1})], TWO)
    assert placed.pods == {"socket0": (POD_A, POD_B), "socket1": (POD_A,)}
    assert placed.shared == ()


def test_without_the_static_policy_everything_is_shared_and_free() -> None:
    placed = placement_of([pod(POD_A, "guaranteed"), pod(POD_B, "burstable")], TWO)
    assert placed.shared == (POD_A, POD_B)
    assert placed.free_exclusive_cpus == {"socket0": 4, "socket1": 4}


def test_a_pod_that_may_be_alone_in_the_pool_leaves_it_open_who_holds_what() -> None:
    """Two Guaranteed pods and nobody else: either set may be the shared pool."""
    placed = placement_of([pod(POD_A, "guaranteed", {2, 3}), pod(POD_B, "guaranteed", {0, 1, 4, 5, 6, 7})], TWO)
    assert placed.free_exclusive_cpus is None
    assert placed.pods == {"socket0": (POD_A,), "socket1": ()}
    assert placed.shared == (POD_B,)


def test_a_container_that_was_not_moved_yet_hides_no_exclusive_cpus() -> None:
    """The kubelet moves the others out of the way some seconds after it gave CPUs away."""
    pods = [pod(POD_A, "guaranteed", {2, 3}), pod(POD_B, "burstable"), pod(POD_C, "burstable", POOL)]
    assert exclusive_cpus(pods) == {POD_A: frozenset({2, 3})}


def test_a_pool_that_just_grew_is_not_taken_for_somebodys_own() -> None:
    """CPUs 2 and 3 were given back; the kubelet has moved one of the two pods in the pool so far."""
    pods = [pod(POD_A, "guaranteed", POOL | {2, 3}), pod(POD_B, "burstable", POOL), pod(POD_C, "guaranteed", {4, 5})]
    assert exclusive_cpus(pods) == {POD_C: frozenset({4, 5})}


def test_a_sandbox_kept_on_housekeeping_cpus_holds_none() -> None:
    """CRI-O's ``infra_ctr_cpuset`` pins every sandbox to the same CPUs."""
    pods = [pod(POD_A, "guaranteed", {2, 3}, {0}), pod(POD_B, "burstable", POOL, {0})]
    assert exclusive_cpus(pods) == {POD_A: frozenset({2, 3})}


def test_cpus_that_the_topology_does_not_know_are_nobodys() -> None:
    placed = placement_of([pod(POD_A, "guaranteed", {20, 21}, available=32), pod(POD_B, "burstable", POOL)], TWO)
    assert placed.pods == {"socket0": (), "socket1": ()}
    assert placed.shared == (POD_A, POD_B)
    assert placed.free_exclusive_cpus == {"socket0": 4, "socket1": 4}


def test_in_a_single_domain_only_exclusive_cpus_pin() -> None:
    one = replace(TWO, domains=TWO.domains[:1])
    placed = placement_of([pod(POD_A, "guaranteed", {2, 3}), pod(POD_B, "burstable", {0, 1})], one)
    assert (placed.pods, placed.shared) == ({"socket0": (POD_A,)}, (POD_B,))


def test_pinned_pods_are_named_first_and_the_rest_is_counted() -> None:
    exclusive = [pod(f"z{index:03}", "guaranteed", {8 + index}, available=200) for index in range(70)]
    spanning = [pod("y000", "guaranteed", {99, 100}, available=200)]
    shared = [pod(f"a{index:03}", "burstable", {0, 1, 190}, available=200) for index in range(60)]
    wide = two_domains(100)
    placed = placement_of([*shared, *spanning, *exclusive], wide)
    named = {uid for uids in placed.pods.values() for uid in uids}
    assert named >= {entry.uid for entry in [*exclusive, *spanning]}
    assert placed.omitted == 131 - len(named | set(placed.shared)) > 0
    assert sum(map(len, placed.pods.values())) + len(placed.shared) == MAXIMUM_PODS


def test_a_uid_that_a_nodestate_cannot_carry_is_counted() -> None:
    placed = placement_of([pod("x" * 37, "burstable", {0, 1}), pod(STATIC_POD, "burstable", {0, 1})], TWO)
    assert (placed.pods["socket0"], placed.omitted) == ((STATIC_POD,), 1)


CPU_SETS = st.frozensets(st.integers(0, 7), min_size=1, max_size=7)


@st.composite
def nodes(draw: st.DrawFn) -> Sequence[PodCgroup]:
    number = draw(st.integers(0, 6))
    return [
        PodCgroup(
            uid=f"pod-{index}",
            directory=Path("/nowhere"),
            guaranteed=draw(st.booleans()),
            pinned=tuple(draw(st.lists(CPU_SETS, max_size=3))),
            available=frozenset(range(8)),
        )
        for index in range(number)
    ]


@given(nodes())
def test_no_two_pods_hold_a_cpu_and_no_other_pod_may_use_it(pods: Sequence[PodCgroup]) -> None:
    for uid, cpus in (exclusive_cpus(pods) or {}).items():
        holder = next(entry for entry in pods if entry.uid == uid)
        assert holder.guaranteed
        assert cpus <= holder.cpus
        for other in pods:
            if other is not holder:
                assert all(cpus.isdisjoint(pinned) for pinned in other.pinned)


@given(nodes())
def test_held_and_free_cpus_make_up_each_domain(pods: Sequence[PodCgroup]) -> None:
    held, placed = exclusive_cpus(pods), placement_of(pods, TWO)
    if held is None:
        assert placed.free_exclusive_cpus is None
        return
    assert placed.free_exclusive_cpus is not None
    for domain in TWO.domains:
        taken = sum(len(cpus & set(domain.cpus)) for cpus in held.values())
        assert placed.free_exclusive_cpus[domain.name] + taken == len(domain.cpus)


@given(nodes(), CPU_SETS, st.booleans())
def test_a_further_pod_never_gives_another_cpus_of_its_own(
    pods: Sequence[PodCgroup], cpus: frozenset[int], guaranteed: bool
) -> None:
    before = exclusive_cpus([*pods, pod("witness", "burstable", {7})]) or {}
    newcomer = PodCgroup(
        uid="new", directory=Path("/n"), guaranteed=guaranteed, pinned=(cpus,), available=frozenset(range(8))
    )
    after = exclusive_cpus([*pods, pod("witness", "burstable", {7}), newcomer]) or {}
    assert all(after[uid] <= before.get(uid, frozenset()) for uid in after if uid != "new")


@given(nodes())
def test_every_pod_is_named_in_its_domains_or_shared_and_never_both(pods: Sequence[PodCgroup]) -> None:
    placed = placement_of(pods, TWO)
    pinned = {uid for uids in placed.pods.values() for uid in uids}
    assert pinned.isdisjoint(placed.shared)
    assert pinned | set(placed.shared) == {entry.uid for entry in pods}
    assert placed.omitted == 0


@given(nodes(), st.randoms(use_true_random=False))
def test_the_order_of_pods_does_not_matter(pods: Sequence[PodCgroup], random: Random) -> None:
    shuffled = list(pods)
    random.shuffle(shuffled)
    assert placement_of(shuffled, TWO) == placement_of(pods, TWO)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_nodes_tree_becomes_its_placement(tmp_path: Path, layout: str) -> None:
    tree = LAYOUTS[layout].build(tmp_path)
    tree.add_pod(POD_A, "guaranteed", "2-3")
    tree.add_pod(POD_B, "burstable", "0-1,4-7")
    tree.add_pod(POD_C, "besteffort", "0-1,4-7")
    placed = PodWatch(PodCgroups(tmp_path), Troubles()).placement(TWO)
    assert placed.pods == {"socket0": (POD_A,), "socket1": ()}
    assert placed.shared == (POD_B, POD_C)
    assert [placed.free_in(domain) for domain in ("socket0", "socket1", "socket2")] == [2, 4, None]


def test_a_tree_that_cannot_be_read_is_told_until_it_can(tmp_path: Path) -> None:
    """A directory where a file should be stands for whatever hides it; permissions don't bind root."""
    tree = Kubelet().build(tmp_path)
    scope = tree.set_container(tree.add_pod(POD_A, "guaranteed", "2-3"), 0, "2-3")
    (scope / "cpuset.cpus.effective").unlink()
    (scope / "cpuset.cpus.effective").mkdir()
    troubles = Troubles()
    watch = PodWatch(PodCgroups(tmp_path), troubles)
    assert watch.placement(TWO) == UNKNOWN_PLACEMENT
    (trouble,) = troubles.present
    assert trouble.name == UNREADABLE
    assert str(scope) in trouble.sentence
    shutil.rmtree(scope)
    assert watch.placement(TWO).shared == (POD_A,)
    assert troubles.present == ()


def test_a_node_without_a_kubelet_is_no_trouble(tmp_path: Path) -> None:
    troubles = Troubles()
    placed = PodWatch(PodCgroups(tmp_path), troubles).placement(TWO)
    assert (placed, placed.free_in("socket0")) == (UNKNOWN_PLACEMENT, None)
    assert troubles.present == ()


def test_a_topology_that_changes_places_pods_anew(tmp_path: Path) -> None:
    Kubelet().build(tmp_path).add_pod(POD_A, "burstable", "0-1")
    watch = PodWatch(PodCgroups(tmp_path), Troubles())
    assert watch.placement(TWO).pods["socket0"] == (POD_A,)
    assert watch.placement(replace(TWO, domains=TWO.domains[1:])).shared == (POD_A,)


@given(nodes())
def test_a_nodestate_takes_every_placement(pods: Sequence[PodCgroup]) -> None:
    """The contract refuses a pod that is pinned and shared, one that is named twice, and too many."""
    placed = placement_of([*pods, *(pod(f"more-{index:03}", "burstable", {1}) for index in range(118))], TWO)
    start = datetime(2026, 1, 2, tzinfo=UTC)
    Status(
        agent_version="1",
        feature_schema=FEATURE_SCHEMA_V1.digest,
        heartbeat=start,
        regimes="unknown,unknown",
        coverage=Coverage(wanted=0, opened=0),
        domains=tuple(
            DomainState(
                name=domain.name,
                window=Window(start=start, end=start + timedelta(seconds=10)),
                features=(None,) * len(FEATURE_SCHEMA_V1),
                regime=Regime.UNKNOWN,
                free_exclusive_cpus=placed.free_in(domain.name),
                pods=placed.pods.get(domain.name, ()),
            )
            for domain in TWO.domains
        ),
        shared_pods=placed.shared,
        omitted_pods=placed.omitted,
    )
