import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.features import FEATURE_SCHEMA_V1
from eval.heldout.scenes import Scene, draw_scenes, seen
from eval.heldout.steadiness import clock_given_away, explained, guessed_without_group, steadiness
from eval.testbed.catalogue import workload
from eval.testbed.hardware import CORES_PER_SOCKET
from eval.testbed.offer import METAL_WITHOUT_UNCORE
from pipelines.bootstrap import Resampling
from serving.bundle_directory import Bundle
from serving.regime_model import RegimeModel
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

HOW = Resampling(resamples=200, confidence=0.9, seed=3)
MISSES = FEATURE_SCHEMA_V1.index("l3_miss_ratio")


@pytest.fixture(scope="module")
def model() -> RegimeModel:
    return RegimeModel(Bundle(digest="(in memory)", manifest=manifest(), profiles=PROFILES, graphs=graphs()))


def test_each_scene_has_one_workload_of_its_group_and_fits_a_socket() -> None:
    scenes = draw_scenes(["upf", "batch", "elsewhere"], each=8, rng=np.random.default_rng(1))
    assert [scene.group for scene in scenes] == ["upf"] * 8 + ["batch"] * 8
    for scene in scenes:
        own, *others = scene.occupants
        names = {workload.name for workload in (own, *others)}
        assert (own.name.split("-")[0], len(names)) == (scene.group, len(scene.occupants))
        assert not any(other.name.startswith(scene.group) for other in others)
        assert sum(occupant.exclusive_cores for occupant in scene.occupants) <= CORES_PER_SOCKET


def test_another_clock_leaves_the_contention_as_it_is_and_missing_events_are_missing() -> None:
    scene = Scene(group="upf", occupants=(workload("upf-large"), workload("batch")))
    plain, turned = (seen(scene, seed=2, clock=clock) for clock in (1.0, 0.8))
    assert plain[MISSES] == pytest.approx(turned[MISSES], rel=1e-6)
    assert not np.array_equal(plain, turned)
    assert np.isnan(seen(scene, seed=2, offer=METAL_WITHOUT_UNCORE)).sum() > np.isnan(plain).sum()


def test_every_change_is_reported_over_the_groups_that_some_model_has_not_seen(model: RegimeModel) -> None:
    found = steadiness(["upf", "batch", "amf"], lambda group: None if group == "amf" else model, HOW)
    assert [figures.change for figures in found][:3] == ["another window", "clock x 0.8", "clock x 1.25"]
    for figures in found:
        assert figures.contradicted.units == figures.unknown.units == 2
        assert 0.0 <= figures.contradicted.value + figures.unknown.value <= 1.0
        assert figures.published.units == 2
    assert steadiness(["elsewhere"], lambda _: model, HOW) == ()


def rows(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.8, 1.25, size=240)
    return truth, rng.normal(size=(240, 6)).astype(np.float32), np.repeat([f"g{index}" for index in range(8)], 30)


def test_a_clock_that_stands_in_the_vector_is_read_and_one_that_does_not_is_not() -> None:
    truth, vectors, groups = rows(1)
    nothing = explained(truth, guessed_without_group(vectors, truth, groups), groups, HOW)
    assert nothing.lower <= nothing.value < 0.1
    vectors[:, 0] = truth + vectors[:, 0] / 50
    betrayed = explained(truth, guessed_without_group(vectors, truth, groups), groups, HOW)
    assert betrayed.value > 0.9
    assert betrayed.units == 8


def test_a_perfect_guess_explains_all_and_the_mean_nothing() -> None:
    truth, _, groups = rows(2)
    assert explained(truth, truth, groups, HOW).value == 1.0
    assert explained(truth, np.full_like(truth, truth.mean()), groups, HOW).value == pytest.approx(0.0)


def test_a_guess_never_saw_its_own_group() -> None:
    truth, vectors, groups = rows(3)
    changed = np.where(groups == "g0", truth + 5.0, truth)
    before, after = (guessed_without_group(vectors, values, groups) for values in (truth, changed))
    assert np.array_equal(before[groups == "g0"], after[groups == "g0"])
    assert not np.array_equal(before[groups == "g1"], after[groups == "g1"])


def test_of_one_group_nothing_can_be_left_out() -> None:
    assert clock_given_away(["upf"], HOW) is None


def test_the_testbeds_vectors_hardly_give_the_clock_away() -> None:
    found = clock_given_away(["upf", "firewall", "amf", "batch", "udr"], HOW)
    assert found is not None
    assert found.windows == 5 * 4 * 6
    assert found.variance_explained.value < 0.5
