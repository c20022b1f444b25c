"""Which node each policy would have taken, in the world as it was recorded.

Where several nodes have the best score kube-scheduler takes any of them, each as likely, so a choice is all of these;
nothing is drawn.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from eval.placement.cluster import Resources
from eval.placement.default_scheduler import balanced_allocation, least_allocated, most_allocated
from eval.placement.leeward import EXTENDER_FACTOR
from eval.replay.errors import RecordingError
from eval.replay.quantity import CPU
from eval.replay.recorded_pod import MEMORY
from eval.replay.world import KnownPod, World, cpus_and_memory

Choice = tuple[str, ...]
"""Nodes, each as likely; none where the policy rules out all."""


class ReplayPolicy(StrEnum):
    """All of them, in the order of the report; ``LEEWARD`` once for each model."""

    RECORDED = "recorded"
    DEFAULT = "default"
    MOST_ALLOCATED = "most-allocated"
    RANDOM = "random"
    THRESHOLD = "threshold"
    REGIME_ONLY = "regime-only"
    LEEWARD = "leeward"


def policies_named(names: str) -> tuple[ReplayPolicy, ...]:
    """Policies by their names with commas between, in the order of the report; all where empty.

    Raises:
        RecordingError: there is no such policy.
    """
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    for name in sorted(wanted - set(ReplayPolicy)):
        raise RecordingError(f"no policy is called {name!r}: there are {', '.join(ReplayPolicy)}")
    return tuple(policy for policy in ReplayPolicy if not wanted or policy in wanted)


def choice_without_model(
    policy: ReplayPolicy, world: World, newcomer: KnownPod, own: Mapping[str, int], *, recorded: str
) -> Choice:
    """What a policy that needs no interference model would have taken.

    Args:
        policy: any but ``LEEWARD``.
        world: before the pod came.
        newcomer: the pod.
        own: kube-scheduler's own scores of the nodes that there are to choose from.
        recorded: where it went.
    """
    match policy:
        case ReplayPolicy.RECORDED:
            return (recorded,)
        case ReplayPolicy.RANDOM:
            return tuple(own)
        case ReplayPolicy.MOST_ALLOCATED:
            return best(scheduler_scores(world, newcomer, own, strategy=most_allocated))
        case ReplayPolicy.THRESHOLD:
            calm = {node: score for node, score in own.items() if not world.state(node).busy}
            return best(calm or own)
        case ReplayPolicy.REGIME_ONLY:
            return choice_with_scores(own, {node: world.state(node).regime_score for node in own})
    return best(own)


def choice_with_scores(own: Mapping[str, int], scores: Mapping[str, int]) -> Choice:
    """What kube-scheduler would have taken with an extender beside it.

    Args:
        own: its own scores.
        scores: the extender's, 0 to 10, of the nodes that pass it.
    """
    return best({node: own[node] + EXTENDER_FACTOR * score for node, score in scores.items()})


def best(scores: Mapping[str, int]) -> Choice:
    """The nodes of the highest score."""
    highest = max(scores.values(), default=0)
    return tuple(node for node, score in scores.items() if score == highest)


def scheduler_scores(
    world: World,
    newcomer: KnownPod,
    nodes: Iterable[str],
    *,
    strategy: Callable[[Resources, Resources], int] = least_allocated,
) -> dict[str, int]:
    """What kube-scheduler by itself scores each node, 0 to 200, see ``eval.placement.default_scheduler``.

    NodeResourcesFit counts something for containers that request nothing, NodeResourcesBalancedAllocation does not
    (``useRequested`` in its ``resource_allocation.go``).

    Args:
        world: before the pod came.
        newcomer: the pod.
        nodes: known ones, with CPUs and memory.
        strategy: of NodeResourcesFit.
    """
    scored, requested = cpus_and_memory(newcomer.scored), cpus_and_memory(newcomer.requests)
    scores = {}
    for node in nodes:
        capacity = world.nodes[node].capacity
        scores[node] = strategy(_beside(world.requested(node, scored=True), scored), capacity) + balanced_allocation(
            _beside(world.requested(node, scored=False), requested), capacity
        )
    return scores


def _beside(taken: Mapping[str, int], own: Resources) -> Resources:
    return Resources(cpus=taken.get(CPU, 0) + own.cpus, memory_bytes=taken.get(MEMORY, 0) + own.memory_bytes)
