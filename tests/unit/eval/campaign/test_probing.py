"""Chosen probes tell more than fixed ones, of workloads never seen."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import Axis
from eval.campaign import CampaignSettings, run_campaign
from eval.campaign.errors import CampaignError
from eval.campaign.probing import ENOUGH, Belief, Population, Probe, chosen, population_of, prior
from eval.testbed.catalogue import WORKLOADS
from pipelines.dataset import TraceDataset
from tests.bench.probing_designs import DESIGNS, told, true_population

SETTINGS = CampaignSettings(
    workloads=("upf-large", "upf-small", "firewall", "amf", "batch"),
    axes=(Axis.LLC, Axis.SMT),
    intensities=(1.0,),
    mixes=0,
    nodes=1,
)


@pytest.fixture(scope="module")
def dataset() -> TraceDataset:
    campaign = run_campaign(SETTINGS)
    return TraceDataset(traces=campaign.rows, profiles=campaign.profiles)


def test_a_population_is_what_profile_runs_measured(dataset: TraceDataset) -> None:
    population = population_of(dataset, without_group="nobody")
    assert population.probes == tuple(Probe(axis=axis, intensity=at) for axis in SETTINGS.axes for at in (0.5, 1.0))
    assert sorted(population.groups) == ["amf", "batch", "firewall", "upf", "upf"]
    measured = [[p.slowdown for r in each.responses for p in r.points] for each in dataset.profiles if each.responses]
    assert np.array(sorted(np.exp(population.logs).tolist())) == pytest.approx(np.array(sorted(measured)))
    assert 0.01 <= population.deviation < 0.04


def test_the_newcomers_own_group_is_not_known(dataset: TraceDataset) -> None:
    everybody = population_of(dataset, without_group="nobody")
    others = population_of(dataset, without_group="upf")
    assert "upf" not in others.groups
    assert len(others.logs) == len(everybody.logs) - 2
    assert (everybody.without("upf").logs == others.logs).all()


def test_too_few_known_groups_are_told(dataset: TraceDataset) -> None:
    few = replace(dataset, traces=tuple(row for row in dataset.traces if row.victim.group in {"upf", "amf"}))
    with pytest.raises(CampaignError, match=r"1 workload groups are known .* run leeward campaign run first"):
        population_of(few, without_group="upf")


def populations(groups: int = 3) -> st.SearchStrategy[Population]:
    cells = st.lists(st.floats(0.0, 2.0), min_size=4, max_size=4)
    probes = tuple(Probe(axis=axis, intensity=at) for axis in (Axis.LLC, Axis.SMT) for at in (0.5, 1.0))
    return st.lists(cells, min_size=groups, max_size=12).map(
        lambda rows: Population(
            probes=probes,
            logs=np.array(rows),
            groups=tuple(f"g{index % 5}" for index in range(len(rows))),
            deviation=0.02,
        )
    )


@given(populations(), st.lists(st.floats(-0.1, 2.3), min_size=4, max_size=4))
def test_probes_never_add_uncertainty_and_measured_points_are_believed(
    population: Population, measured: list[float]
) -> None:
    belief = prior(population)
    while (index := belief.next(at_most=4)) is not None:
        after = belief.after(index, measured[index])
        assert index in belief.highest
        assert index not in belief.made
        assert after.uncertainty <= belief.uncertainty + 1e-12
        spread = belief.covariance[index, index]
        believed = spread / (spread + population.deviation**2)
        assert after.mean[index] == pytest.approx(
            believed * measured[index] + (1 - believed) * belief.mean[index], abs=1e-9
        )
        belief = after
    assert belief.made
    assert not belief.open or belief.uncertainty <= ENOUGH


@given(populations())
def test_each_group_counts_the_same_however_many_workloads_it_has(population: Population) -> None:
    by_group = [
        np.mean([log for log, own in zip(population.logs, population.groups, strict=True) if own == group], axis=0)
        for group in set(population.groups)
    ]
    assert prior(population).mean == pytest.approx(np.mean(by_group, axis=0), abs=1e-12)


@given(populations(), st.integers(0, 3))
def test_bounds_after_a_probe_are_those_expected_over_what_it_may_find(population: Population, index: int) -> None:
    belief = prior(population)
    spread = math.sqrt(float(belief.covariance[index, index]) + belief.deviation**2)
    points, weights = np.polynomial.hermite_e.hermegauss(20)
    found = [_bounds(belief.after(index, float(belief.mean[index]) + spread * point)) for point in points.tolist()]
    assert belief.bounds_after([index])[0] == pytest.approx(float(weights @ found / weights.sum()), rel=1e-6)


def _bounds(belief: Belief) -> float:
    at = list(belief.highest)
    return float(np.exp(belief.mean[at] + 2.0 * np.sqrt(np.maximum(np.diag(belief.covariance)[at], 0.0))).sum())


def test_the_axis_that_speaks_for_another_is_probed_first() -> None:
    rng = np.random.default_rng(1)
    own, other = rng.normal(0.5, 0.3, 40), rng.normal(0.5, 0.35, 40)
    probes = tuple(Probe(axis=axis, intensity=1.0) for axis in (Axis.SMT, Axis.LLC, Axis.TLB))
    logs = np.stack([other, own, own + rng.normal(0.0, 0.02, 40)], axis=1)
    belief = prior(Population(probes=probes, logs=logs, groups=tuple(map(str, range(len(logs)))), deviation=0.015))
    first = belief.next(at_most=3)
    assert first in {1, 2}
    belief = belief.after(first, 0.9)
    assert belief.next(at_most=3) == 0
    assert belief.after(0, 0.2).next(at_most=3) == next(iter({1, 2} - {first}))
    assert belief.next(at_most=1) is None


def test_no_stressor_is_expected_to_help() -> None:
    probes = (Probe(axis=Axis.LLC, intensity=1.0),)
    belief = Belief(probes=probes, mean=np.array([-0.2]), covariance=np.eye(1), deviation=0.015)
    assert belief.expected(0) == 1.0


@pytest.fixture(scope="module")
def truth() -> Population:
    """One workload of every third group; ``tests.bench.probing_designs`` takes them all."""
    groups = list(dict.fromkeys(each.group for each in WORKLOADS))[::3]
    firsts = [next(each for each in WORKLOADS if each.group == group) for group in groups]
    return true_population(firsts, intensities=(1.0,))


@pytest.mark.parametrize("seed", [7, 8])
def test_six_chosen_probes_tell_more_than_six_others_of_groups_never_seen(truth: Population, seed: int) -> None:
    found = {name: told(truth, design(6, seed), seed=seed) for name, design in DESIGNS.items()}
    mine = found.pop("chosen")
    for rival in found.values():
        assert mine.curves < 0.85 * rival.curves
        assert mine.above < 0.75 * rival.above


@pytest.mark.parametrize("probes", [1, 3, 6])
def test_believed_bounds_hold_for_groups_never_seen(truth: Population, probes: int) -> None:
    held_out = told(truth, chosen(probes), seed=8)
    assert held_out.all_hold >= 0.8
    assert held_out.each_holds >= 0.95
