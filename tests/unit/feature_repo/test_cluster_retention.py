"""Old rows are deleted from a real Postgres, little by little, beside senders and other replicas."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.vector import FeatureVector
from feature_repo.history import latest_vectors
from feature_repo.housekeeping import Housekeeping
from feature_repo.ingest import Ingest
from feature_repo.relation import VECTOR_RELATION, Database
from feature_repo.retention import delete_old
from feature_repo.settings import Profile
from feature_repo.store import Store, open_store
from feature_repo.vector_history import known_windows
from tests.unit.feature_repo.servers import free_port, own_database
from tests.unit.feature_repo.vectors import DAY_START_NS, SECOND_NS, WITHOUT_SHRINKING, vector
from tests.unit.live_server import eventually

DAY_SECONDS = 86_400
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)

_NODES = (f"node-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def store(servers: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with own_database(servers, "retention"):
        yield open_store(tmp_path_factory.mktemp("state"), profile=Profile.CLUSTER)


@pytest.fixture(scope="module")
def database(store: Store) -> Database:
    assert store.database is not None
    return store.database


def noon(day: int) -> int:
    """After so many days."""
    return DAY_START_NS + (day * DAY_SECONDS + DAY_SECONDS // 2) * SECOND_NS


def left(store: Store, vectors: Sequence[FeatureVector]) -> list[FeatureVector]:
    found = known_windows(store, [(one.node, one.domain, one.window_start_ns) for one in vectors])
    return [one for one in vectors if (one.node, one.domain, one.window_start_ns) in found]


def test_whole_days_are_deleted_and_what_is_online_stays(store: Store) -> None:
    node = next(_NODES)
    vectors = [vector(day * DAY_SECONDS + 50_000, node=node) for day in range(4)]
    Ingest(store).accept(vectors)
    assert delete_old(store, keep_days=3, now_ns=noon(3)) == ()
    assert delete_old(store, keep_days=1, now_ns=noon(3)) == (date(2026, 3, 1), date(2026, 3, 2))
    assert left(store, vectors) == vectors[2:]
    assert delete_old(store, keep_days=0, now_ns=noon(9)) == (date(2026, 3, 3), date(2026, 3, 4))
    assert latest_vectors(store, [(node, "socket0")]) == (vectors[3],)


def test_a_late_vector_of_a_deleted_day_is_taken_and_deleted_the_next_time(store: Store) -> None:
    late = vector(node=next(_NODES))
    for _ in range(2):
        assert Ingest(store).accept([late]).written == 1
        assert delete_old(store, keep_days=1, now_ns=noon(4)) == (date(2026, 3, 1),)


@settings(max_examples=12, phases=WITHOUT_SHRINKING, deadline=None)
@given(
    windows=st.sets(st.tuples(st.integers(0, 4 * 24), st.integers(1, 30)), min_size=1, max_size=12),
    kept_from=st.integers(0, 5),
    most_rows=st.integers(1, 5),
)
def test_some_rows_at_a_time_are_deleted_until_all_are_left_that_end_later(
    database: Database, store: Store, windows: set[tuple[int, int]], kept_from: int, most_rows: int
) -> None:
    node = next(_NODES)
    vectors = [
        vector(hour * 3600, node=node, domain=f"for{hours}", length_ns=hours * 3600 * SECOND_NS)
        for hour, hours in sorted(windows)
    ]
    Ingest(store).accept(vectors)
    before, remaining = FIRST_DAY + timedelta(days=kept_from), len(vectors)
    days: set[date] = set()
    while some := database.delete_before(VECTOR_RELATION, before, most_rows=most_rows):
        days |= some
        assert 0 < remaining - len(left(store, vectors)) <= most_rows
        remaining = len(left(store, vectors))
    ends = {one: datetime.fromtimestamp(one.window_end_ns // SECOND_NS, tz=UTC) for one in vectors}
    assert left(store, vectors) == [one for one in vectors if ends[one] >= before]
    assert days == {end.date() for end in ends.values() if end < before}
    delete_old(store, keep_days=0, now_ns=noon(99))


def test_replicas_that_delete_at_once_do_not_wait_for_each_other_or_fail(store: Store) -> None:
    node = next(_NODES)
    vectors = [vector(start, node=node) for start in range(0, 20_000, 10)]
    Ingest(store).accept(vectors)
    with ThreadPoolExecutor(3) as pool:
        deletions = [pool.submit(delete_old, store, keep_days=0, now_ns=noon(1)) for _ in range(3)]
    assert {day for deletion in deletions for day in deletion.result()} == {date(2026, 3, 1)}
    assert left(store, vectors) == []


def test_it_ends_between_two_deletions_where_it_is_told_to(store: Store) -> None:
    old = vector(node=next(_NODES))
    Ingest(store).accept([old])
    assert delete_old(store, keep_days=0, now_ns=noon(1), stop=lambda: True) == ()
    assert left(store, [old]) == [old]
    delete_old(store, keep_days=0, now_ns=noon(1))


def test_housekeeping_deletes_and_while_postgres_is_away_says_so_once(
    store: Store, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="leeward.ingest")
    old = vector(node=next(_NODES))
    Ingest(store).accept([old])
    away = replace(store, database=Database(database.config.model_copy(update={"port": free_port()})))
    with Housekeeping(away, keep_days=0, told=lambda _: None, interval_seconds=0.01).running():
        eventually(lambda: caplog.messages == ["housekeeping-failing"])
    assert "can't be used as feast" in vars(caplog.records[0])["fields"]["reason"]
    assert left(store, [old]) == [old]
    heard: list[int] = []
    keeping = Housekeeping(store, keep_days=0, told=lambda each: heard.append(each.merged), interval_seconds=0.01)
    with keeping.running():
        eventually(lambda: heard[:1] == [0])
    assert caplog.messages == ["housekeeping-failing", "history-deleted"]
    assert left(store, [old]) == []


def test_deletions_and_joins_find_times_by_an_index(database: Database) -> None:
    with database._connected() as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            f"EXPLAIN DELETE FROM {VECTOR_RELATION.name} WHERE event_timestamp < now() - interval '1 day'".encode()
        ).fetchall()
    assert "vector_v1_by_time" in str(plan)
