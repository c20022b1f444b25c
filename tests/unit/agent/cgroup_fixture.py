"""Small cgroup trees as kubelets make them: both drivers, both versions, nested roots."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.pod_cgroups import PodCgroup
from agent.topology import Domain, Topology

Quality = Literal["guaranteed", "burstable", "besteffort"]
POD_A = "0aaaaaaa-0000-4000-8000-000000000001"
POD_B = "0bbbbbbb-0000-4000-8000-000000000002"
POD_C = "0ccccccc-0000-4000-8000-000000000003"
STATIC_POD = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def two_domains(cpus_each: int = 4) -> Topology:
    """Two sockets, the first with the lower CPU numbers."""
    domains = (
        Domain(name="socket0", socket=0, cpus=tuple(range(cpus_each))),
        Domain(name="socket1", socket=1, cpus=tuple(range(cpus_each, 2 * cpus_each))),
    )
    return Topology(vendor="GenuineIntel", family=6, model=143, stepping=8, smt=False, domains=domains)


def pod(uid: str, quality: Quality, *pinned: set[int], available: int = 8) -> PodCgroup:
    """A pod as it is found; each of ``pinned`` is a container."""
    return PodCgroup(
        uid=uid,
        directory=Path("/nowhere") / uid,
        guaranteed=quality == "guaranteed",
        pinned=tuple(frozenset(cpus) for cpus in pinned),
        available=frozenset(range(available)),
    )


@dataclass(frozen=True, kw_only=True)
class Kubelet:
    """One way to lay cgroups out.

    ``under`` are the names of the levels above ``kubepods``, ``hybrid`` puts version 1 beside a unified hierarchy.
    """

    systemd: bool = True
    version: int = 2
    under: Sequence[str] = ()
    hybrid: bool = False
    cpus: str = "0-7"

    def build(self, root: Path) -> "CgroupFixture":
        """The tree without pods, below ``root``."""
        fixture = CgroupFixture(root=root, kubelet=self)
        if self.version == 2:
            _write(root / "cgroup.controllers", "cpuset cpu io memory pids")
        elif self.hybrid:
            _write(root / "unified/cgroup.controllers", "hugetlb")
        for directory in fixture.levels():
            fixture.set_cpus(directory, self.cpus, explicit=self.version == 1)
        return fixture


@dataclass(frozen=True, kw_only=True)
class CgroupFixture:
    """A tree that was built, and its pods."""

    root: Path
    kubelet: Kubelet

    @property
    def hierarchy(self) -> Path:
        """Where cpusets are mounted."""
        return self.root if self.kubelet.version == 2 else self.root / "cpuset"

    @property
    def kubepods(self) -> Path:
        """The kubelet's own cgroup."""
        if not self.kubelet.systemd:
            return self.hierarchy.joinpath(*self.kubelet.under, "kubepods")
        parent = self.kubelet.under[-1].removesuffix("slice") if self.kubelet.under else ""
        return self.hierarchy.joinpath(*self.kubelet.under, f"{parent.replace('.', '-')}kubepods.slice")

    def levels(self) -> Iterator[Path]:
        """From the root down to ``kubepods``."""
        yield from reversed([self.kubepods, *self.kubepods.parents][: len(self.kubelet.under) + 2])

    def pod_directory(self, uid: str, quality: Quality) -> Path:
        """Where a pod's cgroup is."""
        stem = self.kubepods.name.removesuffix(".slice")
        if self.kubelet.systemd:
            escaped = uid.replace("-", "_")
            if quality == "guaranteed":
                return self.kubepods / f"{stem}-pod{escaped}.slice"
            return self.kubepods / f"{stem}-{quality}.slice" / f"{stem}-{quality}-pod{escaped}.slice"
        return self.kubepods.joinpath(*([] if quality == "guaranteed" else [quality]), f"pod{uid}")

    def add_pod(
        self, uid: str, quality: Quality, *containers: str, sandbox: str | None = "", runtime: str = "cri-containerd"
    ) -> Path:
        """A pod whose containers have these explicit cpusets, an empty one for none; and its sandbox likewise."""
        directory = self.pod_directory(uid, quality)
        for level in (directory.parent, directory):
            self.set_cpus(level, self.kubelet.cpus, explicit=self.kubelet.version == 1)
        for index, cpus in enumerate([*containers, *([] if sandbox is None else [sandbox])]):
            self.set_container(directory, index, cpus, runtime=runtime)
        return directory

    def set_container(self, pod_directory: Path, index: int, cpus: str, *, runtime: str = "cri-containerd") -> Path:
        """A container's cgroup with its explicit cpuset; version 1 gives one without the parent's."""
        identifier = f"{index:064x}"
        directory = pod_directory / (f"{runtime}-{identifier}.scope" if self.kubelet.systemd else identifier)
        self.set_cpus(directory, cpus or self.kubelet.cpus, explicit=bool(cpus) or self.kubelet.version == 1)
        return directory

    def set_cpus(self, directory: Path, cpus: str, *, explicit: bool) -> None:
        """Both files of a cgroup."""
        names = ("cpuset.cpus", "cpuset.cpus.effective") if self.kubelet.version == 2 else _NAMES_V1
        _write(directory / names[0], cpus if explicit else "")
        _write(directory / names[1], cpus)

    def remove_pod(self, uid: str, quality: Quality) -> None:
        """As when it has ended."""
        shutil.rmtree(self.pod_directory(uid, quality))


_NAMES_V1 = ("cpuset.cpus", "cpuset.effective_cpus")
LAYOUTS = {
    "systemd-v2": Kubelet(),
    "cgroupfs-v2": Kubelet(systemd=False),
    "systemd-v1": Kubelet(version=1),
    "cgroupfs-v1": Kubelet(systemd=False, version=1),
    "systemd-hybrid": Kubelet(version=1, hybrid=True),
    "kind-v2": Kubelet(under=("kubelet.slice",)),
    "kind-from-its-host": Kubelet(under=("system.slice", "docker-0123456789ab.scope", "kubelet.slice")),
    "kind-cgroupfs-v1": Kubelet(systemd=False, version=1, under=("docker", "0123456789ab", "kubelet")),
    "cgroup-root": Kubelet(systemd=False, under=("tenant",)),
}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
