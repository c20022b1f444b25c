"""The flat table tells of each row what expectations ask about."""

import math
from collections.abc import Sequence
from typing import Any

import pytest

from contracts.axis import AXES, Axis
from contracts.events import Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.trace import Injection, LabelledTrace, Party, Provenance
from pipelines.dataset import TraceDataset, trace_key
from pipelines.trace_table import COUNTING, KEYS, trace_table
from tests.unit.pipelines.synthetic_dataset import WINDOW_NS


def table_of(dataset: TraceDataset, traces: Sequence[LabelledTrace]) -> Any:
    return trace_table(TraceDataset(traces=tuple(traces), profiles=dataset.profiles))


def changed(dataset: TraceDataset, place: int = 0, **changes: Any) -> LabelledTrace:
    return dataset.traces[place].model_copy(update=changes)


def test_there_is_a_column_a_feature_and_part_and_the_keys_are_those_of_the_dataset(dataset: TraceDataset) -> None:
    table = trace_table(dataset)
    assert len(table) == len(dataset.traces)
    assert {f"{part}.{name}" for part in ("before", "during") for name in FEATURE_SCHEMA_V1.names} <= set(table.columns)
    assert list(table[list(KEYS)].itertuples(index=False, name=None)) == [trace_key(trace) for trace in dataset.traces]


def test_every_pmu_that_counts_something_has_its_share_of_missing_features(dataset: TraceDataset) -> None:
    assert set(COUNTING) == {Pmu.CORE, Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO, Pmu.RESCTRL}
    only = FEATURE_SCHEMA_V1.index("llc_occupancy_share")
    blind = tuple(None if place == only else value for place, value in enumerate(dataset.traces[0].before))
    table = table_of(dataset, [changed(dataset, before=blind)])
    assert table["before.missing_of_resctrl"].tolist() == [1.0]
    assert table["before.missing_of_imc"].tolist() == [0.0]
    assert table["during.missing_of_resctrl"].tolist() == [0.0]


def test_a_victim_among_its_own_co_runners_is_counted(dataset: TraceDataset) -> None:
    victim = dataset.traces[0].victim
    twin = Party(key=victim.key, profile=victim.profile, group=victim.group)
    rows = [changed(dataset, co_runners=(*dataset.traces[0].co_runners, twin)), dataset.traces[1]]
    assert table_of(dataset, rows)["own_co_runners"].tolist() == [1, 0]


def test_a_profile_that_was_still_being_made_when_the_window_began_is_younger(dataset: TraceDataset) -> None:
    (made,) = {profile.last_seen for profile in dataset.profiles}
    moment = round(made.timestamp()) * 10**9
    rows = [changed(dataset, place, window_start_ns=moment + late) for place, late in enumerate((-(10**9), 0, 10**9))]
    assert table_of(dataset, rows)["profile_is_younger"].tolist() == [True, False, False]


def test_time_since_the_previous_window_is_told_per_node_domain_and_campaign(dataset: TraceDataset) -> None:
    twin = dataset.traces[-1].victim

    def at(windows_later: float, **changes: Any) -> LabelledTrace:
        start = round((10 + windows_later) * WINDOW_NS)
        return changed(dataset, node="node-0", window_start_ns=start, **changes)

    rows = [
        at(0),
        at(0, victim=twin),
        at(0, domain="socket1"),
        at(0, campaign="another"),
        at(3),
        at(3, victim=twin),
        at(1),
        at(3.5),
    ]
    since = table_of(dataset, rows)["seconds_since_previous_window"].tolist()
    assert all(math.isnan(value) for value in since[:4])
    assert since[4:] == [10.0, 10.0, 0.0, -5.0]


def test_a_window_within_a_longer_one_is_not_forgotten_by_the_next(dataset: TraceDataset) -> None:
    rows = [
        changed(dataset, node="node-0", window_start_ns=10 * WINDOW_NS, window_length_ns=5 * WINDOW_NS),
        changed(dataset, node="node-0", window_start_ns=11 * WINDOW_NS),
        changed(dataset, node="node-0", window_start_ns=13 * WINDOW_NS),
    ]
    assert table_of(dataset, rows)["seconds_since_previous_window"].tolist()[1:] == [-40.0, -20.0]


@pytest.mark.parametrize(
    ("injected", "pressed", "provenance", "against"),
    [
        ([(Axis.LLC, 1.0)], [Axis.LLC], Provenance.INJECTED, ""),
        ([(Axis.LLC, 0.7)], [Axis.LLC], Provenance.INJECTED, ""),
        ([(Axis.LLC, 0.7)], [], Provenance.INJECTED, ""),
        ([(Axis.LLC, 1.0)], [], Provenance.INJECTED, "llc"),
        ([(Axis.LLC, 1.0)], [Axis.LLC, Axis.UPI], Provenance.INJECTED, "upi"),
        ([(Axis.LLC, 1.0)], [Axis.UPI], Provenance.INJECTED, "llc+upi"),
        ([(Axis.LLC, 1.0)], [Axis.UPI], Provenance.OPERATOR, ""),
        ([], [Axis.UPI], Provenance.RULE, ""),
    ],
)
def test_axes_are_told_whose_label_says_other_than_the_stressors(
    dataset: TraceDataset,
    injected: list[tuple[Axis, float]],
    pressed: list[Axis],
    provenance: Provenance,
    against: str,
) -> None:
    ran = tuple(Injection(axis=axis, intensity=intensity) for axis, intensity in injected)
    row = changed(dataset, injected=ran, pressed=tuple(pressed), provenance=provenance)
    assert table_of(dataset, [row])["axes_against_stressors"].tolist() == [against]


@pytest.mark.parametrize(
    ("stressor", "provenance", "fits"),
    [
        (True, Provenance.INJECTED, True),
        (False, Provenance.RULE, True),
        (True, Provenance.OPERATOR, True),
        (False, Provenance.OPERATOR, True),
        (True, Provenance.RULE, False),
        (False, Provenance.INJECTED, False),
    ],
)
def test_a_provenance_fits_where_its_stressor_ran(
    dataset: TraceDataset, stressor: bool, provenance: Provenance, fits: bool
) -> None:
    ran = (Injection(axis=Axis.LLC, intensity=1.0),) if stressor else ()
    table = table_of(dataset, [changed(dataset, injected=ran, provenance=provenance)])
    assert table["provenance_fits_stressors"].tolist() == [fits]


def test_a_campaign_is_blind_to_an_axis_only_where_none_of_its_rows_has_a_feature_of_it(dataset: TraceDataset) -> None:
    smt = [Axis.SMT in spec.axes for spec in FEATURE_SCHEMA_V1.features]
    blind = tuple(None if hidden else value for hidden, value in zip(smt, dataset.traces[0].during, strict=True))
    rows = [
        changed(dataset, 0, during=blind, campaign="one"),
        changed(dataset, 1, during=blind, campaign="one"),
        changed(dataset, 2, during=blind, campaign="two"),
        changed(dataset, 3, campaign="two"),
    ]
    table = table_of(dataset, rows)
    assert table["during.axes_without_features"].tolist() == ["smt", "smt", "", ""]
    assert set(table["before.axes_without_features"]) == {""}


def test_a_campaign_without_counters_is_blind_to_all_axes(dataset: TraceDataset) -> None:
    table = table_of(dataset, [changed(dataset, during=(None,) * len(FEATURE_SCHEMA_V1))])
    assert table["during.axes_without_features"].tolist() == ["+".join(AXES)]
