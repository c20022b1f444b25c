"""What a node can't count, by why it can't."""

import numpy as np
import pytest

from contracts.features import FEATURE_SCHEMA_V1
from eval.testbed.offer import (
    COUNTED_EVENTS,
    ISOLATED_CORES,
    METAL_WITHOUT_UNCORE,
    VIRTUAL_MACHINE,
    WITHOUT_METRICS,
    WITHOUT_RESCTRL,
    EventOffer,
)
from pipelines.event_groups import EVENT_GROUPS, lost_with

NAMES = np.array(FEATURE_SCHEMA_V1.names)


@pytest.mark.parametrize(
    ("group", "offer"),
    [
        ("uncore", METAL_WITHOUT_UNCORE),
        ("core", ISOLATED_CORES),
        ("resctrl", WITHOUT_RESCTRL),
        ("metrics", WITHOUT_METRICS),
        ("virtual-machine", VIRTUAL_MACHINE),
    ],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_a_group_is_what_such_a_node_of_the_testbed_lacks(group: str, offer: EventOffer) -> None:
    assert EVENT_GROUPS[group] & COUNTED_EVENTS == COUNTED_EVENTS - offer.events


def test_a_feature_with_a_fallback_outlives_its_first_formula() -> None:
    assert "dram_utilisation" not in NAMES[lost_with(EVENT_GROUPS["uncore"])]
    assert "dram_utilisation" in NAMES[lost_with(EVENT_GROUPS["virtual-machine"])]
    assert "memory_bound_share" not in NAMES[lost_with(EVENT_GROUPS["metrics"])]
    assert NAMES[lost_with(EVENT_GROUPS["resctrl"])].tolist() == ["llc_occupancy_share"]


def test_without_lost_events_nothing_is_lost() -> None:
    assert not lost_with(frozenset()).any()
