"""The rehearsal, small: the extender's own code looks on, and the report reads what it and the testbed left."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from eval.errors import EvaluationError
from eval.placement.arrivals import Schedule
from eval.placement.play import play
from eval.placement.settings import PlacementSettings
from eval.shadow import shadow_report
from eval.shadow.rehearsal import OnlookingScheduler, Rehearsed, rehearse
from eval.shadow.rehearsed_outcomes import CAMPAIGN, RehearsedOutcomes
from scheduler_extender.decisions import DECISIONS, DecisionWriter, read_decisions
from serving.bundle_directory import write_bundle
from serving.champion import install_champion
from tests.unit.eval.placement.pieces import arrival, cluster_of
from tests.unit.eval.shadow.site import evidence
from tests.unit.serving.small_bundle import graphs, manifest, profile

PROFILES = (
    profile("amf", pressure=0.1, sensitivity=1.2),
    profile("router", pressure=0.2, sensitivity=1.2),
    profile("batch", pressure=0.9, sensitivity=1.0),
)
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def state_in(directory: Path) -> Path:
    digest = write_bundle(directory / "trained", manifest=manifest(ceiling=10.0), graphs=graphs(), profiles=PROFILES)
    install_champion(directory / "state", directory / "trained", model="leeward", version="1", digest=digest)
    return directory / "state"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rehearsed]:
    state = state_in(tmp_path_factory.mktemp("rehearsal"))
    return state, rehearse(state, nodes=1, pods=8, seed=3)


def test_each_pod_that_was_placed_has_a_decision_in_the_shadow(played: tuple[Path, Rehearsed]) -> None:
    state, rehearsed = played
    decisions = read_decisions(state / DECISIONS)
    assert len(decisions) == rehearsed.placed == len({decision.uid for decision in decisions})
    assert all(decision.shadowed and decision.version == 2 for decision in decisions)
    assert any(not party.newcomer for decision in decisions for party in decision.parties)


def test_outcomes_are_marked_as_simulated_and_the_report_joins_them(played: tuple[Path, Rehearsed]) -> None:
    state, rehearsed = played
    assert {(row.simulated, row.campaign) for row in rehearsed.outcomes} == {(True, CAMPAIGN)}
    report = shadow_report(state, evidence(rehearsed.outcomes), now=NOW)
    assert report.simulated
    assert report.outcomes_simulated
    assert report.seen.placements == rehearsed.placed
    assert report.seen.ended is not None
    assert report.seen.ended < START + timedelta(days=7)
    assert report.right.windows > 0
    assert report.right.moved.exceeded + report.right.left.exceeded + report.right.left.kept > 0
    assert report.seen.champions[0].version == "1"


def test_the_same_seed_is_the_same_week(tmp_path: Path, played: tuple[Path, Rehearsed]) -> None:
    state, rehearsed = played
    again = rehearse(state_in(tmp_path), nodes=1, pods=8, seed=3)
    assert again == rehearsed
    assert read_decisions(tmp_path / "state" / DECISIONS) == read_decisions(state / DECISIONS)


def test_windows_are_those_of_the_stretches_between_changes(tmp_path: Path) -> None:
    cluster = cluster_of("one")
    outcomes = RehearsedOutcomes(
        cluster, {profile.key: profile for profile in PROFILES}, window_seconds=10.0, every_seconds=3_600.0
    )
    writer = DecisionWriter(tmp_path / DECISIONS)
    scheduler = OnlookingScheduler(
        cluster,
        state=state_in(tmp_path),
        settings=replace(PlacementSettings(), nodes=1),
        rng=np.random.default_rng(1),
        shadow_share=1.0,
        writer=writer,
        outcomes=outcomes,
    )
    coming = (
        arrival("amf", uid="amf", at=100.0, until=7_400.0),
        arrival("batch", uid="noise", at=3_600.0, max_slowdown=3.0),
        arrival("batch", uid="more-noise", at=3_605.0, max_slowdown=3.0),
    )
    play(Schedule(arrivals=coming, measured_from_seconds=0.0, end_seconds=9_000.0), scheduler, cluster)
    scheduler.end()
    writer.close()
    start = min(row.window_start_ns for row in outcomes.rows) // 1_000_000_000 - 110
    told = [
        (row.window_start_ns // 1_000_000_000 - start, row.victim.key, len(row.co_runners)) for row in outcomes.rows
    ]
    assert told == [
        (110, "amf", 0),
        (3_615, "amf", 2),
        (3_615, "batch", 2),
        (7_215, "amf", 2),
        (7_215, "batch", 2),
        (7_410, "batch", 1),
    ]
    assert all(value is None for row in outcomes.rows for value in (*row.before, *row.during))
    decisions = read_decisions(tmp_path / DECISIONS)
    assert [decision.uid for decision in decisions] == ["amf", "noise", "more-noise"]


def test_a_state_with_decisions_is_left_alone(played: tuple[Path, Rehearsed]) -> None:
    with pytest.raises(EvaluationError, match="is there already: name a state directory without decisions"):
        rehearse(played[0], nodes=1, pods=8, seed=3)


def test_a_state_without_a_champion_is_complained_of(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="has no champion: train first"):
        rehearse(tmp_path, nodes=1, pods=8, seed=1)
