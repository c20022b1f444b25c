"""``leeward eval watch`` as a user calls it."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.eval_watch import watch
from eval.watch.state import Event, Kept

APP = typer.Typer()
APP.command()(watch)


def test_who_submits_says_where_to() -> None:
    said = CliRunner().invoke(APP, ["--submit", "--once"])
    assert said.exit_code == 2
    assert "--submit needs --host, Kubeflow Pipelines' URL, and --registry, MLflow's" in said.output


def test_settings_that_are_none_are_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"level": 2.0}')
    said = CliRunner().invoke(APP, ["--once", "--state", str(tmp_path / "state"), "--settings", str(file)])
    assert said.exit_code == 1
    assert said.output.startswith("leeward: WatchSettings is refused: level: ")


@pytest.mark.slow  # Feast
def test_one_look_at_a_new_state_says_where_the_watch_stands(tmp_path: Path) -> None:
    state = tmp_path / "state"
    said = CliRunner().invoke(APP, ["--once", "--state", str(state)])
    assert said.exit_code == 0, said.output
    assert "watch began: the watch begins" in said.output
    assert "watching; nobody serves" in said.output
    assert "evidence 0 of 60,000 for an alarm" in said.output
    assert [record.event for record in Kept(state).records()] == [Event.BEGAN]
    again = CliRunner().invoke(APP, ["--once", "--state", str(state)])
    assert "watch began" not in again.output
