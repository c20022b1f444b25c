import numpy as np
import pytest

from contracts.axis import Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier, WorkloadProfile
from eval.campaign import CampaignSettings
from eval.campaign.bench import Bench
from eval.campaign.profile_measurements import median_values
from eval.campaign.profile_run import counters_only, profile_run, spare_node, stressor_profile
from eval.testbed.catalogue import workload
from eval.testbed.stressor import PRESSED_AXES, Stressor
from tests.unit.eval.testbed.scenes import slowdown

SETTINGS = CampaignSettings()


def bench() -> Bench:
    return Bench(spare_node(seed=1, wall_ns=10**18), window_seconds=10.0)


@pytest.fixture(scope="module")
def upf() -> WorkloadProfile:
    return profile_run(workload("upf-large"), bench(), SETTINGS)


def test_a_probed_profile_has_a_point_an_axis_and_intensity(upf: WorkloadProfile) -> None:
    assert upf.tier is Tier.PROBED
    assert [response.axis for response in upf.responses] == list(PRESSED_AXES)
    for response in upf.responses:
        assert tuple(point.pressure for point in response.points) == SETTINGS.probe_intensities


def test_a_solo_vector_lacks_nothing_on_a_spare_node(upf: WorkloadProfile) -> None:
    assert None not in upf.solo


def test_points_lie_near_the_truth_and_bounds_above_them(upf: WorkloadProfile) -> None:
    for response in upf.responses:
        for point in response.points:
            truth = slowdown("upf-large", Stressor(axis=response.axis, intensity=point.pressure))
            assert point.slowdown == pytest.approx(truth, rel=0.05)
            assert point.upper >= 1.019 * point.slowdown


def test_a_bench_is_left_empty() -> None:
    used = bench()
    profile_run(workload("amf"), used, SETTINGS)
    assert used.node.occupants("socket0") == {}
    again = profile_run(workload("firewall"), used, SETTINGS)
    assert again.first_seen < again.last_seen


def test_a_stressor_has_a_vector_and_nothing_else() -> None:
    profile = stressor_profile(Stressor(axis=Axis.MEMBW, intensity=1.0), bench(), SETTINGS)
    assert (profile.key, profile.tier, profile.responses) == ("stressor-membw-100", Tier.COUNTERS, ())
    assert profile.solo_values[FEATURE_SCHEMA_V1.index("dram_utilisation")] > 0.6


def test_without_probes_the_solo_vector_is_left(upf: WorkloadProfile) -> None:
    bare = counters_only(upf)
    assert (bare.tier, bare.responses, bare.solo) == (Tier.COUNTERS, (), upf.solo)
    assert WorkloadProfile.model_validate(bare.model_dump()) == bare
    assert bare.digest != upf.digest


def test_medians_are_taken_feature_by_feature() -> None:
    used = bench()
    profile_run(workload("amf"), used, SETTINGS)
    vectors = used.vectors[:5]
    medians = median_values(vectors)
    rows = np.stack([vector.values for vector in vectors])
    assert medians == pytest.approx(tuple(np.median(rows, axis=0).tolist()))
