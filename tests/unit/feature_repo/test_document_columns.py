import pyarrow as pa
import pytest
from hypothesis import given

from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import WorkloadProfile
from contracts.trace import LabelledTrace, Party
from feature_repo.documents import LABELS, PROFILES
from tests.contract.strategies import profiles, traces
from tests.unit.feature_repo.documents import label, profile


@given(profiles())
def test_a_profile_comes_back(one: WorkloadProfile) -> None:
    rows = PROFILES.rows([one])
    assert PROFILES.columns.restore(rows.to_pylist()) == (one,)
    assert rows.column("profile_digest").to_pylist() == [one.digest]
    assert rows.column("event_timestamp").to_pylist() == [one.last_seen]


@given(traces())
def test_a_label_comes_back_and_is_known_when_its_window_has_ended(one: LabelledTrace) -> None:
    rows = LABELS.rows([one])
    assert LABELS.columns.restore(rows.to_pylist()) == (one,)
    known_us = rows.column("event_timestamp").cast(pa.int64())[0].as_py()
    assert 0 <= known_us * 1000 - (one.window_start_ns + one.window_length_ns) < 1000


def test_each_field_of_the_contract_has_a_column() -> None:
    held = {column.path[0] for column in PROFILES.columns.columns}
    assert held == WorkloadProfile.model_fields.keys()
    assert {column.path[0] for column in LABELS.columns.columns} == LabelledTrace.model_fields.keys()
    parts = [column.path[1] for column in LABELS.columns.columns if column.path[0] == "victim"]
    assert parts == list(Party.model_fields)


def test_numbers_stay_numbers_and_features_say_which_they_are() -> None:
    types = {column.name: column.type for column in LABELS.columns.columns}
    assert types["label_slowdown"] == pa.float64()
    assert types["label_censored"] == pa.bool_()
    assert types["label_window_start_ns"] == pa.int64()
    assert [types[f"label_during_{name}"] for name in FEATURE_SCHEMA_V1.names] == [pa.float32()] * 31
    first = next(column for column in PROFILES.columns.columns if column.feature == 0)
    assert FEATURE_SCHEMA_V1.features[0].formula in first.description


def test_join_keys_are_called_as_their_entities() -> None:
    row = LABELS.rows([label("upf")]).to_pylist()[0]
    assert (row["node"], row["domain"], row["workload"]) == ("node-a", "socket0", "upf")
    assert PROFILES.rows([profile("amf")]).to_pylist()[0]["workload"] == "amf"


def test_a_row_that_breaks_the_contract_is_refused() -> None:
    row = PROFILES.rows([profile("upf")]).to_pylist()[0] | {"profile_tier": "rumoured"}
    with pytest.raises(ContractError, match="a row is no WorkloadProfile: tier: Input should be"):
        PROFILES.columns.restore([row])
