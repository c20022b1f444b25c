"""A day's partitions put online by Feast's own ``materialize``, as after a loss of the online store."""

import io
import time
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from feature_repo.names import VIEW_NAME
from feature_repo.partitions import HOUR_NS
from feature_repo.store import Store
from feature_repo.vector_history import append_rows
from tests.bench.fabricated_rows import START_NS, blocks

DAY = timedelta(days=1)
HOURS = 24
_WINDOWS_AN_HOUR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Materialised:
    """What one run took.

    Attributes:
        rows: of history that were gone through.
        domains: whose latest row went online.
        seconds: in all.
    """

    rows: int
    domains: int
    seconds: float


def materialised(store: Store, *, domains: int) -> Materialised:
    """Write a day of so many domains into an empty store's history, and time its way online.

    Args:
        domains: an even number, two a node.
    """
    rows = 0
    for table in _day(domains):
        append_rows(store, table)
        rows += table.num_rows
    begins = datetime.fromtimestamp(START_NS // 1_000_000_000, tz=UTC)
    _materialise(store, begins - DAY, begins)  # nothing is there: whatever is done once is done
    began = time.perf_counter()
    _materialise(store, begins, begins + DAY)
    return Materialised(rows=rows, domains=domains, seconds=time.perf_counter() - began)


def _materialise(store: Store, begins: datetime, ends: datetime) -> None:
    """Feast's own, without what it prints."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
        store.feast.materialize(begins, ends, [VIEW_NAME])


def _day(domains: int) -> Iterator[pa.Table]:
    """An hour after the other, some windows each."""
    windows = _WINDOWS_AN_HOUR - 1  # and one before them
    columns = [block.vectors() for block in blocks(domains * windows, windows=windows)]
    for hour in range(HOURS):
        for each in columns:
            yield replace(each, starts_ns=[start + hour * HOUR_NS for start in each.starts_ns]).rows()
