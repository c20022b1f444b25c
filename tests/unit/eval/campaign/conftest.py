import pytest

from eval.campaign import Campaign, CampaignSettings, run_campaign

SMALL = CampaignSettings(
    name="small",
    seed=3,
    workloads=("upf-large", "upf-small", "firewall", "transcoder", "amf", "batch"),
    intensities=(0.25, 1.0),
    mixes=48,
)


@pytest.fixture(scope="session")
def small_settings() -> CampaignSettings:
    return SMALL


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    return run_campaign(SMALL)
