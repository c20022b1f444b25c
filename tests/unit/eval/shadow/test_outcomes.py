"""Windows belong to the latest placement before them that bounded their workload there."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace
from eval.shadow.outcomes import Outcomes, Replicas, outcomes_of
from eval.shadow.trouble import Trouble, Troubles
from eval.watch.trouble import Trouble as Joining
from tests.unit.eval.shadow.site import (
    BEGAN,
    CHAMPION,
    HOUR,
    LATER,
    MINUTE,
    decision,
    evidence,
    party,
    placements,
    went,
    write,
)
from tests.unit.eval.watch.site import KNOWN

P = KNOWN["p"].key


def joined(
    state: Path,
    *rows: LabelledTrace,
    chosen: set[str] | None = None,
    until: datetime = LATER,
    troubles: Troubles | None = None,
) -> Outcomes:
    every = placements(state)
    asked = {placement.uid for placement in every} if chosen is None else chosen
    return outcomes_of(every, asked, evidence(rows), until=until, troubles=troubles or Troubles())


@pytest.mark.parametrize(
    ("slowdowns", "exceeded"), [((1.4, 1.4), False), ((1.6,), True), ((1.6, 1.4), False), ((1.6, 1.4, 1.7), True)]
)
def test_a_placement_went_beyond_where_a_party_was_in_more_than_half_of_its_windows(
    tmp_path: Path, slowdowns: tuple[float, ...], exceeded: bool
) -> None:
    write(tmp_path, decision("a"))
    rows = [went(MINUTE * (number + 1), slowdown) for number, slowdown in enumerate(slowdowns)]
    found = joined(tmp_path, *rows)
    assert found.exceeded == {"a": exceeded}
    assert found.windows == len(slowdowns)


def test_a_window_after_another_placement_on_the_node_is_that_ones(tmp_path: Path) -> None:
    resident = party("a", newcomer=False, tolerance=1.5)
    write(tmp_path, decision("a"))
    write(tmp_path, decision("b", after=HOUR, workload="batch", parties=(party("b", workload="batch"), resident)))
    found = joined(tmp_path, went(MINUTE, 1.1), went(HOUR + MINUTE, 1.9))
    assert found.exceeded == {"a": False, "b": True}
    assert found.by_replicas[Replicas(namespace="core", workload=P)].share == 0.5


def test_a_window_of_a_placement_that_is_not_reported_on_is_nobodys_elses(tmp_path: Path) -> None:
    write(tmp_path, decision("a"), decision("b", after=HOUR))
    troubles = Troubles()
    found = joined(tmp_path, went(HOUR + MINUTE, 1.9), chosen={"a"}, troubles=troubles)
    assert found.exceeded == {}
    assert not troubles.counts


def test_an_outcome_with_no_decision_before_it_is_counted_and_named(tmp_path: Path) -> None:
    write(tmp_path, decision("a"))
    troubles = Troubles()
    found = joined(tmp_path, went(MINUTE, 1.1, group="q"), went(2 * MINUTE, 1.1), troubles=troubles)
    assert found.exceeded == {"a": False}
    assert troubles.counts == {Trouble.NO_DECISION: 1}
    assert troubles.first[Trouble.NO_DECISION] == f"{KNOWN['q'].key} on spr-q/socket0"


def test_a_decision_some_seconds_after_its_outcome_is_joined_and_one_long_after_is_not(tmp_path: Path) -> None:
    write(tmp_path, decision("a", after=MINUTE / 3))
    troubles = Troubles()
    assert joined(tmp_path, went(MINUTE / 6, 1.1), troubles=troubles).exceeded == {"a": False}
    assert troubles.counts == {Joining.SKEWED: 1}
    late = write(tmp_path / "late", decision("a", after=HOUR))
    troubles = Troubles()
    assert joined(late, went(HOUR - MINUTE, 1.1), troubles=troubles).exceeded == {}


def test_of_pods_that_labels_cant_tell_apart_the_least_tolerance_counts_and_the_highest_bound(tmp_path: Path) -> None:
    alike = (party("a", tolerance=1.5, bound=1.7), party("b", newcomer=False, tolerance=1.2, bound=1.3, pod="edge/b"))
    write(tmp_path, decision("a", parties=alike))
    found = joined(tmp_path, went(MINUTE, 1.4))
    assert found.exceeded == {"a": True}
    assert found.by_champion[CHAMPION]["p"].wrong == 0
    assert set(found.by_replicas) == {Replicas(namespace="edge", workload=P)}


def test_outcomes_reported_twice_count_once_and_contradictions_not_at_all(tmp_path: Path) -> None:
    write(tmp_path, decision("a"))
    troubles = Troubles()
    same, other = went(MINUTE, 1.1), went(2 * MINUTE, 1.1)
    found = joined(tmp_path, same, same, other, went(2 * MINUTE, 1.9), troubles=troubles)
    assert found.windows == 1
    assert troubles.counts == {Joining.TWICE: 1, Joining.CONTRADICTED: 2}


def test_windows_beyond_their_bound_and_at_the_ceiling_are_counted(tmp_path: Path) -> None:
    write(tmp_path, decision("a"), decision("b", after=HOUR, parties=(party("b", bound=10.0),)))
    found = joined(tmp_path, went(MINUTE, 1.3), went(2 * MINUTE, 1.1), went(HOUR + MINUTE, 1.3))
    assert (found.by_champion[CHAMPION]["p"].wrong, found.by_champion[CHAMPION]["p"].all) == (1, 3)
    assert found.at_ceiling == 1
    assert found.simulated


def test_windows_are_looked_for_until_a_day_after_the_last_placement_or_until_then(tmp_path: Path) -> None:
    write(tmp_path, decision("a"))
    assert joined(tmp_path, went(23 * HOUR, 1.9)).exceeded == {"a": True}
    assert joined(tmp_path, went(25 * HOUR, 1.9)).exceeded == {}
    assert joined(tmp_path, went(23 * HOUR, 1.9), until=BEGAN + 2 * HOUR).exceeded == {}


def test_where_nothing_is_chosen_nothing_is_asked(tmp_path: Path) -> None:
    write(tmp_path, decision("a"))
    assert joined(tmp_path, went(MINUTE, 1.9), chosen=set()).windows == 0


class Asked:
    """Evidence that remembers what it was asked for, and has so many of the same label for each."""

    def __init__(self, each: int) -> None:
        self.spans: list[tuple[int, int]] = []
        self._rows = [went(MINUTE, 1.1)] * each

    def labels(self, start_ns: int, end_ns: int) -> Sequence[LabelledTrace]:
        self.spans.append((start_ns, end_ns))
        return self._rows

    def profiles(self, traces: Iterable[LabelledTrace]) -> Mapping[str, WorkloadProfile]:
        return {}

    def fresh_windows(self, since_ns: int) -> Mapping[str, int]:
        return {}


@pytest.mark.parametrize(("each", "longest_hours"), [(0, 24), (5_001, 1)])
def test_labels_are_asked_for_without_a_gap_for_a_shorter_time_where_there_are_many(
    tmp_path: Path, each: int, longest_hours: int
) -> None:
    write(tmp_path, decision("a"), decision("b", after=5 * MINUTE))
    every, asked = placements(tmp_path), Asked(each)
    outcomes_of(every, {"a", "b"}, asked, until=BEGAN + (3 * HOUR if each else 100 * HOUR), troubles=Troubles())
    assert all(end + 1 == start for (_, end), (start, _) in pairwise(asked.spans))
    assert asked.spans[0][0] <= BEGAN.timestamp() * 1e9
    assert asked.spans[-1][1] == (BEGAN + (3 * HOUR if each else 24 * HOUR + 5 * MINUTE)).timestamp() * 1e9
    assert max(end - start for start, end in asked.spans) < longest_hours * 3.6e12
    assert (len(asked.spans) > 10) is (each > 0)
