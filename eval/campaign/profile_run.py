"""Profile runs: what is learnt of one workload in a few minutes, before it meets anybody.

A workload runs alone for a few windows, then beside each stressor at a few intensities. A stressor runs alone only.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from contracts.axis import Axis
from contracts.profile import AxisResponse, ResponsePoint, Tier, WorkloadProfile
from contracts.slowdown import SLOWDOWN_CEILING, IndicatorKind, slowdown_of
from contracts.vector import FeatureVector, to_json_values
from eval.campaign.bench import Bench, Experiment
from eval.campaign.settings import CampaignSettings
from eval.testbed.node import SimulatedNode
from eval.testbed.offer import FULL
from eval.testbed.stressor import PRESSED_AXES, Stressor
from eval.testbed.workload import Workload

UPPER_DEVIATIONS = 2.0
"""A response's upper bound lies so many standard deviations of the repeated probes' logarithms above the median."""
LEAST_DEVIATION = 0.01
"""Two probes may agree by chance; no indicator is measured better than this."""

_DOMAIN = "socket0"
_SUBJECT = "subject"
_PROBE = "probe"


def spare_node(*, seed: int, wall_ns: int) -> SimulatedNode:
    """The node that profile runs take place on: none of the cluster's, with every event on offer."""
    return SimulatedNode(name="spr-profile", offer=FULL, seed=seed, wall_ns=wall_ns)


def profile_run(workload: Workload, bench: Bench, settings: CampaignSettings) -> WorkloadProfile:
    """Profile a workload on an empty bench that offers SMT; the profile is of tier ``probed``.

    Args:
        workload: the subject.
        bench: a node with nobody on it; it is left so.
        settings: probes and windows.
    """
    run = _ProfileRun(bench, settings)
    began = bench.node.now()
    bench.run([run.of_workload(workload)])
    alone = float(np.median(run.alone))
    return WorkloadProfile(
        key=workload.name,
        tier=Tier.PROBED,
        solo=median_values(run.solo),
        responses=_responses(run.together, workload.indicator, alone=alone),
        indicator=workload.indicator,
        first_seen=began,
        last_seen=bench.node.now(),
        simulated=True,
    )


def stressor_profile(stressor: Stressor, bench: Bench, settings: CampaignSettings) -> WorkloadProfile:
    """Profile a stressor on an empty bench: its vector alone, tier ``counters``."""
    run = _ProfileRun(bench, settings)
    began = bench.node.now()
    bench.run([run.of_stressor(stressor)])
    return WorkloadProfile(
        key=stressor.name,
        tier=Tier.COUNTERS,
        solo=median_values(run.solo),
        first_seen=began,
        last_seen=bench.node.now(),
        simulated=True,
    )


def counters_only(profile: WorkloadProfile) -> WorkloadProfile:
    """What would be known of a workload without its probes: its solo vector."""
    return profile.model_copy(update={"tier": Tier.COUNTERS, "responses": ()})


def median_values(vectors: Sequence[FeatureVector]) -> tuple[float | None, ...]:
    """Feature by feature the median of some windows, ``None`` where no window has it."""
    rows = np.stack([vector.values for vector in vectors])
    present = ~np.isnan(rows).all(axis=0)
    values = np.full(rows.shape[1], np.nan, dtype=np.float32)
    values[present] = np.nanmedian(rows[:, present], axis=0)
    return tuple(to_json_values(values))


class _ProfileRun:
    """What one profile run measured."""

    def __init__(self, bench: Bench, settings: CampaignSettings) -> None:
        self._bench = bench
        self._settings = settings
        self.solo: list[FeatureVector] = []
        self.alone: list[float] = []
        self.together: dict[Axis, dict[float, list[float]]] = {}

    def of_workload(self, workload: Workload) -> Experiment:
        node = self._bench.node
        node.place(_SUBJECT, workload, domain=_DOMAIN)
        for _ in range(self._settings.probe_windows + 1):
            yield
            self.solo.append(self._bench.latest(_DOMAIN))
            self.alone.append(node.indicator(_SUBJECT))
        for axis in PRESSED_AXES:
            for intensity in self._settings.probe_intensities:
                measured = self.together.setdefault(axis, {}).setdefault(intensity, [])
                node.place(_PROBE, Stressor(axis=axis, intensity=intensity), domain=_DOMAIN)
                for _ in range(self._settings.probe_windows):
                    yield
                    measured.append(node.indicator(_SUBJECT))
                node.remove(_PROBE)
        node.remove(_SUBJECT)

    def of_stressor(self, stressor: Stressor) -> Experiment:
        self._bench.node.place(_SUBJECT, stressor, domain=_DOMAIN)
        for _ in range(self._settings.probe_windows):
            yield
            self.solo.append(self._bench.latest(_DOMAIN))
        self._bench.node.remove(_SUBJECT)


def _responses(
    together: Mapping[Axis, Mapping[float, Sequence[float]]], kind: IndicatorKind, *, alone: float
) -> tuple[AxisResponse, ...]:
    slowdowns = {
        axis: {
            intensity: [slowdown_of(kind, alone=alone, together=value).value for value in values]
            for intensity, values in probes.items()
        }
        for axis, probes in together.items()
    }
    factor = float(np.exp(UPPER_DEVIATIONS * _deviation(slowdowns)))
    return tuple(
        AxisResponse(
            axis=axis,
            points=tuple(
                _point(intensity, float(np.median(values)), factor=factor) for intensity, values in probes.items()
            ),
        )
        for axis, probes in slowdowns.items()
    )


def _point(intensity: float, slowdown: float, *, factor: float) -> ResponsePoint:
    return ResponsePoint(pressure=intensity, slowdown=slowdown, upper=min(slowdown * factor, SLOWDOWN_CEILING))


def _deviation(slowdowns: Mapping[Axis, Mapping[float, Sequence[float]]]) -> float:
    """Standard deviation of the logarithm between windows of one probe, pooled over all probes of the run."""
    probes = [np.log(values) for points in slowdowns.values() for values in points.values() if len(values) > 1]
    if not probes:
        return LEAST_DEVIATION
    squares = sum(float(((probe - probe.mean()) ** 2).sum()) for probe in probes)
    return max(LEAST_DEVIATION, math.sqrt(squares / sum(len(probe) - 1 for probe in probes)))
