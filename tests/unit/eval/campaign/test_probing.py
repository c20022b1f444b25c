"""Chosen probes tell as much as fixed ones, and more where there are few."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contracts.axis import Axis
from contracts.profile import Tier
from eval.campaign import Campaign, CampaignSettings, run_campaign
from eval.campaign.errors import CampaignError
from eval.campaign.probing import Belief, Population, Probe, population_of, prior
from eval.campaign.profile_table import render_short_profile
from eval.campaign.short_profile import ShortProfile, publish_profile, short_profile
from eval.testbed.stressor import PRESSED_AXES, Stressor
from eval.testbed.workload import WORKLOADS, Workload, workload
from scheduler_extender.directory import profiles
from tests.unit.eval.testbed.scenes import slowdown

FIXED = tuple(Probe(axis=axis, intensity=intensity) for intensity in (1.0, 0.5) for axis in PRESSED_AXES)
"""What a campaign's profile runs probe: every axis at full intensity, then at half."""

Design = Callable[[Belief, float], int | None]


@pytest.fixture(scope="module")
def series() -> Campaign:
    return run_campaign(CampaignSettings(mixes=0))


def chosen(belief: Belief, deviation: float) -> int | None:
    return belief.next(at_most=6, deviation=deviation)


def fixed(belief: Belief, deviation: float) -> int | None:
    return belief.probes.index(FIXED[len(belief.made)])


def truth_of(newcomer: Workload, probes: Sequence[Probe]) -> list[float]:
    stressors = (Stressor(axis=probe.axis, intensity=probe.intensity) for probe in probes)
    return [math.log(slowdown(newcomer.name, stressor)) for stressor in stressors]


def squared_errors(design: Design, newcomer: Workload, population: Population) -> list[float]:
    """Of the believed curves' logarithms, after no probe, one, and so on; probes are measured without noise."""
    truth, belief = np.array(truth_of(newcomer, population.probes)), prior(population)
    errors = [float(np.mean((belief.mean - truth) ** 2))]
    for _ in range(4):
        index = design(belief, population.deviation)
        if index is not None:
            belief = belief.after(index, truth[index], deviation=population.deviation)
        errors.append(float(np.mean((belief.mean - truth) ** 2)))
    return errors


def test_chosen_probes_are_no_worse_than_fixed_ones_on_workloads_never_seen(series: Campaign) -> None:
    found = {
        design: np.sqrt(
            np.mean(
                [
                    squared_errors(design, newcomer, population_of(series.rows, without_group=newcomer.group))
                    for newcomer in WORKLOADS
                ],
                axis=0,
            )
        )
        for design in (chosen, fixed)
    }
    assert found[chosen][2] < 0.8 * found[fixed][2]
    assert (found[chosen] < found[fixed] + 0.012).all()
    assert found[chosen].sum() < found[fixed].sum()
    assert found[chosen][4] < 0.03


@pytest.mark.parametrize("name", [each.name for each in WORKLOADS])
def test_every_axis_is_probed_at_full_intensity_within_three_to_six_probes(series: Campaign, name: str) -> None:
    population = population_of(series.rows, without_group=workload(name).group)
    for at_most in (3, 6):
        made = [each.probe for each in short_profile(workload(name), population, seed=1, at_most=at_most).made]
        assert 3 <= len(made) <= at_most
        assert len(set(made)) == len(made)
        assert {each.axis for each in made if each.intensity == 1.0} == set(PRESSED_AXES)


def test_a_short_profile_is_what_its_probes_measured(series: Campaign) -> None:
    newcomer = workload("dpi-deep")
    short = short_profile(newcomer, population_of(series.rows, without_group="dpi"), seed=3)
    assert (short.profile.tier, short.profile.key, short.profile.simulated) == (Tier.PROBED, "dpi-deep", True)
    points = {(r.axis, p.pressure): p.slowdown for r in short.profile.responses for p in r.points}
    assert points == {(each.probe.axis, each.probe.intensity): each.slowdown for each in short.made}
    for (axis, intensity), measured in points.items():
        assert measured == pytest.approx(slowdown("dpi-deep", Stressor(axis=axis, intensity=intensity)), rel=0.06)
    uncertainties = [short.uncertainty, *(each.uncertainty for each in short.made)]
    assert uncertainties == sorted(uncertainties, reverse=True)


def test_the_extender_finds_a_published_profile(series: Campaign, tmp_path: Path) -> None:
    short = short_profile(workload("amf"), population_of(series.rows, without_group="amf"), seed=1)
    publish_profile(tmp_path, short.profile)
    publish_profile(tmp_path, short.profile)
    found = profiles(tmp_path).changes()
    assert [change.value for change in found.changed] == [short.profile]
    assert not found.refused


def shown(short: ShortProfile) -> str:
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(render_short_profile(short))
    return captured.get()


def test_what_is_printed_fits_eighty_columns_and_tells_measured_from_expected(series: Campaign) -> None:
    for name in ("upf-large", "cdn-cache"):
        short = short_profile(workload(name), population_of(series.rows, without_group=workload(name).group), seed=1)
        text = shown(short)
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= 80
        for each in short.made:
            assert f"{each.slowdown:.2f}" in text
        assert text.count("~") == len(short.belief.probes) - len(short.made) + 1


def test_the_newcomers_own_group_is_not_known(series: Campaign) -> None:
    everybody = population_of(series.rows, without_group="nobody")
    assert len(everybody.logs) == len(WORKLOADS)
    assert len(population_of(series.rows, without_group="upf").logs) == len(WORKLOADS) - 2
    assert 0.01 <= everybody.deviation < 0.04


def test_too_few_known_workloads_are_told(series: Campaign) -> None:
    few = [row for row in series.rows if row.victim.group in {"upf", "amf"}]
    with pytest.raises(CampaignError, match=r"1 workloads are known .* run leeward campaign run first"):
        population_of(few, without_group="upf")
    with pytest.raises(CampaignError, match="0 workloads are known"):
        population_of([], without_group="upf")


def beliefs() -> st.SearchStrategy[Population]:
    cells = st.lists(st.floats(0.0, 2.0), min_size=4, max_size=4)
    probes = tuple(Probe(axis=axis, intensity=i) for axis in (Axis.LLC, Axis.SMT) for i in (0.5, 1.0))
    return st.lists(cells, min_size=3, max_size=12).map(
        lambda rows: Population(probes=probes, logs=np.array(rows), deviation=0.02)
    )


@given(beliefs(), st.lists(st.floats(-0.1, 2.3), min_size=4, max_size=4))
def test_probes_never_add_uncertainty_and_measured_points_are_believed(
    population: Population, measured: list[float]
) -> None:
    belief = prior(population)
    while (index := belief.next(at_most=4, deviation=population.deviation)) is not None:
        after = belief.after(index, measured[index], deviation=population.deviation)
        assert index not in belief.made
        assert after.uncertainty <= belief.uncertainty + 1e-12
        spread = belief.covariance[index, index]
        believed = spread / (spread + population.deviation**2)
        assert after.mean[index] == pytest.approx(
            believed * measured[index] + (1 - believed) * belief.mean[index], abs=1e-9
        )
        belief = after
    assert {1, 3} <= set(belief.made)
