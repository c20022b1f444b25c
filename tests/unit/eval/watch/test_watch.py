"""The whole machine on a made-up site: alarms, trainings, guards, odd input, and a kill at every step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.trace import LabelledTrace
from eval.watch.errors import WatchError
from eval.watch.evidence_in_memory import EvidenceInMemory
from eval.watch.models import Served
from eval.watch.prediction import RecordedPrediction, Recordings
from eval.watch.state import Event, Kept, Phase, Record
from eval.watch.trainer import RunState
from eval.watch.watch import Watch
from serving.errors import BundleError
from tests.unit.eval.watch.site import (
    BAD,
    GOOD,
    GROUPS,
    KNOWN,
    SETTINGS,
    Site,
    bundle_in,
    site_in,
    window,
)

WIDE = 1.5
"""A margin by which every bound is the ceiling."""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path / "bundles")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "state")


def lived(site: Site, watch: Watch, hours: int, together: float, *, groups: Sequence[str] = GROUPS) -> list[Record]:
    news: list[Record] = []
    for _ in range(hours):
        site.live(together, groups=groups)
        news += watch.look()
    return news


def events(records: Sequence[Record]) -> list[Event]:
    return [record.event for record in records]


def test_quiet_days_raise_no_alarm(site: Site, kept: Kept) -> None:
    watch = site.watch(kept)
    news = [*watch.look()]
    for _ in range(4):
        for _ in range(24):
            site.live(GOOD)
        news += watch.look()
    assert events(news) == [Event.BEGAN, Event.CHAMPION]
    assert watch.state.phase is Phase.WATCHING
    assert watch.state.detection.coverage.bets == 24 * 4
    assert len(watch.state.detection.strange) == 3


def test_bounds_that_fail_raise_the_alarm_and_a_training_is_started_followed_and_guarded(
    site: Site, kept: Kept, tmp_path: Path
) -> None:
    site.hall.next_bundle = bundle_in(tmp_path / "bundles", version="2", margin=WIDE, created=site.now)
    watch = site.watch(kept)
    news = [*watch.look(), *lived(site, watch, 3, GOOD)]
    hours = 0
    while not site.hall.runs and hours < 24:
        news += lived(site, watch, 1, BAD)
        hours += 1
    assert hours <= 13
    news += lived(site, watch, 12, BAD)
    told = events(news)
    assert told[2:] == [
        *(Event.ALARM, Event.STARTED, Event.CHAMPION, Event.GUARD, Event.DECIDED),
        *(Event.COOLED, Event.GUARDED),
    ]
    assert len(site.hall.runs) == 1
    assert watch.state.champion == Served(version="2", digest=site.hall.next_bundle.digest)
    assert watch.state.phase is Phase.WATCHING
    assert site.registry.sent_back == []
    assert kept.records() == tuple(news)
    assert "version 2 stays: its bounds held in 100.0% of windows" in news[-1].sentence


def test_no_training_is_started_on_fewer_new_groups_than_make_sense(site: Site, kept: Kept) -> None:
    watch = site.watch(kept)
    watch.look()
    news = lived(site, watch, 60, BAD, groups=GROUPS[:3])
    assert watch.state.phase is Phase.ALARMED
    assert site.hall.runs == []
    assert events(news).count(Event.WAITING) <= 4
    assert "3 workload groups" in [record for record in news if record.event is Event.WAITING][-1].sentence
    news = lived(site, watch, 6, BAD)
    assert events(news)[:2] == [Event.STARTED, Event.ENDED]
    assert len(site.hall.runs) == 1


def test_a_training_that_hangs_is_ended_counted_and_the_watch_goes_on(site: Site, kept: Kept) -> None:
    site.hall.state = RunState.RUNNING
    settings = SETTINGS.model_copy(update={"training_seconds": 2 * 3600.0})
    watch = site.watch(kept, settings)
    watch.look()
    news = lived(site, watch, 30, BAD)
    assert site.hall.ended == site.hall.runs[:1]
    assert watch.state.counts["trainings that hung and were ended"] == 1
    ended = next(record for record in news if record.event is Event.ENDED)
    assert "took more than 7200 s" in ended.sentence
    assert Event.COOLED in events(news)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.LOST, RunState.ENDED])
def test_a_training_that_comes_to_nothing_is_said_and_not_repeated_on_the_same_windows(
    site: Site, kept: Kept, state: RunState
) -> None:
    site.hall.state = state
    watch = site.watch(kept)
    watch.look()
    news = lived(site, watch, 16, BAD)
    assert events(news)[:4] == [Event.ALARM, *events(news)[1:4]]
    assert Event.ENDED in events(news)
    assert len(site.hall.runs) == 1
    assert (
        sum(watch.state.counts.get(name, 0) for name in ("trainings that failed", "trainings of which nothing is left"))
        == 1
    )


def test_a_new_champion_that_is_worse_goes_back_by_itself_once(tmp_path: Path, kept: Kept) -> None:
    site = site_in(tmp_path / "bundles", margin=WIDE)
    watch = site.watch(kept)
    watch.look()
    lived(site, watch, 2, BAD)
    tight = bundle_in(tmp_path / "bundles", version="2", margin=0.0, created=site.now)
    site.registry.promote(tight)
    news = lived(site, watch, 12, BAD)
    assert events(news) == [Event.CHAMPION, Event.GUARD, Event.SENT_BACK, Event.COOLED]
    sent = news[2].sentence
    assert "version 1 serves again: live bounds of version 2 hold in 0.0% of windows, stated 80%" in sent
    assert "those of version 1 would have held in 100.0%" in sent
    assert len(site.registry.sent_back) == 1
    assert watch.state.champion is not None
    assert watch.state.champion.version == "1"

    site.registry.promote(tight)
    news = lived(site, watch, 10, BAD)
    assert Event.GUARD not in events(news)
    assert Event.SENT_BACK not in events(news), "somebody put it back by hand, knowing what it is"
    assert len(site.registry.sent_back) == 1


def test_a_tighter_champion_that_holds_what_it_states_stays(tmp_path: Path, kept: Kept) -> None:
    """Its bounds fail where the former's would not have, in one window of ten."""
    site = site_in(tmp_path / "bundles", margin=WIDE)
    watch = site.watch(kept)
    watch.look()
    site.live(GOOD)
    watch.look()
    site.registry.promote(bundle_in(tmp_path / "bundles", version="2", margin=0.0, created=site.now))
    news: list[Record] = []
    for _ in range(13):
        began = site.now
        extra = [window(began + timedelta(minutes=m), GOOD, group=g) for g in GROUPS for m in (2, 4, 6, 20, 22, 24, 50)]
        site.evidence.add([*extra, *(window(began + timedelta(minutes=30), BAD, group=group) for group in GROUPS)])
        site.live(GOOD)
        news += watch.look()
    assert events(news) == [Event.CHAMPION, Event.GUARD, Event.GUARDED]
    assert "version 2 stays: its bounds held in 90.0% of windows, those of 1 would have in 100.0%" in news[-1].sentence


