"""The loop shown end to end on the testbed: a change, the alarm, a training, the gate, and bounds that hold again.

python -m eval.watch.demonstration --state DIRECTORY [--change family|part|firmware] [--in-memory] [--short]

A campaign characterises a site and trains the first champion. The site lives on, an hour at a time by a clock of its
own, and the watch looks every hour. Then something changes. All of it is simulated.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from contracts.profile import WorkloadProfile
from eval.campaign import run_campaign
from eval.campaign.part import Part
from eval.campaign.store import KeptInDirectory
from eval.watch.bounds import Judge
from eval.watch.change import Change, former_name, halved, population
from eval.watch.errors import WatchError
from eval.watch.evidence import Evidence, StoredEvidence
from eval.watch.evidence_in_memory import EvidenceInMemory
from eval.watch.ledger import nanoseconds
from eval.watch.live_site import HOUR_NS, Firmware, Hour, LiveSite
from eval.watch.local_trainer import LocalTrainer
from eval.watch.local_training import write_settings
from eval.watch.models import RegistryModels
from eval.watch.scale import SHORT, WHOLE, Scale
from eval.watch.state import Event, Kept, Phase, Record
from eval.watch.trainer_in_process import TrainerInProcess
from eval.watch.watch import Ports, Watch
from feature_repo.ingest import Ingest
from feature_repo.labels import write_labels
from feature_repo.profiles import write_profiles
from feature_repo.store import open_store
from pipelines.dataset import VECTORS_FOLDER, dataset_directory
from pipelines.local_run import train_locally
from pipelines.registry import local_registry
from serving.bundle_directory import Bundle

LIVE = "live"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LivedHour:
    """One hour as it was lived.

    Attributes:
        number: from 0.
        version: of the champion.
        held: share of windows whose bound held, mean over workload groups.
        contradicted: share of windows whose regime is known to be another.
        news: what the watch said in it.
    """

    number: int
    version: str
    held: float
    contradicted: float
    news: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstrated:
    """What was shown.

    Attributes:
        hours: all of them.
        changed: number of the first hour after the change.
    """

    hours: tuple[LivedHour, ...]
    changed: int

    @property
    def alarmed_after(self) -> int | None:
        """Hours from the change to the alarm, its own among them; ``None`` without one."""
        alarms = (hour.number for hour in self.hours if any(record.event is Event.ALARM for record in hour.news))
        return next((number - self.changed + 1 for number in alarms if number >= self.changed), None)

    def mean(self, of: Callable[[LivedHour], float], hours: Sequence[LivedHour]) -> float:
        """Of some hours."""
        return float(np.mean([of(hour) for hour in hours]))


class Demonstration:
    """A site, its watch, and what lies between them.

    Args:
        state: an empty state directory.
        change: what is to change.
        scale: how large.
        in_memory: no feature store and no Kubeflow pipeline between, for where there is no time for them.
    """

    def __init__(self, state: Path, change: Change, scale: Scale, *, in_memory: bool) -> None:
        self._state, self._change, self._scale = state, change, scale
        self._site = LiveSite(scale.campaign, campaign=LIVE, mixes=scale.mixes)
        self._kept = KeptInDirectory(dataset_directory(state), name=LIVE, settings=b"{}")
        self._now = datetime.now(UTC)
        self._profiles: dict[str, WorkloadProfile] = {}
        self._memory = EvidenceInMemory() if in_memory else None
        self._models = RegistryModels(state, local_registry(state))

    def show(self, told: Callable[[LivedHour], None]) -> Demonstrated:
        """Show it.

        Args:
            told: each hour as it was lived.

        Raises:
            WatchError: the first training was refused.
        """
        self._characterise()
        self._now = _EPOCH + timedelta(hours=nanoseconds(datetime.now(UTC)) // HOUR_NS + 1)
        evidence: Evidence = self._memory or StoredEvidence(self._state)
        trainer = TrainerInProcess(self._state, self._scale.training) if self._memory else LocalTrainer(self._state)
        ports = Ports(evidence=evidence, models=self._models, trainer=trainer, clock=lambda: self._now)
        kept, hours = Kept(self._state), list[LivedHour]()
        with kept.claimed():
            watch = Watch(kept, ports, self._scale.watch)
            watch.look()
            for hour in self._lived(watch):
                hours.append(hour)
                told(hour)
        return Demonstrated(hours=tuple(hours), changed=self._scale.quiet)

    def _lived(self, watch: Watch) -> Iterator[LivedHour]:
        """Hours until some have passed after the gate decided, or too many without."""
        scale, left = self._scale, self._scale.after
        decided = False
        for number in range(scale.quiet + scale.most):
            lived = self._looked_at(number, self._hour(changed=number >= scale.quiet), watch)
            yield lived
            if decided and (left := left - 1) == 0:
                return
            decided = decided or any(record.event is Event.DECIDED for record in lived.news)

    def _hour(self, *, changed: bool) -> Hour:
        began_ns = nanoseconds(self._now)
        self._now += timedelta(hours=1)
        who = population(self._scale.campaign.workloads, self._change if changed else None)
        for one in who:
            former = self._profiles[former_name(one)]
            self._profiles.setdefault(one.name, former.model_copy(update={"key": one.name}))
        firmware: Firmware | None = halved if changed and self._change is Change.FIRMWARE else None
        hour = self._site.hour(began_ns, who, self._profiles, firmware=firmware)
        self._store(hour, began_ns)
        return hour

    def _looked_at(self, number: int, hour: Hour, watch: Watch) -> LivedHour:
        served = watch.state.champion
        bundle = None if served is None else self._models.bundle(served.digest)
        if served is None or bundle is None:
            raise WatchError("no champion serves: the first training was refused")
        news = [*watch.look()]
        while watch.state.phase is Phase.TRAINING:
            time.sleep(_POLL_SECONDS if self._memory is None else 0.0)
            news.extend(watch.look())
        held, wrong = _live_figures(bundle, hour, self._profiles)
        return LivedHour(number=number, version=served.version, held=held, contradicted=wrong, news=tuple(news))

    def _characterise(self) -> None:
        """The first campaign, and a champion that is trained on it."""
        campaign = run_campaign(self._scale.campaign)
        self._profiles = {profile.key: profile for profile in campaign.profiles}
        first = KeptInDirectory(dataset_directory(self._state), name=self._scale.campaign.name, settings=b"{}")
        (first.path / VECTORS_FOLDER).mkdir(parents=True)
        (self._kept.path / VECTORS_FOLDER).mkdir(parents=True)
        first.keep(0, Part(rows=campaign.rows, profiles=campaign.profiles, vectors=campaign.vectors))
        self._kept.keep(0, Part(profiles=campaign.profiles))
        write_settings(self._state, self._scale.training, local_registry(self._state))
        if self._memory is not None:
            self._memory.add((), campaign.profiles)
            promoted = TrainerInProcess(self._state, self._scale.training).train()
        else:
            self._into_store(Hour(rows=campaign.rows, vectors=campaign.vectors))
            promoted = train_locally(self._state, self._scale.training).decision.promoted
        if not promoted:
            raise WatchError(f"the first training was refused: leeward models show challenger --state {self._state}")

    def _store(self, hour: Hour, began_ns: int) -> None:
        profiles = tuple(self._profiles.values())
        self._kept.keep(began_ns // HOUR_NS, Part(rows=hour.rows, profiles=profiles, vectors=hour.vectors))
        if self._memory is not None:
            self._memory.add(hour.rows, profiles)
        else:
            self._into_store(hour)

    def _into_store(self, hour: Hour) -> None:
        store = open_store(self._state)
        taken = Ingest(store, now_ns=lambda: nanoseconds(self._now)).accept(hour.vectors)
        if taken.refused:
            raise WatchError(f"{len(taken.refused)} vectors were refused: {taken.refused[0].reason}")
        write_profiles(store, tuple(self._profiles.values()))
        write_labels(store, hour.rows)


def _live_figures(bundle: Bundle, hour: Hour, profiles: Mapping[str, WorkloadProfile]) -> tuple[float, float]:
    """Share of windows whose bound held, mean over groups; and of windows whose regime is contradicted."""
    rows = [row for row in hour.rows if row.co_runners]
    judge = Judge(bundle)
    said = judge.bounds(rows, {profile.digest: profile for profile in profiles.values()})
    held: dict[str, list[bool]] = {}
    for row, upper, beyond in zip(rows, said.upper, said.beyond_training, strict=True):
        if not beyond:
            held.setdefault(row.victim.group, []).append(bool(row.slowdown <= upper))
    windows = list({(row.node, row.domain, row.window_start_ns): row for row in hour.rows}.values())
    wrong = judge.contradicted(windows, np.stack([window.during_values for window in windows]))
    return float(np.mean([np.mean(own) for own in held.values()])), float(np.nanmean(wrong))


def line_of(hour: LivedHour) -> str:
    """An hour, and what the watch said in it, for people."""
    line = (
        f"hour {hour.number:>3}  version {hour.version}  bounds held in {hour.held:6.1%}  "
        f"regimes contradicted in {hour.contradicted:6.1%}"
    )
    return "\n".join([line, *(f"          {record.event}: {record.sentence}" for record in hour.news)])


def summary_of(shown: Demonstrated, scale: Scale) -> str:
    """What it came to, for people."""
    before = shown.hours[: shown.changed]
    first = shown.hours[0].version
    during = [hour for hour in shown.hours[shown.changed :] if hour.version == first]
    after = [hour for hour in shown.hours if hour.version != first]
    rows = (("before the change", before), ("after it, same champion", during), ("new champion", after))
    stated = f"bounds stated to hold in {scale.training.rate:.0%}"
    after_hours = shown.alarmed_after
    alarm = "no alarm came" if after_hours is None else f"the alarm came {after_hours} hours after the change"
    lines = [f"{stated}; {alarm}"]
    for name, hours in rows:
        if hours:
            held = shown.mean(lambda hour: hour.held, hours)
            wrong = shown.mean(lambda hour: hour.contradicted, hours)
            lines.append(f"  {name:<24} {len(hours):>3} hours  held {held:6.1%}  regimes contradicted {wrong:6.1%}")
    return "\n".join(lines)


def _print(hour: LivedHour) -> None:
    sys.stdout.write(f"{line_of(hour)}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """Show it, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--change", type=Change, choices=list(Change), default=Change.FAMILY)
    parser.add_argument("--in-memory", action="store_true", help="no feature store, no pipeline around the training")
    parser.add_argument("--short", action="store_true", help="the smallest, in memory")
    told = parser.parse_args(arguments)
    scale = SHORT if told.short else WHOLE
    demonstration = Demonstration(told.state.resolve(), told.change, scale, in_memory=told.in_memory or told.short)
    shown = demonstration.show(_print)
    sys.stdout.write(summary_of(shown, scale) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
