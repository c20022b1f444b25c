"""The file of what a workload has shown: as it is written so it is read, and nothing else is."""

import json
import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.profile import Tier
from serving.observed_bound import MOST_KEPT
from serving.observed_workload import ObservedWorkload, bundle_prefix
from tests.unit.serving.small_bundle import DATA, NOW


def observed(**changes: Any) -> ObservedWorkload:
    fields = {
        "bundle": DATA,
        "key": "upf",
        "tier": Tier.PROBED,
        "scores": (0.25, None, -0.5),
        "first_window": NOW,
        "last_window": NOW + timedelta(seconds=20),
    }
    return ObservedWorkload.model_validate(fields | changes)


@given(
    st.lists(st.none() | st.floats(-5, 5), min_size=1, max_size=20),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=128),
)
def test_what_is_written_is_read(scores: list[float | None], key: str) -> None:
    written = observed(scores=tuple(scores), key=key)
    assert ObservedWorkload.from_json(written.to_json()) == written
    assert "/" not in written.name


def test_a_starved_window_is_one_that_no_margin_covers() -> None:
    assert observed().own_scores == (0.25, math.inf, -0.5)


def test_bundles_and_workloads_have_files_of_their_own() -> None:
    found = [observed(), observed(key="amf"), observed(bundle="sha256:" + "2" * 64)]
    assert len({each.name for each in found}) == 3
    assert found[0].name.startswith(bundle_prefix(DATA))


@pytest.mark.parametrize(
    "changes",
    [{"version": 2}, {"scores": []}, {"scores": [0.0] * (MOST_KEPT + 1)}, {"scores": ["0.1"]}, {"more": 1}],
    ids=["another version", "no window", "too many windows", "a number in quotes", "an unknown key"],
)
def test_anything_else_is_refused(changes: dict[str, Any]) -> None:
    content = json.dumps(json.loads(observed().to_json()) | changes)
    with pytest.raises(ContractError, match="ObservedWorkload is refused"):
        ObservedWorkload.from_json(content)


def test_a_torn_file_is_refused() -> None:
    with pytest.raises(ContractError, match="ObservedWorkload is refused"):
        ObservedWorkload.from_json(observed().to_json()[:-9])
