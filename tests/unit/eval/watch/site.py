"""A made-up site for the watch: a bundle worked out by hand, windows whose slowdowns are told, and ports in memory.

Trainings and the registry remember what was done to them, as the real ones do, whatever happens to who asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.profile import WorkloadProfile
from contracts.slowdown import IndicatorKind, slowdown_of
from contracts.trace import LabelledTrace, Party, Provenance
from eval.watch.errors import WatchError
from eval.watch.evidence_in_memory import EvidenceInMemory
from eval.watch.models import Served, Verdict
from eval.watch.settings import WatchSettings
from eval.watch.state import Kept
from eval.watch.trainer import RunState, RunStatus
from eval.watch.watch import Ports, Watch
from serving.bundle_directory import Bundle, read_bundle, write_bundle
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest, profile

MADE = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GROUPS = tuple("pqrst")
KNOWN = {group: profile(f"workload-{group}", pressure=0.2, sensitivity=2.0) for group in GROUPS}
BESIDE = PROFILES[1]
GOOD, BETWEEN, BAD = 105.0, 170.0, 480.0
"""Latency beside another, of 100 alone: within every bound, within that of a margin of 0 and beyond that of -0.5, and
beyond every bound below the ceiling."""

SETTINGS = WatchSettings(
    settling_seconds=0.0, cooling_seconds=4 * 3600.0, guard_periods=12, reference_days=1, calibration_days=2
)


def bundle_in(directory: Path, *, version: str = "1", margin: float = 0.1, created: datetime = MADE) -> Bundle:
    """Trained on groups a to d; its bounds are wider the higher the margin."""
    told = manifest(version=version, created=created)
    margins = tuple(one.model_copy(update={"log_margin": margin}) for one in told.bound_calibrations)
    place = directory / version
    write_bundle(
        place,
        manifest=told.model_copy(update={"bound_calibrations": margins}),
        graphs=graphs(),
        profiles=(*PROFILES, *KNOWN.values()),
    )
    return read_bundle(place)


def window(
    at: datetime, together: float = GOOD, *, group: str = "p", known: WorkloadProfile | None = None, **changes: Any
) -> LabelledTrace:
    """Ten seconds of one victim, beside a batch job that came last."""
    own = known or KNOWN[group]
    slowdown = slowdown_of(IndicatorKind.LATENCY_P99, alone=100.0, together=together)
    vector = (0.1,) * len(own.solo)
    fields = {
        "node": f"spr-{group}",
        "domain": "socket0",
        "window_start_ns": round(at.timestamp()) * 1_000_000_000,
        "window_length_ns": 10_000_000_000,
        "before": vector,
        "during": vector,
        "victim": Party(key=own.key, profile=own.digest, group=group),
        "co_runners": (Party(key=BESIDE.key, profile=BESIDE.digest, group="b"),),
        "latest_arrival": BESIDE.key,
        "victim_arrived_last": False,
        "indicator": IndicatorKind.LATENCY_P99,
        "alone": 100.0,
        "together": together,
        "slowdown": slowdown.value,
        "censored": slowdown.censored,
        "provenance": Provenance.OPERATOR,
        "campaign": "production",
        "simulated": True,
    }
    return LabelledTrace.model_validate(fields | changes)


def hour_of(began: datetime, together: float, *, groups: Iterable[str] = GROUPS) -> list[LabelledTrace]:
    """Two windows of each group within an hour."""
    return [window(began + timedelta(minutes=minute), together, group=group) for group in groups for minute in (10, 40)]


@dataclass(slots=True, kw_only=True)
class Registry:
    """See ``eval.watch.models.Models``."""

    served: Served | None
    bundles: dict[str, Bundle]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    champions: list[Served] = field(default_factory=list)
    sent_back: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)

    def champion(self) -> Served | None:
        return self.served

    def bundle(self, digest: str) -> Bundle | None:
        return self.bundles.get(digest)

    def versions(self) -> tuple[str, ...]:
        return tuple(self.numbers)

    def verdict(self, version: str) -> Verdict:
        return self.verdicts[version]

    def promote(self, bundle: Bundle) -> None:
        if self.served is not None:
            self.champions.append(self.served)
        self.served = Served(version=bundle.manifest.version, digest=bundle.digest)
        self.bundles[bundle.digest] = bundle
        self.numbers.append(bundle.manifest.version)

    def go_back(self, *, left: Served, to: Served, reason: str) -> None:
        if self.served == to:
            return
        if self.served != left or self.champions[-1:] != [to]:
            raise WatchError("somebody else has moved the alias")
        self.served = self.champions.pop()
        self.sent_back.append(reason)


@dataclass(slots=True, kw_only=True)
class TrainingHall:
    """See ``eval.watch.trainer.Trainer``: each training ends at once, and promotes the bundle that is waiting."""

    registry: Registry
    next_bundle: Bundle | None = None
    runs: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    state: RunState = RunState.ENDED

    def known(self) -> tuple[str, ...]:
        return tuple(self.runs)

    def start(self, run: str) -> str:
        self.runs.append(run)
        if self.next_bundle is not None and self.state is RunState.ENDED:
            made = self.next_bundle
            self.registry.promote(made)
            self.registry.verdicts[made.manifest.version] = Verdict(
                version=made.manifest.version, digest=made.digest, asked=True, promoted=True, refusals=()
            )
        return run

    def find(self, run: str, before: tuple[str, ...]) -> str | None:
        return run if run in self.runs and run not in before else None

    def status(self, handle: str) -> RunStatus:
        return RunStatus(state=self.state, said="as it was told")

    def end(self, handle: str) -> None:
        self.ended.append(handle)


@dataclass(slots=True, kw_only=True)
class Site:
    """All of it, and the time."""

    now: datetime
    evidence: EvidenceInMemory
    registry: Registry
    hall: TrainingHall

    @property
    def ports(self) -> Ports:
        return Ports(evidence=self.evidence, models=self.registry, trainer=self.hall, clock=lambda: self.now)

    def watch(self, kept: Kept, settings: WatchSettings = SETTINGS) -> Watch:
        return Watch(kept, self.ports, settings)

    def live(self, together: float, *, groups: Sequence[str] = GROUPS) -> None:
        """An hour passes."""
        self.evidence.add(hour_of(self.now, together, groups=groups), (*KNOWN.values(), *PROFILES))
        self.now += HOUR


def site_in(directory: Path, *, margin: float = 0.1) -> Site:
    """Bundle 1 serves; nothing has happened yet. It is some days after the bundle was made."""
    return site_of(bundle_in(directory, margin=margin))


def site_of(bundle: Bundle) -> Site:
    """The same with a bundle that is there."""
    registry = Registry(served=None, bundles={})
    registry.promote(bundle)
    return Site(
        now=MADE + timedelta(days=2),
        evidence=EvidenceInMemory(),
        registry=registry,
        hall=TrainingHall(registry=registry),
    )
