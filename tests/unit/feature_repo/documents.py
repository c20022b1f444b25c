"""Profiles and labels whose values say which they are."""

from datetime import UTC, datetime, timedelta

from contracts.axis import Axis
from contracts.profile import AxisResponse, ResponsePoint, Tier, WorkloadProfile
from contracts.slowdown import IndicatorKind
from contracts.trace import LabelledTrace, Party, Provenance
from contracts.vector import to_json_values
from tests.unit.feature_repo.vectors import DAY_START_NS, SECOND_NS, random_values

DAY_START = datetime(2026, 3, 1, tzinfo=UTC)
DIGEST = f"sha256:{'0' * 64}"


def profile(key: str, last_seen_seconds: float = 0, *, seed: int = 1) -> WorkloadProfile:
    """A probed profile that was last seen so long after 2026-03-01."""
    return WorkloadProfile(
        key=key,
        tier=Tier.PROBED,
        solo=tuple(to_json_values(random_values(seed))),
        responses=(AxisResponse(axis=Axis.LLC, points=(ResponsePoint(pressure=0.5, slowdown=1.25, upper=1.5),)),),
        first_seen=DAY_START - timedelta(days=1),
        last_seen=DAY_START + timedelta(seconds=last_seen_seconds),
        simulated=True,
    )


def label(
    victim: str, start_seconds: float = 0, *, node: str = "node-a", together: float = 8.0, extra_ns: int = 0
) -> LabelledTrace:
    """A label whose window of ten seconds starts so long after 2026-03-01."""
    return LabelledTrace(
        node=node,
        domain="socket0",
        window_start_ns=DAY_START_NS + round(start_seconds * SECOND_NS) + extra_ns,
        window_length_ns=10 * SECOND_NS,
        before=tuple(to_json_values(random_values(1))),
        during=tuple(to_json_values(random_values(2))),
        victim=Party(key=victim, profile=DIGEST, group="group"),
        co_runners=(Party(key="stress", profile=DIGEST, group="stressors"),),
        latest_arrival="stress",
        victim_arrived_last=False,
        indicator=IndicatorKind.THROUGHPUT,
        alone=10.0,
        together=together,
        slowdown=10.0 / together,
        pressed=(Axis.LLC,),
        provenance=Provenance.INJECTED,
        campaign="campaign",
        simulated=True,
    )
