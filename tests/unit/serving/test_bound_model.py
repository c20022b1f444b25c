"""Bounds worked out by hand, and what they never do."""

import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.axis import AXES
from contracts.bundle import GraphRole
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier
from contracts.vector import FloatArray
from serving.bound_model import BoundModel
from serving.bundle_directory import Bundle, read_bundle, write_bundle
from serving.errors import BundleError
from serving.interference_row import INTERFERENCE_COLUMNS, KnownWorkload, interference_row, known_workload
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest, profile

WORST = np.full(len(AXES), 0.8, dtype=np.float32)
BEFORE = np.full(len(FEATURE_SCHEMA_V1), 0.1, dtype=np.float32)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    directory = tmp_path_factory.mktemp("bundles") / "bundle"
    write_bundle(directory, manifest=manifest(), graphs=graphs(), profiles=PROFILES)
    return read_bundle(directory)


@pytest.fixture(scope="module")
def model(bundle: Bundle) -> BoundModel:
    return BoundModel(bundle)


def row(*others: float, sensitivity: float | None = None) -> FloatArray:
    return interference_row(
        before=BEFORE,
        victim=known_workload(profile(sensitivity=sensitivity)),
        others=[known_workload(profile(f"w{pressure}", pressure=pressure)) for pressure in others],
        worst_pressures=WORST,
    )


def test_the_bound_is_the_highest_quantile_times_the_tiers_margin(bundle: Bundle) -> None:
    rows = np.stack([row(0.4), row(0.4, sensitivity=2.0)])
    bounds = BoundModel(bundle).predict(rows, [Tier.COUNTERS, Tier.PROBED])
    plain, probed = 0.4 + 0.01, 0.4 + 0.01 + 0.05 * 2.0
    assert bounds.median == pytest.approx([math.exp(plain), math.exp(probed)], rel=1e-6)
    assert bounds.upper == pytest.approx([math.exp(plain + 0.05 + 0.5), math.exp(probed + 0.05 + 0.1)], rel=1e-6)
    assert not bounds.beyond_training.any()


def test_a_tier_without_calibration_gets_the_widest_margin(bundle: Bundle) -> None:
    model = BoundModel(bundle)
    observed, counters = model.predict(np.stack([row(0.4)] * 2), [Tier.OBSERVED, Tier.COUNTERS]).upper
    assert observed == counters


def test_beyond_training_the_bound_is_the_ceiling_and_flagged(bundle: Bundle) -> None:
    bounds = BoundModel(bundle).predict(np.stack([row(0.95), row(0.1)]), [Tier.PROBED] * 2)
    assert bounds.beyond_training.tolist() == [True, False]
    assert bounds.upper[0] == 5.0
    assert bounds.upper[1] < 5.0


def test_quantiles_that_cross_are_put_in_order(tmp_path: Path) -> None:
    crossed = graphs()
    crossed["slowdown-q50.onnx"], crossed["slowdown-q90.onnx"] = (
        crossed["slowdown-q90.onnx"],
        crossed["slowdown-q50.onnx"],
    )
    write_bundle(tmp_path / "bundle", manifest=manifest(), graphs=crossed, profiles=PROFILES)
    bounds = BoundModel(read_bundle(tmp_path / "bundle")).predict(row(0.4)[None, :], [Tier.PROBED])
    assert bounds.upper[0] == pytest.approx(math.exp(0.41 + 0.05 + 0.1), rel=1e-6)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1, width=32), max_size=5), st.floats(0, 1, width=32), st.sampled_from(Tier))
def test_one_more_co_runner_never_lowers_the_bound(
    bundle: Bundle, others: list[float], more: float, tier: Tier
) -> None:
    fewer, all_of_them = BoundModel(bundle).predict(np.stack([row(*others), row(*others, more)]), [tier, tier]).upper
    assert all_of_them >= fewer
    assert 1.0 <= fewer <= 5.0


def known(tier_sensitivity: float | None, *scores: float, model: BoundModel) -> KnownWorkload:
    victim = known_workload(profile(sensitivity=tier_sensitivity))
    return replace(victim, own=model.own_margin(victim.tier, scores) if scores else None)


@given(st.lists(st.sampled_from([None, 1.0, 2.0]), min_size=1, max_size=6))
def test_without_observations_the_bound_is_exactly_the_populations(
    model: BoundModel, sensitivities: list[float | None]
) -> None:
    rows = np.stack([row(0.4, sensitivity=sensitivity) for sensitivity in sensitivities])
    victims = [known(sensitivity, model=model) for sensitivity in sensitivities]
    own, population = model.predict_known(rows, victims), model.predict(rows, [victim.tier for victim in victims])
    assert np.array_equal(own.upper, population.upper)
    assert np.array_equal(own.median, population.median)


def test_own_windows_move_the_bound_of_their_own_workload_alone(model: BoundModel) -> None:
    rows = np.stack([row(0.4)] * 4)
    victims = [
        known(None, model=model),
        known(None, *[0.2] * 40, model=model),
        known(None, *[0.9] * 40, model=model),
        known(None, *[math.inf] * 40, model=model),
    ]
    quantile = model.log_quantile(rows)[0]
    wanted = [math.exp(quantile + 0.5), math.exp(quantile + 0.2), math.exp(quantile + 0.9), 5.0]
    assert model.predict_known(rows, victims).upper == pytest.approx(wanted, rel=1e-6)
    assert [victim.own is not None and victim.own.moved for victim in victims] == [False, True, True, True]


def test_a_margin_that_own_windows_do_not_move_is_its_tiers(model: BoundModel) -> None:
    own = model.own_margin(Tier.COUNTERS, [0.1])
    assert (own.log_margin, own.observations, own.moved) == (0.5, 1, False)


@settings(max_examples=50)
@given(st.lists(st.floats(-1, 2), min_size=1, max_size=40), st.randoms())
def test_the_order_of_own_windows_does_not_matter(model: BoundModel, own: list[float], shuffle: random.Random) -> None:
    shuffled = list(own)
    shuffle.shuffle(shuffled)
    assert model.own_margin(Tier.PROBED, own) == model.own_margin(Tier.PROBED, shuffled)


def test_beyond_training_the_bound_of_an_observed_workload_is_the_ceiling_too(model: BoundModel) -> None:
    bounds = model.predict_known(row(0.95)[None, :], [known(None, *[-1.0] * 40, model=model)])
    assert bounds.upper.tolist() == [5.0]


def test_a_bundle_without_interference_graph_is_refused(tmp_path: Path) -> None:
    regime = tuple(graph for graph in manifest().graphs if graph.role is GraphRole.REGIME)
    bare = manifest(graphs=regime, bound_calibrations=(), pressure_ranges=())
    files = {"regime-llc.onnx": graphs()["regime-llc.onnx"]}
    write_bundle(tmp_path / "bundle", manifest=bare, graphs=files, profiles=PROFILES)
    with pytest.raises(BundleError, match="has no interference graph"):
        BoundModel(read_bundle(tmp_path / "bundle"))


def test_a_bundle_of_other_columns_is_refused(tmp_path: Path) -> None:
    renamed = [
        graph.model_copy(update={"columns": ("other.column", *INTERFERENCE_COLUMNS[1:])})
        if graph.role is GraphRole.INTERFERENCE
        else graph
        for graph in manifest().graphs
    ]
    foreign = manifest(graphs=tuple(renamed))
    write_bundle(tmp_path / "bundle", manifest=foreign, graphs=graphs(), profiles=PROFILES)
    with pytest.raises(BundleError, match="wants other columns than this program has"):
        BoundModel(read_bundle(tmp_path / "bundle"))
