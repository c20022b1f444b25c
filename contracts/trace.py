"""Labelled trace v1: what one victim went through during one window, and what was known before.

Regimes are learnt from the vector *during* the window, slowdowns from the vector *before* the latest arrival: a
prediction knows only what is known before the placement. Profiles are named by digest and lie beside the rows.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contracts.axis import AXES, Axis
from contracts.canonical import digest
from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import Document, without_prose
from contracts.nodestate import Digest, Name, Share
from contracts.profile import PROFILE_DIGEST_V1, Key, SlowdownValue
from contracts.slowdown import SLOWDOWN_CEILING, SLOWDOWN_FLOOR, IndicatorKind, slowdown_of
from contracts.vector import FloatArray, from_json_values
from contracts.vector_values import VectorValues

Group = Annotated[str, Field(min_length=1, max_length=63)]
LARGEST_NS = 2**63 - 1


class Provenance(StrEnum):
    """Where a label comes from: a stressor that was run, a rule on the vector, or a person."""

    INJECTED = "injected"
    RULE = "rule"
    OPERATOR = "operator"


class Injection(Document):
    """A stressor that ran during the window."""

    axis: Axis
    intensity: Share


class Party(Document):
    """A workload on the domain: its key, the digest of the profile that was known of it, its group for holding out."""

    key: Key
    profile: Digest
    group: Group


class LabelledTrace(Document):
    """One row per window and victim.

    Attributes:
        node, domain: where.
        window_start_ns, window_length_ns: of the window ``during``; UTC nanoseconds, above zero.
        feature_schema: digest of the schema of both vectors.
        before: the domain's vector before the latest arrival, in schema order, ``None`` for missing.
        during: the domain's vector over the window.
        victim: whose indicator was measured.
        co_runners: all others on the domain during the window, stressors among them.
        latest_arrival: key of the one who came last; ``before`` is without it.
        victim_arrived_last: whether that was the victim.
        injected: stressors that ran.
        indicator: what the victim is judged by.
        alone, together: the indicator with the domain to itself, and during the window at the same offered load.
        slowdown, censored: as ``contracts.slowdown.slowdown_of`` says.
        pressed: the label, in the contract's order of axes.
        provenance: where the label comes from.
        campaign: name of the measurement campaign.
        simulated: measured on the testbed, not on hardware.
    """

    version: Literal[1] = 1
    node: Annotated[str, Field(min_length=1, max_length=253)]
    domain: Name
    window_start_ns: Annotated[int, Field(ge=0, le=LARGEST_NS)]
    window_length_ns: Annotated[int, Field(gt=0, le=LARGEST_NS)]
    feature_schema: Digest = FEATURE_SCHEMA_V1.digest
    before: VectorValues
    during: VectorValues
    victim: Party
    co_runners: Annotated[tuple[Party, ...], Field(max_length=256)] = ()
    latest_arrival: Key
    victim_arrived_last: bool
    injected: Annotated[tuple[Injection, ...], Field(max_length=16)] = ()
    indicator: IndicatorKind
    alone: Annotated[float, Field(gt=0.0)]
    together: Annotated[float, Field(ge=0.0)]
    slowdown: SlowdownValue
    censored: bool = False
    pressed: Annotated[tuple[Axis, ...], Field(max_length=len(AXES))] = ()
    provenance: Provenance
    campaign: Annotated[str, Field(min_length=1, max_length=63)]
    simulated: bool

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        where = f"trace row of {self.victim.key} on {self.node}/{self.domain} at {self.window_start_ns}"
        if self.feature_schema != FEATURE_SCHEMA_V1.digest:
            raise ValueError(
                f"{where}: feature schema is {self.feature_schema}, this reader knows {FEATURE_SCHEMA_V1.digest}"
            )
        self._refuse_wrong_arrival(where)
        if self.pressed != tuple(axis for axis in AXES if axis in self.pressed):
            raise ValueError(f"{where}: pressed axes are each named once and in the contract's order")
        meant = slowdown_of(self.indicator, alone=self.alone, together=self.together)
        if abs(meant.value - self.slowdown) > 1e-6 * meant.value or meant.censored is not self.censored:
            raise ValueError(
                f"{where}: slowdown is {self.slowdown} (censored {self.censored}), its indicator says "
                f"{meant.value} (censored {meant.censored})"
            )
        return self

    def _refuse_wrong_arrival(self, where: str) -> None:
        others = {party.key for party in self.co_runners}
        candidates = {self.victim.key} if self.victim_arrived_last else others
        if self.latest_arrival not in candidates:
            raise ValueError(
                f"{where}: the latest arrival {self.latest_arrival} is not "
                f"{'the victim' if self.victim_arrived_last else 'among the co-runners'}"
            )

    @property
    def before_values(self) -> FloatArray:
        """float32 of shape ``(len(schema),)``, NaN where missing."""
        return from_json_values(self.before)

    @property
    def during_values(self) -> FloatArray:
        """float32 of shape ``(len(schema),)``, NaN where missing."""
        return from_json_values(self.during)

    @property
    def groups(self) -> frozenset[str]:
        """Groups of all parties: a row is held out with any of them."""
        return frozenset({self.victim.group, *(party.group for party in self.co_runners)})


TRACE_DIGEST_V1 = digest(
    {
        "contract": "labelled-trace",
        "version": 1,
        "slowdownFloor": SLOWDOWN_FLOOR,
        "slowdownCeiling": SLOWDOWN_CEILING,
        "schema": without_prose(LabelledTrace.model_json_schema()),
        "features": FEATURE_SCHEMA_V1.digest,
        "profile": PROFILE_DIGEST_V1,
    }
)
