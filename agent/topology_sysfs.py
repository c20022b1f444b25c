"""The topology of this machine, from ``/proc/cpuinfo`` and ``/sys``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agent.ceilings import (
    DDR5_BYTES_PER_SECOND_PER_SOCKET,
    DRAM_COMMANDS_PER_CLOCK,
    HBM_BYTES_PER_SECOND_PER_SOCKET,
    HBM_MODEL_NAME,
    UPI_FLITS_PER_CLOCK,
)
from agent.cpu_list import read_cpu_list
from agent.errors import TopologyError
from agent.numa import clusters_of, numa_nodes
from agent.settings import Roots
from agent.sysfs import read_number, read_text
from agent.topology import Domain, Topology
from contracts.nodestate import MAXIMUM_DOMAINS

_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}
_CACHE_SIZE = re.compile(r"([0-9]{1,12})([KMG]?)")
_VENDOR = re.compile(r"\w{1,12}", re.ASCII)
_FIRST_PROCESSOR_BYTES = 16384
"""Room for one processor's entry. The others are not asked for: there are hundreds, and all alike."""


def read_topology(roots: Roots) -> Topology:
    """Domains of the online CPUs, with their ceilings.

    A package whose CPUs lie in several NUMA nodes has a domain for each (``socket0-snc0``, ``socket0-snc1``), others
    have one (``socket0``). Where that makes more domains than a NodeState holds, each package is one; where there are
    more packages than that (a hypervisor that shows each CPU as one), the whole node is. Ceilings of memory and UPI are
    known for Sapphire Rapids alone; elsewhere they are absent.

    A CPU whose package is not told is left out, and NUMA nodes that contradict each other make no domains; ``doubts``
    of the topology says so.

    Raises:
        TopologyError: the trees lack what every Linux has, or can't be read.
    """
    try:
        return _topology(roots)
    except OSError as error:
        raise _unreadable(error) from error


def online_cpus(roots: Roots) -> tuple[int, ...]:
    """CPUs that are online now, ascending; none where the trees are gone.

    Raises:
        TopologyError: the kernel's list can't be read, or is none.
    """
    try:
        return read_cpu_list(_cpu_root(roots) / "online")
    except OSError as error:
        raise _unreadable(error) from error


def l3_id(sys: Path, cpu: int) -> int | None:
    """The identifier of a CPU's last-level cache, as resctrl numbers its domains; ``None`` where it is not told.

    Raises:
        OSError: the cache's files can't be read.
    """
    cache = _l3(sys / "devices/system/cpu", cpu)
    if cache is None or not (cache / "id").is_file():
        return None
    return read_number(cache / "id")


def numa_node(sys: Path, cpu: int) -> int:
    """The NUMA node of a CPU; 0 on kernels without NUMA, and where the kernel's lists can't be understood.

    Raises:
        OSError: the nodes' files can't be read.
    """
    try:
        nodes = numa_nodes(sys)
    except TopologyError:
        return 0
    return next((number for number, cpus in nodes.items() if cpu in cpus), 0)


def _cpu_root(roots: Roots) -> Path:
    return roots.sys / "devices/system/cpu"


def _unreadable(error: OSError) -> TopologyError:
    return TopologyError(
        f"{error.filename} can't be read: {error.strerror}; mount the host's /sys and /proc whole and readable"
    )


def _topology(roots: Roots) -> Topology:
    cpu_root = _cpu_root(roots)
    online = online_cpus(roots)
    if not online:
        raise TopologyError(f"{cpu_root / 'online'} names no CPU: mount the host's /sys there")
    identity = _identity(roots.proc / "cpuinfo")
    doubts: list[str] = []
    bare = Topology(
        vendor=identity.get("vendor_id", "unknown"),
        family=_number(identity, "cpu family"),
        model=_number(identity, "model"),
        stepping=_number(identity, "stepping"),
        smt=_has_smt(cpu_root, online),
        domains=(),
        isolated_cpus=_isolated(roots),
    )
    packages = _packages(cpu_root, online, doubts=doubts)
    clusters = clusters_of(packages, roots.sys, doubts=doubts)
    peak = _memory_peak(identity, roots.sys)
    domains = tuple(
        Domain(
            name=name,
            socket=socket,
            cpus=cpus,
            ceilings=_llc_ceiling(cpu_root, cpus[0], clusters=parts, doubts=doubts)
            | (_memory_ceilings(peak, clusters=parts) if bare.characterised else {}),
        )
        for name, socket, cpus, parts in _domains(packages, clusters)
    )
    return replace(bare, domains=domains, doubts=tuple(dict.fromkeys(doubts)))


def _identity(path: Path) -> dict[str, str]:
    """The first processor of cpuinfo."""
    first = read_text(path, at_most=_FIRST_PROCESSOR_BYTES).split("\n\n", 1)[0]
    pairs = (line.partition(":") for line in first.splitlines())
    identity = {key.strip(): value.strip() for key, _, value in pairs}
    return identity if _VENDOR.fullmatch(identity.get("vendor_id", "")) else identity | {"vendor_id": "unknown"}


def _number(identity: Mapping[str, str], key: str) -> int:
    """A number of cpuinfo; -1, which no CPU has, where it is lacking (other architectures)."""
    text = identity.get(key, "")
    return int(text) if text.isdecimal() and len(text) < 6 else -1


