from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pacing import JITTER, Pacing, Reason
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import Condition, ConditionStatus, ConditionType, Coverage, DomainState, Status, Window
from contracts.regime import Regime

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HALF = tuple((spec.minimum + spec.maximum) / 2 for spec in FEATURE_SCHEMA_V1.features)


def status(
    regime: Regime = Regime.QUIET,
    *,
    features: tuple[float | None, ...] = HALF,
    degraded: ConditionStatus = ConditionStatus.FALSE,
    bundle: str | None = None,
) -> Status:
    window = Window(start=NOW, end=NOW + timedelta(seconds=10))
    return Status(
        agent_version="1",
        feature_schema=FEATURE_SCHEMA_V1.digest,
        bundle_digest=bundle,
        heartbeat=NOW,
        regimes=regime.value,
        coverage=Coverage(wanted=1, opened=1),
        domains=(DomainState(name="socket0", window=window, features=features, regime=regime),),
        conditions=(Condition(type=ConditionType.DEGRADED, status=degraded, reason="Told", last_transition_time=NOW),),
    )


def moved(feature: int, share: float) -> tuple[float | None, ...]:
    spec = FEATURE_SCHEMA_V1.features[feature]
    return tuple(
        value + share * (spec.maximum - spec.minimum) if index == feature else value for index, value in enumerate(HALF)
    )


@pytest.fixture
def pacing() -> Pacing:
    """Has written a quiet status at second 0."""
    made = Pacing(node="n1", heartbeat_seconds=120.0)
    assert made.reason(status(), now_seconds=0.0) is Reason.FIRST
    made.published(status(), now_seconds=0.0)
    return made


def test_what_was_never_written_stays_due() -> None:
    pacing = Pacing(node="n1", heartbeat_seconds=120.0)
    assert [pacing.reason(status(), now_seconds=float(second)) for second in range(3)] == [Reason.FIRST] * 3


def test_a_node_where_nothing_changes_beats_no_more_than_it_must(pacing: Pacing) -> None:
    reasons = [pacing.reason(status(), now_seconds=float(second)) for second in range(0, 121, 10)]
    assert reasons[:11] == [None] * 11
    assert reasons[-1] is Reason.HEARTBEAT


def test_a_regime_is_written_once_it_is_confirmed(pacing: Pacing) -> None:
    assert pacing.reason(status(Regime.LLC), now_seconds=10.0) is None
    assert pacing.reason(status(Regime.LLC), now_seconds=20.0) is Reason.CHANGED


def test_a_regime_that_comes_and_goes_is_not(pacing: Pacing) -> None:
    for second in range(10, 100, 20):
        assert pacing.reason(status(Regime.LLC), now_seconds=float(second)) is None
        assert pacing.reason(status(), now_seconds=float(second + 10)) is None


def test_conditions_and_models_count_like_regimes(pacing: Pacing) -> None:
    for other in (status(degraded=ConditionStatus.TRUE), status(bundle="sha256:" + "0" * 64)):
        assert pacing.reason(other, now_seconds=10.0) is None
        assert pacing.reason(other, now_seconds=20.0) is Reason.CHANGED
        assert pacing.reason(status(), now_seconds=30.0) is None


def test_a_failed_write_of_a_change_stays_due(pacing: Pacing) -> None:
    reasons = [pacing.reason(status(Regime.LLC), now_seconds=float(second)) for second in (10, 20, 30, 40)]
    assert reasons == [None, Reason.CHANGED, Reason.CHANGED, Reason.CHANGED]


@given(feature=st.integers(0, len(FEATURE_SCHEMA_V1) - 1), share=st.floats(-0.4, 0.4))
def test_features_are_written_beyond_the_dead_band(feature: int, share: float) -> None:
    pacing = Pacing(node="n1", heartbeat_seconds=120.0)
    pacing.published(status(), now_seconds=0.0)
    reason = pacing.reason(status(features=moved(feature, share)), now_seconds=10.0)
    if abs(share) > 0.051:
        assert reason is Reason.MOVED
    if abs(share) < 0.049:
        assert reason is None


def test_slow_drift_is_measured_from_what_was_written(pacing: Pacing) -> None:
    reasons = [pacing.reason(status(features=moved(0, step * 0.02)), now_seconds=10.0 * step) for step in range(1, 5)]
    assert reasons == [None, None, Reason.MOVED, Reason.MOVED]


def test_values_that_go_missing_and_return_wait_for_the_heartbeat(pacing: Pacing) -> None:
    assert pacing.reason(status(features=(None, *HALF[1:])), now_seconds=10.0) is None


def beat(node: str) -> float:
    pacing = Pacing(node=node, heartbeat_seconds=120.0)
    pacing.published(status(), now_seconds=0.0)
    tenths = range(10 * 107, 10 * 121)
    return next(tenth / 10 for tenth in tenths if pacing.reason(status(), now_seconds=tenth / 10) is not None)


def test_nodes_that_start_together_drift_apart() -> None:
    beats = [beat(f"node-{number}") for number in range(50)]
    assert min(beats) >= 120.0 * (1 - JITTER)
    assert max(beats) <= 120.0
    assert len(set(beats)) > 25