def test_where_the_former_champion_vanished_there_is_nothing_to_compare_with(
    tmp_path: Path, kept: Kept, site: Site
) -> None:
    watch = site.watch(kept)
    watch.look()
    lived(site, watch, 1, GOOD)
    former = site.registry.served
    assert former is not None
    site.registry.promote(bundle_in(tmp_path / "bundles", version="2", created=site.now))
    del site.registry.bundles[former.digest]
    watch = site.watch(kept)
    news = lived(site, watch, 3, BAD)
    assert events(news) == [Event.CHAMPION, Event.GUARD, Event.TROUBLE, Event.GUARDED]
    assert watch.state.counts["model versions that vanished"] == 1
    assert watch.state.guard is None
    assert watch.state.detection.coverage.bets == 3


def test_a_champion_that_vanished_is_counted_and_nothing_is_closed_without_it(site: Site, kept: Kept) -> None:
    site.registry.bundles.clear()
    watch = site.watch(kept)
    watch.look()
    lived(site, watch, 4, GOOD)
    assert watch.state.counts["model versions that vanished"] == 4
    began = watch.state.closed_ns
    assert watch.state.detection.coverage.bets == 0
    assert began == watch.state.began_ns


@dataclass
class Away:
    """A registry that comes and goes."""

    site: Site
    away: bool = False

    def __getattr__(self, name: str) -> object:
        if self.away:
            raise BundleError("MLflow was asked and failed: nobody is at home")
        return getattr(self.site.registry, name)


def test_a_registry_that_is_away_is_counted_and_the_watch_goes_on(site: Site, kept: Kept) -> None:
    registry = Away(site)
    watch = Watch(kept, replace(site.ports, models=registry), SETTINGS)  # type: ignore[arg-type]
    watch.look()
    lived(site, watch, 2, GOOD)
    registry.away = True
    news = lived(site, watch, 3, BAD)
    assert watch.state.counts["registry not to be asked"] >= 3
    assert events(news)[0] is Event.TROUBLE
    assert "nobody is at home" in news[0].sentence
    registry.away = False
    assert Event.STARTED in events(lived(site, watch, 20, BAD))


