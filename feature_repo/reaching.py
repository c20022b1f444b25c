"""Servers that can't be reached: what their clients raise, as one error of this room."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from feature_repo.errors import StoreUnreachableError


@contextmanager
def reaching_servers() -> Iterator[None]:
    """Held around what Feast does with Redis and Postgres.

    Raises:
        StoreUnreachableError: one of them can't be reached, or takes nothing now.
    """
    try:
        yield
    except RedisError as error:
        raise StoreUnreachableError(f"Redis can't be used: {_in_one_line(error)}") from error
    except (psycopg.OperationalError, SQLAlchemyError) as error:
        raise StoreUnreachableError(f"Postgres can't be used: {_in_one_line(error)}") from error


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
