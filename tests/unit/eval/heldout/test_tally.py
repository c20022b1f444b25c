"""Counting as rows pass by comes to what all rows at once say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.profile import Tier
from eval.heldout.tally import BoundTally, RegimeTally
from pipelines.bootstrap import Resampling
from pipelines.dataset import TraceDataset
from pipelines.figures import axis_f1, coverage_by_group, figures_of
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions, HeldOutRegimes
from tests.unit.eval.heldout.fabricated import RATE, predictions_on

HOW = Resampling(resamples=100, confidence=0.9, seed=1)
KIND, TIER = HeldOutKind.UNSEEN_VICTIM, Tier.PROBED


def with_random_bounds(predictions: HeldOutPredictions, seed: int) -> HeldOutPredictions:
    random = np.random.default_rng(seed)
    bounds = predictions.bounds
    upper = np.clip(bounds.slowdown * random.lognormal(0.1, 0.3, len(bounds)), 1.0, 10.0)
    median = upper * random.uniform(0.5, 1.0, len(bounds))
    return replace(predictions, bounds=replace(bounds, upper=upper, median=median))


def of_one_kind(predictions: HeldOutPredictions) -> HeldOutBounds:
    bounds = predictions.bounds
    return bounds.only((bounds.kind == KIND.value) & (bounds.tier == TIER.value))


def only(regimes: HeldOutRegimes, chosen: np.ndarray) -> HeldOutRegimes:
    names = ("group", "trace", "provenance", "regime", "pressed", "probability", "said")
    return HeldOutRegimes(**{name: getattr(regimes, name)[chosen] for name in names})


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), parts=st.integers(1, 5))
def test_bounds_counted_in_parts_have_the_figures_of_all_rows_at_once(
    dataset: TraceDataset, seed: int, parts: int
) -> None:
    predictions = with_random_bounds(predictions_on(dataset, upper=2.0), seed)
    bounds = of_one_kind(predictions)
    tally = BoundTally(predictions.groups)
    part_of = np.random.default_rng(seed).integers(parts, size=len(bounds))
    for part in range(parts):
        chosen = bounds.only(part_of == part)
        tally.add(chosen, chosen.trace)
    found = tally.figures("model", kind=KIND, tier=TIER, rate=RATE, how=HOW)
    assert found is not None
    expected = figures_of(predictions, HOW)
    for what in ("coverage", "coverage_pooled", "coverage_worst_group", "mean_tightness", "ceiling", "mean_error"):
        figure, one = getattr(found, what), expected.of(f"bound.{TIER}.{KIND}.{what}")
        assert (figure.value, figure.lower, figure.upper) == pytest.approx((one.value, one.lower, one.upper))
    assert found.tightness.value == pytest.approx(expected.of(f"bound.{TIER}.{KIND}.tightness").value, rel=0.01)
    assert found.median_error.value == pytest.approx(expected.of(f"bound.{TIER}.{KIND}.median_error").value, rel=0.05)
    assert {each.group: each.coverage.value for each in found.by_group} == pytest.approx(coverage_by_group(bounds))
    assert found.density is not None
    assert sum(cell.rows for cell in found.density.cells) == len(bounds)


def test_what_is_covered_at_another_rate_rises_with_it_and_is_at_least_that_for_groups_alike(
    dataset: TraceDataset,
) -> None:
    bounds = of_one_kind(with_random_bounds(predictions_on(dataset, upper=2.0), 3))
    tally = BoundTally(tuple(np.unique(bounds.group).tolist()))
    tally.add(bounds, bounds.trace)
    found = tally.figures("model", kind=KIND, tier=TIER, rate=RATE, how=HOW)
    assert found is not None
    rates = [point.nominal for point in found.calibration]
    covered = [point.coverage.value for point in found.calibration]
    assert rates == [0.5, 0.6, 0.7, 0.8]  # of six groups five are left, which support 5/6
    assert covered == sorted(covered)
    assert all(share >= rate - 0.05 for rate, share in zip(rates, covered, strict=True))


def test_of_no_rows_there_are_no_figures() -> None:
    assert BoundTally(("a",)).figures("model", kind=KIND, tier=TIER, rate=0.8, how=HOW) is None


def test_regimes_counted_in_parts_have_the_figures_of_all_windows_at_once(dataset: TraceDataset) -> None:
    predictions = predictions_on(dataset, upper=2.0)
    random = np.random.default_rng(1)
    said = predictions.regimes.said.copy()
    said[random.random(said.shape) < 0.2] = 0.5
    wrong = random.random(said.shape) < 0.1
    said[wrong] = 1.0 - said[wrong]
    regimes = replace(predictions.regimes, said=said)
    tally = RegimeTally(predictions.groups)
    half = random.random(len(regimes)) < 0.5
    for part in (half, ~half):
        tally.add(only(regimes, part))
    found = tally.figures("model", how=HOW, abstains=True)
    expected = figures_of(replace(predictions, regimes=regimes), HOW)
    for what in ("macro_f1", "macro_f1_injected", "macro_f1_decided", "abstention"):
        figure, one = getattr(found, what), expected.of(f"regime.{what}")
        assert (figure.value, figure.lower, figure.upper) == pytest.approx((one.value, one.lower, one.upper))
    assert dict(found.f1) == pytest.approx(axis_f1(regimes))
    for axis in found.axes:
        of_axis = axis.model_dump(exclude={"axis"})
        assert sum(of_axis.values()) <= len(regimes)
    assert found.confusion is not None
    assert sum(map(sum, found.confusion.counts)) + found.confusion.unlabelled == len(regimes)
