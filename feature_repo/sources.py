"""Where rows come from: Parquet partitions or tables for history, push sources for what goes online."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from feast import FileSource, PushSource
from feast.data_format import ParquetFormat
from feast.data_source import DataSource

from feature_repo.documents import EVENT_COLUMN
from feature_repo.names import LABEL_NAME, OWNER, PROFILE_NAME, PROFILE_PUSH_SOURCE_NAME, PUSH_SOURCE_NAME, VIEW_NAME

TIE_COLUMN = "window_start"

BatchSource = Callable[[str, str], DataSource]
"""Makes the batch source of a view's name, with the column that breaks ties (empty for none)."""


class Sources(NamedTuple):
    """All sources."""

    vectors: DataSource
    profiles: DataSource
    labels: DataSource
    pushed_vectors: PushSource
    pushed_profiles: PushSource


def file_sources(directory: Path) -> Sources:
    """Partitions under ``directory``.

    Args:
        directory: an absolute path; Feast's duckdb store resolves a relative one against the process's directory.
    """

    def partitions(view: str, tie_column: str) -> DataSource:
        return FileSource(
            name=f"{view}_history",
            path=str(partitions_of(view, directory) / "**" / "*.parquet"),
            file_format=ParquetFormat(),
            timestamp_field=EVENT_COLUMN,
            created_timestamp_column=tie_column,
            description="Parquet partitions, each file written once",
            owner=OWNER,
        )

    return _sources(partitions)


def partitions_of(view: str, directory: Path) -> Path:
    """Where a view's Parquet partitions lie."""
    return directory / ("history" if view == VIEW_NAME else view)


def table_sources() -> Sources:
    """Tables in the Postgres database that is the offline store, each called as its view."""
    from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import (  # noqa: PLC0415
        PostgreSQLSource,
    )

    def table(view: str, tie_column: str) -> DataSource:
        return PostgreSQLSource(
            name=f"{view}_history",
            table=view,
            timestamp_field=EVENT_COLUMN,
            created_timestamp_column=tie_column,
            description="A table whose rows are added and never changed",
            owner=OWNER,
        )

    return _sources(table)


def _sources(batch: BatchSource) -> Sources:
    vectors, profiles = batch(VIEW_NAME, TIE_COLUMN), batch(PROFILE_NAME, "")
    return Sources(
        vectors=vectors,
        profiles=profiles,
        labels=batch(LABEL_NAME, ""),
        pushed_vectors=_pushed(PUSH_SOURCE_NAME, vectors, "ingest"),
        pushed_profiles=_pushed(PROFILE_PUSH_SOURCE_NAME, profiles, "write_profiles"),
    )


def _pushed(name: str, batch: DataSource, writer: str) -> PushSource:
    return PushSource(name=name, batch_source=batch, description=f"Online only; {writer} pushes here", owner=OWNER)
