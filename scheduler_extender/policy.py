"""What a cluster's operator decides about placement: the section ``leewardPolicy`` of the settings.

A pod's own annotations come first, then what is said of its namespace, then what holds for all.
"""

from enum import StrEnum
from hashlib import blake2b
from typing import Annotated

from pydantic import Field

from contracts.model import Document
from contracts.slowdown import SLOWDOWN_CEILING
from scheduler_extender.pod import Enforcement, Pod
from scheduler_extender.topology import TopologyPolicy

MaximumSlowdown = Annotated[float, Field(ge=1.0, le=SLOWDOWN_CEILING)]
Seconds = Annotated[float, Field(ge=0.0, le=86_400.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

_DIGEST_BYTES = 8
_DIGESTS = 2.0 ** (8 * _DIGEST_BYTES)


class UnknownRegime(StrEnum):
    """How a node scores whose regime nobody can say: by its ``bound`` like any; or ``neutral``, and never better."""

    BOUND = "bound"
    NEUTRAL = "neutral"


class NamespacePolicy(Document):
    """What holds for one namespace's pods; a key that is left out is as for all."""

    max_slowdown: MaximumSlowdown | None = None
    enforcement: Enforcement | None = None


class LeewardPolicy(Document):
    """All that can be decided; every key may be left out.

    Attributes:
        max_slowdown: what a pod tolerates that says nothing, and whose namespace nothing is said of.
        enforcement: the same of whether a tolerance is ``required`` or only ``preferred``.
        namespaces: by name, for pods that say nothing themselves.
        background_namespaces: their pods are no residents: what they press shows in the domains' vectors, and nobody
            promised them a slowdown.
        stale_after_seconds: a NodeState whose heartbeat, or whose oldest window, is older is not believed.
        clock_skew_seconds: a NodeState from further in the future is not believed either.
        unknown_regime: how nodes with an undecided regime score. A filter fails them by their bound either way.
        topology_policy: ``topologyManagerPolicy`` of the kubelets of nodes without a label
            ``leeward.dev/topology-policy``.
        shadow_share: share of pods that are judged and recorded, and placed as if Leeward were not there: all nodes
            pass, and all score alike. By workload and namespace, so that all replicas are treated alike; 1 is to look
            on only.
    """

    max_slowdown: MaximumSlowdown = 1.25
    enforcement: Enforcement = Enforcement.PREFERRED
    namespaces: dict[str, NamespacePolicy] = Field(default_factory=dict)
    background_namespaces: tuple[str, ...] = ("kube-system", "leeward-system")
    stale_after_seconds: Seconds = 300.0
    clock_skew_seconds: Seconds = 30.0
    unknown_regime: UnknownRegime = UnknownRegime.BOUND
    topology_policy: TopologyPolicy = TopologyPolicy.BEST_EFFORT
    shadow_share: Share = 0.0

    def tolerance_of(self, pod: Pod) -> float:
        """The slowdown that a pod tolerates, 1 or more."""
        if pod.max_slowdown is not None:
            return pod.max_slowdown
        own = self.namespaces.get(pod.namespace)
        return self.max_slowdown if own is None or own.max_slowdown is None else own.max_slowdown

    def requires(self, pod: Pod) -> bool:
        """Whether nodes where a tolerance would be exceeded are no choice for the pod, nor for others at its cost."""
        if pod.enforcement is not None:
            return pod.enforcement is Enforcement.REQUIRED
        own = self.namespaces.get(pod.namespace)
        chosen = self.enforcement if own is None or own.enforcement is None else own.enforcement
        return chosen is Enforcement.REQUIRED

    def is_resident(self, pod: Pod) -> bool:
        """Whether a pod counts as a neighbour: bound, not finished, and no part of the cluster's own background."""
        return bool(pod.node) and not pod.finished and pod.namespace not in self.background_namespaces

    def is_shadowed(self, pod: Pod) -> bool:
        """Whether a pod is only looked at. The same in every replica, and for ever while the share is the same."""
        if self.shadow_share in {0.0, 1.0}:
            return self.shadow_share == 1.0
        digest = blake2b(f"{pod.namespace}/{pod.key}".encode(), digest_size=_DIGEST_BYTES).digest()
        return int.from_bytes(digest) < self.shadow_share * _DIGESTS
