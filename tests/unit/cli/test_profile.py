"""``leeward profile``: where the newcomer's profile is found afterwards."""

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.profile import stored_profile
from contracts.profile import Tier, WorkloadProfile
from eval.campaign import CampaignSettings, run_into
from feature_repo.profiles import ProfileKey, latest_profile, profiles_as_of
from feature_repo.store import open_store
from pipelines.dataset import dataset_directory
from tests.unit.feature_repo.documents import DAY_START, profile
from tests.unit.feature_repo.vectors import DAY_START_NS, SECOND_NS

MEASURED = profile("upf", 120).model_copy(update={"first_seen": DAY_START})
"""Within the first two minutes of a simulated day."""
OTHERWISE = MEASURED.model_copy(update={"observations": 5})


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["profile", *arguments])


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("state")
    (state / ".leeward-state").touch()
    settings = CampaignSettings(workloads=("amf", "batch", "dpi", "upf-small"), intensities=(1.0,), mixes=0)
    run_into(dataset_directory(state), settings)
    return state


def test_a_newcomer_gets_a_probed_profile_where_the_extender_and_the_training_look(state: Path) -> None:
    done = asked("firewall", "--state", str(state))
    assert done.exit_code == 0, done.output
    profile = WorkloadProfile.from_json((state / "profiles" / "firewall.json").read_bytes())
    assert (profile.key, profile.tier) == ("firewall", Tier.PROBED)
    assert "firewall alone:" in done.stdout
    assert str(state / "profiles" / "firewall.json") in done.stdout
    assert latest_profile(open_store(state), "firewall") == profile


def test_a_run_that_measures_the_same_again_is_stored_once(tmp_path: Path) -> None:
    assert [stored_profile(tmp_path, MEASURED) for _ in range(3)] == [MEASURED] * 3
    assert len(list((tmp_path / "features" / "profile_v1").glob("date=*/*.parquet"))) == 1


def test_a_run_that_measures_otherwise_is_known_since_after_the_one_before(tmp_path: Path) -> None:
    stored_profile(tmp_path, MEASURED)
    second = stored_profile(tmp_path, OTHERWISE)
    third = stored_profile(tmp_path, MEASURED)
    assert second == OTHERWISE.model_copy(
        update={"first_seen": MEASURED.last_seen, "last_seen": MEASURED.last_seen + timedelta(seconds=120)}
    )
    assert third.last_seen == second.last_seen + timedelta(seconds=120)
    assert stored_profile(tmp_path, MEASURED) == third
    store = open_store(tmp_path)
    assert latest_profile(store, "upf") == third
    asked_for = [ProfileKey("upf", DAY_START_NS + seconds * SECOND_NS) for seconds in (119, 120, 239, 240, 360)]
    assert profiles_as_of(store, asked_for) == (None, MEASURED, MEASURED, second, third)


def test_without_a_campaign_nobody_is_known(tmp_path: Path) -> None:
    done = asked("firewall", "--state", str(tmp_path / "new"))
    assert done.exit_code == 1
    assert "run a campaign first" in done.stderr
    assert not (tmp_path / "new" / "profiles").exists()


def test_an_unknown_workload_is_told(tmp_path: Path) -> None:
    done = asked("ftp", "--state", str(tmp_path / "new"))
    assert (done.exit_code, "no workload is called 'ftp'" in done.stderr) == (1, True)
    assert not (tmp_path / "new").exists()
