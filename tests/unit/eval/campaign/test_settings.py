import pytest

from contracts.axis import Axis
from eval.campaign import CampaignSettings
from eval.campaign.errors import CampaignError
from eval.campaign.settings import small_settings
from eval.testbed.catalogue import WORKLOADS


@pytest.mark.parametrize("intensities", [(), (0.5, 0.5), (1.0, 0.5), (0.0, 1.0), (0.5, 1.5)])
def test_intensities_rise_within_zero_and_one(intensities: tuple[float, ...]) -> None:
    with pytest.raises(CampaignError, match="rising numbers above 0 and up to 1 are meant"):
        CampaignSettings(intensities=intensities)
    with pytest.raises(CampaignError, match="probe intensities are"):
        CampaignSettings(probe_intensities=intensities)


def test_a_mix_is_of_two_at_least() -> None:
    with pytest.raises(CampaignError, match="mixes of 1 to 6 parties: two at least"):
        CampaignSettings(smallest_mix=1)
    with pytest.raises(CampaignError, match="mixes of 4 to 3 parties"):
        CampaignSettings(smallest_mix=4, largest_mix=3)


def test_something_is_measured() -> None:
    with pytest.raises(CampaignError, match="0 probe windows"):
        CampaignSettings(probe_windows=0)
    with pytest.raises(CampaignError, match="-1 mixes"):
        CampaignSettings(mixes=-1)
    with pytest.raises(CampaignError, match=r"windows of 0\.0 s"):
        CampaignSettings(window_seconds=0.0)
    with pytest.raises(CampaignError, match="0 workloads, stressors of llc"):
        CampaignSettings(workloads=())


@pytest.mark.parametrize("clocks", [(1.0, 1.0), (0.1,), (1.0, 3.0)])
def test_clocks_differ_and_are_within_the_hardwares_reach(clocks: tuple[float, ...]) -> None:
    with pytest.raises(CampaignError, match="different numbers are meant, core clock over nominal clock"):
        CampaignSettings(clocks=clocks)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a" * 64, "with space"])
def test_a_name_can_name_a_directory(name: str) -> None:
    with pytest.raises(CampaignError, match="a campaign can't be called"):
        CampaignSettings(name=name)


def test_each_axis_is_named_once_and_there_is_a_node() -> None:
    with pytest.raises(CampaignError, match=r"stressors of llc, llc: one workload and one axis at least are meant"):
        CampaignSettings(axes=(Axis.LLC, Axis.LLC))
    with pytest.raises(CampaignError, match="stressors of no axis"):
        CampaignSettings(axes=())
    with pytest.raises(CampaignError, match="0 nodes: one at least is meant"):
        CampaignSettings(nodes=0)


def test_by_default_everybody_takes_part_and_in_a_small_campaign_a_dozen() -> None:
    everybody, dozen = CampaignSettings(), small_settings(seed=3)
    assert everybody.workloads == tuple(known.name for known in WORKLOADS)
    assert (len(dozen.workloads), dozen.seed, dozen.axes) == (12, 3, everybody.axes)
    assert dozen.name != everybody.name
