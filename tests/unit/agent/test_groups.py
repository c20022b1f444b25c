import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.event_table import SLOTS, definition
from agent.sources.groups import GENERAL_COUNTERS, fits, formula_events, plan_groups
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1

COUNTED = (Pmu.CORE, Pmu.CHA, Pmu.IMC, Pmu.UPI, Pmu.IIO)


def events_of(pmu: Pmu) -> list[str]:
    return sorted(name for name in FEATURE_SCHEMA_V1.events if EVENTS[name].pmu is pmu)


CORE = events_of(Pmu.CORE)


@pytest.mark.parametrize("pmu", COUNTED)
def test_every_formula_has_its_events_in_one_group_on_real_hardware(pmu: Pmu) -> None:
    groups = plan_groups([definition(name) for name in events_of(pmu)], counters=GENERAL_COUNTERS[pmu])
    for formula in formula_events():
        own = {name for name in formula if EVENTS[name].pmu is pmu}
        assert not own or any(own <= set(group) for group in groups), sorted(own)


def test_a_core_runs_six_groups_at_most() -> None:
    assert len(plan_groups([definition(name) for name in CORE], counters=8)) <= 6


@given(names=st.sets(st.sampled_from(CORE)), counters=st.integers(1, 8))
def test_plans_are_whole_and_fit(names: set[str], counters: int) -> None:
    groups = plan_groups([definition(name) for name in sorted(names)], counters=counters)
    planned = [name for group in groups for name in group]
    assert sorted(planned) == sorted(names)
    for group in groups:
        definitions = [definition(name) for name in group]
        general = [event for event in definitions if not event.is_fixed]
        restricted = [event for event in general if max(event.counters) <= 3]
        assert len(general) <= counters
        assert len(restricted) <= min(4, counters)
        assert fits(definitions, counters=counters)
        if SLOTS in names and any(event.is_metric for event in definitions):
            assert group[0] == SLOTS


@given(names=st.permutations(CORE))
def test_the_plan_does_not_hang_on_the_order_of_events(names: list[str]) -> None:
    in_order = plan_groups([definition(name) for name in CORE], counters=8)
    assert plan_groups([definition(name) for name in names], counters=8) == in_order


def test_two_events_of_counter_zero_never_share_a_group() -> None:
    only_zero = definition("UNC_CHA_TOR_OCCUPANCY.IA_MISS_DRD")
    assert only_zero.counters == {0}
    assert not fits([only_zero, only_zero], counters=4)


def test_an_event_moves_over_for_a_choosier_one() -> None:
    free = [definition(f"UNC_CHA_TOR_INSERTS.{name}") for name in ("IA", "IO", "IA_MISS")]
    assert fits([*free, definition("UNC_CHA_TOR_OCCUPANCY.IA_MISS_DRD")], counters=4)
