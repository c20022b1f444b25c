from pathlib import Path

import pytest

from agent.errors import AgentError
from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.cgroup_fixture import POD_A, POD_B, POD_C, Kubelet
from tests.unit.agent.machine_tree import Machine
from tests.unit.agent.workload.fabricated_pod import PodNode


def test_a_pod_with_cpus_of_its_own_is_counted_there(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    subject = node.subject(POD_A)
    assert [domain.name for domain in subject.topology.domains] == ["socket0"]
    assert subject.cpus == (1, 5)
    assert (subject.spared, subject.bystander) == ((), None)
    assert subject.perf_directory == subject.directory == node.pods[POD_A]


def test_a_pod_in_the_shared_pool_is_counted_wherever_it_may_run(tmp_path: Path) -> None:
    subject = PodNode(tmp_path).subject(POD_B)
    assert {domain.name: domain.cpus for domain in subject.topology.domains} == {
        "socket0": (0, 4),
        "socket1": (2, 3, 6, 7),
    }


def test_a_sidecar_in_the_shared_pool_is_not_counted(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    node.tree.set_container(node.pods[POD_A], 2, "0,2-4,6-7")
    assert node.subject(POD_A).cpus == (1, 5)


def test_isolated_cpus_are_left_alone_unless_asked_for(tmp_path: Path) -> None:
    node = PodNode(tmp_path, machine=Machine(isolated="5"))
    subject = node.subject(POD_A)
    assert (subject.cpus, subject.spared, subject.bystander) == ((1,), (5,), None)


def test_a_pod_on_isolated_cpus_alone_is_asked_about_elsewhere(tmp_path: Path) -> None:
    node = PodNode(tmp_path, machine=Machine(isolated="1,5"), policy=IsolatedCpuPolicy.SAMPLED)
    subject = node.subject(POD_A)
    assert (subject.cpus, subject.spared, subject.bystander) == ((1, 5), (), 0)


def test_version_one_counts_where_perf_event_is_mounted(tmp_path: Path) -> None:
    node = PodNode(tmp_path, kubelet=Kubelet(version=1))
    assert node.subject().perf_directory is None
    (node.roots.cgroup / "perf_event").mkdir()
    place = node.pods[POD_A].relative_to(node.roots.cgroup / "cpuset")
    assert node.subject().perf_directory == node.roots.cgroup / "perf_event" / place


def test_an_unknown_pod_is_refused_with_how_to_find_its_uid(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match=r"among the 2 of this node.*metadata\.uid"):
        PodNode(tmp_path).subject(POD_C)


def test_no_kubelet_is_refused(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    node.tree.kubepods.rename(tmp_path / "elsewhere")
    with pytest.raises(AgentError, match="no kubelet's cgroups lie below"):
        node.subject()


def test_a_tree_that_cannot_be_read_is_refused_with_the_file(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    broken = node.tree.kubepods / "cpuset.cpus.effective"
    broken.unlink()
    broken.mkdir()
    with pytest.raises(AgentError, match=r"kubepods\.slice/cpuset\.cpus\.effective can't be read"):
        node.subject()


def test_a_pod_on_cpus_that_are_offline_is_refused(tmp_path: Path) -> None:
    node = PodNode(tmp_path, machine=Machine(offline=frozenset({1, 5})))
    with pytest.raises(AgentError, match="no CPU that is online"):
        node.subject()
