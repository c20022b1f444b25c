import pytest

from contracts.axis import Axis
from eval.campaign import Campaign, CampaignSettings, run_campaign

SMALL = CampaignSettings(
    name="small",
    seed=3,
    workloads=("upf-large", "upf-small", "firewall", "transcoder", "amf", "batch"),
    axes=(Axis.LLC, Axis.MEMBW, Axis.SMT),
    intensities=(0.25, 1.0),
    mixes=48,
)


@pytest.fixture(scope="session")
def small_settings() -> CampaignSettings:
    return SMALL


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    return run_campaign(SMALL)
