"""What Feast is told: entities, sources, the view of feature vector v1 and its service, made from ``contracts/``."""

from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from feast import Entity, FeatureService, FeatureView, Field, FileSource, Project, PushSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import Float32, Int64, String

from contracts.features import FEATURE_SCHEMA_V1, FeatureSpec

PROJECT_NAME = "leeward"
VIEW_NAME = f"vector_v{FEATURE_SCHEMA_V1.version}"
PUSH_SOURCE_NAME = f"{VIEW_NAME}_push"
DIGEST_TAG = "feature_schema"

MAXIMUM_AGE = timedelta(seconds=300)
"""A join leaves out a vector whose window ended longer ago: a node agent silent for as long counts as stale."""


class Definitions(NamedTuple):
    """All objects of one repository, in the order in which Feast can apply them."""

    project: Project
    node: Entity
    domain: Entity
    history: FileSource
    push: PushSource
    view: FeatureView
    service: FeatureService


def definitions(history: Path) -> Definitions:
    """The repository whose Parquet partitions lie under ``history``.

    Args:
        history: an absolute path; Feast's duckdb store resolves a relative one against the process's directory.
    """
    project = Project(name=PROJECT_NAME, description="Hardware telemetry of contention domains")
    node = Entity(name="node", join_keys=["node"], value_type=ValueType.STRING, description="Kubernetes node's name")
    domain = Entity(
        name="domain",
        join_keys=["domain"],
        value_type=ValueType.STRING,
        description="Contention domain within the node: a socket, or a sub-NUMA cluster",
    )
    partitions = FileSource(
        name=f"{VIEW_NAME}_history",
        path=str(history / "**" / "*.parquet"),
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="window_start",
        description="Partitions by hour, written by ingest alone; an event is known when its window has ended",
    )
    push = PushSource(name=PUSH_SOURCE_NAME, batch_source=partitions, description="Online only; ingest pushes here")
    view = FeatureView(
        name=VIEW_NAME,
        entities=[node, domain],
        ttl=MAXIMUM_AGE,
        source=push,
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
    )
    service = FeatureService(
        name=VIEW_NAME,
        features=[view],
        tags={DIGEST_TAG: FEATURE_SCHEMA_V1.digest},
        description="The whole vector, as every model reads it",
    )
    return Definitions(project, node, domain, partitions, push, view, service)


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
