"""From one window and its victims to labelled traces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from contracts.axis import AXES, Axis
from contracts.profile import WorkloadProfile
from contracts.slowdown import slowdown_of
from contracts.trace import Injection, LabelledTrace, Provenance
from contracts.vector import FeatureVector, to_json_values
from eval.campaign.parties import Participant
from pipelines.labels import by_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One measured window of a domain.

    Attributes:
        before: the domain's vector without the latest arrival.
        during: its vector over the window.
        participants: all who run there, by uid.
        latest: uid of who came last.
        alone: indicator of each victim with the domain to itself, by uid.
        together: the same during the window; victims are those whom it names.
    """

    before: FeatureVector
    during: FeatureVector
    participants: Mapping[str, Participant]
    latest: str
    alone: Mapping[str, float]
    together: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWriter:
    """Makes rows of windows and keeps them.

    Attributes:
        campaign: its name.
        pressed_from: intensity from which a stressor presses its axis.
        profiles: of everybody who takes part, by key; they stand before the first row is made.
        simulated: measured on the testbed.
        rows: what was written so far.
    """

    campaign: str
    pressed_from: float
    profiles: Mapping[str, WorkloadProfile]
    simulated: bool
    rows: list[LabelledTrace] = field(default_factory=list)

    def write(self, window: Window) -> None:
        """One row a victim."""
        for uid in window.together:
            self.rows.append(self._row(window, uid))

    def _row(self, window: Window, uid: str) -> LabelledTrace:
        victim = window.participants[uid]
        if victim.indicator is None:
            raise TypeError(f"{uid} is no workload: a victim has an indicator")
        injected = tuple(each.injection for each in window.participants.values() if each.injection is not None)
        alone, together = window.alone[uid], window.together[uid]
        slowdown = slowdown_of(victim.indicator, alone=alone, together=together)
        return LabelledTrace(
            node=window.during.node,
            domain=window.during.domain,
            window_start_ns=window.during.window_start_ns,
            window_length_ns=window.during.window_length_ns,
            before=tuple(to_json_values(window.before.values)),
            during=tuple(to_json_values(window.during.values)),
            victim=victim.party(self.profiles),
            co_runners=tuple(each.party(self.profiles) for other, each in window.participants.items() if other != uid),
            latest_arrival=window.participants[window.latest].key,
            victim_arrived_last=window.latest == uid,
            injected=injected,
            indicator=victim.indicator,
            alone=alone,
            together=together,
            slowdown=slowdown.value,
            censored=slowdown.censored,
            pressed=self._pressed(window.during, injected),
            provenance=Provenance.INJECTED if injected else Provenance.RULE,
            campaign=self.campaign,
            simulated=self.simulated,
        )

    def _pressed(self, during: FeatureVector, injected: Sequence[Injection]) -> tuple[Axis, ...]:
        """The axes of strong stressors; where none ran, what the training's own rules say of the vector."""
        if injected:
            strong = {each.axis for each in injected if each.intensity >= self.pressed_from}
            return tuple(axis for axis in AXES if axis in strong)
        said = by_rules(np.asarray(during.values)[None, :])[0]
        return tuple(axis for axis, answer in zip(AXES, said.tolist(), strict=True) if answer == 1.0)
