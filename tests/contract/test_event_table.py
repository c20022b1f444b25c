"""The contract's events against what the agent knows of the vendor's."""

import json
import re
from importlib.resources import files

import pytest

from agent.event_table import definition
from contracts.events import CLOCKS, EVENTS, Base, Pmu
from contracts.features import FEATURE_SCHEMA_V1

COUNTABLE = sorted(
    name for name in FEATURE_SCHEMA_V1.events if EVENTS[name].pmu not in {Pmu.NODE, Pmu.RESCTRL, Pmu.MSR}
)
VENDOR_FILES = ("sapphirerapids_core", "sapphirerapids_uncore", "sapphirerapids_uncore_experimental")
TICKING = re.compile(r"cycle|clock|stall|occupancy|\bslot", re.IGNORECASE)


def descriptions() -> dict[str, str]:
    found = {}
    for name in VENDOR_FILES:
        for event in json.loads((files("agent.data") / f"{name}.json").read_text())["Events"]:
            found[event["EventName"]] = event["BriefDescription"]
    return found


@pytest.mark.parametrize("name", COUNTABLE)
def test_every_countable_event_has_a_definition_on_the_same_pmu(name: str) -> None:
    assert definition(name).name == name
    assert definition(name).pmu is EVENTS[name].pmu


@pytest.mark.parametrize("name", sorted(descriptions().keys() & set(COUNTABLE)))
def test_what_the_vendor_calls_cycles_is_counted_in_clocks(name: str) -> None:
    """Guards the guard: a unit declared wrongly would blind it."""
    description = descriptions()[name]
    if description == name:
        description = name.replace("_", " ")
    says_ticks = TICKING.search(description) is not None
    assert bool(EVENTS[name].unit.clocks & CLOCKS) is says_ticks, description


@pytest.mark.parametrize("name", [name for name in COUNTABLE if "PERF_METRICS" in name or "SLOTS" in name])
def test_top_down_events_are_counted_in_slots(name: str) -> None:
    assert EVENTS[name].unit.clocks == {Base.SLOT}


def test_io_counts_are_requests_of_four_bytes() -> None:
    for name in COUNTABLE:
        if name.startswith("UNC_IIO_DATA_REQ"):
            assert "4 bytes" in descriptions()[name]
            assert dict(EVENTS[name].unit.powers) == {Base.DOUBLE_WORD: 1}


def test_resctrl_events_are_the_kernels_three_files() -> None:
    assert sorted(name for name in FEATURE_SCHEMA_V1.events if EVENTS[name].pmu is Pmu.RESCTRL) == [
        "RESCTRL.LLC_OCCUPANCY_BYTES",
        "RESCTRL.MBM_LOCAL_BYTES",
        "RESCTRL.MBM_TOTAL_BYTES",
    ]