class Torn(EvidenceInMemory):
    """History that can't be read for a while."""

    torn = False

    def labels(self, start_ns: int, end_ns: int) -> Sequence[LabelledTrace]:
        if self.torn:
            raise ContractError("history holds a row that breaks the contract")
        return super().labels(start_ns, end_ns)


def test_history_that_cant_be_read_is_counted_and_its_periods_wait(site: Site, kept: Kept) -> None:
    site.evidence = Torn()
    watch = site.watch(kept)
    watch.look()
    site.evidence.torn = True
    lived(site, watch, 5, GOOD)
    assert watch.state.counts == {"looks that failed, for what could not be read": 5}
    site.evidence.torn = False
    lived(site, watch, 1, GOOD)
    assert watch.state.detection.coverage.bets == 6


@dataclass
class Recorded:
    made: list[RecordedPrediction]

    def recorded(self) -> Recordings:
        return Recordings(predictions=tuple(self.made))


def predicted(at: datetime, bound: float, champion: str, *, group: str) -> RecordedPrediction:
    return RecordedPrediction(
        at=at,
        pod_uid=f"uid-{group}",
        workload=KNOWN[group].key,
        node=f"spr-{group}",
        domain="socket0",
        champion=champion,
        bound=bound,
        tolerance=1.2,
    )


def test_all_that_is_odd_in_what_is_reported_is_counted_under_its_name(site: Site, kept: Kept) -> None:
    served = site.registry.served
    assert served is not None
    began, other = site.now, "sha256:" + "9" * 64
    recorded = Recorded(
        [
            predicted(began + timedelta(minutes=10, seconds=20), 1.2, served.digest, group="p"),
            predicted(began, 1.2, other, group="q"),
            predicted(began + timedelta(minutes=5), 1.2, served.digest, group="s"),
            predicted(began + timedelta(minutes=5), 1.2, served.digest, group="s"),
            predicted(began + timedelta(minutes=50), 1.2, served.digest, group="t"),
        ]
    )
    settings = SETTINGS.model_copy(update={"patience_seconds": 3600.0})
    watch = Watch(kept, replace(site.ports, predictions=recorded), settings)
    watch.look()
    unknown = window(began + timedelta(minutes=3), known=KNOWN["p"].model_copy(update={"key": "nobody"}))
    site.evidence.add(
        [
            unknown,
            window(
                began + timedelta(minutes=4), co_runners=(), latest_arrival=KNOWN["p"].key, victim_arrived_last=True
            ),
            window(began + timedelta(minutes=10), group="p"),
            window(began + timedelta(days=30), group="p"),
        ]
    )
    site.live(GOOD, groups="pqr")
    watch.look()
    site.evidence.add([window(began + timedelta(minutes=20), group="r")])
    lived(site, watch, 2, GOOD, groups="pq")
    counts = watch.state.counts
    assert counts["outcomes reported twice"] == 1
    assert counts["outcomes from before their prediction, within the clocks' tolerance"] == 1
    assert counts["predictions by another champion, bounded afterwards"] == 6
    assert counts["predictions recorded twice"] == 1
    assert counts["predictions with no outcome"] == 2
    assert counts["outcomes whose profiles nobody knows, left out"] == 1
    assert counts["outcomes without company, left out"] == 1
    assert counts["outcomes from the future, waiting"] == 1
    assert counts["outcomes that came after their period was closed, left out"] == 1
    assert counts["outcomes with no prediction, bounded afterwards"] >= 2


def test_a_bound_that_was_recorded_is_what_an_outcome_is_held_against(site: Site, kept: Kept) -> None:
    """The champion would bound all of these at 1.3 or so; the extender knew better."""
    served = site.registry.served
    assert served is not None
    recorded = Recorded([predicted(site.now, 4.9, served.digest, group=group) for group in GROUPS])
    watch = Watch(kept, replace(site.ports, predictions=recorded), SETTINGS)
    watch.look()
    assert lived(site, watch, 20, BAD) == []
    assert watch.state.detection.coverage.evidence < 1.0


def test_a_line_that_was_torn_by_a_crash_is_written_again(site: Site, kept: Kept) -> None:
    watch = site.watch(kept)
    watch.look()
    lines = kept.directory / "records.jsonl"
    whole = lines.read_bytes()
    lines.write_bytes(whole[:-20])
    site.watch(kept)
    assert lines.read_bytes() == whole


def test_what_another_version_left_is_refused_and_a_second_watch_too(site: Site, kept: Kept) -> None:
    with kept.claimed(), pytest.raises(WatchError, match="another watch runs on this state"), kept.claimed():
        pass
    (kept.directory / "state.json").write_text('{"version": 2}')
    with pytest.raises(WatchError, match=r"state\.json is refused: .*; remove it, and the watch begins anew"):
        site.watch(kept)
