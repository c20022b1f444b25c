"""From one window and its victims to labelled traces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from contracts.axis import AXES, Axis
from contracts.profile import WorkloadProfile
from contracts.slowdown import slowdown_of
from contracts.trace import Injection, LabelledTrace, Party, Provenance
from contracts.vector import FeatureVector, to_json_values
from eval.campaign.parties import party_of
from eval.campaign.settings import CampaignSettings
from eval.testbed.node import Occupant
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload
from pipelines.labels import by_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One measured window of a domain.

    Attributes:
        before: the domain's vector without the latest arrival.
        during: its vector over the window.
        occupants: all of them, by uid.
        latest: uid of who came last.
        alone: indicator of each victim with the domain to itself, by uid.
        together: the same during the window; victims are those whom it names.
    """

    before: FeatureVector
    during: FeatureVector
    occupants: Mapping[str, Occupant]
    latest: str
    alone: Mapping[str, float]
    together: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWriter:
    """Makes rows of windows and keeps them.

    Attributes:
        settings: name of the campaign, and from which intensity a stressor presses.
        profiles: of everybody who takes part, by key; they stand before the first row is made.
        rows: what was written so far.
    """

    settings: CampaignSettings
    profiles: Mapping[str, WorkloadProfile]
    rows: list[LabelledTrace] = field(default_factory=list)

    def write(self, window: Window) -> None:
        """One row a victim."""
        for uid in window.together:
            self.rows.append(self._row(window, uid))

    def _row(self, window: Window, uid: str) -> LabelledTrace:
        victim = window.occupants[uid]
        if not isinstance(victim, Workload):
            raise TypeError(f"{uid} is no workload: a victim has an indicator")
        stressors = [occupant for occupant in window.occupants.values() if isinstance(occupant, Stressor)]
        alone, together = window.alone[uid], window.together[uid]
        slowdown = slowdown_of(victim.indicator, alone=alone, together=together)
        return LabelledTrace(
            node=window.during.node,
            domain=window.during.domain,
            window_start_ns=window.during.window_start_ns,
            window_length_ns=window.during.window_length_ns,
            before=tuple(to_json_values(window.before.values)),
            during=tuple(to_json_values(window.during.values)),
            victim=party_of(victim, self.profiles),
            co_runners=self._others(window, uid),
            latest_arrival=window.occupants[window.latest].name,
            victim_arrived_last=window.latest == uid,
            injected=tuple(Injection(axis=each.axis, intensity=each.intensity) for each in stressors),
            indicator=victim.indicator,
            alone=alone,
            together=together,
            slowdown=slowdown.value,
            censored=slowdown.censored,
            pressed=self._pressed(window.during, stressors),
            provenance=Provenance.INJECTED if stressors else Provenance.RULE,
            campaign=self.settings.name,
            simulated=True,
        )

    def _others(self, window: Window, uid: str) -> tuple[Party, ...]:
        return tuple(party_of(occupant, self.profiles) for other, occupant in window.occupants.items() if other != uid)

    def _pressed(self, during: FeatureVector, stressors: Sequence[Stressor]) -> tuple[Axis, ...]:
        """The axes of strong stressors; where none ran, what the training's own rules say of the vector."""
        if stressors:
            strong = {each.axis for each in stressors if each.intensity >= self.settings.pressed_from}
            return tuple(axis for axis in AXES if axis in strong)
        said = by_rules(np.asarray(during.values)[None, :])[0]
        return tuple(axis for axis, answer in zip(AXES, said.tolist(), strict=True) if answer == 1.0)
