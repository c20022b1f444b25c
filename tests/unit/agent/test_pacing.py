from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pacing import (
    CHANGED_SPACING_SECONDS,
    MOVED_SPACING_SECONDS,
    SPREAD_SECONDS,
    Due,
    Pacing,
    Reason,
)
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import Condition, ConditionStatus, ConditionType, Coverage, DomainState, Status, Window
from contracts.regime import Regime

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HALF = tuple((spec.minimum + spec.maximum) / 2 for spec in FEATURE_SCHEMA_V1.features)
NODE = "n27"
DIGEST = sha256(NODE.encode()).digest()
FIRST_BEAT = 120.0 * int.from_bytes(DIGEST[:4], "big") / 2**32
SPREAD = SPREAD_SECONDS * int.from_bytes(DIGEST[4:8], "big") / 2**32


def status(
    regime: Regime = Regime.QUIET,
    *,
    features: tuple[float | None, ...] = HALF,
    degraded: ConditionStatus = ConditionStatus.FALSE,
    told: str = "Told",
    bundle: str | None = None,
    pods: tuple[str, ...] = (),
    free: int | None = None,
    domains: tuple[str, ...] = ("socket0",),
) -> Status:
    window = Window(start=NOW, end=NOW + timedelta(seconds=10))
    return Status(
        agent_version="1",
        feature_schema=FEATURE_SCHEMA_V1.digest,
        bundle_digest=bundle,
        heartbeat=NOW,
        regimes=regime.value,
        coverage=Coverage(wanted=1, opened=1),
        domains=tuple(
            DomainState(name=name, window=window, features=features, regime=regime, pods=pods, free_exclusive_cpus=free)
            for name in domains
        ),
        conditions=(Condition(type=ConditionType.DEGRADED, status=degraded, reason=told, last_transition_time=NOW),),
    )


def moved(feature: int, share: float) -> tuple[float | None, ...]:
    spec = FEATURE_SCHEMA_V1.features[feature]
    return tuple(
        value + share * (spec.maximum - spec.minimum) if index == feature else value for index, value in enumerate(HALF)
    )


@pytest.fixture
def pacing() -> Pacing:
    """Has written a quiet status at second 0; beats at some second 107, 227 and so on."""
    made = Pacing(node=NODE, heartbeat_seconds=120.0)
    assert made.due(status(), now_seconds=0.0).reason is Reason.FIRST
    made.written(status(), now_seconds=0.0)
    return made


def beats_at(seconds: float) -> Due:
    return Due(reason=Reason.HEARTBEAT, at_seconds=seconds)


def test_what_was_never_written_is_due_at_once() -> None:
    pacing = Pacing(node=NODE, heartbeat_seconds=120.0)
    for second in (0.0, 1.0, 2.0):
        assert pacing.due(status(), now_seconds=second) == Due(reason=Reason.FIRST, at_seconds=second)


def test_where_nothing_changes_the_beats_lie_on_one_grid(pacing: Pacing) -> None:
    assert pacing.due(status(), now_seconds=10.0) == beats_at(FIRST_BEAT)
    assert pacing.due(status(), now_seconds=110.5) == beats_at(FIRST_BEAT + 120.0)
    assert pacing.due(status(), now_seconds=1000.0) == beats_at(FIRST_BEAT + 8 * 120.0)


@given(writes=st.lists(st.floats(0.0, 5000.0), max_size=20), now=st.floats(0.0, 5000.0), node=st.text())
def test_no_write_moves_the_grid_and_no_beat_is_further_than_the_setting(
    writes: list[float], now: float, node: str
) -> None:
    plain, busy = (Pacing(node=node, heartbeat_seconds=120.0) for _ in range(2))
    for each in (plain, busy):
        each.written(status(), now_seconds=0.0)
    for second in sorted(writes):
        busy.written(status(), now_seconds=second)
    due = plain.due(status(), now_seconds=now)
    assert due == busy.due(status(), now_seconds=now)
    assert now - 1e-6 <= due.at_seconds <= now + 120.0


def test_a_regime_is_due_once_it_is_confirmed(pacing: Pacing) -> None:
    assert pacing.due(status(Regime.LLC), now_seconds=10.0) == beats_at(FIRST_BEAT)
    assert pacing.due(status(Regime.LLC), now_seconds=20.0) == Due(reason=Reason.CHANGED, at_seconds=20.0)


def test_a_regime_that_comes_and_goes_is_not(pacing: Pacing) -> None:
    for second in range(10, 80, 20):
        assert pacing.due(status(Regime.LLC), now_seconds=float(second)) == beats_at(FIRST_BEAT)
        assert pacing.due(status(), now_seconds=float(second + 10)) == beats_at(FIRST_BEAT)


@pytest.mark.parametrize(
    "other",
    [status(pods=("uid-1",)), status(free=3), status(domains=("socket0", "socket1")), status(domains=())],
    ids=["pods", "free-cpus", "domain-added", "domain-gone"],
)
def test_whatever_places_pods_is_a_change(pacing: Pacing, other: Status) -> None:
    assert pacing.due(other, now_seconds=10.0) == beats_at(FIRST_BEAT)
    assert pacing.due(other, now_seconds=20.0).reason is Reason.CHANGED


