import numpy as np
import pytest

from contracts.axis import Axis
from eval.campaign import CampaignSettings
from eval.campaign.mixes import draw_mix
from eval.testbed.stressor import Stressor
from eval.testbed.workload import WORKLOADS

SETTINGS = CampaignSettings()


@pytest.mark.parametrize(("room", "smt"), [(16, True), (16, False), (32, True)])
def test_mixes_fit_and_name_nobody_twice(room: int, smt: bool) -> None:
    rng = np.random.default_rng(1)
    sizes = set()
    for _ in range(300):
        mix = draw_mix(WORKLOADS, SETTINGS, room=room, smt=smt, rng=rng)
        names = [occupant.name for occupant in mix.occupants]
        stressors = [occupant for occupant in mix.occupants if isinstance(occupant, Stressor)]
        assert len(set(names)) == len(names)
        assert sum(occupant.exclusive_cores for occupant in mix.occupants) <= room
        assert len(stressors) < len(names)
        assert len({each.axis for each in stressors}) == len(stressors)
        assert {each.intensity for each in stressors} <= set(SETTINGS.intensities)
        assert smt or all(each.axis is not Axis.SMT for each in stressors)
        sizes.add(len(names))
    assert sizes == {2, 3, 4, 5, 6}
