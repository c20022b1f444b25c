"""Who takes part in a window: on the testbed or in a lab, by what a labelled trace says of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.axis import Axis
from contracts.profile import WorkloadProfile
from contracts.slowdown import IndicatorKind
from contracts.trace import Injection, Party
from eval.testbed.node import Occupant
from eval.testbed.stressor import Stressor
from pipelines.folds import STRESSOR_GROUP


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A workload or a stressor on a domain.

    Attributes:
        key: its profile's.
        group: what is held out together with it.
        indicator: what a workload is judged by; ``None`` for a stressor.
        injection: what a stressor presses; ``None`` for a workload.
    """

    key: str
    group: str
    indicator: IndicatorKind | None = None
    injection: Injection | None = None

    def party(self, profiles: Mapping[str, WorkloadProfile]) -> Party:
        """As a labelled trace names it: with the digest of its profile among ``profiles``, which are by key."""
        return Party(key=self.key, profile=profiles[self.key].digest, group=self.group)


def participant(occupant: Occupant) -> Participant:
    """An occupant of a simulated node."""
    if isinstance(occupant, Stressor):
        return stressor_participant(axis=occupant.axis, intensity=occupant.intensity)
    return Participant(key=occupant.name, group=occupant.group, indicator=occupant.indicator)


def stressor_participant(*, axis: Axis, intensity: float) -> Participant:
    """A stressor; its key tells axis and intensity in hundredths.

    >>> stressor_participant(axis=Axis.LLC, intensity=0.5).key
    'stressor-llc-050'
    """
    return Participant(
        key=f"stressor-{axis}-{round(100 * intensity):03d}",
        group=STRESSOR_GROUP,
        injection=Injection(axis=axis, intensity=intensity),
    )
