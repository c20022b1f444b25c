"""Nodes with occupants, for tests."""

from collections.abc import Sequence

from contracts.axis import Axis
from eval.testbed.catalogue import workload
from eval.testbed.node import Occupant, SimulatedNode
from eval.testbed.offer import FULL
from eval.testbed.stressor import Stressor

VICTIM = "victim"


def node_with(*occupants: Occupant, domain: str = "socket0", seed: int = 1) -> SimulatedNode:
    """A full node, occupants placed in order; the first one's uid is ``victim``."""
    node = SimulatedNode(name="spr-test", offer=FULL, seed=seed)
    for index, occupant in enumerate(occupants):
        node.place(f"other-{index}" if index else VICTIM, occupant, domain=domain)
    return node


def slowdown(victim: str, *others: Occupant) -> float:
    """The victim's true slowdown beside some others."""
    return node_with(workload(victim), *others).true_slowdown(VICTIM)


def stressors(axis: Axis, intensities: Sequence[float]) -> list[Stressor]:
    """One stressor at several intensities."""
    return [Stressor(axis=axis, intensity=intensity) for intensity in intensities]
