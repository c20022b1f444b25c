"""Nodes that differ as real ones do: in events, clocks, SMT and how CPUs are handed out."""

from dataclasses import dataclass

import numpy as np

from eval.testbed.cores import CpuPolicy
from eval.testbed.node import START_WALL_NS, SimulatedNode
from eval.testbed.offer import (
    FULL,
    ISOLATED_CORES,
    METAL_WITHOUT_UNCORE,
    ODD_BOXES,
    OLD_KERNEL,
    VIRTUAL_MACHINE,
    WITHOUT_METRICS,
    WITHOUT_RESCTRL,
    EventOffer,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKind:
    """How one node is built."""

    offer: EventOffer = FULL
    clock_ratio: float = 1.0
    threads_per_core: int = 2
    cpu_policy: CpuPolicy = CpuPolicy.FULL_CORES


_ACROSS = CpuPolicy.ACROSS_CORES

NODE_KINDS: tuple[NodeKind, ...] = (
    NodeKind(),
    NodeKind(clock_ratio=1.15),
    NodeKind(clock_ratio=0.85, cpu_policy=_ACROSS),
    NodeKind(offer=VIRTUAL_MACHINE),
    NodeKind(offer=WITHOUT_RESCTRL),
    NodeKind(cpu_policy=_ACROSS),
    NodeKind(offer=WITHOUT_METRICS, clock_ratio=1.05),
    NodeKind(offer=ODD_BOXES),
    NodeKind(clock_ratio=1.25),
    NodeKind(threads_per_core=1),
    NodeKind(cpu_policy=_ACROSS, clock_ratio=1.1),
    NodeKind(offer=WITHOUT_RESCTRL, cpu_policy=_ACROSS, clock_ratio=0.9),
    NodeKind(offer=OLD_KERNEL),
    NodeKind(clock_ratio=0.8),
    NodeKind(offer=METAL_WITHOUT_UNCORE, clock_ratio=0.95),
    NodeKind(offer=ISOLATED_CORES),
)
"""In the order of the nodes' numbers; beyond them they begin anew."""


def simulated_nodes(
    *, seed: int, count: int = len(NODE_KINDS), wall_ns: int = START_WALL_NS
) -> tuple[SimulatedNode, ...]:
    """``spr-0000`` and so on, empty.

    Args:
        seed: of all their noise; each node draws from its own stream.
        count: how many.
        wall_ns: where their clocks start, UTC nanoseconds since 1970.
    """
    seeds = np.random.SeedSequence(seed).generate_state(count).tolist()
    kinds = [NODE_KINDS[number % len(NODE_KINDS)] for number in range(count)]
    return tuple(
        SimulatedNode(
            name=f"spr-{number:04d}",
            offer=kind.offer,
            seed=own_seed,
            wall_ns=wall_ns,
            clock_ratio=kind.clock_ratio,
            threads_per_core=kind.threads_per_core,
            cpu_policy=kind.cpu_policy,
        )
        for number, (kind, own_seed) in enumerate(zip(kinds, seeds, strict=True))
    )
