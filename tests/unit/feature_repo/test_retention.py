import logging
from datetime import date

import pyarrow.dataset as ds
import pytest

from feature_repo.history import latest_vectors
from feature_repo.housekeeping import Housekeeping
from feature_repo.ingest import Ingest
from feature_repo.retention import delete_old
from feature_repo.rows import from_rows
from feature_repo.store import Store
from tests.unit.feature_repo.vectors import DAY_START_NS, vector
from tests.unit.live_server import eventually

DAY_SECONDS = 86_400
DAY_NS = DAY_SECONDS * 1_000_000_000


def test_whole_days_are_deleted_and_the_rest_stays(store: Store) -> None:
    Ingest(store).accept([vector(day * DAY_SECONDS + 50_000) for day in range(4)])
    now_ns = DAY_START_NS + 4 * DAY_NS - 1
    assert delete_old(store, keep_days=3, now_ns=now_ns) == ()
    assert delete_old(store, keep_days=1, now_ns=now_ns) == (date(2026, 3, 1), date(2026, 3, 2))
    left = from_rows(ds.dataset(store.history, format="parquet").to_table())
    assert set(left) == {vector(day * DAY_SECONDS + 50_000) for day in (2, 3)}
    assert delete_old(store, keep_days=0, now_ns=now_ns) == (date(2026, 3, 3),)
    assert latest_vectors(store, [("node-a", "socket0")]) == (vector(3 * DAY_SECONDS + 50_000),)
    assert list(store.incoming.iterdir()) == []


def test_a_late_vector_of_a_deleted_day_is_taken_and_deleted_the_next_time(store: Store) -> None:
    Ingest(store).accept([vector(0)])
    assert delete_old(store, keep_days=1, now_ns=DAY_START_NS + 4 * DAY_NS) == (date(2026, 3, 1),)
    assert Ingest(store).accept([vector(0)]).written == 1
    assert delete_old(store, keep_days=1, now_ns=DAY_START_NS + 4 * DAY_NS) == (date(2026, 3, 1),)


def test_housekeeping_deletes_where_it_is_told_to_and_merges(store: Store) -> None:
    for start in (0, 10, 20):
        Ingest(store).accept([vector(start)])
    heard: list[int] = []
    keeping = Housekeeping(store, keep_days=None, told=lambda pass_: heard.append(pass_.merged), interval_seconds=0.01)
    with keeping.running():
        eventually(lambda: heard[:1] == [3])
    with Housekeeping(store, keep_days=0, told=lambda _: None, interval_seconds=0.01).running():
        eventually(lambda: not list(store.history.glob("date=*")))


def test_housekeeping_says_once_what_is_wrong_and_goes_on(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    Ingest(store).accept([vector(0)])
    Ingest(store).accept([vector(10)])
    caplog.set_level(logging.INFO, logger="leeward.ingest")
    in_the_way = store.directory / ".housekeeping"
    in_the_way.mkdir()
    heard: list[int] = []
    keeping = Housekeeping(store, keep_days=None, told=lambda pass_: heard.append(pass_.merged), interval_seconds=0.01)
    with keeping.running():
        eventually(lambda: caplog.messages == ["housekeeping-failing"])
        in_the_way.rmdir()
        eventually(lambda: heard[:1] == [2])
    assert caplog.messages == ["housekeeping-failing", "housekeeping-works-again"]
