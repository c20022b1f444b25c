"""Hypothesis strategies for the contracts' documents: everything that the contracts call lawful."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from contracts.axis import AXES
from contracts.features import FEATURE_SCHEMA_V1, FeatureSpec
from contracts.nodestate import (
    AxisProbabilities,
    Condition,
    ConditionStatus,
    ConditionType,
    Coverage,
    DomainState,
    EventGroup,
    Headroom,
    IsolatedCpuPolicy,
    Metadata,
    MissingEvents,
    NodeState,
    Spec,
    Status,
    Window,
)
from contracts.profile import AxisResponse, ResponsePoint, Tier, WorkloadProfile
from contracts.regime import Regime
from contracts.slowdown import SLOWDOWN_CEILING, SLOWDOWN_FLOOR, IndicatorKind, slowdown_of
from contracts.trace import Injection, LabelledTrace, Party, Provenance
from contracts.vector import LARGEST_NS, FeatureVector, FloatArray

EVENTS = sorted(FEATURE_SCHEMA_V1.events)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20)
text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'))
digests = st.binary(min_size=32, max_size=32).map(lambda content: f"sha256:{content.hex()}")
shares = st.floats(0.0, 1.0)
times = st.integers(0, 9_000_000_000_000_000).map(
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
slowdowns = st.floats(SLOWDOWN_FLOOR, SLOWDOWN_CEILING)


def values_of(spec: FeatureSpec) -> st.SearchStrategy[float]:
    """One feature's lawful float32 values, the bounds among them, and NaN."""
    inside = st.floats(spec.minimum, spec.maximum, width=32)
    return st.just(float("nan")) | st.sampled_from([spec.minimum, spec.maximum]) | inside


_VALUES = st.tuples(*map(values_of, FEATURE_SCHEMA_V1.features)).map(lambda drawn: np.array(drawn, np.float32))


def values() -> st.SearchStrategy[FloatArray]:
    """A vector's values."""
    return _VALUES


@st.composite
def vectors(draw: st.DrawFn) -> FeatureVector:
    """Feature vectors, up to the ends of time."""
    start = draw(st.integers(0, LARGEST_NS - 1))
    return FeatureVector(
        node=draw(names | st.text(min_size=1, max_size=20).filter(_is_unicode)),
        domain=draw(names),
        window_start_ns=start,
        window_length_ns=draw(st.integers(1, LARGEST_NS - start)),
        values=draw(values()),
    )


def _is_unicode(name: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)


@st.composite
def document_values(draw: st.DrawFn) -> tuple[float | None, ...]:
    """A vector's values as documents carry them."""
    return tuple(None if np.isnan(value) else float(value) for value in draw(values()))


@st.composite
def coverages(draw: st.DrawFn) -> Coverage:
    """Any split of the contract's events into opened and missing, by up to eight reasons."""
    missing = draw(st.lists(st.sampled_from(EVENTS), unique=True))
    edges = sorted(draw(st.sets(st.integers(1, max(1, len(missing) - 1)), max_size=7)))
    parts = [missing[left:right] for left, right in zip([0, *edges], [*edges, len(missing)], strict=True)]
    return Coverage(
        wanted=len(EVENTS),
        opened=draw(st.integers(0, len(EVENTS) - len(missing))),
        missing=tuple(
            MissingEvents(
                errno=draw(st.sampled_from(["ENOENT", "EACCES"])), reason=draw(text)[:160], events=tuple(part)
            )
            for part in parts
            if part
        ),
    )


@st.composite
def _domain_states(draw: st.DrawFn, *, name: str, pods: tuple[str, ...]) -> DomainState:
    start = draw(times)
    probabilities = draw(st.fixed_dictionaries({axis.value: st.none() | shares for axis in AXES}))
    return DomainState(
        name=name,
        window=Window(start=start, end=start + timedelta(microseconds=draw(st.integers(1, 10**9)))),
        features=draw(document_values()),
        axes=AxisProbabilities(**probabilities),
        regime=draw(st.sampled_from(Regime)),
        headroom=Headroom(memory_bandwidth=draw(st.none() | shares), llc_occupancy=draw(st.none() | shares)),
        free_exclusive_cpus=draw(st.none() | st.integers(0, 4096)),
        pods=pods,
    )


