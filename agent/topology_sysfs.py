"""The topology of this machine, from ``/proc/cpuinfo`` and ``/sys/devices/system``."""

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
from agent.settings import Roots
from agent.topology import Domain, Topology
from contracts.nodestate import MAXIMUM_DOMAINS

_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}


def read_topology(roots: Roots) -> Topology:
    """Domains of the online CPUs, with their ceilings.

    A package whose CPUs lie in several NUMA nodes has a domain for each (``socket0-snc0``, ``socket0-snc1``), others
    have one (``socket0``). Where that makes more domains than a NodeState holds, each package is one; where there are
    more packages than that (a hypervisor that shows each CPU as one), the whole node is. Ceilings of memory and UPI are
    known for Sapphire Rapids alone; elsewhere they are absent.

    Raises:
        TopologyError: the trees lack what every Linux has, or can't be read.
    """
    try:
        return _topology(roots)
    except OSError as error:
        raise TopologyError(
            f"{error.filename} can't be read: {error.strerror}; mount the host's /sys and /proc whole and readable"
        ) from error


def online_cpus(roots: Roots) -> tuple[int, ...]:
    """CPUs that are online now, ascending; none where the trees are gone."""
    return read_cpu_list(_cpu_root(roots) / "online")


def _cpu_root(roots: Roots) -> Path:
    return roots.sys / "devices/system/cpu"


def _topology(roots: Roots) -> Topology:
    cpu_root = _cpu_root(roots)
    online = online_cpus(roots)
    if not online:
        raise TopologyError(f"{cpu_root / 'online'} names no CPU: mount the host's /sys there")
    identity = _identity(roots.proc / "cpuinfo")
    bare = Topology(
        vendor=identity.get("vendor_id", "unknown"),
        family=_number(identity, "cpu family"),
        model=_number(identity, "model"),
        stepping=_number(identity, "stepping"),
        smt=_has_smt(cpu_root, online),
        domains=(),
        isolated_cpus=frozenset(read_cpu_list(cpu_root / "isolated") + read_cpu_list(cpu_root / "nohz_full")),
    )
    has_hbm = HBM_MODEL_NAME in identity.get("model name", "")
    domains = tuple(
        Domain(
            name=name,
            socket=socket,
            cpus=cpus,
            ceilings=_llc_ceiling(cpu_root, cpus[0], clusters=clusters)
            | (_memory_ceilings(clusters=clusters, has_hbm=has_hbm) if bare.characterised else {}),
        )
        for name, socket, cpus, clusters in _domains(roots.sys, online)
    )
    return replace(bare, domains=domains)


def l3_id(sys: Path, cpu: int) -> int | None:
    """The identifier of a CPU's last-level cache, as resctrl numbers its domains; ``None`` where it is not told."""
    cache = _l3(sys / "devices/system/cpu", cpu)
    if cache is None or not (cache / "id").is_file():
        return None
    return int((cache / "id").read_text())


def numa_node(sys: Path, cpu: int) -> int:
    """The NUMA node of a CPU; 0 on kernels without NUMA."""
    nodes = (number for number, cpus in _numa_nodes(sys).items() if cpu in cpus)
    return next(nodes, 0)


def _identity(path: Path) -> dict[str, str]:
    """The first processor of cpuinfo."""
    first = path.read_text().split("\n\n", 1)[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _number(identity: Mapping[str, str], key: str) -> int:
    """A number of cpuinfo; -1, which no CPU has, where it is lacking (other architectures)."""
    text = identity.get(key, "")
    return int(text) if text.isdecimal() else -1


def _has_smt(cpu_root: Path, online: Sequence[int]) -> bool:
    available = set(online)
    for cpu in online:
        topology = cpu_root / f"cpu{cpu}/topology"
        siblings = read_cpu_list(topology / "core_cpus_list") or read_cpu_list(topology / "thread_siblings_list")
        if len(available.intersection(siblings)) > 1:
            return True
    return False


def _domains(sys: Path, online: Sequence[int]) -> list[tuple[str, int, tuple[int, ...], int]]:
    """Name, socket, CPUs, and how many clusters its socket is split into, in ascending order."""
    packages: dict[int, list[int]] = {}
    for cpu in online:
        packages.setdefault(_package(sys, cpu), []).append(cpu)
    if len(packages) > MAXIMUM_DOMAINS:
        packages = {0: list(online)}
    nodes = [frozenset(cpus) for _, cpus in sorted(_numa_nodes(sys).items())]
    parts_of = {
        socket: [part for node in nodes if (part := tuple(sorted(node.intersection(cpus))))]
        for socket, cpus in sorted(packages.items())
    }
    if sum(max(len(parts), 1) for parts in parts_of.values()) > MAXIMUM_DOMAINS:
        parts_of = {socket: [] for socket in parts_of}
    found = []
    for socket, parts in parts_of.items():
        if len(parts) < 2:
            found.append((f"socket{socket}", socket, tuple(packages[socket]), 1))
            continue
        found.extend((f"socket{socket}-snc{index}", socket, part, len(parts)) for index, part in enumerate(parts))
    return found


def _package(sys: Path, cpu: int) -> int:
    return int((sys / f"devices/system/cpu/cpu{cpu}/topology/physical_package_id").read_text())


def _numa_nodes(sys: Path) -> dict[int, tuple[int, ...]]:
    """CPUs of each NUMA node; memory-only nodes (HBM in flat mode, CXL) have none."""
    root = sys / "devices/system/node"
    paths = root.glob("node[0-9]*") if root.is_dir() else ()
    return {int(path.name.removeprefix("node")): read_cpu_list(path / "cpulist") for path in paths}


def _l3(cpu_root: Path, cpu: int) -> Path | None:
    for path in sorted((cpu_root / f"cpu{cpu}/cache").glob("index*")):
        if (path / "level").read_text().strip() == "3":
            return path
    return None


def _llc_ceiling(cpu_root: Path, cpu: int, *, clusters: int) -> dict[str, float]:
    """The domain's part of the last-level cache: sub-NUMA clusters split it evenly."""
    cache = _l3(cpu_root, cpu)
    if cache is None:
        return {}
    text = (cache / "size").read_text().strip()
    size = float(text[:-1]) * _UNITS[text[-1]] if text[-1] in _UNITS else float(text)
    return {"NODE.LLC_BYTES": size / clusters}


def _memory_ceilings(*, clusters: int, has_hbm: bool) -> dict[str, float]:
    peak = HBM_BYTES_PER_SECOND_PER_SOCKET if has_hbm else DDR5_BYTES_PER_SECOND_PER_SOCKET
    return {
        "NODE.DRAM_PEAK_BYTES_PER_SECOND": peak / clusters,
        "NODE.DRAM_PEAK_COMMANDS_PER_CLOCK": DRAM_COMMANDS_PER_CLOCK,
        "NODE.UPI_PEAK_FLITS_PER_CLOCK": UPI_FLITS_PER_CLOCK,
    }
