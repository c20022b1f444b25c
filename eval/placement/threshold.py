"""A threshold policy: nodes that look busy are avoided, else the default scheduler decides."""

from collections.abc import Mapping, Sequence

from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import NodeState
from eval.placement.arrivals import Arrival
from eval.placement.cluster import Cluster
from eval.placement.default_scheduler import default_scores

THRESHOLDS: Mapping[str, float] = {"dram_utilisation": 0.6, "l3_miss_ratio": 0.5}
"""From these values up a domain counts as busy; whoever sets thresholds by hand sets some such."""
_LIMITS = tuple((FEATURE_SCHEMA_V1.index(feature), threshold) for feature, threshold in THRESHOLDS.items())


def threshold_scores(
    arrival: Arrival, feasible: Sequence[str], cluster: Cluster, states: Mapping[str, NodeState]
) -> Mapping[str, int]:
    """The default scheduler's, of the calm nodes, or of all where none is calm; a missing value is not busy."""
    calm = [node for node in feasible if not is_busy(states.get(node))]
    return default_scores(arrival, calm or feasible, cluster)


def is_busy(state: NodeState | None) -> bool:
    """Whether a domain is at or over a threshold."""
    if state is None or state.status is None:
        return False
    return any(
        value is not None and value >= threshold
        for domain in state.status.domains
        for column, threshold in _LIMITS
        for value in [domain.features[column]]
    )
