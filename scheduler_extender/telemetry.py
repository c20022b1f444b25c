"""What a NodeState says that placement needs, out of the document and in arrays."""

from dataclasses import dataclass
from datetime import datetime

from contracts.nodestate import ConditionStatus, ConditionType, DomainState, NodeState
from contracts.regime import Regime
from contracts.vector import FloatArray, from_json_values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DomainTelemetry:
    """One contention domain as last seen.

    Attributes:
        name: within the node.
        vector: float32 ``(len(schema),)``, NaN for missing.
        regime: as the agent judged it.
        pressed: the highest probability of any axis, 0 to 1; 0 where none was judged.
        free_exclusive_cpus: ``None`` where the agent can't tell.
        pods: UIDs of those whose CPUs are pinned within the domain.
        window_start, window_end: UTC.
    """

    name: str
    vector: FloatArray
    regime: Regime
    pressed: float
    free_exclusive_cpus: int | None
    pods: frozenset[str]
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeTelemetry:
    """One node as last seen; only nodes whose agent has reported a domain have one.

    Attributes:
        domains: at least one.
        characterised: the models were made for this CPU.
        oldest: what the state's age counts from: the heartbeat, or the end of the oldest window.
        newest: the latest time that the state names.
    """

    domains: tuple[DomainTelemetry, ...]
    characterised: bool
    oldest: datetime
    newest: datetime


def telemetry_of(state: NodeState) -> NodeTelemetry | None:
    """What a NodeState says; ``None`` while its agent has not measured anything."""
    status = state.status
    if status is None or not status.domains:
        return None
    condition = status.condition(ConditionType.CHARACTERISED)
    times = [status.heartbeat, *(domain.window.end for domain in status.domains)]
    return NodeTelemetry(
        domains=tuple(_domain(domain) for domain in status.domains),
        characterised=condition is None or condition.status is ConditionStatus.TRUE,
        oldest=min(times),
        newest=max(times),
    )


def _domain(domain: DomainState) -> DomainTelemetry:
    return DomainTelemetry(
        name=domain.name,
        vector=from_json_values(domain.features),
        regime=domain.regime,
        pressed=max(domain.axes.by_axis().values(), default=0.0),
        free_exclusive_cpus=domain.free_exclusive_cpus,
        pods=frozenset(domain.pods),
        window_start=domain.window.start,
        window_end=domain.window.end,
    )
