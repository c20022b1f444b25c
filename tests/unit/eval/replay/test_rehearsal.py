"""A simulated period recorded and replayed: the same champion says what the extender said, of every placement."""

from collections import Counter
from pathlib import Path

import pytest

from eval.replay.choices import ReplayPolicy
from eval.replay.models import replayed_models
from eval.replay.reading import Recording
from eval.replay.rehearsal import main, rehearse
from eval.replay.replay import Replay, replay
from eval.watch.evidence_in_memory import EvidenceInMemory
from pipelines.registry import local_registry
from tests.unit.eval.replay.site import champion_in

PODS = 14


def test_what_was_rehearsed_is_replayed_and_every_decision_is_reproduced(tmp_path: Path) -> None:
    state, recording = champion_in(tmp_path), tmp_path / "recording"
    before = {path: path.stat().st_mtime_ns for path in state.rglob("*")}
    found = rehearse(recording, state, nodes=3, pods=PODS, seed=5)
    assert (found.placed, found.refused) == (PODS, 0)
    assert {path: path.stat().st_mtime_ns for path in state.rglob("*")} == before
    evidence = EvidenceInMemory()
    evidence.add(found.outcomes)
    models = replayed_models(state, bundles=(), versions=(), registry=local_registry(state), troubles=Counter())
    report = replay(Replay(recording=Recording(recording), state=state, models=models, evidence=evidence))
    assert report.simulated
    assert (report.placements, report.recording.decisions) == (PODS, PODS)
    assert (report.reproduction.decisions, report.reproduction.reproduced) == (PODS, PODS)
    assert report.reproduction.asked_otherwise == 0
    assert report.regimes[0].as_published == 1.0
    assert not report.troubles
    recorded = next(figures for figures in report.policies if figures.policy is ReplayPolicy.RECORDED)
    assert recorded.kept is not None
    assert recorded.kept.exceeded is not None
    assert recorded.kept.exceeded.units + recorded.kept.without == PODS


def test_the_program_says_what_it_recorded_and_never_writes_over_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = champion_in(tmp_path)
    asked = ["--into", str(tmp_path / "recording"), "--state", str(state), "--nodes", "2", "--pods", "2"]
    assert main(asked) == 0
    assert "SIMULATED: 2 pods placed, 0 found no room" in capsys.readouterr().out
    assert main(asked) == 1
    assert "holds a recording, and a simulated clock begins anew" in capsys.readouterr().err


def test_without_a_champion_nothing_is_rehearsed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--into", str(tmp_path / "r"), "--state", str(tmp_path / "s")]) == 1
    assert "has no champion: train first" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_site_of_nobody_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--into", str(tmp_path / "r"), "--state", str(tmp_path / "s"), "--nodes", "0"]) == 1
    assert "0 nodes, 200 pods: one of each at least" in capsys.readouterr().err
