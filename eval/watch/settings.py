"""What the watch can be told, in one typed object."""

from typing import Annotated

from pydantic import Field

from contracts.model import Document

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0.0)]
OpenShare = Annotated[float, Field(gt=0.0, lt=1.0)]

TESTS = 3
"""Coverage, regimes, vectors."""


class WatchSettings(Document):
    """How alarms are raised, and what is done about them.

    Attributes:
        level: the chance of any false alarm within ``horizon_days`` days; of a second one it is its square.
        horizon_days: see there.
        period_seconds: outcomes of a period are bet on together. Where live coverage ebbs with the hours of the day by
            more than ``coverage_slack``, make it a day.
        settling_seconds: a period is closed so long after its end; what comes later is counted as late.
        coverage_slack: live coverage may be this much below what the champion states before it is held against it.
        disagreement: share of windows whose regime may contradict what is known to have pressed them.
        fewest_groups: workload groups (of regimes: nodes) that a period needs to be closed.
        vector_periods: so many periods make one day of the vectors' test.
        reference_days, calibration_days: of the vectors' test, each of ``vector_periods`` periods, before it begins.
        skew_seconds: how far clocks of the nodes and of the extender may lie apart.
        patience_seconds: a prediction without an outcome for so long is counted as such.
        late_seconds: how far back labels are looked for that came late.
        fresh_groups: a training needs so many workload groups with new windows since the last one.
        fresh_windows: so many windows make a group count.
        training_seconds: a training that takes longer hangs, and is ended.
        cooling_seconds: after a training, before the watch begins anew.
        guard_periods: after a promotion, how many periods the new champion is compared with the former one.
        guard_level: the chance that a champion that is no worse is ever sent back.
    """

    level: OpenShare = 0.05
    horizon_days: Count = 1_000
    period_seconds: Seconds = 3_600.0
    settling_seconds: Annotated[float, Field(ge=0.0)] = 600.0
    coverage_slack: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.05
    disagreement: OpenShare = 0.1
    fewest_groups: Count = 3
    vector_periods: Count = 24
    reference_days: Count = 5
    calibration_days: Count = 20
    skew_seconds: Annotated[float, Field(ge=0.0)] = 30.0
    patience_seconds: Seconds = 86_400.0
    late_seconds: Seconds = 86_400.0
    fresh_groups: Count = 5
    fresh_windows: Count = 10
    training_seconds: Seconds = 21_600.0
    cooling_seconds: Annotated[float, Field(ge=0.0)] = 86_400.0
    guard_periods: Count = 168
    guard_level: OpenShare = 0.05
