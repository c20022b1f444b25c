"""The watch killed at each of its writes in turn, and started again: it ends as if nothing had been."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from eval.watch.state import Event, Kept, Record, WatchState
from eval.watch.watch import Watch
from serving.bundle_directory import Bundle
from tests.unit.eval.watch.site import BAD, BETWEEN, SETTINGS, Site, bundle_in, site_of


class Killed(BaseException):
    """The process is gone."""


class Mortal(Kept):
    """Files of a watch that is killed before one of its writes, between state and records, or right after."""

    def __init__(self, state: Path, steps: Iterator[Callable[[], None]]) -> None:
        super().__init__(state)
        self._steps = steps

    def write(self, state: WatchState) -> None:
        next(self._steps)()
        super().write(state)
        next(self._steps)()

    def append(self, records: Sequence[Record]) -> None:
        super().append(records)
        next(self._steps)()


def steps(*, killed_at: int, taken: list[int]) -> Iterator[Callable[[], None]]:
    def step(number: int) -> Callable[[], None]:
        def take() -> None:
            taken[0] = number
            if number == killed_at:
                raise Killed

        return take

    number = 0
    while True:
        yield step(number)
        number += 1


HASTY = SETTINGS.model_copy(
    update={"level": 0.5, "horizon_days": 1, "guard_level": 0.3, "cooling_seconds": 3600.0, "fresh_windows": 2}
)


HOURS = 10


@dataclass(frozen=True)
class Told:
    """How a story ended."""

    site: Site
    kept: Kept
    steps: int


def story(directory: Path, bundles: tuple[Bundle, Bundle], *, killed_at: int) -> Told:
    """Alarm, training, promotion, a guard that sends the new champion back; killed at one step, and started again."""
    site = site_of(bundles[0])
    site.hall.next_bundle = bundles[1]
    taken = [0]
    kept = Mortal(directory, steps(killed_at=killed_at, taken=taken))

    def begun() -> Watch:
        try:
            return site.watch(kept, HASTY)
        except Killed:
            return site.watch(kept, HASTY)

    watch = begun()
    for hour in range(HOURS):
        if hour:
            site.live(BAD if len(site.registry.numbers) == 1 else BETWEEN)
        try:
            watch.look()
        except Killed:
            watch = begun()
            watch.look()
    return Told(site=site, kept=kept, steps=taken[0])


@pytest.mark.slow
def test_wherever_it_is_killed_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """One training, one way back, every record once, whichever of all writes was the last."""
    bundles = (bundle_in(tmp_path, margin=0.0), bundle_in(tmp_path, version="2", margin=-0.5))
    whole = story(tmp_path / "whole", bundles, killed_at=-1)
    told = [record.event for record in whole.kept.records()]
    assert [told.count(event) for event in (Event.ALARM, Event.STARTED, Event.DECIDED, Event.SENT_BACK)] == [1] * 4
    assert len(whole.site.hall.runs) == 1
    assert whole.steps > 40
    for step in range(whole.steps + 1):
        again = story(tmp_path / str(step), bundles, killed_at=step)
        assert again.steps >= step
        ends_alike(again, whole)


def ends_alike(one: Told, other: Told) -> None:
    mine_told, theirs_told = one.kept.records(), other.kept.records()
    assert [record.number for record in mine_told] == list(range(1, len(theirs_told) + 1))
    assert Counter(map(lasting, mine_told)) == Counter(map(lasting, theirs_told)), "perhaps in another order"
    assert len(one.site.hall.runs) == len(other.site.hall.runs)
    assert one.site.registry.sent_back == other.site.registry.sent_back
    mine, theirs = one.kept.read(), other.kept.read()
    assert mine is not None
    assert theirs is not None
    assert (mine.detection, mine.phase, mine.closed_ns) == (theirs.detection, theirs.phase, theirs.closed_ns)
    assert (mine.champion, mine.guard, mine.counts) == (theirs.champion, theirs.guard, theirs.counts)


def lasting(record: Record) -> tuple[Event, str]:
    return record.event, record.sentence
