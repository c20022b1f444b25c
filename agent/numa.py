"""NUMA nodes, and the sub-NUMA clusters that they split packages into."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.cpu_list import read_cpu_list
from agent.errors import TopologyError


def numa_nodes(sys: Path) -> dict[int, tuple[int, ...]]:
    """CPUs of each NUMA node, in ascending order; memory-only nodes (HBM in flat mode, CXL) have none.

    Raises:
        TopologyError: a node's list of CPUs is none.
        OSError: the nodes' files can't be read.
    """
    root = sys / "devices/system/node"
    paths = root.iterdir() if root.is_dir() else ()
    numbers = sorted(int(number) for path in paths if (number := path.name.removeprefix("node")).isdecimal())
    return {number: read_cpu_list(root / f"node{number}/cpulist") for number in numbers}


def clusters_of(
    packages: Mapping[int, Sequence[int]], sys: Path, *, doubts: list[str]
) -> dict[int, list[tuple[int, ...]]]:
    """How NUMA nodes split each package; no split where the nodes contradict each other.

    Args:
        packages: CPUs of each package.
        sys: root of the kernel's tree.
        doubts: takes a sentence for each contradiction.

    Returns:
        For each package the CPUs of its parts: at least two, or none.

    Raises:
        OSError: the nodes' files can't be read.
    """
    try:
        nodes = [frozenset(cpus) for cpus in numa_nodes(sys).values()]
    except TopologyError as error:
        doubts.append(f"{error}; sub-NUMA clusters are taken for one")
        return {}
    if sum(len(node) for node in nodes) > len(frozenset[int]().union(*nodes)):
        doubts.append(f"{sys}/devices/system/node lists a CPU in two nodes: sub-NUMA clusters are taken for one")
        return {}
    clusters = {}
    for package, cpus in packages.items():
        parts = [part for node in nodes if (part := tuple(sorted(node.intersection(cpus))))]
        if len(parts) < 2:
            continue
        if sum(len(part) for part in parts) < len(cpus):
            doubts.append(f"some CPUs of package {package} are in no NUMA node: its clusters are taken for one")
            continue
        clusters[package] = parts
    return clusters
