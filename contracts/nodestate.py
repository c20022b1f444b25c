"""NodeState v1: what one node's agent tells the cluster, a cluster-scoped custom resource named as the node.

``spec`` is the administrator's, ``status`` the agent's. Arrays of values are in the order of the feature schema whose
digest stands beside them; ``null`` is a missing value.

An object stays under 16 KiB. The model's bounds see to it for every node of up to eight domains, whatever is missing
there: figures are rounded beyond what they mean, an event is missing once, and no more than ``MAXIMUM_PODS`` pods are
named. Only text full of characters that JSON escapes could still exceed it; ``NodeState.to_json`` refuses that.
"""

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from contracts.axis import Axis
from contracts.errors import ContractError
from contracts.events import event
from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import Document, UtcTime
from contracts.regime import Regime
from contracts.vector_values import VectorValues

GROUP = "leeward.dev"
VERSION = "v1"
KIND = "NodeState"
PLURAL = "nodestates"
API_VERSION = f"{GROUP}/{VERSION}"
MAXIMUM_BYTES = 16 * 1024

MAXIMUM_DOMAINS = 8
"""Two sockets of four sub-NUMA clusters."""
MAXIMUM_PODS = 120
"""Pods that an object names; kubelet's default ceiling is 110 pods a node. The others are counted."""
FEATURE_DECIMALS = 6
PROBABILITY_DECIMALS = 4

_ATOMIC: JsonDict = {"x-kubernetes-map-type": "atomic"}
"""One owner sets all of it at once; keeps ``managedFields`` small."""


def _rounded_values(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
    return tuple(None if value is None else round(value, FEATURE_DECIMALS) for value in values)


def _rounded_share(value: float) -> float:
    return round(value, PROBABILITY_DECIMALS)


def _known_event(name: str) -> str:
    return event(name).name


Share = Annotated[float, Field(ge=0.0, le=1.0)]
RoundedShare = Annotated[Share, AfterValidator(_rounded_share)]
RoundedValues = Annotated[VectorValues, AfterValidator(_rounded_values)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Uid = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]+$", max_length=36)]
Name = Annotated[str, Field(min_length=1, max_length=63)]
EventName = Annotated[str, Field(max_length=64), AfterValidator(_known_event)]


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
    """What the administrator sets for a node; the agent's own settings hold where a key is absent or ``null``."""

    sampling_period_seconds: Annotated[float, Field(ge=0.1, le=60.0)] | None = None
    window_seconds: Annotated[float, Field(ge=1.0, le=600.0)] | None = None
    event_groups: (
        Annotated[
            tuple[EventGroup, ...],
            Field(max_length=len(EventGroup), json_schema_extra={"x-kubernetes-list-type": "set"}),
        ]
        | None
    ) = None
    isolated_cpus: IsolatedCpuPolicy | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _refuse_repeats("event group", self.event_groups or ())
        window, period = self.window_seconds, self.sampling_period_seconds
        if window is not None and period is not None and window < 2 * period:
            raise ValueError(f"a window of {window} s does not hold two samples {period} s apart")
        return self


class Window(Document):
    """The time that a vector covers, both ends in UTC."""

    model_config = ConfigDict(json_schema_extra=_ATOMIC)

    start: UtcTime
    end: UtcTime

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"the window ends at {self.end.isoformat()}, not after its start {self.start.isoformat()}")
        return self


class AxisProbabilities(Document):
    """A calibrated probability an axis, to four decimals; ``null`` where the model does not judge it."""

    model_config = ConfigDict(json_schema_extra=_ATOMIC)

    llc: RoundedShare | None = None
    membw: RoundedShare | None = None
    smt: RoundedShare | None = None
    frontend: RoundedShare | None = None
    tlb: RoundedShare | None = None
    ddio: RoundedShare | None = None
    upi: RoundedShare | None = None
    lock: RoundedShare | None = None

    def by_axis(self) -> dict[Axis, float]:
        """The judged axes only."""
        judged = {axis: getattr(self, axis.value) for axis in Axis}
        return {axis: probability for axis, probability in judged.items() if probability is not None}


class Headroom(Document):
    """What is left of a domain's shared resources, as a share of the whole; ``null`` where it can't be seen."""

    model_config = ConfigDict(json_schema_extra=_ATOMIC)

    memory_bandwidth: RoundedShare | None = None
    llc_occupancy: RoundedShare | None = None


class DomainState(Document):
    """One contention domain as last seen.

    ``features`` is in schema order, each within its own range and to six decimals; ``free_exclusive_cpus`` counts
    online CPUs that no pod holds exclusively, ``null`` where the agent can't tell; ``pods`` are the pods whose CPUs are
    pinned within this domain.
    """

    name: Name
    window: Window
    features: RoundedValues
    axes: AxisProbabilities = AxisProbabilities()
    regime: Regime
    headroom: Headroom = Headroom()
    free_exclusive_cpus: Annotated[int, Field(ge=0, le=4096)] | None = None
    pods: Annotated[tuple[Uid, ...], Field(max_length=MAXIMUM_PODS)] = ()


