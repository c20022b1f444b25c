import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer
from uuid import uuid4

import numpy as np
import pytest

from agent.cgroup_tree import cpuset_hierarchy, perf_hierarchy
from agent.errors import AgentError
from agent.settings import AgentSettings, Roots
from agent.workload.window import pod_window
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.formula import events_of
from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.cgroup_fixture import POD_A, POD_B, Kubelet
from tests.unit.agent.machine_tree import Machine
from tests.unit.agent.workload.fabricated_pod import THREADS, PodNode

UNCORE = {name for name in FEATURE_SCHEMA_V1.events if EVENTS[name].pmu in {Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO}}


@pytest.mark.parametrize("kubelet", [Kubelet(), Kubelet(systemd=False)], ids=["systemd", "cgroupfs"])
def test_a_pod_has_core_and_resctrl_features_in_its_own_domain(tmp_path: Path, kubelet: Kubelet) -> None:
    node = PodNode(tmp_path, kubelet=kubelet)
    node.resctrl.occupancy = 10_752_000
    window = node.measure(POD_A)
    (vector,) = window.vectors
    assert (vector.node, vector.domain, window.cpus) == ("node-1", "socket0", (1, 5))
    assert vector.value("l3_miss_ratio") == pytest.approx(0.25)
    assert vector.value("memory_bound_share") == pytest.approx(0.25)
    assert vector.value("llc_occupancy_share") == pytest.approx(10_752_000 / (107520 * 1024))
    assert vector.value("dram_utilisation") == 0.0
    assert vector.window_length_ns >= 40_000_000
    assert window.software.cpus == 2


def test_features_that_only_uncore_tells_are_missing_with_the_reason(tmp_path: Path) -> None:
    window = PodNode(tmp_path).measure()
    (missing,) = window.coverage.missing
    assert set(missing.events) == UNCORE
    assert (missing.errno, "whole socket" in missing.reason) == ("EOPNOTSUPP", True)
    values = window.vectors[0].values
    for spec, value in zip(FEATURE_SCHEMA_V1.features, values, strict=True):
        if all(events_of(formula) & UNCORE for formula in spec.formulas):
            assert np.isnan(value), spec.name


def test_a_pod_in_the_shared_pool_has_a_vector_in_each_domain(tmp_path: Path) -> None:
    window = PodNode(tmp_path).measure(POD_B)
    assert [vector.domain for vector in window.vectors] == ["socket0", "socket1"]


def test_clusters_are_told_apart_in_resctrl(tmp_path: Path) -> None:
    """Though the pod lives in one cluster alone, the files are those of a node that has two a socket."""
    node = PodNode(tmp_path, machine=Machine(clusters=2))
    node.resctrl.domains = ("mon_L3_00/mon_sub_L3_00", "mon_L3_00/mon_sub_L3_01")
    for domain in node.resctrl.domains:
        node.resctrl.set("", domain)
    node.resctrl.occupancy = 1_000_000
    (vector,) = node.measure(POD_A).vectors
    assert vector.domain == "socket0-snc1"
    assert vector.value("llc_occupancy_share") == pytest.approx(1_000_000 / (107520 * 1024 / 2))


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    node.measure()
    assert node.resctrl.made == [f"mon_groups/leeward-{POD_A}"]
    assert (node.resctrl.groups, node.fake.open_counters) == ([], {})