def _isolated(roots: Roots) -> frozenset[int]:
    """CPUs of ``isolcpus``, of ``nohz_full``, and of isolated cpuset partitions (cgroup v2, since Linux 6.7)."""
    cpu_root = _cpu_root(roots)
    lists = (cpu_root / "isolated", cpu_root / "nohz_full", roots.sys / "fs/cgroup/cpuset.cpus.isolated")
    return frozenset(cpu for path in lists for cpu in read_cpu_list(path))


def _has_smt(cpu_root: Path, online: Sequence[int]) -> bool:
    available = set(online)
    for cpu in online:
        topology = cpu_root / f"cpu{cpu}/topology"
        siblings = read_cpu_list(topology / "core_cpus_list") or read_cpu_list(topology / "thread_siblings_list")
        if len(available.intersection(siblings)) > 1:
            return True
    return False


def _packages(cpu_root: Path, online: Sequence[int], *, doubts: list[str]) -> dict[int, list[int]]:
    """CPUs of each package, in ascending order; those of which it is not told are left out."""
    packages: dict[int, list[int]] = {}
    untold: list[int] = []
    for cpu in online:
        package = _package(cpu_root, cpu)
        if package is None:
            untold.append(cpu)
        else:
            packages.setdefault(package, []).append(cpu)
    where = "topology/physical_package_id"
    if not packages:
        raise TopologyError(
            f"{cpu_root}/cpu{online[0]}/{where} names no package, nor does any other CPU's: mount the host's /sys whole"
        )
    if untold:
        doubts.append(
            f"{len(untold)} online CPUs from cpu{untold[0]} on have no number in {where}: they are not counted"
        )
    if len(packages) > MAXIMUM_DOMAINS:
        return {0: sorted(cpu for cpus in packages.values() for cpu in cpus)}
    return packages


def _package(cpu_root: Path, cpu: int) -> int | None:
    """A CPU's package; 0 where the kernel says that it does not know (-1), ``None`` where it says nothing."""
    try:
        text = read_text(cpu_root / f"cpu{cpu}/topology/physical_package_id")
    except (FileNotFoundError, NotADirectoryError):
        return None
    if text == "-1":
        return 0
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _domains(
    packages: Mapping[int, Sequence[int]], clusters: Mapping[int, Sequence[tuple[int, ...]]]
) -> list[tuple[str, int, tuple[int, ...], int]]:
    """Name, socket, CPUs, and how many clusters its socket is split into, in ascending order."""
    if sum(max(len(parts), 1) for parts in clusters.values()) > MAXIMUM_DOMAINS:
        clusters = {}
    found = []
    for socket, cpus in sorted(packages.items()):
        parts = clusters.get(socket, ())
        if len(parts) < 2:
            found.append((f"socket{socket}", socket, tuple(cpus), 1))
            continue
        found.extend((f"socket{socket}-snc{index}", socket, part, len(parts)) for index, part in enumerate(parts))
    return found


def _l3(cpu_root: Path, cpu: int) -> Path | None:
    return next((path for path in sorted((cpu_root / f"cpu{cpu}/cache").glob("index*")) if _level(path) == 3), None)


def _level(cache: Path) -> int | None:
    try:
        return read_number(cache / "level")
    except FileNotFoundError:
        return None


def _llc_ceiling(cpu_root: Path, cpu: int, *, clusters: int, doubts: list[str]) -> dict[str, float]:
    """The domain's part of the last-level cache: sub-NUMA clusters split it evenly."""
    cache = _l3(cpu_root, cpu)
    if cache is None or not (cache / "size").is_file():
        return {}
    match = _CACHE_SIZE.fullmatch(read_text(cache / "size"))
    size = int(match[1]) * _UNITS.get(match[2], 1) if match else 0
    if size == 0:
        doubts.append(f"{cache / 'size'} holds no size: the occupancy of that cache has nothing to be set against")
        return {}
    return {"NODE.LLC_BYTES": size / clusters}


def _memory_peak(identity: Mapping[str, str], sys: Path) -> float:
    """What a socket's memory gives at most, in bytes a second.

    HBM's where it is all the memory there is, or caches the other. In flat mode it makes NUMA nodes of its own without
    CPUs, and what is not sent there on purpose goes to DDR, whose peak then holds.
    """
    if HBM_MODEL_NAME not in identity.get("model name", ""):
        return DDR5_BYTES_PER_SECOND_PER_SOCKET
    try:
        is_flat = any(not cpus for cpus in numa_nodes(sys).values())
    except TopologyError:
        is_flat = False
    return DDR5_BYTES_PER_SECOND_PER_SOCKET if is_flat else HBM_BYTES_PER_SECOND_PER_SOCKET


def _memory_ceilings(peak_bytes_per_second: float, *, clusters: int) -> dict[str, float]:
    return {
        "NODE.DRAM_PEAK_BYTES_PER_SECOND": peak_bytes_per_second / clusters,
        "NODE.DRAM_PEAK_COMMANDS_PER_CLOCK": DRAM_COMMANDS_PER_CLOCK,
        "NODE.UPI_PEAK_FLITS_PER_CLOCK": UPI_FLITS_PER_CLOCK,
    }
