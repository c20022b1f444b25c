"""NodeState v1: what one node's agent tells the cluster, a cluster-scoped custom resource named as the node.

``spec`` is the administrator's, ``status`` the agent's. Arrays of values are in the order of the feature schema whose
digest stands beside them; ``null`` is a missing value. An object stays under 16 KiB (``MAXIMUM_BYTES``).
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import Document
from contracts.regime import Regime

GROUP = "leeward.dev"
VERSION = "v1"
KIND = "NodeState"
PLURAL = "nodestates"
API_VERSION = f"{GROUP}/{VERSION}"
MAXIMUM_BYTES = 16 * 1024

MAXIMUM_DOMAINS = 8
"""Two sockets of four sub-NUMA clusters."""
MAXIMUM_PODS = 128
"""Pods named per list; kubelet's default ceiling is 110 pods a node."""
LOWEST_VALUE = min(spec.minimum for spec in FEATURE_SCHEMA_V1.features)
HIGHEST_VALUE = max(spec.maximum for spec in FEATURE_SCHEMA_V1.features)

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Value = Annotated[float, Field(ge=LOWEST_VALUE, le=HIGHEST_VALUE)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Uid = Annotated[str, Field(min_length=1, max_length=36)]
Name = Annotated[str, Field(min_length=1, max_length=63)]


class IsolatedCpuPolicy(StrEnum):
    """How often core events of isolated CPUs are read: each read interrupts that CPU."""

    FULL = "full"
    SAMPLED = "sampled"
    NEVER = "never"


class EventGroup(StrEnum):
    """A family of counters that the administrator may switch off."""

    CORE = "core"
    UNCORE = "uncore"
    RESCTRL = "resctrl"


class Spec(Document):
    """What the administrator sets for a node; the agent's own settings hold where a key is absent."""

    sampling_period_seconds: Annotated[float, Field(ge=0.1, le=60.0)] = 1.0
    window_seconds: Annotated[float, Field(ge=1.0, le=600.0)] = 10.0
    event_groups: Annotated[tuple[EventGroup, ...], Field(max_length=3)] = tuple(EventGroup)
    isolated_cpus: IsolatedCpuPolicy = IsolatedCpuPolicy.NEVER


class Window(Document):
    """The time that a vector covers, both ends in UTC."""

    start: datetime
    end: datetime


class AxisProbabilities(Document):
    """A calibrated probability an axis; ``null`` where the model does not judge it."""

    llc: Share | None = None
    membw: Share | None = None
    smt: Share | None = None
    frontend: Share | None = None
    tlb: Share | None = None
    ddio: Share | None = None
    upi: Share | None = None
    lock: Share | None = None

    def by_axis(self) -> dict[Axis, float]:
        """The judged axes only."""
        judged = {axis: getattr(self, axis.value) for axis in Axis}
        return {axis: probability for axis, probability in judged.items() if probability is not None}


class Headroom(Document):
    """What is left of a domain's shared resources, as a share of the whole; ``null`` where it can't be seen."""

    memory_bandwidth: Share | None = None
    llc_occupancy: Share | None = None


class DomainState(Document):
    """One contention domain as last seen.

    ``features`` is in schema order; ``free_exclusive_cpus`` counts online CPUs that no pod holds exclusively, ``null``
    where the agent can't tell; ``pods`` are the pods whose CPUs are pinned within this domain.
    """

    name: Name
    window: Window
    features: Annotated[
        tuple[Value | None, ...],
        Field(min_length=len(FEATURE_SCHEMA_V1), max_length=len(FEATURE_SCHEMA_V1)),
    ]
    axes: AxisProbabilities = AxisProbabilities()
    regime: Regime
    headroom: Headroom = Headroom()
    free_exclusive_cpus: Annotated[int, Field(ge=0, le=4096)] | None = None
    pods: Annotated[tuple[Uid, ...], Field(max_length=MAXIMUM_PODS)] = ()


class MissingEvents(Document):
    """Events that could not be counted for one and the same reason."""

    errno: Annotated[str, Field(pattern=r"^E[A-Z0-9]+$", max_length=20)]
    reason: Annotated[str, Field(max_length=160)]
    events: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=128)]


class Coverage(Document):
    """How many of the contract's events the node offers, and why the others are missing."""

    wanted: Annotated[int, Field(ge=0)]
    opened: Annotated[int, Field(ge=0)]
    missing: Annotated[tuple[MissingEvents, ...], Field(max_length=8)] = ()


class ConditionStatus(StrEnum):
    """As in the Kubernetes API."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(StrEnum):
    """``Ready``: vectors are being published. ``Characterised``: the models know this CPU. ``Degraded``: something is amiss."""

    READY = "Ready"
    CHARACTERISED = "Characterised"
    DEGRADED = "Degraded"


class Condition(Document):
    """A standard Kubernetes condition."""

    type: ConditionType
    status: ConditionStatus
    reason: Annotated[str, Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=64)]
    message: Annotated[str, Field(max_length=256)] = ""
    last_transition_time: datetime
    observed_generation: Annotated[int, Field(ge=0)] | None = None


class Status(Document):
    """What the agent saw. ``regimes`` sums the domains' regimes up for ``kubectl get``: ``quiet,llc``."""

    agent_version: Annotated[str, Field(max_length=64)]
    feature_schema: Digest
    bundle_digest: Digest | None = None
    heartbeat: datetime
    regimes: Annotated[str, Field(max_length=96)]
    coverage: Coverage
    domains: Annotated[tuple[DomainState, ...], Field(max_length=MAXIMUM_DOMAINS)] = ()
    shared_pods: Annotated[tuple[Uid, ...], Field(max_length=MAXIMUM_PODS)] = ()
    conditions: Annotated[tuple[Condition, ...], Field(max_length=8)] = ()

    @field_validator("domains")
    @classmethod
    def _names_are_unique(cls, domains: tuple[DomainState, ...]) -> tuple[DomainState, ...]:
        names = [domain.name for domain in domains]
        if len(set(names)) != len(names):
            raise ValueError(f"two domains share a name: {', '.join(names)}")
        return domains

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of that type, if it is set."""
        return next((condition for condition in self.conditions if condition.type is kind), None)


class Metadata(Document):
    """The few fields of Kubernetes' object metadata that Leeward reads; others are let pass."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True
    )

    name: Annotated[str, Field(min_length=1, max_length=253)]
    resource_version: str | None = None
    generation: int | None = None


class NodeState(Document):
    """The custom resource."""

    api_version: Literal["leeward.dev/v1"] = "leeward.dev/v1"
    kind: Literal["NodeState"] = "NodeState"
    metadata: Metadata
    spec: Spec | None = None
    status: Status | None = None
