"""From a lab's recordings, schedule and indicators to labelled traces and profiles, by the testbed's own code.

A step that begins with one arrival, and with nobody's leaving, gives a row a victim: of its first whole window after
the settling time. A workload's first window alone in an experiment is its reference there, and its row alone is of the
second. Where it did not run alone in an experiment, the median over all experiments in which it did stands in.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from contracts.canonical import canonical_json
from contracts.errors import ContractError
from contracts.profile import WorkloadProfile
from contracts.vector import FeatureVector
from eval.campaign.campaign import alone_in
from eval.campaign.errors import CampaignError
from eval.campaign.lab.indicators import INDICATORS_FILE, Indicators
from eval.campaign.lab.recorded import RECORDINGS, RecordedWindows
from eval.campaign.lab.schedule import LAB_FILE, STEPS_FILE, Purpose, Schedule, Step, read_schedule
from eval.campaign.part import Part
from eval.campaign.parties import Participant
from eval.campaign.profile_measurements import ProfileMeasurements
from eval.campaign.rows import RowWriter, Window
from eval.campaign.store import KeptInDirectory
from pipelines.extract import SETTLING_WINDOWS

Progress = Callable[[str, float], None]

NO_WINDOW = "no whole window lies in the step after it settled: make steps longer"
NO_BEFORE = "no whole window lies in the step before it, which is of the same experiment and ends where it begins"
NOT_NEXT = f"more than {SETTLING_WINDOWS} windows lie between the one before the arrival and the one after it settled"
NO_INDICATOR = "the victim has no indicator at the end of the window"
NO_ALONE = "the victim never ran alone, with an indicator, for two whole windows"
BETTER_TOGETHER = "the victim did better together than alone by more than noise: offer the same load in both"


def replay_into(
    traces: Path, directory: Path, *, progress: Progress | None = None
) -> tuple[KeptInDirectory, Mapping[str, int]]:
    """Take a lab's campaign in.

    Args:
        traces: the directory of all campaigns.
        directory: ``lab.toml``, ``steps.csv``, ``indicators.csv``, and recordings.
        progress: told what is being done.

    Returns:
        The campaign; and how many rows were left out, by reason.

    Raises:
        CampaignError: a file is missing or makes no sense, somebody has no profile, or the directory of traces has
            another campaign of this name.
    """
    report = progress or (lambda _, __: None)
    schedule = read_schedule(directory)
    kept = KeptInDirectory(traces, name=schedule.lab.campaign, settings=_identity(directory))
    report("reading recordings", 0.1)
    indicators = Indicators(directory / INDICATORS_FILE, tolerance_ns=schedule.lab.indicator_tolerance_ns)
    windows = RecordedWindows(directory)
    report("making rows", 0.9)
    part, left_out = replayed(schedule, windows, indicators)
    with kept.claimed():
        kept.keep(0, part)
        kept.complete()
    return kept, left_out


def replayed(schedule: Schedule, windows: RecordedWindows, indicators: Indicators) -> tuple[Part, Mapping[str, int]]:
    """Rows, profiles and vectors of a lab's campaign; and how many rows were left out, by reason.

    Raises:
        CampaignError: somebody has no profile, or no row is left.
    """
    replay = _Replay(schedule, windows, indicators)
    profiles = replay.profiles()
    writer = RowWriter(
        campaign=schedule.lab.campaign,
        pressed_from=schedule.lab.pressed_from,
        profiles=profiles,
        simulated=schedule.lab.simulated,
    )
    arrivals, references = list(replay.arrivals()), replay.references()
    for arrival in arrivals:
        if arrival.alone:
            replay.write_alone(arrival, writer)
    medians = alone_in(writer.rows)
    for arrival in arrivals:
        if not arrival.alone:
            replay.write(arrival, writer, medians | references.get(arrival.step.experiment, {}))
    if not writer.rows:
        reasons = "; ".join(f"{reason} ({times} times)" for reason, times in replay.left_out.items())
        raise CampaignError(f"campaign {schedule.lab.campaign} has no row: {reasons or 'nobody arrived in any step'}")
    return Part(rows=tuple(writer.rows), profiles=tuple(profiles.values()), vectors=windows.vectors), replay.left_out


def _identity(directory: Path) -> bytes:
    """What tells this campaign from another of its name: its files."""
    files = [directory / name for name in (LAB_FILE, STEPS_FILE, INDICATORS_FILE)] + sorted(directory.glob(RECORDINGS))
    return canonical_json({file.name: _sha256(file) for file in files if file.exists()})


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A step in which somebody came, and the domain's last window before that."""

    step: Step
    latest: Participant
    before: FeatureVector

    @property
    def alone(self) -> bool:
        """Whether nobody was there before."""
        return len(self.step.occupants) == 1


