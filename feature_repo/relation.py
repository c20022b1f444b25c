"""History as tables in Postgres, on the cluster profile: rows are added and never changed.

Feast 0.67 reads such tables and has no way to write them: its Postgres store lacks ``offline_write_batch``, and a push
to it fails. So rows are copied into a temporary table and inserted from there, all of a batch in one transaction; one
whose key is there already is left out, whichever replica wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
from psycopg import sql

from feature_repo.document_columns import D
from feature_repo.documents import DocumentView
from feature_repo.errors import StoreUnreachableError
from feature_repo.names import VIEW_NAME
from feature_repo.rows import to_rows
from feature_repo.settings import PATIENCE_SECONDS

if TYPE_CHECKING:
    from feast.infra.offline_stores.contrib.postgres_offline_store.postgres import PostgreSQLOfflineStoreConfig

_TYPES: Mapping[pa.DataType, str] = {
    pa.string(): "text",
    pa.bool_(): "boolean",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.timestamp("us", tz="UTC"): "timestamptz",
}
_LOCK = 0x1EE3A2D
"""Held while definitions and tables are made; any number will do that nobody else in the database uses."""

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One table of history.

    Attributes:
        name: as the view that reads it.
        schema: its columns.
        key: in which no two rows are alike; none of them is null.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]


def relation_of(view: DocumentView[D]) -> Relation:
    """A view's table."""
    return Relation(name=view.name, schema=view.rows([]).schema, key=view.key)


VECTOR_RELATION = Relation(name=VIEW_NAME, schema=to_rows([]).schema, key=("node", "domain", "window_start_ns"))
"""What makes two vectors the same one is what it is in partitions, too: node, domain, and the window's start."""


@dataclass(frozen=True, slots=True)
class Database:
    """The database that is Feast's offline store."""

    config: PostgreSQLOfflineStoreConfig

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One at a time over all replicas; the lock is free when its holder is gone.

        Raises:
            StoreUnreachableError: the database is not to be reached.
        """
        with self._connected() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            yield

    def create(self, relation: Relation) -> None:
        """Make the table where it is not there."""
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_TYPES[field.type]))
            for field in relation.schema
        ]
        primary = sql.SQL("PRIMARY KEY ({})").format(_identifiers(relation.key))
        with self._connected() as connection:
            connection.execute(
                sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(
                    sql.Identifier(relation.name), sql.SQL(", ").join([*columns, primary])
                )
            )

    def append(self, relation: Relation, rows: pa.Table) -> int:
        """Add rows whose key is not there yet; on disk when this returns.

        Returns:
            How many were added.

        Raises:
            StoreUnreachableError: nothing was added; adding the same rows again is safe.
        """
        target, draft = sql.Identifier(relation.name), sql.Identifier(f"{relation.name}_draft")
        columns = _identifiers(relation.schema.names)
        with self._connected() as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP").format(draft, target))
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(draft, columns)) as copy:
                for row in zip(*(rows.column(name).to_pylist() for name in relation.schema.names), strict=True):
                    copy.write_row(row)
            cursor.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING").format(
                    target, columns, columns, draft
                )
            )
            return cursor.rowcount

    def known(self, relation: Relation, keys: Iterable[Key], *, columns: Sequence[str] = ()) -> dict[Key, Key]:
        """Which keys are there, each with what its row has in ``columns``."""
        with self._connected() as connection, connection.cursor() as cursor:
            wanted = sql.SQL("({}) IN (SELECT * FROM UNNEST({}))").format(
                _identifiers(relation.key),
                sql.SQL(", ").join(
                    sql.SQL("%s::{}[]").format(sql.SQL(_TYPES[relation.schema.field(name).type]))
                    for name in relation.key
                ),
            )
            cursor.execute(
                sql.SQL("SELECT {} FROM {} WHERE {}").format(
                    _identifiers([*relation.key, *columns]), sql.Identifier(relation.name), wanted
                ),
                [list(values) for values in zip(*keys, strict=True)] or [[] for _ in relation.key],
            )
            width = len(relation.key)
            return {row[:width]: row[width:] for row in cursor}

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Key]]:
        """A connection whose transaction is committed at the end, and undone where something raises."""
        config = self.config
        try:
            with psycopg.connect(
                host=config.host,
                port=config.port,
                dbname=config.database,
                user=config.user,
                password=config.password,
                sslmode=config.sslmode,
                sslcert=config.sslcert_path,
                sslkey=config.sslkey_path,
                sslrootcert=config.sslrootcert_path,
                connect_timeout=PATIENCE_SECONDS,
                options=f"-c search_path={config.db_schema} -c timezone=UTC",
            ) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise StoreUnreachableError(
                f"Postgres at {config.host} port {config.port}, database {config.database}, can't be used as "
                f"{config.user}: {' '.join(str(error).split())}"
            ) from error


def _identifiers(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
