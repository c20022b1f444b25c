"""Whatever stands in a recording, in whatever order: it is counted, and the replay goes on."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.replay.judge import ReplayedModel
from eval.replay.reading import Recording
from eval.replay.recording import Kind
from eval.replay.replay import Replay, replay
from eval.replay.report import ReplayReport
from tests.unit.eval.replay.site import (
    BUSY,
    REQUIRING,
    Told,
    at,
    bundle_in,
    decision_of,
    gone,
    judged,
    node,
    pod,
    state,
    whole,
    write_decisions,
)
from tests.unit.scheduler_extender.small_cluster import Domain, node_state

POOL: tuple[Told, ...] = (
    node(0, "noisy"),
    node(0, "calm"),
    node(0, "calm", cpus="2"),
    node(0, "calm", unschedulable=True),
    node(0, "bare", cpus="0", memory="0"),
    gone(0, Kind.NODE, "calm"),
    (0.0, Kind.NODE, "calm", b"[]"),
    (0.0, Kind.NODE, "calm", b'{"metadata": {"name": "calm", "creationTimestamp": "2026-01-01T00:00:00Z"}}'),
    state(0, "noisy", BUSY),
    state(0, "calm", Domain(free=1, pods=("a",))),
    (0.0, Kind.NODE_STATE, "calm", node_state("calm", seen=at(0))),
    (0.0, Kind.NODE_STATE, "calm", b'{"metadata": {"name": "noisy"}}'),
    (0.0, Kind.NODE_STATE, "calm", b'{"metadata": {"name": "calm"}, "status": 3}'),
    gone(0, Kind.NODE_STATE, "calm"),
    pod(0, "a"),
    pod(0, "a", node="noisy"),
    pod(0, "a", node="calm", annotations=REQUIRING),
    pod(0, "b", node="calm", cpus="1m", qos="Burstable"),
    pod(0, "b", node="calm", cpus="100"),
    pod(0, "b", node="bare", phase="Failed"),
    pod(0, "c", node="nowhere", profile="stranger"),
    gone(0, Kind.POD, "a"),
    (0.0, Kind.POD, "a", b'{"metadata": {"name": "a", "uid": "another"}, "spec": {"nodeName": "calm"}}'),
    (0.0, Kind.POD, "a", b"3"),
    whole(0),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ReplayedModel:
    return ReplayedModel(name="champion", bundle=bundle_in(tmp_path_factory.mktemp("models") / "1"))


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, len(POOL) - 1)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_nothing_that_is_recorded_ends_a_replay(
    model: ReplayedModel, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]]
) -> None:
    told = [(float(seconds), *POOL[which][1:]) for seconds, which in steps]
    directory: Path = tmp_path_factory.mktemp("any")
    write_decisions(directory, decision_of("a", 100), decision_of("b", 300, node="calm"))
    if not told:
        return
    found, _, _ = judged(directory, [model], node(0, "first"), whole(0), *told)
    for one in found:
        assert one.placement.node in one.feasible
        for judgement in one.judgements:
            assert set(judgement.choice) <= set(one.feasible) - judgement.ruled_out
            assert set(judgement.scores) == set(one.feasible) - judgement.ruled_out
        assert all(choice for choice in one.choices.values())
    report = replay(Replay(recording=Recording(directory), state=directory, models=[model]))
    assert report.placements == len(found)
    assert ReplayReport.from_json(report.to_json()) == report
