"""The kernel's control groups as directories, of version 1, 2, or both at once ("hybrid").

Mounts are told by what lies there rather than by ``/proc/mounts``, since a container sees the host's at another place.
Which CPUs a cgroup may use stands in ``cpuset.cpus.effective`` (v2, ``Documentation/admin-guide/cgroup-v2.rst``) and
``cpuset.effective_cpus`` (v1): the explicit list as far as the parents allow it and the CPUs are online; where the list
is empty, on v2 the parent's.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from agent.cpu_list import parse_cpu_list

_CPUSET_FILES = {1: ("cpuset.effective_cpus", "cpuset.cpus"), 2: ("cpuset.cpus.effective",)}
_THREAD_FILES = {1: "tasks", 2: "cgroup.threads"}
_LONGEST_LIST = 64 * 1024
_GONE = frozenset({errno.ENOENT, errno.ENODEV})
"""A removed cgroup: ENOENT by its name, ENODEV through a descriptor that was open before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """One tree of cgroups.

    Attributes:
        path: its root.
        version: 1 or 2.
    """

    path: Path
    version: int


def cpuset_hierarchy(root: Path) -> Hierarchy | None:
    """The tree that says which CPUs a cgroup may use; ``None`` where there is none below ``root``."""
    return _hierarchy(root, controller="cpuset")


def perf_hierarchy(root: Path) -> Hierarchy | None:
    """The tree whose cgroups perf can count: that of ``perf_event`` if it is mounted on its own, else the unified one.

    The kernel puts ``perf_event`` on the unified hierarchy by itself unless a version 1 mount holds it.
    """
    return _hierarchy(root, controller="perf_event")


def _hierarchy(root: Path, *, controller: str) -> Hierarchy | None:
    own = Hierarchy(path=root / controller, version=1)
    unified = next((path for path in (root, root / "unified") if (path / "cgroup.controllers").is_file()), None)
    if unified == root or (unified is not None and not own.path.is_dir()):
        return Hierarchy(path=unified, version=2)
    return own if own.path.is_dir() else None


def is_gone(error: OSError) -> bool:
    """Whether an error says that a cgroup was removed meanwhile, which happens to each in the end."""
    return error.errno in _GONE


def children(directory: str) -> tuple[str, ...]:
    """Paths of the cgroups right below one; none where it was removed.

    Raises:
        OSError: it can't be listed.
    """
    return tuple(entry.path for entry in _entries(directory))


def children_counted(directory: str) -> tuple[tuple[str, int], ...]:
    """As ``children``, each with its number of links, which changes when the number of cgroups right below it does.

    Raises:
        OSError: it can't be listed.
    """
    return tuple((entry.path, links) for entry in _entries(directory) if (links := _links(entry)) is not None)


def _entries(directory: str) -> tuple[os.DirEntry[str], ...]:
    try:
        with os.scandir(directory) as entries:
            return tuple(entry for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError as error:
        if is_gone(error):
            return ()
        raise


def _links(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_nlink
    except OSError as error:
        if is_gone(error):
            return None
        raise


def effective_cpus(directory: str, *, version: int, inherited: frozenset[int]) -> frozenset[int]:
    """CPUs that a cgroup's tasks may use, online ones alone.

    Args:
        directory: of the cgroup.
        version: of its hierarchy.
        inherited: its parent's, which hold where the controller is not enabled for it; so they do for one that was
            removed.

    Raises:
        OSError: the file can't be read.
        TopologyError: it holds no CPU list.
    """
    for name in _CPUSET_FILES[version]:
        try:
            return _parsed(_content(f"{directory}/{name}"))
        except OSError as error:
            if not is_gone(error):
                raise
    return inherited


def threads(directory: str, *, version: int) -> frozenset[int]:
    """Identifiers of all threads in a cgroup and below; 0 stands for those in a PID namespace that is hidden from here.

    Raises:
        OSError: a list can't be read.
    """
    found: set[int] = set()
    for path in _with_all_below(directory):
        try:
            content = Path(path, _THREAD_FILES[version]).read_bytes()
        except OSError as error:
            if not is_gone(error):
                raise
            continue
        found.update(int(word) for word in content.split())
    return frozenset(found)


def _with_all_below(directory: str) -> Iterator[str]:
    yield directory
    for child in children(directory):
        yield from _with_all_below(child)


def _content(path: str) -> bytes:
    """By bare system calls: some thousand such files are read with each window."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _LONGEST_LIST)
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(descriptor)


@lru_cache(maxsize=256)
def _parsed(content: bytes) -> frozenset[int]:
    """Most containers of a node have the same list."""
    return frozenset(parse_cpu_list(content.decode("ascii", errors="replace")))
