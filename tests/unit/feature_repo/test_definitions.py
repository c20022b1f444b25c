from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from feast import FileSource

from contracts.features import FEATURE_SCHEMA_V1
from contracts.profile import PROFILE_DIGEST_V1
from contracts.regime import REGIME_DIGEST_V1
from contracts.trace import TRACE_DIGEST_V1
from feature_repo.definitions import Definitions, definitions
from feature_repo.documents import LABELS, PROFILES
from feature_repo.names import MAXIMUM_AGE, OWNER
from feature_repo.rows import READ_SCHEMA
from feature_repo.sources import file_sources, table_sources


@pytest.fixture(params=["partitions", "tables"])
def defined(request: pytest.FixtureRequest) -> Definitions:
    return definitions(table_sources() if request.param == "tables" else file_sources(Path("/state/features")))


def test_everything_is_owned_and_described(defined: Definitions) -> None:
    assert {each.owner for each in defined if each.owner != OWNER} == set()
    assert [each.name for each in defined if not each.description] == []


def test_each_view_and_service_says_which_contract_it_is_of(defined: Definitions) -> None:
    schema = {"feature_schema": FEATURE_SCHEMA_V1.digest}
    tags = {view.name: view.tags for view in defined.views}
    assert tags["vector_v1"] == tags["presence_v1"] == schema
    assert tags["profile_v1"] == {"contract": PROFILE_DIGEST_V1}
    assert tags["label_v1"] == {"contract": TRACE_DIGEST_V1}
    assert defined.services.regime.tags == schema | {"contract": REGIME_DIGEST_V1}
    assert defined.services.interference.tags == schema | {"contract": PROFILE_DIGEST_V1}


def test_the_vectors_view_has_the_contracts_features_with_unit_range_and_axes(defined: Definitions) -> None:
    view = defined.views.vectors
    names = [field.name for field in view.features]
    assert names == [*FEATURE_SCHEMA_V1.names, "window_start_ns", "window_length_ns", "feature_schema"]
    assert [entity.name for entity in view.entity_columns] == ["node", "domain"]
    for field, spec in zip(view.features, FEATURE_SCHEMA_V1.features, strict=False):
        assert field.description == spec.formula
        assert field.tags["unit"] == spec.unit
        assert field.tags["axes"] == ", ".join(axis.value for axis in spec.axes)
    assert set(READ_SCHEMA.names) == {*names, "node", "domain"}


def test_profiles_and_labels_have_the_contracts_fields(defined: Definitions) -> None:
    for documents, view in ((PROFILES, defined.views.profiles), (LABELS, defined.views.labels)):
        assert [field.name for field in view.features] == documents.feature_schema.names
        assert [column.name for column in view.entity_columns] == list(documents.join_keys)


def test_a_view_says_for_how_long_its_rows_hold(defined: Definitions) -> None:
    assert defined.views.vectors.ttl == defined.views.labels.ttl == MAXIMUM_AGE
    assert defined.views.profiles.ttl == timedelta(0)  # Feast's word for: until a newer one


def test_labels_never_go_online(defined: Definitions) -> None:
    assert [view.name for view in (defined.views.vectors, defined.views.profiles) if not view.online] == []
    assert not defined.views.labels.online


def test_no_two_views_that_are_read_together_share_a_column(defined: Definitions) -> None:
    views = (defined.views.vectors, defined.views.presence, defined.views.profiles, defined.views.labels)
    names = [field.name for view in views for field in view.features]
    assert len(names) == len(set(names))


def test_sources_read_what_is_written() -> None:
    sources = file_sources(Path("/state/features"))
    assert [source.path for source in sources if isinstance(source, FileSource)] == [
        f"/state/features/{directory}/**/*.parquet" for directory in ("history", "profile_v1", "label_v1")
    ]
    assert [source.name for source in table_sources()] == [source.name for source in sources]
    for documents in (PROFILES, LABELS):
        assert documents.rows([]).schema.field("event_timestamp").type == pa.timestamp("us", tz="UTC")
