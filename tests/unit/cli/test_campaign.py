"""``leeward campaign run`` where it ends before the feature store is asked."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.campaign import characterise
from cli.main import app
from eval.campaign.errors import CampaignError
from pipelines.dataset import dataset_directory, read_dataset


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["campaign", "run", *arguments])


def silent(doing: str, done: float) -> None:
    pass


def test_a_campaign_of_other_settings_is_refused_in_a_sentence(tmp_path: Path) -> None:
    state = tmp_path / "state"
    characterise(state, seed=1, mixes=0, report=silent)
    kept = read_dataset(dataset_directory(state))
    done = asked("--state", str(tmp_path), "--seed", "2")
    assert (done.exit_code, "holds files that are not Leeward's" in done.stderr) == (1, True)
    (state / ".leeward-state").touch()
    done = asked("--state", str(state), "--seed", "2", "--mixes", "0")
    assert done.exit_code == 1
    assert "holds a campaign of other settings (_settings.json says which)" in done.stderr
    assert read_dataset(dataset_directory(state)) == kept
    with pytest.raises(CampaignError):
        characterise(state, seed=1, mixes=0, clocks=(1.0,), report=silent)


@pytest.mark.parametrize("arguments", [["--source", "replay"], ["somewhere"]], ids=["replay", "directory"])
def test_a_directory_goes_with_replay_and_only_with_it(arguments: list[str]) -> None:
    done = asked(*arguments)
    assert done.exit_code == 2
    assert "a directory goes with --source replay, and only with it" in " ".join(done.stderr.replace("│", "").split())


def test_clocks_are_numbers() -> None:
    done = asked("--clocks", "fast,slow")
    assert done.exit_code == 2
    assert "numbers with commas between are meant" in " ".join(done.stderr.replace("│", "").split())


def test_a_lab_without_a_schedule_is_told(tmp_path: Path) -> None:
    done = asked(str(tmp_path), "--source", "replay", "--state", str(tmp_path / "state"))
    assert done.exit_code == 1
    assert "lab.toml is missing: docs/campaigns.md says what a lab sends back" in done.stderr
