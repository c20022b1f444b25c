"""History as tables in Postgres, on the cluster profile: rows are added, never changed, and deleted when they are old.

Feast 0.67 reads such tables and has no way to write them: its Postgres store lacks ``offline_write_batch``, and a push
to it fails. So rows are inserted here, all of a batch in one transaction; one whose key is there already is left out,
whichever replica wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
from psycopg import sql

from feature_repo.document_columns import D
from feature_repo.documents import EVENT_COLUMN, DocumentView
from feature_repo.errors import StoreUnreachableError
from feature_repo.names import VIEW_NAME
from feature_repo.rows import to_rows
from feature_repo.settings import CONNECTION_PATIENCE

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
STATEMENT_SECONDS = 10
"""For a statement on rows, and for a turn to come."""
TURN_SECONDS = 120
"""For what is done between two statements: a process that holds a turn and hangs loses it."""

_ROWS_A_STATEMENT = 4096
_LIMITS = f"-c statement_timeout={STATEMENT_SECONDS}s -c idle_in_transaction_session_timeout={TURN_SECONDS}s"
_SESSION = (
    "-c timezone=UTC -c synchronous_commit=on"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=5"
)
"""A commit is on disk, whatever database or role have been told; who has vanished loses his turn within ten seconds."""
_UNUSABLE = (psycopg.OperationalError, psycopg.InternalError, psycopg.errors.InsufficientPrivilege)
"""What a server raises that is away, ends, waits, is read-only, or lets the role do nothing."""

Key = tuple[Any, ...]


class Turn(IntEnum):
    """What one replica does at a time. The numbers are any that nobody else in the database locks."""

    DEFINING = 0x1EE3A2D
    WRITING = 0x1EE3A2E


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
    def exclusive(self, turn: Turn) -> Iterator[None]:
        """One at a time over all replicas; the turn is free when its holder is gone.

        Raises:
            StoreUnreachableError: the database is not to be reached, or others have been writing for too long.
        """
        with self._connected(limits=_LIMITS if turn is Turn.WRITING else "") as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (int(turn),))
            yield

    def create(self, relation: Relation) -> None:
        """Make the table where it is not there, and an index by time: joins and deletions look for times."""
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_TYPES[field.type]))
            for field in relation.schema
        ]
        primary = sql.SQL("PRIMARY KEY ({})").format(_identifiers(relation.key))
        table, index = sql.Identifier(relation.name), sql.Identifier(f"{relation.name}_by_time")
        with self._connected(limits="") as connection:
            connection.execute(
                sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(table, sql.SQL(", ").join([*columns, primary]))
            )
            connection.execute(
                sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(index, table, sql.Identifier(EVENT_COLUMN))
            )

    def append(self, relation: Relation, rows: pa.Table) -> int:
        """Add rows whose key is not there yet; on disk when this returns.

        Returns:
            How many were added.

        Raises:
            StoreUnreachableError: nothing was added; adding the same rows again is safe.
        """
        insertion = sql.SQL("INSERT INTO {} ({}) SELECT * FROM UNNEST({}) ON CONFLICT DO NOTHING").format(
            sql.Identifier(relation.name),
            _identifiers(relation.schema.names),
            sql.SQL(", ").join(sql.SQL("%b::{}[]").format(sql.SQL(_TYPES[field.type])) for field in relation.schema),
        )
        added = 0
        with self._connected() as connection:
            for first in range(0, len(rows), _ROWS_A_STATEMENT):
                some = rows.slice(first, _ROWS_A_STATEMENT)
                columns = [some.column(name).to_pylist() for name in relation.schema.names]
                added += connection.execute(insertion, columns).rowcount
        return added

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

    def latest(self, relation: Relation) -> dict[str, int]:
        """When the latest row of each value of the key's first column is of, in UTC microseconds since 1970.

        Takes as many look-ups in the key's index as there are values, however long their histories are (PostgreSQL
        wiki, "Loose indexscan").

        Raises:
            StoreUnreachableError: the database can't be read.
        """
        last = sql.SQL("(SELECT {key}, {time} FROM {table} {where} ORDER BY {key} DESC, {time} DESC LIMIT 1)")
        names = {
            "key": sql.Identifier(relation.key[0]),
            "time": sql.Identifier(EVENT_COLUMN),
            "table": sql.Identifier(relation.name),
        }
        earlier = sql.SQL("WHERE {key} < latest.{key}").format(**names)
        query = sql.SQL(
            "WITH RECURSIVE latest AS ({first} UNION ALL SELECT earlier.* FROM latest, LATERAL {before} AS earlier)"
            " SELECT {key}, (EXTRACT(EPOCH FROM {time}) * 1000000)::bigint FROM latest"
        ).format(first=last.format(where=sql.SQL(""), **names), before=last.format(where=earlier, **names), **names)
        with self._connected() as connection:
            return dict(connection.execute(query).fetchall())

    def delete_before(self, relation: Relation, before: datetime, *, most_rows: int) -> frozenset[date]:
        """Delete some of the rows whose time is earlier, the oldest ones; those that another replica deletes are left.

        Args:
            most_rows: at a time, so that no transaction holds up others for long.

        Returns:
            The days, by UTC, that they were of; none where no such row is left.

        Raises:
            StoreUnreachableError: nothing was deleted.
        """
        deletion = sql.SQL(
            "WITH gone AS (DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {time} < %s"
            " ORDER BY {time} LIMIT %s FOR UPDATE SKIP LOCKED)) RETURNING {time}::date AS day)"
            " SELECT DISTINCT day FROM gone"
        ).format(table=sql.Identifier(relation.name), time=sql.Identifier(EVENT_COLUMN))
        with self._connected() as connection:
            return frozenset(day for (day,) in connection.execute(deletion, (before, most_rows)))

    @contextmanager
    def _connected(self, *, limits: str = _LIMITS) -> Iterator[psycopg.Connection[Key]]:
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
                options=f"-c search_path={config.db_schema} {_SESSION} {limits}",
                **CONNECTION_PATIENCE,
            ) as connection:
                yield connection
        except _UNUSABLE as error:
            raise StoreUnreachableError(
                f"Postgres at {config.host} port {config.port}, database {config.database}, can't be used as "
                f"{config.user}: {' '.join(str(error).split())}"
            ) from error


def _identifiers(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
