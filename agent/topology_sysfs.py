"""The topology of this machine, from ``/proc/cpuinfo`` and ``/sys/devices/system``."""

from collections.abc import Mapping, Sequence
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

_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}


def read_topology(roots: Roots) -> Topology:
    """Domains of the online CPUs, with their ceilings.

    A package whose CPUs lie in several NUMA nodes has a domain for each (``socket0-snc0``, ``socket0-snc1``), others
    have one (``socket0``). Ceilings of memory and UPI are known for Sapphire Rapids alone; elsewhere they are absent.

    Raises:
        TopologyError: the trees lack what every Linux has.
    """
    cpu_root = roots.sys / "devices/system/cpu"
    online = read_cpu_list(cpu_root / "online")
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
    return Topology(
        vendor=bare.vendor,
        family=bare.family,
        model=bare.model,
        stepping=bare.stepping,
        smt=bare.smt,
        domains=domains,
        isolated_cpus=bare.isolated_cpus,
    )


def l3_id(sys: Path, cpu: int) -> int | None:
    """The identifier of a CPU's last-level cache, as resctrl numbers its domains; ``None`` where it is not told."""
    cache = _l3(sys / "devices/system/cpu", cpu)
    try:
        return int((cache / "id").read_text()) if cache is not None else None
    except FileNotFoundError:
        return None


def numa_node(sys: Path, cpu: int) -> int:
    """The NUMA node of a CPU; 0 on kernels without NUMA."""
    nodes = (number for number, cpus in _numa_nodes(sys).items() if cpu in cpus)
    return next(nodes, 0)


def _identity(path: Path) -> dict[str, str]:
    """The first processor of cpuinfo."""
    try:
        first = path.read_text().split("\n\n", 1)[0]
    except FileNotFoundError:
        raise TopologyError(f"{path} does not exist: mount the host's /proc there") from None
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
    nodes = _numa_nodes(sys)
    found = []
    for socket, cpus in sorted(packages.items()):
        parts = [part for _, node in sorted(nodes.items()) if (part := tuple(sorted(set(cpus) & set(node))))]
        if len(parts) < 2:
            found.append((f"socket{socket}", socket, tuple(cpus), 1))
            continue
        found.extend((f"socket{socket}-snc{index}", socket, part, len(parts)) for index, part in enumerate(parts))
    return found


def _package(sys: Path, cpu: int) -> int:
    path = sys / f"devices/system/cpu/cpu{cpu}/topology/physical_package_id"
    try:
        return int(path.read_text())
    except FileNotFoundError:
        raise TopologyError(f"{path} does not exist though the CPU is online: mount the host's /sys whole") from None


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
