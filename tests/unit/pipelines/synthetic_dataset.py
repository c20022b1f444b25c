"""A small campaign that can be learnt: ten workload groups, seven stressors, mixes; a few lines of arithmetic a window.

Nothing here is hardware. Each workload presses some axes and suffers on some; pressures saturate on a domain, and a
victim's slowdown rises with what it is sensitive to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import AxisResponse, ResponsePoint, Tier, WorkloadProfile
from contracts.slowdown import IndicatorKind, slowdown_of
from contracts.trace import Injection, LabelledTrace, Party, Provenance
from contracts.vector import FeatureVector, FloatArray, to_json_values
from pipelines.dataset import TraceDataset
from pipelines.folds import STRESSOR_GROUP

NOW = datetime(2026, 1, 1, 3, 4, 5, tzinfo=UTC)
WINDOW_NS = 10_000_000_000
START_NS = 1_767_322_800_000_000_000
STRESSED = tuple(axis for axis in AXES if axis is not Axis.LOCK)
INTENSITIES = (0.3, 0.6, 1.0)
NODES = 4

_WIDTHS = np.array([spec.maximum - spec.minimum for spec in FEATURE_SCHEMA_V1.features])
_LOWEST = np.array([spec.minimum for spec in FEATURE_SCHEMA_V1.features])
_REVEALS = np.array([[axis in spec.axes for axis in AXES] for spec in FEATURE_SCHEMA_V1.features])


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupant:
    """Something that runs: what it presses and what hurts it, an axis."""

    key: str
    group: str
    pressure: NDArray[np.float64]
    sensitivity: NDArray[np.float64]


def vector_of(occupants: Sequence[Occupant], random: Generator) -> FloatArray:
    """Each feature shows the joint, saturating pressure on its axes, with some noise."""
    idle = np.prod([1.0 - 0.9 * occupant.pressure for occupant in occupants], axis=0) if occupants else np.ones(8)
    shown = (_REVEALS * (1.0 - idle)).max(axis=1) + random.normal(0.0, 0.02, len(FEATURE_SCHEMA_V1))
    return np.asarray(_LOWEST + _WIDTHS * np.clip(0.05 + 0.9 * shown, 0.0, 1.0), dtype=np.float32)


def slowdown_among(victim: Occupant, others: Sequence[Occupant], random: Generator) -> float:
    """Exponential in sensitivity times joint pressure."""
    joint = 1.0 - np.prod([1.0 - 0.9 * other.pressure for other in others], axis=0)
    return float(np.exp((victim.sensitivity * joint**1.5).sum() + random.normal(0.0, 0.02)))


def workloads(groups: int, random: Generator) -> list[Occupant]:
    """One workload a group, each with its own strengths and weaknesses."""
    return [
        Occupant(
            key=f"workload-{index}",
            group=f"group-{index:02d}",
            pressure=np.clip(random.beta(1.2, 4.0, len(AXES)), 0.0, 0.6),
            sensitivity=0.6 * random.beta(1.0, 2.0, len(AXES)),
        )
        for index in range(groups)
    ]


def stressor(axis: Axis, intensity: float) -> Occupant:
    """Presses one axis, and is hurt by nothing."""
    pressure = np.full(len(AXES), 0.02)
    pressure[AXES.index(axis)] = intensity
    return Occupant(
        key=f"stress-{axis}-{round(100 * intensity)}",
        group=STRESSOR_GROUP,
        pressure=pressure,
        sensitivity=np.zeros(len(AXES)),
    )


def profile_of(occupant: Occupant, random: Generator, *, probed: bool) -> WorkloadProfile:
    """What it presses alone, and how it answers to the strongest stressor an axis."""
    responses = []
    for axis in STRESSED if probed else ():
        slowdown = float(np.clip(slowdown_among(occupant, [stressor(axis, 1.0)], random), 0.95, 9.0))
        points = (ResponsePoint(pressure=1.0, slowdown=slowdown, upper=1.05 * slowdown),)
        responses.append(AxisResponse(axis=axis, points=points))
    return WorkloadProfile(
        key=occupant.key,
        tier=Tier.PROBED if probed else Tier.COUNTERS,
        solo=tuple(to_json_values(vector_of([occupant], random))),
        responses=tuple(responses),
        first_seen=NOW,
        last_seen=NOW,
        simulated=True,
    )


def synthetic_dataset(*, groups: int = 10, mixes: int = 60, seed: int = 1) -> TraceDataset:
    """Each workload with each stressor at three intensities, then random mixes of two to four."""
    random = np.random.default_rng(seed)
    population = workloads(groups, random)
    stressors = [stressor(axis, intensity) for axis in STRESSED for intensity in INTENSITIES]
    profiles = {occupant.key: profile_of(occupant, random, probed=True) for occupant in population}
    profiles |= {occupant.key: profile_of(occupant, random, probed=False) for occupant in stressors}
    parties = {
        occupant.key: Party(key=occupant.key, profile=profiles[occupant.key].digest, group=occupant.group)
        for occupant in (*population, *stressors)
    }
    scenes: list[tuple[Occupant, ...]] = [(victim, pressing) for victim in population for pressing in stressors]
    for _ in range(mixes):
        size = int(random.integers(2, min(5, groups + 1)))
        chosen = random.choice(groups, size=size, replace=False)
        scenes.append(tuple(population[index] for index in chosen))
    traces: list[LabelledTrace] = []
    for place, scene in enumerate(scenes):
        traces += _rows(place, scene, parties, random)
    return TraceDataset(traces=tuple(traces), profiles=tuple(profiles.values()))


def _rows(place: int, scene: tuple[Occupant, ...], parties: dict[str, Party], random: Generator) -> list[LabelledTrace]:
    """One row a workload of the scene; the last of the scene came last."""
    before, during = vector_of(scene[:-1], random), vector_of(scene, random)
    injected = tuple(_injection(occupant) for occupant in scene if occupant.group == STRESSOR_GROUP)
    rows = []
    for victim in scene:
        if victim.group == STRESSOR_GROUP:
            continue
        others = [occupant for occupant in scene if occupant is not victim]
        alone, together = 100.0, 100.0 * max(slowdown_among(victim, others, random), 0.95)
        slowdown = slowdown_of(IndicatorKind.LATENCY_P99, alone=alone, together=together)
        rows.append(
            LabelledTrace(
                node=f"node-{place % NODES}",
                domain="socket0",
                window_start_ns=START_NS + 2 * (place // NODES) * WINDOW_NS,
                window_length_ns=WINDOW_NS,
                before=tuple(to_json_values(before)),
                during=tuple(to_json_values(during)),
                victim=parties[victim.key],
                co_runners=tuple(parties[other.key] for other in others),
                latest_arrival=scene[-1].key,
                victim_arrived_last=victim is scene[-1],
                injected=injected,
                indicator=IndicatorKind.LATENCY_P99,
                alone=alone,
                together=together,
                slowdown=slowdown.value,
                censored=slowdown.censored,
                pressed=tuple(injection.axis for injection in injected if injection.intensity >= 0.5),
                provenance=Provenance.INJECTED if injected else Provenance.RULE,
                campaign="synthetic",
                simulated=True,
            )
        )
    return rows


def _injection(occupant: Occupant) -> Injection:
    strongest = int(occupant.pressure.argmax())
    return Injection(axis=AXES[strongest], intensity=float(occupant.pressure[strongest]))


def vectors_of(dataset: TraceDataset) -> list[FeatureVector]:
    """What a feature store would have seen: each window, and the one before it."""
    vectors = {}
    for trace in dataset.traces:
        for start, values in (
            (trace.window_start_ns - trace.window_length_ns, trace.before_values),
            (trace.window_start_ns, trace.during_values),
        ):
            vectors[trace.node, start] = FeatureVector(
                node=trace.node,
                domain=trace.domain,
                window_start_ns=start,
                window_length_ns=trace.window_length_ns,
                values=values,
            )
    return list(vectors.values())
