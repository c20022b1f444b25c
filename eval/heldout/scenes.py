"""Scenes with a workload that was held out, to be looked at again under another clock or with fewer events."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.window import vectors_between
from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FloatArray
from eval.campaign import CampaignSettings
from eval.campaign.mixes import draw_mix
from eval.testbed.catalogue import WORKLOADS
from eval.testbed.hardware import CORES_PER_SOCKET
from eval.testbed.node import Occupant, SimulatedNode
from eval.testbed.offer import FULL, EventOffer

_DOMAIN = "socket0"
_WINDOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Who runs on one socket.

    Attributes:
        group: that was held out; one of the occupants is of it.
        occupants: a workload of the group, and a random mix beside it.
    """

    group: str
    occupants: tuple[Occupant, ...]


def draw_scenes(groups: Sequence[str], *, each: int, rng: np.random.Generator) -> tuple[Scene, ...]:
    """Random scenes of some groups' workloads, ``each`` of every one that the testbed knows; mixes as in a campaign."""
    scenes = []
    for group in groups:
        own = [workload for workload in WORKLOADS if workload.group == group]
        others = [workload for workload in WORKLOADS if workload.group in groups and workload.group != group]
        for _ in range(each if own else 0):
            unseen = own[int(rng.integers(len(own)))]
            room = CORES_PER_SOCKET - unseen.exclusive_cores
            mix = draw_mix(others, CampaignSettings(), room=room, smt=True, rng=rng)
            scenes.append(Scene(group=group, occupants=(unseen, *mix.occupants)))
    return tuple(scenes)


def seen(scene: Scene, *, seed: int, clock: float = 1.0, offer: EventOffer = FULL) -> FloatArray:
    """The socket's vector over one window on a node of its own, as the agent computes it.

    Args:
        scene: who runs.
        seed: of the node's noise.
        clock: core clock over nominal clock; contention is the same at all of them.
        offer: which events the node has.

    Returns:
        float32 ``(len(schema),)``, NaN for missing.
    """
    node = SimulatedNode(name="scene", offer=offer, seed=seed, clock_ratio=clock)
    for index, occupant in enumerate(scene.occupants):
        node.place(f"{occupant.name}-{index}", occupant, domain=_DOMAIN)
    source = node.source()
    source.open(FEATURE_SCHEMA_V1.events)
    first = source.read()
    node.advance(_WINDOW_SECONDS)
    vectors = vectors_between(first, source.read(), node=node.name, topology=node.topology)
    return next(vector.values for vector in vectors if vector.domain == _DOMAIN)
