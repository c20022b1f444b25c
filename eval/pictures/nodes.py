"""Simulated nodes with occupants, and what their counters say over one stretch of time."""

from collections.abc import Mapping, Sequence

from agent.sources.protocol import Reading
from agent.window import MINIMUM_RUNNING_SHARE, domain_counts, vectors_between, window_deltas
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector
from eval.testbed.node import Occupant, SimulatedNode
from eval.testbed.offer import FULL

DOMAIN = "socket0"
OTHER_DOMAIN = "socket1"
FIRST = "occupant-0"
"""The uid of whom the picture is about."""
WINDOW_SECONDS = 10.0


def node_with(*occupants: Occupant, seed: int = 1) -> SimulatedNode:
    """A node that offers all events, its occupants on one socket in their order; the first one is ``FIRST``."""
    node = SimulatedNode(name="simulated", offer=FULL, seed=seed)
    place(node, occupants, domain=DOMAIN)
    return node


def place(node: SimulatedNode, occupants: Sequence[Occupant], *, domain: str) -> None:
    """Place occupants in their order."""
    already = sum(len(node.occupants(known.name)) for known in node.topology.domains)
    for number, occupant in enumerate(occupants, start=already):
        node.place(f"occupant-{number}", occupant, domain=domain)


def slowdown(victim: Occupant, *others: Occupant) -> float:
    """The victim's true slowdown beside some others on its socket."""
    return node_with(victim, *others).true_slowdown(FIRST)


def readings(node: SimulatedNode, *, windows: int) -> tuple[Reading, Reading]:
    """All counters before and after so many windows of ten seconds, each with a noise of its own."""
    source = node.source()
    source.open(FEATURE_SCHEMA_V1.events)
    first = source.read()
    for _ in range(windows):
        node.advance(WINDOW_SECONDS)
    return first, source.read()


def counts_of(node: SimulatedNode, *, windows: int) -> Mapping[str, Mapping[str, float]]:
    """Domain to event to count, by the agent's own rules."""
    first, last = readings(node, windows=windows)
    return domain_counts(first, last, topology=node.topology)


def vector_of(node: SimulatedNode, *, windows: int) -> FeatureVector:
    """The feature vector of ``DOMAIN``."""
    first, last = readings(node, windows=windows)
    return vectors_between(first, last, node=node.name, topology=node.topology)[0]


def counts_of_cpus(node: SimulatedNode, cpus: frozenset[int], *, windows: int) -> Mapping[str, float]:
    """What the core counters of some CPUs count, by event."""
    first, last = readings(node, windows=windows)
    wanted = {f"cpu{cpu}" for cpu in cpus}
    counts: dict[str, float] = {}
    for delta in window_deltas(first, last, minimum_running_share=MINIMUM_RUNNING_SHARE):
        rows = [row for row, instance in enumerate(delta.instances) if instance in wanted]
        if rows:
            counts |= dict(zip(delta.events, delta.scaled[rows].sum(axis=0).tolist(), strict=True))
    return counts
