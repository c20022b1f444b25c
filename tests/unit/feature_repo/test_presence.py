from datetime import UTC, datetime

import numpy as np
import pandas as pd
from feast.transformation.udf_rehydrate import rehydrate_udf_from_source
from hypothesis import given
from hypothesis import strategies as st

from contracts.axis import AXES
from contracts.features import FEATURE_SCHEMA_V1
from contracts.regime import MINIMUM_PRESENT_FEATURES
from feature_repo.ingest import Ingest
from feature_repo.names import REGIME_SERVICE_NAME
from feature_repo.presence import PRESENCE_SOURCE, presence, presence_fields
from feature_repo.reads import reading_history
from feature_repo.store import Store
from tests.unit.feature_repo.vectors import random_values, vector

_COUNT = len(FEATURE_SCHEMA_V1)


def _frame(present: list[list[bool]]) -> pd.DataFrame:
    values = np.where(np.array(present).reshape(-1, _COUNT), np.float32(0), np.float32(np.nan))
    return pd.DataFrame(values, columns=list(FEATURE_SCHEMA_V1.names))


@given(st.lists(st.lists(st.booleans(), min_size=_COUNT, max_size=_COUNT), min_size=1, max_size=5))
def test_counts_are_those_of_the_features_that_have_a_value(present: list[list[bool]]) -> None:
    counted = presence(_frame(present))
    assert counted["present_features"].tolist() == [sum(row) for row in present]
    assert counted["judged"].tolist() == [sum(row) >= MINIMUM_PRESENT_FEATURES for row in present]
    for axis in AXES:
        revealing = [axis in spec.axes for spec in FEATURE_SCHEMA_V1.features]
        expected = [sum(there for there, reveals in zip(row, revealing, strict=True) if reveals) for row in present]
        assert counted[f"present_{axis.value}_features"].tolist() == expected


def test_the_columns_are_the_declared_ones() -> None:
    assert list(presence(_frame([[True] * _COUNT]))) == [field.name for field in presence_fields()]


def test_what_the_registry_keeps_makes_the_same_function() -> None:
    assert rehydrate_udf_from_source(PRESENCE_SOURCE, preferred_name="presence") is presence


def test_feast_derives_it_online_and_in_history(either_store: Store) -> None:
    one = vector(node="presence")
    Ingest(either_store).accept([one])
    service = either_store.feast.get_feature_service(REGIME_SERVICE_NAME)
    key = {"node": one.node, "domain": one.domain}
    online = either_store.feast.get_online_features(features=service, entity_rows=[key]).to_dict()
    assert (online["present_features"], online["judged"]) == ([one.present_count], [True])
    asked = pd.DataFrame({**key, "event_timestamp": [datetime.fromtimestamp(one.window_end_ns / 1e9, tz=UTC)]})
    with reading_history(either_store):
        joined = either_store.feast.get_historical_features(entity_df=asked, features=service).to_df()
    assert joined["present_features"].tolist() == [np.count_nonzero(~np.isnan(random_values(one.window_start_ns)))]
