"""The feature views, made from ``contracts/``: vectors, what is derived from them, profiles, labels."""

from datetime import timedelta
from typing import NamedTuple

import pyarrow as pa
from feast import FeatureView, Field, OnDemandFeatureView
from feast.data_source import DataSource
from feast.feature_view import DUMMY_ENTITY_FIELD
from feast.transformation.pandas_transformation import PandasTransformation
from feast.types import Bool, Float32, Float64, Int64, PrimitiveFeastType, String

from contracts.features import FEATURE_SCHEMA_V1, FeatureSpec
from contracts.regime import MINIMUM_PRESENT_FEATURES
from feature_repo.document_columns import D
from feature_repo.documents import LABELS, PROFILES, DocumentView
from feature_repo.entities import Entities
from feature_repo.names import (
    CONTRACT_TAG,
    DIGEST_TAG,
    LABEL_MAXIMUM_AGE,
    MAXIMUM_AGE,
    OWNER,
    PRESENCE_NAME,
    PROFILE_MAXIMUM_AGE,
    VIEW_NAME,
)
from feature_repo.presence import PRESENCE_SOURCE, presence, presence_fields
from feature_repo.sources import Sources

_FEAST_TYPES: dict[pa.DataType, PrimitiveFeastType] = {
    pa.string(): String,
    pa.bool_(): Bool,
    pa.int64(): Int64,
    pa.float32(): Float32,
    pa.float64(): Float64,
}


class Views(NamedTuple):
    """All views."""

    vectors: FeatureView
    presence: OnDemandFeatureView
    profiles: FeatureView
    labels: FeatureView


def views(entities: Entities, sources: Sources) -> Views:
    """All views, over the given sources."""
    vectors = _vectors(entities, sources.pushed_vectors)
    return Views(
        vectors=vectors,
        presence=_presence(vectors),
        profiles=_documents(
            PROFILES,
            entities,
            source=sources.pushed_profiles,
            ttl=PROFILE_MAXIMUM_AGE,
            online=True,
            description="What is known of a workload before it is placed; holds until more is known",
        ),
        labels=_documents(
            LABELS,
            entities,
            source=sources.labels,
            ttl=LABEL_MAXIMUM_AGE,
            online=False,
            description="What a victim went through during one window: for training, and never online",
        ),
    )


def _vectors(entities: Entities, source: DataSource) -> FeatureView:
    return FeatureView(
        name=VIEW_NAME,
        entities=[entities.node, entities.domain],
        ttl=MAXIMUM_AGE,
        source=source,
        schema=[
            Field(name="node", dtype=String),
            Field(name="domain", dtype=String),
            *(_field(spec) for spec in FEATURE_SCHEMA_V1.features),
            Field(name="window_start_ns", dtype=Int64, description="UTC nanoseconds since 1970"),
            Field(name="window_length_ns", dtype=Int64, description="nanoseconds"),
            Field(name=DIGEST_TAG, dtype=String, description="SHA-256 of the schema that the row is of"),
        ],
        tags={DIGEST_TAG: FEATURE_SCHEMA_V1.digest},
        description=f"Feature vector v{FEATURE_SCHEMA_V1.version}: one a contention domain and window; null is missing",
        owner=OWNER,
    )


def _field(spec: FeatureSpec) -> Field:
    return Field(
        name=spec.name,
        dtype=Float32,
        description=spec.formula,
        tags={
            "unit": spec.unit,
            "range": f"[{spec.minimum:g}, {spec.maximum:g}]",
            "axes": ", ".join(axis.value for axis in spec.axes),
        },
    )


def _presence(vectors: FeatureView) -> OnDemandFeatureView:
    view = OnDemandFeatureView(
        name=PRESENCE_NAME,
        sources=[vectors],
        schema=presence_fields(),
        feature_transformation=PandasTransformation(presence, PRESENCE_SOURCE),
        tags={DIGEST_TAG: FEATURE_SCHEMA_V1.digest},
        description=(
            "How many features of the vector have a value, in all and for each axis that they reveal; `judged` says "
            f"whether they are {MINIMUM_PRESENT_FEATURES} or more: with fewer, no regime is judged"
        ),
        owner=OWNER,
    )
    view.entity_columns = [DUMMY_ENTITY_FIELD]  # as `apply` registers it, so that the two compare
    return view


def _documents(
    documents: DocumentView[D],
    entities: Entities,
    *,
    source: DataSource,
    ttl: timedelta,
    online: bool,
    description: str,
) -> FeatureView:
    described = {column.name: column.description for column in documents.columns.columns}
    return FeatureView(
        name=documents.name,
        entities=[entity for entity in entities if entity.name in documents.join_keys],
        ttl=ttl,
        source=source,
        schema=[
            *(Field(name=name, dtype=String) for name in documents.join_keys),
            *(
                Field(name=field.name, dtype=_FEAST_TYPES[field.type], description=described.get(field.name, ""))
                for field in documents.feature_schema
            ),
        ],
        online=online,
        tags={CONTRACT_TAG: documents.contract},
        description=description,
        owner=OWNER,
    )
