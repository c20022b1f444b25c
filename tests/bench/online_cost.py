"""How long vectors take to get online, and back: p50 and p99 of single calls, on each store, by this project's paths.

Beside them Feast's plain calls, in the same run. ``feature_store_cost`` prints them.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

import numpy as np
from feast.data_source import PushMode

from feature_repo.definitions import SETTINGS_FILE
from feature_repo.history import latest_vectors
from feature_repo.names import PUSH_SOURCE_NAME, VIEW_NAME
from feature_repo.online import ages_online, push_online
from feature_repo.settings import SETTINGS, Profile
from feature_repo.store import Store, open_store
from feature_repo.vector_columns import Domain, VectorColumns
from tests.bench.fabricated_rows import DOMAINS, block_of
from tests.unit.feature_repo.servers import running_servers

PUSHED = (1, 20)
"""Vectors in a push."""
READ = (1, 20, 100)
"""Nodes in a read, one domain each."""
_OWN, _FEASTS = "feature_repo.one_row.OneRowOnlineStore", "sqlite"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Of one call, milliseconds."""

    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        return f"{self.p50_ms:.1f} / {self.p99_ms:.1f}"


Measured = dict[tuple[str, int], Latency]
"""By what is called, and with how many vectors or nodes."""


def latency(call: Callable[[T], object], subjects: Sequence[T]) -> Latency:
    """Of a call with one subject after the other; the first one, which opens things, is left out."""
    call(subjects[0])
    seconds = []
    for subject in subjects[1:]:
        began = time.perf_counter()
        call(subject)
        seconds.append(time.perf_counter() - began)
    p50, p99 = np.percentile(seconds, [50, 99])
    return Latency(p50_ms=float(p50) * 1e3, p99_ms=float(p99) * 1e3)


def online_latencies(store: Store, *, rounds: int) -> Measured:
    """Pushes, then reads of what was pushed, each so often and once before, on an empty store."""
    columns = _columns(2 * len(PUSHED) * (rounds + 1))
    return _pushes(store, columns, rounds) | _reads(store, columns[-1], rounds)


def _columns(windows: int) -> list[VectorColumns]:
    """The vectors of a hundred nodes' first domains, window by window."""
    nodes = [f"node-{place:05d}" for place in range(READ[-1])]
    vectors = block_of(nodes, windows=windows - 1, random=np.random.default_rng(1)).vectors()
    each = len(DOMAINS) * windows
    return [vectors.take(range(window, len(vectors), each)) for window in range(windows)]


def _pushes(store: Store, columns: Sequence[VectorColumns], rounds: int) -> Measured:
    measured: Measured = {}
    remaining = iter(columns)
    for count in PUSHED:
        tables = [next(remaining).take(range(count)).rows() for _ in range(rounds + 1)]
        measured["push_online", count] = latency(partial(push_online, store), tables)
        frames = [next(remaining).take(range(count)).rows().to_pandas() for _ in range(rounds + 1)]
        plainly = partial(store.feast.push, PUSH_SOURCE_NAME, to=PushMode.ONLINE)
        measured["FeatureStore.push", count] = latency(plainly, frames)
    return measured


def _reads(store: Store, latest: VectorColumns, rounds: int) -> Measured:
    measured: Measured = {}
    push_online(store, latest.rows())
    service = store.feast.get_feature_service(VIEW_NAME)

    def plainly(domains: Sequence[Domain]) -> object:
        asked = [{"node": node, "domain": domain} for node, domain in domains]
        return store.feast.get_online_features(features=service, entity_rows=asked).to_dict()

    for count in READ:
        domains = [latest.node_domains()[:count]] * (rounds + 1)
        measured["latest_vectors", count] = latency(partial(latest_vectors, store), domains)
        measured["ages_online", count] = latency(partial(ages_online, store), domains)
        measured["get_online_features", count] = latency(plainly, domains)
    return measured


@contextmanager
def feature_stores(directory: Path) -> Iterator[Mapping[str, Store]]:
    """An empty store of each kind, by name; Postgres and Redis run as long."""
    theirs = directory / "theirs" / "features" / SETTINGS_FILE
    theirs.parent.mkdir(parents=True)
    theirs.write_text(SETTINGS[Profile.LOCAL].replace(_OWN, _FEASTS))
    with running_servers() as environment, patch.dict(os.environ, environment):
        yield {
            "sqlite": open_store(directory / "own"),
            "sqlite as Feast has it": open_store(directory / "theirs"),
            "Redis": open_store(directory / "cluster", profile=Profile.CLUSTER),
        }