def test_without_resctrl_the_rest_is_measured(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    node.resctrl.refuse_making = 28
    window = node.measure()
    by_errno = {group.errno: group for group in window.coverage.missing}
    assert set(by_errno) == {"EOPNOTSUPP", "ENOSPC"}
    assert np.isnan(window.vectors[0].value("llc_occupancy_share"))
    assert window.vectors[0].value("l3_miss_ratio") == pytest.approx(0.25)


def test_a_word_in_place_of_a_number_is_missing(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    node.resctrl.occupancy = "Unavailable"
    assert np.isnan(node.measure().vectors[0].value("llc_occupancy_share"))


def test_above_the_ceiling_resctrl_still_tells(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    window = node.measure(most_counters=10)
    assert {group.errno for group in window.coverage.missing} == {"EOPNOTSUPP", "EMFILE"}
    assert not np.isnan(window.vectors[0].value("llc_occupancy_share"))


def test_spared_cpus_are_told(tmp_path: Path) -> None:
    window = PodNode(tmp_path, machine=Machine(isolated="1,5")).measure()
    assert (window.cpus, window.spared) == ((), (1, 5))
    assert [vector.domain for vector in window.vectors] == ["socket0"]


def test_isolated_cpus_are_counted_where_that_is_allowed(tmp_path: Path) -> None:
    node = PodNode(tmp_path, machine=Machine(isolated="1,5"), policy=IsolatedCpuPolicy.SAMPLED)
    (vector,) = node.measure().vectors
    assert 0 < vector.present_count < PodNode(tmp_path / "other").measure().vectors[0].present_count


def test_stopping_ends_it_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    stop = Event()
    timer = Timer(0.1, stop.set)
    timer.start()
    with pytest.raises(AgentError, match="stopped before"):
        pod_window(node.settings, POD_A, seconds=300.0, stop=stop, settling_seconds=0.0, kernels=node.kernels)
    timer.join()
    assert (node.resctrl.groups, node.fake.open_counters) == ([], {})


def test_stopping_while_the_group_settles_leaves_nothing(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    stop = Event()
    stop.set()
    with pytest.raises(AgentError, match="stopped before"):
        pod_window(node.settings, POD_A, seconds=300.0, stop=stop, kernels=node.kernels)
    assert (node.resctrl.groups, node.fake.open_counters) == ([], {})


def test_a_pod_that_ends_meanwhile_has_no_vector(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    timer = Timer(0.1, lambda: node.tree.remove_pod(POD_A, "guaranteed"))
    timer.start()
    with pytest.raises(AgentError, match="ended while it was measured"):
        pod_window(node.settings, POD_A, seconds=0.4, stop=Event(), settling_seconds=0.0, kernels=node.kernels)
    timer.join()
    assert (node.resctrl.groups, node.fake.open_counters) == ([], {})


def test_threads_that_start_meanwhile_are_followed(tmp_path: Path) -> None:
    node = PodNode(tmp_path)
    moved: list[int] = []
    removes = node.resctrl.directories

    def remove(path: Path) -> None:
        moved.extend(node.resctrl.moved(str(path.relative_to(node.roots.resctrl))))
        removes.remove(path)

    timer = Timer(0.1, lambda: node.set_threads(node.pods[POD_A], *THREADS, 4003))
    timer.start()
    kernels = replace(node.kernels, directories=replace(removes, remove=remove))
    pod_window(node.settings, POD_A, seconds=0.4, stop=Event(), settling_seconds=0.0, kernels=kernels)
    timer.join()
    assert moved == [*THREADS, 4003]


@pytest.mark.parametrize("seconds", [0.0, -1.0, 600.5, float("nan"), float("inf")])
def test_times_without_a_bound_are_refused(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(AgentError, match="at most 600 s"):
        pod_window(AgentSettings(roots=Roots.under(tmp_path)), POD_A, seconds=seconds, stop=Event())


BUSY = "while True: pass"
TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")


class RealPod:
    """A cgroup of this machine, named like a pod's, in the hierarchies of cpusets and of perf."""

    def __init__(self, cgroups: Path) -> None:
        self.uid = str(uuid4())
        stem = f"leeward_test_{os.getpid()}-kubepods"
        hierarchies = [hierarchy for find in (cpuset_hierarchy, perf_hierarchy) if (hierarchy := find(cgroups))]
        roots = dict.fromkeys(hierarchy.path for hierarchy in hierarchies)
        self.directories = [root / f"{stem}.slice" / f"{stem}-pod{self.uid.replace('-', '_')}.slice" for root in roots]

    def make(self) -> None:
        for directory in self.directories:
            directory.mkdir(parents=True)
            for level in (directory.parent, directory):
                for name in ("cpuset.cpus", "cpuset.mems"):
                    if (level / name).exists() and not (level / name).read_text().strip():
                        (level / name).write_text((level.parent / name).read_text().strip() or "0")

    def take(self, process: "subprocess.Popen[bytes]") -> None:
        self._stat = Path(f"/proc/{process.pid}/stat")
        for directory in self.directories:
            (directory / "cgroup.procs").write_text(str(process.pid))

    def cpu_time_ns(self) -> int:
        """What its process has run so far, to a tick: fields 14 and 15 of proc(5)'s ``stat``."""
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_NS

    def remove(self) -> None:
        for directory in self.directories:
            for level in (directory, directory.parent):
                with suppress(FileNotFoundError):
                    level.rmdir()


@pytest.fixture
def real_pod() -> Iterator[RealPod]:
    pod = RealPod(Path("/sys/fs/cgroup"))
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(2)]
    try:
        try:
            pod.make()
            pod.take(busy[0])
        except OSError as error:
            pytest.skip(f"no cgroup can be made here: {error}")
        if len(pod.directories) == 0:
            pytest.skip("no cgroup hierarchy for cpusets and perf is mounted here")
        yield pod
    finally:
        for process in busy:
            process.kill()
            process.wait()
        for _ in range(50):
            try:
                pod.remove()
                break
            except OSError:
                time.sleep(0.02)  # the kernel empties a cgroup a moment after its last task has ended


def test_the_real_kernel_counts_a_pods_tasks_and_nobody_elses(real_pod: RealPod) -> None:
    """Of two busy processes one is in the pod: the pod's clock shows no more than that one has run."""
    before_ns = real_pod.cpu_time_ns()
    window = pod_window(AgentSettings(node="n1"), real_pod.uid, seconds=0.5, stop=Event(), settling_seconds=0.0)
    ran_ns = real_pod.cpu_time_ns() - before_ns
    if not window.software.counts:
        pytest.skip(f"the kernel refuses counters of a cgroup: {window.software.missing[0].errno}")
    assert 1_000_000 < window.software.counts["cpu-clock"] < ran_ns + 2 * TICK_NS
    assert window.software.cpus == len(window.cpus) > 0
