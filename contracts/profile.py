"""Workload profile v1: what is known of a workload before it is placed anywhere.

A profile comes in one of three tiers, which every prediction carries along, since counters measured alone do not tell
how a victim suffers. An unknown workload gets the conservative profile: the worst of the known population.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from contracts.axis import AXES, Axis
from contracts.canonical import digest
from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import Document, UtcTime, without_prose
from contracts.nodestate import Digest, Share
from contracts.slowdown import SLOWDOWN_CEILING, SLOWDOWN_FLOOR, IndicatorKind
from contracts.vector import FloatArray, from_json_values, to_json_values
from contracts.vector_values import VectorValues

PROFILE_LABEL = "leeward.dev/profile"
"""The pod label that names a workload, whatever namespace or owner it runs under."""

CONSERVATIVE_KEY = "conservative"

Key = Annotated[str, Field(min_length=1, max_length=128)]
SlowdownValue = Annotated[float, Field(ge=SLOWDOWN_FLOOR, le=SLOWDOWN_CEILING)]


class Tier(StrEnum):
    """How much is known: its counters alone, its answer to a few probes, or what happened to it in company."""

    COUNTERS = "counters"
    PROBED = "probed"
    OBSERVED = "observed"


class ResponsePoint(Document):
    """How a workload fared under one pressure.

    ``pressure`` is a stressor's intensity, 0 to 1; ``slowdown`` the median measured, ``upper`` its upper bound.
    """

    pressure: Share
    slowdown: SlowdownValue
    upper: SlowdownValue

    @model_validator(mode="after")
    def _upper_is_above(self) -> Self:
        if self.upper < self.slowdown:
            raise ValueError(f"upper bound {self.upper} lies below the slowdown {self.slowdown} that it bounds")
        return self


class AxisResponse(Document):
    """The response curve along one axis, at rising pressures."""

    axis: Axis
    points: Annotated[tuple[ResponsePoint, ...], Field(min_length=1, max_length=32)]

    @model_validator(mode="after")
    def _pressures_rise(self) -> Self:
        pressures = [point.pressure for point in self.points]
        if any(right <= left for left, right in pairwise(pressures)):
            raise ValueError(f"pressures of the {self.axis} curve do not rise: {pressures}")
        return self

    @property
    def worst(self) -> float:
        """The highest upper bound of the curve."""
        return max(point.upper for point in self.points)


class WorkloadProfile(Document):
    """What is known of one workload.

    Attributes:
        key: see ``profile_key``; ``conservative`` for the stand-in of an unknown workload.
        tier: how much is known.
        conservative: this is the population's worst, not the workload's own.
        feature_schema: digest of the schema that ``solo`` is of.
        solo: its vector with the domain to itself, in schema order, ``None`` for missing.
        responses: one curve an axis that was probed.
        indicator: what it is judged by; ``None`` where nobody said.
        observations: windows in company that went into the profile.
        first_seen, last_seen: of anything that went into it.
        simulated: measured on the testbed, not on hardware.
    """

    version: Literal[1] = 1
    key: Key
    tier: Tier
    conservative: bool = False
    feature_schema: Digest = FEATURE_SCHEMA_V1.digest
    solo: VectorValues
    responses: Annotated[tuple[AxisResponse, ...], Field(max_length=len(AXES))] = ()
    indicator: IndicatorKind | None = None
    observations: Annotated[int, Field(ge=0)] = 0
    first_seen: UtcTime
    last_seen: UtcTime
    simulated: bool = False

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.feature_schema != FEATURE_SCHEMA_V1.digest:
            raise ValueError(
                f"profile {self.key} is of feature schema {self.feature_schema}, this reader knows "
                f"{FEATURE_SCHEMA_V1.digest}: upgrade the older of writer and reader"
            )
        axes = [response.axis for response in self.responses]
        if len(set(axes)) != len(axes):
            raise ValueError(f"profile {self.key} has two response curves of one axis")
        if self.tier is Tier.COUNTERS and self.responses and not self.conservative:
            raise ValueError(f"profile {self.key} has response curves, so its tier is probed or observed, not counters")
        if self.tier is Tier.PROBED and not self.responses:
            raise ValueError(f"profile {self.key} is of tier probed and has no response curve")
        if self.tier is Tier.OBSERVED and not self.observations:
            raise ValueError(f"profile {self.key} is of tier observed and has no observation")
        if self.last_seen < self.first_seen:
            raise ValueError(f"profile {self.key} was last seen before it was first seen")
        return self

    @property
    def solo_values(self) -> FloatArray:
        """float32 of shape ``(len(schema),)``, NaN where missing."""
        return from_json_values(self.solo)

    def response(self, axis: Axis) -> AxisResponse | None:
        """The curve along an axis, if it was probed."""
        return next((response for response in self.responses if response.axis is axis), None)

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON; labelled traces name profiles by it."""
        return digest(self.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class ContainerShape:
    """What of a container tells workloads apart: its image, and what it requests."""

    image: str
    requests: Mapping[str, str]


def profile_key(*, labels: Mapping[str, str], containers: Sequence[ContainerShape]) -> str:
    """The name under which a workload is known, whatever its namespace and replica.

    The pod's ``leeward.dev/profile`` label where it has one, else a digest over its containers' images and requests in
    any order.

    >>> profile_key(labels={"leeward.dev/profile": "upf-large"}, containers=())
    'upf-large'
    """
    label = labels.get(PROFILE_LABEL)
    if label:
        return label
    shapes = sorted((container.image, sorted(container.requests.items())) for container in containers)
    return digest({"contract": "workload-profile-key", "version": 1, "containers": shapes})


def conservative_profile(population: Iterable[WorkloadProfile]) -> WorkloadProfile:
    """The profile of a workload that nobody knows: the worst of those that are known, and marked as such.

    Per feature the highest solo value of the population (pressures rise with all features that a co-runner is judged
    by), per axis the highest upper bound at each pressure that any of them was probed at.

    Raises:
        ContractError: nobody is known.
    """
    known = [profile for profile in population if not profile.conservative]
    if not known:
        raise ContractError("no workload is known, so there is no worst one: run a characterisation campaign first")
    solo = np.fmax.reduce([profile.solo_values for profile in known])
    return WorkloadProfile(
        key=CONSERVATIVE_KEY,
        tier=Tier.COUNTERS,
        conservative=True,
        solo=tuple(to_json_values(solo)),
        responses=tuple(
            AxisResponse(axis=axis, points=points) for axis in AXES if (points := _envelope(known, axis=axis))
        ),
        observations=0,
        first_seen=min(profile.first_seen for profile in known),
        last_seen=max(profile.last_seen for profile in known),
        simulated=any(profile.simulated for profile in known),
    )


def _envelope(known: Sequence[WorkloadProfile], *, axis: Axis) -> tuple[ResponsePoint, ...]:
    """The highest slowdown and bound at each pressure, never falling as the pressure rises."""
    worst: dict[float, tuple[float, float]] = {}
    for profile in known:
        response = profile.response(axis)
        for point in response.points if response is not None else ():
            slowdown, upper = worst.get(point.pressure, (SLOWDOWN_FLOOR, SLOWDOWN_FLOOR))
            worst[point.pressure] = max(slowdown, point.slowdown), max(upper, point.upper)
    points: list[ResponsePoint] = []
    for pressure, (slowdown, upper) in sorted(worst.items()):
        before = points[-1] if points else None
        points.append(
            ResponsePoint(
                pressure=pressure,
                slowdown=max(slowdown, before.slowdown if before else slowdown),
                upper=max(upper, before.upper if before else upper),
            )
        )
    return tuple(points)


PROFILE_DIGEST_V1 = digest(
    {
        "contract": "workload-profile",
        "version": 1,
        "label": PROFILE_LABEL,
        "schema": without_prose(WorkloadProfile.model_json_schema()),
        "features": FEATURE_SCHEMA_V1.digest,
    }
)
