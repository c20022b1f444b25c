"""``leeward eval replay`` as a user calls it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.eval_replay import moment_of, replay
from cli.state import claim
from eval.replay.report import ReplayReport
from tests.unit.eval.replay.site import TOLERANT, bundle_in, champion_in, pod, record, two_nodes

APP = typer.Typer()
APP.command()(replay)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    claim(tmp_path / "state")
    return champion_in(tmp_path)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return record(tmp_path / "recording", *two_nodes(), pod(5, "a", node="noisy", annotations=TOLERANT), simulated=True)


def said(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(APP, list(map(str, arguments)), env={"COLUMNS": "100"})
    return result.exit_code, " ".join(result.output.split())


def test_a_recording_is_replayed_shown_and_written_down(tmp_path: Path, state: Path, recording: Path) -> None:
    bundle_in(tmp_path / "challenger", version="2", margin=0.6)
    copy, page = tmp_path / "copy.json", tmp_path / "page.html"
    code, output = said(
        *("--recording", recording, "--state", state, "--bundle", tmp_path / "challenger", "--version", 7),
        *("--json", copy, "--html", page),
    )
    assert code == 0, output
    assert "Replay SIMULATED of" in output
    assert "1 placements judged" in output
    assert "1 model versions that can't be had any more" in output
    written = state / "reports" / "replay.json"
    assert copy.read_bytes() == written.read_bytes()
    report = ReplayReport.from_json(written.read_bytes())
    assert [model.name for model in report.models] == ["champion 1", "bundle challenger"]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_policies_and_a_period_may_be_named(state: Path, recording: Path) -> None:
    code, output = said("--recording", recording, "--state", state, "--policies", "default", "--to", "2026-11-24")
    assert code == 0, output
    assert "0 placements judged" in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--policies", "oracle"], "leeward: no policy is called 'oracle'"),
        (["--bundle", "nothing"], "leeward: bundle file nothing/SHA256SUMS can't be read"),
    ],
    ids=["policy", "bundle"],
)
def test_what_is_not_there_is_one_sentence(state: Path, recording: Path, arguments: list[str], sentence: str) -> None:
    code, output = said("--recording", recording, "--state", state, *arguments)
    assert code == 1
    assert output.startswith(sentence)


def test_a_directory_without_a_recording_or_a_champion_is_one_sentence(
    tmp_path: Path, state: Path, recording: Path
) -> None:
    assert "holds no recording: make one with" in said("--recording", tmp_path / "none", "--state", state)[1]
    assert "has no champion: train first" in said("--recording", recording, "--state", tmp_path / "new")[1]


def test_times_are_in_utc_where_they_name_no_zone() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert moment_of("2026-03-01T12:00:00", option="--from") == noon
    assert moment_of("2026-03-01T13:00:00+01:00", option="--from") == noon
    assert moment_of("", option="--from") is None
    with pytest.raises(typer.BadParameter, match="'noon' is no time: write 2026-03-01T12:00:00Z"):
        moment_of("noon", option="--from")
