"""A fabricated node with a kubelet, pods, resctrl and a kernel, on which a pod can be measured."""

from dataclasses import replace
from pathlib import Path
from threading import Event

from agent.sources.kernel import Kernel
from agent.topology_sysfs import read_topology
from agent.workload.cgroup_kernel import CgroupKernel
from agent.workload.subject import Subject, subject_of
from agent.workload.window import Kernels, PodWindow, pod_window
from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.cgroup_fixture import POD_A, POD_B, Kubelet
from tests.unit.agent.fabricated_node import Node
from tests.unit.agent.machine_tree import Machine
from tests.unit.agent.workload.resctrl_fixture import ResctrlFixture

THREADS = (4001, 4002)


class PodNode:
    """Two sockets of two cores with two threads: CPUs 0, 1, 4, 5 and 2, 3, 6, 7. ``POD_A`` holds CPUs 1 and 5,
    ``POD_B`` shares the rest; both have ``THREADS``. Counters count some thousand events with each read."""

    def __init__(
        self,
        root: Path,
        *,
        kubelet: Kubelet | None = None,
        machine: Machine | None = None,
        policy: IsolatedCpuPolicy = IsolatedCpuPolicy.NEVER,
    ) -> None:
        node = Node(root, machine, isolated_cpus=policy)
        self.roots = node.roots
        self.settings = replace(node.settings, sampling_period_seconds=0.01)
        self.fake = node.fake
        self.fake.ns_a_read = 1_000_000
        self.tree = (kubelet or Kubelet()).build(self.roots.cgroup)
        self.pods = {
            POD_A: self.tree.add_pod(POD_A, "guaranteed", "1,5"),
            POD_B: self.tree.add_pod(POD_B, "burstable", "0,2-4,6-7"),
        }
        for directory in self.pods.values():
            self.set_threads(directory, *THREADS)
        self.resctrl = ResctrlFixture(self.roots)

    @property
    def kernels(self) -> Kernels:
        return Kernels(counting=self.kernel_of, directories=self.resctrl.directories)

    def kernel_of(self, cgroup_fd: int) -> Kernel:
        return CgroupKernel(cgroup_fd, self.fake._calls, owner=self.fake)

    def subject(self, uid: str = POD_A) -> Subject:
        return subject_of(self.settings, uid, read_topology(self.roots))

    def measure(self, uid: str = POD_A, *, stop: Event | None = None, most_counters: int = 4096) -> PodWindow:
        return pod_window(
            self.settings,
            uid,
            seconds=0.05,
            stop=stop or Event(),
            most_counters=most_counters,
            settling_seconds=0.0,
            kernels=self.kernels,
        )

    def set_threads(self, directory: Path, *threads: int) -> None:
        """In the pod's first container."""
        name = "cgroup.threads" if self.tree.kubelet.version == 2 else "tasks"
        container = min(path for path in directory.iterdir() if path.is_dir())
        (container / name).write_text("".join(f"{thread}\n" for thread in threads))
