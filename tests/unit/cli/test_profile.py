from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.campaign import characterise
from cli.main import app
from contracts.profile import Tier, WorkloadProfile


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["profile", *arguments])


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("state")
    (state / ".leeward-state").touch()
    characterise(state, seed=1, mixes=0, report=lambda doing, done: None)
    return state


def test_a_newcomer_gets_a_probed_profile_where_the_extender_looks(state: Path) -> None:
    done = asked("firewall", "--state", str(state))
    assert done.exit_code == 0, done.output
    profile = WorkloadProfile.from_json((state / "profiles" / "firewall.json").read_bytes())
    assert (profile.key, profile.tier) == ("firewall", Tier.PROBED)
    assert "firewall alone:" in done.stdout
    assert str(state / "profiles" / "firewall.json") in done.stdout


def test_without_a_campaign_nobody_is_known(tmp_path: Path) -> None:
    done = asked("firewall", "--state", str(tmp_path / "new"))
    assert done.exit_code == 1
    assert "run a campaign first" in done.stderr
    assert not (tmp_path / "new" / "profiles").exists()


def test_an_unknown_workload_is_told(tmp_path: Path) -> None:
    done = asked("ftp", "--state", str(tmp_path / "new"))
    assert (done.exit_code, "no workload is called 'ftp'" in done.stderr) == (1, True)
    assert not (tmp_path / "new").exists()