@st.composite
def statuses(draw: st.DrawFn) -> Status:
    """What an agent may say."""
    domain_names = draw(st.lists(names, max_size=3, unique=True))
    pods = draw(st.lists(st.uuids().map(str), max_size=12, unique=True))
    homes = [draw(st.integers(0, len(domain_names))) for _ in pods]
    domains = tuple(
        draw(_domain_states(name=name, pods=tuple(pod for pod, home in zip(pods, homes, strict=True) if home == index)))
        for index, name in enumerate(domain_names)
    )
    conditions = tuple(
        Condition(
            type=kind,
            status=draw(st.sampled_from(ConditionStatus)),
            reason="Because",
            message=draw(text)[:256],
            last_transition_time=draw(times),
            observed_generation=draw(st.none() | st.integers(0, 2**31)),
        )
        for kind in draw(st.lists(st.sampled_from(ConditionType), unique=True))
    )
    return Status(
        agent_version=draw(text)[:64],
        feature_schema=FEATURE_SCHEMA_V1.digest,
        bundle_digest=draw(st.none() | digests),
        heartbeat=draw(times),
        regimes=",".join(domain.regime for domain in domains),
        coverage=draw(coverages()),
        domains=domains,
        shared_pods=tuple(pod for pod, home in zip(pods, homes, strict=True) if home == len(domain_names)),
        omitted_pods=draw(st.integers(0, 1000)),
        conditions=conditions,
    )


@st.composite
def node_states(draw: st.DrawFn) -> NodeState:
    """NodeStates with and without spec and status."""
    period = draw(st.none() | st.floats(0.1, 60.0))
    spec = Spec(
        sampling_period_seconds=period,
        window_seconds=draw(st.none() | st.floats(max(1.0, 2 * (period or 0.0)), 600.0)),
        event_groups=draw(st.none() | st.lists(st.sampled_from(EventGroup), unique=True).map(tuple)),
        isolated_cpus=draw(st.none() | st.sampled_from(IsolatedCpuPolicy)),
    )
    return NodeState(
        metadata=Metadata(name=draw(names), resource_version=draw(st.none() | st.just("17"))),
        spec=draw(st.none() | st.just(spec)),
        status=draw(st.none() | statuses()),
    )


@st.composite
def responses(draw: st.DrawFn) -> tuple[AxisResponse, ...]:
    """Response curves, one an axis at most."""
    curves = []
    for axis in draw(st.lists(st.sampled_from(AXES), unique=True)):
        pressures = sorted(draw(st.sets(shares, min_size=1, max_size=5)))
        points = []
        for pressure in pressures:
            low, high = sorted((draw(slowdowns), draw(slowdowns)))
            points.append(ResponsePoint(pressure=pressure, slowdown=low, upper=high))
        curves.append(AxisResponse(axis=axis, points=tuple(points)))
    return tuple(curves)


@st.composite
def profiles(draw: st.DrawFn) -> WorkloadProfile:
    """Profiles of all three tiers."""
    curves = draw(responses())
    tier = draw(st.sampled_from([Tier.PROBED, Tier.OBSERVED] if curves else [Tier.COUNTERS, Tier.OBSERVED]))
    first, last = sorted((draw(times), draw(times)))
    return WorkloadProfile(
        key=draw(names),
        tier=tier,
        solo=draw(document_values()),
        responses=curves,
        indicator=draw(st.none() | st.sampled_from(IndicatorKind)),
        observations=draw(st.integers(1, 10**6)) if tier is Tier.OBSERVED else 0,
        first_seen=first,
        last_seen=last,
        simulated=draw(st.booleans()),
    )


parties = st.builds(Party, key=names, profile=digests, group=names)


@st.composite
def traces(draw: st.DrawFn) -> LabelledTrace:
    """Labelled rows whose slowdown is what their indicator says, starved victims among them."""
    kind = draw(st.sampled_from(IndicatorKind))
    alone = draw(st.floats(1e-3, 1e9))
    worse = draw(st.floats(SLOWDOWN_FLOOR * 1.001, 2 * SLOWDOWN_CEILING))
    together = alone / worse if kind is IndicatorKind.THROUGHPUT else alone * worse
    measured = slowdown_of(kind, alone=alone, together=together)
    victim, others = draw(parties), draw(st.lists(parties, max_size=4))
    victim_last = not others or draw(st.booleans())
    pressed = draw(st.sets(st.sampled_from(AXES)))
    return LabelledTrace(
        node=draw(names),
        domain=draw(names),
        window_start_ns=draw(st.integers(0, LARGEST_NS)),
        window_length_ns=draw(st.integers(1, LARGEST_NS)),
        before=draw(document_values()),
        during=draw(document_values()),
        victim=victim,
        co_runners=tuple(others),
        latest_arrival=victim.key if victim_last else draw(st.sampled_from(others)).key,
        victim_arrived_last=victim_last,
        injected=tuple(draw(st.lists(st.builds(Injection, axis=st.sampled_from(AXES), intensity=shares), max_size=3))),
        indicator=kind,
        alone=alone,
        together=together,
        slowdown=measured.value,
        censored=measured.censored,
        pressed=tuple(axis for axis in AXES if axis in pressed),
        provenance=draw(st.sampled_from(Provenance)),
        campaign=draw(names),
        simulated=draw(st.booleans()),
    )
