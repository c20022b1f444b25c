"""A small campaign: its rows keep the contract, and know only what was known at the time."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from contracts.axis import AXES, Axis
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import Tier
from contracts.slowdown import slowdown_of
from contracts.trace import LabelledTrace, Provenance
from contracts.vector import to_json_values
from eval.campaign import Campaign, CampaignSettings, run_campaign
from eval.testbed.catalogue import workload
from eval.testbed.errors import TestbedError
from pipelines.dataset import TraceDataset
from pipelines.folds import STRESSOR_GROUP, workload_groups
from pipelines.labels import by_rules
from pipelines.windows import windows_of


def injected(campaign: Campaign) -> list[LabelledTrace]:
    return [row for row in campaign.rows if row.injected]


def window_key(row: LabelledTrace) -> tuple[str, str, int]:
    return row.node, row.domain, row.window_start_ns


def test_the_training_takes_the_rows_and_profiles_as_they_are(campaign: Campaign) -> None:
    dataset = TraceDataset(traces=campaign.rows, profiles=campaign.profiles)
    assert dataset.simulated
    assert len(windows_of(dataset.traces).traces) < len(dataset.traces)


def test_everything_is_labelled_as_simulated(campaign: Campaign) -> None:
    assert all(row.simulated for row in campaign.rows)
    assert all(profile.simulated for profile in campaign.profiles)
    assert {row.campaign for row in campaign.rows} == {"small"}


def test_both_newcomers_and_residents_are_victims(campaign: Campaign) -> None:
    newcomers = [row for row in campaign.rows if row.victim_arrived_last and row.co_runners]
    residents = [row for row in campaign.rows if not row.victim_arrived_last]
    assert len(newcomers) > 30
    assert len(residents) > 30
    assert all(row.latest_arrival == row.victim.key for row in newcomers)
    assert all(row.latest_arrival in {party.key for party in row.co_runners} for row in residents)


def test_workloads_run_alone_with_stressors_and_in_mixes_of_two_to_six(
    campaign: Campaign, small_settings: CampaignSettings
) -> None:
    sizes = Counter(len(row.co_runners) + 1 for row in campaign.rows)
    assert set(sizes) == {1, 2, 3, 4, 5, 6}
    alone = {row.victim.key for row in campaign.rows if not row.co_runners}
    assert alone == set(small_settings.workloads)
    met = {
        (row.victim.key, row.injected[0].axis, row.injected[0].intensity, row.victim_arrived_last)
        for row in injected(campaign)
        if len(row.co_runners) == 1
    }
    assert len(met) >= len(alone) * 3 * len(small_settings.intensities) * 2


def test_before_and_during_are_windows_of_the_domain_one_right_after_the_other(campaign: Campaign) -> None:
    seen = {(vector.node, vector.domain, vector.window_end_ns): vector for vector in campaign.vectors}

    def vector_that_ends(row: LabelledTrace, end_ns: int) -> tuple[float | None, ...]:
        return tuple(to_json_values(seen[row.node, row.domain, end_ns].values))

    for row in campaign.rows:
        measured_alone_in_between = row.window_length_ns if not row.co_runners else 0
        assert row.before == vector_that_ends(row, row.window_start_ns - measured_alone_in_between)
        assert row.during == vector_that_ends(row, row.window_start_ns + row.window_length_ns)


def test_before_shows_the_residents_and_not_the_newcomer(campaign: Campaign) -> None:
    def utilisation(row: LabelledTrace) -> float:
        return float(row.before_values[FEATURE_SCHEMA_V1.index("dram_utilisation")])

    of_batch = [
        row
        for row in injected(campaign)
        if row.victim.key == "batch" and len(row.co_runners) == 1 and row.injected[0].axis is Axis.SMT
    ]
    residents = [utilisation(row) for row in of_batch if not row.victim_arrived_last]
    newcomers = [utilisation(row) for row in of_batch if row.victim_arrived_last]
    assert np.nanmin(residents) > 0.08
    assert np.nanmax(newcomers) < 0.02


def test_a_slowdown_is_the_contracts(campaign: Campaign) -> None:
    for row in campaign.rows:
        assert row.slowdown == slowdown_of(row.indicator, alone=row.alone, together=row.together).value
        assert row.indicator is workload(row.victim.key).indicator


def test_labels_come_from_strong_stressors_else_from_the_trainings_own_rules(campaign: Campaign) -> None:
    for row in campaign.rows:
        if row.injected:
            assert row.provenance is Provenance.INJECTED
            assert set(row.pressed) == {each.axis for each in row.injected if each.intensity >= 0.5}
        else:
            assert row.provenance is Provenance.RULE
            said = by_rules(row.during_values[None, :])[0]
            assert row.pressed == tuple(axis for axis, answer in zip(AXES, said, strict=True) if answer == 1.0)


def test_stressors_are_co_runners_of_the_instruments_group(campaign: Campaign) -> None:
    for row in campaign.rows:
        instruments = [party.key for party in row.co_runners if party.group == STRESSOR_GROUP]
        assert sorted(instruments) == sorted(
            f"stressor-{each.axis}-{round(100 * each.intensity):03d}" for each in row.injected
        )
    assert workload_groups(campaign.rows) == ("amf", "batch", "firewall", "transcoder", "upf")


def test_all_victims_of_a_window_share_its_vector(campaign: Campaign) -> None:
    windows: dict[tuple[str, str, int], set[tuple[float | None, ...]]] = {}
    for row in campaign.rows:
        windows.setdefault(window_key(row), set()).add(row.during)
    assert all(len(vectors) == 1 for vectors in windows.values())
    assert len(windows) < len(campaign.rows)


def test_profiles_were_measured_before_any_row_and_elsewhere(campaign: Campaign) -> None:
    first_row = min(row.window_start_ns for row in campaign.rows)
    for profile in campaign.profiles:
        assert profile.last_seen <= datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=first_row // 1000)
        assert profile.observations == 0
    assert {row.node for row in campaign.rows}.isdisjoint({"spr-profile"})
    solos = {profile.solo for profile in campaign.profiles}
    assert all(row.during not in solos and row.before not in solos for row in campaign.rows)


def test_there_is_one_profile_a_party_and_none_beside(campaign: Campaign, small_settings: CampaignSettings) -> None:
    keys = [profile.key for profile in campaign.profiles]
    assert (
        len(set(keys))
        == len(keys)
        == len(small_settings.workloads) + len(small_settings.axes) * len(small_settings.intensities)
    )
    probed = {profile.key for profile in campaign.profiles if profile.tier is Tier.PROBED}
    assert probed == set(small_settings.workloads)


def test_windows_come_from_nodes_that_lack_different_events(campaign: Campaign) -> None:
    patterns = {tuple(np.isnan(row.during_values)) for row in campaign.rows}
    assert len(patterns) >= 5
    assert not any(all(value is None for value in row.during) for row in campaign.rows)


def test_no_two_vectors_of_a_domain_are_of_one_window(campaign: Campaign) -> None:
    keys = [(vector.node, vector.domain, vector.window_start_ns) for vector in campaign.vectors]
    assert len(set(keys)) == len(keys)


def test_the_same_settings_give_the_same_campaign_and_another_seed_another(
    campaign: Campaign, small_settings: CampaignSettings
) -> None:
    assert run_campaign(small_settings) == campaign
    other = run_campaign(CampaignSettings(seed=4, workloads=("amf",), axes=(Axis.LLC,), intensities=(0.5,), mixes=0))
    same = run_campaign(CampaignSettings(seed=5, workloads=("amf",), axes=(Axis.LLC,), intensities=(0.5,), mixes=0))
    assert [row.together for row in other.rows] != [row.together for row in same.rows]


def test_progress_rises_to_the_end() -> None:
    told: list[tuple[str, float]] = []
    run_campaign(
        CampaignSettings(workloads=("amf", "smf"), axes=(Axis.LLC,), intensities=(0.5,), mixes=2),
        progress=lambda doing, done: told.append((doing, done)),
    )
    shares = [done for _, done in told]
    assert all(before <= after for before, after in pairwise(shares))
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert "profile run of amf" in {doing for doing, _ in told}


def test_an_unknown_workload_ends_a_campaign_before_it_starts() -> None:
    with pytest.raises(TestbedError, match="no workload is called 'upf'"):
        run_campaign(CampaignSettings(workloads=("upf",)))
