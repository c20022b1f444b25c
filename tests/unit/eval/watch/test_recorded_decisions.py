"""Decisions on disk become predictions: those that name bounds, and none that is torn."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contracts.regime import Regime
from eval.watch.prediction import RecordedPrediction, Recordings
from eval.watch.recorded_decisions import RecordedDecisions
from scheduler_extender.party_bounds import PartyBound

PARTY: dict[str, Any] = {
    "pod": "core/upf-0",
    "uid": "uid-1",
    "workload": "upf-large",
    "node": "spr-0001",
    "domain": "socket1",
    "bound": 1.4,
    "tolerance": 1.2,
    "newcomer": True,
}
DECISION = {
    "version": 2,
    "decided": "2026-03-01T10:00:00Z",
    "pod": "core/upf-0",
    "champion": "sha256:" + "1" * 64,
    "parties": [PARTY, {**PARTY, "uid": "uid-2", "workload": "amf", "domain": None}, {**PARTY, "bound": None}],
}
FIRST = RecordedPrediction(
    at=datetime(2026, 3, 1, 10, tzinfo=UTC),
    pod_uid="uid-1",
    workload="upf-large",
    node="spr-0001",
    domain="socket1",
    champion="sha256:" + "1" * 64,
    bound=1.4,
    tolerance=1.2,
)


def test_each_party_with_a_bound_is_a_prediction(tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "decisions.jsonl").write_text(json.dumps(DECISION) + "\n")
    found = RecordedDecisions(tmp_path).recorded()
    assert found.predictions[0] == FIRST
    assert [(one.pod_uid, one.domain) for one in found.predictions] == [("uid-1", "socket1"), ("uid-2", "")]
    assert found.unreadable == 0


def test_what_the_extender_calls_a_party_is_what_is_read() -> None:
    written = PartyBound(**PARTY, regime=Regime.QUIET).to_json()
    assert json.loads(written).items() >= PARTY.items()


def test_version_one_has_no_bounds_and_torn_lines_are_counted_but_for_the_one_being_written(tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir()
    old = {key: value for key, value in DECISION.items() if key != "parties"} | {"version": 1}
    lines = [json.dumps(old), "{torn", json.dumps({**DECISION, "decided": "yesterday"}), json.dumps(DECISION)]
    (tmp_path / "decisions" / "decisions.jsonl.1").write_text("\n".join(lines) + "\n")
    (tmp_path / "decisions" / "decisions.jsonl").write_text(json.dumps(DECISION) + "\n" + json.dumps(DECISION)[:40])
    found = RecordedDecisions(tmp_path).recorded()
    assert len(found.predictions) == 4
    assert found.unreadable == 2


def test_where_nobody_decided_nothing_is_recorded(tmp_path: Path) -> None:
    assert RecordedDecisions(tmp_path).recorded() == Recordings()
