from pathlib import Path

from agent.sources.software import SOFTWARE_EVENTS
from agent.workload.core import PodCoreSource
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.cgroup_fixture import POD_A, Kubelet
from tests.unit.agent.fake_kernel import OpenCounter
from tests.unit.agent.machine_tree import Machine
from tests.unit.agent.workload.fabricated_pod import PodNode

ALL = FEATURE_SCHEMA_V1.events
CORE = frozenset(name for name in ALL if EVENTS[name].pmu is Pmu.CORE)
BY_CPU = len(CORE) + len(SOFTWARE_EVENTS)


def source(node: PodNode, *, most_counters: int = 4096) -> PodCoreSource:
    return PodCoreSource(node.subject(), settings=node.settings, most_counters=most_counters, kernel_of=node.kernel_of)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_pods_cpus_are_counted_by_its_cgroup_and_no_others(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    core = source(node)
    assert core.open(ALL).events == CORE
    counters = node.fake.open_counters.values()
    assert {counter.cpu for counter in counters} == {1, 5}
    (cgroup_fd,) = {counter.cgroup_fd for counter in counters}
    assert Path(f"/proc/self/fd/{cgroup_fd}").readlink() == node.pods[POD_A]
    assert len(counters) == 2 * BY_CPU
    core.close()


def test_closing_leaves_no_descriptor_and_may_be_repeated(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    before = descriptors()
    core = source(node)
    core.open(ALL)
    core.open(ALL)
    core.close()
    core.close()
    assert node.fake.open_counters == {}
    assert descriptors() == before
    assert core.read().blocks == ()


def test_more_counters_than_the_ceiling_are_not_opened(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    enough, too_few = source(node, most_counters=2 * BY_CPU), source(node, most_counters=2 * BY_CPU - 1)
    assert enough.open(ALL).missing == ()
    enough.close()
    opened = too_few.open(ALL)
    assert opened.events == frozenset()
    assert {(entry.event, entry.errno) for entry in opened.missing} == {(name, "EMFILE") for name in CORE}
    assert "--most-counters" in opened.missing[0].reason
    assert node.fake.open_counters == {}
    assert too_few.software.counts == {}


def test_isolated_cpus_are_not_touched_unless_asked_for(tmp_path: Path) -> None:
    node = PodNode(tmp_path, machine=Machine(isolated="1,5"))
    opened = source(node).open(ALL)
    assert {entry.errno for entry in opened.missing} == {"EPERM"}
    assert "--isolated-cpus" in opened.missing[0].reason
    assert node.fake.closed == []


def test_isolated_cpus_run_one_group_and_are_asked_nothing(tmp_path: Path) -> None:
    node = PodNode(tmp_path, machine=Machine(isolated="1,5"), policy=IsolatedCpuPolicy.SAMPLED)
    core = source(node)
    touched: list[int] = []

    def refuses_nothing(counter: OpenCounter) -> int:
        touched.append(counter.cpu)
        return 0

    node.fake.refuse = refuses_nothing
    core.open(ALL)
    for cpu in (1, 5):
        hardware = [group for group in node.fake.groups_on(cpu) if group[0].type != 1]
        assert len(hardware) == 1
        assert touched.count(cpu) == len(hardware[0]) + len(SOFTWARE_EVENTS)
    core.read(ends_window=True)
    core.read(ends_window=False)
    core.read(ends_window=True)
    first_group = node.fake.groups_on(1)[-1][0].fd
    assert [fd for fd, _ in node.fake.read_from].count(first_group) == 2
    core.close()


def test_a_pod_that_perf_cannot_find_is_missing_with_its_errno(tmp_path: Path) -> None:
    node = PodNode(tmp_path, kubelet=Kubelet(version=1))
    assert {entry.errno for entry in source(node).open(ALL).missing} == {"ENOENT"}
    (node.roots.cgroup / "perf_event").mkdir()
    opened = source(node).open(ALL)
    assert {entry.errno for entry in opened.missing} == {"ENOENT"}
    assert "perf_event" in opened.missing[0].reason


def test_reasons_fit_a_nodestate(tmp_path: Path) -> None:
    node = PodNode(tmp_path, machine=Machine(isolated="1,5"))
    opened = [source(node).open(ALL), source(PodNode(tmp_path / "2"), most_counters=1).open(ALL)]
    assert all(len(entry.reason) <= 160 for answer in opened for entry in answer.missing)
