from pathlib import Path

import pytest

from contracts.errors import ContractError
from eval.campaign import Campaign, read_campaign, write_campaign
from eval.campaign.errors import CampaignError
from eval.campaign.store import VECTORS_FILE
from pipelines.dataset import PROFILES_FILE, TRACES_FILE, read_dataset


def test_what_is_written_is_read(campaign: Campaign, tmp_path: Path) -> None:
    write_campaign(campaign, tmp_path / "deep" / "campaign")
    assert read_campaign(tmp_path / "deep" / "campaign") == campaign


def test_a_second_campaign_replaces_the_first_and_leaves_nothing_behind(campaign: Campaign, tmp_path: Path) -> None:
    write_campaign(campaign, tmp_path)
    shorter = Campaign(rows=campaign.rows[:5], profiles=campaign.profiles, vectors=campaign.vectors[:7])
    write_campaign(shorter, tmp_path)
    assert read_campaign(tmp_path) == shorter
    assert {path.name for path in tmp_path.iterdir()} == {TRACES_FILE, PROFILES_FILE, VECTORS_FILE}


def test_the_training_reads_the_same_files(campaign: Campaign, tmp_path: Path) -> None:
    write_campaign(campaign, tmp_path)
    assert read_dataset(tmp_path).traces == campaign.rows


@pytest.mark.parametrize("lost", [TRACES_FILE, PROFILES_FILE, VECTORS_FILE])
def test_a_missing_file_is_named(campaign: Campaign, tmp_path: Path, lost: str) -> None:
    write_campaign(campaign, tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(CampaignError, match=rf"{lost} is missing; run a campaign first"):
        read_campaign(tmp_path)


@pytest.mark.parametrize("torn", [TRACES_FILE, VECTORS_FILE])
def test_a_torn_file_is_told(campaign: Campaign, tmp_path: Path, torn: str) -> None:
    write_campaign(campaign, tmp_path)
    (tmp_path / torn).write_bytes((tmp_path / torn).read_bytes()[:100])
    with pytest.raises(CampaignError, match=rf"{torn} is torn or no Parquet"):
        read_campaign(tmp_path)


def test_a_torn_profile_breaks_the_contract(campaign: Campaign, tmp_path: Path) -> None:
    write_campaign(campaign, tmp_path)
    (tmp_path / PROFILES_FILE).write_bytes(b"{\n")
    with pytest.raises(ContractError, match="WorkloadProfile is refused"):
        read_campaign(tmp_path)
