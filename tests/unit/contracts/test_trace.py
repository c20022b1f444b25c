import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.axis import Axis
from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.slowdown import IndicatorKind
from contracts.trace import LARGEST_NS, Injection, LabelledTrace, Party, Provenance
from tests.contract.strategies import traces

WIDTH = len(FEATURE_SCHEMA_V1)
PROFILE = "sha256:" + "1" * 64


def party(key: str, group: str = "g") -> Party:
    return Party(key=key, profile=PROFILE, group=group)


def trace(**changes: Any) -> LabelledTrace:
    settings: dict[str, Any] = {
        "node": "n1",
        "domain": "socket0",
        "window_start_ns": 10**18,
        "window_length_ns": 10**10,
        "before": (0.25,) * WIDTH,
        "during": (0.5,) * WIDTH,
        "victim": party("upf", "upfs"),
        "co_runners": (party("noise", "stressors"),),
        "latest_arrival": "noise",
        "victim_arrived_last": False,
        "injected": (Injection(axis=Axis.LLC, intensity=0.8),),
        "indicator": IndicatorKind.THROUGHPUT,
        "alone": 10.0,
        "together": 8.0,
        "slowdown": 1.25,
        "pressed": (Axis.LLC,),
        "provenance": Provenance.INJECTED,
        "campaign": "c1",
        "simulated": True,
    }
    return LabelledTrace(**{**settings, **changes})


@given(traces())
def test_json_gives_back_the_row(row: LabelledTrace) -> None:
    assert LabelledTrace.from_json(row.to_json()) == row


@given(traces(), st.data())
def test_every_torn_row_is_refused(row: LabelledTrace, data: st.DataObject) -> None:
    content = row.to_json()
    with pytest.raises(ContractError, match="LabelledTrace is refused: document: Invalid JSON"):
        LabelledTrace.from_json(content[: data.draw(st.integers(0, len(content) - 1))])


def test_both_vectors_are_float32_with_nan_for_missing() -> None:
    row = trace(before=(None, *(0.25,) * (WIDTH - 1)))
    assert row.before_values.dtype == row.during_values.dtype == np.float32
    assert np.isnan(row.before_values[0])
    assert row.during_values[0] == 0.5


def test_a_row_is_held_out_with_any_of_its_parties() -> None:
    assert trace().groups == {"upfs", "stressors"}


def test_a_starved_victim_is_kept_and_marked() -> None:
    row = trace(together=0.0, slowdown=10.0, censored=True)
    assert row.censored


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another schema": ({"feature_schema": "sha256:" + "0" * 64}, "trace row of upf on n1/socket0 at 10{18}: feature"),
    "a vector too short": ({"before": (0.5,)}, "at least 31 items"),
    "a value out of range": ({"during": (1.5,) * WIDTH}, "l3_miss_ratio is 1.5"),
    "an arrival that is nobody": ({"latest_arrival": "ghost"}, "ghost is not among the co-runners"),
    "a victim that came last and did not": ({"victim_arrived_last": True}, "noise is not the victim"),
    "a slowdown that is not its indicator's": ({"slowdown": 1.3}, r"slowdown is 1.3 .*, its indicator says 1.25"),
    "a starved victim unmarked": ({"together": 0.0, "slowdown": 10.0}, r"\(censored False\), its indicator says 10.0"),
    "a victim marked in vain": ({"censored": True}, r"\(censored True\), its indicator says 1.25"),
    "better in company": ({"together": 20.0, "slowdown": 0.95}, "were not measured at the same offered load"),
    "axes out of order": ({"pressed": (Axis.UPI, Axis.LLC)}, "once and in the contract's order"),
    "an axis twice": ({"pressed": (Axis.LLC, Axis.LLC)}, "once and in the contract's order"),
    "no measurement alone": ({"alone": 0.0}, "greater than 0"),
    "an infinite indicator": ({"alone": math.inf}, "finite"),
    "a window before 1970": ({"window_start_ns": -1}, "greater than or equal to 0"),
    "a window beyond int64": ({"window_start_ns": LARGEST_NS + 1}, "less than or equal to"),
    "a window of no length": ({"window_length_ns": 0}, "greater than 0"),
    "an unknown provenance": ({"provenance": "guess"}, "provenance"),
    "a profile without digest": ({"victim": {"key": "a", "profile": "b", "group": "c"}}, "profile"),
    "an intensity above one": ({"injected": ({"axis": "llc", "intensity": 1.5},)}, "less than or equal to 1"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_breaks_the_contract_is_refused(kind: str) -> None:
    changes, message = REFUSED[kind]
    with pytest.raises(ValidationError, match=message):
        trace(**changes)
