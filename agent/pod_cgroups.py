"""The pods of this node with their CPUs, found in the cgroup tree that the kubelet makes.

Below the kubelet's ``kubepods`` lie the Guaranteed pods themselves and one cgroup each for the pods of the other two
classes; below a pod lie its containers, the sandbox ("pause") among them. Names depend on the kubelet's cgroup driver
(``pkg/kubelet/cm/cgroup_manager_linux.go``). With systemd's, dashes in the UID become underscores:

    kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope
    kubepods/burstable/pod<uid>/<id>

``kubepods`` may lie deeper: under the kubelet's ``--cgroup-root``, or in the container that kind takes for a node.
The UID of a static pod is 32 hexadecimal digits, a digest of its manifest. The API server's mirror of it has another
UID and names this one in its annotation ``kubernetes.io/config.hash``.
"""

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.cgroup_tree import Hierarchy, children, children_counted, cpuset_hierarchy, effective_cpus

SETTLING_SECONDS = 30.0
"""Three looks of the kubelet at its CPUs, by default ten seconds apart (``--cpu-manager-reconcile-period``)."""
LONGEST_SECONDS = 60.0
"""Between two readings of all cpusets, which others than the kubelet may change too."""

_KUBEPODS = re.compile(r"(?:.+-)?kubepods(?:\.slice)?")
_OTHER_CLASS = re.compile(r"(?:.+-)?(?:burstable|besteffort)(?:\.slice)?")
_POD = re.compile(r"pod(?P<plain>[^.]+)|.+-pod(?P<escaped>[^.]+)\.slice")
_CRIO = "crio-"
_CRUN_CHILD = "container"
"""crun, which CRI-O runs, puts a container's processes one level below the scope and may set the cpuset there alone."""

_DEEPEST = 5
"""Levels that are searched for ``kubepods``; kind under Docker on a systemd host has it on the fourth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCgroup:
    """One pod as its cgroup shows it.

    Attributes:
        uid: as the kubelet knows it.
        directory: of the pod's cgroup, in the hierarchy of cpusets.
        guaranteed: whether it is of class Guaranteed, the one that can hold CPUs for itself.
        pinned: CPUs of each container that may not use all that is there for pods; none for containers that may.
        available: CPUs that are there for pods.
    """

    uid: str
    directory: Path
    guaranteed: bool
    pinned: tuple[frozenset[int], ...]
    available: frozenset[int]

    @property
    def cpus(self) -> frozenset[int]:
        """Where its containers run. Those that are not pinned do not count beside pinned ones: the sandbox idles."""
        return frozenset[int]().union(*self.pinned) or self.available


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """A pod's cgroup as it is listed; ``links`` changes when containers come or go."""

    directory: str
    place: str
    guaranteed: bool
    links: int


