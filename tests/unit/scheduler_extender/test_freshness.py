"""Which states and residents count: age, clocks, CPUs, regimes, room, and pods no agent has seen yet."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.regime import Regime
from scheduler_extender.scoring import NEUTRAL_LOW
from scheduler_extender.standing import Standing
from tests.unit.scheduler_extender.conftest import Build, Promote, StoppedClock
from tests.unit.scheduler_extender.small_cluster import (
    NODES,
    NOW,
    QUIET,
    Domain,
    args,
    newcomer,
    node_state,
    place,
    pod_object,
    publish,
    put,
)


def test_filter_never_fails_a_node_by_a_bound_that_it_is_not_scored_by(
    three_nodes: Path, build: Build, clock: StoppedClock
) -> None:
    extender = build()
    strict = pod_object("u", annotations={"leeward.dev/enforcement": "required", "leeward.dev/max-slowdown": "1.0"})
    assert json.loads(extender.filter(args(strict, *NODES[1:4])).content)["NodeNames"] == []
    clock.now = NOW + timedelta(seconds=301)
    assert json.loads(extender.filter(args(strict, *NODES[1:4])).content)["NodeNames"] == list(NODES[1:4])


def test_an_undecided_regime_is_no_way_past_a_required_tolerance(three_nodes: Path, build: Build) -> None:
    publish(three_nodes, node_state("spr-0004", Domain(regime=Regime.UNKNOWN)))
    strict = pod_object("u", annotations={"leeward.dev/enforcement": "required", "leeward.dev/max-slowdown": "1.0"})
    answer = json.loads(build().filter(args(strict, "spr-0003", "spr-0004")).content)
    assert answer["NodeNames"] == []
    assert set(answer["FailedAndUnresolvableNodes"]) == {"spr-0003", "spr-0004"}


def test_a_pod_just_placed_counts_before_any_agent_has_seen_it(three_nodes: Path, build: Build) -> None:
    publish(three_nodes, node_state("spr-0004", QUIET))
    extender = build()
    pair = ("spr-0003", "spr-0004")
    assert len(set(extender.scores(newcomer(), pair).values())) == 1
    place(three_nodes, pod_object("u", node="spr-0003", profile="transcode"))
    extender.refresh()
    found = extender.scores(newcomer(), pair)
    assert found["spr-0004"] > found["spr-0003"]
    place(three_nodes, pod_object("u", node="spr-0003", profile="transcode", phase="Succeeded"))
    extender.refresh()
    assert len(set(extender.scores(newcomer(), pair).values())) == 1


def test_arrivals_between_refreshes_spread_instead_of_herding(state: Path, promote: Promote, build: Build) -> None:
    promote("1")
    publish(state, *(node_state(f"n{index}", QUIET) for index in range(4)))
    extender, nodes = build(), [f"n{index}" for index in range(4)]
    chosen = []
    for arrival in range(4):
        found = extender.scores(newcomer(profile="transcode"), nodes)
        chosen.append(max(nodes, key=lambda node: found[node]))
        place(state, pod_object(f"u{arrival}", node=chosen[-1], profile="transcode"))
        extender.refresh()
    assert sorted(chosen) == nodes


@pytest.mark.parametrize("seconds", [301, 10_000, -31, -10_000])
def test_a_state_too_old_or_from_the_future_scores_low(
    three_nodes: Path, build: Build, clock: StoppedClock, seconds: int
) -> None:
    publish(three_nodes, node_state("spr-0004", QUIET, seen=NOW + timedelta(seconds=-seconds)))
    found = build().scores(newcomer(), ("spr-0003", "spr-0004"))
    assert found["spr-0004"] == NEUTRAL_LOW
    assert found["spr-0003"] == 10


@pytest.mark.parametrize("seconds", [299, -29])
def test_a_state_within_the_limits_is_believed(three_nodes: Path, build: Build, seconds: int) -> None:
    publish(three_nodes, node_state("spr-0004", QUIET, seen=NOW + timedelta(seconds=-seconds)))
    assert build().scores(newcomer(), ("spr-0003", "spr-0004"))["spr-0004"] == 10


def test_age_goes_on_while_an_agent_is_silent(three_nodes: Path, build: Build, clock: StoppedClock) -> None:
    publish(three_nodes, node_state("spr-0004", QUIET, seen=NOW + timedelta(seconds=200)))
    clock.now = NOW + timedelta(seconds=200)
    extender = build()
    assert extender.scores(newcomer(), NODES[3:5]) == {"spr-0003": 10, "spr-0004": 10}
    clock.now = NOW + timedelta(seconds=310)
    assert extender.scores(newcomer(), NODES[3:5]) == {"spr-0003": NEUTRAL_LOW, "spr-0004": 10}
    clock.now = NOW + timedelta(seconds=600)
    assert set(extender.scores(newcomer(), NODES[3:5]).values()) == {NEUTRAL_LOW}


def test_a_stale_state_never_makes_a_contended_node_look_better(
    three_nodes: Path, build: Build, clock: StoppedClock
) -> None:
    extender = build()
    fresh = extender.scores(newcomer(), NODES[1:4])
    publish(three_nodes, node_state("spr-0003", QUIET, seen=NOW + timedelta(seconds=301)))
    clock.now = NOW + timedelta(seconds=301)
    extender.refresh()
    stale = extender.scores(newcomer(), NODES[1:4])
    assert all(stale[node] <= min(fresh[node], NEUTRAL_LOW) for node in NODES[1:3])


@pytest.mark.parametrize(
    ("state_of_it", "standing"),
    [
        (node_state("spr-0004", QUIET, characterised=False), Standing.OTHER_CPU),
        (node_state("spr-0004"), Standing.ABSENT),
    ],
)
def test_a_node_that_nothing_can_be_said_of_scores_low(
    three_nodes: Path, build: Build, state_of_it: Any, standing: Standing
) -> None:
    publish(three_nodes, state_of_it)
    extender = build()
    assert extender.scores(newcomer(), NODES[3:5]) == {"spr-0003": 10, "spr-0004": NEUTRAL_LOW}
    assert extender.explanation(newcomer(), ["spr-0003", "spr-0004"]).nodes[1].standing is standing


def test_only_domains_with_room_count(three_nodes: Path, build: Build) -> None:
    full_and_pressed = Domain(pressure=0.85, regime=Regime.MEMBW, pressed=0.95, free=2)
    publish(three_nodes, node_state("spr-0004", full_and_pressed, Domain(free=8)))
    extender = build()
    found = extender.scores(newcomer(cpus="4"), NODES[3:5])
    assert found["spr-0004"] == found["spr-0003"] == 10
    assert extender.scores(newcomer(cpus="500m"), NODES[3:5])["spr-0004"] < 10


@pytest.mark.parametrize("node", NODES[1:4])
def test_a_torn_state_is_refused_and_the_last_good_one_can_only_lower_its_node(
    three_nodes: Path, build: Build, node: str
) -> None:
    publish(three_nodes, node_state("spr-0004", QUIET))
    extender = build()
    before = extender.scores(newcomer(), NODES[1:5])
    put(three_nodes / "nodestates" / f"{node}.json", b'{"apiVersion": "leew')
    extender.refresh()
    assert extender.metrics.value("files_refused_total") == 1
    assert extender.scores(newcomer(), NODES[1:5]) == before | {node: min(before[node], NEUTRAL_LOW)}
    strict = pod_object("u", annotations={"leeward.dev/enforcement": "required", "leeward.dev/max-slowdown": "1.0"})
    assert json.loads(extender.filter(args(strict, *NODES[1:5])).content)["NodeNames"] == [node]


def test_what_was_predicted_before_a_state_was_deleted_says_nothing_of_a_refused_one(
    three_nodes: Path, build: Build
) -> None:
    extender = build()
    assert extender.scores(newcomer(), NODES[1:4])["spr-0001"] < NEUTRAL_LOW
    (three_nodes / "nodestates" / "spr-0001.json").unlink()
    extender.refresh()
    put(three_nodes / "nodestates" / "spr-0001.json", b"{")
    extender.refresh()
    assert extender.scores(newcomer(), NODES[1:4])["spr-0001"] == NEUTRAL_LOW
    assert extender.explanation(newcomer(), ["spr-0001"]).nodes[0].standing is Standing.REFUSED
    assert extender.health().nodes == 3
