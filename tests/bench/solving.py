"""What an equilibrium costs, by how many tenants a node has: solved anew, and as slowdowns of all of them.

``python -m tests.bench.solving`` prints the table of ``docs/benchmarks.md``. Tenants are of the catalogue, on nodes
that hand out single threads, so that full ones share cores; every other node's cache is partitioned.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from eval.placement.partition import MASKS
from eval.testbed.catalogue import WORKLOADS
from eval.testbed.cores import CpuPolicy
from eval.testbed.equilibrium import solution
from eval.testbed.errors import PlacementError
from eval.testbed.hardware import ALL_WAYS
from eval.testbed.node import SimulatedNode
from eval.testbed.offer import FULL
from eval.testbed.scene import arrays_of
from eval.testbed.solver import solve
from tests.unit.eval.testbed.former_solver import solved

NODES_EACH = 60
TENANTS = (2, 4, 8, 12, 16)
TRIES = 5


def main() -> None:
    """Print a line for each number of tenants."""
    print("| tenants | solved, ms | slowest, ms | by the mechanisms in Python, ms | slowdowns of a new mix, ms |")
    print("|---|---|---|---|---|")
    for tenants in TENANTS:
        nodes = [_node(tenants, number) for number in range(NODES_EACH)]
        arrays = [arrays_of(node.scene) for node in nodes]
        in_c = [_milliseconds(partial(solve, each)) for each in arrays]
        in_python = [_milliseconds(partial(solved, each)) for each in arrays]
        whole = [_milliseconds(partial(_slowdowns_anew, node)) for node in nodes]
        print(
            f"| {tenants} | {np.mean(in_c):.2f} | {max(in_c):.2f} | {np.mean(in_python):.1f} | {np.mean(whole):.2f} |"
        )


def _node(tenants: int, number: int) -> SimulatedNode:
    node = SimulatedNode(name="spr-bench", offer=FULL, seed=1, cpu_policy=CpuPolicy.ACROSS_CORES)
    rng = np.random.default_rng(number)
    placed = 0
    while placed < tenants:
        drawn, ways = WORKLOADS[rng.integers(len(WORKLOADS))], MASKS[rng.integers(len(MASKS))]
        try:
            node.place(str(placed), drawn, domain=f"socket{rng.integers(2)}", ways=ways if number % 2 else ALL_WAYS)
        except PlacementError:
            continue
        placed += 1
    return node


def _slowdowns_anew(node: SimulatedNode) -> None:
    solution.cache_clear()
    arrays_of.cache_clear()
    node.true_slowdowns()


def _milliseconds(call: Callable[[], object]) -> float:
    """The best of a few, since others work on the machine, too."""
    found = []
    for _ in range(TRIES):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1e3)
    return min(found)


if __name__ == "__main__":
    main()