def test_conditions_are_told_once_confirmed_at_a_time_of_the_nodes_own(pacing: Pacing) -> None:
    degraded = status(degraded=ConditionStatus.TRUE)
    assert pacing.due(degraded, now_seconds=20.0) == beats_at(FIRST_BEAT)
    assert pacing.due(degraded, now_seconds=30.0) == Due(reason=Reason.CHANGED, at_seconds=30.0 + SPREAD)
    assert pacing.due(degraded, now_seconds=31.0) == Due(reason=Reason.CHANGED, at_seconds=30.0 + SPREAD)
    assert pacing.due(status(), now_seconds=32.0) == beats_at(FIRST_BEAT)


def test_another_reason_is_another_condition(pacing: Pacing) -> None:
    for second in (20.0, 30.0):
        due = pacing.due(status(told="Otherwise"), now_seconds=second)
    assert due == Due(reason=Reason.CHANGED, at_seconds=30.0 + SPREAD)


def test_a_promoted_model_waits_for_the_beat(pacing: Pacing) -> None:
    for second in (10.0, 20.0, 30.0):
        assert pacing.due(status(bundle="sha256:" + "0" * 64), now_seconds=second) == beats_at(FIRST_BEAT)


def test_moves_of_one_window_do_not_confirm_another_windows(pacing: Pacing) -> None:
    reasons = [
        pacing.due(status(features=moved(feature, 0.2)), now_seconds=40.0 + step).reason
        for step, feature in enumerate((0, 1, 0, 1, 1))
    ]
    assert reasons == [Reason.HEARTBEAT] * 4 + [Reason.MOVED]


def test_a_change_that_was_not_written_stays_due(pacing: Pacing) -> None:
    reasons = [pacing.due(status(Regime.LLC), now_seconds=second).reason for second in (10.0, 20.0, 30.0, 40.0)]
    assert reasons == [Reason.HEARTBEAT, Reason.CHANGED, Reason.CHANGED, Reason.CHANGED]


def test_changes_keep_a_distance_however_short_the_windows_are(pacing: Pacing) -> None:
    for tenth in range(1, 20):
        due = pacing.due(status(Regime.LLC), now_seconds=tenth / 10)
    assert due == Due(reason=Reason.CHANGED, at_seconds=CHANGED_SPACING_SECONDS)


@given(feature=st.integers(0, len(FEATURE_SCHEMA_V1) - 1), share=st.floats(-0.4, 0.4))
def test_features_are_due_once_they_have_left_the_dead_band_for_two_windows(feature: int, share: float) -> None:
    pacing = Pacing(node=NODE, heartbeat_seconds=120.0)
    pacing.written(status(), now_seconds=0.0)
    first, second = (pacing.due(status(features=moved(feature, share)), now_seconds=now) for now in (40.0, 50.0))
    assert first.reason is Reason.HEARTBEAT
    if abs(share) > 0.051:
        assert second == Due(reason=Reason.MOVED, at_seconds=50.0 + SPREAD)
    if abs(share) < 0.049:
        assert second == first


@given(shares=st.lists(st.floats(-0.4, 0.4), max_size=30))
def test_noise_to_both_sides_of_what_was_written_moves_nothing(shares: list[float]) -> None:
    pacing = Pacing(node=NODE, heartbeat_seconds=120.0)
    pacing.written(status(), now_seconds=0.0)
    for index, share in enumerate(shares):
        features = moved(index % len(FEATURE_SCHEMA_V1), abs(share) if index % 2 else -abs(share))
        assert pacing.due(status(features=features), now_seconds=float(index)).reason is Reason.HEARTBEAT


def test_moves_keep_a_distance_and_a_time_that_the_next_window_does_not_put_off(pacing: Pacing) -> None:
    expected = Due(reason=Reason.MOVED, at_seconds=MOVED_SPACING_SECONDS + SPREAD)
    pacing.due(status(features=moved(0, 0.2)), now_seconds=1.0)
    assert [pacing.due(status(features=moved(0, 0.2)), now_seconds=second) for second in (2.0, 12.0, 34.0)] == [
        expected
    ] * 3


def test_a_beat_that_comes_first_takes_the_moves_along(pacing: Pacing) -> None:
    pacing.written(status(), now_seconds=100.0)
    for second in (101.0, 102.0):
        due = pacing.due(status(features=moved(0, 0.2)), now_seconds=second)
    assert due == beats_at(FIRST_BEAT)


def test_slow_drift_is_measured_from_what_was_written(pacing: Pacing) -> None:
    reasons = [
        pacing.due(status(features=moved(0, step * 0.02)), now_seconds=10.0 * step).reason for step in range(1, 5)
    ]
    assert reasons == [Reason.HEARTBEAT, Reason.HEARTBEAT, Reason.HEARTBEAT, Reason.MOVED]


def test_values_that_go_missing_and_return_wait_for_the_beat(pacing: Pacing) -> None:
    for second in (10.0, 20.0, 30.0):
        assert pacing.due(status(features=(None, *HALF[1:])), now_seconds=second) == beats_at(FIRST_BEAT)


@pytest.mark.parametrize("pattern", ["node-{}", "ip-10-0-{}.eu-west-1.compute.internal", "{:05}.rack.example"])
def test_nodes_that_start_together_beat_apart_over_a_whole_interval(pattern: str) -> None:
    def first_beat(number: int) -> float:
        pacing = Pacing(node=pattern.format(number), heartbeat_seconds=120.0)
        pacing.written(status(), now_seconds=0.0)
        return pacing.due(status(), now_seconds=0.0).at_seconds

    beats = sorted(first_beat(number) for number in range(2000))
    assert 0.0 <= beats[0] < 5.0
    assert 115.0 < beats[-1] <= 120.0
    assert max(later - earlier for earlier, later in pairwise(beats)) < 5.0