class MissingEvents(Document):
    """Events that could not be counted for one and the same reason."""

    model_config = ConfigDict(json_schema_extra=_ATOMIC)

    errno: Annotated[str, Field(pattern=r"^E[A-Z0-9]+$", max_length=20)]
    reason: Annotated[str, Field(max_length=160)]
    events: Annotated[tuple[EventName, ...], Field(min_length=1, max_length=len(FEATURE_SCHEMA_V1.events))]


class Coverage(Document):
    """How many of the contract's events the node offers, and why the others are missing; each is missing once."""

    model_config = ConfigDict(json_schema_extra=_ATOMIC)

    wanted: Annotated[int, Field(ge=0, le=len(FEATURE_SCHEMA_V1.events))]
    opened: Annotated[int, Field(ge=0, le=len(FEATURE_SCHEMA_V1.events))]
    missing: Annotated[tuple[MissingEvents, ...], Field(max_length=8)] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        names = [name for group in self.missing for name in group.events]
        _refuse_repeats("missing event", names)
        if self.opened + len(names) > self.wanted:
            raise ValueError(f"{self.wanted} events are wanted, but {self.opened} opened and {len(names)} are missing")
        return self


class ConditionStatus(StrEnum):
    """As in the Kubernetes API."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(StrEnum):
    """``Ready``: it publishes. ``Characterised``: the models know this CPU. ``Degraded``: something is amiss."""

    READY = "Ready"
    CHARACTERISED = "Characterised"
    DEGRADED = "Degraded"


class Condition(Document):
    """A standard Kubernetes condition."""

    type: ConditionType
    status: ConditionStatus
    reason: Annotated[str, Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=64)]
    message: Annotated[str, Field(max_length=256)] = ""
    last_transition_time: UtcTime
    observed_generation: Annotated[int, Field(ge=0)] | None = None


class Status(Document):
    """What the agent saw.

    ``regimes`` sums the domains' regimes up for ``kubectl get``: ``quiet,llc``. ``shared_pods`` are the pods that no
    domain holds; ``omitted_pods`` counts those that are not named for want of room, which count as shared too.
    """

    agent_version: Annotated[str, Field(max_length=64)]
    feature_schema: Digest
    bundle_digest: Digest | None = None
    heartbeat: UtcTime
    regimes: Annotated[str, Field(max_length=96)]
    coverage: Coverage
    domains: Annotated[
        tuple[DomainState, ...],
        Field(
            max_length=MAXIMUM_DOMAINS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    shared_pods: Annotated[tuple[Uid, ...], Field(max_length=MAXIMUM_PODS)] = ()
    omitted_pods: Annotated[int, Field(ge=0, le=65535)] = 0
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=len(ConditionType),
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()

    @field_validator("feature_schema")
    @classmethod
    def _schema_is_known(cls, found: str) -> str:
        if found != FEATURE_SCHEMA_V1.digest:
            raise ValueError(
                f"the vectors' schema is {found}, this reader knows {FEATURE_SCHEMA_V1.digest} "
                f"(feature vector v{FEATURE_SCHEMA_V1.version}): upgrade the older of writer and reader"
            )
        return found

    @model_validator(mode="after")
    def _lists_are_sets(self) -> Self:
        _refuse_repeats("domain", [domain.name for domain in self.domains])
        _refuse_repeats("condition", [condition.type for condition in self.conditions])
        _refuse_repeats("shared pod", self.shared_pods)
        pinned = [pod for domain in self.domains for pod in domain.pods]
        for domain in self.domains:
            _refuse_repeats(f"pod of {domain.name}", domain.pods)
        both = sorted(set(pinned) & set(self.shared_pods))
        if both:
            raise ValueError(f"pod {both[0]} is pinned to a domain and shared as well")
        if len(pinned) + len(self.shared_pods) > MAXIMUM_PODS:
            raise ValueError(
                f"{len(pinned) + len(self.shared_pods)} pods are named, {MAXIMUM_PODS} have room: name the pinned ones "
                "first and count the rest in omittedPods"
            )
        return self

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

    def to_json(self, *, indent: int | None = None) -> bytes:
        """Write the object with its wire names.

        Raises:
            ContractError: it is larger than ``MAXIMUM_BYTES`` without blanks; says what takes the room.
        """
        content = super().to_json()
        if len(content) > MAXIMUM_BYTES:
            parts: dict[str, object] = json.loads(content).get("status") or {}
            sizes = sorted(((len(json.dumps(part)), name) for name, part in parts.items()), reverse=True)[:3]
            raise ContractError(
                f"NodeState of {self.metadata.name} has {len(content)} bytes, at most {MAXIMUM_BYTES} are lawful: "
                f"shorten {', '.join(f'{name} ({size})' for size, name in sizes)}"
            )
        return content if indent is None else super().to_json(indent=indent)


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} {name} stands twice")
        seen.add(name)
