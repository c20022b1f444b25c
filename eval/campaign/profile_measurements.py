"""From what a profile run measured to the profile, on the testbed and in a lab."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

import numpy as np

from contracts.axis import Axis
from contracts.profile import AxisResponse, ResponsePoint, Tier, WorkloadProfile
from contracts.slowdown import SLOWDOWN_CEILING, IndicatorKind, slowdown_of
from contracts.vector import FeatureVector, to_json_values

UPPER_DEVIATIONS = 2.0
"""A response's upper bound lies so many standard deviations of the repeated probes' logarithms above the median."""
LEAST_DEVIATION = 0.01
"""Two probes may agree by chance; no indicator is measured better than this."""


@dataclass(slots=True, kw_only=True)
class ProfileMeasurements:
    """What one profile run measured.

    Attributes:
        solo: vectors of the domain with the subject alone; one at least before there is a profile.
        alone: its indicator in windows alone.
        together: the same beside a stressor, by axis and intensity; the axes as they were probed, intensities rising.
    """

    solo: list[FeatureVector] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    together: dict[Axis, dict[float, list[float]]] = field(default_factory=dict)

    def probe(self, axis: Axis, intensity: float) -> list[float]:
        """The indicators beside one stressor, to be added to."""
        return self.together.setdefault(axis, {}).setdefault(intensity, [])

    def forget_empty_probes(self) -> None:
        """Leave out probes during which no indicator was measured."""
        probed = {
            axis: {at: values for at, values in probes.items() if values} for axis, probes in self.together.items()
        }
        self.together = {axis: probes for axis, probes in probed.items() if probes}

    def profile(
        self,
        key: str,
        *,
        indicator: IndicatorKind | None,
        first_seen: datetime,
        last_seen: datetime,
        simulated: bool,
        believed: Mapping[Axis, ResponsePoint] = MappingProxyType({}),
        least_deviation: float = LEAST_DEVIATION,
    ) -> WorkloadProfile:
        """The profile: of tier ``probed`` where there were probes, else ``counters``.

        Args:
            key, indicator, first_seen, last_seen, simulated: as in the profile.
            believed: by axis a point that was not measured, at a higher intensity than any that was; none where there
                were no probes.
            least_deviation: of a measured logarithm, where this run's own probes are too few to tell.

        Raises:
            ContractError: an indicator beside a stressor is better than alone by more than noise.
        """
        responses = () if indicator is None else self._responses(indicator, believed, least_deviation)
        return WorkloadProfile(
            key=key,
            tier=Tier.PROBED if responses else Tier.COUNTERS,
            solo=median_values(self.solo),
            responses=responses,
            indicator=indicator,
            first_seen=first_seen,
            last_seen=last_seen,
            simulated=simulated,
        )

    def slowdowns(self, indicator: IndicatorKind) -> dict[Axis, dict[float, list[float]]]:
        """Of every probe's windows, against the median alone.

        Raises:
            ContractError: as above.
        """
        if not self.together:
            return {}
        alone = float(np.median(self.alone))
        return {
            axis: {
                intensity: [slowdown_of(indicator, alone=alone, together=value).value for value in values]
                for intensity, values in sorted(probes.items())
            }
            for axis, probes in self.together.items()
        }

    def _responses(
        self, indicator: IndicatorKind, believed: Mapping[Axis, ResponsePoint], least_deviation: float
    ) -> tuple[AxisResponse, ...]:
        slowdowns = self.slowdowns(indicator)
        factor = float(np.exp(UPPER_DEVIATIONS * max(deviation_of(slowdowns), least_deviation)))
        curves = {
            axis: [_point(intensity, float(np.median(values)), factor=factor) for intensity, values in probes.items()]
            for axis, probes in slowdowns.items()
        }
        for axis, point in believed.items():
            curves.setdefault(axis, []).append(point)
        return tuple(AxisResponse(axis=axis, points=tuple(points)) for axis, points in curves.items())


def median_values(vectors: Sequence[FeatureVector]) -> tuple[float | None, ...]:
    """Feature by feature the median of some windows, ``None`` where no window has it."""
    rows = np.stack([vector.values for vector in vectors])
    present = ~np.isnan(rows).all(axis=0)
    values = np.full(rows.shape[1], np.nan, dtype=np.float32)
    values[present] = np.nanmedian(rows[:, present], axis=0)
    return tuple(to_json_values(values))


def _point(intensity: float, slowdown: float, *, factor: float) -> ResponsePoint:
    return ResponsePoint(pressure=intensity, slowdown=slowdown, upper=min(slowdown * factor, SLOWDOWN_CEILING))


def deviation_of(slowdowns: Mapping[Axis, Mapping[float, Sequence[float]]]) -> float:
    """Standard deviation of the logarithm between windows of one probe, pooled over all probes of the run."""
    probes = [np.log(values) for points in slowdowns.values() for values in points.values() if len(values) > 1]
    if not probes:
        return LEAST_DEVIATION
    squares = sum(float(((probe - probe.mean()) ** 2).sum()) for probe in probes)
    return max(LEAST_DEVIATION, math.sqrt(squares / sum(len(probe) - 1 for probe in probes)))