class _Replay:
    """One schedule over its windows."""

    def __init__(self, schedule: Schedule, windows: RecordedWindows, indicators: Indicators) -> None:
        self._schedule = schedule
        self._windows = windows
        self._indicators = indicators
        self.left_out: Counter[str] = Counter()

    def profiles(self) -> dict[str, WorkloadProfile]:
        """Of everybody who takes part in a row, by key.

        Raises:
            CampaignError: somebody was not profiled.
        """
        measured: dict[str, list[Step]] = {}
        for step in self._steps(Purpose.PROFILE):
            for subject in _subjects(step):
                measured.setdefault(subject.key, []).append(step)
        profiles = {key: self._profile(key, steps) for key, steps in measured.items()}
        named = {each.key for step in self._steps(Purpose.ROWS) for each in step.occupants}
        if missing := sorted(named - profiles.keys()):
            raise CampaignError(
                f"{', '.join(missing)} take part and were not profiled: {STEPS_FILE} needs steps of purpose "
                f"{Purpose.PROFILE} in which each of them runs alone"
            )
        return profiles

    def _profile(self, key: str, steps: Sequence[Step]) -> WorkloadProfile:
        measured = ProfileMeasurements()
        subject = next(each for each in _subjects(steps[0]) if each.key == key)
        for step in steps:
            windows = self._settled(step)
            beside = next((each.injection for each in step.occupants if each.key != key), None)
            values = measured.alone if beside is None else measured.probe(beside.axis, beside.intensity)
            values.extend(self._values(subject, windows))
            if beside is None:
                measured.solo.extend(windows)
        if not measured.solo or (subject.indicator is not None and not measured.alone):
            raise CampaignError(f"profile of {key}: no whole window shows it alone, with its indicator; run it longer")
        measured.forget_empty_probes()
        try:
            return measured.profile(
                key,
                indicator=subject.indicator,
                first_seen=_utc(min(step.begin_ns for step in steps)),
                last_seen=_utc(max(step.end_ns for step in steps)),
                simulated=self._schedule.lab.simulated,
            )
        except ContractError as error:
            raise CampaignError(f"profile of {key}: {error}") from error

    def arrivals(self) -> Iterator[_Arrival]:
        """All steps that rows can be of."""
        steps = sorted(self._steps(Purpose.ROWS), key=lambda step: (step.node, step.domain, step.begin_ns))
        for _, own in groupby(steps, key=lambda step: (step.node, step.domain, step.experiment)):
            previous: Step | None = None
            for step in own:
                latest = _latest(previous, step)
                if latest is not None:
                    before = self._before(previous, step)
                    if before is None:
                        self.left_out[NO_BEFORE] += 1
                    else:
                        yield _Arrival(step=step, latest=latest, before=before)
                previous = step

    def _before(self, previous: Step | None, step: Step) -> FeatureVector | None:
        if previous is None or previous.end_ns != step.begin_ns:
            return None
        windows = self._settled(previous)
        return windows[-1] if windows else None

    def references(self) -> dict[str, dict[str, float]]:
        """By experiment, of each workload the indicator of its first window alone."""
        found: dict[str, dict[str, float]] = {}
        for step in self._steps(Purpose.ROWS):
            if len(step.occupants) == 1 and (windows := self._settled(step)):
                alone = step.occupants[0]
                value = self._value(alone, windows[0])
                if value is not None:
                    found.setdefault(step.experiment, {}).setdefault(alone.key, value)
        return found

    def write_alone(self, arrival: _Arrival, writer: RowWriter) -> None:
        """The row of a workload that came to an empty domain: of one of its first two windows, against the other.

        The second is the row's, unless only the first is near enough to the window before the arrival.
        """
        subject, windows = arrival.latest, self._settled(arrival.step)
        if subject.indicator is None:
            return
        if len(windows) < 2:
            self.left_out[NO_WINDOW] += 1
            return
        during, reference = windows[1], windows[0]
        if not self._is_next(arrival, during):
            during, reference = reference, during
        alone = self._value(subject, reference)
        self._write(arrival, during, writer, {} if alone is None else {subject.key: alone})

    def write(self, arrival: _Arrival, writer: RowWriter, alone: Mapping[str, float]) -> None:
        """The rows of an arrival in company, of the first window after it."""
        windows = self._settled(arrival.step)
        if windows:
            self._write(arrival, windows[0], writer, alone)
        else:
            self.left_out[NO_WINDOW] += 1

    def _write(self, arrival: _Arrival, during: FeatureVector, writer: RowWriter, alone: Mapping[str, float]) -> None:
        if not self._is_next(arrival, during):
            self.left_out[NOT_NEXT] += 1
            return
        for victim in arrival.step.occupants:
            if victim.indicator is not None:
                self._write_victim(arrival, victim, during, writer, alone)

    def _is_next(self, arrival: _Arrival, during: FeatureVector) -> bool:
        """Whether the training's join finds the window before the arrival from this one."""
        step = arrival.step
        passed = self._windows.between(
            step.node, step.domain, begin_ns=arrival.before.window_end_ns, end_ns=during.window_start_ns
        )
        return len(passed) <= SETTLING_WINDOWS

    def _write_victim(
        self,
        arrival: _Arrival,
        victim: Participant,
        during: FeatureVector,
        writer: RowWriter,
        alone: Mapping[str, float],
    ) -> None:
        together = self._value(victim, during)
        if together is None or victim.key not in alone:
            self.left_out[NO_INDICATOR if together is None else NO_ALONE] += 1
            return
        try:
            writer.write(
                Window(
                    before=arrival.before,
                    during=during,
                    participants={each.key: each for each in arrival.step.occupants},
                    latest=arrival.latest.key,
                    alone={victim.key: alone[victim.key]},
                    together={victim.key: together},
                )
            )
        except ContractError:
            self.left_out[BETTER_TOGETHER] += 1

    def _steps(self, purpose: Purpose) -> Iterator[Step]:
        return (step for step in self._schedule.steps if step.purpose is purpose)

    def _settled(self, step: Step) -> Sequence[FeatureVector]:
        settled_ns = step.begin_ns + self._schedule.lab.settling_ns
        return self._windows.between(step.node, step.domain, begin_ns=settled_ns, end_ns=step.end_ns)

    def _values(self, subject: Participant, windows: Sequence[FeatureVector]) -> Iterator[float]:
        return (value for window in windows if (value := self._value(subject, window)) is not None)

    def _value(self, subject: Participant, window: FeatureVector) -> float | None:
        return None if subject.indicator is None else self._indicators.of(subject.key, window)


def _subjects(step: Step) -> Sequence[Participant]:
    """Whose profile a step belongs to: the workload beside a stressor, or whoever is alone."""
    workloads = [each for each in step.occupants if each.indicator is not None]
    if len(step.occupants) == 1:
        return step.occupants
    return workloads if len(step.occupants) == 2 and len(workloads) == 1 else ()


def _latest(previous: Step | None, step: Step) -> Participant | None:
    """Who came with the step, if it was one and nobody left meanwhile."""
    residents = {each.key for each in previous.occupants} if previous is not None else set()
    came = [each for each in step.occupants if each.key not in residents]
    stayed = {each.key for each in step.occupants} >= residents
    return came[0] if len(came) == 1 and stayed else None


def _utc(at_ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_ns // 1000)
