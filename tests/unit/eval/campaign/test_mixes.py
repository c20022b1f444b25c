import numpy as np
import pytest

from contracts.axis import Axis
from eval.campaign import CampaignSettings
from eval.campaign.mixes import draw_mix
from eval.campaign.plan import plan_of
from eval.testbed.catalogue import WORKLOADS
from eval.testbed.cluster import simulated_nodes
from eval.testbed.stressor import Stressor

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


def test_every_mix_fits_on_its_node_in_the_order_of_arrival_also_where_threads_are_handed_out() -> None:
    """Seeds 3, 6 and 7 once drew mixes with the SMT stressor for which its node had no threads left."""
    for seed in (3, 6, 7, 17):
        nodes = simulated_nodes(seed=seed)
        for node, mixes in zip(nodes, plan_of(CampaignSettings(seed=seed), nodes).mixes, strict=True):
            for mix in mixes:
                for occupant in mix.occupants:
                    node.place(occupant.name, occupant, domain="socket0")
                for occupant in mix.occupants:
                    node.remove(occupant.name)
