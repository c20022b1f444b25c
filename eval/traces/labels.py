"""From windows in phases to labelled traces, where somebody measured a victim's indicator alone and in company.

No slowdown is invented: without an indicator, a window alone, a vector before the arrival and a profile of everybody, a
window stays a vector, and the reason is told.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from contracts.axis import AXES, Axis
from contracts.errors import ContractError
from contracts.profile import Tier, WorkloadProfile
from contracts.slowdown import slowdown_of
from contracts.trace import LabelledTrace, Party, Provenance
from contracts.vector import FeatureVector, to_json_values
from eval.traces.cells import CellError
from eval.traces.label_section import LabelSection, Phase
from eval.traces.mapping import Mapping as MappingFile
from eval.traces.quantities import added_up
from eval.traces.refusal import Refusal, Refusals
from eval.traces.vectors import Vectors
from eval.traces.windows import Window
from pipelines.labels import by_rules
from pipelines.settings import TrainingSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNLABELLED = "no labelled trace"
_ADVICE = "the window is kept as a vector; measure what is missing, or name it in [label]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A window of the label's domain and its vector."""

    window: Window
    vector: FeatureVector


class Labels:
    """Makes labelled traces of one domain's windows, in the order of time."""

    def __init__(
        self, mapping: MappingFile, windows: Sequence[Measured], *, known: Mapping[str, WorkloadProfile], file: str
    ) -> None:
        if mapping.label is None:
            raise ValueError("the mapping has no [label]")
        self._mapping = mapping
        self._label: LabelSection = mapping.label
        self._windows = windows
        self._file = file
        self._known = dict(known)
        self._known |= {key: profile for key in self._label.parties if (profile := self._profile(key)) is not None}
        self._alone = {key: self._indicator_alone(key) for key in self._label.parties}

    def rows(self, refusals: Refusals) -> tuple[LabelledTrace, ...]:
        """All rows; a window that should give one and can't is refused."""
        rows = []
        earlier: Measured | None = None
        for place, measured in enumerate(self._windows):
            phase = self._phase(measured)
            if place and phase is not self._phase(self._windows[place - 1]):
                earlier = self._windows[place - 1]
            if phase is None or phase.arrived is None:
                continue
            for victim in phase.parties:
                if self._label.parties[victim].indicator is None:
                    continue
                try:
                    rows.append(self._row(measured, phase, victim, earlier=earlier))
                except (CellError, ContractError) as error:
                    line = measured.window.line
                    refusals.refuse(
                        Refusal(file=self._file, row=line, kind=UNLABELLED, reason=f"{victim}: {error}", advice=_ADVICE)
                    )
        return tuple(rows)

    def profiles(self, rows: Sequence[LabelledTrace]) -> tuple[WorkloadProfile, ...]:
        """The profiles that rows name."""
        named = {party.profile for row in rows for party in (row.victim, *row.co_runners)}
        return tuple(profile for profile in self._known.values() if profile.digest in named)

    def _row(self, measured: Measured, phase: Phase, victim: str, *, earlier: Measured | None) -> LabelledTrace:
        window, during = measured.window, measured.vector
        assert phase.arrived is not None
        indicator = self._label.parties[victim].indicator
        assert indicator is not None
        together = window.indicators[victim]
        if math.isnan(together):
            raise CellError("its indicator was not measured in the window")
        alone = self._alone[victim]
        if alone is None:
            raise CellError("no window measured it alone, and its indicator has no alone: a slowdown is not invented")
        slowdown = slowdown_of(indicator.kind, alone=alone, together=together)
        pressed, provenance = self._regime(phase, during)
        return LabelledTrace(
            node=during.node,
            domain=during.domain,
            window_start_ns=during.window_start_ns,
            window_length_ns=during.window_length_ns,
            before=tuple(to_json_values(self._before(earlier, phase).values)),
            during=tuple(to_json_values(during.values)),
            victim=self._party(victim, window),
            co_runners=tuple(self._party(key, window) for key in phase.parties if key != victim),
            latest_arrival=phase.arrived,
            victim_arrived_last=phase.arrived == victim,
            injected=phase.injected,
            indicator=indicator.kind,
            alone=alone,
            together=together,
            slowdown=slowdown.value,
            censored=slowdown.censored,
            pressed=pressed,
            provenance=provenance,
            campaign=self._mapping.campaign_name,
            simulated=False,
        )

    def _phase(self, measured: Measured) -> Phase | None:
        return self._label.phases.get(measured.window.phase)

    def _indicator_alone(self, key: str) -> float | None:
        """As the mapping states it, else the median of the windows alone."""
        indicator = self._label.parties[key].indicator
        if indicator is None or indicator.alone is not None:
            return indicator.alone if indicator is not None else None
        values = [each.window.indicators[key] for each in self._windows if self._is_alone(each, key)]
        measured = [value for value in values if not math.isnan(value)]
        return median(measured) if measured else None

    def _is_alone(self, measured: Measured, key: str) -> bool:
        phase = self._phase(measured)
        return phase is not None and phase.parties == (key,)

    def _before(self, earlier: Measured | None, phase: Phase) -> FeatureVector:
        """The last vector of the phase before, if those were there who were there before the arrival."""
        others = {key for key in phase.parties if key != phase.arrived}
        was = self._phase(earlier) if earlier is not None else None
        if earlier is None or was is None or set(was.parties) != others:
            raise CellError(
                f"no window right before {phase.arrived} arrived shows the domain without it, with "
                f"{', '.join(sorted(others)) or 'nobody'} there"
            )
        return earlier.vector

    def _regime(self, phase: Phase, during: FeatureVector) -> tuple[tuple[Axis, ...], Provenance]:
        """The label. Rules are for the characterised CPU: on another nobody says that an axis is pressed."""
        if phase.pressed is not None:
            return tuple(axis for axis in AXES if axis in phase.pressed), Provenance.OPERATOR
        if phase.injected:
            least = TrainingSettings().injected_intensity
            strong = {each.axis for each in phase.injected if each.intensity >= least}
            return tuple(axis for axis in AXES if axis in strong), Provenance.INJECTED
        if not self._mapping.node.characterised:
            return (), Provenance.RULE
        said = by_rules(np.asarray(during.values)[None, :])[0].tolist()
        return tuple(axis for axis, answer in zip(AXES, said, strict=True) if answer == 1.0), Provenance.RULE

    def _party(self, key: str, window: Window) -> Party:
        profile = self._known.get(key)
        if profile is None:
            raise CellError(
                f"nothing is known of {key}: no window shows it alone before it is in company, and no profile of it "
                "stands in [label] profiles"
            )
        if is_younger(profile, window.start_ns):
            raise CellError(f"the profile of {key} is younger than the window: it would know the answer")
        return Party(key=key, profile=profile.digest, group=self._label.parties[key].group)

    def _profile(self, key: str) -> WorkloadProfile | None:
        """Of the windows in which it was alone before it was first in company: counts summed, quotients taken after."""
        first = next((place for place, each in enumerate(self._windows) if self._is_in_company(each, key)), None)
        alone = [each for each in self._windows[:first] if self._is_alone(each, key)]
        if not alone:
            return None
        amounts = added_up([each.window.amounts for each in alone], self._mapping.columns)
        lengths = sum(each.window.length_ns for each in alone)
        solo = Vectors(self._mapping).values(amounts, seconds=lengths / 1e9)
        indicator = self._label.parties[key].indicator
        last = alone[-1].window
        return WorkloadProfile(
            key=key,
            tier=Tier.COUNTERS,
            solo=tuple(to_json_values(solo)),
            indicator=indicator.kind if indicator is not None else None,
            first_seen=_time(alone[0].window.start_ns),
            last_seen=_time(last.start_ns + last.length_ns),
        )

    def _is_in_company(self, measured: Measured, key: str) -> bool:
        phase = self._phase(measured)
        return phase is not None and key in phase.parties and len(phase.parties) > 1


def is_younger(profile: WorkloadProfile, start_ns: int) -> bool:
    """Whether something went into a profile after a time, in UTC nanoseconds."""
    return (profile.last_seen - _EPOCH) // timedelta(microseconds=1) * 1000 > start_ns


def _time(ns: int) -> datetime:
    """A microsecond early: a double can't tell nearer times apart, and a profile must not look younger than it is."""
    return _EPOCH + timedelta(microseconds=ns // 1000 - 1)
