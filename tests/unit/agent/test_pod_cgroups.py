import shutil
from pathlib import Path

import pytest

from agent.pod_cgroups import LONGEST_SECONDS, SETTLING_SECONDS, PodCgroup, PodCgroups
from tests.unit.agent.cgroup_fixture import LAYOUTS, POD_A, POD_B, POD_C, STATIC_POD, CgroupFixture, Kubelet

EVERY_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS)
SHARED = "0-1,4-7"


def found(tree: CgroupFixture) -> dict[str, PodCgroup]:
    pods = PodCgroups(tree.root).read()
    assert pods is not None
    return {pod.uid: pod for pod in pods}


@EVERY_LAYOUT
def test_every_layout_shows_classes_uids_and_cpusets(tmp_path: Path, layout: str) -> None:
    tree = LAYOUTS[layout].build(tmp_path)
    tree.add_pod(POD_A, "guaranteed", "2-3", SHARED)
    tree.add_pod(POD_B, "burstable", SHARED)
    tree.add_pod(POD_C, "besteffort")
    tree.add_pod(STATIC_POD, "burstable", SHARED)
    pods = found(tree)
    assert {uid: pod.guaranteed for uid, pod in pods.items()} == {
        POD_A: True,
        POD_B: False,
        POD_C: False,
        STATIC_POD: False,
    }
    assert set(pods[POD_A].pinned) == {frozenset({2, 3}), frozenset({0, 1, 4, 5, 6, 7})}
    assert pods[POD_B].pinned == (frozenset({0, 1, 4, 5, 6, 7}),)
    assert pods[POD_C].pinned == ()
    assert pods[POD_C].cpus == pods[POD_C].available == frozenset(range(8))
    assert pods[POD_A].directory == tree.pod_directory(POD_A, "guaranteed")


def test_no_kubelet_is_nothing_known_rather_than_no_pods(tmp_path: Path) -> None:
    assert PodCgroups(tmp_path / "nowhere").read() is None
    tree = Kubelet().build(tmp_path)
    shutil.rmtree(tree.kubepods)
    assert PodCgroups(tree.root).read() is None


def test_a_kubelet_without_pods_has_none(tmp_path: Path) -> None:
    assert PodCgroups(Kubelet().build(tmp_path).root).read() == ()


@EVERY_LAYOUT
def test_pods_come_and_go_between_two_looks(tmp_path: Path, layout: str) -> None:
    tree = LAYOUTS[layout].build(tmp_path)
    cgroups = PodCgroups(tree.root)
    assert cgroups.read() == ()
    tree.add_pod(POD_A, "guaranteed", "2-3")
    tree.add_pod(POD_B, "burstable", SHARED)
    assert [pod.uid for pod in cgroups.read() or ()] == [POD_A, POD_B]
    tree.remove_pod(POD_A, "guaranteed")
    assert [pod.uid for pod in cgroups.read() or ()] == [POD_B]


class Clock:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def pinned_now(cgroups: PodCgroups) -> list[tuple[frozenset[int], ...]]:
    return [pod.pinned for pod in cgroups.read() or ()]


POOL = frozenset({0, 1, 4, 5, 6, 7})


def test_others_that_are_moved_after_a_pod_came_are_seen_at_once(tmp_path: Path) -> None:
    tree = Kubelet().build(tmp_path)
    directory = tree.add_pod(POD_B, "burstable", "")
    clock = Clock()
    cgroups = PodCgroups(tree.root, monotonic=clock)
    assert pinned_now(cgroups) == [()]
    clock.now += SETTLING_SECONDS
    tree.set_container(directory, 0, SHARED)
    assert pinned_now(cgroups) == [(POOL,)]


def test_a_change_while_no_pod_comes_or_goes_is_seen_within_a_minute(tmp_path: Path) -> None:
    tree = Kubelet().build(tmp_path)
    directory = tree.add_pod(POD_B, "burstable", "")
    clock = Clock()
    cgroups = PodCgroups(tree.root, monotonic=clock)
    cgroups.read()
    clock.now += SETTLING_SECONDS + 1.0
    tree.set_container(directory, 0, SHARED)
    assert pinned_now(cgroups) == [()]
    clock.now += LONGEST_SECONDS - SETTLING_SECONDS
    assert pinned_now(cgroups) == [(POOL,)]


def test_a_container_that_comes_late_is_seen_at_once(tmp_path: Path) -> None:
    """Its image was pulled for long."""
    tree = Kubelet().build(tmp_path)
    directory = tree.add_pod(POD_A, "guaranteed")
    clock = Clock()
    cgroups = PodCgroups(tree.root, monotonic=clock)
    assert pinned_now(cgroups) == [()]
    clock.now += SETTLING_SECONDS + 1.0
    before = directory.stat().st_nlink
    tree.set_container(directory, 1, "2-3")
    if directory.stat().st_nlink == before:
        pytest.skip("the file system of temporary files does not count subdirectories")
    assert pinned_now(cgroups) == [(frozenset({2, 3}),)]


