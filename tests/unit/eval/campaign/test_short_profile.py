"""A short profile is what its probes measured, and for the axes between them what known workloads tell."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from contracts.profile import Tier
from eval.campaign.errors import CampaignError
from eval.campaign.probing import MOST_PROBES, Population
from eval.campaign.profile_table import render_short_profile
from eval.campaign.short_profile import ShortProfile, short_profile
from eval.testbed.catalogue import workload
from eval.testbed.stressor import PRESSED_AXES, Stressor
from scheduler_extender.directory import profiles
from serving.interference_row import known_workload
from serving.published_profile import publish_profile
from tests.bench.probing_designs import measured, true_population
from tests.unit.eval.testbed.scenes import slowdown

KNOWN = ("upf-large", "firewall", "router", "cdn-cache", "amf", "udr", "transcoder")


@pytest.fixture(scope="module")
def population() -> Population:
    truth = true_population([workload(name) for name in KNOWN])
    return replace(truth, logs=measured(truth.logs, np.random.default_rng(1)))


@pytest.fixture(scope="module")
def short(population: Population) -> ShortProfile:
    return short_profile(workload("dpi-deep"), population, seed=3)


def test_measured_points_are_what_the_probes_found(short: ShortProfile) -> None:
    assert (short.profile.tier, short.profile.key, short.profile.simulated) == (Tier.PROBED, "dpi-deep", True)
    assert 1 <= len(short.made) <= MOST_PROBES
    for each in short.made:
        response = short.profile.response(each.probe.axis)
        assert response is not None
        assert [(point.pressure, point.slowdown) for point in response.points] == [(1.0, each.slowdown)]
        truth = slowdown("dpi-deep", Stressor(axis=each.probe.axis, intensity=1.0))
        assert each.slowdown == pytest.approx(truth, rel=0.06)
        assert response.worst >= each.slowdown * 1.019
    uncertainties = [short.uncertainty, *(each.uncertainty for each in short.made)]
    assert uncertainties == sorted(uncertainties, reverse=True)


def test_an_axis_that_was_not_probed_has_its_highest_point_as_believed(short: ShortProfile) -> None:
    probed = {each.probe.axis for each in short.made}
    left = [axis for axis in PRESSED_AXES if axis not in probed]
    assert len(left) == len(PRESSED_AXES) - len(short.made) >= 2
    for index, axis in zip(short.belief.open, left, strict=True):
        response = short.profile.response(axis)
        assert response is not None
        assert response.points == (short.rule.point(short.belief, index),)
        assert response.worst > 1.1 * response.points[0].slowdown


@pytest.mark.parametrize("probes", [1, 3])
def test_the_extender_misses_no_axis_however_few_probes_there_are(population: Population, probes: int) -> None:
    few = short_profile(workload("amf"), population.without("amf"), seed=1, at_most=probes)
    assert len(few.made) == probes
    assert not np.isnan(known_workload(few.profile).sensitivities).any()


def test_without_any_probe_there_is_no_probed_profile(population: Population) -> None:
    with pytest.raises(CampaignError, match="0 probes: a profile of tier probed takes one at least"):
        short_profile(workload("amf"), population, seed=1, at_most=0)


def test_the_extender_finds_a_published_profile(short: ShortProfile, tmp_path: Path) -> None:
    publish_profile(tmp_path, short.profile)
    publish_profile(tmp_path, short.profile)
    found = profiles(tmp_path).changes()
    assert [change.value for change in found.changed] == [short.profile]
    assert not found.refused


def test_what_is_printed_fits_eighty_columns_and_tells_measured_from_expected(short: ShortProfile) -> None:
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(render_short_profile(short))
    text = captured.get()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    for each in short.made:
        assert f"{each.slowdown:.2f}" in text
    believed = len(short.belief.probes) - len(short.made) + len(short.belief.open)
    assert text.count("~") == believed + 2
    assert f"lie {short.rule.deviations:.1f} deviations above" in text
