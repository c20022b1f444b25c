"""The report as a whole: what was seen, what was chosen of it, and what was odd."""

from datetime import timedelta
from pathlib import Path

import pytest

from eval.errors import EvaluationError
from eval.shadow import Selection, ShadowReport, shadow_report
from eval.shadow.trouble import Trouble
from scheduler_extender.decisions import DECISIONS
from serving.bundle_directory import write_bundle
from serving.champion import install_champion
from tests.unit.eval.shadow.site import (
    BEGAN,
    CHAMPION,
    HOUR,
    LATER,
    MINUTE,
    MOVED,
    decision,
    evidence,
    of_group,
    went,
    write,
)
from tests.unit.eval.watch.site import GROUPS, KNOWN
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest


def odd(report: ShadowReport) -> dict[str, int]:
    return {one.what: one.count for one in report.odd}


def test_a_directory_in_which_nothing_was_recorded_is_complained_of(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="decisions is not there: name a state directory"):
        shadow_report(tmp_path, evidence([]))


def test_an_empty_period_is_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / DECISIONS).mkdir()
    for state in (tmp_path, write(tmp_path, decision("a"))):
        report = shadow_report(state, evidence([]), selection=Selection(end=BEGAN), now=LATER)
        assert report.seen.placements == 0
        assert (report.seen.began, report.seen.champions, report.shadowed.taken, report.arms) == (None, (), None, None)
        assert report.closing == ("No pod was judged in this period, so there is nothing to say.",)


def test_a_decision_without_outcome_and_an_outcome_without_decision_are_counted(tmp_path: Path) -> None:
    write(tmp_path, decision("a"), decision("b", **of_group("q", "b")))
    report = shadow_report(tmp_path, evidence([went(MINUTE, 1.1), went(MINUTE, 1.1, group="r")]), now=LATER)
    assert odd(report)[Trouble.NO_OUTCOME] == 1
    assert odd(report)[Trouble.NO_DECISION] == 1
    assert report.right.left.unknown == 1


def test_a_champion_that_vanished_is_named_and_what_it_judged_counts(tmp_path: Path) -> None:
    write(tmp_path, decision("a"), decision("b", after=HOUR))
    report = shadow_report(tmp_path, evidence([]), now=LATER)
    (champion,) = report.seen.champions
    assert (champion.digest, champion.version, champion.stated, champion.simulated) == (CHAMPION, "", None, None)
    assert (champion.placements, champion.first, champion.last) == (2, BEGAN, BEGAN + HOUR)
    assert odd(report)[Trouble.VANISHED] == 1
    assert next(one.first for one in report.odd if one.what == Trouble.VANISHED) == CHAMPION
    assert not report.simulated


def test_a_champion_that_is_there_says_what_it_states_and_whether_its_bounds_held(tmp_path: Path) -> None:
    digest = write_bundle(tmp_path / "made", manifest=manifest(), graphs=graphs(), profiles=PROFILES)
    install_champion(tmp_path, tmp_path / "made", model="leeward", version="1", digest=digest)
    lines = [decision(f"pod-{group}", champion=digest, **of_group(group, f"pod-{group}")) for group in GROUPS]
    write(tmp_path, *lines, decision("other", after=MINUTE))
    rows = [went(2 * MINUTE, 1.1 if group < "r" else 1.9, group=group) for group in GROUPS if group != "p"]
    report = shadow_report(tmp_path, evidence([*rows, went(MINUTE / 2, 1.0)]), now=LATER)
    mine, gone = report.seen.champions
    assert (mine.digest, mine.version, mine.stated, mine.simulated) == (digest, "1", 0.8, True)
    assert (mine.placements, mine.windows, mine.groups, gone.placements) == (5, 5, 5, 1)
    assert mine.held is not None
    assert mine.held.value == pytest.approx(0.4)
    assert report.simulated


def test_a_bundle_that_was_altered_is_said_to_be_and_the_report_goes_on(tmp_path: Path) -> None:
    digest = write_bundle(tmp_path / "made", manifest=manifest(), graphs=graphs(), profiles=PROFILES)
    bundle = install_champion(tmp_path, tmp_path / "made", model="leeward", version="1", digest=digest)
    (tmp_path / "bundles" / bundle.digest.removeprefix("sha256:") / "manifest.json").write_text("{}")
    report = shadow_report(write(tmp_path, decision("a", champion=digest)), evidence([]), now=LATER)
    assert odd(report)[Trouble.NO_BOUNDS] == 1
    assert report.seen.champions[0].version == ""


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(), 4),
        (Selection(begin=BEGAN + MINUTE), 3),
        (Selection(begin=BEGAN + MINUTE, end=BEGAN + 2 * MINUTE), 1),
        (Selection(namespace="edge"), 1),
        (Selection(workload=KNOWN["q"].key), 1),
        (Selection(workload="nobody's"), 0),
    ],
)
def test_a_selection_takes_newcomers_by_time_namespace_and_workload(
    tmp_path: Path, selection: Selection, chosen: int
) -> None:
    write(
        tmp_path,
        decision("a"),
        decision("b", after=MINUTE),
        decision("c", after=2 * MINUTE, pod="edge/c"),
        decision("d", after=3 * MINUTE, **of_group("q", "d")),
    )
    report = shadow_report(tmp_path, evidence([]), selection=selection, now=LATER)
    assert report.seen.placements == report.shadowed.placements == chosen


def test_what_was_placed_with_leewards_scores_is_told_apart(tmp_path: Path) -> None:
    write(tmp_path, decision("a", **MOVED), decision("b", shadowed=False), decision("c", score=None, shadowed=False))
    report = shadow_report(tmp_path, evidence([]), now=LATER)
    assert (report.shadowed.placements, report.steered.placements) == (1, 2)
    assert (report.seen.shadowed, report.seen.unasked, report.seen.unbounded) == (1, 1, 0)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    write(tmp_path, decision("a", **MOVED), decision("b", after=timedelta(days=1)), b"{torn")
    report = shadow_report(tmp_path, evidence([went(MINUTE, 1.9)]), now=LATER)
    assert ShadowReport.from_json(report.to_json(indent=2)) == report
    assert odd(report)[Trouble.TORN] == 1