def test_a_reading_that_failed_is_not_taken_for_one(tmp_path: Path) -> None:
    tree = Kubelet().build(tmp_path)
    scope = tree.set_container(tree.add_pod(POD_A, "guaranteed", "2-3"), 0, "2-3")
    clock = Clock()
    cgroups = PodCgroups(tree.root, monotonic=clock)
    cgroups.read()
    clock.now += LONGEST_SECONDS
    (scope / "cpuset.cpus.effective").unlink()
    (scope / "cpuset.cpus.effective").mkdir()
    for _ in range(2):
        with pytest.raises(IsADirectoryError):
            cgroups.read()
        clock.now += 1.0


def test_a_kubelet_that_changes_its_driver_is_followed(tmp_path: Path) -> None:
    former = Kubelet(systemd=False).build(tmp_path)
    former.add_pod(POD_A, "guaranteed", "2-3")
    cgroups = PodCgroups(tmp_path)
    assert len(cgroups.read() or ()) == 1
    former.remove_pod(POD_A, "guaranteed")
    later = Kubelet().build(tmp_path)
    later.add_pod(POD_B, "guaranteed", "2-3")
    assert [pod.uid for pod in cgroups.read() or ()] == [POD_B]


def test_an_empty_cgroup_left_behind_hides_no_pod(tmp_path: Path) -> None:
    Kubelet(systemd=False).build(tmp_path).add_pod(POD_A, "guaranteed", sandbox=None)
    Kubelet().build(tmp_path).add_pod(POD_A, "guaranteed", "2-3")
    (pod,) = PodCgroups(tmp_path).read() or ()
    assert pod.pinned == (frozenset({2, 3}),)


def test_crun_may_set_the_cpuset_one_level_below_the_scope(tmp_path: Path) -> None:
    tree = Kubelet().build(tmp_path)
    directory = tree.add_pod(POD_A, "guaranteed", "", runtime="crio")
    scope = tree.set_container(directory, 0, "", runtime="crio")
    tree.set_cpus(scope / "container", "2-3", explicit=True)
    assert found(tree)[POD_A].pinned == (frozenset({2, 3}),)


def test_a_container_without_the_controller_has_its_pods_cpus(tmp_path: Path) -> None:
    tree = Kubelet().build(tmp_path)
    directory = tree.add_pod(POD_A, "guaranteed", "2-3", sandbox=None)
    tree.set_cpus(directory, "2-5", explicit=True)
    scope = tree.set_container(directory, 0, "2-3")
    for file in scope.iterdir():
        file.unlink()
    assert found(tree)[POD_A].pinned == (frozenset({2, 3, 4, 5}),)


def test_a_container_that_was_just_made_has_no_cpus_yet(tmp_path: Path) -> None:
    """Version 1 makes cgroups with an empty list, which the runtime fills."""
    tree = Kubelet(version=1).build(tmp_path)
    directory = tree.add_pod(POD_A, "guaranteed", "2-3")
    scope = tree.set_container(directory, 0, "2-3")
    (scope / "cpuset.effective_cpus").write_text("\n")
    assert found(tree)[POD_A].pinned == ()


def test_pods_restricted_as_a_whole_are_pinned_only_within_that(tmp_path: Path) -> None:
    """An administrator keeps CPUs 0 and 1 for the system: those who may use all the rest are not pinned."""
    tree = Kubelet(cpus="2-7").build(tmp_path)
    tree.add_pod(POD_A, "guaranteed", "2-3")
    tree.add_pod(POD_B, "burstable", "2-7")
    pods = found(tree)
    assert pods[POD_A].pinned == (frozenset({2, 3}),)
    assert pods[POD_B].pinned == ()


def test_what_is_no_pod_is_passed_over(tmp_path: Path) -> None:
    tree = Kubelet().build(tmp_path)
    tree.add_pod(POD_A, "burstable", SHARED)
    (tree.kubepods / "system.mount").mkdir()
    (tree.kubepods / "kubepods-burstable.slice/lost.scope").mkdir()
    assert list(found(tree)) == [POD_A]


def test_a_kubelet_inside_a_pod_is_not_this_nodes(tmp_path: Path) -> None:
    tree = Kubelet().build(tmp_path)
    directory = tree.add_pod(POD_A, "burstable", SHARED)
    (directory / "inner.scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod9.slice").mkdir(parents=True)
    assert list(found(tree)) == [POD_A]