class PodCgroups:
    """The pods below one mount of cgroups.

    Pods are listed with each look. Their cpusets are read while pods or containers come and go, until the kubelet has
    moved others out of the way, and else now and then. Modification times can't tell what changed: in the kernel's
    trees they do not move. The kubelet's own place is searched for where it is not known or holds nothing.
    """

    def __init__(self, root: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nothing is read yet.

        Args:
            root: where cgroups are mounted, ``/sys/fs/cgroup``.
            monotonic: seconds now.
        """
        self._root = root
        self._monotonic = monotonic
        self._places: tuple[str, ...] = ()
        self._listed: tuple[_Listed, ...] = ()
        self._pods: tuple[PodCgroup, ...] = ()
        self._changed_at = self._read_at = -math.inf

    @property
    def hierarchy(self) -> Hierarchy | None:
        """The tree of cpusets; ``None`` where there is none."""
        return cpuset_hierarchy(self._root)

    def read(self) -> tuple[PodCgroup, ...] | None:
        """All pods as they are now, by UID; ``None`` where no kubelet's tree can be seen.

        A cpuset that changed while no pod and no container came or went may be as of ``LONGEST_SECONDS`` ago.

        Raises:
            OSError: a part of the tree can't be read.
            TopologyError: a cpuset is no CPU list.
        """
        hierarchy = self.hierarchy
        if hierarchy is None:
            return None
        listed = self._list(hierarchy)
        if not self._places:
            return None
        now = self._monotonic()
        if listed != self._listed:
            self._listed, self._changed_at = listed, now
        if now - self._changed_at <= SETTLING_SECONDS or now - self._read_at >= LONGEST_SECONDS:
            self._read_at = -math.inf
            self._pods = _merged(_pods(listed, hierarchy))
            self._read_at = now
        return self._pods

    def _list(self, hierarchy: Hierarchy) -> tuple[_Listed, ...]:
        listed = tuple(pod for place in self._places for pod in _pods_of(place))
        if not listed:
            self._places = tuple(_kubepods(str(hierarchy.path)))
            listed = tuple(pod for place in self._places for pod in _pods_of(place))
        return listed


def _kubepods(root: str) -> Iterator[str]:
    """Places named like the kubelet's, level by level; what lies inside one is not searched."""
    level: tuple[str, ...] = (root,)
    for _ in range(_DEEPEST):
        below = [child for directory in level for child in children(directory)]
        yield from (path for path in below if _KUBEPODS.fullmatch(_name(path)))
        level = tuple(path for path in below if not _KUBEPODS.fullmatch(_name(path)))


def _pods_of(place: str) -> Iterator[_Listed]:
    yield from _pods_in(place, place=place, guaranteed=True)
    for directory in children(place):
        if _OTHER_CLASS.fullmatch(_name(directory)):
            yield from _pods_in(directory, place=place, guaranteed=False)


def _pods_in(directory: str, *, place: str, guaranteed: bool) -> Iterator[_Listed]:
    for path, links in children_counted(directory):
        if _POD.fullmatch(_name(path)):
            yield _Listed(directory=path, place=place, guaranteed=guaranteed, links=links)


def _pods(listed: Iterable[_Listed], hierarchy: Hierarchy) -> Iterator[PodCgroup]:
    version = hierarchy.version
    online = effective_cpus(str(hierarchy.path), version=version, inherited=frozenset())
    available: dict[str, frozenset[int]] = {}
    for pod in listed:
        if pod.place not in available:
            available[pod.place] = effective_cpus(pod.place, version=version, inherited=online)
        yield _pod(pod, version=version, available=available[pod.place])


def _pod(listed: _Listed, *, version: int, available: frozenset[int]) -> PodCgroup:
    own = effective_cpus(listed.directory, version=version, inherited=available)
    containers = [_container(path, version=version, inherited=own) for path in children(listed.directory)]
    match = _POD.fullmatch(_name(listed.directory))
    assert match is not None
    return PodCgroup(
        uid=match["plain"] or match["escaped"].replace("_", "-"),
        directory=Path(listed.directory),
        guaranteed=listed.guaranteed,
        pinned=tuple(cpus for cpus in containers if cpus and not cpus >= available),
        available=available,
    )


def _container(directory: str, *, version: int, inherited: frozenset[int]) -> frozenset[int]:
    cpus = effective_cpus(directory, version=version, inherited=inherited)
    if _name(directory).startswith(_CRIO):
        return effective_cpus(f"{directory}/{_CRUN_CHILD}", version=version, inherited=cpus)
    return cpus


def _merged(pods: Iterable[PodCgroup]) -> tuple[PodCgroup, ...]:
    """One entry a UID; a change of the cgroup driver can leave a pod's former, empty cgroup behind."""
    by_uid: dict[str, PodCgroup] = {}
    for pod in pods:
        known = by_uid.get(pod.uid)
        if known is None or len(pod.pinned) > len(known.pinned):
            by_uid[pod.uid] = pod
    return tuple(by_uid[uid] for uid in sorted(by_uid))


def _name(path: str) -> str:
    return path.rpartition("/")[2]
